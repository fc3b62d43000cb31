// A sheet to write on: strokes in, a PNG out. It is white with black ink in the dark, too, as paper is.

const PAUSE = 700; // ms after the last stroke until it is read

export class Drawing {
  constructor(canvas, pen, onPause) {
    this.canvas = canvas;
    this.pen = pen;
    this.strokes = [];
    this.onPause = onPause;
    canvas.addEventListener("pointerdown", (event) => this.start(event));
    canvas.addEventListener("pointermove", (event) => this.go(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => this.end());
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  get isEmpty() {
    return !this.strokes.length;
  }

  undo() {
    this.strokes.pop();
    this.draw();
    this.pause();
  }

  clear() {
    clearTimeout(this.timer);
    this.strokes = [];
    this.draw();
  }

  toBlob() {
    clearTimeout(this.timer);
    return new Promise((resolve) => this.canvas.toBlob(resolve, "image/png"));
  }

  start(event) {
    if (event.button !== 0) return;
    clearTimeout(this.timer);
    this.canvas.setPointerCapture(event.pointerId);
    this.current = { width: Number(this.pen.value), points: [this.place(event)] };
    this.strokes.push(this.current);
    this.draw();
  }

  go(event) {
    if (!this.current) return;
    // A finger moves more often than the screen is drawn.
    const events = event.getCoalescedEvents?.() ?? [];
    this.current.points.push(...(events.length ? events : [event]).map((one) => this.place(one)));
    this.draw();
  }

  end() {
    if (!this.current) return;
    this.current = null;
    this.pause();
  }

  pause() {
    clearTimeout(this.timer);
    if (!this.isEmpty) this.timer = setTimeout(this.onPause, PAUSE);
  }

  place(event) {
    const bounds = this.canvas.getBoundingClientRect();
    return [event.clientX - bounds.left, event.clientY - bounds.top];
  }

  draw() {
    const { canvas } = this;
    const scale = window.devicePixelRatio || 1;
    canvas.width = Math.round(canvas.clientWidth * scale);
    canvas.height = Math.round(canvas.clientHeight * scale);
    const ink = canvas.getContext("2d");
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
