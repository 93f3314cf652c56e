/**
 * Finds that a picture was saved as JPEG and resized afterwards, or enlarged by a whole factor.
 *
 * A network that removes artifacts of JPEG expects blocks of 8 pixels. In a picture that was resized after it was saved,
 * the blocks have another size, rarely a whole one, and no table in the file tells of them. The pixels do: steps at the
 * borders of blocks make second differences larger, once per period. A false alarm costs more than a miss here, so that
 * whatever is periodic by itself (graphics, facades, traces of the resizing) has to be told from blocks, and doubt means
 * no.
 */

import { roundHalfToEven } from "../float32.js";
import {
  BINS,
  borderProfiles,
  FREQUENCIES,
  harmonics,
  hasGridOf8,
  isCounted,
  LARGEST_FREQUENCY,
} from "./border_profiles.js";

/** @typedef {import("./border_profiles.js").Lines} Lines */
/** @typedef {import("./border_profiles.js").BorderProfiles} BorderProfiles */

const f = Math.fround;
// Of the middle of the picture: enough to be sure, and soon done.
const LENGTH = 2048;
const LINES = 1024;
const SHORTEST = 160;
const STEP = 0.001;
// Steps of the list of periods by which the axes may differ: sizes are rounded to whole pixels.
const SAME = 8;
// Periods below 5.7 are searched only to be rejected. They leave two harmonics, and so does any enlargement of a picture
// that was never saved.
const FIRST = Math.log(3.95);
const PERIODS = Float32Array.from({ length: Math.ceil((Math.log(16.2) - FIRST) / STEP) }, (_, at) =>
  Math.exp(f(FIRST + at * STEP)),
);
const SHORTEST_PERIOD = 5.7;
// Scores. Photographs that were saved once reach 4.5 as JPEG; as PNG, resizing alone leaves traces up to 20.
const LEAST_IN_JPEG = 9;
const LEAST_OTHERWISE = 10;
// Blocks of subsampled chroma are 16 pixels wide, and clipping leads them into luma.
const LEAST_AT_16 = 20;
const LARGEST_FACTOR = 16;

/**
 * Blocks of an earlier JPEG in a picture that was resized since.
 *
 * @typedef {object} ResizedGrid
 * @property {number} verticalScale height of the picture over its height when it was saved, 0.71..2, never within 3 % of
 *   1 (a grid of 8 is no resized one)
 * @property {number} horizontalScale
 * @property {number} certainty 0.5..1, grows with how far the grid stands out from neighboring frequencies; no probability
 */

/**
 * Look for the blocks of a JPEG that was resized by 0.71 to 2 after it was saved.
 *
 * In a picture that is no JPEG itself, scales of 6/8, 7/8, 9/8 and 10/8 are not found: resizing alone leaves the same
 * periods.
 *
 * @param {Uint8Array} luma
 * @param {number} width
 * @param {number} height
 * @param {{isJpeg: boolean}} options whether the picture is itself a JPEG, whose own blocks shall not count
 * @returns {ResizedGrid | null} `null` if there are no such blocks or it is doubtful
 */
export function findResizedGrid(luma, width, height, { isJpeg }) {
  if (Math.min(width, height) < SHORTEST) {
    return null;
  }
  // Both with the axis in question along the lines.
  const planes = [middleOf(luma, height, width, 1, width), middleOf(luma, width, height, width, 1)];
  let own = isJpeg;
  let axes = planes.map((plane) => borderProfiles(plane, own));
  // A grid of 8 in a picture that is no JPEG is that of a JPEG which was not resized; others find it.
  if (!own && axes.every(hasGridOf8)) {
    own = true;
    axes = planes.map((plane) => borderProfiles(plane, true));
  }
  const { score, periods } = bestPeriods(axes, own);
  const [vertical, horizontal] = periods;
  const least = Math.max(...periods) > 15.5 ? LEAST_AT_16 : isJpeg ? LEAST_IN_JPEG : LEAST_OTHERWISE;
  if (Math.min(...periods) < SHORTEST_PERIOD || Math.abs(vertical / 8 - 1) < 0.03 || score < least) {
    return null;
  }
  if (!looksLikeBlocks(axes, periods, own, isJpeg)) {
    return null;
  }
  if (!planes.every((plane, axis) => isNoMosaic(plane, periods[axis]))) {
    return null;
  }
  return {
    verticalScale: vertical / 8,
    horizontalScale: horizontal / 8,
    certainty: 1 - 0.5 * Math.exp(1 - score / least),
  };
}

/**
 * Lines of the middle of a picture.
 *
 * @param {Uint8Array} luma
 * @param {number} length of all lines
 * @param {number} lines
 * @param {number} lineStep from one line to the next, in samples
 * @param {number} step from one sample of a line to the next
 * @returns {Lines}
 */
function middleOf(luma, length, lines, lineStep, step) {
  const [start, first] = [Math.max(0, length - LENGTH) >> 1, Math.max(0, lines - LINES) >> 1];
  const part = { lines: Math.min(lines, LINES), length: Math.min(length, LENGTH) };
  const values = new Uint8Array(part.lines * part.length);
  for (let line = 0, to = 0; line < part.lines; line++) {
    let from = (first + line) * lineStep + start * step;
    for (let at = 0; at < part.length; at++, to++, from += step) {
      values[to] = luma[from];
    }
  }
  return { ...part, values };
}

/**
 * The score and the periods of the two axes that agree on most.
 *
 * @param {BorderProfiles[]} axes
 * @param {boolean} own
 */
function bestPeriods(axes, own) {
  const scores = axes.map(() => new Float64Array(PERIODS.length));
  const heights = new Float64Array(PERIODS.length);
  for (const [axis, { power, borders }] of axes.entries()) {
    for (let index = 0; index < PERIODS.length; index++) {
      let [total, count, height, existing] = [0, 0, 0, 0];
      for (let k = 1; k <= FREQUENCIES; k++) {
        const frequency = f(k / PERIODS[index]);
        if (frequency <= LARGEST_FREQUENCY) {
          existing++;
        }
        if (!isCounted(frequency, borders.length, own)) {
          continue;
        }
        const value = power[Math.min(roundHalfToEven(frequency * BINS), BINS / 2)];
        // Logarithms, so that one high peak does not make up for missing ones. 0.6 is their mean where no period is.
        total += 3 * (Math.log1p(Math.min(value, 400)) - 0.6);
        height += Math.sqrt(value);
        count++;
      }
      scores[axis][index] = count >= 2 ? total / Math.sqrt(count) : -9;
      heights[index] += height / Math.sqrt(existing);
    }
  }
  const near = scores.map(largestNearby);
  const joint = heights.map((_, at) =>
    Math.max(Math.min(scores[0][at], near[1][at]), Math.min(near[0][at], scores[1][at])),
  );
  // Multiples of the period have its harmonics too, among others that are not there.
  const least = 0.6 * joint.reduce((largest, value) => Math.max(largest, value));
  const best = placeOfLargest(heights.map((height, at) => (joint[at] < least ? -1 : height)));
  const first = Math.max(0, best - SAME);
  const periods = scores.map((score) => PERIODS[first + placeOfLargest(score.subarray(first, best + SAME + 1))]);
  return { score: joint[best], periods };
}

/** @param {Float64Array} values */
function largestNearby(values) {
  return values.map((_, at) =>
    values.subarray(Math.max(at - SAME, 0), at + SAME + 1).reduce((largest, value) => Math.max(largest, value)),
  );
}

/**
 * @param {Float64Array} values
 * @returns {number} the place of the largest, the first of several
 */
function placeOfLargest(values) {
  let best = 0;
  for (let at = 1; at < values.length; at++) {
    if (values[at] > values[best]) {
      best = at;
    }
  }
  return best;
}

/**
 * Tell blocks from other periodic things, by what holds for most blocks in photographs and for few graphics.
 *
 * @param {BorderProfiles[]} axes
 * @param {number[]} periods
 * @param {boolean} own
 * @param {boolean} isJpeg
 */
function looksLikeBlocks(axes, periods, own, isJpeg) {
  let [up, down, smooth, busy, plain] = [0, 0, 0, 0, 0];
  for (const [index, axis] of axes.entries()) {
    const period = periods[index];
    const borders = harmonics(axis.borders, period, own);
    /** @type {(waves: {real: number, imaginary: number}[]) => number} */
    const power = (waves) => waves.reduce((sum, { real, imaginary }) => sum + real ** 2 + imaginary ** 2, 0);
    /** @type {(profile: Float64Array) => number} */
    const strength = (profile) =>
      harmonics(profile, period, own).reduce((sum, { real, imaginary }) => sum + Math.hypot(real, imaginary), 0);
    // Steps at the borders of blocks go up as often as down. Those of bricks, tables and waves do not.
    if (power(harmonics(axis.signed, period, own)) > 0.6 * power(borders)) {
      return false;
    }
    // In cells of one color, all there is lies at the borders.
    plain = Math.max(plain, strength(axis.plain));
    // One period of the profile.
    let [highest, lowest] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let part = 0; part < 315; part++) {
      let wave = 0;
      for (const [k, { real, imaginary }] of borders.entries()) {
        const angle = (k + 1) * part * 0.02;
        wave += real * Math.cos(angle) - imaginary * Math.sin(angle);
      }
      highest = Math.max(highest, wave);
      lowest = Math.min(lowest, wave);
    }
    up += highest;
    down -= lowest;
    smooth += strength(axis.smooth);
    busy += strength(axis.busy);
  }
  const ratio = busy / Math.max(smooth, 1e-9);
  if (!(ratio > 0.12 && ratio < 6) || plain > (isJpeg ? 0.8 : 1.35)) {
    return false;
  }
  if ((ratio < 1 && plain > 0.25 && isJpeg) || (ratio < 0.5 && plain > 0.6)) {
    return false;
  }
  // Enlarging by n / (n - 1) leaves traces of period n, much like blocks; little of that remains in a JPEG.
  const doubtful = Math.max(...periods) < 10.1 && Math.abs(periods[0] - Math.round(periods[0])) < 0.06;
  if (doubtful && !isJpeg) {
    return false;
  }
  // At 16, the own grid leaves odd harmonics: a symmetric wave. Otherwise blocks raise the profile once per period,
  // whereas resizing alone raises and lowers it alike.
  return (own && Math.max(...periods) > 15.5) || up > (isJpeg && !doubtful ? 0.85 : 1.25) * down;
}

/**
 * Pixels less than a period apart resemble each other in photographs, not in checkers or cells of any color.
 *
 * @param {Lines} plane
 * @param {number} period
 */
function isNoMosaic({ values, lines, length }, period) {
  let [count, sum, squares] = [0, 0, 0];
  const longest = Math.round(period);
  const differences = new Float64Array(longest + 1);
  for (let line = 0; line < lines; line += 4) {
    const start = line * length;
    for (let at = start; at < start + length; at++) {
      count++;
      sum += values[at];
      squares += values[at] ** 2;
    }
    for (let lag = 2; lag <= longest; lag++) {
      for (let at = start; at < start + length - lag; at++) {
        differences[lag] += (values[at + lag] - values[at]) ** 2;
      }
    }
  }
  const counted = Math.ceil(lines / 4);
  const largest = differences.reduce((most, total, lag) => Math.max(most, total / (counted * (length - lag))));
  return largest < (1.4 * (squares - sum ** 2 / count)) / (count - 1);
}

/**
 * Find by which whole factor a picture was enlarged by repeating its pixels.
 *
 * @param {Uint8Array[]} samples planes of the picture
 * @param {number} width
 * @param {number} height
 * @returns {number} the largest of 2..16 that divides both sides and for which every cell of so many pixels has one
 *   color, counted from the corner; 1 if there is none, or if the whole picture has one color
 */
export function findEnlargement(samples, width, height) {
  // Where a row differs from the one above it, a cell begins, so that the factor divides all such places and the height.
  let common = 0;
  const begins = new Uint8Array(width);
  for (let y = 0; y < height; y++) {
    let differs = false;
    for (const plane of samples) {
      const start = y * width;
      if (y && !differs) {
        for (let at = start; at < start + width; at++) {
          if (plane[at] !== plane[at - width]) {
            differs = true;
            break;
          }
        }
      }
      // Rows that equal the one above have nothing new to say of columns.
      if (!y || differs) {
        for (let x = 1; x < width; x++) {
          if (plane[start + x] !== plane[start + x - 1]) {
            begins[x] = 1;
          }
        }
      }
    }
    if (!differs && y) {
      continue;
    }
    if (y) {
      common = greatestCommonDivisor(common, y);
    }
    for (let x = 1; x < width; x++) {
      if (begins[x]) {
        common = greatestCommonDivisor(common, x);
      }
    }
    if (common === 1) {
      return 1;
    }
  }
  if (!common) {
    return 1;
  }
  common = greatestCommonDivisor(greatestCommonDivisor(common, width), height);
  let factor = LARGEST_FACTOR;
  while (common % factor) {
    factor--;
  }
  return factor;
}

/**
 * @param {number} a
 * @param {number} b
 * @returns {number}
 */
function greatestCommonDivisor(a, b) {
  return b ? greatestCommonDivisor(b, a % b) : a;
}
