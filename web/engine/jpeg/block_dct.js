/**
 * The orthonormal 8x8 DCT in single precision, every sum rounded as PyTorch rounds it on processors that multiply and
 * add in one step: what is made with it equals what Python makes, digit by digit.
 */

/** Of 8 samples: frequency, sample. */
export const BASIS = Float32Array.from({ length: 64 }, (_, at) => {
  const [frequency, sample] = [at >> 3, at & 7];
  return Math.cos(((2 * sample + 1) * frequency * Math.PI) / 16) * (frequency ? 0.5 : Math.SQRT1_2 / 2);
});
const TRANSPOSED = BASIS.map((_, at) => BASIS[(at & 7) * 8 + (at >> 3)]);
const products = new Float32Array(64);

/**
 * Coefficients of a block, in place.
 *
 * @param {Float32Array} block 64 samples, level-shifted; then coefficients, vertical frequency first
 */
export function blockToCoefficients(block) {
  multiply(BASIS, block, products);
  multiply(products, TRANSPOSED, block);
}

/**
 * Samples of coefficients, in place.
 *
 * @param {Float32Array} block 64 coefficients; then samples, level-shifted
 */
export function coefficientsToBlock(block) {
  multiply(TRANSPOSED, block, products);
  multiply(products, BASIS, block);
}

/**
 * Product of two matrices (8, 8).
 *
 * @param {Float32Array} left
 * @param {Float32Array} right
 * @param {Float32Array} result another one
 */
function multiply(left, right, result) {
  for (let row = 0; row < 64; row += 8) {
    for (let column = 0; column < 8; column++) {
      let sum = Math.fround(left[row] * right[column]);
      for (let step = 1; step < 8; step++) {
        sum = Math.fround(sum + left[row + step] * right[step * 8 + column]);
      }
      result[row + column] = sum;
    }
  }
}
