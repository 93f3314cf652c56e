// Writes pictures, as `tests/web/encoded.py` asks: node encode_pictures.js FOLDER png|jpeg
import { latin1 } from "../engine/containers/bytes.js";
import { encodePicture } from "../engine/encoding.js";
import { readJpeg } from "../engine/jpeg/read.js";
import { readBytes, readJson, writeArrays, writeJson } from "./files.js";

const folder = process.argv[2];
const format = /** @type {"png" | "jpeg"} */ (process.argv[3]);
/** @type {Record<string, string[]>} */
const notes = {};
for (const { name, width, height, channels, info, bytes, photoshop } of readJson(folder, "cases.json")) {
  for (const key of /** @type {string[]} */ (bytes)) {
    info[key] = readBytes(folder, `${name}.${key}`);
  }
  if (photoshop) {
    info.photoshop = new Map();
    for (const [number, title, value] of photoshop) {
      info.photoshop.set(number, { name: latin1(title), value: latin1(value) });
    }
  }
  const picture = { width, height, channels, pixels: readBytes(folder, name), info };
  const file = await encodePicture(picture, format);
  writeArrays(folder, `${name}.${format}`, [file.bytes]);
  if (format === "jpeg") {
    writeArrays(folder, `${name}.planes`, readJpeg(file.bytes).planes);
  }
  notes[name] = file.notes;
}
writeJson(folder, "notes.json", notes);
