/** Exif data that state the orientation which an AVIF file states elsewhere: there, it alone counts. */

import { asLatin1, join } from "./bytes.js";

const ORIENTATION = 0x0112;
const SHORT = 3;
const EMPTY = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0];

/**
 * The first directory is written anew behind the data, so that nothing else moves.
 *
 * @param {Uint8Array | null} exif `null` if there are none
 * @param {number} orientation 1..8
 * @returns {Uint8Array | null} `null` if nothing has to be said
 */
export function withOrientation(exif, orientation) {
  const data = exif ?? Uint8Array.from(EMPTY);
  const base = asLatin1(data.subarray(0, 6)) === "Exif\0\0" ? 6 : 0;
  const isLittle = data[base] === 0x49;
  const numbers = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const first = data.length >= base + 8 ? base + numbers.getUint32(base + 4, isLittle) : data.length;
  const count = first + 2 <= data.length ? numbers.getUint16(first, isLittle) : 0;
  const end = first + 2 + 12 * count;
  if (first + 2 > data.length || end > data.length) {
    return exif;
  }
  const entries = Array.from({ length: count }, (_, at) => data.slice(first + 2 + 12 * at, first + 14 + 12 * at));
  const tag = (/** @type {Uint8Array} */ entry) => new DataView(entry.buffer).getUint16(0, isLittle);
  const stated = entries.find((entry) => tag(entry) === ORIENTATION);
  if ((stated ? new DataView(stated.buffer).getUint16(8, isLittle) : 1) === orientation) {
    return exif;
  }
  const own = new DataView(new ArrayBuffer(12));
  own.setUint16(0, ORIENTATION, isLittle);
  own.setUint16(2, SHORT, isLittle);
  own.setUint32(4, 1, isLittle);
  own.setUint16(8, orientation, isLittle);
  const all = [...entries.filter((entry) => tag(entry) !== ORIENTATION), new Uint8Array(own.buffer)];
  all.sort((one, other) => tag(one) - tag(other));
  const number = new DataView(new ArrayBuffer(2));
  number.setUint16(0, all.length, isLittle);
  const next = end + 4 <= data.length ? data.subarray(end, end + 4) : new Uint8Array(4);
  const padding = new Uint8Array((data.length - base) & 1);
  const changed = join([data, padding, new Uint8Array(number.buffer), ...all, next]);
  new DataView(changed.buffer).setUint32(base + 4, data.length + padding.length - base, isLittle);
  return changed;
}
