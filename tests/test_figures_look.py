import re
from itertools import pairwise

import pytest
from drawings import HOSTILE, clashes, cut, drawn, ground_of, panels, summary_of, texts, words
from figure_kinds import FLAGS, KINDS, LABELS, of_summary
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from PIL import ImageColor

from hsig.figures.picture import (
    DASHES,
    MARKERS,
    RATES,
    THEMES,
    balanced,
    contrast,
    drawable,
    fitted,
    grid_of,
    luminance,
    text_on,
    width_of,
    wrapped,
)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_text_is_read_well(kind, theme):
    figure = KINDS[kind](theme)
    found = texts(figure)
    assert len(found) > 10
    for text in found:
        assert contrast(text.get_color(), ground_of(text, figure)) >= 4.5, text.get_text()
        assert text.get_fontsize() >= 8.0


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_cut_or_written_over_something_else(kind):
    figure = KINDS[kind]()
    found = texts(figure)
    assert cut(figure, found) == []
    assert clashes(figure, found) == []


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", KINDS)
def test_hostile_names_are_seen_as_they_are_and_break_nothing(kind, name):
    figure = KINDS[kind](label=HOSTILE[name])
    found = texts(figure)
    assert cut(figure, found) == []
    assert clashes(figure, found) == []
    for text in found:
        assert text.get_parse_math() is False
        assert all(c.isprintable() or c == "\n" for c in text.get_text())
        assert len(text.get_text()) < 3000


@pytest.mark.parametrize("kind", KINDS)
def test_a_figure_has_labelled_axes_a_title_and_a_footnote(kind):
    figure = KINDS[kind]()
    said = words(figure)
    flat = [" ".join(text.split()) for text in said]
    assert figure.caption.title in flat
    assert "run digest 0123456789ab" in "\n".join(said)
    shown = panels(figure)
    assert any(axes.get_xlabel() for axes in shown)
    assert any(axes.get_ylabel() or kind == "comparison" for axes in shown)  # its rows have names
    assert (figure.get_facecolor()[:3]) == to_rgb(THEMES["light"].paper)


# --- colours ----------------------------------------------------------------------------------


def as_seen(colour, kind):
    """A colour as somebody sees it who lacks a kind of cone: Machado, Oliveira & Fernandes 2009,
    IEEE TVCG 15:1291, table 1, severity 1; in linear sRGB."""
    matrices = {
        "protan": (
            (0.152286, 1.052583, -0.204868),
            (0.114503, 0.786281, 0.099216),
            (-0.003882, -0.048116, 1.051998),
        ),
        "deutan": (
            (0.367322, 0.860646, -0.227968),
            (0.280085, 0.672501, 0.047413),
            (-0.011820, 0.042940, 0.968881),
        ),
        "tritan": (
            (1.255528, -0.076749, -0.178779),
            (-0.078411, 0.930809, 0.147602),
            (0.004733, 0.691367, 0.303900),
        ),
    }
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return [sum(m * c for m, c in zip(row, linear, strict=True)) for row in matrices[kind]]


def lab(linear):
    """CIE L*a*b* of linear sRGB, D65."""
    r, g, b = (min(max(c, 0.0), 1.0) for c in linear)
    xyz = (
        (0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047,
        0.2126729 * r + 0.7151522 * g + 0.0721750 * b,
        (0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883,
    )
    x, y, z = (t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def apart(one, other, kind):
    """How far two colours are (CIE 1976) for somebody who lacks a kind of cone."""
    return (
        sum(
            (p - q) ** 2
            for p, q in zip(*(lab(as_seen(c, kind)) for c in (one, other)), strict=True)
        )
        ** 0.5
    )


def test_contrast_is_that_of_wcag():
    # https://webaim.org/resources/contrastchecker: 4.54 for #767676 on white, 21 for black
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)
    assert luminance("#ffffff") == 1.0


@pytest.mark.parametrize("kind", ["protan", "deutan", "tritan"])
@pytest.mark.parametrize("theme", THEMES)
def test_lines_are_told_apart_with_any_colour_vision(theme, kind):
    """By colour; where two colours are near each other, by their dashes."""
    colours = THEMES[theme].lines
    for place, one in enumerate(colours):
        assert contrast(one, THEMES[theme].paper) >= 3.0
        for other in range(place):
            far = apart(one, colours[other], kind)
            assert far >= 20.0 or DASHES[place] != DASHES[other], (one, colours[other], far)
            assert MARKERS[place] != MARKERS[other]


@pytest.mark.parametrize("kind", ["protan", "deutan", "tritan"])
@pytest.mark.parametrize("theme", THEMES)
def test_fewer_and_more_are_told_apart_with_any_colour_vision(theme, kind):
    colours = THEMES[theme].differences
    for share in (0.1, 0.25, 0.4):
        assert apart(colours(share), colours(1.0 - share), kind) >= 20.0


def test_the_more_seeds_are_solved_the_lighter_is_the_cell():
    shades = [luminance(RATES(n / 100)) for n in range(101)]
    assert all(below < above for below, above in pairwise(shades))


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_text_is_read_on_any_colour(rgb):
    colour = "#{:02x}{:02x}{:02x}".format(*rgb)
    assert ImageColor.getrgb(colour) == rgb
    assert contrast(text_on(colour), colour) >= 4.5


# --- texts ------------------------------------------------------------------------------------


@given(st.text(), st.floats(20.0, 500.0))
def test_a_text_that_is_fitted_is_no_wider_than_that(text, width):
    shown = fitted(text, width, 9.0)
    assert width_of(shown, 9.0) <= width or len(shown) <= 2
    if width_of(drawable(text), 9.0) <= width and len(text) <= 1000:
        assert shown == drawable(text)
    else:
        assert "…" in shown


@settings(max_examples=50)
@given(st.lists(st.text(min_size=1), min_size=1, max_size=40).map(" ".join), st.integers(1, 4))
def test_a_text_that_is_wrapped_fits_its_lines(text, lines):
    made = wrapped(text, 200.0, 9.0, lines=lines).split("\n")
    assert len(made) <= lines
    assert all(width_of(line, 9.0) <= 200.0 for line in made)


def test_a_text_that_fits_is_wrapped_whole():
    text = "one two three four five six seven eight"
    assert wrapped(text, 90.0, 9.0, lines=9).replace("\n", " ") == text
    assert wrapped(text, 1e4, 9.0, lines=1) == text


@given(st.lists(st.sampled_from(["a", "some", "longer", "words…"]), min_size=1, max_size=30))
def test_a_text_that_is_balanced_has_the_same_words_in_as_many_lines(chosen):
    text = " ".join(chosen)
    plain, even = (how(text, 150.0, 9.0, lines=9) for how in (wrapped, balanced))
    assert even.replace("\n", " ") == plain.replace("\n", " ")
    assert even.count("\n") == plain.count("\n")
    longest, other = (max(width_of(line, 9.0) for line in t.split("\n")) for t in (plain, even))
    assert other <= longest


@given(st.text())
def test_all_that_is_drawn_is_in_the_font(text):
    shown = drawable(text)
    assert shown == drawable(shown)
    assert shown.isprintable()
    if text.isascii() and text.isprintable():
        assert shown == text


def test_what_the_font_lacks_is_written_as_python_does():
    assert drawable("漢\u202e") == "\\u6f22\\u202e"
    assert drawable("עברית") == "עברית"
    assert drawable("עב 12", alone=False) == "\\u05e2\\u05d1 12"


def test_numbers_beside_names_that_run_to_the_left_stay_in_their_order():
    figure = KINDS["verdicts"](label="עברית")
    titles = [axes.get_title(loc="left") for axes in panels(figure)]
    assert all(re.search(r": \d of 6 solved$", title) for title in titles)
    assert all(title.isascii() or "…" in title for title in titles)


@given(st.integers(1, 40), st.integers(1, 6))
def test_a_grid_has_room_for_all_panels_and_no_empty_row(number, most):
    rows, columns = grid_of(number, most)
    assert columns <= most
    assert rows * columns >= number > (rows - 1) * columns


def test_single_seeds_and_single_checkpoints_are_pictures_of_every_kind():
    for flags in ({"seeds": "1"}, {"report_every": "60"}):
        summary = summary_of(activations=LABELS, **{**FLAGS, **flags})
        for kind in ("costs", "solved", "verdicts", "comparison"):
            figure = drawn(of_summary(kind, summary))
            assert clashes(figure) == []
            assert cut(figure) == []
