// Whether pictures rest, and are the same afterwards: node keep_pictures.js
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { KeptPictures } from "../engine/kept_pictures.js";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc");
const kept = new KeptPictures();
/** @type {WeakRef<Float32Array>[]} */
const planes = [];

/** @param {number} value */
function add(value) {
  const plane = new Float32Array(1000).fill(value);
  planes.push(new WeakRef(plane));
  return kept.add(/** @type {any} */ ({ planes: [plane, plane.map((number) => -number)], known: value }));
}

async function held() {
  // References that were read stay until the end of the task.
  await new Promise((resolve) => setTimeout(resolve, 0));
  collectGarbage();
  return planes.map((plane) => plane.deref() !== undefined);
}

/** @param {number} number */
async function values(number) {
  const { planes, known } = await kept.get(number);
  return [known, ...(planes ?? []).map((plane) => plane.reduce((sum, value) => sum + value, 0))];
}

const [first, second] = [add(1.5), add(2.5)];
const left = kept.add(/** @type {any} */ ({ planes: null, known: 3 }));
const told = [await held()];
const read = [await values(second), await values(first), await values(left), await values(first)];
read.push(...(await Promise.all([values(second), values(first), values(second)])));
kept.rest();
told.push(await held());
kept.drop(first);
const failure = await kept.get(first).catch((error) => `${error}`);
console.log(JSON.stringify({ told, read, failure }));
