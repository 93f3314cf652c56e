/**
 * Finds the table and the grid of an earlier save by the steps at which DCT coefficients cluster.
 *
 * A picture that was once saved as JPEG shows, on the grid of that save, coefficients near multiples of the steps of its
 * table. A later save and the rounding to 8 bits only widen these clusters. Every grid and every table is scored by its
 * log-likelihood ratio: how much better its clusters explain the coefficients than a smooth density does (Fan and de
 * Queiroz, 2003; Bianchi and Piva, 2012, for grids that do not coincide).
 *
 * The other 63 grids of the same picture are the null model. Texture, flat areas and graphics make clusters on all of
 * them, an earlier save only on its own.
 */

import { quantizationTables } from "../jpeg/tables.js";
import { BINS, FREQUENCIES, sampleBlocks } from "./block_sample.js";
import { addEvidenceOnGrid, LARGEST_STEP, Likelihood } from "./cluster_evidence.js";

/** @typedef {import("./block_sample.js").LumaPart} LumaPart */

// Steps found one by one fit chance better than a table of libjpeg does, so they need this much more evidence, in nats.
const CUSTOM_EVIDENCE = 1000;
const LEAST_SIDE = 15;
const ENTRIES = FREQUENCIES.map(([v, u]) => v * 8 + u);

/**
 * A table and a grid at which coefficients cluster.
 *
 * @typedef {object} Lattice
 * @property {number} rows number of the first row, 0..7, at which a block of the grid starts
 * @property {number} columns number of the first such column
 * @property {Int32Array} table 64 steps of luma
 * @property {number | null} quality libjpeg's quality with that table; `null` if the steps were found one by one
 * @property {number} evidence log-likelihood ratio over a sample of the blocks, in nats
 * @property {number} chance the largest such ratio on any other grid, at least 0
 */

/**
 * The grids and tables at which coefficients of luma cluster best.
 *
 * @param {LumaPart[]} windows of a picture, straight from the decoder for JPEG files; each starts at a multiple of 8
 *   rows and columns
 * @param {Int32Array | null} table the luma table of the JPEG file that the picture comes from, whose grid starts at the
 *   corner; `null` for pictures that are no JPEG files
 * @param {number} [count] how many candidates to return at most, each on another grid
 * @returns {Lattice[]} candidates with positive evidence, best first; none for parts smaller than 15 pixels
 */
export function findLattices(windows, table, count = 3) {
  const parts = windows.filter(({ width, height }) => Math.min(width, height) >= LEAST_SIDE);
  if (!parts.length) {
    return [];
  }
  // 1. The evidence for each step, on each grid, for each frequency.
  const evidence = collectEvidence(parts, table);
  // 2. Whole tables: libjpeg's at each quality, or the best step at each frequency.
  const tables = Array.from({ length: 100 }, (_, index) => quantizationTables(index + 1)[0]);
  const grids = Array.from({ length: 64 }, (_, grid) => bestTable(grid, evidence, tables));
  const found = [];
  for (const best of grids.toSorted((a, b) => b.score - a.score).slice(0, count)) {
    if (best.score <= 0) {
      break;
    }
    const chance = grids.reduce(
      (largest, { grid, score }) => (grid === best.grid ? largest : Math.max(largest, score)),
      0,
    );
    found.push({
      rows: best.grid >> 3,
      columns: best.grid & 7,
      table: best.custom ? completedTable(best.own, best.steps, tables) : tables[best.quality - 1],
      quality: best.custom ? null : best.quality,
      evidence: best.score,
      chance,
    });
  }
  return found;
}

/**
 * @param {LumaPart[]} parts
 * @param {Int32Array | null} table
 * @returns {Float64Array} grid (64), frequency, step
 */
function collectEvidence(parts, table) {
  const { histograms, onGrid } = sampleBlocks(parts);
  const evidence = new Float64Array(64 * FREQUENCIES.length * LARGEST_STEP);
  /** @type {Map<number, Likelihood>} */
  const likelihoods = new Map();
  for (let k = 0; k < FREQUENCIES.length; k++) {
    const later = table ? table[ENTRIES[k]] : 0;
    const likelihood = likelihoods.get(later) ?? new Likelihood(later);
    likelihoods.set(later, likelihood);
    for (let grid = 0; grid < 64; grid++) {
      const number = grid * FREQUENCIES.length + k;
      const ofSteps = evidence.subarray(number * LARGEST_STEP, (number + 1) * LARGEST_STEP);
      if (later && !grid) {
        addEvidenceOnGrid(onGrid[k], later, ofSteps);
      } else {
        likelihood.add(histograms.subarray(number * BINS, (number + 1) * BINS), ofSteps);
      }
    }
  }
  return evidence;
}

/**
 * The best table of a grid, of libjpeg or with steps of its own.
 *
 * @param {number} grid
 * @param {Float64Array} evidence from {@link collectEvidence}
 * @param {Int32Array[]} tables of libjpeg
 */
function bestTable(grid, evidence, tables) {
  const starts = FREQUENCIES.map((_, k) => (grid * FREQUENCIES.length + k) * LARGEST_STEP);
  let [quality, best] = [1, Number.NEGATIVE_INFINITY];
  for (let number = 1; number <= tables.length; number++) {
    const total = starts.reduce((sum, start, k) => sum + evidence[start + tables[number - 1][ENTRIES[k]] - 1], 0);
    if (total > best) {
      [quality, best] = [number, total];
    }
  }
  const own = new Float64Array(FREQUENCIES.length).fill(Number.NEGATIVE_INFINITY);
  const steps = new Int32Array(FREQUENCIES.length);
  let ownTotal = 0;
  for (let k = 0; k < FREQUENCIES.length; k++) {
    for (let step = 1; step <= LARGEST_STEP; step++) {
      const value = evidence[starts[k] + step - 1];
      if (value > own[k]) {
        [own[k], steps[k]] = [value, step];
      }
    }
    // Choosing a step among 255 costs as much evidence as chance alone would give.
    ownTotal += Math.max(own[k] - Math.log(LARGEST_STEP), 0);
  }
  const custom = ownTotal > 1.25 * best + CUSTOM_EVIDENCE;
  return { grid, quality, own, steps, custom, score: custom ? ownTotal : best };
}

/**
 * A whole table from the steps found at some frequencies: the others from the libjpeg table that lies nearest.
 *
 * @param {Float64Array} evidence for the steps
 * @param {Int32Array} steps at each frequency
 * @param {Int32Array[]} tables of libjpeg
 */
function completedTable(evidence, steps, tables) {
  const sure = FREQUENCIES.map((_, k) => k).filter((k) => evidence[k] > 2 * Math.log(LARGEST_STEP));
  if (!sure.length) {
    return tables[49];
  }
  let [nearest, least] = [tables[0], Number.POSITIVE_INFINITY];
  for (const table of tables) {
    const distance = sure.reduce((sum, k) => sum + Math.abs(Math.log(table[ENTRIES[k]] / steps[k])), 0);
    if (distance < least) {
      [nearest, least] = [table, distance];
    }
  }
  const whole = nearest.slice();
  for (const k of sure) {
    whole[ENTRIES[k]] = steps[k];
  }
  return whole;
}
