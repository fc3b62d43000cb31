// The main module of the page: reads, shows and corrects pictures.

import * as api from "./api.js";
import { Page, percent } from "./page.js";
import { connectSources } from "./sources.js";
import { Stage } from "./stage.js";

const READ_DELAY = 350; // ms from a change of the options to the next reading

const $ = (id) => document.getElementById(id);

let file = null; // the Blob to read
let readings = []; // as the server returned them
let pages = []; // a Page for each reading
let pageIndex = 0; // of the visible page
let selected = null; // a digit of that page
let isPinned = false; // whether the digit stays selected while the mouse moves over others
let savesCorrections = false;
let request = null; // the AbortController of the current request
let timer = 0; // of the next reading

const stage = new Stage($("stage"), $("picture"), $("overlay"), { onSelect: select, onKey: keyOnDigit });

function openFile(blob) {
  $("form").elements.region.value = ""; // it belongs to another picture
  start(blob);
}

connectSources({
  onPicture: openFile,
  onEmpty: () => say("Write some digits first.", true),
  onClear: () => {
    request?.abort();
    request = null;
    $("result").hidden = true;
    say("");
  },
});

// --- reading ---

async function start(blob) {
  const previous = file;
  file = blob;
  request?.abort();
  clearTimeout(timer);
  const current = (request = new AbortController());
  say("Reading…");
  try {
    const found = await api.read(blob, options(), current.signal);
    if (request !== current) return;
    const wasCorrected = blob === previous && pages.some((page) => page.isCorrected);
    readings = found;
    pages = found.map((one) => new Page(one));
    await showPage(0);
    say(summary());
    if (wasCorrected) $("saved").textContent = "Read again, without your corrections; new corrections will replace the saved ones.";
  } catch (error) {
    if (error.name === "AbortError" || request !== current) return;
    $("result").hidden = true;
    say(error.message, true);
  }
}

function readAgain() {
  clearTimeout(timer);
  if (file) timer = setTimeout(() => start(file), READ_DELAY);
}

function options() {
  const query = new URLSearchParams();
  for (const field of $("form").elements) {
    const value = field.type === "checkbox" && !field.checked ? "" : field.value.trim();
    if (!field.name || !value || value === field.dataset.default) continue;
    const values = field.name === "allowed" ? value.split(/\s*\n\s*/) : [value];
    for (const one of values) query.append(field.name, one);
  }
  return query;
}

function summary() {
  const count = pages.reduce((sum, page) => sum + page.reading.numbers.length, 0);
  const where = pages.length > 1 ? ` on ${pages.length} pages` : "";
  return count ? `${count} number${count > 1 ? "s" : ""} read${where}.` : `No digits found${where}.`;
}

$("form").addEventListener("input", () => {
  showRanges();
  readAgain();
});
$("form").addEventListener("submit", (event) => event.preventDefault());
$("form").addEventListener("reset", () => {
  setTimeout(showRanges); // the event fires before the values change
  readAgain();
});

function showRanges() {
  for (const name of ["conf", "min_confidence"]) {
    $(`${name}-shown`).value = Number($("form").elements[name].value).toFixed(2);
  }
  $("whole").hidden = !$("form").elements.region.value;
}

// --- results ---

async function showPage(number) {
  pageIndex = number;
  selected = null;
  isPinned = false;
  mark(null);
  const page = pages[pageIndex];
  const { width, height, error } = page.reading;
  $("result").hidden = false;
  $("pages").hidden = pages.length < 2;
  $("page-shown").textContent = `Page ${pageIndex + 1} of ${pages.length}${error ? `: ${error}` : ""}`;
  $("previous-page").disabled = pageIndex === 0;
  $("next-page").disabled = pageIndex === pages.length - 1;
  $("saved").textContent = "";
  showNumbers();
  showChosen();
  stage.draw([]);
  $("stage").hidden = Boolean(error);
  if (error) return;
  // Browsers show at most the first page of a file.
  const isShown = number === 0 && (await stage.show(file, width, height));
  if (!isShown) await stage.show(await api.pageAsPng(file, number + 1), width, height);
  if (pages[pageIndex] === page) showDigits();
}

function showNumbers() {
  const numbers = pages[pageIndex].numbers();
  $("numbers").replaceChildren(...numbers.map(numberLine));
  $("copy").disabled = !numbers.length;
  URL.revokeObjectURL($("download").href);
  const json = JSON.stringify(readings, null, 1);
  $("download").href = URL.createObjectURL(new Blob([json], { type: "application/json" }));
}

function numberLine(number) {
  const line = document.createElement("li");
  line.className = number.status;
  const text = document.createElement("output");
  text.append(...markedText(number));
  const details = document.createElement("span");
  details.className = "confidence";
  const remark = { unsure: "uncertain, ", unfit: "violates the constraints, ", corrected: "corrected" }[number.status];
  details.textContent = (remark ?? "") + (number.confidence === null ? "" : percent(number.confidence));
  const others = number.alternatives.map((other) => `${other.text} ${percent(other.confidence)}`).join(", ");
  const isUncertain = number.status === "unsure";
  if (others && !isUncertain) details.title = `or ${others}`;
  const copy = document.createElement("button");
  copy.type = "button";
  copy.textContent = "Copy";
  copy.setAttribute("aria-label", `Copy ${number.text}`);
  copy.addEventListener("click", () => toClipboard(number.text));
  if (number.region) {
    const region = document.createElement("span");
    region.className = "region";
    region.textContent = `${number.region}:`;
    line.append(region);
  }
  line.append(text, details, copy);
  if (isUncertain) {
    const doubt = document.createElement("p");
    doubt.className = "doubt";
    const masked = [...number.text].map((character, place) => (number.doubtful.includes(place) ? "?" : character)).join("");
    doubt.textContent = `Doubtful: ${masked}${others ? `; or ${others}` : ""}`;
    line.append(doubt);
  }
  return line;
}

// The characters of a number, with the doubtful ones marked.
function markedText(number) {
  return [...number.text].map((character, place) => {
    if (!number.doubtful.includes(place)) return character;
    const mark = document.createElement("mark");
    mark.textContent = character;
    return mark;
  });
}

$("copy").addEventListener("click", () =>
  toClipboard(
    pages[pageIndex]
      .numbers()
      .filter((number) => number.status !== "unfit")
      .map((number) => number.text)
      .join("\n"),
  ),
);

async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    say("Copied.");
  } catch {
    say("The browser did not allow copying; select the number and copy it yourself.", true);
  }
}

async function turnTo(number) {
  try {
    await showPage(number);
  } catch (error) {
    say(error.message, true);
  }
}

$("previous-page").addEventListener("click", () => turnTo(pageIndex - 1));
$("next-page").addEventListener("click", () => turnTo(pageIndex + 1));

// --- digits ---

function showDigits() {
  stage.draw(pages[pageIndex].digits, selected);
  showChosen();
}

function select(digit, isHover = false) {
  if (isHover && isPinned) return;
  isPinned = !isHover;
  selected = digit;
  for (const [one, shape] of stage.shapes) shape.classList.toggle("selected", one === digit);
  showChosen();
}

function showChosen() {
  $("digit").hidden = !selected;
  if (!selected) return;
  $("digit-title").textContent = selected.confidence === null ? `${selected.text} (corrected)` : `Digit ${selected.text}`;
  const own = selected.confidence === null ? [] : [selected];
  const probabilities = [...own, ...selected.alternatives];
  const none = 1 - probabilities.reduce((sum, one) => sum + one.confidence, 0);
  if (own.length && none >= 0.001) probabilities.push({ text: "–", confidence: none });
  $("probabilities").replaceChildren(...probabilities.map(probabilityLine));
  $("right").value = "";
  $("right").placeholder = selected.text;
  $("correct").hidden = !savesCorrections;
  $("no-corrections").hidden = savesCorrections;
}

function probabilityLine({ text, confidence }) {
  const line = document.createElement("li");
  const name = document.createElement("strong");
  name.textContent = text;
  if (text === "–") name.setAttribute("aria-label", "not a digit");
  const bar = document.createElement("meter");
  bar.value = confidence;
  bar.setAttribute("aria-hidden", true);
  const value = document.createElement("span");
  value.textContent = percent(confidence);
  line.append(name, bar, value);
  return line;
}

function keyOnDigit(event, digit) {
  const { digits } = pages[pageIndex];
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (step) {
    event.preventDefault();
    stage.focus(digits[(digits.indexOf(digit) + step + digits.length) % digits.length]);
  } else if (event.ctrlKey || event.metaKey || event.altKey) {
    return;
  } else if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    select(digit);
    if (savesCorrections) $("right").focus();
  } else if (savesCorrections && /^[0-9]$/.test(event.key)) {
    event.preventDefault();
    rename(digit, event.key);
  } else if (savesCorrections && (event.key === "Delete" || event.key === "Backspace")) {
    event.preventDefault();
    remove(digit);
  }
}

// --- corrections ---

$("right").addEventListener("input", () => {
  const text = $("right").value.trim();
  if (/^[0-9]$/.test(text)) rename(selected, text);
  else $("right").value = "";
});
$("remove").addEventListener("click", () => remove(selected));

function rename(digit, text) {
  pages[pageIndex].rename(digit, text);
  selected = digit;
  corrected();
}

function remove(digit) {
  const { digits } = pages[pageIndex];
  const after = digits[digits.indexOf(digit) + 1] ?? digits[digits.indexOf(digit) - 1] ?? null;
  const hadFocus = document.activeElement?.closest?.("g");
  pages[pageIndex].remove(digit);
  selected = after;
  corrected();
  if (hadFocus && after) stage.focus(after);
}

let saving = Promise.resolve(); // requests run in order, so that the last correction is the one that stays

function corrected() {
  showNumbers();
  showDigits();
  const [blob, number, { reading: { rotation } }, truth] = [file, pageIndex + 1, pages[pageIndex], pages[pageIndex].truth()];
  $("saved").textContent = "Saving…";
  saving = saving.then(async () => {
    try {
      const saved = await api.correct(blob, number, rotation, truth);
      const digits = `${saved.digits} digit${saved.digits === 1 ? "" : "s"}`;
      $("saved").textContent = `Saved with ${digits} as ${saved.picture}; ${saved.pictures} in the folder.`;
    } catch (error) {
      $("saved").textContent = `Not saved: ${error.message}`;
    }
  });
}

// --- rectangles ---

function mark(kind) {
  const kinds = { region: $("mark-region"), digit: $("add-digit") };
  for (const [name, button] of Object.entries(kinds)) button.setAttribute("aria-pressed", name === kind);
  stage.mark({ region: readRegion, digit: addDigit }[kind] ?? null);
}

for (const [kind, button] of [["region", $("mark-region")], ["digit", $("add-digit")]]) {
  button.addEventListener("click", () => mark(button.getAttribute("aria-pressed") === "true" ? null : kind));
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  mark(null);
  isPinned = false;
});

function readRegion([left, top, right, bottom]) {
  mark(null);
  $("form").elements.region.value = [left, top, right - left, bottom - top].join(",");
  showRanges();
  start(file);
}

$("whole").addEventListener("click", () => {
  $("form").elements.region.value = "";
  showRanges();
  start(file);
});

function addDigit(box) {
  mark(null);
  selected = pages[pageIndex].add(box);
  isPinned = true;
  showNumbers();
  showDigits();
  $("saved").textContent = "Type the digit in the new box to save it.";
  $("right").focus();
}

function say(text, isError = false) {
  $("status").textContent = text;
  $("status").classList.toggle("error", isError);
}

savesCorrections = (await api.health()).corrections;
$("add-digit").hidden = !savesCorrections;
showRanges();
