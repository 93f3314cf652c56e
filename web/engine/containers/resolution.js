/** The resolution that a JPEG file states: in its JFIF segment, or else in its Exif data. */

import { latin1, startsWith } from "./bytes.js";

const EXIF = latin1("Exif\0\0");
const RESOLUTION = 0x011a;
const UNIT = 0x0128;
const CENTIMETERS = 3;
const INCHES_OF_CENTIMETERS = 2.54;
// The unusual ones state one byte order and write 42 in the other.
const HEADERS = ["MM\0*", "II*\0", "MM*\0", "II\0*"].map(latin1);
const SIZES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8];

/** @typedef {{kind: number, count: number, place: number}} Tag where its value lies in the data */

/**
 * The resolution in dots per inch, across and down; `null` if none is stated.
 *
 * @param {Uint8Array[]} jfif payloads of APP0 segments, before the first scan
 * @param {Uint8Array | undefined} exif
 * @returns {[number, number] | null}
 */
export function resolutionOf(jfif, exif) {
  /** @type {[number, number] | null} */
  let stated = null;
  let unit = 0;
  for (const payload of jfif) {
    if (payload.length < 12) {
      continue;
    }
    const view = new DataView(payload.buffer, payload.byteOffset);
    unit = payload[7];
    const factor = unit === 2 ? INCHES_OF_CENTIMETERS : 1;
    if (unit === 1 || unit === 2) {
      stated = [view.getUint16(8) * factor, view.getUint16(10) * factor];
    }
  }
  if (unit === 1 || unit === 2) {
    return stated;
  }
  // A later JFIF segment can take back the unit of an earlier one.
  const tags = exif ? new Tags(exif) : null;
  if (!tags?.has(RESOLUTION)) {
    return null;
  }
  if (stated) {
    return stated;
  }
  const inExif = tags.resolution();
  return [inExif, inExif];
}

/** The tags of the first directory of Exif data. */
class Tags {
  /** @type {Map<number, Tag>} */
  #tags = new Map();

  /** @param {Uint8Array} exif */
  constructor(exif) {
    let start = 0;
    while (startsWith(exif, EXIF, start)) {
      start += EXIF.length;
    }
    this.data = exif.subarray(start);
    this.view = new DataView(this.data.buffer, this.data.byteOffset, this.data.byteLength);
    this.isLittle = this.data[0] === 0x49;
    if (this.data.length >= 8 && HEADERS.some((header) => startsWith(this.data, header))) {
      this.#read(this.view.getUint32(4, this.isLittle));
    }
  }

  /** @param {number} tag */
  has(tag) {
    return this.#tags.has(tag);
  }

  /** The resolution across in dots per inch; 72 if it makes no sense. */
  resolution() {
    const unit = this.#tags.get(UNIT);
    const resolution = this.#tags.get(RESOLUTION);
    const value = unit && resolution ? this.#number(resolution) : Number.NaN;
    if (!unit || Number.isNaN(value)) {
      return 72;
    }
    return this.#number(unit) === CENTIMETERS ? value * INCHES_OF_CENTIMETERS : value;
  }

  /**
   * Tags whose values lie within the data. A value that does not ends the reading.
   *
   * @param {number} directory
   */
  #read(directory) {
    const { view, isLittle, data } = this;
    const count = directory + 2 <= data.length ? view.getUint16(directory, isLittle) : 0;
    for (let entry = directory + 2; entry < directory + 2 + 12 * count && entry + 12 <= data.length; entry += 12) {
      const kind = view.getUint16(entry + 2, isLittle);
      const values = view.getUint32(entry + 4, isLittle);
      const size = (SIZES[kind] ?? 0) * values;
      const place = size > 4 ? view.getUint32(entry + 8, isLittle) : entry + 8;
      if (place + size > data.length) {
        return;
      }
      if (size > 0) {
        this.#tags.set(view.getUint16(entry, isLittle), { kind, count: values, place });
      }
    }
  }

  /**
   * The first number of a tag, NaN for texts.
   *
   * @param {Tag} tag
   */
  #number({ kind, count, place }) {
    const { view, isLittle, data } = this;
    switch (kind) {
      case 1:
      case 7:
        // The first two bytes are taken for a fraction.
        return count > 1 && data[place + 1] > 0 ? data[place] / data[place + 1] : Number.NaN;
      case 3:
        return view.getUint16(place, isLittle);
      case 4:
      case 13:
        return view.getUint32(place, isLittle);
      case 5:
        return fraction(view.getUint32(place, isLittle), view.getUint32(place + 4, isLittle));
      case 6:
        return view.getInt8(place);
      case 8:
        return view.getInt16(place, isLittle);
      case 9:
        return view.getInt32(place, isLittle);
      case 10:
        return fraction(view.getInt32(place, isLittle), view.getInt32(place + 4, isLittle));
      case 11:
        return view.getFloat32(place, isLittle);
      case 12:
        return view.getFloat64(place, isLittle);
      case 16:
        return Number(view.getBigUint64(place, isLittle));
      default:
        return Number.NaN;
    }
  }
}

/**
 * @param {number} numerator
 * @param {number} denominator
 */
function fraction(numerator, denominator) {
  return denominator === 0 ? Number.NaN : numerator / denominator;
}
