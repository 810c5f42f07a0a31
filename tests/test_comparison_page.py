import re
from itertools import takewhile

import numpy as np
import pytest
from pages import drawn, drawn_in_ascii, fit, in_markdown, said_and_tabled, sentences, tables, words
from prepared import RIGHT, UNKNOWN, WRONG, compared

from hsig.analysis.summary import summarise
from hsig.config.loading import load_experiment
from hsig.experiments.experiment import Outcome
from hsig.experiments.training import gather, run
from hsig.reports.columns import COLUMNS
from hsig.reports.comparison import comparison_page


def three_seeds():
    falling, rising = [1, 0.25, 0.125], [1, np.inf, 0.25]
    undefined = [3, np.nan, np.nan]
    return compared(
        {
            "sigmoid": ([WRONG] * 3, [[1, 0.75, 0.5]] * 3),
            "hard:backward=straight_through": ([WRONG] * 3, [[0.5] * 3, rising, [2, 1, 0.25]]),
            "ultra_fast": ("it has no gradient",),
            "tanh": ([RIGHT, RIGHT, WRONG], [falling] * 3),
            "relu": ([RIGHT, RIGHT, UNKNOWN], [falling, [1, 0.3, 0.0625], undefined]),
        }
    )


def page_of(outcome=None, columns=()):
    outcome = outcome or three_seeds()
    return comparison_page(outcome, summarise(outcome), columns)


def notes(outcome):
    return [sentence for block in sentences(page_of(outcome))[1:] for sentence in block]


def test_a_precision_that_was_not_reached_is_told():
    flags = {"until": "0.01", "max_seeds": "3"}
    results = {"tanh": ([RIGHT, RIGHT, WRONG], [[1, 0.5]] * 3), "relu": ([RIGHT] * 3, [[1, 0]] * 3)}
    told = "until 0.01 was not reached: the widest interval is within 0.37 with 3 seeds"
    assert told in notes(compared(results, **flags))


def test_a_comparison_as_a_whole_on_80_columns():
    assert drawn(page_of(), 80) == [
        "5 variants on xor: 2-3-1 network, loss bce, learning rate 0.1, 20 epochs",
        "(online)",
        "initial weights from [0, 1), seeds 0 to 2, the same for all; engine reference",
        "the output has the same activation as the hidden layer, but sigmoid for tanh,",
        "relu",
        "",
        "after 20 epochs (cost: cost of the last sample, median over 3 seeds; curve: from",
        "0 to 1)",
        "variant                         solved  95 % interval    cost  curve  verdicts",
        "tanh                            2 of 3   21 % to 94 %  0.1250  █▃▂    ███████▓▓▓",
        "relu                            2 of 3   21 % to 94 %  0.1250  █▃▂    ███████▒▒▒",
        "hard:backward=straight_th       0 of 3    0 % to 56 %  0.2500  ██▃    ▓▓▓▓▓▓▓▓▓▓",
        "rough",
        "sigmoid                         0 of 3    0 % to 56 %  0.5000  █▇▅    ▓▓▓▓▓▓▓▓▓▓",
        "ultra_fast                 not trained",
        "",
        "against sigmoid, paired by seed (difference of the solved rates; p: exact",
        "McNemar, each one of 3 comparisons, Holm; rank: 1 + how many are significantly",
        "better, Holm over all pairs; median epochs to solve)",
        "variant                                rank  difference      its interval  p",
        "tanh                                      1      +0.667  -0.059 to +0.939  1",
        "relu                                      1      +0.667  -0.059 to +0.939  1",
        "hard:backward=straight_through            1      +0.000  -0.561 to +0.561  1",
        "sigmoid                                   1",
        "ultra_fast                      not trained",
        "",
        "variant                                        epochs to solve",
        "tanh                                      7 (0 to not reached)",
        "relu                                      7 (0 to not reached)",
        "hard:backward=straight_through  not reached (0 to not reached)",
        "sigmoid                         not reached (0 to not reached)",
        "ultra_fast",
        "",
        "cost of the last sample by epoch, median over 3 seeds",
        "variant                                   0      10      20",
        "tanh                                  1.000  0.2500  0.1250",
        "relu                                  1.000  0.3000  0.1250",
        "hard:backward=straight_through        1.000   1.000  0.2500",
        "sigmoid                               1.000  0.7500  0.5000",
        "ultra_fast                      not trained",
        "",
        "predictions, median over 3 seeds (columns: inputs > target)",
        "variant                             0 1 > 1  1 0 > 1  1 1 > 0  0 0 > 0",
        "tanh                                 0.9000   0.8000   0.1000   0.2000",
        "relu                                 0.9000   0.8000   0.1000   0.2000",
        "hard:backward=straight_through       0.5000   0.6000   0.4000   0.1000",
        "sigmoid                              0.5000   0.6000   0.4000   0.1000",
        "ultra_fast                      not trained",
        "",
        "verdicts: █ solved, ▓ slow, ▒ plateau",
        "no difference from sigmoid can be claimed (each one of 3 comparisons, Holm) for",
        "hard:backward=straight_through (none was seen), tanh (+0.667 was seen; 12 seeds",
        "have 80 % power for it), relu (+0.667 was seen; 12 seeds have 80 % power for it)",
        "power: of the exact McNemar test at 0.05/3, Holm's first level, were the rates",
        "and the share of discordant pairs those seen",
        "relu: cost not finite for 1 of 3 seeds: seed 2 is nan at epoch 10",
        "hard:backward=straight_through: cost not finite for 1 of 3 seeds: seed 1 is inf",
        "at epoch 10",
        "ultra_fast: not trained: it has no gradient",
        "",
        "most seeds solved: tanh, relu, 2 of 3 (21 % to 94 %)",
        "none is solved significantly more often than: tanh, relu,",
        "hard:backward=straight_through, sigmoid (exact McNemar, Holm over all pairs)",
        "solved against sigmoid (exact McNemar, each one of 3 comparisons, Holm): cannot",
        "be told apart: tanh, relu, hard:backward=straight_through",
        "3 seeds: enough to see that it runs; report a claim on 100 or more",
        "to see why: hsig explain sigmoid, with the same config and flags",
    ]


def test_what_is_shown_unless_all_is_asked_for_is_one_table_and_the_answer():
    assert drawn(page_of(), 80, full=False) == [
        "5 variants on xor: 2-3-1 network, loss bce, learning rate 0.1, 20 epochs",
        "(online)",
        "initial weights from [0, 1), seeds 0 to 2, the same for all; engine reference",
        "the output has the same activation as the hidden layer, but sigmoid for tanh,",
        "relu",
        "",
        "after 20 epochs (epochs: median to solve; cost: cost of the last sample, median",
        "over 3 seeds)",
        "variant                        solved  95 % interval  epochs    cost  verdicts",
        "tanh                           2 of 3   21 % to 94 %       7  0.1250  ███████▓▓▓",
        "relu                           2 of 3   21 % to 94 %       7  0.1250  ███████▒▒▒",
        "hard:backward=straight_t       0 of 3    0 % to 56 %     >20  0.2500  ▓▓▓▓▓▓▓▓▓▓",
        "hrough",
        "sigmoid                        0 of 3    0 % to 56 %     >20  0.5000  ▓▓▓▓▓▓▓▓▓▓",
        "ultra_fast                not trained",
        "",
        "verdicts: █ solved, ▓ slow, ▒ plateau",
        "ultra_fast: not trained: it has no gradient",
        "cost not finite at some epoch: relu 1 of 3, hard:backward=straight_through 1 of",
        "3",
        "",
        "most seeds solved: tanh, relu, 2 of 3 (21 % to 94 %)",
        "none is solved significantly more often than: tanh, relu,",
        "hard:backward=straight_through, sigmoid (exact McNemar, Holm over all pairs)",
        "solved against sigmoid (exact McNemar, each one of 3 comparisons, Holm): cannot",
        "be told apart: tanh, relu, hard:backward=straight_through",
        "3 seeds: enough to see that it runs; report a claim on 100 or more",
        "to see why: hsig explain sigmoid, with the same config and flags",
    ]


@pytest.mark.parametrize("width", [40, 60, 120])
def test_at_any_width_a_label_is_folded_and_each_part_of_a_table_has_all_of_them(width):
    labels = {"tanh", "relu", "hard:backward=straight_through", "sigmoid", "ultra_fast"}
    lines = drawn(page_of(), width)
    heads = [number for number, line in enumerate(lines) if line.startswith("variant")]
    assert (len(heads) > 4) is (width < 120)
    for head in heads:
        part = list(takewhile(bool, lines[head + 1 :]))
        first = [line[: len(line.partition("  ")[0])] for line in part]
        assert labels <= set(_unfolded(first)), first
    for block in sentences(page_of()):
        assert words(block) in words(lines)


def _unfolded(parts):
    """The labels that begin at some line, with what is folded below them."""
    return [
        "".join(parts[start:stop])
        for start in range(len(parts))
        for stop in range(start + 1, len(parts) + 1)
    ]


def test_where_there_is_room_there_are_more_columns():
    header, first, second = drawn(page_of(), 200)[5:8]
    assert re.split(r"\s{2,}", header) == [
        "variant", "solved", "95 % interval", "cost", "25 %", "75 %", "curve", "verdicts"
    ]  # fmt: skip
    assert re.split(r"\s{2,}", first) == [
        "tanh", "2 of 3", "21 % to 94 %", "0.1250", "0.1250", "0.1250", "█▃▂", "███████▓▓▓"
    ]  # fmt: skip
    assert re.split(r"\s{2,}", second)[4:6] == ["0.09375", "nan"]


def test_the_best_come_first_and_what_could_not_be_trained_last():
    assert [row[0] for row in tables(page_of())[0].rows] == [
        "tanh", "relu", "hard:backward=straight_through", "sigmoid", "ultra_fast"
    ]  # fmt: skip


def test_equally_solved_variants_are_sorted_by_cost_and_nan_is_the_worst():
    outcome = compared(
        {
            "hard": ([UNKNOWN], [[1, np.nan]]),
            "tanh": ([WRONG], [[1, np.inf]]),
            "sigmoid": ([WRONG], [[1, 0.5]]),
            "relu": ([WRONG], [[1, 0.25]]),
        }
    )
    rows = tables(page_of(outcome))[0].rows
    assert [row[0] for row in rows] == ["relu", "sigmoid", "tanh", "hard"]
    assert [row[3] for row in rows] == ["0.2500", "0.5000", "inf", "nan"]


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120, 200])
def test_costs_and_results_are_never_lost_at_any_width(width):
    lines = drawn(page_of(), width)
    for wanted in ("2 of 3", "21 % to 94 %", "0.1250", "0.2500", "0.5000", "0.9000", "0.4000"):
        assert set(wanted.split()) <= set(words(lines).split())
    assert fit(lines, width)


def test_columns_make_one_table_in_their_order():
    (table,) = tables(page_of(columns=("curve", "solved", "predictions")))
    assert table.columns == (
        "variant", "curve", "solved", "0 1 > 1", "1 0 > 1", "1 1 > 0", "0 0 > 0"
    )  # fmt: skip
    assert table.rows[0] == ("tanh", "█▃▂", "2 of 3", "0.9000", "0.8000", "0.1000", "0.2000")
    assert table.rows[-1] == ("ultra_fast", "not trained", "", "", "", "", "")


@pytest.mark.parametrize("columns", [("nonsense",), ("solved", "Solved")])
def test_a_column_that_there_is_not_is_an_error(columns):
    with pytest.raises(KeyError, match=columns[-1]):
        page_of(columns=columns)


@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_can_be_chosen_alone(column):
    (table,) = tables(page_of(columns=(column,)))
    assert len(table.columns) > 1
    assert all(cell for cell in table.rows[0])


def test_an_ascii_terminal_gets_ascii():
    text = drawn_in_ascii(page_of())
    assert text.isascii()
    assert b"#:." in text  # 1, 0.25 and 0.125 of 1
    assert b"#######+++" in text  # two of three solved, the third slow


def test_in_brief_it_is_a_line_for_each_variant():
    lines = drawn(page_of(), brief=True)
    assert lines[0].startswith("tanh: solved 2 of 3 seeds (67 %; ")
    assert lines[0].endswith(" 21 % to 94 %)")
    assert lines[-1] == "ultra_fast: not trained: it has no gradient"
    assert len(lines) == 5


def test_markdown_has_the_same_rows_in_all_columns():
    said, (results, *_) = in_markdown(page_of())
    assert in_markdown(page_of()) == said_and_tabled(page_of())
    assert results[0][-4:] == ["25 %", "75 %", "curve", "verdicts"]
    assert results[1][:5] == ["tanh", "2 of 3", "21 % to 94 %", "0.1250", "0.1250"]
    assert results[-1] == ["ultra_fast", "not trained", *[""] * 6]
    assert "ultra_fast: not trained: it has no gradient" in said


def test_lost_is_a_column_where_there_is_any():
    outcome = compared(
        {"sigmoid": ([RIGHT] * 2, [[1, 0.5]] * 2), "hard": ([UNKNOWN] * 2, [[1, 1]] * 2, [3, -1])}
    )
    outcome.results[0].lost_at[0] = 9
    table = tables(page_of(outcome))[0]
    assert table.columns[-1] == "lost"
    assert [row[-1] for row in table.rows] == ["1", "0"]
    told = "hard: diverged 1 of 2 seeds (a weight stopped being finite): seed 0 in epoch 3"
    assert told in notes(outcome)


def test_an_early_end_says_what_is_missing():
    experiment = load_experiment(
        flags={"activations": "sigmoid,ultra_fast,hard,tanh", "epochs": "20", "report_every": "5"}
    )
    events = [event for event in run(experiment) if event.variant.label != "tanh"]
    outcome = gather(experiment, events[:-1])
    assert notes(outcome)[-3:-1] == [
        "stopped before the end, epoch 20: hard at epoch 15", "no result yet: tanh"
    ]  # fmt: skip
    (table,) = tables(page_of(outcome, columns=("costs",)))
    (hard,) = (row for row in table.rows if row[0] == "hard")
    assert all(hard[1:5])
    assert hard[5:] == ("",)


def test_nothing_but_failures_is_a_comparison():
    experiment = three_seeds().experiment
    failures = tuple(r for r in three_seeds().results if r.variant.label == "ultra_fast")
    page = page_of(Outcome(experiment, failures))
    assert "ultra_fast: not trained" in words(drawn(page))


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        ({"activations": "sigmoid,hard"}, "both layers have the variant's activation"),
        ({"activations": "tanh,relu"}, "the output has sigmoid"),
        (
            {"activations": "hard,tanh,relu"},
            "the output has the same activation as the hidden layer, but sigmoid for tanh, relu",
        ),
        (
            {"activations": "leaky_hard,tanh", "output_activation": "same", "loss": "squared"},
            "both layers have the variant's activation",
        ),
        (
            {"activations": "sigmoid,hard", "output_activation": "hard"},
            "the output has the same activation as the hidden layer, but hard for sigmoid",
        ),
    ],
)
def test_the_outputs_activation_is_told(flags, line):
    experiment = load_experiment(flags={**flags, "epochs": "1", "seeds": "1"})
    assert sentences(page_of(gather(experiment, run(experiment))))[0][2] == line


def test_many_checkpoints_and_rows_are_thinned():
    rows = "{inputs: [" + ", ".join(f"[{i}]" for i in range(40)) + "], targets: ["
    rows += ", ".join("01"[i % 2] for i in range(40)) + "]}"
    experiment = load_experiment(
        flags={"activations": "sigmoid,hard", "task": rows, "epochs": "101", "report_every": "1"}
        | {"seeds": "1"}
    )
    results, _, costs, predictions = tables(page_of(gather(experiment, run(experiment))))
    assert costs.columns[1:] == tuple(map(str, [*range(0, 101, 7), 101]))
    assert len(results.rows[0][results.columns.index("curve")]) <= 20
    assert len(predictions.columns) == 17
    assert predictions.title.startswith("predictions of the first 16 of 40 samples (columns:")


def test_one_wild_start_does_not_flatten_the_curves_of_the_others():
    costs = {"sigmoid": 1.0, "hard": 0.5, "relu": 1e100, "tanh": np.inf}
    outcome = compared({label: ([WRONG], [[start, 0.5]]) for label, start in costs.items()})
    (table,) = tables(page_of(outcome, columns=("curve",)))
    assert dict(table.rows) == {"sigmoid": "█▅", "hard": "▅▅", "relu": "█▅", "tanh": "█▅"}
    assert table.title.endswith("curve: from 0 to 1, cut off there)")
    nothing = compared({label: ([UNKNOWN], [[np.nan] * 2]) for label in ("sigmoid", "hard")})
    assert tables(page_of(nothing, columns=("curve",)))[0].rows[0][1] == "  "


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_title_tells_of_the_columns_that_there_is_room_for(width):
    shown = drawn(page_of(), width, full=False)
    heads = next(line for line in shown if line.startswith("variant ")).split()
    told = " ".join(shown).partition("after 20 epochs (")[2].partition(")")[0]
    assert ("curve" in heads) is ("curve: from 0" in told)
    assert "epochs: median to solve" in told
