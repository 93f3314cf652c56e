/** What the conversion to RGB, which clips colors that are out of gamut, leaves of planes. */

import { addedByChroma, rgbToYcbcrUnrounded, ycbcrToRgb } from "../color.js";

/** @typedef {import("./blocks.js").Plane} Plane */

const f = Math.fround;

/**
 * Planes as the conversion to RGB and back leaves them.
 *
 * @param {Plane[]} planes Y, or Y, Cb, Cr
 * @returns {Plane[]} not rounded; the planes themselves if RGB can hold all colors
 */
export function throughRgb(planes) {
  if (planes.length === 1) {
    return planes;
  }
  const [y, cb, cr] = planes.map(({ values }) => values);
  const colors = [new Float32Array(y.length), new Float32Array(y.length), new Float32Array(y.length)];
  const added = new Float32Array(3);
  let isClipped = false;
  for (let at = 0; at < y.length; at++) {
    addedByChroma(cb[at], cr[at], added);
    for (let color = 0; color < 3; color++) {
      const value = f(y[at] + added[color]);
      const isBeyond = value < 0 || value > 255;
      isClipped ||= isBeyond;
      colors[color][at] = isBeyond ? (value < 0 ? 0 : 255) : value;
    }
  }
  if (!isClipped) {
    return planes;
  }
  return rgbToYcbcrUnrounded(colors).map((values, index) => ({ ...planes[index], values }));
}

/**
 * Where samples were cut off at the ends of their range, so that they say nothing of steps.
 *
 * @param {Uint8Array[]} planes Y, or Y, Cb, Cr
 * @returns {Uint8Array} 1 where a color is 0 or 255
 */
export function clippedSamples(planes) {
  const colors = planes.length === 3 ? ycbcrToRgb(planes) : planes;
  const clipped = new Uint8Array(planes[0].length);
  for (const color of colors) {
    for (let at = 0; at < clipped.length; at++) {
      if (color[at] === 0 || color[at] === 255) {
        clipped[at] = 1;
      }
    }
  }
  return clipped;
}
