/**
 * The coefficients of one block, from the bits of a scan: of a whole block, or of a part that a progressive scan adds.
 *
 * The state of the bit reader is kept in variables, because these loops take most of the time of reading a file.
 */

import { extend, LOOK } from "./huffman.js";
import { ZIGZAG } from "./zigzag.js";

/** @typedef {import("./bits.js").BitReader} BitReader */
/** @typedef {import("./huffman.js").HuffmanTable} HuffmanTable */

/**
 * A band of coefficients that a progressive scan sends, and how many blocks are known to add nothing more.
 *
 * @typedef {object} Band
 * @property {number} first coefficient in the order of a file
 * @property {number} last coefficient
 * @property {number} low the bit that is sent
 * @property {number} endRun number of blocks that follow without new coefficients
 */

const MASK = (1 << LOOK) - 1;

/**
 * Difference of a DC coefficient to the one before.
 *
 * @param {BitReader} reader
 * @param {HuffmanTable} table
 * @returns {number}
 */
export function readDifference(reader, table) {
  const size = reader.symbol(table);
  return size === 0 ? 0 : extend(reader.take(size), size);
}

/**
 * AC coefficients of a block of a sequential file.
 *
 * @param {BitReader} reader
 * @param {HuffmanTable} table
 * @param {Int16Array} values
 * @param {number} offset of the block
 */
export function readAc(reader, table, values, offset) {
  const { data } = reader;
  const { short, values: known } = table;
  let { at, buffer, count } = reader;
  let index = 1;
  for (; index < 64; index++) {
    if (count < 16) {
      buffer = (buffer << 16) | (data[at] << 8) | data[at + 1];
      at += 2;
      count += 16;
    }
    const look = (buffer >>> (count - LOOK)) & MASK;
    const coefficient = known[look];
    if (coefficient !== 0) {
      count -= coefficient & 31;
      index += (coefficient >> 5) & 15;
      values[offset + ZIGZAG[index]] = coefficient >> 16;
      continue;
    }
    let symbol = short[look];
    if (symbol !== 0) {
      count -= symbol & 31;
      symbol >>= 5;
    } else {
      reader.at = at;
      reader.buffer = buffer;
      reader.count = count;
      symbol = reader.symbol(table);
      ({ at, buffer, count } = reader);
    }
    const size = symbol & 15;
    if (size === 0) {
      if (symbol !== 0xf0) {
        break;
      }
      index += 15;
      continue;
    }
    index += symbol >> 4;
    if (count < size) {
      buffer = (buffer << 16) | (data[at] << 8) | data[at + 1];
      at += 2;
      count += 16;
    }
    count -= size;
    const bits = (buffer >>> count) & ((1 << size) - 1);
    values[offset + ZIGZAG[index]] = bits < 1 << (size - 1) ? bits - (1 << size) + 1 : bits;
  }
  reader.isDoubtful ||= index > 64;
  reader.at = at;
  reader.buffer = buffer;
  reader.count = count;
}

/**
 * AC coefficients of a block that a progressive scan sends for the first time, without their lowest bits.
 *
 * @param {BitReader} reader
 * @param {HuffmanTable} table
 * @param {Int16Array} values
 * @param {number} offset of the block
 * @param {Band} band
 */
export function readAcBand(reader, table, values, offset, band) {
  if (band.endRun > 0) {
    band.endRun--;
    return;
  }
  const { data } = reader;
  const known = table.values;
  const { last, low } = band;
  let { at, buffer, count } = reader;
  let index = band.first;
  for (; index <= last; index++) {
    if (count < 16) {
      buffer = (buffer << 16) | (data[at] << 8) | data[at + 1];
      at += 2;
      count += 16;
    }
    const look = (buffer >>> (count - LOOK)) & MASK;
    const coefficient = known[look];
    if (coefficient !== 0) {
      count -= coefficient & 31;
      index += (coefficient >> 5) & 15;
      values[offset + ZIGZAG[index]] = (coefficient >> 16) << low;
      continue;
    }
    reader.at = at;
    reader.buffer = buffer;
    reader.count = count;
    const symbol = reader.symbol(table);
    const size = symbol & 15;
    const run = symbol >> 4;
    if (size !== 0) {
      index += run;
      values[offset + ZIGZAG[index]] = extend(reader.take(size), size) << low;
    } else if (run === 15) {
      index += 15;
    } else {
      band.endRun = (1 << run) - 1 + reader.take(run);
      return;
    }
    ({ at, buffer, count } = reader);
  }
  reader.isDoubtful ||= index > last + 1;
  reader.at = at;
  reader.buffer = buffer;
  reader.count = count;
}

/**
 * One more bit of the AC coefficients of a block.
 *
 * @param {BitReader} reader
 * @param {HuffmanTable} table
 * @param {Int16Array} values
 * @param {number} offset of the block
 * @param {Band} band
 */
export function refineAcBand(reader, table, values, offset, band) {
  const { last, low } = band;
  let index = band.first;
  if (band.endRun === 0) {
    for (; index <= last; index++) {
      const symbol = reader.symbol(table);
      let run = symbol >> 4;
      let value = 0;
      if ((symbol & 15) !== 0) {
        value = reader.take(1) ? 1 << low : -1 << low;
      } else if (run < 15) {
        band.endRun = (1 << run) + reader.take(run);
        break;
      }
      // Coefficients that are not 0 get a bit each; of those that are, `run` are skipped.
      for (; index <= last; index++) {
        const place = offset + ZIGZAG[index];
        if (values[place] !== 0) {
          refine(reader, values, place, low);
        } else if (--run < 0) {
          break;
        }
      }
      if (value !== 0) {
        values[offset + ZIGZAG[index]] = value;
        reader.isDoubtful ||= index > last;
      }
    }
  }
  if (band.endRun > 0) {
    for (; index <= last; index++) {
      const place = offset + ZIGZAG[index];
      if (values[place] !== 0) {
        refine(reader, values, place, low);
      }
    }
    band.endRun--;
  }
}

/**
 * @param {BitReader} reader
 * @param {Int16Array} values
 * @param {number} place
 * @param {number} low
 */
function refine(reader, values, place, low) {
  if (reader.take(1) === 0) {
    return;
  }
  const value = values[place];
  if ((value & (1 << low)) === 0) {
    values[place] = value + (value < 0 ? -1 << low : 1 << low);
  }
}
