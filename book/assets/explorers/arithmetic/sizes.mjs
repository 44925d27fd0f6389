// How long the output of a layer is, along one axis: convbook.shapes.output_size and
// transposed_output_size. A size that cannot be is refused with a RangeError that says what would fit.

/** What a kernel spans, its gaps counted, in pixels. */
export const extent = (kernel, dilation) => dilation * (kernel - 1) + 1;

/**
 * How many windows fit along an axis: ⌊(n + 2·padding − extent) / stride⌋ + 1.
 *
 * @param {object} axis
 * @param {number} axis.n pixels of the input; 1 or more, as are the kernel's weights, stride and dilation.
 * @param {number} axis.kernel weights of the kernel.
 * @param {number} [axis.stride] pixels from one window to the next.
 * @param {number} [axis.padding] pixels added at either end; 0 or more.
 * @param {number} [axis.dilation] pixels from one weight to the next.
 * @param {string} [axis.name] the axis, for the message: "height".
 * @returns {number} length of the output.
 * @throws {RangeError} if an argument is no such integer, or no window fits.
 */
export function outputSize({ n, kernel, stride = 1, padding = 0, dilation = 1, name = "length" }) {
  check({ n, kernel, stride, dilation }, 1);
  check({ padding }, 0);
  const span = extent(kernel, dilation);
  const room = n + 2 * padding - span;
  if (room < 0) {
    const [gaps, other] = dilation > 1 ? [` with a dilation of ${dilation}`, "dilation"] : ["", "kernel"];
    throw new RangeError(`No window fits: along the ${name}, the kernel spans ${span}${gaps}, and the input `
      + `with its padding ${n + 2 * padding}. A padding of ${padding + Math.ceil(-room / 2)} would fit, `
      + `or an input of ${span - 2 * padding}, or a smaller ${other}.`);
  }
  return Math.floor(room / stride) + 1;
}

/**
 * How many pixels are left of what the stamps of a transposed convolution cover:
 * (n − 1)·stride + extent − 2·padding + outpad.
 *
 * @param {object} axis as for outputSize; padding is what is cut off at either end.
 * @param {number} [axis.outpad] torch's output_padding, pixels added behind: fewer than stride or dilation.
 * @returns {number} length of the output.
 * @throws {RangeError} if an argument is out of its range, or nothing is left.
 */
export function transposedOutputSize(axis) {
  const { n, kernel, stride = 1, padding = 0, dilation = 1, outpad = 0, name = "length" } = axis;
  check({ n, kernel, stride, dilation }, 1);
  check({ padding, "output padding": outpad }, 0);
  const most = Math.max(stride, dilation) - 1;
  if (outpad > most) {
    throw new RangeError(`The output padding is ${outpad}; with a stride of ${stride} and a dilation of `
      + `${dilation} it can be ${most} at most.`);
  }
  const covered = (n - 1) * stride + extent(kernel, dilation) + outpad;
  if (covered <= 2 * padding) {
    throw new RangeError(`Nothing is left: along the ${name}, the stamps cover ${covered}, and a padding of `
      + `${padding} cuts off ${2 * padding}. It can be ${Math.floor((covered - 1) / 2)} at most.`);
  }
  return covered - 2 * padding;
}

function check(counts, least) {
  for (const [name, value] of Object.entries(counts)) {
    if (!Number.isInteger(value) || value < least) {
      throw new RangeError(`The ${name} is ${value}; it must be a whole number of at least ${least}.`);
    }
  }
}
