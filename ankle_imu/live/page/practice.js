// The page of a routine. It says what the coach says; the coach is in the terminal, and this page only asks it.
import { $, Link, clock, make } from "/link.js";
import { Sound, Voice } from "/voice.js";

const HOLD_MS = 2000, OLD_MS = 1500;
const SOURCES = { joint: "foot against shank", foot: "foot, shank assumed still", shank: "tilt of the shank" };
const ICONS = { ok: "✓", off: "!", unseen: "○" };
const TONES = { go: 660, hold: 880, back: 550, still: 880, swing: 660 };

const view = { hello: null, scene: null, at: 0, state: null, gauge: null, cues: [], summary: null, ended: null };
const angle = { now: null, far: null, at: -Infinity, step: 0 };
const live = (window.ankleImuPractice = { view, spoken: [] });
const voice = new Voice($("voice")), sound = new Sound($("beep"));

const link = new Link({
  receive: (message) => {
    const act = {
      hello: () => { view.hello = message; greet(); },
      scene: () => takeScene(message),
      gauge: () => { view.gauge = message; showGauge(); },
      a: () => takeAngles(message),
      cues: () => { view.cues = message.cues; showCues(); },
      state: () => { view.state = message; showSensors(); },
      summary: () => { view.summary = message; showSummary(); },
      trouble: () => notice(message.text),
      end: () => { view.ended = message; link.over = true; close(); },
    }[message.k];
    if (act) act();
    showBar();
  },
  changed: () => showBar(),
  answered: (word, why) => { if (why) notice(`Not done: ${why}.`); },
});

const name = (placement) => placement.replace("_", " ").replace(/^./, (c) => c.toUpperCase());
const put = (id, text) => { if ($(id).textContent !== text) $(id).textContent = text; };  // read aloud only when it changes
const degrees = (v) => (v === null || v === undefined ? "–" : `${v < -0.5 ? "−" : ""}${Math.abs(Math.round(v))}°`);

function greet() {
  const { stop_at, sees } = view.hello;
  put("sees", sees);
  put("pain-rule", `${stop_at} or more ends the routine; what was done is kept.`);
  [...$("pain").children].forEach((button, n) => {
    button.classList.toggle("ends", n >= stop_at);
    button.setAttribute("aria-label", `Pain ${n}${n >= stop_at ? ", ends the routine" : ""}`);
  });
}

function takeScene(scene) {
  const before = view.scene;
  view.scene = scene; view.at = performance.now(); link.isCalm = scene.over;
  if (angle.step !== scene.step) {
    Object.assign(angle, { now: null, far: null, step: scene.step });
    if (before && document.activeElement !== $("note-text")) scrollTo({ top: 0 });  // what comes next is to be read
  }
  if (before && scene.n > before.n) { voice.say(scene.said); if (voice.isOn) live.spoken.push(scene.said); }
  if (before && (scene.phase !== before.phase || scene.rep !== before.rep) && TONES[scene.phase]) sound.beep(TONES[scene.phase]);
  else if (before && scene.n > before.n && /^\d$/.test(scene.said)) sound.beep(440, 0.06);
  showScene();
  showCues();
}

function showScene() {
  const scene = view.scene;
  $("now").dataset.over = scene.over;
  $("now").dataset.phase = $("dial").dataset.phase = scene.phase;
  put("where", scene.over ? "" : `${scene.step} of ${scene.of}`);
  put("title", scene.over ? "Practice" : scene.title);
  put("head", scene.over ? (scene.stopped ? "ENDED" : "DONE") : scene.head);
  put("reps", scene.rep && scene.reps > 1 ? `${scene.rep} of ${scene.reps}` : "");
  put("prompt", scene.n ? scene.prompt : "The first prompt comes in a moment.");
  const beside = !scene.paused && scene.said !== scene.prompt && !/^\d+$/.test(scene.said) && scene.phase === "place" && !scene.said.startsWith(scene.title);
  put("aside", beside ? scene.said : "");
  put("next", scene.next ? `Next: ${scene.next}` : scene.over ? "" : "This is the last one.");
  put("pause", scene.paused ? "Go on" : "Pause");
  $("stop").disabled = scene.over;
  for (const part of $("more").querySelectorAll("#note button, #note input")) part.disabled = scene.over;
  $("do").hidden = $("stop").hidden = scene.over;
  const told = scene.pains.at(-1);
  [...$("pain").children].forEach((button, n) => { button.disabled = scene.over; button.classList.toggle("told", n === told); });
  if (scene.over) for (const id of ["gauge", "cues", "pain-card", "more", "sensors", "reps"]) $(id).hidden = true;
  if (scene.over && !view.summary) showSummary();
  tick();
}

/** Seconds count on here between what the coach tells. */
function tick() {
  const scene = view.scene;
  if (!scene) return;
  const since = link.linked ? scene.rate * (performance.now() - view.at) / 1000 : 0;
  const left = Math.max(0, scene.left - since), share = scene.lasts > 0 ? Math.min(1, left / scene.lasts) : 0;
  put("seconds", scene.over ? (scene.stopped ? "■" : "✓") : scene.lasts > 0 ? String(Math.ceil(left)) : "–");
  document.querySelector("#dial .rest").style.strokeDashoffset = String(100 * (1 - share));
  put("bar-time", scene.over ? "" : `${clock(Math.max(0, scene.whole - since))} left`);
}

// Angle
function reach() {
  const { today, earlier } = view.gauge;
  const most = Math.max(20, ...[today, earlier].flatMap((ends) => ends ?? []).filter((v) => v !== null && v !== undefined), angle.far ?? 0);
  return Math.ceil((most + 4) / 10) * 10;
}

const at = (v, high) => `${100 * Math.max(0, Math.min(1, (v + 10) / (high + 10)))}%`;

function span(id, from, to, high) {
  const isKnown = from !== null && to !== null && to > from;
  $(id).hidden = !isKnown;
  if (isKnown) { $(id).style.left = at(from, high); $(id).style.right = `calc(100% - ${at(to, high)})`; }
}

function showGauge() {
  const gauge = view.gauge;
  $("gauge").hidden = !gauge.what || Boolean(view.scene?.over);
  if (!gauge.what) return;
  const what = gauge.what === "lunge" ? "Knee past the toes" : gauge.what.replace(/^./, (c) => c.toUpperCase());
  put("gauge-name", gauge.why ? what : `${what}: ${SOURCES[gauge.source]}`);
  put("gauge-why", gauge.why);
  $("scale").hidden = $("gauge-value").hidden = Boolean(gauge.why);
  if (gauge.why) { put("gauge-words", ""); return; }
  const own = gauge.today ?? gauge.earlier, high = reach();
  span("own-active", own ? 0 : null, own?.[0] ?? null, high);
  span("own-assisted", own ? Math.max(0, own[0] ?? 0) : null, own?.[1] ?? null, high);
  $("hold-from").hidden = gauge.hold === null;
  if (gauge.hold !== null) $("hold-from").style.left = at(gauge.hold, high);
  const marks = [];
  for (let v = 0; v <= high; v += high > 50 ? 20 : 10) marks.push(v);
  $("ticks").replaceChildren(...marks.map((v) => { const mark = make("span", "", `${v}°`); mark.style.left = at(v, high); return mark; }));
  const part = (ends, when) => ends && `${when} ${[ends[0] !== null && `${ends[0].toFixed(0)}° by yourself`, ends[1] !== null && `${ends[1].toFixed(0)}° with help`].filter(Boolean).join(", ")}`;
  const words = [part(gauge.today, "Today"), part(gauge.earlier, "last time")].filter(Boolean);
  if (gauge.hold !== null) words.push(`a hold counts from ${gauge.hold.toFixed(0)}° on`);
  const text = words.join("; ");
  const none = gauge.ranged ? "Your own range appears here after this exercise" : "Your own range without load is not measured yet";
  put("gauge-words", `${text ? text.replace(/^./, (c) => c.toUpperCase()) : none}. Dotted: the farthest just now.`);
  showAngle();
}

function takeAngles(message) {
  const known = message.v.filter((v) => v !== null);
  angle.now = message.v.at(-1) ?? null; angle.at = performance.now();
  if (!view.scene || view.scene.phase === "place" || view.scene.paused || !known.length) return showAngle();
  const before = view.gauge ? reach() : 0;
  angle.far = Math.max(angle.far ?? -Infinity, ...known);
  if (view.gauge && reach() !== before) showGauge(); else showAngle();
}

function showAngle() {
  if (!view.gauge?.what || view.gauge.why) return;
  const high = reach(), isOld = performance.now() - angle.at > OLD_MS;
  put("gauge-value", isOld ? "–" : degrees(angle.now));
  $("pointer").classList.toggle("gone", isOld);
  $("pointer").hidden = angle.now === null;
  if (angle.now !== null) $("pointer").style.left = at(angle.now, high);
  $("far").hidden = angle.far === null;
  if (angle.far !== null) $("far").style.left = at(angle.far, high);
}

// Cues
function showCues() {
  const isShown = view.cues.length > 0 && !view.scene?.over;
  $("cues").hidden = !isShown;
  if (!isShown) return;
  const drawn = JSON.stringify(view.cues);
  if (showCues.drawn === drawn) return;
  showCues.drawn = drawn;
  $("cue-list").replaceChildren(...view.cues.map((cue) => {
    const item = make("li", `is-${cue.verdict}`), body = make("div");
    body.append(make("b", "", cue.words.replace(/^./, (c) => c.toUpperCase())));
    const off = cue.value_deg === null ? "" : `${Math.abs(cue.value_deg).toFixed(0)}° from the neutral pose`;
    const why = { ok: `as in the neutral pose`, off, unseen: `for your eyes: ${cue.reason}` }[cue.verdict];
    body.append(make("span", "why", why));
    const icon = make("span", "icon", ICONS[cue.verdict]);
    icon.setAttribute("aria-label", { ok: "in line", off: "out of line", unseen: "not seen" }[cue.verdict]);
    icon.setAttribute("role", "img");
    item.append(icon, body);
    return item;
  }));
}

// Sensors
function standing(sensor) {
  if (["stopped", "healing"].includes(sensor.state)) return ["ended", sensor.state === "stopped" ? "stopped" : "fetching the rest"];
  if (sensor.state !== "streaming") return ["gone", sensor.state];
  if (sensor.age !== null && sensor.age > 2) return ["gone", "silent"];
  if (sensor.lost_lately !== null && sensor.lost_lately > 0.05) return ["poor", "losing"];
  return ["good", "good"];
}

function showSensors() {
  $("sensors").replaceChildren(...view.state.sensors.map((sensor) => {
    const [kind, word] = standing(sensor), card = make("div", `sensor ${kind}`), head = make("strong");
    head.append(make("span", "", name(sensor.placement)), make("span", "word", word));
    const battery = sensor.battery === null ? "" : `battery ${(100 * sensor.battery).toFixed(0)} %`;
    card.append(head, make("p", sensor.problem ? "trouble" : "", sensor.problem || battery));
    return card;
  }));
}

// End
function showSummary() {
  const { scene, summary } = view;
  $("summary").hidden = false;
  put("summary-title", scene?.stopped ? "Ended early" : "Done");
  const lines = summary ? summary.lines : ["Measuring what was done."];
  $("summary-lines").replaceChildren(...lines.map((text) => make("li", "", text)));
}

function close() {
  if (view.scene && !view.scene.over) {  // ended in the terminal, by Ctrl-C or a fault: nothing is led any more
    const prompt = `Ended in the terminal.${view.ended.saved ? " What was done is kept." : ""}`;
    Object.assign(view.scene, { over: true, paused: false, phase: "done", left: 0, lasts: 0, whole: 0, next: "", prompt, said: prompt, stopped: "ended in the terminal" });
    view.scene.head = "ENDED";
    showScene();
    if (view.summary) showSummary(); else $("summary").hidden = true;
  }
  for (const node of document.querySelectorAll("#page button, #page input")) node.disabled = true;
  $("do").hidden = $("stop").hidden = true;
  voice.turn(false);
}

function showBar() {
  const { scene, state, ended } = view;
  const set = (state, icon, word, more = "") => {
    $("bar").dataset.state = state;
    for (const [id, text] of [["bar-icon", icon], ["bar-word", word], ["bar-more", more]]) put(id, text);
    $("gauge").classList.toggle("stale", !view.ended && !link.linked);
    $("dial").classList.toggle("waits", !view.ended && (!link.linked || scene?.rate === 0));
    for (const id of ["pause", "skip", "again"]) $(id).disabled = !scene || scene.over || !link.linked;  // too late is not done
  };
  const bad = !scene?.over && state ? state.sensors.filter((one) => !["good", "ended"].includes(standing(one)[0])) : [];
  if (ended?.saved) set("saved", "✓", "SAVED", `as ${ended.saved}`);
  else if (ended) set("attention", "!", "STOPPED", "not known to be saved: look at the terminal");
  else if (!$("door").hidden) set("away", "○", "CODE NEEDED");
  else if (!link.linked) set("attention", "!", "NO CONNECTION", "The terminal leads on. Pain that you press is told once the connection is back.");
  else if (!state || state.phase === "looking") set("looking", "○", "LOOKING FOR SENSORS");
  else if (scene?.over) set("looking", "◔", "MEASURING");
  else if (bad.length) set("attention", "!", "PRACTICE", `${bad.map((one) => name(one.placement)).join(", ")}: ${standing(bad[0])[1]}`);
  else if (scene?.paused) set("setup", "❚❚", "PAUSED");
  else set("recording", "●", "PRACTICE");
}

function notice(text, forMs = 5000) {
  put("undo-what", text);
  $("undo").hidden = false;
  clearTimeout(notice.timer);
  notice.timer = setTimeout(() => { $("undo").hidden = true; }, forMs);
}

// What is pressed
const ask = (what) => { if (view.scene) link.say({ c: "practice", do: what, step: view.scene.step }); };
$("pause").onclick = () => ask(view.scene?.paused ? "resume" : "pause");
$("skip").onclick = () => ask("skip");
$("again").onclick = () => ask("again");
$("pain").append(...Array.from({ length: 11 }, (_, n) => {
  const button = make("button", "", String(n));
  button.onclick = () => {
    link.say({ c: "mark", kind: "pain", value: n });
    if (view.hello && n >= view.hello.stop_at && !link.linked) notice(`Pain ${n}: end here. The recorder is told once the connection is back.`, 60000);
  };
  return button;
}));
$("note").onsubmit = (event) => {
  event.preventDefault();
  const text = $("note-text").value.trim();
  if (text) { link.say({ c: "mark", kind: "note", value: text }); $("note-text").value = ""; }
};

let holding = null;
function hold(event) {
  if (event.type === "keydown" && (![" ", "Enter"].includes(event.key) || event.repeat)) return;
  if (holding || $("stop").disabled) return;
  const began = performance.now();
  holding = setInterval(() => {
    const share = (performance.now() - began) / HOLD_MS;
    $("stop-bar").style.width = `${Math.min(100, 100 * share)}%`;
    if (share >= 1) { release(); $("stop").disabled = true; link.say({ c: "stop" }); }
  }, 50);
}
function release() { clearInterval(holding); holding = null; $("stop-bar").style.width = "0"; }
for (const kind of ["pointerdown", "keydown"]) $("stop").addEventListener(kind, hold);
for (const kind of ["pointerup", "pointerleave", "pointercancel", "keyup", "blur"]) $("stop").addEventListener(kind, release);
$("stop").addEventListener("contextmenu", (event) => event.preventDefault());

setInterval(() => { tick(); showAngle(); if (link.linked) showBar(); }, 100);
link.open();
