import json
import math
from itertools import pairwise

import numpy as np
import pytest
from drawings import drawn, legend, lines, outcome_of, panels, same, summary_of, words
from prepared import RIGHT, WRONG, compared, prepared

from hsig import figures
from hsig.analysis.summary import summarise
from hsig.reports.captions import comparison_caption
from hsig.reports.comparison import best_first
from hsig.reports.documents import document

REAL = {
    "activations": "sigmoid,tanh,hard,relu,ultra_fast",
    "seeds": "30",
    "epochs": "400",
    "init": "uniform:-1,1",
    "learning_rate": "0.5",
}
DIAMOND, UP, DOWN, CIRCLE, ARROW = "D", "^", "v", "o", ">"


def comparison_of(summary):
    return drawn(figures.comparison(summary, caption=comparison_caption(summary)))


def rows_of(axes):
    """By row: the intervals, and the marks with their places."""
    found = {}
    for line in lines(axes):
        x, y = np.array(line.get_xdata(), dtype=float), line.get_ydata()
        if len(set(y)) == 1 and float(y[0]).is_integer() and len(x) in (1, 2):
            row = found.setdefault(int(y[0]), {"interval": None, "marks": {}})
            if len(x) == 2 and line.get_marker() in (None, "None"):
                row["interval"] = tuple(x)
            elif line.get_marker() in (DIAMOND, UP, DOWN, CIRCLE, ARROW):
                row["marks"][line.get_marker()] = float(x[0])
    return found


def test_dots_and_bars_are_the_rates_and_intervals_of_the_document_the_best_at_the_top():
    outcome, summary = outcome_of(**REAL), summary_of(**REAL)
    told = json.loads(json.dumps(document(outcome, summary)))
    told = {variant["label"]: variant for variant in told["variants"]}
    figure = comparison_of(summary)
    left, _ = panels(figure)
    names = [label.get_text() for label in left.get_yticklabels()]
    assert names == [variant.label for variant in best_first(summary.variants)]
    bottom, top = left.get_ylim()
    assert bottom > top  # so that the first row is at the top
    found = rows_of(left)
    assert set(found) == set(range(4))
    for row, label in enumerate(names[:4]):
        solved = told[label]["solved"]
        (rate,) = found[row]["marks"].values()
        same([rate, *found[row]["interval"]], [solved["k"] / 30, solved["low"], solved["high"]])


def test_the_median_of_the_epochs_has_its_interval_and_what_is_not_reached_an_arrow():
    summary = summary_of(**REAL)
    _, right = panels(comparison_of(summary))
    found = rows_of(right)
    arrows = 0
    for row, variant in enumerate(best_first(summary.variants)[:4]):
        median, low, high = variant.epochs_to_solve
        marks = found[row]["marks"]
        dots = [x for mark, x in marks.items() if mark != ARROW]
        assert dots == ([median] if math.isfinite(median) else [])
        if math.isfinite(low):
            edge = right.get_xlim()[1]
            same(found[row]["interval"], [low, min(high, edge)])
        assert (ARROW in marks) == math.isinf(high)
        arrows += ARROW in marks
    assert 0 < arrows < 4  # both are seen


def test_marks_are_what_the_pairing_claims_against_the_baseline():
    right, wrong = [RIGHT] * 12, [WRONG] * 12
    costs = np.ones((12, 2))
    results = {
        "sigmoid": (right[:6] + wrong[:6], costs),
        "tanh": (right, costs),
        "hard": (wrong, costs),
        "relu": (right[:7] + wrong[:5], costs),
    }
    summary = summarise(compared(results, output_activation="sigmoid"))
    claims = {label: paired.claim for label, paired in summary.pairing.against.items()}
    assert claims == {"tanh": "", "hard": "", "relu": ""}  # p 0.03 each, after Holm 0.09
    figure = comparison_of(summary)
    marks = [next(iter(row["marks"])) for _, row in sorted(rows_of(panels(figure)[0]).items())]
    assert sorted(marks) == sorted([CIRCLE, CIRCLE, DIAMOND, CIRCLE])
    results = {name: (made[0] * 3, np.ones((36, 2))) for name, made in results.items()}
    summary = summarise(compared(results, output_activation="sigmoid"))
    figure = comparison_of(summary)
    marks = [next(iter(row["marks"])) for _, row in sorted(rows_of(panels(figure)[0]).items())]
    assert marks == [UP, CIRCLE, DIAMOND, DOWN]  # tanh, relu, sigmoid, hard
    assert legend(figure) == [
        "baseline",
        "solved more often",
        "solved less often",
        "no difference claimed",
        "not by the last epoch",
    ]


def test_what_was_not_trained_has_a_row_that_says_so():
    figure = comparison_of(summary_of(**REAL))
    assert words(figure).count("not trained") == 1
    left, right = panels(figure)
    (said,) = [text for text in left.texts if text.get_text() == "not trained"]
    assert said.get_position()[1] == 4
    assert 4 not in rows_of(left)
    assert 4 not in rows_of(right)


@pytest.mark.parametrize("number", [1, 2, 66])
def test_any_number_of_variants_has_rows_that_do_not_touch(number):
    results = {f"{n + 2}*x": ([RIGHT, WRONG], [[1.0 + n] * 2] * 2) for n in range(number)}
    summary = summarise(compared(results, output_activation="sigmoid"))
    figure = comparison_of(summary)
    left, _ = panels(figure)
    boxes = [label.get_window_extent() for label in left.get_yticklabels()]
    assert len(boxes) == number
    assert all(above.y0 > below.y1 for above, below in pairwise(boxes))


def test_epochs_that_are_far_apart_are_on_a_logarithmic_axis():
    outcome = compared(
        {"sigmoid": ([RIGHT] * 9, np.ones((9, 101))), "x": ([WRONG] * 9, np.ones((9, 101)))}
    )
    outcome.results[0].solved_at[:] = 40  # of 1000 epochs: 25 times as many
    assert panels(comparison_of(summarise(outcome)))[1].get_xscale() == "log"
    outcome.results[0].solved_at[:] = 50
    assert panels(comparison_of(summarise(outcome)))[1].get_xscale() == "linear"


def test_an_interval_without_an_upper_end_is_an_arrow_beside_its_median():
    outcome = prepared([RIGHT, RIGHT], np.ones((2, 3)))  # of two seeds nothing bounds the median
    _, right = panels(comparison_of(summarise(outcome)))
    found = rows_of(right)[0]
    assert found["marks"] == {CIRCLE: 7.0, ARROW: right.get_xlim()[1]}
    same(found["interval"], [0.0, right.get_xlim()[1]])


def test_seeds_that_were_solved_at_once_are_at_0():
    outcome = prepared([RIGHT] * 9, np.ones((9, 3)))
    outcome.results[0].solved_at[:] = 0
    _, right = panels(comparison_of(summarise(outcome)))
    assert rows_of(right)[0]["marks"][CIRCLE] == 0.0
    low, high = right.get_xlim()
    assert low <= 0.0 < 20.0 < high
