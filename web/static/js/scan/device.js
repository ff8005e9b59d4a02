// Which device this is, and the numbers it gives to its scans. Device and sequence make a scan unique for ever.

const DEVICE = "dongting.scan.device";
const SETTINGS = "dongting.scan.settings";

function random(length) {
  const signs = "23456789abcdefghjkmnpqrstuvwxyz";
  return [...crypto.getRandomValues(new Uint8Array(length))].map((n) => signs[n % signs.length]).join("");
}

function kept(name, make) {
  try {
    const found = localStorage.getItem(name);
    if (found) return found;
    const made = make();
    localStorage.setItem(name, made);
    return made;
  } catch {
    return make(); // private mode: the device is new with each page
  }
}

export const device = kept(DEVICE, () => `hh-${random(8)}`);

// A page load is a boot: its numbers start at 1 again, and two tabs of one device never share a boot.
export const boot = `${Date.now().toString(36)}-${random(6)}`;

let seq = 0;

// Key and sequence for the scan that is being made now.
export function nextNumber() {
  seq += 1;
  return { key: `${device}:${boot}:${seq}`, device, boot, seq };
}

const DEFAULTS = { volume: 0.6, silent: false, leftHanded: false, job: "receive", site: "", notice: "", documents: {} };

export function loadSettings() {
  try {
    return { ...DEFAULTS, ...JSON.parse(localStorage.getItem(SETTINGS) || "{}") };
  } catch {
    return { ...DEFAULTS };
  }
}

export function saveSettings(settings) {
  try {
    localStorage.setItem(SETTINGS, JSON.stringify(settings));
  } catch {
    // private mode or full: the settings last as long as the page
  }
}
