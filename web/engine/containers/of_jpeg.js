/** What a JPEG file holds besides its picture: in its segments, and behind the end of the image. */

import { GAIN_MAP_SIGNS, lookBehind } from "./behind.js";
import { asLatin1, compare, find, join, latin1, startsWith } from "./bytes.js";
import { thumbnailSize } from "./exif.js";
import * as words from "./extras.js";
import { extra } from "./extras.js";
import { extrasOf, keptInfo, readResources, SEGMENT, THUMBNAILS } from "./photoshop.js";
import { COMMENT, readLayout } from "./segments.js";

/** @typedef {import("./extras.js").Extra} Extra */
/** @typedef {import("./photoshop.js").Resources} Resources */
/** @typedef {{marker: number, payload: Uint8Array}} Application a segment, such as APP1 with marker 0xE1 */

export const XMP = latin1("http://ns.adobe.com/xap/1.0/\0");
export const PROFILE = latin1("ICC_PROFILE\0");
const EXTENDED_XMP = latin1("http://ns.adobe.com/xmp/extension/\0");
const JFIF = latin1("JFIF\0");
const JFXX = latin1("JFXX\0");
const EXIF = latin1("Exif\0");
const BOXES = latin1("JP");
const CREDENTIALS = latin1("c2pa");
const APP0 = 0xe0;
const APP1 = 0xe1;
const APP11 = 0xeb;
const APP13 = 0xed;
const APP15 = 0xef;
// Segments on how the file is stored, and those that are read for the metadata.
const STORAGE = ["MPF\0", "Adobe", "Ducky"].map(latin1);
const KNOWN = [JFIF, JFXX, EXIF, XMP, EXTENDED_XMP, PROFILE, ...STORAGE, SEGMENT, ...GAIN_MAP_SIGNS];
const NAME_SIZE = 32;
const PART_HEADER_SIZE = 40;

/**
 * What a JPEG file holds besides one picture.
 *
 * @typedef {object} Contents
 * @property {Extra[]} extras in the order of the file
 * @property {{comment?: Uint8Array, iptc?: Uint8Array, photoshop?: Resources}} info those that can be written to other
 *   files: all comments, captions, and resources of Photoshop
 * @property {Uint8Array} extendedXmp the extended packet of XMP; empty if there is none
 */

/**
 * Find what a JPEG file holds besides its picture.
 *
 * @param {Uint8Array} data the bytes of the file, damaged or not
 * @returns {Contents}
 */
export function lookIntoJpeg(data) {
  const layout = readLayout(data);
  const payloads = layout.segments.map(({ marker, start, end }) => ({ marker, payload: data.subarray(start, end) }));
  /** @type {Contents["info"]} */
  const info = {};
  /** @type {Extra[]} */
  const extras = [];
  const comments = payloads.filter(({ marker, payload }) => marker === COMMENT && payload.length > 0);
  if (comments.length > 0) {
    const lines = comments.flatMap(({ payload }) => [latin1("\n"), payload]);
    info.comment = join(lines.slice(1));
    extras.push(...comments.map(({ payload }) => extra(words.COMMENT, payload.length, "comment")));
  }
  const applications = payloads.filter(({ marker }) => APP0 <= marker && marker <= APP15);
  const extended = extendedXmpIn(applications);
  if (extended === null) {
    extras.push(extra(words.DAMAGED_EXTENDED_XMP, 0));
  } else if (extended.length > 0) {
    extras.push(extra(words.EXTENDED_XMP, extended.length, "xmp"));
  }
  // Resources of more than 64 KiB go on in the next segment.
  const parts = applications.filter(({ marker, payload }) => marker === APP13 && startsWith(payload, SEGMENT));
  const resources = readResources(join(parts.map(({ payload }) => payload.subarray(SEGMENT.length))));
  const kept = keptInfo(resources);
  Object.assign(info, kept);
  extras.push(...extrasOf(kept), ...thumbnailsIn(applications, resources));
  const isBox = (/** @type {Application} */ { marker, payload }) => marker === APP11 && startsWith(payload, BOXES);
  const boxes = join(applications.filter(isBox).map(({ payload }) => payload.subarray(8)));
  if (boxes.length > 0) {
    const other = `${words.UNKNOWN} in JUMBF boxes, as proofs of origin are`;
    extras.push(extra(find(boxes, CREDENTIALS) >= 0 ? words.PROVENANCE : other, boxes.length));
  }
  const unknown = applications.filter(
    (application) => !isBox(application) && !KNOWN.some((name) => startsWith(application.payload, name)),
  );
  if (unknown.length > 0) {
    const size = unknown.reduce((sum, { payload }) => sum + payload.length, 0);
    extras.push(extra(`${words.UNKNOWN} of a program or camera`, size));
  }
  if (layout.end !== null && layout.end < data.length) {
    extras.push(...lookBehind(data.subarray(layout.end)));
  }
  return { extras, info, extendedXmp: extended ?? new Uint8Array(0) };
}

/**
 * Thumbnails. Only that in the Exif data is kept: it is a part of them, and they stay as they are.
 *
 * @param {Application[]} applications
 * @param {Resources} resources
 */
function thumbnailsIn(applications, resources) {
  /** @type {Extra[]} */
  const found = [];
  for (const { marker, payload } of applications) {
    const size = marker === APP1 && startsWith(payload, EXIF) ? thumbnailSize(payload) : 0;
    if (size > 0) {
      found.push(extra(words.EXIF_THUMBNAIL, size, "exif"));
    } else if (marker === APP0 && startsWith(payload, JFIF) && payload.length > 14) {
      found.push(extra(words.THUMBNAIL, payload.length - 14));
    } else if (marker === APP0 && startsWith(payload, JFXX)) {
      found.push(extra(words.THUMBNAIL, payload.length - 6));
    }
  }
  for (const number of THUMBNAILS) {
    const resource = resources.get(number);
    if (resource) {
      found.push(extra(words.THUMBNAIL, resource.value.length));
    }
  }
  return found;
}

/**
 * The extended packet, empty if there is none; `null` if parts of it are missing.
 *
 * Every part states its place and the size of the whole.
 *
 * @param {Application[]} applications
 */
function extendedXmpIn(applications) {
  const parts = applications
    .filter(({ payload }) => startsWith(payload, EXTENDED_XMP))
    .map(({ payload }) => payload.subarray(EXTENDED_XMP.length))
    .filter((part) => part.length > PART_HEADER_SIZE);
  if (parts.length === 0) {
    return new Uint8Array(0);
  }
  const main = applications.find(({ payload }) => startsWith(payload, XMP))?.payload;
  // Editors leave parts of former packets behind. The main packet names the one that counts.
  const nameOf = (/** @type {Uint8Array} */ part) => part.subarray(0, NAME_SIZE);
  const named = parts.find((part) => main === undefined || find(main, nameOf(part)) >= 0);
  if (named === undefined) {
    return null;
  }
  const name = asLatin1(nameOf(named));
  const placed = parts
    .filter((part) => asLatin1(nameOf(part)) === name)
    .map((part) => {
      const view = new DataView(part.buffer, part.byteOffset + NAME_SIZE, 8);
      return { size: view.getUint32(0), offset: view.getUint32(4), part: part.subarray(PART_HEADER_SIZE) };
    })
    .sort((one, two) => one.offset - two.offset || one.size - two.size || compare(one.part, two.part));
  const whole = [];
  let length = 0;
  for (const { offset, part } of placed) {
    if (offset === length) {
      whole.push(part);
      length += part.length;
    }
  }
  return length === placed[0].size ? join(whole) : null;
}
