/** What a file holds besides one picture: the record of it, and the words. */

export const GAIN_MAP = "gain map (extra brightness for HDR screens)";
export const VIDEO = "video";
export const PICTURE = "another picture";
export const PROVENANCE = "proof of origin (C2PA)";
export const CLIPPING_PATH = "clipping path";
export const CAPTIONS = "captions and credits (IPTC)";
export const COPYRIGHT = "copyright flag and web address (Photoshop)";
export const THUMBNAIL = "thumbnail";
export const EXIF_THUMBNAIL = "thumbnail in the Exif data";
export const EXTENDED_XMP = "extended XMP";
export const DAMAGED_EXTENDED_XMP = "part of the XMP that is damaged or does not belong to it";
export const COMMENT = "comment";
export const UNKNOWN = "unknown data";

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
 * Something in a file besides the picture.
 *
 * @typedef {object} Extra
 * @property {string} kind in words that fit after "a file with", such as `VIDEO`
 * @property {number} size in bytes; 0 if it is not known
 * @property {string | null} [key] under which metadata hold it, so that formats that can hold it get it; without it, the
 *   extra is never kept
 */

/**
 * @param {string} kind
 * @param {number} size in bytes
 * @param {string | null} [key]
 * @returns {Extra}
 */
export function extra(kind, size, key = null) {
  return { kind, size, key };
}

/**
 * Sentences on what no format of results gets: one on all together, and one for every reason.
 *
 * @param {Extra[]} extras
 * @returns {string[]}
 */
export function notKept(extras) {
  /** @type {Map<string, number[]>} */
  const kinds = new Map();
  for (const { kind, size, key = null } of extras) {
    if (key === null) {
      kinds.set(kind, [...(kinds.get(kind) ?? []), size]);
    }
  }
  if (kinds.size === 0) {
    return [];
  }
  const listed = Array.from(kinds, ([kind, sizes]) => {
    const size = sizes.reduce((sum, each) => sum + each, 0);
    const words = size > 0 ? `${kind}, ${inWords(size)}` : kind;
    return sizes.length > 1 ? `${words} in ${sizes.length} parts` : words;
  });
  const reasons = Array.from(kinds.keys(), (kind) => REASONS[kind]).filter((reason) => reason !== undefined);
  return [`Not carried over: ${listed.join("; ")}.`, ...reasons];
}

/** @param {number} size in bytes */
function inWords(size) {
  if (size < 10_000) {
    return `${grouped(size)} bytes`;
  }
  return size < 10_000_000 ? `${grouped(rounded(size, 1000))} kB` : `${grouped(rounded(size, 1_000_000))} MB`;
}

/**
 * The quotient as Python prints it: halves are rounded to the even number.
 *
 * @param {number} size
 * @param {number} unit
 */
function rounded(size, unit) {
  const whole = Math.floor(size / unit);
  const rest = size - whole * unit;
  return rest * 2 > unit || (rest * 2 === unit && whole % 2 === 1) ? whole + 1 : whole;
}

/** @param {number} number whole */
function grouped(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}
