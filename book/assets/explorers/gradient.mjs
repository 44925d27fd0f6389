// The gradient and pooling explorer: choose an output, and see where its gradient goes.
import { backward, difference, forward, outputSides, paths } from "./arithmetic/backward.mjs";
import { copied, counter, node } from "./controls.mjs";
import { choice, define, matrix, whole } from "./element.mjs";
import * as say from "./gradient-words.mjs";
import { grid } from "./grid.mjs";

// What a larger input or kernel is filled up with; no window of 2×2 or 3×3 has two largest numbers.
const PIXELS = [
  [3, 1, 2, 0, 5, 1, 4], [4, 0, 6, 2, 1, 3, 0], [1, 2, 3, 7, 0, 2, 6], [5, 2, 0, 4, 1, 8, 2],
  [0, 3, 1, 2, 9, 0, 3], [2, 7, 4, 1, 0, 5, 1], [6, 1, 0, 3, 2, 4, 8],
];
const WEIGHTS = [[1, 0, -1], [-1, 2, 0], [0, 1, -2]];
const LARGEST = PIXELS.length;
const STEP = 0.001; // of the finite difference

/** A place in a matrix, from 0; in an address from 1, as the page counts. */
const place = (start) => ({
  start,
  read: (text) => (/^[1-9],[1-9]$/.test(text) ? text.split(",").map((count) => count - 1) : undefined),
  write: ([row, column]) => `${row + 1},${column + 1}`,
});

const fields = {
  layer: choice("max", ["max", "average", "conv"]),
  size: whole(2, 2, 3), // of the window, which for a convolution is the kernel
  stride: whole(2, 1, 3),
  padding: whole(0, 0, 1),
  input: matrix(fit([], [4, 4], (row, column) => PIXELS[row][column]), LARGEST),
  kernel: matrix(fit([], [2, 2], (row, column) => WEIGHTS[row][column]), 3),
  upstream: matrix([[1]], LARGEST + 1),
  show: choice("one", ["one", "all"]), // the gradient of the chosen output, or of all
  at: place([0, 0]), // the output
  pixel: place([1, 0]),
  weight: place([0, 0]),
};

/** A matrix of `sides`: what there is, and `fill` where there is nothing. */
function fit(matrix, [rows, columns], fill) {
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) => matrix[row]?.[column] ?? fill(row, column)));
}

const sidesOf = (matrix) => [matrix.length, matrix[0].length];
const within = (place, sides) => place.map((at, axis) => Math.min(at, sides[axis] - 1));
const same = ([a, b], [c, d]) => a === c && b === d;
const put = (matrix, [row, column], value) => matrix.map((line, p) => (p === row ? line.with(column, value) : line));

const layerOf = ({ layer, size, kernel, stride, padding }) => ({ kind: layer, size, kernel, stride, padding });

/** At least one window fits, and every matrix has the shape that the layer gives it. */
function settle(state) {
  const { size } = state;
  const sides = sidesOf(state.input).map((side) => Math.max(side, size));
  const input = fit(state.input, sides, (row, column) => PIXELS[row][column]);
  const kernel = fit(state.kernel, [size, size], (row, column) => WEIGHTS[row][column]);
  const out = outputSides(layerOf({ ...state, kernel }), sides);
  return {
    ...state, input, kernel, upstream: fit(state.upstream, out, () => 1),
    at: within(state.at, out), pixel: within(state.pixel, sides), weight: within(state.weight, [size, size]),
  };
}

/** All that is shown of a settled state. */
function compute(state) {
  const layer = layerOf(state);
  const { input: x, upstream, at, pixel } = state;
  const all = state.show === "all";
  const dy = upstream.map((line, i) => line.map((value, j) => (all || same([i, j], at) ? value : 0)));
  const found = difference(layer, x, dy, pixel, STEP);
  return {
    ...state, ...backward(layer, x, dy), layer, x, y: forward(layer, x), dy, all, found, step: STEP, paths: paths(layer, x),
  };
}

/** The state after an output was chosen: the pixel goes where some of its gradient goes. */
function chosen(state, at) {
  const window = paths(layerOf(state), state.input).filter(({ output, inside }) => inside && same(output, at));
  const here = window.find(({ pixel }) => same(pixel, state.pixel));
  const goal = state.layer === "max" || !here ? window.find(({ slope }) => slope) ?? window[0] : here;
  return { at, pixel: goal?.pixel ?? state.pixel };
}

/** A few words to choose from, all in sight: buttons. */
function buttons({ fields, set }, key, label, names) {
  const made = fields[key].options.map((option) => node("button", { type: "button", onclick: () => set({ [key]: option }) }, names[option]));
  return {
    node: node("div", { class: "explorer-control", role: "group", "aria-label": label },
      node("span", { "aria-hidden": "true" }, label), node("span", { class: "gradient-choice" }, ...made)),
    show: (state) => made.forEach((button, at) => button.setAttribute("aria-pressed", fields[key].options[at] === state[key])),
  };
}

/** The side of the input, which is no value of the state but the shape of one. */
function sideCounter({ state, set }) {
  const fields = { side: { least: 2, most: LARGEST } };
  const side = () => ({ side: Math.max(...sidesOf(state().input)) });
  const made = counter({
    fields, state: side,
    set: ({ side }) => set({ input: fit(state().input, [side, side], (row, column) => PIXELS[row][column]) }),
  }, "side", "Side of the input");
  return { node: made.node, show: () => made.show(side()) };
}

/** A grid with its name and what it is. */
function board(kind, name, about, options) {
  const made = grid({ label: `${name}, ${about}`, ...options });
  const shown = node("div", { class: `gradient-board gradient-${kind}` },
    node("p", {}, node("b", {}, name), ` ${about}`), made.node);
  return { node: shown, show: made.show };
}

/** A text with its indices lowered: "dx_{2,1}". */
const lowered = (text) => text.split(/_\{([^}]*)\}/).map((part, at) => (at % 2 ? node("sub", {}, part) : part));

function build(body, explorer) {
  const { state, set } = explorer;
  const choices = [
    buttons(explorer, "layer", "Layer", { max: "Max", average: "Average", conv: "Convolution" }),
    buttons(explorer, "show", "Gradient of", { one: "the chosen output", all: "all outputs" }),
  ];
  const counters = [
    counter(explorer, "size", "Window"), counter(explorer, "stride", "Stride"),
    counter(explorer, "padding", "Padding"), sideCounter(explorer),
  ];

  // A place of the input among the squares with the padding around them, and back.
  const shift = (row, column) => [row - state().padding, column - state().padding];
  const inside = ([row, column]) => state().input[row]?.[column] !== undefined;
  const pickPixel = (...at) => { if (inside(shift(...at))) set({ pixel: shift(...at) }); };
  const pickOutput = (...at) => { if (!same(at, state().at)) set(chosen(state(), at)); };
  const pickWeight = (...weight) => set({ weight });
  const editPixel = (row, column, value) => set({ input: put(state().input, shift(row, column), value) });
  const boards = {
    x: board("input", "x", "the input", { onpick: pickPixel, onedit: editPixel }),
    w: board("kernel", "w", "the kernel", {
      onpick: pickWeight, onedit: (row, column, value) => set({ kernel: put(state().kernel, [row, column], value) }),
    }),
    y: board("output", "y", "the output", { onpick: pickOutput }),
    dx: board("gradient", "dx", "gradient of the input", { onpick: pickPixel }),
    dw: board("gradient", "dw", "gradient of the kernel", { onpick: pickWeight }),
    dy: board("gradient", "dy", "gradient of the output", {
      onpick: pickOutput, onedit: (row, column, value) => set({ upstream: put(state().upstream, [row, column], value) }),
    }),
  };
  const told = Object.fromEntries(["pixel", "weight", "check", "sums"].map((name) => [name, node("dd", {})]));
  const weightTitle = node("dt", {}, "The chosen weight");
  const key = node("p", { class: "gradient-key" });
  const lines = copied("the lines of torch");
  const grids = node("div", { class: "gradient-boards" }, ...Object.values(boards).map((made) => made.node));
  body.append(
    ...[choices, counters].map((row) => node("div", { class: "explorer-controls" }, ...row.map((control) => control.node))),
    node("div", { class: "gradient-middle" }, node("div", { class: "gradient-left" }, grids, key), node("dl", { class: "gradient-sums" },
      node("dt", {}, "The chosen pixel"), told.pixel, weightTitle, told.weight,
      node("dt", {}, "Check: finite differences of L = Σ dy · y"), told.check, node("dt", {}, "In sum"), told.sums)),
    node("details", {}, node("summary", {}, "The same in PyTorch"), lines.node),
  );

  return (state) => {
    const shown = compute(state);
    const { layer, x, pixel, at, padding } = shown;
    const conv = layer.kind === "conv";
    for (const control of [...choices, ...counters]) control.show(state);
    for (const part of [boards.w.node, boards.dw.node, weightTitle, told.weight]) part.hidden = !conv;
    grids.style.setProperty("--boards", conv ? 3 : 2);
    grids.style.setProperty("--across", x[0].length + 2 * padding + shown.y[0].length + (conv ? layer.kernel.length : 0));

    const window = shown.paths.filter(({ output }) => same(output, at));
    const above = shown.paths.filter((path) => same(path.pixel, pixel));
    const winners = shown.paths.filter(({ output, slope }) => layer.kind === "max" && slope && (shown.all || same(output, at)));
    const margin = layer.kind === "max" ? "−∞" : "0";
    const ringed = fit([], [x.length + 2 * padding, x[0].length + 2 * padding], (...square) => x[square[0] - padding]?.[square[1] - padding] ?? null);

    // How a square looks, from a list of [whether, class, words].
    const look = (...marks) => {
      const found = marks.filter(([holds]) => holds);
      return {
        classes: found.map(([, name]) => name).join(" "), words: found.map(([, , words]) => words).filter(Boolean).join(", "),
        chosen: found.some(([, name]) => name === "is-chosen"), share: 0.35,
      };
    };
    const pixelLook = (row, column) => {
      const square = shift(row, column);
      const marks = look([!inside(square), "is-margin"],
        [window.some((path) => same(path.pixel, square)), "is-window", "in the window of the chosen output"],
        [winners.some((path) => same(path.pixel, square)), "is-winner", "the largest of a window"],
        [same(square, pixel), "is-chosen", "chosen"]);
      return inside(square) ? { ...marks, place: say.place(square) } : { ...marks, place: "padding", share: 0, locked: true };
    };
    const outputLook = (...square) => look([above.some(({ output }) => same(output, square)), "is-above", "its window holds the chosen pixel"],
      [same(square, at), "is-chosen", "chosen"]);
    const weightLook = (...square) => look([same(square, state.weight), "is-chosen", "chosen"]);
    const strength = (values) => {
      const most = Math.max(...values.flat().map(Math.abs)) || 1;
      return (row, column, seen) => {
        const value = values[row][column];
        return { ...seen, share: Math.abs(value) / most, classes: `${seen.classes} ${value < 0 ? "is-negative" : value ? "" : "is-zero"}` };
      };
    };

    boards.x.show(ringed, (...square) => ({ ...pixelLook(...square), ...(inside(shift(...square)) ? {} : { text: margin }) }));
    boards.y.show(shown.y, outputLook);
    const [byInput, byOutput] = [strength(shown.padded), strength(shown.upstream)];
    boards.dx.show(shown.padded, (...square) => byInput(...square, pixelLook(...square)));
    boards.dy.show(shown.upstream, (...square) => {
      const seen = byOutput(...square, outputLook(...square));
      return shown.all || same(square, at) ? seen : { ...seen, share: 0, classes: `${seen.classes} is-silent`, words: `${seen.words ? `${seen.words}, ` : ""}not counted` };
    });
    if (conv) {
      boards.w.show(layer.kernel, weightLook);
      const byWeight = strength(shown.dw);
      boards.dw.show(shown.dw, (...square) => byWeight(...square, weightLook(...square)));
      told.weight.replaceChildren(...lowered(say.weightSum(shown)));
    }
    told.pixel.replaceChildren(...lowered(say.pixelSum(shown)), node("br"), ...lowered(say.pixelReason(shown)));
    told.check.replaceChildren(...lowered(say.checked(shown)));
    told.sums.textContent = say.sums(shown);
    key.textContent = "Ring: chosen. Green edge: the window of the chosen output. Dotted: outputs whose window holds the chosen pixel."
      + (layer.kind === "max" ? " Purple edge: the largest of a window." : "")
      + (padding ? " Dashed: padding; what it gets is lost." : "")
      + (shown.padded.flat().some((value) => value < 0) ? " Striped: below zero." : "");
    lines.show(say.torchLines(shown));
    return say.words(shown);
  };
}

define("gradient-explorer", { name: "gradient", fields, settle, build });
