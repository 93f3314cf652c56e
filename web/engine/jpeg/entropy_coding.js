/** Quantized coefficients -> the data of a baseline scan, in two passes: symbols are counted, then written. */

import { codesBySymbol } from "./optimal_codes.js";

/** @typedef {import("./huffman.js").HuffmanCodes} HuffmanCodes */

/**
 * How often symbols occur.
 *
 * @typedef {object} Frequencies
 * @property {Uint32Array} dc 256: of differences of DC coefficients
 * @property {Uint32Array} ac 256: of AC coefficients
 */

// 16 coefficients that are 0.
const SIXTEEN_ZEROS = 0xf0;
const END_OF_BLOCK = 0;
// More than the codes of a block ever take: 64 times 27 bits, a zero behind each byte.
const BLOCK_ROOM = 512;
const PART = 1 << 16;

/**
 * Count the symbols of a component (`htest_one_block` in jchuff.c).
 *
 * @param {Int16Array} values 64 for each block, in the order of a file
 * @param {Frequencies} frequencies to which they are added
 */
export function countSymbols(values, { dc, ac }) {
  let before = 0;
  for (let block = 0; block < values.length; block += 64) {
    dc[bitLength(values[block] - before)]++;
    before = values[block];
    let run = 0;
    for (let at = block + 1; at < block + 64; at++) {
      const value = values[at];
      if (value === 0) {
        run++;
        continue;
      }
      for (; run > 15; run -= 16) {
        ac[SIXTEEN_ZEROS]++;
      }
      ac[(run << 4) | bitLength(value)]++;
      run = 0;
    }
    if (run > 0) {
      ac[END_OF_BLOCK]++;
    }
  }
}

/**
 * The data of a scan of components of equal size: a block of each, again and again.
 *
 * @param {{values: Int16Array, dc: HuffmanCodes, ac: HuffmanCodes}[]} components values in the order of a file
 * @returns {Uint8Array[]} the data, in parts
 */
export function encodeScan(components) {
  const writer = new BitWriter();
  const parts = components.map(({ values, dc, ac }) => ({
    values,
    dc: codesBySymbol(dc),
    ac: codesBySymbol(ac),
    before: 0,
  }));
  for (let block = 0; block < components[0].values.length; block += 64) {
    for (const part of parts) {
      writer.makeRoom();
      const { values, dc, ac } = part;
      const difference = values[block] - part.before;
      part.before = values[block];
      const length = bitLength(difference);
      writer.put(dc.bits[length], dc.lengths[length]);
      writer.putValue(difference, length);
      writeAc(writer, values, block, ac);
    }
  }
  return writer.finish();
}

/**
 * @param {BitWriter} writer
 * @param {Int16Array} values
 * @param {number} block its position
 * @param {{bits: Uint16Array, lengths: Uint8Array}} codes
 */
function writeAc(writer, values, block, { bits, lengths }) {
  let run = 0;
  for (let at = block + 1; at < block + 64; at++) {
    const value = values[at];
    if (value === 0) {
      run++;
      continue;
    }
    for (; run > 15; run -= 16) {
      writer.put(bits[SIXTEEN_ZEROS], lengths[SIXTEEN_ZEROS]);
    }
    const length = bitLength(value);
    const symbol = (run << 4) | length;
    writer.put(bits[symbol], lengths[symbol]);
    writer.putValue(value, length);
    run = 0;
  }
  if (run > 0) {
    writer.put(bits[END_OF_BLOCK], lengths[END_OF_BLOCK]);
  }
}

/**
 * Number of bits that a value takes without its sign.
 *
 * @param {number} value
 */
function bitLength(value) {
  return 32 - Math.clz32(value < 0 ? -value : value);
}

/** Bits, the first one on the left of a byte, with a zero behind each byte FF. */
class BitWriter {
  /** @type {Uint8Array[]} */
  #full = [];
  #part = new Uint8Array(PART);
  #at = 0;
  #buffer = 0;
  #count = 0;

  /** Make room for a block. */
  makeRoom() {
    if (this.#at + BLOCK_ROOM > PART) {
      this.#full.push(this.#part.subarray(0, this.#at));
      this.#part = new Uint8Array(PART);
      this.#at = 0;
    }
  }

  /**
   * @param {number} bits
   * @param {number} size how many, 0..16
   */
  put(bits, size) {
    // Less than a byte is left from before.
    const buffer = (this.#buffer << size) | bits;
    let count = this.#count + size;
    while (count >= 8) {
      count -= 8;
      const byte = (buffer >> count) & 0xff;
      this.#part[this.#at++] = byte;
      if (byte === 0xff) {
        this.#part[this.#at++] = 0;
      }
    }
    this.#buffer = buffer & ((1 << count) - 1);
    this.#count = count;
  }

  /**
   * A value; negative ones are stored as one less.
   *
   * @param {number} value
   * @param {number} size of it, in bits
   */
  putValue(value, size) {
    this.put((value < 0 ? value - 1 : value) & ((1 << size) - 1), size);
  }

  /** All that was written; the last byte is filled up with ones. */
  finish() {
    if (this.#count > 0) {
      this.put((1 << (8 - this.#count)) - 1, 8 - this.#count);
    }
    return [...this.#full, this.#part.subarray(0, this.#at)];
  }
}
