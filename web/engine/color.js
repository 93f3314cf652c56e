/** RGB <-> Y'CbCr with the constants of libjpeg. Planes are arrays of equal length. */

import { toByte } from "./float32.js";

export const ONE = 65536;
const HALF = ONE / 2;
// jccolor.c and jdcolor.c: round(x * 2**16).
export const TO_LUMA = [19595, 38470, 7471];
export const TO_CB = [-11059, -21709, 32768];
export const TO_CR = [32768, -27439, -5329];
const CR_TO_R = 91881;
const CB_TO_G = -22554;
const CR_TO_G = -46802;
const CB_TO_B = 116130;

/**
 * Full-swing (JFIF) Y'CbCr of RGB, exactly as an encoder rounds it (`rgb_ycc_convert`).
 *
 * @param {Uint8Array[]} rgb three planes
 * @returns {Uint8Array[]} Y, Cb, Cr
 */
export function rgbToYcbcr([red, green, blue]) {
  const [y, cb, cr] = [red, green, blue].map((plane) => new Uint8Array(plane.length));
  // Chroma is rounded half down, luma half up.
  const chroma = 128 * ONE + HALF - 1;
  for (let at = 0; at < y.length; at++) {
    const r = red[at];
    const g = green[at];
    const b = blue[at];
    y[at] = (r * TO_LUMA[0] + g * TO_LUMA[1] + b * TO_LUMA[2] + HALF) >> 16;
    cb[at] = (r * TO_CB[0] + g * TO_CB[1] + b * TO_CB[2] + chroma) >> 16;
    cr[at] = (r * TO_CR[0] + g * TO_CR[1] + b * TO_CR[2] + chroma) >> 16;
  }
  return [y, cb, cr];
}

/**
 * Full-swing Y'CbCr of RGB without rounding, so that {@link ycbcrToRgb} gives the same RGB back.
 *
 * @param {(Uint8Array | Float32Array)[]} rgb three planes
 * @returns {Float32Array[]} Y, Cb, Cr, 0..255
 */
export function rgbToYcbcrUnrounded([red, green, blue]) {
  // Sums in float32, in the order in which Python computes them.
  const f = Math.fround;
  return [TO_LUMA, TO_CB, TO_CR].map((weights, index) => {
    const [r, g, b] = weights.map((weight) => f(weight / ONE));
    const center = index ? 128 : 0;
    const plane = new Float32Array(red.length);
    for (let at = 0; at < plane.length; at++) {
      plane[at] = f(f(f(f(red[at] * r) + f(green[at] * g)) + f(blue[at] * b)) + center);
    }
    return plane;
  });
}

/**
 * RGB of full-swing Y'CbCr, rounded and clamped; for integer planes exactly libjpeg's `ycc_rgb_convert`.
 *
 * @param {(Uint8Array | Float32Array)[]} planes Y, Cb, Cr, 0..255
 * @returns {Uint8Array[]} red, green, blue
 */
export function ycbcrToRgb([y, cb, cr]) {
  const f = Math.fround;
  const [red, green, blue] = [y, cb, cr].map((plane) => new Uint8Array(plane.length));
  const [crToR, cbToB] = [f(CR_TO_R / ONE), f(CB_TO_B / ONE)];
  for (let at = 0; at < red.length; at++) {
    const luma = y[at];
    const b = f(cb[at] - 128);
    const r = f(cr[at] - 128);
    red[at] = toByte(f(luma + f(r * crToR)));
    green[at] = toByte(f(luma + addedToGreen(b, r)));
    blue[at] = toByte(f(luma + f(b * cbToB)));
  }
  return [red, green, blue];
}

/**
 * What chroma adds to luma in red, green and blue, in float32 as Python computes it.
 *
 * @param {number} cb 0..255
 * @param {number} cr 0..255
 * @param {Float32Array} added three numbers, changed
 */
export function addedByChroma(cb, cr, added) {
  const b = Math.fround(cb - 128);
  const r = Math.fround(cr - 128);
  added[0] = r * Math.fround(CR_TO_R / ONE);
  added[1] = addedToGreen(b, r);
  added[2] = b * Math.fround(CB_TO_B / ONE);
}

/**
 * @param {number} cb around 0
 * @param {number} cr around 0
 */
function addedToGreen(cb, cr) {
  const f = Math.fround;
  return f(f(f(cb * CB_TO_G) + f(cr * CR_TO_G)) / ONE);
}
