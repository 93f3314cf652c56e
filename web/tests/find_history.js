// Looks for the history of pictures, as `tests/web/test_history.py` asks: node find_history.js FOLDER
import { contradictedQuality } from "../engine/history/contradiction.js";
import { findLattices } from "../engine/history/lattice.js";
import { historyToJson } from "../engine/history/record.js";
import { clippedSamples } from "../engine/history/through_rgb.js";
import { historyOf, integersAt } from "../engine/picture_history.js";
import { prepare } from "../engine/prepared_picture.js";
import { readBytes, readJson, readPlanes, writeArrays, writeJson } from "./files.js";

const folder = process.argv[2];
const reports = [];
for (const { name, networks, isResized, told, ...stated } of readJson(folder, "cases.json")) {
  const { width, height } = stated;
  const tables = stated.tables?.map((/** @type {number[]} */ table) => Int32Array.from(table)) ?? null;
  const gridTable = stated.hasGrid ? tables[0] : null;
  const samples = readPlanes(folder, name, width * height);
  const parts = {
    ...stated,
    samples,
    tables,
    gridTable,
    coefficients: null,
    alpha: null,
    info: null,
    format: null,
    notes: [],
  };
  // 1. What the pixels show.
  const started = process.cpuUsage().user;
  const found = historyOf(parts);
  const searched = process.cpuUsage().user;
  const whole = integersAt(parts, [0, height], [0, width]);
  const part = { luma: whole.planes[0], clipped: clippedSamples(whole.planes), width, height };
  const lattices = findLattices([part], gridTable).map((lattice) => ({ ...lattice, table: Array.from(lattice.table) }));
  // 2. What a network makes of it.
  const contradicted = [];
  const given = networks ? new Float32Array(readBytes(folder, `${name}.restored`).buffer) : new Float32Array(0);
  for (let start = 0; start < given.length; start += width * height) {
    /** @type {(rows: [number, number], columns: [number, number]) => Promise<Float32Array[]>} */
    const restoredAt = async (rows, columns) => {
      const wide = columns[1] - columns[0];
      const part = new Float32Array((rows[1] - rows[0]) * wide);
      for (let y = rows[0]; y < rows[1]; y++) {
        const line = start + y * width;
        part.set(given.subarray(line + columns[0], line + columns[1]), (y - rows[0]) * wide);
      }
      return [part];
    };
    const seen = { planes: samples, width, height };
    contradicted.push(await contradictedQuality(restoredAt, seen, tables, { isResized }));
  }
  // 3. What is restored.
  const before = process.cpuUsage().user;
  const history = { ...found, contradictedQuality: contradicted.at(-1) ?? null };
  const prepared = prepare(parts, history, told, { looksBack: true });
  const after = process.cpuUsage().user;
  const weights = prepared.untouchedBlocks();
  const neutral = samples.length === 3 ? prepared.neutralBlocks() : null;
  const flat = weights ? prepared.flatChroma(weights) : null;
  const arrays = [...prepared.parts.samples, ...(prepared.planes ?? [])];
  for (const blocks of [prepared.held, prepared.foreign, neutral]) {
    arrays.push(blocks?.values ?? new Uint8Array(0));
  }
  arrays.push(new Uint8Array(weights?.values.buffer ?? new ArrayBuffer(0)));
  writeArrays(folder, `${name}.out`, arrays);
  const plain = (/** @type {Int32Array[] | null} */ some) => some?.map((table) => Array.from(table)) ?? null;
  reports.push({
    name,
    lattices,
    history: historyToJson(history),
    contradicted,
    sizes: arrays.map((array) => array.length),
    prepared: {
      top: prepared.top,
      left: prepared.left,
      enlargement: prepared.enlargement,
      is_told: prepared.isTold,
      is_resized: prepared.isResized,
      leaves_luma_alone: prepared.leavesLumaAlone,
      has_flat_chroma: flat !== null,
      tables: plain(prepared.parts.tables),
      own_tables: plain(prepared.ownTables),
      grid_table: prepared.parts.gridTable && Array.from(prepared.parts.gridTable),
      own_grid_table: prepared.ownGridTable && Array.from(prepared.ownGridTable),
    },
    seconds: [searched - started, after - before].map((time) => time / 1e6),
  });
}
writeJson(folder, "reports.json", reports);
