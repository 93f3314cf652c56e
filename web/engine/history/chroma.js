/**
 * Finds the chroma of an earlier save again, at the resolution and on the grid at which it was stored.
 *
 * The decoder of the earlier save enlarged its chroma with a triangle filter, and the encoder of a later save averaged
 * neighbors. Along each axis, all of these steps together are a short symmetric filter on the samples that were stored.
 * The filter is inverted and the coefficients are rounded to multiples of the steps, in turns: what rounding gets right
 * takes its part out of what is left to invert.
 */

import { FACTORS, upsample } from "../jpeg/resampling.js";
import { beyondFile, framed, rounded, setExactlyBeyondFile, storedCoefficients } from "./blocks.js";
import { averaged, filtered, inverseOf } from "./filters.js";
import { blocksUnder, prove, tolerance } from "./proof.js";

/** @typedef {import("./blocks.js").Plane} Plane */
/** @typedef {import("./blocks.js").Marks} Marks */
/** @typedef {import("../jpeg/resampling.js").Subsampling} Subsampling */

/**
 * The JPEG file that shows a picture.
 *
 * @typedef {object} LaterFile
 * @property {Int32Array[]} tables of each plane
 * @property {Subsampling | null} sampling of its chroma
 */

/**
 * How an earlier save stored chroma.
 *
 * @typedef {object} ChromaGrid
 * @property {Int32Array} table
 * @property {Subsampling} sampling
 * @property {number} top rows by which its grid starts before the picture, 0..15
 * @property {number} left columns
 */

/**
 * A chroma plane of an earlier save, not yet proven.
 *
 * @typedef {object} ShownChroma
 * @property {Plane} stored the samples that were stored, as they are seen, on a frame that starts at a corner of the grid
 * @property {Plane} shown as the earlier file decodes them
 * @property {Marks} detailed which blocks hold more than their mean
 * @property {Plane} full `shown` as a decoder enlarges it
 */

// Weights of a sample and of its neighbors along a halved axis: enlarged by the triangle filter, then averaged in the
// same pairs; the same twice; and averaged in the pairs between, enlarged, then averaged in the first pairs.
const ONCE = Float32Array.of(6 / 8, 1 / 8);
const TWICE = Float32Array.of(38 / 64, 12 / 64, 1 / 64);
const BETWEEN = Float32Array.of(2 / 4, 1 / 4);
const NONE = Float32Array.of(1);
/** @type {Map<Float32Array, Float32Array>} */
const INVERSES = new Map([ONCE, TWICE, BETWEEN, NONE].map((kernel) => [kernel, inverseOf(kernel)]));
const ROUNDS = 2;

/**
 * Whether a later file stores at least as many samples of chroma along each axis as an earlier save did.
 *
 * @param {Subsampling} sampling of the earlier save
 * @param {LaterFile | null} later
 */
export function canBeUndone(sampling, later) {
  if (!later) {
    return true;
  }
  if (!later.sampling) {
    return false;
  }
  const [kept, factors] = [FACTORS[later.sampling], FACTORS[sampling]];
  return kept[0] <= factors[0] && kept[1] <= factors[1];
}

/**
 * What an earlier save would show of a chroma plane.
 *
 * @param {Plane} seen at full size
 * @param {ChromaGrid} grid how the earlier save stored it
 * @param {LaterFile | null} later the file that shows it; `null` for pictures that are no JPEG files
 * @returns {ShownChroma}
 */
export function showChroma(seen, grid, later) {
  const factors = FACTORS[grid.sampling];
  const kept = factorsOf(later);
  const kernels = [kernelFor(factors[0], kept[0], grid.top), kernelFor(factors[1], kept[1], grid.left)];
  // 1. The stored samples, filtered.
  const frame = framed(seen, grid.top, grid.left);
  const small = averaged(frame, factors);
  // 2. The filter inverted and coefficients rounded, in turns.
  let stored = small;
  if (kernels.some((kernel) => kernel !== NONE)) {
    const inverses = kernels.map(knownInverse);
    stored = filtered(small, inverses);
    for (let round = 0; round < ROUNDS; round++) {
      const guess = rounded(stored, grid.table).shown;
      const again = filtered(guess, kernels).values;
      for (let at = 0; at < again.length; at++) {
        again[at] = small.values[at] - again[at];
      }
      const rest = filtered({ ...small, values: again }, inverses).values;
      for (let at = 0; at < rest.length; at++) {
        rest[at] += guess.values[at];
      }
      stored = { ...small, values: rest };
    }
  }
  const { shown, detailed } = rounded(stored, grid.table);
  const full = upsample(toBytes(shown.values), shown.width, grid.sampling, frame.width, frame.height);
  return { stored, shown, detailed, full: { ...frame, values: Float32Array.from(full) } };
}

/**
 * The chroma coefficients that a file stores, times their steps.
 *
 * @param {Plane} seen a chroma plane as the file shows it
 * @param {LaterFile} later the file
 * @returns {Float32Array} 64 for each whole block, at the resolution at which it is stored
 */
export function storedChroma(seen, later) {
  const factors = factorsOf(later);
  const [down, across] = factors.map((factor) => knownInverse(kernelFor(factor, 1, 0)));
  return storedCoefficients(filtered(averaged(seen, factors), [down, across]), later.tables[1]);
}

/**
 * Which blocks of chroma can have become what is seen.
 *
 * @param {ShownChroma} chroma from {@link showChroma}
 * @param {Plane} shown `chroma.full` within the picture, as the conversion to RGB and back leaves it
 * @param {Plane} seen as for {@link showChroma}
 * @param {ChromaGrid} grid
 * @param {LaterFile | null} later
 * @param {Float32Array | null} coefficients from {@link storedChroma}; `null` without a later file
 * @returns {{explained: Marks, detailed: Marks}} of the whole blocks at the resolution at which they were stored, those
 *   within the picture
 */
export function proveChroma(chroma, shown, seen, grid, later, coefficients) {
  const factors = FACTORS[grid.sampling];
  const kept = factorsOf(later);
  // At the resolution of the later file.
  const again = averaged(shown, kept);
  const file = later && coefficients ? { table: later.tables[1], coefficients } : null;
  const beyond = file ? beyondFile(again, file.coefficients, file.table) : difference(shown, seen);
  const { width, height } = chroma.stored;
  const known = {
    rows: height >> 3,
    columns: width >> 3,
    top: grid.top ? 1 : 0,
    left: grid.left ? 1 : 0,
    bottom: Math.floor((seen.height + grid.top) / (8 * factors[0])),
    right: Math.floor((seen.width + grid.left) / (8 * factors[1])),
  };
  const allowed = tolerance(grid.table, later ? later.tables[1] : null);
  let proof = prove(averaged(onFrame(beyond, seen, grid, kept), factors), 0, 0, known, allowed);
  if (file && proof.close.values.includes(1)) {
    const size = { rows: again.height >> 3, columns: again.width >> 3 };
    const wanted = blocksUnder(proof.close, 1, grid, samplesOf(factors), samplesOf(kept), size);
    setExactlyBeyondFile(beyond, again, file.coefficients, file.table, wanted);
    proof = prove(averaged(onFrame(beyond, seen, grid, kept), factors), 0, 0, known, allowed);
  }
  const detailed = { ...chroma.detailed, values: new Uint8Array(chroma.detailed.values.length) };
  for (let row = known.top; row < known.bottom; row++) {
    const [start, end] = [row * known.columns + known.left, row * known.columns + known.right];
    if (end > start) {
      detailed.values.set(chroma.detailed.values.subarray(start, end), start);
    }
  }
  return { explained: proof.explained, detailed };
}

/**
 * Rows and columns of the picture that a block of chroma covers.
 *
 * @param {[number, number]} factors
 * @returns {[number, number]}
 */
function samplesOf(factors) {
  return [8 * factors[0], 8 * factors[1]];
}

/**
 * What is said of the samples of a later file, said of those of the frame; 0 beyond the picture.
 *
 * @param {Plane} beyond
 * @param {Plane} seen
 * @param {ChromaGrid} grid
 * @param {[number, number]} factors of the later file
 * @returns {Plane}
 */
function onFrame(beyond, seen, { top, left }, [rows, columns]) {
  if (!top && !left && rows === 1 && columns === 1) {
    return beyond;
  }
  const [width, height] = [seen.width + left, seen.height + top];
  const values = new Float32Array(width * height);
  for (let y = 0; y < seen.height; y++) {
    const from = Math.floor(y / rows) * beyond.width;
    const to = (y + top) * width + left;
    if (columns === 1) {
      values.set(beyond.values.subarray(from, from + seen.width), to);
    } else {
      for (let x = 0; x < seen.width; x++) {
        values[to + x] = beyond.values[from + Math.floor(x / columns)];
      }
    }
  }
  return { values, width, height };
}

/**
 * @param {Plane} plane
 * @param {Plane} other of the same size
 * @returns {Plane}
 */
export function difference(plane, other) {
  const values = new Float32Array(plane.values.length);
  for (let at = 0; at < values.length; at++) {
    values[at] = plane.values[at] - other.values[at];
  }
  return { ...plane, values };
}

/**
 * Samples rounded (halves up) and clamped.
 *
 * @param {Float32Array} values
 * @returns {Uint8Array}
 */
export function toBytes(values) {
  const bytes = new Uint8Array(values.length);
  for (let at = 0; at < bytes.length; at++) {
    const value = Math.fround(values[at] + 0.5);
    bytes[at] = value < 0 ? 0 : value > 255 ? 255 : value;
  }
  return bytes;
}

/**
 * @param {LaterFile | null} later
 * @returns {[number, number]}
 */
function factorsOf(later) {
  return later?.sampling ? FACTORS[later.sampling] : [1, 1];
}

/**
 * The filter along one axis.
 *
 * @param {number} factor of how many samples the earlier save stored one
 * @param {number} kept of how many the later file stores one
 * @param {number} start by how much the grid starts earlier
 */
function kernelFor(factor, kept, start) {
  if (factor === 1) {
    return NONE;
  }
  if (kept === 1) {
    return ONCE;
  }
  return start % 2 === 0 ? TWICE : BETWEEN;
}

/** @param {Float32Array} kernel */
function knownInverse(kernel) {
  return /** @type {Float32Array} */ (INVERSES.get(kernel));
}
