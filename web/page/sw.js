// Keeps the page and what it downloaded, so that it opens without a network; adds the headers with which the page may
// share memory with its workers, which many servers cannot be told to send. `web/stage.js` fills in the next line.

const SITE = { version: "", files: [], later: [] };
// Several such sites may share an origin.
const PREFIX = `argan ${self.registration.scope} `;
const NAME = PREFIX + SITE.version;
// Other sites may lie in folders below this one. They are none of its business.
const OWN = new Set([...SITE.files, ...SITE.later].map((name) => new URL(name, self.registration.scope).href));
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
  const old = (name) => name.startsWith(PREFIX) && name !== NAME;
  const cleaned = caches.keys().then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name))));
  event.waitUntil(cleaned.then(() => self.clients.claim()));
});

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
  const cache = await caches.open(NAME);
  const kept = await cache.match(event.request, { ignoreSearch: true, ignoreVary: true });
  const response = kept ?? (await fetch(event.request));
  if (!response.status) {
    return response; // A redirection, which the browser follows by itself.
  }
  if (!kept && response.status === 200) {
    // A full disk is no reason to give nothing.
    event.waitUntil(cache.put(event.request, response.clone()).catch(() => {}));
  }
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(HEADERS)) {
    headers.set(name, value);
  }
  // A policy of the server holds beside this one.
  headers.append("Content-Security-Policy", POLICY);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
