// The gradient and pooling explorer: choose an output, and see where its gradient goes.
import { put } from "./arithmetic/backward.mjs";
import { copied, counter, node } from "./controls.mjs";
import { define } from "./element.mjs";
import { chosen, compute, fields, fit, resized, same, settle, sidesOf } from "./gradient/state.mjs";
import * as say from "./gradient/words.mjs";
import { grid } from "./grid.mjs";

/** A few words to choose from, all in sight: buttons. */
function buttons({ fields, set }, key, label, names) {
  const made = Object.entries(names).map(([option, name]) =>
    [option, node("button", { type: "button", onclick: () => set({ [key]: option }) }, name)]);
  return {
    node: node("div", { class: "explorer-control", role: "group", "aria-label": label },
      node("span", { "aria-hidden": "true" }, label),
      node("span", { class: "gradient-choice" }, ...made.map(([, button]) => button))),
    show(state) {
      for (const [option, button] of made) button.setAttribute("aria-pressed", option === state[key]);
    },
  };
}

/** The side of the input, which is no value of the state but the shape of one. */
function sideCounter({ fields, state, set }) {
  const side = () => ({ side: Math.max(...sidesOf(state().input)) });
  const made = counter({
    fields: { side: { least: 2, most: fields.input.most } }, state: side,
    set: ({ side }) => set({ input: resized(state().input, [side, side]) }),
  }, "side", "Side of the input");
  return { node: made.node, show: () => made.show(side()) };
}

/** A grid under its name. */
function board(kind, name, about, options) {
  const made = grid({ label: `${name}, ${about}`, ...options });
  const heading = node("p", {}, node("b", {}, name), ` ${about}`);
  return { ...made, node: node("div", { class: `gradient-board gradient-${kind}` }, heading, made.node) };
}

/** A text with its indices lowered: "dx_{2,1}". */
const lowered = (text) =>
  text.split(/_\{([^}]*)\}/).map((part, at) => (at % 2 ? node("sub", {}, part) : part));

/** How a square looks, from [whether, class, words] of each mark that it may have. */
function look(...marks) {
  const found = marks.filter(([holds]) => holds);
  return {
    classes: found.map(([, name]) => name).join(" "),
    words: found.map(([, , words]) => words).filter(Boolean).join(", "),
    share: 0.35,
  };
}

/** A look with the fill of a gradient: the stronger, the larger it is. */
function filled(values) {
  const most = Math.max(...values.flat().map(Math.abs)) || 1;
  return (row, column, seen) => {
    const value = values[row][column];
    const sign = value < 0 ? "is-negative" : value ? "" : "is-zero";
    return { ...seen, share: Math.abs(value) / most, classes: `${seen.classes} ${sign}` };
  };
}

/** The six grids, three on the way there and three on the way back; { nodes, show(shown) }. */
function boardsOf({ state, set }) {
  // A square of x and dx is a place of the input, or of the padding around it.
  const pixelAt = (row, column) => [row - state().padding, column - state().padding];
  const inside = ([row, column]) => state().input[row]?.[column] !== undefined;
  const edit = (key, at, value) => set({ [key]: put(state()[key], at, value) });
  const pickPixel = (...square) => { if (inside(pixelAt(...square))) set({ pixel: pixelAt(...square) }); };
  const pickOutput = (...at) => { if (!same(at, state().at)) set(chosen(state(), at)); };
  const pickWeight = (...weight) => set({ weight });
  const x = board("input", "x", "the input", {
    onpick: pickPixel, onedit: (row, column, value) => edit("input", pixelAt(row, column), value),
  });
  const w = board("kernel", "w", "the kernel", {
    onpick: pickWeight, onedit: (row, column, value) => edit("kernel", [row, column], value),
  });
  const y = board("output", "y", "the output", { onpick: pickOutput });
  const dx = board("gradient", "dx", "gradient of the input", { onpick: pickPixel });
  const dw = board("gradient", "dw", "gradient of the kernel", { onpick: pickWeight });
  const dy = board("gradient", "dy", "gradient of the output", {
    onpick: pickOutput, onedit: (row, column, value) => edit("upstream", [row, column], value),
  });

  function show({ layer, paths, at, pixel, weight, all, ...shown }) {
    const { padding } = layer;
    const window = paths.filter(({ output }) => same(output, at));
    const above = paths.filter((path) => same(path.pixel, pixel));
    const winners = layer.kind === "max" ? (all ? paths : window).filter(({ slope }) => slope) : [];
    const holds = (list, place) => list.some((path) => same(path.pixel, place));

    const ofPixel = (...square) => {
      const place = pixelAt(...square);
      const seen = look([!inside(place), "is-margin"],
        [holds(window, place), "is-window", "in the window of the chosen output"],
        [holds(winners, place), "is-winner", "the largest of a window"],
        [same(place, pixel), "is-chosen", "chosen"]);
      return inside(place) ? { ...seen, chosen: same(place, pixel), place: say.place(place) }
        : { ...seen, chosen: false, place: "padding", share: 0, locked: true };
    };
    const ofOutput = (...square) => ({
      ...look(
        [above.some(({ output }) => same(output, square)), "is-above", "its window holds the chosen pixel"],
        [same(square, at), "is-chosen", "chosen"],
      ),
      chosen: same(square, at),
    });
    const ofWeight = (...square) =>
      ({ ...look([same(square, weight), "is-chosen", "chosen"]), chosen: same(square, weight) });

    const margin = layer.kind === "max" ? "−∞" : "0";
    const surrounded = fit([], sidesOf(shown.padded), (...square) => {
      const [row, column] = pixelAt(...square);
      return shown.x[row]?.[column] ?? null;
    });
    x.show(surrounded, (...square) => {
      const seen = ofPixel(...square);
      return seen.locked ? { ...seen, text: margin } : seen;
    });
    y.show(shown.y, ofOutput);
    const [ofDx, ofDy] = [filled(shown.padded), filled(shown.upstream)];
    dx.show(shown.padded, (...square) => ofDx(...square, ofPixel(...square)));
    dy.show(shown.upstream, (...square) => {
      const seen = ofDy(...square, ofOutput(...square));
      if (all || same(square, at)) return seen;
      return { ...seen, share: 0, classes: `${seen.classes} is-silent`, words: `not counted ${seen.words}` };
    });
    const conv = layer.kind === "conv";
    w.node.hidden = dw.node.hidden = !conv;
    if (!conv) return;
    w.show(layer.kernel, ofWeight);
    const ofDw = filled(shown.dw);
    dw.show(shown.dw, (...square) => ofDw(...square, ofWeight(...square)));
  }
  return { nodes: [x, w, y, dx, dw, dy].map((made) => made.node), show };
}

/** What the marks of the grids mean. */
function key({ layer, padded }) {
  return ["Ring: chosen. Green edge: the window of the chosen output.",
    "Dotted: outputs whose window holds the chosen pixel.",
    layer.kind === "max" ? "Purple edge: the largest of a window." : "",
    layer.padding ? "Dashed: padding." : "",
    padded.flat().some((value) => value < 0) ? "Striped: below zero." : ""].filter(Boolean).join(" ");
}

function build(body, explorer) {
  const rows = [
    [buttons(explorer, "layer", "Layer", { max: "Max", average: "Average", conv: "Convolution" }),
      buttons(explorer, "show", "Gradient of", { one: "the chosen output", all: "all outputs" })],
    [counter(explorer, "size", "Window"), counter(explorer, "stride", "Stride"),
      counter(explorer, "padding", "Padding"), sideCounter(explorer)],
  ];
  const boards = boardsOf(explorer);
  const [pixel, weight, check, sums, reason] = ["dd", "dd", "dd", "dd", "span"].map((tag) => node(tag));
  const weightTitle = node("dt", {}, "The chosen weight");
  const marks = node("p", { class: "gradient-key" });
  const lines = copied("the lines of torch");
  const grids = node("div", { class: "gradient-boards" }, ...boards.nodes);
  body.append(
    ...rows.map((row) => node("div", { class: "explorer-controls" }, ...row.map((control) => control.node))),
    node("div", { class: "gradient-middle" },
      node("div", { class: "gradient-left" }, grids, marks),
      node("dl", { class: "gradient-sums" },
        node("dt", {}, "The chosen pixel gets ", reason), pixel, weightTitle, weight,
        node("dt", {}, "Check: finite differences of L = Σ dy · y"), check, node("dt", {}, "In sum"), sums)),
    node("details", {}, node("summary", {}, "The same in PyTorch"), lines.node),
  );

  return (state) => {
    const shown = compute(state);
    const conv = state.layer === "conv";
    for (const control of rows.flat()) control.show(state);
    boards.show(shown);
    const across = [shown.padded, shown.y, ...(conv ? [state.kernel] : [])];
    grids.style.setProperty("--boards", across.length);
    grids.style.setProperty("--across", across.reduce((sum, matrix) => sum + matrix[0].length, 0));
    marks.textContent = key(shown);
    reason.textContent = say.REASONS[state.layer];
    pixel.replaceChildren(...lowered(say.pixelSum(shown)));
    weightTitle.hidden = weight.hidden = !conv;
    if (conv) weight.replaceChildren(...lowered(say.weightSum(shown)));
    check.replaceChildren(...lowered(say.checked(shown)));
    sums.textContent = say.sums(shown);
    lines.show(say.torchLines(shown));
    return say.words(shown);
  };
}

define("gradient-explorer", { name: "gradient", fields, settle, build });
