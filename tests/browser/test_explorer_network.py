"""The network table in a browser: typed, built by touch, by keyboard; held against convbook."""

import json
import re
import shlex

import pytest
from axe_playwright_python.sync_playwright import Axe

from convbook.command import main
from convbook.shapes import layer_table

pytestmark = [pytest.mark.browser, pytest.mark.site]

PAGE = "explorers/network.html"
HOMEWORK = "CONV3-10 POOL2 CONV3-10 POOL2 FLATTEN FC-3"
SHIFTS = """() => new Promise(resolve => {
  let sum = 0;
  new PerformanceObserver(list => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
  }).observe({ type: 'layout-shift', buffered: true });
  setTimeout(() => resolve(sum), 300);
})"""


def cells(page):
    """The table's rows as texts: layer, output, sees, parameters, multiply-adds, memory."""
    return page.locator(".network-rows tr").evaluate_all(
        """rows => rows.slice(1).map(row => [...row.cells].map(cell => {
          const copy = cell.cloneNode(true);
          copy.querySelectorAll('.network-part').forEach(part => part.remove());
          return copy.textContent;
        }))"""
    )


def shows(page, spec, image):
    """Hold all cells, and the totals, against convbook's table."""
    table = layer_table(spec, image)
    *rows, total = cells(page)
    assert len(rows) == len(table)
    for (name, output, sees, parameters, work, *_), row in zip(rows, table, strict=True):
        assert name == row.name
        assert output == "×".join(map(str, row.output_shape))
        assert sees == "×".join(map(str, row.receptive_field))
        assert parameters.split(" = ") == (
            [row.expression, f"{row.parameters:,}"] if row.parameters else ["0"]
        )
        assert work == f"{row.multiply_adds:,}"
    assert total[2:4] == [f"{table.parameters:,}", f"{table.multiply_adds:,}"]


def texts(page):
    return page.get_by_label("Layers, in the homework’s notation")


def row(page, name):
    return page.locator(".network-rows").get_by_role("button", name=name, exact=True)


def chosen(page):
    return page.locator(".network-rows tr.chosen th").text_content()


def test_it_starts_with_the_homeworks_network(visit):
    seen = visit(PAGE)
    shows(seen.page, HOMEWORK, (28, 28, 1))
    assert (seen.foreign, seen.failed, seen.errors) == ([], [], [])


def test_a_typed_network_is_read_at_every_letter_and_stands_in_the_address(visit):
    page = visit(PAGE).page
    texts(page).fill("conv5-6,s2 → relu -> POOL2")
    page.get_by_role("spinbutton", name="Height").fill("40")
    page.get_by_role("spinbutton", name="Channels").fill("3")
    shows(page, "conv5-6,s2 relu POOL2", (40, 28, 3))
    page.wait_for_function("location.search.includes('network.height=40')")
    page.reload()
    shows(page, "conv5-6,s2 relu POOL2", (40, 28, 3))


def test_each_network_to_start_from_is_counted_as_convbook_counts_it(visit):
    page = visit(PAGE).page
    select = page.get_by_label("Start from")
    values = select.locator("option:not([hidden])").evaluate_all("all => all.map(o => o.value)")
    assert len(values) >= 5
    for value in values:
        select.select_option(value)
        spec = texts(page).input_value()
        image = [
            int(page.get_by_role("spinbutton", name=name).input_value())
            for name in ("Height", "Width", "Channels")
        ]
        shows(page, spec, tuple(image))
        assert select.input_value() == value


def test_while_the_text_cannot_be_read_the_last_network_stays(visit):
    page = visit(PAGE).page
    field = texts(page)
    field.fill("CONV3-10 POOL2 FLATEN FC-3")
    assert field.get_attribute("aria-invalid") == "true"
    message = page.locator(f"#{field.get_attribute('aria-describedby')}")
    assert "FLATEN" in message.text_content()
    assert "FLATTEN" in message.text_content()
    shows(page, HOMEWORK, (28, 28, 1))

    page.get_by_role("button", name="Show the layer").click()
    marked = field.evaluate("f => f.value.slice(f.selectionStart, f.selectionEnd)")
    assert marked == "FLATEN"
    page.keyboard.type("FLATTEN")
    shows(page, "CONV3-10 POOL2 FLATTEN FC-3", (28, 28, 1))
    assert field.get_attribute("aria-invalid") == "false"


def test_one_click_leads_back_from_what_cannot_be_read(visit):
    page = visit(PAGE).page
    page.get_by_role("spinbutton", name="Height").fill("3")  # too small for two poolings
    assert "POOL2" in page.locator("#network-message").text_content()
    page.get_by_role("button", name="Back to the network below").click()
    assert texts(page).get_attribute("aria-invalid") == "false"
    assert page.get_by_role("spinbutton", name="Height").input_value() == "28"
    shows(page, HOMEWORK, (28, 28, 1))


def test_an_address_with_a_network_that_cannot_be_read_shows_its_fault_and_the_input(visit):
    seen = visit(f"{PAGE}?network.spec=CONV3-10+NOISE&network.height=9&network.width=7")
    assert "NOISE" in seen.page.locator("#network-message").text_content()
    assert [line[:2] for line in cells(seen.page)[:1]] == [["Input", "9×7×1"]]
    texts(seen.page).fill("CONV3-10")
    shows(seen.page, "CONV3-10", (9, 7, 1))
    assert seen.errors == []


def test_a_network_is_built_by_touch_alone(visit):
    page = visit(PAGE, width=360, has_touch=True, is_mobile=True).page
    row(page, "POOL2").first.tap()
    assert chosen(page) == "POOL2"
    page.get_by_role("button", name="Add RELU").tap()  # goes behind the chosen layer, and is chosen
    page.get_by_role("button", name="Add BN").tap()
    shows(page, "CONV3-10 POOL2 RELU BN CONV3-10 POOL2 FLATTEN FC-3", (28, 28, 1))
    facts = page.locator(".network-facts")
    facts.get_by_role("button", name="Move layer 4, BN up").tap()
    shows(page, "CONV3-10 POOL2 BN RELU CONV3-10 POOL2 FLATTEN FC-3", (28, 28, 1))
    facts.get_by_role("button", name="Remove layer 3, BN").tap()
    shows(page, "CONV3-10 POOL2 RELU CONV3-10 POOL2 FLATTEN FC-3", (28, 28, 1))
    assert chosen(page) == "RELU"


def test_what_cannot_stand_in_a_place_is_not_put_there_and_the_page_says_why(visit):
    page = visit(PAGE).page
    row(page, "FLATTEN").click()
    page.get_by_role("button", name="Add POOL2").click()
    assert "POOL2" in page.locator("#network-message").text_content()
    assert texts(page).input_value() == HOMEWORK
    shows(page, HOMEWORK, (28, 28, 1))


def test_rows_are_chosen_moved_and_removed_by_keyboard(visit):
    page = visit(PAGE).page
    row(page, "CONV3-10").nth(1).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert chosen(page) == "FLATTEN"
    page.keyboard.press("Home")
    assert chosen(page) == "Input"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")  # its button that moves it up, which has nothing to do
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    shows(page, "POOL2 CONV3-10 CONV3-10 POOL2 FLATTEN FC-3", (28, 28, 1))
    assert page.evaluate("document.activeElement.textContent") == "CONV3-10"
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    shows(page, "POOL2 CONV3-10 POOL2 FLATTEN FC-3", (28, 28, 1))
    page.keyboard.press("Tab")  # past the table's other rows: only the chosen one is a stop
    focused = [page.evaluate("document.activeElement.closest('.network-rows tr')?.className")]
    for _ in range(3):
        page.keyboard.press("Tab")
        focused.append(
            page.evaluate("document.activeElement.closest('.network-rows tr')?.className")
        )
    assert set(focused) <= {"chosen", None}
    assert focused[-1] is None


def test_the_last_layer_cannot_be_removed(visit):
    page = visit(f"{PAGE}?network.spec=RELU&network.layer=1").page
    button = page.get_by_role("button", name="Remove layer 1, RELU").last
    assert button.get_attribute("aria-disabled") == "true"
    button.click(force=True)
    shows(page, "RELU", (28, 28, 1))


@pytest.mark.parametrize(
    "spec,layer", [("CONV3-4 POOL2 CONV3-4", 3), ("CONV3-4,s2 CONV5-2", 2), ("GAP FC-3", 2)]
)
def test_the_window_is_drawn_where_the_middle_output_looks(visit, spec, layer):
    height, width = 20, 31
    page = visit(
        f"{PAGE}?network.spec={spec.replace(' ', '+')}&network.layer={layer}"
        f"&network.height={height}&network.width={width}"
    ).page
    last = layer_table(spec, (height, width, 1))[layer]
    steps = last.stride or (0, 0)
    sides = last.output_shape[:2] if len(last.output_shape) > 1 else (1, 1)
    wanted = []
    for axis, whole in enumerate((height, width)):
        centre = last.offset[axis] + steps[axis] * (sides[axis] // 2)
        reach = (last.receptive_field[axis] - 1) / 2
        first, end = max(centre - reach, 0), min(centre + reach, whole - 1)
        wanted.append((first, end - first + 1))
    drawn = [float(page.locator(".seen").get_attribute(name)) for name in ("y", "height")]
    drawn += [float(page.locator(".seen").get_attribute(name)) for name in ("x", "width")]
    assert drawn == [*wanted[0], *wanted[1]]
    share = round(100 * wanted[0][1] * wanted[1][1] / (height * width))
    assert f"{share}\u00a0%" in page.locator(".explorer-words").text_content()


def test_where_the_window_leaves_the_picture_it_is_drawn_apart_and_said(visit):
    page = visit(f"{PAGE}?network.layer=6").page
    inside, outside = (page.locator(f".network-picture .{kind}") for kind in ("seen", "reach"))
    assert float(outside.get_attribute("width")) > float(inside.get_attribute("width")) == 28
    assert "padding" in page.locator(".network-facts").text_content()


def test_the_copied_command_prints_the_same_table(visit, capsys):
    page = visit(f"{PAGE}?network.spec=CONV3-8,s2+->+relu&network.width=32&network.channels=3").page
    command, *arguments = shlex.split(page.locator(".explorer-copied code").text_content())
    assert command == "convbook"
    assert main([*arguments, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    *_, total = cells(page)
    assert total[2] == f"{printed['parameters']:,}"
    assert [line[0] for line in cells(page)[:-1]] == [one["name"] for one in printed["layers"]]


def test_memory_is_four_bytes_for_each_output(visit):
    page = visit(PAGE).page
    numbers = [row.activations for row in layer_table(HOMEWORK, (28, 28, 1))]
    memory = [line[5 if line[0] != "Total" else 4] for line in cells(page)]
    for told, count in zip(memory, [*numbers, sum(numbers)], strict=True):
        value, unit = told.split("\u00a0")
        assert float(value) * {"B": 1, "kB": 1000}[unit] == pytest.approx(4 * count, abs=51)


@pytest.mark.parametrize("width", [1280, 360])
def test_nothing_moves_when_the_page_is_filled(visit, width):
    page = visit(PAGE, width=width).page
    page.locator(".network-rows").wait_for()
    assert page.evaluate(SHIFTS) < 0.01


def test_on_a_phone_the_table_scrolls_inside_itself_and_the_names_stay(visit):
    page = visit(f"{PAGE}?network.spec=CONV3-64+CONV3-64,circular+CONV3-64", width=360).page
    frame, name = page.locator(".network-rows"), row(page, "CONV3-64,circular")
    before = name.bounding_box()["x"]
    assert frame.evaluate("f => { f.scrollLeft = 200; return f.scrollLeft; }") == 200
    assert name.bounding_box()["x"] == before
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("query", ["", "?network.spec=CONV3-10+NOISE", "?network.height=40"])
def test_axe_finds_nothing(visit, theme, query):
    page = visit(PAGE + query, theme=theme).page
    if "height" in query:  # what could be read, then what cannot: the last network stays
        texts(page).fill("CONV3-10 FC-3")
    found = Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []


def test_the_chapter_asks_a_question_that_the_table_answers(visit):
    # Double the field of the last convolution without a parameter more: it takes a dilation.
    page = visit(PAGE).page
    words = page.locator(".explorer-words")
    plain = int(re.search(r"sees (\d+)×", words.text_content())[1])
    texts(page).fill("CONV3-10 POOL2 CONV3-10,d3 POOL2 FLATTEN FC-3")
    wide = int(re.search(r"sees (\d+)×", words.text_content())[1])
    assert wide >= 2 * plain
    shows(page, "CONV3-10 POOL2 CONV3-10,d3 POOL2 FLATTEN FC-3", (28, 28, 1))


def test_a_chosen_row_far_down_is_in_sight_and_the_page_stays(visit):
    page = visit(PAGE).page
    page.get_by_label("Start from").select_option(label="VGG-16")
    line, frame = (
        page.locator(where).bounding_box() for where in (".network-rows .chosen", ".network-rows")
    )
    assert frame["y"] < line["y"] < line["y"] + line["height"] < frame["y"] + frame["height"]
    assert page.evaluate("scrollY") == 0
