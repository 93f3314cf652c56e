/**
 * Restores a file: bytes in, picture and report out, with the pixels of `JpegRestorer` of the Python package.
 *
 * The network's result is kept, so that strength and faithfulness can be changed without running it again.
 */

import { NO_HISTORY } from "./history/record.js";
import { MAX_MEGAPIXELS } from "./jpeg/limits.js";
import { inMemory, lacksMemory, MemoryGivenBackError, outOfMemory } from "./memory.js";
import { isNeutral, networkPlanes, putTogether, takeApart } from "./picture.js";
import { historyOf, lookBack } from "./picture_history.js";
import { prepare } from "./prepared_picture.js";
import { previewOf } from "./preview.js";
import { reportOf } from "./report.js";
import { restorePixels } from "./restored_pixels.js";
import { around, tiles } from "./tiles.js";

/** @typedef {import("./run_tiled.js").RunOptions} RunOptions */
/** @typedef {Pick<import("./tiled_network.js").TiledNetwork, "config" | "runTiles" | "reopen">} TiledNetwork */

/**
 * What the network gave for a picture, and what is known about it.
 *
 * @typedef {object} Reconstruction
 * @property {import("./picture.js").PictureParts} parts of the file
 * @property {import("./prepared_picture.js").PreparedPicture} prepared
 * @property {import("./history/record.js").History} history
 * @property {Float32Array[] | null} planes restored, on the frame of `prepared`; `null` where all of it is left as it is
 * @property {import("./untouched.js").Weights | null} untouched
 * @property {number} known how many of the planes are restored
 * @property {number | null} quality as it was given
 * @property {number} realism
 */

/**
 * What can be changed without running the network again.
 *
 * @typedef {object} FinishOptions
 * @property {number} [strength] 0 (the picture as it is) to 1 (fully restored)
 * @property {boolean} [faithful] whether to hold the result to its file: encoded again, it gives the same coefficients
 * @property {boolean} [keepOrientation] leave pixels and Exif orientation as stored
 */

/**
 * What is told of a reconstruction while it goes on, and what ends it; see {@link JpegRestorer#reconstruct}.
 *
 * @typedef {object} Told
 * @property {(done: number, total: number) => void} [progress]
 * @property {(tile: import("./preview.js").PreviewedTile) => void} [preview]
 * @property {AbortSignal} [signal]
 */

/** Side of a square, in pixels, whose area a tile has at most: larger ones need more memory, smaller ones more time. */
const TILE_SIZE = 512;
// Where memory lacks, tiles get smaller, down to this side. The margin around them costs more and more time.
const SMALLEST_TILE = 128;
// Up to this side, the history of a picture is judged by the network's result for all of it, as in Python.
const SEEN_AS_A_WHOLE = 1280;

/** Removes JPEG artifacts from files. */
export class JpegRestorer {
  /**
   * @param {TiledNetwork} network
   * @param {{tileSize?: number, maxMegapixels?: number}} [options] side of a tile, and the limit for files
   */
  constructor(network, { tileSize = TILE_SIZE, maxMegapixels = MAX_MEGAPIXELS } = {}) {
    checkLimits({ tileSize, maxMegapixels });
    this.network = network;
    this.step = leastCommonMultiple(network.config.sizeDivisor, 16);
    this.tileSize = this.#wholeSteps(tileSize);
    this.maxMegapixels = maxMegapixels;
  }

  /**
   * Run the network over a file and keep what it gives.
   *
   * Where memory lacks, the picture is begun again with smaller tiles, and later pictures are given the same.
   *
   * @param {Uint8Array} bytes of the file
   * @param {object} [options]
   * @param {number | null} [options.quality] 1..100 at which the picture was once saved, as far as the user knows; used
   *   where the pixels show no earlier save
   * @param {number} [options.realism] 0..1
   * @param {boolean} [options.history] whether to look for earlier saves and to undo the later ones
   * @param {(done: number, total: number) => void} [options.progress] called after each tile; the total can grow, where
   *   the network has to look at the picture once more
   * @param {(tile: import("./preview.js").PreviewedTile) => void} [options.preview] gets each tile as it is done
   * @param {AbortSignal} [options.signal] ends the work after the tile that is being worked on
   * @returns {Promise<Reconstruction>}
   * @throws {UnreadableImageError} if the file is no picture, is damaged, too large, or of a kind that is not restored
   * @throws {RangeError} if a number is out of range
   * @throws {OutOfMemoryError} if memory lacks even for the smallest tiles
   * @throws {DOMException} named "AbortError" when the signal says so
   */
  async reconstruct(bytes, { quality = null, realism = 0, history = true, ...told } = {}) {
    if (!(bytes instanceof Uint8Array)) {
      throw new TypeError("a picture is given as a Uint8Array of the bytes of its file");
    }
    if (quality !== null && !(Number.isInteger(quality) && quality >= 1 && quality <= 100)) {
      throw new RangeError(`quality must be a whole number of 1..100, found ${quality}`);
    }
    checkShare(realism, "realism");
    if (realism > 0 && !this.network.config.hasRealism) {
      throw new RangeError("this network has no variant for realism: leave realism at 0");
    }
    const parts = await inMemory(() => takeApart(bytes, { maxMegapixels: this.maxMegapixels }));
    told.signal?.throwIfAborted();
    for (;;) {
      const { tileSize } = this;
      try {
        return await this.#reconstruct(parts, quality, realism, history, told);
      } catch (error) {
        const isGivenBack = error instanceof MemoryGivenBackError;
        if (!isGivenBack && !lacksMemory(error)) {
          throw error;
        }
        told.signal?.throwIfAborted();
        // Otherwise it is begun again for another picture, which did the rest.
        if (!isGivenBack && this.tileSize === tileSize) {
          this.#saveMemory();
        }
      }
    }
  }

  /**
   * Give the memory of the network back, and take smaller tiles.
   *
   * @throws {OutOfMemoryError} if there are no smaller ones
   */
  #saveMemory() {
    // The memory of WebAssembly never shrinks, and where it lacks, a runtime gives up for good.
    this.network.reopen?.();
    const half = this.tileSize / 2;
    const smaller = this.#wholeSteps(half);
    if (half < SMALLEST_TILE || smaller === this.tileSize) {
      throw outOfMemory();
    }
    this.tileSize = smaller;
  }

  /**
   * @param {import("./picture.js").PictureParts} parts
   * @param {number | null} quality
   * @param {number} realism
   * @param {boolean} history
   * @param {Told} told
   * @returns {Promise<Reconstruction>}
   */
  async #reconstruct(parts, quality, realism, history, { progress, preview, signal }) {
    const known = this.#restoredPlanes(parts);
    const counted = countedProgress(progress);
    // Of a network of more realism, the result that the history is judged by is of no further use.
    const later = realism > 0 ? this.#tiles(parts.width, parts.height).length : 0;
    const { history: found, restored } = await this.#history(parts, known, quality, history, {
      progress: counted(later),
      tileDone: preview && previewOf(preview, parts, { parts, top: 0, left: 0, enlargement: 1 }, parts.samples),
      signal,
    });
    const prepared = prepare(parts, found, quality, { looksBack: history });
    const untouched = prepared.untouchedBlocks();
    const isLeft = untouched !== null && !prepared.leavesLumaAlone && untouched.values.every((weight) => weight === 1);
    let planes = null;
    // Where all of it is left as it is, the network need not see it.
    if (!isLeft) {
      const seen = networkPlanes(prepared.parts);
      const tileDone = preview && previewOf(preview, parts, prepared, seen);
      const options = { realism, counted, tileDone, signal };
      planes = realism === 0 && restored ? restored : await this.#run(prepared, seen, known, options);
    }
    return { parts, prepared, history: found, planes, untouched, known, quality, realism };
  }

  /**
   * The picture and the report for what the network gave, in a fraction of its time.
   *
   * @param {Reconstruction} reconstruction from {@link reconstruct}
   * @param {FinishOptions} [options]
   * @returns {{picture: import("./picture.js").Picture, report: import("./report.js").Report}}
   * @throws {RangeError} if the strength is out of range
   */
  finish(reconstruction, { strength = 1, faithful = true, keepOrientation = false } = {}) {
    checkShare(strength, "strength");
    const { planes, consistency } = restorePixels(reconstruction, strength, faithful);
    const { picture, notes } = putTogether(reconstruction.parts, planes, { upright: !keepOrientation });
    const { isConditioned } = this.network.config;
    return { picture, report: reportOf(reconstruction, picture, { strength, consistency, isConditioned, notes }) };
  }

  /**
   * How many of the planes of a picture are restored.
   *
   * @param {import("./picture.js").PictureParts} parts
   */
  #restoredPlanes(parts) {
    // If a file with three planes is gray, only luma is restored, so that the result is gray, too.
    return isNeutral(parts) ? 1 : Math.min(this.network.config.numChannels, parts.samples.length);
  }

  /**
   * The history of a picture, and the restored planes, if the network had to see all of it for that.
   *
   * @param {import("./picture.js").PictureParts} parts
   * @param {number} known
   * @param {number | null} quality
   * @param {boolean} history
   * @param {RunOptions} options
   * @returns {Promise<{history: import("./history/record.js").History, restored: Float32Array[] | null}>}
   */
  async #history(parts, known, quality, history, options) {
    if (!history) {
      return { history: NO_HISTORY, restored: null };
    }
    if (quality !== null || !this.network.config.isConditioned) {
      return { history: historyOf(parts), restored: null };
    }
    return lookBack(
      parts,
      known,
      ({ planes, width, height }, tables) => {
        const isAll = width === parts.width && height === parts.height;
        const told = isAll ? options : { signal: options.signal };
        return this.network.runTiles(planes, width, height, tables, this.#tiles(width, height), told);
      },
      SEEN_AS_A_WHOLE,
    );
  }

  /**
   * Restored planes of a prepared picture.
   *
   * @param {import("./prepared_picture.js").PreparedPicture} prepared
   * @param {(Uint8Array | Float32Array)[]} seen its planes
   * @param {number} known
   * @param {RunOptions & {counted: ReturnType<typeof countedProgress>}} options
   */
  async #run(prepared, seen, known, { counted, tileDone, ...options }) {
    const { parts, planes, foreign } = prepared;
    const { width, height } = parts;
    const plan = this.#tiles(width, height);
    const tables = parts.tables?.slice(0, known) ?? null;
    const given = (planes ?? seen).slice(0, known);
    // What was drawn after an earlier save is restored as the file says.
    const { tileMargin, sizeDivisor } = this.network.config;
    /** @type {(row: number, column: number) => boolean} */
    const isForeign = (row, column) =>
      foreign !== null &&
      row < foreign.rows &&
      column < foreign.columns &&
      foreign.values[row * foreign.columns + column] === 1;
    const needed = plan
      .map((tile) => around(isForeign, 8, tile, tileMargin, sizeDivisor))
      .filter((tile) => tile !== null);
    const run = this.network.runTiles.bind(this.network);
    const first = { ...options, tileDone, progress: counted(needed.length) };
    const restored = await run(given, width, height, tables, plan, first);
    if (!needed.length) {
      return restored;
    }
    const own = prepared.ownTables?.slice(0, known) ?? null;
    /** @type {RunOptions["tileDone"]} */
    const drawnDone = (tile, drawn) => {
      for (let row = Math.ceil(tile.rows[0] / 8); row * 8 < tile.rows[1]; row++) {
        for (let column = Math.ceil(tile.columns[0] / 8); column * 8 < tile.columns[1]; column++) {
          if (!isForeign(row, column)) {
            continue;
          }
          for (let y = row * 8; y < row * 8 + 8; y++) {
            const at = y * width + column * 8;
            for (let plane = 0; plane < known; plane++) {
              restored[plane].set(drawn[plane].subarray(at, at + 8), at);
            }
          }
        }
      }
      tileDone?.(tile, restored);
    };
    const again = { ...options, tileDone: drawnDone, progress: counted() };
    await run(seen.slice(0, known), width, height, own, needed, again);
    return restored;
  }

  /** @param {number} size of a tile, in pixels */
  #wholeSteps(size) {
    return Math.ceil(size / this.step) * this.step;
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  #tiles(width, height) {
    return tiles(width, height, this.tileSize, this.network.config.tileMargin, this.step);
  }
}

/**
 * @param {number} a
 * @param {number} b
 */
function leastCommonMultiple(a, b) {
  let [divisor, rest] = [a, b];
  while (rest) {
    [divisor, rest] = [rest, divisor % rest];
  }
  return (a / divisor) * b;
}

/**
 * Progress of several passes over tiles, told as one.
 *
 * @param {((done: number, total: number) => void) | undefined} progress
 */
function countedProgress(progress) {
  let before = 0;
  /** @type {(later?: number) => (done: number, total: number) => void} */
  const counted =
    (later = 0) =>
    (done, total) => {
      progress?.(before + done, before + total + later);
      if (done === total) {
        before += total;
      }
    };
  return counted;
}

/**
 * @param {unknown} value
 * @param {string} name
 * @throws {RangeError} if it is no number of 0..1
 */
function checkShare(value, name) {
  if (!(typeof value === "number" && value >= 0 && value <= 1)) {
    throw new RangeError(`${name} must lie in 0..1, found ${value}`);
  }
}

/**
 * Check what a restorer is made with, before anything is loaded.
 *
 * @param {{tileSize?: number, maxMegapixels?: number}} limits
 * @throws {RangeError} if one is not positive
 */
export function checkLimits({ tileSize = TILE_SIZE, maxMegapixels = MAX_MEGAPIXELS }) {
  if (!(tileSize >= 1 && Number.isFinite(tileSize))) {
    throw new RangeError(`tileSize must be positive, found ${tileSize}`);
  }
  if (!(maxMegapixels > 0)) {
    throw new RangeError(`maxMegapixels must be positive, found ${maxMegapixels}`);
  }
}
