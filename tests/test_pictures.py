import json
import re

import numpy as np
import pytest
from drawings import HOSTILE, outcome_of, summary_of
from figure_kinds import KINDS
from prepared import RIGHT, UNKNOWN, WRONG, cell, compared, failed_cell, prepared, swept

from hsig.activations import ACTIVATIONS
from hsig.activations.in_python import in_python
from hsig.analysis.plot_data import count_solved_by_epoch
from hsig.analysis.summary import summarise
from hsig.analysis.sweeps import pair_sweeps
from hsig.config.loading import load_experiment
from hsig.experiments.snapshots import Snapshot, take_snapshots
from hsig.networks.network import Weights
from hsig.reports.captions import (
    activation_caption,
    comparison_caption,
    costs_caption,
    difference_caption,
    solved_caption,
    surface_caption,
    sweep_caption,
    verdicts_caption,
)
from hsig.reports.documents import document
from hsig.reports.phrases import heading

OF_SUMMARY = (costs_caption, solved_caption, verdicts_caption, comparison_caption)
DIGEST = "0123456789abcdef0123"


def some(k, n=20):
    return cell([True] * k + [False] * (n - k))


def two_variants():
    """By hand: tanh solves 3 of 5 seeds at epoch 7, hard none; one cost of hard is no number."""
    costs = np.array([[4.0, 1.0], [2.0, 3.0], [8.0, 2.0], [1.0, 5.0], [16.0, 4.0]])
    broken = 10.0 * costs
    broken[4, 1] = np.nan
    results = {"tanh": ([RIGHT] * 3 + [WRONG] * 2, costs), "hard": ([WRONG] * 5, broken)}
    return summarise(compared(results, output_activation="sigmoid"))


# --- all of them ------------------------------------------------------------------------------


@pytest.mark.parametrize("make", OF_SUMMARY)
def test_the_footnote_ends_with_the_setting_and_twelve_digits_of_the_digest(make):
    summary = two_variants()
    told = make(summary, DIGEST).footnote
    assert told[-3:] == (*heading(summary.experiment, "2 variants"), "run digest 0123456789ab")
    assert make(summary).footnote[-2:] == heading(summary.experiment, "2 variants")


@pytest.mark.parametrize("make", OF_SUMMARY)
def test_another_setting_may_be_told_instead(make):
    told = make(two_variants(), DIGEST, ("one config", "another")).footnote
    assert told[-3:] == ("one config", "another", "run digest 0123456789ab")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_aloud_begins_with_the_finding(kind):
    caption = KINDS[kind]().caption
    assert caption.alt.startswith(f"{caption.title}.")
    assert len(caption.alt) > len(caption.title) + 20
    assert "\n" not in caption.title


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", KINDS)
def test_names_from_outside_are_seen_and_short(kind, name):
    caption = KINDS[kind](label=HOSTILE[name]).caption
    for text in (caption.title, caption.alt, *caption.footnote):
        assert text.isprintable()
        assert len(text) < 6000
    assert all(len(line) <= 400 for line in (caption.title, *caption.footnote))


@pytest.mark.parametrize("make", OF_SUMMARY)
def test_where_nothing_was_trained_the_reason_is_told(make):
    summary = summary_of(activation="ultra_fast", seeds="2")
    caption = make(summary, DIGEST)
    assert caption.title == "ultra_fast on xor: nothing was trained"
    reason = "ultra_fast: not trained: ultra_fast has no gradient"
    assert reason in caption.alt
    assert caption.footnote[0].startswith(reason)


@pytest.mark.parametrize("make", OF_SUMMARY)
def test_variants_without_a_result_are_named(make):
    results = {"sigmoid": ([RIGHT], [[1.0, 0.5]]), "hard": ("it has no gradient",)}
    summary = summarise(compared(results))
    caption = make(summary)
    assert "not trained: hard" in caption.footnote
    assert "not trained: hard." in caption.alt
    begun = summary._replace(variants=summary.variants[:1])
    assert "no result yet: hard" in make(begun).footnote


# --- over the epochs --------------------------------------------------------------------------


def test_medians_are_told_the_lowest_first():
    caption = costs_caption(two_variants())
    # by hand, of the last column: 1 2 3 4 5, and ten times 1 2 3 5 and one that is no number
    assert caption.title == (
        "Median of the cost of the last sample after 10 epochs: tanh 3.000, hard 30.00"
    )
    assert "tanh: median 4.000 at first, 3.000 after 10 epochs (quartiles 2.000 and 4.000)" in (
        caption.alt
    )
    assert (
        "gaps, some of them at the first epoch: a cost is not finite, of seeds: hard 1 of 5"
    ) in caption.footnote


def test_the_costs_that_are_told_are_those_of_the_document():
    flags = {"activations": "sigmoid,hard", "seeds": "5", "epochs": "20", "report_every": "10"}
    told = json.loads(json.dumps(document(outcome_of(**flags), summary_of(**flags))))
    caption = costs_caption(summary_of(**flags))
    for variant in told["variants"]:
        ends = np.array([seed["cost_mean"][-1] for seed in variant["seeds"]])
        lower, median, upper = np.quantile(ends, [0.25, 0.5, 0.75])
        assert f"{variant['label']} {median:#.4g}" in caption.title
        assert f"(quartiles {lower:#.4g} and {upper:#.4g})" in caption.alt


def test_one_variant_is_told_from_its_start_to_its_end():
    caption = costs_caption(summarise(prepared([WRONG] * 3, [[3.0, 1.0]] * 3)))
    assert caption.title == (
        "sigmoid on xor: the median of the cost of the last sample goes from 3.000 to 1.000 in 10 "
        "epochs"
    )


@pytest.mark.parametrize(
    ("costs", "told"),
    [
        ([[1.0, 0.01], [1.0, 0.0], [1.0, 0.02]], True),
        ([[1.0, 0.01]] * 3, False),
        ([[1.0, 0.0]], False),
    ],
)
def test_a_cost_of_0_on_a_logarithmic_scale_is_explained(costs, told):
    notes = costs_caption(summarise(prepared([WRONG] * len(costs), costs))).footnote
    assert ("a line that falls out of the picture falls to 0" in notes) == told


def test_what_was_solved_by_then_is_told_with_its_interval():
    caption = solved_caption(two_variants())
    assert caption.title == "Solved at least once by epoch 10: tanh 3 of 5, hard 0 of 5"
    # the intervals: scipy 1.17 binomtest(3, 5).proportion_ci(method="wilson"), and of 0 of 5
    assert (
        "tanh: 3 of 5 seeds solved at least once by epoch 10 (95 % Wilson interval 23 % to 88 %)"
        in caption.alt
    )
    assert "half of all by epoch 7" in caption.alt
    assert (
        "hard: 0 of 5 seeds solved at least once by epoch 10 (95 % Wilson interval 0 % to 43 %)"
        in caption.alt
    )


def test_the_number_solved_is_the_end_of_the_curve_and_not_of_the_training():
    outcome = prepared([RIGHT, WRONG, UNKNOWN], [[1.0, 0.5]] * 3, diverged_at=[-1, -1, 9])
    outcome.results[0].solved_at[:] = 7, 3, 2  # the second lost it again, the third diverged
    outcome.results[0].lost_at[1] = 5
    summary = summarise(outcome)
    caption = solved_caption(summary)
    assert caption.title == (
        "sigmoid on xor: 2 of 3 seeds solved at least once by epoch 10, 1 at the end"
    )
    assert count_solved_by_epoch(summary.variants[0]).seeds[-1] == 2
    assert "solved once, and later not, for an epoch at least: sigmoid 1 of 3" in caption.footnote


def test_what_seeds_are_at_the_end_is_counted():
    outcome = prepared([RIGHT, WRONG, UNKNOWN], [[1.0, 0.5]] * 3, diverged_at=[-1, -1, 4])
    outcome.results[0].evidence.solved[0, 1] = True
    caption = verdicts_caption(summarise(outcome))
    # the title has the verdicts, which look ahead; what is read aloud also what is drawn
    assert caption.title == "sigmoid on xor: of 3 seeds, 1 diverged, 1 solved, 1 slow"
    drawn = "sigmoid: after 10 epochs, of 3 seeds: 1 solved, 1 none of these, 1 diverged"
    assert drawn in caption.alt
    assert caption.footnote[0].startswith(
        "areas: share of the seeds, seen at 2 checkpoints, by what"
    )


def test_of_many_variants_the_ends_are_in_the_title_and_eight_in_what_is_read_aloud():
    results = {f"{n}*x": ([WRONG], [[float(n)] * 2]) for n in range(2, 14)}
    summary = summarise(compared(results, output_activation="sigmoid"))
    for make in (costs_caption, solved_caption, verdicts_caption):
        caption = make(summary)
        assert re.search(r": from 2\*x [\d. of]+ to 13\*x [\d. of]+$", caption.title)
        assert "And 4 more variants." in caption.alt
        assert len(re.findall(r"\d\*x: ", caption.alt)) == 8
    note = "thin and grey: the 4 variants behind the first 8"
    assert note in costs_caption(summary).footnote
    assert note in solved_caption(summary).footnote


def test_a_comparison_says_which_is_best_and_what_the_marks_are():
    caption = comparison_caption(two_variants())
    assert caption.title == "Most seeds solved: tanh, 3 of 5 (23 % to 88 %)"
    assert (
        "tanh: 3 of 5 solved (23 % to 88 %), half had been by epoch 7 (0 or later)" in caption.alt
    )
    assert "hard: 0 of 5 solved (0 % to 43 %), fewer than half had been by epoch 10" in caption.alt
    assert (
        "marks: solved more or less often than tanh, p at most 0.05 (exact McNemar, a single "
        "comparison, not corrected)"
    ) in caption.footnote
    alone = comparison_caption(summarise(prepared([WRONG], [[1.0, 1.0]])))
    assert alone.title == "No seed was solved by any variant"
    assert not [note for note in alone.footnote if note.startswith("marks")]


# --- one variant ------------------------------------------------------------------------------


def moment(values, epoch=0):
    seen = np.array(values, dtype=float).reshape(len(values), 1, -1)
    nothing = np.zeros((len(values), 1))
    return Snapshot(epoch, Weights(nothing, nothing), seen, nothing, nothing)


def test_of_hard_on_xor_every_hidden_pre_activation_of_seed_0_lies_on_the_middle_piece():
    experiment = load_experiment(flags={"activation": "hard", "seeds": "1"})
    (variant,) = experiment.variants
    seen = take_snapshots(experiment, variant, (0, 400, 4000))
    numbers = summary_of(activation="hard", seeds="1").variants[0]
    caption = activation_caption(
        variant.hidden_activation, seen, experiment=experiment, numbers=numbers
    )
    assert caption.title == (
        "hard on xor: solved 0 of 1 seed; every hidden pre-activation lies on x from -2.5 to 2.5 "
        "at epoch 4000"
    )
    assert "f(x) = clip(0.2*x + 0.5, 0, 1)" in caption.alt
    assert "kink at x = -2.5, kink at x = 2.5" in caption.alt
    for epoch in (0, 400, 4000):
        where = "0 % on x below -2.5, 100 % on x from -2.5 to 2.5, 0 % on x above 2.5"
        assert f"epoch {epoch}: {where}" in caption.alt


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("hard", [0.0, 1.0, 2.0], "every hidden pre-activation lies on x from -2.5 to 2.5"),
        (
            "hard",
            [0.0, 1.0, 9.0, 1.0],
            "75 % of the hidden pre-activations lie on x from -2.5 to 2.5",
        ),
        ("hard", [0.0, np.nan], "50 % of the hidden pre-activations lie on x from -2.5 to 2.5"),
        ("hard", [np.inf, np.nan], "no hidden pre-activation is finite"),
        ("relu", [-1.0, -2.0], "every hidden pre-activation lies on x below 0"),
        ("tanh", [1.0, 2.0], "the middle 95 % of the hidden pre-activations lie on x from 1 to 2"),
        ("tanh", [1.0, np.nan], "95 % of the finite hidden pre-activations lie on x from 1 to 1"),
    ],
)
def test_where_most_lie_is_the_finding(name, values, told):
    title = activation_caption(ACTIVATIONS[name], [moment([values], epoch=7)]).title
    assert title.startswith(f"{name}: ")
    assert title.endswith(f"{told} at epoch 7")


def test_of_many_pieces_those_with_most_are_told_and_the_rest_together():
    steps = "+".join(f"max(x - {n}, 0)" for n in range(20))
    experiment = load_experiment(flags={"activation": steps})
    activation = experiment.variants[0].hidden_activation
    caption = activation_caption(activation, [moment([np.arange(20.0) + 0.5])])
    assert caption.alt.count("5 % on x") == 8
    assert "60 % elsewhere" in caption.alt  # by hand: 12 of 20


def test_some_seeds_are_named_where_the_picture_has_only_these():
    experiment = load_experiment(flags={"activation": "hard", "seeds": "3"})
    numbers = summary_of(activation="hard", seeds="100").variants[0]
    seen = take_snapshots(experiment, experiment.variants[0], (10,))
    caption = activation_caption(ACTIVATIONS["hard"], seen, experiment=experiment, numbers=numbers)
    assert caption.title.startswith("hard on xor, seeds 0 to 2: ")
    assert "Of all seeds: solved 3 of 100 seeds" in caption.alt
    assert "histograms: the pre-activations of every hidden unit for every sample, 3 seeds" in (
        caption.footnote
    )


def test_an_activation_alone_is_told_by_its_formula():
    assert activation_caption(ACTIVATIONS["relu"], ()).title == "relu: f(x) = max(x, 0)"
    mine = in_python("mine", np.tanh, np.cos)
    assert activation_caption(mine, ()).title == "mine: f(x) = a function in Python"


def test_an_activation_without_a_gradient_was_not_trained():
    summary = summary_of(activation="ultra_fast", seeds="2")
    caption = activation_caption(
        ACTIVATIONS["ultra_fast"], (), experiment=summary.experiment, numbers=summary.variants[0]
    )
    assert caption.title == "ultra_fast on xor: nothing was trained"
    assert "ultra_fast has no gradient" in caption.footnote[0]


@pytest.mark.parametrize("seed", [0, None])
def test_of_how_many_samples_networks_are_right_is_counted(seed):
    experiment = load_experiment(
        flags={"activation": "tanh", "seeds": "5", "epochs": "200", "learning_rate": "1"}
    )
    (variant,) = experiment.variants
    seen = take_snapshots(experiment, variant, (0, 200))
    caption = surface_caption(experiment, variant, seen, seed=seed)
    for moment_ in seen:
        predicted = moment_.predictions[0] if seed == 0 else moment_.predictions.mean(axis=0)
        right = int((np.abs(predicted - [1, 1, 0, 0]) < 0.5).sum())
        every = (np.abs(moment_.predictions - [1, 1, 0, 0]) < 0.5).all(axis=1).sum()
        told = f"seed 0 is right on {right} of 4 samples"
        if seed is None:
            told = (
                f"{every} of 5 seeds are right on all samples (the mean of their predictions, "
                f"drawn here: right on {right} of 4 samples)"
            )
        assert f"epoch {moment_.epoch}: {told}" in caption.alt
    assert caption.title == f"tanh on xor, epoch 200: {told}"
    shown = "seed 0" if seed == 0 else "seeds 0 to 4"
    assert any(f"[0, 1), {shown};" in line for line in caption.footnote)
    assert caption.footnote[0] == (
        "thin lines: where the pre-activation of a hidden unit is 0, as it has no kink"
    )


# --- sweeps -----------------------------------------------------------------------------------


def test_a_sweep_says_in_how_many_cells_half_are_solved_and_where_most_are():
    cells = {
        ("0.1", "8"): some(9),
        ("0.1", "9"): some(10),
        ("1", "8"): some(15),
        ("1", "9"): failed_cell("no gradient"),
        ("2", "8"): None,
        ("2", "9"): some(15),
    }
    caption = sweep_caption(swept(cells), DIGEST)
    assert caption.title == "sigmoid on xor: at least half of the seeds are solved in 3 of 6 cells"
    assert "the most are solved at learning_rate 1, epochs 8: 15 of 20 seeds" in caption.alt
    assert {"cross: 1 cell not trained", "dot: 1 cell without a result"} <= set(caption.footnote)
    assert caption.footnote[-1] == "run digest 0123456789ab"


@pytest.mark.parametrize(
    ("swept_keys", "told"),
    [
        (("learning_rate", "epochs"), "sigmoid on xor: "),
        (("activation", "epochs"), "On xor: "),
        (("activation.slope", "epochs"), "On xor: "),
        (("task", "epochs"), "sigmoid: "),
        (("task", "activation"), "All activations and tasks: "),
    ],
)
def test_what_is_swept_is_not_told_as_if_it_were_the_same_in_all_cells(swept_keys, told):
    assert sweep_caption(swept({("a", "b"): some(1)}, swept_keys)).title.startswith(told)


def test_a_difference_counts_what_is_claimed():
    first = {("1", e): some(k, 40) for e, k in (("a", 0), ("b", 20), ("c", 40), ("d", 0))}
    second = {("1", e): some(k, 40) for e, k in (("a", 30), ("b", 21), ("c", 10), ("d", 40))}
    two = pair_sweeps(swept(first), swept(second))
    caption = difference_caption(two, ("old", "new"), ["old: hard"])
    assert caption.title == (
        "new against old: significantly more seeds are solved in 2 and fewer in 1 of 4 cells"
    )
    assert caption.footnote[:2] == (
        "share of the seeds solved, new minus old",
        "*: p at most 0.05 (exact McNemar, each one of 4 comparisons, Holm)",
    )
    assert caption.footnote[-1] == "old: hard"


def test_a_difference_that_is_not_tested_says_why():
    one, other = swept({("1", "a"): some(3)}), swept({("1", "a"): some(9)}, hidden="7")
    caption = difference_caption(pair_sweeps(one, other), ("old", "new"))
    assert caption.title == "new against old: 1 cell, of which no difference is tested"
    assert "not paired by seed: other initial weights" in caption.footnote
