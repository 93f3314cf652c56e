/** Baseline JPEG files with full color (4:4:4) and optimal Huffman codes: the bytes that libjpeg-turbo writes. */

import { rgbToYcbcr } from "../color.js";
import { join } from "../containers/bytes.js";
import { encodeSegment, START_OF_SCAN } from "../containers/segments.js";
import { readBlock } from "./codec.js";
import { forwardDct, quantize } from "./dct.js";
import { countSymbols, encodeScan } from "./entropy_coding.js";
import { HUFFMAN_TABLES, QUANTIZATION_TABLES } from "./markers.js";
import { optimalCodes } from "./optimal_codes.js";
import { quantizationTables } from "./tables.js";
import { ZIGZAG } from "./zigzag.js";

/** @typedef {import("./huffman.js").HuffmanCodes} HuffmanCodes */

const START_OF_IMAGE = Uint8Array.of(0xff, 0xd8);
const END_OF_IMAGE = Uint8Array.of(0xff, 0xd9);
const BASELINE_FRAME = 0xc0;
const AC_TABLE = 0x10;

/**
 * Write a picture.
 *
 * @param {{width: number, height: number, channels: number, pixels: Uint8Array}} picture gray (1) or RGB (3), at most
 *   65,535 pixels a side, the channels of each pixel beside each other, row by row
 * @param {number} quality 1..100
 * @param {Uint8Array[]} segments with metadata, whole, which are written first
 * @returns {Uint8Array<ArrayBuffer>} the bytes of the file
 */
export function writeJpeg(picture, quality, segments) {
  const { width, height, channels } = picture;
  const tables = quantizationTables(quality).slice(0, channels === 1 ? 1 : 2);
  const values = coefficients(picture, tables);
  // Luma has tables of its own, both kinds of chroma share theirs.
  const codes = tables.map((_, slot) => {
    const frequencies = { dc: new Uint32Array(256), ac: new Uint32Array(256) };
    for (const [component, its] of values.entries()) {
      if (slotOf(component) === slot) {
        countSymbols(its, frequencies);
      }
    }
    return { dc: optimalCodes(frequencies.dc), ac: optimalCodes(frequencies.ac) };
  });
  const size = Uint8Array.of(8, height >> 8, height & 255, width >> 8, width & 255);
  return join([
    START_OF_IMAGE,
    ...segments,
    ...tables.map((table, slot) =>
      encodeSegment(QUANTIZATION_TABLES, [Uint8Array.of(slot), Uint8Array.from(table, (_, at) => table[ZIGZAG[at]])]),
    ),
    encodeSegment(BASELINE_FRAME, [
      size,
      Uint8Array.of(channels),
      // Its number, its sampling factors, and its table.
      ...values.map((_, component) => Uint8Array.of(component + 1, 0x11, slotOf(component))),
    ]),
    ...codes.flatMap(({ dc, ac }, slot) => [huffmanSegment(slot, dc), huffmanSegment(AC_TABLE | slot, ac)]),
    encodeSegment(START_OF_SCAN, [
      Uint8Array.of(channels),
      ...values.map((_, component) => Uint8Array.of(component + 1, slotOf(component) * 0x11)),
      // All coefficients, with all of their bits.
      Uint8Array.of(0, 63, 0),
    ]),
    ...encodeScan(values.map((its, component) => ({ values: its, ...codes[slotOf(component)] }))),
    END_OF_IMAGE,
  ]);
}

/**
 * The number of the tables of a component.
 *
 * @param {number} component
 */
function slotOf(component) {
  return component === 0 ? 0 : 1;
}

/**
 * @param {number} kind and number of the table
 * @param {HuffmanCodes} codes
 */
function huffmanSegment(kind, { counts, symbols }) {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return encodeSegment(HUFFMAN_TABLES, [Uint8Array.of(kind), counts.subarray(1), symbols.subarray(0, total)]);
}

/**
 * Quantized coefficients of each component. The last column and row of the picture are repeated to whole blocks.
 *
 * @param {{width: number, height: number, channels: number, pixels: Uint8Array}} picture
 * @param {Int32Array[]} tables
 * @returns {Int16Array[]} 64 for each block, in the order of a file
 */
function coefficients({ width, height, channels, pixels }, tables) {
  const rows = Math.ceil(height / 8);
  const columns = Math.ceil(width / 8);
  const values = Array.from({ length: channels }, () => new Int16Array(rows * columns * 64));
  const block = new Int32Array(64);
  // Planes of one row of blocks at a time take little memory.
  for (let row = 0; row < rows; row++) {
    const lines = Math.min(8, height - 8 * row);
    const strip = pixels.subarray(8 * row * width * channels, (8 * row + lines) * width * channels);
    for (const [component, plane] of planesOf(strip, channels).entries()) {
      const table = tables[slotOf(component)];
      const found = values[component];
      for (let column = 0; column < columns; column++) {
        readBlock(plane, width, lines, 0, 8 * column, block);
        forwardDct(block);
        quantize(block, table);
        const start = (row * columns + column) * 64;
        for (let at = 0; at < 64; at++) {
          found[start + at] = block[ZIGZAG[at]];
        }
      }
    }
  }
  return values;
}

/**
 * Gray, or Y, Cb and Cr.
 *
 * @param {Uint8Array} pixels
 * @param {number} channels
 */
function planesOf(pixels, channels) {
  if (channels === 1) {
    return [pixels];
  }
  const rgb = Array.from({ length: 3 }, () => new Uint8Array(pixels.length / 3));
  const [red, green, blue] = rgb;
  for (let from = 0, to = 0; to < red.length; to++, from += 3) {
    red[to] = pixels[from];
    green[to] = pixels[from + 1];
    blue[to] = pixels[from + 2];
  }
  return rgbToYcbcr(rgb);
}
