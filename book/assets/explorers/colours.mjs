// Colours of signed numbers, as the book's figures have them: blue below zero, orange above.

const NAMES = ["--signed-negative", "--signed-zero", "--signed-positive"];
let ends; // [r, g, b] of each, 0 to 255; read once: they are the same on a light and on a dark ground

function palette() {
  const style = getComputedStyle(document.documentElement);
  ends ??= NAMES.map((name) => {
    const digits = style.getPropertyValue(name).trim().slice(1);
    return [0, 2, 4].map((at) => parseInt(digits.slice(at, at + 2), 16));
  });
  return ends;
}

/** The colour [r, g, b], 0 to 255, of a value between −scale and scale; what lies beyond is cut off. */
export function signed(value, scale) {
  const [negative, zero, positive] = palette();
  const share = scale > 0 ? Math.min(1, Math.abs(value) / scale) : 0;
  const end = value < 0 ? negative : positive;
  return zero.map((z, channel) => Math.round(z + share * (end[channel] - z)));
}

/** Black or white, whichever reads better on [r, g, b]: one of them has a contrast of 4.58 or more. */
export function inkOn(colour) {
  const [r, g, b] = colour.map((channel) => {
    const part = channel / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4; // sRGB to linear light
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000000" : "#ffffff";
}

/** [r, g, b] as CSS has it. */
export const css = ([r, g, b]) => `rgb(${r} ${g} ${b})`;
