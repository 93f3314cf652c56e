/** What a picture is held to: the quantized coefficients of a file, and how many of them it gives again. */

import { FACTORS } from "./resampling.js";

/** @typedef {import("./codec.js").Coefficients} Coefficients */

/** @type {Record<string, [number, number]>} */
const ALL_FACTORS = { ...FACTORS, "4:1:0": [2, 4] };

/**
 * The quantized coefficients of a picture.
 *
 * @typedef {object} FileBlocks
 * @property {Coefficients} luma
 * @property {Coefficients[] | null} chroma Cb and Cr; `null` where chroma is not held
 * @property {ArrayLike<number>[]} tables 64 steps for each plane that is held, natural order
 * @property {[number, number]} factors rows and columns of pixels per sample of chroma, (1, 1) where chroma is not held
 * @property {boolean} hasBorder whether the blocks that the border of the picture cuts are known, too
 */

/**
 * How many blocks, and how many of their coefficients, are equal to those of a file.
 *
 * @typedef {object} Held
 * @property {number} blocks in all
 * @property {number} equalBlocks
 * @property {number} coefficients in all
 * @property {number} equalCoefficients
 */

/**
 * How much of a file a result gives again: encoded with the file's tables and sampling, compared with the file. Its names
 * are those of `Consistency` in Python.
 *
 * @typedef {object} Consistency
 * @property {number} luma_coefficients share 0..1 of the coefficients that are held; 1 if there are none
 * @property {number} luma_blocks share 0..1 of their blocks
 * @property {number | null} chroma_coefficients the same for Cb and Cr together; `null` where chroma is not held
 * @property {number | null} chroma_blocks
 */

/**
 * Those of a gray or Y'CbCr JPEG file. With sampling factors without a name, chroma is left out.
 *
 * @param {Coefficients[]} coefficients of each component
 * @param {ArrayLike<number>[]} tables of each component
 * @param {string} sampling as for `JpegHeader`
 * @returns {FileBlocks}
 */
export function blocksOfFile([luma, ...chroma], tables, sampling) {
  if (!chroma.length || !(sampling in ALL_FACTORS)) {
    return { luma, chroma: null, tables: tables.slice(0, 1), factors: [1, 1], hasBorder: true };
  }
  return { luma, chroma, tables, factors: ALL_FACTORS[sampling], hasBorder: true };
}

/**
 * Luma alone, in whole blocks.
 *
 * @param {Coefficients} luma from `recoverCoefficients`
 * @param {ArrayLike<number>} table
 * @returns {FileBlocks}
 */
export function blocksOfLuma(luma, table) {
  return { luma, chroma: null, tables: [table], factors: [1, 1], hasBorder: false };
}

/** @returns {Held} */
export function nothingHeld() {
  return { blocks: 0, equalBlocks: 0, coefficients: 0, equalCoefficients: 0 };
}

/**
 * @param {Held} held changed
 * @param {Held} more
 */
export function addHeld(held, more) {
  held.blocks += more.blocks;
  held.equalBlocks += more.equalBlocks;
  held.coefficients += more.coefficients;
  held.equalCoefficients += more.equalCoefficients;
}

/**
 * Count a block.
 *
 * @param {Held} held changed
 * @param {number} missed how many of its coefficients are not those of the file
 */
export function countBlock(held, missed) {
  held.blocks++;
  held.equalBlocks += missed ? 0 : 1;
  held.coefficients += 64;
  held.equalCoefficients += 64 - missed;
}

/**
 * The shares of what was counted.
 *
 * @param {Held} luma
 * @param {Held | null} chroma
 * @returns {Consistency}
 */
export function consistencyOf(luma, chroma) {
  return {
    luma_coefficients: luma.blocks ? luma.equalCoefficients / luma.coefficients : 1,
    luma_blocks: luma.blocks ? luma.equalBlocks / luma.blocks : 1,
    chroma_coefficients: chroma && (chroma.blocks ? chroma.equalCoefficients / chroma.coefficients : 1),
    chroma_blocks: chroma && (chroma.blocks ? chroma.equalBlocks / chroma.blocks : 1),
  };
}
