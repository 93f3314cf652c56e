// Tells histories, as `tests/web/test_history.py` asks: node tell_history.js FOLDER
import { historyToJson } from "../engine/history/record.js";
import { describeHistory } from "../engine/history/words.js";
import { readJson, writeJson } from "./files.js";

const folder = process.argv[2];
/** @typedef {{history: import("../engine/history/record.js").History, quality: number | null}} Story */
const told = readJson(folder, "stories.json").map((/** @type {Story} */ { history, quality }) => ({
  json: historyToJson(history),
  sentences: describeHistory(history, quality),
}));
writeJson(folder, "told.json", told);
