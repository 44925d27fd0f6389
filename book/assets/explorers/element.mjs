// The base of every explorer: a custom element in light DOM, so that the page's colours and type hold in
// it. Its state is a plain object of named values. What differs from where it started stands in the page's
// address, as "?convolution.stride=2": a link shows again what its sender saw.
import { node } from "./controls.mjs";

// Browsers refuse an address that changes many times a second, as under a moving slider.
const ADDRESS_DELAY = 250; // ms

// ---- fields: how one value of a state is checked, read from an address and written into it ----
// read(text) gives undefined for what is not valid: a mistyped address does no harm. write(value) gives
// undefined for what stands in no address.

/** A whole number from least to most. */
export function whole(start, least, most) {
  const read = (text) => (/^-?\d{1,9}$/.test(text) && +text >= least && +text <= most ? +text : undefined);
  return { start, least, most, read, write: String };
}

/** One of a few words. */
export function choice(start, options) {
  return { start, options, read: (text) => (options.includes(text) ? text : undefined), write: String };
}

/** Yes or no. */
export function flag(start) {
  return { start, read: (text) => ({ 1: true, 0: false })[text], write: (value) => (value ? "1" : "0") };
}

/** A text of at most `most` letters. */
export function text(start, most = 400) {
  return { start, read: (given) => (given.length <= most ? given : undefined), write: String };
}

/** A matrix, number[][], as "1,0,-1;2,0,-2": up to `most` rows and columns, entries within ±999. */
export function matrix(start, most) {
  const read = (given) => {
    const rows = given.split(";").map((row) => row.split(",").map((entry) => (entry.trim() ? +entry : NaN)));
    const fits = rows.length <= most && rows[0].length <= most
      && rows.every((row) => row.length === rows[0].length && row.every((x) => Math.abs(x) <= 999));
    return fits ? rows : undefined;
  };
  return { start, most, read, write: (rows) => rows.map((row) => row.join(",")).join(";") };
}

/**
 * Define an explorer.
 *
 * @param {string} tag the element's name in HTML: "convolution-explorer".
 * @param {object} explorer
 * @param {string} explorer.name its prefix in addresses: "convolution".
 * @param {object} explorer.fields name → field: the values of its state.
 * @param {(state: object) => object} [explorer.settle] a state whose values suit each other, from any state
 *   of valid values; called before every showing. It does not change what it is given.
 * @param {(body: HTMLElement, explorer: {fields, state: () => object, set: (values: object) => void})
 *   => (state: object) => string} explorer.build fills the empty body once, with controls that call set, and
 *   returns what shows a state; that returns what is shown in words, a sentence or two.
 */
export function define(tag, { name, fields, settle = (state) => state, build }) {
  class Explorer extends HTMLElement {
    connectedCallback() {
      if (this.querySelector(":scope > .explorer-live")) return; // moved within the page
      const start = { ...defaults(fields), ...readQuery(new URLSearchParams(this.dataset.start), fields, "") };
      this.start = settle(start);
      const asked = readQuery(new URLSearchParams(location.search), fields, `${name}.`);
      this.values = settle({ ...this.start, ...asked });

      const body = node("div", { class: "explorer-body" });
      this.words = node("p", { class: "explorer-words", "aria-live": "polite" });
      this.append(node("div", { class: "explorer-live" }, body, this.words, this.tools()));
      this.show = build(body, { fields, state: () => this.values, set: (values) => this.set(values) });
      this.render();
      document.addEventListener("click", (event) => this.follow(event));
    }

    /** Take new values, show them, and write them into the address. */
    set(values) {
      this.values = settle({ ...this.values, ...values });
      this.render();
      clearTimeout(this.timer);
      this.timer = setTimeout(() => history.replaceState(null, "", this.link()), ADDRESS_DELAY);
    }

    render() {
      const words = this.show(this.values);
      if (words !== this.words.textContent) this.words.textContent = words;
    }

    tools() {
      const reset = node("button", { type: "button", onclick: () => this.set(this.start) }, "Reset");
      const copy = node("button", { type: "button", "aria-live": "polite", onclick: () => this.copy(copy) }, "Copy link");
      const alone = node("a", { href: this.dataset.alone }, "Open alone");
      // The address follows the state at the moment it is needed: click, middle click, context menu.
      for (const event of ["pointerdown", "focus"]) {
        alone.addEventListener(event, () => { alone.href = this.dataset.alone + query(this.changed()); });
      }
      const extra = this.dataset.alone ? [alone] : [];
      return node("div", { class: "explorer-tools" }, reset, copy, ...extra);
    }

    /** What differs from the start, as [key, text] pairs of an address. */
    changed() {
      return Object.entries(fields)
        .map(([key, field]) => [key, field.write(this.values[key]), field.write(this.start[key])])
        .filter(([, now, start]) => now !== undefined && now !== start)
        .map(([key, now]) => [`${name}.${key}`, now]);
    }

    /** The page's address with this explorer's state in it, and with what else stood there. */
    link() {
      const others = [...new URLSearchParams(location.search)].filter(([key]) => !key.startsWith(`${name}.`));
      return location.pathname + query([...others, ...this.changed()]) + location.hash;
    }

    async copy(button) {
      const address = new URL(this.link(), location.href);
      address.hash = this.id;
      try {
        await navigator.clipboard.writeText(address.href);
        button.textContent = "Copied";
      } catch {
        // No clipboard outside https: the address bar then holds the link.
        history.replaceState(null, "", address);
        button.textContent = "It is in the address bar";
      }
      setTimeout(() => { button.textContent = "Copy link"; }, 2000);
    }

    /** A link in the text such as "?convolution.stride=2#explore-convolution" sets this explorer at once. */
    follow(event) {
      const link = event.target.closest?.("a[href]");
      if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
      const address = new URL(link.href);
      const asked = [...address.searchParams.keys()].some((key) => key.startsWith(`${name}.`));
      if (!asked || address.pathname !== location.pathname || address.origin !== location.origin) return;
      event.preventDefault();
      this.set({ ...this.start, ...readQuery(address.searchParams, fields, `${name}.`) });
      this.scrollIntoView({ block: "start" });
    }
  }
  customElements.define(tag, Explorer);
}

const defaults = (fields) => Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, field.start]));

/** The valid values among an address's parameters. */
function readQuery(parameters, fields, prefix) {
  const found = {};
  for (const [key, field] of Object.entries(fields)) {
    const given = parameters.get(prefix + key);
    const value = given === null ? undefined : field.read(given);
    if (value !== undefined) found[key] = value;
  }
  return found;
}

/** "?a=1,2;3&b=4", readable: a comma and a semicolon need no escape within a query. */
function query(pairs) {
  const escape = (part) => encodeURIComponent(part).replaceAll("%2C", ",").replaceAll("%3B", ";").replaceAll("%20", "+");
  const written = pairs.map(([key, value]) => `${escape(key)}=${escape(value)}`);
  return written.length ? `?${written.join("&")}` : "";
}
