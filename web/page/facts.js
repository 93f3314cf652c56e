/** What the file is, what was found and done, and what could not be kept: the report of the engine, in plain words. */

import { sizeInWords, text, timeInWords } from "./strings.js";

/** @typedef {import("./pictures.js").Item} Item */

/**
 * Write the facts about a picture.
 *
 * @param {HTMLElement} section
 * @param {Item | null} item
 */
export function drawFacts(section, item) {
  const list = document.createElement("dl");
  for (const [term, facts] of item ? factsOf(item) : []) {
    const title = document.createElement("dt");
    title.textContent = term;
    list.append(title, ...facts);
  }
  if (section.innerHTML !== list.outerHTML) {
    section.replaceChildren(list);
  }
}

/**
 * @param {Item} item
 * @returns {[string, HTMLElement[]][]} terms, and what is said about each
 */
function factsOf(item) {
  const { report, saved } = item;
  /** @type {[string, HTMLElement[]][]} */
  const facts = [];
  const file = describeFile(item);
  if (file) {
    facts.push([text("theFile"), [fact(file)]]);
  }
  if (!report) {
    return facts;
  }
  const saves = report.history.saves;
  const qualities = saves
    .toReversed()
    .map(({ quality }) => quality)
    .join(", ");
  facts.push([text("before"), [fact(saves.length ? text("saves", { qualities }) : text("noSaves"))]]);
  facts.push([text("whatWasDone"), describeWork(report).map(fact)]);
  if (report.consistency !== null) {
    facts.push([text("agreement"), [fact(describeConsistency(report.consistency))]]);
  }
  if (item.seconds !== null) {
    facts.push([text("time"), [fact(timeInWords(item.seconds))]]);
  }
  if (report.notes.length) {
    facts.push([text("notes"), report.notes.map(note)]);
  }
  if (saved?.notes.length) {
    facts.push([text("inTheFile", { name: saved.name }), saved.notes.map(note)]);
  }
  return facts;
}

/** @param {Item} item */
function describeFile({ file, jpeg, report, ...item }) {
  const width = item.width ?? report?.width;
  const height = item.height ?? report?.height;
  if (!width || !height) {
    return null;
  }
  const size = sizeInWords(file.size);
  if (jpeg) {
    return text(jpeg.sampling === "gray" ? "fileGray" : "fileJpeg", { ...jpeg, width, height, size });
  }
  const format = report?.format ?? (file.type.replace(/^image\//, "").toUpperCase() || "?");
  return text("fileOther", { format, width, height, size });
}

/** @param {NonNullable<Item["report"]>} report */
function describeWork({ restoredPlanes, untouched, strength }) {
  if (strength === 0 || untouched === 1) {
    return [strength === 0 ? "–" : text("untouchedAll")];
  }
  const planes = text(restoredPlanes === "Y" ? "planesLuma" : "planesColor");
  const percent = floored(100 * untouched, 0);
  return percent === "0" ? [planes] : [planes, text("untouchedPart", { percent })];
}

/** @param {import("../engine/report.js").Consistency} consistency */
function describeConsistency({ luma_blocks, chroma_blocks }) {
  const luma = floored(100 * luma_blocks, 1);
  if (chroma_blocks === null) {
    return text("agreementLuma", { luma });
  }
  const chroma = floored(100 * chroma_blocks, 1);
  return luma === chroma ? text("agreementBoth", { luma }) : text("agreementEach", { luma, chroma });
}

/**
 * A number that promises nothing that is not so.
 *
 * @param {number} value
 * @param {number} digits
 */
function floored(value, digits) {
  return `${Math.floor(value * 10 ** digits) / 10 ** digits}`;
}

/** @param {string} words */
function fact(words) {
  const made = document.createElement("dd");
  made.textContent = words;
  return made;
}

/** A sentence of the engine, which speaks English. @param {string} words */
function note(words) {
  const made = fact(words);
  made.lang = "en";
  return made;
}
