// The picture with an overlay: zoomed by wheel, pinch, keys and buttons, moved by dragging, marked with rectangles.

import { fromUpright, uprightSize } from "./geometry.js";

/** @typedef {import("./api.js").Box} Box */
/** @typedef {{ x: number, y: number }} Point */

const MAX_ENLARGEMENT = 5; // of a small picture that fills the view
const MAX_ZOOM = 8; // beyond the whole picture
const MIN_DETAIL = 4; // screen pixels for a picture pixel that every picture can be zoomed to
const MIN_SIDE = 3; // picture pixels: a smaller rectangle is a click
const MIN_DRAG = 4; // screen pixels: a shorter movement is a click
const READABLE = 48; // screen pixels: the height to which a chosen number is zoomed at least

export class Stage {
  /**
   * @param {{ onRectangle: (box: Box) => void, onView: () => void }} use onRectangle gets a box of the page in its file,
   *   onView is called after zooming and moving
   */
  constructor(use) {
    this.use = use;
    this.element = make("div", "stage");
    this.layer = make("div", "layer");
    this.image = /** @type {HTMLImageElement} */ (make("img", ""));
    this.image.alt = "The picture that was read";
    this.image.draggable = false;
    this.overlay = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    this.overlay.setAttribute("role", "none"); // as an image it would hide its buttons from some screen readers
    this.rubber = make("div", "rubber");
    this.rubber.hidden = true;
    this.layer.append(this.image, this.overlay);
    this.element.append(this.layer, this.rubber);
    /** @type {import("./state.js").Shown | null} */
    this.shown = null;
    this.isMarking = false;
    this.scale = 1;
    this.fitScale = 1;
    /** @type {Point} of the layer in the stage */
    this.offset = { x: 0, y: 0 };
    /** @type {Map<number, Point>} pointers that are down, where they are now */
    this.pointers = new Map();
    /** @type {Point | null} where the only pointer went down */
    this.start = null;
    this.isDragging = false;
    this.wasDragged = false; // since the last pointer went down
    this.listen();
  }

  listen() {
    const { element } = this;
    element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    element.addEventListener("pointerdown", (event) => this.down(event));
    element.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) {
      element.addEventListener(end, (event) => this.up(/** @type {PointerEvent} */ (event)));
    }
    // A drag ends over some digit, which is not clicked.
    element.addEventListener("click", (event) => this.wasDragged && event.stopPropagation(), { capture: true });
    let width = 0; // the height follows from it
    new ResizeObserver(() => {
      if (element.clientWidth === width) return;
      width = element.clientWidth;
      this.fit();
    }).observe(element);
  }

  /** @param {import("./state.js").Shown | null} shown */
  show(shown) {
    const before = this.shown;
    this.shown = shown;
    if (!shown) return;
    if (this.image.getAttribute("src") !== shown.url) this.image.src = shown.url;
    const { width, height } = this.size;
    this.overlay.setAttribute("viewBox", `0 0 ${width} ${height}`);
    if (before?.url !== shown.url || before.rotation !== shown.rotation) this.fit();
  }

  /** The upright size of the picture in its pixels. */
  get size() {
    return this.shown ? uprightSize(this.shown) : { width: 1, height: 1 };
  }

  get isZoomed() {
    return this.scale > this.fitScale * 1.001;
  }

  /** Shows the whole picture. */
  fit() {
    const { clientWidth } = this.element;
    if (!this.shown || !clientWidth) return;
    const { width, height } = this.size;
    const isNarrow = window.innerWidth < 720;
    const tallest = isNarrow ? window.innerHeight * 0.5 : Math.max(window.innerHeight - 230, 260);
    this.fitScale = Math.min(clientWidth / width, tallest / height, MAX_ENLARGEMENT);
    this.element.style.height = `${Math.round(Math.max(this.fitScale * height, 120))}px`;
    this.setView(this.fitScale, this.offset);
  }

  /**
   * Zooms by a factor; the picture stays where it is at a point of the stage, its centre if left out.
   * @param {number} factor
   * @param {Point} [at]
   */
  zoom(factor, at = { x: this.element.clientWidth / 2, y: this.element.clientHeight / 2 }) {
    const most = Math.max(this.fitScale * MAX_ZOOM, MIN_DETAIL);
    const scale = Math.min(Math.max(this.scale * factor, this.fitScale), most);
    const ratio = scale / this.scale;
    this.setView(scale, { x: at.x - (at.x - this.offset.x) * ratio, y: at.y - (at.y - this.offset.y) * ratio });
  }

  showAll() {
    this.setView(this.fitScale, this.offset);
  }

  /**
   * Moves a box into view, and zooms in if it is too small to be read.
   * @param {Box} box of the upright page
   */
  reveal([left, top, right, bottom]) {
    const { clientWidth, clientHeight } = this.element;
    const readable = Math.min(READABLE / (bottom - top), (0.8 * clientWidth) / (right - left));
    const scale = Math.max(this.scale, Math.min(readable, Math.max(this.fitScale * MAX_ZOOM, MIN_DETAIL)));
    const x = clientWidth / 2 - (scale * (left + right)) / 2;
    const y = clientHeight / 2 - (scale * (top + bottom)) / 2;
    if (scale > this.scale || this.isZoomed) this.setView(scale, { x, y });
  }

  /**
   * @param {Box} box of the upright page
   * @returns {Box} in screen pixels of the stage
   */
  onScreen([left, top, right, bottom]) {
    const { scale, offset: { x, y } } = this;
    return [left * scale + x, top * scale + y, right * scale + x, bottom * scale + y];
  }

  /**
   * @param {number} scale screen pixels for a picture pixel
   * @param {Point} offset
   */
  setView(scale, { x, y }) {
    const { clientWidth, clientHeight } = this.element;
    const { width, height } = this.size;
    this.scale = scale;
    this.offset = { x: within(x, clientWidth, width * scale), y: within(y, clientHeight, height * scale) };
    Object.assign(this.layer.style, {
      left: `${this.offset.x}px`, top: `${this.offset.y}px`, width: `${width * scale}px`, height: `${height * scale}px`,
    });
    this.turnImage();
    this.layer.style.setProperty("--unit", String(1 / scale));
    this.element.classList.toggle("zoomed", this.isZoomed);
    this.use.onView();
  }

  /** Turns the image upright inside the layer, which has the upright size. */
  turnImage() {
    const { width, height, rotation } = this.shown ?? { width: 1, height: 1, rotation: 0 };
    const [across, down] = [width * this.scale, height * this.scale];
    const transforms = {
      0: "",
      90: `translate(0, ${across}px) rotate(-90deg)`,
      180: `translate(${across}px, ${down}px) rotate(180deg)`,
      270: `translate(${down}px, 0) rotate(90deg)`,
    };
    Object.assign(this.image.style, { width: `${across}px`, height: `${down}px`, transform: transforms[rotation] });
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    // At the whole picture, turning further out scrolls the page.
    if (event.deltaY > 0 && !this.isZoomed && !event.ctrlKey) return;
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    // Browsers report a pinch on a touchpad as a wheel with the control key, in small steps.
    this.zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.002)), this.point(event));
  }

  /** @param {PointerEvent} event */
  down(event) {
    if (event.pointerType === "mouse" && event.button !== 0) return;
    this.pointers.set(event.pointerId, this.point(event));
    this.wasDragged = false;
    this.start = this.pointers.size === 1 ? this.point(event) : null;
    this.isDragging = false;
    if (this.isMarking && this.start) {
      event.preventDefault();
      this.element.setPointerCapture(event.pointerId);
    }
  }

  /** @param {PointerEvent} event */
  move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    if (event.pointerType === "mouse" && !event.buttons) return this.up(event); // it was released elsewhere
    const now = this.point(event);
    const others = [...this.pointers].filter(([id]) => id !== event.pointerId);
    this.pointers.set(event.pointerId, now);
    if (others.length) this.pinch(before, now, others[0][1]);
    else if (this.isMarking) this.drawRubber(now);
    else this.drag(event, before, now);
  }

  /** @param {PointerEvent} event */
  up(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    const { start } = this;
    this.start = null;
    this.rubber.hidden = true;
    if (!this.isMarking || !start || event.type !== "pointerup") return;
    const box = this.rectangle(start, this.point(event));
    if (Math.min(box[2] - box[0], box[3] - box[1]) < MIN_SIDE || !this.shown) return;
    this.wasDragged = true;
    this.use.onRectangle(fromUpright(box, this.shown));
  }

  /**
   * @param {PointerEvent} event
   * @param {Point} before
   * @param {Point} now
   */
  drag(event, before, now) {
    if (!this.start || !this.isZoomed) return;
    if (!this.isDragging && Math.hypot(now.x - this.start.x, now.y - this.start.y) < MIN_DRAG) return;
    if (!this.isDragging) this.element.setPointerCapture(event.pointerId);
    this.isDragging = this.wasDragged = true;
    this.setView(this.scale, { x: this.offset.x + now.x - before.x, y: this.offset.y + now.y - before.y });
  }

  /**
   * @param {Point} before of the pointer that moved
   * @param {Point} now
   * @param {Point} other pointer
   */
  pinch(before, now, other) {
    this.wasDragged = true;
    const distance = (/** @type {Point} */ one) => Math.max(Math.hypot(one.x - other.x, one.y - other.y), 1);
    const centre = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
    this.offset = { x: this.offset.x + (now.x - before.x) / 2, y: this.offset.y + (now.y - before.y) / 2 };
    this.zoom(distance(now) / distance(before), centre);
  }

  /** @param {Point} now */
  drawRubber(now) {
    if (!this.start) return;
    const [left, top, right, bottom] = this.onScreen(this.rectangle(this.start, now));
    this.rubber.hidden = false;
    Object.assign(this.rubber.style, {
      left: `${left}px`, top: `${top}px`, width: `${right - left}px`, height: `${bottom - top}px`,
    });
  }

  /**
   * @param {Point} one of the stage
   * @param {Point} other
   * @returns {Box} in whole pixels of the upright page
   */
  rectangle(one, other) {
    const { width, height } = this.size;
    const place = (/** @type {Point} */ point) => [
      inside((point.x - this.offset.x) / this.scale, width), inside((point.y - this.offset.y) / this.scale, height),
    ];
    const [[x0, y0], [x1, y1]] = [place(one), place(other)];
    return [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)];
  }

  /**
   * @param {MouseEvent} event
   * @returns {Point} of the stage
   */
  point(event) {
    const { left, top } = this.element.getBoundingClientRect();
    const { clientLeft, clientTop } = this.element; // its border
    return { x: event.clientX - left - clientLeft, y: event.clientY - top - clientTop };
  }
}

/**
 * Where a picture begins: centred if it is smaller than the view, otherwise without a gap at either end.
 * @param {number} start
 * @param {number} view its length
 * @param {number} picture its length
 */
function within(start, view, picture) {
  return picture <= view ? (view - picture) / 2 : Math.min(0, Math.max(start, view - picture));
}

/**
 * @param {number} value
 * @param {number} most
 */
function inside(value, most) {
  return Math.round(Math.min(Math.max(value, 0), most));
}

/**
 * @param {string} tag
 * @param {string} name of its class
 */
function make(tag, name) {
  const element = document.createElement(tag);
  element.className = name;
  return element;
}
