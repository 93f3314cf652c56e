/** PNG files: rows filtered as libpng filters them, compressed by the platform, with all metadata that PNG holds. */

import { join } from "./containers/bytes.js";
import { withoutName } from "./containers/exif.js";
import { encodeResources, IPTC } from "./containers/photoshop.js";
import { storedData } from "./stored_deflate.js";

/** @typedef {import("./metadata.js").Info} Info */

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
// By the number of channels: gray, gray and alpha, RGB, RGB and alpha.
const COLOR_TYPES = [0, 0, 4, 2, 6];
// Bytes that are filtered together, so that no second copy of the picture is needed.
const STRIP = 1 << 20;
const METERS_PER_INCH = 0.0254;
// Rows of hexadecimal digits in texts that hold captions.
const BYTES_PER_LINE = 36;
const text = new TextEncoder();

/** @typedef {{width: number, height: number, channels: 1 | 2 | 3 | 4, pixels: Uint8Array}} Pixels */

/**
 * @param {Pixels} picture the channels of each pixel beside each other, row by row
 * @param {Info} [info] metadata, all of which PNG can hold
 * @returns {Promise<Uint8Array<ArrayBuffer>>} the bytes of the file
 */
export async function encodePng(picture, info = {}) {
  return join(await pngParts(picture, info));
}

/**
 * The same in parts that follow each other.
 *
 * @param {Pixels} picture
 * @param {Info} info
 * @param {{isStored?: boolean}} [options] whether pixels are not compressed, which is fast
 * @returns {Promise<Uint8Array[]>}
 */
export async function pngParts({ width, height, channels, pixels }, info, { isStored = false } = {}) {
  const header = new Uint8Array(13);
  const numbers = new DataView(header.buffer);
  numbers.setUint32(0, width);
  numbers.setUint32(4, height);
  header.set([8, COLOR_TYPES[channels]], 8);
  const stride = width * channels;
  return [
    Uint8Array.from(SIGNATURE),
    ...chunk("IHDR", header),
    ...(await metadataChunks(info)),
    ...chunk(
      "IDAT",
      isStored
        ? storedData(height * (stride + 1), (place) => putRows(pixels, stride, place))
        : await compressed(filteredStrips(pixels, stride, height, channels)),
    ),
    ...chunk("IEND", new Uint8Array(0)),
  ];
}

/**
 * A chunk in parts, without a copy of its payload.
 *
 * @param {string} kind
 * @param {Uint8Array} payload
 */
function chunk(kind, payload) {
  const head = new Uint8Array(8);
  new DataView(head.buffer).setUint32(0, payload.length);
  head.set(text.encode(kind), 4);
  const tail = new Uint8Array(4);
  new DataView(tail.buffer).setUint32(0, checksum(payload, checksum(head.subarray(4))));
  return [head, payload, tail];
}

const CHECKSUMS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) {
    value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return value;
});

/**
 * CRC-32.
 *
 * @param {Uint8Array} data
 * @param {number} [before] the checksum of what is before it
 */
function checksum(data, before = 0) {
  let value = ~before;
  for (let at = 0; at < data.length; at++) {
    value = CHECKSUMS[(value ^ data[at]) & 255] ^ (value >>> 8);
  }
  return ~value >>> 0;
}

/**
 * The chunks that hold metadata, as Python writes them.
 *
 * @param {Info} info
 */
async function metadataChunks(info) {
  const parts = [];
  if (info.iccProfile) {
    parts.push(...chunk("iCCP", join([text.encode("ICC Profile\0\0"), await compressed([info.iccProfile])])));
  }
  for (const [kind, payload] of /** @type {const} */ ([
    ["cICP", info.cicp],
    ["mDCV", info.mdcv],
    ["cLLI", info.clli],
  ])) {
    if (payload) {
      parts.push(...chunk(kind, payload));
    }
  }
  if (info.gamma !== undefined) {
    parts.push(...chunk("gAMA", integers([Math.round(info.gamma * 100_000)])));
  }
  if (info.chromaticity) {
    parts.push(...chunk("cHRM", integers(info.chromaticity.map((value) => Math.round(value * 100_000)))));
  }
  // Beside a color profile, which says more, it is left out, as the PNG standard asks.
  if (info.srgb !== undefined && !info.iccProfile) {
    parts.push(...chunk("sRGB", Uint8Array.of(info.srgb)));
  }
  if (info.dpi) {
    const perMeter = info.dpi.map((density) => Math.floor(density / METERS_PER_INCH + 0.5));
    parts.push(...chunk("pHYs", join([integers(perMeter), Uint8Array.of(1)])));
  }
  if (info.xmp) {
    parts.push(...internationalText("XML:com.adobe.xmp", text.encode(decoded(info.xmp))));
  }
  if (info.iptc) {
    const payload = await compressed([text.encode(captionsText(info.iptc))]);
    parts.push(...chunk("zTXt", join([text.encode("Raw profile type iptc\0\0"), payload])));
  }
  const texts = { ...info.text };
  if (info.comment) {
    texts.Comment ??= decoded(info.comment);
  }
  for (const [key, value] of Object.entries(texts)) {
    const latin = latinBytes(value);
    parts.push(
      ...(latin
        ? chunk("tEXt", join([latinBytes(`${key}\0`) ?? text.encode(`${key}\0`), latin]))
        : internationalText(key, text.encode(value))),
    );
  }
  if (info.exif) {
    parts.push(...chunk("eXIf", withoutName(info.exif)));
  }
  return parts;
}

/**
 * @param {string} key
 * @param {Uint8Array} value UTF-8
 */
function internationalText(key, value) {
  return chunk("iTXt", join([text.encode(`${key}\0\0\0\0\0`), value]));
}

/**
 * Captions as ImageMagick and others put them into PNG files: a resource of Photoshop in hexadecimal digits.
 *
 * @param {Uint8Array} iptc
 */
function captionsText(iptc) {
  const resource = encodeResources(new Map([[IPTC, { name: new Uint8Array(0), value: iptc }]]));
  const lines = [];
  for (let start = 0; start < resource.length; start += BYTES_PER_LINE) {
    const line = resource.subarray(start, start + BYTES_PER_LINE);
    lines.push(Array.from(line, (byte) => byte.toString(16).padStart(2, "0")).join(""));
  }
  return ["", "iptc", `${resource.length}`.padStart(8), ...lines, ""].join("\n");
}

/**
 * A text in Latin-1; `null` if it holds other characters.
 *
 * @param {string} value
 */
function latinBytes(value) {
  const codes = Array.from(value, (letter) => letter.codePointAt(0) ?? 0);
  return codes.every((code) => code < 256) ? Uint8Array.from(codes) : null;
}

/**
 * A text of unknown encoding: UTF-8, or else Latin-1.
 *
 * @param {Uint8Array} bytes
 */
function decoded(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  }
}

/**
 * Whole numbers of 4 bytes, the largest byte first.
 *
 * @param {number[]} values
 */
function integers(values) {
  const data = new DataView(new ArrayBuffer(4 * values.length));
  for (const [index, value] of values.entries()) {
    data.setUint32(4 * index, value);
  }
  return new Uint8Array(data.buffer);
}

/**
 * Data compressed in the format of zlib.
 *
 * @param {Iterable<Uint8Array<ArrayBufferLike>>} parts made when they are needed
 */
async function compressed(parts) {
  const stream = new CompressionStream("deflate");
  const reading = new Response(stream.readable).arrayBuffer();
  const writer = stream.writable.getWriter();
  for (const part of parts) {
    await writer.ready;
    // A failure is thrown where the stream is read.
    writer.write(/** @type {Uint8Array<ArrayBuffer>} */ (part)).catch(() => {});
  }
  writer.close().catch(() => {});
  return new Uint8Array(await reading);
}

/**
 * Rows that are not filtered.
 *
 * @param {Uint8Array} pixels
 * @param {number} stride bytes of a row
 * @param {Uint8Array} place full of zeros; each row gets one before it, which says so
 */
function putRows(pixels, stride, place) {
  for (let from = 0, to = 1; from < pixels.length; from += stride, to += stride + 1) {
    place.set(pixels.subarray(from, from + stride), to);
  }
}

/**
 * The rows of a picture, each with a byte that names its filter.
 *
 * @param {Uint8Array} pixels
 * @param {number} stride bytes of a row
 * @param {number} height
 * @param {number} step bytes of a pixel
 */
function* filteredStrips(pixels, stride, height, step) {
  const rows = Math.max(Math.floor(STRIP / (stride + 1)), 1);
  for (let top = 0; top < height; top += rows) {
    const bottom = Math.min(top + rows, height);
    const strip = new Uint8Array((bottom - top) * (stride + 1));
    for (let y = top; y < bottom; y++) {
      const above = y ? pixels.subarray((y - 1) * stride, y * stride) : new Uint8Array(stride);
      const place = strip.subarray((y - top) * (stride + 1), (y - top + 1) * (stride + 1));
      filterRow(pixels.subarray(y * stride, (y + 1) * stride), above, step, place);
    }
    yield strip;
  }
}

/**
 * Filter a row by the filter that leaves the smallest differences (`png_write_find_filter`).
 *
 * @param {Uint8Array} row
 * @param {Uint8Array} above
 * @param {number} step bytes of a pixel
 * @param {Uint8Array} result the number of the filter, and the filtered row
 */
function filterRow(row, above, step, result) {
  const sums = [0, 0, 0, 0, 0];
  for (let at = 0; at < row.length; at++) {
    const value = row[at];
    const left = at < step ? 0 : row[at - step];
    const up = above[at];
    const corner = at < step ? 0 : above[at - step];
    sums[0] += magnitude(value);
    sums[1] += magnitude(value - left);
    sums[2] += magnitude(value - up);
    sums[3] += magnitude(value - ((left + up) >> 1));
    sums[4] += magnitude(value - nearest(left, up, corner));
  }
  const filter = sums.indexOf(Math.min(...sums));
  result[0] = filter;
  for (let at = 0; at < row.length; at++) {
    const left = at < step ? 0 : row[at - step];
    const up = above[at];
    let expected = 0;
    if (filter === 1) {
      expected = left;
    } else if (filter === 2) {
      expected = up;
    } else if (filter === 3) {
      expected = (left + up) >> 1;
    } else if (filter === 4) {
      expected = nearest(left, up, at < step ? 0 : above[at - step]);
    }
    result[at + 1] = row[at] - expected;
  }
}

/**
 * How far a difference, which is stored in a byte, is from 0.
 *
 * @param {number} difference
 */
function magnitude(difference) {
  const byte = difference & 255;
  return byte < 128 ? byte : 256 - byte;
}

/**
 * The predictor of Paeth.
 *
 * @param {number} left
 * @param {number} up
 * @param {number} corner
 */
function nearest(left, up, corner) {
  const toLeft = Math.abs(up - corner);
  const toUp = Math.abs(left - corner);
  const toCorner = Math.abs(left + up - 2 * corner);
  if (toLeft <= toUp && toLeft <= toCorner) {
    return left;
  }
  return toUp <= toCorner ? up : corner;
}
