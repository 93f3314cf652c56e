// Puts a site together that any server of files can serve: node stage.js FOLDER WEIGHTS
//
// FOLDER gets engine/, runtime/ and weights/. WEIGHTS is a folder that `argan export --web` wrote. The runtime comes
// from node_modules, where `npm ci` compares it with the checksums of package-lock.json.

import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { RUNTIME_FILES } from "./engine/runtime.js";

const HERE = import.meta.dirname;

/**
 * @param {string} folder
 * @param {string} weights
 */
function stage(folder, weights) {
  const runtime = join(HERE, "node_modules", "onnxruntime-web");
  const expected = json(join(HERE, "package.json")).dependencies["onnxruntime-web"];
  const found = json(join(runtime, "package.json")).version;
  if (found !== expected) {
    throw new Error(`onnxruntime-web ${found} is installed, expected ${expected}: run npm ci in ${HERE}`);
  }
  cpSync(join(HERE, "engine"), join(folder, "engine"), { recursive: true });
  cpSync(weights, join(folder, "weights"), { recursive: true });
  mkdirSync(join(folder, "runtime"), { recursive: true });
  for (const name of Object.values(RUNTIME_FILES).flat()) {
    const data = readFileSync(join(runtime, "dist", name));
    if (name.endsWith(".wasm")) {
      writeFileSync(join(folder, "runtime", `${name}.gz`), gzipSync(data, { level: 9 }));
    } else {
      writeFileSync(join(folder, "runtime", name), data);
    }
  }
}

/** @param {string} path */
function json(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    throw new Error(`${path} cannot be read: run npm ci in ${HERE}`);
  }
}

const [folder, weights] = process.argv.slice(2);
if (!folder || !weights) {
  console.error("usage: node stage.js FOLDER WEIGHTS");
  process.exitCode = 2;
} else {
  try {
    stage(folder, weights);
  } catch (error) {
    console.error(`${/** @type {Error} */ (error).message}`);
    process.exitCode = 1;
  }
}
