/**
 * The DCT of blocks as Python computes it, digit by digit: products with one matrix in float32, summed in their order,
 * each with a single rounding.
 *
 * It is slow. Many coefficients lie exactly between two multiples of a step, and then the last digit decides.
 */

import { BASIS } from "../jpeg/block_dct.js";

const f = Math.fround;

// Of blocks: coefficient, sample; and the transposed.
const TRANSFORM = new Float32Array(4096);
const INVERSE = new Float32Array(4096);
for (let entry = 0; entry < 64; entry++) {
  for (let sample = 0; sample < 64; sample++) {
    const weight = BASIS[(entry >> 3) * 8 + (sample >> 3)] * BASIS[(entry & 7) * 8 + (sample & 7)];
    TRANSFORM[entry * 64 + sample] = weight;
    INVERSE[sample * 64 + entry] = weight;
  }
}

/**
 * @param {Float32Array} samples 64, level-shifted
 * @param {number} entry 0..63
 * @returns {number} this coefficient
 */
export function exactCoefficient(samples, entry) {
  return product(samples, TRANSFORM, entry * 64);
}

/**
 * @param {Float32Array} coefficients 64
 * @param {number} sample 0..63
 * @returns {number} this sample, level-shifted
 */
export function exactSample(coefficients, sample) {
  return product(coefficients, INVERSE, sample * 64);
}

/**
 * @param {Float32Array} vector
 * @param {Float32Array} matrix
 * @param {number} start of the row
 */
function product(vector, matrix, start) {
  let sum = 0;
  // The product of two numbers of 24 bits is exact in double precision.
  for (let at = 0; at < 64; at++) {
    sum = f(sum + vector[at] * matrix[start + at]);
  }
  return sum;
}
