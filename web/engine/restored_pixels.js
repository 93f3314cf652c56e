/** The pixels of a restored picture: strip by strip from the planes of the network, so that little memory is needed. */

import { setFlatChroma } from "./flat_chroma.js";
import { lerp } from "./float32.js";
import { Holding } from "./holding.js";
import { leaveNeutral } from "./neutral.js";
import { asPixels, isNeutral, planesAt } from "./picture.js";
import { leaveUntouched } from "./untouched.js";

// Rows that are worked on together, a multiple of 16.
const STRIP = 256;

/**
 * @param {import("./restore.js").Reconstruction} reconstruction
 * @param {number} strength 0..1
 * @param {boolean} faithful whether the result is held to its file
 * @returns {{planes: Uint8Array[], consistency: import("./jpeg/file_blocks.js").Consistency | null}} gray or RGB as the
 *   file stores it (not rotated), and how much of the file it gives again, `null` if it is not held to one
 */
export function restorePixels({ prepared, planes, untouched }, strength, faithful) {
  const { parts } = prepared;
  const { width, height, gridTable } = parts;
  const restores = planes !== null && strength > 0;
  const hasColor = restores && planes.length === 3;
  const neutral = hasColor ? prepared.neutralBlocks() : null;
  const colors = hasColor && untouched ? prepared.flatChroma(untouched) : null;
  const holding = faithful && strength > 0 && gridTable ? new Holding(prepared, gridTable, colors) : null;
  const isGray = isNeutral(parts);
  const pixels = parts.samples.map(() => new Uint8Array(width * height));
  for (let top = 0; top < height; top += STRIP) {
    const bottom = Math.min(top + STRIP, height);
    const seen = planesAt(parts, top, bottom, isGray);
    if (restores) {
      const restored = planes.map((plane) => plane.slice(top * width, bottom * width));
      if (neutral) {
        leaveNeutral(restored, neutral, width, top);
      }
      if (untouched) {
        leaveUntouched(prepared.leavesLumaAlone ? restored.slice(0, 1) : restored, seen, untouched, width, top);
      }
      if (colors) {
        setFlatChroma(restored, colors, width, top);
      }
      for (const [index, plane] of restored.entries()) {
        blend(seen[index], plane, strength);
      }
      holding?.hold(seen, top);
    } else {
      holding?.count(seen, top);
    }
    for (const [index, plane] of asPixels(seen).entries()) {
      pixels[index].set(plane, top * width);
    }
  }
  return { planes: prepared.ontoPicture(pixels), consistency: holding?.consistency ?? null };
}

/**
 * @param {Float32Array} seen changed
 * @param {Float32Array} restored
 * @param {number} strength
 */
function blend(seen, restored, strength) {
  if (strength === 1) {
    seen.set(restored);
  } else {
    for (let at = 0; at < seen.length; at++) {
      seen[at] = lerp(seen[at], restored[at], strength);
    }
  }
}
