/** Low frequencies of a sample of blocks on each of the 64 grids, counted by their magnitudes. */

import { BASIS } from "../jpeg/block_dct.js";
import { Generator } from "./random.js";

/**
 * Frequencies [vertical, horizontal] that quantization leaves populated.
 *
 * @type {[number, number][]}
 */
export const FREQUENCIES = [];
const SIDE = 5;
for (let v = 0; v < SIDE; v++) {
  for (let u = 0; u < SIDE; u++) {
    if (v + u <= 5) {
      FREQUENCIES.push([v, u]);
    }
  }
}

/** Width of a bin of magnitudes, and how many bins there are. */
export const BIN = 0.5;
export const BINS = 1536;
const BLOCKS = 4096;
// Pieces of this side hold one block of every grid.
const PIECE = 15;
const f = Math.fround;

/**
 * Luma of a part of a picture.
 *
 * @typedef {object} LumaPart
 * @property {Uint8Array} luma
 * @property {Uint8Array} clipped 1 where samples were cut off at the ends of their range
 * @property {number} width at least 15
 * @property {number} height at least 15
 */

/**
 * A sample of blocks on all grids. Blocks with clipped samples are left out.
 *
 * @typedef {object} BlockSample
 * @property {Uint16Array} histograms how many magnitudes fall into each bin: grid (64), frequency, bin. The last bin
 *   also has all that are larger.
 * @property {Float32Array[]} onGrid for each frequency, the coefficients on the grid that starts at the corner
 */

/**
 * Count the coefficients of a sample of blocks.
 *
 * Equal pieces of the picture are taken once: what tiles and flat areas repeat is no evidence.
 *
 * @param {LumaPart[]} parts
 * @returns {BlockSample}
 */
export function sampleBlocks(parts) {
  const generator = new Generator(0);
  const cuts = parts.map(anyWithinBlocks);
  const chosen = parts.map((part, index) => choose(part, cuts[index], generator, Math.ceil(BLOCKS / parts.length)));
  const weights = Float64Array.from({ length: PIECE * PIECE }, () => generator.drawFraction());
  const histograms = new Uint16Array(64 * FREQUENCIES.length * BINS);
  /** @type {number[][]} */
  const onGrid = FREQUENCIES.map(() => []);
  const seen = new Set();
  const piece = new Float64Array(PIECE * PIECE);
  for (const [index, { luma, width }] of parts.entries()) {
    const cut = cuts[index];
    for (const corner of chosen[index]) {
      let mark = 0;
      for (let y = 0, to = 0; y < PIECE; y++) {
        const from = corner + y * width;
        for (let x = 0; x < PIECE; x++, to++) {
          piece[to] = luma[from + x] - 128;
          mark += piece[to] * weights[to];
        }
      }
      if (seen.has(mark)) {
        continue;
      }
      seen.add(mark);
      transformColumns(piece);
      const [top, left] = [Math.floor(corner / width), corner % width];
      for (let grid = 0; grid < 64; grid++) {
        if (!cut?.values[(top + (grid >> 3)) * cut.width + left + (grid & 7)]) {
          countBlock(grid, histograms);
        }
      }
      if (!cut?.values[corner]) {
        for (const [k, [v, u]] of FREQUENCIES.entries()) {
          onGrid[k].push(exactlySummed(v * PIECE, u * 8));
        }
      }
    }
  }
  return { histograms, onGrid: onGrid.map((values) => Float32Array.from(values)) };
}

/**
 * Places of pieces in random order, of which at least one block holds no clipped sample.
 *
 * @param {LumaPart} part
 * @param {{values: Uint8Array, width: number} | null} cut from {@link anyWithinBlocks}
 * @param {Generator} generator
 * @param {number} most
 * @returns {number[]} the first sample of each piece
 */
function choose({ width, height }, cut, generator, most) {
  const columns = ((width - PIECE) >> 3) + 1;
  const rows = ((height - PIECE) >> 3) + 1;
  const chosen = [];
  for (const number of generator.permutation(rows * columns)) {
    const [top, left] = [Math.floor(number / columns) * 8, (number % columns) * 8];
    if (cut && isCut(cut, top, left)) {
      continue;
    }
    chosen.push(top * width + left);
    if (chosen.length === most) {
      break;
    }
  }
  return chosen;
}

/**
 * Whether all blocks of a piece hold clipped samples.
 *
 * @param {{values: Uint8Array, width: number}} cut
 * @param {number} top
 * @param {number} left
 */
function isCut({ values, width }, top, left) {
  for (let y = top; y < top + 8; y++) {
    for (let x = left; x < left + 8; x++) {
      if (!values[y * width + x]) {
        return false;
      }
    }
  }
  return true;
}

/**
 * Whether any sample of the block of 8x8 that starts at every place is clipped; `null` if none is.
 *
 * @param {LumaPart} part
 * @returns {{values: Uint8Array, width: number} | null}
 */
function anyWithinBlocks({ clipped, width, height }) {
  if (!clipped.includes(1)) {
    return null;
  }
  const values = clipped.slice();
  // Of 2, 4 and 8 samples, down and across. What is behind the last place is not used.
  for (const step of [1, 2, 4]) {
    const down = step * width;
    for (let at = 0; at + down < values.length; at++) {
      values[at] |= values[at + down];
    }
    for (let y = 0; y < height; y++) {
      const end = (y + 1) * width - step;
      for (let at = y * width; at < end; at++) {
        values[at] |= values[at + step];
      }
    }
  }
  return { values, width };
}

// Low frequencies down the columns of a piece: start (8), frequency (5), column (15).
const along = new Float64Array(8 * SIDE * PIECE);
const B = Float64Array.from(BASIS);
// Of a coefficient, in bins: double precision and float32 differ by less.
const DOUBT = 1e-3;

/**
 * Low frequencies down the columns of a piece, summed in float32 as Python does.
 *
 * @param {Float64Array} piece 15x15, level-shifted
 */
function transformColumns(piece) {
  for (let start = 0, to = 0; start < 8; start++) {
    for (let v = 0; v < SIDE * 8; v += 8) {
      const b0 = B[v];
      const b1 = B[v + 1];
      const b2 = B[v + 2];
      const b3 = B[v + 3];
      const b4 = B[v + 4];
      const b5 = B[v + 5];
      const b6 = B[v + 6];
      const b7 = B[v + 7];
      for (let x = start * PIECE, end = x + PIECE; x < end; x++, to++) {
        let sum = f(b0 * piece[x]);
        sum = f(sum + b1 * piece[x + PIECE]);
        sum = f(sum + b2 * piece[x + 2 * PIECE]);
        sum = f(sum + b3 * piece[x + 3 * PIECE]);
        sum = f(sum + b4 * piece[x + 4 * PIECE]);
        sum = f(sum + b5 * piece[x + 5 * PIECE]);
        sum = f(sum + b6 * piece[x + 6 * PIECE]);
        along[to] = f(sum + b7 * piece[x + 7 * PIECE]);
      }
    }
  }
}

/**
 * Count the low frequencies of the block of one grid. Many lie exactly between two bins, and then the last digit decides.
 *
 * @param {number} grid
 * @param {Uint16Array} histograms changed
 */
function countBlock(grid, histograms) {
  let at = (grid >> 3) * SIDE * PIECE + (grid & 7);
  let start = grid * FREQUENCIES.length * BINS;
  for (let v = 0; v < SIDE; v++, at += PIECE) {
    const s0 = along[at] + along[at + 7];
    const d0 = along[at] - along[at + 7];
    const s1 = along[at + 1] + along[at + 6];
    const d1 = along[at + 1] - along[at + 6];
    const s2 = along[at + 2] + along[at + 5];
    const d2 = along[at + 2] - along[at + 5];
    const s3 = along[at + 3] + along[at + 4];
    const d3 = along[at + 3] - along[at + 4];
    histograms[start + binOf(s0 * B[0] + s1 * B[1] + s2 * B[2] + s3 * B[3], at, 0)]++;
    start += BINS;
    histograms[start + binOf(d0 * B[8] + d1 * B[9] + d2 * B[10] + d3 * B[11], at, 8)]++;
    start += BINS;
    if (v < 4) {
      histograms[start + binOf(s0 * B[16] + s1 * B[17] + s2 * B[18] + s3 * B[19], at, 16)]++;
      start += BINS;
    }
    if (v < 3) {
      histograms[start + binOf(d0 * B[24] + d1 * B[25] + d2 * B[26] + d3 * B[27], at, 24)]++;
      start += BINS;
    }
    if (v < 2) {
      histograms[start + binOf(s0 * B[32] + s1 * B[33] + s2 * B[34] + s3 * B[35], at, 32)]++;
      start += BINS;
    }
  }
}

/**
 * @param {number} coefficient in double precision
 * @param {number} at
 * @param {number} b
 */
function binOf(coefficient, at, b) {
  const place = Math.abs(coefficient) / BIN;
  const bin = place | 0;
  const beyond = place - bin;
  const isDoubtful = beyond < DOUBT || beyond > 1 - DOUBT;
  return Math.min(isDoubtful ? (Math.abs(exactlySummed(at, b)) / BIN) | 0 : bin, BINS - 1);
}

/**
 * @param {number} at in `along`, where the block starts
 * @param {number} b in the basis, where the horizontal frequency starts
 * @returns {number} a coefficient in float32
 */
function exactlySummed(at, b) {
  let sum = 0;
  for (let x = 0; x < 8; x++) {
    sum = f(sum + along[at + x] * B[b + x]);
  }
  return sum;
}
