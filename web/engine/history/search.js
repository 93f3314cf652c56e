/** Decides whether a picture was saved before, how, and whether that is certain enough to act on it. */

import { roundHalfToEven } from "../float32.js";
import { FACTORS } from "../jpeg/resampling.js";
import { nearestQuality, quantizationTables } from "../jpeg/tables.js";
import { framed, rounded, storedCoefficients, unframed } from "./blocks.js";
import { canBeUndone, proveChroma, showChroma, storedChroma } from "./chroma.js";
import { findLattices } from "./lattice.js";
import { tolerance } from "./proof.js";
import { clippedSamples } from "./through_rgb.js";
import { proveLuma } from "./undo.js";

/** @typedef {import("./blocks.js").Plane} Plane */
/** @typedef {import("./blocks.js").Marks} Marks */
/** @typedef {import("./chroma.js").LaterFile} LaterFile */
/** @typedef {import("./lattice.js").Lattice} Lattice */
/** @typedef {import("./undo.js").EarlierSave} EarlierSave */
/** @typedef {import("./undo.js").Planes} Planes */

// Most blocks have to agree, and either far more of them than on other grids and with other tables, or clusters show
// that no other grid shows. Of files that were saved once, 0.05 more agree at most.
const LEAST_AGREEMENT = 0.75;
const LEAST_CERTAINTY = 0.2;
const LEAST_EVIDENCE = 150;
const LEAST_LEAD = 1.3;
// Even then some more of them have to agree: enlarged pixels show clusters, too.
const LEAST_OF_ALL = 0.03;
// On the grid of the file itself, steps hardly longer than its own show by missing multiples only. Files that were saved
// once reach 450 there, by coefficients that do not fall off as assumed.
const HARDLY_LONGER = 1.6;
const LEAST_ON_GRID = 600;
const LEAST_BLOCKS = 16;
const OTHER_GRIDS = [
  [3, 2],
  [4, 4],
  [0, 4],
  [4, 0],
];
const OTHER_TABLES = [0.85, 1.18];
// How far a block may be from what is seen to agree, RMS in gray levels. Shares are compared at the shorter distance
// that undoing allows.
const TOLERANCE = 1;
// Chroma samplings in the order of how frequent they are, and the share at which no other is tried.
/** @type {import("./chroma.js").Subsampling[]} */
const SAMPLINGS = ["4:2:0", "4:4:4", "4:2:2", "4:4:0"];
const ENOUGH = 0.9;
const CHROMA_WINDOWS = 6;
const FEW_WINDOWS = 4;
const OFTEN_CLIPPED = 0.05;
// A candidate with less evidence from clusters has to be better by this to be preferred.
const CLEARLY = 0.1;

/**
 * A part of the picture as it is looked at.
 *
 * @typedef {object} View
 * @property {Planes} seen
 * @property {Plane} luma
 * @property {Uint8Array} clipped 1 where samples are clipped
 * @property {Float32Array | null} stored luma coefficients of the later file
 */

/**
 * The strongest earlier save that the pixels of a picture show.
 *
 * @param {Planes[]} windows parts of the picture, straight from the decoder for JPEG files. Each starts at a multiple of
 *   16 rows and columns.
 * @param {LaterFile | null} later the JPEG file that shows the planes, whose grid starts at their corner; `null` for other
 *   pictures
 * @returns {EarlierSave | null} `null` if none is certain
 */
export function findEarlierSave(windows, later) {
  const views = windows.map((seen) => viewOf(seen, later));
  /** @type {EarlierSave | null} */
  let best = null;
  for (const lattice of latticesOf(views, later)) {
    const { table } = lattice;
    const grid = { top: (8 - lattice.rows) % 8, left: (8 - lattice.columns) % 8 };
    const { share: agreement, counted } = agreementOf(views, table, grid, later, TOLERANCE);
    if (counted < LEAST_BLOCKS || agreement < LEAST_AGREEMENT) {
      continue;
    }
    const certainty = certaintyOf(views, table, grid, later);
    const isClear = certainty >= LEAST_OF_ALL && standsOut(lattice, later);
    if (certainty < LEAST_CERTAINTY && !isClear) {
      continue;
    }
    const { quality, exact } = nearestQuality([table]);
    const chroma = new Array(windows[0].planes.length - 1).fill(quantizationTables(quality)[1]);
    const tables = [table, ...chroma];
    /** @type {EarlierSave} */
    const save = { tables, quality, standard: exact, ...grid, sampling: null, agreement, certainty };
    if (!best || isBetter(save, best)) {
      best = save;
    }
  }
  if (!best || best.tables.length === 1) {
    return best;
  }
  const colored = views.filter(({ seen }) =>
    seen.planes.slice(1).some((plane) => plane.some((value) => value !== 128)),
  );
  return withChroma(best, colored.slice(0, CHROMA_WINDOWS), later);
}

/**
 * @param {Planes} seen
 * @param {LaterFile | null} later
 * @returns {View}
 */
function viewOf(seen, later) {
  const luma = { values: Float32Array.from(seen.planes[0]), width: seen.width, height: seen.height };
  const stored = later ? storedCoefficients(luma, later.tables[0]) : null;
  return { seen, luma, clipped: clippedSamples(seen.planes), stored };
}

/**
 * @param {View[]} views
 * @param {LaterFile | null} later
 */
function latticesOf(views, later) {
  const parts = views.map(({ seen, clipped }) => ({ ...seen, luma: seen.planes[0], clipped }));
  const table = later ? later.tables[0] : null;
  const found = findLattices(parts, table);
  let share = 0;
  for (const { clipped } of parts) {
    share += clipped.reduce((sum, value) => sum + value, 0) / clipped.length;
  }
  if (!(share > OFTEN_CLIPPED * parts.length)) {
    return found;
  }
  // Where few blocks are left without clipped samples, the others may show more in spite of them.
  const all = parts.map((part) => ({ ...part, clipped: new Uint8Array(part.clipped.length) }));
  return [...found, ...findLattices(all, table)];
}

/**
 * Whether a candidate is preferred to one with more evidence from clusters.
 *
 * @param {EarlierSave} save
 * @param {EarlierSave} best
 */
function isBetter(save, best) {
  if (save.top === best.top && save.left === best.left && save.standard !== best.standard) {
    // Steps found one by one follow chance more closely than a table of libjpeg can.
    return save.standard;
  }
  return save.certainty > best.certainty + CLEARLY;
}

/**
 * How much larger a share of blocks a save explains than the same table on other grids and other tables do.
 *
 * @param {View[]} views
 * @param {Int32Array} table
 * @param {{top: number, left: number}} grid
 * @param {LaterFile | null} later
 */
function certaintyOf(views, table, { top, left }, later) {
  const allowed = tolerance(table, later ? later.tables[0] : null);
  // Half of the parts of a large picture are enough to compare.
  const some = views.length > FEW_WINDOWS ? views.filter((_, index) => index % 2 === 0) : views;
  let elsewhere = 0;
  for (const [rows, columns] of OTHER_GRIDS) {
    const grid = { top: (top + rows) % 8, left: (left + columns) % 8 };
    elsewhere = Math.max(elsewhere, agreementOf(some, table, grid, later, allowed).share);
  }
  for (const scale of OTHER_TABLES) {
    const factor = Math.fround(scale);
    const other = table.map((step) => Math.max(roundHalfToEven(Math.fround(step * factor)), 1));
    elsewhere = Math.max(elsewhere, agreementOf(some, other, { top, left }, later, allowed).share);
  }
  return Math.max(agreementOf(some, table, { top, left }, later, allowed).share - elsewhere, 0);
}

/**
 * @param {Lattice} lattice
 * @param {LaterFile | null} later
 */
function standsOut(lattice, later) {
  if (lattice.quality === null) {
    return false;
  }
  let least = LEAST_EVIDENCE;
  if (later && !lattice.rows && !lattice.columns) {
    const ratio = meanStep(lattice.table) / meanStep(later.tables[0]);
    if (ratio < HARDLY_LONGER) {
      least = LEAST_ON_GRID;
    }
  }
  return lattice.evidence >= LEAST_LEAD * lattice.chance + least;
}

/** @param {Int32Array} table */
export function meanStep(table) {
  return table.reduce((sum, step) => sum + step, 0) / 64;
}

/**
 * Share of the luma blocks with detail and without clipped samples that a save explains.
 *
 * @param {View[]} views
 * @param {Int32Array} table
 * @param {{top: number, left: number}} grid
 * @param {LaterFile | null} later
 * @param {number} allowed
 * @returns {{share: number, counted: number}} 0..1, and the number of these blocks
 */
function agreementOf(views, table, grid, later, allowed) {
  let [agreeing, counted] = [0, 0];
  for (const { luma, clipped, stored } of views) {
    const { shown, detailed } = rounded(framed(luma, grid.top, grid.left), table);
    const again = unframed(shown, grid.top, grid.left);
    const wanted = withoutClipped(clipped, luma, grid, 8, 8);
    for (let at = 0; at < wanted.values.length; at++) {
      wanted.values[at] &= detailed.values[at];
    }
    const { explained } = proveLuma(luma, again, shown, table, grid, later, stored, { allowed, wanted });
    for (let at = 0; at < wanted.values.length; at++) {
      counted += wanted.values[at];
      agreeing += wanted.values[at] & explained.values[at];
    }
  }
  return { share: counted ? agreeing / counted : 0, counted };
}

/**
 * Which whole cells of a frame lie within the picture and hold no clipped sample.
 *
 * @param {Uint8Array} clipped
 * @param {{width: number, height: number}} size of the picture
 * @param {{top: number, left: number}} grid
 * @param {number} high rows of a cell
 * @param {number} wide columns
 * @returns {Marks}
 */
function withoutClipped(clipped, { width, height }, { top, left }, high, wide) {
  const rows = Math.floor((height + top) / high);
  const columns = Math.floor((width + left) / wide);
  const values = new Uint8Array(rows * columns).fill(1);
  for (let row = 0; row < rows && row * high < top; row++) {
    values.fill(0, row * columns, (row + 1) * columns);
  }
  for (let column = 0; column < columns && column * wide < left; column++) {
    for (let at = column; at < values.length; at += columns) {
      values[at] = 0;
    }
  }
  // Cells have sides of 8 or 16 samples.
  const shift = wide === 8 ? 3 : 4;
  for (let y = 0; y < rows * high - top; y++) {
    const row = Math.floor((y + top) / high) * columns;
    for (let at = y * width, x = left, end = columns * wide; x < end; x++, at++) {
      if (clipped[at]) {
        values[row + (x >> shift)] = 0;
      }
    }
  }
  return { rows, columns, values };
}

/**
 * The save with its chroma subsampling and the grid of its chroma, where these can be told.
 *
 * @param {EarlierSave} save
 * @param {View[]} views
 * @param {LaterFile | null} later
 * @returns {EarlierSave}
 */
function withChroma(save, views, later) {
  const planes = views.flatMap(({ seen, clipped }) =>
    seen.planes.slice(1).map((plane) => {
      const chroma = { values: Float32Array.from(plane), width: seen.width, height: seen.height };
      return { chroma, clipped, stored: later?.sampling ? storedChroma(chroma, later) : null };
    }),
  );
  let [best, bestShare] = [save, LEAST_AGREEMENT];
  for (const sampling of SAMPLINGS) {
    if (bestShare > ENOUGH || !canBeUndone(sampling, later)) {
      continue;
    }
    const [rows, columns] = FACTORS[sampling];
    for (let top = save.top; top < save.top + 8 * rows; top += 8) {
      for (let left = save.left; left < save.left + 8 * columns; left += 8) {
        const grid = { table: save.tables[1], sampling, top, left };
        const { share, counted } = agreementOfChroma(planes, grid, later, bestShare);
        if (counted >= LEAST_BLOCKS && share > bestShare) {
          [best, bestShare] = [{ ...save, sampling, top, left }, share];
        }
      }
    }
  }
  return best;
}

/**
 * Share of the blocks of chroma with detail and without clipped samples that a save explains.
 *
 * @param {{chroma: Plane, clipped: Uint8Array, stored: Float32Array | null}[]} planes
 * @param {import("./chroma.js").ChromaGrid} grid
 * @param {LaterFile | null} later
 * @param {number} least the rest is not looked at once it is certain that the share is no larger
 * @returns {{share: number, counted: number}} 0..1, and the number of these blocks
 */
function agreementOfChroma(planes, grid, later, least) {
  const [rows, columns] = FACTORS[grid.sampling];
  const cells = planes.map(({ chroma, clipped }) => withoutClipped(clipped, chroma, grid, 8 * rows, 8 * columns));
  let remaining = cells.reduce((sum, { values }) => sum + values.length, 0);
  let [agreeing, counted] = [0, 0];
  for (const [index, { chroma, stored }] of planes.entries()) {
    if (agreeing + remaining <= least * (counted + remaining)) {
      return { share: 0, counted };
    }
    const shown = showChroma(chroma, grid, later);
    const again = unframed(shown.full, grid.top, grid.left);
    const { explained, detailed } = proveChroma(shown, again, chroma, grid, later, stored);
    const clear = cells[index];
    remaining -= clear.values.length;
    for (let row = 0; row < clear.rows; row++) {
      for (let column = 0; column < clear.columns; column++) {
        const at = row * detailed.columns + column;
        if (clear.values[row * clear.columns + column] && detailed.values[at]) {
          counted++;
          agreeing += explained.values[at];
        }
      }
    }
  }
  return { share: counted ? agreeing / counted : 0, counted };
}
