"""What a report says: a question, and three sentences that could be false."""

from dataclasses import replace

import pytest
from prepared import RIGHT, WRONG, cell, compared, prepared, swept, trial

from hsig.analysis.summary import summarise
from hsig.analysis.tasks import compare_tasks
from hsig.config.loading import load_experiment
from hsig.experiments.experiment import Outcome
from hsig.experiments.sweeps import CellResult
from hsig.experiments.training import gather, run
from hsig.reports.explanation import (
    explanation_page,
    found_by_comparing,
    found_by_comparing_configs,
    found_by_comparing_tasks,
    found_by_explaining,
    found_by_sweeping,
    found_by_training,
)
from hsig.reports.page import Table, page_of_tables
from hsig.reports.report import Figure, report_of
from hsig.reports.tasks import TaskResult, tasks_page
from hsig.runs.provenance import keys_of

COSTS = [1.0, 0.5]


def outcome_of(predictions, **flags):
    return prepared(predictions, [COSTS] * len(predictions), **flags)


def told_of(outcome):
    """The three sentences of one activation."""
    return found_by_training(summarise(outcome)).told


# --- train ------------------------------------------------------------------------------------


def test_a_training_says_what_was_solved_what_the_others_are_and_how_far_that_goes():
    found = found_by_training(summarise(outcome_of([RIGHT, WRONG, WRONG])))
    assert found == (
        "sigmoid on xor",
        "Does sigmoid learn xor?",
        (
            # Wilson's interval of 1 of 3: scipy 1.17 binomtest, 0.0615 to 0.7923
            "sigmoid: solved 1 of 3 seeds (33 %; 95 % Wilson interval 6 % to 79 %).",
            "Of the 2 that were not, 2 have the verdict slow: the cost is still falling at the end "
            "of this budget.",
            "3 seeds: enough to see that it runs; report a claim on 100 or more.",
        ),
    )


def test_the_verdict_of_most_of_the_others_is_named():
    outcome = outcome_of([WRONG, WRONG, WRONG], diverged_at=[4, -1, 5])
    assert told_of(outcome)[1] == (
        "Of the 3 that were not, 2 have the verdict diverged: a weight stopped being finite (the "
        "weights grew beyond the largest number: 2)."
    )
    assert "1 has the verdict slow" in told_of(outcome_of([RIGHT, WRONG]))[1]


def test_where_all_are_solved_it_is_said_by_when():
    # `prepared` solves every seed at epoch 7
    assert told_of(outcome_of([RIGHT] * 9))[1] == (
        "Half of them were solved by epoch 7 (95 % interval 7 to 7), the last by epoch 7."
    )
    assert told_of(outcome_of([RIGHT]))[1] == "The last was solved by epoch 7."


@pytest.mark.parametrize(("seeds", "word"), [(29, "runs"), (30, "explore"), (99, "explore")])
def test_few_seeds_are_said_to_be_few(seeds, word):
    assert word in told_of(outcome_of([RIGHT] * seeds))[2]


def test_of_many_seeds_it_is_said_that_they_are_of_one_setting():
    outcome = outcome_of([RIGHT] * 100, learning_rate="0.3", init="uniform:-1,2")
    assert told_of(outcome)[2] == (
        "These are 100 seeds of one setting (learning rate 0.3, 10 epochs, initial weights from "
        "[-1, 2)), which supports no claim about any other."
    )


def test_what_could_not_be_trained_has_its_reason():
    experiment = load_experiment(flags={"activation": "ultra_fast"})
    told = told_of(gather(experiment, run(experiment)))
    assert told[0].startswith("ultra_fast: not trained: ultra_fast has no gradient")
    assert told[1] == "No seed was trained."


# --- explain ----------------------------------------------------------------------------------


def explained(predictions, trials, missing=0):
    outcome = prepared(predictions, [COSTS] * len(predictions), activation="hard")
    summary = summarise(outcome)
    page = explanation_page(outcome, summary, trials, missing=missing)
    return found_by_explaining(summary, page.document(False))


def test_an_explanation_says_what_works():
    works = trial(99, 100, "ten times the epochs", works=True)
    found = explained([WRONG] * 100, [trial(60, 100, "another start", works=True), works])
    assert found.asked == "Does hard learn xor, and if not, why?"
    assert found.told[0].startswith("hard: solved 0 of 100 seeds (0 %")
    assert found.told[1].startswith("Of the 100 that were not, 100 have the verdict slow: ")
    # the intervals are those of `trial`
    assert found.told[2] == (
        "The smallest change that works: another start, solves 60 of 100 seeds (0 % to 100 %), "
        "where it was 0; the best: ten times the epochs, solves 99 of 100 seeds (0 % to 100 %)."
    )


def test_an_explanation_that_was_interrupted_concludes_nothing():
    told = explained([WRONG] * 100, [trial(9, 100)], missing=2).told
    assert told[2] == "Interrupted: 1 of 3 remedies were tried, so nothing is concluded."


def test_where_nothing_fails_nothing_is_explained():
    told = explained([RIGHT] * 3, []).told
    assert told[2] == "Every seed is solved: there is nothing to explain."


def test_where_no_remedy_was_tried_it_is_said():
    assert explained([WRONG], []).told[2].startswith("Of 1 seed: slow 1")
    summary = summarise(outcome_of([WRONG]))
    none = found_by_explaining(summary, {"conclusion": [], "story": []})
    assert none.told[2] == "No remedy was tried."


# --- compare ----------------------------------------------------------------------------------


def comparison(results, **flags):
    results = {
        label: (seeds, [COSTS] * len(seeds)) if isinstance(seeds, list) else (seeds,)
        for label, seeds in results.items()
    }
    return summarise(compared(results, **flags))


def test_a_comparison_says_who_is_best_and_what_can_be_said_against_the_first():
    few, most = [RIGHT] * 10 + [WRONG] * 90, [RIGHT] * 90 + [WRONG] * 10
    found = found_by_comparing(comparison({"sigmoid": few, "hard": most, "sign": "no slope"}))
    assert found.title == "sigmoid, hard and sign on xor"
    assert found.asked == "Which of sigmoid, hard and sign learns xor most often?"
    assert found.told == (
        # scipy 1.17 binomtest, 0.8256 to 0.9448; Newcombe's method 10 by hand, 0.6978 to 0.8615
        "Most seeds solved: hard, 90 of 100 (83 % to 94 %); not trained: sign.",
        "Solved against sigmoid (exact McNemar, a single comparison, not corrected): more: hard "
        "(+0.80, +0.70 to +0.86).",
        "These are 100 seeds of one setting (learning rate 0.1, 10 epochs, initial weights from "
        "[0, 1)), which supports no claim about any other.",
    )


def test_a_comparison_of_three_says_who_is_not_beaten():
    told = found_by_comparing(
        comparison({"sigmoid": [WRONG] * 20, "hard": [RIGHT] * 20, "tanh": [RIGHT] * 20})
    ).told
    assert told[1].startswith("Solved against sigmoid (exact McNemar, each one of 2 comparisons")
    assert told[2] == (
        "None is solved significantly more often than: hard, tanh (exact McNemar, Holm over all "
        "pairs); 20 seeds: enough to see that it runs; report a claim on 100 or more."
    )


def test_a_comparison_without_result_says_so():
    nothing = found_by_comparing(comparison({"sigmoid": [WRONG] * 2, "hard": [WRONG] * 2})).told
    assert nothing[:2] == (
        "No seed was solved by any variant.",
        "No difference was seen.",
    )
    alone = found_by_comparing(comparison({"sigmoid": [RIGHT] * 2, "sign": "no slope"})).told
    assert alone[1] == "Nothing is compared: fewer than two reached the budget."
    failed = found_by_comparing(comparison({"hard": [RIGHT], "sign": "no slope"}))
    assert failed.told[0].endswith("; not trained: sign.")


def test_of_many_variants_the_title_has_their_number():
    found = found_by_comparing(comparison({f"hard:slope=0.{n}": [RIGHT] for n in range(1, 6)}))
    assert found.title == "5 variants on xor"
    assert found.asked == "Which of 5 variants learns xor most often?"


def test_a_tuned_comparison_says_that_each_has_its_own_rate():
    summary = comparison({"sigmoid": [RIGHT] * 3, "hard": [WRONG] * 3})
    own = tuple(replace(variant, learning_rate=0.3) for variant in summary.experiment.variants)
    tuned = summary._replace(experiment=replace(summary.experiment, variants=own))
    found = found_by_comparing(tuned)
    assert found.asked.endswith("most often, each at its own learning rate?")
    assert "each at its own learning rate" in found.told[1]


def under(name, summary):
    """The summary of a part of several, whose labels have its name in front."""
    return summary._replace(
        variants=tuple(replace(v, label=f"{name}: {v.label}") for v in summary.variants)
    )


def test_configs_are_told_by_the_share_of_their_own_seeds():
    one = under("a", comparison({"sigmoid": [RIGHT] * 3 + [WRONG], "sign": "no slope"}))
    two = under("b", comparison({"hard": [RIGHT] * 5 + [WRONG] * 5, "tanh": [WRONG] * 10}))
    found = found_by_comparing_configs(["a", "b"], [one, two])
    assert found.title == "a and b compared"
    assert found.told == (
        # scipy 1.17 binomtest: 0.3006 to 0.9544
        "The largest share is solved by a: sigmoid, 3 of 4 (30 % to 95 %).",
        "The others: b: hard 5 of 10, b: tanh 0 of 10, a: sign not trained.",
        "Configs that start from the same weights are compared seed by seed, others are not; "
        "4 seeds: enough to see that it runs; report a claim on 100 or more; "
        "10 seeds: enough to see that it runs; report a claim on 100 or more.",
    )
    lost = found_by_comparing_configs(["b"], [under("b", comparison({"hard": [WRONG]}))])
    assert lost.told[:2] == ("No seed was solved.", "The others: b: hard 0 of 1.")
    won = found_by_comparing_configs(["b"], [under("b", comparison({"hard": [RIGHT]}))])
    assert won.told[1] == "There are no others."


def test_tasks_are_told_one_by_one_and_by_their_mean_rank():
    results = []
    for task, hard in (("xor", [WRONG] * 4), ("and", [RIGHT] * 4)):
        flags = {"activations": "tanh,hard", "task": task, "epochs": "10", "seeds": "4"}
        experiment = load_experiment(flags={**flags, "report_every": "10"}).prefix_labels(task)
        made = compared(
            {"tanh": ([RIGHT] * 4, [COSTS] * 4), "hard": (hard, [COSTS] * 4)}, task=task
        )
        parts = zip(made.results, experiment.variants, strict=True)
        outcome = Outcome(experiment, tuple(replace(r, variant=v) for r, v in parts))
        results.append(TaskResult(task, experiment, outcome, summarise(outcome), None))
    by_task = [(one.name, one) for one in results]
    over = compare_tasks(
        {name: load_experiment(flags={"activations": "tanh,hard"}) for name, _ in by_task},
        {name: one.outcome for name, one in by_task},
    )
    page = tasks_page(results, over)
    summaries = [one.summary for one in results]
    found = found_by_comparing_tasks(["tanh", "hard"], summaries, page.document(False))
    assert found.asked == "Which of tanh and hard learns most often, on each of xor and and?"
    assert found.told == (
        "Most seeds solved: tanh on xor, 4 of 4; tanh, hard on and, 4 of 4.",
        # by hand: 1 and 1.5 of tanh, 2 and 1.5 of hard
        "Mean rank over the tasks, 1 for the most solved: tanh 1.25, hard 1.75.",
        "Each task's claims are corrected among its own variants, not over the tasks; 4 seeds: "
        "enough to see that it runs; report a claim on 100 or more.",
    )
    without = tasks_page(results, None).document(False)
    told = found_by_comparing_tasks(["tanh", "hard"], summaries, without).told
    assert told[1] == "Nothing is said over the tasks."


# --- sweep ------------------------------------------------------------------------------------


def some(k, n=100):
    return cell([True] * k + [False] * (n - k))


def test_a_sweep_says_where_it_is_best_and_what_became_of_the_rest():
    cells = {
        ("0.1", "8"): some(0),
        ("0.1", "9"): some(49),
        ("1", "8"): some(50),
        ("1", "9"): some(90),
    }
    found = found_by_sweeping(swept(cells, activation="hard"))
    assert found == (
        "hard on xor, by learning_rate and epochs",
        "How does it depend on learning_rate and epochs whether hard learns xor?",
        (
            # scipy 1.17 binomtest: 0.8256 to 0.9448
            "The best of 4 cells solves 90 of 100 seeds (83 % to 94 %), at learning_rate 1, epochs "
            "9; to choose the best flatters it.",
            "At least half of the seeds are solved in 2 of 4 cells.",
            "Where fewer than half are, this became of most others: slow in 2 cells.",
        ),
    )


def test_of_many_best_cells_the_first_are_named():
    cells = {(str(rate), "8"): some(100) for rate in range(1, 6)}
    told = found_by_sweeping(swept(cells)).told
    assert told[0] == (
        "The best of 5 cells solves 100 of 100 seeds (96 % to 100 %), at learning_rate 1, epochs "
        "8; learning_rate 2, epochs 8; learning_rate 3, epochs 8; and 2 cells more."
    )
    assert told[1:] == (
        "At least half of the seeds are solved in 5 of 5 cells.",
        "There is no cell in which fewer than half are.",
    )


def test_a_sweep_says_what_is_missing_and_what_failed():
    cells = {("1", "8"): some(0), ("2", "8"): None, ("3", "8"): CellResult.failed("no gradient")}
    told = found_by_sweeping(swept(cells)).told
    assert told[0] == "No seed is solved in any cell."
    assert told[1] == (
        "At least half of the seeds are solved in 0 of 1 cell; 1 cell could not be trained; "
        "stopped early, 2 of 3 are done."
    )


@pytest.mark.parametrize(
    ("axes", "asked"),
    [
        (("activation", "epochs"), "whether a network learns xor?"),
        (("activation.slope", "epochs"), "whether a network learns xor?"),
        (("task", "epochs"), "whether sigmoid learns its task?"),
    ],
)
def test_what_is_swept_is_not_named_by_its_first_value(axes, asked):
    found = found_by_sweeping(swept({("a", "8"): some(1), ("b", "8"): some(2)}, axes))
    assert found.asked.endswith(asked)


# --- the whole --------------------------------------------------------------------------------

ABOUT = {
    "command": "train",
    "id": "20260102T030405.000678Z-abc",
    "started": "2026-01-02T03:04:05.000678+00:00",
    "seconds": 1.2345678,
    "complete": True,
    "versions": {"hsig": "0.1.0", "numerics": "3", "python": "3.11.7", "numpy": "2.4.6"},
    "machine": {
        "system": "Linux 6",
        "processor": "x86_64",
        "cores": 2,
        "instructions": ["avx2", "baseline"],
    },
    "digest": "0123456789abcdef",
}
PAGE = page_of_tables(Table("", ("a",), (("1",),)))


def report(**changes):
    outcome = outcome_of([RIGHT, WRONG])
    part = {"name": "", "is_config": False, "experiment": keys_of(outcome.experiment)}
    given = {"configs": {"my.yaml": "seeds: 2\n"}, "figures": (), "name": ""}
    about = {**ABOUT, **{key: changes.pop(key) for key in [*changes] if key in ABOUT}}
    return report_of(about, [part], PAGE, [summarise(outcome)], **{**given, **changes})


def test_a_report_has_what_was_found_below_its_name():
    found = found_by_training(summarise(outcome_of([RIGHT, WRONG])))
    made = report(name="<mine>", figures=[Figure("<svg/>", "alt", "caption")])
    assert (made.title, made.asked, made.result) == (
        "<mine>: sigmoid on xor", found.asked, found.told
    )  # fmt: skip
    assert report().title == "sigmoid on xor"
    assert made.page is PAGE
    assert made.figures == (("<svg/>", "alt", "caption"),)
    assert made.setting.rows[0] == ("epochs", "10", "4000")


def test_a_report_says_how_to_have_it_again():
    first, second, third = report().reproduce
    assert "the digest 0123456789ab:" in first.said
    assert first.code.startswith("hsig train --epochs 10 --seeds 2")
    assert second.code == "hsig runs rerun 20260102T030405.000678Z-abc"
    assert third == ("my.yaml, as it was then:", "seeds: 2\n")


def test_a_run_that_was_stopped_cannot_be_repeated_but_had_whole():
    first, *others = report(complete=False, configs={}).reproduce
    assert "the run was stopped early, this goes on to the end" in first.said
    assert others == []


def test_a_report_says_what_it_ran_on_and_when():
    assert dict(report().versions.rows) == {
        "hsig": "0.1.0",
        "numerics": "3",
        "python": "3.11.7",
        "numpy": "2.4.6",
        "system": "Linux 6",
        "processor": "x86_64, 2 cores",
        "instructions": "avx2, baseline",
        "digest": "0123456789abcdef",
        "run": "20260102T030405.000678Z-abc",
        "started": "2026-01-02 03:04:05 UTC",
        "seconds": "1.23457",
    }
