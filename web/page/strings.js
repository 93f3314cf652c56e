/** All words of the page, in every language that it speaks; and the one that is chosen. */

/** @typedef {keyof typeof ENGLISH} Key */
/** @typedef {Record<string, string | number>} Values that fill `{name}` in a text */

const ENGLISH = {
  title: "JPEG artifact removal",
  promise: "Your pictures stay on this device.",
  what: "Removes the blocks, the ringing and the color bleeding from JPEG files. What a file still holds of its picture is kept.",
  give: "Give pictures",
  choose: "Choose pictures",
  dropOrPaste: "or drop them anywhere on this page, or paste one.",
  costFirst: "The first picture downloads {size}, once. After that, this page works offline, too.",
  costPaid: "All that is needed is on this device already. This page works offline.",
  examples: "Or take an example",
  example: "Example: {name}",
  comparison: "Before and after",
  zoom: "Zoom",
  fit: "Fit",
  hold: "Hold: original",
  holdTitle: "Shows the original while you press it",
  split: "Border between original and restored",
  splitAt: "{percent} % original",
  original: "Original",
  originalQuality: "Original, JPEG quality {quality}",
  restored: "Restored",
  restoring: "Restoring …",
  canvas: "{name}: original on the left of the handle, restored on the right",
  canvasOriginal: "{name}: original",
  progress: "Progress",
  loading: "Downloading the network: {loaded} of {total}",
  starting: "Starting the network …",
  looking: "Reading {name} and looking for earlier saves …",
  tiles: "{name}: {done} of {total} tiles",
  tilesLeft: "{name}: {done} of {total} tiles, {time} left",
  seconds: "{count} s",
  minutes: "{count} min",
  stop: "Stop",
  pictures: "Your pictures",
  more: "Add pictures",
  waiting: "Waiting",
  asking: "Large: start it?",
  running: "{percent} %",
  done: "Done",
  stale: "Other settings",
  failed: "Not restored",
  stopped: "Stopped",
  remove: "Remove {name}",
  clear: "Remove all",
  large: "{megapixels} megapixels take about {time} on this device.",
  largeStart: "Restore it",
  again: "Try again",
  wasStopped: "You stopped this picture.",
  settings: "Settings and result",
  strength: "Strength",
  strengthHelp: "Less keeps more of the original. Acts at once.",
  realism: "Realism",
  realismHelp: "More invents fine texture. The network runs again.",
  realismCost: "More invents fine texture. The network runs again; the first time, {size} are downloaded.",
  faithful: "Stay true to the file",
  faithfulHelp: "The result agrees with what the file states: saved as JPEG again, it gives the blocks of the file.",
  advanced: "Advanced",
  quality: "JPEG quality at which it was once saved",
  qualityHelp:
    "1 to 100, if you know it and the file no longer says it: screenshots, PNG files. For this picture only.",
  qualityWrong: "The quality is a whole number from 1 to 100.",
  format: "Format",
  png: "PNG: exact, keeps all it can",
  jpeg: "JPEG: small, quality 95",
  webp: "WebP",
  download: "Download",
  copy: "Copy",
  all: "Download all ({count})",
  copied: "Copied. Browsers copy the pixels only, without Exif and other data.",
  cannotCopy: "This browser does not let pages copy pictures: download it instead.",
  saved: "Saved as {name}.",
  zipped: "Saved {count} pictures as {name}.",
  leftOut: "Not in a file, because they are not restored, or the format cannot hold them: {names}.",
  notCurrent: "This picture is not yet what the settings ask for.",
  working: "Saving …",
  facts: "What was found and done",
  theFile: "The file",
  fileOther: "{format}, {width}×{height}, {size}",
  fileJpeg: "JPEG of quality {quality}, color {sampling}, {width}×{height}, {size}",
  fileGray: "JPEG of quality {quality}, gray, {width}×{height}, {size}",
  before: "Earlier saves",
  saves: "Quality {qualities}; found in the pixels and undone",
  noSaves: "None found",
  whatWasDone: "Done",
  planesLuma: "Brightness restored",
  planesColor: "Brightness and color restored",
  untouchedAll: "Nothing: JPEG did not damage this picture, so it stays as it is",
  untouchedPart: "{percent} % of the picture is not damaged and stays as it is",
  agreement: "Agreement with the file",
  agreementBoth: "Encoded again, {luma} % of the blocks are those of the file",
  agreementEach:
    "Encoded again, {luma} % of the blocks of brightness and {chroma} % of those of color are those of the file",
  agreementLuma: "Encoded again, {luma} % of the blocks of brightness are those of the file",
  time: "Time",
  notes: "Good to know",
  inTheFile: "About {name}",
  messageClose: "Close this message",
  noPicture: "There was no picture in what you gave.",
  language: "Language:",
  keys: "Keys",
  keyPaste: "paste a picture",
  keyFit: "fit, 1:1, 2:1",
  keyZoom: "zoom in and out",
  keyHold: "see the original, as long as you press it",
  keySplit: "move the border",
  keyPan: "move the picture",
  keyNext: "next, previous picture",
  keySave: "download",
  keyStop: "stop",
  letters: "Letters, digits, + and − are keys of this page",
  offline: "Works offline",
  offlineButRealism: "Works offline, but for realism",
  gradio: "The demo on a server, with measurements and an API",
  license: "License: Apache 2.0",
};

/** @type {Record<Key, string>} */
const GERMAN = {
  title: "JPEG-Artefakte entfernen",
  promise: "Ihre Bilder bleiben auf diesem Gerät.",
  what: "Entfernt Blöcke, Säume und Farbränder aus JPEG-Dateien. Was eine Datei von ihrem Bild noch enthält, bleibt erhalten.",
  give: "Bilder hinzufügen",
  choose: "Bilder auswählen",
  dropOrPaste: "oder auf diese Seite ziehen oder aus der Zwischenablage einfügen.",
  costFirst:
    "Beim ersten Bild werden einmalig {size} heruntergeladen. Danach funktioniert diese Seite auch ohne Internet.",
  costPaid: "Alles Nötige ist schon auf diesem Gerät. Diese Seite funktioniert ohne Internet.",
  examples: "Oder ein Beispiel wählen",
  example: "Beispiel: {name}",
  comparison: "Vorher und nachher",
  zoom: "Vergrößerung",
  fit: "Einpassen",
  hold: "Halten: Original",
  holdTitle: "Zeigt das Original, solange Sie drücken",
  split: "Grenze zwischen Original und Ergebnis",
  splitAt: "{percent} % Original",
  original: "Original",
  originalQuality: "Original, JPEG-Qualität {quality}",
  restored: "Ergebnis",
  restoring: "In Arbeit …",
  canvas: "{name}: links vom Griff das Original, rechts das Ergebnis",
  canvasOriginal: "{name}: Original",
  progress: "Fortschritt",
  loading: "Das Netz wird heruntergeladen: {loaded} von {total}",
  starting: "Das Netz wird gestartet …",
  looking: "{name} wird gelesen, frühere Speicherungen werden gesucht …",
  tiles: "{name}: {done} von {total} Kacheln",
  tilesLeft: "{name}: {done} von {total} Kacheln, noch {time}",
  seconds: "{count} s",
  minutes: "{count} min",
  stop: "Abbrechen",
  pictures: "Ihre Bilder",
  more: "Bilder hinzufügen",
  waiting: "Wartet",
  asking: "Groß: starten?",
  running: "{percent} %",
  done: "Fertig",
  stale: "Andere Einstellungen",
  failed: "Fehlgeschlagen",
  stopped: "Abgebrochen",
  remove: "{name} entfernen",
  clear: "Alle entfernen",
  large: "{megapixels} Megapixel dauern auf diesem Gerät etwa {time}.",
  largeStart: "Starten",
  again: "Erneut versuchen",
  wasStopped: "Sie haben die Arbeit an diesem Bild abgebrochen.",
  settings: "Einstellungen und Ergebnis",
  strength: "Stärke",
  strengthHelp: "Weniger behält mehr vom Original. Wirkt sofort.",
  realism: "Realismus",
  realismHelp: "Mehr Realismus erfindet feine Details. Das Netz läuft dann noch einmal.",
  realismCost: "Mehr erfindet feine Textur. Das Netz läuft noch einmal; beim ersten Mal werden {size} heruntergeladen.",
  faithful: "Der Datei treu bleiben",
  faithfulHelp:
    "Das Ergebnis stimmt mit dem überein, was die Datei angibt: wieder als JPEG gespeichert, ergibt es die Blöcke der Datei.",
  advanced: "Erweitert",
  quality: "JPEG-Qualität, mit der das Bild einmal gespeichert wurde",
  qualityHelp:
    "1 bis 100, falls Sie sie kennen und die Datei sie nicht mehr nennt: Bildschirmfotos, PNG-Dateien. Nur für dieses Bild.",
  qualityWrong: "Die Qualität muss eine ganze Zahl von 1 bis 100 sein.",
  format: "Format",
  png: "PNG: verlustfrei",
  jpeg: "JPEG: klein, Qualität 95",
  webp: "WebP",
  download: "Herunterladen",
  copy: "Kopieren",
  all: "Alle herunterladen ({count})",
  copied: "Kopiert. Browser kopieren nur die Pixel, ohne Exif und anderes.",
  cannotCopy: "Dieser Browser erlaubt Seiten nicht, Bilder zu kopieren: Laden Sie das Bild herunter.",
  saved: "Gespeichert als {name}.",
  zipped: "{count} Bilder gespeichert als {name}.",
  leftOut: "Nicht in einer Datei, weil sie nicht restauriert sind oder das Format sie nicht aufnehmen kann: {names}.",
  notCurrent: "Dieses Bild entspricht noch nicht den Einstellungen.",
  working: "Wird gespeichert …",
  facts: "Was gefunden und getan wurde",
  theFile: "Die Datei",
  fileOther: "{format}, {width}×{height}, {size}",
  fileJpeg: "JPEG mit Qualität {quality}, Farbe {sampling}, {width}×{height}, {size}",
  fileGray: "JPEG mit Qualität {quality}, grau, {width}×{height}, {size}",
  before: "Frühere Speicherungen",
  saves: "Qualität {qualities}; in den Pixeln gefunden und rückgängig gemacht",
  noSaves: "Keine gefunden",
  whatWasDone: "Was getan wurde",
  planesLuma: "Helligkeit wiederhergestellt",
  planesColor: "Helligkeit und Farbe wiederhergestellt",
  untouchedAll: "Nichts: JPEG hat dieses Bild nicht beschädigt, also bleibt es, wie es ist",
  untouchedPart: "{percent} % des Bildes sind unbeschädigt und bleiben, wie sie sind",
  agreement: "Übereinstimmung mit der Datei",
  agreementBoth: "Neu kodiert stimmen {luma} % der Blöcke mit denen der Datei überein",
  agreementEach:
    "Neu kodiert stimmen {luma} % der Helligkeits- und {chroma} % der Farbblöcke mit denen der Datei überein",
  agreementLuma: "Neu kodiert stimmen {luma} % der Helligkeitsblöcke mit denen der Datei überein",
  time: "Dauer",
  notes: "Gut zu wissen",
  inTheFile: "Zu {name}",
  messageClose: "Meldung schließen",
  noPicture: "Darin war kein Bild.",
  language: "Sprache:",
  keys: "Tastenkürzel",
  keyPaste: "ein Bild einfügen",
  keyFit: "einpassen, 1:1, 2:1",
  keyZoom: "vergrößern, verkleinern",
  keyHold: "das Original sehen, solange Sie drücken",
  keySplit: "die Grenze verschieben",
  keyPan: "das Bild verschieben",
  keyNext: "nächstes, voriges Bild",
  keySave: "herunterladen",
  keyStop: "abbrechen",
  letters: "Buchstaben, Ziffern, + und − sind Tasten dieser Seite",
  offline: "Funktioniert ohne Internet",
  offlineButRealism: "Funktioniert ohne Internet, bis auf Realismus",
  gradio: "Die Demo auf einem Server, mit Messungen und einer API",
  license: "Lizenz: Apache 2.0",
};

/** @type {Record<string, {name: string, texts: Record<Key, string>}>} */
export const LANGUAGES = { en: { name: "English", texts: ENGLISH }, de: { name: "Deutsch", texts: GERMAN } };

const STORED = "argan.language";
let language = firstLanguage();

/** The code of the language that is chosen. */
export function currentLanguage() {
  return language;
}

/** @param {string} code one of {@link LANGUAGES} */
export function chooseLanguage(code) {
  language = code;
  try {
    localStorage.setItem(STORED, code);
  } catch {
    // Some browsers let a page store nothing. Then the choice lasts as long as the page.
  }
}

/**
 * A text in the language that is chosen.
 *
 * @param {Key} key
 * @param {Values} [values]
 */
export function text(key, values = {}) {
  return LANGUAGES[language].texts[key].replace(/\{(\w+)\}/g, (_, name) => `${values[name]}`);
}

/**
 * Fill elements that say which text they show.
 *
 * @param {ParentNode} root
 */
export function fillTexts(root) {
  /** @type {[string, (element: HTMLElement, words: string) => void][]} */
  const places = [
    ["text", (element, words) => (element.textContent = words)],
    ["label", (element, words) => element.setAttribute("aria-label", words)],
    ["title", (element, words) => (element.title = words)],
  ];
  for (const [place, fill] of places) {
    for (const element of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll(`[data-${place}]`))) {
      fill(element, text(/** @type {Key} */ (element.dataset[place])));
    }
  }
}

/** @param {number} bytes */
export function sizeInWords(bytes) {
  const [unit, count] = bytes < 999_500 ? ["kB", bytes / 1e3] : ["MB", bytes / 1e6];
  return `${count.toLocaleString(language, { maximumFractionDigits: count < 10 ? 1 : 0 })} ${unit}`;
}

/** @param {number} seconds */
export function timeInWords(seconds) {
  return seconds < 90
    ? text("seconds", { count: Math.max(1, Math.round(seconds)) })
    : text("minutes", { count: Math.round(seconds / 60) });
}

function firstLanguage() {
  let stored = null;
  try {
    stored = localStorage.getItem(STORED);
  } catch {
    // As above.
  }
  const wished = [stored, ...navigator.languages.map((code) => code.split("-")[0])];
  return wished.find((code) => code && Object.hasOwn(LANGUAGES, code)) ?? "en";
}
