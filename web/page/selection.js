/** Puts the picture that is looked at on the stage: large pictures are kept in memory for this one alone. */

import { decoded } from "./first_look.js";
import { text } from "./strings.js";

/**
 * @typedef {import("./pictures.js").Item} Item
 * @typedef {import("../engine/report.js").Report} Report
 */

export class Selection {
  /** @type {Item | null} */
  #item = null;
  /** @type {ImageBitmap | null} */
  #before = null;
  /** @type {ImageBitmap | null} */
  #after = null;
  /** @type {ImageBitmap | null} */
  #full = null;
  /** What `#after` shows, or will show: number, strength and faithfulness. */
  #key = "";
  #pictures;
  #network;
  #settings;
  #comparison;

  /**
   * @param {import("./pictures.js").Pictures} pictures
   * @param {import("./network.js").Network} network
   * @param {import("./settings.js").Settings} settings
   * @param {import("./comparison.js").Comparison} comparison
   */
  constructor(pictures, network, settings, comparison) {
    this.#pictures = pictures;
    this.#network = network;
    this.#settings = settings;
    this.#comparison = comparison;
  }

  /** Bring the stage up to date with the picture that is selected, and with the settings. */
  update() {
    const item = this.#pictures.selected;
    if (item !== this.#item) {
      this.#forget();
      if (this.#item?.state === "done") {
        this.#item.preview = null;
      }
      this.#item = item;
      if (item) {
        void this.#loadBefore(item);
      }
    }
    if (item && item.number !== null) {
      const { strength, faithful } = this.#settings;
      const key = `${item.number} ${strength} ${faithful}`;
      if (key !== this.#key) {
        this.#key = key;
        void this.#loadAfter(item, key, { strength, faithful });
      }
    }
    this.#show();
  }

  /** Show a strength at once, while it is being chosen. */
  showStrength() {
    this.#comparison.showStrength(this.#settings.strength);
  }

  #show() {
    const item = this.#item;
    const size = item && { width: item.width ?? item.report?.width, height: item.height ?? item.report?.height };
    if (!item || !size?.width || !size.height) {
      this.#comparison.show(null);
      return;
    }
    const quality = item.jpeg?.quality;
    const isRunning = item.state === "running" || item.number === null;
    this.#comparison.show({
      name: item.name,
      width: size.width,
      height: size.height,
      before: this.#before,
      // While it is restored again, tiles come over what was there.
      after: item.state === "running" && item.preview ? null : this.#after,
      full: this.#full,
      preview: item.state === "done" && this.#after ? null : item.preview,
      leftCaption: quality === undefined ? text("original") : text("originalQuality", { quality }),
      rightCaption: text(isRunning ? "restoring" : "restored"),
    });
  }

  /** @param {Item} item */
  async #loadBefore(item) {
    const before = await decoded(item.file);
    if (item === this.#item) {
      this.#before = before;
      this.#show();
    } else {
      before?.close();
    }
  }

  /**
   * @param {Item} item
   * @param {string} key
   * @param {{strength: number, faithful: boolean}} options
   */
  async #loadAfter(item, key, { strength, faithful }) {
    const number = /** @type {number} */ (item.number);
    try {
      const engine = await this.#network.engine();
      const shown = await engine.show(number, { strength, faithful });
      const full = strength < 1 ? (await engine.show(number, { faithful })).bitmap : shown.bitmap;
      // Some files are read by the engine only.
      const before = this.#before ?? (await engine.show(number, { strength: 0 })).bitmap;
      if (key !== this.#key || item !== this.#item) {
        for (const bitmap of new Set([shown.bitmap, full, ...(before === this.#before ? [] : [before])])) {
          bitmap.close();
        }
        return;
      }
      this.#close(this.#after, this.#full);
      [this.#before, this.#after, this.#full] = [before, shown.bitmap, full];
      item.preview = null;
      this.#pictures.set(item, { report: shown.report });
    } catch (error) {
      if (key === this.#key) {
        this.#pictures.set(item, { state: "failed", sentence: /** @type {Error} */ (error).message });
      }
    }
  }

  #forget() {
    this.#close(this.#before, this.#after, this.#full);
    this.#before = this.#after = this.#full = null;
    this.#key = "";
  }

  /** @param {(ImageBitmap | null)[]} bitmaps */
  #close(...bitmaps) {
    for (const bitmap of new Set(bitmaps)) {
      bitmap?.close();
    }
  }
}
