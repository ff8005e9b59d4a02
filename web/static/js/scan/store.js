// What must survive a reload, a dead battery and a closed tab: the queue of scans, in IndexedDB.
// A record is written at the scan and leaves only when the server has answered it.

const NAME = "dongting-scan";
const QUEUE = "queue";

function asked(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function finished(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
    transaction.onerror = () => reject(transaction.error);
  });
}

let opening = null;

function open() {
  opening ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      // `place` is given by the database in the order of the scans and never used twice, in however many tabs.
      const store = request.result.createObjectStore(QUEUE, { keyPath: "place", autoIncrement: true });
      store.createIndex("state", "state");
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => {
      opening = null;
      reject(request.error);
    };
  });
  return opening;
}

function transact(database, mode) {
  try {
    return database.transaction(QUEUE, mode, { durability: "strict" });
  } catch {
    return database.transaction(QUEUE, mode);
  }
}

// Stores a scan; resolves when it is safe on the device.
export async function put(record) {
  const transaction = transact(await open(), "readwrite");
  transaction.objectStore(QUEUE).add({ ...record, state: "queued" });
  await finished(transaction);
}

// The oldest scans that wait for an answer.
export async function waiting(most) {
  const transaction = transact(await open(), "readonly");
  return asked(transaction.objectStore(QUEUE).index("state").getAll("queued", most));
}

// Scans that the server refused, or that were stopped while nobody looked: they stay until somebody settles them.
export async function tray() {
  const transaction = transact(await open(), "readonly");
  return asked(transaction.objectStore(QUEUE).index("state").getAll("tray"));
}

export async function count() {
  const transaction = transact(await open(), "readonly");
  return asked(transaction.objectStore(QUEUE).index("state").count("queued"));
}

export async function remove(place) {
  const transaction = transact(await open(), "readwrite");
  transaction.objectStore(QUEUE).delete(place);
  await finished(transaction);
}

// Moves a scan to the tray with the reason why it did not count.
export async function setAside(record, reason) {
  const transaction = transact(await open(), "readwrite");
  transaction.objectStore(QUEUE).put({ ...record, state: "tray", reason });
  await finished(transaction);
}

// Notes that the server failed on a scan; the number of tries so far is told.
export async function failed(record) {
  const tries = (record.tries ?? 0) + 1;
  const transaction = transact(await open(), "readwrite");
  transaction.objectStore(QUEUE).put({ ...record, tries });
  await finished(transaction);
  return tries;
}
