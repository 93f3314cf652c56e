// Writes PNG files, as `tests/web/test_png.py` asks: node encode_pngs.js FOLDER
import { encodePicture } from "../engine/encoding.js";
import { readBytes, readJson, writeArrays, writeJson } from "./files.js";

const folder = process.argv[2];
/** @type {Record<string, string[]>} */
const notes = {};
for (const { name, width, height, channels, info, bytes } of readJson(folder, "cases.json")) {
  for (const key of /** @type {string[]} */ (bytes)) {
    info[key] = readBytes(folder, `${name}.${key}`);
  }
  const picture = { width, height, channels, pixels: readBytes(folder, name), info };
  const file = await encodePicture(picture, "png");
  writeArrays(folder, `${name}.png`, [file.bytes]);
  notes[name] = file.notes;
}
writeJson(folder, "notes.json", notes);
