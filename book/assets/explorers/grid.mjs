// A grid of numbers: squares that show their values, can be picked, and can be edited where that is wanted.
// One stop of the Tab key for the whole grid; arrow keys move within it.
import { node } from "./controls.mjs";
import { css, inkOn, signed } from "./colours.mjs";

/** A number as it fits into a square: two decimals at most, a true minus sign. */
export function short(value) {
  const rounded = Math.abs(value) >= 100 ? Math.round(value) : Math.round(value * 100) / 100;
  return String(rounded === 0 ? 0 : rounded).replace("-", "−");
}

/** The number that a reader typed: "−1.5", "0,25", "1/9"; NaN for none. */
export function typed(text) {
  const parts = text.replace("−", "-").replaceAll(",", ".").split("/").map((part) => (part.trim() ? Number(part) : NaN));
  return parts.length > 2 ? NaN : parts.reduce((above, below) => above / below);
}

/**
 * A grid.
 *
 * @param {object} options
 * @param {string} options.label what a screen reader calls it: "Kernel".
 * @param {(row: number, column: number) => void} [options.onpick] a square was chosen: click, tap, Enter, or a
 *   move by the arrow keys, but not by Tab, which passes through. Without it and without onedit the grid is
 *   only read.
 * @param {(row: number, column: number, value: number) => void} [options.onedit] a number was typed.
 * @returns {{node: HTMLElement, show: Function}} show(values, look): values is number[][] (null for a square
 *   without a number); look(row, column) gives a square { classes, scale, share, words, text, place, chosen,
 *   locked }: CSS classes, the number that is drawn in full colour (none: no colour), what a style sheet finds
 *   as --share, what a screen reader adds to its number, what stands in it instead of its number, and what it is
 *   called instead of "row 1, column 2". The chosen square is the one that Tab reaches; a locked one cannot be
 *   edited. All may be left out.
 */
export function grid({ label, onpick, onedit }) {
  const shown = node("div", { class: "explorer-grid", role: "grid", "aria-label": label });
  let squares = []; // HTMLElement[][]
  let at = [0, 0]; // the square that Tab reaches

  const focus = (row, column) => {
    const target = squares[row]?.[column];
    if (!target) return;
    squares[at[0]]?.[at[1]]?.setAttribute("tabindex", "-1");
    at = [row, column];
    target.setAttribute("tabindex", "0");
    target.focus();
    if (onedit) target.select();
    onpick?.(row, column);
  };

  const keys = (event, row, column) => {
    if (event.key === "Enter" && onpick) onpick(row, column);
    const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!move || event.altKey || event.ctrlKey || event.metaKey) return;
    // In a field the arrows first move within the number.
    const field = onedit && event.target;
    if (field && move[1] < 0 && field.selectionEnd > 0 && field.selectionStart !== 0) return;
    if (field && move[1] > 0 && field.selectionStart < field.value.length && field.selectionEnd !== field.value.length) return;
    event.preventDefault();
    focus(row + move[0], column + move[1]);
  };

  const square = (row, column) => {
    const common = { class: "explorer-cell", tabindex: row === at[0] && column === at[1] ? "0" : "-1",
      onkeydown: (event) => keys(event, row, column) };
    if (onedit) {
      const input = node("input", { ...common, type: "text", inputmode: "text", autocomplete: "off",
        oninput: () => {
          const value = typed(input.value);
          if (Math.abs(value) <= 999) onedit(row, column, value);
        },
        onclick: () => onpick?.(row, column),
        onfocus: () => { at = [row, column]; rove(); },
        onblur: () => { input.value = input.dataset.text ?? input.value; } });
      return input;
    }
    return node("div", { ...common, role: "gridcell", onclick: () => focus(row, column) });
  };

  const rove = () => squares.forEach((line, row) => line.forEach((cell, column) =>
    cell.setAttribute("tabindex", row === at[0] && column === at[1] ? "0" : "-1")));

  const rebuild = (rows, columns) => {
    at = [Math.min(at[0], rows - 1), Math.min(at[1], columns - 1)];
    squares = Array.from({ length: rows }, (_, row) => Array.from({ length: columns }, (_, column) => square(row, column)));
    shown.replaceChildren(...squares.map((line) => node("div", { role: "row" },
      ...line.map((cell) => (onedit ? node("div", { role: "gridcell" }, cell) : cell)))));
    shown.style.setProperty("--columns", columns);
  };

  return {
    node: shown,
    show(values, look = () => ({})) {
      if (squares.length !== values.length || squares[0]?.length !== values[0]?.length) {
        rebuild(values.length, values[0].length);
      }
      values.forEach((line, row) => line.forEach((value, column) => {
        const { classes = "", scale, words = "", text, chosen, locked = false, share = 0,
          place = `row ${row + 1}, column ${column + 1}` } = look(row, column);
        const cell = squares[row][column];
        const written = text ?? (value === null ? "" : short(value));
        cell.className = `explorer-cell ${classes}`;
        const colour = scale === undefined || value === null ? null : signed(value, scale);
        cell.style.backgroundColor = colour ? css(colour) : "";
        cell.style.color = colour ? inkOn(colour) : "";
        cell.style.setProperty("--share", share);
        // Written smaller where it is long: no number is cut.
        cell.style.setProperty("--letters", Math.max(3, written.length));
        const told = [onedit ? place : `${place}: ${written || "empty"}`, words].filter(Boolean).join(", ");
        cell.setAttribute("aria-label", told);
        if (chosen !== undefined) (onedit ? cell.parentElement : cell).setAttribute("aria-selected", chosen);
        if (chosen && !shown.contains(document.activeElement)) at = [row, column];
        if (!onedit) cell.textContent = written;
        else {
          cell.readOnly = locked;
          cell.dataset.text = written;
          if (document.activeElement !== cell) cell.value = written;
        }
      }));
      rove();
    },
  };
}
