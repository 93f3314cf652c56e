// Compares two pictures of one size: the original on the left of a handle, the restored one on the right. Pixels can be
// judged: at 1:1 a pixel of the picture is a pixel of the screen, at 2:1 it is a square of four.

function createComparison(frame) {
  const find = (selector) => frame.querySelector(selector);
  const scroller = find(".scroller"), stage = find(".stage"), bar = find(".bar"), handle = find(".handle"), split = find(".split");
  const before = find(".before"), after = find(".after");
  const hold = bar.querySelector(".hold");
  const size = { width: 0, height: 0 };
  let zoom = "fit";

  const screenPixels = () => window.devicePixelRatio || 1;

  function scale() {
    if (zoom !== "fit") return Number(zoom) / screenPixels();
    const fitting = Math.min(scroller.clientWidth / size.width, scroller.clientHeight / size.height);
    // Small pictures are enlarged, but not to a blur.
    return Math.min(fitting, Math.max(1, Math.min(Math.floor(fitting), Math.floor(512 / Math.max(size.width, size.height)))));
  }

  // Lays the stage out. What is in the middle of the frame stays there.
  function layOut() {
    if (!size.width) return;
    const middle = [
      (scroller.scrollLeft + scroller.clientWidth / 2) / Math.max(1, stage.offsetWidth),
      (scroller.scrollTop + scroller.clientHeight / 2) / Math.max(1, stage.offsetHeight),
    ];
    const factor = scale();
    stage.style.width = size.width * factor + "px";
    stage.style.height = size.height * factor + "px";
    stage.classList.toggle("pixels", zoom !== "fit" || factor > 1);
    scroller.classList.toggle("fits", zoom === "fit");
    scroller.scrollLeft = middle[0] * stage.offsetWidth - scroller.clientWidth / 2;
    scroller.scrollTop = middle[1] * stage.offsetHeight - scroller.clientHeight / 2;
    cut();
  }

  // Left and right end of what is visible of the stage, in pixels from the left of the frame.
  function visible() {
    const left = stage.offsetLeft - scroller.scrollLeft;
    return [Math.max(0, left), Math.min(scroller.clientWidth, left + stage.offsetWidth), left];
  }

  // Cuts the restored picture off at the handle.
  function cut() {
    const [start, end, left] = visible();
    const position = start + (end - start) * split.value / 100;
    handle.style.left = position + "px";
    after.style.clipPath = "inset(0 0 0 " + Math.max(0, position - left) + "px)";
  }

  function moveTo(clientX) {
    const [start, end] = visible();
    const position = clientX - scroller.getBoundingClientRect().left;
    split.value = Math.round(100 * Math.min(1, Math.max(0, (position - start) / Math.max(1, end - start))));
    cut();
  }

  function drag(target, began, moved) {
    target.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !began(event)) return;
      event.preventDefault();
      target.setPointerCapture(event.pointerId);
      const move = (next) => moved(next, event);
      const end = () => {
        target.removeEventListener("pointermove", move);
        target.removeEventListener("pointerup", end);
        target.removeEventListener("pointercancel", end);
      };
      target.addEventListener("pointermove", move);
      target.addEventListener("pointerup", end);
      target.addEventListener("pointercancel", end);
    });
  }

  drag(handle, () => { split.focus({ preventScroll: true }); return true; }, (event) => moveTo(event.clientX));
  // In the picture itself, a drag moves the handle where all is visible, and the picture where it is not. Fingers
  // scroll without our help.
  let from = [0, 0];
  drag(
    scroller,
    (event) => {
      if (zoom === "fit") { moveTo(event.clientX); return true; }
      from = [scroller.scrollLeft, scroller.scrollTop];
      return event.pointerType === "mouse";
    },
    (event, first) => {
      if (zoom === "fit") { moveTo(event.clientX); return; }
      scroller.scrollLeft = from[0] - (event.clientX - first.clientX);
      scroller.scrollTop = from[1] - (event.clientY - first.clientY);
    },
  );
  split.addEventListener("input", cut);
  scroller.addEventListener("scroll", cut);
  new ResizeObserver(layOut).observe(scroller);

  for (const button of bar.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => {
      zoom = button.dataset.zoom;
      for (const other of bar.querySelectorAll("[data-zoom]")) other.setAttribute("aria-pressed", String(other === button));
      layOut();
    });
  }

  function hide(isHidden) {
    frame.classList.toggle("holding", isHidden);
    hold.setAttribute("aria-pressed", String(isHidden));
  }
  hold.addEventListener("pointerdown", () => hide(true));
  for (const name of ["pointerup", "pointerleave", "pointercancel", "blur"]) hold.addEventListener(name, () => hide(false));
  hold.addEventListener("keydown", (event) => {
    if (event.key === " " || event.key === "Enter") { event.preventDefault(); hide(true); }
  });
  hold.addEventListener("keyup", () => hide(false));
  hold.addEventListener("contextmenu", (event) => event.preventDefault());

  function setSource(image, url) {
    if (!url) { image.removeAttribute("src"); image.hidden = true; return; }
    image.hidden = false;
    if (image.getAttribute("src") !== url) image.src = url;
  }

  // shown: { width, height, before, after, caption, name }; before and after are addresses, or null.
  return function show(shown) {
    frame.classList.toggle("compares", Boolean(shown && shown.before && shown.after));
    frame.classList.toggle("empty", !shown || !(shown.before || shown.after));
    setSource(before, shown && shown.before);
    setSource(after, shown && shown.after);
    find(".left").textContent = shown && shown.before ? shown.caption : "";
    find(".right").textContent = shown && shown.after ? "Restored" : "";
    before.alt = shown ? shown.caption + ", " + shown.name : "";
    after.alt = shown ? "Restored, " + shown.name : "";
    const [width, height] = shown ? [shown.width, shown.height] : [0, 0];
    if (width === size.width && height === size.height) { cut(); return; }
    Object.assign(size, { width, height });
    if (width) frame.style.setProperty("--ratio", height / width);
    layOut();
  };
}
