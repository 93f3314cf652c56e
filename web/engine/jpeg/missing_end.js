/**
 * JPEG files without their last marker: read if their data reach to the last block of the picture, refused if they end
 * early. Cameras that lose power and programs that cut a byte too many leave such files.
 */

import { UnreadableImageError } from "../errors.js";
import { readCoefficients } from "./scans.js";

const END = [0xff, 0xd9];
// What a decoder that still waits for data takes for coefficients: ones, and a mixture.
const FILLERS = [
  [0xfe, 0xfe, 0xfe, 0xfe],
  [0xb5, 0x4a, 0x6d, 0x92],
];
const FILLED = 128;
// Files that were reserved on a disk and not written to their end have more zeros than this.
const SHORT_TAIL = 8;

/**
 * The coefficients of a file whose layout has no end.
 *
 * @param {Uint8Array} bytes of the file
 * @param {import("../containers/segments.js").JpegLayout} layout of this file
 * @param {number} maxScans
 * @returns {{picture: import("./scans.js").StoredPicture, isWhole: boolean}} `isWhole`: its own data reach to the last
 *   block; otherwise what follows them was taken for more, as libjpeg does it
 * @throws {UnreadableImageError} if the data end early, or make no sense
 */
export function readWithoutEnd(bytes, layout, maxScans) {
  for (const kept of layout.isCut ? [] : candidates(bytes.subarray(0, layout.stop))) {
    const picture = readWithEnd(kept, [], maxScans);
    if (picture && hasAllScans(picture) && (!picture.isDry || needsNoMore(picture, kept, maxScans))) {
      return { picture, isWhole: true };
    }
  }
  return { picture: readCoefficients(bytes, maxScans), isWhole: false };
}

/**
 * Whether a picture comes out the same with more bytes behind its data: one that ends early takes them for its next
 * blocks.
 *
 * @param {import("./scans.js").StoredPicture} picture
 * @param {Uint8Array} data without the last marker
 * @param {number} maxScans
 */
function needsNoMore({ components }, data, maxScans) {
  return FILLERS.every((filler) => {
    const bytes = Array.from({ length: FILLED }, (_, at) => filler[at % filler.length]);
    const other = readWithEnd(data, bytes, maxScans);
    return other?.components.every(({ values }, index) =>
      // The last block is no part of the picture.
      values.subarray(0, -64).every((value, at) => value === components[index].values[at]),
    );
  });
}

/**
 * @param {Uint8Array} data without the last marker
 * @param {number[]} more that follows it
 * @param {number} maxScans
 */
function readWithEnd(data, more, maxScans) {
  const file = new Uint8Array(data.length + more.length + END.length);
  file.set(data);
  file.set(more, data.length);
  file.set(END, data.length + more.length);
  try {
    return readCoefficients(file, maxScans);
  } catch (error) {
    if (error instanceof UnreadableImageError) {
      return null;
    }
    throw error;
  }
}

/**
 * The data up to where they may end: a last byte 00 belongs to the picture, or fills up a file that was cut.
 *
 * @param {Uint8Array} data
 */
function* candidates(data) {
  let whole = data.length;
  while (whole > 0 && data[whole - 1] === 0xff) {
    whole--;
  }
  let stripped = whole;
  while (stripped > 0 && (data[stripped - 1] === 0 || data[stripped - 1] === 0xff)) {
    stripped--;
  }
  if (whole - stripped <= SHORT_TAIL) {
    yield withoutRestart(data.subarray(0, whole));
  }
  // FF 00 is a byte FF of the picture.
  const isCut = data[stripped] === 0xff && data[stripped + 1] === 0;
  yield withoutRestart(data.subarray(0, isCut ? stripped + 2 : stripped));
}

/**
 * Data without a restart marker behind the last interval, which is of no use.
 *
 * @param {Uint8Array} data
 */
function withoutRestart(data) {
  const last = data[data.length - 1];
  const isRestart = data[data.length - 2] === 0xff && last >= 0xd0 && last <= 0xd7;
  return isRestart ? data.subarray(0, -2) : data;
}

/**
 * Whether every coefficient of every component is there to its last bit, as far as scans and restart markers tell.
 *
 * @param {import("./scans.js").StoredPicture} picture
 */
function hasAllScans({ components, progressive, hasGap }) {
  if (hasGap) {
    return false;
  }
  return components.every(({ table, known }) => table !== null && (!progressive || known.every((bits) => bits === 0)));
}
