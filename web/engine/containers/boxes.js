/** The boxes of ISO base media files, and the items and properties that they describe. */

import { asLatin1 } from "./bytes.js";

/**
 * A box: its kind, and where its payload lies in the file.
 *
 * @typedef {{kind: string, start: number, end: number}} Box
 */

/**
 * Boxes one after the other, up to the end, or to where they make no sense.
 *
 * @param {Uint8Array} bytes of the file
 * @param {number} position
 * @param {number} end
 * @returns {Generator<Box>}
 */
export function* boxes(bytes, position, end) {
  const numbers = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = position; at + 8 <= end; ) {
    let size = numbers.getUint32(at);
    let start = at + 8;
    const kind = asLatin1(bytes.subarray(at + 4, start));
    if (size === 1 && start + 8 <= end) {
      size = Number(numbers.getBigUint64(start));
      start += 8;
    }
    const stop = size === 0 ? end : at + size;
    if (stop < start || stop > end) {
      return;
    }
    yield { kind, start, end: stop };
    at = stop;
  }
}

/**
 * Indices of the properties of an item, from 1.
 *
 * @param {DataView} numbers of the file
 * @param {Box} ipma
 * @param {number} item
 */
export function associated(numbers, ipma, item) {
  const [version, isWide] = [numbers.getUint8(ipma.start), numbers.getUint8(ipma.start + 3) & 1];
  let at = ipma.start + 8;
  while (at + 3 <= ipma.end) {
    const id = version ? numbers.getUint32(at) : numbers.getUint16(at);
    at += version ? 4 : 2;
    const count = numbers.getUint8(at++);
    if (id === item) {
      return Array.from({ length: count }, (_, index) =>
        isWide ? numbers.getUint16(at + 2 * index) & 0x7fff : numbers.getUint8(at + index) & 0x7f,
      );
    }
    at += count * (isWide ? 2 : 1);
  }
  return [];
}

/**
 * @param {Uint8Array} bytes of the file
 * @param {DataView} numbers
 * @param {Box} iinf
 * @returns {{id: number, kind: string, type: string}[]} `type`: the name, and the kind of content behind it
 */
export function itemsIn(bytes, numbers, iinf) {
  const entries = [...boxes(bytes, iinf.start + (bytes[iinf.start] ? 8 : 6), iinf.end)];
  return entries
    .filter(({ kind, start }) => kind === "infe" && bytes[start] >= 2)
    .map(({ start, end }) => {
      const isWide = bytes[start] > 2;
      const at = start + (isWide ? 10 : 8);
      const id = isWide ? numbers.getUint32(start + 4) : numbers.getUint16(start + 4);
      const rest = asLatin1(bytes.subarray(at + 4, end));
      return { id, kind: asLatin1(bytes.subarray(at, at + 4)), type: rest.slice(rest.indexOf("\0") + 1) };
    });
}

/**
 * Where the data of items lie.
 *
 * @param {DataView} numbers of the file
 * @param {Box} iloc
 * @param {number} idat where the data lie that are stored among the boxes
 * @returns {Map<number, number[][]>} starts and sizes
 */
export function placesIn(numbers, iloc, idat) {
  const version = numbers.getUint8(iloc.start);
  const sizes = numbers.getUint16(iloc.start + 4);
  const [offsetSize, lengthSize, baseSize] = [sizes >> 12, (sizes >> 8) & 15, (sizes >> 4) & 15];
  const indexSize = version ? sizes & 15 : 0;
  let at = iloc.start + 6;
  if (!offsetSize && !lengthSize) {
    return new Map();
  }
  const read = (/** @type {number} */ size) => {
    let value = 0;
    for (let left = size; left > 0; left--) {
      value = value * 256 + numbers.getUint8(at++);
    }
    return value;
  };
  /** @type {Map<number, number[][]>} */
  const places = new Map();
  const wide = version === 2 ? 4 : 2;
  for (let count = read(wide); count > 0 && at < iloc.end; count--) {
    const id = read(wide);
    const start = version && (read(2) & 15) === 1 ? idat : 0;
    read(2);
    const base = read(baseSize);
    const extents = [];
    for (let parts = read(2); parts > 0 && at < iloc.end; parts--) {
      read(indexSize);
      const offset = read(offsetSize);
      extents.push([start + base + offset, read(lengthSize)]);
    }
    places.set(id, extents);
  }
  return places;
}
