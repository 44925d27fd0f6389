"""Every page of the built site, as a reader's browser sees it."""

import base64

import pytest
from axe_playwright_python.sync_playwright import Axe
from built_site import SITE

pytestmark = [pytest.mark.browser, pytest.mark.site]

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

LOAD_ALL = """async () => {
  const images = [...document.images].filter(i => i.offsetParent !== null);
  images.forEach(i => i.loading = 'eager');
  const loaded = i => i.complete ? null : new Promise(r => i.onload = i.onerror = r);
  await Promise.all(images.map(loaded));
  return images.filter(i => !i.naturalWidth).map(i => i.src);
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_page_stays_on_its_host_and_has_no_error(visit, page_name, theme):
    seen = visit(page_name, theme=theme)
    assert seen.page.evaluate(LOAD_ALL) == []
    assert seen.foreign == []
    assert seen.failed == []
    assert seen.errors == []


def test_a_page_does_not_scroll_sideways_on_a_phone(still, page_name):
    assert still(page_name, 360).evaluate("document.documentElement.scrollWidth") <= 360


CROWDED_FORMULAS = """() => {
  const crowded = [];
  for (const formula of document.querySelectorAll('article div.math')) {
    const parts = [...formula.querySelectorAll('.katex-html .base')]
      .map(part => part.getBoundingClientRect());
    const number = formula.querySelector('.eqno')?.firstChild;
    const column = formula.getBoundingClientRect();
    let end = column.right;
    if (number) {
      const text = document.createRange();
      text.selectNode(number);
      end = text.getBoundingClientRect().left - 4;
    }
    const left = Math.min(...parts.map(part => part.left));
    const right = Math.max(...parts.map(part => part.right));
    if (left < column.left || right > end)
      crowded.push([formula.id, formula.textContent.slice(0, 40), left, right, end]);
  }
  return crowded;
}"""


def test_no_formula_runs_into_its_number_or_out_of_its_column_on_a_phone(visit, page_name):
    page = visit(page_name, width=360).page
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate(CROWDED_FORMULAS) == []


BROKEN_IN_TABLES = """() => {
  const inOneLine = element => {
    const text = document.createRange();
    text.selectNodeContents(element);
    const style = getComputedStyle(element);
    return text.getBoundingClientRect().height < 2 * parseFloat(style.fontSize);
  };
  const parts = document.querySelectorAll('article table.table :is(td:first-child, code)');
  return [...parts].filter(part => !inOneLine(part)).map(part => part.textContent);
}"""


@pytest.mark.parametrize("width", [1280, 360])
def test_a_table_scrolls_before_it_breaks_a_name_or_code(still, page_name, width):
    assert still(page_name, width).evaluate(BROKEN_IN_TABLES) == []


MARKERS_OUTSIDE = """() => {
  const room = item => {
    const box = item.closest('div.admonition') ?? item.parentElement;
    const style = getComputedStyle(box);
    const inner = box.getBoundingClientRect().left + parseFloat(style.paddingLeft);
    return item.getBoundingClientRect().left - inner;
  };
  const items = document.querySelectorAll('article div.admonition :is(ul, ol) > li');
  return [...items].filter(item => item.getClientRects().length && room(item) < 12)
    .map(item => item.textContent);
}"""


@pytest.mark.parametrize("width", [1280, 360])
def test_the_markers_of_a_list_lie_within_its_box(still, page_name, width):
    assert still(page_name, width).evaluate(MARKERS_OUTSIDE) == []


# A chapter holds tens of thousands of elements, which axe would judge one by one, for a minute. A
# kind is an element's name, class and attributes, with the class of what holds it. A paragraph,
# cell or figure all of whose kinds were seen three times before says nothing new.
KEEP_THREE_OF_A_KIND = """() => {
  const seen = new Map();
  const count = kind => seen.set(kind, (seen.get(kind) ?? 0) + 1);
  const kindOf = element => {
    const holders = '.cell_input, .cell_output, .admonition, figure, td, th, li';
    const around = element.parentElement.closest(holders)?.className;
    const names = element.getAttributeNames().filter(name => !/^(id|href|src|title|d)$/.test(name));
    return [element.tagName, element.getAttribute('class'), names, around].join('|');
  };
  const blocks = 'article :is(section > :not(section), tr, li)';
  for (const block of document.querySelectorAll(blocks)) {
    if (!block.isConnected) continue;
    const kinds = new Set([block, ...block.querySelectorAll('*')].map(kindOf));
    if ([...kinds].every(kind => seen.get(kind) >= 3)) block.remove();
    else if (!block.matches('tr, li')) kinds.forEach(count);
  }
  const repeated = selector => {
    const here = new Map();
    return [...document.querySelectorAll(selector)].filter(element => {
      const kind = kindOf(element);
      here.set(kind, (here.get(kind) ?? 0) + 1);
      return here.get(kind) > 3;
    });
  };
  for (const word of repeated('.highlight pre span')) word.replaceWith(word.textContent);
  const formulas = repeated('.katex');
  const sizes = formulas.map(formula => formula.getBoundingClientRect()); // all before any changes
  formulas.forEach((formula, i) => {
    const { width, height } = sizes[i];
    formula.style.cssText = `display: inline-block; width: ${width}px; height: ${height}px`;
    formula.replaceChildren('f');
  });
}"""


def faults(page, **run_only):
    """What axe finds on a page: rules, with the first elements that break them."""
    # Without what axe would otherwise write about every element in which it finds no fault.
    found = Axe().run(page, options={"runOnly": run_only, "resultTypes": ["violations"]})
    return [
        (rule["id"], [(n["html"][:200], n["failureSummary"][:300]) for n in rule["nodes"][:4]])
        for rule in found.response["violations"]
    ]


@pytest.mark.parametrize("width", [1280, 360])
def test_a_page_is_accessible_in_both_themes(visit, page_name, width):
    page = visit(page_name, width=width).page
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.evaluate(KEEP_THREE_OF_A_KIND)
    assert faults(page, type="tag", values=WCAG) == []
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("c => getComputedStyle(document.body).backgroundColor != c", arg=light)
    assert faults(page, type="rule", values=["color-contrast"]) == []  # what a theme can change


def test_a_page_reads_without_javascript(visit, page_name):
    page = visit(page_name, java_script_enabled=False).page
    assert page.locator("h1:visible").count() >= 1


def test_ids_on_a_page_are_unique(still, page_name):
    ids = still(page_name).evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert sorted(ids) == sorted(set(ids))


def test_solutions_and_hints_unfold_by_keyboard_without_javascript(visit):
    page = visit("filters.html", java_script_enabled=False).page
    for kind in ("details.solution", "details.sd-dropdown"):
        details = page.locator(kind).first
        assert not details.locator(":scope > :not(summary)").first.is_visible()
        details.locator("summary").focus()
        page.keyboard.press("Enter")
        assert details.locator(":scope > :not(summary)").first.is_visible()


@pytest.mark.parametrize("width, drawing", [(1280, ""), (360, "-narrow")])
def test_a_window_gets_the_drawing_of_its_width(visit, width, drawing):
    page = visit("filters.html", width=width).page
    page.evaluate(LOAD_ALL)
    sources = page.eval_on_selector_all("figure picture img", "all => all.map(i => i.currentSrc)")
    assert sources
    for source in sources:
        assert source.removesuffix(".svg").endswith("-narrow") == bool(drawing)


@pytest.mark.parametrize("width", [1280, 360])
def test_images_take_their_place_before_they_load(visit, width):
    page = visit("filters.html", width=width).page
    ratios = page.eval_on_selector_all(
        "figure picture img", "all => all.map(i => i.getBoundingClientRect().height)"
    )
    assert min(ratios) > 50  # lazy images that are not there yet, too


def test_a_figure_turns_dark_with_the_page(visit):
    brightness = {}
    for theme in ("light", "dark"):
        page = visit("filters.html", theme=theme).page
        page.evaluate(LOAD_ALL)
        figure = page.locator("figure#filters-gains img")
        figure.scroll_into_view_if_needed()
        brightness[theme] = page.evaluate(
            """async image => {
              const bitmap = await createImageBitmap(await (await fetch(image)).blob());
              const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
              const context = canvas.getContext('2d');
              context.drawImage(bitmap, 0, 0);
              const data = context.getImageData(0, 0, bitmap.width, bitmap.height).data;
              let sum = 0;
              for (let i = 0; i < data.length; i += 4) sum += data[i] + data[i + 1] + data[i + 2];
              return sum / (data.length * 0.75);
            }""",
            "data:image/png;base64," + base64.b64encode(figure.screenshot()).decode(),
        )
    assert brightness["dark"] < brightness["light"] - 60


def test_the_reader_can_turn_the_theme(visit):
    page = visit("filters.html").page
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    for _ in range(3):  # the button goes round automatic, light and dark
        if page.evaluate("document.documentElement.dataset.theme") != "dark":
            page.locator("button.theme-switch-button:visible").first.click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before


def test_every_link_on_the_site_leads_somewhere(still, page_name, address):
    links = still(page_name).eval_on_selector_all("a[href]", "all => all.map(a => a.href)")
    for link in {link for link in links if link.startswith(address)}:
        path, _, fragment = link.removeprefix(address).partition("#")
        target = SITE / (path.partition("?")[0] or "index.html")
        assert target.is_file(), link
        if fragment and target.suffix == ".html":
            assert f'id="{fragment}"' in target.read_text(), link


def test_no_page_names_another_host_to_load_from():
    for path in SITE.rglob("*.html"):
        text = path.read_text()
        for attribute in ("src=", 'rel="stylesheet" href=', 'rel="preload" href='):
            for piece in text.split(attribute)[1:]:
                assert not piece[1:9].startswith(("http:", "https:", "//")), piece[:80]
