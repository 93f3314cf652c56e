/**
 * How much better clusters at multiples of a step explain coefficients than a smooth density does: log-likelihood
 * ratios in nats, for each step 1..255.
 */

import { roundHalfToEven } from "../float32.js";
import { BIN, BINS } from "./block_sample.js";

/** Steps 1 to this one are compared. */
export const LARGEST_STEP = 255;
// Standard deviation of a coefficient by the rounding to 8 bits and the conversion of color; orthonormal DCT.
const ROUNDING = 0.6;
// Share of coefficients that follow no cluster: clipped samples, borders of pictures in pictures.
const STRAY = 0.15;
// Standard deviations from which on a normal density is nothing beside that.
const NEGLIGIBLE = 7;
// Nearer to the later table, steps cannot be told from those of the later table.
const LEAST_RATIO = 1.15;
const BINS_FOUND = new Int32Array(BINS);
const f = Math.fround;

/**
 * Evidence by magnitudes, for a coefficient that a later save widened by its step.
 *
 * Magnitudes below three quarters of a step say nothing: coefficients near zero are common in any picture. Steps below
 * four standard deviations of the noise cannot be told.
 */
export class Likelihood {
  #noise;
  /** @type {(Float64Array | undefined)[]} */
  #rows = new Array(BINS);

  /** @param {number} later step of the later save; 0 if there is none */
  constructor(later) {
    this.#noise = Math.sqrt(ROUNDING ** 2 + later ** 2 / 12);
  }

  /**
   * Sum the evidence of a histogram.
   *
   * @param {Uint16Array} histogram of one grid and frequency
   * @param {Float64Array} evidence of each step, changed; it is zero
   */
  add(histogram, evidence) {
    let found = 0;
    for (let bin = 0; bin < BINS - 1; bin++) {
      if (histogram[bin]) {
        BINS_FOUND[found++] = bin;
      }
    }
    // Four bins at once, as far as the lowest of them says something, which is nearly as far as the others do.
    const shortest = Math.ceil(f(4 * this.#noise)) - 1;
    for (let first = 0; first < found; first += 4) {
      const bins = BINS_FOUND.subarray(first, Math.min(first + 4, found));
      let start = shortest;
      if (bins.length === 4) {
        const a = this.#row(bins[0]);
        const ofA = histogram[bins[0]];
        const b = this.#row(bins[1]);
        const ofB = histogram[bins[1]];
        const c = this.#row(bins[2]);
        const ofC = histogram[bins[2]];
        const d = this.#row(bins[3]);
        const ofD = histogram[bins[3]];
        for (; start < a.length; start++) {
          evidence[start] += ofA * a[start] + ofB * b[start] + ofC * c[start] + ofD * d[start];
        }
      }
      for (const bin of bins) {
        const row = this.#row(bin);
        for (let step = start; step < row.length; step++) {
          evidence[step] += histogram[bin] * row[step];
        }
      }
    }
  }

  /**
   * @param {number} bin
   * @returns {Float64Array} for the steps of which magnitudes in this bin say something
   */
  #row(bin) {
    const known = this.#rows[bin];
    if (known) {
      return known;
    }
    const magnitude = (bin + 0.5) * BIN;
    const row = new Float64Array(Math.min(Math.floor(magnitude / 0.75), LARGEST_STEP)).fill(Math.log(STRAY));
    const factor = -0.5 / this.#noise ** 2;
    const height = (1 - STRAY) / (this.#noise * Math.sqrt(2 * Math.PI));
    for (let step = 1; step <= row.length; step++) {
      const away = Math.abs(magnitude - Math.round(magnitude / step) * step);
      if (away < NEGLIGIBLE * this.#noise) {
        row[step - 1] = Math.log(height * step * Math.exp(away * away * factor) + STRAY);
      }
    }
    this.#rows[bin] = row;
    return row;
  }
}

/**
 * Evidence for every step on the grid of the later save.
 *
 * There the later save leaves multiples of its own step. An earlier step shows by which of them are too frequent and
 * which are missing. Both hypotheses take magnitudes to fall off exponentially, as those of photographs do.
 *
 * @param {Float32Array} coefficients of one frequency
 * @param {number} later step of the later save
 * @param {Float64Array} evidence of each step, changed; it is zero
 */
export function addEvidenceOnGrid(coefficients, later, evidence) {
  // 1. How often each multiple of the later step is seen, and how fast magnitudes fall off.
  let [size, sum, above] = [0, 0, 0];
  const numbers = new Int32Array(coefficients.length);
  for (let at = 0; at < numbers.length; at++) {
    const magnitude = Math.abs(coefficients[at]);
    numbers[at] = roundHalfToEven(f(magnitude / later));
    size = Math.max(size, numbers[at] + 1);
    if (!numbers[at]) {
      continue;
    }
    sum += magnitude;
    above++;
  }
  if (size < 2) {
    return;
  }
  const counts = new Int32Array(size);
  for (const number of numbers) {
    counts[number]++;
  }
  const scale = sum / above;
  const smooth = Float64Array.from(counts, (_, number) => Math.exp((-number * later) / scale));
  const shortest = Math.ceil(f(LEAST_RATIO * later));
  const most = Math.floor((size * later) / shortest);
  const earlier = new Float64Array(size);
  for (let step = shortest; step <= LARGEST_STEP; step++) {
    // 2. What each multiple of the earlier step becomes: normal noise, cut into intervals of the later step.
    setEarlier(earlier, step, later, scale, most);
    // 3. Both as distributions over the magnitudes that say something.
    const first = Math.ceil((0.75 * step) / later);
    let [earlierSum, smoothSum] = [0, 0];
    for (let number = first; number < size; number++) {
      earlierSum += earlier[number];
      smoothSum += smooth[number];
    }
    earlierSum = Math.max(earlierSum, 1e-20);
    smoothSum = Math.max(smoothSum, 1e-20);
    let total = 0;
    for (let number = first; number < size; number++) {
      if (!counts[number]) {
        continue;
      }
      const ratio = earlier[number] / earlierSum / Math.max(smooth[number] / smoothSum, 1e-30);
      total += counts[number] * Math.log(STRAY + (1 - STRAY) * ratio);
    }
    evidence[step - 1] = total;
  }
}

/**
 * How frequent multiples of the later step are after an earlier step. Noise reaches the nearest interval and its
 * neighbors.
 *
 * @param {Float64Array} earlier changed, of each multiple
 * @param {number} step
 * @param {number} later
 * @param {number} scale of the magnitudes
 * @param {number} most multiples of the earlier step that are looked at
 */
function setEarlier(earlier, step, later, scale, most) {
  const width = ROUNDING * Math.SQRT2;
  earlier.fill(0);
  for (let number = 0; number <= most; number++) {
    const point = number * step;
    const middle = roundHalfToEven(f(point / later));
    if (middle - 1 >= earlier.length) {
      break;
    }
    const weight = Math.exp(-point / scale) / 2;
    let lower = errorFunction(((middle - 1.5) * later - point) / width);
    for (let index = middle - 1; index <= middle + 1; index++) {
      const upper = errorFunction(((index + 0.5) * later - point) / width);
      if (Math.abs(index) < earlier.length) {
        earlier[Math.abs(index)] += (upper - lower) * weight;
      }
      lower = upper;
    }
  }
}

/**
 * The error function, to seven digits (Numerical Recipes, `erfcc`).
 *
 * @param {number} x
 */
function errorFunction(x) {
  const t = 1 / (1 + 0.5 * Math.abs(x));
  let sum = 0.17087277;
  for (const coefficient of [
    -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368, -1.26551223,
  ]) {
    sum = sum * t + coefficient;
  }
  const beyond = t * Math.exp(sum - x * x);
  return x < 0 ? beyond - 1 : 1 - beyond;
}
