/** Metadata put into JPEG files that a browser wrote. */

import { join } from "./containers/bytes.js";
import { withoutName } from "./containers/exif.js";

const START = [0xff, 0xd8];
const APP0 = 0xe0;
const APP1 = 0xe1;
const APP2 = 0xe2;
const APP15 = 0xef;
const COMMENT = 0xfe;
// Of a profile; what is larger goes on in further segments.
const PART = 65533 - 14;
const text = new TextEncoder();

/**
 * @param {Uint8Array} file
 * @param {import("./metadata.js").Info} info "dpi", "exif", "xmp", "iccProfile" and "comment" are written; each fits
 * @returns {Uint8Array<ArrayBuffer>} the file, without what the browser noted about itself
 */
export function withMetadataInJpeg(file, info) {
  const density = new Uint8Array(5);
  const numbers = new DataView(density.buffer);
  const [across, down] = info.dpi ?? [1, 1];
  density[0] = info.dpi ? 1 : 0;
  numbers.setUint16(1, Math.round(across));
  numbers.setUint16(3, Math.round(down));
  const segments = [segment(APP0, [text.encode("JFIF\0\x01\x01"), density, new Uint8Array(2)])];
  if (info.exif) {
    segments.push(segment(APP1, [text.encode("Exif\0\0"), withoutName(info.exif)]));
  }
  if (info.xmp) {
    segments.push(segment(APP1, [text.encode("http://ns.adobe.com/xap/1.0/\0"), info.xmp]));
  }
  const profile = info.iccProfile ?? new Uint8Array(0);
  const count = Math.ceil(profile.length / PART);
  for (let part = 0; part < count; part++) {
    const place = Uint8Array.of(part + 1, count);
    segments.push(
      segment(APP2, [text.encode("ICC_PROFILE\0"), place, profile.subarray(part * PART, (part + 1) * PART)]),
    );
  }
  if (info.comment) {
    segments.push(segment(COMMENT, [info.comment]));
  }
  return join([Uint8Array.from(START), ...segments, file.subarray(endOfApplications(file))]);
}

/**
 * @param {number} marker
 * @param {Uint8Array[]} parts
 */
function segment(marker, parts) {
  const size = parts.reduce((sum, part) => sum + part.length, 2);
  return join([Uint8Array.of(0xff, marker, size >> 8, size & 255), ...parts]);
}

/**
 * Where the segments begin that are needed to decode a file.
 *
 * @param {Uint8Array} file
 */
function endOfApplications(file) {
  let at = START.length;
  while (file[at] === 0xff && file[at + 1] >= APP0 && file[at + 1] <= APP15) {
    at += 2 + file[at + 2] * 256 + file[at + 3];
  }
  return at;
}
