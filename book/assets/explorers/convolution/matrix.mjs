// The convolution as a matrix: small squares for all of it, with a row or a column marked, and its numbers.
import { matrixOf } from "../arithmetic/convolution.mjs";
import { signed } from "../colours.mjs";
import { node } from "../controls.mjs";
import { grid } from "../grid.mjs";
import { reveal } from "./planes.mjs";
import { placeOf } from "./words.mjs";

const LARGEST = { square: 14, width: 280, height: 200 }; // px

/** { node, show(scene, state) }. */
export function matrixView() {
  const canvas = node("canvas", { role: "img" });
  const mark = node("div", { class: "convolution-mark" });
  const title = node("p", { class: "convolution-name" });
  const numbers = grid({ label: "Numbers of the marked row or column of the matrix" });
  const scrolling = node("div", { class: "convolution-scroll" }, numbers.node);
  const shown = node("div", { class: "convolution-matrix" },
    title, scrolling,
    node("div", { class: "convolution-squares" }, canvas, mark));

  return {
    node: shown,
    show({ layer, all, input, output }, { side, at }) {
      const inputs = layer.input.flat().length;
      const matrix = matrixOf(all, inputs);
      const scale = Math.max(...matrix.flat().map(Math.abs));
      const isRow = side === "output";
      const size = `${matrix.length}×${inputs}`;
      const [own, other] = isRow ? [output, input] : [input, output];
      title.textContent = `${isRow ? "Row" : "Column"} ${at + 1} of the ${size} matrix: what each `
        + (isRow ? "input counts in this output" : "output takes of this input");
      const marked = isRow ? matrix[at] : matrix.map((row) => row[at]);
      numbers.show([marked], (_, column) => ({
        ...(marked[column] ? { scale } : { classes: "convolution-is-zero" }),
        place: `${isRow ? "input" : "output"} ${placeOf(column, other.sides[1], layer.dims)}`,
      }));
      numbers.node.setAttribute("aria-label",
        `${isRow ? "Row" : "Column"} of the matrix, for ${side} ${placeOf(at, own.sides[1], layer.dims)}`);
      reveal(scrolling, numbers.node.querySelector(".explorer-cell:not(.convolution-is-zero)"));

      draw(canvas, matrix, scale);
      const square = Math.min(LARGEST.square, LARGEST.width / inputs, LARGEST.height / matrix.length);
      const [width, height] = [inputs * square, matrix.length * square];
      Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
      canvas.setAttribute("aria-label",
        `The whole matrix as squares: a row for each output, a column for each input, ${size}`);
      // 2 px around its squares, so that it can be seen where these are small.
      Object.assign(mark.style, isRow
        ? { left: "-3px", width: `${width + 6}px`, top: `${at * square - 3}px`, height: `${square + 6}px` }
        : { top: "-3px", height: `${height + 6}px`, left: `${at * square - 3}px`, width: `${square + 6}px` });
    },
  };
}

/** One pixel for each number; the style sheet enlarges them without blur. */
function draw(canvas, matrix, scale) {
  const [height, width] = [matrix.length, matrix[0].length];
  Object.assign(canvas, { width, height });
  const image = new ImageData(width, height);
  matrix.flat().forEach((value, at) => image.data.set([...signed(value, scale), 255], 4 * at));
  canvas.getContext("2d").putImageData(image, 0, 0);
}
