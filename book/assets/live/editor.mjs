// A cell's code, to be changed: a plain text field in the place of the coloured source.

/**
 * Open an editor in the place of an element.
 * @param {HTMLElement} source what is hidden meanwhile.
 * @param {string} text the code to begin with.
 * @param {string} label what the field is called.
 * @returns {{text: () => string, focus: () => void, close: () => void}}
 */
export function openEditor(source, text, label) {
  const field = document.createElement("textarea");
  field.className = "live-editor";
  field.value = text;
  field.wrap = "off";
  field.spellcheck = false;
  field.autocapitalize = "off";
  field.autocomplete = "off";
  field.setAttribute("autocorrect", "off");
  field.setAttribute("aria-label", label);
  const fit = () => { field.rows = field.value.split("\n").length; };
  fit();
  field.addEventListener("input", fit);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && !event.isComposing) {
      event.preventDefault();
      insert(field, `\n${indentOf(field)}`);
    }
  });
  source.hidden = true;
  source.after(field);
  return {
    text: () => field.value,
    focus: () => field.focus(),
    close: () => {
      field.remove();
      source.hidden = false;
    },
  };
}

/** The spaces that a new line begins with: those of its line, and four more after a colon. */
function indentOf(field) {
  const line = field.value.slice(0, field.selectionStart).split("\n").pop();
  return line.match(/^ */)[0] + (line.trimEnd().endsWith(":") ? "    " : "");
}

/** Insert text as if it had been typed, so that it can be undone. */
function insert(field, text) {
  if (!document.execCommand("insertText", false, text)) {
    field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
    field.dispatchEvent(new Event("input"));
  }
}
