/** The planes of a file at the size at which they are stored. */

import { blockSamples } from "./inverse_dct.js";

/**
 * The plane of a component, as it is stored.
 *
 * @param {{values: Int16Array, rows: number, columns: number, width: number, height: number,
 *   table: ArrayLike<number> | null}} component blocks by rows, the size of the plane, and its table
 * @param {((row: number, column: number, block: Int16Array) => void) | null} smooth changes a copy of a block before it
 *   is shown; `null`: blocks are shown as they are
 * @returns {Uint8Array} height * width samples
 */
export function storedPlane({ values, rows, columns, width, height, table }, smooth) {
  const plane = new Uint8Array(width * height);
  if (table === null) {
    return plane.fill(128);
  }
  const border = new Uint8Array(64);
  const block = new Int16Array(64);
  for (let row = 0, offset = 0; row < rows; row++) {
    const high = Math.min(8, height - row * 8);
    for (let column = 0; column < columns; column++, offset += 64) {
      const wide = Math.min(8, width - column * 8);
      const to = row * 8 * width + column * 8;
      const isWhole = wide === 8 && high === 8;
      if (smooth) {
        block.set(values.subarray(offset, offset + 64));
        smooth(row, column, block);
      }
      const source = smooth ? block : values;
      blockSamples(source, smooth ? 0 : offset, table, isWhole ? plane : border, isWhole ? to : 0, isWhole ? width : 8);
      for (let y = 0; !isWhole && y < high; y++) {
        for (let x = 0; x < wide; x++) {
          plane[to + y * width + x] = border[y * 8 + x];
        }
      }
    }
  }
  return plane;
}
