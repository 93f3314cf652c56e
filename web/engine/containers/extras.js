/** What a file holds besides one picture: the record of it, and the words. */

export const GAIN_MAP = "gain map (extra brightness for HDR screens)";
export const PROVENANCE = "proof of origin (C2PA)";
export const UNKNOWN = "unknown data";

/**
 * Something in a file that the result does not get.
 *
 * @typedef {object} Extra
 * @property {string} kind in words that fit after "a file with"
 * @property {number} size in bytes; 0 if it is not known
 */

/**
 * Why some are never kept, where that is not plain.
 *
 * @type {Record<string, string>}
 */
const REASONS = {
  [GAIN_MAP]: "A gain map fits only the pixels as they were; HDR screens show the result like an ordinary picture.",
  [PROVENANCE]: "A proof of origin is a signature of the file as it was; it is not valid after any change.",
};

/**
 * Sentences on what no result gets: one on all together, and one for every reason.
 *
 * @param {Extra[]} extras
 * @returns {string[]}
 */
export function notKept(extras) {
  /** @type {Map<string, number[]>} */
  const kinds = new Map();
  for (const { kind, size } of extras) {
    const sizes = kinds.get(kind);
    if (sizes) {
      sizes.push(size);
    } else {
      kinds.set(kind, [size]);
    }
  }
  if (!kinds.size) {
    return [];
  }
  const listed = Array.from(kinds, ([kind, sizes]) => {
    const size = sizes.reduce((sum, part) => sum + part, 0);
    const parts = sizes.length > 1 ? ` in ${sizes.length} parts` : "";
    return (size ? `${kind}, ${inWords(size)}` : kind) + parts;
  });
  const reasons = Array.from(kinds.keys(), (kind) => REASONS[kind]).filter((reason) => reason !== undefined);
  return [`Not carried over: ${listed.join("; ")}.`, ...reasons];
}

/** @param {number} size in bytes */
function inWords(size) {
  const format = (/** @type {number} */ value) => Math.round(value).toLocaleString("en-US");
  if (size < 10_000) {
    return `${format(size)} bytes`;
  }
  return size < 10_000_000 ? `${format(size / 1000)} kB` : `${format(size / 1e6)} MB`;
}
