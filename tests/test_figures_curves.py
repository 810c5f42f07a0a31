import json
import math

import numpy as np
import pytest
from drawings import areas, drawn, legend, lines, outcome_of, panels, same, summary_of
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from prepared import RIGHT, UNKNOWN, WRONG, compared, prepared

from hsig import figures
from hsig.analysis.statistics import wilson_interval
from hsig.analysis.summary import summarise
from hsig.figures.picture import THEMES
from hsig.reports.captions import costs_caption, solved_caption
from hsig.reports.comparison import best_first
from hsig.reports.documents import document

COLOURS = THEMES["light"].lines
REAL = {"activations": "sigmoid,hard,tanh", "seeds": "7", "epochs": "60", "report_every": "20"}


def costs_of(summary):
    return drawn(figures.costs(summary, caption=costs_caption(summary)))


def solved_of(summary):
    return drawn(figures.solved(summary, caption=solved_caption(summary)))


def median_of(axes, place):
    """The line of the variant in that place of the table."""
    (line,) = lines(axes, colour=COLOURS[place])
    return line


def bands(axes):
    """The edges of each band, by its colour."""
    found = {}
    for area in axes.collections:
        if not isinstance(area, LineCollection) and area.get_paths():
            found[tuple(area.get_facecolor()[0, :3])] = area
    return found


def seed_lines_of(axes, place):
    (found,) = [
        area
        for area in axes.collections
        if isinstance(area, LineCollection)
        and tuple(area.get_colors()[0, :3]) == to_rgba(COLOURS[place])[:3]
    ]
    return found.get_segments()


def in_json(outcome):
    """The variants of the JSON document by label, as any reader would have them."""
    told = json.loads(json.dumps(document(outcome, summarise(outcome)), allow_nan=False))
    return {variant["label"]: variant for variant in told["variants"]}


def costs_in_json(variant, which="cost_mean"):
    return np.array([[float(cost) for cost in seed[which]] for seed in variant["seeds"]])


# --- costs ------------------------------------------------------------------------------------


def test_medians_quartiles_and_seeds_are_those_of_the_document():
    outcome, summary = outcome_of(**REAL), summary_of(**REAL)
    (axes,) = panels(costs_of(summary))
    told = in_json(outcome)
    for place, variant in enumerate(best_first(summary.variants)):
        expected = costs_in_json(told[variant.label])
        line = median_of(axes, place)
        same(line.get_xdata(), told[variant.label]["checkpoints"])
        same(line.get_ydata(), np.median(expected, axis=0))
        lower, upper = np.quantile(expected, [0.25, 0.75], axis=0)
        corners = bands(axes)[to_rgba(COLOURS[place])[:3]].get_paths()[0].vertices
        same(corners[1:5, 1], lower)
        same(corners[6:10, 1][::-1], upper)
        drawn_seeds = np.array([segment[:, 1] for segment in seed_lines_of(axes, place)])
        same(drawn_seeds, expected)


@settings(max_examples=15)
@given(
    arrays(
        float,
        st.tuples(st.integers(1, 6), st.integers(2, 4)),
        elements=st.sampled_from([0.0, 0.5, 1.0, 70.0, 1e-9, np.inf, np.nan, 1e12]),
    )
)
def test_a_median_that_is_not_finite_is_a_gap_and_any_other_is_drawn(costs):
    summary = summarise(prepared([WRONG] * len(costs), costs))
    (axes,) = panels(costs_of(summary))
    median = summary.variants[0].cost[1]
    same(median_of(axes, 0).get_ydata(), np.where(np.isfinite(median), median, np.nan))


@settings(max_examples=15)
@given(
    arrays(
        float,
        st.tuples(st.integers(2, 6), st.integers(2, 4)),
        elements=st.floats(1e-6, 1e6),
    )
)
def test_all_quartiles_are_within_the_axes(costs):
    summary = summarise(prepared([WRONG] * len(costs), costs))
    (axes,) = panels(costs_of(summary))
    low, high = axes.get_ylim()
    known = summary.variants[0].cost
    assert low <= known.min()
    assert known.max() <= high


@pytest.mark.parametrize(
    ("medians", "scale"),
    [
        # by hand: the largest is 20 times the smallest, and a little more
        ([1.0, 0.05], "linear"),
        ([1.0, 0.0499], "log"),
        ([1.0, 0.01, 0.0], "linear"),
        ([np.inf, 1.0, 0.01], "log"),
        ([np.nan, np.nan], "linear"),
    ],
)
def test_the_scale_is_logarithmic_where_positive_medians_are_far_apart(medians, scale):
    figure = costs_of(summarise(prepared([WRONG], [medians])))
    (axes,) = panels(figure)
    assert axes.get_yscale() == scale
    assert axes.get_ylabel().endswith(", logarithmic") == (scale == "log")


def test_numbers_on_a_logarithmic_scale_are_plain():
    figure = costs_of(summarise(prepared([WRONG], [[30.0, 0.003]])))
    (axes,) = panels(figure)
    shown = [label.get_text() for label in axes.get_yticklabels()]
    assert {"0.01", "0.1", "1", "10"} <= set(shown)
    assert not any("$" in text or "^" in text for text in shown)


def test_of_many_seeds_a_hundred_are_drawn_evenly_and_the_footnote_says_so():
    costs = np.arange(1000.0)[:, None] + np.zeros(3)
    summary = summarise(prepared([WRONG] * 1000, costs))
    (axes,) = panels(costs_of(summary))
    chosen = [segment[0, 1] for segment in seed_lines_of(axes, 0)]
    assert len(chosen) == 100
    assert (chosen[0], chosen[-1]) == (0.0, 999.0)
    assert set(np.diff(chosen)) <= {10.0, 11.0}
    assert "100 of 1000 seeds drawn" in costs_caption(summary).footnote[0]


def test_the_lines_of_seeds_are_a_hundred_at_most_for_all_variants_together():
    many = {"activations": "sigmoid,tanh,hard,relu", "seeds": "40", "epochs": "4"}
    summary = summary_of(**many)
    (axes,) = panels(costs_of(summary))
    assert [len(seed_lines_of(axes, place)) for place in range(4)] == [25] * 4
    assert "25 of 40 seeds drawn of each variant" in costs_caption(summary).footnote[0]


def test_behind_the_first_eight_variants_lines_are_grey_and_counted():
    results = {f"{n}*x": ([WRONG], [[float(n), float(n)]]) for n in range(2, 13)}
    summary = summarise(compared(results, output_activation="sigmoid"))
    for figure in (costs_of(summary), solved_of(summary)):
        (axes,) = panels(figure)
        assert len(lines(axes)) == 11
        assert [len(lines(axes, colour=colour)) for colour in COLOURS] == [1] * 8
        assert len(lines(axes, colour=THEMES["light"].muted)) == 3
        assert legend(figure) == [*(f"{n}*x" for n in range(2, 10)), "3 more"]
    (axes,) = panels(costs_of(summary))
    same([median_of(axes, place).get_ydata()[0] for place in range(8)], np.arange(2.0, 10.0))


@pytest.mark.parametrize("largest", [1e99, 1e150, 1.7e308])
def test_enormous_costs_are_drawn(largest):
    costs = [[1.0, largest], [largest, 2.0], [3.0, largest]]
    (axes,) = panels(costs_of(summarise(prepared([WRONG] * 3, costs))))
    assert np.isfinite(axes.get_ylim()).all()
    assert median_of(axes, 0).get_ydata()[0] == 3.0


def test_one_seed_is_a_line_alone_and_one_checkpoint_a_point():
    (axes,) = panels(costs_of(summarise(prepared([RIGHT], [[2.0, 1.0]]))))
    assert seed_lines_of(axes, 0) == []
    assert bands(axes) == {}
    (axes,) = panels(costs_of(stopped_at_once()))
    assert [line.get_marker() for line in lines(axes)] == ["o", "s"]


def stopped_at_once():
    """The numbers of a comparison that was stopped before its first epoch."""
    from hsig.config.loading import load_experiment
    from hsig.experiments.training import gather, run

    flags = {"activations": "sigmoid,hard", "seeds": "3", "epochs": "9", "engine": "reference"}
    experiment = load_experiment(flags=flags)
    return summarise(gather(experiment, [e for e in run(experiment) if e.epoch == 0]))


# --- solved -----------------------------------------------------------------------------------


def steps_of(line):
    """What a step curve shows at any epoch."""
    x, y = np.array(line.get_xdata()), np.array(line.get_ydata())
    assert line.get_drawstyle() == "steps-post"
    return lambda epoch: y[np.searchsorted(x, epoch, side="right") - 1]


def test_each_step_is_at_its_epoch_and_the_band_is_wilsons():
    flags = {
        "activations": "sigmoid,hard,tanh",
        "seeds": "9",
        "epochs": "900",
        "init": "uniform:-2,2",
    }
    outcome, summary = outcome_of(**flags), summary_of(**flags)
    (axes,) = panels(solved_of(summary))
    told = in_json(outcome)
    moved = 0
    for place, variant in enumerate(best_first(summary.variants)):
        solved_at = [
            seed["solved_at"]
            for seed in told[variant.label]["seeds"]
            if seed["solved_at"] is not None and seed["diverged_at"] is None
        ]
        shown = steps_of(median_of(axes, place))
        assert [shown(epoch) for epoch in range(901)] == [
            sum(at <= epoch for at in solved_at) / 9 for epoch in range(901)
        ]
        moved += len(solved_at)
        corners = bands(axes)[to_rgba(COLOURS[place])[:3]].get_paths()[0].vertices
        edges = {round(edge, 12) for edge in corners[:, 1]}
        expected = {
            round(end, 12)
            for epoch in (0, *solved_at)
            for end in wilson_interval(sum(at <= epoch for at in solved_at), 9)
        }
        assert edges == expected
    assert moved > 5


def test_seeds_that_diverged_are_never_solved():
    outcome = prepared([RIGHT, RIGHT, UNKNOWN], [[1.0, 0.5]] * 3, diverged_at=[-1, 9, 3])
    (axes,) = panels(solved_of(summarise(outcome)))
    shown = steps_of(median_of(axes, 0))
    assert [shown(epoch) for epoch in (6, 7, 10)] == [0.0, 1 / 3, 1 / 3]  # solved at epoch 7


def test_what_is_not_reached_stays_below_all():
    (axes,) = panels(solved_of(summarise(prepared([WRONG, WRONG], [[1.0, 1.0]] * 2))))
    assert set(median_of(axes, 0).get_ydata()) == {0.0}
    assert axes.get_ylim() == (0.0, 1.0)
    assert [text.get_text() for text in axes.get_yticklabels()][-1] == "100 %"


def test_of_a_band_with_many_steps_some_are_drawn_and_both_ends():
    outcome = prepared([RIGHT] * 2000, np.ones((2000, 301)))
    outcome.results[0].solved_at[:] = np.arange(2000) + 1
    summary = summarise(outcome)
    (axes,) = panels(solved_of(summary))
    assert len(median_of(axes, 0).get_xdata()) == 2002  # every step, the start and the end
    (band,) = bands(axes).values()
    corners = band.get_paths()[0].vertices
    assert len(corners) < 4 * 400 + 10
    assert corners[:, 1].min() == 0.0
    assert math.isclose(corners[:, 1].max(), 1.0)


def test_nothing_trained_is_a_picture_all_the_same():
    summary = summary_of(activation="ultra_fast", seeds="2")
    for figure in (costs_of(summary), solved_of(summary)):
        (axes,) = panels(figure)
        assert lines(axes) == []
        assert legend(figure) == []
        assert areas(axes) == {}
