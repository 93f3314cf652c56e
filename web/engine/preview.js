/** What a page shows while the network works: tiles, as they are done. Colors are rounded, and nothing is held to a file. */

import { orientationOf, turned } from "./metadata.js";
import { asPixels } from "./picture.js";

/** @typedef {import("./tiles.js").Tile} Tile */

/**
 * A part of the upright picture, as the network gave it.
 *
 * @typedef {object} PreviewedTile
 * @property {number} x in pixels of the picture
 * @property {number} y
 * @property {number} width in pixels of the picture
 * @property {number} height
 * @property {number} columns size of `pixels`; large pictures are previewed with fewer pixels than they have
 * @property {number} rows
 * @property {Uint8ClampedArray<ArrayBuffer>} pixels RGBA
 * @property {number} pictureWidth of the whole picture
 * @property {number} pictureHeight
 */

/** Previews of larger pictures are reduced, in pixels. */
const LARGEST = 4e6;

/**
 * Makes previews of the tiles of a frame.
 *
 * @param {(tile: PreviewedTile) => void} preview is told each
 * @param {import("./picture.js").PictureParts} picture of the file
 * @param {Pick<import("./prepared_picture.js").PreparedPicture, "parts" | "top" | "left" | "enlargement">} frame
 * @param {(Uint8Array | Float32Array)[]} seen Y, or Y, Cb, Cr of the frame: chroma is theirs where luma alone is restored
 * @returns {(tile: Tile, planes: Float32Array[]) => void} for a tile, and planes of the frame in which it is restored
 */
export function previewOf(preview, picture, { parts: { width, height }, top, left, enlargement }, seen) {
  const orientation = orientationOf(picture.info);
  const isTransposed = orientation >= 5;
  const [pictureWidth, pictureHeight] = isTransposed
    ? [picture.height, picture.width]
    : [picture.width, picture.height];
  const step = Math.ceil(Math.sqrt(((width - left) * (height - top)) / LARGEST));
  return (tile, planes) => {
    const [y, bottom] = [Math.max(tile.rows[0], top), tile.rows[1]];
    const [x, right] = [Math.max(tile.columns[0], left), tile.columns[1]];
    if (y >= bottom || x >= right) {
      return;
    }
    const [fromRows, fromColumns] = [places(y, bottom, step), places(x, right, step)];
    const colors = asPixels(seen.map((plane, index) => taken(planes[index] ?? plane, width, fromRows, fromColumns)));
    const [rows, columns] = [fromRows.length, fromColumns.length];
    const pixels = new Uint8Array(4 * rows * columns);
    for (let at = 0, to = 0; at < rows * columns; at++, to += 4) {
      for (let channel = 0; channel < 3; channel++) {
        pixels[to + channel] = colors[colors.length === 3 ? channel : 0][at];
      }
      pixels[to + 3] = 255;
    }
    if (picture.alpha) {
      const onPicture = (/** @type {number} */ place, /** @type {number} */ cut) => (place - cut) * enlargement;
      const alphaRows = fromRows.map((row) => onPicture(row, top));
      const alphaColumns = fromColumns.map((column) => onPicture(column, left));
      const alpha = taken(picture.alpha, picture.width, alphaRows, alphaColumns);
      for (let at = 0; at < alpha.length; at++) {
        pixels[4 * at + 3] = alpha[at];
      }
    }
    const upright = turned({ width: columns, height: rows, channels: 4, pixels, info: {} }, orientation);
    const place = {
      x: (x - left) * enlargement,
      y: (y - top) * enlargement,
      width: (right - x) * enlargement,
      height: (bottom - y) * enlargement,
    };
    preview({
      ...turnedPlace(place, picture, orientation),
      columns: upright.width,
      rows: upright.height,
      pixels: new Uint8ClampedArray(/** @type {ArrayBuffer} */ (upright.pixels.buffer)),
      pictureWidth,
      pictureHeight,
    });
  };
}

/**
 * Places evenly between two, one for so many.
 *
 * @param {number} start
 * @param {number} stop
 * @param {number} step
 * @returns {number[]}
 */
function places(start, stop, step) {
  const count = Math.ceil((stop - start) / step);
  return Array.from({ length: count }, (_, at) => start + Math.floor(((at + 0.5) * (stop - start)) / count));
}

/**
 * @param {Uint8Array | Float32Array} plane
 * @param {number} width
 * @param {number[]} rows
 * @param {number[]} columns
 */
function taken(plane, width, rows, columns) {
  const part = new Float32Array(rows.length * columns.length);
  let to = 0;
  for (const row of rows) {
    const start = row * width;
    for (let at = 0; at < columns.length; at++) {
      part[to++] = plane[start + columns[at]];
    }
  }
  return part;
}

/**
 * Where a part of a picture lies after the picture was turned.
 *
 * @param {{x: number, y: number, width: number, height: number}} place
 * @param {{width: number, height: number}} picture before that
 * @param {number} orientation 1..8
 */
function turnedPlace({ x, y, width, height }, picture, orientation) {
  // The axes change places from 5 on; see `turned` of `metadata.js`.
  const isTransposed = orientation >= 5;
  const across = isTransposed ? [y, height, picture.height] : [x, width, picture.width];
  const down = isTransposed ? [x, width, picture.width] : [y, height, picture.height];
  return {
    x: [2, 3, 6, 7].includes(orientation) ? across[2] - across[0] - across[1] : across[0],
    y: [3, 4, 7, 8].includes(orientation) ? down[2] - down[0] - down[1] : down[0],
    width: across[1],
    height: down[1],
  };
}
