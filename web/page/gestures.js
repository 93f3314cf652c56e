/** Mouse, pen and fingers on the stage: moving the handle or the picture, zooming to the pointer, and the loupe. */

import { Loupe } from "./loupe.js";

/** @typedef {import("./comparison.js").Comparison} Comparison */
/** @typedef {import("./view.js").Point} Point */

// CSS pixels around the handle that still move it.
const NEAR = 24;
// A finger that rests for so long, in milliseconds, and within so many CSS pixels, opens the loupe.
const REST = 400;
const STILL = 8;

/**
 * @param {HTMLElement} section of the stage
 * @param {Comparison} comparison
 */
export function listenToGestures(section, comparison) {
  const canvas = /** @type {HTMLCanvasElement} */ (section.querySelector("canvas"));
  const handle = /** @type {HTMLElement} */ (section.querySelector(".handle"));
  const loupe = new Loupe(/** @type {HTMLCanvasElement} */ (section.querySelector(".loupe")), comparison);
  /** @type {Map<number, Point>} where each finger is */
  const pointers = new Map();
  /** @type {"split" | "pan" | "pinch" | "loupe" | null} */
  let mode = null;
  /** @type {number | undefined} */
  let resting;
  /** @type {Point} */
  let first = { x: 0, y: 0 };

  const pointOf = (/** @type {MouseEvent} */ event) => {
    const { left, top } = canvas.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };

  /** @param {PointerEvent} event */
  const begin = (event) => {
    if (event.button !== 0 || !comparison.view) {
      return;
    }
    const point = pointOf(event);
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, point);
    clearTimeout(resting);
    if (pointers.size === 2) {
      mode = "pinch";
      loupe.close();
      return;
    }
    first = point;
    const isNear = comparison.compares && Math.abs(point.x - comparison.handleX) < NEAR;
    mode = isNear || (comparison.view.isWhole && comparison.compares) ? "split" : "pan";
    if (event.pointerType === "touch" && !isNear) {
      resting = window.setTimeout(() => {
        mode = "loupe";
        loupe.open(point);
      }, REST);
    } else if (mode === "split") {
      comparison.splitAt(point.x);
    }
  };

  /** @param {PointerEvent} event */
  const move = (event) => {
    const last = pointers.get(event.pointerId);
    if (!last) {
      return;
    }
    const point = pointOf(event);
    const others = [...pointers].filter(([id]) => id !== event.pointerId).map(([, other]) => other);
    pointers.set(event.pointerId, point);
    if (Math.hypot(point.x - first.x, point.y - first.y) > STILL) {
      clearTimeout(resting);
    }
    if (mode === "pinch" && others.length) {
      pinch(comparison, last, point, others[0]);
    } else if (mode === "split") {
      comparison.splitAt(point.x);
    } else if (mode === "pan") {
      comparison.change((view) => view.pan(point.x - last.x, point.y - last.y));
    } else if (mode === "loupe") {
      loupe.open(point);
    }
  };

  /** @param {PointerEvent} event */
  const end = (event) => {
    pointers.delete(event.pointerId);
    clearTimeout(resting);
    loupe.close();
    // Of two fingers that zoomed, the one that is left does nothing until it is lifted, too.
    mode = null;
  };

  canvas.addEventListener("pointerdown", begin);
  canvas.addEventListener("pointermove", move);
  for (const name of /** @type {const} */ (["pointerup", "pointercancel", "lostpointercapture"])) {
    canvas.addEventListener(name, end);
  }
  // The handle lies on the canvas, and what begins on it goes on there.
  handle.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    handle.focus({ preventScroll: true });
    begin(event);
  });
  // On the handle as well.
  section.addEventListener(
    "wheel",
    (event) => {
      if (comparison.view) {
        event.preventDefault();
        const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
        // Pinching on a touchpad comes as a wheel with this key, in small steps.
        const speed = event.ctrlKey ? 0.01 : 0.002;
        comparison.change((view) => view.zoomBy(Math.exp(-event.deltaY * lines * speed), pointOf(event)));
      }
    },
    { passive: false },
  );
  canvas.addEventListener("dblclick", (event) => {
    comparison.change((view) => view.zoomTo(view.zoom === "fit" ? 1 : "fit", pointOf(event)));
  });
  // Where all is seen, a finger may scroll the page; not while it holds the loupe.
  canvas.addEventListener(
    "touchmove",
    (event) => {
      if (event.cancelable && (mode === "loupe" || mode === "pinch" || !comparison.view?.isWhole)) {
        event.preventDefault();
      }
    },
    { passive: false },
  );
  canvas.addEventListener("contextmenu", (event) => {
    if (mode === "loupe") {
      event.preventDefault();
    }
  });
}

/**
 * @param {Comparison} comparison
 * @param {Point} last where the finger was that moved
 * @param {Point} point where it is
 * @param {Point} other where the other one is
 */
function pinch(comparison, last, point, other) {
  const distance = (/** @type {Point} */ { x, y }) => Math.max(1, Math.hypot(x - other.x, y - other.y));
  const middle = { x: (point.x + other.x) / 2, y: (point.y + other.y) / 2 };
  comparison.change((view) => {
    view.pan((point.x - last.x) / 2, (point.y - last.y) / 2);
    view.zoomBy(distance(point) / distance(last), middle);
  });
}
