// Filtering a grey picture as convbook.filters.filtered does: the kernel is not flipped, and the picture
// keeps its size. A picture is { width, height, grey }, grey a Float64Array of height · width numbers, row by
// row, 0 black and 1 white; a kernel is number[rows][columns].

/** The ways to fill the border, as convbook.ops.pad and torch name them. */
export const MODES = ["zeros", "reflect", "replicate", "circular"];

/** Columns of a kernel, at most: as many as `addRow` has weights. */
export const MOST = 5;

// Of ITU-R BT.601, as convbook.photographs.LUMA.
export const LUMA = [0.299, 0.587, 0.114];

// A flat area comes out of an edge kernel at 1e-17 or −1e-17, as rounding has it: both are 0.
const ROUNDING = 1e-9;

const list = (length, entry) => Array.from({ length }, (_, at) => entry(at));
const table = (rows, columns, entry) => list(rows, (row) => list(columns, (column) => entry(row, column)));

/** The average of size × size pixels. */
export const box = (size) => table(size, size, () => 1 / size ** 2);

/** A bell of standard deviation sigma pixels, cut off at radius, with the sum 1. */
export function gaussian(sigma, radius) {
  const weight = (offset) => Math.exp(-(offset ** 2) / (2 * sigma ** 2));
  const bell = list(2 * radius + 1, (at) => weight(at - radius));
  const total = bell.reduce((sum, x) => sum + x);
  return table(bell.length, bell.length, (row, column) => bell[row] * bell[column] / total ** 2);
}

/** Kernels to start from: as convbook.filters has them. */
export const PRESETS = {
  identity: [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
  "box-3": box(3),
  "box-5": box(5),
  gaussian: gaussian(1, 2),
  sharpen: [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
  "sobel-vertical": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
  "sobel-horizontal": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
  prewitt: [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]],
  laplacian: [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
};

/** How many of `length` weights lie before the output's pixel; the rest lies on it and after it. */
export const before = (length) => Math.floor((length - 1) / 2);

/**
 * A kernel with more or fewer rows and columns: zeros are added, or weights cut off, so that the others stay
 * where they are over the picture. One that only grows filters as it did.
 */
export function resized(kernel, rows, columns) {
  const down = before(kernel.length) - before(rows);
  const right = before(kernel[0].length) - before(columns);
  return table(rows, columns, (row, column) => kernel[row + down]?.[column + right] ?? 0);
}

/**
 * For each place along a padded axis, the pixel that is copied there; −1 for a zero.
 *
 * @param {number} side pixels along the axis.
 * @param {number} length weights of the kernel along it.
 * @param {string} mode one of MODES.
 * @returns {Int32Array} side + length − 1 places.
 * @throws {RangeError} if the mode is unknown, or the picture too small for it.
 */
export function sources(side, length, mode) {
  if (!MODES.includes(mode)) throw new RangeError(`mode is "${mode}"; it can be ${MODES.join(", ")}`);
  const margin = length - 1 - before(length); // the larger one of the two
  const most = { reflect: side - 1, circular: side }[mode] ?? Infinity;
  if (margin > most) {
    throw new RangeError(`the border needs ${margin} pixels; "${mode}" gives ${most} of ${side} at most`);
  }
  return Int32Array.from({ length: side + length - 1 }, (_, place) => {
    const at = place - before(length);
    if (at >= 0 && at < side) return at;
    if (mode === "zeros") return -1;
    if (mode === "replicate") return at < 0 ? 0 : side - 1;
    if (mode === "circular") return (at + side) % side;
    return at < 0 ? -at : 2 * (side - 1) - at; // a mirror that does not repeat the outermost pixel
  });
}

/** @throws {RangeError} if the kernel is no rectangle of finite numbers, or has more than MOST columns. */
function check(kernel) {
  const columns = kernel[0]?.length;
  if (!columns || kernel.some((row) => row.length !== columns)) {
    throw new RangeError("the kernel's rows must be equally long, with one weight at least");
  }
  if (columns > MOST) throw new RangeError(`the kernel has ${columns} columns; it can have ${MOST} at most`);
  if (!kernel.flat().every(Number.isFinite)) throw new RangeError("the kernel must hold finite numbers");
}

/**
 * Slide a kernel over a picture that is padded so that its size is kept.
 *
 * @param {{width: number, height: number, grey: Float64Array}} picture
 * @param {number[][]} kernel with at most MOST columns.
 * @param {string} mode one of MODES.
 * @returns {Float64Array} the response, of the picture's size.
 * @throws {RangeError} if the kernel does not fit, the mode is unknown, or the picture too small for it.
 */
export function filtered(picture, kernel, mode) {
  check(kernel);
  const { width, height } = picture;
  const wide = width + kernel[0].length - 1;
  const padded = pad(picture, kernel, mode);
  const response = new Float64Array(width * height);
  kernel.forEach((weights, row) => {
    if (weights.some((weight) => weight !== 0)) addRow(response, padded, weights, row, width, wide);
  });
  return response;
}

/** The picture with its border, row by row; MOST zeros follow, which `addRow` reads but does not count. */
function pad({ width, height, grey }, kernel, mode) {
  const rows = sources(height, kernel.length, mode);
  const columns = sources(width, kernel[0].length, mode);
  const left = before(kernel[0].length);
  const padded = new Float64Array(rows.length * columns.length + MOST);
  const isBorder = (place) => place < left || place >= left + width;
  const border = Array.from(columns.keys()).filter((place) => isBorder(place) && columns[place] >= 0);
  rows.forEach((row, at) => {
    if (row < 0) return;
    const [from, to] = [row * width, at * columns.length];
    padded.set(grey.subarray(from, from + width), to + left);
    for (const place of border) padded[to + place] = grey[from + columns[place]];
  });
  return padded;
}

/**
 * Add what one row of the kernel contributes. Its weights and the pixels under them stay in variables while
 * it slides, so each pixel is read once: four times as fast as a loop over weights. A missing weight is 0.
 */
function addRow(response, padded, [a, b = 0, c = 0, d = 0, e = 0], row, width, wide) {
  for (let out = 0, from = row * wide; out < response.length; from += wide) {
    // No array here to take apart: it would halve the speed.
    let p = padded[from], q = padded[from + 1], r = padded[from + 2], s = padded[from + 3];
    for (let at = from + 4, end = out + width; out < end; out++, at++) {
      const t = padded[at];
      response[out] += a * p + b * q + c * r + d * s + e * t;
      p = q;
      q = r;
      r = s;
      s = t;
    }
  }
}

/**
 * What the kernel sees for the output pixel (row, column).
 *
 * @returns {{values: number[][], outside: boolean[][]}} of the kernel's shape: the grey levels, and which of
 *   them lie outside the picture, so that the mode made them.
 * @throws {RangeError} as `filtered`.
 */
export function windowAt({ width, height, grey }, kernel, mode, row, column) {
  check(kernel);
  const down = sources(height, kernel.length, mode);
  const right = sources(width, kernel[0].length, mode);
  const values = kernel.map((line, a) => line.map((_, b) => {
    const [y, x] = [down[row + a], right[column + b]];
    return y < 0 || x < 0 ? 0 : grey[y * width + x];
  }));
  const inside = (at, side) => at >= 0 && at < side;
  const outside = kernel.map((line, a) => line.map((_, b) =>
    !(inside(row + a - before(kernel.length), height) && inside(column + b - before(line.length), width))));
  return { values, outside };
}

/** What the weights add up to, and the largest response in size that a picture of 0 to 1 can cause. */
export function weighed(kernel) {
  const weights = kernel.flat();
  const total = (kept) => weights.filter(kept).reduce((sum, weight) => sum + weight, 0);
  const [above, below] = [total((weight) => weight > 0), total((weight) => weight < 0)];
  const sum = above + below;
  return { sum: Math.abs(sum) <= ROUNDING * (above - below) ? 0 : sum, reach: Math.max(above, -below) };
}

/** The least and the largest number of a response, and the share of its pixels below zero. */
export function summary(response) {
  let [least, most, below] = [Infinity, -Infinity, 0];
  for (let at = 0; at < response.length; at++) {
    const value = response[at];
    if (value < least) least = value;
    if (value > most) most = value;
    if (value < -ROUNDING) below++;
  }
  return { least, most, negative: below / response.length };
}

/** The grey picture (Float64Array, 0 to 1) in pixels of red, green, blue and alpha, 0 to 255 each. */
export function greyOf(pixels) {
  const grey = new Float64Array(pixels.length / 4);
  const [red, green, blue] = LUMA.map((share) => share / 255);
  for (let at = 0, from = 0; at < grey.length; at++, from += 4) {
    grey[at] = red * pixels[from] + green * pixels[from + 1] + blue * pixels[from + 2];
  }
  return grey;
}

/** Colours for `paint`, from [r, g, b] each, 0 to 255. */
export const tableOf = (colours) =>
  new Uint32Array(Uint8ClampedArray.from(colours.flatMap((colour) => [...colour, 255])).buffer);

/**
 * Write numbers as colours: `low` and what is below it gets the table's first colour, `high` its last.
 *
 * @param {Float64Array} values
 * @param {Uint32Array} colours from `tableOf`.
 * @param {Uint32Array} pixels is filled: the pixels of an ImageData, four bytes in one number.
 */
export function paint(values, colours, low, high, pixels) {
  const last = colours.length - 1;
  const scale = last / (high - low);
  for (let at = 0; at < values.length; at++) {
    const place = (values[at] - low) * scale + 0.5;
    pixels[at] = colours[place <= 0 ? 0 : place >= last ? last : place | 0];
  }
}

/** Milliseconds that one filtering of a width × height picture takes here, the median of `runs`. */
export function measure(width, height, kernel = PRESETS.gaussian, runs = 30) {
  const grey = Float64Array.from({ length: width * height }, (_, at) => (at % 97) / 97);
  const times = Array.from({ length: runs }, () => {
    const start = performance.now();
    summary(filtered({ width, height, grey }, kernel, "reflect"));
    return performance.now() - start;
  });
  return times.sort((a, b) => a - b)[runs >> 1];
}
