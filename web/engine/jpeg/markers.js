/** The markers of a JPEG file, read in their order: tables, the header of the picture, and those of its scans. */

import { COMMENT, FRAMES, RESTART_INTERVAL, START_OF_SCAN } from "../containers/segments.js";
import { damaged, ENDS_EARLY } from "./damage.js";
import { ZIGZAG } from "./zigzag.js";

/** @typedef {import("./huffman.js").HuffmanCodes} HuffmanCodes */

/**
 * A component of the picture: Y, Cb, Cr, …
 *
 * @typedef {object} Component
 * @property {number} identifier
 * @property {number} horizontal sampling factor, 0..15 as the file states it
 * @property {number} vertical sampling factor
 * @property {number} table number of its quantization table
 */

/**
 * The header of a picture.
 *
 * @typedef {object} Frame
 * @property {number} marker its kind of coding, 0xC0 for baseline
 * @property {number} precision bits per sample
 * @property {number} width
 * @property {number} height
 * @property {Component[]} components
 */

/**
 * The header of a scan.
 *
 * @typedef {object} Scan
 * @property {{component: number, dc: number, ac: number}[]} parts indices of its components, numbers of their Huffman
 *   tables
 * @property {number} first coefficient in the order of a file
 * @property {number} last coefficient
 * @property {number} high bits below this one were not yet sent; 0 if none was
 * @property {number} low the lowest bit that is sent
 */

export const HUFFMAN_TABLES = 0xc4;
export const QUANTIZATION_TABLES = 0xdb;
const ARITHMETIC_CONDITIONS = 0xcc;
const NUMBER_OF_LINES = 0xdc;
const START_OF_IMAGE = 0xd8;
const END_OF_IMAGE = 0xd9;
const ADOBE_APPLICATION = 0xee;
const ADOBE = [0x41, 0x64, 0x6f, 0x62, 0x65];
const DEFINING = new Set([
  ...FRAMES,
  HUFFMAN_TABLES,
  ARITHMETIC_CONDITIONS,
  QUANTIZATION_TABLES,
  RESTART_INTERVAL,
  START_OF_SCAN,
]);
const SLOTS = 4;

/** Reads markers, and keeps what they define. */
export class MarkerReader {
  /**
   * @param {Uint8Array} bytes of a file that starts with FF D8
   */
  constructor(bytes) {
    this.bytes = bytes;
    this.position = 2;
    /** @type {Frame | null} */
    this.frame = null;
    /**
     * Quantization tables, natural order.
     *
     * @type {(Int32Array | null)[]}
     */
    this.tables = new Array(SLOTS).fill(null);
    /** @type {(HuffmanCodes | null)[]} */
    this.dc = new Array(SLOTS).fill(null);
    /** @type {(HuffmanCodes | null)[]} */
    this.ac = new Array(SLOTS).fill(null);
    this.restartInterval = 0;
    /**
     * How Adobe's programs say that colors are stored: 0 as they are, 1 as Y'CbCr.
     *
     * @type {number | null}
     */
    this.adobeTransform = null;
  }

  /**
   * Read up to the data of the next scan.
   *
   * @param {number} [pending] a marker that was read already
   * @returns {Scan | "end" | "cut"} "end" at the end of the image, "cut" where the file ends without it
   * @throws {UnreadableImageError} if what is read makes no sense
   */
  next(pending = 0) {
    for (let marker = pending || this.#find(); marker > 0; marker = this.#find()) {
      if (marker === END_OF_IMAGE) {
        return "end";
      }
      if (marker === START_OF_IMAGE) {
        throw damaged("it starts twice");
      }
      // Restart markers and the temporary one have no payload.
      if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) {
        continue;
      }
      if (!isSkipped(marker) && !DEFINING.has(marker)) {
        throw damaged(`it holds an unknown marker (FF ${marker.toString(16).toUpperCase().padStart(2, "0")})`);
      }
      const segment = this.#segment(marker);
      if (segment === null) {
        return "cut";
      }
      if (marker === START_OF_SCAN) {
        return this.#readScan(segment);
      }
      this.#read(marker, segment);
    }
    return "cut";
  }

  /** The next marker; 0 at the end of the file. */
  #find() {
    const { bytes } = this;
    for (let at = bytes.indexOf(0xff, this.position); at >= 0; at = bytes.indexOf(0xff, at)) {
      while (at < bytes.length && bytes[at] === 0xff) {
        at++;
      }
      if (at >= bytes.length) {
        break;
      }
      if (bytes[at] !== 0) {
        this.position = at + 1;
        return bytes[at];
      }
    }
    this.position = bytes.length;
    return 0;
  }

  /**
   * The payload of the segment at the position, and go behind it; `null` if the file ends before.
   *
   * @param {number} marker of the segment
   * @returns {Uint8Array | null}
   * @throws {UnreadableImageError} if the segment has no length, or the end cuts one that decoding needs
   */
  #segment(marker) {
    const { bytes, position } = this;
    if (position + 2 > bytes.length) {
      return null;
    }
    const length = (bytes[position] << 8) | bytes[position + 1];
    const end = position + Math.max(2, length);
    if (!isSkipped(marker)) {
      if (length < 2) {
        throw damaged("tables have a wrong length");
      }
      // libjpeg fails at most bytes that only look like tables, or like another header.
      if (end > bytes.length) {
        throw damaged(ENDS_EARLY);
      }
    }
    if (end > bytes.length) {
      return null;
    }
    this.position = end;
    return bytes.subarray(position + 2, end);
  }

  /**
   * @param {number} marker
   * @param {Uint8Array} segment
   */
  #read(marker, segment) {
    if (FRAMES.has(marker)) {
      this.#readFrame(marker, segment);
    } else if (marker === HUFFMAN_TABLES) {
      this.#readHuffmanTables(segment);
    } else if (marker === QUANTIZATION_TABLES) {
      this.#readQuantizationTables(segment);
    } else if (marker === RESTART_INTERVAL) {
      if (segment.length !== 2) {
        throw damaged("a restart interval has a wrong length");
      }
      this.restartInterval = (segment[0] << 8) | segment[1];
    } else if (marker === ADOBE_APPLICATION) {
      if (segment.length > 11 && ADOBE.every((byte, at) => segment[at] === byte)) {
        this.adobeTransform = segment[11];
      }
    } else if (marker === ARITHMETIC_CONDITIONS) {
      if (segment.some((slot, at) => at % 2 === 0 && slot >= 8 * SLOTS)) {
        throw damaged("conditions of arithmetic coding make no sense");
      }
    }
  }

  /**
   * @param {number} marker
   * @param {Uint8Array} segment
   */
  #readFrame(marker, segment) {
    if (this.frame !== null) {
      throw damaged("it has two headers");
    }
    const count = segment.length > 5 ? segment[5] : 0;
    if (segment.length !== 6 + 3 * count || count === 0) {
      throw damaged("its header has a wrong length");
    }
    const components = Array.from({ length: count }, (_, index) => {
      const [identifier, factors, table] = segment.subarray(6 + 3 * index, 9 + 3 * index);
      return { identifier, horizontal: factors >> 4, vertical: factors & 15, table };
    });
    const height = (segment[1] << 8) | segment[2];
    const width = (segment[3] << 8) | segment[4];
    if (height === 0 || width === 0) {
      throw damaged(`its header states a size of ${width}x${height}`);
    }
    this.frame = { marker, precision: segment[0], width, height, components };
  }

  /**
   * @param {Uint8Array} segment
   */
  #readQuantizationTables(segment) {
    for (let at = 0; at < segment.length; ) {
      const bytes = segment[at] >> 4 ? 2 : 1;
      const slot = segment[at++] & 15;
      if (slot >= SLOTS || at + 64 * bytes > segment.length) {
        throw damaged("a quantization table has a wrong length");
      }
      const table = new Int32Array(64);
      for (let index = 0; index < 64; index++, at += bytes) {
        table[ZIGZAG[index]] = bytes === 1 ? segment[at] : (segment[at] << 8) | segment[at + 1];
      }
      this.tables[slot] = table;
    }
  }

  /**
   * @param {Uint8Array} segment
   */
  #readHuffmanTables(segment) {
    let at = 0;
    while (segment.length - at > 16) {
      const kind = segment[at];
      const counts = new Uint8Array(17);
      counts.set(segment.subarray(at + 1, at + 17), 1);
      at += 17;
      const total = counts.reduce((sum, count) => sum + count, 0);
      const slot = kind & ~0x10;
      if (total > 256 || at + total > segment.length || slot >= SLOTS) {
        throw damaged("a Huffman table makes no sense");
      }
      const symbols = new Uint8Array(256);
      symbols.set(segment.subarray(at, at + total));
      at += total;
      (kind & 0x10 ? this.ac : this.dc)[slot] = { counts, symbols };
    }
    if (at !== segment.length) {
      throw damaged("a Huffman table has a wrong length");
    }
  }

  /**
   * @param {Uint8Array} segment
   * @returns {Scan}
   */
  #readScan(segment) {
    const { frame } = this;
    if (frame === null) {
      throw damaged("a scan precedes the header");
    }
    const count = segment.length > 0 ? segment[0] : 0;
    if (segment.length !== 4 + 2 * count || count < 1 || count > SLOTS) {
      throw damaged("a scan has a wrong header");
    }
    /** @type {Scan["parts"]} */
    const parts = [];
    for (let index = 0; index < count; index++) {
      const identifier = segment[1 + 2 * index];
      const tables = segment[2 + 2 * index];
      // As libjpeg looks for it: in the order of the header.
      const component = frame.components.findIndex((one, at) => at >= index && one.identifier === identifier);
      if (component < 0 || parts.some((part) => part.component === component)) {
        throw damaged("a scan names a component that the header does not");
      }
      parts.push({ component, dc: tables >> 4, ac: tables & 15 });
    }
    const [first, last, bits] = segment.subarray(1 + 2 * count);
    return { parts, first, last, high: bits >> 4, low: bits & 15 };
  }
}

/**
 * Whether the segment of a marker says nothing that decoding needs.
 *
 * @param {number} marker
 */
function isSkipped(marker) {
  return (marker >= 0xe0 && marker <= 0xef) || marker === COMMENT || marker === NUMBER_OF_LINES;
}

/**
 * Read the header of a file, up to its first scan.
 *
 * @param {Uint8Array} bytes of a file that starts with FF D8
 * @returns {{markers: MarkerReader, frame: Frame, scan: Scan}}
 * @throws {UnreadableImageError}
 */
export function readToFirstScan(bytes) {
  const markers = new MarkerReader(bytes);
  const scan = markers.next();
  if (typeof scan === "string" || markers.frame === null) {
    throw damaged(scan === "cut" ? ENDS_EARLY : "it holds no picture");
  }
  return { markers, frame: markers.frame, scan };
}
