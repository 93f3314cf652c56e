/**
 * The proof that blocks of an earlier save were found.
 *
 * No block is taken on trust. It counts as explained if its samples, as the earlier file shows them, can become what is
 * seen: for a JPEG file if they lie within half a step of its coefficients, for other pictures if they equal its samples,
 * both up to the rounding of colors in between.
 */

/** @typedef {import("./blocks.js").Plane} Plane */
/** @typedef {import("./blocks.js").Marks} Marks */

/**
 * The whole blocks of a plane, and which of them lie within the picture.
 *
 * @typedef {object} KnownBlocks
 * @property {number} rows
 * @property {number} columns
 * @property {number} top the first row of blocks that lies within the picture
 * @property {number} left
 * @property {number} bottom the row behind the last
 * @property {number} right
 */

// A block is explained if it is at most this far from anything that can have become what is seen, RMS in gray levels.
// Rounding to 8 bits and the conversion of color in between move it by less than the first; the second is for clipped
// colors, where the steps are so long that a wrong integer would move it farther still.
const NEAR = 0.3;
const FAR = 1;
const LEAST_FAR = 1.5;
// A distance that is nearer to a limit has to be computed in all digits.
const DOUBT = 1e-4;
const f = Math.fround;

/**
 * What is said of blocks.
 *
 * @typedef {object} Proof
 * @property {Marks} explained which blocks are explained
 * @property {Marks} other which are something else
 * @property {Marks} close of which the last digits of `beyond` decide
 */

/**
 * How far a block may be from anything that can have become what is seen, RMS in gray levels.
 *
 * @param {Int32Array} table of the earlier save
 * @param {Int32Array | null} later that of the file that is seen; `null` for pictures that are no JPEG files
 */
export function tolerance(table, later) {
  return Math.min(Math.max((lowSteps(table) - 2 * (later ? lowSteps(later) : 0)) / 16, NEAR), FAR);
}

/**
 * How far from what is seen a block of another picture is at least, RMS in gray levels.
 *
 * Rounding such a block to the steps of the earlier save moves it by the steps over the root of 12, of which the
 * intervals of a later file may excuse some. A wrong integer moves a block by an eighth of a step.
 *
 * @param {Int32Array} table of the earlier save
 */
export function farDistance(table) {
  return Math.max(LEAST_FAR, lowSteps(table) / 8);
}

/**
 * The mean step of the lowest frequencies, in which wrong integers are frequent.
 *
 * @param {Int32Array} table
 */
function lowSteps(table) {
  return f((table[1] + table[2] + table[8] + table[9] + table[10]) / 5);
}

/**
 * Which blocks can have become what is seen.
 *
 * @param {Plane} beyond what blocks, as the earlier file would show them, have beyond anything that can have become
 *   what is seen
 * @param {number} top rows by which the grid of these blocks starts before `beyond`
 * @param {number} left columns
 * @param {KnownBlocks} known
 * @param {number} allowed from {@link tolerance}
 * @param {number} [far] RMS in gray levels from which on a block is no block of the earlier file with a wrong integer,
 *   but something else
 * @returns {Proof}
 */
export function prove({ values, width }, top, left, known, allowed, far = Number.POSITIVE_INFINITY) {
  const { rows, columns } = known;
  const explained = { rows, columns, values: new Uint8Array(rows * columns) };
  const other = { rows, columns, values: new Uint8Array(rows * columns) };
  const close = { rows, columns, values: new Uint8Array(rows * columns) };
  const [near, distant] = [f(allowed), f(far)];
  for (let row = known.top; row < known.bottom; row++) {
    for (let column = known.left; column < known.right; column++) {
      const start = (row * 8 - top) * width + column * 8 - left;
      let sum = 0;
      for (let y = 0; y < 8; y++) {
        for (let at = start + y * width, end = at + 8; at < end; at++) {
          sum += values[at] * values[at];
        }
      }
      const distance = f(Math.sqrt(f(sum / 64)));
      if (distance <= near) {
        explained.values[row * columns + column] = 1;
      }
      if (distance > distant) {
        other.values[row * columns + column] = 1;
      }
      if (Math.abs(distance - near) < DOUBT || Math.abs(distance - distant) < DOUBT) {
        close.values[row * columns + column] = 1;
      }
    }
  }
  return { explained, other, close };
}

/**
 * Which blocks of the file that is seen lie under some blocks of an earlier save.
 *
 * @param {Marks} marks of the earlier save
 * @param {number} value which of the blocks are meant
 * @param {{top: number, left: number}} grid rows and columns by which that of `marks` starts before the picture
 * @param {[number, number]} cell rows and columns of the picture that a block of `marks` covers
 * @param {[number, number]} block those that a block of the file covers
 * @param {{rows: number, columns: number}} size of the result
 * @returns {Uint8Array} 1 for these
 */
export function blocksUnder(marks, value, { top, left }, cell, block, { rows, columns }) {
  const found = new Uint8Array(rows * columns);
  for (let index = 0; index < marks.values.length; index++) {
    if (marks.values[index] !== value) {
      continue;
    }
    const above = Math.floor(index / marks.columns) * cell[0] - top;
    const before = (index % marks.columns) * cell[1] - left;
    const bottom = Math.min(Math.floor((above + cell[0] - 1) / block[0]) + 1, rows);
    const right = Math.min(Math.floor((before + cell[1] - 1) / block[1]) + 1, columns);
    const first = Math.max(Math.floor(before / block[1]), 0);
    for (let row = Math.max(Math.floor(above / block[0]), 0); row < bottom && first < right; row++) {
      found.fill(1, row * columns + first, row * columns + right);
    }
  }
  return found;
}
