// Says for each test code whether the scanner sent it as it is printed.

import { listen } from "./wedge.js";

const page = document.getElementById("device-test");
const field = document.getElementById("device-field");
const plain = (text) => text.replace(/^\][A-Za-z]\d/, "").replace(/\u001d|~|<GS>/g, "{GS}");

function arrived(text) {
  const got = plain(text);
  const boxes = [...page.querySelectorAll("[data-expected]")];
  const same = boxes.find((box) => box.dataset.expected === got);
  // The nearest in length is what was meant: a wrong layout changes signs, not their number.
  const meant = same ?? boxes.reduce((a, b) => (far(a, got) <= far(b, got) ? a : b));
  meant.querySelector("output").textContent = same ? page.dataset.good : page.dataset.bad.replace("%s", got);
  meant.dataset.state = same ? "ok" : "stop";
}

function far(box, got) {
  const wanted = box.dataset.expected;
  let differing = Math.abs(wanted.length - got.length) * 2;
  for (let i = 0; i < Math.min(wanted.length, got.length); i += 1) differing += wanted[i] === got[i] ? 0 : 1;
  return differing;
}

listen(field, arrived);
field.focus();
