/**
 * The metadata of a picture: color profile, Exif, XMP, resolution, comments, captions; and what is no longer true.
 *
 * `containers/` changes single statements of Exif and XMP. What a format can hold is decided in `encoding.js`.
 */

import { compare, join, latin1, startsWith } from "./containers/bytes.js";
import * as exifData from "./containers/exif.js";
import { notKept } from "./containers/extras.js";
import { lookIntoJpeg, PROFILE, XMP } from "./containers/of_jpeg.js";
import { keptInfo as keptResources, readResources, SEGMENT, withoutPaths } from "./containers/photoshop.js";
import { resolutionOf } from "./containers/resolution.js";
import { COMMENT, FRAMES, readLayout, START_OF_SCAN } from "./containers/segments.js";
import { DamagedXmlError } from "./containers/xml.js";
import * as xmpData from "./containers/xmp.js";

/**
 * @typedef {object} Info
 * @property {Uint8Array} [iccProfile] the color profile
 * @property {Uint8Array} [exif] may start with "Exif" and two zeros, as in JPEG files
 * @property {Uint8Array} [xmp] one packet
 * @property {[number, number]} [dpi] dots per inch, across and down
 * @property {Uint8Array} [comment]
 * @property {Uint8Array} [iptc] captions and credits
 * @property {import("./containers/photoshop.js").Resources} [photoshop] other resources of Photoshop
 * @property {Record<string, string>} [text] texts of a PNG file
 * @property {number} [gamma] as PNG states it, 0.45455 for most pictures
 * @property {number[]} [chromaticity] as PNG states it: x and y of white, red, green, blue
 * @property {number} [srgb] the rendering intent that a PNG file states for sRGB, 0..3
 * @property {Uint8Array} [cicp] data of the chunk cICP
 * @property {Uint8Array} [mdcv] data of the chunk mDCV
 * @property {Uint8Array} [clli] data of the chunk cLLI
 */

/** @typedef {import("./picture.js").Picture} Picture */

const JFIF = latin1("JFIF");
const EXIF = latin1("Exif\0\0");
const PROFILE_HEADER_SIZE = 14;
const APP0 = 0xe0;
const APP1 = 0xe1;
const APP2 = 0xe2;
const APP13 = 0xed;

/**
 * Collect the metadata of a JPEG file that are written with the restored picture, and free them of what is no longer
 * true.
 *
 * @param {Uint8Array} bytes of the file
 * @returns {{info: Info, notes: string[]}} the metadata, and sentences on what cannot be kept
 */
export function keptInfo(bytes) {
  const contents = lookIntoJpeg(bytes);
  const { info, hasDamagedProfile } = statedInfo(bytes);
  const notes = notKept(contents.extras);
  if (hasDamagedProfile) {
    notes.push("The color profile is damaged and was left out.");
  }
  Object.assign(info, contents.info);
  return withTrueXmp({ info, notes }, contents.extendedXmp);
}

/**
 * Metadata whose XMP makes no claims on what the result does not hold.
 *
 * @param {{info: Info, notes: string[]}} found
 * @param {Uint8Array} [extended] the extended packet of XMP
 * @returns {{info: Info, notes: string[]}}
 */
export function withTrueXmp({ info, notes }, extended = new Uint8Array(0)) {
  const { xmp, ...rest } = info;
  if (xmp === undefined && extended.length === 0) {
    return { info: rest, notes };
  }
  const made = trueXmp(xmp ?? new Uint8Array(0), extended);
  return { info: made.xmp.length > 0 ? { ...rest, xmp: made.xmp } : rest, notes: [...notes, ...made.notes] };
}

/**
 * Rotate and flip a picture as its Exif data say, or else its XMP, and make both true for the result.
 *
 * @param {Picture} picture
 * @returns {{picture: Picture, notes: string[]}} the picture with orientation 1 (upright), and sentences on what was
 *   left out
 */
export function makeUpright(picture) {
  const { info } = picture;
  const { orientation, inXmp } = statedOrientation(info);
  // Where Exif data decide that the picture is upright, XMP would turn it in formats without them.
  if (!isTurned(orientation) && !isTurned(inXmp)) {
    return { picture, notes: [] };
  }
  const upright = isTurned(orientation) ? turned(picture, orientation) : picture;
  const made = infoMadeUpright(info, orientation, upright.width, upright.height);
  return { picture: { ...upright, info: made.info }, notes: made.notes };
}

/**
 * How a picture is turned when it is made upright, as Exif names it.
 *
 * @param {Info} info
 * @returns {number} 1 (not at all) to 8
 */
export function orientationOf(info) {
  const { orientation } = statedOrientation(info);
  return isTurned(orientation) ? orientation : 1;
}

/** @param {Info} info */
function statedOrientation({ exif, xmp }) {
  const inXmp = xmp ? xmpData.orientationOf(xmp) : null;
  return { orientation: (exif ? exifData.orientationOf(exif) : null) ?? inXmp, inXmp };
}

/**
 * The metadata of a picture that was turned upright, or that is upright whatever its XMP says.
 *
 * @param {Info} info
 * @param {number | null} orientation that the picture had, 1..8, as Exif states it
 * @param {number} width of the upright picture, in pixels
 * @param {number} height
 * @returns {{info: Info, notes: string[]}} the metadata, and sentences on what was left out
 */
function infoMadeUpright(info, orientation, width, height) {
  const made = { ...info };
  const notes = [];
  if (made.exif && isTurned(orientation)) {
    if (exifData.thumbnailSize(made.exif) > 0) {
      notes.push("The thumbnail in the Exif data was left out, because the picture was turned upright.");
    }
    made.exif = exifData.withSize(exifData.madeUpright(made.exif), width, height);
  }
  if (made.xmp) {
    let kept = made.xmp;
    try {
      kept = xmpData.withoutClaims(made.xmp, { turned: isTurned(orientation) });
      if (compare(kept, made.xmp) !== 0) {
        notes.push(
          "What the XMP says on places in the picture (depth map, faces) was left out, because the picture was turned" +
            " upright.",
        );
      }
    } catch (error) {
      if (!(error instanceof DamagedXmlError)) {
        throw error;
      }
      notes.push("The XMP is damaged. It may describe the picture as it was before it was turned upright.");
    }
    made.xmp = xmpData.madeUpright(kept, width, height);
  }
  if (made.photoshop && isTurned(orientation)) {
    const kept = withoutPaths(made.photoshop);
    if (kept.size < made.photoshop.size) {
      notes.push("The clipping path was left out, because the picture was turned upright.");
    }
    made.photoshop = kept;
  }
  if (made.dpi && orientation !== null && orientation >= 5 && orientation <= 8) {
    made.dpi = [made.dpi[1], made.dpi[0]];
  }
  const isEmpty = (/** @type {unknown} */ value) =>
    (value instanceof Uint8Array && value.length === 0) || (value instanceof Map && value.size === 0);
  return { info: Object.fromEntries(Object.entries(made).filter(([, value]) => !isEmpty(value))), notes };
}

/**
 * What the segments before the first scan state.
 *
 * @param {Uint8Array} bytes of a JPEG file
 * @returns {{info: Info, hasDamagedProfile: boolean}}
 */
function statedInfo(bytes) {
  /** @type {Info} */
  const info = {};
  /** @type {Uint8Array[]} */
  const densities = [];
  /** @type {Uint8Array[]} */
  let profile = [];
  let hasDamagedProfile = false;
  /** @type {import("./containers/photoshop.js").Resources} */
  const resources = new Map();
  for (const { marker, start, end } of readLayout(bytes).segments) {
    const payload = bytes.subarray(start, end);
    if (marker === START_OF_SCAN) {
      break;
    }
    if (marker === COMMENT) {
      info.comment = payload.slice();
    } else if (marker === APP0 && startsWith(payload, JFIF)) {
      densities.push(payload);
    } else if (marker === APP1 && startsWith(payload, EXIF)) {
      // Large Exif data go on in further segments.
      info.exif = info.exif ? join([info.exif, payload.subarray(EXIF.length)]) : payload.slice();
    } else if (marker === APP1 && startsWith(payload, XMP)) {
      info.xmp = payload.slice(XMP.length);
    } else if (marker === APP2 && startsWith(payload, PROFILE)) {
      profile.push(payload);
    } else if (marker === APP13 && startsWith(payload, SEGMENT)) {
      // What a damaged segment hides from the reader of all of them together is found here.
      for (const [number, resource] of readResources(payload.subarray(SEGMENT.length))) {
        resources.set(number, resource);
      }
    } else if (FRAMES.has(marker) && profile.length > 0) {
      profile.sort(compare);
      hasDamagedProfile = profile[0][PROFILE_HEADER_SIZE - 1] !== profile.length;
      delete info.iccProfile;
      if (!hasDamagedProfile) {
        info.iccProfile = join(profile.map((part) => part.subarray(PROFILE_HEADER_SIZE)));
      }
      profile = [];
    }
  }
  const dpi = resolutionOf(densities, info.exif);
  return { info: { ...info, ...keptResources(resources), ...(dpi ? { dpi } : {}) }, hasDamagedProfile };
}

/**
 * One packet of both, without claims on what the result does not hold; empty if nothing is left. And sentences.
 *
 * @param {Uint8Array} main
 * @param {Uint8Array} extended
 * @returns {{xmp: Uint8Array, notes: string[]}}
 */
function trueXmp(main, extended) {
  const notes = [];
  let xmp = main;
  try {
    xmp = main.length > 0 ? xmpData.withExtended(main, extended) : extended;
  } catch (error) {
    if (!(error instanceof DamagedXmlError)) {
      throw error;
    }
    notes.push("The extended part of the XMP is damaged and was left out.");
  }
  try {
    return { xmp: xmpData.withoutClaims(xmp), notes };
  } catch (error) {
    if (!(error instanceof DamagedXmlError)) {
      throw error;
    }
    return { xmp: new Uint8Array(0), notes: [...notes, "The XMP is damaged and was left out."] };
  }
}

/**
 * @param {number | null} orientation
 * @returns {orientation is number}
 */
function isTurned(orientation) {
  return orientation !== null && orientation >= 2 && orientation <= 8;
}

/**
 * The pixels of a picture turned upright; its metadata stay as they are.
 *
 * @param {Picture} picture
 * @param {number} orientation 1..8
 * @returns {Picture}
 */
export function turned(picture, orientation) {
  const { width, height, channels, pixels } = picture;
  if (orientation === 1) {
    return picture;
  }
  const isTransposed = orientation >= 5;
  const fromBottom = [3, 4, 7, 8].includes(orientation);
  const fromRight = [2, 3, 6, 7].includes(orientation);
  const across = isTransposed ? height : width;
  const down = isTransposed ? width : height;
  const result = new Uint8Array(pixels.length);
  let to = 0;
  for (let y = 0; y < down; y++) {
    const line = fromBottom ? down - 1 - y : y;
    for (let x = 0; x < across; x++) {
      const place = fromRight ? across - 1 - x : x;
      const from = channels * (isTransposed ? place * width + line : line * width + place);
      for (let channel = 0; channel < channels; channel++) {
        result[to++] = pixels[from + channel];
      }
    }
  }
  return { ...picture, width: across, height: down, pixels: result };
}
