/** Opens pictures inside of a worker. */

import { openedPicture } from "./opened_picture.js";

self.onmessage = async ({ data: { files, maxMegapixels } }) => {
  const opened = [];
  for (const file of files) {
    opened.push(await openedPicture(file, maxMegapixels));
  }
  self.postMessage(opened);
};
