/**
 * Divides a large picture into overlapping tiles, to limit the memory that a network takes, without visible seams.
 *
 * The margin of a tile is as wide as what changes a result. Tiles start at multiples of the network's size divisor.
 */

/** @typedef {[number, number]} Span from the first to the one behind the last */

/**
 * A tile of a picture.
 *
 * @typedef {object} Tile
 * @property {Span} rows of the picture that the tile restores
 * @property {Span} columns
 * @property {Span} outerRows of the picture that the network gets for that, the margin included
 * @property {Span} outerColumns
 */

/**
 * Divide a picture into tiles, row by row; all sizes in pixels.
 *
 * Of all divisions into tiles of equal sides whose area is at most that of a square of `tileSize`, this is the one in
 * which the network sees fewest pixels, margins included.
 *
 * @param {number} width of the picture
 * @param {number} height
 * @param {number} tileSize a multiple of `step`
 * @param {number} margin of the network
 * @param {number} step tiles start at multiples of it
 * @returns {Tile[]}
 */
export function tiles(width, height, tileSize, margin, step) {
  const [high, wide] = tileSides(width, height, tileSize, margin, step);
  /** @type {Tile[]} */
  const plan = [];
  for (let top = 0; top < height; top += high) {
    for (let left = 0; left < width; left += wide) {
      const bottom = Math.min(top + high, height);
      const right = Math.min(left + wide, width);
      plan.push({
        rows: [top, bottom],
        columns: [left, right],
        outerRows: [Math.max(top - margin, 0), Math.min(bottom + margin, height)],
        outerColumns: [Math.max(left - margin, 0), Math.min(right + margin, width)],
      });
    }
  }
  return plan;
}

/**
 * @param {number} width
 * @param {number} height
 * @param {number} tileSize
 * @param {number} margin
 * @param {number} step
 * @returns {[number, number]} height and width of the tiles, multiples of `step`
 */
function tileSides(width, height, tileSize, margin, step) {
  let best = Number.POSITIVE_INFINITY;
  /** @type {[number, number]} */
  let sides = [tileSize, tileSize];
  for (let rows = 1; rows <= Math.ceil(height / tileSize); rows++) {
    const high = Math.ceil(height / (rows * step)) * step;
    // As few columns as the area allows.
    const widest = Math.floor(Math.floor(tileSize ** 2 / high) / step) * step;
    if (!widest) {
      continue;
    }
    const columns = Math.ceil(width / widest);
    const wide = Math.ceil(width / (columns * step)) * step;
    const seen = (height + 2 * margin * (rows - 1)) * (width + 2 * margin * (columns - 1));
    if (seen < best) {
      best = seen;
      sides = [high, wide];
    }
  }
  return sides;
}

/**
 * The part of what the network gets for a tile that suffices for some of its samples.
 *
 * @param {(row: number, column: number) => boolean} isWanted whether a block of the picture holds such samples
 * @param {number} block side of a block; tiles start at multiples of it
 * @param {Tile} tile
 * @param {number} margin of the network
 * @param {number} divisor size divisor of the network; the part starts at multiples of it, as the tile does
 * @returns {Tile | null} the samples from the first to the last that are wanted; `null` if there are none
 */
export function around(isWanted, block, tile, margin, divisor) {
  let [top, left] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  let [bottom, right] = [0, 0];
  for (let row = tile.rows[0] / block; row * block < tile.rows[1]; row++) {
    for (let column = tile.columns[0] / block; column * block < tile.columns[1]; column++) {
      if (!isWanted(row, column)) {
        continue;
      }
      top = Math.min(top, row * block);
      left = Math.min(left, column * block);
      bottom = Math.max(bottom, (row + 1) * block);
      right = Math.max(right, (column + 1) * block);
    }
  }
  if (!bottom) {
    return null;
  }
  /** @type {(first: number, last: number, inner: Span, outer: Span) => [Span, Span]} */
  const spans = (first, last, inner, outer) => {
    const end = Math.min(last, inner[1]);
    const start = Math.max(Math.floor((first - margin) / divisor) * divisor, outer[0]);
    return [
      [first, end],
      [start, Math.min(end + margin, outer[1])],
    ];
  };
  const [rows, outerRows] = spans(top, bottom, tile.rows, tile.outerRows);
  const [columns, outerColumns] = spans(left, right, tile.columns, tile.outerColumns);
  return { rows, columns, outerRows, outerColumns };
}
