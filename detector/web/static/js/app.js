// What the user can do. The views call these methods; each changes the state, from which the page is rendered.

import * as api from "./api.js";
import { Camera } from "./camera.js";
import { Drawing } from "./drawing.js";
import { Editor } from "./editing.js";
import { toCsv, toJson } from "./export.js";
import { toUpright } from "./geometry.js";
import { problemOf, toQuery } from "./options.js";
import { Reader } from "./reading.js";
import { Stage } from "./stage.js";
import { Store } from "./state.js";
import { uncoverDigit } from "./views/digit.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("./page.js").Digit} Digit */

export class App {
  constructor() {
    this.store = new Store();
    this.reader = new Reader(this.store);
    this.editor = new Editor(this.store);
    this.stage = new Stage({ onRectangle: (box) => this.onRectangle(box), onView: () => this.store.set({}) });
    this.drawing = new Drawing(() => this.readDrawing());
    const video = document.createElement("video");
    Object.assign(video, { muted: true, playsInline: true });
    this.camera = new Camera(video, {
      query: () => toQuery({ ...this.store.state.values, region: "" }), // which belongs to a picture
      onSeen: (seen) => this.store.set({ seen, steady: seen.steadiness.isSteady ? seen : this.store.state.steady }),
      onError: (message) => this.onCameraError(message),
    });
  }

  // --- sources ---

  /** @param {Event} event of a file input */
  onFiles = (event) => {
    const input = /** @type {HTMLInputElement} */ (event.target);
    const files = [...(input.files ?? [])];
    input.value = ""; // allows choosing the same file again
    this.open(files);
  };

  /**
   * @param {(File | Blob)[]} files
   * @param {boolean} [isFolding]
   */
  async open(files, isFolding = true) {
    if (!files.length) return;
    this.camera.stop();
    const wasFolded = this.store.state.isFolded;
    const source = isFolding ? "picture" : this.store.state.source;
    this.store.set({ source, seen: null, steady: null });
    const reading = this.reader.open(files, { isFolding });
    if (isFolding && !wasFolded) {
      window.scrollTo({ top: 0 });
      document.getElementById("new-picture")?.focus({ preventScroll: true }); // the control that had it is hidden now
    }
    await reading;
  }

  /** @param {string} name */
  openExample = async (name) => {
    const blob = await (await fetch(`/static/examples/${name}.jpg`)).blob();
    await this.open([new File([blob], `${name}.jpg`, { type: blob.type })]);
  };

  /** @param {State["source"]} source */
  openSource = (source) => {
    this.camera.stop();
    this.store.set({ source, seen: null, steady: null, cameraProblem: "" });
    if (source === "camera") this.camera.start();
  };

  /** @param {KeyboardEvent} event */
  onTabKey = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const tabs = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[role=tab]")]);
    const index = tabs.findIndex((tab) => tab === event.target);
    if (!step || index < 0) return;
    const next = tabs[(index + step + tabs.length) % tabs.length];
    next.click();
    next.focus();
  };

  fold = () => {
    this.camera.stop();
    this.store.set({ isFolded: true, source: "picture" });
    document.getElementById("new-picture")?.focus();
  };

  unfold = () => {
    this.store.set({ isFolded: false });
    document.getElementById("tab-picture")?.focus();
  };

  /** @param {Event} event */
  onPenWidth = (event) => {
    this.drawing.penWidth = Number(/** @type {HTMLInputElement} */ (event.target).value);
  };

  readDrawing = async () => {
    const blob = this.drawing.isEmpty ? null : await this.drawing.toBlob();
    if (blob) await this.open([blob], false);
    else this.store.set({ status: "Write some digits first." });
  };

  clearDrawing = () => {
    this.drawing.clear();
    this.reader.clear();
  };

  /** @param {string} message */
  onCameraError(message) {
    const problem = problemOf(message);
    if (problem) this.store.set({ problem, showsOptions: true, cameraProblem: "An option must be changed first." });
    else this.store.set({ cameraProblem: message });
  }

  keepFrame = async () => {
    const { seen, steady } = this.store.state;
    const kept = steady ?? seen;
    if (kept) await this.open([new File([kept.frame], "camera.jpg", { type: "image/jpeg" })]);
  };

  // --- options ---

  toggleOptions = () => this.store.set({ showsOptions: !this.store.state.showsOptions });
  resetOptions = () => this.reader.resetOptions();

  /**
   * @param {string} name
   * @param {string} value
   */
  setOption(name, value) {
    this.reader.setOptions({ [name]: value });
  }

  /** @param {Record<string, string>} change that is complete, so that the picture is read at once */
  setOptions(change) {
    this.reader.setOptions(change, true);
  }

  // --- what is shown ---

  /** @param {number} index */
  showItem(index) {
    return this.reader.show(index);
  }

  /** @param {number} index */
  showPage(index) {
    return this.reader.show(this.store.state.current, index);
  }

  /** @param {number | null} hovered row of a number */
  hover(hovered) {
    if (this.store.state.hovered !== hovered) this.store.set({ hovered });
  }

  /** @param {number} row */
  chooseNumber(row) {
    const { chosen, shown } = this.store.state;
    this.store.set({ chosen: chosen === row ? null : row, hovered: null, opened: null });
    const box = this.store.page?.number(row).box;
    if (chosen !== row && box && shown) this.stage.reveal(toUpright(box, shown));
  }

  /** @param {Digit} digit */
  focusDigit(digit) {
    if (this.store.state.focused !== digit.id) this.store.set({ focused: digit.id, chosen: digit.row });
  }

  /** @param {number} id */
  openDigit(id) {
    if (this.store.state.marking) return;
    const row = this.store.page?.digit(id).row ?? null;
    this.store.set({ opened: id, focused: id, chosen: row });
    uncoverDigit(this.store.state);
    scrollToActive();
  }

  closeDigit = () => {
    const { opened } = this.store.state;
    if (opened === null) return;
    if (this.store.page?.digits.some(({ id, text }) => id === opened && text === "?")) this.remove(opened);
    this.store.set({ opened: null });
    this.focusShape(this.store.state.focused);
  };

  /** @param {number | null} id of a digit */
  focusShape(id) {
    const shape = document.querySelector(`[data-digit="${id}"]`) ?? document.querySelector("[data-digit]");
    /** @type {SVGElement | null} */ (shape)?.focus({ preventScroll: true });
  }

  /**
   * @param {KeyboardEvent} event
   * @param {Digit} digit
   */
  onDigitKey(event, digit) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const digits = this.store.page?.digits ?? [];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (step) {
      event.preventDefault();
      const index = digits.findIndex(({ id }) => id === digit.id);
      this.focusShape(digits[(index + step + digits.length) % digits.length].id);
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.openDigit(digit.id);
      /** @type {HTMLElement | null} */ (document.querySelector("#digit button"))?.focus();
    } else {
      this.onPopoverKey(event, digit);
    }
  }

  /**
   * @param {KeyboardEvent} event
   * @param {Digit} digit
   */
  onPopoverKey(event, digit) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (/^[0-9]$/.test(event.key)) this.rename(digit.id, event.key);
    else if (event.key === "Delete" || event.key === "Backspace") this.remove(digit.id);
    else return;
    event.preventDefault();
  }

  // --- edits ---

  /**
   * @param {number} id
   * @param {string} text
   */
  rename(id, text) {
    this.editor.rename(id, text);
    if (this.store.state.opened === id) this.closeDigit();
  }

  /** @param {number} id */
  remove(id) {
    if (this.store.page?.digit(id).text === "?") this.editor.discard(id);
    else this.editor.remove(id);
    this.focusShape(this.store.state.focused);
  }

  /**
   * @param {number} row
   * @param {string} [text]
   */
  startTyping(row, text) {
    const isNew = this.store.state.editing?.row !== row;
    this.editor.startTyping(row, text);
    if (isNew) /** @type {HTMLInputElement | null} */ (document.getElementById("edit"))?.select();
  }

  /**
   * @param {number} row
   * @param {string} text
   */
  type(row, text) {
    if (this.editor.type(row, text)) this.focusRow(row);
  }

  stopTyping = () => {
    const { editing } = this.store.state;
    this.store.set({ editing: null });
    if (editing) this.focusRow(editing.row);
  };

  /** @param {number} row */
  focusRow(row) {
    const place = this.store.page?.numbers().findIndex((number) => number.row === row) ?? -1;
    /** @type {HTMLElement | undefined} */ (document.querySelectorAll("#numbers .value")[place])?.focus();
  }

  undo = () => this.editor.undo();

  /** @param {string} text */
  copy(text) {
    return this.editor.copy(text);
  }

  /** @param {import("./page.js").ShownNumber[]} numbers */
  copyAll(numbers) {
    return this.copy(numbers.filter(({ status }) => status !== "unfit").map(({ text }) => text).join("\n"));
  }

  /** @param {"region" | "digit"} kind */
  mark(kind) {
    this.store.set({ marking: this.store.state.marking === kind ? null : kind, opened: null });
  }

  /** @param {api.Box} box of the page as in its file */
  onRectangle(box) {
    const [left, top, right, bottom] = box;
    if (this.store.state.marking === "region") {
      this.store.set({ marking: null });
      this.setOptions({ region: [left, top, right - left, bottom - top].join(",") });
    } else {
      this.editor.add(box);
      uncoverDigit(this.store.state);
      /** @type {HTMLElement | null} */ (document.querySelector("#digit .keys button"))?.focus();
    }
  }

  downloadCsv = () => download("numbers.csv", "text/csv", toCsv(this.store.state.items));
  downloadJson = () => download("reading.json", "application/json", toJson(this.store.state.items));
}

/** Scrolls a long list of numbers, but not the page, to the highlighted row. */
function scrollToActive() {
  const list = document.getElementById("numbers");
  const row = list?.querySelector(".active");
  if (!list || !row) return;
  const [view, place] = [list.getBoundingClientRect(), row.getBoundingClientRect()];
  if (place.top < view.top || place.bottom > view.bottom) list.scrollTop += place.top - view.top - view.height / 2;
}

/**
 * @param {string} name
 * @param {string} type
 * @param {string} text
 */
function download(name, type, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
