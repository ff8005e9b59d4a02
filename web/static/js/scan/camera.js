// The phone's camera as a scanner: frames go to zxing (WebAssembly) on this device; no picture leaves it.

import { t } from "./words.js";

const FORMATS = ["Code128", "DataMatrix", "QRCode", "EAN13", "EAN8", "UPCA", "ITF14", "DataBarExp"];
const OPTIONS = { formats: FORMATS, textMode: "Plain", tryHarder: true, maxNumberOfSymbols: 1 };
const SAME_MS = 1500;

// Compiling the reader takes about 100 ms: done at load, so that the first code is not the slow one.
export function prepare(wasm) {
  if (!window.ZXingWASM) return;
  window.ZXingWASM.prepareZXingModule({
    overrides: { locateFile: (path, prefix) => (path.endsWith(".wasm") ? wasm : prefix + path) },
    fireImmediately: true,
  }).catch(() => {});
}

// Why there is no picture, and what the person can do about it.
export function explain(error) {
  if (!window.isSecureContext || !navigator.mediaDevices) {
    return t("The camera needs a secure address (https). The hand scanner works here all the same.");
  }
  const reasons = {
    NotFoundError: t("This device has no camera, or none that is free."),
    NotAllowedError: t("The camera is not allowed. Allow it in the browser's address bar, then try again."),
    NotReadableError: t("Another program is using the camera. Close it, then try again."),
    OverconstrainedError: t("This camera cannot give the picture that is needed."),
  };
  return reasons[error.name] ?? t("The camera does not start: %(reason)s", { reason: error.message });
}

export class Camera {
  // scanned(text, symbology) for each new code; the same code within 1.5 s is one scan.
  constructor(video, scanned) {
    Object.assign(this, { video, scanned, stream: null, last: { text: "", at: 0 } });
    this.canvas = document.createElement("canvas");
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
  }

  get isOn() {
    return this.stream !== null;
  }

  // Rejects with what getUserMedia rejects with, or with a TypeError where there is no camera interface at all.
  async start() {
    if (!navigator.mediaDevices) throw new TypeError("no mediaDevices");
    this.stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } },
    });
    this.video.srcObject = this.stream;
    await this.video.play();
    this.#next();
  }

  stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.video.srcObject = null;
  }

  #next() {
    if (!this.stream) return;
    const look = () => this.#look().finally(() => this.#next());
    if (this.video.requestVideoFrameCallback) this.video.requestVideoFrameCallback(look);
    else requestAnimationFrame(look);
  }

  async #look() {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (!width || !this.stream) return;
    this.canvas.width = width;
    this.canvas.height = height;
    this.context.drawImage(this.video, 0, 0, width, height);
    const found = await window.ZXingWASM.readBarcodes(this.context.getImageData(0, 0, width, height), OPTIONS);
    const code = found.find((one) => one.isValid);
    if (code) this.#take(code.text, code.symbologyIdentifier || null);
  }

  #take(text, symbology) {
    const now = performance.now();
    const isSame = text === this.last.text && now - this.last.at < SAME_MS;
    this.last = { text, at: now };
    if (!isSame) this.scanned(text, symbology);
  }
}
