import io
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from drawings import HOSTILE, outcome_of
from figure_kinds import FLAGS, KINDS, LABELS, of_summary
from matplotlib.figure import Figure
from PIL import Image
from prepared import prepared

from hsig import __version__, figures
from hsig.analysis.summary import summarise
from hsig.figures.picture import FORMATS, settings
from hsig.reports.captions import costs_caption

SVG = "{http://www.w3.org/2000/svg}"
HREF = "{http://www.w3.org/1999/xlink}href"
BEGIN = {"png": b"\x89PNG", "svg": b"<svg ", "pdf": b"%PDF"}


def svg_of(figure):
    return ElementTree.fromstring(figures.save(figure, "svg"))


def ids(root):
    return [element.get("id") for element in root.iter() if element.get("id")]


def references(root):
    """All ids that anything in it refers to."""
    for element in root.iter():
        for key, value in element.attrib.items():
            yield from re.findall(r"url\(#([^)]*)\)", value)
            if key == HREF and not value.startswith("data:"):
                yield value.removeprefix("#")
        yield from element.get("aria-labelledby", "").split()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("format", FORMATS)
def test_the_same_figure_has_the_same_bytes(kind, format):
    figure = KINDS[kind]()
    data = figures.save(figure, format)
    assert data.startswith(BEGIN[format])
    assert data == figures.save(figure, format)
    if format != "pdf":
        assert data == figures.save(KINDS[kind](), format)


def test_another_process_makes_the_same_bytes():
    script = (
        "import hashlib, sys; sys.path.insert(0, 'tests')\n"
        "from figure_kinds import KINDS\n"
        "from hsig import figures\n"
        "for kind in ('activation', 'sweep_map', 'surface'):\n"
        "    for format in ('png', 'svg', 'pdf'):\n"
        "        data = figures.save(KINDS[kind](), format)\n"
        "        print(hashlib.sha256(data).hexdigest())\n"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=Path(__file__).parents[1],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1
    assert len(printed.pop().split()) == 9


@pytest.mark.parametrize("format", FORMATS)
def test_the_last_digits_of_a_layout_do_not_matter(format):
    """Where the solver of the layout leaves them hangs on addresses in memory."""
    expected = figures.save(KINDS["activation"](), format)
    figure = KINDS["activation"]()
    for axes in figure.axes:
        kept, place = axes.get_in_layout(), axes.get_position(original=True)
        axes.set_position(place.from_extents(place.extents + 1e-14), which="original")
        axes.set_in_layout(kept)
    figure.stale = False
    assert figures.save(figure, format) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_a_png_says_what_it_shows_and_which_hsig_made_it(kind):
    figure = KINDS[kind]()
    with Image.open(io.BytesIO(figures.save(figure, "png"))) as image:
        image.load()
        told = image.text
    assert told["Software"] == f"hsig {__version__}"
    assert told["Title"] == figure.caption.title
    assert told["Description"] == figure.caption.alt


@pytest.mark.parametrize("kind", KINDS)
def test_a_pdf_says_what_it_shows_and_has_no_date(kind):
    figure = KINDS[kind]()
    data = figures.save(figure, "pdf")
    assert f"/Creator (hsig {__version__})".encode() in data
    assert b"/Subject (" in data or b"/Subject <" in data
    title = figure.caption.title.replace("(", "\\(").replace(")", "\\)")
    assert f"/Title ({title})".encode() in data
    assert b"/CreationDate" not in data


@pytest.mark.parametrize("kind", KINDS)
def test_an_svg_is_an_image_with_a_name_and_a_description(kind):
    figure = KINDS[kind]()
    root = svg_of(figure)
    assert (root.tag, root.get("role")) == (f"{SVG}svg", "img")
    title, description = root[0], root[1]
    assert (title.tag, title.text) == (f"{SVG}title", figure.caption.title)
    assert (description.tag, description.text) == (f"{SVG}desc", figure.caption.alt)
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert f"hsig {__version__}" in "".join(root.find(f"{SVG}metadata").itertext())
    assert len(root.findall(f".//{SVG}title")) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_in_an_svg_is_text(kind):
    figure = KINDS[kind]()
    root = svg_of(figure)
    written = " ".join(element.text for element in root.iter(f"{SVG}text"))
    for line in figure.caption.footnote[-1:]:
        assert line in written
    for element in root.iter(f"{SVG}text"):
        assert re.search(r"font-family: [^;]*sans-serif", element.get("style"))


def test_ids_of_figures_in_one_page_do_not_clash_and_refer_to_their_own():
    roots = [svg_of(make(theme)) for make in KINDS.values() for theme in ("light", "dark")]
    all_ids = [name for root in roots for name in ids(root)]
    assert len(all_ids) == len(set(all_ids))
    for root in roots:
        assert set(references(root)) <= set(ids(root))
        assert ids(root)


def test_the_style_of_an_svg_is_not_that_of_a_page_around_it():
    for make in KINDS.values():
        root = svg_of(make())
        for style in root.iter(f"{SVG}style"):
            selectors = re.findall(r"([^{}]+)\{", style.text)
            assert all(selector.strip().startswith(f"#{root.get('id')} ") for selector in selectors)


def test_an_svg_needs_nothing_from_elsewhere():
    for make in KINDS.values():
        data = figures.save(make(), "svg")
        assert not re.search(rb"<(?:image|use|script|a|link)\b[^>]*href=\"(?!#|data:)", data)
        assert b"<?xml" not in data
        assert b"<!DOCTYPE" not in data


@pytest.mark.parametrize("name", ["markup", "control", "lone surrogate"])
@pytest.mark.parametrize("kind", KINDS)
def test_hostile_names_leave_files_that_can_be_read(kind, name):
    figure = KINDS[kind](label=HOSTILE[name])
    root = svg_of(figure)
    assert not list(root.iter(f"{SVG}script"))
    assert root[1].text == figure.caption.alt


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_told_by_every_format(name):
    figure = KINDS["costs"](label=HOSTILE[name])
    with Image.open(io.BytesIO(figures.save(figure, "png"))) as image:
        image.load()
        assert image.text["Description"] == figure.caption.alt
    assert figures.save(figure, "pdf").startswith(BEGIN["pdf"])


def test_any_other_figure_can_be_saved_as_well():
    figure = Figure()
    figure.subplots().plot([1, 2])
    for format in FORMATS:
        assert figures.save(figure, format).startswith(BEGIN[format])


def test_a_figure_may_be_changed_before_it_is_saved():
    figure = KINDS["costs"]()
    before = figures.save(figure, "svg")
    figure.axes[0].set_ylabel("what I call it")
    after = figures.save(figure, "svg")
    assert b"what I call it" in after
    assert b"what I call it" not in before


def test_what_is_no_format_or_theme_is_refused_by_name():
    figure = KINDS["costs"]()
    with pytest.raises(ValueError, match="expected a format, png, svg, pdf, got 'jpg'"):
        figures.save(figure, "jpg")
    with pytest.raises(ValueError, match="expected a theme, light or dark, got 'blue'"):
        KINDS["costs"]("blue")


def test_a_notebook_shows_it():
    assert KINDS["costs"]()._repr_png_().startswith(BEGIN["png"])


@pytest.mark.parametrize("kind", ["costs", "solved", "verdicts", "comparison"])
def test_ten_thousand_seeds_make_files_of_less_than_a_megabyte(kind):
    rng = np.random.default_rng(0)
    costs = np.exp(rng.normal(size=(10_000, 101)).cumsum(axis=1) / 10)
    outcome = prepared(rng.random((10_000, 4)), costs)
    outcome.results[0].solved_at[:] = rng.integers(0, 1000, 10_000)
    figure = of_summary(kind, summarise(outcome))
    for format in FORMATS:
        assert len(figures.save(figure, format)) < 1_000_000


# --- the surroundings -------------------------------------------------------------------------

STRANGE = {
    "axes.facecolor": "red",
    "axes.formatter.use_mathtext": True,
    "axes.grid": True,
    "figure.autolayout": True,
    "figure.facecolor": "green",
    "font.family": ["serif"],
    "font.size": 30.0,
    "hatch.color": "blue",
    "legend.loc": "center",
    "lines.linewidth": 9.0,
    "savefig.bbox": "tight",
    "savefig.dpi": 33.0,
    "savefig.transparent": True,
    "svg.fonttype": "path",
    "text.parse_math": True,
    "text.usetex": True,
    "xtick.labelsize": 30.0,
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_user_has_set_changes_nothing(kind):
    expected = [figures.save(KINDS[kind](), format) for format in ("svg", "png")]
    with matplotlib.rc_context(STRANGE):
        made = [figures.save(KINDS[kind](), format) for format in ("svg", "png")]
    assert made == expected


def test_matplotlibs_settings_are_afterwards_what_they_were():
    before = dict(matplotlib.rcParams)
    for make in KINDS.values():
        figures.save(make("dark"), "png")
    with pytest.raises(KeyError), settings(_theme()):
        raise KeyError
    assert dict(matplotlib.rcParams) == before


def _theme():
    from hsig.figures.picture import THEMES

    return THEMES["dark"]


def test_neither_pyplot_nor_matplotlib_is_imported_before_it_is_needed():
    script = (
        "import sys, hsig, hsig.figures\n"
        "assert not [name for name in sys.modules if name.startswith('matplotlib')]\n"
        "from hsig.figures import costs, save\n"
        "assert 'matplotlib.figure' in sys.modules\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_what_is_offered_can_be_imported():
    for name in figures.__all__:
        assert callable(getattr(figures, name))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = figures.nothing


def test_a_figure_is_drawn_from_the_numbers_alone():
    """Two summaries of the same numbers have the same picture."""
    outcome = outcome_of(activations=LABELS, **FLAGS)
    one, other = summarise(outcome), summarise(outcome)
    made = [figures.costs(s, caption=costs_caption(s)) for s in (one, other)]
    assert figures.save(made[0], "svg") == figures.save(made[1], "svg")
