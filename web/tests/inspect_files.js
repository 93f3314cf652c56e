// What headers say, or why a file is refused, as `tests/web/test_inspection.py` asks: node inspect_files.js FOLDER
import { inspect } from "../engine/inspection.js";
import { takeApart } from "../engine/picture.js";
import { readBytes, readJson, writeJson } from "./files.js";

const folder = process.argv[2];
const { names, maxMegapixels } = readJson(folder, "names.json");
const refusal = (/** @type {unknown} */ error) => `${error}`;
/** @type {Record<string, unknown>} */
const found = {};
for (const name of names) {
  const bytes = readBytes(folder, name);
  const inspected = await inspect(bytes, { maxMegapixels }).catch(refusal);
  const opened = await takeApart(bytes, { maxMegapixels }).then(({ format }) => format, refusal);
  found[name] = { inspected, opened };
}
writeJson(folder, "found.json", found);
