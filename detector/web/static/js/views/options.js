// The options in three groups, each with its error next to its field.

import { html, nothing } from "../../vendor/lit-html.js";
import { GROUPS, countChanged } from "../options.js";
import { icon, percent, when } from "./common.js";

/** @typedef {import("../state.js").State} State */
/** @typedef {import("../app.js").App} App */
/** @typedef {import("../options.js").Field} Field */

/**
 * @param {State} state
 * @param {App} app
 */
export function optionsView(state, app) {
  return html`<form class="options" id="options" aria-label="Options" ?hidden=${!state.showsOptions}
      @submit=${(/** @type {Event} */ event) => event.preventDefault()}>
    ${GROUPS.map(({ title, fields }) => html`<fieldset>
      <legend>${title}</legend>
      ${fields.map((field) => fieldView(field, state, app))}
    </fieldset>`)}
    <div class="bar end">
      <button type="button" id="reset" ?disabled=${!countChanged(state.values)} @click=${app.resetOptions}>Reset</button>
    </div>
  </form>`;
}

/**
 * @param {Field} field
 * @param {State} state
 * @param {App} app
 */
function fieldView(field, state, app) {
  const { name, label, kind, hint } = field;
  const reason = state.problem?.field === name ? state.problem.reason : "";
  const described = [reason && `${name}-problem`, hint && `${name}-hint`].filter(Boolean).join(" ");
  const control = controlOf(field, state.values[name], app, Boolean(reason), described);
  const texts = html`
    ${when(reason, () => html`<p class="problem" id="${name}-problem" role="alert">${icon("warning")} ${reason}</p>`)}
    ${when(hint, () => html`<p class="hint" id="${name}-hint">${hint}</p>`)}`;
  if (kind === "check") return html`<div class="field"><label class="check">${control} ${label}</label>${texts}</div>`;
  const value = kind === "range" ? html` <output>${percent(Number(state.values[name]))}</output>` : nothing;
  return html`<div class="field"><label for="option-${name}">${label}${value}</label>${control}${texts}</div>`;
}

/**
 * @param {Field} field
 * @param {string} value
 * @param {App} app
 * @param {boolean} isInvalid
 * @param {string} described ids of the texts about the field
 */
function controlOf({ name, kind, placeholder, choices, inputmode, range }, value, app, isInvalid, described) {
  const id = `option-${name}`;
  const onInput = (/** @type {any} */ event) => app.setOption(name, event.target.value);
  if (kind === "check") {
    return html`<input type="checkbox" id=${id} name=${name} .checked=${value === "true"}
      @change=${(/** @type {any} */ event) => app.setOption(name, event.target.checked ? "true" : "")}>`;
  }
  if (kind === "choice") {
    return html`<select id=${id} name=${name} @change=${onInput} aria-invalid=${isInvalid} aria-describedby=${described || nothing}>
      ${choices?.map(([key, title]) => html`<option value=${key} .selected=${key === value}>${title}</option>`)}</select>`;
  }
  if (kind === "range") {
    return html`<input type="range" id=${id} name=${name} min=${range?.[0] ?? 0} max=${range?.[1] ?? 1} step="0.05" .value=${value}
      @input=${onInput} aria-describedby=${described || nothing}>`;
  }
  if (kind === "lines") {
    return html`<textarea id=${id} name=${name} rows="2" placeholder=${placeholder ?? ""} .value=${value} @input=${onInput}
      spellcheck="false" aria-invalid=${isInvalid} aria-describedby=${described || nothing}></textarea>`;
  }
  return html`<input id=${id} name=${name} placeholder=${placeholder ?? ""} .value=${value} @input=${onInput} autocomplete="off"
    spellcheck="false" inputmode=${inputmode ?? nothing} aria-invalid=${isInvalid} aria-describedby=${described || nothing}>`;
}
