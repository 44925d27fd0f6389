// Labelled controls that are bound to a value of an explorer's state. Each is made once, as
// { node, show }: show(state) makes it show the state. All are native elements, so that keyboard, touch and
// screen reader work as everywhere.

/** An element with attributes, listeners (onclick: …) and children; a child may be a text. */
export function node(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** A whole number of the state: typed, or by − and +. */
export function counter({ fields, state, set }, key, label) {
  const { least, most } = fields[key];
  const step = (by) => set({ [key]: Math.min(most, Math.max(least, state()[key] + by)) });
  const button = (by, sign, words) =>
    node("button", { type: "button", "aria-label": `${label}: one ${words}`, onclick: () => step(by) }, sign);
  const less = button(-1, "−", "less");
  const more = button(1, "+", "more");
  const input = node("input", {
    type: "number", min: least, max: most, step: 1, "aria-label": label,
    // What is half typed stays in the field; it counts once it is valid.
    oninput: () => { if (input.value !== "" && input.validity.valid) set({ [key]: input.valueAsNumber }); },
    onblur: () => { input.value = state()[key]; },
  });
  const shown = node("span", { class: "explorer-control" }, node("span", { "aria-hidden": "true" }, label),
    node("span", { class: "explorer-counter", role: "group", "aria-label": label }, less, input, more));
  return {
    node: shown,
    show(values) {
      if (document.activeElement !== input || input.validity.valid) input.value = values[key];
      // aria-disabled, not disabled: a button that turns itself off would lose the focus.
      less.setAttribute("aria-disabled", values[key] <= least);
      more.setAttribute("aria-disabled", values[key] >= most);
    },
  };
}

/** A choice among a few words: a select. `names` maps a word to what the reader sees. */
export function select({ fields, set }, key, label, names = {}) {
  const input = node("select", { onchange: () => set({ [key]: input.value }) },
    ...fields[key].options.map((option) => node("option", { value: option }, names[option] ?? option)));
  return {
    node: node("label", { class: "explorer-control" }, node("span", {}, label), input),
    show(values) { input.value = values[key]; },
  };
}

/** Yes or no: a checkbox. */
export function checkbox({ set }, key, label) {
  const input = node("input", { type: "checkbox", onchange: () => set({ [key]: input.checked }) });
  return {
    node: node("label", { class: "explorer-control explorer-check" }, input, node("span", {}, label)),
    show(values) { input.checked = values[key]; },
  };
}

/** A whole number by a slider; `told(value)` is what stands behind it and what a screen reader says. */
export function slider({ fields, set }, key, label, told = String) {
  const { least, most } = fields[key];
  const output = node("output", {});
  const input = node("input", {
    type: "range", min: least, max: most, step: 1, oninput: () => set({ [key]: input.valueAsNumber }),
  });
  return {
    node: node("label", { class: "explorer-control" }, node("span", {}, label), input, output),
    show(values) {
      input.value = values[key];
      input.setAttribute("aria-valuetext", told(values[key]));
      output.textContent = told(values[key]);
    },
  };
}

/** A line of text that can be copied, such as a call of torch; { node, show(text) }. */
export function copied(label) {
  const code = node("code", {});
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  };
  const button = node("button", { type: "button", "aria-live": "polite", "aria-label": `Copy ${label}`, onclick: copy }, "Copy");
  return {
    node: node("div", { class: "explorer-copied", role: "group", "aria-label": label }, code, button),
    show(text) { // a line breaks at spaces, and not behind the hyphens of an option
      code.replaceChildren(...text.split(/([ \n])/).map((part) => (part.trim() ? node("span", {}, part) : part)));
    },
  };
}
