/**
 * Quality <-> quantization tables, as libjpeg scales the example tables of the JPEG standard.
 *
 * A table is 64 integers in natural order (row by row, not zigzag); its rows are the vertical frequencies.
 */

/** The example tables of the JPEG standard (ITU-T T.81, K.1 for luma and K.2 for chroma), natural order. */
const STANDARD_TABLES = [
  Int32Array.from([
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
    87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
  ]),
  Int32Array.from([
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99,
  ]),
];

/**
 * libjpeg's tables at a quality (`jpeg_quality_scaling`, `jpeg_add_quant_table`).
 *
 * @param {number} quality 1..100; others are clamped, as libjpeg does.
 * @returns {Int32Array[]} luma and chroma, 64 steps of 1..255 each.
 */
export function quantizationTables(quality) {
  const clamped = Math.min(Math.max(quality, 1), 100);
  const scale = clamped < 50 ? Math.floor(5000 / clamped) : 200 - 2 * clamped;
  return STANDARD_TABLES.map((table) =>
    table.map((step) => Math.min(Math.max(Math.floor((step * scale + 50) / 100), 1), 255)),
  );
}

/**
 * The quality whose standard tables lie nearest to the given ones: the smallest sum of absolute log ratios.
 *
 * @param {ArrayLike<number>[]} tables of 64 steps each, at least 1; the first is luma, a second one, if any, is chroma.
 * @returns {{quality: number, exact: boolean}} 1..100, and whether the standard tables at that quality equal the given.
 */
export function nearestQuality(tables) {
  const given = tables.slice(0, 2);
  const logarithms = given.map((table) => Float32Array.from(table, Math.log));
  let best = { quality: 1, exact: false };
  let least = Number.POSITIVE_INFINITY;
  for (let quality = 1; quality <= 100; quality++) {
    const candidates = quantizationTables(quality);
    let distance = 0;
    let exact = true;
    for (let which = 0; which < given.length; which++) {
      for (let entry = 0; entry < 64; entry++) {
        // In float32, as Python computes them: neighbors can be equally near.
        const ratio = Math.fround(Math.fround(Math.log(candidates[which][entry])) - logarithms[which][entry]);
        distance += Math.abs(ratio);
        exact &&= candidates[which][entry] === given[which][entry];
      }
    }
    if (distance < least) {
      least = distance;
      best = { quality, exact };
    }
  }
  return best;
}
