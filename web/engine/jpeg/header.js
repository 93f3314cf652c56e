/** What the header of a JPEG file states: size, quantization tables, chroma subsampling, estimated quality. */

import { UnreadableImageError } from "../errors.js";
import { readToFirstScan } from "./markers.js";
import { nearestQuality } from "./tables.js";

/** @typedef {import("./markers.js").Component} Component */
/** @typedef {"baseline" | "extended" | "progressive" | "arithmetic" | "lossless" | "hierarchical"} Coding */

/**
 * What a JPEG file states besides its pixels.
 *
 * @typedef {object} JpegHeader
 * @property {number} width in pixels, as stored (Exif orientation not applied)
 * @property {number} height
 * @property {"L" | "YCbCr" | "RGB" | "CMYK"} colors how they are stored; "L" is gray, "CMYK" are any four components
 * @property {string} sampling "4:2:0", "4:2:2", "4:4:4", "4:4:0", "4:1:1", "4:1:0", "gray", or the factors of every
 *   component ("2x2,1x1,1x1")
 * @property {Int32Array[]} tables the quantization table of each component, natural order
 * @property {number} quality the nearest libjpeg quality, 1..100
 * @property {boolean} standard whether the tables are exactly libjpeg's at that quality
 * @property {boolean} progressive
 * @property {Coding} coding
 * @property {Component[]} components
 */

/** @type {Record<string, string>} */
const SAMPLING_NAMES = {
  "2x2": "4:2:0",
  "2x1": "4:2:2",
  "1x1": "4:4:4",
  "1x2": "4:4:0",
  "4x1": "4:1:1",
  "4x2": "4:1:0",
};
/** @type {Record<number, Coding>} */
const CODINGS = { 192: "baseline", 193: "extended", 194: "progressive", 201: "arithmetic", 202: "arithmetic" };
const LOSSLESS = [0xc3, 0xc7, 0xcb, 0xcf];
const PROGRESSIVE = [0xc2, 0xc6, 0xca, 0xce];
const RED_GREEN_BLUE = [0x52, 0x47, 0x42];

/**
 * Read the header of a JPEG file, decode no pixels.
 *
 * @param {Uint8Array} bytes of the file
 * @returns {JpegHeader}
 * @throws {UnreadableImageError} if the file is no JPEG, its header is damaged, it has no 8 bits per sample, or it
 *   lacks a quantization table
 */
export function readHeader(bytes) {
  if (!(bytes instanceof Uint8Array)) {
    throw new TypeError("a JPEG file is given as a Uint8Array of its bytes");
  }
  if (bytes.length === 0) {
    throw new UnreadableImageError("the picture is empty (0 bytes)");
  }
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8 || bytes[2] !== 0xff) {
    throw new UnreadableImageError("the picture is no JPEG file");
  }
  const { markers, frame } = readToFirstScan(bytes);
  const { width, height, components } = frame;
  if (frame.precision !== 8) {
    throw new UnreadableImageError(
      `the picture is a JPEG with ${frame.precision} bits per channel, expected 8; convert it first`,
    );
  }
  if (![1, 3, 4].includes(components.length)) {
    throw new UnreadableImageError(
      `the picture is a damaged JPEG or of a kind that cannot be read: it has ${components.length} components`,
    );
  }
  const tables = components.map(({ table }) => {
    const found = table < markers.tables.length ? markers.tables[table] : null;
    const isLossless = LOSSLESS.includes(frame.marker);
    if (found === null && !isLossless) {
      throw new UnreadableImageError(`the picture is damaged: quantization table ${table} is missing`);
    }
    if (found === null || found.includes(0)) {
      throw new UnreadableImageError("the picture is damaged or a lossless JPEG: it has no tables, or they hold zeros");
    }
    return found;
  });
  const { quality, exact } = nearestQuality(tables);
  return {
    width,
    height,
    colors: colors(components, markers.adobeTransform),
    sampling: sampling(components),
    tables,
    quality,
    standard: exact,
    progressive: PROGRESSIVE.includes(frame.marker),
    coding: CODINGS[frame.marker] ?? (LOSSLESS.includes(frame.marker) ? "lossless" : "hierarchical"),
    components,
  };
}

/**
 * @param {Component[]} components
 * @param {number | null} adobeTransform
 * @returns {JpegHeader["colors"]}
 */
function colors(components, adobeTransform) {
  if (components.length === 1) {
    return "L";
  }
  if (components.length === 4) {
    return "CMYK";
  }
  const isNamedRgb = components.every(({ identifier }, index) => identifier === RED_GREEN_BLUE[index]);
  return isNamedRgb || adobeTransform === 0 ? "RGB" : "YCbCr";
}

/**
 * @param {Component[]} components
 * @returns {string}
 */
function sampling(components) {
  if (components.length === 1) {
    return "gray";
  }
  const factors = components.map(({ horizontal, vertical }) => `${horizontal}x${vertical}`);
  const name = SAMPLING_NAMES[factors[0]];
  const isNamed = components.length === 3 && factors[1] === "1x1" && factors[2] === "1x1" && name !== undefined;
  return isNamed ? name : factors.join(",");
}
