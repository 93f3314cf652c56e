/**
 * Chroma down- and upsampling, as libjpeg-turbo's encoder and decoder do it by default ("fancy" upsampling).
 *
 * A downsampled plane already has the width of whole blocks, because libjpeg pads a row before it downsamples it. It
 * pads the height after that, by repeating the last *downsampled* row.
 */

/** @typedef {"4:4:4" | "4:2:2" | "4:2:0" | "4:4:0" | "4:1:1"} Subsampling */

/**
 * Rows and columns of luma per sample of chroma.
 *
 * @type {Record<Subsampling, [number, number]>}
 */
export const FACTORS = { "4:4:4": [1, 1], "4:2:2": [1, 2], "4:2:0": [2, 2], "4:4:0": [2, 1], "4:1:1": [1, 4] };

/**
 * Downsample a plane of chroma (`h2v2_downsample`, `h2v1_downsample`, `int_downsample`).
 *
 * @param {Uint8Array} plane width * height samples
 * @param {number} width
 * @param {number} height
 * @param {Subsampling} sampling
 * @returns {{samples: Uint8Array, width: number, height: number}} ceil(height / rows) rows of ceil(width / columns)
 *   samples, rounded up to a multiple of 8.
 */
export function downsample(plane, width, height, sampling) {
  const [rows, columns] = FACTORS[sampling];
  const keptRows = Math.ceil(height / rows);
  const keptColumns = Math.ceil(width / (8 * columns)) * 8;
  const samples = new Uint8Array(keptRows * keptColumns);
  // For two columns the rounding bias alternates, so that halves are rounded up as often as down.
  const step = columns === 2 ? 1 : 0;
  const bias = (rows * columns - step) >> 1;
  const shift = Math.log2(rows * columns);
  for (let y = 0; y < keptRows; y++) {
    for (let x = 0; x < keptColumns; x++) {
      let total = bias + (x & 1) * step;
      for (let row = 0; row < rows; row++) {
        const start = Math.min(y * rows + row, height - 1) * width;
        for (let column = 0; column < columns; column++) {
          total += plane[start + Math.min(x * columns + column, width - 1)];
        }
      }
      samples[y * keptColumns + x] = total >> shift;
    }
  }
  return { samples, width: keptColumns, height: keptRows };
}

/**
 * Upsample decoded chroma (`h2v2_fancy_upsample`, `h2v1_fancy_upsample`, `h1v2_fancy_upsample`, `int_upsample`).
 *
 * @param {Uint8Array} samples rows of `storedWidth` samples, of which the first ceil(width / columns) count
 * @param {number} storedWidth
 * @param {Subsampling} sampling as the plane was downsampled
 * @param {number} width of the picture
 * @param {number} height of the picture
 * @returns {Uint8Array} width * height samples
 */
export function upsample(samples, storedWidth, sampling, width, height) {
  return enlarge(samples, storedWidth, FACTORS[sampling], width, height);
}

/**
 * Enlarge a plane that is stored at a smaller size, by the method that libjpeg chooses (`jinit_upsampler`).
 *
 * @param {Uint8Array} samples rows of `storedWidth` samples, of which the first ceil(width / columns) count
 * @param {number} storedWidth
 * @param {[number, number]} factors whole numbers: rows and columns of the picture per stored sample
 * @param {number} width of the picture
 * @param {number} height of the picture
 * @returns {Uint8Array} width * height samples
 */
export function enlarge(samples, storedWidth, [rows, columns], width, height) {
  const small = { samples, stride: storedWidth, width: Math.ceil(width / columns), height: Math.ceil(height / rows) };
  const full = new Uint8Array(width * height);
  // A triangle of weights 3/4 and 1/4 along the halved axes, or repetition.
  if (columns === 2 && rows <= 2 && small.width > 2) {
    blendColumns(small, rows, full, width, height);
  } else if (columns === 1 && rows === 2) {
    blendRows(small, full, width, height);
  } else {
    repeat(small, rows, columns, full, width, height);
  }
  return full;
}

/** @typedef {{samples: Uint8Array, stride: number, width: number, height: number}} Stored */

/**
 * @param {Stored} small
 * @param {number} rows
 * @param {number} columns
 * @param {Uint8Array} full
 * @param {number} width
 * @param {number} height
 */
function repeat(small, rows, columns, full, width, height) {
  for (let y = 0; y < height; y++) {
    const from = Math.floor(y / rows) * small.stride;
    const to = y * width;
    if (columns === 1) {
      full.set(small.samples.subarray(from, from + width), to);
    } else {
      for (let x = 0; x < width; x++) {
        full[to + x] = small.samples[from + Math.floor(x / columns)];
      }
    }
  }
}

/**
 * Height doubled. Of two rows between which a sample lies, the lower one rounds up: biases alternate.
 *
 * @param {Stored} small
 * @param {Uint8Array} full
 * @param {number} width
 * @param {number} height
 */
function blendRows(small, full, width, height) {
  for (let y = 0; y < height; y++) {
    const near = (y >> 1) * small.stride;
    const far = farRow(y, small) * small.stride;
    const bias = 1 + (y & 1);
    for (let x = 0; x < width; x++) {
      full[y * width + x] = (3 * small.samples[near + x] + small.samples[far + x] + bias) >> 2;
    }
  }
}

/**
 * Width doubled, and height if `rows` is 2.
 *
 * @param {Stored} small
 * @param {number} rows
 * @param {Uint8Array} full
 * @param {number} width
 * @param {number} height
 */
function blendColumns(small, rows, full, width, height) {
  const count = small.width;
  // Times 4 where rows were blended.
  const line = new Int32Array(count);
  const shift = rows === 2 ? 4 : 2;
  const evenBias = rows === 2 ? 8 : 1;
  const oddBias = rows === 2 ? 7 : 2;
  for (let y = 0; y < height; y++) {
    const near = (rows === 2 ? y >> 1 : y) * small.stride;
    if (rows === 2) {
      const far = farRow(y, small) * small.stride;
      for (let x = 0; x < count; x++) {
        line[x] = 3 * small.samples[near + x] + small.samples[far + x];
      }
    } else {
      for (let x = 0; x < count; x++) {
        line[x] = small.samples[near + x];
      }
    }
    const to = y * width;
    for (let x = 0; x < count; x++) {
      const middle = 3 * line[x];
      full[to + 2 * x] = (middle + line[x > 0 ? x - 1 : 0] + evenBias) >> shift;
      // Odd widths have one column too many.
      if (2 * x + 1 < width) {
        full[to + 2 * x + 1] = (middle + line[x + 1 < count ? x + 1 : x] + oddBias) >> shift;
      }
    }
  }
}

/**
 * The stored row on the other side of a row of the full plane; at the border, the row itself.
 *
 * @param {number} y
 * @param {Stored} small
 */
function farRow(y, small) {
  const row = (y >> 1) + (y & 1 ? 1 : -1);
  return Math.min(Math.max(row, 0), small.height - 1);
}
