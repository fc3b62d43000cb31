// The picture with a box around every digit, its tools, and the popover at a digit.

import { html, nothing, render, svg } from "../../vendor/lit-html.js";
import { toUpright } from "../geometry.js";
import { digitView } from "./digit.js";
import { hue, icon, percent, when } from "./common.js";

/** @typedef {import("../state.js").State} State */
/** @typedef {import("../page.js").Digit} Digit */
/** @typedef {import("../page.js").Page} Page */
/** @typedef {import("../page.js").ShownNumber} ShownNumber */
/** @typedef {import("../app.js").App} App */

/**
 * @param {State} state
 * @param {Page | undefined} page
 * @param {App} app
 */
export function viewerView(state, page, app) {
  const { stage } = app;
  stage.isMarking = Boolean(state.marking);
  stage.element.classList.toggle("marking", stage.isMarking);
  render(overlayView(state, page, app), stage.overlay);
  return html`<section class="viewer" aria-label="Picture" ?hidden=${!state.shown}>
    ${toolsView(state, page, app)}
    <div class="frame">${stage.element}${page && state.opened !== null ? digitView(state, page, app) : nothing}</div>
    ${when(state.marking, () => html`<p class="hint center">${
      state.marking === "region" ? "Drag a box around the part to read." : "Drag a box around the missed digit."} Esc stops.</p>`)}
  </section>`;
}

/**
 * @param {State} state
 * @param {Page | undefined} page
 * @param {App} app
 */
function toolsView(state, page, app) {
  const { pages } = state.items[state.current] ?? { pages: [] };
  const { stage } = app;
  return html`<div class="bar tools" role="toolbar" aria-label="Picture">
    <button type="button" id="mark-region" aria-pressed=${state.marking === "region"} ?disabled=${!page}
      title="Drag a box around the part of the picture to read" @click=${() => app.mark("region")}>${icon("part")}
      <span>Mark a part</span></button>
    ${when(state.values.region, () => html`<button type="button" id="whole" @click=${() => app.setOptions({ region: "" })}>
      ${icon("whole")} <span>Whole picture</span></button>`)}
    <button type="button" id="add-digit" aria-pressed=${state.marking === "digit"} ?disabled=${!page}
      title="Drag a box around a missed digit" @click=${() => app.mark("digit")}>${icon("add")} <span>Add a digit</span></button>
    <span class="spring"></span>
    ${when(pages.length > 1, () => html`<span class="group" role="group" aria-label="Pages">
      <button type="button" id="previous-page" aria-label="Previous page" ?disabled=${!state.pageIndex}
        @click=${() => app.showPage(state.pageIndex - 1)}>${icon("previous")}</button>
      <span id="page-shown" aria-live="polite">Page ${state.pageIndex + 1} of ${pages.length}</span>
      <button type="button" id="next-page" aria-label="Next page" ?disabled=${state.pageIndex === pages.length - 1}
        @click=${() => app.showPage(state.pageIndex + 1)}>${icon("next")}</button></span>`)}
    <span class="group" role="group" aria-label="Zoom">
      <button type="button" id="zoom-out" aria-label="Zoom out" ?disabled=${!stage.isZoomed} @click=${() => stage.zoom(1 / 1.5)}>
        ${icon("minus")}</button>
      <button type="button" id="zoom-all" title="Show the whole picture" ?disabled=${!stage.isZoomed}
        @click=${() => stage.showAll()}>${Math.round((stage.scale / stage.fitScale) * 100)}%</button>
      <button type="button" id="zoom-in" aria-label="Zoom in" @click=${() => stage.zoom(1.5)}>${icon("plus")}</button></span>
  </div>`;
}

/**
 * @param {State} state
 * @param {Page | undefined} page
 * @param {App} app
 */
function overlayView(state, page, app) {
  if (!page || !state.shown) return nothing;
  const active = state.hovered ?? state.chosen;
  const numbers = page.numbers();
  const all = numbers.flatMap(({ digits }) => digits);
  const first = all.some(({ id }) => id === state.focused) ? state.focused : all[0]?.id;
  return svg`<g role="group" aria-label="Digits in the picture" class=${active === null ? "" : "dimmed"}>${numbers.map(
    (number, place) => svg`<g class="${hue(place)} ${number.status} ${number.row === active ? "active" : ""}"
      @pointerenter=${(/** @type {PointerEvent} */ event) => event.pointerType === "mouse" && app.hover(number.row)}
      @pointerleave=${() => app.hover(null)}>${
        digitShapes(number, page, first, state, app)}</g>`,
  )}</g>`;
}

/**
 * @param {ShownNumber} number
 * @param {Page} page
 * @param {number | null | undefined} first digit that the Tab key reaches
 * @param {State} state
 * @param {App} app
 */
function digitShapes(number, page, first, state, app) {
  const doubtful = page.doubtfulIds(number);
  return number.digits.map((digit) => {
    const isDoubtful = doubtful.includes(digit.id);
    const label = labelOf(digit, number, isDoubtful);
    const name = `digit ${state.opened === digit.id ? "opened" : ""} ${isDoubtful ? "doubtful" : ""}`;
    return digitShape(digit, { label, name, tabindex: digit.id === first ? 0 : -1 }, state, app);
  });
}

/**
 * @param {Digit} digit
 * @param {{ label: string, name: string, tabindex: number }} look
 * @param {State} state
 * @param {App} app
 */
function digitShape(digit, { label, name, tabindex }, state, app) {
  const shown = /** @type {import("../state.js").Shown} */ (state.shown);
  const [left, top, right, bottom] = toUpright(digit.box, shown);
  const [x, y, width, height] = [left, top, right - left, bottom - top].map((value) => value.toFixed(2));
  const isLow = top < 24 / app.stage.scale; // no room for the label above
  return svg`<g class=${name} data-digit=${digit.id} tabindex=${tabindex}
    role="button" aria-haspopup="dialog" aria-label=${label} @click=${() => app.openDigit(digit.id)}
    @focus=${() => app.focusDigit(digit)} @keydown=${(/** @type {KeyboardEvent} */ event) => app.onDigitKey(event, digit)}>
    <rect class="halo" x=${x} y=${y} width=${width} height=${height} rx=${3 / app.stage.scale}></rect>
    <rect class="box" x=${x} y=${y} width=${width} height=${height} rx=${3 / app.stage.scale}></rect>
    <text x=${(left + right) / 2} y=${isLow ? bottom : top} dy=${isLow ? "1.1em" : "-.35em"} aria-hidden="true">${
      digit.text}</text></g>`;
}

/**
 * @param {Digit} digit
 * @param {ShownNumber} number
 * @param {boolean} isDoubtful
 */
function labelOf(digit, number, isDoubtful) {
  if (digit.text === "?") return "New digit: type it";
  const sure = digit.confidence === null ? "edited" : percent(digit.confidence);
  const others = digit.alternatives.map(({ text, confidence }) => `, or ${text} ${percent(confidence)}`).join("");
  return `${digit.text}, ${sure}${isDoubtful ? ", doubtful" : ""}, in ${number.text}${others}`;
}
