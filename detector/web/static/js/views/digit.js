// The popover at a digit, a sheet at the bottom of small screens: its alternatives, and keys to set it.

import { html, nothing } from "../../vendor/lit-html.js";
import { toUpright } from "../geometry.js";
import { hue, icon, percent } from "./common.js";

/** @typedef {import("../state.js").State} State */
/** @typedef {import("../page.js").Digit} Digit */
/** @typedef {import("../page.js").Page} Page */
/** @typedef {import("../app.js").App} App */

const GAP = 10; // pixels between the digit and the popover

/**
 * @param {State} state
 * @param {Page} page
 * @param {App} app
 */
export function digitView(state, page, app) {
  const digit = page.digits.find(({ id }) => id === state.opened);
  if (!digit || !state.shown) return nothing;
  const place = page.numbers().findIndex(({ row }) => row === digit.row);
  const isNew = digit.text === "?";
  const title = isNew ? "Which digit is it?" : `Digit ${digit.text}`;
  return html`<div class="popover ${hue(place)}" id="digit" role="dialog" aria-label=${title}
      @keydown=${(/** @type {KeyboardEvent} */ event) => app.onPopoverKey(event, digit)}>
    <div class="bar head"><h2 id="digit-title">${title}${
      digit.confidence === null && !isNew ? html` <span class="tag">edited</span>` : nothing}</h2>
      <span class="spring"></span>
      <button type="button" class="quiet" aria-label="Close" @click=${app.closeDigit}>${icon("close")}</button></div>
    ${isNew ? nothing : html`<ul class="probabilities" id="probabilities">${probabilities(digit).map(
      ({ text, confidence }) => probabilityView(text, confidence, digit, app))}</ul>`}
    <div class="keys" role="group" aria-label="Set the digit">${[..."1234567890"].map((key) => html`
      <button type="button" aria-pressed=${key === digit.text} @click=${() => app.rename(digit.id, key)}>${key}</button>`)}</div>
    <button type="button" id="remove" class="wide" @click=${() => app.remove(digit.id)}>${
      isNew ? "Discard" : "Not a digit"}</button>
  </div>`;
}

/**
 * What the digit may be, the most probable first; "" is no digit.
 * @param {Digit} digit
 */
function probabilities(digit) {
  const own = digit.confidence === null ? [] : [{ text: digit.text, confidence: digit.confidence }];
  const all = [...own, ...digit.alternatives];
  const none = 1 - all.reduce((sum, { confidence }) => sum + confidence, 0);
  return own.length && none >= 0.001 ? [...all, { text: "", confidence: none }] : all;
}

/**
 * @param {string} text
 * @param {number} confidence
 * @param {Digit} digit
 * @param {App} app
 */
function probabilityView(text, confidence, digit, app) {
  const meter = html`<svg class="share" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
      <rect width=${confidence * 100} height="1"></rect></svg>
    <span class="percent">${percent(confidence)}</span>`;
  if (text === digit.text) return html`<li class="own"><strong>${text}</strong>${meter}</li>`;
  if (!text) return html`<li><span class="none">none</span>${meter}</li>`;
  return html`<li><button type="button" aria-label="Change to ${text}, ${percent(confidence)}"
    @click=${() => app.rename(digit.id, text)}><strong>${text}</strong>${meter}</button></li>`;
}

/**
 * Scrolls the page until the sheet of a small screen does not cover its digit.
 * @param {State} state
 */
export function uncoverDigit({ opened }) {
  const sheet = document.getElementById("digit");
  const digit = document.querySelector(`[data-digit="${opened}"]`);
  if (!sheet || !digit || getComputedStyle(sheet).position !== "fixed") return;
  const hidden = digit.getBoundingClientRect().bottom + GAP - sheet.getBoundingClientRect().top;
  if (hidden > 0) window.scrollBy({ top: hidden, behavior: "smooth" });
}

/**
 * Places the popover at its digit: below it, above it where there is no room, and inside the frame from left to right.
 * Small screens ignore this.
 * @param {State} state
 * @param {Page} page
 * @param {App} app
 */
export function placePopover(state, page, app) {
  const popover = /** @type {HTMLElement | null} */ (document.getElementById("digit"));
  const digit = page.digits.find(({ id }) => id === state.opened);
  if (!popover || !digit || !state.shown) return;
  const { element } = app.stage;
  const [left, top, right, bottom] = app.stage.onScreen(toUpright(digit.box, state.shown));
  const frame = element.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = popover;
  const hasRoomBelow = frame.top + bottom + GAP + height < window.innerHeight;
  const isBelow = hasRoomBelow || frame.top + top - GAP - height < 0;
  const x = Math.min(Math.max((left + right) / 2 - width / 2, 0), Math.max(element.offsetWidth - width, 0));
  popover.style.setProperty("--left", `${x}px`);
  popover.style.setProperty("--top", `${isBelow ? bottom + GAP : top - GAP - height}px`);
}
