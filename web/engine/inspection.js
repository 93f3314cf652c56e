/** What a file is, by its headers: a page asks before it works on a large picture. */

import { orientationOf } from "./metadata.js";
import { openHeader } from "./picture.js";

/**
 * @typedef {object} Inspection
 * @property {number} width of the upright picture, in pixels
 * @property {number} height
 * @property {number} megapixels
 * @property {string} format "JPEG", "PNG", "WEBP" or "AVIF"
 * @property {number | null} quality of a JPEG file: the nearest of libjpeg, 1..100
 * @property {string | null} sampling of its chroma, such as "4:2:0"
 */

/**
 * @param {Uint8Array} bytes of the file
 * @param {{maxMegapixels?: number}} [options]
 * @returns {Promise<Inspection>}
 * @throws {UnreadableImageError} if the headers show that the file is not restored
 */
export async function inspect(bytes, options) {
  const { width, height, info, format, quality, sampling } = await openHeader(bytes, options);
  const isTransposed = orientationOf(info) >= 5;
  return {
    width: isTransposed ? height : width,
    height: isTransposed ? width : height,
    megapixels: (width * height) / 1e6,
    format,
    quality,
    sampling,
  };
}
