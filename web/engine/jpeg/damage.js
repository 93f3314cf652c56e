/** Sentences on JPEG files that cannot be read, in the words of the Python package. */

import { UnreadableImageError } from "../errors.js";

/** What makes a file end early. */
export const ENDS_EARLY = "it ends early";

/**
 * @param {string} reason what was found
 * @returns {UnreadableImageError}
 */
export function damaged(reason) {
  return new UnreadableImageError(`the picture is damaged and cannot be decoded: ${reason}`);
}

/**
 * @param {string} kind of JPEG file, which the Python package reads
 * @returns {UnreadableImageError}
 */
export function onlyOnCommandLine(kind) {
  return new UnreadableImageError(
    `the picture is a JPEG ${kind}, which is not restored in a browser; restore it on the command line (argan restore)`,
  );
}
