// The network table: a network typed or built in the homework's notation, and what follows from it: shapes,
// parameters, work, memory, and which pixels one output sees.
import { define, text, whole } from "./element.mjs";
import { copied, counter, node } from "./controls.mjs";
import { emptyTable, layerTable } from "./arithmetic/network.mjs";
import { words } from "./arithmetic/notation.mjs";
import { layerFacts } from "./network-facts.mjs";
import { layerRows } from "./network-rows.mjs";
import { BYTES, covered, percent, size, thousands } from "./network-words.mjs";

const LETTERS = 400; // of a network at most; VGG-16 has 258
const ADDED = ["CONV3-10", "POOL2", "RELU", "BN", "GAP", "FLATTEN", "FC-10"];
const HELP = "Layers stand apart by blanks. A comma adds what differs: s2 for a stride, p0 for a padding, d2 "
  + "for a dilation, g2 for groups.";

const CLASSIFIER = "FLATTEN FC-4096 RELU FC-4096 RELU FC-1000";
// Networks that the book itself speaks of: name, layers, [height, width, channels].
const PRESETS = [
  ["the homework’s, question 2(e)", "CONV3-10 POOL2 CONV3-10 POOL2 FLATTEN FC-3", [28, 28, 1]],
  ["the homework’s, question 2(f)", "CONV2-3 RELU CONV2-3 RELU GAP FC-3", [28, 28, 1]],
  ["like LeNet-5", "CONV5-6,p0 AVGPOOL2 CONV5-16,p0 AVGPOOL2 CONV5-120,p0 FLATTEN FC-84 FC-10", [32, 32, 1]],
  ["AlexNet of 2012", "CONV11-96,s4,p2 RELU POOL3,s2 CONV5-256,g2 RELU POOL3,s2 CONV3-384 RELU "
    + `CONV3-384,g2 RELU CONV3-256,g2 RELU POOL3,s2 ${CLASSIFIER}`, [224, 224, 3]],
  ["VGG-16", [[2, 64], [2, 128], [3, 256], [3, 512], [3, 512]]
    .map(([count, filters]) => `CONV3-${filters} RELU `.repeat(count) + "POOL2 ").join("")
    + CLASSIFIER, [224, 224, 3]],
  ["a dilated stack", "CONV3-16 CONV3-16,d2 CONV3-16,d4 CONV3-16,d8", [64, 64, 16]],
  ["down and up again", "CONV3-8,s2 RELU CONV3-16,s2 RELU CONVT4-8,s2,p1 RELU CONVT4-1,s2,p1", [28, 28, 1]],
];

const fields = {
  spec: text(PRESETS[0][1], LETTERS),
  height: whole(28, 1, 1024),
  width: whole(28, 1, 1024),
  channels: whole(1, 1, 1024),
  layer: whole(3, 0, LETTERS), // 0 is the input
};

define("network-table", {
  name: "network",
  fields,
  settle: (state) => ({ ...state, layer: Math.min(state.layer, words(state.spec).length) }),
  build,
});

/** The table of a state's network, or the fault that leaves none: { spec, image, table, fault }. */
function read({ spec, height, width, channels }) {
  const image = [height, width, channels];
  try {
    return { spec, image, table: layerTable(spec, image) };
  } catch (error) {
    if (error.layer === undefined) throw error;
    return { spec, image, fault: error };
  }
}

function build(body, explorer) {
  const { state, set } = explorer;
  // What is shown: the last network that could be read. Before there is one, the input alone.
  let good = null;
  let fault = null; // of the text as it stands
  const texts = () => words(good.spec).map((word) => word.text);
  const chosen = () => Math.min(state().layer, good.table.rows.length - 1);

  const area = node("textarea", {
    id: "network-spec", rows: 2, maxlength: LETTERS, spellcheck: "false", autocomplete: "off",
    autocapitalize: "off", "aria-describedby": "network-message", oninput: () => set({ spec: area.value }),
  });
  const message = messageLine({
    point: () => {
      const { start, end } = words(state().spec)[fault.layer - 1];
      area.focus();
      area.setSelectionRange(start, end);
    },
    back: () => {
      const [height, width, channels] = good.image;
      set({ spec: good.spec, height, width, channels });
      area.focus();
    },
  });

  /** Change the network, unless what comes out cannot be: then say why. True if it was changed. */
  const change = (layers, layer) => {
    if (fault) return false; // the message already says what has to be mended first
    const spec = layers.join(" ");
    const refused = spec.length > LETTERS
      ? `A network has at most ${LETTERS} letters here.`
      : read({ ...state(), spec }).fault?.message;
    if (refused) message.refuse(refused);
    else set({ spec, layer });
    return !refused;
  };
  const actions = {
    choose: (layer) => set({ layer }),
    remove: (layer) => change(texts().toSpliced(layer - 1, 1), Math.min(layer, texts().length - 1)),
    move: (layer, by) => {
      const layers = texts();
      const to = layer + by;
      if (to < 1 || to > layers.length) return false;
      return change(layers.toSpliced(layer - 1, 1).toSpliced(to - 1, 0, layers[layer - 1]), to);
    },
  };
  const add = (word) => change(texts().toSpliced(chosen(), 0, word), chosen() + 1);

  const where = node("span", { id: "network-where" });
  const buttons = ADDED.map((word) =>
    node("button", { type: "button", "aria-label": `Add ${word}`, onclick: () => add(word) }, `+ ${word}`));
  const presets = presetSelect(set);
  const sizes = ["height", "width", "channels"].map((key) =>
    counter(explorer, key, key[0].toUpperCase() + key.slice(1)));
  const facts = layerFacts(actions);
  const rows = layerRows(actions);
  const command = copied("the command for a terminal");

  body.classList.add("network");
  body.append(
    node("div", { class: "explorer-controls" }, presets.node, ...sizes.map((size) => size.node)),
    node("div", { class: "network-typing" },
      node("label", { for: "network-spec", class: "explorer-control" }, "Layers, in the homework’s notation"),
      area, message.node),
    node("div", { class: "network-adding", role: "group", "aria-labelledby": where.id }, where, ...buttons),
    facts.node, rows.node, memoryNote(), command.node,
  );

  return (values) => {
    const now = read(values);
    // A change of the chosen layer alone leaves the table as it is, and with it what has the focus.
    if (!now.fault && !(good?.spec === now.spec && `${good.image}` === `${now.image}`)) good = now;
    fault = now.fault ?? null;
    good ??= { spec: "", image: now.image, table: emptyTable(now.image) };
    const { table, image } = good;
    const at = chosen();
    const stale = Boolean(fault);
    if (area.value !== values.spec) area.value = values.spec;
    area.setAttribute("aria-invalid", stale);
    message.show(fault, good.spec);
    presets.show(now);
    sizes.forEach((one) => one.show(values));
    for (const button of buttons) button.setAttribute("aria-disabled", stale);
    where.textContent = at ? `Add after layer ${at}, ${table.rows[at].name}:` : "Add after the input:";
    facts.show({ image, table, at, stale });
    rows.show({ table, at, stale });
    command.node.hidden = !good.spec;
    command.show(`convbook table "${texts().join(" ")}" --input ${image.join("x")}`);
    return told(good, at, stale);
  };
}

/** What the table says, in words. */
function told({ spec, image, table }, at, stale) {
  const row = table.rows[at];
  const { share } = covered(image, row.middle);
  const sums = `${thousands(table.parameters)} parameters, ${thousands(table.multiplyAdds)} multiply-adds `
    + `and ${size(table.activations * BYTES)} of outputs for one picture`;
  if (stale && !spec) return "The layers cannot be read as they are written. Shown is the input alone.";
  if (stale) {
    return `The layers cannot be read as they are written. Shown is the last network that could: ${sums}.`;
  }
  const layer = at ? `layer ${at}, ${row.name},` : "the input";
  return `One output of ${layer} sees ${row.field.join("×")} pixels; the one in the middle sees `
    + `${percent(share)} of the picture. The network has ${sums}.`;
}

/** A select of networks to start from; { node, show(reading) }. */
function presetSelect(set) {
  const input = node("select", {
    onchange: () => {
      const [, spec, [height, width, channels]] = PRESETS[input.value];
      // The last layer whose outputs have places: its window is worth a look.
      const layer = layerTable(spec, [height, width, channels]).rows.findLastIndex((row) => row.stride);
      set({ spec, height, width, channels, layer });
    },
  }, node("option", { value: "", hidden: true }, "your own"),
  ...PRESETS.map(([name], n) => node("option", { value: n }, name)));
  return {
    node: node("label", { class: "explorer-control" }, node("span", {}, "Start from"), input),
    show({ spec, image }) {
      const found = PRESETS.findIndex(([, layers, sides]) => layers === spec && `${sides}` === `${image}`);
      input.value = found < 0 ? "" : found;
    },
  };
}

/** The line below the layers: how they are written, what is wrong with them, or why a change was not made. */
function messageLine({ point, back }) {
  const said = node("span", {});
  const show = node("button", { type: "button", onclick: point }, "Show the layer");
  const undo = node("button", { type: "button", onclick: back }, "Back to the network below");
  const line = node("div", { id: "network-message", class: "network-message", "aria-live": "polite" },
    said, show, undo);
  const say = (words, kind) => {
    if (said.textContent !== words) said.textContent = words;
    line.dataset.kind = kind;
  };
  return {
    node: line,
    show(fault, good) {
      const below = good && " Below is the last network that could be read.";
      if (fault) say(`✗ ${fault.message}${below}`, "fault");
      else say(HELP, "help");
      show.hidden = !fault?.layer;
      undo.hidden = !fault || !good;
    },
    refuse: (why) => say(`✗ Not changed. ${why}`, "fault"),
  };
}

/** What the column of memory counts, with the way to what it does not. */
function memoryNote() {
  const chapter = new URL("../../gpu-memory.html", import.meta.url).href;
  return node("p", { class: "network-note" },
    `Memory: the input and the outputs of all layers, ${BYTES} bytes a number (float32), for one picture. `
    + "What training keeps of them, and what else it needs, is told in ",
    node("a", { href: chapter }, "GPU memory"), ".");
}
