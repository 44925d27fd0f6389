// The table of a network in the homework's notation: shapes, parameters, receptive fields and work of each
// layer, by formula; as convbook.shapes.layer_table.
import { fault, parse } from "./notation.mjs";
import * as receptive from "./receptive.mjs";
import { exact } from "./receptive.mjs";

const PARAMETERS = "its parameters";
const WORK = "its multiply-adds";
const product = (numbers, what) => exact(numbers.reduce((made, number) => made * number, 1), what);

/**
 * Shapes, parameters, receptive field and cost of each layer.
 *
 * @param {string} spec a network in the notation of convbook.shapes.notation.
 * @param {number[]} image [height, width, channels] of a picture.
 * @returns {{rows: object[], parameters: number, multiplyAdds: number, activations: number}} the rows, the
 *   input's first, and the sums over all. A row is { name, kind (torch's class), expression (how its
 *   parameters are counted), parameters, shape ([height, width, channels] or [n]), field ([rows, columns] of
 *   the window that one output sees, the largest where they differ), stride ([down, right] in pixels, from
 *   one output to the next; null where all see the same), offset (the centre of what the first output sees; null
 *   where it sees nothing), middle (the window of the output in the middle, [[first row, last row], [first
 *   column, last column]]; null where it sees nothing), multiplyAdds (for one picture), activations }.
 * @throws {Error} a `fault` if the spec cannot be read or a layer does not fit what it gets. Beyond what a
 *   JavaScript number holds exactly it has the property `beyond`.
 */
export function layerTable(spec, image) {
  return tableOf(parse(spec), image);
}

/** The table of no layer at all: what stands there before there is a network. */
export const emptyTable = (image) => tableOf([], image);

function tableOf(layers, image) {
  if (image.length !== 3 || !image.every((side) => Number.isSafeInteger(side) && side >= 1)) {
    throw fault(0, `The input is ${image.join("×")}; it must be height×width×channels, each 1 or more.`);
  }
  let seen = { axes: image.slice(0, 2).map(receptive.pixels), flat: false };
  let shape = image;
  const rows = [row("Input", "Input", { shape, seen })];
  layers.forEach((layer, at) => {
    try {
      const made = step(layer, shape, seen);
      rows.push(row(layer.text, layer.kind, made));
      ({ shape, seen } = made);
    } catch (error) {
      const told = `Layer ${at + 1}, ${layer.text}, whose input is ${shape.join("×")}: ${error.message}.`;
      throw Object.assign(fault(at + 1, told), { beyond: error.beyond });
    }
  });
  const sum = (key) => exact(rows.reduce((all, one) => all + one[key], 0), "The network's sum");
  const [parameters, multiplyAdds, activations] = ["parameters", "multiplyAdds", "activations"].map(sum);
  return { rows, parameters, multiplyAdds, activations };
}

/** A row; tensors are the sizes of a layer's parameters. */
function row(name, kind, { shape, seen, tensors = [], multiplyAdds = 0 }) {
  const [stride, offset, middle] = ["stride", "offset", "middle"]
    .map((what) => seen.axes.map(receptive[what]))
    .map((pair) => (pair.includes(null) ? null : pair));
  return {
    name, kind, shape, offset, middle, multiplyAdds,
    expression: tensors.map((sizes) => sizes.join("×")).join(" + ") || "0",
    parameters: tensors.reduce((all, sizes) => exact(all + product(sizes, PARAMETERS), PARAMETERS), 0),
    field: seen.axes.map(receptive.extent),
    stride: seen.flat ? null : stride,
    activations: product(shape, "its activations"),
  };
}

/** What one layer makes of a shape, and what its outputs see: { shape, seen, tensors, multiplyAdds }. */
function step(layer, shape, seen) {
  const channels = shape.at(-1);
  if (layer.kind === "ReLU") return { shape, seen };
  if (layer.kind === "Flatten") {
    return { shape: [product(shape, "its length")], seen: { ...seen, flat: true } };
  }
  if (layer.kind === "Linear") {
    if (product(shape, "its input") !== channels) {
      throw new Error("its input must be flat, or 1×1; put FLATTEN or GAP before it");
    }
    const weights = [channels, layer.filters];
    const counts = { tensors: withBias(weights, layer), multiplyAdds: product(weights, WORK) };
    return { shape: [layer.filters], seen: afterEverything(seen, true), ...counts };
  }
  if (shape.length === 1) {
    throw new Error("a flat input has no height and width; this layer stands before FLATTEN");
  }
  if (layer.kind === "BatchNorm2d") return { shape, seen, tensors: [[channels], [channels]] };
  if (layer.kind === "AdaptiveAvgPool2d") {
    return { shape: [1, 1, channels], seen: afterEverything(seen, false) };
  }
  return slid(layer, shape, seen);
}

const withBias = (weights, { bias, filters }) => (bias ? [weights, [filters]] : [weights]);

const afterEverything = ({ axes }, flat) =>
  ({ axes: axes.map((axis) => receptive.after(axis, receptive.everything(axis.length), 1)), flat });

/** Convolution, transposed or not, and pooling: a kernel along either axis. */
function slid(layer, shape, seen) {
  const [height, width, channels] = shape;
  const along = layer.kind === "ConvTranspose2d" ? transposed : windows;
  const axes = seen.axes.map((axis, n) => {
    const { length, touch } = along(layer, n, shape[n]);
    return receptive.after(axis, touch, exact(length, "its output's side"));
  });
  const sides = axes.map((axis) => axis.length);
  const sees = { axes, flat: false };
  if (!layer.filters) return { shape: [...sides, channels], seen: sees };

  for (const [what, number] of [["channels of its input", channels], ["filters", layer.filters]]) {
    if (number % layer.groups) {
      throw new Error(`its number of groups is ${layer.groups}; it must divide the ${number} ${what}`);
    }
  }
  const weights = [...layer.kernel, channels / layer.groups, layer.filters];
  // Each window of a convolution, and each stamp of a transposed one, uses every weight once.
  const positions = layer.kind === "ConvTranspose2d" ? [height, width] : sides;
  const multiplyAdds = product([...positions, ...weights], WORK);
  const counts = { tensors: withBias(weights, layer), multiplyAdds };
  return { shape: [...sides, layer.filters], seen: sees, ...counts };
}

/** Along one axis of length n: how many windows there are, and what they touch. */
function windows(layer, axis, n) {
  const [kernel, stride, dilation] = [layer.kernel[axis], layer.stride[axis], layer.dilation[axis]];
  const extent = dilation * (kernel - 1) + 1;
  if (layer.padding === "same" && stride !== 1) {
    throw new Error(`its stride is ${stride}; with padding same it must be 1`);
  }
  // Where "same" needs an odd number of pixels, the last one comes after.
  const before = layer.padding === "same" ? Math.floor((extent - 1) / 2) : layer.padding[axis];
  const behind = layer.padding === "same" ? extent - 1 - before : before;
  if (layer.kind.includes("Pool") && before > Math.floor(kernel / 2)) {
    const half = Math.floor(kernel / 2);
    throw new Error(`its padding is ${before}; it can be half a pooling's kernel at most, ${half}`);
  }
  // Of what there is, so much can be repeated.
  const most = { circular: n, reflect: n - 1 }[layer.mode] ?? behind;
  if (behind > most) {
    throw new Error(`its padding is ${behind}; ${layer.mode} over ${n} pixels, it can be ${most} at most`);
  }
  const room = before + n + behind - extent; // how far the window can move
  let length = Math.floor(room / stride) + 1;
  // One more window may hang over the end, if it starts within the input or the padding before it.
  if (layer.ceil && room % stride !== 0 && length * stride < before + n) length += 1;
  if (length < 1) {
    const padded = before + behind ? `, with padding ${n + before + behind}` : "";
    throw new Error(`its kernel spans ${extent} pixels, and its input has ${n}${padded}`);
  }
  return { length, touch: receptive.sliding(kernel, stride, before, dilation) };
}

function transposed(layer, axis, n) {
  const [kernel, stride, dilation] = [layer.kernel[axis], layer.stride[axis], layer.dilation[axis]];
  const [padding, added] = [layer.padding[axis], layer.outputPadding[axis]];
  if (added >= Math.max(stride, dilation)) {
    const most = Math.max(stride, dilation) - 1;
    throw new Error(`its output padding is ${added}; with its stride and dilation it can be ${most} at most`);
  }
  const covered = (n - 1) * stride + dilation * (kernel - 1) + 1;
  const length = covered - 2 * padding + added;
  if (length < 1) {
    const most = Math.floor((covered + added - 1) / 2);
    throw new Error(`its padding is ${padding} and leaves nothing of ${covered} pixels; ${most} would fit`);
  }
  return { length, touch: receptive.stamping(kernel, stride, padding, dilation) };
}
