// A convolution as the list of its products: which input meets which weight in which output. All that the
// explorer shows is read from it, for a transposed convolution, too. The kernel is never flipped.
//
// A plane is number[][]. Its numbers are also counted in reading order, row by row; such an index stands
// wherever a whole number stands for a place.
import { extent, outputSize, transposedOutputSize } from "./sizes.mjs";

export const MODES = ["zeros", "circular", "reflect", "replicate"];

/**
 * @typedef {object} Layer
 * @property {1 | 2} dims in one dimension, input and kernel are planes of one row.
 * @property {number[][]} input
 * @property {number[][]} kernel
 * @property {number} stride
 * @property {number} padding added on all sides of the input; cut off from the output where transposed.
 * @property {string} mode what the padding holds, one of MODES; a transposed convolution has no use for it.
 * @property {number} dilation
 * @property {boolean} transposed
 * @property {number} outpad torch's output_padding, of a transposed convolution.
 */

/**
 * @typedef {object} Term one product of an output's sum.
 * @property {number} input index of the input; −1 for a zero of the padding.
 * @property {number} kernel index of the weight.
 * @property {number} cell where the kernel lies: index in the padded input, or in the uncut output.
 * @property {number} value the input.
 * @property {number} weight
 */

/** The axes of a layer, rows and columns; in one dimension the first of them changes nothing. */
export function axesOf({ dims, input, kernel, stride, padding, dilation, outpad }) {
  const steps = { stride, padding, dilation, outpad };
  const none = { stride: 1, padding: 0, dilation: 1, outpad: 0 };
  const rows = { n: input.length, kernel: kernel.length, ...(dims === 1 ? none : steps), name: "height" };
  const name = dims === 1 ? "length" : "width";
  const columns = { n: input[0].length, kernel: kernel[0].length, ...steps, name };
  return [rows, columns];
}

/**
 * Convolve.
 *
 * @param {Layer} layer
 * @returns {{output: number[][], terms: Term[][], sides: number[]}} terms[o] are the products whose sum is
 *   output o; sides are those of the plane on which the kernel lies, the padded input or the uncut output.
 * @throws {RangeError} if the sizes do not suit each other; the message says what would.
 */
export function convolve(layer) {
  const [rows, columns] = axesOf(layer).map((axis) => termsAlong(axis, layer));
  const sides = axesOf(layer).map((axis) => largeSide(axis, layer.transposed));
  const [width, across] = [layer.input[0].length, layer.kernel[0].length];
  const [values, weights] = [layer.input.flat(), layer.kernel.flat()];

  const meet = (down, right) => {
    const input = down.from < 0 || right.from < 0 ? -1 : down.from * width + right.from;
    const kernel = down.weight * across + right.weight;
    const cell = down.cell * sides[1] + right.cell;
    return { input, kernel, cell, value: input < 0 ? 0 : values[input], weight: weights[kernel] };
  };
  const terms = rows.flatMap((downs) => columns.map((rights) =>
    downs.flatMap((down) => rights.map((right) => meet(down, right)))));
  const sums = terms.map((products) => products.reduce((sum, { value, weight }) => sum + value * weight, 0));
  return { output: plane(sums, columns.length), terms, sides };
}

/** Each output along an axis as its terms { from, weight, cell }, indices along the axis. */
function termsAlong(axis, { transposed, mode }) {
  const { n, kernel, stride, padding, dilation } = axis;
  if (transposed) {
    return count(transposedOutputSize(axis), (o) => count(n, (from) => count(kernel, (weight) =>
      ({ from, weight, cell: from * stride + weight * dilation })))
      .flat().filter(({ cell }) => cell === o + padding));
  }
  checkMode(axis, mode);
  return count(outputSize(axis), (o) => count(kernel, (weight) => {
    const cell = o * stride + weight * dilation;
    return { from: source(cell - padding, n, mode), weight, cell };
  }));
}

/** Length of the padded input, or of the output before its padding is cut off. */
function largeSide({ n, kernel, stride, padding, dilation, outpad }, transposed) {
  return transposed ? (n - 1) * stride + extent(kernel, dilation) + outpad : n + 2 * padding;
}

/** Which of n inputs stands at a place: 0 to n − 1, or in the padding around these; −1: none. */
function source(place, n, mode) {
  if (place >= 0 && place < n) return place;
  if (mode === "zeros") return -1;
  if (mode === "circular") return (place + n) % n;
  if (mode === "reflect") return place < 0 ? -place : 2 * (n - 1) - place;
  return place < 0 ? 0 : n - 1;
}

function checkMode({ n, padding, name }, mode) {
  if (!MODES.includes(mode)) throw new RangeError(`The mode is ${mode}; it can be ${MODES.join(", ")}.`);
  const most = { reflect: n - 1, circular: n }[mode] ?? Infinity;
  if (padding > most) {
    const why = mode === "reflect" ? "a mirror image without the outermost pixel" : "the input once more";
    throw new RangeError(`The padding is ${padding}; with the mode ${mode}, ${why}, it can be ${most} `
      + `at most, for an input of ${name} ${n}.`);
  }
}

/**
 * What stands in the padded input: for each place the index of the input, −1 for a zero, in reading order.
 *
 * @param {Layer} layer not transposed.
 * @throws {RangeError} if the padding is too wide for its mode.
 */
export function sources(layer) {
  const [rows, columns] = axesOf(layer).map((axis) => {
    checkMode(axis, layer.mode);
    return count(largeSide(axis, false), (at) => source(at - axis.padding, axis.n, layer.mode));
  });
  const width = layer.input[0].length;
  const place = (down, right) => (down < 0 || right < 0 ? -1 : down * width + right);
  return rows.flatMap((down) => columns.map((right) => place(down, right)));
}

/**
 * The convolution written as a matrix: output = matrix · input, both in reading order.
 *
 * @param {Term[][]} terms of convolve.
 * @param {number} inputs how many there are.
 * @returns {number[][]} a row for each output, a column for each input.
 */
export function matrixOf(terms, inputs) {
  return terms.map((products) => {
    const row = Array(inputs).fill(0);
    // Where the padding copies an input, this one meets more than one weight.
    for (const { input, weight } of products) if (input >= 0) row[input] += weight;
    return row;
  });
}

/** Numbers in reading order as a plane. */
export const plane = (numbers, width) =>
  count(numbers.length / width, (row) => numbers.slice(row * width, (row + 1) * width));

/** [of(0), of(1), … of(n − 1)]. */
export const count = (n, of) => Array.from({ length: n }, (_, i) => of(i));
