/**
 * Resources of Photoshop in JPEG files: captions and credits (IPTC), clipping paths, the copyright flag.
 *
 * Only what says something about the picture is kept. Thumbnails, print settings and the like describe another file.
 */

import { join, latin1, startsWith } from "./bytes.js";
import { CAPTIONS, CLIPPING_PATH, COPYRIGHT, extra } from "./extras.js";

/** Start of the payload of a JPEG segment with resources. */
export const SEGMENT = latin1("Photoshop 3.0\0");

/** Numbers of the resources with a thumbnail. */
export const THUMBNAILS = [0x0409, 0x040c];

/** Number of the resource with captions and credits. */
export const IPTC = 0x0404;
const COPYRIGHT_FLAG = 0x040a;
const ADDRESS = 0x040b;
const FIRST_PATH = 0x07d0;
const PATH_NAME = 0x0bb7;
// The second to fifth are those of other programs.
const MARKS = ["8BIM", "MeSa", "PHUT", "AgHg", "DCSR"].map(latin1);

/**
 * A resource of Photoshop.
 *
 * @typedef {object} Resource
 * @property {Uint8Array} name of a clipping path, in the encoding of the file; mostly empty
 * @property {Uint8Array} value its data
 */

/** @typedef {Map<number, Resource>} Resources by their number */

/**
 * The resources by their number.
 *
 * @param {Uint8Array} data the payload of a JPEG segment behind its start, damaged or not
 * @returns {Resources}
 */
export function readResources(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const resources = new Map();
  let position = 0;
  while (position + 12 <= data.length && MARKS.some((mark) => startsWith(data, mark, position))) {
    const number = view.getUint16(position + 4);
    // The name, with its length before it, is padded to an even size. So are the data.
    const name = data.subarray(position + 7, position + 7 + data[position + 6]);
    position += 6 + (name.length | 1) + 1;
    if (position + 4 > data.length) {
      break;
    }
    const size = view.getUint32(position);
    resources.set(number, { name, value: data.subarray(position + 4, position + 4 + size) });
    position += 4 + size + (size % 2);
  }
  return resources;
}

/**
 * What {@link readResources} reads.
 *
 * @param {Resources} resources
 */
export function encodeResources(resources) {
  const parts = [];
  for (const [number, { name, value }] of resources) {
    const head = Uint8Array.of(number >> 8, number & 255, name.length);
    const size = new Uint8Array(4);
    new DataView(size.buffer).setUint32(0, value.length);
    parts.push(MARKS[0], head, name, new Uint8Array((name.length + 1) & 1));
    parts.push(size, value, new Uint8Array(value.length & 1));
  }
  return join(parts);
}

/**
 * The resources that are carried over: captions and credits, and the others; nothing if they are empty.
 *
 * @param {Resources} resources
 * @returns {{iptc?: Uint8Array, photoshop?: Resources}}
 */
export function keptInfo(resources) {
  const found = Array.from(resources).filter(([, { value }]) => value.length > 0);
  const others = found.filter(([number]) => number === COPYRIGHT_FLAG || number === ADDRESS || isPath(number));
  const captions = found.find(([number]) => number === IPTC);
  return {
    ...(captions ? { iptc: captions[1].value.slice() } : {}),
    ...(others.length > 0 ? { photoshop: new Map(others) } : {}),
  };
}

/**
 * The resources that are still true when the picture was turned.
 *
 * @param {Resources} resources
 * @returns {Resources}
 */
export function withoutPaths(resources) {
  return new Map(Array.from(resources).filter(([number]) => !isPath(number)));
}

/**
 * What was found, in words.
 *
 * @param {{iptc?: Uint8Array, photoshop?: Resources}} info from {@link keptInfo}
 */
export function extrasOf({ iptc, photoshop = new Map() }) {
  let paths = 0;
  let rest = 0;
  for (const [number, { value }] of photoshop) {
    paths += isPath(number) ? value.length : 0;
    rest += isPath(number) ? 0 : value.length;
  }
  const found = [
    extra(CAPTIONS, iptc?.length ?? 0, "iptc"),
    extra(CLIPPING_PATH, paths, "photoshop"),
    extra(COPYRIGHT, rest, "photoshop"),
  ];
  return found.filter(({ size }) => size > 0);
}

/** @param {number} number */
function isPath(number) {
  return FIRST_PATH <= number && number <= PATH_NAME;
}
