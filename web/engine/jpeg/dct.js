/**
 * The 8x8 integer DCT of libjpeg ("ISLOW"), forward and inverse, and the quantization of an encoder.
 *
 * A block is 64 numbers, row by row; the rows of coefficients are the vertical frequencies. All arithmetic is of 32 bits.
 */

// round(x * 2**13) for the rotations of the algorithm of Loeffler, Ligtenberg and Moschytz (jfdctint.c, jidctint.c).
const C_0_298 = 2446;
const C_0_390 = 3196;
const C_0_541 = 4433;
const C_0_765 = 6270;
const C_0_899 = 7373;
const C_1_175 = 9633;
const C_1_501 = 12299;
const C_1_847 = 15137;
const C_1_961 = 16069;
const C_2_053 = 16819;
const C_2_562 = 20995;
const C_3_072 = 25172;

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

const columns = new Int32Array(64);

/**
 * Samples of a block (`jpeg_idct_islow`).
 *
 * @param {Int32Array} coefficients 64, dequantized
 * @param {Uint8Array | Uint8ClampedArray} output a plane, or a block
 * @param {number} offset of the first sample of the block
 * @param {number} stride from one row of samples to the next
 */
export function inverseDct(coefficients, output, offset, stride) {
  const work = columns;
  for (let column = 0; column < 8; column++) {
    inversePass(coefficients, column, 8, work, column, 8, 11);
  }
  for (let row = 0; row < 8; row++) {
    const at = row * 8;
    inversePass(work, at, 1, work, at, 1, 18);
    const start = offset + row * stride;
    for (let column = 0; column < 8; column++) {
      const sample = work[at + column] + 128;
      output[start + column] = sample < 0 ? 0 : sample > 255 ? 255 : sample;
    }
  }
}

/**
 * One-dimensional inverse DCT of 8 numbers; `bits` are rounded away.
 *
 * @param {Int32Array} x
 * @param {number} at of the first number
 * @param {number} step to the next
 * @param {Int32Array} y may be `x`
 * @param {number} to
 * @param {number} stride
 * @param {number} bits
 */
function inversePass(x, at, step, y, to, stride, bits) {
  const half = 1 << (bits - 1);
  const x0 = x[at];
  const x1 = x[at + step];
  const x2 = x[at + 2 * step];
  const x3 = x[at + 3 * step];
  const x4 = x[at + 4 * step];
  const x5 = x[at + 5 * step];
  const x6 = x[at + 6 * step];
  const x7 = x[at + 7 * step];
  // 1. Even part.
  const w = (x2 + x6) * C_0_541;
  const t2 = w - x6 * C_1_847;
  const t3 = w + x2 * C_0_765;
  const t0 = ((x0 + x4) << 13) + half;
  const t1 = ((x0 - x4) << 13) + half;
  const p0 = t0 + t3;
  const p3 = t0 - t3;
  const p1 = t1 + t2;
  const p2 = t1 - t2;
  // 2. Odd part: the same rotations as forward.
  const z1 = (x7 + x1) * -C_0_899;
  const z2 = (x5 + x3) * -C_2_562;
  const z5 = (x7 + x3 + x5 + x1) * C_1_175;
  const z3 = z5 - (x7 + x3) * C_1_961;
  const z4 = z5 - (x5 + x1) * C_0_390;
  const o7 = x7 * C_0_298 + z1 + z3;
  const o5 = x5 * C_2_053 + z2 + z4;
  const o3 = x3 * C_3_072 + z2 + z3;
  const o1 = x1 * C_1_501 + z1 + z4;
  y[to] = (p0 + o1) >> bits;
  y[to + 7 * stride] = (p0 - o1) >> bits;
  y[to + stride] = (p1 + o3) >> bits;
  y[to + 6 * stride] = (p1 - o3) >> bits;
  y[to + 2 * stride] = (p2 + o5) >> bits;
  y[to + 5 * stride] = (p2 - o5) >> bits;
  y[to + 3 * stride] = (p3 + o7) >> bits;
  y[to + 4 * stride] = (p3 - o7) >> bits;
}
