/**
 * The planes that an encoder gets from a picture as it is written.
 *
 * A written picture has 8 bits per sample, and RGB if it has color. Both move planes, so whoever wants coefficients to be
 * exact has to look at them after the picture was written.
 */

import { addedByChroma, ONE, TO_CB, TO_CR, TO_LUMA } from "../color.js";
import { toByte } from "../float32.js";

const f = Math.fround;
const HALF = ONE / 2;
// Chroma is rounded half down, luma half up.
const CHROMA_START = 128 * ONE + HALF - 1;
const added = new Float32Array(3);
const WEIGHTS = [TO_LUMA, TO_CB, TO_CR].map((weights) => weights.map((weight) => f(weight / ONE)));

/**
 * The samples that an encoder gets: `asPixels` and `rgbToYcbcr` in one.
 *
 * @param {Float32Array[]} planes Y, or Y, Cb, Cr, 0..255
 * @param {Int32Array[]} seen changed: integers 0..255
 */
export function seeAsEncoder(planes, seen) {
  const luma = planes[0];
  if (planes.length === 1) {
    for (let at = 0; at < luma.length; at++) {
      seen[0][at] = toByte(luma[at]);
    }
    return;
  }
  const [, cb, cr] = planes;
  const [seenLuma, seenCb, seenCr] = seen;
  for (let at = 0; at < luma.length; at++) {
    addedByChroma(cb[at], cr[at], added);
    const red = toByte(f(added[0] + luma[at]));
    const green = toByte(f(added[1] + luma[at]));
    const blue = toByte(f(added[2] + luma[at]));
    seenLuma[at] = (red * TO_LUMA[0] + green * TO_LUMA[1] + blue * TO_LUMA[2] + HALF) >> 16;
    seenCb[at] = (red * TO_CB[0] + green * TO_CB[1] + blue * TO_CB[2] + CHROMA_START) >> 16;
    seenCr[at] = (red * TO_CR[0] + green * TO_CR[1] + blue * TO_CR[2] + CHROMA_START) >> 16;
  }
}

/**
 * How far the colors of planes lie beyond those that can be written.
 *
 * @param {Float32Array[]} planes Y, or Y, Cb, Cr, 0..255
 * @returns {number} of the farthest pixel, in gray levels; 0 where all can be written
 */
export function beyondColors(planes) {
  const [luma, cb, cr] = planes;
  let [least, most] = [0, 255];
  added.fill(0);
  for (let at = 0; at < luma.length; at++) {
    if (cb) {
      addedByChroma(cb[at], cr[at], added);
    }
    for (let color = 0; color < 3; color++) {
      const value = f(added[color] + luma[at]);
      least = value < least ? value : least;
      most = value > most ? value : most;
    }
  }
  return Math.max(-least, most - 255);
}

/**
 * Clip colors that cannot be written, in place; not rounded. All others stay.
 *
 * @param {Float32Array[]} planes Y, or Y, Cb, Cr, 0..255
 * @param {boolean} [changesChroma] or luma alone
 */
export function clipColors(planes, changesChroma = true) {
  const [luma, cb, cr] = planes;
  for (let at = 0; at < luma.length; at++) {
    if (!cb) {
      luma[at] = Math.min(Math.max(luma[at], 0), 255);
      continue;
    }
    addedByChroma(cb[at], cr[at], added);
    const red = f(added[0] + luma[at]);
    const green = f(added[1] + luma[at]);
    const blue = f(added[2] + luma[at]);
    if (Math.min(red, green, blue) >= 0 && Math.max(red, green, blue) <= 255) {
      continue;
    }
    const r = Math.min(Math.max(red, 0), 255);
    const g = Math.min(Math.max(green, 0), 255);
    const b = Math.min(Math.max(blue, 0), 255);
    for (let plane = 0; plane < (changesChroma ? 3 : 1); plane++) {
      const [fromRed, fromGreen, fromBlue] = WEIGHTS[plane];
      planes[plane][at] = f(f(f(r * fromRed) + f(g * fromGreen)) + f(b * fromBlue)) + (plane ? 128 : 0);
    }
  }
}
