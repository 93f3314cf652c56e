/** Metadata put into WebP files that a browser wrote. */

import { join } from "./containers/bytes.js";
import { withoutName } from "./containers/exif.js";

const text = new TextEncoder();
const HAS_PROFILE = 0x20;
const HAS_EXIF = 0x08;
const HAS_XMP = 0x04;

/**
 * Whether a file holds the very pixels that were encoded.
 *
 * @param {Uint8Array} file
 */
export function isLosslessWebp(file) {
  return chunks(file).some(({ kind }) => kind === "VP8L");
}

/**
 * @param {Uint8Array} file without transparency
 * @param {import("./metadata.js").Info} info "iccProfile", "exif" and "xmp" are written
 * @param {{width: number, height: number}} size of the picture
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function withMetadataInWebp(file, info, { width, height }) {
  const { iccProfile, exif, xmp } = info;
  const pixels = chunks(file).filter(({ kind }) => kind === "VP8 " || kind === "VP8L");
  const flags = (iccProfile ? HAS_PROFILE : 0) | (exif ? HAS_EXIF : 0) | (xmp ? HAS_XMP : 0);
  const header = new Uint8Array(10);
  const numbers = new DataView(header.buffer);
  header[0] = flags;
  // Of 3 bytes each, one less than the size.
  numbers.setUint32(4, width - 1, true);
  numbers.setUint16(7, (height - 1) & 0xffff, true);
  header[9] = (height - 1) >> 16;
  const parts = [
    ...(flags ? [chunk("VP8X", header)] : []),
    ...(iccProfile ? [chunk("ICCP", iccProfile)] : []),
    ...pixels.map(({ kind, payload }) => chunk(kind, payload)),
    ...(exif ? [chunk("EXIF", withoutName(exif))] : []),
    ...(xmp ? [chunk("XMP ", xmp)] : []),
  ];
  return chunk("RIFF", join([text.encode("WEBP"), ...parts]));
}

/**
 * @param {string} kind
 * @param {Uint8Array} payload
 */
function chunk(kind, payload) {
  const size = new Uint8Array(4);
  new DataView(size.buffer).setUint32(0, payload.length, true);
  return join([text.encode(kind), size, payload, new Uint8Array(payload.length & 1)]);
}

/** @param {Uint8Array} file */
function chunks(file) {
  const numbers = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const found = [];
  for (let at = 12; at + 8 <= file.length; ) {
    const size = numbers.getUint32(at + 4, true);
    const kind = String.fromCharCode(...file.subarray(at, at + 4));
    found.push({ kind, payload: file.subarray(at + 8, at + 8 + size) });
    at += 8 + size + (size & 1);
  }
  return found;
}
