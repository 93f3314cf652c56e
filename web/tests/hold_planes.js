// Holds planes to coefficients, as `tests/web/test_held_planes.py` asks: node hold_planes.js FOLDER
import { countEqual, holdToFile } from "../engine/jpeg/consistency.js";
import { readBytes, readJson, writeArrays, writeJson } from "./files.js";

// Of a picture, so that several strips are worked on.
const STRIP = 64;
const folder = process.argv[2];
const cases = readJson(folder, "cases.json");
const reports = [];
for (const { name, width, height, channels, tables, factors, hasBorder, sizes, isMasked } of cases) {
  const samples = new Float32Array(readBytes(folder, `${name}.planes`).buffer);
  const size = width * height;
  const planes = Array.from({ length: channels }, (_, plane) => samples.subarray(plane * size, (plane + 1) * size));
  const values = new Int16Array(readBytes(folder, `${name}.coefficients`).buffer);
  let end = 0;
  const components = sizes.map((/** @type {[number, number]} */ [rows, columns]) => {
    const start = end;
    end += rows * columns * 64;
    return { rows, columns, values: values.subarray(start, end) };
  });
  const [luma, ...chroma] = components;
  const blocks = { luma, chroma: chroma.length ? chroma : null, tables, factors, hasBorder };
  const held = isMasked ? { columns: width >> 3, values: readBytes(folder, `${name}.held`) } : null;
  const counts = [];
  for (let top = 0; top < height; top += STRIP) {
    const part = planes.map((plane) => plane.subarray(top * width, Math.min(top + STRIP, height) * width));
    counts.push({
      held: holdToFile(part, width, top, blocks, held),
      again: held ? null : countEqual(part, width, top, blocks),
    });
  }
  writeArrays(folder, `${name}.held_planes`, planes);
  reports.push(counts);
}
writeJson(folder, "reports.json", reports);
