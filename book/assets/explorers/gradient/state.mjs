// The state of the gradient explorer: its values, what makes them suit each other, what follows from them.
import { backward, difference, forward, outputSides, paths, put } from "../arithmetic/backward.mjs";
import { choice, matrix, whole } from "../element.mjs";

// What a larger input or kernel is filled up with; no window of 2×2 or 3×3 has two largest numbers.
const PIXELS = [
  [3, 1, 2, 0, 5, 1, 4], [4, 0, 6, 2, 1, 3, 0], [1, 2, 3, 7, 0, 2, 6], [5, 2, 0, 4, 1, 8, 2],
  [0, 3, 1, 2, 9, 0, 3], [2, 7, 4, 1, 0, 5, 1], [6, 1, 0, 3, 2, 4, 8],
];
const WEIGHTS = [[1, 0, -1], [-1, 2, 0], [0, 1, -2]];
const STEP = 2 ** -20; // of the finite difference: near a millionth, and exact in binary

/** A matrix of `sides`, [rows, columns]: what there is, and `fill(row, column)` where there is nothing. */
export const fit = (matrix, [rows, columns], fill) => Array.from({ length: rows }, (_, row) =>
  Array.from({ length: columns }, (_, column) => matrix[row]?.[column] ?? fill(row, column)));

/** An input of `sides`, from a smaller or larger one. */
export const resized = (input, sides) => fit(input, sides, (row, column) => PIXELS[row][column]);
const weights = (kernel, size) => fit(kernel, [size, size], (row, column) => WEIGHTS[row][column]);

export const sidesOf = (matrix) => [matrix.length, matrix[0].length];
export const same = ([a, b], [c, d]) => a === c && b === d;

/** A place in a matrix, from 0; in an address from 1, as the page counts. */
const place = (start) => ({
  start,
  read: (text) => (/^[1-9],[1-9]$/.test(text) ? text.split(",").map((count) => count - 1) : undefined),
  write: ([row, column]) => `${row + 1},${column + 1}`,
});

export const fields = {
  layer: choice("max", ["max", "average", "conv"]),
  size: whole(2, 2, 3), // of the window, which for a convolution is the kernel
  stride: whole(2, 1, 3),
  padding: whole(0, 0, 1),
  input: matrix(resized([], [4, 4]), PIXELS.length),
  kernel: matrix(weights([], 2), WEIGHTS.length),
  upstream: matrix([[1]], PIXELS.length + 1), // the gradient of each output; filled up with 1
  show: choice("one", ["one", "all"]), // the gradient of the chosen output, or of all together
  at: place([0, 0]), // the chosen output
  pixel: place([1, 0]),
  weight: place([0, 0]),
};

const layerOf = ({ layer: kind, size, kernel, stride, padding }) => ({ kind, size, kernel, stride, padding });

/** At least one window fits, every matrix has the shape that the layer gives it, every place is in one. */
export function settle(state) {
  const { size } = state;
  const sides = sidesOf(state.input).map((side) => Math.max(side, size));
  const settled = { ...state, input: resized(state.input, sides), kernel: weights(state.kernel, size) };
  const out = outputSides(layerOf(settled), sides);
  const within = (place, limits) => place.map((at, axis) => Math.min(at, limits[axis] - 1));
  return {
    ...settled,
    upstream: fit(state.upstream, out, () => 1),
    at: within(state.at, out), pixel: within(state.pixel, sides), weight: within(state.weight, [size, size]),
  };
}

/**
 * All that follows from a settled state: {layer, x, y, dy, dx, padded, dw, paths, all, found}, where dy is 0
 * at outputs that do not count, and `found` is what finite differences give for the chosen pixel.
 */
export function compute(state) {
  const { input: x, upstream, at, pixel } = state;
  const layer = layerOf(state);
  const all = state.show === "all";
  const dy = all ? upstream : put(upstream.map((line) => line.map(() => 0)), at, upstream[at[0]][at[1]]);
  return {
    ...state, ...backward(layer, x, dy), layer, x, y: forward(layer, x), dy, all, paths: paths(layer, x),
    found: difference(layer, x, dy, pixel, STEP),
  };
}

/** What changes with another output: the chosen pixel goes where some of the output's gradient goes. */
export function chosen(state, at) {
  const window = paths(layerOf(state), state.input)
    .filter(({ output, inside }) => inside && same(output, at));
  const here = state.layer !== "max" && window.some(({ pixel }) => same(pixel, state.pixel));
  return here ? { at } : { at, pixel: (window.find(({ slope }) => slope) ?? window[0]).pixel };
}
