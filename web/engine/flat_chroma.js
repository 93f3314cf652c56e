/**
 * The color of flat blocks whose edges lie on the grid, found again from halved chroma.
 *
 * Pixel art that is enlarged by 8 or 16, and mosaics, have one color in every block. Their chroma, stored at half the
 * size, is smeared across the edges when it is shown. The mean of the inside of a block is its own color. The guess is
 * proven by compressing it: what it becomes must be the file, within the steps of the table.
 */

import { toByte } from "./float32.js";
import { blockToCoefficients } from "./jpeg/block_dct.js";
import { compressYcbcr } from "./jpeg/codec.js";
import { FACTORS } from "./jpeg/resampling.js";
import { BLOCK } from "./untouched.js";

/** @typedef {import("./jpeg/resampling.js").Subsampling} Subsampling */

// Blocks of which less than this is left as it is are not looked at.
const LEAST_WEIGHT = 0.5;
// How far a coefficient of what a guess becomes may be from that of the file, in steps.
const MOST_STEPS = 1.3;
const STRIP = 32;
// Blocks around others that their chroma depends on: a block of halved chroma, twice as high and wide.
const MARGIN = 2;

/**
 * The colors of flat blocks.
 *
 * @typedef {object} FlatChroma
 * @property {number} rows of whole blocks of 8x8 luma samples
 * @property {number} columns
 * @property {Float32Array[]} chroma Cb and Cr of every block, 0..255
 * @property {Uint8Array} known 1 for the blocks for which they are proven
 */

/**
 * Find the colors of flat blocks of a JPEG file with halved chroma.
 *
 * @param {Uint8Array[]} planes Y, Cb, Cr as decoded; the grid starts at the corner
 * @param {number} width
 * @param {number} height
 * @param {ArrayLike<number>[]} tables luma first
 * @param {Subsampling} sampling "4:2:0" or "4:2:2"
 * @param {import("./untouched.js").Weights} weights from `untouchedBlocks`
 * @returns {FlatChroma | null} `null` if no color is found
 */
export function flatChroma(planes, width, height, tables, sampling, weights) {
  const [down, across] = FACTORS[sampling];
  const rows = Math.floor(height / (BLOCK * down)) * down;
  const columns = Math.floor(width / (BLOCK * across)) * across;
  /** @type {FlatChroma} */
  const flat = {
    rows,
    columns,
    chroma: [new Float32Array(rows * columns), new Float32Array(rows * columns)],
    known: new Uint8Array(rows * columns),
  };
  /** @type {(row: number, column: number) => boolean} */
  const isLeft = (row, column) => weights.values[row * weights.columns + column] > LEAST_WEIGHT;
  // In strips, and only what lies around flat blocks: the codec takes time.
  for (let first = 0; first < rows; first += STRIP) {
    const box = boxOf(
      first,
      Math.min(first + STRIP, rows),
      columns,
      (row, column) => isLeft(row, column) && isFlat(planes[0], width, row, column),
    );
    if (!box) {
      continue;
    }
    const part = cut(planes, width, height, box);
    const guess = guessAt(
      part,
      tables,
      sampling,
      Math.floor((Math.min(part.left + part.width, columns * BLOCK) - part.left) / BLOCK),
    );
    for (let row = box.top; row < box.bottom; row++) {
      for (let column = box.left; column < box.right; column++) {
        const from = (row - part.top / BLOCK) * guess.columns + column - part.left / BLOCK;
        const to = row * columns + column;
        for (const index of [0, 1]) {
          flat.chroma[index][to] = guess.means[index][from];
        }
        flat.known[to] = guess.proven[from] && isLeft(row, column) ? 1 : 0;
      }
    }
  }
  return flat.known.includes(1) ? flat : null;
}

/**
 * Set the chroma of flat blocks to their colors.
 *
 * @param {Float32Array[]} restored Y, Cb, Cr of some rows of a picture, 0..255; changed
 * @param {FlatChroma} flat of the whole picture
 * @param {number} width
 * @param {number} top the first row, a multiple of 8
 * @param {Float32Array[] | null} [like] Cb and Cr of the same rows, which these blocks get instead
 */
export function setFlatChroma(restored, flat, width, top, like = null) {
  const last = Math.min(Math.floor((top + restored[0].length / width) / BLOCK), flat.rows);
  for (let row = top / BLOCK; row < last; row++) {
    for (let column = 0; column < flat.columns; column++) {
      const block = row * flat.columns + column;
      if (!flat.known[block]) {
        continue;
      }
      const start = (row * BLOCK - top) * width + column * BLOCK;
      for (const index of [0, 1]) {
        for (let y = 0, at = start; y < BLOCK; y++, at += width) {
          if (like) {
            restored[1 + index].set(like[index].subarray(at, at + BLOCK), at);
          } else {
            restored[1 + index].fill(flat.chroma[index][block], at, at + BLOCK);
          }
        }
      }
    }
  }
}

/** @typedef {{top: number, bottom: number, left: number, right: number}} Box in blocks, or in samples */

/**
 * The smallest box around blocks that are wanted, extended to whole blocks of halved chroma.
 *
 * @param {number} first row of blocks
 * @param {number} last the one behind the last
 * @param {number} columns
 * @param {(row: number, column: number) => boolean} isWanted
 * @returns {Box | null}
 */
function boxOf(first, last, columns, isWanted) {
  const box = { top: last, bottom: -1, left: columns, right: -1 };
  for (let row = first; row < last; row++) {
    for (let column = 0; column < columns; column++) {
      if (!isWanted(row, column)) {
        continue;
      }
      box.top = Math.min(box.top, row);
      box.bottom = Math.max(box.bottom, row);
      box.left = Math.min(box.left, column);
      box.right = Math.max(box.right, column);
    }
  }
  if (box.bottom < 0) {
    return null;
  }
  return {
    top: box.top & ~1,
    bottom: Math.min((box.bottom & ~1) + 2, last),
    left: box.left & ~1,
    right: Math.min((box.right & ~1) + 2, columns),
  };
}

/**
 * Whether a whole block has one luma.
 *
 * @param {Uint8Array} luma
 * @param {number} width
 * @param {number} row
 * @param {number} column
 */
function isFlat(luma, width, row, column) {
  const start = row * BLOCK * width + column * BLOCK;
  for (let y = 0, at = start; y < BLOCK; y++, at += width) {
    for (let x = 0; x < BLOCK; x++) {
      if (luma[at + x] !== luma[start]) {
        return false;
      }
    }
  }
  return true;
}

/**
 * The part of a picture around some blocks.
 *
 * @param {Uint8Array[]} planes
 * @param {number} width
 * @param {number} height
 * @param {Box} box in blocks
 */
function cut(planes, width, height, box) {
  const top = Math.max(box.top - MARGIN, 0) * BLOCK;
  const left = Math.max(box.left - MARGIN, 0) * BLOCK;
  const bottom = Math.min((box.bottom + MARGIN) * BLOCK, height);
  const right = Math.min((box.right + MARGIN) * BLOCK, width);
  const [high, wide] = [bottom - top, right - left];
  const parts = planes.map((plane) => {
    const part = new Uint8Array(high * wide);
    for (let y = 0; y < high; y++) {
      const from = (top + y) * width + left;
      part.set(plane.subarray(from, from + wide), y * wide);
    }
    return part;
  });
  return { planes: parts, width: wide, height: high, top, left };
}

/**
 * The mean colors of all whole blocks, and which flat ones they belong to.
 *
 * @param {{planes: Uint8Array[], width: number, height: number}} part
 * @param {ArrayLike<number>[]} tables
 * @param {Subsampling} sampling
 * @param {number} columns whole blocks of a row
 */
function guessAt({ planes, width, height }, tables, sampling, columns) {
  const rows = Math.floor(height / BLOCK);
  const means = [new Float32Array(rows * columns), new Float32Array(rows * columns)];
  const proven = new Uint8Array(rows * columns);
  // 1. The guess: the mean of the inside, where luma is flat. Elsewhere chroma stays as it is.
  const guess = [planes[0], planes[1].slice(), planes[2].slice()];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const flat = isFlat(planes[0], width, row, column);
      const start = row * BLOCK * width + column * BLOCK;
      for (const index of [0, 1]) {
        let sum = 0;
        for (let y = 1, at = start + width; y < BLOCK - 1; y++, at += width) {
          for (let x = 1; x < BLOCK - 1; x++) {
            sum += planes[1 + index][at + x];
          }
        }
        const mean = Math.fround(sum / (BLOCK - 2) ** 2);
        means[index][row * columns + column] = mean;
        if (!flat) {
          continue;
        }
        proven[row * columns + column] = 1;
        for (let y = 0, at = start; y < BLOCK; y++, at += width) {
          guess[1 + index].fill(toByte(mean), at, at + BLOCK);
        }
      }
    }
  }
  // 2. What it becomes, against what is seen, in steps of the table, by block of stored chroma.
  const shown = compressYcbcr(guess, width, height, tables.slice(0, 2), sampling);
  const [down, across] = FACTORS[sampling];
  for (let row = 0; row < rows; row += down) {
    for (let column = 0; column < columns; column += across) {
      const agrees =
        row + down <= rows &&
        [1, 2].every((index) => isAsSeen(shown[index], planes[index], width, row, column, tables[1], down, across));
      if (agrees) {
        continue;
      }
      for (let y = row; y < Math.min(row + down, rows); y++) {
        proven.fill(0, y * columns + column, y * columns + Math.min(column + across, columns));
      }
    }
  }
  return { means, proven, columns };
}

const error = new Float32Array(64);

/**
 * Whether a block of stored chroma is what a guess becomes, within the steps of its table.
 *
 * @param {Uint8Array} shown
 * @param {Uint8Array} seen
 * @param {number} width
 * @param {number} row of its first block of luma
 * @param {number} column
 * @param {ArrayLike<number>} table
 * @param {number} down rows of luma per row of chroma
 * @param {number} across
 */
function isAsSeen(shown, seen, width, row, column, table, down, across) {
  for (let entry = 0; entry < 64; entry++) {
    const start = (row * BLOCK + (entry >> 3) * down) * width + column * BLOCK + (entry & 7) * across;
    let sum = 0;
    for (let y = 0; y < down; y++) {
      for (let x = 0; x < across; x++) {
        sum += shown[start + y * width + x] - seen[start + y * width + x];
      }
    }
    error[entry] = sum / (down * across);
  }
  blockToCoefficients(error);
  return error.every((value, entry) => Math.fround(Math.abs(value) / table[entry]) <= MOST_STEPS);
}
