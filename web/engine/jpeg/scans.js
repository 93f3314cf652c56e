/** The coefficients of a JPEG file: its scans, decoded one after the other (`jdcoefct.c`, `jdhuff.c`, `jdphuff.c`). */

import { BitReader, END_OF_FILE } from "./bits.js";
import { readAc, readAcBand, readDifference, refineAcBand } from "./block_coding.js";
import { damaged, ENDS_EARLY } from "./damage.js";
import { HuffmanTable, standardTables } from "./huffman.js";
import { checkScans } from "./limits.js";
import { readToFirstScan } from "./markers.js";

/** @typedef {import("./markers.js").MarkerReader} MarkerReader */
/** @typedef {import("./markers.js").Scan} Scan */

/**
 * What is stored of a component.
 *
 * @typedef {object} StoredComponent
 * @property {number} width of its plane, in samples
 * @property {number} height
 * @property {number} horizontal sampling factor, 1..4
 * @property {number} vertical sampling factor
 * @property {number} slot of its quantization table
 * @property {Int32Array | null} table that was valid at its first scan; `null` if it has none
 * @property {number} rows of blocks
 * @property {number} columns of blocks
 * @property {Int16Array} values quantized coefficients, natural order, 64 for each block; more rows follow, up to whole
 *   groups of `vertical`, and one block that takes what lies beyond the right border
 * @property {Int32Array} known 64: the lowest bit that was sent of each coefficient, in the order of a file; -1: none
 * @property {Int32Array} knownBefore the same before the last scan
 */

/**
 * All that is stored of a picture.
 *
 * @typedef {object} StoredPicture
 * @property {StoredComponent[]} components
 * @property {boolean} progressive
 * @property {number} scans number of scans
 * @property {number} groupRows number of rows of coded groups of blocks
 * @property {number} lastGoodRow the last of them for which the last scan has data
 * @property {boolean} isDry whether the data of the last scan end before its last block
 * @property {boolean} isCertain whether all bits of all coefficients were sent, and nothing else
 */

const PROGRESSIVE = 0xc2;
const MOST_BLOCKS = 10;
const MOST_FACTOR = 4;
// At the end of a file without its last marker, libjpeg waits for up to 57 bits, needed or not. It refuses most files
// that have less than this left.
const LOOK_AHEAD = 32;

/**
 * Decode the coefficients of a file with Huffman coding.
 *
 * @param {Uint8Array} bytes of the file
 * @param {number} maxScans
 * @returns {StoredPicture}
 * @throws {UnreadableImageError} if the file ends early, or what it holds makes no sense
 */
export function readCoefficients(bytes, maxScans) {
  const { markers, frame, scan: first } = readToFirstScan(bytes);
  const progressive = frame.marker === PROGRESSIVE;
  const picture = allocate(frame, progressive);
  const hasSeveralScans = progressive || first.parts.length < frame.components.length;
  if (!progressive) {
    addStandardTables(markers);
  }
  const reader = new BitReader(bytes);
  /** @type {Scan | "end" | "cut"} */
  let scan = first;
  while (typeof scan !== "string") {
    picture.scans++;
    checkScans(picture.scans, maxScans);
    if (picture.scans > 1 && !hasSeveralScans) {
      throw damaged("it has a scan too many");
    }
    new ScanDecoder(markers, reader, picture, scan).decode();
    picture.isDry = reader.isDry;
    picture.isCertain &&= !reader.isDoubtful;
    if (reader.marker === END_OF_FILE) {
      picture.isCertain = false;
      if (hasSeveralScans || reader.left < LOOK_AHEAD) {
        throw damaged(ENDS_EARLY);
      }
      return picture;
    }
    markers.position = reader.position;
    scan = markers.next(reader.marker);
  }
  if (scan === "cut" && hasSeveralScans) {
    throw damaged(ENDS_EARLY);
  }
  return picture;
}

/**
 * @param {import("./markers.js").Frame} frame
 * @param {boolean} progressive
 * @returns {StoredPicture}
 */
function allocate({ width, height, components }, progressive) {
  const horizontal = Math.max(...components.map((component) => component.horizontal));
  const vertical = Math.max(...components.map((component) => component.vertical));
  const stored = components.map((component) => {
    const factors = [component.horizontal, component.vertical];
    if (Math.min(...factors) < 1 || Math.max(...factors) > MOST_FACTOR) {
      throw damaged("a sampling factor is impossible");
    }
    if (horizontal % factors[0] || vertical % factors[1]) {
      throw damaged("its sampling factors do not divide each other");
    }
    const wide = Math.ceil((width * factors[0]) / horizontal);
    const high = Math.ceil((height * factors[1]) / vertical);
    const [rows, columns] = [Math.ceil(high / 8), Math.ceil(wide / 8)];
    const padded = Math.ceil(rows / factors[1]) * factors[1];
    return {
      width: wide,
      height: high,
      horizontal: factors[0],
      vertical: factors[1],
      slot: component.table,
      table: null,
      rows,
      columns,
      values: new Int16Array((padded * columns + 1) * 64),
      known: new Int32Array(64).fill(-1),
      knownBefore: new Int32Array(64),
    };
  });
  return {
    components: stored,
    progressive,
    scans: 0,
    groupRows: Math.ceil(height / (8 * vertical)),
    lastGoodRow: 0,
    isDry: false,
    isCertain: true,
  };
}

/**
 * @param {MarkerReader} markers
 */
function addStandardTables({ dc, ac }) {
  const standard = standardTables();
  for (const slot of [0, 1]) {
    dc[slot] ??= standard.dc[slot];
    ac[slot] ??= standard.ac[slot];
  }
}

/** Decodes one scan. */
class ScanDecoder {
  /**
   * @param {MarkerReader} markers
   * @param {BitReader} reader
   * @param {StoredPicture} picture
   * @param {Scan} scan
   */
  constructor(markers, reader, picture, scan) {
    this.markers = markers;
    this.reader = reader;
    this.picture = picture;
    this.scan = scan;
    this.parts = scan.parts.map((part) => ({
      component: picture.components[part.component],
      dc: part.dc,
      ac: part.ac,
    }));
    this.isSingle = this.parts.length === 1;
    this.blocks = this.isSingle
      ? 1
      : this.parts.reduce((sum, { component }) => sum + component.horizontal * component.vertical, 0);
    if (this.blocks > MOST_BLOCKS) {
      throw damaged("a scan has too many blocks in a group");
    }
    this.#keepTables();
    if (picture.progressive) {
      this.#noteProgress();
    } else {
      for (const { component } of this.parts) {
        picture.isCertain &&= component.known[0] < 0;
        component.known.fill(0);
      }
    }
    this.needsDc = !picture.progressive || (scan.first === 0 && scan.high === 0);
    this.needsAc = !picture.progressive || scan.first > 0;
    this.dc = this.parts.map((part) => (this.needsDc ? table(markers.dc, part.dc, true) : null));
    this.ac = this.parts.map((part) => (this.needsAc ? table(markers.ac, part.ac, false) : null));
    this.predictions = new Int32Array(this.parts.length);
    this.band = { first: scan.first, last: scan.last, low: scan.low, endRun: 0 };
  }

  /** A component keeps the table that is valid at its first scan (`latch_quant_tables`). */
  #keepTables() {
    for (const { component } of this.parts) {
      const valid = component.slot < 4 ? this.markers.tables[component.slot] : null;
      component.table ??= valid;
      const { table } = component;
      if (table === null) {
        throw damaged(`quantization table ${component.slot} is missing`);
      }
      this.picture.isCertain &&= valid?.every((step, at) => step === table[at]) ?? false;
    }
  }

  /** Check the part that a progressive scan sends, and note it for the smoothing of what is never sent. */
  #noteProgress() {
    const { first, last, high, low } = this.scan;
    const isBand = first === 0 ? last === 0 : first <= last && last < 64 && this.isSingle;
    if (!isBand || (high !== 0 && low !== high - 1) || low > 13) {
      throw damaged("a progressive scan makes no sense");
    }
    for (const { component } of this.parts) {
      const { known, knownBefore } = component;
      const isDue = known.every((bit, index) => index < first || index > last || bit === (high || -1));
      this.picture.isCertain &&= isDue && (first === 0 || known[0] >= 0);
      for (let index = Math.min(first, 1); index <= Math.max(last, 9); index++) {
        knownBefore[index] = this.picture.scans > 1 ? known[index] : 0;
      }
      known.fill(low, first, last + 1);
    }
  }

  /** Decode all blocks of the scan. */
  decode() {
    const { reader, picture, parts, isSingle } = this;
    const interval = this.markers.restartInterval;
    const [first] = parts;
    const rows = isSingle ? first.component.rows : picture.groupRows;
    const columns = isSingle ? first.component.columns : groupColumns(picture);
    let left = interval;
    reader.open(this.markers.position, this.blocks);
    for (let row = 0; row < rows; row++) {
      const groupRow = isSingle ? Math.floor(row / first.component.vertical) : row;
      for (let column = 0; column < columns; column++) {
        if (interval !== 0 && left === 0) {
          reader.restart();
          this.predictions.fill(0);
          reader.isDoubtful ||= this.band.endRun > 0;
          this.band.endRun = 0;
          left = interval;
        }
        left--;
        if (reader.isDry) {
          reader.isDoubtful = true;
          if (interval === 0) {
            return;
          }
          continue;
        }
        picture.lastGoodRow = groupRow;
        if (isSingle) {
          this.#decodeBlock(0, (row * columns + column) * 64);
        } else {
          this.#decodeGroup(row, column);
        }
        reader.check();
      }
    }
    reader.checkEnd();
    reader.isDoubtful ||= reader.isDry || this.band.endRun > 0;
  }

  /**
   * Decode a group of blocks of several components.
   *
   * @param {number} row of groups
   * @param {number} column
   */
  #decodeGroup(row, column) {
    for (let part = 0; part < this.parts.length; part++) {
      const { horizontal, vertical, columns, values } = this.parts[part].component;
      for (let y = row * vertical; y < (row + 1) * vertical; y++) {
        for (let x = column * horizontal; x < (column + 1) * horizontal; x++) {
          this.#decodeBlock(part, x < columns ? (y * columns + x) * 64 : values.length - 64);
        }
      }
    }
  }

  /**
   * @param {number} part index of the component in the scan
   * @param {number} offset of the block in its values
   */
  #decodeBlock(part, offset) {
    const { reader, scan, band } = this;
    const { values } = this.parts[part].component;
    const dc = this.dc[part];
    const ac = this.ac[part];
    if (dc !== null) {
      const value = (this.predictions[part] + readDifference(reader, dc)) | 0;
      this.predictions[part] = value;
      values[offset] = this.picture.progressive ? value << scan.low : value;
    }
    if (ac !== null) {
      if (!this.picture.progressive) {
        readAc(reader, ac, values, offset);
      } else if (scan.high === 0) {
        readAcBand(reader, ac, values, offset, band);
      } else {
        refineAcBand(reader, ac, values, offset, band);
      }
    } else if (dc === null && reader.take(1)) {
      values[offset] |= 1 << scan.low;
    }
  }
}

/**
 * Number of groups of blocks in a row.
 *
 * @param {StoredPicture} picture
 */
function groupColumns({ components }) {
  return Math.max(...components.map(({ columns, horizontal }) => Math.ceil(columns / horizontal)));
}

/**
 * @param {(import("./huffman.js").HuffmanCodes | null)[]} slots
 * @param {number} slot
 * @param {boolean} isDc
 */
function table(slots, slot, isDc) {
  const codes = slot < slots.length ? slots[slot] : null;
  if (codes === null) {
    throw damaged(`Huffman table ${slot} is missing`);
  }
  return new HuffmanTable(codes, isDc);
}
