from pages import document

from hsig.analysis.end_points import KINDS, find_end_points
from hsig.analysis.summary import summarise
from hsig.config.loading import load_experiment
from hsig.experiments.training import gather, run
from hsig.reports.end_points import MEANINGS, describe_end_points, end_points_document
from hsig.reports.explanation import explanation_page
from hsig.reports.page import records


def trained(**flags):
    """An experiment, what became of its one variant, and where that ended."""
    flags = {key: str(value) for key, value in flags.items()}
    chosen = load_experiment(flags=flags, command="explain")
    outcome = gather(chosen, run(chosen))
    (training,) = outcome.results
    return outcome, training, find_end_points(chosen, training)


def shown(**flags):
    """The table of end points, as records, and the sentences below it."""
    _, training, found = trained(**flags)
    table, notes = describe_end_points(training, found)
    return records(table), [line.text for line in notes]


def test_every_kind_has_a_meaning():
    assert tuple(MEANINGS) == KINDS


def test_large_networks_and_those_that_did_not_fail_are_not_looked_at():
    for flags in ({"activation": "tanh", "epochs": 1000}, {"activation": "ultra_fast"}):
        _, training, found = trained(**flags, seeds=2)
        assert describe_end_points(training, found) == ()
    _, training, found = trained(activation="sigmoid", epochs=2, hidden=16, seeds=2)
    (((text, _),),) = describe_end_points(training, found)
    assert text == "Where seeds ended is shown for at most 64 weights, not 65 weights."


def test_json_has_every_seed_with_all_eigenvalues():
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


def test_json_says_why_there_is_nothing():
    _, training, found = trained(activation="ultra_fast", epochs=2)
    assert end_points_document(training, found, every_seed=True) is None
    _, training, found = trained(activation="tanh", epochs=2, hidden=16)
    made = end_points_document(training, found, every_seed=True)
    assert (made["weights"], made["weights_most"]) == (65, 64)
    assert (made["failed"], made["solved"], made["seeds"]) == (None, None, [])
