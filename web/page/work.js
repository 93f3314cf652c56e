/** Restores the pictures one after the other; the one that is looked at comes first. */

import { DownloadError, UnreadableImageError } from "../engine/errors.js";
import { bytesOf } from "./first_look.js";
import { megapixels } from "./pictures.js";

/**
 * @typedef {import("./pictures.js").Item} Item
 * @typedef {import("./pictures.js").Pictures} Pictures
 * @typedef {import("./network.js").Network} Network
 * @typedef {import("./settings.js").Settings} Settings
 * @typedef {{realism: number, quality: number | null}} Wish what the network is told
 */

// Without a graphics card, larger ones take minutes.
const LARGE_MEGAPIXELS = 8;

export class Work {
  #pictures;
  #network;
  #settings;
  /** @type {{item: Item, wish: Wish, controller: AbortController} | null} */
  #running = null;
  /** Whether files did not come: then the others would fail as well, and wait until one is tried again. */
  #isHalted = false;

  /**
   * @param {Pictures} pictures
   * @param {Network} network
   * @param {Settings} settings
   */
  constructor(pictures, network, settings) {
    this.#pictures = pictures;
    this.#network = network;
    this.#settings = settings;
    // What failed without a connection.
    window.addEventListener("online", () => {
      for (const item of pictures.items.filter(({ state, isHopeless }) => state === "failed" && !isHopeless)) {
        this.ask(item);
      }
    });
  }

  /** The picture that is being restored. */
  get item() {
    return this.#running?.item.state === "running" ? this.#running.item : null;
  }

  /**
   * Whether a picture is what the settings ask for.
   *
   * @param {Item} item
   */
  isCurrent(item) {
    return item.number !== null && isEqual(item.ran, this.#wishFor(item));
  }

  /**
   * Follow the settings: restore a picture again, or keep what it has.
   *
   * @param {Item} item
   */
  follow(item) {
    if (this.isCurrent(item)) {
      if (item.state !== "done") {
        this.#abort(item);
        this.#pictures.set(item, { state: "done", sentence: null, tiles: null, preview: null });
      }
      // What did not come may not be needed any more.
      this.#isHalted = false;
      void this.#next();
    } else if (item.width !== null && !this.#isUnderway(item)) {
      this.ask(item);
    }
  }

  /**
   * Restore a picture, again if need be.
   *
   * @param {Item} item
   */
  ask(item) {
    this.#abort(item);
    this.#isHalted = false;
    const isLarge = this.#network.backend !== "webgpu" && megapixels(item) > LARGE_MEGAPIXELS;
    this.#pictures.set(item, { state: isLarge && !item.isAllowed ? "asking" : "waiting", sentence: null });
    void this.#next();
  }

  /** Restore a large picture that the visitor was asked about. @param {Item} item */
  allow(item) {
    item.isAllowed = true;
    this.ask(item);
  }

  /** @param {Item} item */
  stop(item) {
    this.#abort(item);
    this.#pictures.set(item, { state: "stopped", tiles: null, preview: null });
  }

  /**
   * No longer restore a picture again that only waits for it, because it is not looked at any more.
   *
   * @param {Item} item
   */
  putOff(item) {
    if (item.state === "waiting" && item.number !== null) {
      this.#pictures.set(item, { state: "done" });
    }
  }

  /**
   * Restore pictures again whose result is not what the settings ask for now.
   *
   * @param {Item[]} items that have a result
   */
  async bringUpToDate(items) {
    const stale = items.filter((item) => !this.isCurrent(item));
    for (const item of stale) {
      item.isAllowed = true;
      this.follow(item);
    }
    const isBusy = (/** @type {Item} */ { state }) => state === "waiting" || state === "running";
    while (!this.#isHalted && stale.some((item) => this.#pictures.items.includes(item) && isBusy(item))) {
      await new Promise((resolve) => this.#pictures.addEventListener("change", resolve, { once: true }));
    }
  }

  /** @param {Item} item */
  async remove(item) {
    this.#abort(item);
    this.#pictures.remove(item);
    // The others may have waited for it.
    this.#isHalted = false;
    void this.#next();
    if (item.number !== null) {
      await (await this.#network.engine()).drop(item.number);
    }
  }

  /** @param {Item} item @returns {Wish} */
  #wishFor({ quality }) {
    return { realism: this.#settings.realism, quality };
  }

  /** Whether a picture will become what the settings ask for. @param {Item} item */
  #isUnderway(item) {
    if (item.state === "running" && this.#running?.item === item) {
      return isEqual(this.#running.wish, this.#wishFor(item));
    }
    return item.state === "waiting" || item.state === "asking";
  }

  /** @param {Item} item */
  #abort(item) {
    if (this.#running?.item === item) {
      this.#running.controller.abort();
    }
  }

  async #next() {
    const { items, selected } = this.#pictures;
    // Without a size, it was not looked at: it may be refused yet, or so large that the visitor is asked.
    const isNext = (/** @type {Item | null} */ item) => item?.state === "waiting" && item.width !== null;
    const item = isNext(selected) ? selected : items.find(isNext);
    if (!item || this.#running || this.#isHalted) {
      return;
    }
    const controller = new AbortController();
    const wish = this.#wishFor(item);
    this.#running = { item, wish, controller };
    this.#pictures.set(item, { state: "running", sentence: null, tiles: null, preview: null });
    try {
      await this.#restore(item, wish, controller.signal);
    } catch (error) {
      // Who stopped it has said what becomes of it.
      if (!controller.signal.aborted) {
        const { message } = /** @type {Error} */ (error);
        const isHopeless = error instanceof UnreadableImageError;
        this.#isHalted = error instanceof DownloadError;
        this.#pictures.set(item, { state: "failed", sentence: message, isHopeless, tiles: null, preview: null });
      }
    }
    this.#running = null;
    this.#pictures.changed();
    void this.#next();
  }

  /**
   * @param {Item} item
   * @param {Wish} wish
   * @param {AbortSignal} signal
   */
  async #restore(item, wish, signal) {
    const engine = await this.#network.engine();
    signal.throwIfAborted();
    const bytes = await bytesOf(item.file);
    const began = performance.now();
    const number = await engine.reconstruct(bytes, {
      ...wish,
      signal,
      progress: (done, total) => {
        if (!signal.aborted) {
          const since = item.tiles?.since ?? began;
          this.#pictures.set(item, { tiles: { done, total, since } });
        }
      },
      preview: (tile) => {
        if (!signal.aborted) {
          item.preview ??= canvasFor(tile);
          drawTile(item.preview, tile);
          this.#pictures.changed();
        }
      },
    });
    if (signal.aborted) {
      await engine.drop(number);
      return;
    }
    const seconds = (performance.now() - began) / 1000;
    this.#network.learn(megapixels(item), seconds);
    const old = item.number;
    // The stage keeps it until it has the result; of other pictures nobody would need it.
    const preview = item === this.#pictures.selected ? item.preview : null;
    const done = { number, ran: wish, seconds, preview };
    this.#pictures.set(item, { state: "done", ...done, tiles: null, report: null, saved: null });
    if (old !== null) {
      await engine.drop(old);
    }
  }
}

/**
 * @param {Wish | null} one
 * @param {Wish} other
 */
function isEqual(one, other) {
  return one !== null && one.realism === other.realism && one.quality === other.quality;
}

/**
 * For a whole picture. Previews of large ones are smaller than those.
 *
 * @param {import("../engine/preview.js").PreviewedTile} tile
 */
function canvasFor({ width, columns, pictureWidth, pictureHeight }) {
  const canvas = document.createElement("canvas");
  const scale = Math.max(1, Math.round(width / columns));
  canvas.width = Math.ceil(pictureWidth / scale);
  canvas.height = Math.ceil(pictureHeight / scale);
  return canvas;
}

/**
 * @param {HTMLCanvasElement} canvas for the whole picture
 * @param {import("../engine/preview.js").PreviewedTile} tile
 */
function drawTile(canvas, tile) {
  const part = document.createElement("canvas");
  part.width = tile.columns;
  part.height = tile.rows;
  const image = new ImageData(tile.pixels, tile.columns, tile.rows);
  part.getContext("2d")?.putImageData(image, 0, 0);
  const [across, down] = [canvas.width / tile.pictureWidth, canvas.height / tile.pictureHeight];
  const place = /** @type {const} */ ([tile.x * across, tile.y * down, tile.width * across, tile.height * down]);
  canvas.getContext("2d")?.drawImage(part, ...place);
}
