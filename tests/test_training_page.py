import json

import numpy as np
import pytest
from pages import cells, drawn, fit, sentences, tables, words
from prepared import RIGHT, UNKNOWN, WRONG, prepared

from hsig.analysis.summary import summarise
from hsig.config.loading import load_experiment
from hsig.experiments.training import gather, run
from hsig.reports.phrases import unmet_expectations
from hsig.reports.training import training_page


def page_of(outcome):
    return training_page(outcome, summarise(outcome))


def page_of_run(**flags):
    experiment = load_experiment(flags=flags)
    return page_of(gather(experiment, run(experiment)))


def three_seeds():
    costs = [[1, 0.5, 0.3], [np.nan] * 3, [1, 0.2, np.inf]]
    return page_of(prepared([RIGHT, UNKNOWN, WRONG], costs, diverged_at=[-1, 3, -1]))


def test_one_seed_as_a_whole():
    assert drawn(page_of(prepared([WRONG], [[1, 0.5, 0.25, 0.125]]))) == [
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
        "largest |prediction - target| is 0.500000; solved is below 0.5 on every sample",
        "slow: the cost is still falling at the end of this budget",
        "to see why: hsig explain sigmoid, with the same config and flags",
    ]


def test_several_seeds_have_their_quartiles_and_are_told_together():
    page = three_seeds()
    costs, predictions = tables(page)
    assert costs.title == "cost of the last sample, over 3 seeds"
    assert cells(costs) == [
        ["epoch", "25 %", "median", "75 %"],
        ["0", "1.00000", "1.00000", "nan"],
        ["10", "0.350000", "0.500000", "nan"],
        ["20", "inf", "inf", "nan"],
    ]
    assert predictions.title == "predictions, over 3 seeds"
    assert cells(predictions) == [
        ["inputs", "target", "25 %", "median", "75 %", "right"],
        ["0 1", "1", "0.700000", "0.900000", "nan", "1 of 3"],
        ["1 0", "1", "0.700000", "0.800000", "nan", "2 of 3"],
        ["1 1", "0", "0.250000", "0.400000", "nan", "2 of 3"],
        ["0 0", "0", "0.150000", "0.200000", "nan", "2 of 3"],
    ]
    result, *notes = sentences(page)[-1]
    assert result.startswith("sigmoid: solved 1 of 3 seeds (33 %; ")
    assert notes[:-1] == [
        "verdicts: diverged 1, solved 1, plateau 1",
        "diverged 1 of 3 seeds (a weight stopped being finite): seed 1 in epoch 3",
        "1 of them: the weights grew beyond the largest number",
        "cost not finite for 2 of 3 seeds: seed 1 is nan at epoch 0, seed 2 is inf at epoch 20",
    ]
    assert "hsig explain sigmoid" in notes[-1]


def test_the_quartiles_are_drawn_behind_the_median():
    curves = tables(three_seeds())[0].beside
    assert curves.x == (0, 10, 20)
    np.testing.assert_array_equal(
        curves.values, [[1, 0.5, np.inf], [1, 0.35, np.inf], [np.nan, np.nan, np.nan]]
    )


def test_on_a_narrow_screen_the_curve_comes_below_its_table():
    def has_dots(line):
        return any("\u2800" <= character <= "\u28ff" for character in line)

    for width, beside in ((72, True), (60, False)):
        lines = drawn(three_seeds(), width)
        head = next(n for n, line in enumerate(lines) if line.startswith("epoch"))
        assert any(map(has_dots, lines[head : head + 4])) is beside
        assert any(map(has_dots, lines[head + 4 :]))
        assert fit(lines, width)


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_costs_and_results_are_never_lost_at_any_width(width):
    page = page_of(prepared([RIGHT, WRONG], [[1, 0.5, 0.25], [3, 0.5, 0.25]]))
    lines = drawn(page, width)
    for wanted in ("2.00000", "0.500000", "0.250000", "0.700000", "solved 1 of 2 seeds"):
        assert wanted in words(lines)
    assert fit(lines, width)
    for block in sentences(page):
        assert words(block) in words(lines)


def test_in_brief_it_is_the_result_alone():
    page = page_of(prepared([RIGHT], [[1, 0.5]]))
    (line,) = drawn(page, brief=True)
    assert line.startswith("sigmoid: solved 1 of 1 seed, first at epoch 7 (100 %; ")
    assert line.endswith(" 21 % to 100 %)")
    more = page_of(prepared([UNKNOWN] * 2, [[np.nan] * 2] * 2, diverged_at=[1, 2]))
    assert len(drawn(more, brief=True)) == 1


def test_a_variant_without_gradient_says_so_and_how_to_give_it_one():
    assert drawn(page_of_run(activation="ultra_fast"), 300)[-1] == (
        "ultra_fast: not trained: ultra_fast has no gradient. Theano answers MethodNotDefined: "
        "('grad', ..., 'UltraFastScalarSigmoid'). Choose the slope to train with: "
        "ultra_fast:backward=own, backward=output or backward=logistic"
    )


def test_different_layers_are_both_defined_with_the_slopes_they_train_with():
    page = page_of_run(
        activation="relu:backward=straight_through",
        epochs="1",
        hidden="5",
        seeds="4,9",
        engine="reference",
    )
    what, start, *definitions = sentences(page)[0]
    assert what.startswith("relu:backward=straight_through on xor: 2-5-1 network, ")
    assert what.endswith(" 1 epoch (online)")
    assert ", 2 seeds; " in start
    assert definitions == [
        "hidden layer: relu:backward=straight_through(x) = max(x, 0), trained with the "
        "straight_through slope",
        "output: sigmoid(x) = 1 / (1 + exp(-x))",
    ]


def test_given_initial_weights_are_told():
    weights = "{hidden: [[1], [2], [3]], output: [[1], [2]]}"
    page = page_of_run(initial_weights=weights, hidden="1", epochs="1", engine="reference")
    assert sentences(page)[0][1] == "given 5 initial weights; engine reference"


def test_an_early_end_is_told():
    experiment = load_experiment(flags={"epochs": "20", "report_every": "5"})
    events = run(experiment)
    page = page_of(gather(experiment, [next(events), next(events)]))
    assert "stopped before the end: this is the state at epoch 5 of 20" in sentences(page)[-1]


def test_lost_solutions_are_told():
    one, two = prepared([RIGHT], [[1, 0.5]]), prepared([RIGHT] * 2, [[1, 0.5]] * 2)
    one.results[0].lost_at[:] = 9
    two.results[0].lost_at[1] = 9
    assert "it was solved and lost it again, for an epoch at least" in sentences(page_of(one))[-1]
    told = "solved and lost it again, for an epoch at least: 1 of 2 seeds"
    assert told in sentences(page_of(two))[-1]


def test_many_diverged_seeds_are_named_by_the_first_five():
    outcome = prepared([UNKNOWN] * 7, [[np.nan] * 2] * 7, diverged_at=[1, 2, 3, 4, 5, 6, 7])
    assert (
        "diverged 7 of 7 seeds (a weight stopped being finite): seed 0 in epoch 1, "
        "seed 1 in epoch 2, seed 2 in epoch 3, seed 3 in epoch 4, seed 4 in epoch 5 and 2 more"
    ) in sentences(page_of(outcome))[-1]


def test_unmet_expectations_are_sentences():
    outcome = prepared([WRONG] * 3, [[1.0, 0.5]] * 3, expect="solved_at_least=0.9")
    assert unmet_expectations(summarise(outcome)) == (
        "expect: sigmoid: expected solved_at_least 0.9, got 0 of 3 solved, 0",
    )


# --- of data of one's own ---------------------------------------------------------------------


def page_of_rows(inputs, targets, columns=(), **flags):
    task = {"inputs": inputs, "targets": targets, "columns": list(columns)}
    given = {"task": json.dumps(task), "loss": "squared", "epochs": "20"} | flags
    experiment = load_experiment(flags=given)
    outcome = gather(experiment, run(experiment))
    return page_of(outcome), outcome.results[0].predictions


@pytest.mark.parametrize("seeds", ["1", "5"])
def test_of_many_samples_the_worst_are_shown_and_said_so(seeds):
    targets = [round(float(y), 3) for y in np.random.RandomState(5).uniform(-1, 2, 40)]
    page, predictions = page_of_rows([[n / 40] for n in range(40)], targets, seeds=seeds)
    table = tables(page)[1]
    errors = np.abs(np.median(predictions, axis=0) - targets)
    worst = np.argsort(errors)[::-1][:16]
    assert [row[0] for row in table.rows] == [str(n + 1) for n in worst]
    assert [row[2] for row in table.rows] == [f"{targets[n]:g}" for n in worst]
    of = "median" if seeds == "5" else "prediction"
    assert table.title.startswith(
        f"predictions of the 16 worst of 40 samples (largest |{of} - target|)"
    )
    assert table.columns[:3] == ("sample", "inputs", "target")


def test_up_to_16_samples_are_all_shown_in_their_order():
    page, _ = page_of_rows([[n / 16] for n in range(16)], [0, 1] * 8)
    assert [row[0] for row in tables(page)[1].rows] == [f"{n / 16:g}" for n in range(16)]
    assert tables(page)[1].columns[:2] == ("inputs", "target")


def test_predictions_that_are_no_numbers_are_the_worst():
    page, predictions = page_of_rows(
        [[n] for n in range(20)], [0] * 19 + [1e9], activation="relu", output_activation="identity",
        learning_rate="100",
    )  # fmt: skip
    assert np.isnan(predictions).any()
    assert "nan" in tables(page)[1].rows[0]


def test_names_of_columns_are_the_heads_of_the_predictions():
    page, _ = page_of_rows([[18, 1], [90, 0]], [0, 1], ["age", "sex", "ill"], scale="standard")
    _, predictions = tables(page)
    assert predictions.columns == (
        "inputs: age sex",
        "target: ill",
        "25 %",
        "median",
        "75 %",
        "right",
    )
    assert [row[0] for row in predictions.rows] == ["18 1", "90 0"]  # not as they are scaled
    assert sentences(page)[0][0].startswith("sigmoid on rows, inputs scaled (standard): 2-3-1 ")


def test_of_many_inputs_the_first_are_shown():
    page, _ = page_of_rows([[0] * 20, [1] * 20], [0, 1], [f"c{n}" for n in range(21)])
    table = tables(page)[1]
    assert table.columns[0] == "inputs: c0 c1 c2 c3 c4 c5 c6 c7 ... (12 more)"
    assert table.rows[1][0] == "1 1 1 1 1 1 1 1 ... (12 more)"
