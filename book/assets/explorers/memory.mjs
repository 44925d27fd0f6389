// The memory calculator: what a training step takes of a GPU, and whether it fits. Its numbers are the
// predictions of convbook.memory, in a table that the build wrote; it is fetched when a reader comes near.
import * as arithmetic from "./arithmetic/memory.mjs";
import { copied, node, select, slider } from "./controls.mjs";
import { choice, define } from "./element.mjs";

const TABLE = new URL("../../data/gpu-memory-calculator.json", import.meta.url);
const NEAR = "800px"; // of the window: then the table is fetched
const { MOST, NAMES, PARTS } = arithmetic;

const words = (start, names) => choice(start, Object.keys(names));

/** Batches that double: the state holds the exponent, the address the batch. */
const doubling = (start) => ({
  start, least: 0, most: MOST,
  read: (text) => {
    const exponent = Math.log2(/^\d{1,5}$/.test(text) ? +text : NaN);
    return Number.isInteger(exponent) && exponent <= MOST ? exponent : undefined;
  },
  write: (exponent) => String(2 ** exponent),
});

const fields = {
  network: words("resnet152", NAMES.network),
  image: words("224", NAMES.image),
  batch: doubling(7),
  optimizer: words("adam", NAMES.optimizer),
  precision: words("float32", NAMES.precision),
  gpu: words("16", NAMES.gpu),
};

function build(body, explorer) {
  const controls = [
    select(explorer, "network", "Network", NAMES.network),
    select(explorer, "image", "Images", NAMES.image),
    slider(explorer, "batch", "Batch", (exponent) => String(2 ** exponent)),
    select(explorer, "optimizer", "Optimizer", NAMES.optimizer),
    select(explorer, "precision", "Precision", NAMES.precision),
    select(explorer, "gpu", "GPU", NAMES.gpu),
  ];
  const line = copied("the command");
  const shown = [bar(), breakdown()];
  const results = node("div", { class: "memory-results" }, ...shown.map((part) => part.node));
  const measured = node("p", { class: "memory-note" });
  const told = node("p", { class: "memory-note" }, "The same on your own machine:");
  body.append(
    node("div", { class: "explorer-controls" }, ...controls.map((control) => control.node)),
    results, node("div", {}, told, line.node), measured,
  );

  let table; // until it has come, results are there and hidden: they keep their place
  let failed = false;
  const again = node("button", { type: "button", onclick: () => fetchTable() }, "Load the predictions again");
  async function fetchTable() {
    failed = false;
    again.remove();
    try {
      const answer = await fetch(TABLE);
      if (!answer.ok) throw new Error(`${answer.status}`);
      table = await answer.json();
    } catch {
      failed = true;
      measured.after(again);
    }
    explorer.set({});
  }
  whenNear(body, fetchTable);

  return (state) => {
    for (const control of controls) control.show(state);
    line.show(arithmetic.command(state));
    results.dataset.waiting = table === undefined;
    if (failed) return "The predictions could not be loaded.";
    if (table === undefined) return "The predictions are being loaded.";
    const at = arithmetic.place(table, state);
    for (const part of shown) part.show(table, at);
    measured.textContent = arithmetic.measured(table, at);
    return arithmetic.words(table, state);
  };
}

/** Call once, when the element comes near the window. */
function whenNear(element, call) {
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    call();
  }, { rootMargin: NEAR });
  observer.observe(element);
}

/** The parts at the peak as one bar, true to scale, with the GPU's memory as a line. */
function bar() {
  const badge = node("p", { class: "memory-badge" });
  const segments = PARTS.map(({ key, letter, name, role }) =>
    node("span", { "data-part": key, style: `--part: var(--role-${role})` },
      node("span", { class: "memory-letter" }, letter), node("span", { class: "memory-name" }, name)));
  const limit = node("span", { class: "memory-limit" }, node("span", {}));
  const stack = node("div", { class: "memory-bar", role: "img" }, ...segments, limit);
  return {
    node: node("div", { class: "memory-scale" }, badge, stack),
    show(table, at) {
      const { held, reserved } = arithmetic.cell(table, at);
      const gpu = table.gpus[at.gpu];
      // Beside the memory of a large GPU a small step would be a thin line: there the scale ends before it.
      const beyond = gpu.bytes > 4 * reserved;
      const most = beyond ? 1.25 * reserved : Math.max(reserved, gpu.bytes);
      const verdict = arithmetic.verdict(table, at);
      badge.textContent = arithmetic.BADGES[verdict];
      badge.dataset.verdict = verdict;
      segments.forEach((segment, n) => { segment.style.width = `${(100 * held[PARTS[n].key]) / most}%`; });
      limit.style.left = `${Math.min(100, (100 * gpu.bytes) / most)}%`;
      const size = arithmetic.gigabytes(gpu.bytes);
      limit.firstChild.textContent = `${gpu.name}: ${size}${beyond ? ", far to the right →" : ""}`;
      limit.dataset.side = gpu.bytes > most / 2 ? "left" : "right"; // of the line, where its name has room
      limit.dataset.beyond = beyond;
      const parts = PARTS.map(({ key, name }) => `${name} ${arithmetic.amount(held[key])}`).join(", ");
      stack.setAttribute("aria-label", `Reserved at the peak: ${parts}. The GPU has ${size}.`);
    },
  };
}

/** The same in numbers: what there is of each kind in a step, and how much of it is held at the peak. */
function breakdown() {
  const row = (...title) => {
    const cells = { all: node("td", {}), held: node("td", {}) };
    const head = node("th", { scope: "row" }, ...title);
    return { ...cells, node: node("tr", {}, head, cells.all, cells.held) };
  };
  const rows = Object.fromEntries(PARTS.map(({ key, letter, name, role }) => {
    const mark = node("span", { class: "memory-key", "data-part": key, "aria-hidden": "true" }, letter);
    mark.style.setProperty("--part", `var(--role-${role})`);
    return [key, row(mark, FULL[key] ?? name)];
  }));
  const peak = row("allocated at the peak");
  const reserved = row("reserved");
  for (const sum of [peak, reserved]) sum.node.className = "memory-sum";
  const { cached, ...needed } = rows;
  const order = [...Object.values(needed), peak, cached, reserved];
  const heads = ["kind", "in a step", "at the peak"].map((head) => node("th", { scope: "col" }, head));
  return {
    node: node("table", { class: "memory-table" }, node("caption", {}, "Memory of a training step, predicted"),
      node("thead", {}, node("tr", {}, ...heads)), node("tbody", {}, ...order.map((each) => each.node))),
    show(table, at) {
      const found = arithmetic.cell(table, at);
      for (const { key } of PARTS) {
        rows[key].all.textContent = key in found.all ? arithmetic.amount(found.all[key]) : "";
        rows[key].held.textContent = arithmetic.amount(found.held[key]);
      }
      peak.held.textContent = arithmetic.amount(found.peak);
      reserved.held.textContent = arithmetic.amount(found.reserved);
    },
  };
}

const FULL = { // names for which the bar has no room
  parameters: "parameters, buffers", inputs: "images, labels", rounding: "rounding to blocks",
  cached: "cached besides",
};

define("memory-calculator", { name: "memory", fields, build });
