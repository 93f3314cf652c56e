/** Runs networks over the tiles of a picture, several at a time where there are several workers. */

/** @import { Tile } from "./tiles.js" */

/**
 * What restores planes as a whole: {@link import("./network.js").Network}, or one in a worker.
 *
 * @typedef {object} RunsNetwork
 * @property {(planes: Float32Array<ArrayBuffer>[], width: number, height: number, tables: Int32Array[] | null, realism: number)
 *   => Promise<Float32Array[]>} run
 */

/**
 * @typedef {object} RunOptions
 * @property {number} [realism] 0..1
 * @property {(done: number, total: number) => void} [progress] is told after every tile
 * @property {(tile: Tile, planes: Float32Array[]) => void} [tileDone] gets a tile, and the planes in which it is restored
 * @property {AbortSignal} [signal] stops after the tiles that are being worked on
 */

/**
 * Run networks over planes, tile by tile.
 *
 * @param {RunsNetwork[]} networks equal ones; each takes the next tile that nobody has
 * @param {(Uint8Array | Float32Array)[]} planes 0..255
 * @param {number} width
 * @param {number} height
 * @param {Int32Array[] | null} tables their quantization tables
 * @param {Tile[]} tiles from `tiles.js`
 * @param {RunOptions} [options]
 * @returns {Promise<Float32Array[]>} 0..255, not rounded
 */
export async function runTiled(networks, planes, width, height, tables, tiles, options = {}) {
  const { realism = 0, progress, tileDone, signal } = options;
  const results = planes.map(() => new Float32Array(width * height));
  let next = 0;
  let done = 0;
  let hasFailed = false;
  /** @param {RunsNetwork} network */
  const work = async (network) => {
    while (next < tiles.length && !hasFailed) {
      const tile = tiles[next++];
      try {
        // Messages of the page, such as one that stops this, come in only between tasks.
        await new Promise((resolve) => setTimeout(resolve, 0));
        signal?.throwIfAborted();
        const [outerWidth, outerHeight] = [length(tile.outerColumns), length(tile.outerRows)];
        const parts = planes.map((plane) => cut(plane, width, tile));
        const restored = await network.run(parts, outerWidth, outerHeight, tables, realism);
        for (const [index, part] of restored.entries()) {
          put(part, tile, results[index], width);
        }
        tileDone?.(tile, results);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
      progress?.(++done, tiles.length);
    }
  };
  const ended = await Promise.allSettled(networks.slice(0, tiles.length).map(work));
  const failure = ended.find((one) => one.status === "rejected");
  if (failure) {
    throw failure.reason;
  }
  return results;
}

/** @param {[number, number]} span */
function length([start, stop]) {
  return stop - start;
}

/**
 * What a network gets for a tile of a plane.
 *
 * @param {Uint8Array | Float32Array} plane
 * @param {number} width of the plane
 * @param {Tile} tile
 */
function cut(plane, width, { outerRows, outerColumns: [left, right] }) {
  const part = new Float32Array(length(outerRows) * (right - left));
  for (let row = outerRows[0], at = 0; row < outerRows[1]; row++, at += right - left) {
    part.set(plane.subarray(row * width + left, row * width + right), at);
  }
  return part;
}

/**
 * Put what a network gave for a tile into the result, without its margin.
 *
 * @param {Float32Array} part
 * @param {Tile} tile
 * @param {Float32Array} plane changed
 * @param {number} width of the plane
 */
function put(part, { rows, columns: [left, right], outerRows, outerColumns }, plane, width) {
  const stride = length(outerColumns);
  for (let row = rows[0]; row < rows[1]; row++) {
    const start = (row - outerRows[0]) * stride + left - outerColumns[0];
    plane.set(part.subarray(start, start + right - left), row * width + left);
  }
}
