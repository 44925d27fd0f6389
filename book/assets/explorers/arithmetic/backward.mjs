// The way there and back through one layer: convolution, max pooling, average pooling. One channel; no DOM.
//
// Every output of these layers is a sum over the pixels of its window, each times a slope: the weight, or
// 1/count, or 1 for the largest and 0 for the others. So one list of (output, pixel, slope) gives them all:
// the outputs, the gradients, and the sums that the page writes out.
import { outputSize } from "./sizes.mjs";

/**
 * A layer.
 *
 * @typedef {object} Layer
 * @property {"conv" | "max" | "average"} kind
 * @property {number} [size] the side of a pooling's window.
 * @property {number[][]} [kernel] the weights of a convolution; it is not flipped.
 * @property {number} stride
 * @property {number} padding rows and columns around the input: −∞ for the max, else 0.
 */

/**
 * A way from a pixel to an output.
 *
 * @typedef {object} Path
 * @property {[number, number]} output its row and column, from 0.
 * @property {[number, number]} entry where in the window, from 0: the index of the weight.
 * @property {[number, number]} pixel its row and column, from 0; −1 or beyond the input in the padding.
 * @property {boolean} inside whether the pixel is one of the input, not of the padding.
 * @property {number} value of the pixel; 0 in the padding.
 * @property {number} slope the derivative of the output by the pixel.
 */

const KINDS = ["conv", "max", "average"];

/** Height and width of a layer's window. */
const windowOf = ({ kind, size, kernel }) =>
  (kind === "conv" ? [kernel.length, kernel[0].length] : [size, size]);

/**
 * Height and width of the output for an input of height and width `sides`.
 *
 * @param {Layer} layer
 * @param {[number, number]} sides
 * @returns {[number, number]}
 * @throws {RangeError} if an argument is out of range or no window fits.
 */
export function outputSides(layer, sides) {
  const { kind, size, stride, padding } = layer;
  if (!KINDS.includes(kind)) throw new RangeError(`The layer is ${kind}; it can be ${KINDS.join(", ")}.`);
  if (kind !== "conv" && 2 * padding > size) {
    throw new RangeError(`The padding is ${padding}; with windows of ${size} it is half of that at most.`);
  }
  return windowOf(layer).map((kernel, axis) =>
    outputSize({ n: sides[axis], kernel, stride, padding, name: ["height", "width"][axis] }));
}

/**
 * All ways from pixels to outputs: for each output in reading order, its window in reading order.
 *
 * @param {Layer} layer
 * @param {number[][]} x the input.
 * @returns {Path[]} (output height · output width · window height · window width) of them.
 * @throws {RangeError} as `outputSides`.
 */
export function paths(layer, x) {
  const outputs = places(outputSides(layer, [x.length, x[0].length]));
  const entries = places(windowOf(layer));
  return outputs.flatMap((output) => {
    const shown = entries.map((entry) => {
      const pixel = entry.map((at, axis) => output[axis] * layer.stride + at - layer.padding);
      const value = x[pixel[0]]?.[pixel[1]];
      return { output, entry, pixel, inside: value !== undefined, value: value ?? 0 };
    });
    const slope = slopes(layer, shown);
    return shown.map((path, index) => ({ ...path, slope: slope(path, index) }));
  });
}

/** The slope of each way from one window: (path, index) => number. */
function slopes({ kind, kernel }, shown) {
  if (kind === "conv") return ({ entry: [a, b] }) => kernel[a][b];
  if (kind === "average") return () => 1 / shown.length; // the padding counts, as by default in torch
  const winner = winnerOf(shown);
  return (_, index) => (index === winner ? 1 : 0);
}

/** The index of the largest number of a window; of equal ones the first. The padding, −∞, never wins. */
function winnerOf(shown) {
  let best = -1;
  shown.forEach(({ inside, value }, index) => {
    if (inside && (best < 0 || value > shown[best].value)) best = index;
  });
  return best;
}

/**
 * The output, number[][].
 *
 * @param {Layer} layer
 * @param {number[][]} x
 * @throws {RangeError} as `outputSides`.
 */
export function forward(layer, x) {
  const y = zeros(outputSides(layer, [x.length, x[0].length]));
  for (const { output: [i, j], value, slope } of paths(layer, x)) y[i][j] += slope * value;
  return y;
}

/**
 * The gradients of a loss by what went in, from that by what came out.
 *
 * @param {Layer} layer
 * @param {number[][]} x the input.
 * @param {number[][]} dy the gradient by the output, of its shape.
 * @returns {{dx: number[][], padded: number[][], dw: ?number[][]}} by the input; the same with what goes to
 *   the padding around it, and is lost; by the kernel (null for a pooling, which has none).
 * @throws {RangeError} as `outputSides`, and if dy has another shape than the output.
 */
export function backward(layer, x, dy) {
  const [height, width] = outputSides(layer, [x.length, x[0].length]);
  if (dy.length !== height || dy.some((row) => row.length !== width)) {
    throw new RangeError(`dy is ${dy.length}×${dy[0]?.length}; it must be ${height}×${width}, as y is.`);
  }
  const { padding } = layer;
  const padded = zeros([x.length + 2 * padding, x[0].length + 2 * padding]);
  const dw = zeros(windowOf(layer));
  for (const { output: [i, j], entry: [a, b], pixel: [p, q], value, slope } of paths(layer, x)) {
    padded[p + padding][q + padding] += slope * dy[i][j];
    dw[a][b] += value * dy[i][j];
  }
  const dx = x.map((row, p) => row.map((_, q) => padded[p + padding][q + padding]));
  return { dx, padded, dw: layer.kind === "conv" ? dw : null };
}

/**
 * The slope of the loss Σ dy · y by one pixel as finite differences have it: half of what the loss gains
 * from `step` below the pixel to `step` above it, per step. It looks at outputs alone. At a
 * tie of maxima it is no derivative, since there is none: it is the mean of those on both sides.
 *
 * @param {Layer} layer
 * @param {number[][]} x
 * @param {number[][]} dy of the shape of the output.
 * @param {[number, number]} pixel row and column, from 0.
 * @param {number} step above 0.
 * @returns {number}
 */
export function difference(layer, x, dy, [row, column], step) {
  const moved = (by) => forward(layer, put(x, [row, column], x[row][column] + by));
  const [above, below] = [moved(step), moved(-step)];
  // Output by output: the difference of two large losses would lose the digits that are wanted.
  return total(dy.map((line, i) => line.map((d, j) => d * (above[i][j] - below[i][j])))) / (2 * step);
}

/** The sum of a matrix. */
export const total = (matrix) => matrix.flat().reduce((sum, value) => sum + value, 0);

/** A matrix with one number replaced. */
export const put = (matrix, [row, column], value) =>
  matrix.map((line, p) => (p === row ? line.with(column, value) : line));

/** All [row, column] of a matrix of `sides`, in reading order. */
function places([rows, columns]) {
  return Array.from({ length: rows * columns }, (_, at) => [Math.floor(at / columns), at % columns]);
}

const zeros = ([rows, columns]) => Array.from({ length: rows }, () => new Array(columns).fill(0));
