/**
 * Mean second differences across one axis of a picture, and which periods they have.
 *
 * Steps at the borders of blocks make second differences larger, once per period. Averaged over all lines they leave a
 * profile in which other edges of the picture, each at its own place, hardly count.
 */

import { roundHalfToEven } from "../float32.js";
import { hannWindow, median, powerSpectrum, reflected, withoutTrend } from "./spectrum.js";

/** Bins of the Fourier transform, several per resolvable frequency. */
export const BINS = 8192;
/** Multiples of 1 / period that are looked at, as long as they exist. */
export const FREQUENCIES = 7;
export const LARGEST_FREQUENCY = 0.5001;
const f = Math.fround;
// Samples on either side that make up the surroundings of a difference, and those in which no strong edge may be.
const AROUND = 12;
const NEAR = 2;
const STRONG = 24;

/**
 * Luma of a part of a picture, with the axis in question along the lines.
 *
 * @typedef {object} Lines
 * @property {Uint8Array} values
 * @property {number} lines
 * @property {number} length of a line
 */

/**
 * Profiles across one axis, and the spectrum of the first.
 *
 * @typedef {object} BorderProfiles
 * @property {Float64Array} borders mean second difference relative to its surroundings
 * @property {Float64Array} smooth the same over smooth surroundings only
 * @property {Float64Array} busy the same over busy surroundings only
 * @property {Float64Array} signed as `borders`, without taking absolute values
 * @property {Float64Array} plain mean second difference as it is
 * @property {Float64Array} power 4097 values, power of `borders` relative to neighboring frequencies, 1 on average where
 *   no period is
 */

/**
 * @param {Lines} plane
 * @param {boolean} own whether the picture has a grid of 8 pixels that shall not count
 * @returns {BorderProfiles}
 */
export function borderProfiles({ values, lines, length }, own) {
  const n = length - 2;
  const sums = Array.from({ length: 8 }, () => new Float64Array(n));
  const [borders, calm, smooth, isSmooth, busy, isBusy, signed, plain] = sums;
  const bend = new Int32Array(n);
  const size = new Int32Array(n);
  for (let line = 0; line < lines; line++) {
    for (let x = 0, at = line * length; x < n; x++, at++) {
      bend[x] = values[at + 2] - 2 * values[at + 1] + values[at];
      size[x] = Math.abs(bend[x]);
    }
    let sum = 0;
    for (let x = 0; x < Math.min(AROUND, n); x++) {
      sum += Math.min(size[x], 40);
    }
    for (let x = 0; x < n; x++) {
      if (x + AROUND < n) {
        sum += Math.min(size[x + AROUND], 40);
      }
      if (x > AROUND) {
        sum -= Math.min(size[x - AROUND - 1], 40);
      }
      const around = sum / (Math.min(x + AROUND, n - 1) - Math.max(x - AROUND, 0) + 1) + 1;
      const relative = Math.min(Math.min(size[x], 40) / around, 3) - 1;
      // Strong edges belong to the picture: blocks make small steps.
      if (isCalm(size, x)) {
        borders[x] += relative;
        calm[x]++;
      }
      if (around < 5) {
        smooth[x] += relative;
        isSmooth[x]++;
      } else {
        busy[x] += relative;
        isBusy[x]++;
      }
      signed[x] += Math.min(Math.max(bend[x] / around, -3), 3);
      plain[x] += size[x];
    }
  }
  const mean = Math.max(plain.reduce((sum, value) => sum + value, 0) / (lines * n), 1e-6);
  for (let x = 0; x < n; x++) {
    borders[x] /= calm[x] + 0.02 * lines;
    smooth[x] /= isSmooth[x] + 0.02 * lines;
    busy[x] /= isBusy[x] + 0.02 * lines;
    signed[x] /= lines;
    plain[x] /= lines * mean;
  }
  return { borders, smooth, busy, signed, plain, power: powerOf(borders, own) };
}

/**
 * @param {Int32Array} size
 * @param {number} x
 */
function isCalm(size, x) {
  for (let near = Math.max(x - NEAR, 0); near <= Math.min(x + NEAR, size.length - 1); near++) {
    if (size[near] > STRONG) {
      return false;
    }
  }
  return true;
}

/**
 * @param {Float64Array} profile
 * @param {boolean} own
 */
function powerOf(profile, own) {
  const n = profile.length;
  if (own) {
    // What depends on the phase of the own grid.
    const phases = Array.from({ length: 8 }, (_, phase) => median(profile.filter((_, at) => at % 8 === phase)));
    profile = profile.map((value, at) => value - phases[at % 8]);
  }
  const flat = withoutTrend(profile);
  const scale = 1.4826 * median(flat.map(Math.abs)) + 1e-6;
  const window = hannWindow(n);
  const power = powerSpectrum(
    flat.map((value, at) => Math.min(Math.max(value / scale, -6), 6) * window[at]),
    BINS,
  );
  // The floor is the median of about 100 neighboring independent frequencies; exponentially distributed power has a
  // median of log(2) times its mean.
  const apart = Math.max(1, Math.floor(BINS / n));
  const half = 48 * apart;
  const step = half / 4;
  const floors = Float64Array.from({ length: Math.floor((power.length - 1) / step) + 1 }, (_, part) =>
    median(
      Float64Array.from({ length: 97 }, (_, at) => power[reflected(part * step - half + at * apart, power.length)]),
    ),
  );
  const scaled = (floors.length - 1) / (power.length - 1);
  return power.map((value, at) => {
    const left = Math.floor(at * scaled);
    const right = Math.min(left + 1, floors.length - 1);
    const floor = (floors[left] + (at * scaled - left) * (floors[right] - floors[left])) / Math.LN2;
    return value / Math.max(floor, 1e-9);
  });
}

/**
 * Whether 1/8 and 3/8 stand out, which no other period in question has both.
 *
 * @param {BorderProfiles} axis
 */
export function hasGridOf8({ power }) {
  const eighth = BINS / 8;
  let sum = 0;
  for (const k of [1, 3]) {
    sum += Math.min(Math.max(power[k * eighth - 1], power[k * eighth], power[k * eighth + 1]), 40);
  }
  return sum > 20;
}

/**
 * Whether a frequency exists and, with an own grid, is no multiple of 1/8 in a profile.
 *
 * @param {number} frequency cycles per pixel
 * @param {number} n length of the profile
 * @param {boolean} own
 */
export function isCounted(frequency, n, own) {
  if (frequency > LARGEST_FREQUENCY) {
    return false;
  }
  return !own || Math.abs(frequency * 8 - roundHalfToEven(frequency * 8)) / 8 >= 3 / n;
}

/**
 * Amplitudes of multiples of a period in a profile, 0 where the own grid is.
 *
 * @param {Float64Array} profile
 * @param {number} period
 * @param {boolean} own
 * @returns {{real: number, imaginary: number}[]} up to 7
 */
export function harmonics(profile, period, own) {
  const n = profile.length;
  const window = hannWindow(n);
  const total = window.reduce((sum, weight) => sum + weight, 0);
  const flat = withoutTrend(profile);
  const amplitudes = [];
  for (let k = 1; k <= FREQUENCIES; k++) {
    const frequency = f(k / period);
    if (frequency > LARGEST_FREQUENCY) {
      break;
    }
    let [real, imaginary] = [0, 0];
    for (let at = 0; at < n && isCounted(frequency, n, own); at++) {
      const value = (flat[at] * window[at]) / total;
      real += value * Math.cos(2 * Math.PI * frequency * at);
      imaginary -= value * Math.sin(2 * Math.PI * frequency * at);
    }
    amplitudes.push({ real, imaginary });
  }
  return amplitudes;
}
