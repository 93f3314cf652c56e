/** The orthonormal 8x8 DCT of blocks in floating point, for what is not rounded as a codec rounds it. */

// cos(k * pi / 16) / 2 for k = 1..7. Frequency 0 has the weight of k = 4.
const C1 = Math.cos(Math.PI / 16) / 2;
const C2 = Math.cos(Math.PI / 8) / 2;
const C3 = Math.cos((3 * Math.PI) / 16) / 2;
const C4 = Math.SQRT1_2 / 2;
const C5 = Math.cos((5 * Math.PI) / 16) / 2;
const C6 = Math.cos((3 * Math.PI) / 8) / 2;
const C7 = Math.cos((7 * Math.PI) / 16) / 2;

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
  const next = at + step;
  const third = next + step;
  const fourth = third + step;
  const s0 = x[at] + x[end];
  const d0 = x[at] - x[end];
  const s1 = x[next] + x[end - step];
  const d1 = x[next] - x[end - step];
  const s2 = x[third] + x[fourth + 2 * step];
  const d2 = x[third] - x[fourth + 2 * step];
  const s3 = x[fourth] + x[fourth + step];
  const d3 = x[fourth] - x[fourth + step];
  const e0 = s0 + s3;
  const o0 = s0 - s3;
  const e1 = s1 + s2;
  const o1 = s1 - s2;
  x[at] = (e0 + e1) * C4;
  x[next] = d0 * C1 + d1 * C3 + d2 * C5 + d3 * C7;
  x[third] = o0 * C2 + o1 * C6;
  x[fourth] = d0 * C3 - d1 * C7 - d2 * C1 - d3 * C5;
  x[fourth + step] = (e0 - e1) * C4;
  x[fourth + 2 * step] = d0 * C5 - d1 * C1 + d2 * C7 + d3 * C3;
  x[end - step] = o0 * C6 - o1 * C2;
  x[end] = d0 * C7 - d1 * C5 + d2 * C3 - d3 * C1;
}

/**
 * @param {Float64Array} x
 * @param {number} at
 * @param {number} step
 */
function inverse(x, at, step) {
  const end = at + 7 * step;
  const next = at + step;
  const third = next + step;
  const fourth = third + step;
  const x1 = x[next];
  const x2 = x[third];
  const x3 = x[fourth];
  const x5 = x[fourth + 2 * step];
  const x6 = x[end - step];
  const x7 = x[end];
  const sum = (x[at] + x[fourth + step]) * C4;
  const difference = (x[at] - x[fourth + step]) * C4;
  const low = x2 * C2 + x6 * C6;
  const high = x2 * C6 - x6 * C2;
  const o0 = x1 * C1 + x3 * C3 + x5 * C5 + x7 * C7;
  const o1 = x1 * C3 - x3 * C7 - x5 * C1 - x7 * C5;
  const o2 = x1 * C5 - x3 * C1 + x5 * C7 + x7 * C3;
  const o3 = x1 * C7 - x3 * C5 + x5 * C3 - x7 * C1;
  x[at] = sum + low + o0;
  x[end] = sum + low - o0;
  x[next] = difference + high + o1;
  x[end - step] = difference + high - o1;
  x[third] = difference - high + o2;
  x[fourth + 2 * step] = difference - high - o2;
  x[fourth] = sum - low + o3;
  x[fourth + step] = sum - low - o3;
}
