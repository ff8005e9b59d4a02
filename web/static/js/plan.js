// The page of a plan that is being made: the stream says that something is new, the page asks for it. Where no stream is
// to be had, it asks every second; htmx puts the answer in place and leaves for the plan when it is made.
"use strict";

(() => {
  const shown = document.getElementById("plan-live");
  if (!shown) return;
  const id = Number(shown.dataset.id);
  const POLL_MS = 1000;
  let timer = null;

  function ask() {
    const progress = document.getElementById("progress");
    if (progress) htmx.trigger(progress, "news");
  }

  const stream = new EventSource(new URL(shown.dataset.stream, location.href), { withCredentials: true });
  stream.onopen = () => {
    clearInterval(timer);
    timer = null;
    ask();
  };
  stream.addEventListener("plan", (event) => {
    if (JSON.parse(event.data).id === id) ask();
  });
  stream.addEventListener("reset", ask);
  stream.onerror = () => {
    timer ??= setInterval(ask, POLL_MS); // until the stream is back, or for good where it was refused
  };
})();
