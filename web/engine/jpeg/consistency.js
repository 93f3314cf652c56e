/**
 * Results held to their file: the picture that is written encodes to the very coefficients that the file stores.
 *
 * A JPEG file states an interval for every DCT coefficient of its original: one quantization step wide, centered on the
 * dequantized value. Planes are projected onto these intervals, some way inside of their ends. Then the picture is written.
 * Rounding to 8 bits, and the way through RGB, move coefficients again. Where one leaves its interval, two things help:
 * colors that cannot be written are clipped and the planes projected again, several times; and single pixels are moved by
 * one level. What does not help is undone.
 *
 * What becomes of a coded unit does not depend on others: if it did, the borders of strips would be visible. Units without
 * color are left without, even if their file has coefficients that are too small to be seen.
 */

import { CodedUnit, UnitKind } from "./coded_units.js";
import { countBlock, nothingHeld } from "./file_blocks.js";
import { moveChroma, moveLuma } from "./moved_pixels.js";
import { UnitIntervals } from "./unit_intervals.js";
import { beyondColors, clipColors, seeAsEncoder } from "./writing.js";

/** @typedef {import("./file_blocks.js").FileBlocks} FileBlocks */
/** @typedef {import("./file_blocks.js").Held} Held */
/** @typedef {{columns: number, values: Uint8Array}} Mask of luma blocks of the whole picture, row by row */

const SETTLINGS = 8;
const PROJECTIONS = 8;
const MOVES = 12;

/**
 * Change planes, as little as is needed, so that the picture written from them encodes to given blocks.
 *
 * @param {Float32Array[]} planes Y, or Y, Cb, Cr, as they are to be written, 0..255, of some whole rows; changed
 * @param {number} width of the picture
 * @param {number} top the first row, where a coded unit starts; the last one is where one ends, or that of the picture
 * @param {FileBlocks} blocks of the whole picture: what the planes are held to
 * @param {Mask | null} [held] which luma blocks are held, where chroma is not; others stay as they are
 * @returns {{luma: Held, chroma: Held}} how much encodes to the given blocks, if these planes are written by `asPixels` and
 *   encoded as libjpeg does it
 */
export function holdToFile(planes, width, top, blocks, held = null) {
  return forUnits(planes, width, top, blocks, held, (unit, intervals, at) => {
    const isOther = intervals.leaveWithoutColor(unit);
    hold(unit, intervals);
    unit.paste(planes, width, at);
    if (isOther) {
      intervals.goBack();
      intervals.compare(unit);
    }
  });
}

/**
 * How much of planes, written and encoded, is equal to given blocks.
 *
 * @param {Float32Array[]} planes as for {@link holdToFile}; they stay as they are
 * @param {number} width
 * @param {number} top
 * @param {FileBlocks} blocks
 * @returns {{luma: Held, chroma: Held}}
 */
export function countEqual(planes, width, top, blocks) {
  return forUnits(planes, width, top, blocks, null, write);
}

/**
 * Go from unit to unit, and count what is equal.
 *
 * @param {Float32Array[]} planes
 * @param {number} width
 * @param {number} top
 * @param {FileBlocks} blocks
 * @param {Mask | null} held
 * @param {(unit: CodedUnit, intervals: UnitIntervals, at: number) => void} work on a unit, whose first pixel lies at a
 *   place in the planes; afterwards it is compared
 */
function forUnits(planes, width, top, blocks, held, work) {
  const { factors, hasBorder } = blocks;
  const [high, wide] = [8 * factors[0], 8 * factors[1]];
  const height = Math.floor(planes[0].length / width);
  const counts = { luma: nothingHeld(), chroma: nothingHeld() };
  /** @type {Map<number, {unit: CodedUnit, intervals: UnitIntervals}>} */
  const kinds = new Map();
  for (let y = 0; y < height; y += high) {
    const inRows = Math.min(high, height - y);
    const row = (top + y) / high;
    for (let x = 0, column = 0; x < width; x += wide, column++) {
      const inColumns = Math.min(wide, width - x);
      const isCut = inRows < high || inColumns < wide;
      if ((isCut && !hasBorder) || (held && !held.values[row * held.columns + column])) {
        continue;
      }
      let found = kinds.get(inRows * wide + inColumns);
      if (!found) {
        const kind = new UnitKind(factors, inRows, inColumns);
        found = { unit: new CodedUnit(kind, planes.length), intervals: new UnitIntervals(blocks, kind) };
        kinds.set(inRows * wide + inColumns, found);
      }
      const { unit, intervals } = found;
      const at = y * width + x;
      unit.cut(planes, width, at);
      intervals.goTo(row, column);
      work(unit, intervals, at);
      count(intervals, counts);
    }
  }
  return counts;
}

/**
 * @param {UnitIntervals} intervals
 * @param {{luma: Held, chroma: Held}} counts changed
 */
function count({ kind, chroma, missedLuma, missedChroma }, counts) {
  for (let block = 0; block < kind.blocks; block++) {
    if (!kind.border || kind.border.exists[block]) {
      countBlock(counts.luma, missedLuma[block]);
    }
  }
  for (let plane = 0; plane < chroma.length; plane++) {
    countBlock(counts.chroma, missedChroma[plane]);
  }
}

/**
 * @param {CodedUnit} unit
 * @param {UnitIntervals} intervals
 */
function hold(unit, intervals) {
  // 1. Onto the intervals, and written.
  intervals.project(unit);
  if (unit.kind.border) {
    settle(unit, intervals);
  }
  write(unit, intervals);
  if (!intervals.isWrong) {
    return;
  }
  // 2. A unit that is not yet right: first what can be done about colors that cannot be written.
  for (let round = 0; round < SETTLINGS && intervals.isWrong && beyondColors(unit.planes) > 0; round++) {
    settle(unit, intervals);
    write(unit, intervals);
  }
  if (!intervals.isWrong || !intervals.hasRoom) {
    return;
  }
  // 3. Single pixels: chroma first, as it moves luma a little.
  unit.keep();
  for (let round = 0; round < MOVES && intervals.isWrong; round++) {
    if (intervals.isChromaWrong) {
      moveChroma(unit, intervals);
      write(unit, intervals);
    }
    if (intervals.isLumaWrong) {
      moveLuma(unit, intervals);
      write(unit, intervals);
    }
  }
  // 4. Luma blocks for which that was in vain are as they were before.
  if (intervals.isLumaWrong) {
    for (let block = 0; block < unit.kind.blocks; block++) {
      if (intervals.missedLuma[block]) {
        unit.putBack(block);
      }
    }
    write(unit, intervals);
  }
}

/**
 * Look at a unit as an encoder does.
 *
 * @param {CodedUnit} unit
 * @param {UnitIntervals} intervals
 */
function write(unit, intervals) {
  seeAsEncoder(unit.planes, unit.seen);
  // It repeats what it sees: beyond the border, luma and chroma may come from different pixels, which no RGB holds.
  unit.repeat(unit.seen);
  intervals.compare(unit);
}

/**
 * Alternately onto what can be written, and onto the intervals: both sets are convex.
 *
 * @param {CodedUnit} unit
 * @param {UnitIntervals} intervals
 */
function settle(unit, intervals) {
  for (let round = 0; round < PROJECTIONS; round++) {
    // Chroma that is held to nothing stays.
    clipColors(unit.planes, intervals.chroma.length > 0);
    intervals.project(unit);
    unit.fold();
  }
}
