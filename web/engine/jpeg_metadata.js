/** Metadata as segments of JPEG files, in the order in which Python writes them. */

import { latin1 } from "./containers/bytes.js";
import { withoutName } from "./containers/exif.js";
import { PROFILE, XMP } from "./containers/of_jpeg.js";
import { encodeResources, IPTC, SEGMENT } from "./containers/photoshop.js";
import { COMMENT, encodeSegment } from "./containers/segments.js";
import { roundHalfToEven } from "./float32.js";

/** @typedef {import("./metadata.js").Info} Info */

const JFIF = latin1("JFIF\0\x01\x01");
const EXIF = latin1("Exif\0\0");
const APP0 = 0xe0;
const APP1 = 0xe1;
const APP2 = 0xe2;
const APP13 = 0xed;
// Bytes of a segment, without its length.
const LARGEST = 65533;
// Of a profile, and of resources of Photoshop; what is larger goes on in further segments.
const PART_OF_PROFILE = LARGEST - PROFILE.length - 2;
const PART_OF_RESOURCES = 65_000;

/**
 * @param {Info} info "dpi", "exif", "iptc", "photoshop", "xmp", "iccProfile" and "comment" are written; each fits
 * @returns {Uint8Array[]} whole segments, to be written behind the start of the image
 */
export function metadataSegments(info) {
  const density = new DataView(new ArrayBuffer(7));
  const [across, down] = info.dpi ? storedDensity(info.dpi) : [0, 0];
  const isKnown = across > 0;
  density.setUint8(0, isKnown ? 1 : 0);
  density.setUint16(1, isKnown ? across : 1);
  density.setUint16(3, isKnown ? down : 1);
  const segments = [encodeSegment(APP0, [JFIF, new Uint8Array(density.buffer)])];
  if (info.exif) {
    segments.push(encodeSegment(APP1, [EXIF, withoutName(info.exif)]));
  }
  for (const part of inParts(resources(info), PART_OF_RESOURCES)) {
    segments.push(encodeSegment(APP13, [SEGMENT, part]));
  }
  if (info.xmp?.length) {
    segments.push(encodeSegment(APP1, [XMP, info.xmp]));
  }
  const profile = inParts(info.iccProfile ?? new Uint8Array(0), PART_OF_PROFILE);
  for (const [index, part] of profile.entries()) {
    segments.push(encodeSegment(APP2, [PROFILE, Uint8Array.of(index + 1, profile.length), part]));
  }
  if (info.comment?.length) {
    segments.push(encodeSegment(COMMENT, [info.comment]));
  }
  return segments;
}

/**
 * Whether JPEG files can hold some metadata.
 *
 * @param {Info} info
 * @param {keyof Info} key
 */
export function fitsJpeg({ dpi, exif, xmp, comment, iccProfile }, key) {
  switch (key) {
    case "dpi":
      // A density that is cut would be another one.
      return !dpi || storedDensity(dpi).every((one, axis) => one <= 65535 && Math.abs(one - dpi[axis]) < 1);
    case "exif":
      return !exif || withoutName(exif).length <= LARGEST - EXIF.length;
    case "xmp":
      return !xmp || xmp.length <= LARGEST - XMP.length;
    case "comment":
      return !comment || comment.length <= LARGEST;
    case "iccProfile":
      return !iccProfile || iccProfile.length <= 255 * PART_OF_PROFILE;
    default:
      return true;
  }
}

/**
 * The resolution that a file states: whole numbers; 0 and 0 where one of them would be 0 (`JpegEncode.c` of Pillow).
 *
 * @param {[number, number]} dpi
 */
function storedDensity(dpi) {
  const rounded = dpi.map(roundHalfToEven);
  return rounded.every((density) => density > 0) ? rounded : [0, 0];
}

/**
 * Captions and what else Photoshop stores, together.
 *
 * @param {Info} info
 */
function resources({ iptc, photoshop }) {
  const captions = iptc ? [/** @type {const} */ ([IPTC, { name: new Uint8Array(0), value: iptc }])] : [];
  return encodeResources(new Map([...captions, ...(photoshop ?? [])]));
}

/**
 * @param {Uint8Array} data
 * @param {number} size of a part, at most
 */
function inParts(data, size) {
  return Array.from({ length: Math.ceil(data.length / size) }, (_, at) => data.subarray(at * size, (at + 1) * size));
}
