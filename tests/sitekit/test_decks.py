"""The decks, read back with python-pptx and as the archives they are."""

import io
import json
import textwrap
import time
import zipfile
from copy import deepcopy
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pptx import Presentation
from pptx.enum.shapes import MSO_SHAPE_TYPE, PP_PLACEHOLDER
from pptx.enum.text import PP_ALIGN
from pptx.oxml.ns import qn
from pptx.util import Inches

from convbook.slides import TITLE_BAND
from sitekit import decks

PIXELS = (320, 180)

ABOUT = {
    "title": "Networks, Computed",
    "version": "1.2.0",
    "date-released": date(2026, 11, 6),
    "authors": [{"given-names": "Ada", "family-names": "Berg"}, {"name": "The others"}],
    "keywords": ["convolution", "teaching"],
    "url": "https://book.example/networks/",
}


def breakable(text):
    return text.replace("\N{NO-BREAK SPACE}", " ")


def an_entry(id, title="Averaging takes contrast away", seeds=(0, 1, 2), day=3):
    chapter = id.partition("-")[0]
    return {
        "id": id,
        "title": title,
        "caption": f"The caption of {id}.",
        "alt": f"A cat, and {id} of it.",
        "chapter": chapter,
        "chapter_title": chapter.capitalize(),
        "page": f"{chapter}.html#{id}",
        "landing": f"figures/{id}.html",
        "licence": "CC-BY-4.0",
        "provenance": {
            "date": f"2026-11-0{day}T10:00:00+00:00",
            "commit": "0123abcd",
            "device": "A device",
            "seeds": None if seeds is None else list(seeds),
        },
        "citation": {"text": f"Berg & others (2026). “{title}.” {id}.", "bibtex": "@misc{}"},
    }


def draw_slides(folder, entries):
    """A slide of each figure: its own grey, and a black band where the title is."""
    for number, entry in enumerate(entries):
        pixels = np.full(PIXELS[::-1], 250 - number, dtype=np.uint8)
        pixels[: round(TITLE_BAND * PIXELS[1])] = 0
        Image.fromarray(pixels).save(folder / f"{entry['id']}-slide.png")


ENTRIES = [
    an_entry("shapes-second"),
    an_entry("filters-blur", "Blur & sharpen: <b> “undo” 5 % of it", seeds=None, day=5),
    an_entry("shapes-first", "A " + "word of a long title " * 5 + "end", seeds=[7]),
    an_entry("filters-edge", seeds=[4, 9, 2], day=4),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    draw_slides(tmp_path, ENTRIES)
    return tmp_path


def the_picture(slide):
    (picture,) = [s for s in slide.shapes if s.shape_type == MSO_SHAPE_TYPE.PICTURE]
    return picture


def described(picture):
    return picture.element.xpath("p:nvPicPr/p:cNvPr/@descr")


def read(path):
    return list(Presentation(str(path)).slides)


def titles(path):
    return [breakable(slide.shapes.title.text_frame.text) for slide in read(path)]


def test_a_deck_for_every_chapter_with_figures_and_one_for_all(folder):
    names = decks.write(folder, ENTRIES, ABOUT)
    assert sorted(names) == ["all.pptx", "filters.pptx", "shapes.pptx"]
    assert sorted(names) == sorted(path.name for path in folder.glob("*.pptx"))


def test_a_book_without_figures_has_no_deck(tmp_path):
    assert decks.write(tmp_path, [], ABOUT) == []
    assert not list(tmp_path.iterdir())


def test_a_figure_without_its_slide_is_named(folder):
    (folder / "filters-edge-slide.png").unlink()
    with pytest.raises(FileNotFoundError, match="filters-edge-slide"):
        decks.write(folder, ENTRIES, ABOUT)


def test_one_slide_a_figure_in_the_order_of_the_entries(folder):
    decks.write(folder, ENTRIES, ABOUT)
    assert titles(folder / "all.pptx") == [entry["title"] for entry in ENTRIES]
    assert titles(folder / "shapes.pptx") == [ENTRIES[0]["title"], ENTRIES[2]["title"]]
    assert titles(folder / "filters.pptx") == [ENTRIES[1]["title"], ENTRIES[3]["title"]]
    for slide, entry in zip(read(folder / "all.pptx"), ENTRIES, strict=True):
        picture = the_picture(slide)
        assert picture.image.blob == (folder / f"{entry['id']}-slide.png").read_bytes()
        assert described(picture) == [entry["alt"]]
        assert entry["id"] in picture.name


def test_the_title_is_a_title_and_is_read_first(folder):
    decks.write(folder, ENTRIES, ABOUT)
    for slide in read(folder / "all.pptx"):
        title, picture = slide.shapes
        assert title.placeholder_format.type == PP_PLACEHOLDER.TITLE
        assert picture.shape_type == MSO_SHAPE_TYPE.PICTURE


def test_title_and_picture_share_the_slide_without_overlap(folder):
    decks.write(folder, ENTRIES, ABOUT)
    deck = Presentation(str(folder / "all.pptx"))
    width, height = deck.slide_width, deck.slide_height
    assert (width, height) == (Inches(40 / 3), Inches(7.5))
    for slide in deck.slides:
        title, picture = slide.shapes.title, the_picture(slide)
        assert title.top >= 0
        assert title.left > 0
        assert title.left + title.width < width
        assert title.top + title.height <= picture.top
        assert picture.left == 0
        assert picture.width == width
        assert picture.top + picture.height == height


def test_the_picture_shows_all_below_the_band_undistorted(folder):
    decks.write(folder, ENTRIES, ABOUT)
    for slide in read(folder / "all.pptx"):
        picture = the_picture(slide)
        columns, rows = Image.open(io.BytesIO(picture.image.blob)).size
        assert picture.crop_left == picture.crop_right == picture.crop_bottom == 0
        first_row = picture.crop_top * rows
        assert first_row == pytest.approx(TITLE_BAND * rows, abs=0.01)
        # As many pixels an inch across as down, and the first one shown is where it was drawn.
        across, down = picture.width / columns, picture.height / (rows - first_row)
        assert down == pytest.approx(across, rel=1e-4)
        assert first_row * down == pytest.approx(picture.top, rel=1e-4)


def test_the_notes_tell_what_is_known_of_the_figure(folder):
    decks.write(folder, ENTRIES, ABOUT)
    for slide, entry in zip(read(folder / "all.pptx"), ENTRIES, strict=True):
        notes = slide.notes_slide.notes_text_frame.text.split("\n")
        assert notes[0] == entry["caption"]
        assert notes[1] == f"Shows: {entry['alt']}"
        told = "\n".join(notes[2:])
        assert entry["citation"]["text"] in told
        assert entry["licence"] in told
        assert f"https://book.example/networks/{entry['page']}" in told
        assert f"https://book.example/networks/{entry['landing']}" in told
        assert entry["provenance"]["date"][:10] in notes[-1]
        assert "A device" in notes[-1]
        assert "0123abcd" in notes[-1]


def test_addresses_stay_within_the_site_where_it_has_none_of_its_own(folder):
    decks.write(folder, ENTRIES, {key: ABOUT[key] for key in ABOUT if key != "url"})
    notes = read(folder / "all.pptx")[0].notes_slide.notes_text_frame.text
    assert " figures/shapes-second.html" in notes
    assert " shapes.html#shapes-second" in notes


@pytest.mark.parametrize(
    ("seeds", "told"),
    [
        (None, None),
        ([7], "seed 7"),
        ([3, 4], "seeds 3, 4"),
        ([0, 1, 2, 3], "seeds 0–3"),
        ([4, 9, 2], "seeds 2, 4, 9"),
        ([0, 2, 3], "seeds 0, 2, 3"),
        ([5, 10**15], "seeds 5, 1000000000000000"),
        ([5, 6, 10**15], "seeds 5, 6, 1000000000000000"),
    ],
)
def test_seeds_in_a_line(seeds, told):
    line = decks.provenance(an_entry("a-b", seeds=seeds)["provenance"])
    assert line.partition("; seed")[2] == ("" if told is None else told.removeprefix("seed"))


def test_properties_name_book_chapter_and_edition(folder):
    decks.write(folder, ENTRIES, ABOUT)
    chapter = Presentation(str(folder / "shapes.pptx")).core_properties
    assert chapter.title == "Networks, Computed: Shapes"
    assert chapter.author == "Ada Berg; The others"
    assert "1.2.0" in chapter.subject
    assert chapter.keywords == "convolution, teaching"
    assert "CC-BY-4.0" in chapter.comments
    assert chapter.language == "en"
    whole = Presentation(str(folder / "all.pptx")).core_properties
    assert whole.title == "Networks, Computed"
    assert whole.created.date() == date(2026, 11, 6)  # of the release, not of this call
    assert whole.modified == whole.created


def test_the_clock_leaves_no_trace(folder, monkeypatch):
    names = decks.write(folder, ENTRIES, ABOUT)
    first = {name: (folder / name).read_bytes() for name in names}
    later = time.time() + 40_000_000
    monkeypatch.setattr(time, "time", lambda: later)
    with zipfile.ZipFile(io.BytesIO(), "w") as probe:
        probe.writestr("a", "")
        assert probe.infolist()[0].date_time[0] == time.gmtime(later)[0]  # the clock did move
    entries = json.loads(json.dumps(ENTRIES))
    assert decks.write(folder, entries, deepcopy(ABOUT)) == names
    assert {name: (folder / name).read_bytes() for name in names} == first


def test_every_part_is_declared_and_every_relation_leads_somewhere(folder):
    decks.write(folder, ENTRIES, ABOUT)
    with zipfile.ZipFile(folder / "all.pptx") as archive:
        assert archive.testzip() is None
        names = archive.namelist()
    assert len(names) == len(set(names))
    assert names[0] == "[Content_Types].xml"
    # Nothing of the template that is about another presentation.
    assert not [n for n in names if "thumbnail" in n or "printerSettings" in n or "app.xml" in n]
    assert sum(name.startswith("ppt/slideLayouts/slideLayout") for name in names) == 1
    assert sum(name.startswith("ppt/media/") for name in names) == len(ENTRIES)


# What an author may type; XML has no place for control characters and half characters.
TITLES = st.text(st.characters(categories=["L", "M", "N", "P", "S"], include_characters=" \u00a0"),
                 min_size=1, max_size=110)  # fmt: skip


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("slides") / "a-b-slide.png"
    Image.new("L", (16, 9)).save(path)
    return path


@settings(max_examples=15)
@given(titles=st.lists(TITLES, min_size=1, max_size=10))
def test_any_title_stands_as_it_was_written(drawn, titles):
    presentation = decks.empty()
    for title in titles:
        decks.add_slide(presentation, drawn, an_entry("a-b", title), ABOUT)
    written = io.BytesIO()
    presentation.save(written)
    for slide, title in zip(Presentation(written).slides, titles, strict=True):
        assert breakable(slide.shapes.title.text_frame.text) == breakable(title)
        assert title in slide.notes_slide.notes_text_frame.text


@settings(max_examples=30)
@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=60))
def test_titles_have_two_lines_within_the_band_and_none_ends_in_a_lone_word(drawn, lengths):
    text = " ".join("x" * length for length in lengths)
    presentation = decks.empty()
    decks.add_slide(presentation, drawn, an_entry("a-b", text), ABOUT)
    title = presentation.slides[0].shapes.title
    frame = title.text_frame
    size = frame.paragraphs[0].runs[0].font.size
    # A letter of Arial bold is 0.525 of the size wide on average in the widest titles of the book.
    per_line = int((title.width - frame.margin_left - frame.margin_right) / (0.525 * size))
    lines = textwrap.wrap(text, per_line)
    assert len(lines) <= 2
    assert len(lines) == 1 or len(lines[1]) > 10
    # Arial's lines are 1.15 of the size high; the deck sets them at 0.9 of that.
    assert 2 * size * 1.15 <= TITLE_BAND * Inches(7.5)
    if len(text) <= 110:
        assert 28 <= size.pt <= 30


def test_the_style_of_titles_is_the_master_s(folder):
    """So that a slide which a lecturer adds looks like the others."""
    decks.write(folder, ENTRIES, ABOUT)
    deck = Presentation(str(folder / "all.pptx"))
    (style,) = deck.slide_master.element.xpath("p:txStyles/p:titleStyle/a:lvl1pPr")
    assert style.get("algn") == PP_ALIGN.to_xml(PP_ALIGN.LEFT)
    letters = style.find(qn("a:defRPr"))
    assert letters.get("b") == "1"
    assert letters.find(qn("a:latin")).get("typeface") == "Arial"
    assert letters.find(f"{qn('a:solidFill')}/{qn('a:srgbClr')}").get("val") == "1B2430"
    assert str(deck.slide_master.background.fill.fore_color.rgb) == "FFFFFF"


def test_a_percent_sign_stays_on_the_line_of_its_number(folder):
    decks.write(folder, ENTRIES, ABOUT)
    title = read(folder / "filters.pptx")[0].shapes.title.text_frame.text
    assert "5\N{NO-BREAK SPACE}%" in title
