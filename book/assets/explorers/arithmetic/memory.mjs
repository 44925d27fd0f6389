// The memory calculator's look-ups and its wording. Every number comes from the table that the build
// wrote (src/convbook/memory/tabulating.py); nothing is predicted here. Sizes are in bytes.

/** What is held at the peak, in the order and the colours of the book's drawings; a bar has the letters. */
export const PARTS = [
  { key: "parameters", letter: "P", name: "parameters", role: "kernel" },
  { key: "state", letter: "S", name: "optimizer state", role: "ink" },
  { key: "gradients", letter: "G", name: "gradients", role: "gradient" },
  { key: "inputs", letter: "I", name: "images", role: "input" },
  { key: "activations", letter: "A", name: "activations", role: "output" },
  { key: "temporaries", letter: "T", name: "temporaries", role: "muted" },
  { key: "rounding", letter: "R", name: "rounding", role: "line" },
  { key: "cached", letter: "C", name: "cached", role: "paper" },
];

const NETWORKS = {
  resnet18: "ResNet-18", resnet34: "ResNet-34", resnet50: "ResNet-50", resnet101: "ResNet-101",
  resnet152: "ResNet-152",
};
const OPTIMIZERS = { sgd: "SGD", momentum: "SGD with momentum", adam: "Adam(W)" };
const PRECISIONS = { float32: "float32", bfloat16: "bfloat16 autocast" };
const IMAGES = {
  32: "32×32, small stem", 64: "64×64, small stem", 96: "96×96", 224: "224×224", 384: "384×384",
};
const GPUS = {
  8: "RTX 4060, 8 GB", 12: "RTX 4070, 12 GB", 16: "T4, 16 GB", 24: "RTX 4090, 24 GB",
  32: "RTX 5090, 32 GB", 40: "A100, 40 GB", 48: "L40S, 48 GB", 80: "H100, 80 GB", 141: "H200, 141 GB",
};
const PHASES = {
  setup: "setup", forward: "forward pass", loss: "loss", backward: "backward pass", step: "optimizer’s step",
};

/** For each choice its words in a state's and the table's terms, with what a reader sees. */
export const NAMES = {
  network: NETWORKS, image: IMAGES, optimizer: OPTIMIZERS, precision: PRECISIONS, gpu: GPUS,
};
export const MOST = 10; // the largest batch is 2 to this

/**
 * Where a state stands in the table: an index for each of its axes, and that of the GPU.
 *
 * @param {object} state network, optimizer, precision: words of the table; image: the side; batch: the
 *   exponent of 2; gpu: its memory in GB.
 * @throws {Error} if the table lacks what the state names.
 */
export function place(table, state) {
  const find = (list, test, what) => {
    const index = list.findIndex(test);
    if (index < 0) throw new Error(`the table has no ${what}`);
    return index;
  };
  const word = (list, value) => find(list, (each) => each === value, value);
  return {
    networks: word(table.networks, state.network),
    images: find(table.images, ({ side }) => side === +state.image, `images of ${state.image} pixels`),
    optimizers: word(table.optimizers, state.optimizer),
    precisions: word(table.precisions, state.precision),
    batches: word(table.batches, 2 ** state.batch),
    gpu: find(table.gpus, ({ bytes }) => bytes === state.gpu * 1e9, `GPU of ${state.gpu} GB`),
  };
}

/** A column's number at a place, in its unit's multiple: the last axis is the fastest. */
export function value(table, column, at) {
  const index = table.axes[column].reduce((sum, axis) => sum * table[axis].length + at[axis], 0);
  return table.columns[column][index] * (table.units[column] ?? 1);
}

/**
 * The prediction at a place.
 *
 * @returns {{peak, reserved, requested, phase: string, all: object, held: object}} `all`: of each kind
 *   all bytes of a step; `held`: of each of PARTS what is there at the peak. The parts of `held` add up to
 *   `reserved`, without the last to `peak`, without the last two to `requested`.
 */
export function cell(table, at) {
  const read = (column) => value(table, column, at);
  const parameters = read("parameters") + read("buffers");
  const all = {
    parameters, state: read("optimizer_state"), gradients: read("gradients"), inputs: read("inputs"),
    activations: read("activations"),
  };
  const held = {
    parameters, state: all.state, gradients: read("gradients_at_peak"), inputs: all.inputs,
    activations: read("activations_at_peak"), temporaries: read("temporaries_at_peak"),
  };
  const requested = Object.values(held).reduce((sum, size) => sum + size, 0);
  const peak = read("peak");
  const reserved = read("reserved");
  Object.assign(held, { rounding: peak - requested, cached: reserved - peak });
  return { peak, reserved, requested, phase: table.phases[read("peak_phase")], all, held };
}

/** Whether the step at a place fits into its GPU: "fits", "just so" (cached memory goes back) or "not". */
export function verdict(table, at) {
  if (value(table, "reserved", at) <= table.gpus[at.gpu].bytes) return "fits";
  return (value(table, "just_so", at) >> at.gpu) & 1 ? "just so" : "not";
}

/** The largest of the table's batches that fits: { batch, how: a verdict }; undefined where none does. */
export function largest(table, at) {
  return table.batches
    .map((batch, batches) => ({ batch, how: verdict(table, { ...at, batches }) }))
    .findLast(({ how }) => how !== "not");
}

/** What a GPU measured at a place, the newest first; undefined where none did. */
export function reading(table, at) {
  const axes = ["networks", "images", "optimizers", "precisions", "batches"];
  return table.readings.find((each) => axes.every((axis, n) => each.at[n] === at[axis]));
}

/** Bytes in the unit that suits them, as convbook.memory.report.amount tells them. */
export function amount(size) {
  if (size < 1000) return `${size} B`;
  if (size < 999_950) return `${fixed(size / 1e3, 1)} kB`;
  if (size < 999_950_000) return `${fixed(size / 1e6, 1)} MB`;
  return `${fixed(size / 1e9, 2).replace(/\B(?=(\d{3})+\.)/g, ",")} GB`;
}

/** The memory of a GPU, which its maker tells in whole GB. */
export const gigabytes = (size) => `${size / 1e9} GB`;

/** As Python writes it: a number exactly between two goes to the even one, where toFixed goes up. */
function fixed(number, digits) {
  const halves = number * 2 ** (digits + 1); // a half of the last digit is an odd number of these parts
  if (!Number.isInteger(halves) || halves % 2 === 0) return number.toFixed(digits);
  const below = Math.floor(number * 10 ** digits);
  return ((below % 2 ? below + 1 : below) / 10 ** digits).toFixed(digits);
}

/** The command that predicts the same on the reader's own machine. */
export function command(state) {
  const small = state.image < 96 ? ["--stem small"] : [];
  const half = state.precision === "float32" ? [] : [`--precision ${state.precision}`];
  return [
    `convbook memory ${state.network} --classes 10`, ...small, `--input ${state.image}x${state.image}x3`,
    `--batch-size ${2 ** state.batch} --optimizer ${state.optimizer}`, ...half, `--gpu-memory ${state.gpu}GB`,
  ].join(" ");
}

/** The badge beside the bar: a sign and a word. */
export const BADGES = { fits: "✓ Fits", "just so": "≈ Just so, perhaps", not: "✗ Does not fit" };

/** What is shown, in sentences. */
export function words(table, state) {
  const at = place(table, state);
  const { peak, reserved, phase } = cell(table, at);
  const { name, bytes } = table.gpus[at.gpu];
  const size = `the ${gigabytes(bytes)} of the ${name}`;
  const batch = 2 ** state.batch;
  const sentences = {
    fits: `It fits into ${size}: ${amount(bytes - reserved)} are left for the CUDA context and cuDNN’s `
      + "scratch, which only the device can tell.",
    "just so": `It fits into ${size} just so, perhaps: torch gives cached memory back, but nothing is `
      + "left for the CUDA context and cuDNN’s scratch.",
    not: `It does not fit into ${size}, and the CUDA context and cuDNN’s scratch would come on top.`,
  };
  const most = largest(table, at);
  const which = most === undefined
    ? "Not even a single image fits."
    : `The largest listed batch that fits is ${most.batch}${most.how === "fits" ? "" : ", just so"}.`;
  const images = `${batch} ${batch === 1 ? "image" : "images"} of ${state.image}×${state.image}`;
  const how = `${OPTIMIZERS[state.optimizer]}, ${PRECISIONS[state.precision]}`;
  return `${NETWORKS[state.network]}, ${images}, ${how}: the peak is ${amount(peak)}, in the ${PHASES[phase]}, `
    + `and torch reserves ${amount(reserved)}. ${sentences[verdict(table, at)]} ${which}`;
}

/** What a GPU measured, or that none did. */
export function measured(table, at) {
  const found = reading(table, at);
  if (found === undefined) return "No reading of a GPU for this configuration.";
  const told = `Measured on ${found.device} (${found.measured_on}): peak ${amount(found.peak)}, `
    + `${amount(found.reserved)} reserved`;
  return found.out_of_memory ? `${told}, then memory was out.` : `${told}.`;
}
