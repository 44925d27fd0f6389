"""The memory calculator in a browser: mouse, keyboard, touch; its table late, or missing."""

import json
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from built_site import SITE

from convbook.memory.report import amount

pytestmark = [pytest.mark.browser, pytest.mark.site]

PAGE = "explorers/memory.html"
DATA = "data/gpu-memory-calculator.json"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
AXES = ("networks", "images", "optimizers", "precisions", "batches")


@pytest.fixture(scope="module")
def table():
    return json.loads((SITE / DATA).read_text(encoding="utf-8"))


def size(table, name, **at):
    """Bytes of a column at the values of its axes, such as networks="resnet18", images=224."""
    index = 0
    for axis in table["axes"][name]:
        values = [each["side"] if axis == "images" else each for each in table[axis]]
        index = index * len(values) + values.index(at[axis])
    return table["columns"][name][index] * table["units"].get(name, 1)


def words(page):
    return page.locator(".explorer-words").text_content()


def cells(page, name):
    """The row of the table with this name: what is there in a step, and at the peak."""
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=name))
    return row.locator("td").all_text_contents()


def test_it_shows_what_the_build_predicted(visit, table):
    page = visit(f"{PAGE}?memory.network=resnet50&memory.batch=64&memory.gpu=24").page
    at = {"networks": "resnet50", "images": 224, "optimizers": "adam", "precisions": "float32",
          "batches": 64}  # fmt: skip
    for row, all_of, held in (
        ("optimizer state", "optimizer_state", "optimizer_state"),
        ("gradients", "gradients", "gradients_at_peak"),
        ("images", "inputs", "inputs"),
        ("activations", "activations", "activations_at_peak"),
    ):
        assert cells(page, row) == [amount(size(table, name, **at)) for name in (all_of, held)]
    assert cells(page, "allocated at the peak")[1] == amount(size(table, "peak", **at))
    assert cells(page, "reserved")[1] == amount(size(table, "reserved", **at))
    command = page.get_by_role("group", name="the command").locator("code").text_content()
    assert command.startswith("convbook memory resnet50 ")
    assert "--gpu-memory 24GB" in command


@pytest.mark.parametrize("gpu, far", [("8", False), ("16", False), ("141", True)])
def test_the_bar_is_true_to_scale(visit, table, gpu, far):
    page = visit(f"{PAGE}?memory.gpu={gpu}&memory.batch=64").page
    at = {"networks": "resnet152", "images": 224, "optimizers": "adam", "precisions": "float32",
          "batches": 64}  # fmt: skip
    reserved, peak = size(table, "reserved", **at), size(table, "peak", **at)
    bar = page.locator(".memory-bar")
    boxes = {
        part.get_attribute("data-part"): part.bounding_box()
        for part in bar.locator("> [data-part]").all()
    }
    first, last = boxes["parameters"], boxes["cached"]
    drawn = last["x"] + last["width"] - first["x"]
    scale = drawn / reserved
    assert abs(boxes["activations"]["width"] - scale * size(table, "activations_at_peak", **at)) < 1
    assert abs(last["width"] - scale * (reserved - peak)) < 1
    limit = page.locator(".memory-limit")
    assert (limit.get_attribute("data-beyond") == "true") == far
    if not far:
        line = limit.bounding_box()
        middle = line["x"] + line["width"] / 2
        assert abs(middle - first["x"] - scale * int(gpu) * 1e9) < 1
    assert amount(size(table, "activations_at_peak", **at)) in bar.get_attribute("aria-label")


def test_every_choice_by_keyboard_alone(visit):
    page = visit(PAGE).page
    seen = {words(page)}
    page.get_by_label("Network").focus()
    reached = []
    for _ in range(6):
        reached.append(
            page.evaluate("document.activeElement.closest('label').firstChild.textContent")
        )
        page.keyboard.press("ArrowUp" if reached[-1] != "Batch" else "ArrowLeft")
        seen.add(words(page))
        page.keyboard.press("Tab")
    assert reached == ["Network", "Images", "Batch", "Optimizer", "Precision", "GPU"]
    assert len(seen) >= 6  # the first precision has none above it
    assert page.evaluate("document.activeElement.textContent") == "Copy"


def test_by_mouse_it_fits_with_half_the_precision(visit):
    page = visit(PAGE).page
    badge = page.locator(".memory-badge")
    before = badge.get_attribute("data-verdict")
    page.get_by_role("combobox", name="Precision").select_option("bfloat16")
    assert (before, badge.get_attribute("data-verdict")) == ("not", "fits")
    assert "fits" in badge.text_content().lower()


def test_the_slider_takes_a_finger(visit):
    page = visit(PAGE, width=360, has_touch=True, is_mobile=True).page
    slider = page.get_by_role("slider", name="Batch")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    page.touchscreen.tap(box["x"] + 8, box["y"] + box["height"] / 2)
    assert slider.get_attribute("aria-valuetext") == "1"
    assert re.search(r"\b1 image\b", words(page))
    page.touchscreen.tap(box["x"] + box["width"] - 8, box["y"] + box["height"] / 2)
    assert slider.get_attribute("aria-valuetext") == "1024"


def test_a_link_holds_the_whole_state(visit):
    state = "memory.network=resnet34&memory.image=96&memory.batch=256&memory.optimizer=momentum"
    state += "&memory.precision=bfloat16&memory.gpu=80"
    page = visit(f"{PAGE}?{state}").page
    labels = ("Network", "Images", "Optimizer", "Precision", "GPU")
    chosen = [page.get_by_role("combobox", name=label).input_value() for label in labels]
    assert chosen == ["resnet34", "96", "momentum", "bfloat16", "80"]
    assert page.get_by_role("slider", name="Batch").get_attribute("aria-valuetext") == "256"
    page.get_by_role("combobox", name="GPU").select_option("48")
    page.wait_for_function("location.search.includes('memory.gpu=48')")
    assert page.evaluate("location.search") == f"?{state}".replace("gpu=80", "gpu=48")


@pytest.mark.parametrize("batch", ["0", "3", "2048", "-2", "1e1", ""])
def test_a_batch_that_is_not_listed_is_ignored(visit, batch):
    seen = visit(f"{PAGE}?memory.batch={batch}")
    assert words(seen.page) == words(visit(PAGE).page)
    assert seen.errors == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("state", ["", "?memory.batch=2&memory.gpu=8", "?memory.gpu=24"])
def test_it_is_accessible_whatever_it_shows(visit, state, theme, width):
    page = visit(PAGE + state, theme=theme, width=width).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": WCAG}})
    assert found.response["violations"] == []


def test_where_the_table_cannot_be_had_one_can_try_again(visit, address):
    page = visit("index.html").page
    page.route(f"**/{DATA}", lambda route: route.abort())
    page.goto(f"{address}{PAGE}")
    again = page.get_by_role("button", name="Load the predictions again")
    again.wait_for()
    assert not page.locator(".memory-results").is_visible()
    told = words(page)
    page.unroute(f"**/{DATA}")
    again.click()
    page.locator(".memory-badge").wait_for()
    assert words(page) != told
    assert again.count() == 0


def test_the_chapter_fetches_the_table_when_one_comes_near(visit):
    page = visit("gpu-memory.html").page
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.wait_for_load_state("networkidle")
    assert not [url for url in asked if url.endswith(DATA)]
    page.locator("#explorer-memory").scroll_into_view_if_needed()
    page.locator(".memory-badge").wait_for()
    assert len([url for url in asked if url.endswith(DATA)]) == 1
