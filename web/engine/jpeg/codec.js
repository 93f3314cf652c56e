/**
 * JPEG compression and decompression of planes, without writing a file: what a decoder shows after given tables.
 *
 * Entropy coding is lossless, so it is left out. The result equals libjpeg-turbo's in every sample.
 */

import { forwardDct, quantize } from "./dct.js";
import { downsample, FACTORS, upsample } from "./resampling.js";
import { storedPlane } from "./stored_planes.js";

/** @typedef {import("./resampling.js").Subsampling} Subsampling */

/**
 * Quantized coefficients of a component.
 *
 * @typedef {object} Coefficients
 * @property {number} rows of blocks, those that the border cuts included
 * @property {number} columns of blocks
 * @property {Int16Array} values 64 for each block, row by row, vertical frequency first
 */

/**
 * Quantized DCT coefficients of a plane; the last column and row are repeated to whole blocks.
 *
 * @param {Uint8Array} plane
 * @param {number} width
 * @param {number} height
 * @param {ArrayLike<number>} table
 * @returns {Coefficients}
 */
function encodePlane(plane, width, height, table) {
  const rows = Math.ceil(height / 8);
  const columns = Math.ceil(width / 8);
  const values = new Int16Array(rows * columns * 64);
  const block = new Int32Array(64);
  for (let index = 0; index < rows * columns; index++) {
    const top = Math.floor(index / columns) * 8;
    const left = (index % columns) * 8;
    readBlock(plane, width, height, top, left, block);
    forwardDct(block);
    quantize(block, table);
    values.set(block, index * 64);
  }
  return { rows, columns, values };
}

/**
 * The level-shifted samples of a block, -128..127; beyond the border, the last column and row are repeated.
 *
 * @param {Uint8Array} plane
 * @param {number} width
 * @param {number} height
 * @param {number} top
 * @param {number} left
 * @param {Int32Array} block 64, changed
 */
export function readBlock(plane, width, height, top, left, block) {
  if (top + 8 <= height && left + 8 <= width) {
    for (let y = 0, to = 0; y < 8; y++) {
      const from = (top + y) * width + left;
      for (let x = 0; x < 8; x++) {
        block[to++] = plane[from + x] - 128;
      }
    }
    return;
  }
  for (let y = 0, to = 0; y < 8; y++) {
    const from = Math.min(top + y, height - 1) * width;
    for (let x = 0; x < 8; x++) {
      block[to++] = plane[from + Math.min(left + x, width - 1)] - 128;
    }
  }
}

/**
 * Compress and decompress one plane.
 *
 * @param {Uint8Array} plane
 * @param {number} width
 * @param {number} height
 * @param {ArrayLike<number>} table
 * @returns {Uint8Array} the samples that a decoder gives
 */
function compressPlane(plane, width, height, table) {
  return storedPlane({ ...encodePlane(plane, width, height, table), width, height, table }, null);
}

/**
 * Compress and decompress Y, Cb, Cr planes.
 *
 * @param {Uint8Array[]} planes three of them
 * @param {number} width
 * @param {number} height
 * @param {ArrayLike<number>[]} tables luma, chroma
 * @param {Subsampling} sampling
 * @returns {Uint8Array[]} three planes, chroma upsampled to full size
 */
export function compressYcbcr(planes, width, height, tables, sampling) {
  const [rows, columns] = FACTORS[sampling];
  const chroma = planes.slice(1).map((plane) => {
    const small = downsample(plane, width, height, sampling);
    const shown = compressPlane(small.samples, small.width, small.height, tables[1]);
    if (rows === 1 && columns === 1 && small.width === width) {
      return shown;
    }
    return upsample(shown, small.width, sampling, width, height);
  });
  return [compressPlane(planes[0], width, height, tables[0]), ...chroma];
}
