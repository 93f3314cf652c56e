/**
 * Single pixels of coded units moved by one level, so that blocks encode to those of their file.
 *
 * Within the colors that RGB holds, a pixel at whole numbers Y, Cb, Cr comes back from RGB as it was. So luma and chroma
 * are moved apart. A pixel that is moved takes such a place; all others stay as they are.
 */

import { chooseMoves } from "./rounding.js";
import { sumSamples } from "./unit_intervals.js";
import { seeAsEncoder } from "./writing.js";

/** @typedef {import("./coded_units.js").CodedUnit} CodedUnit */
/** @typedef {import("./unit_intervals.js").UnitIntervals} UnitIntervals */

// What a change of another plane by one level counts against moving a pixel.
const OTHER_PLANE = 1;
// Pixels that one stored sample of chroma can be made of.
const MOST_PIXELS = 8;

const f = Math.fround;
const moves = new Int8Array(64);
const samples = new Int32Array(64);
const sums = new Int32Array(64);
const sampleCosts = [new Float32Array(64), new Float32Array(64)];
const pixelCosts = [new Float32Array(64 * MOST_PIXELS), new Float32Array(64 * MOST_PIXELS)];
const changes = [new Int8Array(64 * MOST_PIXELS), new Int8Array(64 * MOST_PIXELS)];
const order = new Int32Array(MOST_PIXELS);
// One pixel, of gray and of color, and what an encoder sees of it.
const pixels = [1, 3].map((channels) => Array.from({ length: channels }, () => new Float32Array(1)));
const became = [1, 3].map((channels) => Array.from({ length: channels }, () => new Int32Array(1)));

/**
 * Move luma of pixels in blocks that are wrong.
 *
 * @param {CodedUnit} unit as an encoder sees it, too; its planes are changed
 * @param {UnitIntervals} intervals that were compared with it
 */
export function moveLuma(unit, intervals) {
  const { kind, planes, seen } = unit;
  for (let block = 0; block < kind.blocks; block++) {
    if (!intervals.missedLuma[block]) {
      continue;
    }
    const start = block * 64;
    for (let at = 0; at < 64; at++) {
      samples[at] = seen[0][start + at];
      sampleCosts[0][at] = cost(unit, start + at, 0, 1);
      sampleCosts[1][at] = cost(unit, start + at, 0, -1);
    }
    const repeats = kind.border ? kind.border.ofBlock[block] : null;
    chooseMoves(samples, intervals.luma, start, intervals.tables[0], sampleCosts, repeats, moves);
    for (let at = 0; at < 64; at++) {
      if (moves[at]) {
        for (let plane = 0; plane < planes.length; plane++) {
          planes[plane][start + at] = seen[plane][start + at] + (plane ? 0 : moves[at]);
        }
      }
    }
  }
  unit.repeat(unit.planes);
}

/**
 * Move chroma of pixels in blocks that are wrong.
 *
 * A stored sample is the rounded mean of some pixels. To move it by one level, as many of them as needed are moved.
 *
 * @param {CodedUnit} unit as for {@link moveLuma}, of three planes
 * @param {UnitIntervals} intervals
 */
export function moveChroma(unit, intervals) {
  const { kind, planes, seen } = unit;
  for (const plane of [0, 1]) {
    changes[plane].fill(0);
    if (intervals.missedChroma[plane]) {
      changeChroma(unit, intervals, plane);
    }
  }
  const [changeCb, changeCr] = changes;
  for (let pixel = 0; pixel < kind.size; pixel++) {
    if (changeCb[pixel] || changeCr[pixel]) {
      planes[0][pixel] = seen[0][pixel];
      planes[1][pixel] = seen[1][pixel] + changeCb[pixel];
      planes[2][pixel] = seen[2][pixel] + changeCr[pixel];
    }
  }
  unit.repeat(unit.planes);
}

/**
 * Find by how much pixels of one plane of chroma are moved, into `changes`.
 *
 * @param {CodedUnit} unit
 * @param {UnitIntervals} intervals
 * @param {number} plane 0: Cb, 1: Cr
 */
function changeChroma(unit, intervals, plane) {
  const { kind, seen } = unit;
  const { blocks: count, shift } = kind;
  // 1. What it costs to move each pixel, and each stored sample: the cheapest pixels that suffice for its next mean.
  for (let pixel = 0; pixel < kind.size; pixel++) {
    pixelCosts[0][pixel] = cost(unit, pixel, plane + 1, 1);
    pixelCosts[1][pixel] = cost(unit, pixel, plane + 1, -1);
  }
  sumSamples(seen[plane + 1], kind, sums);
  for (let sample = 0; sample < 64; sample++) {
    samples[sample] = sums[sample] >> shift;
    const rest = sums[sample] & (count - 1);
    sampleCosts[0][sample] = cheapest(kind, sample, pixelCosts[0], count - rest);
    sampleCosts[1][sample] = cheapest(kind, sample, pixelCosts[1], rest + 1);
  }
  // 2. Which samples are moved, and their pixels.
  const repeats = kind.border ? kind.border.stored : null;
  chooseMoves(samples, intervals.chroma[plane], 0, intervals.tables[plane + 1], sampleCosts, repeats, moves);
  for (let sample = 0; sample < 64; sample++) {
    const move = moves[sample];
    if (!move) {
      continue;
    }
    const rest = sums[sample] & (count - 1);
    const needed = move > 0 ? count - rest : rest + 1;
    cheapest(kind, sample, pixelCosts[move > 0 ? 0 : 1], needed);
    for (let number = 0; number < needed; number++) {
      changes[plane][order[number]] = move;
    }
  }
}

/**
 * The cheapest pixels of a stored sample come first in `order`.
 *
 * @param {import("./coded_units.js").UnitKind} kind
 * @param {number} sample
 * @param {Float32Array} costs of all pixels of the unit
 * @param {number} needed 1 to as many as it has
 * @returns {number} what so many of them cost
 */
function cheapest({ blocks: count, pixelsOf }, sample, costs, needed) {
  const start = sample * count;
  for (let number = 0; number < count; number++) {
    const pixel = pixelsOf[start + number];
    // Behind those that cost the same.
    let place = number;
    for (; place > 0 && costs[order[place - 1]] > costs[pixel]; place--) {
      order[place] = order[place - 1];
    }
    order[place] = pixel;
  }
  let sum = 0;
  for (let number = 0; number < needed; number++) {
    sum += costs[order[number]];
  }
  return sum;
}

/**
 * What it costs to move one plane of a pixel by one level: how much farther from what was wanted, and in others.
 *
 * @param {CodedUnit} unit
 * @param {number} at of the pixel
 * @param {number} moved the plane
 * @param {number} by 1 or -1
 * @returns {number} infinity where the color cannot be written
 */
function cost({ planes, seen }, at, moved, by) {
  const pixel = pixels[planes.length >> 1];
  const result = became[planes.length >> 1];
  for (let plane = 0; plane < planes.length; plane++) {
    pixel[plane][0] = seen[plane][at] + (plane === moved ? by : 0);
  }
  seeAsEncoder(pixel, result);
  if (result[moved][0] !== pixel[moved][0]) {
    return Number.POSITIVE_INFINITY;
  }
  let others = -1;
  for (let plane = 0; plane < planes.length; plane++) {
    others += Math.abs(result[plane][0] - seen[plane][at]);
  }
  const farther = f(f(seen[moved][at] - planes[moved][at]) * (2 * by) + 1);
  return f(farther + others * OTHER_PLANE);
}
