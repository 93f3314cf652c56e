// Wires the studio: sends wishes (trigger), and draws the views that the server answers with (props.value). It decides
// nothing: which result belongs to which picture is known by the server alone, and every view says all.

const find = (selector) => element.querySelector(selector);
const root = (window.gradio_config && window.gradio_config.root) || "";
const address = (path) => path && root + "/gradio_api/file=" + path.split("/").map(encodeURIComponent).join("/");
const showPictures = createComparison(find(".frame"));
const showMeasured = createMeasured(find(".measure"), address);
const file = find(".file");
let view = { visit: null, revision: -1, pictures: [], notices: [], finished: 0 };
let drawnPictures = "", toldNotice = 0;
let batches = 0, wantsZip = false, askedForZip = 0, orders = Date.now() * 100;
const uploading = new Map();

// The names of all wishes; Gradio looks for them in quotation marks.
const wish = {
  add: (data) => trigger("ask_add", data),
  example: (data) => trigger("ask_example", data),
  comeBack: (data) => trigger("ask_come_back", data),
  select: (data) => trigger("ask_select", data),
  remove: (data) => trigger("ask_remove", data),
  clear: () => trigger("ask_clear", {}),
  stop: () => trigger("ask_stop", {}),
  resume: () => trigger("ask_resume", {}),
  measure: () => trigger("ask_measure", {}),
  zip: () => trigger("ask_zip", {}),
};

function say(words) {
  const line = document.createElement("p"), close = document.createElement("button");
  line.textContent = words;
  close.type = "button";
  close.textContent = "×";
  close.setAttribute("aria-label", "Close this message");
  close.addEventListener("click", () => line.remove());
  line.append(close);
  find(".messages").append(line);
  while (find(".messages").childElementCount > 5) find(".messages").firstElementChild.remove();
}

// Uploads files, and gives each to the server as soon as it has arrived. The first of the newest batch is looked at.
async function give(files) {
  const batch = ++batches;
  find(".messages").replaceChildren();
  bringResultIntoSight();
  let select = true;
  for (const given of files) {
    if (given.size > props.max_bytes) {
      say(given.name + " has " + (Math.ceil(given.size / 1e5) / 10).toFixed(1) + " MB; this page takes files up to " + props.max_bytes / 1e6 + " MB.");
      continue;
    }
    uploading.set(given, given.name);
    drawProgress();
    try {
      const stored = await upload(given);
      wish.add({ path: stored.path, name: given.name, order: ++orders, select: select && batch === batches });
      select = false;
    } catch (error) {
      say(given.name + " could not be uploaded; try again.");
    }
    uploading.delete(given);
    drawProgress();
  }
}

function filesOf(transfer) {
  const items = [...(transfer ? transfer.items : [])];
  const folders = items.filter((item) => item.webkitGetAsEntry && item.webkitGetAsEntry() && item.webkitGetAsEntry().isDirectory);
  if (folders.length) say("Folders cannot be given here; open the folder and drop its pictures.");
  return folders.length ? [] : [...transfer.files];
}

function bringResultIntoSight() {
  if (window.innerWidth < 768) find(".result").scrollIntoView({ block: "start", behavior: "smooth" });
}

find(".choose").addEventListener("click", () => file.click());
file.addEventListener("change", () => { give([...file.files]); file.value = ""; });

// Anywhere on the page. A page that is left keeps its element, but not in the document.
const isHere = () => element.isConnected;
document.addEventListener("dragover", (event) => {
  if (!isHere() || ![...event.dataTransfer.types].includes("Files")) return;
  event.preventDefault();
  document.body.classList.add("studio-drag");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("studio-drag");
});
document.addEventListener("drop", (event) => {
  document.body.classList.remove("studio-drag");
  if (!isHere() || !event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  const files = filesOf(event.dataTransfer);
  if (files.length) give(files);
});
document.addEventListener("paste", (event) => {
  const files = isHere() && event.clipboardData ? [...event.clipboardData.files] : [];
  if (!files.length) return;
  event.preventDefault();
  give(files);
});

for (const [index, example] of props.examples.entries()) {
  const button = document.createElement("button"), image = document.createElement("img");
  button.type = "button";
  button.setAttribute("aria-label", "Example: " + example.name);
  button.title = example.name;
  image.src = example.thumbnail;
  image.alt = "";
  button.append(image);
  button.addEventListener("click", () => { ++batches; bringResultIntoSight(); wish.example({ index, order: ++orders }); });
  find(".examples").append(button);
}

find(".stop").addEventListener("click", wish.stop);
find(".resume").addEventListener("click", wish.resume);
find(".clear").addEventListener("click", wish.clear);
find(".start").addEventListener("click", wish.measure);
find(".zip").addEventListener("click", () => {
  wantsZip = true;
  askedForZip = view.revision;
  view.zip ? save(view.zip) : wish.zip();
});

function save(path) {
  wantsZip = false;
  const link = document.createElement("a");
  link.href = address(path);
  link.download = path.split("/").pop();
  document.body.append(link);
  link.click();
  link.remove();
}

const STATES = { reading: "reading…", waiting: "waiting", working: "working…", done: "done", refused: "not restored", failed: "failed", stopped: "stopped" };

function drawStrip() {
  const text = JSON.stringify([view.pictures, view.selected]);
  if (text === drawnPictures) return;
  drawnPictures = text;
  const focused = element.contains(document.activeElement) ? document.activeElement.dataset.focus : undefined;
  find(".strip").replaceChildren(...view.pictures.map((picture) => {
    const entry = document.createElement("li"), pick = document.createElement("button"), image = document.createElement("img");
    const name = document.createElement("span"), state = document.createElement("span"), remove = document.createElement("button");
    pick.type = remove.type = "button";
    pick.className = "pick";
    pick.setAttribute("aria-pressed", String(picture.token === view.selected));
    pick.dataset.focus = "pick-" + picture.token;
    pick.title = picture.name;
    pick.addEventListener("click", () => wish.select({ token: picture.token }));
    image.alt = "";
    if (picture.thumbnail) image.src = address(picture.thumbnail); else image.hidden = true;
    name.className = "name";
    name.textContent = picture.name;
    state.className = "state";
    state.textContent = STATES[picture.state];
    pick.append(image, name, state);
    remove.className = "remove";
    remove.textContent = "×";
    remove.setAttribute("aria-label", "Remove " + picture.name);
    remove.dataset.focus = "remove-" + picture.token;
    remove.addEventListener("click", () => wish.remove({ token: picture.token }));
    entry.append(pick, remove);
    return entry;
  }));
  if (focused) {
    const again = [...element.querySelectorAll("[data-focus]")].find((button) => button.dataset.focus === focused);
    if (again) again.focus({ preventScroll: true });
  }
}

function drawProgress() {
  const names = [...uploading.values()];
  const isWorking = view.working || names.length > 0;
  find(".progress").hidden = !isWorking;
  const bar = find("progress");
  if (view.working && view.share !== null && view.share !== undefined) bar.value = view.share; else bar.removeAttribute("value");
  const words = view.working ? view.words || "Reading" : "";
  find(".words").textContent = [names.length ? "Uploading " + names[0] : "", words].filter(Boolean).join(" · ");
}

function draw() {
  const shown = view.shown;
  drawStrip();
  drawProgress();
  for (const [number, words] of view.notices) {
    if (number > toldNotice) say(words);
    toldNotice = Math.max(toldNotice, number);
  }
  showPictures(shown && !shown.refusal ? { ...shown, before: address(shown.before), after: address(shown.after) } : null);
  find(".hint").hidden = Boolean(shown);
  find(".refusal").textContent = shown && shown.refusal ? shown.refusal : "";
  const isStopped = view.state === "stopped";
  find(".report").textContent = isStopped ? "Stopped before this picture was done." : shown ? shown.sentences.join(" ") : "";
  const download = find(".download");
  download.hidden = !(shown && shown.download);
  if (shown && shown.download) {
    download.href = address(shown.download.path);
    download.download = shown.download.name;
    download.textContent = "Download " + shown.download.kind;
  } else {
    download.removeAttribute("href");
  }
  find(".zip").hidden = view.finished < 2;
  find(".zip").textContent = "Download all " + view.finished + " (ZIP)";
  find(".stop").hidden = !view.working;
  find(".resume").hidden = !view.resumable;
  find(".clear").hidden = view.pictures.length < 2;
  find(".measure").hidden = !shown || Boolean(shown.refusal);
  showMeasured(view.measured);
  if (wantsZip && view.zip) save(view.zip);
  // A ZIP file that could not be written is asked for again by a click, not by chance.
  if (wantsZip && !view.zipping && view.revision > askedForZip) wantsZip = false;
}

// A page that is loaded anew, for instance after a lost connection, goes on with its visit.
const KEY = "argan_hf-visit";

function remember(visit) {
  try { window.sessionStorage.setItem(KEY, visit); } catch (error) { /* the browser allows no storage */ }
}

function comeBack() {
  let visit = null;
  try { visit = window.sessionStorage.getItem(KEY); } catch (error) { /* the browser allows no storage */ }
  if (visit) wish.comeBack({ visit });
}

function bringPickedIntoSight() {
  const picked = find(".pick[aria-pressed=true]"), strip = find(".strip");
  if (!picked) return;
  const left = picked.parentElement.offsetLeft - strip.offsetLeft;
  if (left < strip.scrollLeft || left + picked.offsetWidth > strip.scrollLeft + strip.clientWidth) strip.scrollLeft = left - 8;
}

// Settings that are not those of a fresh page go to the address, so that it can be shared.
function writeAddress() {
  if (!view.settings || view.revision < 1) return;
  const url = new URL(window.location.href);
  for (const [key, value] of Object.entries(view.settings)) {
    if (value === props.defaults[key]) url.searchParams.delete(key); else url.searchParams.set(key, String(value));
  }
  if (url.href !== window.location.href) window.history.replaceState(window.history.state, "", url);
}

watch("value", () => {
  const next = props.value;
  if (!next || next.revision === undefined) return;
  if (next.visit === view.visit && next.revision < view.revision) return;
  if (next.visit !== view.visit) {
    if (view.pictures.length) say("Your pictures were deleted, because nothing was clicked for long. Give them again.");
    toldNotice = 0;
    remember(next.visit);
  }
  const isNew = next.selected !== view.selected;
  view = next;
  draw();
  if (isNew) bringPickedIntoSight();
  writeAddress();
});
// Gradio states the language of the browser, but the page is in English.
document.documentElement.lang = "en";
draw();
comeBack();
