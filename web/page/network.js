/** The network of the page: what it costs, whether it is on this device, loaded when the first picture needs it. */

import { download } from "../engine/download.js";
import { Engine } from "../engine/engine.js";
import { bestBackend, RUNTIME_FILES } from "../engine/runtime.js";

/**
 * What `web/stage.js` says about the site.
 *
 * @typedef {object} Site
 * @property {{wasm: number, webgpu: number}} downloads bytes that each backend needs, once
 * @property {number | null} realism bytes of the weights for realism; `null`: the network has none
 * @property {string[]} examples addresses
 * @property {string | null} gradio address of the demo on a server
 */

const RUNTIME = "runtime";
const WEIGHTS = "weights";
const PACE = "argan.pace";
// Seconds per megapixel on one core of the processor, until this device is measured.
const USUAL_PACE = 14;
const MOST_CORES = 4;

/** Dispatches "change" while it is loaded. */
export class Network extends EventTarget {
  /** @type {Promise<Engine> | null} */
  #engine = null;
  #kept;
  /** @type {{loaded: number, total: number} | null} bytes, while they come */
  download = null;
  /** Whether it is loaded. */
  isOpen = false;

  /**
   * @param {Site} site
   * @param {import("../engine/runtime.js").Backend} backend that this device has
   * @param {Promise<void>} kept comes when the service worker keeps what is downloaded, or is known never to
   */
  constructor(site, backend, kept) {
    super();
    this.site = site;
    this.backend = backend;
    this.#kept = kept;
  }

  /**
   * @param {Promise<void>} kept as for the constructor
   * @throws {DownloadError} if the site does not say what it has
   */
  static async find(kept) {
    const bytes = await download(new URL("site.json", document.baseURI).href);
    return new Network(JSON.parse(new TextDecoder().decode(bytes)), await bestBackend(), kept);
  }

  /** Bytes that are downloaded with the first picture. */
  get cost() {
    return this.site.downloads[this.backend];
  }

  /** What of the network is on this device already; it works offline then. */
  async here() {
    const has = async (/** @type {string} */ name) =>
      "caches" in globalThis && Boolean(await caches.match(name, { ignoreSearch: true }).catch(() => null));
    const program = `${RUNTIME}/${RUNTIME_FILES[this.backend].at(-1)}.gz`;
    const [network, runtime, realism] = await Promise.all(
      [`${WEIGHTS}/weights.bin`, program, `${WEIGHTS}/weights-realism.bin`].map(has),
    );
    return { network: network && runtime, realism: realism || this.site.realism === null };
  }

  /**
   * The engine; it is loaded when it is first asked for, and after it failed.
   *
   * @returns {Promise<Engine>}
   */
  engine() {
    this.#engine ??= this.#load().catch((error) => {
      this.#engine = null;
      throw error;
    });
    return this.#engine;
  }

  /** Seconds that a picture will take, roughly. @param {number} megapixels */
  expectedSeconds(megapixels) {
    return megapixels * this.#pace();
  }

  /**
   * Learn how fast this device is.
   *
   * @param {number} megapixels
   * @param {number} seconds
   */
  learn(megapixels, seconds) {
    // Of small pictures, most of the time is not the network's.
    if (megapixels > 0.2) {
      try {
        localStorage.setItem(`${PACE}.${this.backend}`, `${seconds / megapixels}`);
      } catch {
        // A browser that stores nothing is measured again at the next visit.
      }
    }
  }

  #pace() {
    let stored = null;
    try {
      stored = localStorage.getItem(`${PACE}.${this.backend}`);
    } catch {
      // As above.
    }
    return Number(stored) || USUAL_PACE / Math.min(navigator.hardwareConcurrency || 1, MOST_CORES);
  }

  async #load() {
    const progress = (/** @type {number} */ loaded, /** @type {number} */ told) => {
      // Some servers compress on the way, and do not say how much there is.
      const total = told || this.cost;
      // All has come: now it is compiled.
      this.download = loaded < total ? { loaded, total } : null;
      this.dispatchEvent(new Event("change"));
    };
    try {
      await this.#kept;
      const engine = await Engine.open({ runtime: RUNTIME, weights: WEIGHTS, progress });
      this.isOpen = true;
      return engine;
    } finally {
      this.download = null;
      this.dispatchEvent(new Event("change"));
    }
  }
}
