/** Raw arrays and JSON in a folder, as tests exchange them with Python. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * @param {string} folder
 * @param {string} name
 */
export function readJson(folder, name) {
  return JSON.parse(readFileSync(join(folder, name), "utf8"));
}

/**
 * The bytes of a file, in memory of their own.
 *
 * @param {string} folder
 * @param {string} name
 */
export function readBytes(folder, name) {
  return Uint8Array.from(readFileSync(join(folder, name)));
}

/**
 * Planes that follow each other in a file.
 *
 * @param {string} folder
 * @param {string} name
 * @param {number} size samples of a plane
 */
export function readPlanes(folder, name, size) {
  const data = readBytes(folder, name);
  return Array.from({ length: data.length / size }, (_, index) => data.subarray(index * size, (index + 1) * size));
}

/**
 * @param {string} folder
 * @param {string} name
 * @param {ArrayBufferView[]} arrays written one after the other
 */
export function writeArrays(folder, name, arrays) {
  const parts = arrays.map((array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  writeFileSync(join(folder, name), Buffer.concat(parts));
}

/**
 * @param {string} folder
 * @param {string} name
 * @param {unknown} value
 */
export function writeJson(folder, name, value) {
  writeFileSync(join(folder, name), JSON.stringify(value));
}
