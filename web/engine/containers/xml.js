/**
 * A small strict reader of XML, for packets of XMP: workers have no parser of their own.
 *
 * It refuses what declares entities, and what is nested deeper than a limit.
 */

const XML = "http://www.w3.org/XML/1998/namespace";
/** Namespace of the declarations of namespaces. */
export const XMLNS = "http://www.w3.org/2000/xmlns/";

// Letters and ideographs as the fourth edition of XML 1.0 names them, but whole blocks of alphabets.
const ALPHABETS = "A-Za-z\\u00c0-\\u00d6\\u00d8-\\u00f6\\u00f8-\\u02ff\\u0370-\\u037d\\u037f-\\u1fff";
const OF_EAST_ASIA =
  "\\u3007\\u3021-\\u3029\\u3041-\\u3094\\u30a1-\\u30fa\\u3105-\\u312c\\u4e00-\\u9fa5\\uac00-\\ud7a3";
const START = `[_${ALPHABETS}${OF_EAST_ASIA}]`;
const PART = `(?:${START}|[-.0-9\\u00b7\\u0300-\\u036f\\u3005\\u302a-\\u302f\\u3099\\u309a\\u30fc-\\u30fe])`;
const LOCAL = `${START}${PART}*`;
const NAME = `${LOCAL}(?::${LOCAL})?`;
const SPACE = "[ \\t\\n]";
const TAG_START = new RegExp(`<(${NAME})`, "y");
const ATTRIBUTE = new RegExp(`${SPACE}+(${NAME})${SPACE}*=${SPACE}*(?:"([^<"]*)"|'([^<']*)')`, "y");
const TAG_END = new RegExp(`${SPACE}*(/?)>`, "y");
const END_TAG = new RegExp(`</(${NAME})${SPACE}*>`, "y");
const INSTRUCTION = new RegExp(`^(${LOCAL})(?:${SPACE}+([^]*))?$`);
const VERSION = `version${SPACE}*=${SPACE}*(?:"1[\\w.-]*"|'1[\\w.-]*')`;
const ENCODING = `(?:${SPACE}+encoding${SPACE}*=${SPACE}*(?:"([\\w.-]+)"|'([\\w.-]+)'))?`;
const STANDALONE = `(?:${SPACE}+standalone${SPACE}*=${SPACE}*(?:"(?:yes|no)"|'(?:yes|no)'))?`;
const DECLARATION = new RegExp(`^<\\?xml${SPACE}+${VERSION}${ENCODING}${STANDALONE}${SPACE}*\\?>`);
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML cannot hold.
const NO_CHARACTER = /[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]/u;
const REFERENCE = /&(?:#([0-9]+)|#x([0-9a-fA-F]+)|(amp|lt|gt|quot|apos));|&/g;
/** @type {Record<string, string>} */
const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

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
/** @typedef {Map<string, string | null>} Scope the addresses of namespaces by their prefix; "": the one without */

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
  const reader = new Reader(text, deepest);
  while (reader.at < text.length) {
    if (text[reader.at] !== "<") {
      reader.readText();
    } else if (text[reader.at + 1] === "/") {
      reader.readEnd();
    } else if (text[reader.at + 1] === "?") {
      reader.readInstruction();
    } else if (text.startsWith("<!--", reader.at)) {
      reader.readComment();
    } else if (text.startsWith("<![CDATA[", reader.at)) {
      reader.readSection();
    } else {
      reader.readElement();
    }
  }
  return reader.finish();
}

/** Reads one node after the other, and knows which elements are open. */
class Reader {
  /** @type {Node[]} */
  #top = [];
  /** @type {Element[]} */
  #open = [];
  /** @type {Scope[]} the namespaces that are known in each open element, and around all */
  #scopes = [new Map([["xml", XML]])];

  /**
   * @param {string} text
   * @param {number} deepest
   */
  constructor(text, deepest) {
    this.text = text;
    this.deepest = deepest;
    this.at = DECLARATION.exec(text)?.[0].length ?? 0;
  }

  readText() {
    const next = this.text.indexOf("<", this.at);
    const text = this.text.slice(this.at, next < 0 ? undefined : next);
    this.at += text.length;
    if (this.#open.length === 0) {
      if (/[^ \t\n]/.test(text)) {
        throw new DamagedXmlError("it has text outside of its elements");
      }
      return;
    }
    if (text.includes("]]>")) {
      throw new DamagedXmlError("it ends a section that it does not start");
    }
    this.#add({ kind: "text", data: resolved(text) });
  }

  readEnd() {
    const found = this.#take(END_TAG);
    if (!found || this.#open.pop()?.name !== found[1]) {
      throw new DamagedXmlError(`the tag at character ${this.at} closes nothing`);
    }
    this.#scopes.pop();
  }

  readInstruction() {
    const found = INSTRUCTION.exec(this.#until("<?", "?>"));
    if (!found || found[1].toLowerCase() === "xml") {
      throw new DamagedXmlError("it holds an instruction that must not be there");
    }
    this.#add({ kind: "instruction", target: found[1], data: found[2] ?? "" });
  }

  readComment() {
    const data = this.#until("<!--", "--");
    if (this.text[this.at] !== ">") {
      throw new DamagedXmlError("it holds a comment with two hyphens");
    }
    this.at++;
    this.#add({ kind: "comment", data });
  }

  readSection() {
    if (this.#open.length === 0) {
      throw new DamagedXmlError("it has text outside of its elements");
    }
    const data = this.#until("<![CDATA[", "]]>");
    // An empty section is none.
    if (data !== "") {
      this.#add({ kind: "section", data });
    }
  }

  readElement() {
    const start = this.#take(TAG_START);
    const stated = this.#takeAttributes();
    const end = this.#take(TAG_END);
    if (!start || !end) {
      throw new DamagedXmlError(`it is not well-formed at character ${this.at}`);
    }
    if (this.#open.length === 0 && this.#top.some(isElement)) {
      throw new DamagedXmlError("it has several elements at the top");
    }
    const around = this.#scopes[this.#scopes.length - 1];
    const { element, scope } = elementOf(start[1], stated, around, this.#open.at(-1) ?? null);
    this.#add(element);
    if (end[1] === "") {
      this.#open.push(element);
      this.#scopes.push(scope);
    }
  }

  finish() {
    if (this.#open.length > 0 || !this.#top.some(isElement)) {
      throw new DamagedXmlError("it ends early");
    }
    return this.#top;
  }

  /** @param {Node} node */
  #add(node) {
    if (this.#open.length >= this.deepest) {
      throw new DamagedXmlError(`it has more than ${this.deepest} elements inside of each other`);
    }
    (this.#open.at(-1)?.children ?? this.#top).push(node);
  }

  /**
   * What matches at this place; `null`: nothing does.
   *
   * @param {RegExp} pattern
   */
  #take(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    this.at = found ? pattern.lastIndex : this.at;
    return found;
  }

  /** @returns {[string, string][]} names and values */
  #takeAttributes() {
    /** @type {[string, string][]} */
    const stated = [];
    for (let found = this.#take(ATTRIBUTE); found; found = this.#take(ATTRIBUTE)) {
      stated.push([found[1], resolved((found[2] ?? found[3]).replace(/[\t\n]/g, " "))]);
    }
    return stated;
  }

  /**
   * What lies between two marks, the first of which is here.
   *
   * @param {string} start
   * @param {string} end
   */
  #until(start, end) {
    const from = this.at + start.length;
    const to = this.text.indexOf(end, from);
    if (to < 0) {
      throw new DamagedXmlError("it ends early");
    }
    this.at = to + end.length;
    return this.text.slice(from, to);
  }
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
  const head = new TextDecoder("latin1").decode(bytes.subarray(0, 200)).replace(/^\u00ef\u00bb\u00bf/, "");
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

/** @param {Node} node */
function isElement({ kind }) {
  return kind === "element";
}

/**
 * An element, and the namespaces that are known inside of it.
 *
 * @param {string} name
 * @param {[string, string][]} stated its attributes
 * @param {Scope} around the namespaces that are known around it, by prefix
 * @param {Element | null} parent
 * @returns {{element: Element, scope: Scope}}
 */
function elementOf(name, stated, around, parent) {
  const declared = stated.filter(([key]) => key === "xmlns" || key.startsWith("xmlns:"));
  const scope = declared.length > 0 ? new Map(around) : around;
  /** @type {Attribute[]} */
  const attributes = [];
  for (const [key, value] of declared) {
    const prefix = key.slice(6);
    const isWrong = prefix === "xmlns" || value === XMLNS || (prefix === "xml") !== (value === XML);
    // No address holds a space.
    if (isWrong || value.includes(" ") || (prefix !== "" && value === "")) {
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
 * @param {Scope} scope
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
