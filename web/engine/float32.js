/** Arithmetic in single precision, rounded where PyTorch rounds it, so that samples come out equal. */

const f = Math.fround;
/** Adding and subtracting it rounds halves to even. */
export const ROUNDER = 1.5 * 2 ** 52;

/**
 * A sample rounded (halves up) and clamped to 0..255, as every picture is written.
 *
 * @param {number} value
 */
export function toByte(value) {
  const rounded = Math.floor(f(value + 0.5));
  return rounded < 0 ? 0 : rounded > 255 ? 255 : rounded;
}

/**
 * Between two numbers (`torch.lerp`).
 *
 * @param {number} start
 * @param {number} end
 * @param {number} weight 0..1
 */
export function lerp(start, end, weight) {
  const difference = f(end - start);
  return weight < 0.5 ? f(start + f(weight * difference)) : f(end - f(difference * f(1 - weight)));
}

/**
 * The nearest integer; of two, the even one.
 *
 * @param {number} value below 2**51
 */
export function roundHalfToEven(value) {
  return value + ROUNDER - ROUNDER;
}
