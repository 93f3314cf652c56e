// Compresses planes and converts colors, as `tests/web/test_jpeg_arithmetic.py` asks: node compress_planes.js FOLDER
import { rgbToYcbcr, rgbToYcbcrUnrounded, ycbcrToRgb } from "../engine/color.js";
import { compressYcbcr } from "../engine/jpeg/codec.js";
import { nearestQuality, quantizationTables } from "../engine/jpeg/tables.js";
import { readJson, readPlanes, writeArrays, writeJson } from "./files.js";

const folder = process.argv[2];
/** @type {{name: string, width: number, height: number, quality: number, sampling: any}[]} */
const cases = readJson(folder, "cases.json");
for (const { name, width, height, quality, sampling } of cases) {
  const planes = readPlanes(folder, name, width * height);
  const ycbcr = rgbToYcbcr(planes);
  const shown = compressYcbcr(ycbcr, width, height, quantizationTables(quality), sampling);
  writeArrays(folder, `${name}.out`, [...ycbcr, ...shown, ...ycbcrToRgb(shown)]);
  writeArrays(folder, `${name}.float`, rgbToYcbcrUnrounded(planes));
}
writeJson(folder, "qualities.json", readJson(folder, "tables.json").map(nearestQuality));
