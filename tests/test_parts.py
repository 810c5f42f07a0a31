"""Several experiments side by side: which may be paired, and what is said over tasks."""

from dataclasses import replace

import pytest
from prepared import RIGHT, WRONG, compared

from hsig.analysis.parts import CONFIG, TASK, Part, find_difference, group_parts, prefix_labels
from hsig.analysis.statistics import sign_test
from hsig.analysis.summary import summarise
from hsig.analysis.tasks import compare_tasks
from hsig.config.loading import load_experiment
from hsig.experiments.experiment import Outcome


def config(name, **flags):
    experiment = load_experiment(flags={"activation": "hard", "seeds": "5", **flags})
    return Part(name, experiment, Outcome(experiment.prefix_labels(name), ()), CONFIG)


def test_configs_whose_seeds_start_alike_are_in_one_group():
    parts = [
        config("first"),
        config("rate", learning_rate="3"),
        config("width", hidden="[3, 2]"),
        config("seeds", seeds="6"),
        config("task", task="and"),
        config("also wide", hidden="[3, 2]", loss="squared"),
        config("loss", measure="loss"),
        config("other loss", measure="loss", loss="squared"),
    ]
    groups = group_parts(parts)
    assert [(group.names, group.difference) for group in groups] == [
        (("first", "rate"), ""),
        (("width", "also wide"), "other initial weights"),
        (("seeds",), "other seeds"),
        (("task",), "another task"),
        (("loss",), "another measure"),
        (("other loss",), "another measure"),
    ]
    assert find_difference(parts[-1].experiment, parts[-2].experiment) == "another loss"


def test_initial_weights_that_are_given_are_compared_by_their_numbers():
    flags = {"hidden": "1", "seeds": "1"}
    weights = "{hidden: [[1], [2], [3]], output: [[1], [%s]]}"
    same, also, other = (
        config(name, **flags, initial_weights=weights % bias)
        for name, bias in (("same", 2), ("also", "2.0"), ("other", 3))
    )
    assert [group.names for group in group_parts([same, also, other])] == [
        ("same", "also"),
        ("other",),
    ]


def test_a_group_is_paired_over_all_its_variants():
    curve = [[1, 0.5]] * 6
    outcomes = {
        name: compared({"hard": (hard, curve), "tanh": ([RIGHT] * 6, curve)})
        for name, hard in (("one", [WRONG] * 6), ("two", [RIGHT] * 6))
    }
    parts = [
        part
        for name, outcome in outcomes.items()
        for part in prefix_labels(name, [Part("", outcome.experiment, outcome)])
    ]
    assert [part.name for part in parts] == ["one", "two"]
    (group,) = group_parts(parts)
    assert group.pairing.baseline == "one: hard"
    assert list(group.pairing.against) == ["one: tanh", "two: hard", "two: tanh"]
    assert group.pairing.against["two: hard"].better == 6
    assert [v.label for v in summarise(parts[1].outcome).variants] == ["two: hard", "two: tanh"]


# --- over tasks -------------------------------------------------------------------------------


def on_task(name, *solved, epochs=None):
    """What became of tanh, hard, and ultra_fast, by flags of solved seeds; None of a failure."""
    results = {}
    for label, flags in zip(("tanh", "hard", "elu"), solved, strict=False):
        right = [RIGHT if flag == "1" else WRONG for flag in flags or ""]
        results[label] = (right, [[1, 0.5]] * len(right)) if flags else ("it failed",)
    outcome = compared(results, baseline="hard")
    for result, at in zip(outcome.results, epochs or (), strict=False):
        result.solved_at[result.solved_at >= 0] = at
    return Part(name, outcome.experiment, outcome, TASK)


def test_the_numbers_over_tasks_by_hand():
    parts = [on_task("a", "1110", "1000", epochs=(7, 3)), on_task("b", "1100", "1100")]
    found = compare_tasks(parts)
    assert (found.tasks, found.baseline, found.left_out) == (("a", "b"), "hard", ())
    assert found.solved == {"tanh": (3, 2), "hard": (1, 2)}
    assert found.ranks == {"tanh": (1.0, 1.5), "hard": (2.0, 1.5)}
    assert found.average_ranks == {"tanh": 1.25, "hard": 1.75}
    assert list(found.improvement) == ["tanh"]
    # a: three solved at 7 against one at 3 and three never; b: as many at 7 on both sides
    by_task = ((3 * 3 + 1 * 3 / 2) / 16, 0.5)
    assert found.improvement["tanh"].by_task == pytest.approx(by_task)
    assert found.improvement["tanh"].probability == pytest.approx(sum(by_task) / 2)
    assert found.scores == {"tanh": (0.75, 0.5), "hard": (0.25, 0.5)}


def test_what_has_no_result_on_some_task_is_left_out():
    parts = [on_task("a", "11", "10", "11"), on_task("b", "11", "10", None)]
    assert compare_tasks(parts).left_out == ("elu",)
    assert compare_tasks([on_task("a", "11", "10"), on_task("b", "11", None)]) is None
    without_baseline = [on_task("a", "11", None, "10"), on_task("b", "11", "11", "10")]
    assert compare_tasks(without_baseline).baseline == "tanh"


def test_over_tasks_the_sign_test_is_of_the_scores_on_each_task():
    parts = [on_task(f"task {n}", "1110", "1000", "1100" if n else "1000") for n in range(8)]
    found = compare_tasks(parts)
    assert (found.against["tanh"].better, found.against["tanh"].p) == (8, 2 * sign_test(8, 0))
    assert (found.against["elu"].better, found.against["elu"].ties) == (7, 1)
    assert [paired.claim for paired in found.against.values()] == ["better", "better"]
    assert found.against["elu"].p == sign_test(7, 0)
    by_loss = [replace(part, experiment=replace(part.experiment, measure="loss")) for part in parts]
    assert compare_tasks(by_loss).against["tanh"].ties == 8


def test_a_part_of_several_has_its_name_before_its_labels():
    part = config("mine")
    assert part.has_prefix
    assert not replace(part, role="tuning").has_prefix
    assert not replace(part, name="", role=TASK).has_prefix
