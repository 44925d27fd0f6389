"""What every explorer of the built site does, whichever it is."""

import gzip
import re

import pytest
from built_site import SITE

pytestmark = [pytest.mark.browser, pytest.mark.site]

EXPLORERS = sorted(path.stem for path in SITE.glob("explorers/*.html"))
PLACED = [
    (path.name, name)
    for path in sorted(SITE.glob("*.html"))
    for name in re.findall(r'id="explorer-(\w+)"', path.read_text(encoding="utf-8"))
]
# One value of each that is not the start's, as an address has it.
OTHER = {
    "convolution": "dims=1",
    "filter": "preset=laplacian",
    "gradient": "layer=average",
    "memory": "optimizer=sgd",
    "network": "height=40",
}

# Shifts of what lies in the text; the theme's own bars move a little while their fonts come.
SHIFTS = """() => new Promise(resolve => {
  let sum = 0;
  const hasMoved = ({ node, previousRect, currentRect }) => node?.parentElement?.closest('article')
    && Math.hypot(previousRect.x - currentRect.x, previousRect.y - currentRect.y) >= 1;
  new PerformanceObserver(list => {
    for (const entry of list.getEntries())
      if (!entry.hadRecentInput && entry.sources.some(hasMoved)) sum += entry.value;
  }).observe({ type: 'layout-shift', buffered: true });
  setTimeout(() => resolve(sum), 300);
})"""


def test_there_are_the_explorers_that_the_book_promises():
    assert EXPLORERS == ["convolution", "filter", "gradient", "memory", "network"]
    assert {name for _, name in PLACED} == set(EXPLORERS)


def test_explorers_weigh_less_than_60_kilobytes_together():
    files = [
        path
        for ending in ("mjs", "css")
        for path in (SITE / "_static/explorers").rglob(f"*.{ending}")
    ]
    assert len(files) > 10
    assert sum(len(gzip.compress(path.read_bytes())) for path in files) < 60_000


@pytest.mark.parametrize("page, name", PLACED)
def test_without_javascript_a_figure_stands_in_its_place(visit, page, name):
    seen = visit(page, java_script_enabled=False).page
    figure = seen.locator(f"#explorer-{name} .explorer-static img")
    assert figure.is_visible()
    assert figure.get_attribute("alt")
    assert seen.locator(f"#explorer-{name} .explorer-live").count() == 0


@pytest.mark.parametrize("page, name", PLACED)
def test_on_paper_a_figure_stands_in_its_place(visit, page, name):
    seen = visit(page).page
    figure = seen.locator(f"#explorer-{name} .explorer-static img")
    live = seen.locator(f"#explorer-{name} .explorer-live")
    assert live.is_visible()
    assert not figure.is_visible()
    seen.emulate_media(media="print")
    assert figure.is_visible()
    assert not live.is_visible()


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("page, name", PLACED)
def test_nothing_moves_when_an_explorer_is_filled(visit, page, name, width):
    # The page is opened at the explorer, where a shift would be seen.
    seen = visit(f"{page}#explore-{name}", width=width).page
    live = seen.locator(f"#explorer-{name} .explorer-live")
    live.wait_for()
    seen.wait_for_load_state("networkidle")
    assert seen.evaluate(SHIFTS) < 0.02


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", EXPLORERS)
def test_an_explorer_says_in_words_what_it_shows(visit, name, theme):
    seen = visit(f"explorers/{name}.html", theme=theme)
    words = seen.page.locator(".explorer-words")
    assert len(words.text_content().split()) >= 5
    assert words.get_attribute("aria-live") == "polite"
    assert seen.page.locator(f"#explorer-{name}").get_attribute("aria-label")
    assert (seen.foreign, seen.failed, seen.errors) == ([], [], [])


@pytest.mark.parametrize("name", EXPLORERS)
def test_a_link_shows_again_what_its_sender_saw_and_reset_forgets_it(visit, name):
    plain = visit(f"explorers/{name}.html").page.locator(".explorer-words").text_content()
    page = visit(f"explorers/{name}.html?{name}.{OTHER[name]}").page
    words = page.locator(".explorer-words")
    assert words.text_content() != plain
    page.get_by_role("button", name="Reset", exact=True).click()
    assert words.text_content() == plain
    page.wait_for_function(f"!location.search.includes('{name}.')")


@pytest.mark.parametrize("name", EXPLORERS)
def test_a_mistyped_address_does_no_harm(visit, name):
    field = OTHER[name].partition("=")[0]
    plain = visit(f"explorers/{name}.html").page.locator(".explorer-words").text_content()
    seen = visit(f"explorers/{name}.html?{name}.{field}=%3Cscript%3E&{name}.nothing=1")
    assert seen.page.locator(".explorer-words").text_content() == plain
    assert seen.errors == []


@pytest.mark.parametrize("name", EXPLORERS)
def test_an_explorer_fits_on_a_phone_and_its_targets_suit_a_finger(visit, name):
    page = visit(f"explorers/{name}.html", width=360, has_touch=True, is_mobile=True).page
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    small = page.evaluate(
        """() => [...document.querySelector('.explorer-live')
          .querySelectorAll('button, select, input, [role=gridcell]')]
          .filter(e => e.offsetParent && e.type !== 'file')
          .map(e => [e.outerHTML.slice(0, 90), e.getBoundingClientRect()])
          .filter(([, box]) => box.width < 20 || box.height < 20).map(([html]) => html)"""
    )
    assert small == []


def test_a_link_in_the_text_sets_an_explorer_without_leaving_the_page(visit):
    page = visit("explorers/gradient.html").page
    page.evaluate(
        """() => {
          const link = document.createElement('a');
          link.href = '?gradient.layer=average#explore-gradient';
          link.textContent = 'the average';
          document.querySelector('main').prepend(link);
          window.stayed = true;
        }"""
    )
    before = page.locator(".explorer-words").text_content()
    page.get_by_role("link", name="the average").click()
    assert page.locator(".explorer-words").text_content() != before
    page.wait_for_function("location.search.includes('gradient.layer=average')")
    assert page.evaluate("window.stayed") is True
