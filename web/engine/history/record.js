/** What a picture went through before it became the file that is seen, as far as its pixels show it. */

import { roundHalfToEven } from "../float32.js";
import { findEarlierSave, meanStep } from "./search.js";
import { undoSave } from "./undo.js";

/** @typedef {import("./chroma.js").LaterFile} LaterFile */
/** @typedef {import("./undo.js").EarlierSave} EarlierSave */
/** @typedef {import("./undo.js").Planes} Planes */
/** @typedef {import("../tiles.js").Span} Span */

// Saves that are looked for, one before the other. A further one has to be surer than the first, and is worth undoing if
// its steps are longer.
const MOST_SAVES = 3;
const SURE = 0.5;
const LEAST_RATIO = 1.15;
const WINDOW = 256;
const WINDOWS = 4;
// Rows and columns in which blocks of an undone save are cut.
const CUT = 16;

/**
 * The history of a picture.
 *
 * @typedef {object} History
 * @property {EarlierSave[]} saves earlier saves that are certain, the last of them first. The grid of each is counted from
 *   the frame of the one before.
 * @property {number} enlargement whole factor by which the picture was enlarged with nearest neighbor after these saves;
 *   1: it was not
 * @property {import("./resized.js").ResizedGrid | null} resized the grid of a save after which the picture was resized;
 *   such a save is not undone
 * @property {number | null} contradictedQuality quality at which the picture is restored because it contradicts its file,
 *   though no earlier save is certain; `null` if it does not
 */

/** @type {Readonly<History>} */
export const NO_HISTORY = Object.freeze({ saves: [], enlargement: 1, resized: null, contradictedQuality: null });

/**
 * The history as an object of JSON values, the same as Python's `History.to_dict()`.
 *
 * @param {History} history
 */
export function historyToJson({ saves, enlargement, resized, contradictedQuality }) {
  return {
    saves: saves.map((save) => ({
      quality: save.quality,
      standard_tables: save.standard,
      sampling: save.sampling,
      grid: [save.top, save.left],
      agreement: toFourDigits(save.agreement),
      certainty: toFourDigits(save.certainty),
      tables: save.tables.map((table) => Array.from(table)),
    })),
    enlargement,
    resized: resized && {
      vertical_scale: toFourDigits(resized.verticalScale),
      horizontal_scale: toFourDigits(resized.horizontalScale),
      certainty: toFourDigits(resized.certainty),
    },
    contradicted_quality: contradictedQuality,
  };
}

/**
 * Four digits behind the point; of two that are equally near, the even one, as Python rounds.
 *
 * @param {number} value
 */
function toFourDigits(value) {
  const parts = value * 32;
  // Only odd multiples of 1/32 lie exactly between two such numbers.
  if (parts % 2 !== 1 && parts % 2 !== -1) {
    return Number(value.toFixed(4));
  }
  const lower = Math.floor(value * 10000);
  return (lower + (lower & 1)) / 10000;
}

/**
 * Earlier saves of a picture that are certain, the last of them first.
 *
 * @param {Planes[]} windows parts of the picture, see {@link windowPlaces}
 * @param {LaterFile | null} later the JPEG file that shows the picture; `null` for other pictures
 * @returns {EarlierSave[]}
 */
export function findSaves(windows, later) {
  /** @type {EarlierSave[]} */
  const saves = [];
  while (saves.length < MOST_SAVES) {
    const save = findEarlierSave(windows, later);
    if (!save) {
      break;
    }
    const last = saves.at(-1);
    if (last && (save.certainty < SURE || meanStep(save.tables[0]) < LEAST_RATIO * meanStep(last.tables[0]))) {
      break;
    }
    saves.push(save);
    // The same parts as that save showed them, without the rows and columns in which blocks are cut.
    windows = windows.map((window) => withoutCut(undoSave(window, save, later)));
    later = { tables: save.tables, sampling: save.sampling };
  }
  return saves;
}

/**
 * @param {Planes} window
 * @returns {Planes}
 */
function withoutCut(window) {
  const [width, height] = [Math.max(window.width - CUT, 0), Math.max(window.height - CUT, 0)];
  const planes = window.planes.map((plane) => {
    const part = new Uint8Array(width * height);
    for (let y = 0; y < height; y++) {
      const from = (y + CUT) * window.width + CUT;
      part.set(plane.subarray(from, from + width), y * width);
    }
    return part;
  });
  return { planes, width, height };
}

/**
 * The parts that are looked at: the whole of a small picture, 16 parts of a large one. All of them start at multiples of
 * 16.
 *
 * @param {number} width
 * @param {number} height
 * @returns {{rows: Span, columns: Span}[]}
 */
export function windowPlaces(width, height) {
  const columns = spansOf(width);
  return spansOf(height).flatMap((part) => columns.map((other) => ({ rows: part, columns: other })));
}

/**
 * @param {number} size
 * @returns {Span[]}
 */
function spansOf(size) {
  if (size <= WINDOW * WINDOWS) {
    return [[0, size]];
  }
  return Array.from({ length: WINDOWS }, (_, part) => {
    const start = Math.floor(roundHalfToEven(((size - WINDOW) * (part + 0.5)) / WINDOWS) / 16) * 16;
    return [start, start + WINDOW];
  });
}
