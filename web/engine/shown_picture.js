/** A finished picture as a page draws it, in the very colors in which the browser shows the file. */

import { asLatin1 } from "./containers/bytes.js";
import { pngParts } from "./png.js";

/** @typedef {import("./metadata.js").Info} Info */
/** @typedef {import("./picture.js").Picture} Picture */

/**
 * @param {Picture} picture
 * @returns {Promise<ImageBitmap>}
 */
export async function bitmapOf(picture) {
  const colors = colorsOf(picture.info);
  if (!Object.keys(colors).length) {
    return createImageBitmap(imageData(picture));
  }
  // Only decoders convert colors, so the browser is given a file.
  const isGray = picture.channels < 3;
  const parts = await pngParts(isGray && !isForGray(colors) ? inColor(picture) : picture, colors, { isStored: true });
  const file = new Blob(/** @type {Uint8Array<ArrayBuffer>[]} */ (parts), { type: "image/png" });
  return createImageBitmap(file);
}

/**
 * What says that the pixels are not those of sRGB.
 *
 * @param {Info} info
 * @returns {Info}
 */
function colorsOf({ iccProfile, gamma, chromaticity, srgb, cicp, mdcv, clli }) {
  const profiles = {
    ...(iccProfile && { iccProfile }),
    ...(cicp && { cicp, ...(mdcv && { mdcv }), ...(clli && { clli }) }),
  };
  if (iccProfile || cicp || srgb !== undefined) {
    return profiles;
  }
  return { ...(gamma !== undefined && { gamma }), ...(chromaticity && { chromaticity }) };
}

/**
 * Whether gray pixels can have this profile in a PNG file; browsers accept others in gray JPEG files.
 *
 * @param {Info} info
 */
function isForGray({ iccProfile }) {
  return !iccProfile || asLatin1(iccProfile.subarray(16, 20)) === "GRAY";
}

/**
 * @param {Picture} picture gray
 * @returns {Picture} the same as RGB
 */
function inColor({ channels, pixels, ...picture }) {
  const [count, step] = [pixels.length / channels, channels + 2];
  const result = new Uint8Array(count * step);
  for (let from = 0, to = 0; to < result.length; from += channels, to += step) {
    result.fill(pixels[from], to, to + 3);
    if (channels === 2) {
      result[to + 3] = pixels[from + 1];
    }
  }
  return { ...picture, channels: channels === 2 ? 4 : 3, pixels: result };
}

/** @param {Picture} picture */
function imageData({ width, height, channels, pixels }) {
  const image = new ImageData(width, height);
  const { data } = image;
  const [green, blue] = channels < 3 ? [0, 0] : [1, 2];
  const hasAlpha = channels % 2 === 0;
  for (let from = 0, to = 0; from < pixels.length; from += channels, to += 4) {
    data[to] = pixels[from];
    data[to + 1] = pixels[from + green];
    data[to + 2] = pixels[from + blue];
    data[to + 3] = hasAlpha ? pixels[from + channels - 1] : 255;
  }
  return image;
}
