// The filter studio: a picture, a kernel that can be edited, and the response with its sign.
import {
  MODES, MOST, PRESETS, before, filtered, resized, summary, tableOf, weighed, windowAt,
} from "./arithmetic/filtering.mjs";
import { signed } from "./colours.mjs";
import { counter, node, select, slider } from "./controls.mjs";
import { choice, define, matrix, whole } from "./element.mjs";
import { NAMES as PICTURES, PHOTOGRAPHS, chooser } from "./filter-chooser.mjs";
import { arrows, sumOfProducts, view } from "./filter-views.mjs";
import { short } from "./grid.mjs";

const PRESET_NAMES = {
  identity: "Identity", "box-3": "Average 3×3", "box-5": "Average 5×5", gaussian: "Gaussian, σ = 1",
  sharpen: "Sharpen",
  "sobel-vertical": "Sobel, vertical edges", "sobel-horizontal": "Sobel, horizontal edges",
  prewitt: "Prewitt, vertical edges", laplacian: "Laplacian", own: "Your own",
};
const MODE_NAMES = {
  zeros: "zeros", reflect: "reflect: a mirror", replicate: "replicate: the last pixel",
  circular: "circular: the other side",
};
const LOOK_NAMES = { fitting: "as fits the kernel", signed: "with its sign", grey: "in grey, from 0 to 1" };
const READING = 300; // ms between two readings of numbers from a moving picture

const fields = {
  // "own" and "live" cannot stand in an address: they are never sent.
  picture: { ...choice("cat", PHOTOGRAPHS), write: (name) => PHOTOGRAPHS.find((known) => known === name) },
  preset: choice("sobel-vertical", [...Object.keys(PRESETS), "own"]),
  kernel: matrix(PRESETS.identity, MOST), // counts where the preset is "own"
  mode: choice("reflect", MODES),
  look: choice("fitting", Object.keys(LOOK_NAMES)),
  contrast: whole(3, 1, 12),
  row: whole(100, 0, 359),
  column: whole(132, 0, 359),
};

const settle = (state) => ({
  ...state,
  kernel: state.preset === "own" ? state.kernel : PRESETS.identity,
  row: Math.max(0, Math.min(fields.row.most, state.row)), // the arrow keys may step beyond
  column: Math.max(0, Math.min(fields.column.most, state.column)),
});
const weightsOf = ({ preset, kernel }) => PRESETS[preset] ?? kernel;

/** How a response is drawn: kernels whose weights add up to more than 0 give a picture, others changes. */
function drawingOf(state) {
  const { look, contrast } = state;
  const { sum, reach } = weighed(weightsOf(state));
  const inGrey = look === "grey" || (look === "fitting" && sum > 0);
  const limit = (reach || 1) / contrast;
  return inGrey ? { inGrey, low: 0, high: 1 } : { inGrey, low: -limit, high: limit };
}

function inWords(state) {
  const { sum } = weighed(weightsOf(state));
  const { inGrey, high } = drawingOf(state);
  const flat = Math.abs(sum - 1) < 1e-9 ? "flat areas keep their brightness"
    : sum === 0 ? "flat areas become 0" : `flat areas get ${short(sum)} times their brightness`;
  const drawn = inGrey
    ? "in grey: what lies below 0 is black, above 1 white"
    : `with its sign: blue below zero, orange above, in full colour from ±${short(high)}`;
  return `Picture: ${PICTURES[state.picture]}. Kernel: ${PRESET_NAMES[state.preset]}. `
    + `Its weights add up to ${short(sum)}: ${flat}. The response is drawn ${drawn}.`;
}

function build(body, { state, set }) {
  const greys = tableOf(Array.from({ length: 256 }, (_, level) => [level, level, level]));
  const signs = tableOf(Array.from({ length: 511 }, (_, at) => signed(at - 255, 255)));
  let hover = null; // [row, column] under the mouse
  let response = null; // Float64Array
  let made = []; // picture, kernel and mode that it was made of
  let wrong = null; // why there is none of them
  let read = 0; // when numbers of a moving picture were last shown

  // ---- what there is to see ----
  const credit = node("span");
  const least = node("span");
  const most = node("span");
  const bar = node("span", { class: "studio-bar", "aria-hidden": "true" });
  const pixels = {
    onpick: (row, column) => { hover = null; set({ row, column }); },
    onhover: (at) => { hover = at; showPixel(state()); },
  };
  const input = view({ caption: node("span", {}, "Picture: ", credit), ...pixels });
  const scale = node("span", { class: "studio-scale" }, "Response: ", least, bar, most);
  const output = view({ caption: scale, ...pixels });
  input.frame.tabIndex = 0;
  input.frame.role = "application";
  input.frame.ariaLabel = "Window on the picture: arrow keys move it, with Shift by ten pixels";
  arrows(input.frame, (down, right) => {
    const [row, column] = pinned(state());
    set({ row: row + down, column: column + right });
  });
  const facts = node("dl", { class: "studio-facts", "aria-label": "The response" });
  const sums = sumOfProducts((row, column, weight) => {
    const kernel = weightsOf(state()).map((line) => [...line]);
    kernel[row][column] = weight;
    set({ preset: "own", kernel });
  });

  // ---- controls ----
  const pictures = chooser(body, { set }, () => {
    showPicture(state());
    if (performance.now() - read > READING) showNumbers(state());
  });
  const own = { fields, state, set: ({ preset }) => set({ preset, kernel: weightsOf(state()) }) };
  const size = {
    fields: { rows: { least: 1, most: MOST }, columns: { least: 1, most: MOST } },
    state: () => shape(state()),
    set: (changed) => {
      const { rows, columns } = { ...shape(state()), ...changed };
      set({ preset: "own", kernel: resized(weightsOf(state()), rows, columns) });
    },
  };
  const place = { fields, state: () => ({ row: pinned(state())[0], column: pinned(state())[1] }), set };
  const preset = select(own, "preset", "Kernel", PRESET_NAMES);
  const rows = counter(size, "rows", "Rows");
  const columns = counter(size, "columns", "Columns");
  const mode = select({ fields, set }, "mode", "Border", MODE_NAMES);
  const look = select({ fields, set }, "look", "Response", LOOK_NAMES);
  const contrast = slider({ fields, set }, "contrast", "Contrast", (value) => `×${value}`);
  const row = counter(place, "row", "Row of the pixel");
  const column = counter(place, "column", "Column of the pixel");

  const box = (...children) => node("div", { class: "explorer-controls" }, ...children);
  body.append(
    ...pictures.nodes,
    box(preset.node, rows.node, columns.node, mode.node, look.node, contrast.node),
    node("div", { class: "studio-pictures" }, input.node, output.node),
    facts, sums.node, box(row.node, column.node));

  // ---- showing ----
  const shape = (values) => ({ rows: weightsOf(values).length, columns: weightsOf(values)[0].length });
  /** A pixel of this picture: that of the state, or another one, which may lie beyond it. */
  const pinned = (values, [row, column] = [values.row, values.column]) => {
    const { width, height } = pictures.size(values);
    return [Math.min(row, height - 1), Math.min(column, width - 1)];
  };

  /** What stands around the pictures. */
  function showLabels(values) {
    const { width, height } = pictures.size(values);
    const { inGrey, low, high } = drawingOf(values);
    const subject = PICTURES[values.picture];
    input.name(`${subject}, in grey, ${width} × ${height} pixels`);
    output.name(`Response of the kernel “${PRESET_NAMES[values.preset]}”: ${subject.toLowerCase()}`);
    credit.textContent = pictures.credit(values);
    least.textContent = short(low);
    most.textContent = short(high);
    bar.classList.toggle("studio-grey", inGrey);
    contrast.node.classList.toggle("studio-off", inGrey);
  }

  /** Filter, where anything changed, and draw: all that a frame of a camera needs. */
  function showPicture(values) {
    const picture = pictures.picture();
    const { width, height } = pictures.size(values);
    input.resize(width, height);
    output.resize(width, height);
    if (!picture) {
      response = null;
      wrong = null;
      input.clear();
      output.clear();
      return;
    }
    const from = [picture, JSON.stringify(weightsOf(values)), values.mode];
    if (from.some((part, at) => part !== made[at])) {
      made = from;
      wrong = null;
      try {
        response = filtered(picture, weightsOf(values), values.mode);
      } catch (error) {
        response = null;
        wrong = error;
      }
    }
    input.draw(picture.grey, greys, 0, 1);
    if (!response) output.clear();
    else {
      const { inGrey, low, high } = drawingOf(values);
      output.draw(response, inGrey ? greys : signs, low, high);
    }
  }

  function showNumbers(values) {
    read = performance.now();
    const { sum } = weighed(weightsOf(values));
    const found = response && summary(response);
    const pairs = {
      "sum of the weights": short(sum),
      "smallest response": found ? short(found.least) : "–",
      "largest response": found ? short(found.most) : "–",
      "negative pixels": found ? `${Math.round(100 * found.negative)} %` : "–",
    };
    facts.setAttribute("aria-live", pictures.moving() ? "off" : "polite");
    facts.replaceChildren(...Object.entries(pairs).map(([term, value]) =>
      node("div", {}, node("dt", {}, term), node("dd", {}, value))));
    showPixel(values);
  }

  function showPixel(values) {
    const kernel = weightsOf(values);
    const [r, c] = pinned(values, hover ?? undefined);
    const found = response && windowAt(pictures.picture(), kernel, values.mode, r, c);
    sums.show(kernel, found, r, c, !pictures.moving() && !hover);
    input.mark(r - before(kernel.length), c - before(kernel[0].length), kernel.length, kernel[0].length);
    output.mark(r, c, 1, 1);
  }

  return (values) => {
    pictures.show(values);
    [preset, mode, look, contrast].forEach((control) => control.show(values));
    [rows, columns].forEach((control) => control.show(shape(values)));
    [row, column].forEach((control) => control.show(place.state()));
    showLabels(values);
    showPicture(values);
    showNumbers(values);
    return wrong ? `This kernel does not fit: ${wrong.message}.` : inWords(values);
  };
}

define("filter-studio", { name: "filter", fields, settle, build });
