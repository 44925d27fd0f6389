// The catalogue of figures: search and filters. Without this script all figures are shown.
const form = document.querySelector("form.figure-search");

/** The sections with figures: heading, section and cards of each. */
function sections() {
  return [...document.querySelectorAll("ul.figure-cards")].map((list) => {
    const section = list.closest("section");
    const heading = section.querySelector("h2").firstChild.textContent.trim();
    return { heading, section, cards: [...list.children] };
  });
}

/** As people type it: 3x3 for 3×3, a plain apostrophe and a hyphen for those of print. */
function plain(text) {
  return text.toLowerCase().replaceAll("×", "x").replaceAll("’", "'").replaceAll("−", "-");
}

/** Show the cards that have every word, the chapter and the status asked for; say how many. */
function filter(all) {
  const { words, chapter, status } = Object.fromEntries(new FormData(form));
  const wanted = plain(words).split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const { heading, section, cards } of all) {
    let here = 0;
    for (const card of cards) {
      const fits = wanted.every((word) => plain(card.dataset.words).includes(word))
        && (!chapter || chapter === heading) && (!status || status === card.dataset.status);
      card.hidden = !fits;
      here += fits;
    }
    section.hidden = here === 0;
    shown += here;
  }
  const count = all.reduce((sum, { cards }) => sum + cards.length, 0);
  form.querySelector("output").textContent = `${shown} of ${count} figures`;
}

if (form) {
  const all = sections();
  form.elements.chapter.append(...all.map(({ heading }) => new Option(heading, heading)));
  // A link may ask: figures.html?words=kernel
  for (const [name, value] of new URLSearchParams(location.search)) {
    const field = form.elements.namedItem(name);
    if (field) field.value = value;
  }
  form.addEventListener("input", () => filter(all));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  filter(all);
}
