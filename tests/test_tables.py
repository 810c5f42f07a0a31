from io import BytesIO, StringIO, TextIOWrapper

import numpy as np
import pytest
from prepared import RIGHT, UNKNOWN, WRONG, prepared
from rich.console import Console

from hsig.analysis.summary import summarise
from hsig.config.loading import load_experiment
from hsig.experiments.training import gather, run
from hsig.output.screen import render, results
from hsig.reports.page import Table, percent
from hsig.reports.words import report, unmet_expectations


def rendered(outcome, width=100, *, quiet=False):
    console = Console(file=StringIO(), width=width, color_system=None, highlight=False)
    draw = results if quiet else render
    console.print(draw(report(summarise(outcome)), console))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_one_seed_as_a_whole():
    assert rendered(prepared([WRONG], [[1, 0.5, 0.25, 0.125]])) == [
        "sigmoid on xor: 2-3-1 network, loss bce, learning rate 0.1, 30 epochs (online)",
        "initial weights from [0, 1), seed 0; engine reference",
        "both layers: sigmoid(x) = 1 / (1 + exp(-x))",
        "",
        "epoch  cost of the last sample   1 ⠑⠢⣀",
        "    0                  1.00000        ⠉⠢⢄",
        "   10                 0.500000           ⠉⠒⢄⡀",
        "   20                 0.250000              ⠈⠒⢄⡀",
        "   30                 0.125000                 ⠈⠑⠤⢄⣀",
        "                                                    ⠉⠉⠒⠢⠤⣀⡀",
        "                                                          ⠈⠉⠒⠢⠤⢄⣀⣀⣀",
        "                                                                   ⠉⠉⠉⠒⠒⠒⠤⠤⠤⢄",
        "                                 0",
        "                                   0                                       30",
        "",
        "inputs  target  prediction  right",
        "   0 1       1    0.500000     no",
        "   1 0       1    0.600000    yes",
        "   1 1       0    0.400000    yes",
        "   0 0       0    0.100000    yes",
        "",
        "sigmoid: solved 0 of 1 seed (0 %; 95 % Wilson interval 0 % to 79 %)",
        "largest |prediction - target| is 0.500000; solved is below 0.5 on every row",
        "slow: the cost is still falling",
        "to see why: hsig explain sigmoid, with the same config and flags",
    ]


def test_several_seeds_as_a_whole_on_a_narrow_terminal():
    costs = [[1, 0.5, 0.3], [np.nan] * 3, [1, 0.2, np.inf]]
    outcome = prepared([RIGHT, UNKNOWN, WRONG], costs, diverged_at=[-1, 3, -1])
    assert rendered(outcome, width=60) == [
        "sigmoid on xor: 2-3-1 network, loss bce, learning rate 0.1,",
        "20 epochs (online)",
        "initial weights from [0, 1), seeds 0 to 2; engine reference",
        "both layers: sigmoid(x) = 1 / (1 + exp(-x))",
        "",
        "cost of the last sample, over 3 seeds",
        "epoch      25 %    median  75 %",
        "    0   1.00000   1.00000   nan",
        "   10  0.350000  0.500000   nan",
        "   20       inf       inf   nan",
        "",
        "1 ⠉⠒⠤⣀⡀",
        "      ⠉⠑⡒⠤⣀",
        "          ⠂⠉⡑⠢⢄⣀",
        "              ⠂ ⡉⠒⠢⢄⡀",
        "                  ⠄ ⠈⠉⠒",
        "                    ⠁ ⠄",
        "",
        "",
        "0",
        "  0                                       20",
        "",
        "predictions, over 3 seeds",
        "inputs  target      25 %    median  75 %   right",
        "   0 1       1  0.700000  0.900000   nan  1 of 3",
        "   1 0       1  0.700000  0.800000   nan  2 of 3",
        "   1 1       0  0.250000  0.400000   nan  2 of 3",
        "   0 0       0  0.150000  0.200000   nan  2 of 3",
        "",
        "sigmoid: solved 1 of 3 seeds (33 %; 95 % Wilson interval 6 %",
        "to 79 %)",
        "verdicts: diverged 1, solved 1, plateau 1",
        "diverged 1 of 3 seeds (a weight stopped being finite): seed",
        "1 in epoch 3",
        "1 of them: the weights grew beyond the largest number",
        "cost not finite for 2 of 3 seeds: seed 1 is nan at epoch 0,",
        "seed 2 is inf at epoch 20",
        "to see why: hsig explain sigmoid, with the same config and",
        "flags",
    ]


def test_quiet_is_the_result_line():
    outcome = prepared([RIGHT], [[1, 0.5]])
    assert rendered(outcome, quiet=True) == [
        "sigmoid: solved 1 of 1 seed, first at epoch 7 (100 %; 95 % Wilson interval 21 % to 100 %)"
    ]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_costs_and_results_are_never_lost(width):
    outcome = prepared([RIGHT, WRONG], [[1, 0.5, 0.25], [3, 0.5, 0.25]])
    text = " ".join(rendered(outcome, width))
    for wanted in ("2.00000", "0.500000", "0.250000", "0.700000", "solved 1 of 2 seeds"):
        assert wanted in text
    assert all(len(line) <= width for line in rendered(outcome, width))


def test_an_ascii_terminal_gets_ascii():
    data = BytesIO()
    console = Console(file=TextIOWrapper(data, "ascii"), width=80, color_system=None)
    console.print(render(report(summarise(prepared([WRONG], [[1, 0.5]]))), console))
    console.file.flush()
    assert data.getvalue().isascii()
    assert b"**" in data.getvalue()


def outcome_of(**flags):
    experiment = load_experiment(flags=flags)
    return gather(experiment, run(experiment))


def test_a_variant_without_gradient_says_so_and_how_to_give_it_one():
    lines = rendered(outcome_of(activation="ultra_fast"), width=300)
    assert lines[-1] == (
        "ultra_fast: not trained: ultra_fast has no gradient. Theano answers MethodNotDefined: "
        "('grad', ..., 'UltraFastScalarSigmoid'). Choose the slope to train with: "
        "ultra_fast:backward=own, backward=output or backward=logistic"
    )


def test_different_layers_are_both_defined_with_the_slopes_they_train_with():
    outcome = outcome_of(
        activation="relu:backward=straight_through",
        epochs="1",
        hidden="5",
        seeds="4,9",
        engine="reference",
    )
    assert rendered(outcome)[:4] == [
        "relu:backward=straight_through on xor: 2-5-1 network, loss bce, learning rate 0.1, "
        "1 epoch (online)",
        "initial weights from [0, 1), 2 seeds; engine reference",
        "hidden layer: relu:backward=straight_through(x) = max(x, 0), trained with the "
        "straight_through slope",
        "output: sigmoid(x) = 1 / (1 + exp(-x))",
    ]


def test_given_initial_weights_are_told():
    weights = "{hidden: [[1], [2], [3]], output: [[1], [2]]}"
    outcome = outcome_of(initial_weights=weights, hidden="1", epochs="1", engine="reference")
    assert rendered(outcome)[1] == "given 5 initial weights; engine reference"


def test_an_early_end_is_told():
    experiment = load_experiment(flags={"epochs": "20", "report_every": "5"})
    events = run(experiment)
    outcome = gather(experiment, [next(events), next(events)])
    assert "stopped before the end: this is the state at epoch 5 of 20" in rendered(outcome)


def test_lost_solutions_are_told():
    one, two = prepared([RIGHT], [[1, 0.5]]), prepared([RIGHT] * 2, [[1, 0.5]] * 2)
    one.results[0].lost_at[:] = 9
    two.results[0].lost_at[1] = 9
    assert "it was solved and lost it again, for an epoch at least" in rendered(one)
    assert "solved and lost it again, for an epoch at least: 1 of 2 seeds" in rendered(two)


def test_quiet_is_one_line_even_when_there_is_more_to_say():
    outcome = prepared([UNKNOWN] * 2, [[np.nan] * 2] * 2, diverged_at=[1, 2])
    assert len(rendered(outcome, quiet=True)) == 1


def test_many_diverged_seeds_are_named_by_the_first_five():
    outcome = prepared([UNKNOWN] * 7, [[np.nan] * 2] * 7, diverged_at=[1, 2, 3, 4, 5, 6, 7])
    lines = rendered(outcome, width=200)
    assert (
        "diverged 7 of 7 seeds (a weight stopped being finite): seed 0 in epoch 1, "
        "seed 1 in epoch 2, seed 2 in epoch 3, seed 3 in epoch 4, seed 4 in epoch 5 and 2 more"
    ) in lines


def test_long_tables_are_shown_without_their_middle():
    table = Table("", ("a", "b"), tuple((str(i), "x") for i in range(100)))
    shortened = table.shortened(10)
    assert [row[0] for row in shortened.rows] == [
        *map(str, range(5)), "(90 more)", *map(str, range(95, 100))
    ]  # fmt: skip
    assert table.shortened(100) is table


@pytest.mark.parametrize(
    ("rate", "text"),
    [(0, "0 %"), (1, "100 %"), (0.5, "50 %"), (0.0004, "0.04 %"), (0.9996, "99.96 %")],
)
def test_only_all_and_none_are_shown_as_100_and_0_percent(rate, text):
    assert percent(rate) == text


def test_unmet_expectations_are_sentences():
    outcome = prepared([WRONG] * 3, [[1.0, 0.5]] * 3, expect="solved_at_least=0.9")
    assert unmet_expectations(summarise(outcome)) == (
        "expect: sigmoid: expected solved_at_least 0.9, got 0 of 3 solved, 0",
    )
