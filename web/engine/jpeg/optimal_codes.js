/** Huffman codes that make a picture as short as codes of at most 16 bits can: those that libjpeg finds. */

/** @typedef {import("./huffman.js").HuffmanCodes} HuffmanCodes */

const LONGEST = 16;
// A symbol that no file holds. It takes the code of all ones, which JPEG does not allow.
const RESERVED = 256;

/**
 * Optimal codes (`jpeg_gen_optimal_table` in jchuff.c).
 *
 * @param {ArrayLike<number>} frequencies 256: how often each symbol occurs, at least one of them
 * @returns {HuffmanCodes}
 */
export function optimalCodes(frequencies) {
  const lengths = codeLengths(frequencies);
  const counts = new Uint16Array(RESERVED + 2);
  for (const length of lengths) {
    counts[length]++;
  }
  counts[0] = 0;
  limit(counts);
  // The reserved symbol has the last one of the longest codes.
  counts[counts.findLastIndex((count) => count > 0)]--;
  const symbols = new Uint8Array(256);
  // Symbols are sorted by the lengths before they were limited.
  const used = Array.from({ length: RESERVED }, (_, symbol) => symbol).filter((symbol) => lengths[symbol] > 0);
  symbols.set(used.sort((one, other) => lengths[one] - lengths[other] || one - other));
  return { counts: Uint8Array.from(counts.subarray(0, LONGEST + 1)), symbols };
}

/**
 * The length of the code of each symbol, without a limit; 0 for symbols that do not occur. The last one is that of the
 * reserved symbol.
 *
 * @param {ArrayLike<number>} frequencies
 */
function codeLengths(frequencies) {
  const lengths = new Uint16Array(RESERVED + 1);
  const weights = new Float64Array(RESERVED + 1);
  weights.set(frequencies);
  weights[RESERVED] = 1;
  // Trees of symbols, each under the number of one of them.
  const trees = Array.from(weights, (_, symbol) => [symbol]);
  for (;;) {
    const first = rarest(weights, -1);
    const second = rarest(weights, first);
    if (second < 0) {
      return lengths;
    }
    trees[first].push(...trees[second]);
    weights[first] += weights[second];
    weights[second] = 0;
    for (const symbol of trees[first]) {
      lengths[symbol]++;
    }
  }
}

/**
 * The number of the lightest tree; of several, the largest number. -1 if there is none.
 *
 * @param {Float64Array} weights 0 for trees that are part of others
 * @param {number} except this one
 */
function rarest(weights, except) {
  let found = -1;
  for (let at = 0; at < weights.length; at++) {
    if (weights[at] > 0 && at !== except && (found < 0 || weights[at] <= weights[found])) {
      found = at;
    }
  }
  return found;
}

/**
 * Make codes no longer than 16 bits, as the JPEG standard does it (ITU-T T.81, K.3).
 *
 * @param {Uint16Array} counts how many codes there are of each length, changed
 */
function limit(counts) {
  for (let length = counts.length - 1; length > LONGEST; length--) {
    while (counts[length] > 0) {
      // Of two of the longest codes, one becomes shorter by a bit. The other goes beside a shorter code, which becomes
      // longer by a bit.
      let shorter = length - 2;
      while (counts[shorter] === 0) {
        shorter--;
      }
      counts[length] -= 2;
      counts[length - 1]++;
      counts[shorter + 1] += 2;
      counts[shorter]--;
    }
  }
}

/**
 * The code of each symbol, and its length; 0 if it has none.
 *
 * @param {HuffmanCodes} codes
 * @returns {{bits: Uint16Array, lengths: Uint8Array}} 256 each
 */
export function codesBySymbol({ counts, symbols }) {
  const bits = new Uint16Array(256);
  const lengths = new Uint8Array(256);
  for (let length = 1, code = 0, place = 0; length <= LONGEST; length++, code <<= 1) {
    for (const end = place + counts[length]; place < end; place++, code++) {
      bits[symbols[place]] = code;
      lengths[symbols[place]] = length;
    }
  }
  return { bits, lengths };
}
