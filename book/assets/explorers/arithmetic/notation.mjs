// A network in one line, as the homework writes it: "CONV3-10 POOL2 FLATTEN FC-3". What
// convbook.shapes.notation reads, this reads; its documentation lists the words and their options.

// What each word makes (torch's class), what is written behind it by example, and its options.
const WORDS = {
  CONV: ["Conv2d", "3-10", "s p d g nobias same valid zeros circular reflect replicate"],
  CONVT: ["ConvTranspose2d", "3-10", "s p d g o nobias"],
  POOL: ["MaxPool2d", "2", "s p d ceil"],
  MAXPOOL: ["MaxPool2d", "2", "s p d ceil"],
  AVGPOOL: ["AvgPool2d", "2", "s p ceil"],
  GAP: ["AdaptiveAvgPool2d", "", ""],
  RELU: ["ReLU", "", ""],
  BN: ["BatchNorm2d", "", ""],
  FLATTEN: ["Flatten", "", ""],
  FC: ["Linear", "-3", "nobias"],
};
const BEHIND = {
  "": /^()()()$/,
  "3-10": /^(\d+)(?:[X×](\d+))?-(\d+)$/,
  2: /^(\d+)(?:[X×](\d+))?()$/,
  "-3": /^()()-(\d+)$/,
};
const NUMBERS = { s: "stride", p: "padding", d: "dilation", g: "groups", o: "outputPadding" };
const FLAGS = {
  nobias: ["bias", false],
  ceil: ["ceil", true],
  same: ["padding", "same"],
  valid: ["padding", [0, 0]],
  ...Object.fromEntries(["zeros", "circular", "reflect", "replicate"].map((mode) => [mode, ["mode", mode]])),
};
const UNSAID = {
  kernel: [1, 1], filters: 0, stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1,
  outputPadding: [0, 0], ceil: false, bias: true, mode: "zeros",
};

/**
 * An error about one layer of a network.
 *
 * @param {number} layer its place, from 1; 0 is the input, or the network as a whole.
 * @param {string} message
 * @returns {Error} with the property `layer`.
 */
export const fault = (layer, message) => Object.assign(new Error(message), { layer });

/**
 * The words of a network, one for each layer.
 *
 * @param {string} spec
 * @returns {{text: string, start: number, end: number}[]} each layer as a table names it, and where it stands
 *   in the spec. Layers stand apart by blanks or arrows; around a comma, blanks do not count.
 */
export function words(spec) {
  const pieces = [...spec.matchAll(/->|(?:\s*,\s*|(?!->)[^\s→])+/g)].filter(([piece]) => piece !== "->");
  return pieces.map(({ 0: piece, index: start }) =>
    ({ text: piece.replace(/\s*,\s*/g, ","), start, end: start + piece.length }));
}

/**
 * The layers of a network, with all that their words leave unsaid filled in.
 *
 * @param {string} spec
 * @returns {{text: string, kind: string, kernel: number[], filters: number, stride: number[],
 *   padding: number[] | "same", dilation: number[], groups: number, outputPadding: number[], ceil: boolean,
 *   bias: boolean, mode: string}[]} pairs are [for rows, for columns], in pixels; filters of FC: its outputs.
 * @throws {Error} a `fault` if a layer or an option is unknown or badly written.
 */
export function parse(spec) {
  const texts = words(spec).map((word) => word.text);
  if (!texts.length) throw fault(0, "A network has at least one layer, for instance CONV3-10.");
  return texts.map((text, at) => {
    const ended = (told) => (told.endsWith("?") ? told : `${told}.`);
    const refuse = (told) => { throw fault(at + 1, `Layer ${at + 1}, ${text}, ${ended(told)}`); };
    return layer(text, refuse, texts[at - 1]);
  });
}

function layer(text, refuse, before) {
  const [head, ...options] = text.toUpperCase().split(",");
  const [, word, behind] = /^([A-Z]*)(.*)$/su.exec(head);
  if (!Object.hasOwn(WORDS, word)) refuse(`is unknown: ${hint(text, word, before)}`);
  const [kind, example, known] = WORDS[word];
  const sizes = BEHIND[example].exec(behind);
  if (!sizes) refuse(`cannot be read: it is written ${example && "as in "}${word}${example}`);
  const given = readOptions(options, word, known.split(" ").filter(Boolean), refuse);

  const [rows, columns, filters] = sizes.slice(1);
  const kernel = [count(rows || "1", 1, refuse), count(columns || rows || "1", 1, refuse)];
  const own = { kernel };
  if (filters) own.filters = count(filters, 1, refuse);
  if (kind.includes("MaxPool") || kind === "AvgPool2d") own.stride = kernel;
  if (kind === "Conv2d") {
    const dilation = given.dilation ?? [1, 1];
    own.padding = kernel.map((side, axis) => dilation[axis] * Math.floor(side / 2));
  }
  return { text, kind, ...UNSAID, ...own, ...given };
}

function readOptions(options, word, known, refuse) {
  const found = {};
  for (const option of options.map((text) => text.toLowerCase())) {
    const [name, value] = readOption(option, word, known, refuse);
    if (name in found) refuse(`says its ${name === "outputPadding" ? "output padding" : name} twice`);
    found[name] = value;
  }
  return found;
}

function readOption(option, word, known, refuse) {
  if (known.includes(option) && option in FLAGS) return FLAGS[option];
  const [, letter, first, second] = /^([a-z])(\d+)(?:[x×](\d+))?$/.exec(option) ?? [];
  if (!known.includes(letter)) {
    const choice = known.map((name) => (name in NUMBERS ? `${name}2 (${spoken(name)})` : name)).join(", ");
    const had = option ? `has the option ${option}` : "has a comma with no option behind it";
    refuse(`${had}; ${word} can have ${choice || "none"}`);
  }
  const least = letter === "p" || letter === "o" ? 0 : 1;
  const pair = [count(first, least, refuse), count(second ?? first, least, refuse)];
  if (letter !== "g") return [NUMBERS[letter], pair];
  if (second) refuse(`has the option ${option}; groups is one number`);
  return ["groups", pair[0]];
}

const spoken = (letter) => (letter === "o" ? "output padding" : NUMBERS[letter]);

function count(digits, least, refuse) {
  if (digits.length > 6 || +digits < least) refuse(`has the number ${digits}; it can be ${least} to 999999`);
  return +digits;
}

/** What may have been meant by an unknown layer. */
function hint(text, word, before = "") {
  const owner = WORDS[/^[A-Z]*/.exec(before.toUpperCase())[0]];
  const option = /^[a-z]+/.exec(text.toLowerCase())?.[0];
  if (owner?.[2].split(" ").includes(option)) {
    return `as an option of the layer before, it is written ${before},${text}`;
  }
  const [closest] = Object.keys(WORDS)
    .map((known) => [distance(word, known), known])
    .filter(([steps, known]) => steps <= Math.max(word.length, known.length) / 2)
    .sort(([a], [b]) => a - b);
  if (!closest) return `known are ${Object.keys(WORDS).join(", ")}`;
  return `did you mean ${closest[1]}${WORDS[closest[1]][1]}?`;
}

/** How many letters must be added, taken away or changed to make one word of the other. */
function distance(a, b) {
  let line = [...Array(b.length + 1).keys()];
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      next.push(Math.min(line[j] + 1, next[j - 1] + 1, line[j - 1] + (a[i - 1] !== b[j - 1])));
    }
    line = next;
  }
  return line[b.length];
}
