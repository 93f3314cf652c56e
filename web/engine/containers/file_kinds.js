/**
 * Names files that are not restored, and says what to do with them.
 *
 * A file called `.jpg` is often something else: what a phone, a camera or a browser saved under that name.
 */

import { asLatin1 } from "./bytes.js";

const START = 4096;
const COMMENTS = 100;
const BYTE_ORDER = "\xef\xbb\xbf";
const HEIC_BRANDS = ["heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"];
/**
 * Starts of a file, in Latin-1 and without regard to case, and what it is. A picture's name comes with its format, so
 * that the sentence can say "convert it".
 *
 * @type {[string[], string][]}
 */
const SIGNATURES = [
  [["\xff\n", "\0\0\0\x0cJXL \r\n\x87\n"], "a JPEG XL picture"],
  [["FUJIFILMCCD-RAW"], "a camera raw file (RAF)"],
  [["IIRO", "IIRS", "IIU\0", "MMOR"], "a camera raw file (ORF or RW2)"],
  [["FOVb"], "a camera raw file (X3F)"],
  [["\xabKTX", "DDS |\0\0\0"], "a texture of a game"],
  [["%PDF-"], "a PDF document"],
  [["%!PS", "\xc5\xd0\xd3\xc6"], "a PostScript file"],
  [["{\\rtf", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"], "a document of an office program"],
  [["PK\x03\x04"], "a ZIP archive or an office document"],
  [["Rar!", "7z\xbc\xaf\x27\x1c", "\x1f\x8b\x08"], "a compressed archive"],
  [["\x1aE\xdf\xa3", "\0\0\x01\xba"], "a video"],
  [["ID3", "fLaC", "OggS"], "a sound file"],
];
/** @type {Record<string, string>} */
const RIFF_KINDS = { "AVI ": "a video", WAVE: "a sound file" };
/** @type {[RegExp, string][]} */
const TEXTS = [
  [/^<(?:!doctype\s+html|html|head|body)\b/i, "a web page (HTML)"],
  [/^<(?:!doctype\s+)?svg\b/i, "an SVG drawing"],
  [/^[{[]\s*["{[]/, "a text in JSON"],
];
/** @type {[string, string][]} */
const ADVICE = [
  ["camera raw", "develop it first: export it as TIFF or PNG"],
  ["HEIC", "export it as JPEG first, at the highest quality"],
  ["JPEG XL", "if it was made from a JPEG, `djxl` gives that JPEG back; otherwise convert it to PNG"],
  ["PDF", "save the pictures in it as files first, as `pdfimages -all` does"],
  ["PostScript", "convert it to PNG first"],
  ["web page", "the picture itself was not saved: open the page and save the picture"],
  ["archive", "unpack it first"],
  ["document", "save the picture in it as a file of its own"],
  ["drawing", "it is drawn without JPEG, so there is nothing to restore"],
  ["video", "save the frame as PNG first"],
];

/**
 * Name a file that is no picture in a format that can be read, and say what to do.
 *
 * @param {Uint8Array} bytes of the file, or at least its first 4096
 * @returns {string | null} a phrase such as "a PDF document; save the pictures …"; `null` if the kind is not known
 */
export function nameKind(bytes) {
  const start = asLatin1(bytes.subarray(0, START));
  const kind = start.slice(4, 8) === "ftyp" ? kindOfContainer(start.slice(8, 12)) : kindBySignature(start);
  const advice = ADVICE.find(([word]) => kind?.includes(word));
  return kind && advice ? `${kind}; ${advice[1]}` : kind;
}

/**
 * Kind of an ISO base media file (HEIC, AVIF, MP4, CR3), by its major brand.
 *
 * @param {string} brand
 */
function kindOfContainer(brand) {
  if (brand === "avif" || brand === "avis") {
    return null;
  }
  if (HEIC_BRANDS.includes(brand)) {
    return "an HEIC picture, as phones take them";
  }
  return brand === "crx " ? "a camera raw file (CR3)" : "a video";
}

/** @param {string} start */
function kindBySignature(start) {
  const lower = start.toLowerCase();
  const text = withoutProlog(start);
  return (
    SIGNATURES.find(([signs]) => signs.some((sign) => lower.startsWith(sign.toLowerCase())))?.[1] ??
    (start.startsWith("RIFF") ? RIFF_KINDS[start.slice(8, 12)] : undefined) ??
    TEXTS.find(([pattern]) => pattern.test(text))?.[1] ??
    null
  );
}

/**
 * A text without its byte-order mark, XML declaration and comments; other files are not changed.
 *
 * Every comment is searched for once. A pattern for all of them could take a hostile file minutes to not match.
 *
 * @param {string} text
 */
function withoutProlog(text) {
  let rest = withoutSpace(text.startsWith(BYTE_ORDER) ? text.slice(BYTE_ORDER.length) : text);
  const prologs = [["<?xml", "?>"], ...Array.from({ length: COMMENTS }, () => ["<!--", "-->"])];
  for (const [start, end] of prologs) {
    const position = rest.startsWith(start) ? rest.indexOf(end) : -1;
    if (position >= 0) {
      rest = withoutSpace(rest.slice(position + end.length));
    }
  }
  return /^[<{[]/.test(rest) ? rest : text;
}

/** @param {string} text */
function withoutSpace(text) {
  return text.replace(/^[ \t\n\r\v\f]+/, "");
}
