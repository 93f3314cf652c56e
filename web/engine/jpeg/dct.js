/**
 * The 8x8 integer DCT of libjpeg ("ISLOW"), forward, and the quantization of an encoder.
 *
 * A block is 64 numbers, row by row; the rows of coefficients are the vertical frequencies. All arithmetic is of 32 bits.
 */

// round(x * 2**13) for the rotations of the algorithm of Loeffler, Ligtenberg and Moschytz (jfdctint.c, jidctint.c).
export const C_0_298 = 2446;
export const C_0_390 = 3196;
export const C_0_541 = 4433;
export const C_0_765 = 6270;
export const C_0_899 = 7373;
export const C_1_175 = 9633;
export const C_1_501 = 12299;
export const C_1_847 = 15137;
export const C_1_961 = 16069;
export const C_2_053 = 16819;
export const C_2_562 = 20995;
export const C_3_072 = 25172;

/**
 * Coefficients of a block, in place (`jpeg_fdct_islow`).
 *
 * @param {Int32Array} block 64 level-shifted samples, -128..127; becomes 8 times their orthonormal DCT.
 */
export function forwardDct(block) {
  for (let row = 0; row < 64; row += 8) {
    forwardPass(block, row, 1, 11, 2);
  }
  for (let column = 0; column < 8; column++) {
    forwardPass(block, column, 8, 15, -2);
  }
}

/**
 * One-dimensional DCT of 8 numbers; `bits` are rounded away. The outputs 0 and 4 need no multiplication: `left` is the
 * number of bits by which they are shifted.
 *
 * @param {Int32Array} x
 * @param {number} at of the first number
 * @param {number} step to the next
 * @param {number} bits
 * @param {number} left below 0: to the right, rounded
 */
function forwardPass(x, at, step, bits, left) {
  const half = 1 << (bits - 1);
  const at1 = at + step;
  const at2 = at1 + step;
  const at3 = at2 + step;
  const at4 = at3 + step;
  const at5 = at4 + step;
  const at6 = at5 + step;
  const at7 = at6 + step;
  // 1. Butterflies of the even part.
  const a0 = x[at] + x[at7];
  const a1 = x[at1] + x[at6];
  const a2 = x[at2] + x[at5];
  const a3 = x[at3] + x[at4];
  const e0 = a0 + a3;
  const e1 = a1 + a2;
  const e2 = a1 - a2;
  const e3 = a0 - a3;
  // 2. Differences, of which the odd coefficients are made.
  const b4 = x[at3] - x[at4];
  const b5 = x[at2] - x[at5];
  const b6 = x[at1] - x[at6];
  const b7 = x[at] - x[at7];
  // 3. Even coefficients.
  if (left >= 0) {
    x[at] = (e0 + e1) << left;
    x[at4] = (e0 - e1) << left;
  } else {
    const rounding = 1 << (-left - 1);
    x[at] = (e0 + e1 + rounding) >> -left;
    x[at4] = (e0 - e1 + rounding) >> -left;
  }
  const w = (e2 + e3) * C_0_541 + half;
  x[at2] = (w + e3 * C_0_765) >> bits;
  x[at6] = (w - e2 * C_1_847) >> bits;
  // 4. Odd coefficients: sums of two shared terms and an own input, each scaled.
  const z1 = (b4 + b7) * -C_0_899;
  const z2 = (b5 + b6) * -C_2_562;
  const z5 = (b4 + b6 + b5 + b7) * C_1_175 + half;
  const z3 = z5 - (b4 + b6) * C_1_961;
  const z4 = z5 - (b5 + b7) * C_0_390;
  x[at7] = (b4 * C_0_298 + z1 + z3) >> bits;
  x[at5] = (b5 * C_2_053 + z2 + z4) >> bits;
  x[at3] = (b6 * C_3_072 + z2 + z3) >> bits;
  x[at1] = (b7 * C_1_501 + z1 + z4) >> bits;
}

/**
 * Quantized coefficients, in place (`forward_DCT` in jcdctmgr.c, which rounds halves away from zero).
 *
 * @param {Int32Array} block from {@link forwardDct}
 * @param {ArrayLike<number>} table 64 steps
 */
export function quantize(block, table) {
  for (let entry = 0; entry < 64; entry++) {
    const divisor = table[entry] << 3;
    const value = block[entry];
    const magnitude = (((value < 0 ? -value : value) + (divisor >> 1)) / divisor) | 0;
    block[entry] = value < 0 ? -magnitude : magnitude;
  }
}
