/** Huffman tables of JPEG files, made ready for decoding. */

import { damaged } from "./damage.js";

/** Number of bits that a look into a table takes at once; most codes are no longer. */
export const LOOK = 9;

const LONGEST = 16;

/**
 * A table as a file defines it.
 *
 * @typedef {object} HuffmanCodes
 * @property {Uint8Array} counts 17: how many codes there are of each length, from 1
 * @property {Uint8Array} symbols 256, in the order of the codes
 */

/** Finds the symbol of a code. */
export class HuffmanTable {
  /**
   * @param {HuffmanCodes} codes
   * @param {boolean} isDc whether the table is for differences of DC coefficients
   * @throws {UnreadableImageError} if the codes are no Huffman tree, or the symbols are impossible
   */
  constructor({ counts, symbols }, isDc) {
    /** For the next `LOOK` bits: symbol << 5 | length of its code; 0 if the code is longer. */
    this.short = new Int32Array(1 << LOOK);
    /**
     * For the next `LOOK` bits, if they also hold the value of the coefficient: value << 16 | run << 5 | number of bits;
     * otherwise 0.
     */
    this.values = new Int32Array(1 << LOOK);
    /** The largest code of a length, -1 if there is none. */
    this.largest = new Int32Array(LONGEST + 1).fill(-1);
    /** What to add to a code of a length for its place in `symbols`. */
    this.offsets = new Int32Array(LONGEST + 1);
    this.symbols = symbols;
    for (let length = 1, code = 0, place = 0; length <= LONGEST; length++, code <<= 1) {
      const count = counts[length];
      if (count === 0) {
        continue;
      }
      this.offsets[length] = place - code;
      for (let one = 0; one < count; one++, place++, code++) {
        if (isDc && symbols[place] > 15) {
          throw damaged("a Huffman table holds an impossible symbol");
        }
        if (length <= LOOK) {
          this.#enter(code, length, symbols[place]);
        }
      }
      // No code is all ones.
      if (code >= 1 << length) {
        throw damaged("a Huffman table has too many codes");
      }
      this.largest[length] = code - 1;
    }
  }

  /**
   * @param {number} code
   * @param {number} length
   * @param {number} symbol
   */
  #enter(code, length, symbol) {
    const first = code << (LOOK - length);
    const end = Math.min(first + (1 << (LOOK - length)), this.short.length);
    const size = symbol & 15;
    const rest = LOOK - length - size;
    for (let look = first; look < end; look++) {
      this.short[look] = (symbol << 5) | length;
      if (size === 0 || rest < 0) {
        continue;
      }
      const bits = (look >> rest) & ((1 << size) - 1);
      this.values[look] = (extend(bits, size) << 16) | ((symbol >> 4) << 5) | (length + size);
    }
  }
}

/**
 * A value from its bits: those that start with 0 are negative.
 *
 * @param {number} bits
 * @param {number} size number of bits, at least 1
 */
export function extend(bits, size) {
  return bits < 1 << (size - 1) ? bits - (1 << size) + 1 : bits;
}

/**
 * The tables of the JPEG standard (ITU-T T.81, K.3 to K.6), for files that leave them out, as Motion JPEG does.
 *
 * @returns {{dc: HuffmanCodes[], ac: HuffmanCodes[]}} for luma and chroma each
 */
export function standardTables() {
  const differences = "000102030405060708090a0b";
  return {
    dc: [
      codes("00010501010101010100000000000000", differences),
      codes("00030101010101010101010000000000", differences),
    ],
    ac: [codes("0002010303020403050504040000017d", LUMA), codes("00020102040403040705040400010277", CHROMA)],
  };
}

/**
 * @param {string} counts hexadecimal
 * @param {string} symbols hexadecimal
 * @returns {HuffmanCodes}
 */
function codes(counts, symbols) {
  const codes = { counts: new Uint8Array(17), symbols: new Uint8Array(256) };
  for (let at = 0; at < counts.length; at += 2) {
    codes.counts[at / 2 + 1] = Number.parseInt(counts.slice(at, at + 2), 16);
  }
  for (let at = 0; at < symbols.length; at += 2) {
    codes.symbols[at / 2] = Number.parseInt(symbols.slice(at, at + 2), 16);
  }
  return codes;
}

// Symbols of AC coefficients: run << 4 | size.
const LUMA =
  "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a34353637" +
  "38393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3" +
  "a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa";
const CHROMA =
  "000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f11718191a262728292a3536" +
  "3738393a434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a92939495969798999a" +
  "a2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa";
