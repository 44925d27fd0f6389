// What the gradient explorer says: sums written out, checks, torch's lines. Plain texts, no DOM;
// "dx_{2,1}" is an x with indices below it. Places are counted from 1, as on paper.
import { total } from "../arithmetic/backward.mjs";
import { same } from "./state.mjs";

const MOST_TERMS = 9; // of a sum that is written out

const rounded = (value) => (Math.round(value * 1e4) || 0) / 1e4; // no −0
const number = (value) => String(rounded(value)).replace("-", "−");
const factor = (value) => (value < 0 ? `(${number(value)})` : number(value)); // within a sum or product
const equals = (value) => `${Math.abs(rounded(value) - value) > 1e-9 ? "≈" : "="} ${number(value)}`;
const index = ([row, column]) => `_{${row + 1},${column + 1}}`;
const added = (terms) =>
  terms.slice(0, MOST_TERMS).join(" + ") + (terms.length > MOST_TERMS ? ` + … (${terms.length} terms)` : "");

/** "row 2, column 1" */
export const place = ([row, column]) => `row ${row + 1}, column ${column + 1}`;

/** What stands before dy in the sum of a pixel. */
export const REASONS = {
  conv: "each dy times the weight that lay on the pixel",
  average: "its share of each dy",
  max: "each dy times 1 if it is the largest of the window, else 0",
};

/** The gradient of the chosen pixel as a sum over the outputs whose window holds it. */
export function pixelSum({ layer, paths, dy, dx, pixel }) {
  const above = paths.filter((path) => same(path.pixel, pixel));
  if (!above.length) return `dx${index(pixel)} = 0: no window holds it`;
  const written = (upstream) => added(above.map(({ output, slope }) => (layer.kind === "average"
    ? `${upstream(output)}/${layer.size ** 2}` : `${factor(slope)} · ${upstream(output)}`)));
  const names = written((output) => `dy${index(output)}`);
  const values = written(([i, j]) => factor(dy[i][j]));
  return `dx${index(pixel)} = ${names} = ${values} ${equals(dx[pixel[0]][pixel[1]])}`;
}

/** The gradient of the chosen weight as a sum over all outputs; terms that are 0 are left out. */
export function weightSum({ paths, dy, dw, weight }) {
  const terms = paths.filter(({ entry, output: [i, j], value }) => same(entry, weight) && dy[i][j] && value)
    .map(({ value, output: [i, j] }) => `${factor(value)} · ${factor(dy[i][j])}`);
  return `dw${index(weight)} = Σ x · dy = ${added(terms) || "0"} ${equals(dw[weight[0]][weight[1]])}`;
}

/** Whether finite differences find the gradient of the chosen pixel, and why not. */
export function checked({ found, dx, dy, pixel }) {
  const gradient = dx[pixel[0]][pixel[1]];
  const slope = `(L(x${index(pixel)} + h) − L(x${index(pixel)} − h)) / 2h ${equals(found)}`;
  const scale = 1 + total(dy.map((line) => line.map(Math.abs)));
  if (Math.abs(found - gradient) < 1e-4 * scale) return `${slope}: it agrees.`;
  return `${slope}, not ${number(gradient)}. A tie: this pixel raised alone lifts y, lowered it leaves y `
    + "as it is. The maximum has a kink there and no derivative; the difference gives the mean of both sides.";
}

/** How the sum of the gradients comes through the layer. */
export function sums({ layer, dy, dx, padded }) {
  const [given, arrived] = [total(dy), total(dx)];
  const lost = total(padded) - arrived;
  const margin = Math.abs(lost) < 1e-9 ? "" : `; the padding gets ${number(lost)}, which is lost`;
  if (layer.kind !== "conv") {
    return `Σ dy = ${number(given)}, Σ dx ${equals(arrived)}${margin || ": the sum is kept"}.`;
  }
  const weights = total(layer.kernel);
  return `Σ dy = ${number(given)}, times the sum of the weights, ${number(weights)}, `
    + `is ${number(weights * given)}. Σ dx ${equals(arrived)}${margin}.`;
}

/** What is shown, for one who does not see it: where the gradient of the chosen output goes. */
export function words({ layer, paths, upstream, dx, at, pixel, all }) {
  const { kind, size, stride, padding } = layer;
  const window = paths.filter(({ output }) => same(output, at));
  const name = { conv: "Convolution", max: "Max pooling", average: "Average pooling" }[kind];
  const shares = kind === "conv" ? "times the weights" : `1/${size ** 2} to each`;
  let way = `spreads over its window, ${shares}`;
  if (kind === "max") {
    const best = window.find(({ slope }) => slope);
    const ties = window.filter(({ inside, value }) => inside && value === best.value).length;
    way = `goes to the largest number of its window, ${number(best.value)}, in ${place(best.pixel)}`
      + (ties > 1 ? `; ${ties} are as large, and the first in reading order gets all, as in torch` : "");
  }
  const around = padding ? `, padding ${padding}` : "";
  return `${name}, windows of ${size}×${size}, stride ${stride}${around}. `
    + `The gradient ${number(upstream[at[0]][at[1]])} of the output in ${place(at)} ${way}. `
    + `${all ? "With all outputs together" : "Of it"}, the pixel in ${place(pixel)} gets `
    + `${number(dx[pixel[0]][pixel[1]])}.`;
}

/** The same in torch: lines to copy, which leave the gradients in x.grad and w.grad. */
export function torchLines({ layer: { kind, size, kernel, stride, padding }, x, dy }) {
  const tensor = (matrix, more = "") =>
    `torch.tensor([[${JSON.stringify(matrix).replaceAll(",", ", ")}]], dtype=torch.float64${more})`;
  const learns = ", requires_grad=True";
  const conv = kind === "conv";
  const call = { conv: "conv2d(x, w", max: `max_pool2d(x, ${size}`, average: `avg_pool2d(x, ${size}` }[kind];
  return [
    "import torch", "from torch.nn import functional as F", "",
    `x = ${tensor(x, learns)}`, ...(conv ? [`w = ${tensor(kernel, learns)}`] : []), `dy = ${tensor(dy)}`,
    `y = F.${call}, stride=${stride}, padding=${padding})`, "y.backward(dy)",
    conv ? "print(x.grad, w.grad)" : "print(x.grad)",
  ].join("\n");
}
