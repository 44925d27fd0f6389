// Numbers and windows of the network table in words.

/** 1234567 as "1,234,567". */
export const thousands = (value) => value.toLocaleString("en");

/** A share, 0 to 1, as "13 %"; what is more than nothing is no "0 %". */
export function percent(share) {
  const rounded = Math.round(100 * share);
  return `${rounded || (share > 0 ? "<1" : 0)}\u00a0%`;
}

/** Bytes as "7.8 kB": 1 kB is 1000 bytes. */
export function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  const step = Math.min(units.length - 1, bytes < 1000 ? 0 : Math.floor(Math.log10(bytes) / 3));
  return `${step ? (bytes / 1000 ** step).toFixed(1) : bytes}\u00a0${units[step]}`;
}

export const BYTES = 4; // of a float32, as which an activation is kept

/**
 * What the output in the middle of a layer sees of the picture.
 *
 * @param {number[]} image [height, width, …] in pixels.
 * @param {number[][] | null} window [[first row, last row], [first column, last column]].
 * @returns {{share: number, beyond: number[][]}} the share of the picture that it covers, 0 to 1; and how
 *   many pixels it reaches beyond the picture, [[above, below], [left, right]].
 */
export function covered(image, window) {
  if (!window) return { share: 0, beyond: [[0, 0], [0, 0]] };
  const inside = window.map(([first, last], axis) =>
    Math.max(0, Math.min(last, image[axis] - 1) - Math.max(first, 0) + 1));
  const beyond = window.map(([first, last], axis) =>
    [Math.max(0, -first), Math.max(0, last + 1 - image[axis])]);
  return { share: (inside[0] * inside[1]) / (image[0] * image[1]), beyond };
}

/** A sentence or two: which pixels the output in the middle sees, and how far it looks beyond the picture. */
export function sight(image, { middle: window }) {
  if (!window) return "The output in the middle sees no pixel: no entry of a kernel leads from one to it.";
  const { share, beyond } = covered(image, window);
  const sides = window.map(([first, last]) => last - first + 1);
  const places = window.map(([first, last], axis) => {
    const line = ["row", "column"][axis];
    const told = first === last ? `${line} ${first}` : `${line}s ${first} to ${last}`;
    return told.replaceAll("-", "−");
  });
  const seen = `The output in the middle sees ${sides.join("×")} pixels, ${places.join(" and ")} counted from `
    + `0: ${share === 1 ? "all" : percent(share)} of the picture.`;
  const reach = ["above", "below", "at the left", "at the right"]
    .map((side, n) => [beyond.flat()[n], side]).filter(([far]) => far);
  if (!reach.length) return seen;
  const far = new Set(beyond.flat()).size === 1
    ? `${thousands(reach[0][0])} on every side`
    : reach.map(([by, side]) => `${thousands(by)} ${side}`).join(", ");
  return `${seen} Beyond the picture it reaches into padding: ${far}.`;
}
