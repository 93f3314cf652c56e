/**
 * The bits of a scan: bytes between two markers, freed of their stuffing, and what follows a restart marker.
 *
 * Where data are damaged, it does what libjpeg does: behind the last byte before a marker it gives zeros, and it finds
 * its way by the restart markers that are there.
 */

import { damaged, ENDS_EARLY } from "./damage.js";
import { LOOK } from "./huffman.js";

/** @typedef {import("./huffman.js").HuffmanTable} HuffmanTable */

/** In place of a marker: the file ends. */
export const END_OF_FILE = -1;

const FIRST_MARKER = 0xc0;
const FIRST_RESTART = 0xd0;
// No block takes more bytes, damaged or not: 64 coefficients of at most 32 bits.
const BYTES_OF_A_BLOCK = 256;

/** Reads bits of the data between two markers. The loops over blocks keep its state in variables of their own. */
export class BitReader {
  #padding = 0;
  #nextRestart = 0;

  /**
   * @param {Uint8Array} bytes of the file
   */
  constructor(bytes) {
    this.bytes = bytes;
    /** Behind the marker that ends the data. */
    this.position = 0;
    /** Second byte of this marker, or `END_OF_FILE`. */
    this.marker = 0;
    /** The data without stuffing; zeros follow. */
    this.data = new Uint8Array(0);
    /** Number of bytes of `data` before the zeros. */
    this.end = 0;
    /** The next byte that is moved to `buffer`. */
    this.at = 0;
    /** Its last `count` bits are the next ones. */
    this.buffer = 0;
    this.count = 0;
    /** Whether more bits were taken than there are. */
    this.isDry = false;
    /** Whether anything was read that an encoder does not write. Decoders go on, and may disagree. */
    this.isDoubtful = false;
  }

  /**
   * Go to the data of a scan.
   *
   * @param {number} position behind the header of the scan
   * @param {number} blocks that are read before the next look at `isDry`
   */
  open(position, blocks) {
    this.position = position;
    this.#padding = blocks * BYTES_OF_A_BLOCK + 8;
    this.#nextRestart = 0;
    this.isDry = false;
    this.#load();
  }

  /** Number of bits that are left; below 0 if more were taken than there are. */
  get left() {
    return (this.end - this.at) * 8 + this.count;
  }

  /** Note whether more bits were taken than there are. */
  check() {
    if (this.at > this.end && (this.at - this.end) * 8 > this.count) {
      this.isDry = true;
    }
  }

  /** Note whether there is a byte or more left where all bits should be used, or too little. */
  checkEnd() {
    this.isDoubtful ||= this.left < 0 || this.left >= 8;
  }

  /** Make at least 16 bits available. */
  fill() {
    if (this.count < 16) {
      this.buffer = (this.buffer << 16) | (this.data[this.at] << 8) | this.data[this.at + 1];
      this.at += 2;
      this.count += 16;
    }
  }

  /**
   * @param {number} size 0 to 16
   * @returns {number} the next bits
   */
  take(size) {
    this.fill();
    this.count -= size;
    return (this.buffer >>> this.count) & ((1 << size) - 1);
  }

  /**
   * @param {HuffmanTable} table
   * @returns {number} the symbol of the next code; 0 for bits that are no code
   */
  symbol(table) {
    this.fill();
    const found = table.short[(this.buffer >>> (this.count - LOOK)) & ((1 << LOOK) - 1)];
    if (found !== 0) {
      this.count -= found & 31;
      return found >> 5;
    }
    let code = this.take(LOOK);
    for (let length = LOOK; length <= 16; length++) {
      if (code <= table.largest[length]) {
        return table.symbols[(code + table.offsets[length]) & 255];
      }
      code = (code << 1) | this.take(1);
    }
    this.isDoubtful = true;
    return 0;
  }

  /**
   * Go to the data behind the next restart marker (`read_restart_marker`, `jpeg_resync_to_restart`).
   *
   * @throws {UnreadableImageError} if the file ends before
   */
  restart() {
    const next = this.#nextRestart;
    this.#nextRestart = (next + 1) & 7;
    this.checkEnd();
    this.isDoubtful ||= this.marker !== FIRST_RESTART + next;
    for (;;) {
      if (this.marker === END_OF_FILE) {
        throw damaged(ENDS_EARLY);
      }
      const ahead = (this.marker - FIRST_RESTART - next) & 7;
      const isRestart = this.marker >= FIRST_RESTART && this.marker < FIRST_RESTART + 8;
      if ((!isRestart && this.marker >= FIRST_MARKER) || (isRestart && (ahead === 1 || ahead === 2))) {
        // The restart marker is missing. There are no data until the one that was found is due.
        this.#open(0);
        return;
      }
      const isBehind = !isRestart || ahead >= 6;
      this.#load();
      if (!isBehind) {
        this.isDry = false;
        return;
      }
    }
  }

  /** Take the data up to the next marker from the file. */
  #load() {
    const { bytes } = this;
    let from = this.position;
    let to = 0;
    const room = bytes.length - from + this.#padding;
    if (this.data.length < room) {
      this.data = new Uint8Array(room);
    }
    const { data } = this;
    while (from < bytes.length) {
      const byte = bytes[from++];
      if (byte !== 0xff) {
        data[to++] = byte;
        continue;
      }
      // FF 00 is a byte FF, also with more FF in front.
      while (from < bytes.length && bytes[from] === 0xff) {
        from++;
      }
      if (from < bytes.length) {
        const marker = bytes[from++];
        if (marker !== 0) {
          this.position = from;
          this.marker = marker;
          this.#open(to);
          return;
        }
        data[to++] = 0xff;
      }
    }
    this.position = bytes.length;
    this.marker = END_OF_FILE;
    this.#open(to);
  }

  /**
   * @param {number} end number of bytes that count
   */
  #open(end) {
    this.data.fill(0, end, end + this.#padding);
    this.end = end;
    this.at = 0;
    this.buffer = 0;
    this.count = 0;
  }
}
