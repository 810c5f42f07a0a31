"""How tests look at a figure: what is drawn in it, what can be read, and whether it can."""

from functools import cache
from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.text import Text

from hsig.analysis.summary import summarise
from hsig.config.loading import load_experiment
from hsig.experiments.training import gather, run

HOSTILE = {
    "long": "W" * 10_000,
    "turned": "a\u202eb\u2066c",
    "control": "a\x00b\n\x1b[31mc\td",
    "mathematics": "$x^2$ $\\frac{1}{",
    "underscore": "_hidden",
    "emoji": "\U0001f600\U0001f9d1\u200d\U0001f52c 漢字",
    "right to left": "עברית عربى 12",
    "markup": "<script>alert('1')</script> &amp; ]]>",
    "format": "%s {0} {x!r} \\n",
    "lone surrogate": "a\ud800b",
    "empty": " ",
}


@cache
def outcome_of(**flags):
    """A small outcome, of the engine that every machine has."""
    experiment = load_experiment(flags={"engine": "reference", **flags})
    return gather(experiment, run(experiment))


@cache
def summary_of(**flags):
    """Its numbers."""
    return summarise(outcome_of(**flags))


def panels(figure):
    """The axes that are seen, but for those of colour bars."""
    return [a for a in figure.axes if a.get_visible() and a.get_label() != "<colorbar>"]


def lines(axes, label=None, *, colour=None):
    """Its lines with these colours."""
    return [
        line
        for line in axes.get_lines()
        if (colour is None or to_rgba(line.get_color()) == to_rgba(colour))
        and (label is None or line.get_label() == label)
    ]


def of_gid(axes, gid):
    """The artists of that name, in their order."""
    return [artist for artist in axes.get_children() if artist.get_gid() == gid]


def legend(figure):
    """What the marks of its legends mean."""
    found = [made for part in (figure, *figure.subfigs) for made in part.legends]
    found += [a.get_legend() for a in figure.axes if a.get_legend()]
    return [text.get_text() for made in found for text in made.get_texts()]


def drawn(figure):
    """The figure, after it was drawn on a canvas of pixels."""
    FigureCanvasAgg(figure).draw()
    return figure


def texts(figure):
    """All that is written in it when it is drawn."""
    found = {}
    draw = Text.draw

    def noted(text, *arguments, **more):
        if text.get_visible() and text.get_text().strip():
            found[text] = None
        return draw(text, *arguments, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", noted)
        drawn(figure)
    return list(found)


def words(figure):
    """The same as texts."""
    return [text.get_text() for text in texts(figure)]


def cut(figure, found=None):
    """What is written beyond the edge; of all that was found."""
    width, height = figure.canvas.get_width_height()
    boxes = [(t.get_text(), t.get_window_extent()) for t in found or texts(figure)]
    return [
        text
        for text, box in boxes
        if box.x0 < -1 or box.y0 < -1 or box.x1 > width + 1 or box.y1 > height + 1
    ]


def clashes(figure, found=None):
    """Pairs of texts that are written over each other; of all that was found."""
    boxes = [(t.get_text(), t.get_window_extent()) for t in found or texts(figure)]
    return [
        (one, other)
        for (one, a), (other, b) in combinations(boxes, 2)
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1
    ]


def ground_of(text, figure):
    """The colour that a text is written on, from what is drawn below it."""
    if text.get_bbox_patch() is not None:
        return text.get_bbox_patch().get_facecolor()
    box = text.get_window_extent()
    middle = ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
    if text.axes is not None:
        below = [
            patch
            for patch in text.axes.patches
            if patch.get_visible() and patch.contains_point(middle) and patch.get_facecolor()[3]
        ]
        if below:
            return max(below, key=lambda patch: patch.get_zorder()).get_facecolor()
    return figure.get_facecolor()


def areas(axes):
    """By the label of each filled area over x: x, lower and upper edge, as they were given."""
    found = {}
    for area in axes.collections:
        (path,) = area.get_paths()
        corners = path.vertices[:-1]
        number = (len(corners) - 2) // 2
        lower, upper = corners[1 : number + 1], corners[number + 2 :][::-1]
        found[area.get_label()] = (lower[:, 0], lower[:, 1], upper[:, 1])
    return found


def same(left, right):
    """Whether both are the same numbers, nan where nan."""
    np.testing.assert_allclose(left, right, rtol=1e-12, atol=1e-12)
