// Opens pictures, reads them on the server, and chooses what is shown.

import * as api from "./api.js";
import { initialValues, problemOf, toQuery } from "./options.js";
import { Page } from "./page.js";

/** @typedef {import("./state.js").Item} Item */

const READ_DELAY = 350; // ms from a change of the options to the next reading
const AT_ONCE = 2; // pictures on their way to the server

const NOTHING_CHOSEN = { hovered: null, chosen: null, focused: null, opened: null, editing: null };

export class Reader {
  /** @param {import("./state.js").Store} store */
  constructor(store) {
    this.store = store;
    this.nextId = 1;
    this.timer = 0;
    /** @type {AbortController | null} of the requests on their way */
    this.request = null;
  }

  /**
   * Opens pictures in place of those that are open, and reads them.
   * @param {Iterable<File | Blob>} files
   * @param {{ isFolding?: boolean }} [how] whether the sources fold to a bar
   */
  open(files, { isFolding = true } = {}) {
    /** @type {Item[]} */
    const items = [...files].map((blob) => ({
      id: this.nextId++, name: blob instanceof File ? blob.name : "drawing.png", blob, url: URL.createObjectURL(blob),
      progress: "waiting", error: null, pages: [], shown: new Map(),
    }));
    if (!items.length) return;
    this.clear();
    // A region belongs to the picture it was drawn on.
    const values = { ...this.store.state.values, region: "" };
    this.store.set({ items, values, isFolded: isFolding });
    this.show(0);
    return this.readAll();
  }

  /** Closes all pictures. */
  clear() {
    this.request?.abort();
    clearTimeout(this.timer);
    for (const { url, shown } of this.store.state.items) {
      for (const address of new Set([url, ...shown.values()])) URL.revokeObjectURL(address);
    }
    const empty = { items: [], current: -1, shown: null, marking: null, status: "", saved: "", toast: null, problem: null };
    this.store.set({ ...NOTHING_CHOSEN, ...empty });
  }

  /** Reads all pictures, the one that is shown first. */
  async readAll() {
    this.request?.abort();
    clearTimeout(this.timer);
    const { items, current } = this.store.state;
    const { signal } = (this.request = new AbortController());
    const waiting = [...items.slice(current, current + 1), ...items.filter((_, index) => index !== current)];
    for (const item of waiting) item.progress = "waiting";
    this.store.set({ status: "Reading…", problem: null });
    const worker = async () => {
      for (let item = waiting.shift(); item && !signal.aborted; item = waiting.shift()) await this.read(item, signal);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    if (!signal.aborted) this.store.set({ status: summary(items) });
  }

  /** Reads again soon; for options that change while the user types. */
  readLater() {
    clearTimeout(this.timer);
    if (this.store.item) this.timer = setTimeout(() => this.readAll(), READ_DELAY);
  }

  /**
   * @param {Item} item
   * @param {AbortSignal} signal
   */
  async read(item, signal) {
    item.progress = "reading";
    this.store.set({});
    try {
      const readings = await api.read(item.blob, toQuery(this.store.state.values), signal);
      if (signal.aborted) return;
      const wasEdited = item.pages.some((page) => page.isEdited);
      Object.assign(item, { progress: "done", error: null, pages: readings.map((reading) => new Page(reading)) });
      if (item === this.store.item) await this.show(this.store.state.current, this.store.state.pageIndex);
      if (wasEdited) this.store.set({ saved: "Read again, without your edits." });
    } catch (error) {
      if (signal.aborted) return;
      this.fail(item, error);
    }
  }

  /**
   * @param {Item} item
   * @param {unknown} error
   */
  fail(item, error) {
    const message = api.messageOf(error);
    // Status 422 concerns this picture alone, such as a region outside it; the other pictures are still read.
    const isOfOption = this.store.state.items.length === 1 || (error instanceof api.ApiError && error.status === 400);
    const problem = isOfOption ? problemOf(message) : null;
    if (problem) {
      // The readings with the earlier options stay.
      this.request?.abort();
      for (const one of this.store.state.items) one.progress = one.pages.length || one.error ? "done" : "unread";
      this.store.set({ problem, showsOptions: true, status: "An option must be changed before the picture is read." });
      return;
    }
    Object.assign(item, { progress: "done", error: sentence(message), pages: [] });
    if (item === this.store.item) this.store.set({ ...NOTHING_CHOSEN, shown: null });
    else this.store.set({});
  }

  /**
   * Shows a page of an item.
   * @param {number} current
   * @param {number} [pageIndex]
   */
  async show(current, pageIndex = 0) {
    const item = this.store.state.items[current];
    const index = Math.min(pageIndex, Math.max(item.pages.length - 1, 0));
    const isOther = current !== this.store.state.current || index !== this.store.state.pageIndex;
    const left = isOther ? { shown: null, marking: null } : {};
    this.store.set({ ...NOTHING_CHOSEN, ...left, current, pageIndex: index, saved: "", toast: null });
    const page = item.pages[index];
    if (page?.reading.error) return this.store.set({ shown: null });
    try {
      const shown = await shownPicture(item, index);
      const isCurrent = item === this.store.item && index === this.store.state.pageIndex && page === this.store.page;
      if (isCurrent) this.store.set({ shown });
    } catch (error) {
      this.store.set({ toast: { text: api.messageOf(error), isError: true, canUndo: false } });
    }
  }

  /**
   * @param {Partial<import("./options.js").Values>} change
   * @param {boolean} [isImmediate] whether to read without waiting for more changes
   */
  setOptions(change, isImmediate = false) {
    const values = /** @type {import("./options.js").Values} */ ({ ...this.store.state.values, ...change });
    this.store.set({ values });
    if (isImmediate && this.store.item) this.readAll();
    else this.readLater();
  }

  resetOptions() {
    this.store.set({ problem: null });
    this.setOptions(initialValues());
  }
}

/**
 * The picture of a page: the file itself if the browser shows it as the server reads it, otherwise a PNG from the server.
 * @param {Item} item
 * @param {number} index
 * @returns {Promise<import("./state.js").Shown | null>} null if the file is not read yet and the browser cannot show it
 */
async function shownPicture(item, index) {
  const reading = item.pages[index]?.reading;
  const known = item.shown.get(index);
  if (known && reading) return { url: known, ...shapeOf(reading) };
  // Browsers show at most the first page of a file.
  const size = index === 0 ? await decodedSize(item.url) : null;
  if (!reading) return size && { url: item.url, ...size, rotation: 0 };
  const isAlike = size?.width === reading.width && size.height === reading.height;
  const url = isAlike ? item.url : URL.createObjectURL(await api.pageAsPng(item.blob, index + 1));
  item.shown.set(index, url);
  return { url, ...shapeOf(reading) };
}

/** @param {api.Reading} reading */
function shapeOf({ width, height, rotation }) {
  return { width, height, rotation };
}

/**
 * @param {string} url
 * @returns {Promise<{ width: number, height: number } | null>}
 */
async function decodedSize(url) {
  const image = new Image();
  image.src = url;
  try {
    await image.decode();
  } catch {
    return null;
  }
  return { width: image.naturalWidth, height: image.naturalHeight };
}

/** @param {string} text */
function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith(".") ? "" : "."}`;
}

/** @param {Item[]} items */
function summary(items) {
  const pages = items.flatMap((item) => item.pages);
  const count = pages.reduce((sum, page) => sum + page.numbers().length, 0);
  const failed = items.filter((item) => item.error).length;
  const unread = failed ? ` ${failed} of ${items.length} pictures could not be read.` : "";
  if (failed === items.length && failed === 1) return "The picture could not be read.";
  const where = items.length > 1 ? ` in ${items.length} pictures` : pages.length > 1 ? ` on ${pages.length} pages` : "";
  return (count ? `${count} number${count > 1 ? "s" : ""} read${where}.` : `No digits found${where}.`) + unread;
}
