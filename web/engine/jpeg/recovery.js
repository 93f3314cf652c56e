/**
 * The luma coefficients of a file, recovered from its decoded samples.
 *
 * Pictures are also held to files that no longer exist: earlier saves, whose samples are known and whose bytes are not.
 */

import { roundHalfToEven } from "../float32.js";
import { blockToCoefficients, coefficientsToBlock } from "./block_dct.js";
import { readBlock } from "./codec.js";
import { forwardDct, quantize } from "./dct.js";
import { blockSamples } from "./inverse_dct.js";

const CLIPPED_ROUNDS = 12;
const block = new Int32Array(64);
const quantized = new Int16Array(64);
const shown = new Uint8Array(64);
const guess = new Float32Array(64);

/**
 * Recover the quantized luma coefficients of a file from the decoded samples.
 *
 * Encoding the samples again gives the coefficients, except in blocks where the decoder clipped samples to 0 or 255.
 * Those blocks are found by alternating projections.
 *
 * @param {Uint8Array} luma straight from the decoder
 * @param {number} width
 * @param {number} height
 * @param {ArrayLike<number>} table the luma table of the file
 * @returns {import("./codec.js").Coefficients} of every whole block
 */
export function recoverCoefficients(luma, width, height, table) {
  const [rows, columns] = [height >> 3, width >> 3];
  const values = new Int16Array(rows * columns * 64);
  const samples = new Int32Array(64);
  for (let index = 0; index < rows * columns; index++) {
    readBlock(luma, width, height, Math.floor(index / columns) * 8, (index % columns) * 8, samples);
    block.set(samples);
    forwardDct(block);
    quantize(block, table);
    if (samples.some((sample) => sample === -128 || sample === 127)) {
      quantized.set(block);
      blockSamples(quantized, 0, table, shown, 0, 8);
      if (samples.some((sample, at) => shown[at] !== sample + 128)) {
        complete(samples, table);
      }
    }
    values.set(block, index * 64);
  }
  return { rows, columns, values };
}

/**
 * Quantized coefficients of a block with clipped samples, by alternating projections, into `block`.
 *
 * One set is the blocks whose coefficients are multiples of the steps. The other is the blocks that clip to the decoded
 * samples: equal to them where they were not clipped, equal or beyond where they were.
 *
 * @param {Int32Array} samples -128..127
 * @param {ArrayLike<number>} table
 */
function complete(samples, table) {
  guess.set(samples);
  for (let round = 0; round < CLIPPED_ROUNDS; round++) {
    // 1. Onto multiples of the steps.
    blockToCoefficients(guess);
    for (let entry = 0; entry < 64; entry++) {
      block[entry] = roundHalfToEven(Math.fround(guess[entry] / table[entry]));
      guess[entry] = block[entry] * table[entry];
    }
    coefficientsToBlock(guess);
    // 2. Onto blocks that clip to the samples: keep what lies beyond a clipped sample, reset all other samples.
    for (let at = 0; at < 64; at++) {
      const sample = samples[at];
      const isBeyond = (sample === -128 && guess[at] < -128) || (sample === 127 && guess[at] > 127);
      if (!isBeyond) {
        guess[at] = sample;
      }
    }
  }
}
