"""The convolution explorer in the page: its numbers, its lines for torch, its keys, its limits."""

from urllib.parse import urlencode

import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe

from convbook.ops import conv1d, conv2d

pytestmark = [pytest.mark.browser, pytest.mark.site]

PAGE = "explorers/convolution.html"
KEYS = ("dims", "transposed", "input", "kernel", "stride", "padding", "mode", "dilation", "outpad")
# Numbers of a plane within its margins, row by row; null where there is none.
READ = """([element, plane]) => {
  const squares = element.querySelectorAll(`.convolution-${plane} [role="row"]`);
  const number = cell => Number((cell.value ?? cell.textContent).replace("−", "-"));
  return [...squares]
    .map(row => [...row.querySelectorAll(".explorer-cell:not(.convolution-is-margin)")].map(number))
    .filter(row => row.length);
}"""
SHIFTS = """() => new Promise(resolve => {
  let sum = 0;
  new PerformanceObserver(list => list.getEntries().forEach(entry => { sum += entry.value; }))
    .observe({ type: 'layout-shift', buffered: true });
  setTimeout(() => resolve(sum), 300);
})"""


def written(matrix):
    return ";".join(",".join(str(entry) for entry in row) for row in matrix)


def query(**state):
    return "?" + urlencode({f"convolution.{key}": value for key, value in state.items()})


def random_state(rng):
    """A layer of whole numbers, which squares show in full."""
    dims = int(rng.integers(1, 3))
    sides = (1, rng.integers(5, 12)) if dims == 1 else rng.integers(3, 8, 2)
    size = (1, rng.integers(1, 6)) if dims == 1 else rng.integers(1, 5, 2)
    stride, dilation = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    return {
        "dims": dims,
        "transposed": int(rng.random() < 0.4),
        "input": rng.integers(-5, 6, sides).tolist(),
        "kernel": rng.integers(-3, 4, size).tolist(),
        "stride": stride,
        "padding": int(rng.integers(0, 4)),
        "mode": str(rng.choice(["zeros", "circular", "reflect", "replicate"])),
        "dilation": dilation,
        "outpad": int(rng.integers(0, max(stride, dilation))),
    }


def address(state):
    texts = {
        key: written(value) if isinstance(value, list) else value for key, value in state.items()
    }
    return PAGE + query(**texts)


class Shown:
    """The explorer on an open page."""

    def __init__(self, page):
        self.page = page
        self.element = page.locator("convolution-explorer")

    def numbers(self, plane):
        return np.array(self.element.page.evaluate(READ, [self.element.element_handle(), plane]))

    def chosen(self, plane="output"):
        square = self.element.locator(f".convolution-{plane} .convolution-is-chosen")
        return square.get_attribute("aria-label") if square.count() else None

    def words(self):
        return self.element.locator(".explorer-words").inner_text()

    def square(self, plane, index):
        return self.element.locator(f".convolution-{plane} .explorer-cell").nth(index)

    def products(self):
        return self.element.locator(".convolution-products").inner_text()

    def button(self, name):
        return self.element.get_by_role("button", name=name, exact=True)


@pytest.fixture
def open_at(visit):
    """Open the explorer at a state: ``open_at(dims=1)``."""

    def open_state(width=1280, **state):
        return Shown(visit(PAGE + query(**state), width=width).page)

    return open_state


SMALL = {"dims": 1, "transposed": 0, "input": "3,1,4,1,5,9,2", "kernel": "1,2,1", "padding": 0,
         "stride": 1, "dilation": 1, "mode": "zeros", "side": "output", "at": 0}  # fmt: skip


@pytest.mark.parametrize("mode", ["zeros", "circular", "reflect", "replicate"])
def test_its_numbers_are_those_of_convbook(open_at, mode):
    rng = np.random.default_rng(30)
    x, w = rng.integers(-9, 10, (6, 5)), rng.integers(-3, 4, (3, 2))
    state = {"dims": 2, "transposed": 0, "input": written(x), "kernel": written(w)}
    shown = open_at(**state, padding=2, stride=2, dilation=1, mode=mode)
    y = conv2d(x, w, stride=2, padding=2, padding_mode=mode)
    np.testing.assert_array_equal(shown.numbers("input"), x)
    np.testing.assert_array_equal(shown.numbers("kernel"), w)
    np.testing.assert_array_equal(shown.numbers("output"), y)


def test_its_lines_compute_its_numbers_in_torch(visit):
    rng = np.random.default_rng(31)
    page = visit(PAGE).page
    compared = 0
    for _ in range(24):
        state = random_state(rng)
        page.goto(page.url.split("/explorers")[0] + "/" + address(state))
        shown = Shown(page)
        code = shown.element.locator(".explorer-copied code").text_content()
        *before, call = code.splitlines()
        named = {}
        exec("\n".join(before), named)
        try:
            y = eval(call, named)[0, 0]
        except RuntimeError:  # torch refuses what the explorer refuses
            assert shown.element.locator(".convolution-output .convolution-none").is_visible(), (
                state
            )
            continue
        assert isinstance(y, torch.Tensor)
        np.testing.assert_allclose(shown.numbers("output"), np.atleast_2d(y.numpy()), atol=1e-3)
        compared += 1
    assert 8 < compared < 24


def test_the_products_add_up_to_the_chosen_output(open_at):
    shown = open_at(**SMALL | {"stride": 2, "padding": 1, "at": 3})
    y = conv1d([3, 1, 4, 1, 5, 9, 2], [1, 2, 1], stride=2, padding=1)
    assert shown.products() == f"9·1 + 2·2 + 0·1 = {y[3]:.0f}"
    assert "place 4" in shown.chosen().lower()
    assert shown.element.locator(".convolution-formula").inner_text() == (
        "⌊(7 + 2·1 − 1·(3 − 1) − 1) / 2⌋ + 1 = 4"
    )


def test_a_chosen_input_marks_the_outputs_that_it_feeds(open_at):
    shown = open_at(**SMALL)
    shown.square("input", 3).click()
    assert "place 4" in shown.chosen("input").lower()
    marked = shown.element.locator(".convolution-output .convolution-is-marked")
    # Input 4 lies in the windows of outputs 2, 3 and 4.
    assert [cell.split(":")[0] for cell in marked.evaluate_all(
        "cells => cells.map(cell => cell.getAttribute('aria-label'))"
    )] == ["place 2", "place 3", "place 4"]  # fmt: skip
    assert shown.products() == "1·1 = 1 into 2; 1·2 = 2 into 3; 1·1 = 1 into 4"


def test_a_chosen_input_of_a_transposed_convolution_marks_its_stamp(open_at):
    state = SMALL | {"transposed": 1, "input": "2,5", "kernel": "1,-1,3", "stride": 2}
    shown = open_at(**state, outpad=1)
    shown.square("input", 1).click()
    np.testing.assert_array_equal(shown.numbers("output"), [[2, -2, 6 + 5, -5, 15, 0]])
    marked = shown.element.locator(".convolution-output .convolution-is-marked")
    assert marked.count() == 3
    assert shown.products() == "5·1 = 5 into 3; 5·(−1) = −5 into 4; 5·3 = 15 into 5"
    assert shown.element.locator(".convolution-output .convolution-is-unread").count() == 1


def test_what_the_floor_leaves_out_is_hatched_and_told(open_at):
    shown = open_at(**SMALL | {"stride": 3})  # windows at 0 and 3: the last cell is left
    hatched = shown.element.locator(".convolution-input .convolution-is-unread")
    assert hatched.count() == 1
    assert hatched.get_attribute("aria-label").startswith("place 7")
    assert "1 input" in shown.words()
    assert "1 cell" in shown.words()


@pytest.mark.parametrize("at, row", [(0, [1, 2, 1, 0, 0, 0, 0]), (4, [0, 0, 0, 0, 1, 2, 1])])
def test_the_row_of_the_matrix_is_that_of_the_chosen_output(open_at, at, row):
    shown = open_at(**SMALL | {"at": at, "matrix": 1})
    cells = shown.element.locator(".convolution-matrix .explorer-cell")
    assert [int(text) for text in cells.all_inner_texts()] == row


def test_stepping_goes_through_the_outputs_and_stays_within(open_at):
    shown = open_at(**SMALL)
    places = [shown.chosen()]
    for name in ["Back", "Next", "Next", "Last", "Next", "Back", "First"]:
        shown.button(name).click(force=True)  # at an end, a button says that it is disabled
        places.append(shown.chosen())
    assert [int(place.split(":")[0].split()[-1]) for place in places] == [1, 1, 2, 3, 5, 5, 4, 1]


def test_it_plays_only_when_asked_and_stops_at_the_end(open_at):
    shown = open_at(**SMALL | {"at": 3})
    shown.page.wait_for_timeout(1500)
    assert "place 4" in shown.chosen().lower()
    shown.button("Play").click()
    shown.button("Pause").wait_for()
    shown.button("Play").wait_for(timeout=3000)
    assert "place 5" in shown.chosen().lower()
    shown.button("Play").click()  # at the end it starts again
    assert "place 1" in shown.chosen().lower()
    shown.button("Pause").click()
    shown.page.wait_for_timeout(1300)
    assert "place 1" in shown.chosen().lower()


def test_arrow_keys_choose_outputs(open_at):
    shown = open_at(**SMALL | {"dims": 2, "input": "1,2,3;4,5,6;7,8,9", "kernel": "1"})
    shown.square("output", 0).focus()
    for key, place in [("ArrowDown", "row 2, column 1"), ("ArrowRight", "row 2, column 2"),
                       ("ArrowUp", "row 1, column 2")]:  # fmt: skip
        shown.page.keyboard.press(key)
        assert shown.chosen().startswith(place)


def test_tab_passes_the_input_without_choosing_it(open_at):
    shown = open_at(**SMALL)
    shown.element.get_by_role("spinbutton", name="Dilation").focus()
    for _ in range(3):  # more, input, kernel
        shown.page.keyboard.press("Tab")
    assert shown.page.evaluate("!!document.activeElement.closest('.convolution-kernel')")
    assert shown.chosen("input") is None
    assert "place 1" in shown.chosen().lower()


def test_numbers_can_be_typed_kept_in_the_address_and_reset(open_at):
    shown = open_at(**SMALL)
    shown.square("kernel", 1).fill("-0.5")
    shown.square("input", 0).fill("10")
    y = conv1d([10, 1, 4, 1, 5, 9, 2], [1, -0.5, 1])
    np.testing.assert_allclose(shown.numbers("output"), [y])
    shown.page.wait_for_function("location.search.includes('10')")
    shown.page.reload()
    np.testing.assert_allclose(shown.numbers("output"), [y])
    shown.button("Reset").click()
    shown.page.wait_for_function("!location.search.includes('convolution')")


def test_padding_cannot_be_typed_over(open_at):
    shown = open_at(**SMALL | {"padding": 1})
    assert not shown.square("input", 0).is_editable()
    assert shown.square("input", 1).is_editable()


def test_resizing_keeps_the_numbers(open_at):
    shown = open_at(**SMALL)
    shown.element.get_by_role("button", name="Input length: one more").click()
    np.testing.assert_array_equal(shown.numbers("input"), [[3, 1, 4, 1, 5, 9, 2, 0]])
    shown.element.get_by_role("button", name="Kernel length: one less").click()
    np.testing.assert_array_equal(shown.numbers("kernel"), [[1, 2]])


def test_from_a_plane_to_a_row_and_back_nothing_is_lost(open_at):
    x = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    shown = open_at(**SMALL | {"dims": 2, "input": written(x), "kernel": "1,0;2,0;3,0"})
    dims = shown.element.get_by_role("combobox", name="Dimensions")
    dims.select_option("1")
    np.testing.assert_array_equal(shown.numbers("input"), [x[1]])
    np.testing.assert_array_equal(shown.numbers("kernel"), [[2, 0]])
    shown.square("input", 0).fill("40")
    dims.select_option("2")
    x[1][0] = 40
    np.testing.assert_array_equal(shown.numbers("input"), x)


@pytest.mark.parametrize("state", [
    {"padding": 4, "mode": "reflect", "input": "1,2,3,4"},
    {"padding": 4, "mode": "circular", "input": "1,2,3"},
    {"dilation": 3, "kernel": "1,1,1,1"},
    {"transposed": 1, "outpad": 1},
    {"transposed": 1, "padding": 4, "input": "1,2", "outpad": 0},
])  # fmt: skip
def test_sizes_that_do_not_fit_are_told_and_left_as_set(open_at, state):
    shown = open_at(**SMALL | state)
    assert shown.element.locator(".convolution-output .convolution-none").is_visible()
    assert "at most" in shown.words() or "would fit" in shown.words()
    shown.page.reload()
    for key in ("padding", "dilation"):
        field = shown.element.get_by_role("spinbutton", name=key.capitalize(), exact=True)
        assert field.input_value() == str((SMALL | state)[key])
    shown.button("Reset").click()
    assert not shown.element.locator(".convolution-output .convolution-none").is_visible()


@pytest.mark.parametrize("width", [1280, 360])
def test_nothing_moves_when_it_is_filled(visit, width):
    page = visit(PAGE, width=width).page
    page.locator(".explorer-live").wait_for()
    assert page.evaluate(SHIFTS) < 0.01


WIDE = {"transposed": 1, "stride": 4, "dilation": 3, "kernel": "1,2,3;4,5,6", "padding": 1}
STATES = [
    SMALL | {"padding": 4, "mode": "replicate", "input": "1,2,3,4,5,6,7,8,9,10,11"},
    SMALL | {"dims": 2, "input": "1,2,3,4,5,6,7", "side": "input"} | WIDE,
    SMALL | {"dilation": 3, "kernel": "1,1,1,1"},
]


@pytest.mark.parametrize("state", STATES)
def test_it_fits_a_phone_with_targets_that_a_finger_meets(open_at, state):
    shown = open_at(width=360, **state, matrix=1, torch=1)
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= 360
    # WCAG 2.5.8: 24 px, or so far apart.
    apart = shown.page.evaluate("""() => {
      const targets = '.explorer :is(button, select, summary, .explorer-cell)';
      const middles = [...document.querySelectorAll(targets)]
        .map(each => each.getBoundingClientRect()).filter(box => box.width)
        .map(box => [box.x + box.width / 2, box.y + box.height / 2]);
      return Math.min(...middles.flatMap(([x, y], i) => middles.slice(i + 1).map(([u, v]) =>
        Math.max(Math.abs(x - u), Math.abs(y - v)))));
    }""")
    assert apart >= 24


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("state", STATES)
def test_its_states_are_accessible(visit, state, theme):
    page = visit(PAGE + query(**state, matrix=1, torch=1), theme=theme).page
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
    assert found.violations_count == 0, found.generate_report()
