// What the gradient explorer says: sums written out, checks, torch's lines. Plain texts, no DOM;
// "dx_{2,1}" is an x with indices below it. Places are counted from 1, as on paper.
import { total } from "./arithmetic/backward.mjs";

const MOST_TERMS = 9; // of a sum that is written out

/** A number with four decimals at most, and a true minus sign. */
export const number = (value) => String(rounded(value)).replace("-", "−");
const rounded = (value) => (Math.round(value * 1e4) || 0) / 1e4;

const factor = (value) => (value < 0 ? `(${number(value)})` : number(value)); // within a sum or product
const equals = (value) => `${Math.abs(rounded(value) - value) > 1e-9 ? "≈" : "="} ${number(value)}`;
const index = ([row, column]) => `_{${row + 1},${column + 1}}`;
export const place = ([row, column]) => `row ${row + 1}, column ${column + 1}`;
const same = ([a, b], [c, d]) => a === c && b === d;

/** "a = t + t + … = value" from written terms. */
function sum(name, terms, value) {
  const shown = terms.slice(0, MOST_TERMS).join(" + ");
  const more = terms.length > MOST_TERMS ? ` + … (${terms.length} terms)` : "";
  return `${name} = ${shown}${more} ${equals(value)}`;
}

/** The gradient of a pixel as the sum over the outputs whose window holds it. */
export function pixelSum({ layer, paths, dy, dx, pixel }) {
  const above = paths.filter((path) => same(path.pixel, pixel));
  const name = `dx${index(pixel)}`;
  if (!above.length) return `${name} = 0: no window holds this pixel`;
  const count = layer.kind === "average" && layer.size ** 2;
  const term = ({ output: [i, j], slope }) =>
    (count ? `${factor(dy[i][j])}/${count}` : `${factor(slope)} · ${factor(dy[i][j])}`);
  return sum(name, above.map(term), dx[pixel[0]][pixel[1]]);
}

/** What the factors of `pixelSum` are, and from which outputs they come. */
export function pixelReason({ layer, paths, pixel }) {
  const above = paths.filter((path) => same(path.pixel, pixel)).map(({ output }) => `dy${index(output)}`);
  if (!above.length) return "";
  const what = {
    conv: "The weight that lies on it, times", average: "Its share of",
    max: "1 where it is the largest of the window and 0 where not, times",
  }[layer.kind];
  const names = above.slice(0, MOST_TERMS).join(", ") + (above.length > MOST_TERMS ? ", …" : "");
  return `${what} ${names}.`;
}

/** The gradient of a weight as the sum over all outputs. */
export function weightSum({ paths, dy, dw, weight }) {
  const [a, b] = weight;
  const terms = paths.filter(({ entry, output: [i, j] }) => same(entry, weight) && dy[i][j])
    .map(({ value, output: [i, j] }) => `${factor(value)} · ${factor(dy[i][j])}`);
  return sum(`dw${index(weight)}`, terms.length ? terms : ["0"], dw[a][b]);
}

/** Whether a finite difference found the gradient of a pixel, and why it may not have. */
export function checked({ found, step, paths, x, dx, dy, pixel }) {
  const [p, q] = pixel;
  const size = total(dy.map((row) => row.map(Math.abs)));
  const slope = `(L(x${index(pixel)} + h) − L(x${index(pixel)} − h)) / 2h ${equals(found)}`;
  if (Math.abs(found - dx[p][q]) <= 1e-6 * (1 + size)) return `${slope}: it agrees.`;
  const beside = (output) => paths.some((path) => same(path.output, output) && same(path.pixel, pixel));
  const near = paths.some(({ output, inside, value }) => inside && value !== x[p][q]
    && Math.abs(value - x[p][q]) <= 2 * step && beside(output));
  return `${slope}, not ${number(dx[p][q])}. ${near
    ? `Another number of the window is nearer than h = ${step}: on the way the maximum changes.`
    : "A tie: raised, this pixel alone is the largest and lifts y; lowered, it leaves y as it is. The maximum "
      + "has a kink here and no derivative; the difference takes the mean of both sides."}`;
}

/** How the sum of the gradients comes through the layer. */
export function sums({ layer, dy, dx, padded }) {
  const [given, arrived] = [total(dy), total(dx)];
  const lost = total(padded) - arrived;
  const margin = Math.abs(lost) < 1e-9 ? "" : `; the padding gets ${number(lost)}, which is lost`;
  if (layer.kind === "conv") {
    const weights = total(layer.kernel);
    return `Σ dy = ${number(given)}, times the sum of the weights, ${number(weights)}, `
      + `is ${number(weights * given)}. Σ dx ${equals(arrived)}${margin}.`;
  }
  return `Σ dy = ${number(given)}, Σ dx ${equals(arrived)}${margin || ": the sum is kept"}.`;
}

/** The layer in words: "Max pooling, windows of 2×2, stride 2". */
function called({ kind, size, kernel, stride, padding }) {
  const side = kind === "conv" ? kernel.length : size;
  const name = { conv: "Convolution, a kernel", max: "Max pooling, windows", average: "Average pooling, windows" }[kind];
  return `${name} of ${side}×${side}, stride ${stride}${padding ? `, padding ${padding}` : ""}`;
}

/** What is shown, for one who does not see it: where the gradient of the chosen output goes. */
export function words({ layer, paths, upstream, dx, at, pixel, all }) {
  const given = number(upstream[at[0]][at[1]]);
  const window = paths.filter(({ output }) => same(output, at));
  const best = window.find(({ slope }) => slope === 1);
  const ties = layer.kind === "max" && window.filter(({ inside, value }) => inside && value === best.value).length;
  const way = {
    conv: () => "spreads over its window, times the weights",
    average: () => `spreads over its window, 1/${layer.size ** 2} to each`,
    max: () => `goes to the largest number of its window, ${number(best.value)}, in ${place(best.pixel)}`
      + (ties > 1 ? `; ${ties} are as large, and the first in reading order gets all, as in torch` : ""),
  }[layer.kind]();
  const gets = `the pixel in ${place(pixel)} gets ${number(dx[pixel[0]][pixel[1]])}`;
  return `${called(layer)}. The gradient ${given} of the output in ${place(at)} ${way}. `
    + (all ? `With all outputs together, ${gets}.` : `Of it, ${gets}.`);
}

/** The same in torch: lines to copy, which leave the gradient in x.grad. */
export function torchLines({ layer: { kind, size, kernel, stride, padding }, x, dy }) {
  const tensor = (matrix, more = "") => `torch.tensor([[${JSON.stringify(matrix).replaceAll(",", ", ")}]], dtype=torch.float64${more})`;
  const learns = ", requires_grad=True";
  const call = {
    conv: `F.conv2d(x, w, stride=${stride}, padding=${padding})`,
    max: `F.max_pool2d(x, ${size}, stride=${stride}, padding=${padding})`,
    average: `F.avg_pool2d(x, ${size}, stride=${stride}, padding=${padding})`,
  }[kind];
  return [
    "import torch", "from torch.nn import functional as F", "",
    `x = ${tensor(x, learns)}`,
    ...(kind === "conv" ? [`w = ${tensor(kernel, learns)}`] : []),
    `dy = ${tensor(dy)}`,
    `y = ${call}`, "y.backward(dy)", kind === "conv" ? "print(x.grad, w.grad)" : "print(x.grad)",
  ].join("\n");
}
