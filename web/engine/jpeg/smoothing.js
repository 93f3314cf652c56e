/**
 * The smoothing of progressive files that do not send all coefficients (`decompress_smooth_data` in jdcoefct.c).
 *
 * libjpeg estimates the lowest coefficients that were not sent, or not to their last bit, from the DC coefficients of 25
 * blocks. Files whose last scans were cut off, and that got an end again, look different without it.
 */

/** @typedef {import("./scans.js").StoredPicture} StoredPicture */
/** @typedef {import("./scans.js").StoredComponent} StoredComponent */

// Weights of the DC coefficients of 5 x 5 blocks, for each coefficient that is estimated. The coefficients are in the
// order of a file: the second to the tenth.
const PLACES = [1, 8, 16, 9, 2, 3, 10, 17, 24];
// Where no AC coefficient was sent.
const WEIGHTS_ALONE = [
  [-1, -1, 0, 1, 1, -3, 13, 0, -13, 3, -3, 38, 0, -38, 3, -3, 13, 0, -13, 3, -1, -1, 0, 1, 1],
  [-1, -3, -3, -3, -1, -1, 13, 38, 13, -1, 0, 0, 0, 0, 0, 1, -13, -38, -13, 1, 1, 3, 3, 3, 1],
  [0, 0, 1, 0, 0, 0, 2, 7, 2, 0, 0, -5, -14, -5, 0, 0, 2, 7, 2, 0, 0, 0, 1, 0, 0],
  [-1, 0, 0, 0, 1, 0, 9, 0, -9, 0, 0, 0, 0, 0, 0, 0, -9, 0, 9, 0, 1, 0, 0, 0, -1],
  [0, 0, 0, 0, 0, 0, 2, -5, 2, 0, 1, 7, -14, 7, 1, 0, 2, -5, 2, 0, 0, 0, 0, 0, 0],
  [0, 0, 0, 0, 0, 0, 1, 0, -1, 0, 0, 2, 0, -2, 0, 0, 1, 0, -1, 0, 0, 0, 0, 0, 0],
  [0, 0, 0, 0, 0, 0, 1, -3, 1, 0, 0, 0, 0, 0, 0, 0, -1, 3, -1, 0, 0, 0, 0, 0, 0],
  [0, 0, 0, 0, 0, 0, 1, 0, -1, 0, 0, -3, 0, 3, 0, 0, 1, 0, -1, 0, 0, 0, 0, 0, 0],
  [0, 0, 0, 0, 0, 0, 1, 2, 1, 0, 0, 0, 0, 0, 0, 0, -1, -2, -1, 0, 0, 0, 0, 0, 0],
];
const WEIGHTS_OF_DC = [-2, -6, -8, -6, -2, -6, 6, 42, 6, -6, -8, 42, 152, 42, -8, -6, 6, 42, 6, -6, -2, -6, -8, -6, -2];
// Where some were sent.
const WEIGHTS = [
  [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -7, 50, 0, -50, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  [0, 0, -7, 0, 0, 0, 0, 50, 0, 0, 0, 0, 0, 0, 0, 0, 0, -50, 0, 0, 0, 0, 7, 0, 0],
  [0, 0, -1, 0, 0, 0, 0, 13, 0, 0, 0, 0, -24, 0, 0, 0, 0, 13, 0, 0, 0, 0, -1, 0, 0],
  [0, -1, 0, 1, 0, -1, 10, 0, -10, 1, 0, 0, 0, 0, 0, 1, -10, 0, 10, -1, 0, 1, 0, -1, 0],
  [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 13, -24, 13, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
];

/**
 * How the blocks of a component are smoothed.
 *
 * @param {StoredPicture} picture
 * @param {StoredComponent} component of it
 * @returns {((row: number, column: number, block: Int16Array) => void) | null} changes a block; `null` if libjpeg
 *   smooths nothing
 */
export function smoothing(picture, component) {
  if (!picture.progressive || !isUseful(picture.components)) {
    return null;
  }
  const { known, vertical } = component;
  const knownBefore = picture.scans > 1 ? component.knownBefore : new Int32Array(64).fill(-1);
  const table = /** @type {Int32Array} */ (component.table);
  const sums = new Int32Array(25);
  return (row, column, block) => {
    const group = Math.floor(row / vertical);
    const sent = group > picture.lastGoodRow ? knownBefore : known;
    const isAlone = sent.subarray(1, 10).every((bits) => bits === -1);
    const weights = isAlone ? WEIGHTS_ALONE : WEIGHTS;
    neighbors(picture, component, row, column, sums);
    for (let index = 0; index < weights.length; index++) {
      const low = sent[index + 1];
      const place = PLACES[index];
      if (low === 0 || block[place] !== 0) {
        continue;
      }
      const number = table[0] * dot(weights[index], sums);
      const size = divide(Math.abs(number), table[place]);
      const limited = low > 0 && size >= 1 << low ? (1 << low) - 1 : size;
      block[place] = number < 0 ? -limited : limited;
    }
    if (isAlone) {
      const number = table[0] * dot(WEIGHTS_OF_DC, sums);
      const size = divide(Math.abs(number), table[0]);
      block[0] = number < 0 ? -size : size;
    }
  };
}

/**
 * Whether all DC coefficients were sent, and some coefficients not to their last bit (`smoothing_ok`).
 *
 * @param {StoredComponent[]} components
 */
function isUseful(components) {
  const isReady = components.every(
    ({ known, table }) =>
      table !== null && known[0] >= 0 && table[0] !== 0 && PLACES.every((place) => table[place] !== 0),
  );
  return isReady && components.some(({ known }) => known.subarray(1, 10).some((bits) => bits !== 0));
}

/**
 * DC coefficients of the blocks around one, row by row; those at the border are repeated.
 *
 * @param {StoredPicture} picture
 * @param {StoredComponent} component
 * @param {number} row
 * @param {number} column
 * @param {Int32Array} found 25, changed
 */
function neighbors({ groupRows }, { values, rows, columns, vertical }, row, column, found) {
  // As libjpeg counts them: in the last group it takes the rows that are there for those of every group.
  const group = Math.floor(row / vertical);
  const isLast = group === groupRows - 1;
  const height = isLast ? rows - group * vertical : vertical;
  const counted = group * height + (row % vertical);
  const total = height * groupRows;
  const up = counted > 0 ? row - 1 : row;
  const down = counted < total - 1 ? row + 1 : row;
  const line = [counted > 1 ? row - 2 : up, up, row, down, counted < total - 2 ? row + 2 : down];
  for (let y = 0, to = 0; y < 5; y++) {
    for (let x = column - 2; x <= column + 2; x++) {
      found[to++] = values[(line[y] * columns + Math.min(Math.max(x, 0), columns - 1)) * 64];
    }
  }
}

/**
 * @param {number[]} weights
 * @param {Int32Array} sums
 */
function dot(weights, sums) {
  let sum = 0;
  for (let index = 0; index < 25; index++) {
    sum += weights[index] * sums[index];
  }
  return sum;
}

/**
 * The nearest coefficient to a sum, whose weights are 256 times those of a coefficient.
 *
 * @param {number} sum at least 0
 * @param {number} step of the coefficient
 */
function divide(sum, step) {
  return Math.trunc((step * 128 + sum) / (step * 256));
}
