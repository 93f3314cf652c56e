/** Refuses files that keep a decoder busy, or fill the memory, for a picture that they do not hold. */

import { UnreadableImageError } from "../errors.js";
import { damaged, ENDS_EARLY } from "./damage.js";

/** @typedef {import("./header.js").JpegHeader} JpegHeader */
/** @typedef {import("../containers/segments.js").JpegLayout} JpegLayout */

/** Pictures larger than this, in millions of pixels, are refused unless the caller raises the limit. */
export const MAX_MEGAPIXELS = 200;

const MAX_FILE_BYTES = 2 ** 30;
// A progressive scan can be a few bytes long, yet decoding it visits the whole picture. Encoders write about ten, so the
// limit is on scans times megapixels; but every picture may have 30, and small ones no more than 500.
const MAX_SCANNED_MEGAPIXELS = 1000;
const MIN_SCANS = 30;
const MAX_SCANS = 500;

/**
 * @param {JpegHeader} header
 * @returns {number} how many scans are decoded
 */
export function scanLimit({ width, height }) {
  const megapixels = (width * height) / 1e6;
  return Math.min(MAX_SCANS, Math.max(MIN_SCANS, Math.floor(MAX_SCANNED_MEGAPIXELS / megapixels)));
}

/**
 * @param {number} scans
 * @param {number} limit
 */
export function checkScans(scans, limit) {
  if (scans <= limit) {
    return;
  }
  throw new UnreadableImageError(
    `the picture has ${scans} progressive scans, more than the ${limit} that are read at this size: such a file only ` +
      "slows a decoder down",
  );
}

/**
 * @param {JpegHeader} header
 * @param {Uint8Array} bytes
 * @param {number} maxMegapixels
 */
export function checkSize({ width, height, components }, bytes, maxMegapixels) {
  checkBytes(bytes);
  checkMegapixels({ width, height }, maxMegapixels);
  // Every block of luma takes at least a bit.
  const most = [1, 1];
  for (const { horizontal, vertical } of components) {
    most[0] = Math.max(most[0], horizontal);
    most[1] = Math.max(most[1], vertical);
  }
  const columns = Math.ceil((width * components[0].horizontal) / most[0] / 8);
  const rows = Math.ceil((height * components[0].vertical) / most[1] / 8);
  if (columns * rows > 8 * bytes.length) {
    throw cannotHold(bytes, { width, height });
  }
}

/**
 * @param {Uint8Array} bytes
 * @throws {UnreadableImageError} if there are too many
 */
export function checkBytes(bytes) {
  if (bytes.length > MAX_FILE_BYTES) {
    throw new UnreadableImageError(
      `the picture is larger than ${MAX_FILE_BYTES / 2 ** 20} MiB, too large for a picture`,
    );
  }
}

/**
 * @param {{width: number, height: number}} size that a header states
 * @param {number} maxMegapixels
 * @throws {UnreadableImageError} if it is too large
 */
export function checkMegapixels({ width, height }, maxMegapixels) {
  const megapixels = (width * height) / 1e6;
  if (megapixels > maxMegapixels) {
    throw new UnreadableImageError(
      `the picture claims to hold ${thousands(megapixels, 1)} megapixels, more than the limit of ${maxMegapixels}; ` +
        "raise it with maxMegapixels",
    );
  }
}

/**
 * What is said of a file that is too short for its picture.
 *
 * @param {Uint8Array} bytes
 * @param {{width: number, height: number}} size that it states
 */
export function cannotHold(bytes, { width, height }) {
  return damaged(
    `${ENDS_EARLY} (${thousands(bytes.length, 0)} bytes cannot hold the ${thousands((width * height) / 1e6, 1)} ` +
      "megapixels that it claims)",
  );
}

/**
 * @param {number} number
 * @param {number} digits behind the point
 */
function thousands(number, digits) {
  return number.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
