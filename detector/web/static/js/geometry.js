// Boxes of a page as it lies in its file, and of the same page upright.

/** @typedef {import("./api.js").Box} Box */
/** @typedef {{ width: number, height: number, rotation: 0 | 90 | 180 | 270 }} PageShape as in the file; clockwise */

/**
 * The size of the upright page.
 * @param {PageShape} page
 */
export function uprightSize({ width, height, rotation }) {
  return rotation % 180 ? { width: height, height: width } : { width, height };
}

/**
 * @param {Box} box of the page in its file
 * @param {PageShape} page
 * @returns {Box} of the upright page
 */
export function toUpright([left, top, right, bottom], { width, height, rotation }) {
  if (rotation === 90) return [top, width - right, bottom, width - left];
  if (rotation === 180) return [width - right, height - bottom, width - left, height - top];
  if (rotation === 270) return [height - bottom, left, height - top, right];
  return [left, top, right, bottom];
}

/**
 * @param {Box} box of the upright page
 * @param {PageShape} page
 * @returns {Box} of the page in its file
 */
export function fromUpright(box, page) {
  const back = /** @type {0 | 90 | 180 | 270} */ ((360 - page.rotation) % 360);
  return toUpright(box, { ...uprightSize(page), rotation: back });
}

/**
 * The box around boxes.
 * @param {Box[]} boxes at least one
 * @returns {Box}
 */
export function around(boxes) {
  const side = (/** @type {number} */ index) => boxes.map((box) => box[index]);
  return [Math.min(...side(0)), Math.min(...side(1)), Math.max(...side(2)), Math.max(...side(3))];
}
