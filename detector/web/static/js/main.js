// The page: renders the state, and listens to what happens on the whole page.

import { html, nothing, render } from "../vendor/lit-html.js";
import * as api from "./api.js";
import { App } from "./app.js";
import { icon, when } from "./views/common.js";
import { placePopover } from "./views/digit.js";
import { numbersView } from "./views/numbers.js";
import { optionsView } from "./views/options.js";
import { picturesView } from "./views/pictures.js";
import { sourcesView } from "./views/sources.js";
import { viewerView } from "./views/viewer.js";

/** @typedef {import("./state.js").State} State */

const app = new App();
const { store, stage } = app;

/** @param {State} state */
function pageView(state) {
  const { item, page } = store;
  return html`
    ${sourcesView(state, app)}
    ${optionsView(state, app)}
    ${when(state.items.length > 1, () => picturesView(state, app))}
    ${when(item, () => html`<div class="result" id="result">
      ${item?.error ? errorView(item) : numbersView(state, page, app)}
      ${viewerView(state, page, app)}</div>`)}
    ${when(state.isDropping, () => html`<div class="dropping">${icon("picture")} Drop to read</div>`)}
    <div class="toast ${state.toast?.isError ? "bad" : ""}" id="toast" role="status">${when(state.toast, () => html`
      <span>${state.toast?.text}</span>${state.toast?.canUndo
        ? html`<button type="button" id="toast-undo" @click=${app.undo}>Undo</button>` : nothing}`)}</div>`;
}

/** @param {import("./state.js").Item} item */
function errorView(item) {
  return html`<section class="card results" aria-label="Numbers"><div class="empty error" id="error" role="alert">
    ${icon("warning")}<h2>${item.name} could not be read</h2><p>${item.error}</p>
    <div class="bar"><button type="button" @click=${app.unfold}>Choose another picture</button>
      <button type="button" @click=${() => app.reader.readAll()}>Try again</button></div></div></section>`;
}

const root = /** @type {HTMLElement} */ (document.getElementById("app"));
/** @param {State} state */
store.render = (state) => {
  render(pageView(state), root);
  if (state.shown !== stage.shown) stage.show(state.shown);
  if (store.page) placePopover(state, store.page, app);
};

/** @param {DragEvent} event */
function onDrag(event) {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  const isInside = event.type === "dragleave" && event.relatedTarget;
  if (!isInside) store.set({ isDropping: event.type === "dragover" });
  if (event.type === "drop") app.open([...event.dataTransfer.files]);
}

/** @param {ClipboardEvent} event */
function onPaste(event) {
  const files = [...(event.clipboardData?.files ?? [])];
  if (!files.length) return;
  event.preventDefault();
  app.open(files);
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  const isTyping = /** @type {Element} */ (event.target).matches?.("input:not([type=range], [type=checkbox]), textarea");
  const hasControl = event.ctrlKey || event.metaKey;
  if (event.key === "Escape") {
    app.closeDigit();
    store.set({ marking: null });
  } else if (event.key === "z" && hasControl && !event.shiftKey && !isTyping) {
    event.preventDefault();
    app.undo();
  } else if ((event.key === "+" || event.key === "-") && !hasControl && !isTyping) {
    stage.zoom(event.key === "+" ? 1.5 : 1 / 1.5);
  }
}

/** @param {PointerEvent} event */
function onPointer(event) {
  if (!(/** @type {Element} */ (event.target).closest("#digit, [data-digit]"))) app.closeDigit();
}

for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => onDrag(/** @type {DragEvent} */ (event)));
}
document.addEventListener("paste", onPaste);
document.addEventListener("keydown", onKey);
document.addEventListener("pointerdown", onPointer);
document.addEventListener("visibilitychange", () => {
  if (document.hidden && store.state.source === "camera") app.openSource("picture");
});
store.set({});
api.health().then(({ corrections }) => store.set({ savesCorrections: corrections }), () => {});
