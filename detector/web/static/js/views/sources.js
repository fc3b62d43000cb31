// Where pictures come from: files, the camera, examples, the drawing canvas; after reading, a bar that opens them again.

import { html, nothing, svg } from "../../vendor/lit-html.js";
import { Camera } from "../camera.js";
import { around } from "../geometry.js";
import { countChanged } from "../options.js";
import { counted, hue, icon, percent, when } from "./common.js";

/** @typedef {import("../state.js").State} State */
/** @typedef {import("../app.js").App} App */

const FORMATS = "image/*,.pdf,.heic,.heif,.avif,.tif,.tiff,.jp2,.pnm,.pgm,.ppm";
const EXAMPLES = { cheque: "Cheque", meter: "Meter", display: "Display", house: "House number" };

/**
 * @param {State} state
 * @param {App} app
 */
export function sourcesView(state, app) {
  return html`
    <section class="source" aria-label="Picture to read" ?hidden=${state.isFolded}>
      <div class="tabs" role="tablist" aria-label="Source of the picture" @keydown=${app.onTabKey}>
        ${tab(state, app, "picture", "Pictures", "picture")}
        ${when(Camera.isOffered, () => tab(state, app, "camera", "Live camera", "live"))}
        ${tab(state, app, "draw", "Draw", "pen")}
        ${when(state.items.length, () => html`
          <button type="button" class="quiet close" id="fold" aria-label="Close" @click=${app.fold}>${icon("close")}</button>`)}
      </div>
      <div class="panel" id="panel-picture" role="tabpanel" aria-labelledby="tab-picture" ?hidden=${state.source !== "picture"}>
        ${picturePanel(app)}
      </div>
      <div class="panel" id="panel-camera" role="tabpanel" aria-labelledby="tab-camera" ?hidden=${state.source !== "camera"}>
        ${cameraPanel(state, app)}
      </div>
      <div class="panel" id="panel-draw" role="tabpanel" aria-labelledby="tab-draw" ?hidden=${state.source !== "draw"}>
        <div class="sheet">${app.drawing.canvas}</div>
        <div class="bar">
          <label class="pen">Pen <input type="range" id="pen" min="4" max="40" .value=${String(app.drawing.penWidth)}
            @input=${app.onPenWidth}></label>
          <button type="button" id="undo-stroke" @click=${() => app.drawing.undo()}>${icon("undo")} Undo</button>
          <button type="button" id="clear" @click=${app.clearDrawing}>Clear</button>
          <button type="button" id="read-drawing" class="main" @click=${app.readDrawing}>Read</button>
        </div>
      </div>
    </section>
    ${barView(state, app)}`;
}

/**
 * @param {State} state
 * @param {App} app
 * @param {State["source"]} name
 * @param {string} label
 * @param {Parameters<typeof icon>[0]} symbol
 */
function tab(state, app, name, label, symbol) {
  const isOpen = state.source === name;
  return html`<button type="button" role="tab" id="tab-${name}" aria-controls="panel-${name}" aria-selected=${isOpen}
    tabindex=${isOpen ? 0 : -1} @click=${() => app.openSource(name)}>${icon(symbol)} ${label}</button>`;
}

/** @param {App} app */
function picturePanel(app) {
  return html`
    <div class="choose">
      <label class="button main touch-only"><input type="file" id="photo" class="covered" accept="image/*"
        capture="environment" @change=${app.onFiles}>${icon("camera")} Take a photo</label>
      <label class="drop" id="drop"><input type="file" id="file" class="covered" multiple accept=${FORMATS}
        @change=${app.onFiles}>
        ${icon("picture")}
        <strong><span class="mouse-only">Drop pictures here, paste, or <u>choose files</u></span><span
          class="touch-only">Choose pictures</span></strong>
        <span class="hint">Photos, scans and PDFs. Several at once give a table.</span></label>
    </div>
    <div class="examples" role="group" aria-labelledby="examples-title">
      <span id="examples-title" class="label">Try an example</span>
      <div id="examples">
        ${Object.entries(EXAMPLES).map(([name, title]) => html`
          <button type="button" @click=${() => app.openExample(name)}>
            <img src="/static/examples/${name}.jpg" alt=""><span>${title}</span></button>`)}
      </div>
    </div>`;
}

/**
 * @param {State} state
 * @param {App} app
 */
function cameraPanel(state, app) {
  const { seen, steady } = state;
  const shape = seen?.reading ?? { width: 16, height: 9, numbers: [] };
  const count = seen?.steadiness.count ?? 0;
  const text = steady?.steadiness.text ?? seen?.steadiness.text;
  return html`
    <div class="camera" ?hidden=${Boolean(state.cameraProblem)}>
      ${app.camera.video}
      <svg viewBox="0 0 ${shape.width} ${shape.height}" preserveAspectRatio="xMidYMid meet" aria-hidden="true">
        ${seen ? liveBoxes(seen) : nothing}</svg>
    </div>
    ${when(state.cameraProblem, () => html`<p class="problem" role="alert">${icon("warning")} ${state.cameraProblem}
      <button type="button" @click=${() => app.openSource("camera")}>Try again</button></p>`)}
    <div class="bar live" ?hidden=${Boolean(state.cameraProblem)}>
      <output id="live-number" class=${steady ? "steady" : ""}>${text || "Hold the camera on a number"}</output>
      <span class="hint" id="live-state" role="status">${
        steady ? html`${icon("check")} Steady, ${percent(steadyConfidence(steady))}`
        : count ? `Hold still: ${count} of 3` : seen ? "No number yet" : "Starting the camera…"}</span>
      <button type="button" id="keep" class="main" ?disabled=${!seen} @click=${app.keepFrame}>
        ${steady ? `Keep ${steady.steadiness.text}` : "Take this picture"}</button>
    </div>`;
}

/** @param {NonNullable<State["steady"]>} steady */
function steadyConfidence({ reading, steadiness }) {
  return Math.max(...reading.numbers.filter(({ best }) => best === steadiness.text).map(({ confidence }) => confidence));
}

/** @param {NonNullable<State["seen"]>} seen */
function liveBoxes({ reading }) {
  return reading.numbers.map(({ digits }, place) => {
    const [left, top, right, bottom] = around(digits.map(({ box }) => box));
    return svg`<rect class=${hue(place)} x=${left} y=${top} width=${right - left} height=${bottom - top}></rect>`;
  });
}

/**
 * @param {State} state
 * @param {App} app
 */
function barView(state, app) {
  const changed = countChanged(state.values);
  const item = state.items[state.current];
  const isBusy = state.items.some(({ progress }) => progress !== "done");
  // Once there are results, the status is only for those who do not see them.
  const isSeen = isBusy || !item || state.problem;
  return html`<div class="bar top ${state.isFolded ? "folded" : ""} ${isBusy ? "busy" : ""}">
    ${when(state.isFolded, () => html`
      <button type="button" id="new-picture" class="main" @click=${app.unfold}>${icon("plus")} New picture</button>
      <label class="button touch-only"><input type="file" class="covered" accept="image/*" capture="environment"
        aria-label="Take a photo" @change=${app.onFiles}>${icon("camera")}</label>
      <span class="name">${item ? item.name : nothing}</span>`)}
    <p class="status ${isSeen ? "" : "unseen"}" id="status" role="status">${state.status}</p>
    <span class="spring"></span>
    <button type="button" id="toggle-options" aria-expanded=${state.showsOptions} aria-controls="options"
      @click=${app.toggleOptions}>${icon("options")} Options${when(changed, () => html`
        <span class="badge" title=${`${counted(changed, "option")} changed`}>${changed}</span>`)}</button>
  </div>`;
}
