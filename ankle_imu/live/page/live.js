// The live page. Whatever comes from the recorder or a person is put in as text, never as markup.
import { Trace, drawGauge, drawStrip } from "/strip.js";

const $ = (id) => document.getElementById(id);
const STEP_NAMES = { put_on: "Put on", taps: "Toe taps", still: "Stand still", walk: "Ten steps" };
const ICONS = { waiting: "○", now: "◔", passed: "✓", failed: "!" };
const SURFACES = ["path", "grass", "forest", "rock", "scree", "snow", "mud", "asphalt"];
const SOURCES = { joint: "ankle inversion", foot: "foot tilt" };
const SILENT_MS = 3500, HOLD_MS = 2000, UNDO_MS = 5000;

const view = { legs: {}, sensors: {}, state: null, setup: null, hello: null, roll: null, ended: null, linked: false, greeted: false, lateness: null };
const live = (window.ankleImuLive = { delays: [], cues: [], frames: 0, firstDrawn: null });
const dirty = { strip: false, stamp: null };

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

const name = (placement) => placement.replace("_", " ").replace(/^./, (c) => c.toUpperCase());
const clock = (s) => {
  const whole = Math.max(0, Math.floor(s)), pad = (n) => String(n).padStart(2, "0");
  const minutes = `${pad(Math.floor(whole / 60) % 60)}:${pad(whole % 60)}`;
  return whole >= 3600 ? `${Math.floor(whole / 3600)}:${minutes}` : minutes;
};
const degrees = (v) => {
  if (v === null || v === undefined) return "–";
  const whole = Math.round(v);
  return `${whole > 0 ? "+" : whole < 0 ? "−" : ""}${Math.abs(whole)}°`;
};
const identity = () => Array.from(crypto.getRandomValues(new Uint8Array(9)), (b) => b.toString(16).padStart(2, "0")).join("");

// Words to the recorder: each has a name of its own and is said again until it is answered. What is to be kept waits
// in the browser's storage too, under the recording it belongs to, so that a reload of the page loses nothing.
const outbox = new Map(), taken = new Map();
const SHELF = "ankle-imu ", SHELVED = ["mark", "undo", "verdict"], DAY_MS = 86_400_000;
let socket = null, heard = 0, wait = 500, resending = [];

function say(word) {
  const id = identity();
  outbox.set(id, { word: { ...word, id }, at: performance.now(), of: view.hello?.recording ?? null });
  shelve(id);
  post(id);
  return id;
}

const shelf = (of, id) => `${SHELF}${of} ${id}`;

function shelve(id, shown = {}) {
  const one = outbox.get(id);
  if (!one || !one.of || view.hello.replay || !SHELVED.includes(one.word.c)) return;
  Object.assign(one, shown);
  const { word, text, clock } = one;
  try { localStorage.setItem(shelf(one.of, id), JSON.stringify({ word, text, clock, pressed: Date.now() - (performance.now() - one.at) })); }
  catch { /* a browser that keeps nothing: the words wait in this page alone */ }
}

function forget(id) {
  const one = outbox.get(id);
  outbox.delete(id);
  if (one?.of) try { localStorage.removeItem(shelf(one.of, id)); } catch { /* nothing was kept */ }
}

// What was pressed in this recording before a reload; what belongs to another one can reach nobody any more.
function unshelve({ recording, replay }) {
  let late = 0;
  for (const [id, one] of [...outbox]) {
    one.of ??= recording;
    if (one.of === recording) shelve(id);
    else { late += one.word.c === "mark"; forget(id); }
  }
  for (const key of replay ? [] : shelved()) {
    const [of, id] = key.slice(SHELF.length).split(" ");
    if (of === recording && outbox.has(id)) continue;
    const one = unpack(key), ago = one ? Math.max(0, Date.now() - one.pressed) : DAY_MS;
    if (of !== recording || ago >= DAY_MS) { late += one?.word.c === "mark"; localStorage.removeItem(key); continue; }
    outbox.set(id, { ...one, of, at: performance.now() - ago });
    if (one.word.c === "mark") showMark(id, one.text, one.clock).classList.add("waits");
  }
  if (late) notice(`${late} of your marks came too late: their recording has ended.`, 15000);
  resending.forEach(clearTimeout);  // a page greeted twice says each word once: the recorder takes five a second
  resending = [...outbox.keys()].map((id, n) => setTimeout(post, n < 15 ? 60 * n : 250 * (n - 11), id));
}

function shelved() {
  try { return Object.keys(localStorage).filter((key) => key.startsWith(SHELF)); } catch { return []; }
}

function unpack(key) {
  try { const one = JSON.parse(localStorage.getItem(key)); return SHELVED.includes(one.word.c) ? one : null; } catch { return null; }
}

function post(id) {
  const one = outbox.get(id);
  if (!one || !view.greeted || one.of !== view.hello.recording || socket?.readyState !== WebSocket.OPEN) return;
  one.isSent = true;
  socket.send(JSON.stringify({ ...one.word, ago: (performance.now() - one.at) / 1000 }));
}

function connect() {
  const mine = (socket = new WebSocket(`ws://${location.host}/socket`));
  mine.onopen = () => { heard = performance.now(); wait = 500; view.linked = true; view.greeted = false; showBar(); };
  mine.onmessage = (event) => { heard = performance.now(); receive(JSON.parse(event.data)); };
  mine.onclose = () => { if (socket === mine) { view.linked = false; showBar(); retry(); } };
}

function retry() {
  if (view.ended) return;
  setTimeout(open, wait);
  wait = Math.min(4000, wait * 1.6);
}

setInterval(() => {
  if (view.linked && performance.now() - heard > SILENT_MS) { const old = socket; socket = null; old.close(); view.linked = false; showBar(); retry(); }
  if (view.linked) showBar();
}, 1000);

async function open() {
  const code = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);  // the code is no longer on show, nor in the history
  const { dataset } = document.documentElement, wasLetIn = dataset.in === "yes";
  delete dataset.in;  // told with the page; asked again when a connection was lost
  if (wasLetIn) { showPage(); return; }
  try {
    const answer = await fetch("/enter", { cache: "no-store" });
    const known = (await answer.json()).in;
    if (known) { showPage(); return; }
    if (code && (await enter(code))) return;
    $("door").hidden = false; $("page").hidden = true; $("code").focus(); showBar();
  } catch { view.linked = false; showBar(); retry(); }
}

function showPage() { $("door").hidden = true; $("page").hidden = false; connect(); }

async function enter(code) {
  const answer = await fetch("/enter", { method: "POST", body: code.replace(/\D/g, "") });
  if (!answer.ok) { $("door-why").textContent = await answer.text(); return false; }
  $("door-why").textContent = "";
  await open();
  return true;
}

function receive(message) {
  const act = {
    hello: () => { view.hello = message; greet(); },
    a: () => takeAngles(message),
    state: () => { view.state = message; view.lateness = Date.now() / 1000 - message.utc; showState(); },
    setup: () => { view.setup = message; showSetup(); showBar(); },
    leg: () => { Object.assign(leg(message.leg), message); showLeg(message.leg); },
    roll: () => { if (!view.roll || message.number >= view.roll.number) { view.roll = message; showRoll(); } },
    mark: () => showMark(message.id, message.text, clock(message.at_s)),
    unmark: () => document.getElementById(`mark-${message.id}`)?.remove(),
    cue: () => sound(),
    trouble: () => notice(message.text),
    end: () => { view.ended = message; showBar(); close(); },
    ok: () => settled(message.id, ""),
    no: () => settled(message.id, message.why),
  }[message.k];
  if (act) act();
}

// After the end nothing can be kept any more, and the page does not pretend otherwise; what waits for a recording that
// goes on is left in the storage.
function close() {
  for (const node of document.querySelectorAll("#page button, #page input")) node.disabled = true;
  const late = [...outbox.values()].filter(({ word }) => word.c === "mark").length;
  if (!view.ended.left) [...outbox.keys()].forEach(forget);
  undoing = null; $("undo").hidden = true;
  const what = view.ended.left ? "wait here until this recording is shown again" : "came too late to be kept";
  if (late) notice(`${late} of your marks ${what}.`, 60000);
}

function settled(id, why) {
  const word = outbox.get(id)?.word;
  forget(id);
  if (why && word?.c === "undo" && taken.has(word.of)) showMark(word.of, ...taken.get(word.of));
  document.getElementById(`mark-${id}`)?.classList.remove("waits");
  if (why) notice(`Not done: ${why}.`);
}

function leg(key) {
  return (view.legs[key] ??= { trace: new Trace(), source: "", steps: 0, band: null, step: null, usual: null, earlier: null, limit: null, onGround: false });
}

function greet() {
  const { legs, placements, replay, attached, roll_deg, roll_dps } = view.hello;
  $("limit").textContent = `(${roll_deg.toFixed(0)}°, ${roll_dps.toFixed(0)}°/s)`;
  $("marks").hidden = $("host").hidden = replay;
  $("stop-word").textContent = replay ? "Hold 2 s to end the replay" : attached ? "Hold 2 s to close this page; the recording goes on" : "Hold 2 s to stop";
  $("gauges").replaceChildren(...legs.map(gaugeCard));
  legs.forEach(leg);
  $("strip-key").replaceChildren(...legs.flatMap((key) => [make("b", key, key === "left" ? "── left" : "╌╌ right"), " "]));
  $("sensors").replaceChildren(...placements.map(sensorCard));
  $("strip-card").hidden = $("roll").hidden = !legs.length;
  dirty.strip = true;
  view.greeted = true;
  unshelve(view.hello);
}

function gaugeCard(key) {
  const card = make("div", `gauge ${key}`);
  const top = make("div", "gauge-top");
  top.append(make("h2", "", name(key)), make("span", "value air", "–"));
  card.append(top, make("canvas"), make("p", "", "Not aligned yet: stand still, tap, then walk a few steps."));
  card.id = `gauge-${key}`;
  card.querySelector("canvas").setAttribute("aria-hidden", "true");
  return card;
}

function sensorCard(placement) {
  const card = make("div", "sensor");
  card.id = `sensor-${placement}`;
  const head = make("strong", "", "");
  head.append(make("span", "", name(placement)), make("span", "word", "…"));
  const motion = make("p", "motion", "motion"), meter = make("meter");
  meter.max = 600; meter.setAttribute("aria-label", "Motion");
  motion.append(meter);
  card.append(head, make("p", "facts", ""), motion);
  return card;
}

function takeAngles(message) {
  for (const [key, part] of Object.entries(message.legs)) {
    const one = leg(key);
    one.trace.add(part.t, part.v, message.dt);
    one.onGround = part.g === 1;
  }
  for (const [placement, dps] of Object.entries(message.m)) {
    const meter = $(`sensor-${placement}`)?.querySelector("meter");
    if (meter) meter.value = dps;
  }
  dirty.strip = true; dirty.stamp = message.w;
}

function frame() {
  if (dirty.strip && view.hello && !$("page").hidden) {
    dirty.strip = false;
    drawStrip($("strip"), Object.fromEntries(view.hello.legs.map((key) => [key, leg(key).trace])));
    for (const key of view.hello.legs) {
      const one = leg(key), card = $(`gauge-${key}`), value = card.querySelector(".value");
      drawGauge(card.querySelector("canvas"), key, one);
      value.textContent = degrees(one.trace.last);
      value.classList.toggle("air", !one.onGround);
    }
    if (dirty.stamp !== null) {
      const now = performance.timeOrigin + performance.now();
      live.firstDrawn ??= performance.now();
      live.delays.push(now - 1000 * dirty.stamp); live.frames += 1;
      if (live.delays.length > 4000) live.delays.splice(0, 2000);
      dirty.stamp = null;
    }
  }
  requestAnimationFrame(frame);
}

function showLeg(key) {
  const one = leg(key), card = $(`gauge-${key}`);
  if (!card) return;
  card.querySelector("h2").textContent = `${name(key)}: ${SOURCES[one.source] || ""}`;
  const parts = [];
  if (one.step !== null) parts.push(`Last step ranged over ${one.step.toFixed(1)}°`);
  if (one.usual !== null) parts.push(`usual in this walk ${one.usual.toFixed(1)}°`);
  if (one.earlier) parts.push(`in your earlier walks ${one.earlier[0].toFixed(1)}–${one.earlier[2].toFixed(1)}°`);
  const band = one.band ? " Shaded: where it mostly is on the ground." : "";
  card.querySelector("p").textContent = (parts.join(" · ") || "Waiting for steps.") + (parts.length ? "." : "") + band;
}

function showState() {
  const { sensors, free_bytes } = view.state;
  for (const sensor of sensors) showSensor(sensor);
  const hours = free_bytes === null ? null : free_bytes / 11e3 / 3600;
  $("disk").textContent = free_bytes === null ? "–" : `${(free_bytes / 1e9).toFixed(1)} GB free${hours < 48 ? `, about ${hours.toFixed(0)} h of recording` : ""}`;
  const off = Math.abs(view.lateness) > 2 ? `, this device's differs by ${Math.abs(view.lateness).toFixed(0)} s` : ", as this device's";
  $("clock").textContent = new Date(1000 * view.state.utc).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" }) + off;
  showBar();
}

function standing(sensor) {
  if (sensor.state === "stopped" || sensor.state === "healing") return ["ended", sensor.state === "stopped" ? "stopped" : "fetching the rest"];
  if (sensor.state !== "streaming") return ["gone", sensor.state];
  if (sensor.age !== null && sensor.age > 2) return ["gone", "silent"];
  if (sensor.lost_lately !== null && sensor.lost_lately > 0.05) return ["poor", "losing"];
  if (sensor.rate !== null && sensor.nominal && sensor.rate < 0.9 * sensor.nominal) return ["poor", "slow"];
  return ["good", "good"];
}

function showSensor(sensor) {
  const card = $(`sensor-${sensor.placement}`);
  if (!card) return;
  const [kind, word] = standing(sensor);
  card.className = `sensor ${kind}`;
  card.querySelector(".word").textContent = word;
  const facts = [sensor.rate === null ? "no data" : `${sensor.rate.toFixed(0)}${sensor.nominal ? ` of ${sensor.nominal.toFixed(0)}` : ""} Hz`];
  if (sensor.lost_lately !== null) facts.push(`${(100 * sensor.lost_lately).toFixed(sensor.lost_lately < 0.1 ? 1 : 0)} % lost`);
  if (sensor.battery !== null) facts.push(`battery ${(100 * sensor.battery).toFixed(0)} %`);
  const box = card.querySelector(".facts");
  box.classList.toggle("trouble", Boolean(sensor.problem));
  if (sensor.problem) box.textContent = sensor.problem;
  else box.replaceChildren(...facts.map((text) => make("span", "", text)));
}

function showBar() {
  const set = (state, icon, word, more = "") => {
    $("bar").dataset.state = state;
    for (const [id, text] of [["bar-icon", icon], ["bar-word", word], ["bar-more", more]])  // read aloud only when it changes
      if ($(id).textContent !== text) $(id).textContent = text;
    for (const id of ["sensors", "gauges", "strip-card"]) $(id).classList.toggle("stale", !ended && !view.linked);
  };
  const { state, setup, ended, hello } = view;
  $("bar-time").textContent = state ? clock(state.elapsed_s) : "";
  const bad = state ? state.sensors.filter((one) => !["good", "ended"].includes(standing(one)[0])) : [];
  const replay = hello?.replay;
  if (ended?.left) set("away", "○", "PAGE CLOSED", "The recording goes on.");
  else if (ended && replay) set("saved", "✓", "REPLAY OVER");
  else if (ended?.saved) set("saved", "✓", "STOPPED, SAVED", `as ${ended.saved}`);
  else if (ended) set("attention", "!", "STOPPED", "not known to be saved: look at the terminal, then `ankle-imu repair`");
  else if (!$("door").hidden) set("away", "○", "CODE NEEDED");
  else if (!view.linked) set("attention", "!", "NO CONNECTION", replay ? "to the replay" : "What you press is kept and sent later.");
  else if (!state) set("looking", "○", "STARTING");
  else if (state.phase === "ending") set("looking", "◔", "SAVING");
  else if (state.behind) set("looking", "◔", "CATCHING UP", "with the recording, which goes on");
  else if (state.phase === "looking") set("looking", "○", "LOOKING FOR SENSORS");
  else if (bad.length) set("attention", "!", replay ? "REPLAY" : "RECORDING", `${bad.map((one) => name(one.placement)).join(", ")}: ${standing(bad[0])[1]}`);
  else if (setup && setup.problems.length) set("attention", "!", replay ? "REPLAY" : "RECORDING", "set-up found a fault");
  else if (setup && !setup.over) set("setup", "◔", "SET-UP", replay ? "replay" : "and recording");
  else set("recording", "●", replay ? "REPLAY" : "RECORDING");
}

function showSetup() {
  const { steps, over, problems, skipped } = view.setup;
  $("setup").hidden = Boolean(skipped);
  $("setup-skip").hidden = over;
  const done = over && !problems.length && steps.every((step) => step.state === "passed");
  $("setup").classList.toggle("done", done);
  $("setup-title").textContent = done ? `✓ Set-up passed: ${steps.at(-1).words}` : "Set-up";
  $("steps").replaceChildren(...steps.map((step) => {
    const item = make("li", step.state), body = make("div");
    body.append(make("b", "", STEP_NAMES[step.name] || step.name));
    const isProblem = over && step.state === "failed" && problems.length && step.words === problems.join(" ");
    body.append(make("span", "words", isProblem ? "see below" : step.words));
    item.append(make("span", "icon", ICONS[step.state] || ""), body);
    return item;
  }));
  $("problems").replaceChildren(...problems.map((text) => make("li", "", text)));
}

function showRoll() {
  const { leg: side, kind, peak_deg, peak_dps, time_s, source, verdict } = view.roll;
  const what = source === "foot" ? "foot tilted to" : "ankle rolled to";
  $("roll-what").textContent = `${clock(time_s)} ${side} ${what} ${peak_deg.toFixed(0)}° at ${peak_dps.toFixed(0)}°/s${kind === "hard_roll" ? ", hard" : ""}. Was it one?`;
  $("roll-ask").hidden = false;
  choose($("roll-ask"), [...$("roll-ask").children].find((button) => button.dataset.verdict === verdict));
}

function choose(group, one) {
  for (const button of group.children) {
    button.classList.toggle("chosen", button === one);
    button.setAttribute("aria-pressed", String(button === one));
  }
}

// Markers
let undoing = null;

function mark(kind, value, text) {
  const id = say({ c: "mark", kind, value }), at = view.state ? clock(view.state.elapsed_s) : "";
  shelve(id, { text, clock: at });
  showMark(id, text, at);
  if (!view.linked) document.getElementById(`mark-${id}`).classList.add("waits");
  offerUndo(id, text);
}

function showMark(id, text, at) {
  let item = document.getElementById(`mark-${id}`);
  if (!item) {
    item = make("li"); item.id = `mark-${id}`;
    $("said").prepend(item);
    while ($("said").children.length > 6) $("said").lastChild.remove();
  }
  item.replaceChildren(make("time", "", at), make("span", "", text));
  return item;
}

function offerUndo(id, text) {
  undoing = { id, until: performance.now() + UNDO_MS };
  $("undo-what").textContent = `Marked: ${text}`;
  $("undo-do").hidden = false; $("undo").hidden = false;
  tickUndo();
}

function notice(text, forMs = 4000) {
  undoing = { id: null, until: performance.now() + forMs };
  $("undo-what").textContent = text; $("undo-do").hidden = true; $("undo").hidden = false;
  tickUndo();
}

function tickUndo() {
  if (!undoing) return;
  const left = undoing.until - performance.now();
  if (left <= 0) { undoing = null; $("undo").hidden = true; return; }
  $("undo-left").textContent = Math.ceil(left / 1000);
  clearTimeout(tickUndo.timer);
  tickUndo.timer = setTimeout(tickUndo, 200);
}

$("undo-do").onclick = () => {
  if (!undoing?.id) return;
  const { id } = undoing, item = document.getElementById(`mark-${id}`);
  if (item) taken.set(id, [...item.children].map((part) => part.textContent).reverse());
  item?.remove();
  if (taken.get(id)?.[0].startsWith("surface ")) choose($("surface"), null);
  if (outbox.has(id) && !outbox.get(id).isSent) forget(id);  // else it may be with the recorder already
  else say({ c: "undo", of: id });
  undoing = null; $("undo").hidden = true;
};
$("stumble").onclick = () => mark("stumble", null, "stumble");
$("pain").append(...Array.from({ length: 11 }, (_, n) => {
  const button = make("button", "", String(n));
  button.onclick = () => mark("pain", n, `pain ${n}`);
  return button;
}));
$("surface").append(...SURFACES.map((text) => {
  const button = make("button", "", text);
  button.setAttribute("aria-pressed", "false");
  button.onclick = () => {
    choose($("surface"), button);
    mark("surface", text, `surface ${text}`);
  };
  return button;
}));
$("note").onsubmit = (event) => {
  event.preventDefault();
  const text = $("note-text").value.trim();
  if (text) { mark("note", text, text); $("note-text").value = ""; }
};
for (const button of $("roll-ask").children)
  button.onclick = () => { if (view.roll) { say({ c: "verdict", roll: view.roll.number, verdict: button.dataset.verdict }); } };
$("setup-again").onclick = () => say({ c: "setup", do: "begin" });
$("setup-skip").onclick = () => say({ c: "setup", do: "skip" });
$("door").onsubmit = (event) => { event.preventDefault(); enter($("code").value); };

// Cue
let audio = null;
$("cue").onchange = () => { if ($("cue").checked) { audio ??= new AudioContext(); audio.resume(); sound(); } };

function sound() {
  live.cues.push(performance.timeOrigin + performance.now());
  if (!$("cue").checked || !audio) return;
  navigator.vibrate?.(200);
  const tone = audio.createOscillator(), gain = audio.createGain();
  tone.frequency.value = 880; gain.gain.value = 0.4;
  tone.connect(gain).connect(audio.destination);
  tone.start(); tone.stop(audio.currentTime + 0.15);
}

// Hold to stop
let holding = null;
function hold(event) {
  if (event.type === "keydown" && (![" ", "Enter"].includes(event.key) || event.repeat)) return;
  if (holding || $("stop").disabled) return;
  const began = performance.now();
  holding = setInterval(() => {
    const share = (performance.now() - began) / HOLD_MS;
    $("stop-bar").style.width = `${Math.min(100, 100 * share)}%`;
    if (share >= 1) { release(); $("stop").disabled = true; say({ c: "stop" }); notice(view.linked ? "Stopping." : "Stops once the connection is back."); }
  }, 50);
}
function release() { clearInterval(holding); holding = null; $("stop-bar").style.width = "0"; }
for (const kind of ["pointerdown", "keydown"]) $("stop").addEventListener(kind, hold);
for (const kind of ["pointerup", "pointerleave", "pointercancel", "keyup", "blur"]) $("stop").addEventListener(kind, release);
$("stop").addEventListener("contextmenu", (event) => event.preventDefault());

window.addEventListener("resize", () => { dirty.strip = true; });
requestAnimationFrame(frame);
open();
