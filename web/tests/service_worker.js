// Keeps the files of a site, and passes them on with the length that they had on the way.

const worker = /** @type {any} */ (globalThis);

worker.onactivate = (/** @type {any} */ event) => event.waitUntil(worker.clients.claim());
worker.onfetch = (/** @type {any} */ event) => event.respondWith(kept(event.request));

/** @param {Request} request */
async function kept(request) {
  const cache = await caches.open("files");
  const found = await cache.match(request);
  if (found) {
    return found;
  }
  const response = await fetch(request);
  const headers = new Headers(response.headers);
  headers.delete("Content-Encoding");
  const passedOn = new Response(await response.arrayBuffer(), { headers });
  await cache.put(request, passedOn.clone());
  return passedOn;
}
