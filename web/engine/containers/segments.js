/**
 * The segments of a JPEG file: where they lie, how many scans there are, where the image ends.
 *
 * Comments, thumbnails and appended videos can hold the bytes of markers, too. So segments are skipped by their length,
 * and nothing behind the end of the image counts.
 */

import { join } from "./bytes.js";

export const START_OF_SCAN = 0xda;
export const COMMENT = 0xfe;
export const RESTART_INTERVAL = 0xdd;

/** Markers of the header of a picture, one for each kind of coding. */
export const FRAMES = new Set([0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf]);

const START_OF_IMAGE = 0xd8;
const END_OF_IMAGE = 0xd9;
const TEMPORARY = 0x01;
const FIRST_ARITHMETIC_FRAME = 0xc9;
// Tables, another scan, the number of lines, comments and application data can follow a scan.
const AFTER_A_SCAN = new Set([0xc4, 0xcc, START_OF_SCAN, 0xdb, 0xdc, 0xdd, COMMENT]);
for (let application = 0xe0; application < 0xf0; application++) {
  AFTER_A_SCAN.add(application);
}

/**
 * A marker with a payload.
 *
 * @typedef {object} Segment
 * @property {number} marker second byte of the marker, 0xE1 for APP1
 * @property {number} start of the payload in the file, without marker and length
 * @property {number} end of the payload
 */

/**
 * Where the parts of a JPEG file lie.
 *
 * @typedef {object} JpegLayout
 * @property {Segment[]} segments all segments before the end of the image, in their order
 * @property {number | null} end position behind the marker of the end of the image; `null` if there is none
 * @property {number} stop without such a marker, the position behind the data of the last scan; otherwise that of the
 *   marker
 * @property {boolean} isCut whether the file ends inside of a segment
 * @property {number} scans number of scans: each makes a decoder visit the whole picture
 * @property {boolean} isArithmetic whether the picture is stored with arithmetic coding, which needs less than a bit
 *   for a block
 */

/**
 * Find the segments of a JPEG file.
 *
 * @param {Uint8Array} data the bytes of the file, damaged or not
 * @returns {JpegLayout}
 */
export function readLayout(data) {
  /** @type {Segment[]} */
  const segments = [];
  let position = 2;
  let scanned = false;
  for (;;) {
    const found = findMarker(data, position);
    if (found < 0) {
      return layout(segments, null, data.length, false);
    }
    const marker = data[found + 1];
    const behind = found + 2;
    if (marker === END_OF_IMAGE) {
      return layout(segments, behind, found, false);
    }
    if ((marker === TEMPORARY || marker === START_OF_IMAGE) && !scanned) {
      position = behind;
      continue;
    }
    // A length that the end of the file cuts is what is left of it.
    const kept = Math.min(2, data.length - behind);
    const length = kept === 2 ? (data[behind] << 8) | data[behind + 1] : kept === 1 ? data[behind] : 0;
    const end = behind + Math.max(2, length);
    if (scanned && (!AFTER_A_SCAN.has(marker) || end > data.length)) {
      return layout(segments, null, found, AFTER_A_SCAN.has(marker));
    }
    segments.push({ marker, start: behind + 2, end: Math.min(end, data.length) });
    position = end;
    scanned ||= marker === START_OF_SCAN;
  }
}

/**
 * A whole segment: marker, length, payload.
 *
 * @param {number} marker second byte of the marker
 * @param {Uint8Array[]} parts of the payload, at most 65,533 bytes together
 */
export function encodeSegment(marker, parts) {
  const size = parts.reduce((sum, part) => sum + part.length, 2);
  return join([Uint8Array.of(0xff, marker, size >> 8, size & 255), ...parts]);
}

/**
 * Position of the next marker, -1 if there is none. FF 00 is a byte FF of the data; restart markers are no segments.
 *
 * @param {Uint8Array} data
 * @param {number} position
 */
function findMarker(data, position) {
  for (let at = data.indexOf(0xff, position); at >= 0 && at + 1 < data.length; at = data.indexOf(0xff, at + 1)) {
    const next = data[at + 1];
    if (next !== 0 && next !== 0xff && (next < 0xd0 || next > 0xd7)) {
      return at;
    }
  }
  return -1;
}

/**
 * @param {Segment[]} segments
 * @param {number | null} end
 * @param {number} stop
 * @param {boolean} isCut
 * @returns {JpegLayout}
 */
function layout(segments, end, stop, isCut) {
  const scans = segments.filter(({ marker }) => marker === START_OF_SCAN).length;
  const isArithmetic = segments.some(({ marker }) => FRAMES.has(marker) && marker >= FIRST_ARITHMETIC_FRAME);
  return { segments, end, stop, isCut, scans, isArithmetic };
}
