/**
 * XMP that is made true for a restored picture: claims on what the result does not hold are removed.
 *
 * Viewers believe XMP: they look for a gain map or a video behind the picture where it says that there is one. Packets
 * in which nothing is untrue stay as they are, byte for byte.
 */

import { asLatin1, find, latin1, startsWith } from "./bytes.js";
import { DamagedXmlError, elementsIn, parseXml, XMLNS } from "./xml.js";
import { writeXml } from "./xml_writer.js";

/** @typedef {import("./xml.js").Attribute} Attribute */
/** @typedef {import("./xml.js").Element} Element */
/** @typedef {import("./xml.js").Node} Node */

const RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const CAMERA = "http://ns.google.com/photos/1.0/camera/";
const BASIC = "http://ns.adobe.com/xap/1.0/";
// Gain maps of Adobe and Apple, and lists of what follows the picture in the file.
const CLAIMS = [
  "http://ns.adobe.com/hdr-gain-map/",
  "http://ns.apple.com/HDRGainMap/",
  "http://ns.google.com/photos/1.0/container/",
  "http://ns.google.com/photos/dd/",
  "http://ns.oplus.com/photos/1.0/camera/",
  "http://ns.xiaomi.com/photos/1.0/camera/",
  "http://ns.adobe.com/xmp/note/",
];
const VIDEO_CLAIMS = ["MicroVideo", "MotionPhoto"];
// Depth maps, second views and places of faces are not turned upright with the picture.
const OF_PLACES = [
  "http://ns.google.com/photos/1.0/depthmap/",
  "http://ns.google.com/photos/1.0/image/",
  "http://www.metadataworkinggroup.com/schemas/regions/",
  "http://ns.microsoft.com/photo/1.2/",
  "http://ns.apple.com/faceinfo/",
  "http://ns.google.com/photos/1.0/focus/",
  "http://ns.acdsee.com/regions/",
];
const CAPTIONS = "http://iptc.org/std/Iptc4xmpExt/";
const REGIONS = "ImageRegion";
const THUMBNAILS = "Thumbnails";
const TERMS = "http://purl.org/dc/terms/";
const PROVENANCE = "provenance";
const ORIENTATION = /(tiff:Orientation(?:>|=["']))([1-8])/g;
const WIDTHS = /((?:tiff:ImageWidth|exif:PixelXDimension)(?:>|=["']))[0-9]+/g;
const HEIGHTS = /((?:tiff:ImageLength|exif:PixelYDimension)(?:>|=["']))[0-9]+/g;
const PADDING = latin1("\0 \t\r\n");
const LARGEST = 16 << 20;
const DEEPEST = 100;

/**
 * The orientation that XMP states, 1..8; `null` if it states none.
 *
 * @param {Uint8Array} xmp
 */
export function orientationOf(xmp) {
  const found = asLatin1(asUtf8(xmp)).match(new RegExp(ORIENTATION.source));
  return found ? Number(found[2]) : null;
}

/**
 * One packet with all that the main and the extended packet state.
 *
 * @param {Uint8Array} xmp the main packet
 * @param {Uint8Array} extended the extended one; empty: there is none
 * @throws {DamagedXmlError} if one of them is damaged
 */
export function withExtended(xmp, extended) {
  if (extended.length === 0) {
    return xmp;
  }
  const main = parsed(xmp);
  const more = parsed(extended);
  const target = descriptionsIn(main)[0];
  for (const source of descriptionsIn(more)) {
    declare(declarationsOf(source), target);
    const { attributes, elements } = propertiesOf(source);
    for (const { namespace, localName, name, value } of attributes) {
      const same = Array.from(target.attributes.values()).find(
        (attribute) => attribute.namespace === namespace && attribute.localName === localName,
      );
      if (same) {
        same.value = value;
      } else {
        target.attributes.set(name, { name, namespace, localName, value });
      }
    }
    for (const element of elements) {
      element.parent = target;
      target.children.push(element);
    }
  }
  return written(main);
}

/**
 * XMP without claims that are no longer true.
 *
 * @param {Uint8Array} xmp a packet
 * @param {{turned?: boolean}} [options] whether the picture was turned upright: what shows it as the sensor saw it goes,
 *   too
 * @returns {Uint8Array} the packet, unchanged if it makes no such claims; empty if it makes no others
 * @throws {DamagedXmlError} if the packet is damaged, but mentions such claims
 */
export function withoutClaims(xmp, { turned = false } = {}) {
  const namespaces = turned ? [...CLAIMS, ...OF_PLACES] : CLAIMS;
  const ofPlaces = turned ? [`:${THUMBNAILS}`, REGIONS] : [];
  const mentioned = [...namespaces, ...VIDEO_CLAIMS, TERMS, ...ofPlaces];
  const readable = asUtf8(xmp);
  // UTF-16, which few formats hold, is written as UTF-8.
  const unchanged = isUtf16(xmp) ? readable : xmp;
  const text = asLatin1(readable);
  if (!mentioned.some((word) => text.includes(word))) {
    return unchanged;
  }
  const document = parsed(readable);
  /** @type {Set<Element | Attribute>} */
  const untrue = new Set();
  for (const element of elementsIn(document)) {
    for (const node of [element, ...element.attributes.values()]) {
      if (isUntrue(node, namespaces, turned)) {
        untrue.add(node);
      }
    }
  }
  // A namespace that is only declared claims nothing.
  if (Array.from(untrue).every(({ namespace }) => namespace === XMLNS)) {
    return unchanged;
  }
  for (const element of elementsIn(document)) {
    element.children = element.children.filter((child) => child.kind !== "element" || !untrue.has(child));
    for (const attribute of Array.from(element.attributes.values())) {
      if (untrue.has(attribute)) {
        element.attributes.delete(attribute.name);
      }
    }
  }
  const isLeft = descriptionsIn(document).some((description) => {
    const { attributes, elements } = propertiesOf(description);
    return attributes.length + elements.length > 0;
  });
  return isLeft ? written(document) : new Uint8Array(0);
}

/**
 * XMP of a picture that was turned upright: orientation 1, and its size.
 *
 * @param {Uint8Array} xmp a packet, damaged or not
 * @param {number} width of the picture, in pixels
 * @param {number} height
 */
export function madeUpright(xmp, width, height) {
  const text = asLatin1(xmp.includes(0) ? asUtf8(xmp) : xmp);
  return latin1(text.replace(ORIENTATION, "$11").replace(WIDTHS, `$1${width}`).replace(HEIGHTS, `$1${height}`));
}

/** @param {Uint8Array} xmp */
function isUtf16(xmp) {
  return isLittleEndian(xmp) || isBigEndian(xmp);
}

/** @param {Uint8Array} xmp */
function isLittleEndian(xmp) {
  return startsWith(xmp, Uint8Array.of(0xff, 0xfe)) || startsWith(xmp, latin1("<\0"));
}

/** @param {Uint8Array} xmp */
function isBigEndian(xmp) {
  return startsWith(xmp, Uint8Array.of(0xfe, 0xff)) || startsWith(xmp, latin1("\0<"));
}

/**
 * A packet in UTF-8: the standard allows UTF-16, too, in which nothing would be found.
 *
 * @param {Uint8Array} xmp
 */
function asUtf8(xmp) {
  if (!isUtf16(xmp)) {
    return stripped(xmp);
  }
  const view = new DataView(xmp.buffer, xmp.byteOffset, xmp.byteLength);
  const isLittle = isLittleEndian(xmp);
  const characters = Array.from({ length: xmp.length >> 1 }, (_, index) =>
    String.fromCharCode(view.getUint16(2 * index, isLittle)),
  );
  // Halves of characters are left out.
  const text = characters.join("").replace(/[\ud800-\udfff]/gu, "");
  return stripped(new TextEncoder().encode(text.replace(/^\ufeff{1,2}/, "").replace(/^\s*<\?xml [^>]*\?>/, "")));
}

/** @param {Uint8Array} xmp */
function stripped(xmp) {
  let start = 0;
  let end = xmp.length;
  while (start < end && PADDING.includes(xmp[start])) {
    start++;
  }
  while (end > start && PADDING.includes(xmp[end - 1])) {
    end--;
  }
  return xmp.subarray(start, end);
}

/** @param {Uint8Array} xmp */
function parsed(xmp) {
  const readable = asUtf8(xmp);
  if (readable.length > LARGEST) {
    throw new DamagedXmlError(`the XMP has ${readable.length} bytes, more than the ${LARGEST} that are read`);
  }
  if (find(readable, latin1("<!DOCTYPE")) >= 0 || find(readable, latin1("<!ENTITY")) >= 0) {
    throw new DamagedXmlError("the XMP declares entities, which it must not");
  }
  return parseXml(readable, DEEPEST);
}

/** @param {Node[]} document */
function written(document) {
  return new TextEncoder().encode(writeXml(document));
}

/**
 * The descriptions at the top of a packet; properties can hold others.
 *
 * @param {Node[]} document
 * @throws {DamagedXmlError} if there are none
 */
function descriptionsIn(document) {
  const found = elementsIn(document).filter(
    ({ namespace, localName }) => namespace === RDF && localName === "Description",
  );
  if (found.length === 0) {
    throw new DamagedXmlError("the XMP holds no description");
  }
  return found.filter(({ parent }) => parent === found[0].parent);
}

/**
 * The namespaces that are declared for an element, on it or around it: names of their attributes, and values.
 *
 * @param {Element} element
 */
function declarationsOf(element) {
  /** @type {Map<string, string>} */
  const found = new Map();
  for (let node = /** @type {Element | null} */ (element); node; node = node.parent) {
    for (const { name, namespace, value } of node.attributes.values()) {
      if (namespace === XMLNS && !found.has(name)) {
        found.set(name, value);
      }
    }
  }
  return found;
}

/**
 * Declare namespaces on an element, where they are not known.
 *
 * @param {Map<string, string>} declarations
 * @param {Element} element
 * @throws {DamagedXmlError} if one of their prefixes means something else there
 */
function declare(declarations, element) {
  const known = declarationsOf(element);
  for (const [name, value] of declarations) {
    if ((known.get(name) ?? value) !== value) {
      throw new DamagedXmlError(`the parts of the XMP use ${name} for different namespaces`);
    }
    known.set(name, value);
    if (!element.attributes.has(name)) {
      const localName = name.slice(name.indexOf(":") + 1);
      element.attributes.set(name, { name, namespace: XMLNS, localName, value });
    }
  }
}

/**
 * What a description states: attributes and elements.
 *
 * @param {Element} description
 */
function propertiesOf(description) {
  const attributes = Array.from(description.attributes.values()).filter(
    ({ namespace }) => namespace !== null && namespace !== RDF && namespace !== XMLNS,
  );
  return { attributes, elements: description.children.filter((child) => child.kind === "element") };
}

/**
 * @param {Element | Attribute} node
 * @param {string[]} namespaces
 * @param {boolean} turned
 */
function isUntrue(node, namespaces, turned) {
  const { namespace, localName } = node;
  const isIn = (/** @type {string} */ address) => namespaces.some((start) => address.startsWith(start));
  if (namespace === XMLNS) {
    return "value" in node && isIn(node.value);
  }
  if (namespace === null) {
    return false;
  }
  if (namespace === CAMERA) {
    return VIDEO_CLAIMS.some((claim) => localName.startsWith(claim));
  }
  // The address of a proof of origin in the file, which results do not hold.
  if (namespace === TERMS) {
    return localName === PROVENANCE;
  }
  if (turned && namespace.startsWith(CAPTIONS) && localName === REGIONS) {
    return true;
  }
  return (turned && namespace === BASIC && localName === THUMBNAILS) || isIn(namespace);
}
