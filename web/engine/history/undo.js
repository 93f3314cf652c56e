/** Undoes a later save: the planes of an earlier file come back, block by block. */

import { FACTORS } from "../jpeg/resampling.js";
import { beyondFile, framed, rounded, setExactlyBeyondFile, storedCoefficients, unframed } from "./blocks.js";
import { difference, proveChroma, showChroma, storedChroma, toBytes } from "./chroma.js";
import { blocksUnder, farDistance, prove, tolerance } from "./proof.js";
import { throughRgb } from "./through_rgb.js";

/** @typedef {import("./blocks.js").Plane} Plane */
/** @typedef {import("./blocks.js").Marks} Marks */
/** @typedef {import("./chroma.js").LaterFile} LaterFile */

/**
 * A save that a picture went through before the one that is seen.
 *
 * @typedef {object} EarlierSave
 * @property {Int32Array[]} tables of each plane; those of chroma are a guess where `sampling` is `null`
 * @property {number} quality the nearest libjpeg quality, 1..100
 * @property {boolean} standard whether the luma table is libjpeg's at that quality
 * @property {number} top rows by which its grid starts before the picture: 0..7, or 0..15 with halved chroma
 * @property {number} left columns
 * @property {import("./chroma.js").Subsampling | null} sampling of its chroma; `null` if it cannot be told, or the
 *   picture has no chroma
 * @property {number} agreement share 0..1 of the blocks with detail, in a sample of the picture, that this save explains
 * @property {number} certainty 0..1, how much larger the share is that this save explains closely than that which the
 *   same table on other grids, or other tables, do
 */

/**
 * Planes of a picture, or of a part of it.
 *
 * @typedef {object} Planes
 * @property {Uint8Array[]} planes Y, or Y, Cb, Cr
 * @property {number} width
 * @property {number} height
 */

/**
 * The picture of an earlier save, on a frame that starts at the corner of its grid: as the earlier file showed it where
 * blocks are explained, and near to that elsewhere; beyond the picture its border is repeated.
 *
 * @typedef {Planes & {explained: Marks, other: Marks}} EarlierPicture `explained` are the whole luma blocks of the frame
 *   that are explained, `other` those that are no blocks of that file at all: something was drawn or pasted there since
 */

// Strips of this many rows, with an overlap in which the filters of chroma and the blocks of both grids find all they
// depend on. Both are multiples of 16, so that every strip starts on the grid of the file that is seen.
const STRIP = 1024;
const OVERLAP = 64;
/** @type {[number, number]} */
const BLOCK = [8, 8];

/**
 * Find the planes of an earlier save again.
 *
 * @param {Planes} seen straight from the decoder for JPEG files
 * @param {EarlierSave} save the earlier save
 * @param {LaterFile | null} later the JPEG file that shows the planes, whose grid starts at their corner; `null` for other
 *   pictures
 * @returns {EarlierPicture}
 */
export function undoSave(seen, save, later) {
  const [width, height] = [seen.width + save.left, seen.height + save.top];
  const planes = seen.planes.map(() => new Uint8Array(width * height));
  const [rows, columns] = [height >> 3, width >> 3];
  const explained = { rows, columns, values: new Uint8Array(rows * columns) };
  const other = { rows, columns, values: new Uint8Array(rows * columns) };
  for (let start = 0; start < height; start += STRIP) {
    const stop = Math.min(start + STRIP, height);
    // 1. Rows of the picture that the strip needs; they start at a multiple of 16.
    const upper = Math.max(Math.floor((start - save.top - OVERLAP) / 16) * 16, 0);
    const lower = Math.min(stop - save.top + OVERLAP, seen.height);
    const piece = seen.planes.map((plane) => ({
      values: Float32Array.from(plane.subarray(upper * seen.width, lower * seen.width)),
      width: seen.width,
      height: lower - upper,
    }));
    // 2. The piece on its own frame, of which `upper` is the first row.
    const undone = undoPiece(piece, save, later);
    const inner = [(start - upper) * width, (stop - upper) * width];
    for (const [index, plane] of undone.planes.entries()) {
      planes[index].set(toBytes(plane.subarray(...inner)), start * width);
    }
    const blocks = [((start - upper) >> 3) * columns, (((start - upper) >> 3) + (stop >> 3) - (start >> 3)) * columns];
    explained.values.set(undone.explained.values.subarray(...blocks), (start >> 3) * columns);
    other.values.set(undone.other.values.subarray(...blocks), (start >> 3) * columns);
  }
  return { planes, width, height, explained, other };
}

/**
 * @param {Plane[]} piece rows of the picture
 * @param {EarlierSave} save
 * @param {LaterFile | null} later
 */
function undoPiece(piece, save, later) {
  const { top, left, sampling } = save;
  // 1. What the earlier file would show.
  const { shown } = rounded(framed(piece[0], top, left), save.tables[0]);
  const grids = sampling ? save.tables.slice(1).map((table) => ({ table, sampling, top, left })) : [];
  const chroma = grids.map((grid, index) => showChroma(piece[index + 1], grid, later));
  const colors = sampling ? chroma.map(({ full }) => unframed(full, top, left)) : piece.slice(1);
  const again = throughRgb([unframed(shown, top, left), ...colors]);
  // 2. Which of its blocks can have become what is seen.
  const stored = later ? storedCoefficients(piece[0], later.tables[0]) : null;
  const proof = proveLuma(piece[0], again[0], shown, save.tables[0], save, later, stored);
  if (later && stored) {
    const size = { rows: piece[0].height >> 3, columns: piece[0].width >> 3 };
    const wanted = blocksUnder(proof.explained, 0, save, BLOCK, BLOCK, size);
    setExactlyBeyondFile(proof.beyond, again[0], stored, later.tables[0], wanted);
  }
  const planes = [nearestToShown(piece[0], shown, proof.beyond, proof.explained, save)];
  for (let index = 1; index < piece.length; index++) {
    const frame = framed(piece[index], top, left);
    if (sampling) {
      const [part, grid] = [chroma[index - 1], grids[index - 1]];
      const coefficients = later ? storedChroma(piece[index], later) : null;
      const { explained } = proveChroma(part, again[index], piece[index], grid, later, coefficients);
      planes.push(withProven(frame, part.full, explained, FACTORS[sampling]));
    } else {
      planes.push(frame.values);
    }
  }
  return { planes, explained: proof.explained, other: proof.other };
}

/**
 * Which luma blocks of an earlier save can have become what is seen.
 *
 * @param {Plane} seen
 * @param {Plane} again `shown` within the picture, as the conversion to RGB and back leaves it
 * @param {Plane} shown on the frame, from `rounded`
 * @param {Int32Array} table of the earlier save
 * @param {{top: number, left: number}} grid 0..15, rows and columns by which its grid starts before the plane
 * @param {LaterFile | null} later
 * @param {Float32Array | null} stored coefficients of the later file
 * @param {{allowed?: number, wanted?: Marks}} [options] how far a block may be from what is seen, `tolerance` by default;
 *   and which blocks matter, all by default
 * @returns {{explained: Marks, other: Marks, beyond: Plane}} of the frame; and what `again` has beyond what can have
 *   become what is seen
 */
export function proveLuma(seen, again, shown, table, { top, left }, later, stored, { allowed, wanted } = {}) {
  const size = { rows: seen.height >> 3, columns: seen.width >> 3 };
  const ofFile = wanted ? blocksUnder(wanted, 1, { top, left }, BLOCK, BLOCK, size) : null;
  const beyond = later && stored ? beyondFile(again, stored, later.tables[0], ofFile) : difference(again, seen);
  const [rows, columns] = [shown.height >> 3, shown.width >> 3];
  const known = { rows, columns, top: Math.ceil(top / 8), left: Math.ceil(left / 8), bottom: rows, right: columns };
  const near = allowed ?? tolerance(table, later ? later.tables[0] : null);
  const far = farDistance(table);
  let proof = prove(beyond, top, left, known, near, far);
  if (later && stored && proof.close.values.includes(1)) {
    const close = blocksUnder(proof.close, 1, { top, left }, BLOCK, BLOCK, size);
    setExactlyBeyondFile(beyond, again, stored, later.tables[0], close);
    proof = prove(beyond, top, left, known, near, far);
  }
  return { ...proof, beyond };
}

/**
 * Blocks that are explained as shown, others as the nearest that can have become what is seen. Where one wrong integer
 * is among right ones, the nearest is closer to the truth than what is seen.
 *
 * @param {Plane} seen
 * @param {Plane} shown on the frame
 * @param {Plane} beyond what `shown` has beyond what can have become what is seen, without the frame
 * @param {Marks} explained
 * @param {{top: number, left: number}} grid
 * @returns {Float32Array} on the frame
 */
function nearestToShown(seen, shown, beyond, { rows, columns, values }, { top, left }) {
  const { width } = shown;
  const result = framed(seen, top, left).values.slice();
  for (let row = Math.ceil(top / 8); row < rows; row++) {
    for (let column = Math.ceil(left / 8); column < columns; column++) {
      const isExplained = values[row * columns + column] === 1;
      for (let y = row * 8; y < row * 8 + 8; y++) {
        let at = y * width + column * 8;
        let from = (y - top) * seen.width + column * 8 - left;
        for (const end = at + 8; at < end; at++, from++) {
          result[at] = isExplained ? shown.values[at] : shown.values[at] - beyond.values[from];
        }
      }
    }
  }
  return result;
}

/**
 * Chroma as the decoder of the earlier save enlarged it where blocks are proven, all else as seen.
 *
 * @param {Plane} frame as seen
 * @param {Plane} full
 * @param {Marks} explained blocks at the resolution at which they were stored
 * @param {[number, number]} factors
 * @returns {Float32Array} on the frame
 */
function withProven(frame, full, explained, factors) {
  const { width, height } = frame;
  const result = frame.values.slice();
  const [high, wide] = [8 * factors[0], 8 * factors[1]];
  for (let row = 0, index = 0; row < explained.rows; row++) {
    for (let column = 0; column < explained.columns; column++, index++) {
      if (!explained.values[index]) {
        continue;
      }
      for (let y = row * high; y < Math.min((row + 1) * high, height); y++) {
        const start = y * width + column * wide;
        const end = y * width + Math.min((column + 1) * wide, width);
        if (end > start) {
          result.set(full.values.subarray(start, end), start);
        }
      }
    }
  }
  return result;
}
