/**
 * Rounding chosen sample by sample, so that blocks encode to what they should.
 *
 * Rounding to 8 bits moves every coefficient by a third of a level. Where that takes one out of its interval, some samples
 * are moved by one level: each time the one that leads back most, at the least cost, until all coefficients are inside.
 */

import { roundHalfToEven } from "../float32.js";
import { inverseOrthonormalDct, orthonormalDct } from "./float_dct.js";

const STEPS = 6;
// Coefficients are led so far inside of their intervals: the integer DCT of an encoder differs from the exact one.
const TOLERANCE = 0.15;
// What a unit of cost counts against one of the gradient.
const WEIGHT = 0.02;
const DIGITS = 1024;

// For every sample its effect on 64 coefficients.
const EFFECTS = effects();
const offset = new Float64Array(64);
const pull = new Float64Array(64);
const folded = new Float64Array(64);
const places = new Int32Array(64);

/**
 * Moves of samples by one level, so that a block encodes to what it should, nearly always.
 *
 * @param {Int32Array} samples 64, integers 0..255
 * @param {Float64Array} middles of the intervals of their coefficients, in the DCT of samples 0..255
 * @param {number} start of those of the block
 * @param {ArrayLike<number>} table the lengths of the intervals
 * @param {Float32Array[]} costs of moving a sample up, and down; infinity where it cannot be moved. They are changed.
 * @param {Int32Array | null} repeats the sample that each repeats, in blocks that the border of a picture cuts
 * @param {Int8Array} moves changed: -1, 0 or 1 for every sample
 */
export function chooseMoves(samples, middles, start, table, [up, down], repeats, moves) {
  moves.fill(0);
  offset.set(samples);
  orthonormalDct(offset);
  for (let at = 0; at < 64; at++) {
    offset[at] -= middles[start + at];
  }
  for (let step = 0; step < STEPS; step++) {
    // 1. How far coefficients lie beyond their intervals, and half the gradient of the sum of squares.
    if (!findPull(table)) {
      return;
    }
    inverseOrthonormalDct(pull);
    if (repeats) {
      foldPull(repeats);
    }
    // 2. The sample that leads back most. Rounded, so that the first of several equal ones is taken on every machine.
    let best = Number.NEGATIVE_INFINITY;
    let chosen = 0;
    for (let at = 0; at < 64; at++) {
      const cost = pull[at] < 0 ? up[at] : down[at];
      const value = roundHalfToEven(Math.fround(Math.abs(pull[at]) - WEIGHT * cost) * DIGITS);
      if (value > best) {
        best = value;
        chosen = at;
      }
    }
    if (best === Number.NEGATIVE_INFINITY) {
      return;
    }
    // 3. It is moved, and not again.
    const sign = -Math.sign(pull[chosen]);
    moves[chosen] = sign;
    up[chosen] = Number.POSITIVE_INFINITY;
    down[chosen] = Number.POSITIVE_INFINITY;
    for (let sample = 0; sample < 64; sample++) {
      if (repeats ? repeats[sample] === chosen : sample === chosen) {
        for (let at = 0; at < 64; at++) {
          offset[at] += sign * EFFECTS[sample * 64 + at];
        }
      }
    }
  }
}

/**
 * How far coefficients lie beyond their intervals, into `pull`.
 *
 * @param {ArrayLike<number>} table
 * @returns {boolean} whether any does
 */
function findPull(table) {
  let isBeyond = false;
  for (let at = 0; at < 64; at++) {
    const half = Math.max(table[at] / 2 - TOLERANCE, 0);
    const value = offset[at];
    pull[at] = value > half ? value - half : value < -half ? value + half : 0;
    isBeyond ||= pull[at] !== 0;
  }
  return isBeyond;
}

/**
 * Give the pull on samples that repeat others to these. They move coefficients more; what is gained for each of their
 * places is compared.
 *
 * @param {Int32Array} repeats
 */
function foldPull(repeats) {
  folded.fill(0);
  places.fill(0);
  for (let at = 0; at < 64; at++) {
    folded[repeats[at]] += pull[at];
    places[repeats[at]]++;
  }
  for (let at = 0; at < 64; at++) {
    pull[at] = folded[at] / Math.max(places[at], 1);
  }
}

function effects() {
  const found = new Float64Array(64 * 64);
  for (let sample = 0; sample < 64; sample++) {
    const block = found.subarray(sample * 64, sample * 64 + 64);
    block[sample] = 1;
    orthonormalDct(block);
  }
  return found;
}
