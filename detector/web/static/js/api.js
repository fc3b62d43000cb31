// Requests to the server. Every function rejects with an Error whose message can be shown.

/** @typedef {[number, number, number, number]} Box left, top, right and bottom in pixels */
/** @typedef {{ text: string, confidence: number }} Alternative */
/** @typedef {{ text: string, confidence: number, box: Box, alternatives: Alternative[] }} DigitRead */
/**
 * @typedef {object} NumberRead
 * @property {string} text that of `best`, with ? in the doubtful places if strict
 * @property {string} best
 * @property {string} digit_text
 * @property {"ok" | "unsure" | "unfit"} status
 * @property {number} confidence 0 to 1
 * @property {Alternative[]} alternatives
 * @property {Box} box
 * @property {number} angle
 * @property {string | null} region
 * @property {number[]} doubtful places in `best` of the characters that make the number uncertain
 * @property {DigitRead[]} digits
 * @property {{ text: string, place: number }[]} marks of `best`, at these places
 */
/**
 * @typedef {object} Reading one page of a file; detector/outputs/reading.schema.json describes it
 * @property {number} page from 1
 * @property {number} width
 * @property {number} height
 * @property {string} status
 * @property {string | null} error
 * @property {0 | 90 | 180 | 270} rotation clockwise; the boxes are those of the page before it is turned back
 * @property {NumberRead[]} numbers
 */

export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {number} status of HTTP; 0 without a response
   */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** @returns {Promise<{ version: string, corrections: boolean }>} */
export async function health() {
  return (await send("/api/health")).json();
}

/**
 * The readings of a file's pages.
 * @param {Blob} file
 * @param {URLSearchParams} options
 * @param {AbortSignal} [signal]
 * @returns {Promise<Reading[]>}
 */
export async function read(file, options, signal) {
  return (await send(`/api/read?${options}`, { method: "POST", body: file, headers: BINARY, signal })).json();
}

/**
 * A page as PNG, for formats that the browser cannot show.
 * @param {Blob} file
 * @param {number} page from 1
 */
export async function pageAsPng(file, page) {
  return (await send(`/api/page?page=${page}`, { method: "POST", body: file, headers: BINARY })).blob();
}

/**
 * Saves all digits of a page, to train on.
 * @param {Blob} file
 * @param {number} page from 1
 * @param {number} rotation
 * @param {{ digit: string, box: Box }[]} digits
 * @returns {Promise<{ picture: string, digits: number, pictures: number }>}
 */
export async function correct(file, page, rotation, digits) {
  const form = new FormData();
  form.set("page", String(page));
  form.set("rotation", String(rotation));
  form.set("digits", JSON.stringify(digits));
  form.set("picture", file, "picture");
  return (await send("/api/corrections", { method: "POST", body: form })).json();
}

/**
 * The text of something that was thrown.
 * @param {unknown} error
 * @returns {string}
 */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

const BINARY = { "Content-Type": "application/octet-stream" };

/**
 * @param {string} address
 * @param {RequestInit} [request]
 */
async function send(address, request) {
  let response;
  try {
    response = await fetch(address, request);
  } catch (error) {
    if (request?.signal?.aborted) throw error;
    const { body } = request ?? {};
    const file = body instanceof FormData ? body.get("picture") : body;
    const isLost = file instanceof Blob && !(await file.slice(0, 1).arrayBuffer().catch(() => null));
    throw new ApiError(isLost ? "The file has changed or is gone; open it again." : "The server does not respond.", 0);
  }
  if (response.ok) return response;
  const { error } = await response.json().catch(() => ({}));
  throw new ApiError(error ?? `The server responded with status ${response.status}.`, response.status);
}
