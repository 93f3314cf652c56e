/** The engine as a page uses it: everything happens in a worker, so that the page stays at hand. */

import { CalledWorker } from "./messages.js";

/** @import { FinishOptions } from "./restore.js" */

/** An engine that has its network. See {@link Engine.open}. */
export class Engine {
  #worker;

  /**
   * @param {CalledWorker} worker
   * @param {{config: import("./network.js").NetworkConfig, backend: string, threads: number, workers: number}} opened
   */
  constructor(worker, { config, backend, threads, workers }) {
    this.#worker = worker;
    this.config = config;
    /** "webgpu" or "wasm". */
    this.backend = backend;
    /** Threads that share memory; and how many workers there are at most where threads cannot. */
    this.threads = threads;
    this.workers = workers;
  }

  /**
   * Load runtime and network.
   *
   * @param {object} options
   * @param {string | URL} options.runtime address of the folder of the runtime, relative to the page
   * @param {string | URL} options.weights address of the folder that `argan export --web` wrote
   * @param {import("./runtime.js").Backend} [options.backend] default: the best one
   * @param {number} [options.tileSize] in pixels
   * @param {number} [options.maxMegapixels] larger pictures are refused
   * @param {(loaded: number, total: number) => void} [options.progress] is told how many bytes of runtime, graph and
   *   weights have come, and of how many: 0 while that is not known. It begins again if the graphics card fails.
   * @param {AbortSignal} [options.signal] stops loading
   * @returns {Promise<Engine>}
   * @throws {import("./errors.js").DownloadError} if a file does not come
   */
  static async open({ progress, signal, runtime, weights, ...options }) {
    if (!runtime || !weights) {
      throw new TypeError("the addresses of two folders are needed: runtime and weights");
    }
    if (options.backend && options.backend !== "webgpu" && options.backend !== "wasm") {
      throw new RangeError(`backend must be "webgpu" or "wasm", found ${options.backend}`);
    }
    const folders = { runtime: addressOf(runtime), weights: addressOf(weights) };
    const worker = new CalledWorker(new URL("worker.js", import.meta.url));
    try {
      return new Engine(worker, await worker.call("open", { ...options, ...folders }, { progress, signal }));
    } catch (error) {
      worker.terminate();
      throw error;
    }
  }

  /**
   * Run the network over a file. What it gives is kept until {@link drop}.
   *
   * @param {Uint8Array} bytes of the file
   * @param {object} [options]
   * @param {number | null} [options.quality] 1..100 at which the picture was once saved, as far as the user knows
   * @param {number} [options.realism] 0..1
   * @param {boolean} [options.history] whether earlier saves are looked for, and later ones undone
   * @param {(done: number, total: number) => void} [options.progress] called after each tile
   * @param {(tile: import("./preview.js").PreviewedTile) => void} [options.preview] gets each tile as it is done
   * @param {AbortSignal} [options.signal] ends the work after the tiles that are being worked on
   * @returns {Promise<number>} a number that stands for the picture
   * @throws {import("./errors.js").UnreadableImageError} if the file is not restored; one sentence says why
   * @throws {RangeError} if an option is out of range
   * @throws {import("./errors.js").OutOfMemoryError} if memory lacks even for small tiles. Until then, the picture is
   *   begun again with smaller ones: progress starts anew.
   */
  async reconstruct(bytes, { progress, preview, signal, ...options } = {}) {
    if (!(bytes instanceof Uint8Array)) {
      throw new TypeError("a picture is given as a Uint8Array of the bytes of its file");
    }
    return this.#worker.call("reconstruct", { bytes, options }, { progress, note: preview, signal });
  }

  /**
   * The picture and the report, for what the network gave. The network is not run again.
   *
   * @param {number} number from {@link reconstruct}
   * @param {FinishOptions} [options]
   * @returns {Promise<{picture: import("./picture.js").Picture, report: import("./report.js").Report}>}
   */
  finish(number, options = {}) {
    return this.#worker.call("finish", { number, options });
  }

  /**
   * The same for a canvas: the upright picture in the colors in which the browser shows the file itself. Pages close the
   * bitmap, as its memory lies outside of their own.
   *
   * @param {number} number from {@link reconstruct}
   * @param {Pick<FinishOptions, "strength" | "faithful">} [options]
   * @returns {Promise<{bitmap: ImageBitmap, report: import("./report.js").Report}>}
   */
  show(number, options = {}) {
    return this.#worker.call("show", { number, options });
  }

  /**
   * The same as a file.
   *
   * @param {number} number from {@link reconstruct}
   * @param {import("./encoding.js").Format} format
   * @param {FinishOptions} [options]
   * @returns {Promise<{bytes: Uint8Array<ArrayBuffer>, report: import("./report.js").Report, notes: string[]}>} and
   *   sentences on what the format cannot hold
   */
  encode(number, format, options = {}) {
    return this.#worker.call("encode", { number, options, format });
  }

  /**
   * Forget what is kept of a picture.
   *
   * @param {number} number from {@link reconstruct}
   */
  async drop(number) {
    await this.#worker.call("drop", { number });
  }

  /** End all work and give the memory back. */
  terminate() {
    this.#worker.terminate();
  }
}

/**
 * The address of a folder, with a slash at its end: a worker has another place than the page.
 *
 * @param {string | URL} folder
 */
function addressOf(folder) {
  const { href } = new URL(folder, globalThis.document?.baseURI ?? globalThis.location?.href);
  return href.endsWith("/") ? href : `${href}/`;
}
