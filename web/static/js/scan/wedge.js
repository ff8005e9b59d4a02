// A keyboard-wedge scanner types. This reads what it types into the one scan field, wherever the focus is, and never
// decides by the speed of the keys whether it was a scanner (Bluetooth pauses).

const GS = "\u001d";
const SHIFTED = {
  Digit1: "!", Digit2: "@", Digit3: "#", Digit4: "$", Digit5: "%", Digit6: "^", Digit7: "&", Digit8: "*", Digit9: "(",
  Digit0: ")", Minus: "_", Equal: "+", BracketLeft: "{", BracketRight: "}", Backslash: "|", Semicolon: ":", Quote: '"',
  Comma: "<", Period: ">", Slash: "?", Backquote: "~",
};
const PLAIN = {
  Minus: "-", Equal: "=", BracketLeft: "[", BracketRight: "]", Backslash: "\\", Semicolon: ";", Quote: "'", Comma: ",",
  Period: ".", Slash: "/", Backquote: "`", Space: " ",
};

// What the key means on the keyboard that scanners imitate (US): the way back from a wrong layout or caps lock.
export function asPrinted(event) {
  const { code, shiftKey } = event;
  if (/^Key[A-Z]$/.test(code)) return shiftKey ? code[3] : code[3].toLowerCase();
  if (/^Digit\d$/.test(code)) return shiftKey ? SHIFTED[code] : code[5];
  if (/^Numpad\d$/.test(code)) return code[6];
  return (shiftKey ? SHIFTED[code] : PLAIN[code]) ?? null;
}

// The separator of GS1 labels arrives as Ctrl+] or F8 from scanners that are set up so.
export function isSeparator(event) {
  return event.key === "F8" || (event.ctrlKey && (event.key === "]" || event.code === "BracketRight")) || event.key === GS;
}

function isOwnField(target) {
  return target instanceof HTMLElement && target.closest("[data-typing]") !== null;
}

// Calls `scanned(text)` for each line that ends with Enter or Tab. The field is cleared before anything else happens.
export function listen(field, scanned) {
  let printed = ""; // what event.code says, kept beside what the layout made of it
  let isCapsOn = false;

  function reset() {
    field.value = "";
    printed = "";
    isCapsOn = false;
  }

  function finish() {
    const typed = field.value;
    const sameLength = printed.length === typed.length;
    const mangled = /[^\x1d\x20-\x7e]/.test(typed) || isCapsOn;
    const text = mangled && sameLength ? printed : typed;
    reset();
    if (text.trim() !== "") scanned(text);
  }

  function onKey(event) {
    if (isOwnField(event.target) || event.isComposing) return;
    if (event.key === "Enter" || event.key === "Tab") {
      const holdsText = field.value !== "";
      // Enter on a focused button would click it, Tab would walk away: while a scan runs neither may.
      if (holdsText || event.target === field) {
        event.preventDefault();
        event.stopPropagation();
        finish();
      }
      return;
    }
    if (isSeparator(event)) {
      event.preventDefault();
      event.stopPropagation();
      field.value += GS;
      printed += GS;
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.key.length !== 1) {
      if (event.key === "Escape") reset();
      if (event.key === "Backspace") printed = "";
      return;
    }
    isCapsOn = isCapsOn || event.getModifierState("CapsLock");
    printed += asPrinted(event) ?? event.key;
    if (event.target !== field) {
      event.preventDefault();
      field.value += event.key;
      field.focus({ preventScroll: true });
    }
  }

  window.addEventListener("keydown", onKey, { capture: true });
  return { finish, reset };
}

// Keeps the focus in the field; touching a button does not take it away.
export function keepFocus(field) {
  const back = () => {
    const now = document.activeElement;
    if (now === field || isOwnField(now) || (now && now.closest && now.closest("dialog[open]"))) return;
    field.focus({ preventScroll: true });
  };
  document.addEventListener("pointerdown", (event) => {
    if (event.target.closest("button, summary, label") && !isOwnField(event.target)) event.preventDefault();
  });
  document.addEventListener("click", () => setTimeout(back, 0));
  window.addEventListener("focus", back);
  field.addEventListener("blur", () => setTimeout(back, 150));
  back();
}
