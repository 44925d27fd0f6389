"""The filter studio in a browser: what it draws, and that a reader's picture stays with them."""

import base64
import io
import re

import chromium
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

from convbook import filters
from convbook.palette import SIGNED
from convbook.photographs import LUMA

pytestmark = [pytest.mark.browser, pytest.mark.site]

PAGE = "explorers/filter.html"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
MODES = ("zeros", "reflect", "replicate", "circular")


def pixels(page, number):
    """The colours (h, w, 3) on the picture's canvas, 0, or the response's, 1."""
    canvas = page.locator("filter-studio canvas").nth(number)
    content = canvas.evaluate("canvas => canvas.toDataURL('image/png').split(',')[1]")
    with Image.open(io.BytesIO(base64.b64decode(content))) as image:
        return np.array(image.convert("RGB")).astype(int)


def facts(page):
    """The numbers of the response: term → value."""
    pairs = page.locator(".studio-facts > div").all_inner_texts()
    return dict(pair.split("\n", 1) for pair in pairs)


def give(page, image):
    """Choose a file with this image (h, w, 3), and wait until it is shown."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    content = {"name": "mine.png", "mimeType": "image/png", "buffer": file.getvalue()}
    page.locator("filter-studio input[type=file]").set_input_files(content)
    page.wait_for_function(
        "document.querySelector('filter-studio select').value === 'own'", timeout=5000
    )


def chosen(page, label):
    return page.get_by_role("combobox", name=label, exact=True).input_value()


def choose(page, label, option):
    page.get_by_role("combobox", name=label, exact=True).select_option(option)


@pytest.fixture(scope="module")
def own():
    return np.random.default_rng(7).integers(0, 256, size=(40, 60, 3), dtype=np.uint8)


def test_it_starts_with_a_photograph_and_its_signed_response(visit):
    seen = visit(PAGE)
    shown = pixels(seen.page, 0)
    assert np.array_equal(shown[..., 0], shown[..., 1])  # grey
    assert shown.std() > 20
    response = pixels(seen.page, 1)
    assert np.any(response[..., 0] > response[..., 2] + 60)  # orange
    assert np.any(response[..., 2] > response[..., 0] + 60)  # blue
    assert "CC0" in seen.page.locator("figcaption").first.inner_text()
    assert (seen.errors, seen.failed, seen.foreign) == ([], [], [])


def test_a_photograph_is_loaded_when_the_reader_comes_near(visit):
    page = visit("filters.html").page
    loaded = (
        "() => performance.getEntriesByType('resource').filter(e => /webp/.test(e.name)).length"
    )
    assert page.evaluate(loaded) == 0
    page.locator("filter-studio").scroll_into_view_if_needed()
    page.wait_for_function(f"({loaded})() === 1")


@pytest.mark.parametrize("mode", MODES)
def test_grey_responses_are_convbooks(visit, own, mode):
    page = visit(f"{PAGE}?filter.preset=gaussian&filter.mode={mode}").page
    give(page, own)
    grey = own @ np.array(LUMA) / 255
    wanted = filters.filtered(grey, filters.gaussian(1, 2), mode) * 255
    shown = pixels(page, 1)
    assert shown.shape == own.shape
    for channel in range(3):
        np.testing.assert_allclose(shown[..., channel], wanted, atol=0.5 + 1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_signed_responses_are_convbooks_in_the_chapters_colours(visit, own, mode):
    page = visit(f"{PAGE}?filter.preset=sobel-vertical&filter.mode={mode}&filter.contrast=2").page
    give(page, own)
    response = filters.filtered(own @ np.array(LUMA) / 255, filters.sobel(1), mode)
    limit = 4 / 2  # a white half beside a black one gives 4; the contrast is 2
    share = np.clip(response / limit, -1, 1)[..., None]
    below, zero, above = (
        np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) for colour in SIGNED
    )
    wanted = zero + np.abs(share) * (np.where(share < 0, below, above) - zero)
    np.testing.assert_allclose(pixels(page, 1), wanted, atol=1.01)
    found = facts(page)
    assert number(found["smallest response"]) == pytest.approx(response.min(), abs=0.006)
    assert number(found["largest response"]) == pytest.approx(response.max(), abs=0.006)
    assert number(found["negative pixels"]) == pytest.approx(100 * np.mean(response < 0), abs=0.6)
    assert number(found["sum of the weights"]) == 0


def number(text):
    return float(re.search(r"[−\d.]+", text)[0].replace("−", "-"))


def test_a_readers_picture_is_not_sent_and_not_kept(visit, own):
    seen = visit(PAGE)
    asked = []
    seen.page.on("request", lambda request: asked.append(request.url))
    give(seen.page, own)
    choose(seen.page, "Kernel", "laplacian")
    choose(seen.page, "Border", "circular")
    seen.page.wait_for_timeout(400)
    assert asked == []
    assert "own" not in seen.page.url
    assert "filter.preset=laplacian" in seen.page.url
    kept = "[localStorage.length, sessionStorage.length, document.cookie]"
    assert seen.page.evaluate(kept) == [0, 0, ""]
    seen.page.reload()
    assert chosen(seen.page, "Picture") == "cat"


def test_a_large_picture_is_made_smaller_and_turned_as_its_camera_was(visit):
    page = visit(PAGE).page
    image = np.zeros((300, 900, 3), dtype=np.uint8)
    image[:, :450] = 255  # the left half is white
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise: the left side is then the top
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", exif=exif)
    content = {"name": "tall.jpg", "mimeType": "image/jpeg", "buffer": file.getvalue()}
    page.locator("filter-studio input[type=file]").set_input_files(content)
    page.wait_for_function("document.querySelector('filter-studio canvas').height === 360")
    shown = pixels(page, 0)
    assert shown.shape == (360, 120, 3)
    assert shown[:170].min() > 240
    assert shown[190:].max() < 15


def test_a_file_that_is_no_picture_gets_a_sentence_and_the_photograph_stays(visit):
    seen = visit(PAGE)
    content = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no picture"}
    before = pixels(seen.page, 0)
    seen.page.locator("filter-studio input[type=file]").set_input_files(content)
    problem = seen.page.get_by_role("alert")
    problem.filter(has_text="notes.txt").wait_for()
    np.testing.assert_array_equal(pixels(seen.page, 0), before)
    choose(seen.page, "Picture", "coins")
    seen.page.wait_for_function("!document.querySelector('.studio-problem').textContent")
    assert seen.errors == []


def test_a_picture_too_small_for_a_border_gets_a_sentence(visit):
    seen = visit(f"{PAGE}?filter.preset=box-5")
    give(seen.page, np.full((1, 2, 3), 200, dtype=np.uint8))
    words = seen.page.locator(".explorer-words")
    assert "does not fit" in words.inner_text()
    choose(seen.page, "Border", "zeros")
    assert "does not fit" not in words.inner_text()
    assert seen.errors == []


def test_a_weight_can_be_typed_and_is_kept_in_the_address(visit):
    page = visit(f"{PAGE}?filter.preset=identity").page
    cell = page.get_by_role("grid", name="Kernel").get_by_role("textbox").nth(1)
    cell.fill("1/4")
    assert chosen(page, "Kernel") == "own"
    assert number(facts(page)["sum of the weights"]) == 1.25
    page.wait_for_url("**filter.kernel=0,0.25,0;0,1,0;0,0,0**")
    before = pixels(page, 1)
    page.reload()
    page.wait_for_load_state("networkidle")
    np.testing.assert_array_equal(pixels(page, 1), before)
    page.get_by_role("button", name="Reset").click()
    assert chosen(page, "Kernel") == "sobel-vertical"


def test_a_larger_kernel_filters_as_before(visit):
    page = visit(PAGE).page
    before = pixels(page, 1)
    page.get_by_role("button", name="Rows: one more").click()
    page.get_by_role("button", name="Columns: one more").click()
    page.get_by_role("button", name="Columns: one more").click()
    assert page.get_by_role("grid", name="Kernel").get_by_role("textbox").count() == 20
    np.testing.assert_array_equal(pixels(page, 1)[3:-3, 3:-3], before[3:-3, 3:-3])


def test_the_window_moves_by_keys_by_a_click_and_by_counters(visit):
    page = visit(f"{PAGE}?filter.row=0&filter.column=5&filter.mode=zeros&filter.preset=box-3").page
    where = page.locator(".studio-where")
    outside = page.locator(".studio-outside")
    assert outside.count() == 3
    page.get_by_role("application").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+ArrowRight")
    assert where.inner_text().startswith("At row 1, column 15 ")
    assert outside.count() == 0
    page.get_by_role("button", name="Row of the pixel: one more").click()
    assert where.inner_text().startswith("At row 2, column 15 ")
    canvas = page.locator("filter-studio canvas").nth(1)
    size = canvas.bounding_box()
    canvas.click(position={"x": size["width"] / 2, "y": size["height"] - 2})
    page.mouse.move(1, 1)
    row, column = re.findall(r"\d+", where.inner_text())[:2]
    assert abs(int(column) - 180) <= 1
    assert int(row) >= 236
    page.get_by_role("application").focus()
    page.keyboard.press("Shift+ArrowDown")
    for _ in range(20):
        page.keyboard.press("Shift+ArrowRight")
    assert where.inner_text().startswith("At row 238, column 359 ")
    assert outside.count() == 5
    page.wait_for_url("**filter.column=359**")


def test_a_tap_moves_the_window(visit):
    page = visit(PAGE, width=360, has_touch=True).page
    canvas = page.locator("filter-studio canvas").first
    size = canvas.bounding_box()
    canvas.tap(position={"x": size["width"] / 2, "y": size["height"] / 4})
    row, column = re.findall(r"\d+", page.locator(".studio-where").inner_text())[:2]
    assert abs(int(column) - 180) <= 1
    assert abs(int(row) - 60) <= 1


def test_a_picture_can_be_dropped(visit):
    page = visit(PAGE).page
    page.evaluate("""async () => {
      const canvas = Object.assign(document.createElement('canvas'), { width: 30, height: 20 });
      const file = new File([await new Promise(done => canvas.toBlob(done))], 'mine.png');
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(file);
      document.querySelector('filter-studio canvas').dispatchEvent(
        new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
    }""")
    page.wait_for_function("document.querySelector('filter-studio canvas').width === 30")
    assert pixels(page, 0).min() == 255  # what is transparent lies on white
    assert chosen(page, "Picture") == "own"


def test_window_times_kernel_is_what_the_readout_says(visit):
    page = visit(PAGE).page
    window, kernel = (
        np.array([number(text) for text in texts])
        for texts in (
            page.get_by_role("grid", name="Window").get_by_role("gridcell").all_inner_texts(),
            page.get_by_role("grid", name="Kernel")
            .get_by_role("textbox")
            .evaluate_all("cells => cells.map(cell => cell.value)"),
        )
    )
    shown = number(page.locator(".studio-sum").inner_text())
    assert shown == pytest.approx(window @ kernel, abs=0.005 * (np.abs(kernel).sum() + 1))


def test_a_response_can_be_shown_in_grey_which_loses_its_negative_half(visit, own):
    page = visit(f"{PAGE}?filter.look=grey").page
    give(page, own)
    response = filters.filtered(own @ np.array(LUMA) / 255, filters.sobel(1), "reflect")
    wanted = 255 * np.clip(response, 0, 1)
    np.testing.assert_allclose(pixels(page, 1)[..., 1], wanted, atol=0.5 + 1e-6)


@pytest.mark.parametrize("width", [360, 1280])
def test_filling_it_moves_nothing(visit, width):
    page = visit(PAGE, width=width).page
    moved = """() => new Promise(done => {
      let sum = 0;
      const add = list => list.getEntries().forEach(entry => { sum += entry.value; });
      new PerformanceObserver(add).observe({ type: 'layout-shift', buffered: true });
      setTimeout(() => done(sum), 300);
    })"""
    assert page.evaluate(moved) < 0.01
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_is_accessible(visit, width, theme):
    page = visit(f"{PAGE}?filter.preset=gaussian", width=width, theme=theme).page
    options = {"runOnly": {"type": "tag", "values": WCAG}}
    found = Axe().run(page, options=options)
    assert found.violations_count == 0, found.generate_report()


@pytest.fixture(scope="module")
def lens(browser):
    """A browser of its own with a made-up camera, which it lends without asking."""
    flags = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    lens = browser.browser_type.launch(
        executable_path=chromium.find(), args=["--no-sandbox", "--disable-gpu", *flags]
    )
    yield lens
    lens.close()


def open_studio(lens, address, motion="no-preference"):
    page = lens.new_page(reduced_motion=motion, viewport={"width": 1280, "height": 1000})
    page.goto(address + PAGE)
    page.wait_for_load_state("networkidle")
    return page


def live(page):
    """Start the camera, and wait for its first picture."""
    page.get_by_role("button", name="Camera").click()
    page.get_by_role("button", name="Stop the camera").wait_for()
    assert chosen(page, "Picture") == "live"


def changes(page):
    """Whether the response changes within two seconds."""
    canvas = page.locator("filter-studio canvas").nth(1)
    before = canvas.evaluate("canvas => canvas.toDataURL()")
    for _ in range(10):
        page.wait_for_timeout(200)
        if canvas.evaluate("canvas => canvas.toDataURL()") != before:
            return True
    return False


def test_a_camera_is_filtered_until_it_is_stopped_and_nothing_is_sent(lens, address):
    page = open_studio(lens, address)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    live(page)
    assert changes(page)
    page.get_by_role("button", name="Stop the camera").click()
    assert chosen(page, "Picture") == "own"
    assert pixels(page, 0).std() > 5  # its last picture stays
    assert not changes(page)
    assert asked == []
    page.close()


def test_a_camera_stops_when_another_picture_is_chosen(lens, address):
    page = open_studio(lens, address)
    page.evaluate("""() => {
      const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = async (wish) => (window.lent = await ask(wish));
    }""")
    ended = "window.lent.getTracks().every(track => track.readyState === 'ended')"
    live(page)
    assert not page.evaluate(ended)
    choose(page, "Picture", "bricks")
    assert page.evaluate(ended)
    live(page)
    page.get_by_role("button", name="Reset").click()
    assert page.evaluate(ended)
    live(page)
    page.evaluate("""() => {
      Object.defineProperty(document, 'hidden', { value: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }""")
    assert page.evaluate(ended)
    page.close()


def test_with_reduced_motion_a_camera_gives_a_picture_at_each_press(lens, address):
    page = open_studio(lens, address, motion="reduce")
    live(page)
    assert not changes(page)
    before = pixels(page, 0)
    page.wait_for_timeout(300)
    page.get_by_role("button", name="Take a picture").click()
    assert not np.array_equal(pixels(page, 0), before)
    page.close()


@pytest.mark.parametrize("name", ["NotAllowedError", "NotFoundError", "AbortError"])
def test_without_a_camera_the_reader_is_told_why(visit, name):
    seen = visit(PAGE)
    seen.page.evaluate(
        """name => { navigator.mediaDevices.getUserMedia = async () => {
          throw new DOMException('no', name); }; }""",
        name,
    )
    seen.page.get_by_role("button", name="Camera").click()
    seen.page.wait_for_function("document.querySelector('.studio-problem').textContent")
    assert "camera" in seen.page.get_by_role("alert").inner_text()
    assert chosen(seen.page, "Picture") == "cat"
    assert seen.errors == []
