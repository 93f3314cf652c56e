/** Puts the picture that is looked at on the stage: large pictures are kept in memory for this one alone. */

import { decoded } from "./first_look.js";
import { text } from "./strings.js";

/**
 * @typedef {import("./pictures.js").Item} Item
 * @typedef {import("../engine/report.js").Report} Report
 * @typedef {{before?: ImageBitmap, after?: ImageBitmap, full?: ImageBitmap, report?: Report}} Loaded
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
  /** What `#after` shows. */
  #key = "";
  /** What `#full` shows. */
  #fullKey = "";
  /** Whether `#before` comes from the engine. */
  #hasOwnBefore = false;
  #isLoading = false;
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
    void this.#loadAfter();
    this.#show();
  }

  /** Show a strength at once, while it is being chosen. */
  showStrength() {
    this.#show();
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
      strength: this.#key === this.#wanted() ? null : this.#settings.strength,
      preview: item.state === "done" && this.#after ? null : item.preview,
      leftCaption: quality === undefined ? text("original") : text("originalQuality", { quality }),
      rightCaption: text(isRunning ? "restoring" : "restored"),
    });
  }

  /** @param {Item} item */
  async #loadBefore(item) {
    const before = await decoded(item.file);
    // The engine's may have come first.
    if (item === this.#item && !this.#before) {
      this.#before = before;
      this.#show();
    } else {
      before?.close();
    }
  }

  /** What is to be shown of the result: number, strength and faithfulness. */
  #wanted() {
    const { strength, faithful } = this.#settings;
    return this.#item && this.#item.number !== null ? `${this.#item.number} ${strength} ${faithful}` : "";
  }

  /** Load results until the one that is wanted is there: one at a time, as a slider wants many. */
  async #loadAfter() {
    if (this.#isLoading) {
      return;
    }
    this.#isLoading = true;
    for (let key = this.#wanted(); key && key !== this.#key; key = this.#wanted()) {
      const item = /** @type {Item} */ (this.#item);
      /** @type {Loaded} */
      const loaded = {};
      try {
        await this.#load(item, loaded);
      } catch (error) {
        close(loaded.before, loaded.after, loaded.full);
        if (item === this.#item && key === this.#wanted()) {
          this.#key = key;
          this.#pictures.set(item, { state: "failed", sentence: /** @type {Error} */ (error).message });
        }
        continue;
      }
      if (item !== this.#item) {
        close(loaded.before, loaded.after, loaded.full);
        continue;
      }
      this.#key = key;
      const old = [this.#before, this.#after, this.#full];
      this.#before = loaded.before ?? this.#before;
      this.#after = loaded.after ?? null;
      this.#full = loaded.full ?? this.#full;
      close(...old.filter((bitmap) => ![this.#before, this.#after, this.#full].includes(bitmap)));
      item.preview = null;
      this.#pictures.set(item, { report: loaded.report });
    }
    this.#isLoading = false;
  }

  /**
   * @param {Item} item
   * @param {Loaded} loaded is filled
   */
  async #load(item, loaded) {
    const number = /** @type {number} */ (item.number);
    const { strength, faithful } = this.#settings;
    const engine = await this.#network.engine();
    const shown = await engine.show(number, { strength, faithful });
    [loaded.after, loaded.report] = [shown.bitmap, shown.report];
    const fullKey = `${number} ${faithful}`;
    if (strength === 1) {
      loaded.full = shown.bitmap;
    } else if (fullKey !== this.#fullKey || !this.#full) {
      loaded.full = (await engine.show(number, { faithful })).bitmap;
    }
    // Some files are read by the engine only, and browsers do not turn WebP files upright.
    if (!this.#before || (item.format === "WEBP" && !this.#hasOwnBefore)) {
      loaded.before = (await engine.show(number, { strength: 0 })).bitmap;
      this.#hasOwnBefore = item === this.#item;
    }
    this.#fullKey = fullKey;
  }

  #forget() {
    close(this.#before, this.#after, this.#full);
    this.#before = this.#after = this.#full = null;
    this.#key = this.#fullKey = "";
    this.#hasOwnBefore = false;
  }
}

/** @param {(ImageBitmap | null | undefined)[]} bitmaps */
function close(...bitmaps) {
  for (const bitmap of new Set(bitmaps)) {
    bitmap?.close();
  }
}
