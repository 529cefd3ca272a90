// The way between a page and its recorder: the door, the socket, and words that are said until they are answered.
// Whatever comes from the recorder or a person is put in as text, never as markup.

const SILENT_MS = 3500;

export const $ = (id) => document.getElementById(id);

export function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

export const clock = (s) => {
  const whole = Math.max(0, Math.floor(s)), pad = (n) => String(n).padStart(2, "0");
  const minutes = `${pad(Math.floor(whole / 60) % 60)}:${pad(whole % 60)}`;
  return whole >= 3600 ? `${Math.floor(whole / 3600)}:${minutes}` : minutes;
};

const identity = () => Array.from(crypto.getRandomValues(new Uint8Array(9)), (b) => b.toString(16).padStart(2, "0")).join("");

/** `receive` takes each message, `changed` is called when the link comes or goes, `answered` with a word and why it was not done. */
export class Link {
  constructor({ receive, changed, answered }) {
    Object.assign(this, { receive, changed, answered, linked: false, over: false, isCalm: false });
    this.outbox = new Map();
    this.socket = null; this.heard = 0; this.wait = 500;
    setInterval(() => this.watch(), 1000);
    $("door").onsubmit = (event) => { event.preventDefault(); this.enter($("code").value); };
  }

  /** Each word has a name of its own and is said again until it is answered. */
  say(word) {
    const id = identity();
    this.outbox.set(id, { word: { ...word, id }, at: performance.now() });
    this.post(id);
    return id;
  }

  post(id) {
    const one = this.outbox.get(id);
    if (!one || !this.socket || this.socket.readyState !== WebSocket.OPEN) return;
    this.socket.send(JSON.stringify({ ...one.word, ago: (performance.now() - one.at) / 1000 }));
  }

  connect() {
    const mine = (this.socket = new WebSocket(`ws://${location.host}/socket`));
    mine.onopen = () => {
      this.heard = performance.now(); this.wait = 500; this.linked = true;
      [...this.outbox.keys()].forEach((id, n) => setTimeout(() => this.post(id), 60 * n));
      this.changed();
    };
    mine.onmessage = (event) => { this.heard = performance.now(); this.take(JSON.parse(event.data)); };
    mine.onclose = () => { if (this.socket === mine) this.lose(); };
  }

  take(message) {
    if (message.k !== "ok" && message.k !== "no") return this.receive(message);
    const word = this.outbox.get(message.id)?.word;
    this.outbox.delete(message.id);
    if (word) this.answered(word, message.why);
  }

  lose() {
    this.linked = false;
    this.changed();
    if (this.over) return;
    setTimeout(() => this.open(), this.wait);
    this.wait = Math.min(4000, this.wait * 1.6);
  }

  /** A line that was cut says nothing; neither does a recorder that measures, which is `isCalm`. */
  watch() {
    if (!this.linked || this.isCalm || performance.now() - this.heard <= SILENT_MS) return;
    const old = this.socket;
    this.socket = null;
    old.close();
    this.lose();
  }

  async open() {
    const code = location.hash.slice(1);
    history.replaceState(null, "", location.pathname);  // the code is no longer on show, nor in the history
    try {
      const answer = await fetch("/enter", { cache: "no-store" });
      if ((await answer.json()).in) { $("door").hidden = true; $("page").hidden = false; this.connect(); return; }
      if (code && (await this.enter(code))) return;
      $("door").hidden = false; $("page").hidden = true; $("code").focus(); this.changed();
    } catch { this.lose(); }
  }

  async enter(code) {
    const answer = await fetch("/enter", { method: "POST", body: code.replace(/\D/g, "") });
    if (!answer.ok) { $("door-why").textContent = await answer.text(); return false; }
    $("door-why").textContent = "";
    await this.open();
    return true;
  }
}
