/** Results held to their file, or to that of an earlier save, strip by strip; and how much of it they give again. */

import { setFlatChroma } from "./flat_chroma.js";
import { countEqual, holdToFile } from "./jpeg/consistency.js";
import { addHeld, blocksOfFile, blocksOfLuma, consistencyOf, nothingHeld } from "./jpeg/file_blocks.js";
import { recoverCoefficients } from "./jpeg/recovery.js";

/** @typedef {import("./flat_chroma.js").FlatChroma} FlatChroma */
/** @typedef {import("./jpeg/consistency.js").Mask} Mask */
/** @typedef {import("./jpeg/file_blocks.js").FileBlocks} FileBlocks */
/** @typedef {import("./jpeg/file_blocks.js").Held} Held */
/** @typedef {import("./prepared_picture.js").PreparedPicture} PreparedPicture */

/**
 * Holds the planes of a picture, as they are to be written, to the file that they come from.
 *
 * A JPEG file that is on its own grid is held to as a whole: luma and chroma, blocks that the border cuts included. Of an
 * earlier save, and of a file about whose coefficients there is a doubt, luma is held in whole blocks.
 */
export class Holding {
  /**
   * @param {PreparedPicture} prepared the picture
   * @param {ArrayLike<number>} table its `gridTable`
   * @param {FlatChroma | null} colors of flat blocks, which stay flat: they are proven to be within the steps of the file
   */
  constructor(prepared, table, colors) {
    const { coefficients, sampling, width } = prepared.parts;
    this.#width = width;
    this.#colors = colors;
    if (!prepared.planes && coefficients && prepared.ownTables) {
      this.#file = blocksOfFile(coefficients, prepared.ownTables, sampling ?? "");
    } else {
      this.#saves = savesOf(prepared, table);
    }
  }

  #width;
  #colors;
  /** @type {FileBlocks | null} */
  #file = null;
  /** @type {ReturnType<typeof savesOf>} */
  #saves = [];
  #luma = nothingHeld();
  #chroma = nothingHeld();

  /** How much of the file the strips give again that were held so far; `null` if no block was. */
  get consistency() {
    if (!this.#luma.blocks) {
      return null;
    }
    return consistencyOf(this.#luma, this.#file?.chroma ? this.#chroma : null);
  }

  /**
   * Hold a strip of planes.
   *
   * @param {Float32Array[]} planes 0..255, as they are to be written; of color pictures with their chroma; changed
   * @param {number} top the first row, a multiple of 16
   */
  hold(planes, top) {
    const width = this.#width;
    if (this.#file) {
      const before = this.#colors ? planes.slice(1).map((plane) => plane.slice()) : null;
      const found = holdToFile(planes, width, top, this.#file);
      if (this.#colors && before) {
        setFlatChroma(planes, this.#colors, width, top, before);
      }
      this.#count(before ? countEqual(planes, width, top, this.#file) : found);
    }
    for (const { blocks, held, isCounted } of this.#saves) {
      const found = holdToFile(planes, width, top, blocks, held);
      if (isCounted) {
        this.#count(found);
      }
    }
  }

  /**
   * Count how much of the file planes give again that are written as they are.
   *
   * @param {Float32Array[]} planes as for {@link hold}
   * @param {number} top
   */
  count(planes, top) {
    if (this.#file) {
      this.#count(countEqual(planes, this.#width, top, this.#file));
    }
  }

  /** @param {{luma: Held, chroma: Held}} found */
  #count({ luma, chroma }) {
    addHeld(this.#luma, luma);
    addHeld(this.#chroma, chroma);
  }
}

/**
 * What luma is held to: what was drawn after an earlier save to the file, all else to that save.
 *
 * @param {PreparedPicture} prepared
 * @param {ArrayLike<number>} table
 * @returns {{blocks: FileBlocks, held: Mask | null, isCounted: boolean}[]}
 */
function savesOf({ parts, planes, held, foreign, ownGridTable }, table) {
  const { width, height, samples } = parts;
  const saves = [];
  if (foreign && ownGridTable) {
    const own = recoverCoefficients(samples[0], width, height, ownGridTable);
    saves.push({ blocks: blocksOfLuma(own, ownGridTable), held: foreign, isCounted: false });
  }
  const luma = recoverCoefficients((planes ?? samples)[0], width, height, table);
  saves.push({ blocks: blocksOfLuma(luma, table), held, isCounted: true });
  return saves;
}
