// Puts the site together that any static web server can serve: node stage.js FOLDER WEIGHTS [EXAMPLES [GRADIO]]
//
// FOLDER gets the page, engine/, runtime/, libraries/, weights/, licenses/ and examples/. WEIGHTS is a folder that
// `argan export --web` wrote, EXAMPLES one of JPEG files, GRADIO the address of the demo on a server. Libraries come
// from node_modules, where `npm ci` compares them with the checksums of package-lock.json.

import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { gzipSync } from "node:zlib";
import { RUNTIME_FILES } from "./engine/runtime.js";

const HERE = import.meta.dirname;
const MODULES = join(HERE, "node_modules");
// What lies at the top of the site: the page itself, and what must lie above all that it serves.
const TOP = ["index.html", "sw.js", "icon.svg", "manifest.webmanifest"];
// Downloaded when they are needed, not when the page is opened. They are cached then.
const LATER = ["runtime/", "weights/", "licenses/"];

/**
 * @param {string} folder
 * @param {string} weights
 * @param {string} [examples]
 * @param {string} [gradio]
 */
function stage(folder, weights, examples, gradio) {
  const runtime = library("onnxruntime-web");
  const zip = library("client-zip");
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(join(HERE, "page"))) {
    const target = TOP.includes(name) ? join(folder, name) : join(folder, "page", name);
    cpSync(join(HERE, "page", name), target, { recursive: true });
  }
  for (const name of ["engine", "licenses"]) {
    cpSync(join(HERE, name), join(folder, name), { recursive: true });
  }
  cpSync(join(HERE, "..", "LICENSE"), join(folder, "licenses", "argan_hf.txt"));
  cpSync(join(zip, "LICENSE.txt"), join(folder, "licenses", "client-zip.txt"));
  cpSync(weights, join(folder, "weights"), { recursive: true });
  if (examples) {
    cpSync(examples, join(folder, "examples"), { recursive: true });
  }
  copy(join(zip, "index.js"), join(folder, "libraries", "client-zip.js"));
  mkdirSync(join(folder, "runtime"), { recursive: true });
  for (const name of Object.values(RUNTIME_FILES).flat()) {
    const data = readFileSync(join(runtime, "dist", name));
    if (name.endsWith(".wasm")) {
      writeFileSync(join(folder, "runtime", `${name}.gz`), gzipSync(data, { level: 9 }));
    } else {
      writeFileSync(join(folder, "runtime", name), data);
    }
  }
  describe(folder, gradio);
}

/**
 * Write what the page and its service worker have to know about the site.
 *
 * @param {string} folder
 * @param {string} [gradio]
 */
function describe(folder, gradio) {
  const listed = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .sort();
  const size = (/** @type {string[]} */ names) =>
    names.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  const network = listed.filter((name) => name.startsWith("weights/") && name !== "weights/weights-realism.bin");
  const backend = (/** @type {"wasm" | "webgpu"} */ name) =>
    size(RUNTIME_FILES[name].map((file) => `runtime/${file}${file.endsWith(".wasm") ? ".gz" : ""}`));
  const realism = "weights/weights-realism.bin";
  writeFileSync(
    join(folder, "site.json"),
    `${JSON.stringify({
      downloads: { wasm: backend("wasm") + size(network), webgpu: backend("webgpu") + size(network) },
      realism: listed.includes(realism) ? size([realism]) : null,
      examples: listed.filter((name) => /^examples\/.*\.jpe?g$/.test(name)),
      gradio: gradio ?? null,
    })}\n`,
  );
  const checksum = (/** @type {string[]} */ names) => {
    const hash = createHash("sha256");
    for (const name of names) {
      hash.update(name).update(readFileSync(join(folder, name)));
    }
    return hash.digest("hex").slice(0, 16);
  };
  const isLater = (/** @type {string} */ name) => LATER.some((start) => name.startsWith(start));
  const files = listed.filter((name) => name !== "sw.js" && !isLater(name));
  const version = checksum([...listed, "site.json"]);
  /** @type {(name: string) => [string, string]} */
  const checked = (name) => [name, checksum([name])];
  const later = Object.fromEntries(listed.filter(isLater).map(checked));
  const site = { version, files: ["./", "site.json", ...files], later };
  const worker = readFileSync(join(folder, "sw.js"), "utf8");
  const filled = worker.replace(/^const SITE = .*;$/m, `const SITE = ${JSON.stringify(site)};`);
  if (filled === worker) {
    throw new Error("sw.js has no line that starts with `const SITE = `");
  }
  writeFileSync(join(folder, "sw.js"), filled);
}

/**
 * The folder of an installed library of the version that package.json names.
 *
 * @param {string} name
 */
function library(name) {
  const folder = join(MODULES, name);
  const expected = json(join(HERE, "package.json")).dependencies[name];
  const found = json(join(folder, "package.json")).version;
  if (found !== expected) {
    throw new Error(`${name} ${found} is installed, expected ${expected}: run npm ci in ${HERE}`);
  }
  return folder;
}

/** @param {string} path */
function json(path) {
  if (!existsSync(path)) {
    throw new Error(`${path} is missing: run npm ci in ${HERE}`);
  }
  return JSON.parse(readFileSync(path, "utf8"));
}

/**
 * @param {string} source
 * @param {string} target
 */
function copy(source, target) {
  mkdirSync(dirname(target), { recursive: true });
  cpSync(source, target);
}

const [folder, weights, examples, gradio] = process.argv.slice(2);
if (!folder || !weights) {
  console.error("usage: node stage.js FOLDER WEIGHTS [EXAMPLES [GRADIO]]");
  process.exitCode = 2;
} else {
  try {
    stage(folder, weights, examples, gradio);
  } catch (error) {
    console.error(`${/** @type {Error} */ (error).message}`);
    process.exitCode = 1;
  }
}
