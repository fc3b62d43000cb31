// The user's edits of the page that is shown: applied, taken back, and sent to a server that saves corrections.

import * as api from "./api.js";
import { countDigits } from "./page.js";

export class Editor {
  /** @param {import("./state.js").Store} store */
  constructor(store) {
    this.store = store;
    this.saving = Promise.resolve(); // requests run in order, so that the last correction is the one that stays
    this.toastTimer = 0;
  }

  /** @returns {import("./page.js").Page} */
  get page() {
    return /** @type {import("./page.js").Page} */ (this.store.page);
  }

  /**
   * @param {number} id
   * @param {string} text
   */
  rename(id, text) {
    this.page.rename(id, text);
    this.store.set({ focused: id });
    this.edited();
  }

  /** @param {number} id */
  remove(id) {
    const { digits } = this.page;
    const index = digits.findIndex((digit) => digit.id === id);
    const next = digits[index + 1] ?? digits[index - 1];
    this.page.remove(id);
    this.store.set({ opened: null, hovered: null, chosen: null, focused: next?.id ?? null });
    this.edited();
  }

  /** @param {number} id of a new box that has no digit yet */
  discard(id) {
    const isGone = this.page.discard(id);
    this.store.set({ opened: null, hovered: null, chosen: null, focused: this.page.digits[0]?.id ?? null });
    if (!isGone) this.edited();
  }

  /** @param {api.Box} box of the page as in its file */
  add(box) {
    const { id, row, text } = this.page.add(box);
    const isKnown = text !== "?"; // from a typed number
    this.store.set({ marking: null, opened: isKnown ? null : id, focused: id, chosen: row });
    if (isKnown) this.edited();
  }

  /**
   * @param {number} row
   * @param {string} [text] the text to begin with; that of the number if left out
   */
  startTyping(row, text = this.page.number(row).best) {
    this.store.set({ editing: { row, text, reason: "" }, opened: null, chosen: row });
  }

  /**
   * Sets the text of a whole number.
   * @param {number} row
   * @param {string} typed
   * @returns {boolean} whether the text is a number
   */
  type(row, typed) {
    const text = typed.trim();
    const reason = problemOf(text);
    if (reason) {
      this.store.set({ editing: { row, text: typed, reason } });
      return false;
    }
    this.page.type(row, text);
    this.store.set({ editing: null });
    this.edited();
    return true;
  }

  undo() {
    const wasEdited = this.page?.undo();
    if (!wasEdited) return;
    this.store.set({ opened: null, editing: null, hovered: null, chosen: null });
    this.say(`Undone: ${wasEdited}.`);
    this.save();
  }

  edited() {
    const { description } = this.page.edits.at(-1) ?? { description: "" };
    if (description) this.say(`${description.charAt(0).toUpperCase()}${description.slice(1)}.`, { canUndo: true });
    this.save();
  }

  save() {
    const { page } = this;
    const { item, state: { savesCorrections, pageIndex, values } } = this.store;
    if (!savesCorrections || !item) return;
    if (values.region.trim() || values.choice) {
      // The digits outside would become background.
      this.store.set({ saved: "Not saved: empty “Part to read” and set “Numbers to give” to “All” first." });
      return;
    }
    if (page.hasUnset) {
      this.store.set({ saved: "Not saved: a new box has no digit yet. Set or remove it." });
      return;
    }
    const { mismatch } = page;
    if (mismatch) {
      const boxes = `${mismatch.digits.length} box${mismatch.digits.length === 1 ? "" : "es"}`;
      const reason = `${mismatch.text} has ${countDigits(mismatch.text)} digits, but ${boxes} in the picture`;
      this.store.set({ saved: `Not saved: ${reason}. Remove or add boxes.` });
      return;
    }
    const truth = page.truth();
    this.store.set({ saved: "Saving…" });
    this.saving = this.saving.then(async () => {
      let saved;
      try {
        const { digits, picture, pictures } = await api.correct(item.blob, pageIndex + 1, page.reading.rotation, truth);
        saved = `Saved with ${digits} digit${digits === 1 ? "" : "s"} as ${picture}; ${pictures} in the folder.`;
      } catch (error) {
        saved = `Not saved: ${api.messageOf(error)}`;
      }
      if (page === this.store.page) this.store.set({ saved });
    });
  }

  /** @param {string} text */
  async copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      this.say("Copied.");
    } catch {
      this.say("The browser did not allow copying; select the number and copy it yourself.", { isError: true });
    }
  }

  /**
   * Shows a short message for a while.
   * @param {string} text
   * @param {{ isError?: boolean, canUndo?: boolean }} [how]
   */
  say(text, { isError = false, canUndo = false } = {}) {
    clearTimeout(this.toastTimer);
    this.store.set({ toast: { text, isError, canUndo } });
    this.toastTimer = setTimeout(() => this.store.set({ toast: null }), 10_000);
  }
}

/**
 * Says why a text is no number, "" if it is one.
 * @param {string} text
 */
function problemOf(text) {
  if (!countDigits(text)) return "A number needs at least one digit.";
  if (/[^0-9.,'/:–−-]/.test(text)) return "A number has only digits and the marks . , ' - / : in it.";
  return "";
}
