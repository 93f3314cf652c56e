/** The thumbnails of all pictures, with their states. */

import { text } from "./strings.js";

/** @typedef {import("./pictures.js").Item} Item */

/** @type {WeakMap<Item, HTMLLIElement>} */
const entries = new WeakMap();
/** @type {HTMLLIElement | null} */
let lastLooked = null;

/**
 * Bring the list up to date.
 *
 * @param {HTMLUListElement} list
 * @param {import("./pictures.js").Pictures} pictures
 * @param {{select: (item: Item) => void, remove: (item: Item) => void, isCurrent: (item: Item) => boolean}} actions
 */
export function drawTray(list, { items, selected }, actions) {
  const wanted = items.map((item) => {
    const entry = entries.get(item) ?? newEntry(item, actions);
    fill(entry, item, item === selected, item.state === "done" && !actions.isCurrent(item));
    return entry;
  });
  // Moving an element takes the keyboard away from it, so those that are in place stay.
  if (wanted.length !== list.children.length || wanted.some((entry, index) => entry !== list.children[index])) {
    const { activeElement } = document;
    const focused = [...list.children].findIndex((entry) => entry.contains(activeElement));
    const kind = activeElement?.className;
    list.replaceChildren(...wanted);
    if (focused >= 0) {
      // The same button of the picture that takes the place of one that was removed.
      /** @type {HTMLElement | null | undefined} */ (
        wanted[Math.min(focused, wanted.length - 1)]?.querySelector(`.${kind}`)
      )?.focus();
    }
  }
  const looked = selected && entries.get(selected);
  if (looked && looked !== lastLooked) {
    lastLooked = looked;
    looked.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}

/**
 * @param {Item} item
 * @param {{select: (item: Item) => void, remove: (item: Item) => void}} actions
 */
function newEntry(item, { select, remove }) {
  const entry = document.createElement("li");
  const pick = element("button", "pick");
  pick.append(element("span", "image"), element("span", "name"), element("span", "state"));
  pick.addEventListener("click", () => select(item));
  const removal = element("button", "remove");
  removal.textContent = "×";
  removal.addEventListener("click", () => remove(item));
  entry.append(pick, removal);
  entries.set(item, entry);
  return entry;
}

/**
 * @param {HTMLLIElement} entry
 * @param {Item} item
 * @param {boolean} isSelected
 * @param {boolean} isStale whether the settings ask for something else than its result
 */
function fill(entry, item, isSelected, isStale) {
  const find = (/** @type {string} */ name) => /** @type {HTMLElement} */ (entry.querySelector(name));
  entry.dataset.state = item.state;
  find(".pick").setAttribute("aria-pressed", `${isSelected}`);
  if (item.thumbnail && !find(".image").firstChild) {
    find(".image").append(item.thumbnail);
  }
  write(find(".name"), item.name);
  const { tiles } = item;
  const percent = tiles ? Math.floor((100 * tiles.done) / tiles.total) : 0;
  write(find(".state"), text(isStale ? "stale" : item.state, { percent }));
  find(".pick").title = item.name;
  find(".remove").setAttribute("aria-label", text("remove", { name: item.name }));
}

/**
 * @param {HTMLElement} target
 * @param {string} words
 */
function write(target, words) {
  if (target.textContent !== words) {
    target.textContent = words;
  }
}

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} kind
 * @param {string} name of its class
 */
function element(kind, name) {
  const made = document.createElement(kind);
  made.className = name;
  if (made instanceof HTMLButtonElement) {
    made.type = "button";
  }
  return made;
}
