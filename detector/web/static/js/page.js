// A page with its digits and numbers, as they were read and as the user edits them.

import { around, toUpright } from "./geometry.js";

/** @typedef {import("./api.js").Box} Box */
/** @typedef {import("./api.js").Alternative} Alternative */
/**
 * @typedef {object} Digit
 * @property {number} id unique on its page
 * @property {number} row of its number
 * @property {string} text one digit, or ? for a new box
 * @property {Box} box on the page as in its file
 * @property {number | null} confidence null if the user set the digit
 * @property {Alternative[]} alternatives
 */
/**
 * @typedef {object} ShownNumber
 * @property {number} row which names the number; stable while others are edited
 * @property {string} text as it is shown; in strict readings with ? in the doubtful places
 * @property {string} best the text without ?
 * @property {number[]} doubtful places in the text
 * @property {"ok" | "unsure" | "unfit" | "edited" | "accepted"} status
 * @property {number | null} confidence null if the user set the number
 * @property {Alternative[]} alternatives
 * @property {string | null} region
 * @property {Digit[]} digits
 * @property {Box} box
 */
/** @typedef {{ digits: Digit[], typed: Map<number, string>, description: string }} Edit a state before an edit */

const MARK = /[.,/:-]/;

export class Page {
  /** @param {import("./api.js").Reading} reading */
  constructor(reading) {
    this.reading = reading;
    /** @type {Digit[]} */
    this.digits = [];
    /** @type {Map<number, string>} the texts of whole numbers that the user typed or accepted, by row */
    this.typed = new Map();
    /** @type {Edit[]} */
    this.edits = [];
    this.nextRow = reading.numbers.length; // of a number that the user adds
    reading.numbers.forEach((number, row) => {
      for (const digit of number.digits) this.digits.push({ ...digit, row, id: this.digits.length });
    });
    this.nextId = this.digits.length;
  }

  /** @returns {ShownNumber[]} */
  numbers() {
    const rows = new Set(this.digits.map(({ row }) => row));
    return [...rows].sort((one, other) => one - other).map((row) => this.number(row));
  }

  /**
   * @param {number} row of a number that has digits
   * @returns {ShownNumber}
   */
  number(row) {
    const digits = this.digitsOf(row);
    const shared = { row, digits, box: around(digits.map(({ box }) => box)) };
    const read = this.reading.numbers[row];
    if (!read) {
      const text = digits.map((digit) => digit.text).join("");
      const added = { text, best: text, doubtful: [], confidence: null, alternatives: [], region: null };
      return { ...shared, ...added, status: "edited" };
    }
    const { alternatives, region } = read;
    const best = this.text(row);
    if (best !== read.best || digits.length < read.digits.length) {
      return { ...shared, text: best, best, doubtful: [], status: "edited", confidence: null, alternatives, region };
    }
    const known = { ...shared, best, confidence: read.confidence, alternatives, region };
    if (this.typed.has(row)) return { ...known, text: best, doubtful: [], status: "accepted" };
    return { ...known, text: read.text, doubtful: read.doubtful, status: read.status };
  }

  /** @param {number} row */
  digitsOf(row) {
    return this.digits.filter((digit) => digit.row === row);
  }

  /** Whether the user changed anything. */
  get isEdited() {
    return this.edits.length > 0;
  }

  /**
   * Sets a digit.
   * @param {number} id
   * @param {string} text one digit
   */
  rename(id, text) {
    const { text: before } = this.digit(id);
    if (before === text) return;
    this.remember(before === "?" ? `added ${text}` : `changed ${before} to ${text}`);
    this.replace(id, text);
  }

  /** @param {number} id of a box that holds no digit */
  remove(id) {
    const { row, text } = this.digit(id);
    this.remember(`removed ${text}`);
    const typed = this.typed.get(row);
    if (typed !== undefined && countDigits(typed) === this.digitsOf(row).length) {
      const texts = this.digitsOf(row).map((digit) => (digit.id === id ? "" : digit.text));
      this.typed.set(row, withDigits(typed, texts));
    }
    this.digits = this.digits.filter((digit) => digit.id !== id);
    if (!this.digitsOf(row).length) this.typed.delete(row);
    else this.useTyped(row);
  }

  /**
   * Removes a new box that has no digit yet.
   * @param {number} id
   * @returns {boolean} whether adding it was the last edit, which is then undone
   */
  discard(id) {
    const isLast = !this.edits.at(-1)?.digits.some((digit) => digit.id === id);
    if (isLast) this.undo();
    else this.remove(id);
    return isLast;
  }

  /**
   * Adds a box to the number beside it, or as a number of its own. Its digit is ? unless the number was typed with it.
   * @param {Box} box
   * @returns {Digit}
   */
  add(box) {
    this.remember("added a box");
    const row = this.rowBeside(box) ?? this.nextRow++;
    const digit = { id: this.nextId++, row, text: "?", box, confidence: null, alternatives: [] };
    const own = this.digitsOf(row);
    const after = own.findIndex((other) => this.centre(other.box) > this.centre(box)); // -1: it is the last
    const place = after < 0 ? own.length : after;
    const index = own.length ? this.digits.indexOf(own[Math.max(place - 1, 0)]) + (place ? 1 : 0) : this.digits.length;
    this.digits = [...this.digits.slice(0, index), digit, ...this.digits.slice(index)];
    const typed = this.typed.get(row);
    // If every digit of the text had a box, the text gets one more digit; otherwise it may hold the digit of the new box.
    if (typed !== undefined && countDigits(typed) === own.length) {
      this.typed = new Map(this.typed).set(row, withDigitAt(typed, place, "0"));
    } else {
      this.useTyped(row);
    }
    return this.digit(digit.id);
  }

  /**
   * Sets the digits of a number to those of its typed text, if there are as many.
   * @param {number} row
   */
  useTyped(row) {
    const characters = this.typed.get(row)?.match(/[0-9]/g) ?? [];
    const digits = this.digitsOf(row);
    if (characters.length === digits.length) digits.forEach(({ id }, index) => this.replace(id, characters[index]));
  }

  /**
   * The number on whose line a box lies, at most a digit's height away.
   * @param {Box} box
   * @returns {number | null}
   */
  rowBeside(box) {
    const [left, top, right, bottom] = toUpright(box, this.reading);
    let [nearest, row] = [Infinity, /** @type {number | null} */ (null)];
    for (const other of this.digits) {
      const [otherLeft, otherTop, otherRight, otherBottom] = toUpright(other.box, this.reading);
      const height = Math.min(bottom - top, otherBottom - otherTop);
      const gap = Math.max(left - otherRight, otherLeft - right);
      const shared = Math.min(bottom, otherBottom) - Math.max(top, otherTop);
      if (shared > height / 2 && gap < height && gap < nearest) [nearest, row] = [gap, other.row];
    }
    return row;
  }

  /** @param {Box} box */
  centre(box) {
    const [left, , right] = toUpright(box, this.reading);
    return left + right;
  }

  /**
   * Sets the whole text of a number. Its digits take those of the text if there are as many.
   * @param {number} row
   * @param {string} text with at least one digit
   */
  type(row, text) {
    const before = this.number(row).best;
    this.remember(before === text ? `accepted ${text}` : `changed ${before} to ${text}`);
    this.typed = new Map(this.typed).set(row, text);
    this.useTyped(row);
  }

  /**
   * Takes back the last edit.
   * @returns {string | null} what is taken back; null if there was no edit
   */
  undo() {
    const edit = this.edits.pop();
    if (!edit) return null;
    this.digits = edit.digits;
    this.typed = edit.typed;
    return edit.description;
  }

  /** The digits in the format of /api/corrections; see `mismatch` and `hasUnset`. */
  truth() {
    return this.digits.map(({ text, box }) => ({ digit: text, box }));
  }

  /** Whether a new box has no digit yet. */
  get hasUnset() {
    return this.digits.some(({ text }) => text === "?");
  }

  /**
   * The ids of the digits that make a number uncertain.
   * @param {ShownNumber} number
   */
  doubtfulIds({ best, doubtful, digits }) {
    const places = [...best.matchAll(/[0-9]/g)].map((found) => found.index);
    return digits.filter((_, index) => doubtful.includes(places[index])).map(({ id }) => id);
  }

  /** The first number whose typed text has more or fewer digits than boxes; its boxes are no truth to train on. */
  get mismatch() {
    return this.numbers().find(({ best, digits }) => countDigits(best) !== digits.length);
  }

  /** The reading with the edited numbers, which have `edited: true`. */
  edited() {
    const numbers = this.numbers().map((number) => {
      const read = this.reading.numbers[number.row] ?? this.unread(number);
      if (!["edited", "accepted"].includes(number.status)) return read;
      const { text, box, region, confidence } = number;
      const digits = number.digits.map((digit) => ({
        text: digit.text, confidence: digit.confidence ?? 1, box: digit.box, alternatives: digit.alternatives,
      }));
      const digit_text = text.replace(/[^0-9?]/g, "");
      const marks = read.marks.filter((mark) => text[mark.place] === mark.text);
      const shared = { text, best: text, digit_text, doubtful: [], confidence: confidence ?? 1, box, region, digits, marks };
      return { ...read, ...shared, status: "ok", edited: true };
    });
    return this.isEdited ? { ...this.reading, numbers, status: statusOf(this.reading, numbers) } : this.reading;
  }

  /**
   * The fields that a reading has for a number, for one that the user added.
   * @param {ShownNumber} number
   */
  unread({ digits }) {
    const heights = digits.map(({ box }) => toUpright(box, this.reading)).map(([, top, , bottom]) => bottom - top);
    const height = heights.sort((one, other) => one - other)[Math.floor(heights.length / 2)];
    return { alternatives: [], angle: 0, height, upside_down: null, marks: [] };
  }

  /** @param {string} description */
  remember(description) {
    this.edits = [...this.edits, { digits: this.digits, typed: new Map(this.typed), description }];
  }

  /** @param {number} id */
  digit(id) {
    return /** @type {Digit} */ (this.digits.find((digit) => digit.id === id));
  }

  /**
   * @param {number} id
   * @param {string} text
   */
  replace(id, text) {
    this.digits = this.digits.map((digit) =>
      digit.id === id && digit.text !== text ? { ...digit, text, confidence: null } : digit,
    );
  }

  /**
   * The text of a number: as typed or as read, with its digits as they are now.
   * @param {number} row
   */
  text(row) {
    const digits = this.digitsOf(row);
    const typed = this.typed.get(row);
    if (typed !== undefined) {
      return countDigits(typed) === digits.length ? withDigits(typed, digits.map(({ text }) => text)) : typed;
    }
    const read = this.reading.numbers[row];
    const texts = read.digits.map(({ box }) => digits.find((digit) => same(digit.box, box))?.text ?? "");
    let text = withDigits(read.best, texts);
    digits.forEach((digit, place) => {
      const isAdded = !read.digits.some(({ box }) => same(digit.box, box));
      if (isAdded) text = withDigitAt(text, place, digit.text);
    });
    return text;
  }
}

/**
 * A text with other digits. Marks that no longer stand between two digits are left out; a minus sign and the separators
 * of a pattern stay.
 * @param {string} text
 * @param {string[]} digits in the order of the text; empty for one that is removed
 */
function withDigits(text, digits) {
  if (digits.every((digit) => !digit)) return "";
  const left = [...digits];
  let result = "";
  [...text].forEach((character, place) => {
    if (/[0-9]/.test(character)) result += left.shift() ?? "";
    else if (place === 0 || /[0-9]$/.test(result) || !MARK.test(character)) result += character;
  });
  return result.replace(/[.,/:-]$/, "");
}

/**
 * A text with one more digit.
 * @param {string} text
 * @param {number} place how many digits stand before it
 * @param {string} digit
 */
function withDigitAt(text, place, digit) {
  const ends = [...text.matchAll(/[0-9?]/g)].map(({ index }) => index);
  const at = place ? (ends[place - 1] ?? text.length - 1) + 1 : (ends[0] ?? text.length);
  return text.slice(0, at) + digit + text.slice(at);
}

/** @param {string} text */
export function countDigits(text) {
  return (text.match(/[0-9]/g) ?? []).length;
}

/**
 * @param {Box} one
 * @param {Box} other
 */
function same(one, other) {
  return one.every((value, index) => value === other[index]);
}

/**
 * @param {import("./api.js").Reading} reading
 * @param {{ status: string }[]} numbers
 */
function statusOf(reading, numbers) {
  if (!numbers.length) return reading.status === "error" ? "error" : "empty";
  return numbers.every(({ status }) => status === "ok") ? "ok" : "unsure";
}
