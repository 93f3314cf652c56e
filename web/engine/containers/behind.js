/** What follows the end of a picture in its file: other pictures, gain maps, videos of phones. */

import { find, latin1, startsWith } from "./bytes.js";
import { extra, GAIN_MAP, PICTURE, UNKNOWN, VIDEO } from "./extras.js";
import { readLayout } from "./segments.js";

/** @typedef {import("./extras.js").Extra} Extra */

/** What the segments of a gain map hold, one of these. */
export const GAIN_MAP_SIGNS = ["urn:iso:std:iso:ts:21496:-1\0", "http://ns.adobe.com/hdr-gain-map/", "HDRGainMap"].map(
  latin1,
);

const JPEG = Uint8Array.of(0xff, 0xd8, 0xff);
const VIDEO_TYPE = latin1("ftyp");
const EMPTY = latin1("\0\xff \r\n");
const EMPTY_START = latin1("\0 \r\n");
// Pictures behind a picture that are looked at; hostile files can have any number.
const MOST = 20;
const HEAD = 4096;

/**
 * Name what follows the end of a picture; empty space is nothing.
 *
 * @param {Uint8Array} data the bytes behind the end
 */
export function lookBehind(data) {
  /** @type {Extra[]} */
  const extras = [];
  let left = data;
  while (left.some((byte) => !EMPTY.includes(byte))) {
    if (extras.length === MOST) {
      extras.push(extra(`${UNKNOWN} behind the picture`, left.length));
      break;
    }
    const { size, found } = nextIn(left);
    extras.push(found);
    left = left.subarray(size);
  }
  return extras;
}

/**
 * What data start with, and where that ends.
 *
 * @param {Uint8Array} data
 * @returns {{size: number, found: Extra}}
 */
function nextIn(data) {
  const start = data.findIndex((byte) => !EMPTY_START.includes(byte));
  if (startsWith(data, JPEG, start)) {
    const picture = data.subarray(start);
    const size = readLayout(picture).end ?? picture.length;
    return { size: start + size, found: extra(isGainMap(picture.subarray(0, size)) ? GAIN_MAP : PICTURE, size) };
  }
  // A video starts with the size of its first box, in four bytes. Some cameras put something before it.
  const video = find(data, VIDEO_TYPE);
  const following = find(data, JPEG);
  if (video >= 4 && (following < 0 || video < following)) {
    return { size: data.length, found: extra(VIDEO, data.length - video + 4) };
  }
  const size = following > 0 ? following : data.length;
  return { size, found: extra(`${UNKNOWN} behind the picture`, size) };
}

/** @param {Uint8Array} data */
function isGainMap(data) {
  return readLayout(data).segments.some(({ start, end }) => {
    const head = data.subarray(start, Math.min(end, start + HEAD));
    return GAIN_MAP_SIGNS.some((sign) => find(head, sign) >= 0);
  });
}
