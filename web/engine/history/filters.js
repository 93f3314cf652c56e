/**
 * Filters of planes: means of groups of samples, and short symmetric filters and their inverses.
 *
 * Sums are rounded to float32 where Python rounds them: flat areas of chroma often lie exactly between two multiples of a
 * step, and then the last digit decides.
 */

/** @typedef {import("./blocks.js").Plane} Plane */

const RADIUS = 8;
// Frequencies whose squared response is lower are amplified less than in full: there is noise, too.
const LEAST_POWER = 0.2;
const WEIGHTS = new Float64Array(RADIUS + 1);
const f = Math.fround;

/**
 * The inverse of a symmetric filter, with less amplification where the filter passes almost nothing.
 *
 * @param {Float32Array} kernel the weight of a sample, then those of its neighbors at each distance
 * @returns {Float32Array} such weights
 */
export function inverseOf(kernel) {
  if (kernel.length === 1) {
    return kernel;
  }
  const size = 4 * RADIUS;
  const spectrum = Float64Array.from({ length: size }, (_, wave) => {
    let response = kernel[0];
    for (let away = 1; away < kernel.length; away++) {
      response += 2 * kernel[away] * Math.cos((2 * Math.PI * wave * away) / size);
    }
    return response / Math.max(response * response, LEAST_POWER);
  });
  return Float32Array.from({ length: RADIUS + 1 }, (_, away) =>
    spectrum.reduce((sum, power, wave) => sum + (power / size) * Math.cos((2 * Math.PI * wave * away) / size), 0),
  );
}

/**
 * A plane, filtered along each axis; beyond the border it is repeated.
 *
 * @param {Plane} plane
 * @param {Float32Array[]} kernels for the vertical and the horizontal axis
 * @returns {Plane} the plane itself if both keep it
 */
export function filtered(plane, [down, across]) {
  const result = down.length > 1 ? filteredDown(plane, down) : plane;
  return across.length > 1 ? filteredAcross(result, across) : result;
}

/**
 * @param {Plane} plane
 * @param {Float32Array} kernel
 * @returns {Plane}
 */
function filteredDown({ values, width, height }, kernel) {
  const reach = kernel.length - 1;
  // The plane with its first and last row repeated, in double precision, which spares conversions.
  const wide = new Float64Array((height + 2 * reach) * width);
  for (let row = -reach, to = 0; row < height + reach; row++, to += width) {
    const start = Math.min(Math.max(row, 0), height - 1) * width;
    wide.set(values.subarray(start, start + width), to);
  }
  const result = new Float32Array(values.length);
  filterLine(wide, reach * width, width, kernel, result, 0, result.length);
  return { values: result, width, height };
}

/**
 * @param {Plane} plane
 * @param {Float32Array} kernel
 * @returns {Plane}
 */
function filteredAcross({ values, width, height }, kernel) {
  const reach = kernel.length - 1;
  const line = new Float64Array(width + 2 * reach);
  const result = new Float32Array(values.length);
  for (let start = 0; start < values.length; start += width) {
    line.fill(values[start], 0, reach);
    line.set(values.subarray(start, start + width), reach);
    line.fill(values[start + width - 1], reach + width);
    filterLine(line, reach, 1, kernel, result, start, width);
  }
  return { values: result, width, height };
}

/**
 * @param {Float64Array} line
 * @param {number} from the place of the first sample
 * @param {number} step from a sample to its neighbor
 * @param {Float32Array} kernel
 * @param {Float32Array} result
 * @param {number} to
 * @param {number} count
 */
function filterLine(line, from, step, kernel, result, to, count) {
  for (let away = 0; away < kernel.length; away++) {
    WEIGHTS[away] = kernel[away];
  }
  for (const end = from + count; from < end; from++, to++) {
    let sum = f(line[from] * WEIGHTS[0]);
    for (let away = 1, before = from - step, behind = from + step; away < kernel.length; away++) {
      sum = f(sum + WEIGHTS[away] * f(line[before] + line[behind]));
      before -= step;
      behind += step;
    }
    result[to] = sum;
  }
}

/**
 * Means of groups of samples; the border is repeated to whole groups.
 *
 * @param {Plane} plane
 * @param {[number, number]} factors rows and columns of a group, 1 or 2
 * @returns {Plane} the plane itself if both are 1
 */
export function averaged(plane, [rows, columns]) {
  if (rows === 1 && columns === 1) {
    return plane;
  }
  const [width, height] = [Math.ceil(plane.width / columns), Math.ceil(plane.height / rows)];
  const values = new Float32Array(width * height);
  const line = new Float32Array(plane.width + 1);
  for (let y = 0, to = 0; y < height; y++) {
    const start = y * rows * plane.width;
    const below = rows === 2 && start + plane.width < plane.values.length ? start + plane.width : start;
    for (let x = 0; x < plane.width; x++) {
      line[x] = rows === 2 ? (plane.values[start + x] + plane.values[below + x]) / 2 : plane.values[start + x];
    }
    line[plane.width] = line[plane.width - 1];
    for (let x = 0; x < width; x++, to++) {
      values[to] = columns === 2 ? (line[2 * x] + line[2 * x + 1]) / 2 : line[x];
    }
  }
  return { values, width, height };
}
