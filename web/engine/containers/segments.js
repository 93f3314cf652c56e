/**
 * The segments of a JPEG file: where they lie, and where the image ends.
 *
 * Comments, thumbnails and appended videos can hold the bytes of markers, too. So segments are skipped by their length,
 * and nothing behind the end of the image counts.
 */

export const COMMENT = 0xfe;
const START_OF_SCAN = 0xda;
const START_OF_IMAGE = 0xd8;
const END_OF_IMAGE = 0xd9;
const TEMPORARY = 0x01;
// Tables, another scan, the number of lines, comments and application data can follow a scan.
const AFTER_A_SCAN = new Set([0xc4, 0xcc, START_OF_SCAN, 0xdb, 0xdc, 0xdd, COMMENT]);
for (let marker = 0xe0; marker <= 0xef; marker++) {
  AFTER_A_SCAN.add(marker);
}

/**
 * A marker with a payload.
 *
 * @typedef {object} Segment
 * @property {number} marker second byte of the marker, 0xE1 for APP1
 * @property {number} start of the payload in the file, without marker and length
 * @property {number} end
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
  for (let at = _nextMarker(data, position); at >= 0; at = _nextMarker(data, position)) {
    const marker = data[at + 1];
    const behind = at + 2;
    if (marker === END_OF_IMAGE) {
      return { segments, end: behind, stop: at, isCut: false };
    }
    if ((marker === TEMPORARY || marker === START_OF_IMAGE) && !scanned) {
      position = behind;
      continue;
    }
    // At the end of the file, one byte or none is left of the length.
    const length = behind + 1 < data.length ? (data[behind] << 8) | data[behind + 1] : (data[behind] ?? 0);
    const end = behind + Math.max(2, length);
    if (scanned && (!AFTER_A_SCAN.has(marker) || end > data.length)) {
      return { segments, end: null, stop: at, isCut: AFTER_A_SCAN.has(marker) };
    }
    segments.push({ marker, start: Math.min(behind + 2, data.length), end: Math.min(end, data.length) });
    position = end;
    scanned = scanned || marker === START_OF_SCAN;
  }
  return { segments, end: null, stop: data.length, isCut: false };
}

/**
 * The position of the next marker that is neither a restart marker nor a byte FF of entropy-coded data; -1 if there is
 * none.
 *
 * @param {Uint8Array} data
 * @param {number} position
 */
function _nextMarker(data, position) {
  for (let at = data.indexOf(0xff, position); at >= 0; at = data.indexOf(0xff, at + 1)) {
    const marker = data[at + 1];
    if ((marker >= 0x01 && marker <= 0xcf) || (marker >= 0xd8 && marker <= 0xfe)) {
      return at;
    }
  }
  return -1;
}
