// Reads the metadata of files, as `tests/web/test_metadata.py` asks: node look_into_files.js FOLDER
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { keptInfo, makeUpright } from "../engine/metadata.js";
import { readBytes, readJson, writeJson } from "./files.js";

/** @typedef {import("../engine/metadata.js").Info} Info */

const folder = process.argv[2];
const { width, height, channels, pixels } = readJson(folder, "picture.json");

/** @param {Uint8Array} bytes */
const asText = (bytes) => Buffer.from(bytes).toString("base64");

/** @param {Info} info */
function asJson(info) {
  return Object.fromEntries(
    Object.entries(info).map(([key, value]) => {
      if (value instanceof Map) {
        return [key, Array.from(value, ([number, { name, value: data }]) => [number, asText(name), asText(data)])];
      }
      return [key, value instanceof Uint8Array ? asText(value) : value];
    }),
  );
}

/** @type {Record<string, unknown>} */
const found = {};
for (const name of readdirSync(join(folder, "files"))) {
  const data = readBytes(join(folder, "files"), name);
  const untouched = data.slice();
  const { info, notes } = keptInfo(data);
  const { picture, notes: more } = makeUpright({
    ...{ width, height, channels, info },
    pixels: Uint8Array.from(pixels),
  });
  found[name] = {
    info: asJson(info),
    notes,
    upright: asJson(picture.info),
    upright_notes: more,
    size: [picture.width, picture.height],
    pixels: Array.from(picture.pixels),
    is_untouched: Buffer.compare(data, untouched) === 0,
  };
}
writeJson(folder, "found.json", found);
