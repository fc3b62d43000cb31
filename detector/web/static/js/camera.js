// The live camera: reads frame after frame until the same number comes several times in a row.

import * as api from "./api.js";

const NEEDED = 3; // readings in a row that agree
const LONGEST_SIDE = 1280; // pixels of a frame; enough for a number that fills a fair part of the view
const PAUSE = 120; // ms between two readings
const QUALITY = 0.9; // of the JPEG

/** @typedef {import("./api.js").Reading} Reading */
/** @typedef {{ text: string, count: number, isSteady: boolean }} Steadiness */
/** @typedef {{ reading: Reading, frame: Blob, steadiness: Steadiness }} Seen */

/** Tells when the same number was read several times in a row. */
export class SteadyNumber {
  constructor(needed = NEEDED) {
    this.needed = needed;
    this.text = "";
    this.count = 0;
  }

  /**
   * @param {Reading} reading
   * @returns {Steadiness}
   */
  add(reading) {
    const number = largest(reading);
    const text = number?.status === "ok" ? number.best : "";
    this.count = text && text === this.text ? this.count + 1 : Number(Boolean(text));
    this.text = text;
    return { text: number?.best ?? "", count: Math.min(this.count, this.needed), isSteady: this.count >= this.needed };
  }
}

export class Camera {
  /** Whether the browser offers a camera: only on this machine or over HTTPS. */
  static get isOffered() {
    return Boolean(navigator.mediaDevices?.getUserMedia);
  }

  /**
   * @param {HTMLVideoElement} video
   * @param {{ query: () => URLSearchParams, onSeen: (seen: Seen) => void, onError: (message: string) => void }} use
   */
  constructor(video, use) {
    this.video = video;
    this.use = use;
    this.canvas = document.createElement("canvas");
    /** @type {MediaStream | null} */
    this.stream = null;
    this.run = 0; // changes at each start and stop, so that an older loop ends
  }

  async start() {
    const run = ++this.run;
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: "environment", width: { ideal: 1920 }, height: { ideal: 1080 } },
      });
      if (run !== this.run) return stopTracks(stream);
      this.stream = stream;
      this.video.srcObject = stream;
      await this.video.play();
    } catch (error) {
      if (run === this.run) this.fail(reasonOf(error));
      return;
    }
    await this.readFrames(run);
  }

  stop() {
    this.run += 1;
    if (this.stream) stopTracks(this.stream);
    this.stream = null;
    this.video.srcObject = null;
  }

  /** @param {number} run */
  async readFrames(run) {
    const steady = new SteadyNumber();
    while (run === this.run) {
      try {
        const frame = await this.frame();
        if (frame) {
          const [reading] = await api.read(frame, this.use.query());
          if (run !== this.run) return;
          this.use.onSeen({ reading, frame, steadiness: steady.add(reading) });
        }
      } catch (error) {
        const isBusy = error instanceof api.ApiError && error.status === 503; // it gets another frame later
        if (run === this.run && !isBusy) return this.fail(api.messageOf(error));
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }

  /** @returns {Promise<Blob | null>} the picture that the camera shows now */
  frame() {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (!width) return Promise.resolve(null);
    const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
    this.canvas.width = Math.round(width * scale);
    this.canvas.height = Math.round(height * scale);
    this.canvas.getContext("2d")?.drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
    return new Promise((resolve) => this.canvas.toBlob(resolve, "image/jpeg", QUALITY));
  }

  /** @param {string} message */
  fail(message) {
    this.stop();
    this.use.onError(message);
  }
}

/** @param {Reading} reading */
function largest(reading) {
  const height = (/** @type {{ box: number[] }} */ { box }) => box[3] - box[1];
  const fit = reading.numbers.filter(({ status }) => status !== "unfit");
  return fit.sort((one, other) => height(other) - height(one))[0];
}

/** @param {MediaStream} stream */
function stopTracks(stream) {
  for (const track of stream.getTracks()) track.stop();
}

/** @param {unknown} error */
function reasonOf(error) {
  /** @type {Record<string, string>} */
  const reasons = {
    NotAllowedError: "The browser may not use the camera. Allow it for this page, or choose a picture instead.",
    NotFoundError: "No camera was found. Connect one, or choose a picture instead.",
    NotReadableError: "Another program uses the camera. Close it and try again.",
  };
  const name = error instanceof Error ? error.name : "";
  return reasons[name] ?? `The camera does not start: ${api.messageOf(error)}`;
}
