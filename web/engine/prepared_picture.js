/**
 * A picture as a restoration gets it: as its file shows it, or as an earlier save did.
 *
 * Where a later save is undone, everything happens on a frame that starts at a corner of the grid of the earlier save:
 * the picture with some rows above and some columns before it, which are cut off in the end.
 */

import { ycbcrToRgb } from "./color.js";
import { flatChroma } from "./flat_chroma.js";
import { framed } from "./history/blocks.js";
import { undoSave } from "./history/undo.js";
import { quantizationTables } from "./jpeg/tables.js";
import { coloredBlocks, neutralBlocks } from "./neutral.js";
import { integersAt, laterFile } from "./picture_history.js";
import { untouchedBlocks } from "./untouched.js";

/** @typedef {import("./history/blocks.js").Marks} Marks */
/** @typedef {import("./history/record.js").History} History */
/** @typedef {import("./history/chroma.js").LaterFile} LaterFile */
/** @typedef {import("./picture.js").PictureParts} PictureParts */
/** @typedef {import("./untouched.js").Weights} Weights */

// Blocks in which at least this share of the colors is clipped are no sign of something drawn.
const CLIPPED_SHARE = 0.5;
// Blocks of 3 x 3 that are drawn, where something is.
const FEW = 4;

/**
 * What is known about a picture besides its parts; see {@link PreparedPicture}.
 *
 * @typedef {object} Preparation
 * @property {Uint8Array[] | null} [planes]
 * @property {Marks | null} [held]
 * @property {Marks | null} [foreign]
 * @property {Int32Array[] | null} [ownTables]
 * @property {number} [top]
 * @property {number} [left]
 * @property {number} [enlargement]
 * @property {boolean} [isTold]
 * @property {boolean} [isResized]
 */

/** The planes that a network restores, and what is known about them. */
export class PreparedPicture {
  /**
   * @param {PictureParts} parts the picture as it is seen, on the frame; `tables` and `gridTable` are those that the
   *   network gets and the result is held to
   * @param {Preparation} [known]
   */
  constructor(parts, known = {}) {
    this.parts = parts;
    /** The planes of an earlier save on the frame; `null`: those of `parts`. */
    this.planes = known.planes ?? null;
    /** The whole blocks that are known to be those of that save; `null`: all. */
    this.held = known.held ?? null;
    /** The whole blocks of what was drawn or pasted after that save; `null`: none. */
    this.foreign = known.foreign ?? null;
    /**
     * The tables of the file itself, with which the network gets foreign blocks; the result is held to its own file with
     * them, too. `null`: it has none.
     */
    this.ownTables = known.ownTables ?? null;
    /** Rows above the picture. */
    this.top = known.top ?? 0;
    /** Columns before it. */
    this.left = known.left ?? 0;
    /** Whole factor by which the result is enlarged. */
    this.enlargement = known.enlargement ?? 1;
    /** Whether the user or the history says that the picture was compressed more than its file says. */
    this.isTold = known.isTold ?? false;
    /** Whether the picture was saved before, and resized then. */
    this.isResized = known.isResized ?? false;
  }

  /**
   * The luma table of the JPEG file itself, if its grid is that of the frame: foreign blocks are held to it.
   *
   * @returns {Int32Array | null}
   */
  get ownGridTable() {
    return this.ownTables && !(this.top % 8) && !(this.left % 8) ? this.ownTables[0] : null;
  }

  /**
   * Whether {@link untouchedBlocks} speaks of luma alone: chroma of most JPEG files is stored at half the size.
   *
   * @returns {boolean}
   */
  get leavesLumaAlone() {
    const { samples, sampling, tables } = this.parts;
    return !this.planes && tables !== null && samples.length === 3 && sampling !== "4:4:4";
  }

  /**
   * Which blocks of 16x16 samples of a frame of three planes hold no color, see `neutral.js`.
   *
   * @returns {Marks | null}
   */
  neutralBlocks() {
    const { samples, width, height, rgb } = this.parts;
    if (!this.planes) {
      return neutralBlocks(coloredBlocks(samples, width, height, { rgb }));
    }
    const colored = coloredBlocks(this.planes, width, height);
    if (this.foreign) {
      // What was drawn after the earlier save is restored from what is seen, so its color counts.
      const seen = coloredBlocks(samples, width, height, { rgb }).values;
      for (let at = 0; at < seen.length; at++) {
        colored.values[at] |= seen[at];
      }
    }
    return neutralBlocks(colored);
  }

  /**
   * How much of every block of 8x8 samples is left as it is, see `untouched.js`.
   *
   * @returns {Weights | null}
   */
  untouchedBlocks() {
    const { samples, width, height, tables, gridTable } = this.parts;
    if (this.isTold) {
      return null;
    }
    if (!this.planes) {
      // Luma that is stored at less than full size.
      if (!gridTable !== !tables) {
        return null;
      }
      const planes = gridTable && this.leavesLumaAlone ? samples.slice(0, 1) : samples;
      return untouchedBlocks(planes, width, height, gridTable, { asAWhole: !this.isResized });
    }
    // Around a picture that was saved before, in a window for instance, is what was drawn by a program.
    if (this.ownTables) {
      return null;
    }
    const weights = untouchedBlocks(samples, width, height, null, { asAWhole: false });
    if (!weights || !this.held) {
      return weights;
    }
    const { rows, columns, values } = this.held;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        if (values[row * columns + column]) {
          weights.values[row * weights.columns + column] = 0;
        }
      }
    }
    return weights;
  }

  /**
   * Colors of flat blocks of a JPEG file with halved chroma, whose luma is left as it is; see `flat_chroma.js`.
   *
   * @param {Weights} weights from {@link PreparedPicture#untouchedBlocks}
   */
  flatChroma(weights) {
    const { samples, width, height, sampling, tables } = this.parts;
    if (!this.leavesLumaAlone || !tables || tables[1].some((step, at) => step !== tables[2][at])) {
      return null;
    }
    if (sampling !== "4:2:0" && sampling !== "4:2:2") {
      return null;
    }
    return flatChroma(samples, width, height, tables, sampling, weights);
  }

  /**
   * Planes of the frame, cut and enlarged to the picture.
   *
   * @param {Uint8Array[]} planes
   * @returns {Uint8Array[]}
   */
  ontoPicture(planes) {
    const { width, height } = this.parts;
    const factor = this.enlargement;
    if (!this.top && !this.left && factor === 1) {
      return planes;
    }
    const wide = (width - this.left) * factor;
    const high = (height - this.top) * factor;
    return planes.map((plane) => {
      const picture = new Uint8Array(wide * high);
      for (let y = 0, to = 0; y < high; y++) {
        const start = (this.top + Math.floor(y / factor)) * width + this.left;
        for (let x = 0; x < wide; x++, to++) {
          picture[to] = plane[start + Math.floor(x / factor)];
        }
      }
      return picture;
    });
  }
}

/**
 * The planes that are restored, and the tables that the network gets and the result is held to.
 *
 * @param {PictureParts} parts
 * @param {History} history what the picture went through; later saves are undone
 * @param {number | null} quality as the user gave it, 1..100: used where no save was found
 * @param {{looksBack: boolean}} options whether a file of higher quality than the given one is taken for a later save, to
 *   which the result is not held
 * @returns {PreparedPicture}
 * @throws {RangeError} if the history is of another picture
 */
export function prepare(parts, history, quality, { looksBack }) {
  if (history.saves.length) {
    return undoSaves(parts, history);
  }
  const told = quality ?? history.contradictedQuality;
  if (told === null) {
    return new PreparedPicture(parts, { ownTables: parts.tables, isResized: history.resized !== null });
  }
  const isHeld = !looksBack || (parts.quality !== null && told >= parts.quality);
  const [luma, chroma] = quantizationTables(told);
  const tables = [luma, chroma, chroma].slice(0, parts.samples.length);
  const seen = { ...parts, tables, gridTable: isHeld ? parts.gridTable : null };
  const isTold = parts.quality === null || told < parts.quality;
  return new PreparedPicture(seen, { ownTables: parts.tables, isTold });
}

/**
 * @param {PictureParts} parts
 * @param {History} history
 */
function undoSaves(parts, history) {
  checkFits(parts, history);
  const { enlargement } = history;
  /** @type {LaterFile | null} */
  let later = laterFile(parts);
  let [top, left] = [0, 0];
  const [width, height] = [parts.width / enlargement, parts.height / enlargement];
  const samples = parts.samples.map((plane) => reducedPlane(plane, parts.width, width, height, enlargement));
  let seen = { ...parts, samples, width, height };
  let picture = integersAt(seen, [0, height], [0, width]);
  let [held, other] = [NO_BLOCKS, NO_BLOCKS];
  for (const save of history.saves) {
    const undone = undoSave(picture, save, later);
    picture = undone;
    held = undone.explained;
    other = undone.other;
    later = { tables: save.tables, sampling: save.sampling };
    top += save.top;
    left += save.left;
  }
  const tables = history.saves[history.saves.length - 1].tables;
  seen = {
    ...seen,
    samples: samples.map((values) => framed({ values, width, height }, top, left).values),
    width: width + left,
    height: height + top,
    tables,
    gridTable: tables[0],
  };
  const foreign = findForeign(held, other, picture);
  return new PreparedPicture(seen, {
    planes: picture.planes,
    held,
    foreign,
    ownTables: parts.tables,
    top,
    left,
    enlargement,
  });
}

/** @type {Marks} */
const NO_BLOCKS = { rows: 0, columns: 0, values: new Uint8Array(0) };

/**
 * @param {PictureParts} parts
 * @param {History} history
 */
function checkFits({ samples, width, height, tables }, { saves, enlargement }) {
  const isOfOther = saves.some((save) => save.tables.length !== samples.length);
  if (isOfOther || height % enlargement || width % enlargement || (enlargement > 1 && tables)) {
    throw new RangeError(
      `history is of another picture: this one has ${samples.length} planes and ${width}x${height} pixels; ` +
        "pass what historyOf gave for it",
    );
  }
}

/**
 * One of so many samples along each axis.
 *
 * @param {Uint8Array} plane
 * @param {number} stride of the plane
 * @param {number} width of the result
 * @param {number} height
 * @param {number} step
 */
function reducedPlane(plane, stride, width, height, step) {
  if (step === 1) {
    return plane;
  }
  const reduced = new Uint8Array(width * height);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to++) {
      reduced[to] = plane[(y * stride + x) * step];
    }
  }
  return reduced;
}

/**
 * Blocks that were drawn or pasted after an earlier save, with what is around them and not explained.
 *
 * @param {Marks} explained from `undoSave`
 * @param {Marks} other
 * @param {import("./history/undo.js").Planes} picture of the frame
 * @returns {Marks | null} `null` if there are no such blocks
 */
function findForeign(explained, other, picture) {
  const { rows, columns } = explained;
  if (!other.values.includes(1)) {
    return null;
  }
  // Colors that RGB cannot hold were clipped, which moves blocks of the earlier file far, too.
  const core = { ...other, values: picture.planes.length === 3 ? withoutClipped(other, picture) : other.values };
  // Single blocks are something else by chance; what is drawn covers some beside each other.
  const grouped = new Uint8Array(rows * columns);
  for (let at = 0; at < grouped.length; at++) {
    grouped[at] = core.values[at] && countAround(core, at) >= FEW ? 1 : 0;
  }
  const foreign = { rows, columns, values: new Uint8Array(rows * columns) };
  for (let at = 0; at < grouped.length; at++) {
    foreign.values[at] = !explained.values[at] && countAround({ ...core, values: grouped }, at) ? 1 : 0;
  }
  return foreign.values.includes(1) ? foreign : null;
}

/**
 * Blocks without those in which too many colors are clipped.
 *
 * @param {Marks} blocks
 * @param {import("./history/undo.js").Planes} picture
 */
function withoutClipped({ columns, values }, { planes, width }) {
  const block = planes.map(() => new Uint8Array(64));
  return values.map((isOther, index) => {
    if (!isOther) {
      return 0;
    }
    for (let y = 0; y < 8; y++) {
      const start = (Math.floor(index / columns) * 8 + y) * width + (index % columns) * 8;
      for (const [plane, part] of block.entries()) {
        part.set(planes[plane].subarray(start, start + 8), y * 8);
      }
    }
    const colors = ycbcrToRgb(block);
    let clipped = 0;
    for (let at = 0; at < 64; at++) {
      const ends = colors.filter((color) => color[at] === 0 || color[at] === 255).length;
      // Black and white are no colors that RGB cannot hold.
      if (ends > 0 && ends < 3) {
        clipped++;
      }
    }
    return clipped < CLIPPED_SHARE * 64 ? 1 : 0;
  });
}

/**
 * How many of a block and its eight neighbors are marked.
 *
 * @param {Marks} blocks
 * @param {number} at
 */
function countAround({ rows, columns, values }, at) {
  const [row, column] = [Math.floor(at / columns), at % columns];
  let count = 0;
  for (let y = Math.max(row - 1, 0); y < Math.min(row + 2, rows); y++) {
    for (let x = Math.max(column - 1, 0); x < Math.min(column + 2, columns); x++) {
      count += values[y * columns + x];
    }
  }
  return count;
}
