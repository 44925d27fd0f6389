// The three planes of a convolution: input, kernel, output, with what the chosen number is made of.
import { css, inkOn, signed } from "../colours.mjs";
import { node } from "../controls.mjs";
import { grid } from "../grid.mjs";
import { seen, MOST, within } from "./scene.mjs";
import { placeOf, sizeOf } from "./words.mjs";

/** { node, show(scene, state) }. */
export function planesView({ state, set }) {
  let scene;
  const pick = (side) => (row, column) => {
    const frame = scene[side];
    const at = within(row * frame.values[0].length + column, frame);
    if (at >= 0) set({ side, at });
  };
  const edit = (key) => (row, column, value) => {
    const [top, left] = scene[key].margin;
    const rows = state()[key].map((numbers) => [...numbers]);
    const from = seen(rows, MOST[scene.layer.dims][key]).top;
    rows[from + row - top][column - left] = value;
    set({ [key]: rows });
  };

  const window = node("div", { class: "convolution-window" });
  const planes = {
    input: planeView("input", grid({ label: "Input", onpick: pick("input"), onedit: edit("input") })),
    kernel: planeView("kernel", grid({ label: "Kernel", onedit: edit("kernel") })),
    output: planeView("output", grid({ label: "Output", onpick: pick("output") })),
  };
  const shown = node("div", { class: "convolution-planes" },
    ...Object.values(planes).map((plane) => plane.node));

  return {
    node: shown,
    show(next, values) {
      scene = next;
      const { layer, large } = scene;
      const columns = ["input", "kernel", "output"].map((key) => scene[key]?.values[0].length ?? 0);
      const inOneRow = layer.dims === 1;
      shown.classList.toggle("convolution-rows", inOneRow);
      shown.style.setProperty("--across", inOneRow ? Math.max(...columns) : columns.reduce((a, b) => a + b));
      for (const [key, plane] of Object.entries(planes)) plane.show(scene, key, values);
      // In one dimension the kernel itself stands under its window, with its gaps.
      const place = inOneRow && scene.window;
      planes.kernel.node.style.setProperty("--shift", place ? place.column : 0);
      planes.kernel.node.style.setProperty("--gaps", inOneRow ? layer.dilation - 1 : 0);
      window.hidden = !scene.window;
      if (scene.window) {
        planes[large].lies.append(window);
        const sides = Object.entries(scene.window);
        for (const [name, value] of sides) window.style.setProperty(`--${name}`, value);
      }
      for (const { lies } of Object.values(planes)) {
        const square = lies.querySelector(".convolution-is-chosen, .convolution-is-marked");
        reveal(inOneRow ? shown : lies.parentElement, square);
      }
    },
  };
}

/** Scroll a box sideways, and nothing else, until it shows a square; its reader stepped there. */
export function reveal(box, square) {
  if (!square || box.scrollWidth <= box.clientWidth) return;
  const [around, place] = [box, square].map((each) => each.getBoundingClientRect());
  box.scrollLeft += Math.min(0, place.left - around.left - 8) + Math.max(0, place.right - around.right + 8);
}

/** One plane with its name above it. */
function planeView(key, { node: squares, show }) {
  const name = node("p", { class: "convolution-name" });
  const lies = node("div", { class: "convolution-lies" }, squares);
  const none = node("p", { class: "convolution-none", hidden: true },
    "None: the sizes do not suit each other. The text below says what would.");
  const shown = node("div", { class: `convolution-plane convolution-${key}` }, name,
    node("div", { class: "convolution-scroll" }, lies), none);
  return {
    node: shown,
    lies,
    show(scene, _, state) {
      const frame = scene[key];
      name.textContent = nameOf(key, scene);
      lies.hidden = !frame;
      none.hidden = Boolean(frame);
      shown.style.setProperty("--own", frame?.values[0].length ?? 1);
      if (!frame) return;
      const scale = Math.max(...frame.values.flat().map((value) => Math.abs(value ?? 0)));
      show(frame.values, (row, column) => look(key, scene, scale, row, column, state));
    },
  };
}

function look(key, scene, scale, row, column, state) {
  const { layer, large } = scene;
  const frame = scene[key];
  const cell = row * frame.values[0].length + column;
  const inner = within(cell, frame);
  const margin = inner < 0;
  const [marked, unread] = [frame.marked, frame.unread].map((cells) => cells.has(cell));
  const chosen = frame.chosen === cell;
  const tell = [
    margin && (key === "input" ? "" : "cut off"),
    chosen && "chosen",
    marked && !chosen && { input: "counts here", kernel: "weight in use", output: "fed by it" }[key],
    unread && (key === "input" ? "never read" : "reached by no stamp"),
  ];
  const is = { margin, marked, unread, chosen, large: key === large };
  return {
    classes: Object.keys(is).filter((name) => is[name]).map((name) => `convolution-is-${name}`).join(" "),
    scale: margin ? undefined : scale,
    words: tell.filter(Boolean).join(", "),
    place: margin ? (key === "input" ? "padding" : "margin") : placeOf(inner, frame.sides[1], layer.dims),
    // The kernel has no chosen square.
    chosen: key === "kernel" ? undefined : chosen,
    locked: margin,
  };
}

function nameOf(key, { layer, [key]: frame }) {
  const { dims, transposed, padding } = layer;
  const name = { input: "Input", kernel: "Kernel", output: "Output" }[key];
  if (!frame) return name;
  const size = sizeOf(frame.sides, dims);
  if (key === "kernel" || !padding || (key === "input") === transposed) return `${name}, ${size}`;
  const whole = sizeOf([frame.values.length, frame.values[0].length], dims);
  return `${name}, ${size}; ${transposed ? "cut from" : "padded to"} ${whole}: dashed`;
}
