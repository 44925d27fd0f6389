// The table of a network's layers. One is chosen: by a click or a tap in its row, or by the arrow keys.
import { node } from "./controls.mjs";
import { BYTES, percent, size, thousands } from "./network-words.mjs";

const COLUMNS = ["layer", "output", "sees", "parameters", "multiply-adds", "memory"];

/**
 * The table, { node, show({ table, at, stale }) }. Actions choose(layer), and move(layer, by) and
 * remove(layer), which return whether they did it.
 */
export function layerRows(actions) {
  const head = node("tr", {}, ...COLUMNS.map((title, n) =>
    node("th", { scope: "col", class: n ? "number" : "" }, title)), node("td", { class: "network-change" }));
  const lines = node("tbody", {});
  const total = node("tfoot", {});
  const frame = node("div", { class: "network-rows", role: "region", "aria-label": "The layers, one a row" },
    node("table", {}, node("thead", {}, head), lines, total));
  let shownTable = null;
  let rows = []; // { line, name, tools } of each row, the input's first
  let chosen = 0;

  const keys = (event, at) => {
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    if (!rows[to]) return;
    actions.choose(to);
    rows[to].name.focus();
  };

  const build = (table) => {
    rows = table.rows.map((row, at) => {
      const name = node("button", { type: "button", onkeydown: (event) => keys(event, at) }, row.name);
      const tools = at ? layerTools(actions, () => rows[chosen].name.focus()) : null;
      const choose = (event) => { if (!tools?.node.contains(event.target)) actions.choose(at); };
      const line = node("tr", { onclick: choose },
        node("th", { scope: "row" }, name),
        node("td", { class: "number" }, row.shape.join("×")),
        node("td", { class: "number" }, row.field.join("×")),
        counted(row.expression, row.parameters, table.parameters, "kernel"),
        counted("", row.multiplyAdds, table.multiplyAdds, "work"),
        node("td", { class: "number" }, size(row.activations * BYTES)),
        node("td", { class: "network-change" }, tools ? tools.node : ""));
      return { line, name, tools };
    });
    lines.replaceChildren(...rows.map((row) => row.line));
    const { parameters, multiplyAdds, activations } = table;
    const sums = [thousands(parameters), thousands(multiplyAdds), size(activations * BYTES)];
    total.replaceChildren(node("tr", {}, node("th", { scope: "row" }, "Total"), node("td", { colspan: 2 }),
      ...sums.map((sum) => node("td", { class: "number" }, sum)), node("td", { class: "network-change" })));
  };

  /** Scroll the frame, and not the page, until the chosen row stands between the head and the total. */
  const reveal = ({ offsetTop, offsetHeight }) => {
    const least = offsetTop + offsetHeight + total.offsetHeight - frame.clientHeight;
    const most = offsetTop - head.offsetHeight;
    frame.scrollTop = Math.min(Math.max(frame.scrollTop, least), most);
  };

  return {
    node: frame,
    show({ table, at, stale }) {
      const moved = table !== shownTable || at !== chosen;
      chosen = at;
      if (table !== shownTable) build(table);
      shownTable = table;
      frame.classList.toggle("network-stale", stale);
      rows.forEach(({ line, name, tools }, n) => {
        line.classList.toggle("chosen", n === at);
        name.setAttribute("aria-pressed", n === at);
        name.setAttribute("tabindex", n === at ? 0 : -1);
        if (!tools) return;
        tools.show({ table, at: n, stale });
        // Tab reaches the chosen row alone: a network of 40 layers is no hundred stops.
        for (const button of tools.buttons) button.setAttribute("tabindex", n === at ? 0 : -1);
      });
      if (moved) reveal(rows[at].line);
    },
  };
}

/** A cell with a count, and with its share of all as a bar and in percent. */
function counted(expression, count, all, kind) {
  const sum = expression && count ? `${expression} = ${thousands(count)}` : thousands(count);
  if (!count) return node("td", { class: "number" }, sum);
  const filled = node("i", { style: `width: ${(100 * count) / all}%` });
  const bar = node("span", { class: `network-share ${kind}` }, filled);
  return node("td", { class: "number" }, sum,
    node("span", { class: "network-part" }, bar, percent(count / all)));
}

/**
 * The buttons that move or remove one layer, { node, show({ table, at, stale }), buttons }. One that has
 * nothing to do is marked so and stays in its place. After an action that was done, done() is called.
 */
export function layerTools({ move, remove }, done = () => {}) {
  let layer = 0;
  const button = (sign, act) => node("button", {
    type: "button",
    onclick: (event) => {
      if (event.currentTarget.getAttribute("aria-disabled") !== "true" && act()) done();
    },
  }, sign);
  const up = button("↑", () => move(layer, -1));
  const down = button("↓", () => move(layer, 1));
  const away = button("✕", () => remove(layer));
  const shown = node("span", { class: "network-tools" }, up, down, away);
  return {
    node: shown,
    buttons: [up, down, away],
    show({ table, at, stale }) {
      layer = at;
      const last = table.rows.length - 1;
      const named = at ? `layer ${at}, ${table.rows[at].name}` : "a layer";
      for (const [one, words, idle] of [
        [up, `Move ${named} up`, at < 2],
        [down, `Move ${named} down`, at === last],
        [away, `Remove ${named}`, last < 2],
      ]) {
        one.setAttribute("aria-label", words);
        one.setAttribute("aria-disabled", stale || at === 0 || idle);
      }
    },
  };
}
