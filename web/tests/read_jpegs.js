// Reads JPEG files, as `tests/web/test_jpeg_reader.py` asks: node read_jpegs.js FOLDER
import { readdirSync } from "node:fs";
import { UnreadableImageError } from "../engine/errors.js";
import { readJpeg } from "../engine/jpeg/read.js";
import { readBytes, writeArrays, writeJson } from "./files.js";

const folder = process.argv[2];
/** @type {Record<string, unknown>} */
const reports = {};
for (const name of readdirSync(folder)) {
  const start = process.cpuUsage();
  try {
    const { planes, coefficients, tables, ...stated } = readJpeg(readBytes(folder, name));
    const { user, system } = process.cpuUsage(start);
    writeArrays(folder, `${name}.planes`, planes);
    writeArrays(
      folder,
      `${name}.coefficients`,
      coefficients.map(({ values }) => values),
    );
    const sizes = coefficients.map(({ rows, columns }) => [rows, columns]);
    const seconds = (user + system) / 1e6;
    reports[name] = { ...stated, tables: tables.map((table) => Array.from(table)), sizes, seconds };
  } catch (error) {
    const kind = error instanceof UnreadableImageError ? "refused" : "crashed";
    reports[name] = { [kind]: /** @type {Error} */ (error).message };
  }
}
writeJson(folder, "reports.json", reports);
