"""A picture: a matplotlib figure with its words, and the bytes of a file that holds it."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any
from xml.etree import ElementTree

from matplotlib.figure import Figure, SubFigure
from matplotlib.transforms import Bbox

from hsig import __version__
from hsig.figures.texts import INCH, balanced, wrapped
from hsig.figures.themes import THEMES, Theme, settings
from hsig.reports.pictures.caption import Caption

FORMATS = ("png", "svg", "pdf")

_EDGE = 0.12  # inches on either side
_TITLE_SIZE, _NOTE_SIZE = 13.0, 8.0
_TITLE_LINES, _NOTE_LINES = 2, 3
_LAYOUTS = 2  # until it hardly moves
_DIGITS = 9  # of a place, as a share of the figure


class Picture(Figure):
    """A figure with its words; an ordinary matplotlib figure in all else.

    Attributes:
        caption: Its words.
        theme: Its colours.
        body: All of it but title and footnote.
    """

    caption: Caption
    theme: Theme
    body: SubFigure

    def _repr_png_(self) -> bytes:
        """What a notebook shows."""
        return save(self, "png")


@contextmanager
def drawing(
    caption: Caption, theme: str, *, width: float = 8.0, height: float = 4.5
) -> Iterator[Picture]:
    """A picture with its title and footnote, while matplotlib is set as it needs it.

    Args:
        caption: Its words.
        theme: `light` or `dark`.
        width: Inches.
        height: Inches, for all but the words.

    Raises:
        ValueError: If there is no such theme.
    """
    if theme not in THEMES:
        raise ValueError(f"expected a theme, {' or '.join(THEMES)}, got {theme!r}")
    colours = THEMES[theme]
    across = (width - 2.0 * _EDGE) * INCH
    title = balanced(caption.title, across, _TITLE_SIZE, lines=_TITLE_LINES, bold=True)
    note = "\n".join(
        wrapped(line, across, _NOTE_SIZE, lines=_NOTE_LINES) for line in caption.footnote
    )
    words = 1.3 * (
        _TITLE_SIZE * len(title.splitlines()) + _NOTE_SIZE * (len(note.splitlines()) + 1)
    )
    with settings(colours):
        picture = Picture(figsize=(width, height + words / INCH), layout="constrained")
        picture.caption, picture.theme = caption, colours
        left = _EDGE / width
        picture.suptitle(title, x=left, ha="left", fontsize=_TITLE_SIZE, fontweight="bold")
        picture.supxlabel(
            note, x=left, ha="left", fontsize=_NOTE_SIZE, color=colours.muted, linespacing=1.3
        )
        picture.body = picture.add_subfigure(picture.add_gridspec()[0])
        yield picture
        for _ in range(_LAYOUTS):  # what is made when it is drawn is made as it is set here
            picture.draw_without_rendering()


# --- files ------------------------------------------------------------------------------------


def save(figure: Figure, format: str) -> bytes:
    """The file of a figure: the same bytes for the same figure and matplotlib.

    It says which hsig made it and what the figure shows: a PNG in its chunk `Description`, a PDF as
    its subject, an SVG as what a screen reader reads. An SVG has no XML declaration, and none of
    its ids is that of another figure, so that several can be put into one page.

    Args:
        figure: Of this wing, or any other.
        format: One of `FORMATS`.

    Raises:
        ValueError: If there is no such format.
    """
    if format not in FORMATS:
        raise ValueError(f"expected a format, {', '.join(FORMATS)}, got {format!r}")
    caption = getattr(figure, "caption", Caption("", "", ()))
    theme = getattr(figure, "theme", THEMES["light"])
    file = BytesIO()
    with settings(theme), _laid_out(figure):
        figure.savefig(file, format=format, metadata=_metadata(caption, format))
    data = file.getvalue()
    return _for_a_page(data, caption) if format == "svg" else data


@contextmanager
def _laid_out(figure: Figure) -> Iterator[None]:
    """The figure as it is now: each time that it is drawn anew its layout would move a little."""
    engine = figure.get_layout_engine()
    if figure.stale:  # somebody has changed it
        figure.draw_without_rendering()
    figure.set_layout_engine("none")
    _settle(figure)
    try:
        yield
    finally:
        figure.set_layout_engine(engine)
        figure.stale = False


def _settle(figure: Figure) -> None:
    """Round where things are: the last digits that the layout gives hang on addresses in memory."""
    for part in figure.subfigs:
        ends = part.bbox_relative
        ends.p0, ends.p1 = ends.p0.round(_DIGITS), ends.p1.round(_DIGITS)
    for axes in figure.axes:
        place = Bbox(axes.get_position(original=True).get_points().round(_DIGITS))
        kept = axes.get_in_layout()
        axes.set_position(place, which="original")
        axes.set_in_layout(kept)
    for text in figure.texts:
        x, y = text.get_position()
        text.set_position((round(x, _DIGITS), round(y, _DIGITS)))


def _metadata(caption: Caption, format: str) -> dict[str, Any]:
    made = f"hsig {__version__}"
    match format:
        case "png":
            found = {"Software": made, "Title": caption.title, "Description": caption.alt}
            return {key: text for key, text in found.items() if text}
        case "pdf":
            about = {"Title": caption.title, "Subject": caption.alt}
            return {"Creator": made, "CreationDate": None, **about}
    return {"Creator": made, "Date": None, "Description": caption.alt}


_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_SPACES = {
    "": _SVG,
    "xlink": _XLINK,
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "cc": "http://creativecommons.org/ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
}
_FONTS = "'DejaVu Sans', 'Bitstream Vera Sans', Verdana, Geneva, sans-serif"
_HREF = f"{{{_XLINK}}}href"
_REFERENCE = re.compile(r"url\(#([^)]*)\)")


def _for_a_page(data: bytes, caption: Caption) -> bytes:
    """An SVG that goes along with others in one page, and that can be read aloud."""
    for prefix, space in _SPACES.items():
        ElementTree.register_namespace(prefix, space)
    own = f"hsig-{hashlib.sha256(data).hexdigest()[:10]}"
    root = ElementTree.fromstring(data)
    _rename(root, own)
    for style in root.iter(f"{{{_SVG}}}style"):
        style.text = f"#{own} {(style.text or '').strip()}"  # not of the whole page
    root.set("id", own)
    root.set("role", "img")
    root.set("aria-labelledby", f"{own}-title {own}-desc")
    _say(root, "desc", caption.alt, own)
    _say(root, "title", caption.title, own)
    made: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=False)
    return made


def _rename(root: ElementTree.Element, own: str) -> None:
    """Give ids that no other figure has to what is referred to, and none to what is not."""
    used = {
        name
        for element in root.iter()
        for key, value in element.attrib.items()
        for name in (_REFERENCE.findall(value) + ([value[1:]] if key == _HREF else []))
    }
    for element in root.iter():
        if element.get("id") not in used:
            element.attrib.pop("id", None)
        for key, value in element.attrib.items():
            if key == "id":
                element.set(key, f"{own}-{value}")
            elif key == _HREF and value.startswith("#"):
                element.set(key, f"#{own}-{value[1:]}")
            elif key == "style":
                fonts = re.sub(r"font-family: [^;]*", f"font-family: {_FONTS}", value)
                element.set(key, _REFERENCE.sub(rf"url(#{own}-\1)", fonts))
            else:
                element.set(key, _REFERENCE.sub(rf"url(#{own}-\1)", value))


def _say(root: ElementTree.Element, tag: str, text: str, own: str) -> None:
    element = ElementTree.Element(f"{{{_SVG}}}{tag}", {"id": f"{own}-{tag}"})
    element.text = text
    root.insert(0, element)
