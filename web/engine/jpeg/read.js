/**
 * Reads JPEG files: what the header states, the true coefficients, and the planes, equal to those of libjpeg-turbo in
 * every sample.
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

/** @typedef {import("./scans.js").StoredPicture} StoredPicture */

/**
 * A decoded JPEG file.
 *
 * @typedef {object} JpegFile
 * @property {number} width in pixels, as stored (Exif orientation not applied)
 * @property {number} height
 * @property {string} sampling "4:2:0", …, "gray", or the factors of every component ("2x2,1x1,1x1")
 * @property {Int32Array[]} tables the quantization table of each component, natural order
 * @property {number} quality the nearest libjpeg quality, 1..100
 * @property {boolean} standard whether the tables are exactly libjpeg's at that quality
 * @property {boolean} progressive
 * @property {Uint8Array[]} planes one for gray files, else Y, Cb, Cr at full size
 * @property {import("./codec.js").Coefficients[]} coefficients of each component
 * @property {boolean} lacksEnd whether the file lacks its last marker, but nothing of the picture
 */

/**
 * Decode a gray or Y'CbCr JPEG file to its planes.
 *
 * @param {Uint8Array} bytes of the file
 * @param {{maxMegapixels?: number}} [options] larger pictures are refused
 * @returns {JpegFile}
 * @throws {UnreadableImageError} if the file is no JPEG, is damaged, too large, or of a kind that is not read here
 */
export function readJpeg(bytes, { maxMegapixels = MAX_MEGAPIXELS } = {}) {
  const header = readHeader(bytes);
  const { width, height, sampling, quality, standard, progressive } = header;
  checkKind(header);
  checkSize(header, bytes, maxMegapixels);
  const layout = readLayout(bytes);
  const limit = scanLimit(header);
  checkScans(layout.scans, limit);
  const { picture, isWhole } =
    layout.end === null
      ? readWithoutEnd(bytes, layout, limit)
      : { picture: readCoefficients(bytes, limit), isWhole: false };
  const planes = picture.components.map((component) => fullPlane(picture, component, width, height));
  const coefficients = picture.components.map(({ rows, columns, values }) => ({
    rows,
    columns,
    values: values.subarray(0, rows * columns * 64),
  }));
  const { tables } = header;
  return { width, height, sampling, tables, quality, standard, progressive, planes, coefficients, lacksEnd: isWhole };
}

/** @param {import("./header.js").JpegHeader} header */
function checkKind({ colors, coding }) {
  if (coding === "arithmetic") {
    throw onlyOnCommandLine("with arithmetic coding");
  }
  if (coding === "lossless" || coding === "hierarchical") {
    throw new UnreadableImageError(`the picture is a ${coding} JPEG, which is not read: convert it to an ordinary one`);
  }
  if (colors === "CMYK" || colors === "RGB") {
    throw onlyOnCommandLine(`in ${colors}`);
  }
}

/**
 * The plane of a component at the size of the picture.
 *
 * @param {StoredPicture} picture
 * @param {StoredPicture["components"][number]} component
 * @param {number} width
 * @param {number} height
 */
function fullPlane(picture, component, width, height) {
  const plane = storedPlane(component, smoothing(picture, component));
  const most = [1, 1];
  for (const { horizontal, vertical } of picture.components) {
    most[0] = Math.max(most[0], vertical);
    most[1] = Math.max(most[1], horizontal);
  }
  const rows = most[0] / component.vertical;
  const columns = most[1] / component.horizontal;
  return rows === 1 && columns === 1 ? plane : enlarge(plane, component.width, [rows, columns], width, height);
}
