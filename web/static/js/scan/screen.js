// Draws what the page knows: last scans, progress, what may come next, the tray. No rule of the trade is decided here.

import { t } from "./words.js";

export const $ = (selector, within = document) => within.querySelector(selector);

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${document.getElementById("scan").dataset.sprite}#${name}`);
  svg.append(use);
  return svg;
}

const PICTURE = { queued: "clock", ok: "ok", warn: "warn", stop: "stop" };

// The last five scans, newest first; those that counted can be taken back.
export function drawRecent(list, entries, undo) {
  list.replaceChildren(
    ...entries.slice(0, 5).map((entry) => {
      const state = entry.answer ? entry.answer.outcome : entry.refusal ? "stop" : "queued";
      const said = entry.answer?.message ?? entry.refusal ?? (entry.saved ? t("Queued") : t("Being saved"));
      const row = element(
        "li",
        { class: `recent-row ${state}`, "data-key": entry.record.key, "data-state": state },
        icon(PICTURE[state]),
        element("div", {}, element("b", { class: "code" }, entry.shownAs), element("span", {}, said)),
      );
      if (entry.answer?.is_undoable && !entry.undone) {
        const button = element("button", { type: "button", class: "button undo", tabindex: "-1" }, icon("undo"), t("Undo"));
        button.addEventListener("click", (event) => event.detail !== 0 && undo(entry));
        row.append(button);
      }
      if (entry.undone) row.classList.add("undone");
      return row;
    }),
  );
}

export function drawProgress(box, progress) {
  box.hidden = !progress;
  if (!progress) return;
  // Who counts blind is not told how many are expected.
  const of = (one) => (one.expected_qty === null ? `${one.received_qty}` : `${one.received_qty} / ${one.expected_qty}`);
  $("[data-progress-title]", box).textContent = `${progress.notice} · ${of(progress)}`;
  $("ul", box).replaceChildren(
    ...progress.lines.map((line) => {
      const isBlind = line.expected_qty === null;
      const part = isBlind ? 0 : Math.min(1, line.received_qty / line.expected_qty);
      const state = !isBlind && line.received_qty > line.expected_qty ? "over" : part === 1 ? "full" : "";
      const bar = isBlind ? null : element("progress", { max: "1", value: String(part), "aria-hidden": "true" });
      return element(
        "li",
        { class: state },
        element("span", { class: "line-name" }, line.item, line.lot_no ? element("small", {}, ` ${line.lot_no}`) : null),
        element("b", {}, of(line)),
        bar,
      );
    }),
  );
}

export function drawWaiting(box, waiting) {
  box.hidden = waiting.length === 0;
  $("ul", box).replaceChildren(
    ...waiting.map((one) =>
      element(
        "li",
        {},
        element("span", { class: "line-name" }, one.item, one.lot_no ? element("small", {}, ` ${one.lot_no}`) : null),
        element("b", {}, `${one.qty}`),
        element("small", { class: "muted" }, one.from),
      ),
    ),
  );
}

// What the server understands as the present state: chosen notice, place, quantity for the next label.
export function drawContext(box, context, job, back) {
  const chips = [
    job === "receive" ? context.notice : context.site,
    context.document,
    context.place,
    context.next_qty ? `× ${context.next_qty}` : null,
    context.is_damaged ? t("damaged") : null,
  ].filter(Boolean);
  box.replaceChildren(...chips.map((text) => element("span", { class: "chip" }, text)));
  if (chips.length > 0) {
    const button = element("button", { type: "button", class: "chip-button", tabindex: "-1", "aria-label": t("Back") }, icon("close"));
    button.addEventListener("click", (event) => event.detail !== 0 && back());
    box.append(button);
  }
}

export function drawExpects(box, expects) {
  box.textContent = expects.map((one) => one.name).join(" · ");
}

export function drawTray(box, records, dismiss) {
  box.hidden = records.length === 0;
  $("[data-count]", box).textContent = String(records.length);
  $("ul", box).replaceChildren(
    ...records.map((record) => {
      const done = element("button", { type: "button", class: "button", tabindex: "-1" }, t("Settled"));
      done.addEventListener("click", (event) => event.detail !== 0 && dismiss(record));
      const at = new Date(record.occurred_at).toLocaleTimeString();
      return element(
        "li",
        {},
        element("div", {}, element("b", { class: "code" }, shown(record.code)), element("span", {}, `${at} · ${record.reason}`)),
        done,
      );
    }),
  );
}

export function drawChoices(box, choices, chosen, choose) {
  box.replaceChildren(
    ...choices.map((one) => {
      const button = element(
        "button",
        { type: "button", class: "choice", tabindex: "-1", "aria-pressed": String(one.value === chosen), "data-value": one.value },
        element("b", {}, one.value),
        element("span", {}, one.name),
      );
      button.addEventListener("click", (event) => event.detail !== 0 && choose(one.value));
      return button;
    }),
  );
}

// A code as people can read it: separators visible, long ones cut.
export function shown(code) {
  const plain = code.replace(/^\][A-Za-z]\d/, "").replace(/\u001d/g, "⏐");
  return plain.length > 44 ? `${plain.slice(0, 42)}…` : plain;
}
