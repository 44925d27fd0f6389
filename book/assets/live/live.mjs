// Cells with the tag `live` get buttons: run and edit their Python in the page. Nothing is loaded before
// a reader asks for it. Without this script they are cells like all others.
import { openEditor } from "./editor.mjs";
import { isCached, size } from "./files.mjs";
import { createOutput } from "./output.mjs";
import { createPython } from "./python.mjs";

const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

const python = createPython();
const cells = [];
let needsLoading = true; // until the reader has agreed to it, by the button that says so
let running; // the cell that runs

/** A button with its words, and what it does. */
function createButton(words, act) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = words;
  button.addEventListener("click", act);
  return button;
}

/** What a bar tells: the state in words, and while Python is loaded how many bytes have come. */
function createStatus() {
  const status = document.createElement("span");
  status.className = "live-status";
  status.setAttribute("role", "status");
  const progress = document.createElement("progress");
  progress.hidden = true;
  progress.setAttribute("aria-label", "Loading Python");
  const count = document.createElement("span"); // no status: nobody wants every number read out
  return {
    elements: [status, progress, count],
    say: (words) => { status.textContent = words; },
    showLoaded: (loaded, total) => {
      progress.max = total;
      progress.value = loaded;
      progress.hidden = loaded >= total;
      count.textContent = progress.hidden ? "" : `${megabytes(loaded)} of ${megabytes(total)} MB`;
    },
  };
}

/** Equip a cell of the page with its bar of buttons and a box for output. */
function createCell(element, number) {
  const name = `live cell ${number}`;
  const input = element.querySelector(".cell_input");
  const source = input.querySelector("div[class*='highlight-']");
  const original = source.querySelector("pre").textContent.replace(/\n$/, "");
  const status = createStatus();
  const cell = {
    name,
    number,
    output: createOutput(name),
    editor: undefined, // while the code is open for changes
    lifeOfRun: undefined, // which Python has run it
    text: () => cell.editor?.text() ?? original,
    openEditor: () => { cell.editor = openEditor(source, original, `Code of ${name}`); },
    run: createButton("Run", () => run(cell)),
    stop: createButton("Stop", () => python.stop()),
    edit: createButton("Edit", () => edit(cell)),
    reset: createButton("Reset", () => reset(cell)),
    say: status.say,
    showLoaded: status.showLoaded,
  };
  const bar = document.createElement("div");
  bar.className = "live-bar";
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", name);
  bar.append(cell.run, cell.edit, cell.stop, cell.reset, ...status.elements);
  input.append(bar);
  element.append(cell.output.box);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      run(cell);
    }
  });
  return cell;
}

/** Let the buttons of all cells say what they would do now. */
function update() {
  for (const cell of cells) {
    cell.run.textContent = needsLoading ? `Run (loads Python, ${megabytes(size)} MB, once)` : "Run";
    // Not `disabled`: the button that was pressed keeps the keyboard's place.
    cell.run.setAttribute("aria-disabled", String(running !== undefined));
    moveFocus(cell.stop, cell !== running, cell.run);
    cell.stop.hidden = cell !== running;
    moveFocus(cell.edit, Boolean(cell.editor), cell.run);
    cell.edit.hidden = Boolean(cell.editor);
    const isChanged = cell.editor || cell.output.box.childElementCount > 0;
    cell.reset.hidden = !isChanged || cell === running;
  }
}

/** Before a button goes that has the focus, hand that on. */
function moveFocus(button, goes, heir) {
  if (goes && document.activeElement === button) heir.focus();
}

function edit(cell) {
  cell.openEditor();
  update();
  cell.editor.focus();
}

/** Back to the text and the output of the page. */
function reset(cell) {
  cell.editor?.close();
  cell.editor = undefined;
  cell.output.clear();
  cell.lifeOfRun = undefined;
  cell.say("");
  update();
  cell.edit.focus();
}

/** Run a cell, after those above it that this Python has not run. */
async function run(cell) {
  if (running) return;
  running = cell;
  needsLoading = false;
  cell.output.begin();
  cell.say("A moment…");
  update();
  const before = cells.filter((other) => other.number < cell.number && other.lifeOfRun !== python.life());
  let outcome = "good";
  for (const other of before) {
    outcome = await runQuietly(other, cell);
    if (outcome !== "good") break;
  }
  if (outcome === "good") outcome = await runOne(cell, cell, cell.output.show);
  if (outcome === "failed" || outcome === "stopped") needsLoading = !(await isCached());
  running = undefined;
  cell.showLoaded(1, 1);
  cell.say(wordsFor(outcome));
  update();
}

function wordsFor(outcome) {
  return {
    good: "Done.",
    error: "An error: see below.",
    failed: "Python has ended; the next run starts it again.",
    stopped: "Stopped; all variables are gone.",
  }[outcome];
}

/** Run a cell above for the sake of its variables: only an error of it is shown. */
function runQuietly(other, cell) {
  let isTold = false;
  return runOne(other, cell, (as, text) => {
    if (as !== "trace" && as !== "error") return;
    if (!isTold) cell.output.show("note", `In ${other.name}, which runs before this one:`);
    isTold = true;
    cell.output.show(as, text);
  });
}

/**
 * Run one cell.
 * @param {object} cell what runs.
 * @param {object} where the cell whose bar tells how it goes: the one that the reader ran.
 * @param {(as: string, text: string) => void} show takes the output (see worker.mjs).
 * @returns {Promise<string>} how it ended (see python.mjs).
 */
async function runOne(cell, where, show) {
  const outcome = await python.run(cell.text(), cell.name, (message) => {
    if (message.kind === "loading") {
      where.say("Loading Python…");
      where.showLoaded(message.loaded, message.total);
    }
    if (message.kind === "starting") where.say("Starting Python…");
    if (message.kind === "running") where.say("Running…");
    if (message.kind === "output") show(message.as, message.text);
    if (message.kind === "failed") where.output.show("error", message.text);
  });
  if (outcome === "good" || outcome === "error") cell.lifeOfRun = python.life();
  return outcome;
}

needsLoading = !(await isCached());
for (const element of document.querySelectorAll(".cell.tag_live")) {
  cells.push(createCell(element, cells.length + 1));
}
update();
