// What several views share: icons, percentages, colours.

import { html, nothing } from "../../vendor/lit-html.js";

const HUES = 8; // as many as style.css has

// Outlines in a square of 24.
const ICONS = {
  picture: "M4 5h16v14H4zM4 16l4.500-4.500 3.500 3.500 3-3L20 16.500M15.500 9.500h.01",
  camera: "M4 8h3.500L9 5.500h6L16.500 8H20v11H4zM12 16.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7z",
  live: "M3 7h11v10H3zM14 11l7-4v10l-7-4",
  pen: "M4 20l1-4.500L16.500 4 20 7.500 8.500 19zM14 6.500 17.500 10",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  close: "M6 6l12 12M18 6 6 18",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  check: "M5 12.500 10 17.500 19 7",
  undo: "M8 5 4 9l4 4M4 9h10a5.500 5.500 0 0 1 0 11H9",
  options: "M4 7h9M17 7h3M4 17h3M11 17h9M15 9.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5zM9 19.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5z",
  download: "M12 4v11M7.500 11 12 15.500 16.500 11M5 20h14",
  whole: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  part: "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M9 9h6v6H9z",
  add: "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M12 8.500v7M8.500 12h7",
  previous: "M14.500 6 8.500 12l6 6",
  next: "M9.500 6l6 6-6 6",
  warning: "M12 4 21 19.500H3zM12 10v4.500M12 17h.01",
};

/** @param {keyof typeof ICONS} name */
export function icon(name) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=${ICONS[name]}></path></svg>`;
}

/** @param {number} probability */
export function percent(probability) {
  if (probability > 0.999) return ">99.9%";
  if (probability > 0 && probability < 0.01) return "<1%";
  const value = probability * 100;
  // Rounded down near the end, so that nothing looks more certain than it is.
  return value >= 99 ? `${Math.floor(value * 10) / 10}%` : `${Math.round(value)}%`;
}

/**
 * The class that gives a number and its digits their colour.
 * @param {number} place of the number on its page, from 0
 */
export function hue(place) {
  return `hue-${place % HUES}`;
}

/**
 * @param {number} count
 * @param {string} noun
 */
export function counted(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/**
 * @template T
 * @param {unknown} condition
 * @param {() => T} content
 */
export function when(condition, content) {
  return condition ? content() : nothing;
}
