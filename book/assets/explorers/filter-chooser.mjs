// Which picture the filter studio shows: the controls that choose it, and what they load or start.
import { node } from "./controls.mjs";
import { fromFile, openCamera, photograph } from "./filter-sources.mjs";
import { photographs } from "./photographs/index.mjs";

/** The book's photographs: the pictures that an address can name. */
export const PHOTOGRAPHS = Object.keys(photographs);
/** The state's picture → what the reader sees; "own" is a file, "live" a camera. */
export const NAMES = {
  cat: "Cat", camera: "Photographer", bricks: "Bricks", coins: "Coins",
  own: "Your picture", live: "Your camera",
};
const NOTE = "A picture of yours stays on this device: nothing is sent. A file can also be dropped here.";

/**
 * The controls. They set the state's `picture`; what that is, in pixels, stays here.
 *
 * @param {HTMLElement} body the explorer's: files can be dropped on it, and photographs wait for it.
 * @param {{set: (values: object) => void}} explorer
 * @param {() => void} onframe the camera has a new picture.
 * @returns {{nodes: HTMLElement[], show: (state: object) => void, picture: () => object | null,
 *   size: (state: object) => {width: number, height: number}, credit: (state: object) => string,
 *   moving: () => boolean}} picture() is grey, null until it is loaded; size() is known before; moving() says
 *   whether a camera runs.
 */
export function chooser(body, { set }, onframe) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let picture = null; // { width, height, grey }
  let name = ""; // the photograph that it is, or is about to be
  let near = false; // the reader has come close
  let camera = null;
  let asking = false; // for the camera

  const source = node("select", { onchange: () => set({ picture: source.value }) });
  const label = node("label", { class: "explorer-control" }, node("span", {}, "Picture"), source);
  const file = node("input", {
    type: "file", accept: "image/*", hidden: true, onchange: () => take(file.files[0]),
  });
  const choose = node("button", { type: "button", onclick: () => file.click() }, "Your picture…");
  const film = node("button", { type: "button", onclick: () => (camera ? freeze() : start()) });
  const snap = node("button", { type: "button", onclick: () => use(camera.frame(), "live") }, "Take a picture");
  const note = node("p", { class: "studio-note" }, NOTE);
  const problem = node("p", { class: "studio-problem", role: "alert" });
  const tell = (error) => { problem.textContent = error?.message ?? ""; };

  body.addEventListener("dragover", (event) => event.preventDefault());
  body.addEventListener("drop", (event) => {
    event.preventDefault();
    take(event.dataTransfer.files[0]);
  });
  document.addEventListener("visibilitychange", () => { if (document.hidden && camera) freeze(); });
  const watcher = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    near = true;
    watcher.disconnect();
    set({});
  }, { rootMargin: "600px" });
  watcher.observe(body);

  async function load(wanted) {
    name = wanted;
    picture = null;
    tell();
    try {
      const loaded = await photograph(wanted);
      if (name !== wanted) return; // another picture was chosen meanwhile
      picture = loaded;
      set({});
    } catch (error) {
      if (name === wanted) tell(error);
    }
  }

  async function take(given) {
    if (!given) return;
    tell();
    try {
      use(await fromFile(given), "own");
    } catch (error) {
      tell(error);
    }
    file.value = ""; // so that the same file can be chosen again
  }

  function use(given, kind) {
    picture = given;
    set({ picture: kind });
  }

  async function start() {
    if (asking) return;
    asking = true;
    tell();
    showCamera();
    try {
      const opened = await openCamera();
      if (document.hidden) opened.stop();
      else {
        camera = opened;
        use(camera.frame(), "live");
        if (!calm.matches) camera.follow(shoot);
      }
    } catch (error) {
      tell(error);
    }
    asking = false;
    showCamera();
  }

  function shoot() {
    if (!camera) return;
    picture = camera.frame();
    onframe();
  }

  function stop() {
    camera.stop();
    camera = null;
  }

  /** Stop the camera; its last picture stays. */
  function freeze() {
    stop();
    use(picture, "own");
  }

  function showCamera() {
    film.textContent = camera ? "Stop the camera" : asking ? "Asking for the camera…" : "Camera";
    film.setAttribute("aria-disabled", asking);
    snap.hidden = !(camera && calm.matches);
  }

  return {
    nodes: [node("div", { class: "explorer-controls" }, label, choose, file, film, snap, note), problem],
    show({ picture: chosen }) {
      if (camera && chosen !== "live") stop();
      const isPhotograph = PHOTOGRAPHS.includes(chosen);
      if (!isPhotograph) name = "";
      else if (name !== chosen) {
        picture = null;
        if (near) load(chosen);
      }
      const options = isPhotograph ? PHOTOGRAPHS : [...PHOTOGRAPHS, chosen];
      source.replaceChildren(...options.map((option) => node("option", { value: option }, NAMES[option])));
      source.value = chosen;
      showCamera();
    },
    picture: () => picture,
    size: ({ picture: chosen }) => picture ?? photographs[chosen],
    credit: ({ picture: chosen }) => photographs[chosen]?.credit ?? "yours, on this device alone",
    moving: () => camera !== null,
  };
}
