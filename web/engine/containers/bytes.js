/** Searches and joins bytes, which JavaScript does only with strings. */

/**
 * A text of characters up to U+00FF as bytes, one for each.
 *
 * @param {string} text
 */
export function latin1(text) {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/**
 * Bytes as a text with one character for each, U+0000 to U+00FF.
 *
 * @param {Uint8Array} bytes
 */
export function asLatin1(bytes) {
  const parts = [];
  // A call takes a bounded number of arguments.
  for (let start = 0; start < bytes.length; start += 8192) {
    parts.push(String.fromCharCode(...bytes.subarray(start, start + 8192)));
  }
  return parts.join("");
}

/**
 * Whether bytes hold others at a position.
 *
 * @param {Uint8Array} bytes
 * @param {Uint8Array} start
 * @param {number} [position]
 */
export function startsWith(bytes, start, position = 0) {
  if (position + start.length > bytes.length) {
    return false;
  }
  for (let index = 0; index < start.length; index++) {
    if (bytes[position + index] !== start[index]) {
      return false;
    }
  }
  return true;
}

/**
 * The first position of some bytes in others, -1 if there is none.
 *
 * @param {Uint8Array} bytes
 * @param {Uint8Array} searched not empty
 */
export function find(bytes, searched) {
  for (let at = bytes.indexOf(searched[0]); at >= 0; at = bytes.indexOf(searched[0], at + 1)) {
    if (startsWith(bytes, searched, at)) {
      return at;
    }
  }
  return -1;
}

/**
 * Smaller than 0 if the first bytes come first, 0 if both are the same.
 *
 * @param {Uint8Array} first
 * @param {Uint8Array} second
 */
export function compare(first, second) {
  const size = Math.min(first.length, second.length);
  for (let index = 0; index < size; index++) {
    if (first[index] !== second[index]) {
      return first[index] - second[index];
    }
  }
  return first.length - second.length;
}

/**
 * Some bytes one after the other.
 *
 * @param {Uint8Array[]} parts
 */
export function join(parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let position = 0;
  for (const part of parts) {
    whole.set(part, position);
    position += part.length;
  }
  return whole;
}
