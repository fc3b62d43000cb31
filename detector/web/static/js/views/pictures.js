// The table of several pictures.

import { html } from "../../vendor/lit-html.js";
import { counted, icon, percent, when } from "./common.js";

/** @typedef {import("../state.js").State} State */
/** @typedef {import("../state.js").Item} Item */
/** @typedef {import("../app.js").App} App */

/**
 * @param {State} state
 * @param {App} app
 */
export function picturesView(state, app) {
  const done = state.items.filter(({ progress }) => progress === "done" || progress === "unread").length;
  return html`<section class="card pictures" aria-labelledby="pictures-title">
    <div class="bar head">
      <h2><span id="pictures-title">${counted(state.items.length, "picture")}</span>${remarkView(state.items)}</h2>
      <progress max=${state.items.length} value=${done} aria-label="Pictures read"
        ?hidden=${done === state.items.length}></progress>
      <button type="button" id="csv" @click=${app.downloadCsv}>${icon("download")} CSV</button>
      <button type="button" id="json" @click=${app.downloadJson}>${icon("download")} JSON</button>
    </div>
    <div class="scroll" tabindex="0" role="region" aria-labelledby="pictures-title">
      <table>
        <thead><tr><th scope="col">Picture</th><th scope="col">Numbers</th>
          <th scope="col" class="right">Lowest confidence</th></tr></thead>
        <tbody>${state.items.map((item, index) => row(item, index, state, app))}</tbody>
      </table>
    </div>
  </section>`;
}

/**
 * How many pictures need a look, because rows may be scrolled out of sight.
 * @param {Item[]} items
 */
function remarkView(items) {
  const failed = items.filter(({ error, progress }) => error || progress === "unread").length;
  const uncertain = items.filter(isUncertain).length;
  const remarks = [...(failed ? [`${failed} not read`] : []), ...(uncertain ? [`${uncertain} uncertain`] : [])];
  return when(remarks.length, () => html`<span class="soft">${remarks.join(", ")}</span>`);
}

/** @param {Item} item */
function isUncertain({ pages }) {
  return pages.some((page) => page.numbers().some(({ status }) => status === "unsure" || status === "unfit"));
}

/**
 * @param {Item} item
 * @param {number} index
 * @param {State} state
 * @param {App} app
 */
function row(item, index, state, app) {
  const isCurrent = index === state.current;
  const numbers = item.pages.flatMap((page) => page.numbers());
  const confidences = numbers.flatMap(({ confidence }) => (confidence === null ? [] : [confidence]));
  return html`<tr class=${isCurrent ? "current" : ""} @click=${() => app.showItem(index)}>
    <th scope="row"><button type="button" class="link" aria-current=${isCurrent} title=${item.name}
      @click=${(/** @type {Event} */ event) => (event.stopPropagation(), app.showItem(index))}>${item.name}</button></th>
    <td colspan=${item.error ? 2 : 1}>${
      item.error ? html`<span class="bad">${item.error}</span>`
      : item.progress !== "done" && !item.pages.length ? html`<span class="soft">${
        { reading: "Reading…", waiting: "Waiting", unread: "Not read" }[item.progress]}</span>`
      : numbers.length ? html`<span class="values">${numbers.map(({ text }) => html`<span>${text}</span>`)}</span>`
      : html`<span class="soft">No digits</span>`}</td>
    <td class="right" ?hidden=${Boolean(item.error)}>${isUncertain(item) ? html`<span class="tag">uncertain</span> ` : ""}${
      confidences.length ? percent(Math.min(...confidences)) : ""}</td>
  </tr>`;
}
