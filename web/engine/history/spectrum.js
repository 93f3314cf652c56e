/** Medians, trends and power spectra of profiles: short rows of numbers. */

/**
 * The median; of an even number of values the lower one of the two in the middle.
 *
 * @param {ArrayLike<number>} values
 */
export function median(values) {
  return Float64Array.from(values).sort()[(values.length - 1) >> 1];
}

/**
 * A profile without what changes slowly along it.
 *
 * @param {Float64Array} profile longer than 16
 */
export function withoutTrend(profile) {
  const n = profile.length;
  const reach = 16;
  return profile.map((value, at) => {
    let sum = 0;
    for (let place = at - reach; place <= at + reach; place++) {
      sum += profile[reflected(place, n)];
    }
    return value - sum / (2 * reach + 1);
  });
}

/**
 * A place within a row that goes back at its ends.
 *
 * @param {number} place
 * @param {number} size of the row
 */
export function reflected(place, size) {
  const inside = Math.abs(place);
  return inside < size ? inside : 2 * (size - 1) - inside;
}

/**
 * @param {number} size
 * @returns {Float64Array} a Hann window
 */
export function hannWindow(size) {
  return Float64Array.from({ length: size }, (_, at) => 0.5 - 0.5 * Math.cos((2 * Math.PI * at) / (size - 1)));
}

/**
 * Power of the frequencies 0 to one half of a profile.
 *
 * @param {Float64Array} profile at most `size` values, the rest is 0
 * @param {number} size of the Fourier transform, a power of two
 * @returns {Float64Array} size / 2 + 1 values
 */
export function powerSpectrum(profile, size) {
  const real = new Float64Array(size);
  const imaginary = new Float64Array(size);
  // 1. Values in the order of their reversed bits.
  const bits = Math.log2(size);
  for (let at = 0; at < profile.length; at++) {
    let place = 0;
    for (let bit = 0; bit < bits; bit++) {
      place |= ((at >> bit) & 1) << (bits - 1 - bit);
    }
    real[place] = profile[at];
  }
  // 2. Butterflies of ever longer parts.
  for (let half = 1; half < size; half *= 2) {
    for (let wave = 0; wave < half; wave++) {
      const cosine = Math.cos((Math.PI * wave) / half);
      const sine = -Math.sin((Math.PI * wave) / half);
      for (let low = wave; low < size; low += 2 * half) {
        const high = low + half;
        const re = real[high] * cosine - imaginary[high] * sine;
        const im = real[high] * sine + imaginary[high] * cosine;
        real[high] = real[low] - re;
        imaginary[high] = imaginary[low] - im;
        real[low] += re;
        imaginary[low] += im;
      }
    }
  }
  return Float64Array.from({ length: size / 2 + 1 }, (_, at) => real[at] ** 2 + imaginary[at] ** 2);
}
