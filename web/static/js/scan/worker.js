// Service worker. VERSION and PRECACHE stand above, written by the server from the content of the files.
// It answers for the scan page and its files only; everything else goes to the network as if it were not there.

const CACHE = `dongting-scan-${VERSION}`;
const PAGE = "/scan";
const PATIENCE_MS = 4000;
const KNOWN = new Set(PRECACHE.map((url) => new URL(url, self.location.origin).href));

self.addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(CACHE);
      await cache.addAll(PRECACHE);
      await keepPage(cache).catch(() => {});
      await self.skipWaiting();
    })(),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) {
        if (name.startsWith("dongting-scan-") && name !== CACHE) await caches.delete(name);
      }
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate" && url.pathname === PAGE) event.respondWith(page(request));
  else if (KNOWN.has(url.href)) event.respondWith(file(request));
});

async function keepPage(cache) {
  const response = await fetch(PAGE, { credentials: "same-origin" });
  if (response.ok && !response.redirected) await cache.put(PAGE, response);
}

// The network's page when it answers soon, else the kept one. A page that sends to the login takes the kept one away:
// the next person at this device must not see the last one's name.
async function page(request) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(PAGE);
  const asked = fetch(request);
  const late = new Promise((resolve) => setTimeout(resolve, kept ? PATIENCE_MS : 60_000, null));
  try {
    const response = await Promise.race([asked, late]);
    if (response === null) return kept ?? asked;
    if (response.ok && !response.redirected) await cache.put(PAGE, response.clone());
    else if (response.redirected || response.type === "opaqueredirect" || response.status === 401) await cache.delete(PAGE);
    return response.status >= 500 && kept ? kept : response;
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}

async function file(request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(request.url)) ?? fetch(request);
}
