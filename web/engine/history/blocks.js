/**
 * Blocks of an earlier save found again on one plane.
 *
 * On the grid of an earlier save every coefficient lies near a multiple of its step, because a later save and the
 * rounding to 8 bits moved it by less than half a step. Rounding gives the integer that the earlier file stored.
 *
 * Python computes in float32. Here it is double precision, which is faster, and float32 only where it decides.
 */

import { ROUNDER, roundHalfToEven } from "../float32.js";
import { inverseOrthonormalDct, orthonormalDct } from "../jpeg/float_dct.js";
import { exactCoefficient, exactSample } from "./exact_dct.js";

/** @typedef {import("../neutral.js").Blocks<Uint8Array>} Marks 1 for blocks of which something holds */

/**
 * A plane of samples.
 *
 * @typedef {object} Plane
 * @property {Float32Array} values 0..255
 * @property {number} width
 * @property {number} height
 */

const f = Math.fround;
// Halves are rounded up, and a little more is for floating-point samples, so that halves are not missed.
const ROUNDING = f(128.501);
// Float32 and double precision differ by less in a coefficient, and in a sample.
const DOUBT = 5e-4;
const DOUBT_OF_SAMPLE = 2e-4;

const given = new Float32Array(64);
const changed = new Float32Array(64);
const work = new Float64Array(64);

/**
 * Level-shifted samples of a block, into `given` and `work`.
 *
 * @param {Float32Array} values
 * @param {number} width
 * @param {number} start of the block
 */
function readSamples(values, width, start) {
  for (let y = 0, to = 0; y < 8; y++) {
    for (let from = start + y * width, end = from + 8; from < end; from++, to++) {
      given[to] = values[from] - 128;
      work[to] = given[to];
    }
  }
}

/**
 * The multiple of a step that is nearest to a coefficient of `work`, which belongs to the samples of `given`.
 *
 * @param {number} entry
 * @param {number} step
 */
function nearestMultiple(entry, step) {
  const quotient = work[entry] / step;
  const number = quotient + ROUNDER - ROUNDER;
  if ((0.5 - Math.abs(quotient - number)) * step > DOUBT) {
    return number;
  }
  return roundHalfToEven(f(exactCoefficient(given, entry) / step));
}

/**
 * What a file shows whose coefficients are the multiples of its steps that lie nearest to those of a plane.
 *
 * @param {Plane} plane the grid of the file starts at its corner
 * @param {Int32Array} table of the file
 * @returns {{shown: Plane, detailed: Marks}} integers in whole blocks, elsewhere as given; and which whole blocks hold
 *   more than their mean
 */
export function rounded({ values, width, height }, table) {
  const [rows, columns] = [height >> 3, width >> 3];
  const shown = values.slice();
  const detailed = { rows, columns, values: new Uint8Array(rows * columns) };
  for (let row = 0, index = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, index++) {
      const start = row * 8 * width + column * 8;
      readSamples(values, width, start);
      orthonormalDct(work);
      let isDetailed = false;
      for (let entry = 0; entry < 64; entry++) {
        const number = nearestMultiple(entry, table[entry]);
        changed[entry] = number * table[entry];
        if (number !== 0 && entry) {
          isDetailed = true;
        }
      }
      if (isDetailed) {
        detailed.values[index] = 1;
        showDetail(shown, width, start);
      } else {
        const sample = clampedToByte(f(exactSample(changed, 0) + ROUNDING));
        for (let at = start, end = start + 8 * width; at < end; at += width) {
          shown.fill(sample, at, at + 8);
        }
      }
    }
  }
  return { shown: { values: shown, width, height }, detailed };
}

/**
 * Write the samples of the coefficients in `changed`.
 *
 * @param {Float32Array} shown
 * @param {number} width
 * @param {number} start of the block
 */
function showDetail(shown, width, start) {
  for (let entry = 0; entry < 64; entry++) {
    work[entry] = changed[entry];
  }
  inverseOrthonormalDct(work);
  for (let y = 0, from = 0; y < 8; y++) {
    for (let to = start + y * width, end = to + 8; to < end; to++, from++) {
      const value = work[from] + ROUNDING;
      const nearest = value + ROUNDER - ROUNDER;
      const isDoubtful = Math.abs(value - nearest) < DOUBT_OF_SAMPLE;
      shown[to] = clampedToByte(isDoubtful ? f(exactSample(changed, from) + ROUNDING) : value);
    }
  }
}

/** @param {number} value */
function clampedToByte(value) {
  return value < 1 ? 0 : value >= 255 ? 255 : Math.floor(value);
}

/**
 * The coefficients that a JPEG file stores, times their steps.
 *
 * @param {Plane} decoded what the file shows; the grid starts at the corner
 * @param {Int32Array} table of the file
 * @returns {Float32Array} 64 for each whole block
 */
export function storedCoefficients({ values, width, height }, table) {
  const [rows, columns] = [height >> 3, width >> 3];
  const stored = new Float32Array(rows * columns * 64);
  for (let row = 0, to = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      readSamples(values, width, row * 8 * width + column * 8);
      orthonormalDct(work);
      for (let entry = 0; entry < 64; entry++, to++) {
        stored[to] = nearestMultiple(entry, table[entry]) * table[entry];
      }
    }
  }
  return stored;
}

/**
 * What a plane has beyond the intervals that a JPEG file states for its coefficients.
 *
 * @param {Plane} plane its grid starts at the corner
 * @param {Float32Array} stored from {@link storedCoefficients}
 * @param {Int32Array} table of the file
 * @param {Uint8Array | null} [wanted] 1 for each block of the plane that matters; `null`: all
 * @returns {Plane} zero where encoding the plane gives the file
 */
export function beyondFile({ values, width, height }, stored, table, wanted = null) {
  const [rows, columns] = [height >> 3, width >> 3];
  const beyond = new Float32Array(values.length);
  for (let row = 0, index = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, index += 64) {
      if (wanted?.[index >> 6] === 0) {
        continue;
      }
      const start = row * 8 * width + column * 8;
      readSamples(values, width, start);
      orthonormalDct(work);
      let largest = 0;
      for (let entry = 0; entry < 64; entry++) {
        const away = work[entry] - stored[index + entry];
        const half = table[entry] / 2;
        const rest = away > half ? away - half : away < -half ? away + half : 0;
        work[entry] = rest;
        largest = Math.max(largest, Math.abs(rest));
      }
      if (largest === 0) {
        continue;
      }
      inverseOrthonormalDct(work);
      writeSamples(beyond, width, start);
    }
  }
  return { values: beyond, width, height };
}

/**
 * @param {Float32Array} values changed: the samples in `work`
 * @param {number} width
 * @param {number} start of the block
 */
function writeSamples(values, width, start) {
  for (let y = 0, from = 0; y < 8; y++) {
    for (let to = start + y * width, end = to + 8; to < end; to++, from++) {
      values[to] = work[from];
    }
  }
}

/**
 * The same in all digits, for some blocks: those whose samples are rounded in the end.
 *
 * @param {Plane} beyond from {@link beyondFile}, changed
 * @param {Plane} plane
 * @param {Float32Array} stored
 * @param {Int32Array} table
 * @param {Uint8Array} wanted 1 for each block of the plane that matters
 */
export function setExactlyBeyondFile(beyond, { values, width, height }, stored, table, wanted) {
  const columns = width >> 3;
  for (let index = 0; index < (height >> 3) * columns; index++) {
    const start = Math.floor(index / columns) * 8 * width + (index % columns) * 8;
    if (!wanted[index] || !isNoticeable(beyond.values, width, start)) {
      continue;
    }
    readSamples(values, width, start);
    for (let entry = 0; entry < 64; entry++) {
      const away = f(exactCoefficient(given, entry) - stored[index * 64 + entry]);
      const half = table[entry] / 2;
      changed[entry] = away - Math.min(Math.max(away, -half), half);
    }
    for (let sample = 0; sample < 64; sample++) {
      work[sample] = exactSample(changed, sample);
    }
    writeSamples(beyond.values, width, start);
  }
}

/**
 * Whether any sample of a block may change what it is rounded to.
 *
 * @param {Float32Array} values
 * @param {number} width
 * @param {number} start of the block
 */
function isNoticeable(values, width, start) {
  for (let y = 0; y < 8; y++) {
    for (let at = start + y * width, end = at + 8; at < end; at++) {
      if (Math.abs(values[at]) > DOUBT) {
        return true;
      }
    }
  }
  return false;
}

/**
 * A plane with `top` rows above and `left` columns before it that repeat its border.
 *
 * @template {Float32Array | Uint8Array} T
 * @param {{values: T, width: number, height: number}} plane
 * @param {number} top
 * @param {number} left
 * @returns {{values: T, width: number, height: number}}
 */
export function framed(plane, top, left) {
  if (!top && !left) {
    return plane;
  }
  const [width, height] = [plane.width + left, plane.height + top];
  const values = /** @type {T} */ (new /** @type {any} */ (plane.values.constructor)(width * height));
  for (let y = 0; y < height; y++) {
    const from = Math.max(y - top, 0) * plane.width;
    const to = y * width;
    values.fill(plane.values[from], to, to + left);
    values.set(plane.values.subarray(from, from + plane.width), to + left);
  }
  return { values, width, height };
}

/**
 * A plane without its first `top` rows and `left` columns.
 *
 * @param {Plane} plane
 * @param {number} top
 * @param {number} left
 * @returns {Plane}
 */
export function unframed(plane, top, left) {
  if (!top && !left) {
    return plane;
  }
  const [width, height] = [plane.width - left, plane.height - top];
  const values = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const from = (y + top) * plane.width + left;
    values.set(plane.values.subarray(from, from + width), y * width);
  }
  return { values, width, height };
}
