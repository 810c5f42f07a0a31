import numpy as np
from pages import document, sentences

from hsig.analysis.end_points import KINDS, find_end_points
from hsig.analysis.summary import summarise
from hsig.config.loading import load_experiment
from hsig.experiments.training import gather, run
from hsig.reports.end_points import MEANINGS, describe_end_points, end_points_document
from hsig.reports.explanation import explanation_page


def trained(**flags):
    """An experiment, what became of its one variant, and where that ended."""
    flags = {key: str(value) for key, value in flags.items()}
    chosen = load_experiment(flags=flags, command="explain")
    outcome = gather(chosen, run(chosen))
    (training,) = outcome.results
    return outcome, training, find_end_points(chosen, training)


def told(**flags):
    """What is told of the end points: nothing, or one paragraph."""
    _, training, found = trained(**flags)
    blocks = describe_end_points(training, found)
    assert all(len(block) == 1 for block in blocks)
    return [block[0].text for block in blocks]


def test_every_kind_has_a_meaning():
    assert tuple(MEANINGS) == KINDS


def test_saddles_are_counted_and_tried():
    flags = {"activation": "sigmoid", "loss": "squared", "epochs": 1000, "seeds": 30}
    _, training, found = trained(**flags)
    counts = found.count_kinds(~training.solved)
    (text,) = told(**flags)
    assert f"saddle {counts['saddle']}, slope {counts['slope']} (" in text
    assert f"on both sides for {counts['saddle']} of {counts['saddle']}." in text


def test_the_median_seed_is_the_one_in_the_middle_by_cost():
    flags = {"activation": "sigmoid", "loss": "squared", "epochs": 300, "seeds": 5}
    _, training, found = trained(**flags)
    place = int(np.argsort(found.cost)[2])
    (text,) = told(**flags)
    assert (
        f"Seed {training.seeds[place]}, the median of them by cost, ended with a gradient" in text
    )
    assert f"of size {found.gradient[place]:.2g} and eigenvalues of the Hessian from " in text


def test_a_flat_end_says_how_flat():
    (text,) = told(activation="hard", loss="squared", epochs=2000, update="batch", seeds=3)
    assert "of 3 failed seeds, flat 3 (flat: a stationary point within 1, where the cost" in text
    assert "is a stationary point (flat) of cost 0.250000 with eigenvalues from 0 to 0." in text
    assert text.endswith("10 of the 13 being 0.")


def test_what_is_undefined_has_no_numbers():
    weights = "{hidden: [[0, 0, 0], [0, 0, 0], [0, 0, 0]], output: [[0], [0], [0], [-30]]}"
    (text,) = told(activation="hard", epochs=1, initial_weights=weights, seeds=1)
    assert text.endswith(
        "of 1 failed seed, undefined 1 (undefined: the cost or its slope is not finite)."
    )


def test_a_kink_is_told_and_so_is_another_slope():
    zeros = "{hidden: [[0, 0, 0], [0, 0, 0], [0, 0, 0]], output: [[0], [0], [0], [0]]}"
    (text,) = told(activation="relu", epochs=1, initial_weights=zeros, seeds=1, update="batch")
    assert "kink 1 (kink: a stationary point within 1, but at a kink" in text
    assert text.endswith(
        "At the end of 1 of them a pre-activation is within 0.02 of a kink: gradient and Hessian "
        "there are those of one side."
    )
    (text,) = told(activation="hard:backward=logistic", loss="squared", epochs=5, seeds=3)
    assert text.endswith("another slope, which need not vanish where its own does.")


def test_large_networks_and_those_that_did_not_fail_are_not_looked_at():
    assert told(activation="tanh", epochs=1000, seeds=2) == []
    assert told(activation="ultra_fast", epochs=2) == []
    assert told(activation="sigmoid", epochs=2, hidden=16, seeds=2) == [
        "Where they ended is not told: it takes the Hessian in all 65 weights, and that is done "
        "for 64 at most."
    ]


def test_machines_get_every_seed_with_all_eigenvalues():
    outcome, training, found = trained(activation="sigmoid", loss="squared", epochs=1000, seeds=9)
    page = explanation_page(outcome, summarise(outcome), [])
    made = document(page)["end_points"]
    assert made["weights"] == 13
    assert made["failed"] == found.count_kinds(~training.solved)
    assert made["solved"] == {}
    assert [seed["seed"] for seed in made["seeds"]] == list(range(9))
    for place, seed in enumerate(made["seeds"]):
        assert seed["kind"] == found.kind[place]
        assert seed["gradient"] == found.gradient[place]
        assert seed["kink"] == "Infinity"
        assert seed["eigenvalues"] == found.eigenvalues[place].tolist()
        assert seed["smallest_eigenvalue"] == min(seed["eigenvalues"])
        assert seed["largest_eigenvalue"] == max(seed["eigenvalues"])
        assert (seed["stationary"] is None) == (seed["kind"] == "slope")
        if seed["stationary"]:
            assert seed["stationary"]["distance"] == found.distance[place]
            assert seed["stationary"]["falls"] is True
            assert len(seed["stationary"]["eigenvalues"]) == 13
    assert document(page, every_seed=False)["end_points"]["seeds"] == []
    assert sentences(page)[len(document(page)["story"]) + 2] == [
        describe_end_points(training, found)[0][0].text
    ]


def test_machines_are_told_why_there_is_nothing():
    _, training, found = trained(activation="ultra_fast", epochs=2)
    assert end_points_document(training, found, every_seed=True) is None
    _, training, found = trained(activation="tanh", epochs=2, hidden=16)
    made = end_points_document(training, found, every_seed=True)
    assert (made["weights"], made["weights_most"]) == (65, 64)
    assert (made["failed"], made["solved"], made["seeds"]) == (None, None, [])
