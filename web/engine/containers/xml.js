/**
 * A small strict reader and writer of XML, for packets of XMP: workers have no parser of their own.
 *
 * It refuses entities that a document declares, and nests no deeper than a limit. What it writes is what Python's minidom
 * writes, so that both engines change packets alike.
 */

const XML = "http://www.w3.org/XML/1998/namespace";
/** Namespace of the declarations of namespaces. */
export const XMLNS = "http://www.w3.org/2000/xmlns/";

const START =
  "[A-Za-z_\\u{c0}-\\u{d6}\\u{d8}-\\u{f6}\\u{f8}-\\u{2ff}\\u{370}-\\u{37d}\\u{37f}-\\u{1fff}\\u{3001}-\\u{d7ff}]";
const PART = `(?:${START}|[-.0-9\\u{b7}\\u{300}-\\u{36f}\\u{203f}\\u{2040}])`;
const LOCAL = `${START}${PART}*`;
const NAME = `${LOCAL}(?::${LOCAL})?`;
const SPACE = "[ \\t\\n]";
const TAG_START = new RegExp(`<(${NAME})`, "uy");
const ATTRIBUTE = new RegExp(`${SPACE}+(${NAME})${SPACE}*=${SPACE}*(?:"([^<"]*)"|'([^<']*)')`, "uy");
const TAG_END = new RegExp(`${SPACE}*(/?)>`, "uy");
const END_TAG = new RegExp(`</(${NAME})${SPACE}*>`, "uy");
const COMMENT = /<!--((?:[^-]|-[^-])*)-->/uy;
const INSTRUCTION = new RegExp(`<\\?(${LOCAL})(?:${SPACE}+((?:[^?]|\\?(?!>))*))?\\?>`, "uy");
const SECTION = /<!\[CDATA\[((?:[^\]]|\](?!\]>))*)\]\]>/uy;
const TEXT = /[^<]+/uy;
const VERSION = `version${SPACE}*=${SPACE}*(?:"1[\\w.:-]*"|'1[\\w.:-]*')`;
const ENCODING = `(?:${SPACE}+encoding${SPACE}*=${SPACE}*(?:"([\\w.-]+)"|'([\\w.-]+)'))?`;
const STANDALONE = `(?:${SPACE}+standalone${SPACE}*=${SPACE}*(?:"(?:yes|no)"|'(?:yes|no)'))?`;
const DECLARATION = new RegExp(`^<\\?xml${SPACE}+${VERSION}${ENCODING}${STANDALONE}${SPACE}*\\?>`, "u");
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML cannot hold.
const NO_CHARACTER = /[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]/u;
const REFERENCE = /&(?:#([0-9]+)|#x([0-9a-fA-F]+)|(amp|lt|gt|quot|apos));|&/g;
/** @type {Record<string, string>} */
const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
/** @type {Record<string, string>} */
const ESCAPES = { "&": "&amp;", "<": "&lt;", '"': "&quot;", ">": "&gt;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;" };

/** A packet cannot be read; the message says why. */
export class DamagedXmlError extends Error {
  name = "DamagedXmlError";
}

/**
 * @typedef {object} Attribute
 * @property {string} name with its prefix
 * @property {string | null} namespace its address; `null`: it has none
 * @property {string} localName without its prefix
 * @property {string} value
 */

/**
 * @typedef {object} Element
 * @property {"element"} kind
 * @property {string} name with its prefix
 * @property {string | null} namespace its address; `null`: it has none
 * @property {string} localName without its prefix
 * @property {Map<string, Attribute>} attributes by their names, those that declare namespaces first
 * @property {Node[]} children
 * @property {Element | null} parent
 */

/** @typedef {{kind: "text" | "section" | "comment", data: string}} Characters */
/** @typedef {{kind: "instruction", target: string, data: string}} Instruction */
/** @typedef {Element | Characters | Instruction} Node */

/**
 * Read a document.
 *
 * @param {Uint8Array} bytes in UTF-8, or in Latin-1 if the document says so
 * @param {number} deepest levels of nodes inside of each other, text is one
 * @returns {Node[]} the nodes at the top: one element, and comments and instructions around it
 * @throws {DamagedXmlError} if it is not well-formed, has an unknown encoding, or is nested deeper
 */
export function parseXml(bytes, deepest) {
  const text = decoded(bytes).replace(/\r\n?/g, "\n");
  const damage = NO_CHARACTER.exec(text);
  if (damage) {
    throw new DamagedXmlError(`it holds the character ${damage[0].charCodeAt(0)}`);
  }
  /** @type {Node[]} */
  const top = [];
  /** @type {Element[]} */
  const open = [];
  /** @type {Map<string, string | null>[]} */
  const scopes = [new Map([["xml", XML]])];
  let at = DECLARATION.exec(text)?.[0].length ?? 0;
  /** @param {RegExp} pattern */
  const take = (pattern) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    at = found ? pattern.lastIndex : at;
    return found;
  };
  /** @param {Node} node */
  const add = (node) => {
    if (open.length >= deepest) {
      throw new DamagedXmlError(`it has more than ${deepest} elements inside of each other`);
    }
    (open.at(-1)?.children ?? top).push(node);
  };
  while (at < text.length) {
    /** @type {RegExpExecArray | null} */
    let found = null;
    if ((found = take(TEXT))) {
      addText(found[0], open, add);
    } else if ((found = take(END_TAG))) {
      if (open.pop()?.name !== found[1]) {
        throw new DamagedXmlError(`</${found[1]}> closes nothing`);
      }
      scopes.pop();
    } else if ((found = take(TAG_START))) {
      if (open.length === 0 && top.some(({ kind }) => kind === "element")) {
        throw new DamagedXmlError("it has several elements at the top");
      }
      const stated = takeAttributes(take);
      const end = take(TAG_END);
      if (!end) {
        throw new DamagedXmlError(`<${found[1]} has no end`);
      }
      const { element, scope } = elementOf(found[1], stated, scopes[scopes.length - 1], open.at(-1) ?? null);
      add(element);
      if (end[1] === "") {
        open.push(element);
        scopes.push(scope);
      }
    } else if ((found = take(COMMENT))) {
      add({ kind: "comment", data: found[1] });
    } else if (open.length > 0 && (found = take(SECTION))) {
      // An empty section is none.
      if (found[1] !== "") {
        add({ kind: "section", data: found[1] });
      }
    } else if ((found = take(INSTRUCTION)) && found[1].toLowerCase() !== "xml") {
      add({ kind: "instruction", target: found[1], data: found[2] ?? "" });
    } else {
      throw new DamagedXmlError(`it is not well-formed at character ${at}`);
    }
  }
  if (open.length > 0 || !top.some(({ kind }) => kind === "element")) {
    throw new DamagedXmlError("it ends early");
  }
  return top;
}

/**
 * Write nodes.
 *
 * @param {Node[]} nodes
 * @returns {string}
 */
export function writeXml(nodes) {
  return nodes.map(writeNode).join("");
}

/**
 * All elements, in the order of the document.
 *
 * @param {Node[]} nodes
 * @returns {Element[]}
 */
export function elementsIn(nodes) {
  /** @type {Element[]} */
  const found = [];
  const waiting = nodes.slice().reverse();
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    if (node.kind === "element") {
      found.push(node);
      for (let index = node.children.length - 1; index >= 0; index--) {
        waiting.push(node.children[index]);
      }
    }
  }
  return found;
}

/** @param {Uint8Array} bytes */
function decoded(bytes) {
  const head = new TextDecoder("latin1").decode(bytes.subarray(0, 200)).replace(/^\xef\xbb\xbf|^ï»¿/, "");
  const stated = DECLARATION.exec(head.replace(/\r\n?/g, "\n"));
  const encoding = (stated?.[1] ?? stated?.[2] ?? "utf-8").toLowerCase();
  if (encoding === "iso-8859-1") {
    return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  }
  if (encoding !== "utf-8" && encoding !== "us-ascii") {
    throw new DamagedXmlError(`its encoding ${encoding} is not known`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new DamagedXmlError("it is not UTF-8");
  }
}

/**
 * @param {string} text
 * @param {Element[]} open
 * @param {(node: Node) => void} add
 */
function addText(text, open, add) {
  if (open.length === 0) {
    if (/[^ \t\n]/.test(text)) {
      throw new DamagedXmlError("it has text outside of its elements");
    }
    return;
  }
  if (text.includes("]]>")) {
    throw new DamagedXmlError("it ends a section that it does not start");
  }
  const data = resolved(text);
  const last = open[open.length - 1].children.at(-1);
  if (last?.kind === "text") {
    last.data += data;
  } else {
    add({ kind: "text", data });
  }
}

/**
 * @param {(pattern: RegExp) => RegExpExecArray | null} take
 * @returns {[string, string][]} names and values
 */
function takeAttributes(take) {
  /** @type {[string, string][]} */
  const stated = [];
  for (let found = take(ATTRIBUTE); found; found = take(ATTRIBUTE)) {
    stated.push([found[1], resolved((found[2] ?? found[3]).replace(/[\t\n]/g, " "))]);
  }
  return stated;
}

/**
 * An element, and the namespaces that are known inside of it.
 *
 * @param {string} name
 * @param {[string, string][]} stated its attributes
 * @param {Map<string, string | null>} around the namespaces that are known around it, by prefix
 * @param {Element | null} parent
 * @returns {{element: Element, scope: Map<string, string | null>}}
 */
function elementOf(name, stated, around, parent) {
  const declared = stated.filter(([key]) => key === "xmlns" || key.startsWith("xmlns:"));
  const scope = declared.length > 0 ? new Map(around) : around;
  /** @type {Attribute[]} */
  const attributes = [];
  for (const [key, value] of declared) {
    const prefix = key.slice(6);
    const isWrong = prefix === "xmlns" || value === XMLNS || (prefix === "xml") !== (value === XML);
    if (isWrong || (prefix !== "" && value === "")) {
      throw new DamagedXmlError(`${key} must not be declared so`);
    }
    scope.set(prefix, value === "" ? null : value);
    attributes.push({ name: key, namespace: XMLNS, localName: prefix === "" ? "xmlns" : prefix, value });
  }
  for (const [key, value] of stated) {
    if (key !== "xmlns" && !key.startsWith("xmlns:")) {
      const [prefix, localName] = split(key);
      attributes.push({ name: key, namespace: prefix === "" ? null : namespaceOf(prefix, scope), localName, value });
    }
  }
  const names = new Set(attributes.map(({ namespace, localName }) => `${namespace ?? ""} ${localName}`));
  if (names.size !== attributes.length) {
    throw new DamagedXmlError(`<${name} states an attribute twice`);
  }
  const [prefix, localName] = split(name);
  const namespace = prefix === "" ? (scope.get("") ?? null) : namespaceOf(prefix, scope);
  const byName = new Map(attributes.map((attribute) => [attribute.name, attribute]));
  return { element: { kind: "element", name, namespace, localName, attributes: byName, children: [], parent }, scope };
}

/** @param {string} name */
function split(name) {
  const colon = name.indexOf(":");
  return colon < 0 ? ["", name] : [name.slice(0, colon), name.slice(colon + 1)];
}

/**
 * @param {string} prefix
 * @param {Map<string, string | null>} scope
 */
function namespaceOf(prefix, scope) {
  const namespace = scope.get(prefix);
  if (!namespace) {
    throw new DamagedXmlError(`the prefix ${prefix} is not declared`);
  }
  return namespace;
}

/**
 * Text with characters for the references to them.
 *
 * @param {string} text
 */
function resolved(text) {
  if (!text.includes("&")) {
    return text;
  }
  return text.replace(REFERENCE, (reference, decimal, hexadecimal, entity) => {
    if (entity) {
      return ENTITIES[entity];
    }
    const code = decimal ? Number.parseInt(decimal, 10) : Number.parseInt(hexadecimal ?? "-1", 16);
    const character = code >= 0 && code < 0x110000 ? String.fromCodePoint(code) : "\0";
    if (NO_CHARACTER.test(character)) {
      throw new DamagedXmlError(`${reference} stands for no character`);
    }
    return character;
  });
}

/**
 * @param {Node} node
 * @returns {string}
 */
function writeNode(node) {
  switch (node.kind) {
    case "text":
      return node.data.replace(/[&<">\r]/g, (character) => ESCAPES[character]);
    case "section":
      return `<![CDATA[${node.data}]]>`;
    case "comment":
      return `<!--${node.data}-->`;
    case "instruction":
      return `<?${node.target} ${node.data}?>`;
    default: {
      const attributes = Array.from(node.attributes.values(), ({ name, value }) => {
        return ` ${name}="${value.replace(/[&<">\t\n\r]/g, (character) => ESCAPES[character])}"`;
      });
      const start = `<${node.name}${attributes.join("")}`;
      return node.children.length > 0 ? `${start}>${writeXml(node.children)}</${node.name}>` : `${start}/>`;
    }
  }
}
