// What every page shares: keys for writes, forgery protection for fetch and htmx, focus on errors, words.
"use strict";

window.dongting = (() => {
  const token = document.querySelector('meta[name="csrf-token"]').content;
  let words = null;

  // A key made here, before the first try, so that a repeated write counts once. crypto.randomUUID does not exist on
  // http:// addresses other than localhost; getRandomValues does.
  function newKey() {
    const b = crypto.getRandomValues(new Uint8Array(16));
    b[6] = (b[6] & 0x0f) | 0x40;
    b[8] = (b[8] & 0x3f) | 0x80;
    const hex = [...b].map((x) => x.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  }

  // One JSON write. `key` must be the same for every try of the same deed. Resolves to {status, body, replayed};
  // a refusal is an answer, not an exception. Rejects only when no answer came.
  async function write(url, body, { key = newKey(), method = "POST" } = {}) {
    const response = await fetch(url, {
      method,
      headers: {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Idempotency-Key": key,
        "X-CSRFToken": token,
      },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    let answer = null;
    try {
      answer = text ? JSON.parse(text) : null;
    } catch {
      answer = { detail: text.slice(0, 200) };
    }
    return { status: response.status, body: answer, replayed: response.headers.has("Idempotent-Replayed") };
  }

  // The words of the page's language for scripts: t("Saved") → 已保存; %(name)s places are filled from values.
  async function loadWords() {
    if (words === null) {
      const address = document.querySelector('meta[name="words"]').content;
      words = await (await fetch(address)).json();
    }
    return words;
  }
  function t(text, values = {}) {
    const said = (words && words[text]) || text;
    return said.replace(/%\((\w+)\)s/g, (_, name) => String(values[name] ?? ""));
  }

  return { newKey, write, loadWords, t, csrfToken: token };
})();

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRFToken"] = window.dongting.csrfToken;
  if (event.detail.verb !== "get") {
    event.detail.headers["Idempotency-Key"] ??= window.dongting.newKey();
  }
});

// An error that arrives as a fragment gets the focus, so that a keyboard or a screen reader lands on it.
document.addEventListener("htmx:afterSwap", (event) => {
  const wrong = event.detail.elt.querySelector('[role="alert"]');
  if (wrong && event.detail.xhr.status >= 400) {
    wrong.tabIndex = -1;
    wrong.focus();
  }
});

// Menus close when the person turns to something else.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll(".topbar details[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    for (const menu of document.querySelectorAll(".topbar details[open]")) menu.open = false;
  }
});
