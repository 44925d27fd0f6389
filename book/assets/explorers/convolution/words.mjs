// What the convolution explorer says of a scene: sums, sizes, sentences, the lines for torch.
import { axesOf } from "../arithmetic/convolution.mjs";
import { within } from "./scene.mjs";

/** A number as it stands in a sum: six digits, a true minus sign. */
export const digits = (value) => String(Number(value.toPrecision(6)) || 0).replace("-", "−");

/** A factor or a summand; in brackets where it is below zero. */
export const bracketed = (value) => (value < 0 ? `(${digits(value)})` : digits(value));

/** The place with an index, counted from 1: "row 2, column 3"; "place 3" in one dimension. */
export function placeOf(index, width, dims) {
  const column = (index % width) + 1;
  return dims === 1 ? `place ${column}` : `row ${Math.floor(index / width) + 1}, column ${column}`;
}

/** The same in a list: "(2, 3)". */
export const shortPlaceOf = (index, width, dims) =>
  (dims === 1 ? String(index + 1) : `(${Math.floor(index / width) + 1}, ${(index % width) + 1})`);

const plural = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
const capital = (text) => text[0].toUpperCase() + text.slice(1);

/** "7×7", or "11" in one dimension. */
export const sizeOf = ([height, width], dims) => (dims === 1 ? String(width) : `${height}×${width}`);

/** The formula of the output's size, with the numbers filled in; one line for each axis that differs. */
export function sizeFormulas({ layer }) {
  const axes = axesOf(layer).slice(layer.dims === 1 ? 1 : 0);
  const lines = axes.map(({ n, kernel: k, stride: s, padding: p, dilation: d, outpad }) => {
    const length = layer.transposed
      ? (n - 1) * s - 2 * p + d * (k - 1) + outpad + 1
      : Math.floor((n + 2 * p - d * (k - 1) - 1) / s) + 1;
    const terms = layer.transposed
      ? `(${n} − 1)·${s} − 2·${p} + ${d}·(${k} − 1) + ${outpad} + 1`
      : `⌊(${n} + 2·${p} − ${d}·(${k} − 1) − 1) / ${s}⌋ + 1`;
    return `${terms} = ${digits(length)}`;
  });
  const names = axes.map(({ name }) => capital(name));
  if (lines[0] === lines[1]) return [{ name: "Height and width", text: lines[0] }];
  return lines.map((text, i) => ({ name: names[i], text }));
}

/** The scene in a few sentences. */
export function describe(scene, state) {
  const { layer, refused, input, output, terms } = scene;
  if (refused) return refused;
  const chosen = state.side === "output" ? output : input;
  const place = capital(placeOf(state.at, chosen.sides[1], layer.dims));
  const first = state.side === "output" ? ofOutput(place, scene, state) : ofInput(place, terms, layer);
  return [first, leftOut(scene)].filter(Boolean).join(" ");
}

function ofOutput(place, { layer, input, output, terms }, { at }) {
  const value = digits(innerValue(output, at));
  const padding = layer.transposed ? 0 : terms.filter(({ cell }) => within(cell, input) < 0).length;
  const with_ = padding ? `, ${padding} of them with padding` : "";
  const products = layer.transposed ? ["which no stamp reaches", "which one stamp reaches"][terms.length]
    ?? `where ${terms.length} stamps add up`
    : `a sum of ${plural(terms.length, "product")}${with_}`;
  return `${place} of the output is ${value}, ${products}.`;
}

function ofInput(place, terms, { dims, transposed, kernel }) {
  const outputs = new Set(terms.map(({ output }) => output)).size;
  if (!outputs) return `${place} of the input goes into no output.`;
  const where = dims === 1 ? "" : ", given as (row, column)";
  if (!transposed) return `${place} of the input goes into ${plural(outputs, "output")}${where}.`;
  const weights = kernel.flat().length;
  const cut = weights - terms.length;
  const rest = cut ? `; ${cut} of its ${plural(weights, "number")} ${cut === 1 ? "is" : "are"} cut off` : "";
  return `${place} of the input stamps the kernel, times its number, onto the output${where}${rest}.`;
}

function innerValue({ values, margin, sides }, index) {
  return values[Math.floor(index / sides[1]) + margin[0]][(index % sides[1]) + margin[1]];
}

/** What no window reads or no stamp reaches, and why; "" where there is no such thing. */
function leftOut({ layer, input, output, all }) {
  if (layer.transposed) {
    const empty = all.filter((terms) => !terms.length).length;
    const cut = layer.padding ? `The padding of ${layer.padding} cuts off what is dashed.` : "";
    const bare = empty ? `No stamp reaches the ${plural(empty, "hatched output")}.` : "";
    return [cut, bare].filter(Boolean).join(" ");
  }
  if (!input.unread.size) return "";
  const ends = axesOf(layer)
    .map(({ n, kernel, padding, dilation, stride, name }) =>
      ({ rest: (n + 2 * padding - dilation * (kernel - 1) - 1) % stride, name }))
    .filter(({ rest }) => rest > 0)
    .map(({ rest, name }) => plural(rest, { height: "row", width: "column", length: "cell" }[name]));
  const inner = [...input.unread].filter((cell) => within(cell, input) >= 0).length;
  const padding = input.unread.size - inner;
  const cells = [inner && plural(inner, "input"), padding && `${padding} of the padding`].filter(Boolean);
  const many = ends.length > 1 || (ends[0] && !ends[0].startsWith("1 "));
  const why = ends.length
    ? ` At the end, ${ends.join(" and ")} ${many ? "are" : "is"} left over, too few for another step of `
      + `${layer.stride}: the floor drops ${many ? "them" : "it"}.`
    : "";
  return `No window reads the hatched cells: ${cells.join(" and ")}.${why}`;
}

/** Lines of Python that compute the output with torch, to be copied; the last one is the call. */
export function torchLines(layer) {
  const { dims, input, kernel, stride, padding, mode, dilation, transposed, outpad } = layer;
  const tensor = (values) => {
    const number = (value) => (Number.isInteger(value) ? `${value}.` : value); // a float to Python, too
    const row = (numbers) => `[${numbers.map(number).join(", ")}]`;
    const written = dims === 1 ? row(values[0]) : `[${values.map(row).join(", ")}]`;
    return `torch.tensor(${written})[None, None]`; // an image, a channel
  };
  const margin = Array(2 * dims).fill(padding).join(", ");
  const pads = padding > 0 && mode !== "zeros" && !transposed;
  const x = pads ? `F.pad(x, (${margin}), mode="${mode}")` : "x";
  const options = { stride: [stride, 1], padding: [pads ? 0 : padding, 0], dilation: [dilation, 1] };
  if (transposed) options.output_padding = [outpad, 0];
  const given = Object.entries(options)
    .filter(([, [value, usual]]) => value !== usual)
    .map(([name, [value]]) => `, ${name}=${value}`);
  return [
    "import torch, torch.nn.functional as F",
    `x = ${tensor(input)}`,
    `w = ${tensor(kernel)}`,
    `F.conv${transposed ? "_transpose" : ""}${dims}d(${x}, w${given.join("")})`,
  ];
}
