/** Finds that a picture was enlarged by a whole factor. (Stub until the real file lands.) */

/**
 * @param {Uint8Array[]} samples
 * @param {number} width
 * @param {number} height
 */
export function findEnlargement(samples, width, height) {
  let common = 0;
  /** @type {(a: number, b: number) => number} */
  const gcd = (a, b) => (b ? gcd(b, a % b) : a);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      for (const plane of samples) {
        if (y && plane[at] !== plane[at - width]) {
          common = gcd(common, y);
        }
        if (x && plane[at] !== plane[at - 1]) {
          common = gcd(common, x);
        }
      }
    }
  }
  if (!common) {
    return 1;
  }
  common = gcd(gcd(common, width), height);
  for (let k = 16; k > 1; k--) {
    if (common % k === 0) {
      return k;
    }
  }
  return 1;
}
