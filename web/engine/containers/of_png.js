/** What a PNG file holds besides its picture: color profile, Exif, XMP, texts, and what follows its end. */

import { asLatin1, join } from "./bytes.js";
import { notKept, PROVENANCE, UNKNOWN } from "./extras.js";
import { chunks, inflated } from "./png_chunks.js";

/** @typedef {import("../metadata.js").Info} Info */
/** @typedef {import("./extras.js").Extra} Extra */

const KNOWN = (
  "IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB tEXt zTXt iTXt bKGD hIST pHYs sPLT tIME eXIf acTL fcTL fdAT oFFs " +
  "iDOT cICP mDCV cLLI"
).split(" ");
const XMP = "XML:com.adobe.xmp";
const EXIF = "Raw profile type exif";
const CAPTIONS = ["Raw profile type iptc", "Raw profile type 8bim"];
const MAX_TEXT = 1 << 20;
const MAX_ALL_TEXTS = 32 * MAX_TEXT;
// Profiles of printers have a few mebibytes.
const MAX_PROFILE = 8 << 20;
const INCH = 0.0254;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * @param {Uint8Array} bytes of the file
 * @returns {Promise<{info: Info, notes: string[]}>} the metadata, and sentences on what cannot be kept
 */
export async function lookIntoPng(bytes) {
  /** @type {Info} */
  const info = {};
  /** @type {Extra[]} */
  const extras = [];
  /** @type {string[]} */
  const notes = [];
  /** @type {Map<string, string>} */
  const texts = new Map();
  let end = bytes.length;
  let unknown = 0;
  let unpacked = 0;
  for (const { kind, payload, end: next } of chunks(bytes)) {
    if (kind === "iCCP") {
      const profile = await profileIn(payload);
      if (!profile) {
        notes.push("The color profile is damaged and was left out.");
      } else if (profile.length > MAX_PROFILE) {
        extras.push({ kind: "color profile that is damaged or too large", size: payload.length });
      } else {
        info.iccProfile = profile;
      }
    } else if (kind === "tEXt" || kind === "zTXt" || kind === "iTXt") {
      // What unpacks to much is not even tried once there was too much.
      const text = unpacked <= MAX_ALL_TEXTS ? await textIn(kind, payload) : null;
      const size = text ? text.value.length : 0;
      unpacked += size;
      if (size > MAX_TEXT || unpacked > MAX_ALL_TEXTS) {
        extras.push({ kind: `text of more than ${MAX_TEXT >> 20} MiB`, size: payload.length });
      } else if (text) {
        keepText(text, info, texts);
      }
    } else if (kind === "caBX") {
      extras.push({ kind: PROVENANCE, size: payload.length });
    } else if (kind === "IEND") {
      end = next;
    } else if (KNOWN.includes(kind)) {
      keepNumbers(kind, payload, info);
    } else {
      unknown += payload.length;
    }
  }
  takeProfiles(texts, info);
  if (texts.size) {
    info.text = Object.fromEntries(texts);
  }
  if (unknown) {
    extras.push({ kind: `${UNKNOWN} of a program`, size: unknown });
  }
  if (bytes.subarray(end).some((byte) => byte !== 0 && byte !== 255 && byte !== 32 && byte !== 13 && byte !== 10)) {
    extras.push({ kind: `${UNKNOWN} behind the picture`, size: bytes.length - end });
  }
  return { info, notes: [...notKept(extras), ...notes] };
}

/**
 * The color profile of a chunk iCCP; `null` if it is damaged.
 *
 * @param {Uint8Array} payload
 */
async function profileIn(payload) {
  const at = payload.indexOf(0);
  return at < 0 || payload[at + 1] ? null : inflated(payload.subarray(at + 2), MAX_PROFILE);
}

/**
 * @typedef {object} Text
 * @property {string} key
 * @property {Uint8Array} value
 * @property {boolean} isInternational whether the value is UTF-8; Latin-1 otherwise
 */

/**
 * A text; `null` if there is none.
 *
 * @param {string} kind of the chunk
 * @param {Uint8Array} payload
 * @returns {Promise<Text | null>}
 */
async function textIn(kind, payload) {
  const [name, rest] = halves(payload);
  const key = asLatin1(name);
  const isInternational = kind === "iTXt";
  if (!key || (isInternational && rest.length < 2)) {
    return null;
  }
  let value = rest;
  let isCompressed = kind === "zTXt";
  if (isInternational) {
    isCompressed = rest[0] !== 0;
    // Behind the kind of compression are the language and the translated key.
    value = halves(halves(rest.subarray(2))[1])[1];
  } else if (isCompressed) {
    value = rest.subarray(1);
  }
  const unpacked = isCompressed ? await inflated(value, MAX_TEXT) : value;
  if (unpacked) {
    return { key, value: unpacked, isInternational };
  }
  return isInternational ? null : { key, value: new Uint8Array(0), isInternational };
}

/**
 * What is before the first byte 0, and what is behind it.
 *
 * @param {Uint8Array} data
 */
function halves(data) {
  const at = data.indexOf(0);
  return at < 0 ? [data, data.subarray(data.length)] : [data.subarray(0, at), data.subarray(at + 1)];
}

/**
 * @param {Text} text
 * @param {Info} info
 * @param {Map<string, string>} texts
 */
function keepText({ key, value, isInternational }, info, texts) {
  if (key === XMP) {
    // Of several, the one in UTF-8 is the packet.
    if (isInternational || !info.xmp) {
      info.xmp = value;
    }
    return;
  }
  try {
    texts.set(key, isInternational ? utf8.decode(value) : asLatin1(value));
  } catch {
    // Pillow drops texts that are no UTF-8, too.
  }
}

/**
 * Take Exif data and captions out of texts, in which programs store them as hexadecimal digits.
 *
 * @param {Map<string, string>} texts
 * @param {Info} info
 */
function takeProfiles(texts, info) {
  const exif = texts.get(EXIF);
  const data = exif !== undefined && !info.exif ? fromDigits(exif) : null;
  if (data) {
    info.exif = data;
    texts.delete(EXIF);
  }
  for (const key of CAPTIONS) {
    const text = texts.get(key);
    const captions = text === undefined ? null : captionsIn(fromDigits(text) ?? new Uint8Array(0));
    if (captions?.length) {
      info.iptc = captions;
    }
  }
  if (info.iptc) {
    for (const key of CAPTIONS) {
      texts.delete(key);
    }
  }
}

/**
 * The data in a text of a name, a size, and hexadecimal digits; `null` if it is another text.
 *
 * @param {string} text
 */
function fromDigits(text) {
  const digits = text.trim().split(/\s+/).slice(2).join("");
  if (!digits || digits.length % 2 || /[^0-9a-f]/i.test(digits)) {
    return null;
  }
  const data = new Uint8Array(digits.length / 2);
  for (let at = 0; at < data.length; at++) {
    data[at] = Number.parseInt(digits.slice(2 * at, 2 * at + 2), 16);
  }
  return data;
}

/**
 * The captions (IPTC) among resources of Photoshop, which may stand alone.
 *
 * @param {Uint8Array} data
 * @returns {Uint8Array | null}
 */
function captionsIn(data) {
  if (data[0] === 0x1c) {
    return data;
  }
  const segment = "Photoshop 3.0\0";
  let position = asLatin1(data.subarray(0, segment.length)) === segment ? segment.length : 0;
  const numbers = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let found = null;
  while (position + 12 <= data.length && asLatin1(data.subarray(position, position + 4)) === "8BIM") {
    const number = numbers.getUint16(position + 4);
    // The name, with its length before it, is padded to an even size. So are the data.
    position += 6 + (data[position + 6] | 1) + 1;
    if (position + 4 > data.length) {
      break;
    }
    const size = numbers.getUint32(position);
    if (number === 0x0404) {
      found = data.subarray(position + 4, position + 4 + size);
    }
    position += 4 + size + (size & 1);
  }
  return found;
}

/**
 * Keep what a chunk of numbers says.
 *
 * @param {string} kind
 * @param {Uint8Array} payload
 * @param {Info} info
 */
function keepNumbers(kind, payload, info) {
  const numbers = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  if (kind === "eXIf") {
    info.exif = join([encoder.encode("Exif\0\0"), payload]);
  } else if (kind === "gAMA" && payload.length >= 4) {
    info.gamma = numbers.getUint32(0) / 100_000;
  } else if (kind === "cHRM" && payload.length >= 32) {
    info.chromaticity = Array.from({ length: 8 }, (_, at) => numbers.getUint32(4 * at) / 100_000);
  } else if (kind === "sRGB" && payload.length) {
    info.srgb = payload[0];
  } else if (kind === "pHYs" && payload.length >= 9 && payload[8] === 1) {
    info.dpi = [numbers.getUint32(0) * INCH, numbers.getUint32(4) * INCH];
  } else if (kind === "cICP" && payload.length === 4) {
    info.cicp = payload.slice();
  } else if (kind === "mDCV" && payload.length === 24) {
    info.mdcv = payload.slice();
  } else if (kind === "cLLI" && payload.length === 8) {
    info.clli = payload.slice();
  }
}
