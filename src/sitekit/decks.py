"""The decks: one slide a figure, for every chapter and for the whole book.

A slide shows the figure's slide variant without its top band. The finding that is drawn there
stands in the same place as text, so that it can be edited, searched, and read aloud. The notes say
the rest: caption, alternative text, citation, licence, address and provenance.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.opc.constants import RELATIONSHIP_TYPE
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls
from pptx.util import Inches, Pt

from convbook import slides
from convbook.palette import ROLES
from sitekit import citation
from sitekit.figure_pages import ranges

WIDTH, HEIGHT = Inches(40 / 3), Inches(7.5)
BAND, MARGIN = round(slides.TITLE_BAND * HEIGHT), round(slides.MARGIN * WIDTH)

INK, PAPER = (ROLES[role].light.removeprefix("#").upper() for role in ("ink", "paper"))

# A title of up to 110 characters has two lines of at most 28 points; a longer one gets smaller.
LARGEST, LONG, SIZE_OF_LONG = 30, 110, 28
# A title a little longer than a line would leave one word to the second: its lines are shorter.
LITTLE_LONGER, SHORTENED = range(57, 81), 0.2

# Arial has no semi-bold, and is the one font with the same widths in all programs for slides.
TITLE_STYLE = f"""<a:lvl1pPr {nsdecls("a")} algn="l">
<a:lnSpc><a:spcPct val="90000"/></a:lnSpc><a:spcBef><a:spcPct val="0"/></a:spcBef><a:buNone/>
<a:defRPr sz="{LARGEST * 100}" b="1" kern="1200">
<a:solidFill><a:srgbClr val="{INK}"/></a:solidFill>
<a:latin typeface="Arial"/><a:ea typeface="+mj-ea"/><a:cs typeface="Arial"/>
</a:defRPr></a:lvl1pPr>"""


def write(
    folder: Path, entries: Sequence[Mapping[str, Any]], about: Mapping[str, Any]
) -> list[str]:
    """Write ``<chapter>.pptx`` for every chapter with figures, and ``all.pptx``.

    Parameters
    ----------
    folder : Path
        Where the decks go, and where ``<id>-slide.png`` of every figure lies.
    entries : sequence of mappings
        The entries of ``figures.json``; slides and chapters keep their order.
    about : mapping
        The book's ``CITATION.cff``.

    Returns
    -------
    list of str
        The names of the files written; none where there is no entry. The same input gives the
        same bytes.

    Raises
    ------
    FileNotFoundError
        If a figure has no ``<id>-slide.png``.
    """
    decks: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entries:
        decks.setdefault(entry["chapter"], []).append(entry)
    titles = {chapter: f"{about['title']}: {found[0]['chapter_title']}"
              for chapter, found in decks.items()}  # fmt: skip
    if entries:
        decks["all"], titles["all"] = list(entries), about["title"]
    for name, found in decks.items():
        (folder / f"{name}.pptx").write_bytes(deck(folder, found, titles[name], about))
    return [f"{name}.pptx" for name in decks]


def deck(
    folder: Path, entries: Sequence[Mapping[str, Any]], title: str, about: Mapping[str, Any]
) -> bytes:
    """One deck, as the bytes of a PowerPoint file."""
    presentation = empty()
    for entry in entries:
        add_slide(presentation, folder / f"{entry['id']}-slide.png", entry, about)
    properties = presentation.core_properties
    properties.title, properties.author = title, "; ".join(citation.authors(about))
    properties.subject = f"Edition {about['version']}"
    properties.comments = f"Licence: {', '.join(sorted({entry['licence'] for entry in entries}))}"
    properties.keywords = ", ".join(about.get("keywords", []))
    properties.language = "en"
    properties.last_modified_by, properties.revision = properties.author, 1
    released = datetime.fromisoformat(str(about["date-released"])).replace(tzinfo=UTC)
    properties.created = properties.modified = released
    written = io.BytesIO()
    presentation.save(written)
    return without_clock(written)


def empty() -> Any:
    """A presentation without slides: 16:9, one layout, its title in the place of the band."""
    presentation = Presentation()
    # Parts of python-pptx's template that tell of another presentation.
    package, part = presentation.part.package, presentation.part
    strangers = [
        (package, RELATIONSHIP_TYPE.THUMBNAIL),
        (package, RELATIONSHIP_TYPE.EXTENDED_PROPERTIES),
        (part, RELATIONSHIP_TYPE.PRINTER_SETTINGS),
    ]
    for owner, kind in strangers:
        owner.drop_rel(owner.relate_to(owner.part_related_by(kind), kind))
    for layout in list(presentation.slide_layouts):
        if layout.name != "Title Only":
            presentation.slide_layouts.remove(layout)

    stretch = WIDTH / presentation.slide_width
    presentation.slide_width, presentation.slide_height = WIDTH, HEIGHT
    presentation.element.sldSz.attrib.pop("type")  # it says 4:3
    master = presentation.slide_master
    master.background.fill.solid()
    master.background.fill.fore_color.rgb = RGBColor.from_string(PAPER)
    for shape in master.placeholders:
        shape.left, shape.width = round(shape.left * stretch), round(shape.width * stretch)
        if shape.placeholder_format.type == PP_PLACEHOLDER.TITLE:
            shape.left, shape.top, shape.width, shape.height = (
                MARGIN, 0, WIDTH - 2 * MARGIN, BAND)  # fmt: skip
            frame = shape.text_frame
            frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
    (style,) = master.element.xpath("p:txStyles/p:titleStyle/a:lvl1pPr")
    style.getparent().replace(style, parse_xml(TITLE_STYLE))
    for shape in presentation.notes_master.placeholders:
        if shape.placeholder_format.type == PP_PLACEHOLDER.SLIDE_IMAGE:
            middle = shape.left + shape.width // 2
            shape.width = shape.height * WIDTH // HEIGHT
            shape.left = middle - shape.width // 2
    return presentation


def add_slide(
    presentation: Any, image: Path, entry: Mapping[str, Any], about: Mapping[str, Any]
) -> None:
    """Add a figure's slide; ``image`` is drawn for a whole slide, the finding in its top band."""
    slide = presentation.slides.add_slide(presentation.slide_layouts[0])
    # The title comes first among the slide's shapes, which is the order of reading aloud.
    frame = slide.shapes.title.text_frame
    if len(entry["title"]) in LITTLE_LONGER:
        frame.margin_right = round(SHORTENED * slide.shapes.title.width)
    run = frame.paragraphs[0].add_run()
    run.text = entry["title"].replace(" %", "\N{NO-BREAK SPACE}%")
    run.font.size = Pt(title_size(entry["title"]))

    picture = slide.shapes.add_picture(str(image), 0, BAND, WIDTH, HEIGHT - BAND)
    picture.crop_top = BAND / HEIGHT
    picture.name = f"Figure {entry['id']}"
    picture.element.nvPicPr.cNvPr.set("descr", entry["alt"])
    said = slide.notes_slide.notes_text_frame
    said.text = notes(entry, about)
    for paragraph in said.paragraphs:
        for run in paragraph.runs:
            run.font.size = Pt(11)  # LibreOffice prints 20 points otherwise, beyond the page's end


def title_size(title: str) -> int:
    """Points at which a title has at most two lines of a slide's width."""
    return min(LARGEST, SIZE_OF_LONG * LONG // max(1, len(title)))


def notes(entry: Mapping[str, Any], about: Mapping[str, Any]) -> str:
    """What a lecturer may want to say or to look up, a paragraph each."""
    page, landing = (citation.address(entry[key], about) for key in ("page", "landing"))
    return "\n".join(
        [
            entry["caption"],
            f"Shows: {entry['alt']}",
            f"Cite as: {entry['citation']['text']}",
            f"Licence: {entry['licence']}",
            f"Address: {landing} (in its chapter: {page})",
            provenance(entry["provenance"]),
        ]
    )


def provenance(facts: Mapping[str, Any]) -> str:
    """When, on what, from which commit and with which seeds a figure was computed."""
    parts = [f"Computed {facts['date'][:10]} on {facts['device']}", f"commit {facts['commit']}"]
    if seeds := facts["seeds"]:
        parts.append(f"{'seed' if len(seeds) == 1 else 'seeds'} {ranges(seeds)}")
    return "; ".join(parts)


def without_clock(archive: io.BytesIO) -> bytes:
    """The same zip archive, its members dated 1980 and not by the clock."""
    written = io.BytesIO()
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(written, "w") as new:
        for name in old.namelist():
            # A PNG is compressed already.
            how = zipfile.ZIP_STORED if name.endswith(".png") else zipfile.ZIP_DEFLATED
            new.writestr(zipfile.ZipInfo(name), old.read(name), compress_type=how)
    return written.getvalue()
