/** The pictures of the visitor: what each is, how far it is, and which one is looked at. */

/**
 * @typedef {"waiting" | "asking" | "running" | "done" | "failed" | "stopped"} State
 *
 * @typedef {object} Item
 * @property {Blob} file as it was given
 * @property {string} name of the file
 * @property {State} state
 * @property {HTMLCanvasElement | null} thumbnail
 * @property {number | null} width in pixels, upright; `null` until it is known
 * @property {number | null} height
 * @property {string | null} format "JPEG", "PNG", "WEBP" or "AVIF"
 * @property {{quality: number, sampling: string} | null} jpeg what a JPEG file states
 * @property {number | null} quality 1..100 that the visitor tells
 * @property {string | null} sentence on why it was not restored
 * @property {boolean} isHopeless whether trying again cannot help
 * @property {{done: number, total: number, since: number} | null} tiles how many are done, and since when
 * @property {HTMLCanvasElement | null} preview tiles as they come
 * @property {number | null} number under which the engine keeps what the network gave
 * @property {{realism: number, quality: number | null} | null} ran with which wishes the network gave it
 * @property {number | null} seconds that it took
 * @property {import("../engine/report.js").Report | null} report
 * @property {{name: string, notes: string[]} | null} saved under which name, and what that file does not hold
 * @property {boolean} isAllowed whether the visitor said that it may take long
 */

/** @param {Item} item */
export function megapixels({ width, height }) {
  return ((width ?? 0) * (height ?? 0)) / 1e6;
}

/** Dispatches "change" whenever anything about any picture changed. */
export class Pictures extends EventTarget {
  /** @type {Item[]} */
  items = [];
  /** @type {Item | null} */
  selected = null;

  /**
   * @param {Blob} file
   * @param {string} name
   * @returns {Item}
   */
  add(file, name) {
    /** @type {Item} */
    const item = {
      file,
      name,
      state: "waiting",
      thumbnail: null,
      width: null,
      height: null,
      format: null,
      jpeg: null,
      quality: null,
      sentence: null,
      isHopeless: false,
      tiles: null,
      preview: null,
      number: null,
      ran: null,
      seconds: null,
      report: null,
      saved: null,
      isAllowed: false,
    };
    this.items.push(item);
    this.selected ??= item;
    this.changed();
    return item;
  }

  /** @param {Item} item */
  remove(item) {
    const index = this.items.indexOf(item);
    this.items.splice(index, 1);
    if (this.selected === item) {
      this.selected = this.items[Math.min(index, this.items.length - 1)] ?? null;
    }
    this.changed();
  }

  /** @param {Item} item */
  select(item) {
    this.selected = item;
    this.changed();
  }

  /**
   * @param {number} step 1: the picture after the selected one, -1: the one before
   * @returns {Item | null}
   */
  beside(step) {
    const index = this.selected ? this.items.indexOf(this.selected) + step : 0;
    return this.items[index] ?? null;
  }

  /**
   * Change something about a picture.
   *
   * @param {Item} item
   * @param {Partial<Item>} values
   */
  set(item, values) {
    Object.assign(item, values);
    this.changed();
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }
}
