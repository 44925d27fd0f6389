// The page's one Python: a worker that is started by the first run, and again after a stop.

/**
 * Make a Python that does not run yet.
 * @returns {{run: Function, stop: Function, life: Function}} functions that take turns with the worker:
 *   `run(source, name, hear)` runs a cell, tells `hear` each message of the worker (see worker.mjs), and
 *   resolves to "good", "error" (of the reader's code), "failed" (Python itself) or "stopped";
 *   `stop()` ends whatever runs, and with it all variables;
 *   `life()` numbers the workers: as long as it stays, the variables do.
 */
export function createPython() {
  let worker;
  let life = 0;
  let finish; // of the run that is going on

  function end(outcome) {
    worker?.terminate();
    worker = undefined;
    life += 1;
    finish?.(outcome);
  }

  function begin() {
    worker = new Worker(new URL("./worker.mjs", import.meta.url), { type: "module" });
  }

  function run(source, name, hear) {
    if (!worker) begin();
    return new Promise((resolve) => {
      finish = (outcome) => {
        finish = undefined;
        resolve(outcome);
      };
      worker.onmessage = ({ data }) => {
        hear(data);
        if (data.kind === "done") finish(data.good ? "good" : "error");
        if (data.kind === "failed") end("failed");
      };
      worker.onerror = (event) => {
        event.preventDefault();
        hear({ kind: "failed", text: `Python could not be started: ${event.message}` });
        end("failed");
      };
      worker.postMessage({ source, name });
    });
  }

  return { run, stop: () => end("stopped"), life: () => life };
}
