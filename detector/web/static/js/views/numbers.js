// The numbers of the page that is shown: each a row in the colour of its boxes, to copy, accept and edit.

import { html, nothing } from "../../vendor/lit-html.js";
import { counted, hue, icon, percent, when } from "./common.js";

/** @typedef {import("../state.js").State} State */
/** @typedef {import("../page.js").ShownNumber} ShownNumber */
/** @typedef {import("../page.js").Page} Page */
/** @typedef {import("../app.js").App} App */

/**
 * @param {State} state
 * @param {Page | undefined} page undefined until there is a reading
 * @param {App} app
 */
export function numbersView(state, page, app) {
  if (!page && state.items[state.current].progress === "unread") return html`<section class="card results"
    aria-label="Numbers"><h2>Not read</h2><p class="soft">An option must be changed first.</p></section>`;
  if (!page) return html`<section class="card results" aria-label="Numbers" aria-busy="true"><h2>Reading…</h2>
    <div class="skeleton"></div><div class="skeleton"></div></section>`;
  const numbers = page.numbers();
  if (!numbers.length && !page.isEdited) return emptyView(page, app);
  const doubtful = numbers.filter(({ status }) => status === "unsure").length;
  return html`<section class="card results" aria-labelledby="numbers-title">
    <div class="bar head">
      <h2 id="numbers-title">${counted(numbers.length, "number")}${when(doubtful, () => html`
        <span class="soft">${doubtful} uncertain</span>`)}</h2>
      <span class="spring"></span>
      ${when(page.isEdited, () => html`<button type="button" id="undo" class="quiet" title="Undo (Ctrl+Z)" @click=${app.undo}>
        ${icon("undo")} Undo</button>`)}
    </div>
    <ol class="numbers" id="numbers">${numbers.map((number, place) => rowView(number, place, state, app))}</ol>
    <div class="bar">
      <button type="button" id="copy" ?disabled=${!numbers.length} @click=${() => app.copyAll(numbers)}>${icon("copy")}
        ${numbers.length === 1 ? "Copy" : "Copy all"}</button>
      ${when(state.items.length === 1, () => html`
        <button type="button" id="csv" @click=${app.downloadCsv}>${icon("download")} CSV</button>
        <button type="button" id="json" @click=${app.downloadJson}>${icon("download")} JSON</button>`)}
    </div>
    ${savedView(state, page)}
  </section>`;
}

/**
 * @param {ShownNumber} number
 * @param {number} place
 * @param {State} state
 * @param {App} app
 */
function rowView(number, place, state, app) {
  const { row, text, status, region } = number;
  const isActive = (state.hovered ?? state.chosen) === row;
  const name = `${hue(place)} ${status} ${isActive ? "active" : ""}`;
  if (state.editing?.row === row) return html`<li class=${name}>${editView(state.editing, app)}</li>`;
  return html`<li class=${name} @pointerenter=${() => app.hover(row)} @pointerleave=${() => app.hover(null)}>
    <div class="line">
      <button type="button" class="value" aria-pressed=${state.chosen === row} title="Show it in the picture"
        @click=${() => app.chooseNumber(row)} @dblclick=${() => app.startTyping(row)}>${
          when(region, () => html`<span class="region">${region}</span>`)}<span class="text">${markedText(number)}</span></button>
      <span class="sure">${remark(number)}</span>
      <button type="button" class="quiet" aria-label="Edit ${text}" title="Edit" @click=${() => app.startTyping(row)}>
        ${icon("pen")}</button>
      <button type="button" class="quiet" aria-label="Copy ${text}" title="Copy" @click=${() => app.copy(text)}>
        ${icon("copy")}</button>
    </div>
    ${when(status === "unsure" || status === "unfit", () => doubtView(number, app))}
  </li>`;
}

/**
 * The characters of a number, the doubtful ones marked.
 * @param {ShownNumber} number
 */
function markedText({ text, doubtful }) {
  if (!doubtful.length) return text;
  return [...text].map((character, place) => (doubtful.includes(place) ? html`<mark>${character}</mark>` : character));
}

/** @param {ShownNumber} number */
function remark({ status, confidence }) {
  const words = { ok: "", unsure: "uncertain", unfit: "against the options", edited: "edited", accepted: "accepted" }[status];
  return html`${words ? html`<span class="tag">${words}</span>` : nothing}${confidence === null ? nothing : percent(confidence)}`;
}

/**
 * What else an uncertain number may be: one press takes it.
 * @param {ShownNumber} number
 * @param {App} app
 */
function doubtView({ row, best, alternatives }, app) {
  return html`<div class="bar doubt">
    <button type="button" class="accept" @click=${() => app.type(row, best)}>${icon("check")} Accept ${best}</button>
    ${alternatives.slice(0, 3).map((other) => html`<button type="button" aria-label="Change to ${other.text}"
      @click=${() => app.type(row, other.text)}><span class="text">${other.text}</span>
      <span class="soft">${percent(other.confidence)}</span></button>`)}
  </div>`;
}

/**
 * @param {NonNullable<State["editing"]>} editing
 * @param {App} app
 */
function editView({ row, text, reason }, app) {
  return html`<form class="edit" @submit=${(/** @type {Event} */ event) => (event.preventDefault(), app.type(row, text))}
      @keydown=${(/** @type {KeyboardEvent} */ event) => event.key === "Escape" && app.stopTyping()}>
    <input id="edit" aria-label="Number" .value=${text} autocomplete="off" spellcheck="false" inputmode="decimal"
      aria-invalid=${Boolean(reason)} aria-describedby=${reason ? "edit-problem" : nothing}
      @input=${(/** @type {any} */ event) => app.startTyping(row, event.target.value)}>
    <button type="submit" class="main">${icon("check")} Accept ${text}</button>
    <button type="button" @click=${app.stopTyping}>Cancel</button>
    ${when(reason, () => html`<p class="problem" id="edit-problem" role="alert">${icon("warning")} ${reason}</p>`)}
  </form>`;
}

/**
 * @param {State} state
 * @param {Page} page
 */
function savedView({ saved, savesCorrections }, page) {
  const hint = html`Edits stay on this page. To also save them for training, start the server with
    <code>digitdet serve --corrections DIR</code>.`;
  const all = html`All boxes of a picture are saved as shown, so correct its other digits, too.`;
  return html`<p class="hint" id="saved" role="status">${saved || (page.isEdited && !savesCorrections ? hint : nothing)}${
    when(saved.startsWith("Saved"), () => html` ${all}`)}</p>`;
}

/**
 * @param {Page} page
 * @param {App} app
 */
function emptyView(page, app) {
  if (page.reading.error) {
    return html`<section class="card results" aria-label="Numbers"><div class="empty" role="alert">${icon("warning")}
      <h2>This page could not be read</h2><p>${page.reading.error}</p></div></section>`;
  }
  return html`<section class="card results" aria-label="Numbers"><div class="empty">
    <h2>No digits found</h2>
    <p>Digits are found best if they are sharp and fill a fair part of the picture.</p>
    <div class="bar">
      <button type="button" id="try-fainter" @click=${() => app.setOptions({ conf: "0.25" })}>Look for fainter digits</button>
      <button type="button" id="try-turned" @click=${() => app.setOptions({ rotate: "auto" })}>The picture is turned</button>
      <button type="button" id="try-part" @click=${() => app.mark("region")}>Mark a part</button>
    </div></div></section>`;
}
