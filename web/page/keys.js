/** The keys of the page. `KEYS` is also what the page lists. */

/**
 * @typedef {import("./strings.js").Key} Key
 *
 * @type {[string, Key][]} keys as they are shown, and what they do
 */
export const KEYS = [
  ["Ctrl+V", "keyPaste"],
  ["0 · 1 · 2", "keyFit"],
  ["+ · −", "keyZoom"],
  ["O", "keyHold"],
  ["← · →", "keySplit"],
  ["Shift + ← ↑ → ↓", "keyPan"],
  ["N · P", "keyNext"],
  ["S", "keySave"],
  ["Esc", "keyStop"],
];

const STEP = 60;

/**
 * @param {object} page
 * @param {import("./comparison.js").Comparison} page.comparison
 * @param {(step: number) => void} page.next
 * @param {() => void} page.save
 * @param {() => void} page.stop
 * @param {() => boolean} page.areOn whether single letters, digits and signs are keys of the page
 */
export function listenToKeys({ comparison, next, save, stop, areOn }) {
  /** @type {Record<string, () => void>} */
  const actions = {
    0: () => comparison.change((view) => view.zoomTo("fit")),
    1: () => comparison.change((view) => view.zoomTo(1)),
    2: () => comparison.change((view) => view.zoomTo(2)),
    "+": () => comparison.change((view) => view.zoomBy(1.5)),
    "=": () => comparison.change((view) => view.zoomBy(1.5)),
    "-": () => comparison.change((view) => view.zoomBy(1 / 1.5)),
    o: () => comparison.hold(true),
    n: () => next(1),
    p: () => next(-1),
    s: save,
    Escape: stop,
  };
  /** @type {Record<string, [number, number]>} */
  const moves = { ArrowLeft: [STEP, 0], ArrowRight: [-STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] };
  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || isUsedBy(target, key)) {
      return;
    }
    const name = key.length === 1 ? key.toLowerCase() : key;
    if (Object.hasOwn(actions, name)) {
      // Whoever speaks to a computer may say letters without meaning a key.
      if (key.length > 1 || areOn()) {
        event.preventDefault();
        // A key that is kept down does once what it does.
        if (!event.repeat || name === "+" || name === "-") {
          actions[name]();
        }
      }
    } else if (Object.hasOwn(moves, key) && event.shiftKey) {
      event.preventDefault();
      comparison.change((view) => view.pan(...moves[key]));
    } else if (key === "ArrowLeft" || key === "ArrowRight") {
      event.preventDefault();
      comparison.moveSplit(key === "ArrowLeft" ? -0.01 : 0.01);
    }
  });
  document.addEventListener("keyup", ({ key }) => {
    if (key.toLowerCase() === "o") {
      comparison.hold(false);
    }
  });
}

/**
 * Whether an element uses a key itself.
 *
 * @param {EventTarget | null} target
 * @param {string} key
 */
function isUsedBy(target, key) {
  if (!(target instanceof Element) || key === "Escape") {
    return false;
  }
  if (target.matches("input[type=range]")) {
    return key.startsWith("Arrow");
  }
  return target.matches("input:not([type=checkbox]), select, textarea");
}
