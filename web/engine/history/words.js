/** The history of a picture in sentences. */

import { roundHalfToEven } from "../float32.js";

/** @typedef {import("./record.js").History} History */
/** @typedef {import("./undo.js").EarlierSave} EarlierSave */

/**
 * What a picture went through before it became the file that is seen, for people.
 *
 * @param {History} history
 * @param {number | null} quality of the file, if it is JPEG; `null` for other pictures
 * @returns {string[]}
 */
export function describeHistory(history, quality) {
  const sentences = [];
  if (history.saves.length) {
    sentences.push(describeSaves(history, quality));
  }
  const told = history.contradictedQuality;
  if (history.resized) {
    const end = told === null ? "." : `, so it is restored like a file of quality ${told}.`;
    sentences.push(`Saved as JPEG before, then ${describeResizing(history.resized)}; that cannot be undone${end}`);
  } else if (told !== null) {
    sentences.push(
      `The picture shows more damage than a file of quality ${quality} should: it was saved or resized before in ` +
        `a way that cannot be undone, so it is restored like a file of quality ${told}.`,
    );
  }
  return sentences;
}

/**
 * One sentence: "An earlier save was found: JPEG of quality 20 (in 99.9 % of the blocks), then cropped, …".
 *
 * @param {History} history
 * @param {number | null} quality
 */
function describeSaves({ saves, enlargement }, quality) {
  const inOrder = saves.toReversed();
  const share = Math.floor(1000 * inOrder[0].agreement) / 10;
  const steps = [`${describeSave(inOrder[0])} (in ${share} % of the blocks)`];
  for (const [index, before] of inOrder.entries()) {
    if (before.top % 8 || before.left % 8) {
      steps.push("cropped");
    }
    if (index + 1 < inOrder.length) {
      steps.push(describeSave(inOrder[index + 1]));
    }
  }
  if (enlargement > 1) {
    steps.push(`enlarged ${enlargement} times`);
  }
  if (quality !== null) {
    steps.push(`saved at quality ${quality}`);
  }
  const found = saves.length === 1 ? "An earlier save was found" : "Earlier saves were found";
  return `${found}: ${steps.join(", then ")}.`;
}

/** @param {EarlierSave} save */
function describeSave({ standard, quality }) {
  return `JPEG of ${standard ? "" : "about "}quality ${quality}`;
}

/** @param {import("./resized.js").ResizedGrid} grid */
function describeResizing({ verticalScale, horizontalScale }) {
  const scale = (verticalScale + horizontalScale) / 2;
  return `${scale > 1 ? "enlarged" : "reduced"} to about ${roundHalfToEven(100 * scale)} %`;
}
