/** The orthonormal 8x8 DCT of blocks in floating point, for what is not rounded as a codec rounds it. */

// cos((2 * sample + 1) * frequency * pi / 16) / 2, the first frequency divided by sqrt(2): 4 samples for each of the
// frequencies. The other four follow from symmetry: equal for even frequencies, negative for odd ones.
const BASIS = Float64Array.from({ length: 32 }, (_, at) => {
  const [frequency, sample] = [at >> 2, at & 3];
  return Math.cos(((2 * sample + 1) * frequency * Math.PI) / 16) * (frequency ? 0.5 : Math.SQRT1_2 / 2);
});

/**
 * Coefficients of samples, in place.
 *
 * @param {Float64Array} block 64 numbers, row by row; then vertical frequency first
 */
export function orthonormalDct(block) {
  for (let row = 0; row < 64; row += 8) {
    forward(block, row, 1);
  }
  for (let column = 0; column < 8; column++) {
    forward(block, column, 8);
  }
}

/**
 * Samples of coefficients, in place: the inverse of {@link orthonormalDct}.
 *
 * @param {Float64Array} block 64 numbers
 */
export function inverseOrthonormalDct(block) {
  for (let column = 0; column < 8; column++) {
    inverse(block, column, 8);
  }
  for (let row = 0; row < 64; row += 8) {
    inverse(block, row, 1);
  }
}

/**
 * @param {Float64Array} x
 * @param {number} at
 * @param {number} step
 */
function forward(x, at, step) {
  const end = at + 7 * step;
  const s0 = x[at] + x[end];
  const d0 = x[at] - x[end];
  const s1 = x[at + step] + x[end - step];
  const d1 = x[at + step] - x[end - step];
  const s2 = x[at + 2 * step] + x[end - 2 * step];
  const d2 = x[at + 2 * step] - x[end - 2 * step];
  const s3 = x[at + 3 * step] + x[end - 3 * step];
  const d3 = x[at + 3 * step] - x[end - 3 * step];
  for (let frequency = 0, to = at; frequency < 32; frequency += 8, to += 2 * step) {
    x[to] = s0 * BASIS[frequency] + s1 * BASIS[frequency + 1] + s2 * BASIS[frequency + 2] + s3 * BASIS[frequency + 3];
    x[to + step] =
      d0 * BASIS[frequency + 4] + d1 * BASIS[frequency + 5] + d2 * BASIS[frequency + 6] + d3 * BASIS[frequency + 7];
  }
}

/**
 * @param {Float64Array} x
 * @param {number} at
 * @param {number} step
 */
function inverse(x, at, step) {
  const e0 = x[at];
  const o0 = x[at + step];
  const e1 = x[at + 2 * step];
  const o1 = x[at + 3 * step];
  const e2 = x[at + 4 * step];
  const o2 = x[at + 5 * step];
  const e3 = x[at + 6 * step];
  const o3 = x[at + 7 * step];
  for (let sample = 0, to = at, from = at + 7 * step; sample < 4; sample++, to += step, from -= step) {
    const even = e0 * BASIS[sample] + e1 * BASIS[8 + sample] + e2 * BASIS[16 + sample] + e3 * BASIS[24 + sample];
    const odd = o0 * BASIS[4 + sample] + o1 * BASIS[12 + sample] + o2 * BASIS[20 + sample] + o3 * BASIS[28 + sample];
    x[to] = even + odd;
    x[from] = even - odd;
  }
}
