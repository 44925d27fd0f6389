// Buttons that step through the numbers of a plane, and play them one a second.
import { node } from "../controls.mjs";

const STEP = 1000; // ms

/**
 * First, Back, Play, Next, Last.
 *
 * @param {object} steps
 * @param {() => number} steps.at which step is shown, from 0.
 * @param {() => number} steps.total how many there are; 0: none.
 * @param {(at: number) => void} steps.go
 * @param {(playing: boolean) => void} steps.onplay
 * @returns {{node: HTMLElement, place: HTMLElement, show: () => void}} the buttons; "3 of 25", to stand near.
 */
export function stepper({ at, total, go, onplay }) {
  let timer;
  const stop = () => {
    if (timer === undefined) return;
    clearInterval(timer);
    timer = undefined;
    onplay(false);
    show();
  };
  const next = () => {
    // The page may have dropped the explorer, or its reader left nothing to show.
    if (!shown.isConnected || at() >= total() - 1) stop();
    else go(at() + 1);
    if (at() >= total() - 1) stop();
  };
  const play = () => {
    if (timer !== undefined) return stop();
    if (!total()) return;
    timer = setInterval(next, STEP);
    onplay(true);
    if (at() >= total() - 1) go(0);
    show();
  };
  const step = (to) => {
    stop();
    const last = total() - 1;
    if (last >= 0) go(Math.min(last, Math.max(0, to)));
  };

  const button = (words, onclick) => node("button", { type: "button", onclick }, words);
  const backward = [button("First", () => step(0)), button("Back", () => step(at() - 1))];
  const playing = node("button", { type: "button", class: "convolution-play", onclick: play }, "Play");
  const forward = [button("Next", () => step(at() + 1)), button("Last", () => step(total() - 1))];
  const place = node("output", {});

  const show = () => {
    backward.forEach((each) => each.setAttribute("aria-disabled", at() <= 0 || !total()));
    forward.forEach((each) => each.setAttribute("aria-disabled", at() >= total() - 1));
    playing.setAttribute("aria-disabled", !total());
    playing.textContent = timer === undefined ? "Play" : "Pause";
    place.textContent = total() ? `${at() + 1} of ${total()}` : "";
  };
  const shown = node("div", { class: "convolution-steps", role: "group", "aria-label": "Steps" },
    ...backward, playing, ...forward);
  return { node: shown, place, show };
}
