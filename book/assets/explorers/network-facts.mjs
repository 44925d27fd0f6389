// One layer of a network: a picture of the input with what its middle output sees, to scale, and its numbers.
import { node } from "./controls.mjs";
import { layerTools } from "./network-rows.mjs";
import { BYTES, covered, sight, size, thousands } from "./network-words.mjs";

const GRID_UP_TO = 64; // pixels of a side; beyond it single pixels are too small to draw

/** The chosen layer: { node, show({ image, table, at, stale }) }. */
export function layerFacts(actions) {
  const picture = node("div", { class: "network-picture", role: "img" });
  const name = node("p", { class: "network-chosen" });
  const sees = node("p", {});
  const list = node("dl", {});
  const tools = layerTools(actions);
  const shown = node("div", { class: "network-facts" }, picture,
    node("div", {}, node("div", { class: "network-head" }, name, tools.node), sees, list));
  return {
    node: shown,
    show({ image, table, at, stale }) {
      const row = table.rows[at];
      name.textContent = at ? `Layer ${at}: ${row.name}` : "The input";
      sees.textContent = sight(image, row);
      tools.show({ table, at, stale });
      list.replaceChildren(...facts(row).flatMap(([term, told]) =>
        [node("dt", {}, term), node("dd", {}, told)]));
      picture.setAttribute("aria-label",
        `The picture, ${image[0]}×${image[1]}, and the part of it that one output of ${row.name} sees.`);
      picture.innerHTML = drawing(image, row.middle, margin(image, table.rows));
      shown.classList.toggle("network-stale", stale);
    },
  };
}

function facts(row) {
  const counted = row.expression === String(row.parameters) ? row.expression
    : `${row.expression} = ${thousands(row.parameters)}`;
  const step = row.stride?.map((pixels) => Number(pixels.toFixed(3)));
  const unit = step?.every((by) => by === 1) ? "pixel" : "pixels";
  const product = row.shape.length > 1 ? `${row.shape.join("×")} = ` : "";
  return [
    ["output", `${product}${thousands(row.activations)} numbers`],
    ["parameters", counted],
    ["multiply-adds", thousands(row.multiplyAdds)],
    ["step", step ? `${[...new Set(step)].join("×")} ${unit} from one output to the next`
      : `none: its outputs ${row.shape.length > 1 ? "all see the same" : "have no places"}`],
    ["memory", `${thousands(row.activations)} × ${BYTES} bytes = ${size(row.activations * BYTES)}`],
  ];
}

/** Pixels to leave around the picture, so that one scale serves all layers; very wide windows are cut off. */
function margin(image, rows) {
  const reach = rows.flatMap((row) => covered(image, row.middle).beyond.flat());
  const side = Math.max(image[0], image[1]);
  return Math.min(Math.max(...reach), side / 4) + side * 0.03;
}

/** The picture as SVG text; every number in it is a number. */
function drawing([height, width], window, around) {
  const rectangle = (kind, [top, bottom], [left, right]) => {
    const [w, h] = [right - left + 1, bottom - top + 1];
    return w > 0 && h > 0 ? `<rect class="${kind}" x="${left}" y="${top}" width="${w}" height="${h}"/>` : "";
  };
  const picture = [[0, height - 1], [0, width - 1]];
  const lines = Math.max(height, width) > GRID_UP_TO ? ""
    : [...Array(height).keys()].map((y) => `M0 ${y}H${width}`).join("")
      + [...Array(width).keys()].map((x) => `M${x} 0V${height}`).join("");
  let seen = "";
  if (window) {
    // What lies far outside the drawing is cut off: browsers draw wrongly what is millions of pixels wide.
    const far = 3 * Math.max(height, width);
    const drawn = window.map(([first, last]) => [Math.max(first, -far), Math.min(last, far)]);
    const inside = drawn.map(([first, last], axis) =>
      [Math.max(first, 0), Math.min(last, picture[axis][1])]);
    const reaches = `${inside}` === `${drawn}` ? "" : rectangle("reach", ...drawn);
    seen = reaches + rectangle("seen", ...inside);
  }
  const box = [-around, -around, width + 2 * around, height + 2 * around].join(" ");
  return `<svg viewBox="${box}" aria-hidden="true">${rectangle("ground", ...picture)}`
    + `<path class="pixels" d="${lines}"/>${seen}${rectangle("input", ...picture)}</svg>`;
}
