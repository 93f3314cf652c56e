/** Opens pictures in Node.js: a JSON file with a list of files (base64) in, a list of results out. */

import { readFileSync } from "node:fs";
import { openedPicture } from "./opened_picture.js";

const { files, maxMegapixels } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const opened = [];
for (const file of files) {
  opened.push(await openedPicture(file, maxMegapixels));
}
process.stdout.write(JSON.stringify(opened));
