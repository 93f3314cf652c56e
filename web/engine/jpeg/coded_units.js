/**
 * Pictures cut into coded units (MCUs), the smallest parts whose pixels alone decide some blocks of a file.
 *
 * A unit holds one block of each chroma plane and the luma blocks of the same pixels: at 4:2:0 these are 16x16 pixels and
 * 4 luma blocks. Its pixels are kept in the order of its luma blocks.
 */

/**
 * What an encoder repeats in units that the border of a picture cuts: the last pixel of a row (`expand_right_edge`), and
 * the last row, of luma, and of chroma after it was downsampled (`expand_bottom_edge`).
 *
 * @typedef {object} Border
 * @property {Int32Array[]} sources of luma, and of chroma: for every pixel of a unit the one of the picture that it repeats
 * @property {Float64Array[]} counts of luma, and of chroma: for every pixel how many repeat it
 * @property {Int32Array} stored for every stored sample of chroma the one that it repeats, nearly
 * @property {Int32Array[]} ofBlock for each luma block, what its samples repeat within it
 * @property {Uint8Array} exists 1 for luma blocks that hold pixels of the picture; a file has no others
 */

/** What units of one kind have in common: those inside of a picture, or those that its border cuts alike. */
export class UnitKind {
  /**
   * @param {[number, number]} factors rows and columns of pixels per sample of chroma, powers of two
   * @param {number} height of the pixels that the picture has, 1..8 times the rows
   * @param {number} width
   */
  constructor([rows, columns], height, width) {
    this.rows = rows;
    this.columns = columns;
    /** How many luma blocks a unit has, and pixels a stored sample of chroma is made of. */
    this.blocks = rows * columns;
    this.size = 64 * this.blocks;
    this.height = height;
    this.width = width;
    /** For every pixel the stored sample of chroma that it is a part of. */
    this.sampleOf = new Uint8Array(this.size);
    /** For every stored sample its pixels, row by row. */
    this.pixelsOf = new Int32Array(this.size);
    const found = new Uint8Array(64);
    for (let y = 0; y < 8 * rows; y++) {
      for (let x = 0; x < 8 * columns; x++) {
        const sample = Math.floor(y / rows) * 8 + Math.floor(x / columns);
        const pixel = this.#pixel(y, x);
        this.sampleOf[pixel] = sample;
        this.pixelsOf[sample * this.blocks + found[sample]++] = pixel;
      }
    }
    /** What an encoder adds to the sum of the pixels of a stored sample, before it shifts it to their mean. */
    this.bias = Int32Array.from({ length: 64 }, (_, at) => {
      // Halves are rounded up as often as down, where columns are halved (`h2v1_downsample`, `h2v2_downsample`).
      return columns === 2 ? (at & 1) + ((this.blocks - 1) >> 1) : this.blocks >> 1;
    });
    this.shift = Math.log2(this.blocks);
    /** What is repeated; `null` inside of the picture. */
    this.border = height === 8 * rows && width === 8 * columns ? null : this.#border();
  }

  /**
   * Where a pixel lies in the order of blocks.
   *
   * @param {number} y
   * @param {number} x
   * @returns {number}
   */
  #pixel(y, x) {
    return ((y >> 3) * this.columns + (x >> 3)) * 64 + (y & 7) * 8 + (x & 7);
  }

  /** @returns {Border} */
  #border() {
    const { rows, columns, height, width, size } = this;
    // Chroma repeats its last row until the samples are whole; then the row of samples is repeated.
    const [storedRows, storedColumns] = [Math.ceil(height / rows), Math.ceil(width / columns)];
    const last = (storedRows - 1) * rows;
    const sources = [new Int32Array(size), new Int32Array(size)];
    for (let y = 0; y < 8 * rows; y++) {
      const below = y < last + rows ? y : last + (y % rows);
      for (let x = 0; x < 8 * columns; x++) {
        const pixel = this.#pixel(y, x);
        sources[0][pixel] = this.#pixel(Math.min(y, height - 1), Math.min(x, width - 1));
        sources[1][pixel] = this.#pixel(Math.min(below, height - 1), Math.min(x, width - 1));
      }
    }
    const counts = sources.map((source) => {
      const count = new Float64Array(size);
      for (const pixel of source) {
        count[pixel]++;
      }
      return count;
    });
    const stored = Int32Array.from({ length: 64 }, (_, at) => {
      return Math.min(at >> 3, storedRows - 1) * 8 + Math.min(at & 7, storedColumns - 1);
    });
    const ofBlock = Array.from({ length: this.blocks }, (_, block) => {
      return sources[0].slice(block * 64, block * 64 + 64).map((pixel) => pixel % 64);
    });
    const exists = Uint8Array.from({ length: this.blocks }, (_, block) => {
      return Math.floor(block / columns) * 8 < height && (block % columns) * 8 < width ? 1 : 0;
    });
    return { sources, counts, stored, ofBlock, exists };
  }
}

/** The pixels of one unit: as they are wanted, and as an encoder sees them. */
export class CodedUnit {
  /**
   * @param {UnitKind} kind
   * @param {number} channels 1: Y, or 3: Y, Cb, Cr
   */
  constructor(kind, channels) {
    this.kind = kind;
    /** 0..255. */
    this.planes = Array.from({ length: channels }, () => new Float32Array(kind.size));
    /** Integers 0..255. */
    this.seen = Array.from({ length: channels }, () => new Int32Array(kind.size));
    this.#sums = new Float64Array(kind.size);
    this.#kept = this.planes.map((plane) => plane.slice());
  }

  #sums;
  #kept;

  /** Keep the pixels as they are. */
  keep() {
    for (const [plane, kept] of this.#kept.entries()) {
      kept.set(this.planes[plane]);
    }
  }

  /**
   * Take the pixels of a luma block as they were kept.
   *
   * @param {number} block its number
   */
  putBack(block) {
    for (const [plane, kept] of this.#kept.entries()) {
      this.planes[plane].set(kept.subarray(block * 64, block * 64 + 64), block * 64);
    }
  }

  /**
   * Take the pixels of a unit; what the encoder repeats is filled in.
   *
   * @param {Float32Array[]} planes of some rows of a picture
   * @param {number} width of the picture
   * @param {number} at of the first pixel
   */
  cut(planes, width, at) {
    const { columns, height } = this.kind;
    for (let plane = 0; plane < this.planes.length; plane++) {
      const [from, to] = [planes[plane], this.planes[plane]];
      for (let y = 0; y < height; y++) {
        const start = at + y * width;
        const row = (y >> 3) * columns * 64 + (y & 7) * 8;
        for (let x = 0; x < this.kind.width; x++) {
          to[row + (x >> 3) * 64 + (x & 7)] = from[start + x];
        }
      }
    }
    this.repeat(this.planes);
  }

  /**
   * The inverse of {@link cut}.
   *
   * @param {Float32Array[]} planes changed
   * @param {number} width of the picture
   * @param {number} at of the first pixel
   */
  paste(planes, width, at) {
    const { columns, height } = this.kind;
    for (let plane = 0; plane < this.planes.length; plane++) {
      const [from, to] = [this.planes[plane], planes[plane]];
      for (let y = 0; y < height; y++) {
        const start = at + y * width;
        const row = (y >> 3) * columns * 64 + (y & 7) * 8;
        for (let x = 0; x < this.kind.width; x++) {
          to[start + x] = from[row + (x >> 3) * 64 + (x & 7)];
        }
      }
    }
  }

  /**
   * Let pixels beyond the border repeat those of the picture.
   *
   * @param {Float32Array[] | Int32Array[]} planes of the unit: those that are wanted, or as an encoder sees them
   */
  repeat(planes) {
    const { border, size } = this.kind;
    if (!border) {
      return;
    }
    for (let number = 0; number < planes.length; number++) {
      const plane = planes[number];
      const source = border.sources[number ? 1 : 0];
      // Pixels that are repeated repeat themselves, so their order does not matter.
      for (let pixel = 0; pixel < size; pixel++) {
        plane[pixel] = plane[source[pixel]];
      }
    }
  }

  /** Go to the nearest unit in which pixels beyond the border repeat those of the picture. */
  fold() {
    const { border, size } = this.kind;
    if (!border) {
      return;
    }
    const sums = this.#sums;
    for (let number = 0; number < this.planes.length; number++) {
      const plane = this.planes[number];
      const source = border.sources[number ? 1 : 0];
      const count = border.counts[number ? 1 : 0];
      sums.fill(0);
      for (let pixel = 0; pixel < size; pixel++) {
        sums[source[pixel]] += plane[pixel];
      }
      for (let pixel = 0; pixel < size; pixel++) {
        plane[pixel] = sums[source[pixel]] / count[source[pixel]];
      }
    }
  }
}
