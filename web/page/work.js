/** Restores the pictures one after the other; the one that is looked at comes first. */

/**
 * @typedef {import("./pictures.js").Item} Item
 * @typedef {import("./pictures.js").Pictures} Pictures
 * @typedef {import("./network.js").Network} Network
 * @typedef {import("./settings.js").Settings} Settings
 */

// Without a graphics card, larger ones take minutes.
const LARGE_MEGAPIXELS = 8;
const PREVIEW_PIXELS = 4e6;

export class Work {
  #pictures;
  #network;
  #settings;
  /** @type {{item: Item, controller: AbortController} | null} */
  #running = null;

  /**
   * @param {Pictures} pictures
   * @param {Network} network
   * @param {Settings} settings
   */
  constructor(pictures, network, settings) {
    this.#pictures = pictures;
    this.#network = network;
    this.#settings = settings;
  }

  /** The picture that is being restored. */
  get item() {
    return this.#running?.item ?? null;
  }

  /**
   * Whether a picture is not yet what the settings ask for.
   *
   * @param {Item} item
   */
  isStale({ number, ran, quality }) {
    return number === null || ran?.realism !== this.#settings.realism || ran.quality !== quality;
  }

  /**
   * Restore a picture, again if need be.
   *
   * @param {Item} item
   */
  ask(item) {
    if (this.item === item) {
      this.#running?.controller.abort();
    }
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
    if (this.item === item) {
      this.#running?.controller.abort();
    }
    // What the network gave before is still there.
    this.#pictures.set(item, { state: item.number === null ? "stopped" : "done", tiles: null, preview: null });
  }

  /**
   * Restore pictures again whose result is not what the settings ask for now.
   *
   * @param {Item[]} items
   */
  async bringUpToDate(items) {
    const stale = items.filter((item) => item.state === "done" && this.isStale(item));
    for (const item of stale) {
      this.allow(item);
    }
    const isBusy = (/** @type {Item} */ { state }) => state === "waiting" || state === "running";
    while (stale.some(isBusy)) {
      await new Promise((resolve) => this.#pictures.addEventListener("change", resolve, { once: true }));
    }
  }

  /** @param {Item} item */
  async remove(item) {
    this.stop(item);
    this.#pictures.remove(item);
    if (item.number !== null) {
      await (await this.#network.engine()).drop(item.number);
    }
  }

  async #next() {
    const { items, selected } = this.#pictures;
    // Without a size, it was not looked at: it may be refused yet, or so large that the visitor is asked.
    const isNext = (/** @type {Item | null} */ item) => item?.state === "waiting" && item.width !== null;
    const item = isNext(selected) ? selected : items.find(isNext);
    if (!item || this.#running) {
      return;
    }
    const controller = new AbortController();
    this.#running = { item, controller };
    this.#pictures.set(item, { state: "running", sentence: null, tiles: null, preview: null });
    try {
      await this.#restore(item, controller.signal);
    } catch (error) {
      // Who stopped it has said what becomes of it.
      if (!controller.signal.aborted) {
        const { message } = /** @type {Error} */ (error);
        this.#pictures.set(item, { state: "failed", sentence: message, tiles: null, preview: null });
      }
    }
    this.#running = null;
    this.#pictures.changed();
    void this.#next();
  }

  /**
   * @param {Item} item
   * @param {AbortSignal} signal
   */
  async #restore(item, signal) {
    const wish = { realism: this.#settings.realism, quality: item.quality };
    const engine = await this.#network.engine();
    signal.throwIfAborted();
    const bytes = new Uint8Array(await item.file.arrayBuffer());
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
          item.preview ??= canvasFor(tile.pictureWidth, tile.pictureHeight);
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

/** @param {Item} item */
export function megapixels({ width, height }) {
  return ((width ?? 0) * (height ?? 0)) / 1e6;
}

/**
 * Large previews are smaller than their pictures.
 *
 * @param {number} width
 * @param {number} height
 */
function canvasFor(width, height) {
  const canvas = document.createElement("canvas");
  const scale = Math.max(1, Math.ceil(Math.sqrt((width * height) / PREVIEW_PIXELS)));
  canvas.width = Math.ceil(width / scale);
  canvas.height = Math.ceil(height / scale);
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
