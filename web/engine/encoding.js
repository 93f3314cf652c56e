/** Pictures -> files, with all metadata that a format can hold, and sentences on what it cannot. */

import { writeJpeg } from "./jpeg/write.js";
import { fitsJpeg, metadataSegments } from "./jpeg_metadata.js";
import { encodePng } from "./png.js";
import { isLosslessWebp, withMetadataInWebp } from "./webp_metadata.js";

/** @typedef {import("./metadata.js").Info} Info */
/** @typedef {import("./picture.js").Picture} Picture */
/** @typedef {"png" | "jpeg" | "webp"} Format */

/** @type {(keyof Info)[]} */
const IN_JPEG = ["iccProfile", "exif", "xmp", "dpi", "comment", "iptc", "photoshop"];
/** @type {(keyof Info)[]} */
const IN_PNG = ["iccProfile", "exif", "xmp", "dpi", "comment", "iptc", "text"];
/** @type {(keyof Info)[]} */
const COLORS_IN_PNG = ["gamma", "chromaticity", "srgb", "cicp", "mdcv", "clli"];
/**
 * What each format can hold.
 *
 * @type {Record<Format, {title: string, carries: (keyof Info)[], hasAlpha: boolean, maxSide: number}>}
 */
const FORMATS = {
  png: { title: "PNG", carries: [...IN_PNG, ...COLORS_IN_PNG], hasAlpha: true, maxSide: 2 ** 31 - 1 },
  jpeg: { title: "JPEG", carries: IN_JPEG, hasAlpha: false, maxSide: 65500 },
  webp: { title: "WebP", carries: ["iccProfile", "exif", "xmp"], hasAlpha: false, maxSide: 16383 },
};
/** @type {Partial<Record<keyof Info, string>>} */
const WORDS = {
  iccProfile: "color profile",
  exif: "Exif data",
  xmp: "XMP",
  dpi: "resolution",
  comment: "comment",
  iptc: "captions and credits (IPTC)",
  photoshop: "data of Photoshop (clipping paths, copyright flag)",
  text: "texts",
  gamma: "gamma",
  chromaticity: "chromaticity",
  cicp: "color description (cICP)",
  mdcv: "display for which it was made (mDCV)",
  clli: "light levels (cLLI)",
};
// Without these, pixels mean other colors.
/** @type {(keyof Info)[]} */
const COLOR_KEYS = ["iccProfile", "gamma", "chromaticity", "cicp"];
const JPEG_QUALITY = 95;
const WEBP = "image/webp";
const LARGEST_PNG_PROFILE = 1 << 20;
const LARGEST_PNG_DENSITY = 2 ** 31 * 0.0254;

/**
 * Encode a picture to the bytes of a file.
 *
 * @param {Picture} picture
 * @param {Format} format WebP is written by the encoder of the browser
 * @returns {Promise<{bytes: Uint8Array<ArrayBuffer>, notes: string[]}>} and sentences on what the format cannot hold
 * @throws {RangeError} if there is no such format, or it cannot hold such a picture
 */
export async function encodePicture(picture, format) {
  if (!Object.hasOwn(FORMATS, format)) {
    throw new RangeError(`format must be one of ${Object.keys(FORMATS).join(", ")}, found ${format}`);
  }
  const { title, hasAlpha, maxSide } = FORMATS[format];
  const longest = Math.max(picture.width, picture.height);
  if (longest > maxSide) {
    throw new RangeError(`${title} holds at most ${maxSide} pixels a side, found ${longest}: choose PNG`);
  }
  if (picture.channels % 2 === 0 && !hasAlpha) {
    const reason = format === "webp" ? "browsers change the colors of transparent WebP files" : `${title} holds none`;
    throw new RangeError(`the picture has transparency, and ${reason}: choose PNG`);
  }
  const { info, notes } = writableInfo(picture, format);
  if (format === "png") {
    return { bytes: await encodePng(picture, info), notes };
  }
  if (format === "jpeg") {
    notes.push(`JPEG is lossy (written at quality ${JPEG_QUALITY}); PNG is lossless.`);
    return { bytes: writeJpeg(picture, JPEG_QUALITY, metadataSegments(info)), notes };
  }
  const file = await webpOfBrowser(picture);
  if (!isLosslessWebp(file)) {
    notes.push("This browser writes lossy WebP files only; PNG is lossless.");
  }
  return { bytes: withMetadataInWebp(file, info, picture), notes };
}

/**
 * The metadata of a picture that can be written to a format, and sentences on the others.
 *
 * @param {Picture} picture
 * @param {Format} format
 * @returns {{info: Info, notes: string[]}}
 */
function writableInfo({ channels, info }, format) {
  const { title, carries } = FORMATS[format];
  // Browsers write gray pictures as RGB.
  const isGray = channels < 3 && format === "png";
  /** @type {Info} */
  const kept = info.srgb !== undefined && carries.includes("srgb") ? { srgb: info.srgb } : {};
  /** @type {(keyof Info)[]} */
  const foreign = [];
  /** @type {(keyof Info)[]} */
  const tooLarge = [];
  const notes = [];
  for (const key of /** @type {(keyof Info)[]} */ (Object.keys(WORDS))) {
    if (info[key] === undefined) {
      continue;
    }
    if (!carries.includes(key)) {
      foreign.push(key);
    } else if (key === "iccProfile" && format !== "jpeg" && !profileFits(info.iccProfile, isGray)) {
      const pixels = isGray ? "gray" : "RGB";
      notes.push(`The color profile was left out: it is not one for ${pixels} pixels, as ${title} wants it.`);
    } else if (isTooLarge(info, key, format)) {
      tooLarge.push(key);
    } else {
      Object.assign(kept, { [key]: info[key] });
    }
  }
  const listed = (/** @type {(keyof Info)[]} */ keys) => keys.map((key) => WORDS[key]).join(", ");
  if (foreign.length) {
    notes.push(`Left out of the ${title} file: ${listed(foreign)}.`);
  }
  if (tooLarge.length) {
    notes.push(`Left out, because it is damaged, or too large for ${title}: ${listed(tooLarge)}.`);
  }
  if (!kept.iccProfile && [...foreign, ...tooLarge].some((key) => COLOR_KEYS.includes(key))) {
    notes.push(`Colors of the ${title} file can look different, because what describes them was left out.`);
  }
  return { info: kept, notes };
}

/**
 * Whether a color profile is one of such pixels: libpng drops others, and some programs refuse such files.
 * JPEG files hold any.
 *
 * @param {Uint8Array | undefined} profile
 * @param {boolean} isGray whether the pixels are
 */
function profileFits(profile, isGray) {
  const space = String.fromCharCode(...(profile ?? []).slice(16, 20));
  return isGray ? space === "GRAY" : space !== "GRAY" && space !== "CMYK";
}

/**
 * @param {Info} info
 * @param {keyof Info} key
 * @param {Format} format
 */
function isTooLarge(info, key, format) {
  if (format === "jpeg") {
    return !fitsJpeg(info, key);
  }
  if (key === "dpi") {
    return (info.dpi ?? []).some((density) => !(density >= 0 && density < LARGEST_PNG_DENSITY));
  }
  // Of PNG files with larger ones, some programs read nothing.
  return format === "png" && key === "iccProfile" && (info.iccProfile?.length ?? 0) > LARGEST_PNG_PROFILE;
}

/**
 * A WebP file by the encoder of the browser.
 *
 * @param {Picture} picture without transparency
 */
async function webpOfBrowser({ width, height, channels, pixels }) {
  if (typeof OffscreenCanvas === "undefined") {
    throw new RangeError("only browsers write WebP: choose PNG");
  }
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { alpha: false });
  if (!context) {
    throw new RangeError(`this browser cannot draw ${width}x${height} pixels: choose PNG`);
  }
  const image = context.createImageData(width, height);
  const step = channels < 3 ? [0, 0, 0] : [0, 1, 2];
  for (let from = 0, to = 0; from < pixels.length; from += channels, to += 4) {
    image.data[to] = pixels[from + step[0]];
    image.data[to + 1] = pixels[from + step[1]];
    image.data[to + 2] = pixels[from + step[2]];
    image.data[to + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  // At this quality, browsers that can write lossless files do.
  const blob = await canvas.convertToBlob({ type: WEBP, quality: 1 });
  // Browsers that do not know a format write PNG.
  if (blob.type !== WEBP) {
    throw new RangeError("this browser does not write WebP: choose PNG");
  }
  return new Uint8Array(await blob.arrayBuffer());
}
