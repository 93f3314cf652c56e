/**
 * Samples of PNG files, decoded here: browsers multiply colors by their alpha or convert them by a color profile, each
 * in its own way.
 */

import { inflatedParts } from "./containers/png_chunks.js";

/**
 * What a PNG file says on its samples.
 *
 * @typedef {object} PngHeader
 * @property {number} width
 * @property {number} height
 * @property {number} bits per sample, 1..16
 * @property {number} colorType 0 gray, 2 RGB, 3 palette, 4 gray and alpha, 6 RGB and alpha
 * @property {boolean} isInterlaced
 */

/** @typedef {Uint8Array | Uint16Array} Plane */
/** @typedef {{samples: Uint8Array[], alpha: Uint8Array | null}} Planes */

/** @type {Record<number, number>} */
const CHANNELS = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const ALL_BITS = [1, 2, 4, 8, 16];
/** @type {Record<number, number[]>} */
const BITS = { 0: ALL_BITS, 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16] };
/** The type of pictures whose colors are listed. */
export const PALETTE = 3;

const STEPS = 257;
// First column and row, and their steps, of the seven passes of an interlaced picture.
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];

/**
 * @param {Uint8Array} payload of the chunk IHDR
 * @returns {PngHeader | null} `null` if it makes no sense
 */
export function readPngHeader(payload) {
  if (payload.length < 13) {
    return null;
  }
  const numbers = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const [width, height] = [numbers.getUint32(0), numbers.getUint32(4)];
  const [bits, colorType, compression, filter, interlace] = payload.subarray(8);
  const isKnown = BITS[colorType]?.includes(bits) && compression === 0 && filter === 0 && interlace <= 1;
  return isKnown && width && height ? { width, height, bits, colorType, isInterlaced: interlace === 1 } : null;
}

/**
 * Bytes of the samples, by the header; those of interlaced files are a few more.
 *
 * @param {PngHeader} header
 */
export function uncompressedSize({ width, height, bits, colorType }) {
  return height * (1 + Math.floor((width * bits * CHANNELS[colorType]) / 8));
}

/**
 * Samples of 8 bits, of 16 bits the nearest.
 *
 * @param {PngHeader} header
 * @param {Uint8Array[]} data payloads of the chunks IDAT
 * @param {{palette: Uint8Array | null, transparency: Uint8Array | null}} colors payloads of PLTE and tRNS
 * @returns {Promise<Planes>} gray, or RGB
 * @throws {RangeError} if the data end early
 * @throws {TypeError} if they are damaged
 */
export async function decodePng(header, data, { palette, transparency }) {
  const { width, height, bits, colorType } = header;
  const channels = CHANNELS[colorType];
  const Plane = bits === 16 ? Uint16Array : Uint8Array;
  const planes = Array.from({ length: channels }, () => new Plane(width * height));
  const step = Math.max((channels * bits) >> 3, 1);
  const rows = rowsOf(header);
  let row = rows.next().value;
  let [line, above] = [new Uint8Array(0), new Uint8Array(0)];
  let [filled, pass] = [0, -1];
  for await (const part of inflatedParts(data)) {
    for (let at = 0; at < part.length && row; ) {
      if (!filled) {
        const size = 1 + Math.ceil((row.count * channels * bits) / 8);
        if (row.pass === pass) {
          [line, above] = [above, line];
        } else {
          [line, above] = [new Uint8Array(size), new Uint8Array(size)];
        }
        pass = row.pass;
      }
      const taken = part.subarray(at, at + line.length - filled);
      line.set(taken, filled);
      filled += taken.length;
      at += taken.length;
      if (filled === line.length) {
        unfilter(line, above, step);
        spread(line, row, bits, planes);
        row = rows.next().value;
        filled = 0;
      }
    }
    if (!row) {
      break;
    }
  }
  if (row) {
    throw new RangeError("it ends early");
  }
  return colorType === PALETTE
    ? looked(/** @type {Uint8Array[]} */ (planes)[0], palette ?? new Uint8Array(0), transparency)
    : converted(planes, bits, transparency);
}

/**
 * A row as it is stored: every sample of a row of the picture, or some of an interlaced one.
 *
 * @typedef {{pass: number, start: number, step: number, count: number}} Row index of the first sample in a plane, steps
 *   to the next one, and their number
 */

/**
 * @param {PngHeader} header
 * @returns {Generator<Row, undefined>}
 */
function* rowsOf({ width, height, isInterlaced }) {
  for (const [pass, [left, top, step, down]] of (isInterlaced ? PASSES : [[0, 0, 1, 1]]).entries()) {
    const count = Math.ceil((width - left) / step);
    for (let y = top; y < height && count > 0; y += down) {
      yield { pass, start: y * width + left, step, count };
    }
  }
}

/**
 * Add to the differences of a row what they are differences to, in place.
 *
 * @param {Uint8Array} line its filter, and the differences
 * @param {Uint8Array} above
 * @param {number} step bytes of a pixel
 * @throws {TypeError} if the filter is not known
 */
function unfilter(line, above, step) {
  const filter = line[0];
  const first = 1 + step;
  if (filter === 1) {
    for (let at = first; at < line.length; at++) {
      line[at] += line[at - step];
    }
  } else if (filter === 2) {
    for (let at = 1; at < line.length; at++) {
      line[at] += above[at];
    }
  } else if (filter === 3) {
    for (let at = 1; at < line.length; at++) {
      line[at] += ((at < first ? 0 : line[at - step]) + above[at]) >> 1;
    }
  } else if (filter === 4) {
    for (let at = 1; at < Math.min(first, line.length); at++) {
      line[at] += above[at];
    }
    for (let at = first; at < line.length; at++) {
      const [left, up, corner] = [line[at - step], above[at], above[at - step]];
      const toLeft = Math.abs(up - corner);
      const toUp = Math.abs(left - corner);
      const toCorner = Math.abs(left + up - 2 * corner);
      line[at] += toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
    }
  } else if (filter) {
    throw new TypeError("its data make no sense");
  }
}

/**
 * Put the samples of a row into planes.
 *
 * @param {Uint8Array} line
 * @param {Row} row
 * @param {number} bits
 * @param {Plane[]} planes
 */
function spread(line, { start, step, count }, bits, planes) {
  const channels = planes.length;
  for (let channel = 0; channel < channels; channel++) {
    const plane = planes[channel];
    if (bits === 8) {
      for (let index = 0, from = 1 + channel, to = start; index < count; index++, from += channels, to += step) {
        plane[to] = line[from];
      }
    } else if (bits === 16) {
      for (
        let index = 0, from = 1 + 2 * channel, to = start;
        index < count;
        index++, from += 2 * channels, to += step
      ) {
        plane[to] = (line[from] << 8) | line[from + 1];
      }
    } else {
      const mask = (1 << bits) - 1;
      for (let index = 0, to = start; index < count; index++, to += step) {
        const at = index * bits;
        plane[to] = (line[1 + (at >> 3)] >> (8 - bits - (at & 7))) & mask;
      }
    }
  }
}

/**
 * Colors of a palette.
 *
 * @param {Uint8Array} indices
 * @param {Uint8Array} palette
 * @param {Uint8Array | null} transparency
 * @returns {Planes}
 */
function looked(indices, palette, transparency) {
  const samples = [0, 1, 2].map((channel) => {
    // What the palette lacks is gray, as Pillow reads it.
    const colors = Uint8Array.from({ length: 256 }, (_, index) => palette[3 * index + channel] ?? index);
    return indices.map((index) => colors[index]);
  });
  return { samples, alpha: transparency && indices.map((index) => transparency[index] ?? 255) };
}

/**
 * Samples of 8 bits, and the alpha that is stored, or that of the one transparent color.
 *
 * @param {Plane[]} planes
 * @param {number} bits
 * @param {Uint8Array | null} transparency
 * @returns {Planes}
 */
function converted(planes, bits, transparency) {
  const hasAlpha = planes.length % 2 === 0;
  let alpha = null;
  if (!hasAlpha && transparency && transparency.length >= 2 * planes.length) {
    const mask = (1 << bits) - 1;
    const color = planes.map((_, at) => ((transparency[2 * at] << 8) | transparency[2 * at + 1]) & mask);
    const [first, second, third] = planes;
    alpha = new Uint8Array(first.length);
    for (let at = 0; at < alpha.length; at++) {
      const isColor = first[at] === color[0] && (!third || (second[at] === color[1] && third[at] === color[2]));
      alpha[at] = isColor ? 0 : 255;
    }
  }
  const bytes = planes.map((plane) => toEightBits(plane, bits));
  return hasAlpha ? { samples: bytes.slice(0, -1), alpha: bytes[bytes.length - 1] } : { samples: bytes, alpha };
}

/**
 * @param {Plane} plane
 * @param {number} bits
 * @returns {Uint8Array}
 */
function toEightBits(plane, bits) {
  if (bits === 8) {
    return /** @type {Uint8Array} */ (plane);
  }
  const bytes = new Uint8Array(plane.length);
  const factor = bits === 16 ? 1 / STEPS : 255 / ((1 << bits) - 1);
  for (let at = 0; at < bytes.length; at++) {
    bytes[at] = Math.floor(plane[at] * factor + 0.5);
  }
  return bytes;
}
