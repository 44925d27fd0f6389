// The convolution explorer: a convolution of one channel, product by product.
import { MODES } from "./arithmetic/convolution.mjs";
import { checkbox, copied, counter, node, select } from "./controls.mjs";
import { matrixView } from "./convolution/matrix.mjs";
import { planesView } from "./convolution/planes.mjs";
import { MOST, sceneOf, seen } from "./convolution/scene.mjs";
import { stepper } from "./convolution/steps.mjs";
import { bracketed, describe, digits, shortPlaceOf, sizeFormulas, torchLines } from "./convolution/words.mjs";
import { choice, define, flag, matrix, whole } from "./element.mjs";

// A letter L: it has edges of both directions. The kernel answers to the vertical ones.
const LETTER = ["0000000", "0220000", "0220000", "0220000", "0222220", "0222220", "0000000"];
const rows = (lines) => lines.map((line) => [...line].map(Number));

const fields = {
  dims: choice("2", ["1", "2"]),
  transposed: flag(false),
  input: matrix(rows(LETTER), 11),
  kernel: matrix([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]], 5),
  stride: whole(1, 1, 4),
  padding: whole(0, 0, 4),
  mode: choice("zeros", MODES),
  dilation: whole(1, 1, 3),
  outpad: whole(0, 0, 3),
  side: choice("output", ["output", "input"]),
  at: whole(0, 0, 9999),
  matrix: flag(false), // whether it is unfolded, as are the lines for torch
  torch: flag(false),
};

/** Only the chosen place follows: what a reader set stays, and the page says what does not suit it. */
function settle(state) {
  const { [state.side]: plane } = sceneOf(state);
  if (!plane) return state;
  return { ...state, at: Math.min(state.at, plane.sides[0] * plane.sides[1] - 1) };
}

function build(body, explorer) {
  const { state, set } = explorer;
  const controls = settings(explorer);
  const planes = planesView(explorer);
  const side = select(explorer, "side", "Step through", { output: "outputs", input: "inputs" });
  const total = () => {
    const { refused, [state().side]: plane } = sceneOf(state());
    return refused ? 0 : plane.sides[0] * plane.sides[1];
  };
  const steps = stepper({
    at: () => state().at, total, go: (at) => set({ at }),
    // A step a second is faster than a screen reader speaks.
    onplay: (playing) => body.parentElement.querySelector(".explorer-words")
      .setAttribute("aria-live", playing ? "off" : "polite"),
  });
  const products = node("p", { class: "convolution-products" });
  const sizes = node("p", { class: "convolution-sizes" });
  const matrixShown = matrixView();
  const lines = copied("the lines for PyTorch");
  const asMatrix = unfolding(explorer, "matrix", matrixShown.node);
  const inTorch = unfolding(explorer, "torch", lines.node);
  body.append(controls.node, planes.node,
    node("div", { class: "convolution-stepping" }, side.node, steps.place, steps.node),
    products, sizes, node("div", {}, asMatrix.node, inTorch.node));

  return (values) => {
    const scene = sceneOf(values);
    controls.show(values, scene);
    planes.show(scene, values);
    side.show(values);
    steps.show();
    products.replaceChildren(...productsOf(scene, values));
    sizes.replaceChildren(...sizeFormulas(scene).map(({ name, text }) =>
      node("span", {}, `${name} of the output: `, node("span", { class: "convolution-formula" }, text))));
    reserve(products, scene.layer.kernel.flat().length, values.side);
    const code = torchLines(scene.layer);
    lines.show(code.join("\n"));
    inTorch.show(values, "In PyTorch: ", node("code", {}, code.at(-1)));
    for (const each of [asMatrix, inTorch]) each.node.hidden = Boolean(scene.refused);
    asMatrix.show(values, "As a matrix");
    if (values.matrix && !scene.refused) matrixShown.show(scene, values);
    return describe(scene, values);
  };
}

/** The controls above the planes: { node, show(state, scene) }. */
function settings(explorer) {
  const { state, set } = explorer;
  // A side of a matrix is no value of the state: the matrix is.
  const side = (dims, key, axis, label) => {
    const most = MOST[dims][key];
    const sizes = (values) => {
      const shown = seen(values[key], most).values;
      return { side: axis === 0 ? shown.length : shown[0].length };
    };
    const { node: shown, show } = counter({
      fields: { side: { least: 1, most: most[axis] } },
      state: () => sizes(state()),
      set: ({ side: length }) => set({ [key]: resized(state()[key], axis, length) }),
    }, "side", label);
    return { node: shown, show: (values) => show(sizes(values)), when: ({ layer }) => layer.dims === dims };
  };
  const when = (control, condition) => ({ ...control, when: condition });
  const all = [
    select(explorer, "dims", "Dimensions"),
    checkbox(explorer, "transposed", "Transposed"),
    side(2, "input", 0, "Input height"),
    side(2, "input", 1, "Input width"),
    side(2, "kernel", 0, "Kernel height"),
    side(2, "kernel", 1, "Kernel width"),
    side(1, "input", 1, "Input length"),
    side(1, "kernel", 1, "Kernel length"),
    counter(explorer, "stride", "Stride"),
    counter(explorer, "padding", "Padding"),
    when(select(explorer, "mode", "Padding with"), ({ layer }) => !layer.transposed),
    counter(explorer, "dilation", "Dilation"),
    when(counter(explorer, "outpad", "Output padding"), ({ layer }) => layer.transposed),
  ];
  return {
    node: node("div", { class: "explorer-controls convolution-settings" },
      ...all.map((control) => control.node)),
    show(values, scene) {
      for (const control of all) {
        control.node.hidden = control.when ? !control.when(scene) : false;
        control.show(values);
      }
    },
  };
}

/** What a reader unfolds by its summary: { node, show(state, …summary) }; `key` says whether it is open. */
function unfolding({ state, set }, key, content) {
  const summary = node("summary", {});
  const toggled = () => { if (details.open !== state()[key]) set({ [key]: details.open }); };
  const details = node("details", { class: "convolution-more", ontoggle: toggled }, summary, content);
  return {
    node: details,
    show(values, ...children) {
      details.open = values[key];
      summary.replaceChildren(...children);
    },
  };
}

/** A matrix with another height (axis 0) or width (axis 1); what is new is 0. */
function resized(matrix, axis, length) {
  if (axis === 1) return matrix.map((row) => Array.from({ length }, (_, column) => row[column] ?? 0));
  return Array.from({ length }, (_, row) => matrix[row] ?? Array(matrix[0].length).fill(0));
}

/** The products of the chosen number, in the colours of input, kernel and output. */
function productsOf({ refused, layer, output, terms }, { side, at }) {
  if (refused) return [];
  const colour = (role, text) => node("span", { class: `convolution-of-${role}` }, text);
  const product = ({ value, weight }) =>
    [colour("input", bracketed(value)), "·", colour("kernel", bracketed(weight))];
  if (side === "output") {
    const sum = terms.reduce((total, { value, weight }) => total + value * weight, 0);
    const parts = terms.flatMap((term, i) => [i ? " + " : "", node("span", {}, ...product(term))]);
    return [...(parts.length ? parts : ["no product"]), " = ", colour("output", digits(sum))];
  }
  return terms.flatMap((term, i) => {
    const into = ` into ${shortPlaceOf(term.output, output.sides[1], layer.dims)}`;
    const part = colour("output", digits(term.value * term.weight));
    return [i ? "; " : "", node("span", {}, ...product(term), " = ", part, into)];
  });
}

/** Lines for as many products as there are weights: nothing below moves while one steps. */
function reserve(products, weights, side) {
  const [wide, narrow] = side === "output" ? [9, 4] : [5, 2]; // products that fit into a line
  products.style.setProperty("--lines", Math.ceil(weights / wide));
  products.style.setProperty("--lines-narrow", Math.ceil(weights / narrow));
}

define("convolution-explorer", { name: "convolution", fields, settle, build });
