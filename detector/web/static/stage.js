// The picture with the digits drawn over it, and rectangles that the user drags on it.

const SVG = "http://www.w3.org/2000/svg";
const MIN_WIDTH = 640; // screen pixels: narrower pictures are enlarged to it
const MAX_ENLARGEMENT = 4;
const MIN_SIDE = 3; // picture pixels: a smaller rectangle is a click

export class Stage {
  // Calls onSelect(digit, isHover) when a digit is selected, and onKey(event, digit) when a key is pressed on it.
  constructor(stage, image, overlay, { onSelect, onKey }) {
    Object.assign(this, { stage, image, overlay, onSelect, onKey });
    this.shapes = new Map();
    stage.addEventListener("pointerdown", (event) => this.startDrag(event));
    stage.addEventListener("pointermove", (event) => this.drag(event));
    for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, (event) => this.endDrag(event));
  }

  // Shows a blob; resolves to whether the browser can decode it to width x height.
  async show(blob, width, height) {
    URL.revokeObjectURL(this.image.src);
    this.image.src = URL.createObjectURL(blob);
    this.width = width;
    this.height = height;
    this.overlay.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.image.style.width = `${width * Math.min(Math.max(MIN_WIDTH / width, 1), MAX_ENLARGEMENT)}px`;
    try {
      await this.image.decode();
    } catch {
      return false;
    }
    return this.image.naturalWidth === width && this.image.naturalHeight === height;
  }

  // Draws digits: objects with text, box, status ("ok", "unsure", "unfit", "corrected"), isDoubtful and label.
  draw(digits, selected) {
    const focused = document.activeElement?.closest?.("g") ? selected : null;
    this.shapes.clear();
    this.overlay.replaceChildren(...digits.map((digit) => this.shape(digit, digit === selected)));
    if (focused) this.focus(focused);
  }

  focus(digit) {
    this.shapes.get(digit)?.focus();
  }

  // Lets the user drag one rectangle; onRectangle gets [left, top, right, bottom] in pixels of the picture.
  mark(onRectangle) {
    this.onRectangle = onRectangle;
    this.stage.classList.toggle("marking", Boolean(onRectangle));
  }

  shape(digit, isSelected) {
    const [left, top, right, bottom] = digit.box;
    const group = make("g", { tabindex: 0, role: "button", "aria-label": digit.label, class: digit.status });
    group.classList.toggle("doubtful", Boolean(digit.isDoubtful));
    group.classList.toggle("selected", isSelected);
    const rectangle = { x: left, y: top, width: right - left, height: bottom - top };
    // Above the digit; near the top of the picture smaller, or over the digit.
    const usual = Math.min(Math.max((bottom - top) * 0.4, this.height / 40), this.height / 8);
    const size = Math.min(usual, Math.max(top, usual * 0.6));
    const y = Math.max(top - size * 0.15, size * 0.85);
    const text = make("text", { x: (left + right) / 2, y, "aria-hidden": true });
    text.style.fontSize = `${size}px`;
    text.textContent = digit.text;
    group.append(make("rect", rectangle), make("rect", rectangle), text);
    group.addEventListener("click", () => this.onSelect(digit));
    group.addEventListener("focus", () => this.onSelect(digit));
    group.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && this.onSelect(digit, true));
    group.addEventListener("keydown", (event) => this.onKey(event, digit));
    this.shapes.set(digit, group);
    return group;
  }

  startDrag(event) {
    if (!this.onRectangle || event.button !== 0) return;
    event.preventDefault();
    this.stage.setPointerCapture(event.pointerId);
    this.start = this.position(event);
    this.rubber = make("rect", { class: "rubber" });
    this.overlay.append(this.rubber);
  }

  drag(event) {
    if (!this.start) return;
    const [left, top, right, bottom] = this.rectangle(event);
    for (const [name, value] of Object.entries({ x: left, y: top, width: right - left, height: bottom - top })) {
      this.rubber.setAttribute(name, value);
    }
  }

  endDrag(event) {
    if (!this.start) return;
    const box = this.rectangle(event);
    this.rubber.remove();
    this.start = null;
    if (event.type === "pointerup" && Math.min(box[2] - box[0], box[3] - box[1]) >= MIN_SIDE) this.onRectangle(box);
  }

  position(event) {
    const bounds = this.image.getBoundingClientRect();
    const inside = (value, most) => Math.round(Math.min(Math.max(value, 0), most));
    return [
      inside(((event.clientX - bounds.left) / bounds.width) * this.width, this.width),
      inside(((event.clientY - bounds.top) / bounds.height) * this.height, this.height),
    ];
  }

  rectangle(event) {
    const [x, y] = this.position(event);
    const [x0, y0] = this.start;
    return [Math.min(x, x0), Math.min(y, y0), Math.max(x, x0), Math.max(y, y0)];
  }
}

function make(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
