"""What a chapter's cells leave for the site: a figure's files, its numbers, glue, answers."""

import ast
import base64
import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from PIL import Image
from traitlets.config import Config

from convbook.palette import ROLES
from convbook.plotting import NARROW, WIDE, draw_image, draw_matrix, panels, role
from convbook.publish import (
    ANSWER_MIME,
    DATA_MIME,
    FIGURE_MIME,
    answer,
    data_file,
    figure,
    glue,
    in_print,
)
from convbook.rendering import THUMBNAIL, render, render_slides, to_csv

POINTS = 72  # an inch
GLUE_MIME = "application/papermill.record/text/plain"


@pytest.fixture(scope="module", autouse=True)
def shell(tmp_path_factory):
    """An IPython that takes what is displayed, as a chapter's kernel does, and leaves no trace."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        patch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # it puts its own there
        yield InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
        InteractiveShell.clear_instance()


def displayed(function, *arguments, **options):
    """Everything that a call displays: pairs of a MIME bundle and its metadata."""
    with capture_output() as captured:
        function(*arguments, **options)
    assert captured.stdout == captured.stderr == ""
    return [(output.data, output.metadata) for output in captured.outputs]


def drawing(page):
    """A bit of all that figures hold: an image, a matrix, lines, words, arrows, a formula."""
    image, matrix, plot = panels(page, 3, 3)
    draw_image(image, np.arange(100).reshape(10, 10) / 100, "α → β, −1")
    draw_matrix(matrix, [[0, -1], [1, 2]], "kernel", highlight=[(0, 1)])
    plot.plot([0, 1, 2], [0, 1, 4], label="a")
    plot.annotate("here", (1, 1), (0, 3), arrowprops={"arrowstyle": "->"})
    plot.bar([0, 1], [1, 2], hatch="//")
    plot.fill_between([0, 1], [0, 1])
    plot.scatter([1], [3])
    plot.errorbar([0, 1], [1, 1], yerr=0.2)
    plot.grid(True)
    plot.set(xlabel=r"$x^2 + \mathbf{w} \cdot \alpha$", ylabel="a < b & c")


# The drawing's files, written to standard output by a process of its own.
SCRIPT = """
import json, sys
from test_publish import rendered
json.dump({name: content.hex() for name, content in rendered().items()}, sys.stdout)
"""


@pytest.fixture(scope="module")
def files():
    return rendered()


def rendered():
    slides = render_slides("made-up", drawing, "It rises", "The book · CC BY 4.0 · its address")
    return render("made-up", drawing, 3.0, 6.0) | slides


def plain(page):
    page.subplots().plot([0, 1])


def test_the_same_drawing_gives_the_same_bytes():
    assert rendered() == rendered()


@pytest.mark.parametrize("seed", ["1", "2"])
def test_another_process_gives_the_same_bytes_and_complains_of_nothing(seed):
    paths = [str(Path(__file__).parent), *sys.path]
    variables = {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    found = {name: bytes.fromhex(text) for name, text in json.loads(done.stdout).items()}
    assert found == rendered()
    assert done.stderr == ""  # a chapter that writes there fails the build


def test_a_reader_s_own_settings_do_not_reach_the_figures():
    before = rendered()
    settings = {"lines.marker": "o", "savefig.bbox": "tight", "figure.dpi": 50, "font.size": 30}
    with mpl.rc_context(settings):
        assert rendered() == before
        assert {name: mpl.rcParams[name] for name in settings} == settings


def test_another_id_shares_no_names_inside_the_svg():
    """Two SVGs in one page would otherwise clip each other."""

    def names(id):
        svg = render(id, plain, 3.0, 3.0)[f"{id}.svg"].decode()
        return set(re.findall(r'<clipPath id="([^"]+)"', svg))

    assert names("one-figure")
    assert names("one-figure").isdisjoint(names("another-figure"))


def test_the_last_digits_of_a_layout_do_not_reach_the_files():
    """A constrained layout's differ from one process to the next."""

    def drawn(left):
        def draw(figure):
            figure.set_layout_engine("none")
            figure.add_axes((left, 0.1, 0.6, 0.8)).plot([0, 1], [0, 1])

        return render("made-up", draw, 3.0, 3.0)

    assert drawn(0.25) == drawn(np.nextafter(0.25, 1))
    assert drawn(0.25) != drawn(0.26)


def test_the_files_are_what_their_names_say(files):
    page = {".svg", "-narrow.svg", ".pdf", ".png"}
    slides = {
        f"-slide{ground}.{kind}" for ground in ("", "-dark") for kind in ("svg", "pdf", "png")
    }
    thumbs = {"-thumb.webp", "-thumb-dark.webp"}
    assert set(files) == {f"made-up{end}" for end in page | slides | thumbs}
    for name in [name for name in files if name.endswith(".pdf")]:
        assert files[name].startswith(b"%PDF-")
    for name in [name for name in files if name.endswith(".svg")]:
        assert ElementTree.fromstring(files[name]).tag == "{http://www.w3.org/2000/svg}svg"
    with Image.open(io.BytesIO(files["made-up.png"])) as image:
        assert image.width == 1440
        # opaque, for slides: the other files have no ground of their own
        assert np.asarray(image.convert("RGBA"))[..., 3].min() == 255
    for ground in ("", "-dark"):
        with Image.open(io.BytesIO(files[f"made-up-slide{ground}.png"])) as image:
            assert image.size == (1920, 1080)
        with Image.open(io.BytesIO(files[f"made-up-thumb{ground}.webp"])) as image:
            assert image.size == THUMBNAIL


@pytest.mark.parametrize(
    "name, width, height", [("made-up.svg", WIDE, 3.0), ("made-up-narrow.svg", NARROW, 6.0)]
)
def test_the_phone_s_drawing_is_narrow_and_as_high_as_asked(files, name, width, height):
    root = ElementTree.fromstring(files[name])
    size = [float(value) for value in root.get("viewBox").split()]
    np.testing.assert_allclose(size, [0, 0, width * POINTS, height * POINTS])
    assert float(root.get("width").removesuffix("pt")) == size[2]


@pytest.mark.parametrize("name", ["made-up.svg", "made-up-narrow.svg"])
def test_words_are_outlines(files, name):
    tags = {
        element.tag.rpartition("}")[2] for element in ElementTree.fromstring(files[name]).iter()
    }
    assert tags.isdisjoint({"text", "tspan", "font", "foreignObject"})
    assert "path" in tags


def painted(svg):
    """The colours of an SVG's shapes and strokes, as pairs (property, colour)."""
    styles = [element.get("style") or "" for element in ElementTree.fromstring(svg).iter()]
    return set(re.findall(r"(fill|stroke): (#[0-9a-f]{6})\b", "; ".join(styles)))


def dark_rules(svg):
    """What the rules for a dark page say: {(property, colour): (property, colour instead)}."""
    elements = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}style")
    (sheet,) = [e.text for e in elements if "prefers-color-scheme" in e.text]
    whole = re.fullmatch(r"@media \(prefers-color-scheme:dark\)\{(.*)\}", sheet)
    rule = r'\[style\*="(\w+): (#\w+)"\]\{(\w+):(#\w+)!important\}'
    assert re.fullmatch(f"({rule})*", whole[1])
    return {(p, light): (q, dark) for p, light, q, dark in re.findall(rule, whole[1])}


@pytest.mark.parametrize("name", ["made-up.svg", "made-up-narrow.svg"])
def test_the_dark_rules_turn_the_role_colours_that_are_used_and_no_other(files, name):
    dark = {colour.light: colour.dark for colour in ROLES.values()}
    used = {(prop, colour) for prop, colour in painted(files[name]) if colour in dark}
    assert len(used) > 8
    assert dark_rules(files[name]) == {(p, colour): (p, dark[colour]) for p, colour in used}


@pytest.mark.parametrize("name", ["made-up.svg", "made-up-narrow.svg"])
def test_what_matplotlib_draws_by_itself_turns_too(files, name):
    """A black that nobody asked for would vanish on the dark page."""
    assert {colour for _, colour in painted(files[name])} <= {c.light for c in ROLES.values()}


@settings(max_examples=15, deadline=None)
@given(st.sets(st.sampled_from(sorted(ROLES)), max_size=4))
def test_only_colours_of_this_very_figure_have_rules(names):
    def draw(page):
        axes = page.subplots()
        axes.axis("off")
        for name in names:
            axes.plot([0, 1], [0, 1], color=role(name))

    svg = render("made-up", draw, 1.0, 1.0)["made-up.svg"]
    assert set(dark_rules(svg)) == {("stroke", ROLES[name].light) for name in names}


# Printable characters: a NUL is none, and a bare carriage return ends a line for some readers.
words = st.text(st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(' ,;"\n'))
COLUMNS = {
    "integers": st.integers(-(2**63), 2**63 - 1),
    "words": words,
    "numbers": st.floats(allow_nan=False, allow_infinity=False),
    "truth": st.booleans(),
}


@st.composite
def tables(draw):
    """Columns of one length, each of one kind."""
    kinds = draw(st.dictionaries(words, st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=4))
    rows = draw(st.integers(0, 5))
    return {
        name: draw(st.lists(COLUMNS[kind], min_size=rows, max_size=rows))
        for name, kind in kinds.items()
    }


def written(value):
    return f"{value:.10g}" if isinstance(value, float) else str(value)


@settings(deadline=None)
@given(tables())
def test_a_table_reads_back_as_it_was(table):
    header, *rows = csv.reader(io.StringIO(to_csv(table), newline=""))
    assert header == list(table)
    assert rows == [[written(v) for v in row] for row in zip(*table.values(), strict=True)]


@settings(deadline=None)
@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=8), st.booleans())
def test_numpy_reads_the_numbers_back(numbers, as_array):
    column = np.array(numbers) if as_array else numbers
    text = to_csv({"place": range(len(numbers)), "value": column})
    read = np.genfromtxt(io.StringIO(text), delimiter=",", names=True, ndmin=1)
    np.testing.assert_array_equal(read["place"], np.arange(len(numbers)))
    np.testing.assert_allclose(read["value"], numbers, rtol=1e-9, atol=0)


def test_a_column_may_be_a_grid_or_the_values_of_a_dict():
    table = {"grid": np.arange(4).reshape(2, 2), "name": dict.fromkeys("abcd").keys()}
    assert to_csv(table) == "grid,name\n0,a\n1,b\n2,c\n3,d\n"


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=2, max_size=4).filter(lambda n: len(set(n)) > 1))
def test_columns_of_unequal_length_are_refused(lengths):
    with pytest.raises(ValueError, match="column"):
        to_csv({str(i): range(length) for i, length in enumerate(lengths)})


@pytest.fixture
def in_a_build(monkeypatch):
    monkeypatch.setenv("CONVBOOK_CREDIT", "The book · figures/{id}.html")


def base64s(files):
    return {name: base64.b64encode(content).decode() for name, content in files.items()}


@pytest.mark.usefixtures("in_a_build")
def test_a_figure_leaves_one_bundle_with_its_record():
    ((data, _),) = displayed(
        figure,
        "made-up",
        plain,
        title="It rises.",
        alt="A line from 0 to 1.",
        data={"y": [0, 1], "seed": [0, 1]},
        height=2.0,
        narrow_height=4.0,
        seeds=np.arange(2),
        interval={"y": "seed"},
    )
    record = json.loads(json.dumps(data[FIGURE_MIME]))  # as it travels to the site
    files = record.pop("files")
    assert record == {
        "id": "made-up",
        "title": "It rises.",
        "alt": "A line from 0 to 1.",
        "seeds": [0, 1],
        "interval": {"y": {"draws": "seed"}},
    }
    assert base64.b64decode(files.pop("made-up.csv")) == b"y,seed\n0,0\n1,1\n"
    slides = render_slides("made-up", plain, "It rises.", "The book · figures/made-up.html")
    assert files == base64s(render("made-up", plain, 2.0, 4.0) | slides)
    assert data["image/png"] == files["made-up.png"]
    assert "A line from 0 to 1." in data["text/plain"]


@pytest.mark.usefixtures("in_a_build")
def test_a_figure_is_as_high_on_a_phone_unless_told():
    ((data, _),) = displayed(figure, "made-up", plain, title="T", alt="A", height=2.5)
    record = data[FIGURE_MIME]
    assert base64s(render("made-up", plain, 2.5, 2.5)).items() <= record["files"].items()
    assert record["seeds"] is None
    assert record["interval"] is None


def test_in_a_notebook_a_figure_is_shown_and_leaves_no_files(monkeypatch):
    monkeypatch.delenv("CONVBOOK_CREDIT", raising=False)
    ((data, _),) = displayed(figure, "made-up", plain, title="T", alt="A", height=2.5)
    assert set(data) == {"image/png", "text/plain"}
    assert base64.b64decode(data["image/png"]) == render("made-up", plain, 2.5, 2.5)["made-up.png"]


@pytest.mark.parametrize(
    "wrong, named",
    [
        ({"title": " "}, "title"),
        ({"alt": ""}, "alt"),
        ({"alt": "\n"}, "alt"),
        ({"data": {"x": [1], "y": [1, 2]}}, "'y'"),
        ({"data": {"x": [1]}, "interval": {"y": "x"}}, "'y'"),
        ({"interval": {"y": "x"}}, "data"),
        ({"title": "long " * 40}, "title"),
    ],
)
@pytest.mark.usefixtures("in_a_build")
def test_a_figure_that_lacks_something_leaves_nothing(wrong, named):
    with capture_output() as captured, pytest.raises(ValueError, match=named):
        figure("made-up", plain, **{"title": "T", "alt": "A"} | wrong)
    assert captured.outputs == []


PLAIN = [
    (np.float64(1.0), 1.0),
    (np.float32(0.5), 0.5),
    (np.int64(3), 3),
    (np.bool_(True), True),
    (np.array(2.0), 2.0),
    (np.arange(4).reshape(2, 2), [[0, 1], [2, 3]]),
    (np.array([1, None], dtype=object), [1, None]),
    (np.array([np.int64(1)], dtype=object), [1]),
    ((1, np.float64(2.0)), [1, 2.0]),
    ({3: np.ones(2), "deep": [{"x": np.int8(1)}]}, {"3": [1.0, 1.0], "deep": [{"x": 1}]}),
    ("K*K*C*F", "K*K*C*F"),
    (7, 7),
]


def kinds(value):
    """The value's type, and those of all that it holds: 1 and 1.0 and True are equal to Python."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return type(value), [kinds(item) for item in inside]


@pytest.mark.parametrize("value, expected", PLAIN)
def test_glue_leaves_a_plain_value_where_the_prose_looks_for_it(value, expected):
    ((data, metadata),) = displayed(glue, "name", value)
    assert metadata["scrapbook"] == {"name": "name", "mime_prefix": GLUE_MIME[: -len("text/plain")]}
    assert set(data) == {GLUE_MIME}
    found = ast.literal_eval(data[GLUE_MIME])
    assert (found, kinds(found)) == (expected, kinds(expected))


@pytest.mark.parametrize("value, expected", PLAIN)
def test_an_answer_leaves_a_plain_record_and_glue_under_its_id(value, expected):
    (glued, metadata), (data, _) = displayed(answer, "2c", value)
    assert metadata["scrapbook"]["name"] == "2c"
    assert ast.literal_eval(glued[GLUE_MIME]) == expected
    record = data[ANSWER_MIME]
    assert record == json.loads(json.dumps(record))
    assert record == {"id": "2c", "value": expected, "source": "computed"}
    assert kinds(record["value"]) == kinds(expected)
    assert "2c" in data["text/plain"]


def recorded(*arguments, **facts):
    """The record that an answer leaves."""
    return displayed(answer, *arguments, **facts)[-1][0][ANSWER_MIME]


def refused(value, source="computed", **facts):
    """Whether an answer is refused, and with nothing left behind."""
    with capture_output() as captured, pytest.raises(ValueError, match="6a"):
        answer("6a", value, source, **facts)
    return captured.outputs == []


SIMULATED = {"mean": 0.9, "std": 0.02, "seeds": 20, "ci95": [0.88, 0.92]}
MEASURED = {"device": "a GPU", "measured_on": "2026-11-23", "torch": "2.13.0", "commit": "1ecb939"}


@pytest.mark.parametrize("source", ["", "Computed", "guessed", None])
def test_a_source_must_be_known(source):
    assert refused(1, source)


@pytest.mark.parametrize("source", ["computed", "predicted"])
def test_what_is_computed_or_predicted_need_state_no_more(source):
    assert recorded("2c", 1, source) == {"id": "2c", "value": 1, "source": source}


def test_a_simulated_answer_states_its_spread():
    given = SIMULATED | {"ci95": np.array([0.88, 0.92])}
    assert recorded("6a", given, "simulated")["value"] == SIMULATED
    cases = {3: given, 5: given}  # one result a kernel size
    assert recorded("6e", cases, "simulated")["value"] == {"3": SIMULATED, "5": SIMULATED}


@pytest.mark.parametrize("missing", SIMULATED)
def test_a_simulated_answer_without_its_spread_is_refused(missing):
    lacking = {key: value for key, value in SIMULATED.items() if key != missing}
    assert refused(lacking, "simulated")
    assert refused({3: SIMULATED, 5: lacking}, "simulated")
    assert refused(SIMULATED | {missing: None}, "simulated")


@pytest.mark.parametrize("value", [0.9, [0.9], {}, "0.9", {3: SIMULATED, 5: 0.9}])
def test_a_simulated_answer_is_no_bare_number(value):
    assert refused(value, "simulated")


@pytest.mark.parametrize("seeds", [0, 1, 9])
def test_a_simulated_answer_over_few_seeds_is_refused(seeds):
    assert refused(SIMULATED | {"seeds": seeds}, "simulated")
    assert refused({3: SIMULATED, 5: SIMULATED | {"seeds": seeds}}, "simulated")


@pytest.mark.parametrize("value", [float("nan"), np.float64("inf"), -np.inf])
def test_a_glued_number_is_finite(value):
    with capture_output() as captured, pytest.raises(ValueError, match="gain"):
        glue("gain", value)
    assert captured.outputs == []


@pytest.mark.parametrize("facts", [MEASURED, MEASURED | {"recorded": True}])
def test_a_measured_answer_states_its_device_day_versions(facts):
    expected = {"id": "7a", "value": 80.0, "source": "measured"} | facts
    assert recorded("7a", np.float64(80), "measured", **facts) == expected


@pytest.mark.parametrize("missing", MEASURED)
def test_a_measured_answer_without_one_of_these_is_refused(missing):
    facts = {key: value for key, value in MEASURED.items() if key != missing}
    assert refused(80.0, "measured", **facts)
    assert refused(80.0, "measured", **facts, **{missing: ""})


not_finite = st.sampled_from([float("nan"), float("inf"), -float("inf")])
nested = st.recursive(
    not_finite | not_finite.map(np.float64) | not_finite.map(lambda x: np.array([0.0, x])),
    lambda inner: st.one_of(
        st.tuples(st.just(1.0), inner).map(list),
        st.tuples(inner, st.just("text")),
        inner.map(lambda value: {"mean": 1, "deep": value}),
    ),
    max_leaves=4,
)


@settings(deadline=None)
@given(nested, st.sampled_from(["computed", "predicted"]))
def test_a_number_that_is_none_is_refused_at_any_depth(value, source):
    with pytest.raises(ValueError, match="6a"):
        answer("6a", value, source)


def test_a_spread_that_is_none_is_refused():
    assert refused(SIMULATED | {"std": float("nan")}, "simulated")
    assert refused({3: SIMULATED | {"ci95": [0.8, float("inf")]}}, "simulated")
    assert refused(80.0, "measured", **MEASURED, spread=float("nan"))


@pytest.mark.parametrize("value", [1j, {1, 2}, object(), [b"bytes"], np.array([1j])])
def test_what_json_cannot_hold_is_refused(value):
    assert refused(value)


def test_a_reading_that_nobody_took_says_why():
    expected = {"id": "7a", "value": None, "source": "measured", "missing": "no GPU"}
    assert recorded("7a", None, "measured", missing="no GPU") == expected
    assert refused(None, "measured")
    assert refused(None, "measured", missing="")
    assert refused(80.0, "measured", missing="no GPU")  # a number states its device


@pytest.mark.parametrize(
    "written, printed",
    [
        ("the kernel's sum", "the kernel’s sum"),
        ("from -1 to [-2, -0.5]", "from −1 to [−2, −0.5]"),
        ("-0.00, -0 and -0.01", "0.00, 0 and −0.01"),
        ("5% and 5 %", "5\N{NO-BREAK SPACE}% and 5\N{NO-BREAK SPACE}%"),
        ("VGG-16, 1e-06, 4-5, a-b", "VGG-16, 1e-06, 4-5, a-b"),
    ],
)
def test_what_is_said_of_a_figure_has_the_signs_of_print(written, printed):
    assert in_print(written) == printed
    assert in_print(printed) == printed


def test_a_data_file_is_compact_json_with_the_same_bytes_for_equal_content():
    given = {"b": np.array([1, 2]), "a": {"z": np.float64(0.5), "y": None}, "µ": ("−",)}
    turned = {"µ": ["−"], "a": {"y": None, "z": 0.5}, "b": [1, 2]}
    texts = []
    for content in (given, turned):
        ((bundle, _),) = displayed(data_file, "gpu-memory-table", content)
        assert bundle[DATA_MIME]["name"] == "gpu-memory-table"
        texts.append(bundle[DATA_MIME]["text"])
    assert texts[0] == texts[1]
    assert json.loads(texts[0]) == turned
    assert re.search(r"\s", texts[0].removesuffix("\n")) is None
    assert f"{len(texts[0].encode()):,}" in bundle["text/plain"]


@pytest.mark.parametrize(
    "name, content",
    [
        ("no/path", {}),
        ("Upper-case", {}),
        ("..", {}),
        ("two--hyphens", {}),
        ("fine", {"a": float("nan")}),
        ("fine", [np.inf]),
        ("fine", {"a": object()}),
    ],
)
def test_a_data_file_without_a_form_is_refused(name, content):
    with pytest.raises(ValueError, match=re.escape(repr(name))):
        data_file(name, content)
