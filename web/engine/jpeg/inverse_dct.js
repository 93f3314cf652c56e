/**
 * Samples of blocks: coefficients, multiplied by their table, through the inverse DCT.
 *
 * Equal to libjpeg-turbo's "ISLOW" inverse DCT, also where the numbers of a damaged file overflow: its vector code has
 * registers of 16 bits. Most blocks of pictures hold few coefficients, so columns and rows of zeros take a shorter way.
 */

import {
  C_0_298,
  C_0_390,
  C_0_541,
  C_0_765,
  C_0_899,
  C_1_175,
  C_1_501,
  C_1_847,
  C_1_961,
  C_2_053,
  C_2_562,
  C_3_072,
} from "./dct.js";

// Below this, no sum of two numbers needs more than 16 bits.
const SAFE = 1 << 14;
const work = new Int32Array(64);

/**
 * The samples of a block.
 *
 * @param {Int16Array} values quantized coefficients
 * @param {number} offset of the block in them
 * @param {ArrayLike<number>} table 64 steps
 * @param {Uint8Array | Uint8ClampedArray} output
 * @param {number} to place of the first sample
 * @param {number} stride from one row of samples to the next
 */
export function blockSamples(values, offset, table, output, to, stride) {
  // 1. Columns. Bits above those of safe numbers are collected, and looked at once.
  let range = 0;
  let lastColumn = 0;
  for (let column = 0; column < 8; column++) {
    const from = offset + column;
    const v1 = values[from + 8];
    const v2 = values[from + 16];
    const v3 = values[from + 24];
    const v4 = values[from + 32];
    const v5 = values[from + 40];
    const v6 = values[from + 48];
    const v7 = values[from + 56];
    const x0 = Math.imul(values[from], table[column]);
    range |= x0 + SAFE;
    if ((v1 | v2 | v3 | v4 | v5 | v6 | v7) === 0) {
      const sample = x0 << 2;
      if (sample !== 0) {
        lastColumn = column;
      }
      work[column] = sample;
      work[column + 8] = sample;
      work[column + 16] = sample;
      work[column + 24] = sample;
      work[column + 32] = sample;
      work[column + 40] = sample;
      work[column + 48] = sample;
      work[column + 56] = sample;
      continue;
    }
    lastColumn = column;
    const x1 = Math.imul(v1, table[column + 8]);
    const x2 = Math.imul(v2, table[column + 16]);
    const x3 = Math.imul(v3, table[column + 24]);
    const x4 = Math.imul(v4, table[column + 32]);
    const x5 = Math.imul(v5, table[column + 40]);
    const x6 = Math.imul(v6, table[column + 48]);
    const x7 = Math.imul(v7, table[column + 56]);
    range |= (x1 + SAFE) | (x2 + SAFE) | (x3 + SAFE) | (x4 + SAFE) | (x5 + SAFE) | (x6 + SAFE) | (x7 + SAFE);
    const w = Math.imul(x2 + x6, C_0_541);
    const t2 = w - Math.imul(x6, C_1_847);
    const t3 = w + Math.imul(x2, C_0_765);
    const t0 = ((x0 + x4) << 13) + 1024;
    const t1 = ((x0 - x4) << 13) + 1024;
    const z1 = Math.imul(x7 + x1, -C_0_899);
    const z2 = Math.imul(x5 + x3, -C_2_562);
    const z5 = Math.imul(x7 + x3 + x5 + x1, C_1_175);
    const z3 = z5 - Math.imul(x7 + x3, C_1_961);
    const z4 = z5 - Math.imul(x5 + x1, C_0_390);
    const o7 = Math.imul(x7, C_0_298) + z1 + z3;
    const o5 = Math.imul(x5, C_2_053) + z2 + z4;
    const o3 = Math.imul(x3, C_3_072) + z2 + z3;
    const o1 = Math.imul(x1, C_1_501) + z1 + z4;
    work[column] = (t0 + t3 + o1) >> 11;
    work[column + 56] = (t0 + t3 - o1) >> 11;
    work[column + 8] = (t1 + t2 + o3) >> 11;
    work[column + 48] = (t1 + t2 - o3) >> 11;
    work[column + 16] = (t1 - t2 + o5) >> 11;
    work[column + 40] = (t1 - t2 - o5) >> 11;
    work[column + 24] = (t0 - t3 + o7) >> 11;
    work[column + 32] = (t0 - t3 - o7) >> 11;
  }
  if ((range & ~(2 * SAFE - 1)) !== 0) {
    narrowSamples(values, offset, table, output, to, stride);
    return;
  }
  // 2. Rows: of one number each, or of several.
  if (lastColumn === 0) {
    for (let row = 0, place = to; row < 64; row += 8, place += stride) {
      range |= work[row] + SAFE;
      const sum = ((work[row] + 16) >> 5) + 128;
      const sample = sum < 0 ? 0 : sum > 255 ? 255 : sum;
      for (let x = 0; x < 8; x++) {
        output[place + x] = sample;
      }
    }
  } else {
    range = rowSamples(output, to, stride, range);
  }
  if ((range & ~(2 * SAFE - 1)) !== 0) {
    narrowSamples(values, offset, table, output, to, stride);
  }
}

/**
 * The samples of rows of intermediate results.
 *
 * @param {Uint8Array | Uint8ClampedArray} output
 * @param {number} to place of the first sample
 * @param {number} stride from one row of samples to the next
 * @param {number} range
 * @returns {number} the range with the bits of what was added
 */
function rowSamples(output, to, stride, range) {
  for (let row = 0, place = to; row < 64; row += 8, place += stride) {
    const x0 = work[row];
    const x1 = work[row + 1];
    const x2 = work[row + 2];
    const x3 = work[row + 3];
    const x4 = work[row + 4];
    const x5 = work[row + 5];
    const x6 = work[row + 6];
    const x7 = work[row + 7];
    range |=
      (x0 + SAFE) | (x1 + SAFE) | (x2 + SAFE) | (x3 + SAFE) | (x4 + SAFE) | (x5 + SAFE) | (x6 + SAFE) | (x7 + SAFE);
    const w = Math.imul(x2 + x6, C_0_541);
    const t2 = w - Math.imul(x6, C_1_847);
    const t3 = w + Math.imul(x2, C_0_765);
    // Half a step, and the level that an encoder subtracts.
    const t0 = ((x0 + x4) << 13) + (131072 + (128 << 18));
    const t1 = ((x0 - x4) << 13) + (131072 + (128 << 18));
    const z1 = Math.imul(x7 + x1, -C_0_899);
    const z2 = Math.imul(x5 + x3, -C_2_562);
    const z5 = Math.imul(x7 + x3 + x5 + x1, C_1_175);
    const z3 = z5 - Math.imul(x7 + x3, C_1_961);
    const z4 = z5 - Math.imul(x5 + x1, C_0_390);
    const o7 = Math.imul(x7, C_0_298) + z1 + z3;
    const o5 = Math.imul(x5, C_2_053) + z2 + z4;
    const o3 = Math.imul(x3, C_3_072) + z2 + z3;
    const o1 = Math.imul(x1, C_1_501) + z1 + z4;
    const s0 = (t0 + t3 + o1) >> 18;
    const s7 = (t0 + t3 - o1) >> 18;
    const s1 = (t1 + t2 + o3) >> 18;
    const s6 = (t1 + t2 - o3) >> 18;
    const s2 = (t1 - t2 + o5) >> 18;
    const s5 = (t1 - t2 - o5) >> 18;
    const s3 = (t0 - t3 + o7) >> 18;
    const s4 = (t0 - t3 - o7) >> 18;
    output[place] = s0 < 0 ? 0 : s0 > 255 ? 255 : s0;
    output[place + 1] = s1 < 0 ? 0 : s1 > 255 ? 255 : s1;
    output[place + 2] = s2 < 0 ? 0 : s2 > 255 ? 255 : s2;
    output[place + 3] = s3 < 0 ? 0 : s3 > 255 ? 255 : s3;
    output[place + 4] = s4 < 0 ? 0 : s4 > 255 ? 255 : s4;
    output[place + 5] = s5 < 0 ? 0 : s5 > 255 ? 255 : s5;
    output[place + 6] = s6 < 0 ? 0 : s6 > 255 ? 255 : s6;
    output[place + 7] = s7 < 0 ? 0 : s7 > 255 ? 255 : s7;
  }
  return range;
}

/**
 * The same for numbers that do not fit: products and sums keep 16 bits, intermediate results are clamped to them.
 *
 * @param {Int16Array} values
 * @param {number} offset
 * @param {ArrayLike<number>} table
 * @param {Uint8Array | Uint8ClampedArray} output
 * @param {number} to
 * @param {number} stride
 */
function narrowSamples(values, offset, table, output, to, stride) {
  let isFlat = true;
  for (let entry = 8; entry < 64; entry++) {
    isFlat &&= values[offset + entry] === 0;
  }
  for (let entry = 0; entry < 64; entry++) {
    work[entry] = narrow(Math.imul(values[offset + entry], table[entry]));
  }
  for (let column = 0; column < 8; column++) {
    if (isFlat) {
      for (let row = 56; row >= 0; row -= 8) {
        work[row + column] = narrow(work[column] << 2);
      }
    } else {
      narrowPass(column, 8, 11);
    }
  }
  for (let row = 0, place = to; row < 64; row += 8, place += stride) {
    narrowPass(row, 1, 18);
    for (let x = 0; x < 8; x++) {
      output[place + x] = Math.min(Math.max(work[row + x] + 128, 0), 255);
    }
  }
}

/**
 * @param {number} from
 * @param {number} step
 * @param {number} bits
 */
function narrowPass(from, step, bits) {
  const half = 1 << (bits - 1);
  const x = Array.from({ length: 8 }, (_, index) => work[from + index * step]);
  const w = (x[2] + x[6]) * C_0_541;
  const t2 = w - x[6] * C_1_847;
  const t3 = w + x[2] * C_0_765;
  const t0 = (narrow(x[0] + x[4]) << 13) + half;
  const t1 = (narrow(x[0] - x[4]) << 13) + half;
  const sum3 = narrow(x[7] + x[3]);
  const sum4 = narrow(x[5] + x[1]);
  const z3 = sum3 * (C_1_175 - C_1_961) + sum4 * C_1_175;
  const z4 = sum3 * C_1_175 + sum4 * (C_1_175 - C_0_390);
  const o7 = x[7] * (C_0_298 - C_0_899) - x[1] * C_0_899 + z3;
  const o5 = x[5] * (C_2_053 - C_2_562) - x[3] * C_2_562 + z4;
  const o3 = x[3] * (C_3_072 - C_2_562) - x[5] * C_2_562 + z3;
  const o1 = x[1] * (C_1_501 - C_0_899) - x[7] * C_0_899 + z4;
  const even = [t0 + t3, t1 + t2, t1 - t2, t0 - t3];
  const odd = [o1, o3, o5, o7];
  for (let index = 0; index < 4; index++) {
    work[from + index * step] = clamp((even[index] + odd[index]) >> bits);
    work[from + (7 - index) * step] = clamp((even[index] - odd[index]) >> bits);
  }
}

/** @param {number} x */
function narrow(x) {
  return (x << 16) >> 16;
}

/** @param {number} x */
function clamp(x) {
  return Math.min(Math.max(x, -32768), 32767);
}
