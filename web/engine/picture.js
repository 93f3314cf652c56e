/**
 * Splits a file into planes, alpha and metadata, and assembles a picture from restored planes.
 */

import { rgbToYcbcrUnrounded, ycbcrToRgb } from "./color.js";
import { toByte } from "./float32.js";
import { MAX_MEGAPIXELS } from "./jpeg/limits.js";
import { readCheckedHeader, readJpeg } from "./jpeg/read.js";
import { keptInfo, makeUpright, withTrueXmp } from "./metadata.js";
import { openOtherHeader, openOtherPicture } from "./other_pictures.js";

/**
 * A picture split into its parts: planes, what the file states about them, alpha, and metadata.
 *
 * @typedef {object} PictureParts
 * @property {number} width
 * @property {number} height
 * @property {Uint8Array[]} samples one plane (gray) or three: Y, Cb, Cr straight from the decoder for JPEG files, RGB for
 *   others
 * @property {boolean} rgb whether the samples are RGB
 * @property {Uint8Array | null} alpha the opacity; `null` if the picture has none
 * @property {import("./metadata.js").Info} info color profile, Exif and the like
 * @property {string | null} format of the file ("JPEG", …)
 * @property {Int32Array[] | null} tables the quantization tables of the planes, `null` if they are unknown
 * @property {number | null} quality of a JPEG file
 * @property {string | null} sampling of a JPEG file
 * @property {Int32Array | null} gridTable the luma table of a JPEG file whose block grid starts at the corner of the
 *   planes, so that the result can be held to the file
 * @property {import("./jpeg/codec.js").Coefficients[] | null} coefficients of a JPEG file; `null` where there is a doubt
 *   about them
 * @property {string[]} notes sentences on anything that a user would not expect
 */

const JPEG_SIGNATURE = [0xff, 0xd8, 0xff];
const NO_END = "The file lacks its end marker. Its data reach to the last block of the picture.";

/**
 * Split a file into planes, alpha and metadata.
 *
 * @param {Uint8Array} bytes of the file
 * @param {{maxMegapixels?: number}} [options]
 * @returns {Promise<PictureParts>}
 * @throws {UnreadableImageError} if the file is no picture, is damaged, too large, or of a kind that is not restored
 */
export async function takeApart(bytes, { maxMegapixels = MAX_MEGAPIXELS } = {}) {
  if (!isJpeg(bytes)) {
    const parts = await openOtherPicture(bytes, { maxMegapixels });
    return { ...parts, ...withTrueXmp(parts) };
  }
  const file = readJpeg(bytes, { maxMegapixels });
  const { info, notes } = keptInfo(bytes);
  // A name with commas lists unusual sampling factors. Luma may then be stored at a lower resolution than chroma. The
  // decoder enlarges it, and its blocks are no longer those of the file.
  const hasGrid = !file.sampling.includes(",");
  return {
    width: file.width,
    height: file.height,
    samples: file.planes,
    rgb: false,
    alpha: null,
    info,
    format: "JPEG",
    tables: file.tables,
    quality: file.quality,
    sampling: file.sampling,
    gridTable: hasGrid ? file.tables[0] : null,
    coefficients: file.isCertain ? file.coefficients : null,
    notes: file.lacksEnd ? [NO_END, ...notes] : notes,
  };
}

/**
 * What the headers of a file say, without its pixels.
 *
 * @param {Uint8Array} bytes of the file
 * @param {{maxMegapixels?: number}} [options]
 * @returns {Promise<Pick<PictureParts, "width" | "height" | "info" | "quality" | "sampling"> & {format: string}>}
 * @throws {UnreadableImageError} if they show that {@link takeApart} refuses the file
 */
export async function openHeader(bytes, { maxMegapixels = MAX_MEGAPIXELS } = {}) {
  if (!isJpeg(bytes)) {
    return { ...(await openOtherHeader(bytes, { maxMegapixels })), quality: null, sampling: null };
  }
  const { width, height, quality, sampling } = readCheckedHeader(bytes, { maxMegapixels }).header;
  return { width, height, info: keptInfo(bytes).info, format: "JPEG", quality, sampling };
}

/** @param {Uint8Array} bytes */
function isJpeg(bytes) {
  return JPEG_SIGNATURE.every((byte, at) => bytes[at] === byte);
}

/**
 * Whether a picture of three planes holds no color.
 *
 * @param {PictureParts} parts
 */
export function isNeutral({ samples, rgb }) {
  if (samples.length !== 3) {
    return false;
  }
  return samples.slice(1).every((plane) => plane.every((sample, at) => sample === (rgb ? samples[0][at] : 128)));
}

/**
 * Planes of some rows of a picture: Y; or Y, Cb, Cr.
 *
 * @param {PictureParts} parts
 * @param {number} top
 * @param {number} bottom the row behind the last
 * @param {boolean} neutral from {@link isNeutral}
 * @returns {Float32Array[]} 0..255
 */
export function planesAt({ samples, rgb, width }, top, bottom, neutral) {
  const rows = samples.map((plane) => plane.subarray(top * width, bottom * width));
  if (!rgb) {
    return rows.map((plane) => Float32Array.from(plane));
  }
  const planes = rgbToYcbcrUnrounded(rows);
  // Rounding errors would be faint color.
  if (neutral) {
    for (const plane of planes.slice(1)) {
      plane.fill(128);
    }
  }
  return planes;
}

/**
 * The planes of a picture as the network gets them: Y; or Y, Cb, Cr, 0..255.
 *
 * @param {PictureParts} parts
 * @returns {(Uint8Array | Float32Array)[]}
 */
export function networkPlanes(parts) {
  return parts.rgb ? planesAt(parts, 0, parts.height, isNeutral(parts)) : parts.samples;
}

/**
 * The samples that are written to a file for some planes.
 *
 * @param {Float32Array[]} planes 0..255: Y, Cb, Cr, or gray
 * @returns {Uint8Array[]} RGB for three planes, else the plane, rounded and clamped
 */
export function asPixels(planes) {
  return planes.length === 3 ? ycbcrToRgb(planes) : [Uint8Array.from(planes[0], toByte)];
}

/**
 * A picture as it is written.
 *
 * @typedef {object} Picture
 * @property {number} width
 * @property {number} height
 * @property {1 | 2 | 3 | 4} channels gray, gray and alpha, RGB, RGB and alpha
 * @property {Uint8Array} pixels the channels of each pixel beside each other, row by row
 * @property {import("./metadata.js").Info} info
 */

/**
 * Assemble a picture from restored pixels, with its alpha, color profile and Exif.
 *
 * @param {PictureParts} parts alpha and metadata of the picture
 * @param {Uint8Array[]} planes gray, or RGB
 * @param {{upright?: boolean}} [options] whether to apply the Exif orientation; otherwise pixels and tag stay as stored
 * @returns {{picture: Picture, notes: string[]}} the picture, and sentences on what was left out
 */
export function putTogether({ width, height, alpha, info }, planes, { upright = true } = {}) {
  const all = alpha ? [...planes, alpha] : planes;
  const channels = /** @type {1 | 2 | 3 | 4} */ (all.length);
  const pixels = new Uint8Array(width * height * channels);
  for (const [channel, plane] of all.entries()) {
    for (let at = 0, to = channel; at < plane.length; at++, to += channels) {
      pixels[to] = plane[at];
    }
  }
  const picture = { width, height, channels, pixels, info };
  return upright ? makeUpright(picture) : { picture, notes: [] };
}
