/** The history of a picture: what its pixels show, and, where they show no save, what the network makes of it. */

import { rgbToYcbcr } from "./color.js";
import { contradictedQuality } from "./history/contradiction.js";
import { findSaves, NO_HISTORY, windowPlaces } from "./history/record.js";
import { findEnlargement, findResizedGrid } from "./history/resized.js";
import { FACTORS } from "./jpeg/resampling.js";

/** @typedef {import("./history/record.js").History} History */
/** @typedef {import("./history/chroma.js").LaterFile} LaterFile */
/** @typedef {import("./history/undo.js").Planes} Planes */
/** @typedef {import("./tiles.js").Span} Span */
/** @typedef {import("./picture.js").PictureParts} PictureParts */

// Of a large picture, the grid of a resized save is looked for in the middle.
const LARGEST_MIDDLE = 2048;

/**
 * What the pixels of a picture show of earlier saves.
 *
 * @param {PictureParts} parts JPEG files whose luma is stored at less than full size have no history.
 * @returns {History}
 */
export function historyOf(parts) {
  if (parts.tables && !parts.gridTable) {
    return NO_HISTORY;
  }
  const enlargement = parts.tables ? 1 : findEnlargement(parts.samples, parts.width, parts.height);
  const later = laterFile(parts);
  const [width, height] = [parts.width / enlargement, parts.height / enlargement];
  const windows = windowPlaces(width, height).map(({ rows, columns }) => integersAt(parts, rows, columns, enlargement));
  const saves = findSaves(windows, later);
  if (saves.length) {
    return { ...NO_HISTORY, saves, enlargement };
  }
  const middle = integersAt(parts, middleOf(parts.height), middleOf(parts.width));
  const resized = findResizedGrid(middle.planes[0], middle.width, middle.height, { isJpeg: later !== null });
  return { ...NO_HISTORY, resized };
}

/**
 * What pixels show of earlier saves; where they show none, whether the network contradicts the file.
 *
 * @param {PictureParts} parts
 * @param {number} known number of planes that the network restores
 * @param {(planes: Planes, tables: Int32Array[]) => Promise<Float32Array[]>} restore runs the network, which is
 *   conditioned on tables: planes as they are seen to restored planes, 0..255
 * @param {number} tileSize side of the pictures that the network takes as a whole, in pixels
 * @returns {Promise<{history: History, restored: Float32Array[] | null}>} the history, and the restored planes, if the
 *   network had to see the whole picture and they are of use
 */
export async function lookBack(parts, known, restore, tileSize) {
  const history = historyOf(parts);
  const { tables, width, height } = parts;
  if (!tables || !parts.gridTable || history.saves.length) {
    return { history, restored: null };
  }
  const seen = { planes: parts.samples.slice(0, known), width, height };
  // Where a picture fits one tile, the result is needed anyway: the network does not run twice.
  const isSmall = Math.max(width, height) <= tileSize;
  /** @type {Float32Array[] | null} */
  let whole = null;
  /** @type {(rows: Span, columns: Span) => Promise<Float32Array[]>} */
  const restoredAt = async (rows, columns) => {
    if (!isSmall) {
      return restore(partOf(seen, rows, columns), tables);
    }
    whole ??= await restore(seen, tables);
    return whole.map((plane) => cutPlane(plane, width, rows, columns));
  };
  const told = await contradictedQuality(restoredAt, seen, tables.slice(0, known), {
    isResized: history.resized !== null,
  });
  if (told === null) {
    return { history, restored: whole };
  }
  return { history: { ...history, contradictedQuality: told }, restored: null };
}

/**
 * What a picture that is a JPEG file states about itself.
 *
 * @param {PictureParts} parts
 * @returns {LaterFile | null} `null` for other pictures
 */
export function laterFile(parts) {
  if (!parts.tables) {
    return null;
  }
  const { sampling } = parts;
  const isKnown = sampling !== null && Object.hasOwn(FACTORS, sampling);
  return { tables: parts.tables, sampling: isKnown ? /** @type {LaterFile["sampling"]} */ (sampling) : null };
}

/**
 * Planes of a part of a picture as an encoder rounds them: those that an earlier decoder gave, nearly.
 *
 * @param {PictureParts} parts
 * @param {Span} rows of the picture, or of one that is smaller by `step`
 * @param {Span} columns
 * @param {number} [step] of so many samples, one is taken along each axis
 * @returns {Planes} Y, or Y, Cb, Cr
 */
export function integersAt(parts, rows, columns, step = 1) {
  const { planes, ...size } = partOf(
    { planes: parts.samples, width: parts.width, height: parts.height },
    rows,
    columns,
    step,
  );
  return { planes: parts.rgb ? rgbToYcbcr(planes) : planes, ...size };
}

/**
 * @param {Planes} picture
 * @param {Span} rows
 * @param {Span} columns
 * @param {number} [step]
 * @returns {Planes}
 */
function partOf({ planes, width, height }, rows, columns, step = 1) {
  const [bottom, right] = [Math.min(rows[1], height / step), Math.min(columns[1], width / step)];
  const part = planes.map((plane) => cutPlane(plane, width, [rows[0], bottom], [columns[0], right], step));
  return { planes: part, width: right - columns[0], height: bottom - rows[0] };
}

/**
 * @template {Uint8Array | Float32Array} T
 * @param {T} plane
 * @param {number} width
 * @param {Span} rows
 * @param {Span} columns
 * @param {number} [step]
 * @returns {T}
 */
function cutPlane(plane, width, rows, columns, step = 1) {
  const wide = columns[1] - columns[0];
  const part = /** @type {T} */ (new /** @type {any} */ (plane.constructor)((rows[1] - rows[0]) * wide));
  for (let y = rows[0], to = 0; y < rows[1]; y++) {
    const start = y * step * width;
    if (step === 1) {
      part.set(plane.subarray(start + columns[0], start + columns[1]), to);
    } else {
      for (let x = 0; x < wide; x++) {
        part[to + x] = plane[start + (columns[0] + x) * step];
      }
    }
    to += wide;
  }
  return part;
}

/**
 * @param {number} size
 * @returns {Span}
 */
function middleOf(size) {
  const start = Math.floor(Math.max(size - LARGEST_MIDDLE, 0) / 16) * 8;
  return [start, start + LARGEST_MIDDLE];
}
