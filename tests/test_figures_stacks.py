import json
from itertools import pairwise

import numpy as np
import pytest
from drawings import areas, drawn, legend, outcome_of, panels, same, summary_of
from prepared import RIGHT, UNKNOWN, WRONG, compared, prepared
from test_figures_curves import stopped_at_once

from hsig import figures
from hsig.analysis.plot_data import UNDECIDED
from hsig.analysis.summary import summarise
from hsig.figures.picture import HATCHES, THEMES, contrast
from hsig.reports.captions import verdicts_caption
from hsig.reports.comparison import best_first
from hsig.reports.documents import document

# at the wide start some seeds of these are solved, others affine, dead or saturated
REAL = {
    "activations": "hard,relu,sigmoid",
    "seeds": "24",
    "epochs": "120",
    "report_every": "30",
    "init": "uniform:-3,3",
    "learning_rate": "1",
}


def verdicts_of(summary, theme="light"):
    return drawn(figures.verdicts(summary, caption=verdicts_caption(summary), theme=theme))


def seen_in_json(variant):
    """By word, the share of the seeds at each checkpoint: the first that holds, else none yet."""
    checkpoints = variant["checkpoints"]
    found = {word: np.zeros(len(checkpoints)) for word in HATCHES}
    for seed in variant["seeds"]:
        for place, epoch in enumerate(checkpoints):
            seen = {word: seed["evidence"][word][place] for word in ("solved", "dead", "affine")}
            seen["saturated"] = seed["evidence"]["saturated"][place]
            seen["diverged"] = seed["diverged_at"] is not None and seed["diverged_at"] < epoch
            order = ("diverged", "solved", "dead", "saturated", "affine")
            word = next((word for word in order if seen[word]), UNDECIDED)
            found[word][place] += 1 / len(variant["seeds"])
    return {word: share for word, share in found.items() if share.any()}


def test_areas_are_the_shares_of_the_document_and_fill_the_panel():
    outcome, summary = outcome_of(**REAL), summary_of(**REAL)
    told = json.loads(json.dumps(document(outcome, summary)))
    told = {variant["label"]: variant for variant in told["variants"]}
    shown, words = panels(verdicts_of(summary)), set()
    for axes, variant in zip(shown, best_first(summary.variants), strict=True):
        expected = seen_in_json(told[variant.label])
        assert axes.get_title(loc="left").startswith(f"{variant.label}: {variant.solved.k} of 24")
        base = np.zeros(5)
        found = areas(axes)
        assert set(found) == set(expected)
        for word, (x, lower, upper) in found.items():
            same(x, told[variant.label]["checkpoints"])
            same(lower, base)
            same(upper - lower, expected[word])
            base = upper
        same(base, np.ones(5))
        words |= set(found)
    assert len(words) >= 4  # or it would show little


def test_the_legend_has_the_words_that_there_are_from_the_top():
    summary = summary_of(**REAL)
    figure = verdicts_of(summary)
    there = {word for axes in panels(figure) for word in areas(axes)}
    assert legend(figure) == [word for word in reversed(HATCHES) if word in there]


@pytest.mark.parametrize("theme", THEMES)
def test_whatever_areas_are_neighbours_differ_in_how_light_they_are_or_in_hatching(theme):
    colours = THEMES[theme].states
    words = [word for word in HATCHES if word in colours]
    for place, word in enumerate(words):
        for other in words[place + 1 :]:
            differ = contrast(colours[word], colours[other]) >= 1.5
            assert differ or HATCHES[word] != HATCHES[other], (word, other)
    for word, above in pairwise(words):
        assert contrast(colours[word], colours[above]) >= 1.5, (word, above)


def test_no_two_hatchings_are_the_same():
    hatched = [hatch for hatch in HATCHES.values() if hatch]
    assert len(hatched) == len(set(hatched)) == len(HATCHES) - 2  # solved, and none of these yet


def test_twelve_variants_have_panels_and_the_others_are_named():
    results = {f"{n}*x": ([WRONG, RIGHT], [[float(n)] * 2] * 2) for n in range(2, 16)}
    summary = summarise(compared(results, output_activation="sigmoid"))
    figure = verdicts_of(summary)
    assert len(panels(figure)) == 12
    assert "not drawn: 14*x, 15*x" in verdicts_caption(summary).footnote


def test_a_single_checkpoint_is_a_bar():
    for axes in panels(verdicts_of(stopped_at_once())):
        for x, lower, upper in areas(axes).values():
            same(x, [0.0, 0.9])  # a tenth of the budget, 9 epochs
            assert len(set(upper - lower)) == 1


def test_seeds_that_diverged_are_counted_from_the_checkpoint_behind():
    outcome = prepared([WRONG, UNKNOWN], [[1.0] * 4] * 2, diverged_at=[-1, 15])
    (axes,) = panels(verdicts_of(summarise(outcome)))
    _, lower, upper = areas(axes)["diverged"]
    same(upper - lower, [0.0, 0.0, 0.5, 0.5])  # at epochs 0, 10, 20, 30


def test_nothing_trained_is_a_picture_without_panels():
    summary = summary_of(activation="ultra_fast", seeds="2")
    assert panels(verdicts_of(summary)) == []
