/**
 * Pictures that can be finished again. What the network gave for them takes the most memory: all but that of the picture
 * that was used last rests in blobs, which browsers may put on the disk.
 */

import { OutOfMemoryError } from "./errors.js";

/** @typedef {import("./restore.js").Reconstruction} Reconstruction */
/** @typedef {{reconstruction: Reconstruction, resting: Blob[] | null}} Kept `resting` are its planes, if they rest */

export class KeptPictures {
  /** @type {Map<number, Kept>} */
  #pictures = new Map();
  #count = 0;

  /**
   * @param {Reconstruction} reconstruction
   * @returns {number} that stands for it
   */
  add(reconstruction) {
    this.rest();
    this.#pictures.set(this.#count, { reconstruction, resting: null });
    return this.#count++;
  }

  /**
   * @param {number} number from {@link add}
   * @returns {Promise<Reconstruction>}
   * @throws {RangeError} if there is none
   * @throws {OutOfMemoryError} if the browser lost the planes
   */
  async get(number) {
    const picture = this.#pictures.get(number);
    if (!picture) {
      throw new RangeError(`there is no picture ${number}: restore it again`);
    }
    this.rest(number);
    if (picture.resting) {
      const planes = await this.#read(picture.resting);
      picture.reconstruction = { ...picture.reconstruction, planes };
      picture.resting = null;
    }
    return picture.reconstruction;
  }

  /** @param {Blob[]} blobs */
  async #read(blobs) {
    try {
      return await Promise.all(blobs.map(async (blob) => new Float32Array(await blob.arrayBuffer())));
    } catch (error) {
      // RangeError: there is no room for them now.
      if (error instanceof RangeError) {
        throw error;
      }
      throw new OutOfMemoryError(
        "the browser had too little room to keep what was restored: close other tabs and pictures, and restore it again",
      );
    }
  }

  /** @param {number} number from {@link add} */
  drop(number) {
    this.#pictures.delete(number);
  }

  /**
   * Let planes rest.
   *
   * @param {number} [used] those of this picture stay
   */
  rest(used) {
    for (const [number, picture] of this.#pictures) {
      const { planes } = picture.reconstruction;
      if (number !== used && planes) {
        picture.resting = planes.map((plane) => new Blob([/** @type {Float32Array<ArrayBuffer>} */ (plane)]));
        picture.reconstruction = { ...picture.reconstruction, planes: null };
      }
    }
  }
}
