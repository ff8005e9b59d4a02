// The band across the screen: colour, picture, word, sound and vibration, in four states. Blue, amber and vermilion are
// told apart by people who do not tell green from red; no state is said by colour alone.

const STATES = ["ready", "busy", "ok", "warn", "stop"];
const TONES = {
  ok: [[1320, 0, 0.09, "sine"]],
  warn: [[880, 0, 0.1, "triangle"], [880, 0.16, 0.1, "triangle"]],
  stop: [[196, 0, 0.28, "square"], [156, 0.3, 0.4, "square"]],
  busy: [[990, 0, 0.03, "sine"]],
};
const SHAKES = { ok: [40], warn: [80, 60, 80], stop: [300, 120, 300] };

let audio = null;

function sound(state, settings) {
  const Audio = window.AudioContext || window.webkitAudioContext;
  if (settings.silent || settings.volume <= 0 || !TONES[state] || !Audio) return;
  try {
    audio ??= new Audio();
    if (audio.state === "suspended") audio.resume();
    for (const [pitch, after, length, shape] of TONES[state]) {
      const tone = audio.createOscillator();
      const loudness = audio.createGain();
      const start = audio.currentTime + after;
      tone.type = shape;
      tone.frequency.value = pitch;
      loudness.gain.setValueAtTime(settings.volume * (shape === "square" ? 0.35 : 0.8), start);
      loudness.gain.exponentialRampToValueAtTime(0.001, start + length);
      tone.connect(loudness).connect(audio.destination);
      tone.start(start);
      tone.stop(start + length);
    }
  } catch {
    // no sound device: colour, word and vibration say it too
  }
}

export function makeBand(element, settings) {
  const word = element.querySelector("[data-word]");
  const message = element.querySelector("[data-message]");
  const wayOut = element.querySelector("[data-way-out]");
  const acknowledge = element.querySelector("[data-acknowledge]");
  const icon = element.querySelector("use");
  const pictures = JSON.parse(element.dataset.icons);
  const words = JSON.parse(element.dataset.words);

  function show(state, text, way = "") {
    for (const one of STATES) element.classList.toggle(one, one === state);
    element.dataset.state = state;
    element.parentElement.dataset.band = state;
    icon.setAttribute("href", pictures[state]);
    word.textContent = words[state];
    message.textContent = text;
    wayOut.textContent = way;
    wayOut.hidden = way === "";
    acknowledge.hidden = state !== "stop";
    element.setAttribute("aria-live", state === "stop" ? "assertive" : "polite");
  }

  // Paints at once, then sounds and shakes.
  function tell(state, text, way = "") {
    show(state, text, way);
    sound(state, settings);
    if (SHAKES[state] && navigator.vibrate && !settings.still) navigator.vibrate(SHAKES[state]);
  }

  return { show, tell, acknowledge, sound: (state) => sound(state, settings) };
}
