/** The intervals that a file states for the coefficients of its coded units, and the nearest units that lie in them. */

import { forwardDct } from "./dct.js";
import { inverseOrthonormalDct, orthonormalDct } from "./float_dct.js";

/** @typedef {import("./coded_units.js").CodedUnit} CodedUnit */

/**
 * Least distance of a projected coefficient from the ends of its interval, in units of the orthonormal DCT of samples
 * 0..255, where the interval is long enough.
 */
const MARGIN = 2;
// A margin takes no more of an interval than leaves this share.
const LEAST_SHARE = 0.3;
// Of the 64 steps of a luma table. That of quality 98 has 23 of them, that of 99 has 42.
const MOST_STEPS_OF_ONE = 40;
// The DCT of a block in which every sample is 128 has this as its mean, and nothing else.
const GRAY = 1024;

/** Intervals of the coefficients of one unit after the other. */
export class UnitIntervals {
  /**
   * @param {import("./file_blocks.js").FileBlocks} blocks
   * @param {import("./coded_units.js").UnitKind} kind of the units
   */
  constructor(blocks, kind) {
    this.blocks = blocks;
    this.kind = kind;
    this.tables = blocks.tables.map((table) => Float64Array.from(table));
    /** Half the length of what coefficients are projected onto, of each plane. */
    this.halves = this.tables.map((table) => {
      return table.map((step) => Math.max(step / 2 - MARGIN, (LEAST_SHARE / 2) * step));
    });
    /** The middles of the intervals of luma blocks, and of chroma, in the DCT of samples 0..255. */
    this.luma = new Float64Array(kind.size);
    this.chroma = blocks.chroma ? [new Float64Array(64), new Float64Array(64)] : [];
    /** How many coefficients of each block are not those of the file. */
    this.missedLuma = new Int32Array(kind.blocks);
    this.missedChroma = new Int32Array(2);
    this.isLumaWrong = false;
    this.isChromaWrong = false;
  }

  /** Whether intervals are long enough for samples of 8 bits to be chosen so that all coefficients are inside. */
  get hasRoom() {
    return this.tables[0].reduce((count, step) => count + (step <= 1 ? 1 : 0), 0) <= MOST_STEPS_OF_ONE;
  }

  #floats = new Float64Array(64);
  #integers = new Int32Array(64);

  #place = [0, 0];

  /**
   * Go to a unit.
   *
   * @param {number} row of units in the picture
   * @param {number} column
   */
  goTo(row, column) {
    this.#place[0] = row;
    this.#place[1] = column;
    const { kind, blocks, tables } = this;
    const { luma, chroma } = blocks;
    for (let block = 0; block < kind.blocks; block++) {
      if (!kind.border || kind.border.exists[block]) {
        const down = row * kind.rows + Math.floor(block / kind.columns);
        const across = column * kind.columns + (block % kind.columns);
        readMiddles(luma.values, (down * luma.columns + across) * 64, tables[0], this.luma, block * 64);
      }
    }
    for (let plane = 0; chroma && plane < 2; plane++) {
      const { values, columns } = chroma[plane];
      readMiddles(values, (row * columns + column) * 64, tables[plane + 1], this.chroma[plane], 0);
    }
  }

  /** Take the intervals of the file again, after {@link leaveWithoutColor}. */
  goBack() {
    this.goTo(this.#place[0], this.#place[1]);
  }

  /**
   * Let a unit that holds no color be held to none.
   *
   * @param {CodedUnit} unit
   * @returns {boolean} whether its file says something else
   */
  leaveWithoutColor({ planes }) {
    for (let number = 0; number < this.chroma.length; number++) {
      const plane = planes[number + 1];
      for (let pixel = 0; pixel < plane.length; pixel++) {
        if (plane[pixel] !== 128) {
          return false;
        }
      }
    }
    let isOther = false;
    for (const middles of this.chroma) {
      for (let at = 0; at < 64; at++) {
        const gray = at ? 0 : GRAY;
        isOther ||= middles[at] !== gray;
        middles[at] = gray;
      }
    }
    return isOther;
  }

  /**
   * Move a unit onto its intervals: orthogonally, chroma through the downsampling of an encoder.
   *
   * @param {CodedUnit} unit
   */
  project({ planes }) {
    const { kind, halves } = this;
    const { sampleOf, size } = kind;
    const block = this.#floats;
    const luma = planes[0];
    for (let start = 0, number = 0; start < size; start += 64, number++) {
      if (kind.border && !kind.border.exists[number]) {
        continue;
      }
      for (let at = 0; at < 64; at++) {
        block[at] = luma[start + at];
      }
      if (toWayBack(block, this.luma, start, halves[0])) {
        for (let at = 0; at < 64; at++) {
          luma[start + at] -= block[at];
        }
      }
    }
    for (let number = 0; number < this.chroma.length; number++) {
      const plane = planes[number + 1];
      block.fill(0);
      for (let pixel = 0; pixel < size; pixel++) {
        block[sampleOf[pixel]] += plane[pixel];
      }
      for (let at = 0; at < 64; at++) {
        block[at] /= kind.blocks;
      }
      if (toWayBack(block, this.chroma[number], 0, halves[number + 1])) {
        for (let pixel = 0; pixel < size; pixel++) {
          plane[pixel] -= block[sampleOf[pixel]];
        }
      }
    }
  }

  /**
   * Count the coefficients that are not encoded to those of the file.
   *
   * @param {CodedUnit} unit as an encoder sees it
   */
  compare({ seen }) {
    const { kind, tables } = this;
    const block = this.#integers;
    this.isLumaWrong = false;
    for (let number = 0; number < kind.blocks; number++) {
      if (kind.border && !kind.border.exists[number]) {
        continue;
      }
      const start = number * 64;
      for (let at = 0; at < 64; at++) {
        block[at] = seen[0][start + at] - 128;
      }
      this.missedLuma[number] = countMissed(block, this.luma, start, tables[0]);
      this.isLumaWrong ||= this.missedLuma[number] > 0;
    }
    this.isChromaWrong = false;
    for (let number = 0; number < this.chroma.length; number++) {
      sumSamples(seen[number + 1], kind, block);
      for (let at = 0; at < 64; at++) {
        block[at] = (block[at] >> kind.shift) - 128;
      }
      this.missedChroma[number] = countMissed(block, this.chroma[number], 0, tables[number + 1]);
      this.isChromaWrong ||= this.missedChroma[number] > 0;
    }
  }

  /** Whether any coefficient that was compared is wrong. */
  get isWrong() {
    return this.isLumaWrong || this.isChromaWrong;
  }
}

/**
 * The sums of which an encoder takes the means that it stores, with what it adds before.
 *
 * @param {Int32Array} seen a plane of chroma of a unit
 * @param {import("./coded_units.js").UnitKind} kind
 * @param {Int32Array} sums 64, changed
 */
export function sumSamples(seen, { sampleOf, bias, size }, sums) {
  sums.set(bias);
  for (let pixel = 0; pixel < size; pixel++) {
    sums[sampleOf[pixel]] += seen[pixel];
  }
}

/**
 * @param {Int16Array} values
 * @param {number} from
 * @param {Float64Array} table
 * @param {Float64Array} middles changed
 * @param {number} to
 */
function readMiddles(values, from, table, middles, to) {
  for (let at = 0; at < 64; at++) {
    middles[to + at] = values[from + at] * table[at];
  }
  middles[to] += GRAY;
}

/**
 * What has to be subtracted from samples, so that their coefficients lie in their intervals; in place.
 *
 * @param {Float64Array} block 64 samples, 0..255
 * @param {Float64Array} middles
 * @param {number} start of those of the block
 * @param {Float64Array} half
 * @returns {boolean} whether there is anything to subtract; otherwise the block is undefined
 */
function toWayBack(block, middles, start, half) {
  orthonormalDct(block);
  let isBeyond = false;
  for (let at = 0; at < 64; at++) {
    const offset = block[at] - middles[start + at];
    const reach = half[at];
    if (offset > reach) {
      block[at] = offset - reach;
      isBeyond = true;
    } else if (offset < -reach) {
      block[at] = offset + reach;
      isBeyond = true;
    } else {
      block[at] = 0;
    }
  }
  if (isBeyond) {
    inverseOrthonormalDct(block);
  }
  return isBeyond;
}

/**
 * How many coefficients of a block, as an encoder rounds them, are not the middles of their intervals.
 *
 * @param {Int32Array} block 64 level-shifted samples, changed
 * @param {Float64Array} middles
 * @param {number} start of those of the block
 * @param {Float64Array} table
 */
function countMissed(block, middles, start, table) {
  forwardDct(block);
  let missed = 0;
  for (let at = 0; at < 64; at++) {
    const goal = middles[start + at] - (at ? 0 : GRAY);
    // Halves are rounded away from zero, so of the two ends of an interval, the one nearer to zero belongs to it, and the
    // other does not. Between integers, that is an interval half a unit nearer to zero without both ends.
    const center = 8 * goal - (goal > 0 ? 0.5 : goal < 0 ? -0.5 : 0);
    missed += Math.abs(block[at] - center) >= 4 * table[at] ? 1 : 0;
  }
  return missed;
}
