// Puts the page together: pictures are read, shown and corrected.

import * as api from "./api.js";
import { Page, share } from "./page.js";
import { connectSources } from "./sources.js";
import { Stage } from "./stage.js";

const PATIENCE = 350; // ms after a change of the options until the picture is read again

const $ = (id) => document.getElementById(id);

let file = null; // the Blob that is read
let readings = []; // as the server gave them
let pages = []; // a Page for each
let place = 0; // of the page that is shown
let chosen = null; // a digit of it
let isPinned = false; // whether it stays when the mouse goes over others
let keepsCorrections = false;
let reading = null; // the AbortController of the request under way
let again = 0; // the timer of the next

const stage = new Stage($("stage"), $("picture"), $("overlay"), { onChoose: choose, onKey: keyOnDigit });

function openFile(blob) {
  $("form").elements.region.value = ""; // of another picture
  start(blob);
}

connectSources({
  onPicture: openFile,
  onEmpty: () => say("Write some digits first.", true),
  onClear: () => {
    reading?.abort();
    reading = null;
    $("result").hidden = true;
    say("");
  },
});

// --- reading ---

async function start(blob) {
  const before = file;
  file = blob;
  reading?.abort();
  clearTimeout(again);
  const mine = (reading = new AbortController());
  say("Reading…");
  try {
    const found = await api.read(blob, options(), mine.signal);
    if (reading !== mine) return;
    const isForgotten = blob === before && pages.some((page) => page.isCorrected);
    readings = found;
    pages = found.map((one) => new Page(one));
    await showPage(0);
    say(summary());
    if (isForgotten) $("saved").textContent = "Read anew, without your corrections; what you correct now replaces them.";
  } catch (error) {
    if (error.name === "AbortError" || reading !== mine) return;
    $("result").hidden = true;
    say(error.message, true);
  }
}

function readAgain() {
  clearTimeout(again);
  if (file) again = setTimeout(() => start(file), PATIENCE);
}

function options() {
  const query = new URLSearchParams();
  for (const field of $("form").elements) {
    const value = field.value.trim();
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
  setTimeout(showRanges); // the event comes before the values change
  readAgain();
});

function showRanges() {
  for (const name of ["conf", "min_confidence"]) {
    $(`${name}-shown`).value = Number($("form").elements[name].value).toFixed(2);
  }
  $("whole").hidden = !$("form").elements.region.value;
}

// --- what was read ---

async function showPage(number) {
  place = number;
  chosen = null;
  isPinned = false;
  mark(null);
  const page = pages[place];
  const { width, height, error } = page.reading;
  $("result").hidden = false;
  $("pages").hidden = pages.length < 2;
  $("page-shown").textContent = `Page ${place + 1} of ${pages.length}${error ? `: ${error}` : ""}`;
  $("previous-page").disabled = place === 0;
  $("next-page").disabled = place === pages.length - 1;
  $("saved").textContent = "";
  showNumbers();
  showChosen();
  stage.draw([]);
  $("stage").hidden = Boolean(error);
  if (error) return;
  // The first page may be of a kind that this browser shows by itself; the others never are.
  const isShown = number === 0 && (await stage.show(file, width, height));
  if (!isShown) await stage.show(await api.pageAsPng(file, number + 1), width, height);
  if (pages[place] === page) showDigits();
}

function showNumbers() {
  const numbers = pages[place].numbers();
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
  text.textContent = number.text;
  const told = document.createElement("span");
  told.className = "share";
  const remark = { unsure: `unsure: ${number.best}, `, unfit: "does not fit, ", corrected: "corrected" }[number.status];
  told.textContent = (remark ?? "") + (number.confidence === null ? "" : share(number.confidence));
  const others = number.alternatives.map((other) => `${other.text} ${share(other.confidence)}`).join(", ");
  if (others) told.title = `or ${others}`;
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
  line.append(text, told, copy);
  return line;
}

$("copy").addEventListener("click", () =>
  toClipboard(
    pages[place]
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
    say("This browser does not let the page copy; mark the number and copy it yourself.", true);
  }
}

async function turnTo(number) {
  try {
    await showPage(number);
  } catch (error) {
    say(error.message, true);
  }
}

$("previous-page").addEventListener("click", () => turnTo(place - 1));
$("next-page").addEventListener("click", () => turnTo(place + 1));

// --- digits ---

function showDigits() {
  stage.draw(pages[place].digits, chosen);
  showChosen();
}

function choose(digit, isPassing = false) {
  if (isPassing && isPinned) return;
  isPinned = !isPassing;
  chosen = digit;
  for (const [one, shape] of stage.shapes) shape.classList.toggle("chosen", one === digit);
  showChosen();
}

function showChosen() {
  $("digit").hidden = !chosen;
  if (!chosen) return;
  $("digit-title").textContent = chosen.confidence === null ? `${chosen.text} (corrected)` : `Digit ${chosen.text}`;
  const own = chosen.confidence === null ? [] : [chosen];
  const chances = [...own, ...chosen.alternatives];
  const none = 1 - chances.reduce((sum, one) => sum + one.confidence, 0);
  if (own.length && none >= 0.001) chances.push({ text: "–", confidence: none });
  $("chances").replaceChildren(...chances.map(chanceLine));
  $("right").value = "";
  $("right").placeholder = chosen.text;
  $("correct").hidden = !keepsCorrections;
  $("no-corrections").hidden = keepsCorrections;
}

function chanceLine({ text, confidence }) {
  const line = document.createElement("li");
  const name = document.createElement("strong");
  name.textContent = text;
  if (text === "–") name.setAttribute("aria-label", "no digit");
  const bar = document.createElement("meter");
  bar.value = confidence;
  bar.setAttribute("aria-hidden", true);
  const told = document.createElement("span");
  told.textContent = share(confidence);
  line.append(name, bar, told);
  return line;
}

function keyOnDigit(event, digit) {
  const { digits } = pages[place];
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (step) {
    event.preventDefault();
    stage.focus(digits[(digits.indexOf(digit) + step + digits.length) % digits.length]);
  } else if (event.ctrlKey || event.metaKey || event.altKey) {
    return;
  } else if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    choose(digit);
    if (keepsCorrections) $("right").focus();
  } else if (keepsCorrections && /^[0-9]$/.test(event.key)) {
    event.preventDefault();
    rename(digit, event.key);
  } else if (keepsCorrections && (event.key === "Delete" || event.key === "Backspace")) {
    event.preventDefault();
    remove(digit);
  }
}

// --- corrections ---

$("right").addEventListener("input", () => {
  const text = $("right").value.trim();
  if (/^[0-9]$/.test(text)) rename(chosen, text);
  else $("right").value = "";
});
$("remove").addEventListener("click", () => remove(chosen));

function rename(digit, text) {
  pages[place].rename(digit, text);
  chosen = digit;
  corrected();
}

function remove(digit) {
  const { digits } = pages[place];
  const after = digits[digits.indexOf(digit) + 1] ?? digits[digits.indexOf(digit) - 1] ?? null;
  const hadFocus = document.activeElement?.closest?.("g");
  pages[place].remove(digit);
  chosen = after;
  corrected();
  if (hadFocus && after) stage.focus(after);
}

let saving = Promise.resolve(); // one after the other: the last shall be what stays

function corrected() {
  showNumbers();
  showDigits();
  const [blob, number, { reading: { rotation } }, truth] = [file, place + 1, pages[place], pages[place].truth()];
  $("saved").textContent = "Saving…";
  saving = saving.then(async () => {
    try {
      const kept = await api.correct(blob, number, rotation, truth);
      const digits = `${kept.digits} digit${kept.digits === 1 ? "" : "s"}`;
      $("saved").textContent = `Saved with ${digits} as ${kept.picture}; ${kept.pictures} in the folder.`;
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
  chosen = pages[place].add(box);
  isPinned = true;
  showNumbers();
  showDigits();
  $("saved").textContent = "Type the digit in the new box; it is kept then.";
  $("right").focus();
}

function say(text, isError = false) {
  $("status").textContent = text;
  $("status").classList.toggle("error", isError);
}

keepsCorrections = (await api.health()).corrections;
$("add-digit").hidden = !keepsCorrections;
showRanges();
