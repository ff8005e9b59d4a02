// The scan page. A scan is painted and numbered at once, stored on the device, sent when the network allows, and
// answered by the server, which alone knows what it means.

import { makeBand } from "./band.js";
import { Camera, explain, prepare } from "./camera.js";
import { device, loadSettings, nextNumber, saveSettings } from "./device.js";
import {
  $, drawChoices, drawContext, drawExpects, drawProgress, drawRecent, drawTray, drawWaiting, shown,
} from "./screen.js";
import { Sender } from "./sender.js";
import * as store from "./store.js";
import { keepFocus, listen } from "./wedge.js";
import { load as loadWords, t } from "./words.js";

const SLOW_MS = 300;
const KEPT = 50;
const FIRST = {
  receive: () => [t("notice number"), t("goods")],
  put_away: () => [t("goods"), t("place")],
  move: () => [t("goods"), t("place")],
  pick: () => [t("task or document")],
  pack: () => [t("place"), t("task or document"), t("tote or carton")],
  sort: () => [t("tote or carton")],
  load: () => [t("vehicle")],
  count: () => [t("place"), t("task or document")],
  return: () => [t("task or document"), t("place")],
  units: () => [t("tote or carton")],
};

const settings = loadSettings();
const field = $("#scan-field");
const band = makeBand($("#band"), settings);
const token = { value: window.dongting.csrfToken, renew: renewToken };
const sender = new Sender({ told, refused, state: showConnection, token });
const entries = []; // newest first
const byKey = new Map();
let made = 0; // scans made on this page
let stopShownAt = 0; // how many had been made when a stop was shown that nobody acknowledged yet
let work = { sites: [], notices: [], waiting: [] };
let connection = "online";

function scanned(code, symbology = null) {
  made += 1;
  stopShownAt = 0;
  $("#pad").hidden = true;
  const record = {
    ...nextNumber(),
    code,
    symbology,
    occurred_at: new Date().toISOString(),
    job: settings.job,
    notice: settings.notice || null,
    site: settings.site || null,
    document: documentOf(),
  };
  const entry = { record, number: made, shownAs: shown(code), saved: false };
  entries.unshift(entry);
  byKey.set(record.key, entry);
  for (const old of entries.splice(KEPT)) byKey.delete(old.record.key);
  band.show("busy", entry.shownAs);
  redraw();
  setTimeout(() => isOpen(entry) && entry.number === made && band.show("busy", `${entry.shownAs} — ${t("Queued")}`), SLOW_MS);
  store
    .put(record)
    .then(() => {
      entry.saved = true;
      redraw();
      showCount();
      sender.flush();
    })
    .catch((error) => {
      entry.refusal = t("This device could not keep the scan: %(reason)s", { reason: error?.message ?? "" });
      stop(entry.refusal, t("Free some storage, then scan again."));
      redraw();
    });
}

// The pick list, count, load … that the device is in the middle of, as the server last said; receiving has its notice.
const documentOf = () => (settings.job === "receive" ? null : settings.documents[settings.job] || null);

const isOpen = (entry) => !entry.answer && !entry.refusal;

function told(record, answer) {
  const entry = byKey.get(record.key);
  if (entry) entry.answer = answer;
  const undone = /^UNDO(?: (\S+))?$/i.exec(record.code);
  if (undone && answer.code === "undone") markUndone(undone[1], entry);
  if (answer.outcome === "stop" && (!entry || document.hidden)) {
    // Nobody saw this answer when it came: it waits in the tray instead of being lost.
    store.setAside(record, answer.message).then(showTray);
  }
  follow(record, answer);
  if (entry) say(entry, answer);
  redraw();
  showCount();
}

function markUndone(key, entry) {
  const target = key ? byKey.get(key) : entries.find((one) => one !== entry && one.answer?.is_undoable && !one.undone);
  if (target) target.undone = true;
}

function say(entry, answer) {
  if (answer.outcome === "stop") {
    stop(answer.message, answer.way_out ?? "");
  } else if (entry.number > stopShownAt && entry.number === made) {
    band.tell(answer.outcome, answer.message, answer.way_out ?? "");
  } else {
    band.sound(answer.outcome);
  }
}

// An error stays until the next scan or a touch on the button.
function stop(message, wayOut) {
  stopShownAt = made;
  band.tell("stop", message, wayOut);
}

function follow(record, answer) {
  if (record.job !== settings.job) return;
  const { context } = answer;
  if (record.job === "receive" && answer.outcome !== "stop") choose({ notice: context.notice ?? "" });
  if (record.job !== "receive" && answer.outcome !== "stop") {
    settings.documents = { ...settings.documents, [record.job]: context.document ?? "" };
    saveSettings(settings);
  }
  drawContext($("#context"), context, settings.job, () => scanned("BACK"));
  drawExpects($("#expects"), answer.expects);
  const asksReason = answer.expects.some((one) => one.code === "reason");
  $("#reasons").hidden = !asksReason;
  $("#scan").dataset.asks = asksReason ? "reason" : "";
  showWanted(answer.expects.map((one) => one.code));
  if (answer.progress) drawProgress($("#progress"), answer.progress);
  $("#scan").dataset.progress = $("#progress").hidden ? "" : "yes";
  offerLabel(answer.understood);
  if (["put_away", "undone", "receipt_closed", "notice_chosen"].includes(answer.code)) loadWork();
}

// Buttons that mean something only now: what is done with a unit, and the number pad for grams.
function showWanted(codes) {
  $("#unit-words").hidden = settings.job !== "units" || !codes.includes("word");
  $("#quantity span").textContent = codes.includes("weight") ? t("Grams") : t("Quantity");
}

// A unit that was just made has no label yet.
function offerLabel(understood) {
  const link = $("#print-label");
  link.hidden = !understood?.print_label;
  if (understood?.print_label) link.href = `/api/v1/labels/units/${encodeURIComponent(understood.sscc)}`;
}

function refused(record, problem) {
  const entry = byKey.get(record.key);
  if (entry) {
    entry.refusal = problem.detail;
    stop(problem.detail, t("It was put into the tray below."));
  }
  redraw();
  showCount();
  showTray();
}

function redraw() {
  drawRecent($("#recent"), entries, (entry) => scanned(`UNDO ${entry.record.key}`));
}

// --- connection and counts

function showConnection(state) {
  connection = state;
  showCount();
  if (state === "login") stop(t("You are logged out. Your scans are kept on this device."), t("Log in again; they are sent then."));
  $("#login-again").hidden = state !== "login";
}

async function showCount() {
  const count = await store.count();
  const pill = $("#connection");
  const offline = connection !== "online" || navigator.onLine === false;
  pill.dataset.state = offline ? "offline" : count > 0 ? "queued" : "online";
  pill.dataset.count = String(count);
  const words = { online: t("Online"), queued: t("%(count)s queued", { count }), offline: t("Offline, %(count)s queued", { count }) };
  pill.textContent = words[pill.dataset.state];
}

async function showTray() {
  drawTray($("#tray"), await store.tray(), async (record) => {
    await store.remove(record.place);
    showTray();
  });
}

// --- what to work on

async function renewToken() {
  return (await loadWork()) === true;
}

async function loadWork() {
  try {
    const response = await fetch(`/scan/state.json?site=${encodeURIComponent(settings.site)}`, { headers: { Accept: "application/json" } });
    if (!response.ok || response.redirected) return false;
    work = await response.json();
  } catch {
    return false; // offline: the last list stays
  }
  token.value = work.csrf;
  drawWork();
  return true;
}

function drawWork() {
  const receives = settings.job === "receive";
  for (const tab of document.querySelectorAll("[data-job]")) {
    const isChosen = tab.dataset.job === settings.job;
    tab.setAttribute("aria-pressed", String(isChosen));
    if (isChosen) tab.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  $("#task-words").hidden = receives;
  const choices = receives
    ? work.notices.map((one) => ({ value: one.no, name: one.owner }))
    : work.sites.map((one) => ({ value: one.code, name: one.name }));
  const chosen = receives ? settings.notice : settings.site;
  $("#choice-title").textContent = chosen || (receives ? t("Choose a notice") : t("Choose a warehouse"));
  drawChoices($("#choices"), choices, chosen, (value) => {
    $("#choose").open = false;
    choose(receives ? { notice: value } : { site: value });
    if (receives) scanned(value);
    else loadWork();
  });
  drawWaiting($("#waiting"), settings.job === "put_away" ? work.waiting : []);
  if (!receives) $("#progress").hidden = true;
  $("#scan").dataset.progress = $("#progress").hidden ? "" : "yes";
}

function choose(changed) {
  if (Object.entries(changed).every(([name, value]) => settings[name] === value)) return;
  Object.assign(settings, changed);
  saveSettings(settings);
  drawWork();
}

// --- buttons: they press what a command barcode says; the keyboard cannot press them (a scanner's Enter would)

function onTouch(selector, act) {
  for (const button of document.querySelectorAll(selector)) {
    button.addEventListener("click", (event) => event.detail !== 0 && act(button));
  }
}

function acknowledge() {
  stopShownAt = 0;
  band.show("ready", t("Scan the next label."));
}

// What may be scanned before the server has said anything.
function showFirst() {
  $("#reasons").hidden = true;
  $("#scan").dataset.asks = "";
  showWanted([]);
  const first = FIRST[settings.job]?.() ?? [t("task or document"), t("goods"), t("place")];
  drawExpects($("#expects"), first.map((name) => ({ name })));
}

function listenToButtons() {
  onTouch("[data-command]", (button) => scanned(button.dataset.command));
  onTouch("[data-job]", (button) => {
    choose({ job: button.dataset.job });
    $("#pad").hidden = true;
    $("#context").replaceChildren();
    showFirst();
    acknowledge();
    loadWork();
  });
  onTouch("[data-acknowledge]", acknowledge);
  onTouch("#keyboard", () => {
    const isShut = field.getAttribute("inputmode") === "none";
    field.setAttribute("inputmode", isShut ? "text" : "none");
    field.blur();
    field.focus();
  });
  const pad = $("#pad");
  let typed = "";
  const showTyped = () => ($("#pad-number").textContent = typed || "–");
  onTouch("#quantity", () => {
    typed = "";
    showTyped();
    pad.hidden = !pad.hidden;
  });
  onTouch("[data-digit]", (button) => {
    typed = button.dataset.digit === "del" ? typed.slice(0, -1) : (typed + button.dataset.digit).slice(0, 6);
    showTyped();
  });
  onTouch("#pad-close", () => (pad.hidden = true));
  onTouch("#pad-ok", () => {
    pad.hidden = true;
    if (typed) scanned(`QTY ${Number(typed)}`);
  });
  listenToSettings();
}

function listenToSettings() {
  const volume = $("#volume");
  volume.value = String(settings.silent ? 0 : settings.volume);
  volume.addEventListener("input", () => {
    settings.volume = Number(volume.value);
    settings.silent = settings.volume === 0;
    saveSettings(settings);
  });
  volume.addEventListener("change", () => band.sound("ok"));
  const left = $("#left-handed");
  const turn = () => document.body.classList.toggle("left-handed", settings.leftHanded);
  left.checked = settings.leftHanded;
  left.addEventListener("change", () => {
    settings.leftHanded = left.checked;
    saveSettings(settings);
    turn();
  });
  turn();
  $("#device-name").textContent = device;
}

function listenToCamera() {
  const box = $("#camera-box");
  const note = $("#camera-note");
  const camera = new Camera($("#camera-view"), (text, symbology) => scanned(text, symbology));
  onTouch("#camera", async () => {
    const page = $("#scan");
    if (!box.hidden) {
      camera.stop();
      box.hidden = true;
      page.dataset.camera = "off";
      return;
    }
    box.hidden = false;
    page.dataset.camera = "on";
    note.textContent = t("The camera is starting.");
    try {
      await camera.start();
      note.textContent = t("Hold the label into the picture.");
    } catch (error) {
      camera.stop();
      note.textContent = explain(error);
    }
  });
}

async function begin() {
  // The queue and the keys come first: a scan made while words still load must not be lost.
  listen(field, (text) => scanned(text));
  keepFocus(field);
  await loadWords().catch(() => {});
  listenToButtons();
  listenToCamera();
  prepare($("#scan").dataset.wasm);
  $("#insecure").hidden = window.isSecureContext;
  if (made === 0) {
    band.show("ready", t("Scan a label to begin."));
    showFirst();
  }
  window.addEventListener("offline", () => showConnection("offline"));
  drawWork();
  showCount();
  showTray();
  sender.start();
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("/sw.js").catch((error) => console.warn(error));
  await loadWork();
  document.body.dataset.ready = "yes";
}

begin();
