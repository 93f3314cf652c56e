// Works on planes as a restoration does, as `tests/web/test_planes.py` asks: node restore_planes.js FOLDER
import { flatChroma, setFlatChroma } from "../engine/flat_chroma.js";
import { recoverCoefficients } from "../engine/jpeg/recovery.js";
import { coloredBlocks, leaveNeutral, neutralBlocks } from "../engine/neutral.js";
import { tiles } from "../engine/tiles.js";
import { describeUntouched, leaveUntouched, untouchedBlocks } from "../engine/untouched.js";
import { readBytes, readJson, readPlanes, writeArrays, writeJson } from "./files.js";

// Of a picture, so that several strips are worked on.
const STRIP = 64;
const folder = process.argv[2];
const cases = readJson(folder, "cases.json");
const reports = [];
for (const { name, width, height, known, tables, sampling } of cases) {
  const size = width * height;
  const seen = readPlanes(folder, name, size);
  const data = readBytes(folder, `${name}.restored`);
  const restored = Array.from({ length: known }, (_, plane) => new Float32Array(data.buffer, plane * size * 4, size));
  // 1. What is found in the whole picture.
  const rgb = !tables && seen.length === 3;
  const lumaAlone = Boolean(tables) && seen.length === 3 && sampling !== "4:4:4";
  const weights = untouchedBlocks(lumaAlone ? seen.slice(0, 1) : seen, width, height, tables?.[0] ?? null);
  const neutral = known === 3 ? neutralBlocks(coloredBlocks(seen, width, height, { rgb })) : null;
  const hasFlat = weights && lumaAlone && known === 3 && (sampling === "4:2:0" || sampling === "4:2:2");
  const flat = hasFlat ? flatChroma(seen, width, height, tables, sampling, weights) : null;
  const coefficients = tables ? recoverCoefficients(seen[0], width, height, tables[0]) : null;
  // 2. Strip by strip, in the order of a restoration.
  for (let top = 0; top < height; top += STRIP) {
    const rows = [top * width, Math.min(top + STRIP, height) * width];
    const part = restored.map((plane) => plane.subarray(...rows));
    const seenPart = seen.map((plane) => Float32Array.from(plane.subarray(...rows)));
    if (neutral) {
      leaveNeutral(part, neutral, width, top);
    }
    if (weights) {
      leaveUntouched(lumaAlone ? part.slice(0, 1) : part, seenPart, weights, width, top);
    }
    if (flat) {
      setFlatChroma(part, flat, width, top);
    }
  }
  if (weights) {
    writeArrays(folder, `${name}.weights`, [weights.values]);
  }
  if (coefficients) {
    writeArrays(folder, `${name}.coefficients`, [coefficients.values]);
  }
  writeArrays(folder, `${name}.out`, restored);
  reports.push({
    colors: flat ? flat.known.reduce((sum, known) => sum + known, 0) : 0,
    neutral: neutral ? neutral.values.reduce((sum, block) => sum + block, 0) : 0,
    sentences: describeUntouched(weights, { lumaAlone }),
  });
}
writeJson(folder, "reports.json", reports);
const plans = readJson(folder, "plans.json").map((/** @type {[number, number, number, number, number]} */ plan) =>
  tiles(...plan),
);
writeJson(folder, "tiles.json", plans);
