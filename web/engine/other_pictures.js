/** Opens pictures that are no JPEG files: PNG by itself, WebP and AVIF by the browser. */

import { decodeInBrowser } from "./browser_pixels.js";
import { asLatin1 } from "./containers/bytes.js";
import { nameKind } from "./containers/file_kinds.js";
import { isAvif, lookIntoAvif } from "./containers/of_avif.js";
import { lookIntoPng } from "./containers/of_png.js";
import { isWebp, lookIntoWebp } from "./containers/of_webp.js";
import { chunks, isPng } from "./containers/png_chunks.js";
import { UnreadableImageError } from "./errors.js";
import { damaged } from "./jpeg/damage.js";
import { cannotHold, checkBytes, checkMegapixels } from "./jpeg/limits.js";
import { decodePng, PALETTE, readPngHeader, uncompressedSize } from "./png_pixels.js";

/** @typedef {import("./picture.js").PictureParts} PictureParts */

const SEVERAL = "The file holds several pictures; only one of them was restored.";
const ROUNDED = "This browser rounds the colors of transparent places.";
const DEEP = "The file has 16 bits per channel, of which 8 were read.";
// Deflate makes no more than this of a byte.
const LARGEST_RATIO = 1032;
const KINDS = [
  { kind: "WebP", format: "WEBP", type: "image/webp", isKind: isWebp, lookInto: lookIntoWebp },
  { kind: "AVIF", format: "AVIF", type: "image/avif", isKind: isAvif, lookInto: lookIntoAvif },
];
/**
 * Formats that the Python package opens, by their start in Latin-1.
 *
 * @type {[string[], string][]}
 */
const ELSEWHERE = [
  [["II*", "II+", "MM\0*", "MM\0+"], "a TIFF"],
  [["GIF87a", "GIF89a"], "a GIF"],
  [["BM"], "a BMP"],
  [["\0\0\0\fjP  "], "a JPEG 2000 picture"],
  [["8BPS"], "a file of Photoshop"],
  [["P1\n", "P2\n", "P3\n", "P4\n", "P5\n", "P6\n"], "a PPM"],
  [["\0\0\x01\0", "\0\0\x02\0"], "an icon"],
];

/**
 * Split a picture that is no JPEG file into planes, alpha and metadata.
 *
 * @param {Uint8Array} bytes of the file
 * @param {{maxMegapixels: number}} options limit on the size that its header states
 * @returns {Promise<PictureParts>} gray, or RGB
 * @throws {UnreadableImageError} if the file is no picture, is damaged, too large, or of a kind that is not restored
 */
export async function openOtherPicture(bytes, { maxMegapixels }) {
  checkLength(bytes);
  if (isPng(bytes)) {
    return openPng(bytes, maxMegapixels);
  }
  const { kind, format, type, container } = openContainer(bytes, maxMegapixels);
  const { info, notes, plain, opacity, isPremultiplied, isGray, hasAlpha, isAnimated } = container;
  const { isExact, ...pixels } = await decodeInBrowser(plain, { kind, type, hasAlpha: hasAlpha && !opacity });
  if (opacity) {
    const { samples, width, height } = await decodeInBrowser(opacity, { kind, type, hasAlpha: false });
    if (width !== pixels.width || height !== pixels.height) {
      throw damaged("its alpha has another size");
    }
    pixels.alpha = samples[0];
    if (isPremultiplied) {
      divideBy(samples[0], pixels.samples);
    }
  }
  if (isGray) {
    pixels.samples.length = 1;
  }
  const more = [...(isAnimated ? [SEVERAL] : []), ...notes, ...(isExact ? [] : [ROUNDED])];
  return { ...pixels, rgb: !isGray, info, format, notes: more, ...UNKNOWN_COMPRESSION };
}

/**
 * What the headers of a picture say that is no JPEG file.
 *
 * @param {Uint8Array} bytes of the file
 * @param {{maxMegapixels: number}} options
 * @returns {Promise<{width: number, height: number, info: import("./metadata.js").Info, format: string}>}
 * @throws {UnreadableImageError} if they show that {@link openOtherPicture} refuses the file
 */
export async function openOtherHeader(bytes, { maxMegapixels }) {
  checkLength(bytes);
  if (isPng(bytes)) {
    const { width, height } = openPngHeader(bytes, maxMegapixels).header;
    return { width, height, info: (await lookIntoPng(bytes)).info, format: "PNG" };
  }
  const { format, container } = openContainer(bytes, maxMegapixels);
  const { width, height, info } = container;
  return { width, height, info, format };
}

/** @param {Uint8Array} bytes */
function checkLength(bytes) {
  if (!bytes.length) {
    throw new UnreadableImageError("the picture is empty (0 bytes)");
  }
  checkBytes(bytes);
}

/**
 * @param {Uint8Array} bytes
 * @param {number} maxMegapixels
 */
function openContainer(bytes, maxMegapixels) {
  const found = KINDS.find(({ isKind }) => isKind(bytes));
  if (!found) {
    throw new UnreadableImageError(refusal(bytes));
  }
  const container = looked(found.kind, () => found.lookInto(bytes));
  checkMegapixels(container, maxMegapixels);
  return { ...found, container };
}

const UNKNOWN_COMPRESSION = { tables: null, quality: null, sampling: null, gridTable: null, coefficients: null };

/**
 * @param {string} kind
 * @param {() => import("./containers/of_webp.js").Container | null} look
 */
function looked(kind, look) {
  let container = null;
  try {
    container = look();
  } catch (error) {
    // Boxes lead behind the end of the file.
    if (!(error instanceof RangeError)) {
      throw error;
    }
  }
  if (!container) {
    throw new UnreadableImageError(`the picture is a damaged ${kind} or of a kind that cannot be read`);
  }
  return container;
}

/**
 * @param {Uint8Array} bytes
 * @param {number} maxMegapixels
 */
function openPngHeader(bytes, maxMegapixels) {
  const all = [...chunks(bytes)];
  const header = all[0]?.kind === "IHDR" ? readPngHeader(all[0].payload) : null;
  if (!header) {
    throw new UnreadableImageError("the picture is a damaged PNG or of a kind that cannot be read");
  }
  checkMegapixels(header, maxMegapixels);
  if (uncompressedSize(header) > LARGEST_RATIO * bytes.length) {
    throw cannotHold(bytes, header);
  }
  const payload = (/** @type {string} */ name) => all.find(({ kind }) => kind === name)?.payload ?? null;
  if (header.colorType === PALETTE && !payload("PLTE")) {
    throw damaged("its palette is missing");
  }
  return { header, all, payload };
}

/**
 * @param {Uint8Array} bytes
 * @param {number} maxMegapixels
 * @returns {Promise<PictureParts>}
 */
async function openPng(bytes, maxMegapixels) {
  const { header, all, payload } = openPngHeader(bytes, maxMegapixels);
  const { width, height, bits } = header;
  const data = all.filter(({ kind }) => kind === "IDAT").map((chunk) => chunk.payload);
  const colors = { palette: payload("PLTE"), transparency: payload("tRNS") };
  const pixels = await decodePng(header, data, colors).catch((error) => {
    throw damaged(error.message);
  });
  const { info, notes } = await lookIntoPng(bytes);
  const frames = payload("acTL");
  const isAnimated = frames !== null && frames.length >= 8 && all.filter(({ kind }) => kind === "fcTL").length > 1;
  return {
    width,
    height,
    ...pixels,
    rgb: pixels.samples.length === 3,
    info,
    format: "PNG",
    notes: [...(isAnimated ? [SEVERAL] : []), ...notes, ...(bits === 16 ? [DEEP] : [])],
    ...UNKNOWN_COMPRESSION,
  };
}

/**
 * Colors that were multiplied by alpha, divided by it in place.
 *
 * @param {Uint8Array} alpha
 * @param {Uint8Array[]} planes
 */
function divideBy(alpha, planes) {
  for (const plane of planes) {
    for (let at = 0; at < plane.length; at++) {
      plane[at] = alpha[at] ? Math.min(Math.floor((plane[at] * 255) / alpha[at] + 0.5), 255) : 0;
    }
  }
}

/** @param {Uint8Array} bytes */
function refusal(bytes) {
  const kind = nameKind(bytes);
  if (kind) {
    return `the picture is ${kind}`;
  }
  const start = asLatin1(bytes.subarray(0, 16));
  const name = ELSEWHERE.find(([starts]) => starts.some((sign) => start.startsWith(sign)))?.[1];
  return name
    ? `the picture is ${name}, which is not restored in a browser; restore it on the command line (argan restore)`
    : "the picture is not a picture in a known format (JPEG, PNG, WebP, AVIF)";
}
