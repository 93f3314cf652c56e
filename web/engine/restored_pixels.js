/** The pixels of a restored picture: strip by strip from the planes of the network, so that little memory is needed. */

import { projectOntoFile } from "./consistency.js";
import { setFlatChroma } from "./flat_chroma.js";
import { lerp } from "./float32.js";
import { recoverCoefficients } from "./jpeg/recovery.js";
import { leaveNeutral } from "./neutral.js";
import { asPixels, isNeutral, planesAt } from "./picture.js";
import { leaveUntouched } from "./untouched.js";

// Rows that are worked on together, a multiple of 16.
const STRIP = 256;

/**
 * @param {import("./restore.js").Reconstruction} reconstruction
 * @param {number} strength 0..1
 * @param {boolean} faithful whether luma is projected onto the intervals of the file
 * @returns {{planes: Uint8Array[], consistency: number | null}} gray or RGB as the file stores it (not rotated), and the
 *   share of luma coefficients that equal those of the file, `null` without projection
 */
export function restorePixels({ prepared, planes, untouched }, strength, faithful) {
  const { parts } = prepared;
  const { width, height } = parts;
  const restores = planes !== null && strength > 0;
  const table = faithful && strength > 0 ? parts.gridTable : null;
  const holds = restores && table ? holdsOf(prepared, table) : [];
  const hasColor = restores && planes.length === 3;
  const neutral = hasColor ? prepared.neutralBlocks() : null;
  const colors = hasColor && untouched ? prepared.flatChroma(untouched) : null;
  const isGray = isNeutral(parts);
  const pixels = parts.samples.map(() => new Uint8Array(width * height));
  const counts = { blocks: 0, missed: 0 };
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
      for (const { coefficients, table, held, isCounted } of holds) {
        const found = projectOntoFile(restored, seen, width, top, coefficients, table, { strength, held });
        if (!isCounted) {
          continue;
        }
        counts.blocks += found.blocks;
        counts.missed += found.missed;
      }
      for (const [index, plane] of restored.entries()) {
        blend(seen[index], plane, strength);
      }
    }
    for (const [index, plane] of asPixels(seen).entries()) {
      pixels[index].set(plane, top * width);
    }
  }
  const share = counts.blocks ? 1 - counts.missed / (64 * counts.blocks) : 1;
  return { planes: prepared.ontoPicture(pixels), consistency: table ? share : null };
}

/**
 * What luma is held to: what was drawn after an earlier save to the file, all else to that save.
 *
 * @param {import("./prepared_picture.js").PreparedPicture} prepared
 * @param {Int32Array} table
 */
function holdsOf(prepared, table) {
  const { parts, planes, held, foreign, ownGridTable } = prepared;
  const { width, height, samples } = parts;
  const holds = [];
  if (foreign && ownGridTable) {
    const coefficients = recoverCoefficients(samples[0], width, height, ownGridTable);
    holds.push({ coefficients, table: ownGridTable, held: foreign, isCounted: false });
  }
  // Found again from samples even where a file states them: so Python does it, and at high qualities several sets of
  // coefficients show the same samples.
  const coefficients = recoverCoefficients((planes ?? samples)[0], width, height, table);
  holds.push({ coefficients, table, held, isCounted: true });
  return holds;
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
