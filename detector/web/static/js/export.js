// The numbers as CSV and JSON, as they are after the user's edits.

/** @typedef {import("./state.js").Item} Item */

// The columns of `digitdet read --format csv`.
const COLUMNS = [
  "image", "page", "region", "index", "text", "status", "confidence", "best", "digit_text", "left", "top", "right",
  "bottom", "angle", "error", "doubtful", "time",
];

/**
 * @param {Item[]} items
 * @returns {string} a header, then a row for each number, or one for a page or file without
 */
export function toCsv(items) {
  const rows = items.flatMap((item) =>
    errorOf(item) ? [errorRow(item)] : item.pages.flatMap((page) => rowsOf(item, page)),
  );
  return [COLUMNS, ...rows].map((row) => row.map(cell).join(",")).join("\n") + "\n";
}

/**
 * @param {Item[]} items
 * @returns {string} the format of `digitdet read --format json`
 */
export function toJson(items) {
  const readings = items.flatMap((item) =>
    errorOf(item) ? [failed(item)] : item.pages.map((page) => ({ ...page.edited(), image: item.name })),
  );
  return JSON.stringify(readings, null, 1);
}

/**
 * @param {Item} item
 * @param {import("./page.js").Page} page
 */
function rowsOf(item, page) {
  const reading = page.edited();
  if (!reading.numbers.length) return [emptyRow(item.name, reading.page, reading.status, reading.error ?? "")];
  return reading.numbers.map((number, index) => [
    item.name, reading.page, number.region ?? "", index + 1, number.text, number.status, number.confidence, number.best,
    number.digit_text, ...number.box, number.angle, "", number.doubtful.join(" "), "",
  ]);
}

/**
 * Why a file has no reading, "" if it has one or is being read.
 * @param {Item} item
 */
function errorOf({ error, progress }) {
  return error ?? (progress === "unread" ? "not read, because of an option" : "");
}

/**
 * The reading of a file that could not be read.
 * @param {Item} item
 */
function failed(item) {
  const error = errorOf(item);
  const page = { schema: 3, image: item.name, page: 1, pages: 1, width: 0, height: 0, time: null, rotation: 0 };
  return { ...page, status: "error", error, numbers: [] };
}

/** @param {Item} item */
function errorRow(item) {
  return emptyRow(item.name, 1, "error", errorOf(item));
}

/**
 * @param {string} name
 * @param {number} page
 * @param {string} status
 * @param {string} error
 */
function emptyRow(name, page, status, error) {
  return [name, page, "", "", "", status, ...Array(COLUMNS.indexOf("error") - 6).fill(""), error, "", ""];
}

/** @param {unknown} value */
function cell(value) {
  const text = String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
