/**
 * Finds the parts of a picture that JPEG did not damage, so that a restoration leaves them as they are.
 *
 * JPEG leaves faint waves beside a strong edge, up to the border of the block. Graphics that were never compressed have
 * none. So this counts, beside strong edges and across their direction, the neighbors that are equal and those that
 * differ faintly. Sums are rounded to float32 where Python rounds them, because decisions depend on them.
 */

import { lerp } from "./float32.js";
import { findEnlargement } from "./history/resized.js";

/** @typedef {import("./neutral.js").Blocks<Float32Array>} Weights */

/** Side of a block in samples. */
export const BLOCK = 8;
// How far from an edge is looked, in samples, and how large a difference is faint.
const REACH = 6;
const FAINT = 12;
// A difference that is a strong edge; steps between blocks of coarse tables are none.
const EDGE = 24;
const SLOPE = 4.56;
const SAFETY = 1.5;
// Neighbors that are counted around a block, at least.
const EVIDENCE = 24;
// Shares of faint differences up to which a block is left wholly, and from which on it is not left at all.
const CLEAN = [0.1, 0.25];
// Of a JPEG file, where faint waves are its own damage.
const CLEAN_IN_FILE = [0.02, 0.06];
// If so much of the evidence says so, a picture that is no JPEG file is left as a whole …
const WHOLE = 0.9;
// … unless this share of the evidence, and at least so many blocks, say otherwise somewhere.
const CLUSTER = 0.4;
const CLUSTER_BLOCKS = 3.5;
// If so much of the strong edges of both axes lie on one of eight phases, only these are strong.
const ON_ONE_PHASE = 0.8;
const EDGE_OF_SQUARES = 72;
// Share of the evidence within so many blocks that has to agree.
const AGREEMENT = 0.5;
const NEIGHBORS = 3;
const WORTH_SAYING = 0.01;
const f = Math.fround;

/**
 * How much of every block shall stay as it is.
 *
 * @param {Uint8Array[]} samples RGB or gray of a picture that is no JPEG file; or the luma of a JPEG file as decoded,
 *   whose grid starts at the corner, with its chroma where that is stored at full size
 * @param {number} width
 * @param {number} height
 * @param {ArrayLike<number> | null} table the luma table of the JPEG file; `null` for other pictures
 * @param {{asAWhole?: boolean}} [options] whether a picture that is no JPEG file may be left altogether
 * @returns {Weights | null} 0 (restore) to 1 (leave); `null` if everything is to be restored
 */
export function untouchedBlocks(samples, width, height, table, { asAWhole = true } = {}) {
  const leastEdge = table ? leastEdgeOfTable(table) : leastEdgeByPhase(samples, width, height);
  const { rows, columns, equal, faint } = count(samples, width, height, f(leastEdge));
  const size = rows * columns;
  const total = equal.reduce((sum, count) => sum + count, 0);
  if (asAWhole && !table && total >= EVIDENCE && isClean(equal, faint, rows, columns)) {
    return { rows, columns, values: new Float32Array(size).fill(1) };
  }
  // Sums over a block and its eight neighbors.
  const [equalNear, faintNear] = [equal, faint].map((counts) =>
    means(counts, rows, columns, 1).map((mean) => mean * 9),
  );
  const [low, high] = table ? CLEAN_IN_FILE : CLEAN;
  const weights = new Float32Array(size);
  const hasEvidence = new Float32Array(size);
  for (let at = 0; at < size; at++) {
    const evidence = f(equalNear[at] + faintNear[at]);
    if (evidence < EVIDENCE) {
      continue;
    }
    hasEvidence[at] = 1;
    const share = f(faintNear[at] / Math.max(evidence, 1));
    weights[at] = Math.min(Math.max(f(f(f(high) - share) / f(high - low)), 0), 1);
  }
  // Photographs have single blocks that look so by chance, beside many that do not.
  const around = means(weights, rows, columns, NEIGHBORS);
  const evidenceAround = means(hasEvidence, rows, columns, NEIGHBORS);
  let found = false;
  for (let at = 0; at < size; at++) {
    if (f(around[at] / Math.max(evidenceAround[at], f(1e-6))) < AGREEMENT) {
      weights[at] = 0;
    }
    found ||= weights[at] > 0;
  }
  return found ? { rows, columns, values: weights } : null;
}

/**
 * Replace restored planes by those that are seen, as far as their weights say; smooth across blocks.
 *
 * @param {Float32Array[]} restored some rows of a picture, 0..255; changed
 * @param {Float32Array[]} seen the same rows as they were given; at least as many planes
 * @param {Weights} weights from {@link untouchedBlocks}, of the whole picture
 * @param {number} width
 * @param {number} top the first row, a multiple of 8
 */
export function leaveUntouched(restored, seen, { rows, columns, values }, width, top) {
  const height = restored[0].length / width;
  // Cells between the centers of four blocks: (row - 1, row) and (column - 1, column).
  for (let row = Math.floor((top + 4) / BLOCK); row * BLOCK - 4 < top + height; row++) {
    const [above, below] = [row - 1, row].map((number) => Math.min(Math.max(number, 0), rows - 1) * columns);
    const first = Math.max(row * BLOCK - 4, top);
    const last = Math.min(row * BLOCK + 4, top + height);
    for (let column = 0; column <= columns; column++) {
      const [left, right] = [Math.max(column - 1, 0), Math.min(column, columns - 1)];
      const corners = [values[above + left], values[above + right], values[below + left], values[below + right]];
      if (!corners[0] && !corners[1] && !corners[2] && !corners[3]) {
        continue;
      }
      const start = Math.max(column * BLOCK - 4, 0);
      const stop = Math.min(column * BLOCK + 4, width);
      for (let y = first; y < last; y++) {
        const down = (y - row * BLOCK + 4.5) / BLOCK;
        for (let x = start; x < stop; x++) {
          const across = (x - column * BLOCK + 4.5) / BLOCK;
          const upper = f(f((1 - across) * corners[0]) + f(across * corners[1]));
          const lower = f(f((1 - across) * corners[2]) + f(across * corners[3]));
          const weight = f(f((1 - down) * upper) + f(down * lower));
          const at = (y - top) * width + x;
          for (let plane = 0; plane < restored.length; plane++) {
            restored[plane][at] = lerp(restored[plane][at], seen[plane][at], weight);
          }
        }
      }
    }
  }
}

/**
 * What is left as it is, in a sentence; none where that is less than a hundredth of the picture.
 *
 * @param {Weights | null} weights from {@link untouchedBlocks}
 * @param {{lumaAlone: boolean}} options whether chroma is restored there
 * @returns {string[]}
 */
export function describeUntouched(weights, { lumaAlone }) {
  const share = untouchedShare(weights);
  if (share < WORTH_SAYING) {
    return [];
  }
  if (share === 1 && !lumaAlone) {
    return ["Nothing to repair: no trace of JPEG was found beside the edges of the picture, so it is left as it is."];
  }
  const [subject, verb] = lumaAlone ? ["The brightness", "is"] : ["The pixels", "are"];
  const percent = Math.max(Math.floor(100 * share), 1);
  return [`${subject} of ${percent} % of the picture ${verb} left: nothing to repair there.`];
}

/**
 * @param {Weights | null} weights
 * @returns {number} share of the picture that is left as it is, 0..1
 */
export function untouchedShare(weights) {
  return weights ? f(weights.values.reduce((sum, weight) => sum + weight, 0) / weights.values.length) : 0;
}

/** @param {ArrayLike<number>} table */
function leastEdgeOfTable(table) {
  return Math.max(EDGE, SAFETY * (table[1] / SLOPE + table[0] / BLOCK));
}

/**
 * The least strong edge of a picture without a table: larger if edges lie 8 samples apart. A file of the lowest
 * qualities has steps between its flat blocks. Squares of pixel art have larger ones, or they are flat in color, too,
 * which chroma of a file at half the size never is.
 *
 * @param {Uint8Array[]} samples
 * @param {number} width
 * @param {number} height
 */
function leastEdgeByPhase(samples, width, height) {
  const hasColor =
    samples.length === 3 && samples.slice(1).some((plane) => plane.some((v, at) => v !== samples[0][at]));
  if (hasColor && findEnlargement(samples, width, height) % BLOCK === 0) {
    return EDGE;
  }
  const shares = [];
  for (const vertical of [true, false]) {
    const sums = new Float64Array(BLOCK);
    for (let y = 0; y < height - (vertical ? 1 : 0); y++) {
      for (let x = 0; x < width - (vertical ? 0 : 1); x++) {
        const at = y * width + x;
        if (step(samples, at, at + (vertical ? width : 1)) >= EDGE) {
          sums[(vertical ? y : x) & 7]++;
        }
      }
    }
    const total = sums.reduce((sum, count) => sum + count, 0);
    if (total >= EVIDENCE) {
      shares.push(f(Math.max(...sums) / total));
    }
  }
  return shares.length && Math.min(...shares) >= ON_ONE_PHASE ? EDGE_OF_SQUARES : EDGE;
}

/**
 * The largest difference of two samples in any plane.
 *
 * @param {Uint8Array[]} samples
 * @param {number} at
 * @param {number} next
 */
function step(samples, at, next) {
  let largest = Math.abs(samples[0][next] - samples[0][at]);
  for (let plane = 1; plane < samples.length; plane++) {
    largest = Math.max(largest, Math.abs(samples[plane][next] - samples[plane][at]));
  }
  return largest;
}

/**
 * Whether nearly all blocks with evidence have next to no faint differences beside edges, and nowhere many.
 *
 * @param {Float32Array} equal
 * @param {Float32Array} faint
 * @param {number} rows
 * @param {number} columns
 */
function isClean(equal, faint, rows, columns) {
  const hasEvidence = equal.map((count, at) => (count + faint[at] >= f(EVIDENCE / 9) ? 1 : 0));
  const dirty = hasEvidence.map((has, at) => (has && faint[at] > CLEAN[1] * (equal[at] + faint[at]) ? 1 : 0));
  const [evidence, wrong] = [hasEvidence, dirty].map((marks) => marks.reduce((sum, mark) => sum + mark, 0));
  if (!evidence || wrong > (1 - WHOLE) * evidence) {
    return false;
  }
  // A photograph in a page of text is no large share of the evidence, but all of it in its place.
  const near = means(dirty, rows, columns, NEIGHBORS);
  const evidenceNear = means(hasEvidence, rows, columns, NEIGHBORS);
  const blocks = (2 * NEIGHBORS + 1) ** 2;
  return !near.some(
    (mean, at) => f(mean / Math.max(evidenceNear[at], f(1e-6))) > f(CLUSTER) && f(mean * blocks) >= CLUSTER_BLOCKS,
  );
}

/**
 * Means over the neighborhood of every block; beyond the border there are zeros.
 *
 * @param {Float32Array} values
 * @param {number} rows
 * @param {number} columns
 * @param {number} reach
 */
function means(values, rows, columns, reach) {
  const means = new Float32Array(values.length);
  const size = (2 * reach + 1) ** 2;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let y = Math.max(row - reach, 0); y <= Math.min(row + reach, rows - 1); y++) {
        const start = y * columns;
        for (let x = Math.max(column - reach, 0); x <= Math.min(column + reach, columns - 1); x++) {
          sum = f(sum + values[start + x]);
        }
      }
      means[row * columns + column] = sum / size;
    }
  }
  return means;
}

/**
 * Neighbors beside strong edges that are equal, and that differ faintly, by block.
 *
 * @param {Uint8Array[]} samples
 * @param {number} width
 * @param {number} height
 * @param {number} leastEdge
 */
function count(samples, width, height, leastEdge) {
  const rows = Math.ceil(height / BLOCK);
  const columns = Math.ceil(width / BLOCK);
  const equal = new Float32Array(rows * columns);
  const faint = new Float32Array(rows * columns);
  // A step counts if the latest edge, up to REACH steps ahead of it, is no farther behind it. So counting follows
  // reading by REACH steps: of columns along a row, and of rows.
  const across = new Uint8Array(width + REACH);
  const ring = Array.from({ length: REACH + 1 }, () => new Uint8Array(width));
  const latest = new Int32Array(width).fill(-1 - 2 * REACH);
  for (let y = 0; y < height + REACH; y++) {
    if (y < height) {
      const start = y * width;
      const row = (y >> 3) * columns;
      let edge = -1 - 2 * REACH;
      for (let x = 0; x < width - 1 + REACH; x++) {
        if (x < width - 1) {
          across[x] = step(samples, start + x, start + x + 1);
          if (across[x] >= leastEdge) {
            edge = x;
          }
        }
        const counted = x - REACH;
        if (counted < 0 || edge < counted - REACH) {
          continue;
        }
        if (across[counted] === 0) {
          equal[row + (counted >> 3)]++;
        } else if (across[counted] <= FAINT) {
          faint[row + (counted >> 3)]++;
        }
      }
    }
    if (y < height - 1) {
      const steps = ring[y % (REACH + 1)];
      for (let x = 0, at = y * width; x < width; x++, at++) {
        steps[x] = step(samples, at, at + width);
        if (steps[x] >= leastEdge) {
          latest[x] = y;
        }
      }
    }
    const counted = y - REACH;
    if (counted < 0 || counted >= height - 1) {
      continue;
    }
    const steps = ring[counted % (REACH + 1)];
    const row = (counted >> 3) * columns;
    for (let x = 0; x < width; x++) {
      if (latest[x] < counted - REACH) {
        continue;
      }
      if (steps[x] === 0) {
        equal[row + (x >> 3)]++;
      } else if (steps[x] <= FAINT) {
        faint[row + (x >> 3)]++;
      }
    }
  }
  return { rows, columns, equal, faint };
}
