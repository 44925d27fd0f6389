// The worker: Pyodide, and one session of Python in it.
//
// In:  { source, name }                   run a cell; the first one starts Python.
// Out: { kind: "loading", loaded, total } bytes
//      { kind: "starting" }
//      { kind: "running" }
//      { kind: "output", as, text }       as: stdout, stderr, text, html, trace, error, note
//      { kind: "done", good }
//      { kind: "failed", text }           Python cannot be loaded, or has broken down
import { loadAll } from "./files.mjs";

const MOST_OUTPUT = 100_000; // characters of one run: a page with millions of lines stands still
const PATIENCE = 50; // milliseconds until what is printed is handed on

// Where Pyodide takes its files to be; all are there before it asks.
const HOME = new URL("./python/", import.meta.url).href;

const queue = createOutput((message) => postMessage(message));
let session;

addEventListener("message", async ({ data: { source, name } }) => {
  try {
    session ??= await start();
    postMessage({ kind: "running" });
    queue.begin();
    const good = session.run(source, name);
    queue.flush();
    postMessage({ kind: "done", good });
  } catch (error) {
    queue.flush();
    const what = session ? "Python has broken down" : "Python could not be loaded";
    postMessage({ kind: "failed", text: `${what}: ${error.message ?? error}` });
  }
});

/** Start Python, with NumPy and convbook, and give back its session. */
async function start() {
  const files = await loadAll((loaded, total) => postMessage({ kind: "loading", loaded, total }));
  postMessage({ kind: "starting" });
  await importText(files.get("pyodide.asm.js")); // leaves a global, which Pyodide finds
  const { loadPyodide } = await importText(files.get("pyodide.mjs"));
  const pyodide = await withFiles(files, () => loadPyodide({ indexURL: HOME, stdin: () => null }));
  const packages = pyodide.runPython("import site; site.getsitepackages()[0]");
  for (const [name, content] of files) {
    if (name.endsWith(".whl")) pyodide.unpackArchive(content, "wheel", { extractDir: packages });
  }
  pyodide.FS.writeFile(`${packages}/live_runner.py`, files.get("runner.py"));
  const runner = pyodide.pyimport("live_runner");
  pyodide.pyimport("numpy"); // every cell does; the wait belongs here
  runner.forbid_input();
  return runner.Session(queue.emit);
}

/** Import a module from its text. */
async function importText(content) {
  const url = URL.createObjectURL(new Blob([content], { type: "text/javascript" }));
  try {
    return await import(url);
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Answer from `files` whatever is fetched from HOME meanwhile: Pyodide takes its files by fetch. */
async function withFiles(files, work) {
  const original = globalThis.fetch;
  globalThis.fetch = async (resource, options) => {
    const url = String(resource.url ?? resource);
    const content = url.startsWith(HOME) ? files.get(url.slice(HOME.length)) : undefined;
    if (!content) return original(resource, options);
    const type = url.endsWith(".wasm") ? "application/wasm" : "application/octet-stream";
    return new Response(content, { headers: { "Content-Type": type } });
  };
  try {
    return await work();
  } finally {
    globalThis.fetch = original;
  }
}

/** Gathers what a cell prints, and hands it on a few times a second, up to a limit. */
function createOutput(post) {
  let waiting = "";
  let waitingAs = "";
  let since = 0;
  let left = MOST_OUTPUT;

  function flush() {
    if (waiting) post({ kind: "output", as: waitingAs, text: waiting });
    waiting = "";
    since = performance.now();
  }

  /** What is printed to one stream adds up; anything else is a piece of its own. */
  function emit(as, text) {
    const isError = as === "trace" || as === "error"; // is told in any case
    if (left <= 0 && !isError) return;
    const piece = as === "html" ? text : text.slice(0, isError ? MOST_OUTPUT : left);
    if (!isError) left -= piece.length;
    if (as !== waitingAs || !["stdout", "stderr"].includes(as)) flush();
    waiting += piece;
    waitingAs = as;
    if (left <= 0 && !isError) {
      flush();
      const most = MOST_OUTPUT.toLocaleString("en");
      post({ kind: "output", as: "note", text: `The output ends here, after ${most} characters.` });
    } else if (performance.now() - since > PATIENCE) {
      flush();
    }
  }

  function begin() {
    left = MOST_OUTPUT;
    since = 0;
  }

  return { emit, flush, begin };
}
