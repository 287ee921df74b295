// Keeps the site in the browser: after the first visit it opens without a network connection.
//
// One version of the whole site is kept, named by a hash of all its files. The browser looks for a new
// sw.js on each visit; when a file has changed, so has the hash, and the new version is fetched as a
// whole. It takes over when no page of the old one is open, or when the only open page asks for it, so
// that no page gets files of both. digitlab.build_site fills in the next three lines.
const VERSION = "";
const FILES = [];
const INTEGRITY = {}; // of all files but index.html, to which some hosts add something

// An origin can hold many sites, in folders: only caches with this prefix are ours.
const MINE = `digitlab ${self.registration.scope} `;
const PAGES = ["", "index", "index.html"].map((name) => self.registration.scope + name); // hosts may drop ".html"

self.addEventListener("install", (event) => event.waitUntil(keep()));
self.addEventListener("activate", (event) => event.waitUntil(forgetOthers()));
self.addEventListener("message", (event) => event.waitUntil(takeOver()));

async function takeOver() {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  if (pages.filter(({ url }) => url.startsWith(self.registration.scope)).length === 1) await self.skipWaiting();
}

async function forgetOthers() {
  for (const name of await caches.keys()) {
    if (name.startsWith(MINE) && name !== MINE + VERSION) await caches.delete(name);
  }
}

/** Keeps all files, or none. */
async function keep() {
  const page = fetched("./").catch(() => fetched("index.html"));
  const files = await Promise.all(FILES.map(async (file) => (INTEGRITY[file] ? fetched(file) : (await page).clone())));
  try {
    const cache = await caches.open(MINE + VERSION);
    await Promise.all(FILES.map((file, i) => cache.put(file, files[i])));
  } catch (error) {
    await caches.delete(MINE + VERSION);
    throw error;
  }
}

async function fetched(file) {
  const response = await fetch(file, { cache: "no-cache", integrity: INTEGRITY[file] ?? "" });
  const body = await response.blob();
  // For missing files, some hosts send a page, with status 200.
  const ours = INTEGRITY[file] || (await body.text()).includes('name="generator" content="digitlab"');
  if (!response.ok || !ours) throw new Error(`${file} is missing (the server says ${response.status})`);
  // A new response, because browsers refuse to open a page with one that was redirected. And without
  // Vary, because the kept file suits every request.
  const headers = new Headers(response.headers);
  headers.delete("Vary");
  return new Response(body, { headers });
}

self.addEventListener("fetch", (event) => {
  const url = event.request.url.replace(/[?#].*/, "");
  if (event.request.method === "GET" && url.startsWith(self.registration.scope)) event.respondWith(answer(event.request, url));
});

async function answer(request, url) {
  try {
    const cache = await caches.open(MINE + VERSION);
    const kept = await cache.match(PAGES.includes(url) ? "./" : url);
    if (kept) return kept;
  } catch {
    // The browser's storage failed; the network may work.
  }
  return fetch(request);
}
