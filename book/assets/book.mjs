// What scrolls sideways can be reached by keyboard: a wide formula on a narrow screen.
function markScrollers() {
  for (const element of document.querySelectorAll("div.math")) {
    if (element.scrollWidth > element.clientWidth) {
      element.tabIndex = 0;
    } else {
      element.removeAttribute("tabindex");
    }
  }
}

markScrollers();
document.fonts.ready.then(markScrollers);
addEventListener("resize", markScrollers);
// A formula inside a folded solution has no width until it is unfolded.
document.addEventListener("toggle", markScrollers, true);

// Under a figure: a button that copies what stands above it. Without a clipboard (a page that did not
// come over https) the text is selected instead, ready for the reader's own keys.
async function copy(source, button) {
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(source);
    button.textContent = "Selected";
  }
  setTimeout(() => { button.textContent = `Copy ${source.dataset.copy}`; }, 2000);
}

for (const source of document.querySelectorAll("[data-copy]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = `Copy ${source.dataset.copy}`;
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", () => copy(source, button));
  source.after(button);
}
