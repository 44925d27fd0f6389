// What the convolution explorer draws, worked out from its state; no DOM.
import { axesOf, convolve, count, plane, sources } from "../arithmetic/convolution.mjs";
import { extent } from "../arithmetic/sizes.mjs";

// Rows and columns that can be drawn, by the number of dimensions.
export const MOST = { 1: { input: [1, 11], kernel: [1, 5] }, 2: { input: [7, 7], kernel: [4, 4] } };

/** Which rows and columns of a matrix of the state are convolved: in one dimension its middle row. */
export function seen(matrix, [rows, columns]) {
  const height = Math.min(rows, matrix.length);
  const top = rows === 1 ? Math.floor((matrix.length - 1) / 2) : 0;
  return { top, values: matrix.slice(top, top + height).map((row) => row.slice(0, columns)) };
}

/** The layer of a state. */
export function layerOf(state) {
  const dims = Number(state.dims);
  const part = (key) => seen(state[key], MOST[dims][key]).values;
  return { ...state, dims, input: part("input"), kernel: part("kernel") };
}

/**
 * A scene: the planes, and what the chosen number has to do with the others.
 *
 * A frame is a plane with its margins: the padded input, or the uncut output of a transposed convolution.
 *
 * @returns {object} `layer`; `refused`, why there is no output, or undefined; `input` and `output`, each
 *   { values: (number | null)[][] of the frame, margin: [top, left], sides: [height, width] within the
 *   margins, marked: Set and unread: Set of frame indices, chosen: frame index or −1 }; `kernel`, likewise;
 *   `large`, "input" or "output", on which the kernel lies; `window` on it { row, column, height, width }, or
 *   null; `terms`, the products that are shown, each with its `output`; `all`, those of every output.
 */
export function sceneOf(state) {
  const layer = layerOf(state);
  const large = layer.transposed ? "output" : "input";
  try {
    const made = convolve(layer);
    return { layer, large, ...related(state, layer, made), all: made.terms };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { layer, large, refused: error.message, input: inputFrame(layer), kernel: bare(layer.kernel),
      output: null, window: null, terms: [], all: [] };
  }
}

function related(state, layer, made) {
  const { transposed } = layer;
  // Where the kernel lies on the output, nothing is cut off yet.
  const whole = transposed ? convolve({ ...layer, padding: 0 }) : made;
  const input = inputFrame(layer);
  const output = transposed
    ? { ...bare(whole.output), margin: margins(layer), sides: sidesOf(made.output) }
    : bare(made.output);
  const kernel = bare(layer.kernel);
  const onOutput = state.side === "output";

  const every = made.terms.flatMap((terms, o) => terms.map((term) => ({ ...term, output: o })));
  const terms = every.filter((term) => (onOutput ? term.output : term.input) === state.at);
  // In a stamp what is cut off counts, too: it is drawn.
  const stamp = whole.terms.flatMap((products) => products.filter((term) => term.input === state.at));
  const drawn = transposed && !onOutput ? stamp : terms;
  drawn.forEach((term) => kernel.marked.add(term.kernel));
  const [big, small] = transposed ? [output, input] : [input, output];
  drawn.forEach((term) => big.marked.add(term.cell));
  terms.forEach((term) => small.marked.add(transposed ? term.input : term.output));
  const chosen = onOutput ? output : input;
  chosen.chosen = framed(state.at, chosen);

  const reached = new Set(whole.terms.flat().map((term) => term.cell));
  big.values.flat().forEach((_, cell) => { if (!reached.has(cell)) big.unread.add(cell); });
  const window = chosen === small ? windowAt(state.at, layer, small.sides[1]) : null;
  return { input, output, kernel, terms, window };
}

/** A plane without margins. */
const bare = (values) =>
  ({ values, margin: [0, 0], sides: sidesOf(values), marked: new Set(), unread: new Set(), chosen: -1 });
const sidesOf = (values) => [values.length, values[0].length];
const margins = (layer) => axesOf(layer).map(({ padding }) => padding);

/** The input with its padding; the padding is empty where its mode cannot fill it. */
function inputFrame(layer) {
  if (layer.transposed) return bare(layer.input);
  const margin = margins(layer);
  const sides = sidesOf(layer.input);
  const [height, width] = sides.map((side, axis) => side + 2 * margin[axis]);
  const numbers = layer.input.flat();
  let held;
  try {
    held = sources(layer).map((source) => (source < 0 ? 0 : numbers[source]));
  } catch {
    held = count(height * width, (cell) => numbers[within(cell, { margin, sides })] ?? null);
  }
  return { ...bare(plane(held, width)), margin, sides };
}

/** Where an index within the margins lies in the frame. */
export function framed(index, { sides: [, width], margin: [top, left] }) {
  return (Math.floor(index / width) + top) * (width + 2 * left) + (index % width) + left;
}

/** The index within the margins of a place of the frame; −1 in the margins. */
export function within(cell, { sides: [height, width], margin: [top, left] }) {
  const [row, column] = [Math.floor(cell / (width + 2 * left)) - top, (cell % (width + 2 * left)) - left];
  return row < 0 || row >= height || column < 0 || column >= width ? -1 : row * width + column;
}

/** Where the kernel lies for a number of the smaller plane. */
function windowAt(index, layer, width) {
  const [rows, columns] = axesOf(layer);
  return {
    row: Math.floor(index / width) * rows.stride, column: (index % width) * columns.stride,
    height: extent(rows.kernel, rows.dilation), width: extent(columns.kernel, columns.dilation),
  };
}
