/**
 * Tells from the network's own result that a JPEG file preserves the artifacts of earlier, stronger compression.
 *
 * A picture that was saved at a low quality, then resized or saved several times, and last at a high quality shows no old
 * blocks that could be found and undone. Its last tables say that nearly everything in it is true, old artifacts
 * included. A network that is told these tables removes some of them nevertheless: it moves luma coefficients out of the
 * intervals that the file states. For a picture saved once, that hardly ever happens where the network works well. It
 * does happen along hard edges, in colors at the end of their range, and with unusual tables, so those are not counted:
 *
 * - Counted are blocks of low to moderate activity without clipped colors, because artifacts are everywhere, but a
 *   network's own mistakes are where edges are.
 * - High frequencies are subtracted from low ones: old artifacts are mostly in low frequencies, while mistakes about noise
 *   and about tables that differ from the standard ones are in all or in the high ones.
 * - Pictures with many edges that are one pixel wide (pixel art, windows, tiles) or with much flat ground (charts, text)
 *   are never said to be contradicted.
 *
 * The Python package says on which pictures the numbers below were chosen.
 */

import { ycbcrToRgb } from "../color.js";
import { orthonormalDct } from "../jpeg/float_dct.js";
import { nearestQuality } from "../jpeg/tables.js";

/** @typedef {import("../tiles.js").Span} Span */
/** @typedef {import("./undo.js").Planes} Planes */

/** What the network is told of a contradicted file. */
const TOLD_QUALITY = 30;
// Files up to this quality are coarse themselves: earlier saves hardly show.
const LARGEST_TRUSTED = 40;
// How much larger the contradicted share of the low frequencies is than that of the high ones.
const LEAST_EXCESS = 0.024;
// With blocks of a resized save in sight.
const LEAST_IF_RESIZED = 0.002;
// A coefficient contradicts the file if it is moved by more than this share of its step. 0.5 would be the end of the
// interval. Rounding to 8 bits alone moves coefficients by 0.3, so shorter steps than 2 count as 2.
const STEPS = 0.6;
const LEAST_STEP = 2;
// Frequencies are low if the vertical and horizontal ones add up to no more than this.
const LOW = 3;
// Of a block that is counted: standard deviation of its luma.
const LEAST_ACTIVITY = 2;
const MOST_ACTIVITY = 20;
// A color within this distance of 0 or 255 may have been clipped.
const MARGIN = 4;
const LEAST_BLOCKS = 64;
// Share of blocks below the activities that are counted. Charts and text on flat ground have more.
const MOST_FLAT = 0.45;
// Difference of neighbors from which on they are an edge, and the share of edges that are one pixel wide. Photographs
// have 0.1; pixel art, enlargements by nearest neighbor, and tiles 0.3 to 0.9.
const EDGE = 16;
const LEAST_EDGES = 50;
const MOST_SHARP = 0.2;
// The network looks at this many windows of this side, 0.26 megapixels, and at no more than half of a picture.
const SIDE = 256;
const WINDOWS = 4;
const LEAST_SIDE = 96;

/**
 * The quality at which a JPEG file is better restored than by its own account, if there is one.
 *
 * @param {(rows: Span, columns: Span) => Promise<Float32Array[]>} restoredAt gives a part of the picture as the network
 *   restores it when it is told the tables of the file, and not held to it: planes, 0..255. It is called for at most four
 *   windows of 256x256.
 * @param {Planes} seen luma, or Y, Cb, Cr, as decoded. The grid of blocks starts at the corner.
 * @param {Int32Array[]} tables of the file
 * @param {{isResized?: boolean}} [options] whether blocks were found that a save before a resizing left; less
 *   contradiction is enough then
 * @returns {Promise<number | null>} `null` if the file can be trusted: tell the network its tables, and hold the result
 *   to its intervals. Else libjpeg's quality, lower than that of the file: tell the network the standard tables at this
 *   quality, and do not hold the result. Always `null` for pictures of less than 144x144.
 */
export async function contradictedQuality(restoredAt, seen, tables, { isResized = false } = {}) {
  if (nearestQuality(tables).quality <= LARGEST_TRUSTED) {
    return null;
  }
  const places = findWindows(seen);
  if (!places.length) {
    return null;
  }
  const windows = places.map(({ rows, columns }) => windowAt(seen, rows, columns));
  /** @type {Float32Array[][]} */
  const given = [];
  for (const { rows, columns } of places) {
    given.push(await restoredAt(rows, columns));
  }
  if (flatShare(windows) > MOST_FLAT) {
    return null;
  }
  if (sharpShare(windows.map(({ width, height }, index) => ({ luma: given[index][0], width, height }))) > MOST_SHARP) {
    return null;
  }
  const moved = { blocks: 0, low: 0, high: 0 };
  for (const [index, window] of windows.entries()) {
    countMoved(window, given[index][0], tables[0], moved);
  }
  if (moved.blocks < LEAST_BLOCKS) {
    return null;
  }
  const lowCount = IS_LOW.reduce((sum, isLow) => sum + isLow, 0);
  const excess = moved.low / (moved.blocks * lowCount) - moved.high / (moved.blocks * (64 - lowCount));
  return excess > (isResized ? LEAST_IF_RESIZED : LEAST_EXCESS) ? TOLD_QUALITY : null;
}

const IS_LOW = Uint8Array.from({ length: 64 }, (_, entry) => ((entry >> 3) + (entry & 7) <= LOW ? 1 : 0));

/**
 * The windows with the most blocks that can be counted, at most four.
 *
 * @param {Planes} seen
 * @returns {{rows: Span, columns: Span}[]}
 */
function findWindows({ planes, width, height }) {
  const side = Math.floor(Math.min(SIDE, Math.floor(Math.sqrt(Math.floor((height * width) / 2)))) / 16) * 16;
  if (side < LEAST_SIDE) {
    return [];
  }
  const [high, wide] = [Math.min(side, height & ~7), Math.min(side, width & ~7)];
  // 1. How many blocks of each window are counted. Windows start every half of a side.
  const activity = activityOf(planes[0], width, height);
  const [rows, columns] = [high >> 3, wide >> 3];
  const [down, across] = [Math.max(rows >> 1, 1), Math.max(columns >> 1, 1)];
  const shares = [];
  for (let row = 0; row + rows <= height >> 3; row += down) {
    const line = [];
    for (let column = 0; column + columns <= width >> 3; column += across) {
      let count = 0;
      for (let y = row; y < row + rows; y++) {
        for (let x = column; x < column + columns; x++) {
          if (isCounted(activity[y * (width >> 3) + x])) {
            count++;
          }
        }
      }
      line.push(count);
    }
    shares.push(line);
  }
  // 2. The best one, then the best one that does not overlap it, and so on.
  /** @type {{rows: Span, columns: Span}[]} */
  const places = [];
  const most = Math.min(WINDOWS, Math.max(Math.floor(Math.floor((height * width) / 2) / (high * wide)), 1));
  while (places.length < most) {
    let [row, column] = [0, 0];
    for (const [y, line] of shares.entries()) {
      for (const [x, share] of line.entries()) {
        if (share > shares[row][column]) {
          [row, column] = [y, x];
        }
      }
    }
    if (shares[row][column] <= 0) {
      break;
    }
    for (const line of shares.slice(Math.max(row - 1, 0), row + 2)) {
      line.fill(-1, Math.max(column - 1, 0), column + 2);
    }
    const [top, left] = [row * down * 8, column * across * 8];
    places.push({ rows: [top, top + high], columns: [left, left + wide] });
  }
  return places;
}

/**
 * @param {Planes} seen
 * @param {Span} rows
 * @param {Span} columns
 * @returns {Planes}
 */
function windowAt({ planes, width }, rows, columns) {
  const [high, wide] = [rows[1] - rows[0], columns[1] - columns[0]];
  const part = planes.map((plane) => {
    const values = new Uint8Array(high * wide);
    for (let y = 0; y < high; y++) {
      const start = (rows[0] + y) * width;
      values.set(plane.subarray(start + columns[0], start + columns[1]), y * wide);
    }
    return values;
  });
  return { planes: part, width: wide, height: high };
}

/**
 * Standard deviation of each whole block.
 *
 * @param {Uint8Array} luma
 * @param {number} width
 * @param {number} height
 */
function activityOf(luma, width, height) {
  const [rows, columns] = [height >> 3, width >> 3];
  const activity = new Float32Array(rows * columns);
  for (let index = 0; index < activity.length; index++) {
    const start = Math.floor(index / columns) * 8 * width + (index % columns) * 8;
    let [sum, squares] = [0, 0];
    for (let y = 0; y < 8; y++) {
      for (let at = start + y * width, end = at + 8; at < end; at++) {
        sum += luma[at];
        squares += luma[at] * luma[at];
      }
    }
    activity[index] = Math.sqrt((64 * squares - sum * sum) / 4096);
  }
  return activity;
}

/** @param {number} activity */
function isCounted(activity) {
  return activity >= LEAST_ACTIVITY && activity < MOST_ACTIVITY;
}

/**
 * Share 0..1 of blocks that are flatter than those that are counted.
 *
 * @param {Planes[]} windows
 */
function flatShare(windows) {
  let [flat, count] = [0, 0];
  for (const { planes, width, height } of windows) {
    const activity = activityOf(planes[0], width, height);
    count += activity.length;
    for (const value of activity) {
      if (value < LEAST_ACTIVITY) {
        flat++;
      }
    }
  }
  return flat / count;
}

/**
 * Count coefficients that the network moved too far, in the blocks that are counted.
 *
 * @param {Planes} seen
 * @param {Float32Array} given luma
 * @param {Int32Array} table
 * @param {{blocks: number, low: number, high: number}} moved changed
 */
function countMoved({ planes, width, height }, given, table, moved) {
  const colors = planes.length === 3 ? ycbcrToRgb(planes) : planes;
  const activity = activityOf(planes[0], width, height);
  const block = new Float64Array(64);
  const limits = Float64Array.from(table, (step) => STEPS * Math.max(step, LEAST_STEP));
  // The network knows nothing of what lies beyond a window.
  for (let row = 1; row < (height >> 3) - 1; row++) {
    for (let column = 1; column < (width >> 3) - 1; column++) {
      if (!isCounted(activity[row * (width >> 3) + column])) {
        continue;
      }
      const start = row * 8 * width + column * 8;
      if (colors.some((color) => touchesEnds(color, width, start))) {
        continue;
      }
      for (let entry = 0; entry < 64; entry++) {
        const at = start + (entry >> 3) * width + (entry & 7);
        block[entry] = given[at] - planes[0][at];
      }
      orthonormalDct(block);
      moved.blocks++;
      for (let entry = 0; entry < 64; entry++) {
        if (Math.abs(block[entry]) <= limits[entry]) {
          continue;
        }
        if (IS_LOW[entry]) {
          moved.low++;
        } else {
          moved.high++;
        }
      }
    }
  }
}

/**
 * @param {Uint8Array} color
 * @param {number} width
 * @param {number} start of the block
 */
function touchesEnds(color, width, start) {
  for (let y = 0; y < 8; y++) {
    for (let at = start + y * width, end = at + 8; at < end; at++) {
      if (color[at] < MARGIN || color[at] > 255 - MARGIN) {
        return true;
      }
    }
  }
  return false;
}

/**
 * Share 0..1 of the edges that are one pixel wide: both neighboring differences are below a quarter of the edge's own.
 *
 * @param {{luma: Float32Array, width: number, height: number}[]} windows
 */
function sharpShare(windows) {
  let [sharp, count] = [0, 0];
  for (const { luma, width, height } of windows) {
    for (const step of [1, width]) {
      const [bottom, right] = step === 1 ? [height, width - 3] : [height - 3, width];
      for (let y = 0; y < bottom; y++) {
        for (let x = 0; x < right; x++) {
          const at = y * width + x;
          const middle = Math.abs(luma[at + 2 * step] - luma[at + step]);
          if (middle < EDGE) {
            continue;
          }
          const before = Math.abs(luma[at + step] - luma[at]);
          const sides = Math.max(before, Math.abs(luma[at + 3 * step] - luma[at + 2 * step]));
          if (middle < sides) {
            continue;
          }
          count++;
          if (sides < 0.25 * middle) {
            sharp++;
          }
        }
      }
    }
  }
  return count >= LEAST_EDGES ? sharp / count : 0;
}
