// Sends what is queued, oldest first, until the server has answered all of it. One sender at a time on a device.

import * as store from "./store.js";

const MOST = 50;
const PAUSE_MS = 3000;
const LOCK = "dongting-scan-sender";
const AGAIN = new Set([408, 425, 429, 502, 503, 504]);
const MOST_TRIES = 5; // of a scan on which the server itself breaks: it must not hold up all the others for ever

export class Sender {
  // told(record, answer): an answer came. refused(record, problem): it went to the tray. state(name): online, offline, login.
  constructor({ told, refused, state, token }) {
    Object.assign(this, { told, refused, state, token });
    this.running = false;
    this.again = false;
  }

  start() {
    window.addEventListener("online", () => this.flush());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.flush());
    setInterval(() => this.flush(), PAUSE_MS);
    this.flush();
  }

  // Safe to call at any time, from anywhere; a call while one runs makes it look once more.
  async flush() {
    if (this.running) {
      this.again = true;
      return;
    }
    this.running = true;
    try {
      do {
        this.again = false;
        await this.#alone(() => this.#sendAll());
      } while (this.again);
    } catch (error) {
      console.error(error);
      this.state("offline");
    } finally {
      this.running = false;
    }
  }

  // Two tabs of one device send in turn where the browser can (it needs HTTPS); the server counts once in any case.
  #alone(work) {
    return navigator.locks ? navigator.locks.request(LOCK, work) : work();
  }

  async #sendAll() {
    for (;;) {
      const records = await store.waiting(MOST);
      if (records.length === 0) {
        if (navigator.onLine !== false) this.state("online");
        return;
      }
      if (!(await this.#sendSome(records))) return;
    }
  }

  async #sendSome(records) {
    const items = records.map(({ place, state, reason, tries, ...scan }) => scan);
    let response;
    try {
      response = await this.#post(items);
      if (response.status === 400 && (await this.token.renew())) response = await this.#post(items);
    } catch {
      this.state("offline");
      return false;
    }
    if (response.status === 401 || response.status === 403 || response.redirected) {
      this.state("login");
      return false;
    }
    if (!response.ok) {
      this.state("offline");
      return false;
    }
    const { results } = await response.json();
    for (const [i, result] of results.entries()) {
      if (AGAIN.has(result.status)) {
        this.state("offline");
        return false;
      }
      if (result.status >= 500 && (await store.failed(records[i])) < MOST_TRIES) {
        this.state("offline");
        return false;
      }
      await this.#settle(records[i], result);
    }
    return true;
  }

  async #settle(record, result) {
    if (result.status === 200) {
      await store.remove(record.place);
      this.told(record, result.answer);
    } else {
      await store.setAside(record, result.problem.detail);
      this.refused(record, result.problem);
    }
  }

  #post(items) {
    return fetch("/api/v1/scans/batch", {
      method: "POST",
      headers: { "Content-Type": "application/json", "Accept": "application/json", "X-CSRFToken": this.token.value },
      body: JSON.stringify({ items }),
    });
  }
}
