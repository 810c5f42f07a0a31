"""A tuned comparison from the command line: what it says, keeps, repeats and refuses to say."""

import json
import math

import pytest
from commands import hsig, interrupted_at, out_of

SMALL = ("-e", "60", "-s", "12", "-l", "squared", "--update", "batch", "--baseline", "hard")
THREE = ("compare", "tanh", "sigmoid", "hard", "ultra_fast", *SMALL)
TUNED = (*THREE, "--tune", "learning_rate=0.1,1,8,20")


@pytest.fixture
def made(runs):
    """Its JSON; it is the one run that is kept in the folder to be in."""
    found = json.loads(out_of(*TUNED, "-f", "json"))
    assert len([*runs.iterdir()]) == 1
    return found


def test_every_number_can_be_recomputed_from_the_counts_in_the_json(made):
    assert made["experiment"]["tune"] == {"learning_rate": [0.1, 1.0, 8.0, 20.0]}
    tuning = made["tuning"]
    assert tuning["values"] == [0.1, 1.0, 8.0, 20.0]
    assert tuning["seeds"] == list(range(12, 24))
    variants = {variant["label"]: variant for variant in made["variants"]}
    assert [found["label"] for found in tuning["variants"]] == ["tanh", "sigmoid", "hard"]
    for found in tuning["variants"]:
        tried = found["tried"]
        best = min(
            tried,
            key=lambda t: (
                -t["solved"]["k"],
                float(t["median_epochs_to_solve"]),
                float(t["loss"]),
                t["learning_rate"],
            ),
        )
        assert found["learning_rate"] == best["learning_rate"]
        assert variants[found["label"]]["learning_rate"] == best["learning_rate"]
        for other in tried:
            assert other["solved"]["n"] == 12
            assert other["solved"]["k"] - best["solved"]["k"] == (
                other["only_this"] - other["only_chosen"]
            )
            assert other["told_apart"] is (other["p"] <= 0.05)
            alternative = not other["told_apart"] and other is not best
            assert (other["reported_solved"] is not None) is alternative
        ends = {tried[0]["learning_rate"]: "lower", tried[-1]["learning_rate"]: "upper"}
        edge = ends.get(best["learning_rate"]) if best["solved"]["k"] else None
        assert found["edge"] == edge
    one = made["one_learning_rate"]
    assert one["learning_rate"] == 0.1
    assert [v["label"] for v in one["variants"]] == ["tanh", "sigmoid", "hard", "ultra_fast"]
    claims = {
        name: {
            found["label"]: found["p"] <= 0.05 and math.copysign(1, found["difference"])
            for found in pairing["against"]
        }
        for name, pairing in (("own", made["pairing"]), ("shared", one["pairing"]))
    }
    words = {False: None, 1.0: "better", -1.0: "worse"}
    assert [change["label"] for change in made["changes"]] == ["tanh", "sigmoid"]
    for change in made["changes"]:
        label = change["label"]
        assert change["own_claim"] == words[claims["own"][label]]
        assert change["shared_claim"] == words[claims["shared"][label]]


def test_the_comparison_at_one_learning_rate_is_the_one_without_tuning(made):
    always = json.loads(out_of(*THREE, "-f", "json", "--no-save"))
    assert made["one_learning_rate"]["pairing"] == always["pairing"]
    for ours, theirs in zip(made["one_learning_rate"]["variants"], always["variants"], strict=True):
        assert ours["solved"] == theirs["solved"]


def test_the_reported_seeds_are_those_of_a_run_at_the_learning_rate_chosen(made):
    for variant in made["variants"]:
        if variant["label"] == "ultra_fast":
            assert variant["error"]
            continue
        rate = str(variant["learning_rate"])
        alone = json.loads(
            out_of("train", variant["label"], *SMALL, "-r", rate, "-f", "json", "--no-save")
        )
        ours = [(seed["seed"], seed["predictions"]) for seed in variant["seeds"]]
        theirs = [(s["seed"], s["predictions"]) for s in alone["variants"][0]["seeds"]]
        assert ours == theirs


# --- kept, repeated, interrupted --------------------------------------------------------------


def test_expectations_are_of_the_reported_seeds_at_their_own_rates(made):
    solved = {v["label"]: v["solved"]["k"] for v in made["variants"] if v["solved"]}
    bound = solved["tanh"] / 12
    code, _, err = hsig(*TUNED, "-q", "--expect", f"{{tanh: {{solved_at_least: {bound}}}}}")
    assert (code, err) == (0, "")
    code, _, err = hsig(*TUNED, "-q", "--expect", "{tanh: {solved_at_most: 0}}")
    assert code == 1
    assert f"expect: tanh: expected solved_at_most 0.0, got {solved['tanh']} of 12 solved" in err


def test_without_all_that_was_to_be_tried_nothing_is_chosen_or_kept(runs, monkeypatch):
    interrupted_at(monkeypatch, 7)
    code, out, err = hsig(*TUNED)
    assert (code, out, err) == (130, "", "interrupted: there is no result yet\n")
    assert not [*runs.glob("*")]


TRIED = 4 * 4  # variants and values


@pytest.mark.usefixtures("runs")
def test_results_without_their_alternatives_are_shown_without_a_claim(monkeypatch):
    interrupted_at(monkeypatch, TRIED + 4 + 1)
    code, out, err = hsig(*TUNED)
    assert (code, err) == (130, "interrupted: this is what was done by then\n")
    told = " ".join(out.split())
    assert "nothing is claimed: the learning rates not told apart were not all trained" in told
    assert "paired by seed" not in told
    assert "more than" not in told
    assert out_of("runs", "show", "latest") == out
    with pytest.raises(Exception, match="was stopped early; there is nothing whole to repeat"):
        hsig("runs", "rerun", "latest")
