/**
 * Reads JPEG files: the planes that libjpeg-turbo decodes, in every sample, and the coefficients of the file.
 *
 * The decoders of browsers are not used: they give RGB, in which samples are clipped, and no two of them agree.
 */

import { readLayout } from "../containers/segments.js";
import { UnreadableImageError } from "../errors.js";
import { onlyOnCommandLine } from "./damage.js";
import { readHeader } from "./header.js";
import { checkScans, checkSize, MAX_MEGAPIXELS, scanLimit } from "./limits.js";
import { readWithoutEnd } from "./missing_end.js";
import { enlarge } from "./resampling.js";
import { readCoefficients } from "./scans.js";
import { smoothing } from "./smoothing.js";
import { storedPlane } from "./stored_planes.js";

// Coefficients of samples of 8 bits are below it before they are rounded to a multiple of their step. Twice of that is
// accepted; only damaged files hold others.
const LARGEST = 1024;

/** @typedef {import("./codec.js").Coefficients} Coefficients */
/** @typedef {import("./header.js").JpegHeader} JpegHeader */
/** @typedef {import("./scans.js").StoredPicture} StoredPicture */

/**
 * A decoded JPEG file.
 *
 * @typedef {object} JpegFile
 * @property {number} width in pixels, as stored (Exif orientation not applied)
 * @property {number} height
 * @property {string} sampling as for `JpegHeader`
 * @property {Int32Array[]} tables the quantization table of each component, natural order
 * @property {boolean} progressive
 * @property {number} quality the nearest libjpeg quality, 1..100
 * @property {boolean} standard whether the tables are exactly libjpeg's at that quality
 * @property {Uint8Array[]} planes one for gray files, else Y, Cb, Cr; each width * height samples, those that are stored
 *   smaller upsampled as libjpeg does it
 * @property {Coefficients[]} coefficients of each component, quantized, as the file stores them
 * @property {boolean} isCertain whether there is no doubt about any of them: all of their bits were sent, their tables are
 *   those of the header, and samples of 8 bits can have them
 * @property {boolean} lacksEnd whether the file lacks its last marker, though its data reach to the last block
 */

/**
 * Decode a gray or Y'CbCr JPEG file with Huffman coding to its planes.
 *
 * Memory: two bytes for each coefficient, and one for each sample, as stored and at full size.
 *
 * @param {Uint8Array} bytes of the file
 * @param {{maxMegapixels?: number}} [limits] in millions of pixels
 * @returns {JpegFile}
 * @throws {UnreadableImageError} if the file is no JPEG, is damaged, too large, or of a kind that is not read here
 */
export function readJpeg(bytes, { maxMegapixels = MAX_MEGAPIXELS } = {}) {
  const { header, layout, maxScans } = readCheckedHeader(bytes, { maxMegapixels });
  try {
    const mended = layout.end === null ? readWithoutEnd(bytes, layout, maxScans) : null;
    const picture = mended ?? readCoefficients(bytes, maxScans);
    const { width, height, sampling, tables, progressive, quality, standard } = header;
    return {
      ...{ width, height, sampling, tables, progressive, quality, standard },
      planes: planes(picture, width, height),
      coefficients: picture.components.map(({ rows, columns, values }) => {
        return { rows, columns, values: values.subarray(0, rows * columns * 64) };
      }),
      isCertain: isCertain(picture, tables),
      lacksEnd: mended !== null,
    };
  } catch (error) {
    // What typed arrays throw if there is no room for them.
    if (!(error instanceof RangeError)) {
      throw error;
    }
    throw new UnreadableImageError("the picture needs more memory than there is; restore a smaller one");
  }
}

/**
 * The header of a file that {@link readJpeg} reads, unless its data are damaged.
 *
 * @param {Uint8Array} bytes of the file
 * @param {{maxMegapixels: number}} limits in millions of pixels
 * @returns {{header: JpegHeader, layout: import("../containers/segments.js").JpegLayout, maxScans: number}} and where its
 *   parts lie, and how many scans are read
 * @throws {UnreadableImageError} if the file is no JPEG, too large, or of a kind that is not read here
 */
export function readCheckedHeader(bytes, { maxMegapixels }) {
  const header = readHeader(bytes);
  checkKind(header);
  checkSize(header, bytes, maxMegapixels);
  const layout = readLayout(bytes);
  const maxScans = scanLimit(header);
  checkScans(layout.scans, maxScans);
  return { header, layout, maxScans };
}

/**
 * @param {JpegHeader} header
 */
function checkKind({ coding, colors }) {
  if (coding === "arithmetic") {
    throw onlyOnCommandLine("with arithmetic coding");
  }
  if (coding === "lossless" || coding === "hierarchical") {
    throw new UnreadableImageError(`the picture is a ${coding} JPEG, which is not read; convert it first`);
  }
  if (colors === "CMYK" || colors === "RGB") {
    throw onlyOnCommandLine(`in ${colors}`);
  }
}

/**
 * @param {StoredPicture} picture
 * @param {Int32Array[]} tables of the header
 */
function isCertain(picture, tables) {
  return picture.components.every(({ values, rows, columns, known, table }, index) => {
    const isWhole = picture.isCertain && known.every((bit) => bit === 0);
    if (!table || !isWhole || tables[index].some((step, at) => step !== table[at])) {
      return false;
    }
    const most = table.map((step) => Math.floor((2 * LARGEST) / step) + 1);
    for (let at = 0; at < rows * columns * 64; at++) {
      const value = values[at];
      if (value !== 0 && Math.abs(value) > most[at & 63]) {
        return false;
      }
    }
    return true;
  });
}

/**
 * @param {StoredPicture} picture
 * @param {number} width
 * @param {number} height
 */
function planes(picture, width, height) {
  const most = { horizontal: 1, vertical: 1 };
  for (const { horizontal, vertical } of picture.components) {
    most.horizontal = Math.max(most.horizontal, horizontal);
    most.vertical = Math.max(most.vertical, vertical);
  }
  return picture.components.map((component) => {
    const plane = storedPlane(component, smoothing(picture, component));
    const rows = most.vertical / component.vertical;
    const columns = most.horizontal / component.horizontal;
    return rows === 1 && columns === 1 ? plane : enlarge(plane, component.width, [rows, columns], width, height);
  });
}
