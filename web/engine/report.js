/** The report on a restoration: what was found, done and not kept. Pages print it, they do not know more. */

import { historyToJson, NO_HISTORY } from "./history/record.js";
import { describeHistory } from "./history/words.js";
import { describeUntouched, untouchedShare } from "./untouched.js";

/** @typedef {import("./jpeg/file_blocks.js").Consistency} Consistency */

/**
 * Properties of the source, and what was done; the same as `RestorationReport` of the Python package.
 *
 * @typedef {object} Report
 * @property {number} width of the restored picture, in pixels
 * @property {number} height
 * @property {string | null} format of the file ("JPEG", "PNG", …)
 * @property {number | null} quality the given quality if it was used, else that of the file
 * @property {string | null} sampling chroma subsampling of a JPEG file
 * @property {Consistency | null} consistency how much of the file the result gives again, if it is written without loss,
 *   not rotated, and encoded by libjpeg with the tables and the sampling of the file; or of the earliest save that is
 *   certain, in the blocks that are known to be its own; `null` if the result was not held to a file
 * @property {boolean} conditioned whether the network was conditioned on quantization tables
 * @property {string} restoredPlanes "Y" or "Y, Cb, Cr"
 * @property {number} untouched share 0..1 of the picture that is left as it is
 * @property {number} strength as given, 0..1
 * @property {number} realism as given, 0..1
 * @property {ReturnType<typeof historyToJson>} history what the picture went through before it became the file, with
 *   the names of `History.to_dict` in Python
 * @property {string[]} notes sentences on anything that a user would not expect
 */

/**
 * @param {import("./restore.js").Reconstruction} reconstruction
 * @param {{width: number, height: number}} picture that was assembled
 * @param {object} done
 * @param {number} done.strength
 * @param {Consistency | null} done.consistency
 * @param {boolean} done.isConditioned whether the network uses tables
 * @param {string[]} done.notes on what was left out when it was assembled
 * @returns {Report}
 */
export function reportOf({ parts, prepared, known, untouched, quality, realism, ...found }, { width, height }, done) {
  const { strength, consistency, isConditioned } = done;
  // At strength 0 the picture stays as it is, whatever it went through.
  const history = strength > 0 ? found.history : NO_HISTORY;
  const weights = strength > 0 ? untouched : null;
  return {
    width,
    height,
    format: parts.format,
    quality: quality === null || history.saves.length ? parts.quality : quality,
    sampling: parts.sampling,
    consistency,
    // Of a picture that stays as it is, no earlier save is undone.
    conditioned: isConditioned && (strength > 0 ? prepared.parts.tables : (parts.tables ?? quality)) !== null,
    restoredPlanes: ["Y", "Cb", "Cr"].slice(0, known).join(", "),
    untouched: untouchedShare(weights),
    strength,
    realism,
    history: historyToJson(history),
    notes: [
      ...describeHistory(history, parts.quality),
      ...parts.notes,
      ...unusedQuality(quality, history, isConditioned),
      ...describeUntouched(weights, { lumaAlone: prepared.leavesLumaAlone }),
      ...done.notes,
    ],
  };
}

/**
 * A sentence where the given quality was not used.
 *
 * @param {number | null} quality
 * @param {import("./history/record.js").History} history
 * @param {boolean} isConditioned
 * @returns {string[]}
 */
function unusedQuality(quality, { saves }, isConditioned) {
  if (quality === null) {
    return [];
  }
  if (!isConditioned) {
    return ["This network is blind (it uses no quantization tables), so the given quality was not used."];
  }
  const first = saves.at(-1);
  if (!first || first.quality === quality) {
    return [];
  }
  return [`The given quality ${quality} was not used: the pixels show a save at ${first.quality}.`];
}
