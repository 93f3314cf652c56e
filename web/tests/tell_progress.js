// What is told of a body of 10 bytes in parts of 4, by the headers in JSON: node tell_progress.js HEADERS
import { download } from "../engine/download.js";

const headers = JSON.parse(process.argv[2]);
globalThis.fetch = async () => {
  const body = new ReadableStream({
    start(controller) {
      for (const size of [4, 4, 2]) {
        controller.enqueue(new Uint8Array(size));
      }
      controller.close();
    },
  });
  return new Response(body, { headers });
};
/** @type {number[][]} */
const told = [];
await download("file", (...numbers) => void told.push(numbers));
console.log(JSON.stringify(told));
