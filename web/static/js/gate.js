// The gate page keeps itself up to date: the stream says that something changed, the page asks for it and puts it in
// place. Where no stream is to be had (all taken, network), it asks every five seconds.
"use strict";

// The page of one passage is shown anew when the passage changes, unless somebody is writing on it.
(() => {
  const shown = document.getElementById("passage");
  if (!shown) return;
  const address = new URL(shown.dataset.stream, location.href);
  address.searchParams.set("last", shown.dataset.last);
  const began = performance.now();
  const stream = new EventSource(address, { withCredentials: true }); // the streams may have a port of their own
  stream.addEventListener("passage", (event) => {
    const isReplay = Number(event.lastEventId) <= Number(shown.dataset.last);
    const reason = document.getElementById("reason");
    if (isReplay || JSON.parse(event.data).id !== Number(shown.dataset.id) || (reason && reason.value)) return;
    setTimeout(() => location.reload(), Math.max(0, 500 - (performance.now() - began)));
  });
  // No stream to be had: the page asks whether the passage is still what it shows.
  let known = null;
  async function ask() {
    const response = await fetch(`/api/v1/gates/passages/${shown.dataset.id}`).catch(() => null);
    if (!response || !response.ok) return;
    const { passage, releases, commands } = await response.json();
    const found = JSON.stringify([passage, releases, commands]);
    const reason = document.getElementById("reason");
    if (known !== null && found !== known && !(reason && reason.value)) location.reload();
    known = found;
  }
  stream.onerror = () => {
    if (stream.readyState !== EventSource.CLOSED) return;
    stream.close();
    ask();
    setInterval(ask, 5000);
  };
})();

(() => {
  const now = document.getElementById("now");
  if (!now) return;
  const state = document.getElementById("live-state");
  const POLL_MS = 5000;
  const TRY_AGAIN_MS = 30000;
  let last = now.dataset.last;
  let source = null;
  let timer = null;
  let polling = null;
  let waiting = false;
  let busy = false;

  function show(kind) {
    state.className = `live-state ${kind}`;
    state.lastElementChild.textContent = state.dataset[kind];
  }

  // A person who is typing or pressing keeps what is under the hand; everything else is put in place.
  function isInUse() {
    const held = document.activeElement;
    return held && now.contains(held) && (held.tagName === "INPUT" || held.tagName === "TEXTAREA");
  }

  async function refresh() {
    if (busy || isInUse()) {
      waiting = true;
      return;
    }
    busy = true;
    try {
      const response = await fetch(now.dataset.address, { headers: { "X-Fragment": "1" } });
      if (response.redirected) {
        location.reload(); // logged out
        return;
      }
      if (!response.ok) throw new Error(String(response.status));
      const focused = document.activeElement && document.activeElement.closest("[id]");
      now.innerHTML = await response.text();
      if (focused && focused.id && !document.contains(focused)) document.getElementById(focused.id)?.focus();
      if (!source && polling) show("poll");
    } catch {
      show("lost");
    } finally {
      busy = false;
      if (waiting && !isInUse()) {
        waiting = false;
        soon();
      }
    }
  }

  // Several notes of one transaction are one change on the page.
  function soon() {
    clearTimeout(timer);
    timer = setTimeout(refresh, 120);
  }

  function poll(kind) {
    show(kind);
    if (!polling) polling = setInterval(refresh, POLL_MS);
  }

  function listen() {
    const address = new URL(now.dataset.stream, location.href);
    address.searchParams.set("last", last);
    const stream = new EventSource(address, { withCredentials: true }); // they may have a port of their own
    stream.onopen = () => {
      source = stream;
      clearInterval(polling);
      polling = null;
      show("live");
      soon();
    };
    for (const topic of ["passage", "lane", "alarm", "fence", "reset"]) {
      stream.addEventListener(topic, (event) => {
        last = event.lastEventId || last;
        soon();
      });
    }
    stream.onerror = () => {
      source = null;
      if (stream.readyState === EventSource.CLOSED) {
        stream.close();
        poll("poll"); // refused: the browser does not try again by itself
        setTimeout(listen, TRY_AGAIN_MS);
      } else {
        poll("lost"); // the browser comes back by itself and says where it was; until then the page asks
      }
    };
  }

  now.addEventListener("focusout", () => {
    if (waiting) soon();
  });
  listen();
})();
