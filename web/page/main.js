/** The page: puts its parts together. */

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
import { copy, download, fileOf, zipOf } from "./saving.js";
import { Selection } from "./selection.js";
import { Settings } from "./settings.js";
import { chooseLanguage, currentLanguage, fillTexts, LANGUAGES, sizeInWords, text } from "./strings.js";
import { drawTray } from "./tray.js";
import { Work } from "./work.js";

/** @typedef {import("./pictures.js").Item} Item */

/** @type {<T extends HTMLElement>(selector: string) => T} */
const find = (selector) => /** @type {any} */ (document.querySelector(selector));

const pictures = new Pictures();
const settings = new Settings(find(".panel"));
const comparison = new Comparison(find(".stage"));
void keepOffline(() => pictures.items.length === 0);
const network = await Network.find();
const work = new Work(pictures, network, settings);
const selection = new Selection(pictures, network, settings, comparison);
let isSaving = false;

/** @param {string} words */
const tell = (words) => say(find(".messages"), words);

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
      pictures.set(item, { state: "failed", sentence: /** @type {Error} */ (error).message });
    }
  }
}

function draw() {
  const { items, selected } = pictures;
  const hasPictures = items.length > 0;
  // What had the keyboard is about to be hidden.
  const isLeft = find(".intake").hidden !== hasPictures && document.activeElement?.closest(".intake, .tray");
  document.body.classList.toggle("empty", !hasPictures);
  for (const name of [".stage", ".tray", ".panel"]) {
    find(name).hidden = !hasPictures;
  }
  find(".intake").hidden = hasPictures;
  settings.showQuality(selected?.quality ?? null);
  selection.update();
  drawTray(find(".tray ul"), pictures, { select, remove: (item) => void work.remove(item) });
  if (isLeft) {
    find(hasPictures ? ".pick" : ".choose").focus();
  }
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
    find(name).setAttribute("aria-disabled", `${!isUsable || isSaving}`);
  }
}

/** @param {Item} item */
function select(item) {
  pictures.select(item);
  // Settings may have changed since it was restored.
  if (item.state === "done" && work.isStale(item)) {
    work.ask(item);
  }
}

/** @param {(engine: import("../engine/engine.js").Engine) => Promise<string>} action that says what it did */
async function save(action) {
  isSaving = true;
  draw();
  try {
    tell(await action(await network.engine()));
  } catch (error) {
    tell(/** @type {Error} */ (error).message);
  } finally {
    isSaving = false;
    draw();
  }
}

const actions = {
  download() {
    const item = pictures.selected;
    if (!isSaving && item && item.number !== null) {
      void save(async (engine) => {
        const file = await fileOf(engine, item, settings);
        download(file);
        return text("saved", { name: file.name });
      });
    }
  },
  copy() {
    const item = pictures.selected;
    if (!isSaving && item && item.number !== null) {
      void save(async () => {
        if (!navigator.clipboard || typeof ClipboardItem === "undefined") {
          return text("cannotCopy");
        }
        await copy(network.engine(), item, settings);
        return text("copied");
      });
    }
  },
  all() {
    if (!isSaving && pictures.items.some(({ number }) => number !== null)) {
      void save(async (engine) => {
        // All of them alike, whatever is set meanwhile.
        const { format, strength, faithful } = settings;
        await work.bringUpToDate(pictures.items);
        const items = pictures.items.filter(({ number }) => number !== null);
        const { file, leftOut } = await zipOf(engine, items, { format, strength, faithful });
        if (leftOut.length) {
          tell(text("leftOut", { names: leftOut.join(", ") }));
        }
        download(file);
        return text("zipped", { count: items.length - leftOut.length, name: file.name });
      });
    }
  },
};

function listen() {
  pictures.addEventListener("change", draw);
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
      if (item.state !== "failed" && work.isStale(item)) {
        work.ask(item);
      }
    }
  });
  for (const name of /** @type {const} */ (["download", "copy", "all"])) {
    find(`button.${name}`).addEventListener("click", actions[name]);
  }
  const stop = () => work.item && work.stop(work.item);
  find(".stop").addEventListener("click", stop);
  const next = (/** @type {number} */ step) => {
    const item = pictures.beside(step);
    if (item) {
      select(item);
    }
  };
  listenToKeys({ comparison, next, save: actions.download, stop });
  listenToGestures(find(".stage"), comparison);
  listenToIntake({
    input: find(".file"),
    buttons: [find(".choose"), find(".more")],
    take: (given) => void take(given),
    refuse: () => tell(text("noPicture")),
  });
}

async function sayIfOffline() {
  find(".offline").textContent = navigator.serviceWorker?.controller && (await network.isHere()) ? text("offline") : "";
}

async function speak() {
  document.documentElement.lang = currentLanguage();
  document.title = `ARGAN: ${text("title")}`;
  fillTexts(document);
  const cost = (await network.isHere()) ? text("costPaid") : text("costFirst", { size: sizeInWords(network.cost) });
  find(".cost").textContent = cost;
  void sayIfOffline();
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
  offerExamples(find(".examples ul"), examples, describe, (given) => void take(given));
  const link = /** @type {HTMLAnchorElement} */ (find(".gradio"));
  link.hidden = !gradio;
  if (gradio) {
    link.href = gradio;
  }
  draw();
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

if (network.site.realism === null) {
  settings.hideRealism();
}
offerLanguages();
listen();
await speak();
document.body.dataset.ready = "";
