"""The gradient explorer in a browser: what it shows is what convbook and torch compute."""

import contextlib
import io

import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe

from convbook.ops import (
    avg_pool2d,
    avg_pool2d_backward,
    conv2d,
    conv2d_backward,
    max_pool2d,
    max_pool2d_backward,
)

pytestmark = [pytest.mark.browser, pytest.mark.site]

PAGE = "explorers/gradient.html"
LARGEST = "gradient.size=3&gradient.stride=1&gradient.padding=1&gradient.input=" + ";".join(
    [",".join(["1", "-2", "3", "-4", "5", "6", "-7"])] * 7
)


def text(matrix) -> str:
    return ";".join(",".join(f"{value:g}" for value in row) for row in matrix)


def grid(page, name):
    """The squares of the grid of a name, as they are written: a list of rows."""
    rows = page.evaluate(
        """(name) => [...document.querySelectorAll(`[aria-label^="${name},"] [role="row"]`)]
             .map((row) => [...row.querySelectorAll(".explorer-cell")]
               .map((cell) => cell.value ?? cell.textContent))""",
        name,
    )
    assert rows, f"no grid of {name}"
    return rows


def numbers(page, name, padding=0):
    """The numbers of a grid, without its padding."""
    rows = grid(page, name)
    rows = [row[padding : len(row) - padding] for row in rows[padding : len(rows) - padding]]
    return np.array([[float(entry.replace("−", "-")) for entry in row] for row in rows])


def square(page, name, row, column):
    """A square, counted from 1."""
    rows = page.locator(f'[role="grid"][aria-label^="{name},"] [role="row"]')
    return rows.nth(row - 1).locator(".explorer-cell").nth(column - 1)


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def describe(page) -> str:
    return page.locator(".explorer-words").inner_text()


def drawn(rng):
    """A layer, its input and dy, as the address has them, and (y, dx, dw) by convbook."""
    kind = str(rng.choice(["max", "average", "conv"]))
    size, stride, padding = (int(rng.integers(*ends)) for ends in ((2, 4), (1, 4), (0, 2)))
    x = rng.integers(-9, 10, rng.integers(size, 8, 2)).astype(float)
    w = rng.integers(-3, 4, (size, size)).astype(float)
    if kind == "conv":
        y = conv2d(x, w, stride=stride, padding=padding)
        dy = rng.integers(-5, 6, y.shape).astype(float)
        back = conv2d_backward(dy, x, w, stride=stride, padding=padding)
        dx, dw = back.dx, back.dw
    else:
        forward, backward = {
            "max": (max_pool2d, max_pool2d_backward),
            "average": (avg_pool2d, avg_pool2d_backward),
        }[kind]
        y = forward(x, size, stride, padding)
        dy = rng.integers(-5, 6, y.shape).astype(float)
        dx, dw = backward(dy, x, size, stride, padding), None
    state = {"layer": kind, "size": size, "stride": stride, "padding": padding, "show": "all",
             "input": text(x), "kernel": text(w), "upstream": text(dy)}  # fmt: skip
    query = "&".join(f"gradient.{key}={value}" for key, value in state.items())
    return query, padding, (y, dx, dw)


def test_the_page_shows_what_convbook_computes(visit):
    seed = np.random.SeedSequence().entropy
    print(f"seed {seed}")
    rng = np.random.default_rng(seed)
    page = visit(PAGE).page
    for _ in range(12):
        query, padding, (y, dx, dw) = drawn(rng)
        page.goto(f"{page.url.partition('?')[0]}?{query}")
        page.wait_for_selector(".explorer-live")
        # Two decimals are shown.
        np.testing.assert_allclose(numbers(page, "y"), y, atol=0.00501)
        np.testing.assert_allclose(numbers(page, "dx", padding), dx, atol=0.00501)
        if dw is not None:
            np.testing.assert_allclose(
                numbers(page, "dw"), np.where(abs(dw) < 100, dw, np.rint(dw))
            )


@pytest.mark.parametrize("layer", ["max", "average", "conv"])
@pytest.mark.parametrize("show", ["one", "all"])
def test_the_lines_of_torch_give_the_gradient_that_is_shown(visit, layer, show):
    query = f"?gradient.layer={layer}&gradient.show={show}&gradient.padding=1&gradient.at=2,2"
    page = visit(PAGE + query + "&gradient.upstream=1,-2,3;2,2,1;0,1,4").page
    found = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(page.locator(".explorer-copied code").text_content(), found)
    assert isinstance(found["x"].grad, torch.Tensor)
    np.testing.assert_allclose(numbers(page, "dx", 1), found["x"].grad[0, 0].numpy(), atol=0.00501)
    np.testing.assert_allclose(numbers(page, "y"), found["y"][0, 0].detach().numpy(), atol=0.00501)


def test_a_chosen_output_sends_its_gradient_to_the_largest_of_its_window(visit):
    page = visit(f"{PAGE}?gradient.input=1,2,0,3;4,0,9,1;0,5,2,2;1,1,6,7").page
    for (row, column), (p, q) in {(1, 1): (1, 0), (1, 2): (1, 2), (2, 1): (2, 1),
                                  (2, 2): (3, 3)}.items():  # fmt: skip
        square(page, "y", row, column).click()
        expected = np.zeros((4, 4))
        expected[p, q] = 1
        np.testing.assert_array_equal(numbers(page, "dx"), expected)
        assert f"row {row}, column {column}" in describe(page)
        assert f"row {p + 1}, column {q + 1}" in describe(page)


def test_the_gradient_jumps_when_another_number_becomes_the_largest(visit):
    page = visit(f"{PAGE}?gradient.input=1,2;4,0").page
    np.testing.assert_array_equal(numbers(page, "dx"), [[0, 0], [1, 0]])
    square(page, "x", 1, 2).fill("4.5")
    np.testing.assert_array_equal(numbers(page, "dx"), [[0, 1], [0, 0]])
    square(page, "x", 1, 2).fill("-3")
    np.testing.assert_array_equal(numbers(page, "dx"), [[0, 0], [1, 0]])


def test_an_edited_gradient_goes_back_in_equal_shares_with_the_average(visit):
    page = visit(f"{PAGE}?gradient.layer=average&gradient.input=1,2;4,0").page
    square(page, "dy", 1, 1).fill("-8")
    np.testing.assert_array_equal(numbers(page, "dx"), np.full((2, 2), -2))


def test_where_windows_overlap_the_gradients_add(visit):
    """The chapter's figure gradients-pool-overlap."""
    state = (
        "size=3 stride=2 show=all pixel=3,3 input=1,2,0,3,1;0,4,2,1,5;2,1,9,0,2;6,0,3,2,1;1,2,0,7,3"
    )
    page = visit(f"{PAGE}?{'&'.join(f'gradient.{part}' for part in state.split())}").page
    assert numbers(page, "dx")[2, 2] == 4
    assert "= 1 · 1 + 1 · 1 + 1 · 1 + 1 · 1 = 4" in page.locator(".gradient-sums").inner_text()
    button(page, "Average").click()
    assert numbers(page, "dx")[2, 2] == pytest.approx(4 / 9, abs=0.005)
    assert "1/9 + 1/9 + 1/9 + 1/9" in page.locator(".gradient-sums").inner_text()


def test_at_a_tie_the_finite_difference_is_seen_to_differ(visit):
    page = visit(f"{PAGE}?gradient.input=0,1;1,1&gradient.pixel=1,2").page
    check = page.locator(".gradient-sums dd").nth(2)
    np.testing.assert_array_equal(numbers(page, "dx"), [[0, 1], [0, 0]])
    assert "= 0.5, not 1" in check.inner_text()
    square(page, "dx", 2, 1).click()
    assert "= 0.5, not 0" in check.inner_text()
    square(page, "dx", 1, 1).click()
    assert "not" not in check.inner_text()


def test_what_the_padding_gets_is_shown(visit):
    page = visit(f"{PAGE}?gradient.layer=average&gradient.padding=1&gradient.show=all").page
    everything = np.array([[float(e) for e in row] for row in grid(page, "dx")])
    inner = numbers(page, "dx", 1)
    assert everything.sum() == 9  # nine outputs with a gradient of 1
    assert f"{inner.sum():g}" in page.locator(".gradient-sums").inner_text()
    assert f"{9 - inner.sum():g}" in page.locator(".gradient-sums").inner_text()
    button(page, "Max").click()
    assert numbers(page, "dx", 1).sum() == 9


def test_the_address_shows_again_what_was_chosen(visit):
    page = visit(PAGE).page
    button(page, "Convolution").click()
    button(page, "Stride: one less").click()
    button(page, "all outputs").click()
    square(page, "y", 3, 2).click()
    square(page, "dw", 2, 2).click()
    square(page, "w", 1, 2).fill("7")
    page.wait_for_function("location.search.includes('gradient.kernel')")
    shown = [describe(page), page.locator(".gradient-sums").inner_text(), grid(page, "dx")]
    page.goto(page.url)
    page.wait_for_selector(".explorer-live")
    assert [describe(page), page.locator(".gradient-sums").inner_text(), grid(page, "dx")] == shown
    button(page, "Reset").click()
    page.wait_for_function("location.search === ''")


def test_no_address_breaks_it(visit):
    visited = visit(PAGE)
    page = visited.page
    for query in (
        *("layer=mean", "size=9", "input=1,2;3", "at=0,0", "at=9,9", "upstream=1,2,3", "kernel=1"),
        *("input=5", "size=3&gradient.input=1,2;3,4", "pixel=7,7&gradient.weight=3,3"),
    ):
        page.goto(f"{page.url.partition('?')[0]}?gradient.show=all&gradient.{query}")
        page.wait_for_selector(".explorer-live")
        assert visited.errors == []
        assert len(grid(page, "dy")) == len(grid(page, "y"))
        assert "NaN" not in page.locator("gradient-explorer").inner_text()


def test_it_works_by_the_keyboard(visit):
    page = visit(PAGE).page
    square(page, "y", 1, 1).focus()
    page.keyboard.press("ArrowRight")
    np.testing.assert_array_equal(np.argwhere(numbers(page, "dx")), [[1, 2]])
    page.keyboard.press("ArrowDown")
    np.testing.assert_array_equal(np.argwhere(numbers(page, "dx")), [[2, 3]])
    page.keyboard.press("Shift+Tab")  # the kernel is hidden: to the input
    assert page.evaluate("document.activeElement.closest('[role=grid]').ariaLabel[0]") == "x"
    button(page, "Average").focus()
    page.keyboard.press("Enter")
    assert button(page, "Average").get_attribute("aria-pressed") == "true"
    assert button(page, "Max").get_attribute("aria-pressed") == "false"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("query", ["", f"gradient.layer=conv&gradient.show=all&{LARGEST}"])
def test_everyone_can_use_it(visit, theme, width, query):
    visited = visit(f"{PAGE}?{query}", width=width, theme=theme)
    page = visited.page
    assert (visited.errors, visited.failed, visited.foreign) == ([], [], [])
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page).response["violations"]
    assert [(fault["id"], [node["html"] for node in fault["nodes"]]) for fault in found] == []
    small = page.evaluate(
        """() => [...document.querySelectorAll(
             "gradient-explorer :is(button, input, summary, .explorer-cell)")]
             .map((target) => [target.outerHTML, target.getBoundingClientRect()])
             .filter(([, box]) => box.width && (box.width < 24 || box.height < 24))
             .map(([html]) => html)"""
    )
    assert small == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_numbers_can_be_read_on_their_squares(visit, theme):
    """axe does not judge text on stripes, so each colour under a number is judged here."""
    page = visit(f"{PAGE}?gradient.layer=conv&gradient.show=all&{LARGEST}", theme=theme).page
    contrasts = page.evaluate(
        """() => {
          const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
          const painted = (...colours) => {
            canvas.clearRect(0, 0, 1, 1);
            for (const colour of colours) {
              canvas.fillStyle = colour;
              canvas.fillRect(0, 0, 1, 1);
            }
            return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((c) => c / 255)
              .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
          };
          const light = ([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
          return [...document.querySelectorAll(".explorer-cell")].flatMap((cell) => {
            const style = getComputedStyle(cell);
            const stripes = style.backgroundImage.match(/color\\([^)]*\\)/g) ?? [];
            return [[], ...stripes.map((stripe) => [stripe])].map((over) => {
              const ground = light(painted(style.backgroundColor, ...over));
              const pair = [light(painted(style.color)), ground];
              return [Math.max(...pair) / Math.min(...pair), over.length, cell.outerHTML];
            });
          });
        }"""
    )
    assert sum(striped for _, striped, _ in contrasts) > 10
    assert min(contrasts)[0] >= 4.5, min(contrasts)


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_moves_when_the_script_fills_it(visit, width):
    page = visit(PAGE, width=width).page
    page.wait_for_selector(".explorer-live")
    shifted = page.evaluate(
        """() => new Promise((resolve) => {
          let sum = 0;
          new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) sum += entry.value;
          }).observe({ type: "layout-shift", buffered: true });
          setTimeout(() => resolve(sum), 500);
        })"""
    )
    assert shifted < 0.01
    heights = page.evaluate(
        """() => ["gradient-explorer", ".explorer-live"]
             .map((name) => document.querySelector(name).getBoundingClientRect().height)"""
    )
    assert 0 <= heights[0] - heights[1] < 32  # room enough, and little to spare


def test_without_a_script_the_figure_stands_in_its_place(visit):
    page = visit(PAGE, java_script_enabled=False).page
    assert page.locator(".explorer-static img").is_visible()
    assert page.locator(".explorer-live").count() == 0
    element, image = (page.locator(name).bounding_box() for name in ("gradient-explorer", "img"))
    assert element["height"] - image["height"] < 120  # nothing is left empty for a script


def test_it_works_by_touch(visit):
    page = visit(PAGE, width=360, has_touch=True).page
    square(page, "y", 2, 2).tap()
    np.testing.assert_array_equal(np.argwhere(numbers(page, "dx")), [[2, 3]])
    button(page, "all outputs").tap()
    assert np.count_nonzero(numbers(page, "dx")) == 4
