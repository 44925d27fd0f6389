// What the filter studio shows: a picture on a canvas with a window that can be moved over it, and the sum of
// products under that window.
import { paint } from "./arithmetic/filtering.mjs";
import { node } from "./controls.mjs";
import { grid, short } from "./grid.mjs";

const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/**
 * A canvas, over which a marker stands.
 *
 * @param {object} options
 * @param {Node} options.caption what stands below it.
 * @param {(row: number, column: number) => void} options.onpick a pixel was clicked, tapped or dragged to.
 * @param {(pixel: number[] | null) => void} options.onhover the mouse is over a pixel, or has left.
 */
export function view({ caption, onpick, onhover }) {
  const canvas = node("canvas", { role: "img" });
  const marker = node("span", { class: "studio-marker", "aria-hidden": "true" });
  const frame = node("div", { class: "studio-frame" }, canvas, marker);
  const context = canvas.getContext("2d");
  let image; // ImageData

  const pixel = (event) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const at = (offset, length, side) => Math.min(side - 1, Math.max(0, Math.floor(offset / length * side)));
    return [at(event.clientY - top, height, canvas.height), at(event.clientX - left, width, canvas.width)];
  };
  // A click, not a press: a finger that scrolls the page over the picture leaves the window alone.
  canvas.addEventListener("click", (event) => onpick(...pixel(event)));
  canvas.addEventListener("pointermove", (event) => {
    if (event.buttons) onpick(...pixel(event));
    else if (event.pointerType === "mouse") onhover(pixel(event));
  });
  canvas.addEventListener("pointerleave", () => onhover(null));

  return {
    node: node("figure", { class: "studio-picture" }, frame, node("figcaption", {}, caption)),
    frame,

    /** Say in words what is on the canvas. */
    name(words) { canvas.setAttribute("aria-label", words); },

    /** Give the canvas its size in pixels. */
    resize(width, height) {
      if (canvas.width === width && canvas.height === height && image) return;
      Object.assign(canvas, { width, height });
      frame.style.setProperty("--ratio", width / height);
      image = context.createImageData(width, height);
    },

    /** Draw numbers in the colours of a table; see `paint`. */
    draw(values, colours, low, high) {
      paint(values, colours, low, high, new Uint32Array(image.data.buffer));
      context.putImageData(image, 0, 0);
    },

    /** Leave the canvas empty. */
    clear() { context.clearRect(0, 0, canvas.width, canvas.height); },

    /** Put the marker around so many rows and columns of pixels. */
    mark(top, left, rows, columns) {
      const share = (part, side) => `${100 * part / side}%`;
      Object.assign(marker.style, {
        top: share(top, canvas.height), height: share(rows, canvas.height),
        left: share(left, canvas.width), width: share(columns, canvas.width),
      });
    },
  };
}

/** Arrow keys on an element: onmove(down, right) in pixels, ten at a time with Shift. */
export function arrows(element, onmove) {
  element.addEventListener("keydown", (event) => {
    const move = ARROWS[event.key];
    if (!move || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    onmove(...move.map((by) => by * (event.shiftKey ? 10 : 1)));
  });
}

/**
 * Window × kernel = products, and their sum; the kernel can be edited.
 *
 * @param {(row: number, column: number, weight: number) => void} onedit a weight was typed.
 */
export function sumOfProducts(onedit) {
  const seen = grid({ label: "Window of the picture" });
  const weights = grid({ label: "Kernel", onedit });
  const products = grid({ label: "Products" });
  seen.node.classList.add("studio-window");
  weights.node.classList.add("studio-kernel");
  products.node.classList.add("studio-products");
  const sum = node("span", { class: "studio-sum" });
  const where = node("p", { class: "studio-where" });
  const part = (name, sign, content) => node("div", { class: "studio-part" },
    node("p", { "aria-hidden": "true" }, name), node("span", { "aria-hidden": "true" }, sign), content);

  return {
    node: node("div", { class: "studio-sums" },
      node("div", { class: "studio-parts" },
        part("window", "", seen.node), part("kernel", "×", weights.node),
        part("products", "=", products.node), part("their sum", "=", sum)),
      where),

    /** Show the kernel, and what it makes of a window (null: of none). Spoken: whether it is read out. */
    show(kernel, found, row, column, spoken) {
      const empty = kernel.map((line) => line.map(() => null));
      const added = { classes: "studio-outside", words: "added at the border" };
      const border = (r, c) => (found?.outside[r][c] ? added : {});
      const times = (line, r) => line.map((weight, c) => weight * found.values[r][c]);
      const each = found ? kernel.map(times) : empty;
      const result = each.flat().reduce((total, product) => total + product, 0);
      seen.show(found?.values ?? empty, border);
      weights.show(kernel);
      products.show(each);
      sum.textContent = found ? short(result) : "";
      where.setAttribute("aria-live", spoken ? "polite" : "off");
      where.textContent = found ? `At row ${row}, column ${column} the response is ${short(result)}.` : "";
    },
  };
}
