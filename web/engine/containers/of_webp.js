/** The chunks of WebP files (RIFF): size, transparency, metadata. */

import { asLatin1 } from "./bytes.js";
import { notKept, PROVENANCE, UNKNOWN } from "./extras.js";

/** @typedef {import("../metadata.js").Info} Info */

/**
 * What the container of a picture says that the browser decodes.
 *
 * @typedef {object} Container
 * @property {number} width
 * @property {number} height
 * @property {boolean} isGray
 * @property {boolean} hasAlpha
 * @property {boolean} isAnimated
 * @property {Info} info
 * @property {string[]} notes sentences on what cannot be kept
 * @property {Uint8Array} plain the file without what would make a browser turn its pixels or convert their colors
 * @property {Uint8Array} [opacity] the file of a picture whose gray is the alpha of this one, which `plain` then lacks
 * @property {boolean} [isPremultiplied] whether the colors are stored multiplied by it
 */

const KNOWN = ["VP8 ", "VP8L", "VP8X", "ALPH", "ANIM", "ANMF", "ICCP", "EXIF", "XMP "];
/** @type {Record<string, "iccProfile" | "exif" | "xmp">} */
const KEYS = { ICCP: "iccProfile", EXIF: "exif", "XMP ": "xmp" };
const ALPHA_FLAG = 0x10;
const ANIMATION_FLAG = 0x02;

/** @param {Uint8Array} bytes of a file */
export function isWebp(bytes) {
  return asLatin1(bytes.subarray(0, 4)) === "RIFF" && asLatin1(bytes.subarray(8, 15)) === "WEBPVP8";
}

/**
 * @param {Uint8Array} bytes of the file
 * @returns {Container | null} `null` if it states no size
 */
export function lookIntoWebp(bytes) {
  const numbers = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = Math.min(bytes.length, 8 + numbers.getUint32(4, true));
  const plain = bytes.slice();
  /** @type {Info} */
  const info = {};
  const extras = [];
  let [width, height, frames] = [0, 0, 0];
  let hasAlpha = false;
  let isAnimated = false;
  for (let at = 12; at + 8 <= end; ) {
    const kind = asLatin1(bytes.subarray(at, at + 4));
    const size = numbers.getUint32(at + 4, true);
    const payload = bytes.subarray(at + 8, Math.min(at + 8 + size, end));
    const start = at + 8;
    if (kind === "VP8X" && payload.length >= 10) {
      hasAlpha = (payload[0] & ALPHA_FLAG) !== 0;
      isAnimated = (payload[0] & ANIMATION_FLAG) !== 0;
      width = 1 + (numbers.getUint32(start + 4, true) & 0xffffff);
      height = 1 + (numbers.getUint32(start + 6, true) >>> 8);
    } else if (kind === "VP8L" && payload.length >= 5) {
      const packed = numbers.getUint32(start + 1, true);
      hasAlpha = ((packed >>> 28) & 1) === 1;
      width ||= 1 + (packed & 0x3fff);
      height ||= 1 + ((packed >>> 14) & 0x3fff);
    } else if (kind === "VP8 " && payload.length >= 10) {
      width ||= numbers.getUint16(start + 6, true) & 0x3fff;
      height ||= numbers.getUint16(start + 8, true) & 0x3fff;
    } else if (kind === "ANMF") {
      frames++;
    } else if (KEYS[kind]) {
      info[KEYS[kind]] ??= payload.slice();
      // Decoders skip chunks that they do not know.
      plain.set([120, 120, 120, 120], at);
    } else if (kind === "C2PA") {
      extras.push({ kind: PROVENANCE, size });
    } else if (!KNOWN.includes(kind)) {
      extras.push({ kind: `${UNKNOWN} of a program`, size });
    }
    at = start + size + (size & 1);
  }
  if (bytes.subarray(end).some((byte) => byte !== 0)) {
    extras.push({ kind: `${UNKNOWN} behind the picture`, size: bytes.length - end });
  }
  isAnimated &&= frames > 1;
  return width && height
    ? { width, height, isGray: false, hasAlpha, isAnimated, info, notes: notKept(extras), plain }
    : null;
}
