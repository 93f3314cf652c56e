/**
 * Projection of restored luma onto the quantization constraint set: the planes that would encode to the given file.
 *
 * A JPEG file states an interval for every DCT coefficient of its original: one quantization step wide, centered on the
 * dequantized value. The projection moves each coefficient of the restored picture into its interval, shortened by a
 * margin, so that the result survives the rounding to 8 bits. Blocks that leave their intervals by the rounding, or by
 * the conversion to RGB and back, are projected again with twice the margin, at most four times. Blocks that the border
 * of the picture cuts, and chroma, are not changed.
 */

import { addedByChroma, TO_LUMA } from "./color.js";
import { lerp, toByte } from "./float32.js";
import { blockToCoefficients, coefficientsToBlock } from "./jpeg/block_dct.js";
import { forwardDct, quantize } from "./jpeg/dct.js";

/** Least distance of a projected coefficient from the ends of its interval, in the scale of the orthonormal DCT. */
const MARGIN = 1;
const MARGIN_ROUNDS = 5;

const samples = new Float32Array(64);
const coefficients = new Float32Array(64);
const projected = new Float32Array(64);
const written = new Int32Array(64);
const goal = new Int32Array(64);
const added = new Float32Array(3);
// What chroma adds to red, green and blue, of each sample of a block; and the luma that is seen.
const chroma = [new Float32Array(64), new Float32Array(64), new Float32Array(64)];
const seenLuma = new Float32Array(64);

/**
 * Project the luma of some rows of a picture so that what is written encodes to given luma coefficients.
 *
 * @param {Float32Array[]} restored K planes, 0..255, luma first, of whole rows; luma is changed
 * @param {(Uint8Array | Float32Array)[]} seen C planes, K <= C: Y, or Y, Cb, Cr, of the same rows
 * @param {number} width of the picture
 * @param {number} top the first row, a multiple of 8
 * @param {import("./jpeg/codec.js").Coefficients} coefficients of the luma of the whole picture
 * @param {ArrayLike<number>} table the luma table of the file
 * @param {{strength: number, held?: {columns: number, values: Uint8Array} | null}} options the share 0..1 of `restored`
 *   in what is written; and which whole blocks are projected: others stay as they are (default: all)
 * @returns {{blocks: number, missed: number}} how many blocks were projected, and how many of their coefficients are
 *   not those of the file even so
 */
export function projectOntoFile(restored, seen, width, top, coefficients, table, { strength, held = null }) {
  const rows = Math.floor(restored[0].length / width) >> 3;
  const columns = width >> 3;
  const counts = { blocks: 0, missed: 0 };
  for (let row = 0; row < rows; row++) {
    const whole = top / 8 + row;
    for (let column = 0; column < columns; column++) {
      if (held && !held.values[whole * held.columns + column]) {
        continue;
      }
      const start = (whole * coefficients.columns + column) * 64;
      goal.set(coefficients.values.subarray(start, start + 64));
      const at = row * 8 * width + column * 8;
      prepareWriting(restored, seen, at, width, strength);
      counts.missed += hold(restored[0], at, width, table, seen.length === 1, strength);
      counts.blocks++;
    }
  }
  return counts;
}

/**
 * Project a block until it is written as wanted.
 *
 * @param {Float32Array} luma changed
 * @param {number} at of the first sample of the block
 * @param {number} width
 * @param {ArrayLike<number>} table
 * @param {boolean} isGray
 * @param {number} strength
 * @returns {number} coefficients that still are not those of the file
 */
function hold(luma, at, width, table, isGray, strength) {
  for (let entry = 0; entry < 64; entry++) {
    samples[entry] = luma[at + (entry >> 3) * width + (entry & 7)];
  }
  let missed = 0;
  for (let round = 0, margin = MARGIN; round < MARGIN_ROUNDS; round++, margin *= 2) {
    project(table, margin);
    missed = 0;
    for (let entry = 0; entry < 64; entry++) {
      const blended = strength === 1 ? projected[entry] : lerp(seenLuma[entry], projected[entry], strength);
      written[entry] = (isGray ? toByte(blended) : lumaOfWritten(blended, entry)) - 128;
    }
    forwardDct(written);
    quantize(written, table);
    for (let entry = 0; entry < 64; entry++) {
      if (written[entry] !== goal[entry]) {
        missed++;
      }
    }
    if (!missed) {
      break;
    }
    // On from the clipped result.
    for (let entry = 0; entry < 64; entry++) {
      samples[entry] = Math.min(Math.max(projected[entry], 0), 255);
    }
  }
  for (let entry = 0; entry < 64; entry++) {
    luma[at + (entry >> 3) * width + (entry & 7)] = projected[entry];
  }
  return missed;
}

/**
 * The nearest block to `samples` whose coefficients lie inside their intervals, into `projected`.
 *
 * @param {ArrayLike<number>} table
 * @param {number} margin
 */
function project(table, margin) {
  for (let entry = 0; entry < 64; entry++) {
    coefficients[entry] = samples[entry] - 128;
  }
  blockToCoefficients(coefficients);
  for (let entry = 0; entry < 64; entry++) {
    const half = Math.max(table[entry] / 2 - margin, 0);
    const middle = goal[entry] * table[entry];
    coefficients[entry] = Math.min(Math.max(coefficients[entry], middle - half), middle + half);
  }
  coefficientsToBlock(coefficients);
  for (let entry = 0; entry < 64; entry++) {
    projected[entry] = coefficients[entry] + 128;
  }
}

/**
 * Keep what a block is written with besides its new luma.
 *
 * @param {Float32Array[]} restored
 * @param {(Uint8Array | Float32Array)[]} seen
 * @param {number} start of the block
 * @param {number} width
 * @param {number} strength
 */
function prepareWriting(restored, seen, start, width, strength) {
  for (let entry = 0; entry < 64; entry++) {
    const at = start + (entry >> 3) * width + (entry & 7);
    seenLuma[entry] = seen[0][at];
    if (seen.length === 1) {
      continue;
    }
    let cb = seen[1][at];
    let cr = seen[2][at];
    if (restored.length > 1) {
      cb = strength === 1 ? restored[1][at] : lerp(cb, restored[1][at], strength);
      cr = strength === 1 ? restored[2][at] : lerp(cr, restored[2][at], strength);
    }
    addedByChroma(cb, cr, added);
    for (let channel = 0; channel < 3; channel++) {
      chroma[channel][entry] = added[channel];
    }
  }
}

/**
 * The luma that an encoder gets from a sample written as RGB.
 *
 * @param {number} luma
 * @param {number} entry of the block
 */
function lumaOfWritten(luma, entry) {
  const red = toByte(Math.fround(luma + chroma[0][entry]));
  const green = toByte(Math.fround(luma + chroma[1][entry]));
  const blue = toByte(Math.fround(luma + chroma[2][entry]));
  return (red * TO_LUMA[0] + green * TO_LUMA[1] + blue * TO_LUMA[2] + 32768) >> 16;
}
