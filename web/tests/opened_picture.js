/** What `openOtherPicture` gives for a file, or its error, in JSON; bytes as base64. */

import { openOtherPicture } from "../engine/other_pictures.js";

/**
 * @param {string} file base64
 * @param {number} maxMegapixels
 */
export async function openedPicture(file, maxMegapixels) {
  const bytes = Uint8Array.from(atob(file), (letter) => letter.charCodeAt(0));
  try {
    const parts = await openOtherPicture(bytes, { maxMegapixels });
    return JSON.stringify(parts, (_, value) => (value instanceof Uint8Array ? { base64: base64(value) } : value));
  } catch (error) {
    return JSON.stringify({ error: `${error}` });
  }
}

/** @param {Uint8Array} bytes */
function base64(bytes) {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
