// Sources of pictures: files, the camera, drag and drop, the clipboard, examples and the drawing canvas.

import { Drawing } from "./drawing.js";

const EXAMPLES = ["cheque", "meter", "display", "house"];

const $ = (id) => document.getElementById(id);

// Calls onPicture(blob) with each picture, onEmpty() if there is no drawing to read, and onClear() when it is cleared.
export function connectSources({ onPicture, onEmpty, onClear }) {
  connectFiles(onPicture);
  connectExamples(onPicture);
  connectDrawing(onPicture, onEmpty, onClear);
  connectTabs();
}

function connectFiles(onPicture) {
  for (const input of [$("file"), $("camera")]) {
    input.addEventListener("change", () => {
      if (input.files[0]) onPicture(input.files[0]);
      input.value = ""; // allows choosing the same file again
    });
  }

  for (const kind of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      $("drop").classList.toggle("over", kind === "dragover");
      if (kind === "drop" && event.dataTransfer.files[0]) onPicture(event.dataTransfer.files[0]);
    });
  }

  document.addEventListener("paste", (event) => {
    const picture = [...(event.clipboardData?.files ?? [])][0];
    if (!picture) return;
    event.preventDefault();
    onPicture(picture);
  });
}

function connectExamples(onPicture) {
  for (const name of EXAMPLES) {
    const button = document.createElement("button");
    button.type = "button";
    const image = new Image();
    image.src = `/static/examples/${name}.jpg`;
    image.alt = `Example: ${name}`;
    button.append(image);
    button.addEventListener("click", async () => onPicture(await (await fetch(image.src)).blob()));
    $("examples").append(button);
  }
}

function connectDrawing(onPicture, onEmpty, onClear) {
  const drawing = new Drawing($("canvas"), $("pen"), read);

  async function read() {
    if (drawing.isEmpty) onEmpty();
    else onPicture(await drawing.toBlob());
  }

  $("read-drawing").addEventListener("click", read);
  $("undo").addEventListener("click", () => drawing.undo());
  $("clear").addEventListener("click", () => {
    drawing.clear();
    onClear();
  });
}

function connectTabs() {
  const tabs = [$("tab-picture"), $("tab-draw")];

  function open(tab) {
    for (const one of tabs) {
      one.setAttribute("aria-selected", one === tab);
      one.tabIndex = one === tab ? 0 : -1;
      $(one.getAttribute("aria-controls")).hidden = one !== tab;
    }
  }

  for (const tab of tabs) {
    tab.addEventListener("click", () => open(tab));
    tab.addEventListener("keydown", (event) => {
      if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
      const other = tabs.find((one) => one !== tab);
      open(other);
      other.focus();
    });
  }
}
