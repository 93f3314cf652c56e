/** What the boxes of AVIF files say: size, transparency, metadata. */

import { associated, boxes, itemsIn, placesIn } from "./boxes.js";
import { asLatin1 } from "./bytes.js";
import { withOrientation } from "./exif_orientation.js";
import { GAIN_MAP, notKept, PROVENANCE } from "./extras.js";

/** @typedef {import("./boxes.js").Box} Box */
/** @typedef {import("./of_webp.js").Container} Container */
/** @typedef {import("../metadata.js").Info} Info */

const ALPHA = /^(?:urn:mpeg:mpegB:cicp:systems:auxiliary:alpha|urn:mpeg:hevc:2015:auxid:1)\0/;
const C2PA = "\xd8\xfe\xc3\xd6\x1b\x0e\x48\x3c\x92\x97\x58\x28\x87\x7e\xc4\x81";
const XMP = "application/rdf+xml\0";
const encoder = new TextEncoder();
// Bytes at the start of a file in which its brands are looked for.
const MAX_BRANDS = 1024;
// Hostile files can refer to any number of items.
const MAX_ITEMS = 16;
const MONOCHROME = 0x10;
const UNSPECIFIED = 2;
const SRGB = [1, 13];
// Matrices that follow from the primaries.
const DERIVED = [12, 13];
// Orientation of Exif by the angle of "irot", and the same with "imir" of axis 0 and 1.
const TURNED = [1, 8, 3, 6];
const MIRRORED = [
  [4, 5, 2, 7],
  [2, 7, 4, 5],
];

/** @param {Uint8Array} bytes of a file */
export function isAvif(bytes) {
  return asLatin1(bytes.subarray(4, 8)) === "ftyp" && ["avif", "avis"].includes(asLatin1(bytes.subarray(8, 12)));
}

/**
 * @param {Uint8Array} bytes of the file
 * @returns {Container | null} `null` if it states no size
 * @throws {RangeError} if a box ends early
 */
export function lookIntoAvif(bytes) {
  const numbers = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const all = [...boxes(bytes, 0, bytes.length)];
  const meta = all.find(({ kind }) => kind === "meta");
  if (!meta) {
    return null;
  }
  const inside = [...boxes(bytes, meta.start + 4, meta.end)];
  const within = (/** @type {string} */ kind) => inside.find((box) => box.kind === kind);
  const payload = (/** @type {Box} */ { start, end }) => bytes.subarray(start, end);
  const [iprp, pitm, iinf, iloc, iref] = ["iprp", "pitm", "iinf", "iloc", "iref"].map(within);
  const sharing = iprp ? [...boxes(bytes, iprp.start, iprp.end)] : [];
  const ipco = sharing.find(({ kind }) => kind === "ipco");
  const ipma = sharing.find(({ kind }) => kind === "ipma");
  if (!pitm || !ipco || !ipma) {
    return null;
  }
  const properties = [...boxes(bytes, ipco.start, ipco.end)];
  const primary = bytes[pitm.start] ? numbers.getUint32(pitm.start + 4) : numbers.getUint16(pitm.start + 4);
  const propertiesOf = (/** @type {number} */ item) =>
    associated(numbers, ipma, item).flatMap((index) => properties[index - 1] ?? []);
  const own = propertiesOf(primary);
  const ispe = own.find(({ kind }) => kind === "ispe");
  if (!ispe) {
    return null;
  }
  const items = iinf ? itemsIn(bytes, numbers, iinf) : [];
  const places = iloc ? placesIn(numbers, iloc, within("idat")?.start ?? 0) : new Map();
  const dataOf = (/** @type {number | undefined} */ id) => {
    const extents = places.get(id) ?? [];
    const parts = extents.map((/** @type {number[]} */ [start, size]) => bytes.subarray(start, start + size));
    return parts.length === 1 && parts[0].length ? parts[0].slice() : null;
  };
  /** @type {Info} */
  const info = colorsIn(own.filter(({ kind }) => kind === "colr").map(payload));
  const stored = dataOf(items.find(({ kind }) => kind === "Exif")?.id)?.subarray(4) ?? null;
  const exif = withOrientation(stored, orientationIn(bytes, own));
  if (exif) {
    info.exif = exif;
  }
  const xmp = dataOf(items.find(({ kind, type }) => kind === "mime" && type.startsWith(XMP))?.id);
  if (xmp) {
    info.xmp = xmp;
  }
  const extras = [
    ...all
      .filter((box) => box.kind === "uuid" && asLatin1(payload(box).subarray(0, 16)) === C2PA)
      .map(({ start, end }) => ({ kind: PROVENANCE, size: end - start })),
    ...items.filter(({ kind }) => kind === "tmap").map(() => ({ kind: GAIN_MAP, size: 0 })),
  ];
  const bits = Math.max(
    8,
    ...properties.filter(({ kind }) => kind === "pixi").map(({ start }) => bytes[start + 5] || 8),
  );
  const more = bits > 8 ? [`The file has ${bits} bits per channel, of which 8 were read.`] : [];
  // A picture that is made of tiles has none of its own.
  const config = own.find(({ kind }) => kind === "av1C") ?? properties.find(({ kind }) => kind === "av1C");
  const references = iref ? [...boxes(bytes, iref.start + 4, iref.end)] : [];
  const alpha = alphaOf(bytes, references, primary, propertiesOf, iref && bytes[iref.start] ? 4 : 2);
  const tracks = all.filter(({ kind }) => kind === "moov");
  const plain = withoutTurns(bytes, properties);
  for (const { start } of [...tracks, ...references.filter(({ kind }) => kind === "auxl" || kind === "prem")]) {
    plain.set(encoder.encode("free"), start - 4);
  }
  if (tracks.length) {
    // Without its tracks, an animation is its first picture.
    for (let at = 8; at < Math.min(all[0].end, MAX_BRANDS); at += 4) {
      if (asLatin1(plain.subarray(at, at + 4)) === "avis") {
        plain.set(encoder.encode("avif"), at);
      }
    }
  }
  return {
    width: numbers.getUint32(ispe.start + 4),
    height: numbers.getUint32(ispe.start + 8),
    isGray: config !== undefined && (bytes[config.start + 2] & MONOCHROME) !== 0,
    hasAlpha: alpha !== undefined,
    isAnimated: tracks.length > 0,
    info,
    notes: [...notKept(extras), ...more],
    plain,
    opacity: alpha === undefined ? undefined : withPrimary(plain, pitm, alpha),
    isPremultiplied: references.some(({ kind }) => kind === "prem"),
  };
}

/**
 * The color profile, and the color description, if that is not sRGB.
 *
 * @param {Uint8Array[]} payloads of the boxes "colr"
 * @returns {Info}
 */
function colorsIn(payloads) {
  /** @type {Info} */
  const info = {};
  for (const payload of payloads) {
    const kind = asLatin1(payload.subarray(0, 4));
    if (kind === "prof" || kind === "rICC") {
      info.iccProfile ??= payload.slice(4);
    } else if (kind === "nclx" && payload.length >= 11) {
      const colors = [(payload[4] << 8) | payload[5], (payload[6] << 8) | payload[7]];
      if (colors.some((color, at) => color !== SRGB[at]) && !colors.includes(UNSPECIFIED)) {
        // What is written is RGB of full range, whatever the file stored.
        info.cicp ??= Uint8Array.of(...colors, 0, 1);
      }
    }
  }
  return info;
}

/**
 * How the pixels are stored, as Exif data name it, 1..8.
 *
 * @param {Uint8Array} bytes of the file
 * @param {Box[]} properties of the picture
 */
function orientationIn(bytes, properties) {
  const [angle, axis] = ["irot", "imir"].map((name) => {
    const found = properties.find(({ kind }) => kind === name);
    return found && bytes[found.start];
  });
  return (axis === undefined ? TURNED : MIRRORED[axis & 1])[(angle ?? 0) & 3];
}

/**
 * The item that is the alpha of the picture.
 *
 * @param {Uint8Array} bytes of the file
 * @param {Box[]} references between items
 * @param {number} primary
 * @param {(item: number) => Box[]} propertiesOf
 * @param {number} wide bytes of the number of an item
 */
function alphaOf(bytes, references, primary, propertiesOf, wide) {
  const numbers = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = (/** @type {number} */ at) => (wide === 4 ? numbers.getUint32(at) : numbers.getUint16(at));
  const isAlpha = (/** @type {Box} */ { kind, start, end }) =>
    kind === "auxC" && ALPHA.test(asLatin1(bytes.subarray(start + 4, end)));
  return references
    .filter(({ kind, start }) => kind === "auxl" && read(start + wide + 2) === primary)
    .slice(0, MAX_ITEMS)
    .map(({ start }) => read(start))
    .find((item) => propertiesOf(item).some(isAlpha));
}

/**
 * The file with another of its items as the picture.
 *
 * Some versions of Chromium take alpha for video, in which black is 16 and white is 235. As a picture, it is read well.
 *
 * @param {Uint8Array} bytes
 * @param {Box} pitm
 * @param {number} item
 */
function withPrimary(bytes, pitm, item) {
  const changed = bytes.slice();
  const numbers = new DataView(changed.buffer);
  if (changed[pitm.start]) {
    numbers.setUint32(pitm.start + 4, item);
  } else {
    numbers.setUint16(pitm.start + 4, item);
  }
  return changed;
}

/**
 * The file with neither turns nor color profile, so that every browser gives the pixels as they are stored.
 *
 * @param {Uint8Array} bytes
 * @param {Box[]} properties
 */
function withoutTurns(bytes, properties) {
  const plain = bytes.slice();
  for (const { kind, start, end } of properties) {
    if (kind === "irot" || kind === "imir") {
      // A property that is needed cannot be removed: a turn by nothing takes its place.
      plain.set([...encoder.encode("irot")], start - 4);
      plain[start] = 0;
    } else if (kind === "colr" && asLatin1(bytes.subarray(start, start + 4)) !== "nclx") {
      plain.set(encoder.encode("none"), start);
    } else if (kind === "colr" && end - start >= 11 && !DERIVED.includes(bytes[start + 9])) {
      plain.set([0, SRGB[0], 0, SRGB[1]], start + 4);
    }
  }
  return plain;
}
