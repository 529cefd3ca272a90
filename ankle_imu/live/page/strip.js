// The two drawings of the page: the strip of the last seconds and the gauge of one leg. Plain canvas, no library.

const LIGHT = {
  left: "#0072B2", right: "#D55E00", band: { left: "#d4e6f1", right: "#f9dfcd" },
  rule: "#d9d9d9", zero: "#8a8a8a", muted: "#595959", ink: "#222", idle: "#767676", paper: "#fff", track: "#eef0f0",
};
const DARK = {
  left: "#56B4E9", right: "#F0904A", band: { left: "#1d4862", right: "#5a3319" },
  rule: "#3a3d40", zero: "#8a8a8a", muted: "#b4b4b4", ink: "#ececec", idle: "#9a9a9a", paper: "#1f2123", track: "#2c2f32",
};
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const colours = () => (dark.matches ? DARK : LIGHT);
const DASH = { left: [], right: [7, 4] };
export const SPAN_S = 5;

/** A canvas as sharp as the screen; gives its context and its size in CSS pixels. */
function prepare(canvas) {
  const ratio = Math.min(3, window.devicePixelRatio || 1);
  const width = canvas.clientWidth, height = canvas.clientHeight;
  const w = Math.round(width * ratio), h = Math.round(height * ratio);
  if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
  const ctx = canvas.getContext("2d");
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, width, height);
  ctx.font = "12px system-ui, sans-serif";
  return { ctx, width, height };
}

/** Samples of one leg, newest last; only what the strip shows is kept. */
export class Trace {
  constructor() { this.t = []; this.v = []; }

  add(t, values, dt) {
    if (this.t.length && t < this.t[this.t.length - 1] - 1) { this.t = []; this.v = []; }
    for (let i = 0; i < values.length; i++) { this.t.push(t + i * dt); this.v.push(values[i]); }
    const from = this.t[this.t.length - 1] - SPAN_S - 0.2;
    let n = 0;
    while (n < this.t.length && this.t[n] < from) n++;
    if (n > 200) { this.t.splice(0, n); this.v.splice(0, n); }
  }

  get end() { return this.t.length ? this.t[this.t.length - 1] : -Infinity; }
  get last() { return this.v.length ? this.v[this.v.length - 1] : null; }
}

/** Half height of the strip in degrees: steps of ten, so that the scale seldom changes. */
function reach(traces, from) {
  let most = 12;
  for (const trace of Object.values(traces))
    for (let i = 0; i < trace.t.length; i++)
      if (trace.t[i] >= from && trace.v[i] !== null) most = Math.max(most, Math.abs(trace.v[i]));
  return Math.ceil((most + 2) / 10) * 10;
}

export function drawStrip(canvas, traces) {
  const colour = colours();
  const { ctx, width, height } = prepare(canvas);
  const end = Math.max(...Object.values(traces).map((trace) => trace.end));
  const left = 34, top = 16, bottom = height - 20;
  const half = Number.isFinite(end) ? reach(traces, end - SPAN_S) : 20;
  const y = (v) => top + (bottom - top) * (0.5 - 0.5 * v / half);
  const x = (t) => left + (width - left - 6) * (1 - (end - t) / SPAN_S);
  ctx.textBaseline = "middle"; ctx.textAlign = "right"; ctx.fillStyle = colour.muted; ctx.lineWidth = 1;
  for (const v of [-half, -half / 2, 0, half / 2, half]) {
    ctx.strokeStyle = v === 0 ? colour.zero : colour.rule;
    ctx.beginPath(); ctx.moveTo(left, y(v)); ctx.lineTo(width - 6, y(v)); ctx.stroke();
    ctx.fillText(v > 0 ? `+${v}` : `${v}`, left - 5, y(v));
  }
  ctx.textAlign = "left"; ctx.fillText("degrees, + = sole inward", left + 2, 7);
  ctx.textBaseline = "alphabetic"; ctx.fillText("5 s ago", left, height - 4);
  ctx.textAlign = "right"; ctx.fillText("now", width - 6, height - 4);
  let drawn = false;
  for (const [leg, trace] of Object.entries(traces)) {
    ctx.strokeStyle = colour[leg]; ctx.setLineDash(DASH[leg]); ctx.lineWidth = 2; ctx.lineJoin = "round";
    ctx.beginPath();
    let pen = false;
    for (let i = 0; i < trace.t.length; i++) {
      const v = trace.v[i];
      if (v === null || trace.t[i] < end - SPAN_S) { pen = false; continue; }
      if (i && trace.t[i] - trace.t[i - 1] > 0.1) pen = false;
      if (pen) ctx.lineTo(x(trace.t[i]), y(v)); else ctx.moveTo(x(trace.t[i]), y(v));
      pen = drawn = true;
    }
    ctx.stroke();
    ctx.setLineDash([]);
  }
  if (!drawn) {
    ctx.fillStyle = colour.paper; ctx.fillRect(width / 2 - 125, y(0) - 14, 250, 28);
    ctx.fillStyle = colour.muted; ctx.textAlign = "center"; ctx.textBaseline = "middle";
    ctx.fillText("The angle appears after the first steps.", width / 2, y(0));
  }
}

/** One leg: own band shaded, own limit a line, now a mark (hollow in the air). `leg` as in live.js. */
export function drawGauge(canvas, name, leg) {
  const colour = colours();
  const { ctx, width } = prepare(canvas);
  const value = leg.trace.last;
  const limit = leg.limit || 20, reachDeg = Math.max(30, limit + 5);
  const x = (v) => 8 + (width - 16) * 0.5 * (1 + Math.max(-1, Math.min(1, v / reachDeg)));
  ctx.fillStyle = colour.track; ctx.fillRect(8, 14, width - 16, 22);
  if (leg.band) { ctx.fillStyle = colour.band[name]; ctx.fillRect(x(leg.band[0]), 14, x(leg.band[1]) - x(leg.band[0]), 22); }
  ctx.fillStyle = colour.muted; ctx.textBaseline = "alphabetic"; ctx.strokeStyle = colour.zero; ctx.lineWidth = 1;
  for (let v = -30; v <= 30; v += 10) {
    ctx.beginPath(); ctx.moveTo(x(v), 32); ctx.lineTo(x(v), 40); ctx.stroke();
    ctx.textAlign = v === -30 ? "left" : v === 30 ? "right" : "center";
    const at = v === -30 ? x(v) - 4 : v === 30 ? x(v) + 6 : x(v);
    ctx.fillText(v > 0 ? `+${v}°` : `${v}°`, at, 54);
  }
  ctx.beginPath(); ctx.moveTo(x(0), 12); ctx.lineTo(x(0), 38); ctx.stroke();
  if (value === null) return;
  ctx.strokeStyle = leg.onGround ? colour.ink : colour.idle; ctx.fillStyle = leg.onGround ? colour[name] : colour.paper; ctx.lineWidth = 2;
  ctx.beginPath(); ctx.moveTo(x(value), 25); ctx.arc(x(value), 25, 9, 0, 7); ctx.fill();
  ctx.beginPath(); ctx.arc(x(value), 25, 9, 0, 7); ctx.stroke();
}
