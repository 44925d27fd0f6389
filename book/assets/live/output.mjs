// What a reader's run printed and showed, below what the build did.

// What the book's own objects draw themselves with (verdicts, tables of layers); nothing else passes.
const ELEMENTS = new Set(["P", "DIV", "SPAN", "STRONG", "EM", "CODE", "BR", "SUB", "SUP",
  "TABLE", "CAPTION", "THEAD", "TBODY", "TFOOT", "TR", "TH", "TD"]);
const ATTRIBUTES = new Set(["class", "scope", "role", "aria-label", "tabindex", "colspan", "rowspan"]);

/** The elements of some HTML that only draw: no link, no image, no script, no style. */
export function drawingOf(html) {
  const from = new DOMParser().parseFromString(html, "text/html").body;
  const to = document.createDocumentFragment();
  copyChildren(from, to);
  return to;
}

function copyChildren(from, to) {
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) to.append(node.data);
    if (!ELEMENTS.has(node.tagName)) continue;
    const copy = document.createElement(node.tagName);
    for (const { name, value } of node.attributes) {
      if (ATTRIBUTES.has(name)) copy.setAttribute(name, value);
    }
    copyChildren(node, copy);
    to.append(copy);
  }
}

/**
 * The box for a cell's runs: empty, and without height, until something is shown in it.
 * @param {string} name what the cell is called.
 * @returns {{box: HTMLElement, begin: Function, show: Function, clear: Function}}
 */
export function createOutput(name) {
  const box = document.createElement("div");
  box.className = "live-output";
  box.setAttribute("aria-live", "polite");

  function clear() {
    box.replaceChildren();
  }

  function begin() {
    const title = document.createElement("p");
    title.className = "live-title";
    title.textContent = `Your run of ${name}`;
    box.replaceChildren(title);
  }

  /** Add a piece of output: see worker.mjs for its kinds. */
  function show(as, text) {
    if (as === "html") {
      const drawn = document.createElement("div");
      drawn.append(drawingOf(text));
      box.append(drawn);
      return;
    }
    if (as === "note") {
      const note = document.createElement("p");
      note.textContent = text;
      box.append(note);
      return;
    }
    const last = box.lastElementChild;
    if (last?.dataset.as === as && as !== "text") {
      last.firstChild.append(text);
      return;
    }
    const block = document.createElement("pre");
    block.dataset.as = as;
    block.tabIndex = 0; // a long line scrolls; so can one who has only a keyboard
    block.setAttribute("role", "group");
    block.setAttribute("aria-label", LABELS[as]);
    const code = document.createElement("code");
    code.append(text);
    block.append(code);
    box.append(block);
  }

  return { box, begin, show, clear };
}

const LABELS = {
  stdout: "Printed",
  stderr: "Printed as a warning",
  text: "Value",
  trace: "Lines that led to the error",
  error: "Error",
};
