/** How far the work is, and what a picture waits for: the bar, and the words over the stage. */

import { megapixels } from "./pictures.js";
import { sizeInWords, text, timeInWords } from "./strings.js";

/**
 * @typedef {import("./pictures.js").Item} Item
 * @typedef {import("./network.js").Network} Network
 */

/**
 * Show how far the picture is that is being restored.
 *
 * @param {HTMLElement} section
 * @param {Item | null} item
 * @param {Network} network
 */
export function drawProgress(section, item, network) {
  section.hidden = !item;
  if (!item) {
    return;
  }
  const bar = /** @type {HTMLProgressElement} */ (section.querySelector("progress"));
  const words = /** @type {HTMLElement} */ (section.querySelector(".words"));
  const { value, sentence } = state(item, network);
  if (value === null) {
    bar.removeAttribute("value");
  } else {
    bar.value = value;
  }
  bar.setAttribute("aria-label", sentence);
  if (words.textContent !== sentence) {
    words.textContent = sentence;
  }
}

/**
 * @param {Item} item
 * @param {Network} network
 * @returns {{value: number | null, sentence: string}}
 */
function state({ name, tiles }, network) {
  if (network.download) {
    const { loaded, total } = network.download;
    const values = { loaded: sizeInWords(loaded), total: sizeInWords(total) };
    return { value: loaded / total, sentence: text("loading", values) };
  }
  if (!network.isOpen) {
    return { value: null, sentence: text("starting") };
  }
  if (!tiles) {
    return { value: null, sentence: text("looking", { name }) };
  }
  const { done, total, since } = tiles;
  const values = { name, done, total };
  const seconds = ((performance.now() - since) / 1000 / done) * (total - done);
  return {
    value: done / total,
    sentence: done < total ? text("tilesLeft", { ...values, time: timeInWords(seconds) }) : text("tiles", values),
  };
}

/**
 * Say over the stage why a picture has no result, and offer what can be done.
 *
 * @param {HTMLElement} cover
 * @param {Item | null} item
 * @param {Network} network
 * @param {{allow: (item: Item) => void, again: (item: Item) => void}} actions
 */
export function drawCover(cover, item, network, { allow, again }) {
  const offer = item && offerFor(item, network);
  cover.hidden = !offer;
  if (!item || !offer) {
    return;
  }
  const [sentence, label] = offer;
  const words = /** @type {HTMLElement} */ (cover.querySelector(".sentence"));
  words.textContent = sentence;
  // The engine speaks English.
  words.lang = item.state === "failed" ? "en" : "";
  const actions = /** @type {HTMLElement} */ (cover.querySelector(".actions"));
  actions.hidden = label === null;
  let button = actions.querySelector("button");
  if (!button) {
    button = document.createElement("button");
    button.type = "button";
    button.className = "primary";
    actions.append(button);
  }
  button.textContent = label;
  button.onclick = () => (item.state === "asking" ? allow(item) : again(item));
}

/**
 * @param {Item} item
 * @param {Network} network
 * @returns {[string, string | null] | null} a sentence, and what is offered
 */
function offerFor(item, network) {
  if (item.state === "asking") {
    const count = megapixels(item);
    const time = timeInWords(network.expectedSeconds(count));
    return [text("large", { megapixels: Math.round(count), time }), text("largeStart")];
  }
  if (item.state === "stopped") {
    return [text("wasStopped"), text("again")];
  }
  if (item.state !== "failed") {
    return null;
  }
  return [item.sentence ?? "", item.isHopeless ? null : text("again")];
}
