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
