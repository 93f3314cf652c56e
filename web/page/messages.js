/** Sentences for the visitor: troubles stay until they are closed, or until there are others. */

import { text } from "./strings.js";

const MOST = 3;

/**
 * @param {HTMLElement} list
 * @param {string} words
 * @param {string} [language] if it is not that of the page
 */
export function say(list, words, language = "") {
  // What is said again is not said twice.
  for (const other of list.children) {
    if (other.firstChild?.textContent === words) {
      other.remove();
    }
  }
  const message = document.createElement("p");
  const sentence = document.createElement("span");
  sentence.textContent = words;
  sentence.lang = language;
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "×";
  close.setAttribute("aria-label", text("messageClose"));
  close.addEventListener("click", () => message.remove());
  message.append(sentence, close);
  list.append(message);
  while (list.children.length > MOST) {
    list.firstElementChild?.remove();
  }
}

/** @type {WeakMap<import("./pictures.js").Item, string>} the state of each picture that was told last */
const told = new WeakMap();

/**
 * Tell those who do not see the page which pictures are done, or need them. Every tile would be too much.
 *
 * @param {HTMLElement} place
 * @param {import("./pictures.js").Item[]} items
 */
export function announce(place, items) {
  for (const item of items) {
    const { name, state } = item;
    if (told.get(item) !== state) {
      told.set(item, state);
      if (state !== "waiting" && state !== "running") {
        place.textContent = `${name}: ${text(state)}`;
      }
    }
  }
}
