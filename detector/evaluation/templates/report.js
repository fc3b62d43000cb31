"use strict";
// Without this script the page shows everything; it only hides and sorts.
const form = document.getElementById("filter");
const list = document.getElementById("cards");
const cards = [...list.children];
const fields = ["set", "kind", "status", "length", "change"];

function update() {
  const wanted = Object.fromEntries(new FormData(form));
  const text = (wanted.text || "").trim().toLowerCase();
  let shown = 0;
  for (const card of cards) {
    const fits = fields.every((name) => !wanted[name] || card.dataset[name] === wanted[name])
      && (!wanted.mistakes || card.dataset.kind !== "right")
      && card.dataset.text.includes(text);
    card.hidden = !fits;
    shown += fits;
  }
  list.classList.toggle("no-frames", !wanted.frames);
  document.getElementById("shown").textContent = `${shown} of ${cards.length} shown`;
}

function sort() {
  const sign = form.elements.sort.value === "up" ? 1 : -1;
  cards.sort((a, b) => sign * (a.dataset.confidence - b.dataset.confidence));
  list.append(...cards);
}

form.addEventListener("input", update);
form.elements.sort.addEventListener("change", sort);
form.addEventListener("submit", (event) => event.preventDefault());

const choice = document.getElementById("plots");
function choosePlots() {
  for (const group of document.querySelectorAll(".plots")) group.hidden = group.dataset.set !== choice.value;
}
if (choice) {
  choice.addEventListener("change", choosePlots);
  choosePlots();
}
sort();
update();
