/** The page: puts its parts together. */

import { UnreadableImageError } from "../engine/errors.js";
import { Comparison } from "./comparison.js";
import { drawFacts } from "./facts.js";
import { firstLook } from "./first_look.js";
import { listenToGestures } from "./gestures.js";
import { listenToIntake, offerExamples } from "./intake.js";
import { KEYS, listenToKeys } from "./keys.js";
import { announce, say } from "./messages.js";
import { Network } from "./network.js";
import { keepOffline } from "./offline.js";
import { Pictures } from "./pictures.js";
import { drawCover, drawProgress } from "./progress.js";
import { Results } from "./results.js";
import { Selection } from "./selection.js";
import { Settings } from "./settings.js";
import { chooseLanguage, currentLanguage, fillTexts, LANGUAGES, sizeInWords, text } from "./strings.js";
import { drawTray } from "./tray.js";
import { Work } from "./work.js";

/** @typedef {import("./pictures.js").Item} Item */

/** @type {<T extends HTMLElement>(selector: string) => T} */
const find = (selector) => /** @type {any} */ (document.querySelector(selector));

/** The engine speaks English. @param {Error} error */
const complain = ({ message }) => say(find(".messages"), message, "en");

document.documentElement.lang = currentLanguage();
fillTexts(document);
const pictures = new Pictures();
const settings = new Settings(find(".panel"));
const comparison = new Comparison(find(".stage"));
const kept = keepOffline(() => pictures.items.length === 0);
const network = await Network.find(kept).catch((error) => {
  complain(error);
  throw error;
});
const work = new Work(pictures, network, settings);
const selection = new Selection(pictures, network, settings, comparison);
const results = new Results({ pictures, network, settings, work, outcome: find(".outcome"), complain });

/** @param {import("./intake.js").Given[]} given */
async function take(given) {
  const items = given.map(({ file, name }) => pictures.add(file, name));
  for (const item of items) {
    try {
      const facts = await firstLook(item.file);
      if (pictures.items.includes(item)) {
        pictures.set(item, facts);
        work.ask(item);
      }
    } catch (error) {
      const { message } = /** @type {Error} */ (error);
      pictures.set(item, { state: "failed", sentence: message, isHopeless: error instanceof UnreadableImageError });
    }
  }
}

function draw() {
  const { items, selected } = pictures;
  const focused = document.activeElement;
  const hasPictures = items.length > 0;
  document.body.classList.toggle("empty", !hasPictures);
  for (const name of [".stage", ".tray", ".panel"]) {
    find(name).hidden = !hasPictures;
  }
  find(".intake").hidden = hasPictures;
  find(".clear").hidden = items.length < 2;
  settings.showQualityOf(selected);
  selection.update();
  drawTray(find(".tray ul"), pictures, { select, remove, isCurrent: (item) => work.isCurrent(item) });
  announce(find(".announced"), items);
  drawProgress(find(".work"), work.item, network);
  drawCover(find(".cover"), selected, network, { allow: (item) => work.allow(item), again: (item) => work.ask(item) });
  drawFacts(find(".facts"), selected);
  const done = items.filter(({ number }) => number !== null).length;
  const all = find(".all");
  all.hidden = items.length < 2;
  all.textContent = text("all", { count: done });
  /** @type {[string, boolean][]} */
  const buttons = [
    [".download", selected?.number !== null],
    [".copy", selected?.number !== null],
    [".all", done > 0],
  ];
  for (const [name, isUsable] of buttons) {
    // Buttons that were disabled would lose the keyboard.
    find(name).setAttribute("aria-disabled", `${!isUsable || results.isSaving}`);
  }
  // What had the keyboard is hidden, or gone.
  if (focused && (!focused.isConnected || focused.closest("[hidden]"))) {
    find(hasPictures ? ".pick[aria-pressed=true]" : ".choose")?.focus();
  }
}

/** @param {Item} item */
function select(item) {
  if (pictures.selected && pictures.selected !== item) {
    work.putOff(pictures.selected);
  }
  pictures.select(item);
  // Settings may have changed since it was restored.
  if (item.state === "done") {
    work.follow(item);
  }
}

/** @param {Item} item */
function remove(item) {
  work.remove(item).catch(complain);
}

function listen() {
  pictures.addEventListener("change", draw);
  results.addEventListener("change", draw);
  network.addEventListener("change", () => {
    draw();
    if (network.isOpen) {
      void sayIfOffline();
    }
  });
  settings.addEventListener("strength", () => selection.showStrength());
  settings.addEventListener("finish", () => selection.update());
  settings.addEventListener("run", () => {
    const item = pictures.selected;
    if (item) {
      item.quality = settings.quality;
    }
    // Others that only waited to be restored again may have what is asked for now.
    for (const other of pictures.items.filter(({ state, number }) => state === "waiting" && number !== null)) {
      work.follow(other);
    }
    if (item) {
      work.follow(item);
    }
    draw();
  });
  find(".download").addEventListener("click", () => results.download());
  find(".copy").addEventListener("click", () => results.copy());
  find(".all").addEventListener("click", () => results.all());
  find(".clear").addEventListener("click", () => [...pictures.items].forEach(remove));
  const stop = () => work.item && work.stop(work.item);
  find(".stop").addEventListener("click", stop);
  const next = (/** @type {number} */ step) => {
    const item = pictures.beside(step);
    if (item) {
      select(item);
    }
  };
  const areOn = () => /** @type {HTMLInputElement} */ (find(".letters")).checked;
  listenToKeys({ comparison, next, save: () => void results.download(), stop, areOn });
  listenToGestures(find(".stage"), comparison);
  listenToIntake({
    input: find(".file"),
    buttons: [find(".choose"), find(".more")],
    take: (given) => void take(given),
    refuse: () => say(find(".messages"), text("noPicture")),
  });
  window.addEventListener("beforeunload", (event) => {
    // Results that nobody saved would be lost.
    if (pictures.items.some(({ number, saved }) => number !== null && !saved)) {
      event.preventDefault();
    }
  });
}

async function sayIfOffline() {
  const { network: isHere, realism } = await network.here();
  const isOffline = isHere && navigator.serviceWorker?.controller;
  find(".offline").textContent = isOffline ? text(realism ? "offline" : "offlineButRealism") : "";
  const size = sizeInWords(network.site.realism ?? 0);
  find("#realism-help").textContent = text(realism ? "realismHelp" : "realismCost", { size });
  find(".cost").textContent = isHere ? text("costPaid") : text("costFirst", { size: sizeInWords(network.cost) });
}

function speak() {
  document.documentElement.lang = currentLanguage();
  document.title = `ARGAN: ${text("title")}`;
  fillTexts(document);
  find(".keys dl").replaceChildren(
    ...KEYS.flatMap(([keys, key]) => {
      const [term, meaning] = [document.createElement("dt"), document.createElement("dd")];
      term.textContent = keys;
      meaning.textContent = text(key);
      return [term, meaning];
    }),
  );
  const { examples, gradio } = network.site;
  find(".examples").hidden = !examples.length;
  const describe = (/** @type {string} */ name) => text("example", { name });
  offerExamples(find(".examples ul"), examples, describe, (given) => void take(given), complain);
  const link = /** @type {HTMLAnchorElement} */ (find(".gradio"));
  link.hidden = !gradio;
  if (gradio) {
    link.href = gradio;
  }
  draw();
  return sayIfOffline();
}

function offerLanguages() {
  const choice = /** @type {HTMLSelectElement} */ (find(".language"));
  choice.replaceChildren(
    ...Object.entries(LANGUAGES).map(([code, { name }]) => new Option(name, code, false, code === currentLanguage())),
  );
  choice.addEventListener("change", () => {
    chooseLanguage(choice.value);
    void speak();
  });
}

offerLanguages();
listen();
await speak();
if (network.site.realism === null) {
  settings.hideRealism();
}
document.body.dataset.ready = "";
