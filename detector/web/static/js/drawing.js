// A canvas to write on, which gives a PNG. Its background stays white in the dark color scheme, like paper.

/** @typedef {{ width: number, points: [number, number][] }} Stroke */

const READ_DELAY = 700; // ms from the last stroke to the reading

export class Drawing {
  /** @param {() => void} onPause called when the user stops writing */
  constructor(onPause) {
    this.canvas = document.createElement("canvas");
    this.canvas.className = "paper";
    this.canvas.setAttribute("aria-label", "Write digits here with a mouse, a pen or a finger");
    this.canvas.setAttribute("role", "img");
    this.onPause = onPause;
    this.penWidth = 14; // screen pixels
    /** @type {Stroke[]} */
    this.strokes = [];
    /** @type {Stroke | null} */
    this.current = null;
    this.timer = 0;
    this.canvas.addEventListener("pointerdown", (event) => this.start(event));
    this.canvas.addEventListener("pointermove", (event) => this.extend(event));
    for (const end of ["pointerup", "pointercancel"]) this.canvas.addEventListener(end, () => this.end());
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  get isEmpty() {
    return !this.strokes.length;
  }

  undo() {
    this.strokes.pop();
    this.draw();
    this.readLater();
  }

  clear() {
    clearTimeout(this.timer);
    this.strokes = [];
    this.draw();
  }

  /** @returns {Promise<Blob | null>} */
  toBlob() {
    clearTimeout(this.timer);
    return new Promise((resolve) => this.canvas.toBlob(resolve, "image/png"));
  }

  /** @param {PointerEvent} event */
  start(event) {
    if (event.button !== 0) return;
    clearTimeout(this.timer);
    this.canvas.setPointerCapture(event.pointerId);
    this.current = { width: this.penWidth, points: [this.position(event)] };
    this.strokes.push(this.current);
    this.draw();
  }

  /** @param {PointerEvent} event */
  extend(event) {
    if (!this.current) return;
    // Pointers move more often than the screen is drawn.
    const events = event.getCoalescedEvents?.() ?? [];
    this.current.points.push(...(events.length ? events : [event]).map((one) => this.position(one)));
    this.draw();
  }

  end() {
    if (!this.current) return;
    this.current = null;
    this.readLater();
  }

  readLater() {
    clearTimeout(this.timer);
    if (!this.isEmpty) this.timer = setTimeout(this.onPause, READ_DELAY);
  }

  /**
   * @param {PointerEvent} event
   * @returns {[number, number]}
   */
  position(event) {
    const bounds = this.canvas.getBoundingClientRect();
    return [event.clientX - bounds.left, event.clientY - bounds.top];
  }

  draw() {
    const { canvas } = this;
    const scale = window.devicePixelRatio || 1;
    canvas.classList.toggle("written", !this.isEmpty);
    canvas.width = Math.round(canvas.clientWidth * scale);
    canvas.height = Math.round(canvas.clientHeight * scale);
    const ink = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    ink.fillStyle = "#fff";
    ink.fillRect(0, 0, canvas.width, canvas.height);
    ink.scale(scale, scale);
    ink.lineCap = ink.lineJoin = "round";
    ink.strokeStyle = "#111";
    for (const { width, points } of this.strokes) {
      ink.lineWidth = width;
      ink.beginPath();
      ink.moveTo(...points[0]);
      for (const point of points) ink.lineTo(...point);
      ink.stroke();
    }
  }
}
