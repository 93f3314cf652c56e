// Keeps the page and what it downloaded, so that it opens without a network; adds the headers with which the page may
// share memory with its workers, which many servers cannot be told to send. `web/stage.js` fills in the next line.

const SITE = { version: "", files: [], later: {} };
// Several such sites may share an origin.
const PREFIX = `argan ${self.registration.scope} `;
const NAME = PREFIX + SITE.version;
// Runtime and network: most versions have those of the version before, and they are large.
const LATER = `${PREFIX}later`;
// Other sites may lie in folders below this one. They are none of its business.
const address = (name) => new URL(name, self.registration.scope).href;
const CHECKSUMS = new Map(Object.entries(SITE.later).map(([name, checksum]) => [address(name), checksum]));
const OWN = new Set([...SITE.files.map(address), ...CHECKSUMS.keys()]);
const HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};
// Workers do not get the policy of the page's own <meta>.
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob:";

self.addEventListener("install", (event) => {
  // Past the browser's own cache, which may hold files of another version.
  const requests = SITE.files.map((name) => new Request(name, { cache: "no-cache" }));
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(requests)));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(clean().then(() => self.clients.claim()));
});

/** Deletes what this version does not have. */
async function clean() {
  const old = (name) => name.startsWith(PREFIX) && name !== NAME && name !== LATER;
  const names = await caches.keys();
  await Promise.all(names.filter(old).map((name) => caches.delete(name)));
  const later = await caches.open(LATER);
  const current = new Set([...CHECKSUMS].map(([url, checksum]) => `${url}?${checksum}`));
  const requests = await later.keys();
  await Promise.all(requests.filter(({ url }) => !current.has(url)).map((request) => later.delete(request)));
}

self.addEventListener("message", (event) => {
  if (event.data === "take over") {
    // Other pages may be at work with the files of the version before.
    const isOwn = ({ url }) => OWN.has(new URL(url).origin + new URL(url).pathname);
    const pages = self.clients.matchAll({ type: "window", includeUncontrolled: true });
    event.waitUntil(pages.then((all) => all.filter(isOwn).length < 2 && self.skipWaiting()));
  }
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method === "GET" && OWN.has(origin + pathname)) {
    event.respondWith(answer(event));
  }
});

async function answer(event) {
  const url = new URL(event.request.url);
  const checksum = CHECKSUMS.get(url.origin + url.pathname);
  const cache = await caches.open(checksum ? LATER : NAME);
  const key = checksum ? `${url.origin}${url.pathname}?${checksum}` : event.request;
  const kept = await cache.match(key, { ignoreSearch: !checksum, ignoreVary: true });
  const response = kept ?? (await fetch(event.request));
  if (!response.status) {
    return response; // A redirection, which the browser follows by itself.
  }
  if (!kept && response.status === 200) {
    // A full disk is no reason to give nothing.
    event.waitUntil(cache.put(key, response.clone()).catch(() => {}));
  }
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(HEADERS)) {
    headers.set(name, value);
  }
  // A policy of the server holds beside this one.
  headers.append("Content-Security-Policy", POLICY);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
