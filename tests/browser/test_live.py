"""Live cells in a reader's browser: loaded only when asked for, run, edited, stopped, reset."""

import functools
import http.server
import json
import re
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from built_site import SITE

from convbook.exercises import check
from convbook.ops import conv2d
from convbook.shapes import layer_table

pytestmark = [pytest.mark.browser, pytest.mark.site]

PAGE, SECOND_PAGE = "filters.html", "gradients.html"
LIVE_PAGES = sorted(path.name for path in SITE.glob("*.html") if "tag_live" in path.read_text())
# The build's output without the copy buttons that another script puts there.
BUILDS = ".cell_output :is(pre, .text_html)"
ENDS = re.compile("Done|error|Stopped|ended")
PATIENCE = 180_000  # milliseconds; a busy machine takes its time to start Python
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture(scope="module")
def manifest() -> list[dict]:
    path = SITE / "_static/live/manifest.mjs"
    assert path.is_file(), (
        "the build could not get Pyodide: it says why, in its line on live Python"
    )
    return json.loads(re.search(r"= (\[.*\]);", path.read_text(), re.DOTALL)[1])


@pytest.fixture(scope="module")
def requested() -> list[str]:
    """The paths that the server was asked for."""
    return []


@pytest.fixture(scope="module")
def address(requested) -> Iterator[str]:
    """The site, served by a server that counts."""

    class Counting(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_arguments) -> None:
            pass

        def do_GET(self) -> None:
            requested.append(self.path)
            super().do_GET()

    handler = functools.partial(Counting, directory=str(SITE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def cell(page, number=0):
    return page.locator(".cell.tag_live").nth(number)


def button(page, name, number=0):
    return cell(page, number).get_by_role("button", name=name)


def output(page, number=0):
    return cell(page, number).locator(".live-output")


def status(page, number=0):
    return cell(page, number).get_by_role("status")


def editor(page, number=0):
    if button(page, "Edit", number).is_visible():
        button(page, "Edit", number).click()
    return cell(page, number).get_by_role("textbox")


def finished(page, number=0):
    """Wait until a run ends; what it left."""
    status(page, number).filter(has_text=ENDS).wait_for(timeout=PATIENCE)
    return output(page, number)


def run(page, code, number=0):
    """Write code into a cell, and run it; the box with what came of it."""
    editor(page, number).fill(code)
    button(page, "Run", number).click()
    return finished(page, number)


def shown(page, code, kind):
    """What a run shows of a kind: stdout, stderr, text or error."""
    return "".join(run(page, code).locator(f"[data-as={kind}]").all_text_contents())


@pytest.fixture(scope="module")
def opened(browser, address):
    """A page whose Python runs; most tests share it."""
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(address + PAGE)
    button(page, "Run").click()
    finished(page)
    yield page
    context.close()


@pytest.fixture
def page(opened):
    """The shared page, its first live cell as it was written."""
    if button(opened, "Stop").is_visible():
        button(opened, "Stop").click()
    if button(opened, "Reset").is_visible():
        button(opened, "Reset").click()
    return opened


# ---- loading ----


def test_nothing_is_loaded_before_a_reader_asks(visit, requested, manifest):
    requested.clear()
    page = visit(PAGE).page
    editor(page).fill("1 + 1")
    page.wait_for_load_state("networkidle")
    paths = [file["path"] for file in manifest]
    assert not [url for url in requested if any(path in url for path in paths)]
    assert "worker" not in " ".join(requested)


def test_the_button_says_how_much_comes(visit, manifest):
    size = sum(file["bytes"] for file in manifest) / 1e6
    assert f"{size:.1f} MB" in button(visit(PAGE).page, "Run").text_content()


def test_what_is_loaded_comes_once_and_from_this_host_alone(visit, requested, manifest):
    seen = visit(PAGE)
    requested.clear()
    button(seen.page, "Run").click()
    finished(seen.page)
    assert output(seen.page).locator("pre, .verdict, table").count() >= 1
    fetched = [url.partition("?")[0] for url in requested]
    for file in manifest:
        assert fetched.count(f"/_static/live/{file['path']}") == 1
    assert seen.foreign == []
    assert seen.failed == []
    assert seen.errors == []


def test_progress_is_told_in_bytes(visit, manifest):
    page = visit(PAGE).page
    button(page, "Run").wait_for()
    total = sum(file["bytes"] for file in manifest)
    page.evaluate(
        """() => {
          window.seen = [];
          const bar = document.querySelector('.cell.tag_live progress');
          const note = () => window.seen.push([bar.value, bar.max, bar.hidden,
                                               bar.parentElement.textContent]);
          new MutationObserver(note).observe(bar, {attributes: true});
        }"""
    )
    button(page, "Run").click()
    finished(page)
    seen = page.evaluate("window.seen")
    values = [value for value, most, hidden, _ in seen if not hidden and most == total]
    assert values == sorted(values)
    assert 0 < values[0] <= values[-1] <= total
    assert any(re.search(rf"\d\.\d of {total / 1e6:.1f} MB", text) for *_, text in seen)
    assert not cell(page).locator("progress").is_visible()


def test_a_second_page_loads_nothing_and_no_longer_asks(opened, address, requested, manifest):
    page = opened.context.new_page()
    page.goto(address + SECOND_PAGE)
    page.wait_for_load_state("networkidle")
    assert button(page, "Run").text_content() == "Run"
    requested.clear()
    button(page, "Run").click()
    finished(page)
    paths = [file["path"] for file in manifest]
    assert not [url for url in requested if any(path in url for path in paths)]
    page.close()


def test_what_an_older_version_left_in_the_cache_is_taken_away(browser, address, manifest):
    context = browser.new_context()
    page = context.new_page()
    page.goto(address + PAGE)
    old = f"{address}_static/live/pyodide-0.1/old.wasm?v=0"
    page.evaluate(
        "async old => (await caches.open('live-python')).put(old, new Response('x'))", old
    )
    button(page, "Run").click()
    finished(page)
    kept = page.evaluate(
        "async () => (await (await caches.open('live-python')).keys()).map(k => k.url)"
    )
    assert old not in kept
    assert len(kept) == len(manifest)
    context.close()


def test_a_load_that_fails_is_told_and_can_be_tried_again(visit):
    page = visit(PAGE).page
    page.context.route("**/*.whl*", lambda route: route.fulfill(status=404))
    button(page, "Run").click()
    assert "could not be loaded" in finished(page).text_content()
    page.context.unroute("**/*.whl*")
    assert "MB" in button(page, "Run").text_content()
    button(page, "Run").click()
    status(page).filter(has_text="Done").wait_for(timeout=PATIENCE)


# ---- running ----


def test_a_cell_runs_as_it_stands_and_the_builds_output_stays(page):
    before = cell(page).locator(".cell_output").all_text_contents()
    button(page, "Run").click()
    finished(page)
    assert status(page).text_content() == "Done."
    assert cell(page).locator(".cell_output").all_text_contents() == before
    assert "Your run" in output(page).text_content()


@pytest.mark.parametrize("name", LIVE_PAGES)
def test_every_live_cell_comes_to_what_the_build_shows(opened, address, name):
    page = opened.context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(address + name)
    page.wait_for_selector(".live-bar")
    for number in range(page.locator(".cell.tag_live").count()):
        button(page, "Run", number).click()
        run = finished(page, number)
        assert status(page, number).text_content() == "Done."
        mine = "".join(run.locator(":scope > :not(.live-title)").all_text_contents())
        builds = "".join(cell(page, number).locator(BUILDS).all_text_contents())
        assert mine.split() == builds.split()
    page.close()


def test_changed_code_runs(page):
    rng = np.random.default_rng()
    picture, kernel = rng.integers(-9, 9, (5, 6)), rng.integers(-9, 9, (3, 2))
    code = f"""
import numpy as np
from convbook.ops import conv2d
conv2d(np.array({picture.tolist()}), np.array({kernel.tolist()}))"""
    assert shown(page, code, "text") == repr(conv2d(picture, kernel))


def test_prints_and_warnings_come_out(page):
    code = "import sys\nprint('to one')\nprint('to the other', file=sys.stderr)"
    assert shown(page, code, "stdout") == "to one\n"
    assert output(page).locator("[data-as=stderr]").text_content() == "to the other\n"


def test_an_error_names_the_readers_lines_and_none_of_pyodides(page):
    code = (
        "import numpy as np\nfrom convbook.ops import conv2d\n\n"
        "def go():\n    return conv2d(np.ones((2, 2)), np.ones((3, 3)))\n\ngo()"
    )
    told = shown(page, code, "trace")
    assert re.findall(r'File "(.*?)", line (\d+)', told) == [
        ("live cell 1", "7"),
        ("live cell 1", "5"),
    ]
    with pytest.raises(ValueError) as wanted:  # noqa: PT011
        conv2d(np.ones((2, 2)), np.ones((3, 3)))
    assert output(page).locator("[data-as=error]").text_content() == f"ValueError: {wanted.value}"
    assert "pyodide" not in output(page).text_content()


def test_a_module_that_is_not_there_is_told(page):
    assert "torch is not" in shown(page, "import torch", "error")


@pytest.mark.parametrize("answer", [(0, -1), (0, 0)])
def test_an_answer_is_checked_as_on_the_page(page, answer):
    box = run(page, f"from convbook.exercises import check\ncheck('filters-shift', {answer})")
    verdict = box.locator(".verdict")
    wanted = check("filters-shift", answer)
    assert verdict.text_content() == repr(wanted)
    assert ("right" in verdict.get_attribute("class")) == bool(wanted)


def test_a_table_of_layers_draws_itself(page):
    spec = "CONV3-10 POOL2 FLATTEN FC-3"
    code = f"from convbook.shapes import layer_table\nlayer_table({spec!r}, (28, 28, 1))"
    table = run(page, code).locator("table")
    assert table.locator("tbody tr").count() == len(layer_table(spec, (28, 28, 1)))


def test_names_live_on_and_cells_above_run_first(page):
    """In a fresh worker, the last cell runs what stands above it."""
    last = page.locator(".cell.tag_live").count() - 1
    assert last >= 1
    run(page, f"{editor(page).input_value()}\nmarker = 41")
    assert "42" in run(page, "marker + 1", last).text_content()
    editor(page, last).fill("while True: pass")
    button(page, "Run", last).click()
    status(page, last).filter(has_text="Running").wait_for()
    button(page, "Stop", last).click()
    assert "42" in run(page, "marker + 1", last).text_content()
    run(page, "1 / 0")  # has run, with an error; the next worker meets it first
    editor(page, last).fill("while True: pass")
    button(page, "Run", last).click()
    status(page, last).filter(has_text="Running").wait_for()
    button(page, "Stop", last).click()
    told = run(page, "marker + 1", last).text_content()
    assert "In live cell 1" in told
    assert "ZeroDivisionError" in told
    button(page, "Reset", last).click()


def test_endless_printing_neither_fills_the_page_nor_resists_a_stop(page):
    editor(page).fill("while True: print('again and again')")
    button(page, "Run").click()
    output(page).get_by_text("The output ends here").wait_for()
    assert len(output(page).text_content()) < 110_000
    button(page, "Stop").click()
    assert "Stopped" in (status(page).text_content())


def test_an_endless_loop_is_stopped_and_python_starts_again(page):
    run(page, "kept = 1")
    editor(page).fill("while True: pass")
    button(page, "Run").click()
    status(page).filter(has_text="Running").wait_for()
    button(page, "Stop").click()
    status(page).filter(has_text="Stopped").wait_for()
    assert "variables are gone" in status(page).text_content()
    assert "NameError" in shown(page, "kept", "error")


def test_loading_can_be_stopped_and_begun_again(visit):
    page = visit(PAGE).page
    page.context.route("**/numpy-*", lambda _route: None)  # does not answer
    button(page, "Run").click()
    status(page).filter(has_text="Loading").wait_for()
    button(page, "Stop").click()
    status(page).filter(has_text="Stopped").wait_for()
    assert "MB" in button(page, "Run").text_content()  # not all has come
    page.context.unroute("**/numpy-*")
    button(page, "Run").click()
    status(page).filter(has_text="Done").wait_for(timeout=PATIENCE)


def test_a_python_that_breaks_down_is_told_and_starts_again(page):
    run(page, "kept = 1\nimport os\nos._exit(3)")
    assert "ended" in status(page).text_content()
    assert "Python has broken down" in output(page).text_content()
    assert "NameError" in shown(page, "kept", "error")
    assert shown(page, "6 * 7", "text") == "42"


def test_reset_brings_back_the_text_and_takes_the_run_away(page):
    source = cell(page).locator(".cell_input pre").text_content()
    run(page, "print('mine')")
    assert not cell(page).locator(".cell_input pre").is_visible()
    button(page, "Reset").click()
    assert cell(page).locator("textarea").count() == 0
    assert cell(page).locator(".cell_input pre").is_visible()
    assert cell(page).locator(".cell_input pre").text_content() == source
    assert output(page).text_content() == ""
    assert editor(page).input_value() == source.rstrip("\n")


def test_only_what_draws_passes_from_a_run_into_the_page(page):
    html = (
        '<p class="verdict" onclick="x()">a<script>window.caught = 1</script>'
        '<img src=x onerror="window.caught = 2"><a href="javascript:x()">b</a>'
        '<strong style="color: red">c</strong></p><table><tr><td colspan="2">d</td></tr></table>'
    )
    drawn = page.evaluate(
        """async html => {
          const { drawingOf } = await import(new URL('_static/live/output.mjs', location));
          const box = document.createElement('div');
          box.append(drawingOf(html));
          return box.innerHTML;
        }""",
        html,
    )
    assert drawn == (
        '<p class="verdict">a<strong>c</strong></p>'
        '<table><tbody><tr><td colspan="2">d</td></tr></tbody></table>'
    )
    assert page.evaluate("window.caught") is None


# ---- hands, eyes, paper ----


def focused(page):
    return page.evaluate("document.activeElement.textContent || document.activeElement.tagName")


def test_everything_goes_by_keyboard_and_nothing_holds_it(page):
    button(page, "Run").focus()
    page.keyboard.press("Tab")
    assert focused(page) == "Edit"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    page.keyboard.press("Control+A")
    page.keyboard.type("for i in range(2):\nprint(i)")  # Enter indents after a colon
    page.keyboard.press("Control+Enter")
    finished(page)
    assert output(page).locator("[data-as=stdout]").text_content() == "0\n1\n"
    page.keyboard.press("Tab")
    assert focused(page) == "Run"
    page.keyboard.press("Enter")
    finished(page)
    assert focused(page) == "Run"
    page.keyboard.press("Tab")
    assert focused(page) == "Reset"
    page.keyboard.press("Enter")
    assert focused(page) == "Edit"


def test_a_stop_by_keyboard_leaves_the_keyboards_place(page):
    editor(page).fill("while True: pass")
    button(page, "Run").focus()
    page.keyboard.press("Enter")
    status(page).filter(has_text="Running").wait_for()
    page.keyboard.press("Tab")
    assert focused(page) == "Stop"
    page.keyboard.press("Enter")
    status(page).filter(has_text="Stopped").wait_for()
    assert focused(page) == "Run"


def test_what_is_typed_can_be_undone(page):
    before = editor(page).input_value()
    editor(page).press("Control+End")
    page.keyboard.press("Enter")
    page.keyboard.type("x")
    assert editor(page).input_value() == f"{before}\nx"
    page.keyboard.press("Control+Z")
    page.keyboard.press("Control+Z")
    assert editor(page).input_value() == before


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_goes_by_touch_on_a_phone(visit, theme):
    page = visit(PAGE, width=360, theme=theme, has_touch=True, is_mobile=True).page
    for name in ("Run", "Edit"):
        box = button(page, name).bounding_box()
        assert min(box["width"], box["height"]) >= 24  # WCAG 2.2, 2.5.8
    button(page, "Edit").tap()
    cell(page).get_by_role("textbox").fill(f"print({'1 + ' * 60}1)\nlist(range(100))\n1 / 0")
    button(page, "Run").tap()
    finished(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    visible = cell(page).locator(".live-bar").get_by_role("button")
    for box in [one.bounding_box() for one in visible.all()]:
        assert min(box["width"], box["height"]) >= 24


@pytest.mark.parametrize("width", [1280, 360])
def test_an_open_editor_and_its_output_are_accessible(opened, address, width):
    page = opened.context.new_page()
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(address + PAGE)
    code = (
        "import sys\nfrom convbook.exercises import check\nprint('a')\n"
        "print('b', file=sys.stderr)\ndisplay(check('filters-shift', (0, 0)))\ndisplay(1)\n1 / 0"
    )
    run(page, code)
    options = {"runOnly": {"type": "tag", "values": WCAG}, "resultTypes": ["violations"]}
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.wait_for_function(f"document.documentElement.dataset.theme == '{theme}'")
        found = Axe().run(page, context=".cell.tag_live", options=options)
        assert found.violations_count == 0, found.generate_report()
    page.close()


def test_the_editor_takes_the_place_of_the_source(page):
    source = cell(page).locator(".cell_input pre")
    style = (
        "e => { const s = getComputedStyle(e); return [s.fontFamily, s.fontSize, s.lineHeight]; }"
    )
    before, looks = source.bounding_box(), source.evaluate(style)
    field = editor(page)
    assert field.evaluate(style) == looks
    after = field.bounding_box()
    assert abs(after["height"] - before["height"]) < 8
    assert abs(after["width"] - before["width"]) < 8


@pytest.mark.parametrize("width", [1280, 360])
def test_the_buttons_come_into_a_place_that_is_kept_for_them(browser, address, width):
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    held = []
    page.route("**/live.mjs*", lambda route: held.append(route))
    page.goto(address + PAGE, wait_until="commit")
    page.wait_for_selector("footer", state="attached")
    page.wait_for_timeout(500)
    heights = "all => all.map(e => e.getBoundingClientRect().height)"
    before = page.eval_on_selector_all(".tag_live > .cell_input", heights)
    assert page.locator(".live-bar").count() == 0
    held[0].continue_()
    page.wait_for_selector(".live-bar")
    assert page.eval_on_selector_all(".tag_live > .cell_input", heights) == pytest.approx(before)
    assert len(before) >= 1
    context.close()


def test_without_javascript_a_live_cell_is_a_cell(visit):
    page = visit(PAGE, java_script_enabled=False).page
    assert cell(page).locator(".cell_input pre").is_visible()
    assert cell(page).locator("button").count() == 0
    assert not page.locator(".live-note").first.is_visible()


def test_on_paper_there_are_no_buttons(page):
    run(page, "print('mine')")
    page.emulate_media(media="print")
    assert not cell(page).locator(".live-bar").is_visible()
    page.emulate_media(media="screen")
    assert cell(page).locator(".live-bar").is_visible()
