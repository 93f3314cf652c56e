/**
 * JPEG files without their last marker: read if their data reach to the last block, refused if they end early.
 *
 * Cameras that lose power and programs that cut a byte too many leave such files, and browsers show them.
 */

import { FRAMES, RESTART_INTERVAL, START_OF_SCAN } from "../containers/segments.js";
import { UnreadableImageError } from "../errors.js";
import { readCoefficients } from "./scans.js";

/** @typedef {import("../containers/segments.js").JpegLayout} JpegLayout */
/** @typedef {import("../containers/segments.js").Segment} Segment */
/** @typedef {import("./scans.js").StoredPicture} StoredPicture */

const END = [0xff, 0xd9];
// What a decoder that still waits for data takes for coefficients: ones, and a mixture.
const FILLERS = [
  new Uint8Array(128).fill(0xfe),
  Uint8Array.from({ length: 128 }, (_, at) => [0xb5, 0x4a, 0x6d, 0x92][at % 4]),
];
// Files that were reserved on a disk and not written to their end have more zeros than this.
const SHORT_TAIL = 8;
const SEQUENTIAL = [0xc0, 0xc1];
const FIRST_RESTART = 0xd0;
const LAST_RESTART = 0xd7;

/**
 * The coefficients of a file without an end, if its data reach to the last block of the picture.
 *
 * @param {Uint8Array} data the bytes of a file whose layout has no end
 * @param {JpegLayout} layout of this file
 * @param {number} maxScans
 * @returns {StoredPicture | null} `null` if the data end early, or make no sense
 */
export function readWithoutEnd(data, layout, maxScans) {
  const frame = layout.segments.find(({ marker }) => FRAMES.has(marker));
  if (layout.isCut || frame === undefined || !hasAllScans(data, layout, frame)) {
    return null;
  }
  for (const length of candidates(data.subarray(0, layout.stop))) {
    const kept = data.subarray(0, length);
    if (!hasAllIntervals(kept, layout, frame)) {
      continue;
    }
    const picture = readWithEnd(kept, [], maxScans);
    if (picture && (!picture.isDry || needsNoMore(picture, kept, maxScans))) {
      return picture;
    }
  }
  return null;
}

/**
 * Whether a picture comes out the same with more bytes behind its data: one that ends early takes them for its next
 * blocks.
 *
 * @param {StoredPicture} picture
 * @param {Uint8Array} data without the last marker
 * @param {number} maxScans
 */
function needsNoMore({ components }, data, maxScans) {
  return FILLERS.every((filler) => {
    const other = readWithEnd(data, filler, maxScans);
    return components.every(({ rows, columns, values }, index) =>
      values.subarray(0, rows * columns * 64).every((value, at) => value === other?.components[index].values[at]),
    );
  });
}

/**
 * @param {Uint8Array} data without the last marker
 * @param {ArrayLike<number>} more that follows it
 * @param {number} maxScans
 * @returns {StoredPicture | null} `null` if it makes no sense
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
 * Lengths up to where the data may end: a last byte 00 belongs to the picture, or fills up a file that was cut.
 *
 * @param {Uint8Array} data
 * @returns {number[]}
 */
function candidates(data) {
  // The first half of the marker that is missing, and a restart marker behind the last interval, are of no use.
  let whole = data.length;
  while (whole > 0 && data[whole - 1] === 0xff) {
    whole--;
  }
  whole = withoutRestart(data, whole);
  let stripped = data.length;
  while (stripped > 0 && (data[stripped - 1] === 0xff || data[stripped - 1] === 0)) {
    stripped--;
  }
  // FF 00 is a byte FF of the picture.
  const isCut = data[stripped] === 0xff && data[stripped + 1] === 0;
  const short = isCut ? stripped + 2 : withoutRestart(data, stripped);
  return whole - stripped <= SHORT_TAIL ? [whole, short] : [short];
}

/**
 * @param {Uint8Array} data
 * @param {number} length
 */
function withoutRestart(data, length) {
  return isRestart(data, length - 2) ? length - 2 : length;
}

/**
 * @param {Uint8Array} data
 * @param {number} at
 */
function isRestart(data, at) {
  return data[at] === 0xff && data[at + 1] >= FIRST_RESTART && data[at + 1] <= LAST_RESTART;
}

/**
 * Whether there are as many restart markers as there must be: a decoder fills missing intervals without a word.
 *
 * @param {Uint8Array} data
 * @param {JpegLayout} layout
 * @param {Segment} frame
 */
function hasAllIntervals(data, { segments }, frame) {
  let interval = 0;
  return segments.every(({ marker, start, end }, index) => {
    if (marker === RESTART_INTERVAL) {
      interval = (data[start] << 8) | data[start + 1];
    }
    if (marker !== START_OF_SCAN || interval === 0) {
      return true;
    }
    const stop = index + 1 < segments.length ? segments[index + 1].start - 4 : data.length;
    let found = 0;
    for (let at = data.indexOf(0xff, end); at >= 0 && at + 1 < stop; at = data.indexOf(0xff, at + 1)) {
      if (isRestart(data, at)) {
        found++;
      }
    }
    return found === Math.ceil(units(data, frame, start) / interval) - 1;
  });
}

/**
 * The number of coded units of a scan: blocks of one component, or groups of blocks of several.
 *
 * @param {Uint8Array} data
 * @param {Segment} frame
 * @param {number} scan start of the header of the scan
 */
function units(data, frame, scan) {
  const size = [
    (data[frame.start + 3] << 8) | data[frame.start + 4],
    (data[frame.start + 1] << 8) | data[frame.start + 2],
  ];
  /** @type {Map<number, number[]>} */
  const factors = new Map();
  for (let at = frame.start + 6; at + 1 < frame.end; at += 3) {
    factors.set(data[at], [data[at + 1] >> 4, data[at + 1] & 15]);
  }
  const most = [0, 1].map((axis) => Math.max(...[...factors.values()].map((factor) => factor[axis])));
  const own = data[scan] > 1 ? most : (factors.get(data[scan + 1]) ?? most);
  const isSingle = data[scan] === 1;
  const sides = size.map((length, axis) =>
    isSingle ? Math.ceil(Math.ceil((length * own[axis]) / most[axis]) / 8) : Math.ceil(length / (8 * most[axis])),
  );
  return sides[0] * sides[1];
}

/**
 * Whether every coefficient of every component is there to its last bit: progressive files send them bit by bit.
 *
 * @param {Uint8Array} data
 * @param {JpegLayout} layout
 * @param {Segment} frame
 */
function hasAllScans(data, { segments }, frame) {
  /** @type {Map<number, Uint8Array>} */
  const missing = new Map();
  for (let at = frame.start + 6; at < frame.end; at += 3) {
    missing.set(data[at], new Uint8Array(64).fill(1));
  }
  for (const { marker, start, end } of segments) {
    if (marker !== START_OF_SCAN) {
      continue;
    }
    // Without progression, the last bytes say nothing, and some encoders write anything.
    const [first, last, bits] = SEQUENTIAL.includes(frame.marker) ? [0, 63, 0] : data.subarray(end - 3, end);
    for (let index = 0; index < data[start]; index++) {
      missing.get(data[start + 1 + 2 * index])?.fill(bits & 15, first, last + 1);
    }
  }
  return missing.size > 0 && [...missing.values()].every((left) => left.every((bits) => bits === 0));
}
