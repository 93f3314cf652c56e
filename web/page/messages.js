/** Sentences for the visitor, each of which stays until it is closed. */

import { text } from "./strings.js";

/**
 * @param {HTMLElement} list
 * @param {string} words
 */
export function say(list, words) {
  // What is said again is not said twice.
  for (const other of list.children) {
    if (other.firstChild?.textContent === words) {
      other.remove();
    }
  }
  const message = document.createElement("p");
  const sentence = document.createElement("span");
  sentence.textContent = words;
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "×";
  close.setAttribute("aria-label", text("messageClose"));
  close.addEventListener("click", () => message.remove());
  message.append(sentence, close);
  list.append(message);
}
