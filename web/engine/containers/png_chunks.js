/** The chunks of a PNG file, and compressed data in them, unpacked in bounded memory. */

import { asLatin1, join } from "./bytes.js";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/**
 * A chunk of a PNG file.
 *
 * @typedef {object} Chunk
 * @property {string} kind its name, "iCCP"
 * @property {Uint8Array} payload without length, name and checksum
 * @property {number} end where it ends in the file, with its checksum
 */

/** @param {Uint8Array} bytes of a file */
export function isPng(bytes) {
  return SIGNATURE.every((byte, at) => bytes[at] === byte);
}

/**
 * The chunks of a PNG file in their order, up to its end, or to where it makes no sense.
 *
 * @param {Uint8Array} bytes of the file
 * @returns {Generator<Chunk>}
 */
export function* chunks(bytes) {
  const numbers = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let position = SIGNATURE.length;
  while (position + 12 <= bytes.length) {
    const start = position + 8;
    const end = start + numbers.getUint32(position) + 4;
    if (end > bytes.length) {
      return;
    }
    const kind = asLatin1(bytes.subarray(position + 4, start));
    yield { kind, payload: bytes.subarray(start, end - 4), end };
    if (kind === "IEND") {
      return;
    }
    position = end;
  }
}

/**
 * The uncompressed data of a stream in the format of zlib.
 *
 * @param {Uint8Array} compressed
 * @param {number} limit bytes after which no more is unpacked
 * @returns {Promise<Uint8Array | null>} a little more than `limit` at most; `null` if the data are damaged
 */
export async function inflated(compressed, limit) {
  const parts = [];
  let size = 0;
  try {
    for await (const part of inflatedParts([compressed])) {
      parts.push(part);
      size += part.length;
      if (size > limit) {
        break;
      }
    }
  } catch {
    return null;
  }
  return join(parts);
}

/**
 * The same a part at a time, from compressed data in several parts.
 *
 * @param {Iterable<Uint8Array>} compressed
 * @returns {AsyncGenerator<Uint8Array>}
 * @throws {RangeError} where the data end early
 * @throws {TypeError} where they are damaged
 */
export async function* inflatedParts(compressed) {
  const stream = new DecompressionStream("deflate");
  const writer = stream.writable.getWriter();
  let isWritten = false;
  const writing = (async () => {
    for (const part of compressed) {
      await writer.write(/** @type {Uint8Array<ArrayBuffer>} */ (part));
    }
    isWritten = true;
    await writer.close();
  })();
  // A failure is thrown where the stream is read.
  writing.catch(() => {});
  const reader = stream.readable.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error) => {
        throw isWritten ? new RangeError("it ends early") : new TypeError("its data make no sense", { cause: error });
      });
      if (done) {
        return;
      }
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
