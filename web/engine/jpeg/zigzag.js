/** The order in which a JPEG file stores the 64 coefficients of a block. */

/**
 * Place in natural order (row by row, vertical frequency first) of each coefficient in the order of a file. 16 more
 * entries catch the runs of damaged files, which lead beyond the last coefficient.
 */
export const ZIGZAG = new Uint8Array(80).fill(63);

for (let diagonal = 0, index = 0; diagonal < 15; diagonal++) {
  for (let step = 0; step <= diagonal; step++) {
    // Odd diagonals run from the top right to the bottom left.
    const row = diagonal & 1 ? step : diagonal - step;
    const column = diagonal - row;
    if (row < 8 && column < 8) {
      ZIGZAG[index++] = row * 8 + column;
    }
  }
}
