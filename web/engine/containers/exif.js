/**
 * Exif data that are made true for a restored picture, changed in place.
 *
 * Writing them anew would move the offsets inside of maker notes, which no program knows, and lose tags that no program
 * knows. So numbers are overwritten where they are.
 */

import { latin1, startsWith } from "./bytes.js";

const ORIENTATION = 0x0112;
const WIDTH = 0x0100;
const HEIGHT = 0x0101;
const EXIF_DIRECTORY = 0x8769;
const PIXEL_WIDTH = 0xa002;
const PIXEL_HEIGHT = 0xa003;
// Tags of the place and the size of a thumbnail: a JPEG file, or uncompressed.
const THUMBNAILS = [
  [0x0201, 0x0202],
  [0x0111, 0x0117],
];
const SHORT = 3;
const LONG = 4;
const EXIF = latin1("Exif\0\0");

/**
 * A tag that holds one whole number.
 *
 * @typedef {object} Numeral
 * @property {number} tag its number
 * @property {number} position of the value in the Exif data
 * @property {number} kind type of the value, SHORT (3) or LONG (4)
 * @property {number} value of the tag
 */

/**
 * The orientation that Exif data state, `null` if they state none or are damaged; of several, the last.
 *
 * @param {Uint8Array} exif
 */
export function orientationOf(exif) {
  return orientationsIn(exif).at(-1)?.value ?? null;
}

/**
 * Bytes of the thumbnail in Exif data, which is a JPEG file or uncompressed; 0 if there is none.
 *
 * @param {Uint8Array} exif
 */
export function thumbnailSize(exif) {
  const numbers = numbersIn(exif, positionOf(exif, 1));
  for (const [place, size] of THUMBNAILS) {
    const found = numbers.find(({ tag }) => tag === size);
    if (found && numbers.some(({ tag }) => tag === place)) {
      return found.value;
    }
  }
  return 0;
}

/**
 * Exif data of a picture that was turned: orientation 1, and no thumbnail, which would lie on its side.
 *
 * The thumbnail's directory is no longer linked; its bytes remain, so that nothing moves.
 *
 * @param {Uint8Array} exif
 */
export function madeUpright(exif) {
  const changed = exif.slice();
  for (const found of orientationsIn(exif)) {
    write(changed, found, 1);
  }
  const place = linkOfSecond(exif);
  if (place !== null) {
    changed.fill(0, place, place + 4);
  }
  return changed;
}

/**
 * Exif data with the width and height of a picture, wherever they state a size in pixels.
 *
 * @param {Uint8Array} exif the data, damaged or not
 * @param {number} width of the picture, in pixels
 * @param {number} height
 */
export function withSize(exif, width, height) {
  const changed = exif.slice();
  if (![width, height].every((side) => side > 0 && side < 2 ** 32)) {
    return changed;
  }
  const sides = new Map([
    [WIDTH, width],
    [HEIGHT, height],
    [PIXEL_WIDTH, width],
    [PIXEL_HEIGHT, height],
  ]);
  const numbers = numbersIn(exif, positionOf(exif, 0));
  const below = numbers.find(({ tag }) => tag === EXIF_DIRECTORY);
  if (below) {
    numbers.push(...numbersIn(exif, startOf(exif) + below.value));
  }
  for (const number of numbers) {
    const side = sides.get(number.tag);
    if (side !== undefined && (number.kind === LONG || side < 1 << 16)) {
      write(changed, number, side);
    }
  }
  return changed;
}

/** @param {Uint8Array} exif */
function orientationsIn(exif) {
  return numbersIn(exif, positionOf(exif, 0)).filter(({ tag }) => tag === ORIENTATION);
}

/**
 * All tags of a directory that hold one whole number.
 *
 * @param {Uint8Array} exif
 * @param {number | null} directory its position
 * @returns {Numeral[]}
 */
function numbersIn(exif, directory) {
  const isLittle = isLittleEndian(exif);
  if (isLittle === null || directory === null || directory + 2 > exif.length) {
    return [];
  }
  const view = viewOf(exif);
  const count = view.getUint16(directory, isLittle);
  const end = Math.min(directory + 2 + 12 * count, exif.length - 11);
  const numbers = [];
  for (let entry = directory + 2; entry < end; entry += 12) {
    const kind = view.getUint16(entry + 2, isLittle);
    if ((kind === SHORT || kind === LONG) && view.getUint32(entry + 4, isLittle) === 1) {
      const position = entry + 8;
      const value = kind === SHORT ? view.getUint16(position, isLittle) : view.getUint32(position, isLittle);
      numbers.push({ tag: view.getUint16(entry, isLittle), position, kind, value });
    }
  }
  return numbers;
}

/**
 * @param {Uint8Array} exif
 * @param {Numeral} number where it is
 * @param {number} value
 */
function write(exif, number, value) {
  const isLittle = isLittleEndian(exif) === true;
  if (number.kind === SHORT) {
    viewOf(exif).setUint16(number.position, value, isLittle);
  } else {
    viewOf(exif).setUint32(number.position, value, isLittle);
  }
}

/**
 * Position of the first (0) or second (1) directory, which holds the thumbnail; `null` if there is none.
 *
 * @param {Uint8Array} exif
 * @param {0 | 1} number
 */
function positionOf(exif, number) {
  const isLittle = isLittleEndian(exif);
  if (isLittle === null) {
    return null;
  }
  const place = number === 0 ? startOf(exif) + 4 : linkOfSecond(exif);
  if (place === null) {
    return null;
  }
  const offset = viewOf(exif).getUint32(place, isLittle);
  return offset === 0 ? null : startOf(exif) + offset;
}

/**
 * Where the first directory states the place of the second.
 *
 * @param {Uint8Array} exif
 */
function linkOfSecond(exif) {
  const isLittle = isLittleEndian(exif);
  const directory = positionOf(exif, 0);
  if (isLittle === null || directory === null || directory + 2 > exif.length) {
    return null;
  }
  const place = directory + 2 + 12 * viewOf(exif).getUint16(directory, isLittle);
  return place + 4 <= exif.length ? place : null;
}

/** @param {Uint8Array} exif */
function startOf(exif) {
  return startsWith(exif, EXIF) ? EXIF.length : 0;
}

/**
 * Whether the smallest byte comes first; `null` if these are no Exif data.
 *
 * @param {Uint8Array} exif
 */
function isLittleEndian(exif) {
  const start = startOf(exif);
  if (exif.length < start + 8 || exif[start] !== exif[start + 1]) {
    return null;
  }
  return exif[start] === 0x49 ? true : exif[start] === 0x4d ? false : null;
}

/** @param {Uint8Array} exif */
function viewOf(exif) {
  return new DataView(exif.buffer, exif.byteOffset, exif.byteLength);
}

/**
 * Exif data without the name under which JPEG files store them.
 *
 * @param {Uint8Array} exif
 */
export function withoutName(exif) {
  const name = latin1("Exif\0\0");
  return startsWith(exif, name) ? exif.subarray(name.length) : exif;
}
