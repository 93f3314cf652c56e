/** Data in the format of zlib without compression, for files that are read at once and not kept. */

const LARGEST_BLOCK = 65535;
const HEADER = 2;
const BLOCK_HEADER = 5;
const PRIME = 65521;
// So many bytes can be added up before the sums leave 32 bits.
const RUN = 5552;

/**
 * @param {number} size of the data in bytes
 * @param {(place: Uint8Array) => void} fill puts the data into their place
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function storedData(size, fill) {
  const blocks = Math.max(Math.ceil(size / LARGEST_BLOCK), 1);
  const start = HEADER + BLOCK_HEADER * blocks;
  const result = new Uint8Array(start + size + 4);
  const numbers = new DataView(result.buffer);
  const data = result.subarray(start, start + size);
  fill(data);
  numbers.setUint32(start + size, checksum(data));
  numbers.setUint16(0, 0x7801);
  // The data lie behind all headers; each block moves to the front, where the one before it has been.
  for (let block = 0, to = HEADER; block < blocks; block++) {
    const from = start + block * LARGEST_BLOCK;
    const length = Math.min(LARGEST_BLOCK, start + size - from);
    result[to] = block === blocks - 1 ? 1 : 0;
    numbers.setUint16(to + 1, length, true);
    numbers.setUint16(to + 3, ~length, true);
    result.copyWithin(to + BLOCK_HEADER, from, from + length);
    to += BLOCK_HEADER + length;
  }
  return result;
}

/**
 * Adler-32.
 *
 * @param {Uint8Array} data
 */
function checksum(data) {
  let [a, b] = [1, 0];
  for (let at = 0; at < data.length; ) {
    const end = Math.min(at + RUN, data.length);
    for (; at < end; at++) {
      a += data[at];
      b += a;
    }
    a %= PRIME;
    b %= PRIME;
  }
  return b * 65536 + a;
}
