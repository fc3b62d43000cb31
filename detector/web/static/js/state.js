// What the page shows. Everything on it is rendered from this one object.

import { initialValues } from "./options.js";

/**
 * @typedef {object} Item a picture that the user opened
 * @property {number} id
 * @property {string} name
 * @property {Blob} blob
 * @property {string} url of the blob
 * @property {"waiting" | "reading" | "done" | "unread"} progress unread: an option must be changed first
 * @property {string | null} error why it could not be read
 * @property {import("./page.js").Page[]} pages empty until it is read
 * @property {Map<number, string>} shown addresses of pictures of its pages that the browser can show, by index
 */
/**
 * @typedef {object} Shown the picture in the viewer
 * @property {string} url
 * @property {number} width as in the file
 * @property {number} height
 * @property {0 | 90 | 180 | 270} rotation
 */
/**
 * @typedef {object} State
 * @property {"picture" | "camera" | "draw"} source the tab that is open
 * @property {boolean} isFolded whether the sources are folded to a bar
 * @property {boolean} isDropping whether files are dragged over the page
 * @property {import("./options.js").Values} values of the options
 * @property {boolean} showsOptions
 * @property {{ field: string, reason: string } | null} problem of an option
 * @property {Item[]} items
 * @property {number} current index of the item that is shown; -1 for none
 * @property {number} pageIndex of the page that is shown
 * @property {Shown | null} shown
 * @property {number | null} hovered row of a number
 * @property {number | null} chosen row of a number
 * @property {number | null} focused id of the digit that the Tab key reaches
 * @property {number | null} opened id of the digit whose popover is open
 * @property {{ row: number, text: string, reason: string } | null} editing the number that is being edited
 * @property {"region" | "digit" | null} marking what the next rectangle on the picture is
 * @property {boolean} savesCorrections whether the server stores corrections
 * @property {string} saved what became of the last correction
 * @property {string} status
 * @property {{ text: string, isError: boolean, canUndo: boolean } | null} toast
 * @property {import("./camera.js").Seen | null} seen by the camera
 * @property {import("./camera.js").Seen | null} steady the last steady number of the camera
 * @property {string} cameraProblem
 */

/** @returns {State} */
function initialState() {
  return {
    source: "picture", isFolded: false, isDropping: false, values: initialValues(), showsOptions: false, problem: null,
    items: [], current: -1, pageIndex: 0, shown: null, hovered: null, chosen: null, focused: null, opened: null,
    editing: null, marking: null, savesCorrections: false, saved: "", status: "", toast: null, seen: null, steady: null,
    cameraProblem: "",
  };
}

export class Store {
  constructor() {
    this.state = initialState();
    /** @type {(state: State) => void} */
    this.render = () => {};
  }

  /** @param {Partial<State>} change */
  set(change) {
    Object.assign(this.state, change);
    this.render(this.state);
  }

  /** @returns {Item | undefined} the picture that is shown */
  get item() {
    return this.state.items[this.state.current];
  }

  /** @returns {import("./page.js").Page | undefined} the page that is shown */
  get page() {
    return this.item?.pages[this.state.pageIndex];
  }
}
