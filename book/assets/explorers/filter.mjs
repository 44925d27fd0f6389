// The filter studio: a picture, a kernel that can be edited, and the response with its sign.
import {
  MODES, MOST, PRESETS, before, filtered, resized, summary, tableOf, weighed, windowAt,
} from "./arithmetic/filtering.mjs";
import { signed } from "./colours.mjs";
import { counter, node, select, slider } from "./controls.mjs";
import { choice, define, matrix, whole } from "./element.mjs";
import { fromFile, openCamera, photograph } from "./filter-sources.mjs";
import { arrows, sumOfProducts, view } from "./filter-views.mjs";
import { short } from "./grid.mjs";
import { photographs } from "./photographs/index.mjs";

const PICTURES = Object.keys(photographs);
const PICTURE_NAMES = {
  cat: "Cat", camera: "Photographer", bricks: "Bricks", coins: "Coins", own: "Your picture", live: "Your camera",
};
const PRESET_NAMES = {
  identity: "Identity", "box-3": "Average 3×3", "box-5": "Average 5×5", gaussian: "Gaussian, σ = 1", sharpen: "Sharpen",
  "sobel-vertical": "Sobel, vertical edges", "sobel-horizontal": "Sobel, horizontal edges",
  prewitt: "Prewitt, vertical edges", laplacian: "Laplacian", own: "Your own",
};
const MODE_NAMES = {
  zeros: "zeros", reflect: "reflect: a mirror", replicate: "replicate: the last pixel", circular: "circular: the other side",
};
const LOOK_NAMES = { fitting: "as fits the kernel", signed: "with its sign", grey: "in grey, from 0 to 1" };
const READING = 300; // ms between two readings of numbers from a moving picture

const fields = {
  // "own" and "live" cannot stand in an address: they are never sent.
  picture: { ...choice("cat", PICTURES), write: (name) => (PICTURES.includes(name) ? name : undefined) },
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
function drawing({ look, contrast }, { sum, reach }) {
  const inGrey = look === "grey" || (look === "fitting" && sum > 0);
  const limit = (reach || 1) / contrast;
  return inGrey ? { inGrey, low: 0, high: 1 } : { inGrey, low: -limit, high: limit };
}

function inWords({ picture, preset }, { sum }, { inGrey, high }) {
  const flat = Math.abs(sum - 1) < 1e-9 ? "flat areas keep their brightness"
    : sum === 0 ? "flat areas become 0" : `flat areas get ${short(sum)} times their brightness`;
  const drawn = inGrey
    ? "in grey: what lies below 0 is black, above 1 white"
    : `with its sign: blue below zero, orange above, in full colour from ±${short(high)}`;
  return `Picture: ${PICTURE_NAMES[picture]}. Kernel: ${PRESET_NAMES[preset]}. Its weights add up to ${short(sum)}: `
    + `${flat}. The response is drawn ${drawn}.`;
}

function build(body, { state, set }) {
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const greys = tableOf(Array.from({ length: 256 }, (_, level) => [level, level, level]));
  const signs = tableOf(Array.from({ length: 511 }, (_, at) => signed(at - 255, 255)));
  let picture = null; // { width, height, grey }: what is shown
  let name = ""; // the photograph that it is, or is about to be
  let near = false; // the reader has come close to the studio
  let camera = null;
  let asking = false; // for the camera
  let hover = null; // [row, column] under the mouse
  let response = null; // Float64Array
  let made = []; // picture, kernel and mode that it was made of
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
  const output = view({ caption: node("span", { class: "studio-scale" }, "Response: ", least, bar, most), ...pixels });
  Object.entries({ role: "application", tabindex: 0, "aria-label": "Window on the picture: arrow keys move it, with Shift by ten pixels" })
    .forEach((attribute) => input.frame.setAttribute(...attribute));
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
  const source = node("select", { onchange: () => set({ picture: source.value }) });
  const file = node("input", { type: "file", accept: "image/*", hidden: true, onchange: () => take(file.files[0]) });
  const choose = node("button", { type: "button", onclick: () => file.click() }, "Your picture…");
  const film = node("button", { type: "button", onclick: () => (camera ? freeze() : start()) });
  const snap = node("button", { type: "button", hidden: true, onclick: () => shoot() }, "Take a picture");
  const problem = node("p", { class: "studio-problem", role: "alert" });
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
  const label = node("label", { class: "explorer-control" }, node("span", {}, "Picture"), source);
  body.append(
    box(label, choose, file, film, snap,
      node("p", { class: "studio-note" }, "A picture of yours stays on this device: nothing is sent. A file can also be dropped here.")),
    problem,
    box(preset.node, rows.node, columns.node, mode.node, look.node, contrast.node),
    node("div", { class: "studio-pictures" }, input.node, output.node),
    facts, sums.node, box(row.node, column.node));

  body.addEventListener("dragover", (event) => event.preventDefault());
  body.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
  });
  document.addEventListener("visibilitychange", () => { if (document.hidden && camera) freeze(); });
  const watcher = new IntersectionObserver(([{ isIntersecting }]) => {
    if (!isIntersecting) return;
    near = true;
    watcher.disconnect();
    set({});
  }, { rootMargin: "600px" });
  watcher.observe(body);

  // ---- pictures ----
  const tell = (error) => { problem.textContent = error?.message ?? ""; };

  async function load(wanted) {
    name = wanted;
    picture = null;
    try {
      const loaded = await photograph(wanted);
      if (name !== wanted) return; // another one was chosen meanwhile
      picture = loaded;
      set({});
    } catch (error) {
      if (name === wanted) tell(error);
    }
  }

  async function take(given) {
    file.value = ""; // so that the same file can be chosen again
    if (!given) return;
    tell();
    try {
      useOwn(await fromFile(given));
    } catch (error) {
      tell(error);
    }
  }

  function useOwn(given) {
    picture = given;
    set({ picture: "own" });
  }

  async function start() {
    if (asking) return;
    asking = true;
    tell();
    showCamera();
    try {
      const opened = await openCamera();
      if (document.hidden) opened.stop();
      else {
        camera = opened;
        picture = camera.frame();
        set({ picture: "live" });
        if (!still.matches) camera.follow(shoot);
      }
    } catch (error) {
      tell(error);
    }
    asking = false;
    showCamera();
  }

  /** Stop the camera; its last picture stays. */
  function freeze() {
    camera.stop();
    camera = null;
    useOwn(picture);
  }

  /** Filter what the camera sees now. */
  function shoot() {
    if (!camera) return;
    picture = camera.frame();
    showPicture(state());
    if (still.matches || performance.now() - read > READING) showNumbers(state());
  }

  // ---- showing ----
  const shape = (values) => ({ rows: weightsOf(values).length, columns: weightsOf(values)[0].length });
  const sizeOf = (values) => picture ?? photographs[values.picture] ?? photographs[PICTURES[0]];
  const pinned = (values) => {
    const { width, height } = sizeOf(values);
    return [Math.min(values.row, height - 1), Math.min(values.column, width - 1)];
  };

  function showCamera() {
    film.textContent = camera ? "Stop the camera" : asking ? "Asking for the camera…" : "Camera";
    film.setAttribute("aria-disabled", asking);
    snap.hidden = !(camera && still.matches);
  }

  /** Filter, where anything changed, and draw; gives the error where the picture does not fit. */
  function showPicture(values) {
    const kernel = weightsOf(values);
    const { width, height } = sizeOf(values);
    const { inGrey, low, high } = drawing(values, weighed(kernel));
    const subject = PICTURE_NAMES[values.picture];
    input.resize(width, height, `${subject}, in grey, ${width} × ${height} pixels`);
    output.resize(width, height, `Response of the kernel “${PRESET_NAMES[values.preset]}”: ${subject.toLowerCase()}`);
    least.textContent = short(low);
    most.textContent = short(high);
    bar.classList.toggle("studio-grey", inGrey);
    const from = [picture, JSON.stringify(kernel), values.mode];
    let wrong = null;
    if (!picture) response = null;
    else if (from.some((part, at) => part !== made[at])) {
      made = from;
      try {
        response = filtered(picture, kernel, values.mode);
      } catch (error) {
        response = null;
        made = [];
        wrong = error;
      }
    }
    if (picture) input.draw(picture.grey, greys, 0, 1);
    else input.clear();
    if (response) output.draw(response, inGrey ? greys : signs, low, high);
    else output.clear();
    return wrong;
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
    facts.setAttribute("aria-live", camera ? "off" : "polite");
    facts.replaceChildren(...Object.entries(pairs).map(([term, value]) =>
      node("div", {}, node("dt", {}, term), node("dd", {}, value))));
    showPixel(values);
  }

  function showPixel(values) {
    const kernel = weightsOf(values);
    const [r, c] = hover ?? pinned(values);
    const found = response && windowAt(picture, kernel, values.mode, r, c);
    sums.show(kernel, found, r, c, !camera && !hover);
    input.mark(r - before(kernel.length), c - before(kernel[0].length), kernel.length, kernel[0].length);
    output.mark(r, c, 1, 1);
  }

  return (values) => {
    if (camera && values.picture !== "live") {
      camera.stop();
      camera = null;
    }
    if (!PICTURES.includes(values.picture)) name = "";
    else if (near && name !== values.picture) {
      tell();
      load(values.picture);
    }
    const options = [...PICTURES, ...(PICTURES.includes(values.picture) ? [] : [values.picture])];
    source.replaceChildren(...options.map((option) => node("option", { value: option }, PICTURE_NAMES[option])));
    source.value = values.picture;
    credit.textContent = photographs[values.picture]?.credit ?? "yours, on this device alone";
    [preset, mode, look, contrast].forEach((control) => control.show(values));
    [rows, columns].forEach((control) => control.show(shape(values)));
    [row, column].forEach((control) => control.show(place.state()));
    const weight = weighed(weightsOf(values));
    const drawn = drawing(values, weight);
    contrast.node.classList.toggle("studio-off", drawn.inGrey);
    showCamera();
    const wrong = showPicture(values);
    showNumbers(values);
    return wrong ? `This kernel does not fit: ${wrong.message}.` : inWords(values, weight, drawn);
  };
}

define("filter-studio", { name: "filter", fields, settle, build });
