// Keeps the site in the browser: after the first visit it opens without a network connection.
//
// What is kept is one version of the whole site, named by a hash of all its files. The browser looks for
// a new sw.js on each visit; when a file has changed, so has the hash, and the new version is fetched
// as a whole before it takes the old one's place. digitlab.build_site fills in the next two lines.
const VERSION = "";
const FILES = [];

// An origin can hold many sites, in folders: only this one's caches are ours.
const MINE = `digitlab ${self.registration.scope} `;

self.addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(MINE + VERSION);
      await cache.addAll(FILES.map((file) => new Request(file, { cache: "no-cache" })));
      await self.skipWaiting();
    })(),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) {
        if (name.startsWith(MINE) && name !== MINE + VERSION) await caches.delete(name);
      }
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET" || !event.request.url.startsWith(self.registration.scope)) return;
  event.respondWith(
    (async () => {
      const cache = await caches.open(MINE + VERSION);
      return (await cache.match(event.request, { ignoreSearch: true })) ?? fetch(event.request);
    })(),
  );
});
