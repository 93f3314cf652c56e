/**
 * Finds the parts of a picture that hold no color, so that a restoration leaves them without.
 *
 * A network gives every pixel a faint tint. A photograph hides it, but beside black and white it shows. A block is left
 * neutral only if its neighbors are neutral, too: JPEG can erase faint colors at the rim of something colored.
 */

/** Side of a block in samples: that of one block of halved chroma. */
export const BLOCK = 16;
const NEUTRAL = 128;

/**
 * A number for each block of a picture.
 *
 * @template {Uint8Array | Float32Array} T
 * @typedef {object} Blocks
 * @property {number} rows
 * @property {number} columns
 * @property {T} values row by row
 */

/**
 * Which blocks of 16x16 samples hold any color. A single sample suffices.
 *
 * @param {Uint8Array[]} samples Y, Cb, Cr, or RGB
 * @param {number} width
 * @param {number} height
 * @param {{rgb?: boolean}} [options] whether they are RGB
 * @returns {Blocks<Uint8Array>} 1 where there is color; the last blocks may be cut by the border
 */
export function coloredBlocks(samples, width, height, { rgb = false } = {}) {
  const rows = Math.ceil(height / BLOCK);
  const columns = Math.ceil(width / BLOCK);
  const values = new Uint8Array(rows * columns);
  const [first, second, third] = samples;
  for (let y = 0; y < height; y++) {
    const start = Math.floor(y / BLOCK) * columns;
    for (let x = 0, at = y * width; x < width; x++, at++) {
      const neutral = rgb ? first[at] : NEUTRAL;
      if (second[at] !== neutral || third[at] !== neutral) {
        values[start + (x >> 4)] = 1;
      }
    }
  }
  return { rows, columns, values };
}

/**
 * Which blocks are neutral and have neutral neighbors, all eight of them; beyond the border there is no color.
 *
 * @param {Blocks<Uint8Array>} colored from {@link coloredBlocks}
 * @returns {Blocks<Uint8Array> | null} 1 for such blocks; `null` if there are none
 */
export function neutralBlocks({ rows, columns, values }) {
  const neutral = new Uint8Array(values.length).fill(1);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      if (!values[row * columns + column]) {
        continue;
      }
      for (let y = Math.max(row - 1, 0); y < Math.min(row + 2, rows); y++) {
        neutral.fill(0, y * columns + Math.max(column - 1, 0), y * columns + Math.min(column + 2, columns));
      }
    }
  }
  return neutral.includes(1) ? { rows, columns, values: neutral } : null;
}

/**
 * Set chroma to exactly 128 in neutral blocks.
 *
 * @param {Float32Array[]} restored Y, Cb, Cr of some rows of a picture; changed
 * @param {Blocks<Uint8Array>} neutral from {@link neutralBlocks}, of the whole picture
 * @param {number} width
 * @param {number} top the first row, a multiple of 16
 */
export function leaveNeutral(restored, neutral, width, top) {
  for (const plane of restored.slice(1)) {
    for (let start = 0, y = top; start < plane.length; start += width, y++) {
      const row = Math.floor(y / BLOCK) * neutral.columns;
      for (let column = 0; column < neutral.columns; column++) {
        if (!neutral.values[row + column]) {
          continue;
        }
        plane.fill(NEUTRAL, start + column * BLOCK, start + Math.min((column + 1) * BLOCK, width));
      }
    }
  }
}
