// What a page says and sounds. Both are off until somebody presses for them; nothing is asked of another computer.

/** Speaks with a voice that is on this device; voices that would send the words elsewhere are not used. */
export class Voice {
  constructor(button) {
    this.button = button; this.isOn = false;
    globalThis.speechSynthesis?.getVoices();  // some browsers find them only after they were asked once
    button.onclick = () => this.turn(!this.isOn);
  }

  get local() {
    const all = globalThis.speechSynthesis?.getVoices().filter((voice) => voice.localService) ?? [];
    return all.find((voice) => voice.lang.startsWith("en")) ?? null;
  }

  turn(isOn) {
    const voice = this.local;
    this.isOn = isOn && voice !== null;
    this.button.setAttribute("aria-pressed", String(this.isOn));
    this.button.textContent = this.isOn ? "Voice is on" : isOn ? "No English voice on this device" : "Voice is off";
    if (this.isOn) this.say("The voice is on.");
    else globalThis.speechSynthesis?.cancel();
  }

  say(text) {
    if (!this.isOn || !text) return;
    const said = new SpeechSynthesisUtterance(text);
    said.voice = this.local; said.lang = said.voice.lang;
    speechSynthesis.cancel();  // what is said now counts; the rest of the last sentence does not
    speechSynthesis.speak(said);
  }
}

/** Tones and vibration. */
export class Sound {
  constructor(button) {
    this.button = button; this.isOn = false; this.audio = null;
    button.onclick = () => this.turn(!this.isOn);
  }

  turn(isOn) {
    this.isOn = isOn;
    this.button.setAttribute("aria-pressed", String(isOn));
    this.button.textContent = isOn ? "Beep is on" : "Beep is off";
    if (isOn) { this.audio ??= new AudioContext(); this.audio.resume(); this.beep(880); }
  }

  beep(hz, seconds = 0.15) {
    if (!this.isOn || !this.audio) return;
    navigator.vibrate?.(Math.round(1000 * seconds));
    const tone = this.audio.createOscillator(), gain = this.audio.createGain();
    tone.frequency.value = hz; gain.gain.value = 0.4;
    tone.connect(gain).connect(this.audio.destination);
    tone.start(); tone.stop(this.audio.currentTime + seconds);
  }
}
