// Which pixels of the input an entry of a feature map sees, along one axis; as convbook.shapes.fields, whose
// documentation says why one window and its stride are not enough: after a transposed convolution, windows
// differ from entry to entry. But they repeat. An axis is { length, windows, shift, whole }: entry j sees
// windows[j] and, where it is not null, all of `whole`; entry j + windows.length sees what j sees, `shift`
// pixels further. A window is [first pixel, last pixel], or null where nothing is seen. Padding counts as
// though the picture went on, so a window may start before pixel 0.

// Beyond these the page would be wrong (a JavaScript number) or slow, and says so.
const LARGEST = Number.MAX_SAFE_INTEGER;
const LONGEST_PERIOD = 1024;

/** A count, unless it is too large to be exact; `what` names it. The error has the property `beyond`. */
export function exact(value, what) {
  if (Math.abs(value) <= LARGEST) return value;
  const told = `${what} would be ${value.toPrecision(3)}, more than 2⁵³, to which this page counts`;
  throw Object.assign(new Error(told), { beyond: true });
}

function checkPeriod(period) {
  if (period <= LONGEST_PERIOD) return;
  const told = `what its outputs see repeats every ${period}; this page follows ${LONGEST_PERIOD} at most`;
  throw Object.assign(new Error(told), { beyond: true });
}

/** The axis of the input itself: each pixel sees itself. */
export const pixels = (length) => ({ length, windows: [[0, 0]], shift: 1, whole: null });

// ---- what an operation's output touches of its input: { positions, shift }, which repeats as an axis does;
// positions[j] = { start, step, count } are `count` entries, `step` apart ----

/** A convolution or a pooling, with `before` entries of padding in front. */
export const sliding = (kernel, stride, before, dilation) =>
  ({ positions: [{ start: 0 - before, step: dilation, count: kernel }], shift: stride });

/** A global pooling, or a layer with a weight for every entry: all outputs touch all. */
export const everything = (length) => ({ positions: [{ start: 0, step: 1, count: length }], shift: 0 });

/** A transposed convolution, with `before` entries cut off in front. */
export function stamping(kernel, stride, before, dilation) {
  checkPeriod(stride);
  // Output j gets entry t of the kernel from input i, where j + before = stride·i + dilation·t.
  const common = gcd(stride, dilation);
  const step = stride / common; // from one such t to the next
  const positions = Array.from({ length: stride }, (_, n) => {
    const j = before + n;
    let first = 0;
    while (first < step && (j - dilation * first) % stride !== 0) first += 1;
    if (first === step || first >= kernel) return { start: 0, step: 1, count: 0 };
    const count = Math.ceil((kernel - first) / step);
    const last = first + (count - 1) * step;
    return { start: (j - dilation * last) / stride, step: dilation / common, count };
  });
  return { positions, shift: 1 };
}

/** What the entries see after one more operation, whose output has the given length. */
export function after(axis, touch, length) {
  if (!touch.shift) return { length, windows: [null], shift: 0, whole: seenFrom(axis, touch.positions[0]) };
  // So often, an operation's period moves on by a whole number of the axis's periods.
  const period = axis.windows.length;
  const repeats = period / gcd(period, touch.shift);
  checkPeriod(repeats * touch.positions.length);
  const local = { ...axis, whole: null };
  const windows = [];
  for (let n = 0; n < repeats; n += 1) {
    for (const place of touch.positions) {
      windows.push(seenFrom(local, { ...place, start: place.start + n * touch.shift }));
    }
  }
  const shift = exact(((touch.shift * repeats) / period) * axis.shift, "the step between its outputs");
  return { length, windows, shift, whole: axis.whole };
}

/** All that some entries of an axis, at equal steps, see together: [first pixel, last pixel] or null. */
export function seenFrom(axis, { start, step, count }) {
  const period = axis.windows.length;
  let seen = count ? axis.whole : null;
  for (let n = 0; n < count; n += 1) {
    // Beyond a period from either end, entries see what lies between.
    if (n === period && count > 2 * period) n = count - period;
    seen = hull(seen, window(axis, start + n * step));
  }
  return seen;
}

function window(axis, at) {
  const period = axis.windows.length;
  const periods = Math.floor(at / period);
  const ends = axis.windows[at - periods * period];
  return ends && ends.map((end) => exact(end + periods * axis.shift, "a pixel that it sees"));
}

const hull = (a, b) => (a && b ? [Math.min(a[0], b[0]), Math.max(a[1], b[1])] : a ?? b);

/** The pixels from the first to the last that an entry sees, where these are most. */
export function extent(axis) {
  const some = Math.min(axis.windows.length, axis.length);
  const sides = Array.from({ length: some }, (_, n) => [n, axis.length - 1 - n]).flat()
    .map((at) => seenFrom(axis, { start: at, step: 1, count: 1 }));
  return Math.max(...sides.map((seen) => (seen ? seen[1] - seen[0] + 1 : 0)));
}

/** Pixels between neighbouring entries, on average over a period; null where all see the same. */
export const stride = (axis) => axis.shift / axis.windows.length || null;

/** The centre of what entry 0 sees; 0 is the centre of the first pixel. Null where it sees nothing. */
export function offset(axis) {
  const seen = axis.windows[0] ?? axis.whole;
  return seen && (seen[0] + seen[1]) / 2;
}

/** What the entry in the middle sees. */
export const middle = (axis) => seenFrom(axis, { start: Math.floor(axis.length / 2), step: 1, count: 1 });

function gcd(a, b) {
  return b ? gcd(b, a % b) : a;
}
