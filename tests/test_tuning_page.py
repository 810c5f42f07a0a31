"""A tuned comparison from the command line: what it says, keeps, repeats and refuses to say."""

import json
import math
from pathlib import Path

import pytest
from commands import hsig, interrupted_at, out_of
from pages import read_csv

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
    words = {False: None, 1.0: "more", -1.0: "less"}
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


def test_the_resolved_keys_are_a_config_that_gives_the_same(made, tmp_path):
    path = tmp_path / "again.json.yaml"
    path.write_text(json.dumps(made["experiment"]), encoding="utf-8")
    assert json.loads(out_of("compare", str(path), "-f", "json", "--no-save")) == made


@pytest.mark.parametrize("workers", ["1", "3"])
@pytest.mark.parametrize("engine", ["reference", "auto"])
def test_the_same_bits_with_any_number_of_workers(made, workers, engine, monkeypatch):
    monkeypatch.setattr("hsig.experiments.parallel._WORK_WORTH_A_PROCESS", 0)
    out = out_of(*TUNED, "-f", "json", "--no-save", "--workers", workers, "--engine", engine)
    again = json.loads(out)
    numbers = ("tuning", "one_learning_rate", "changes", "pairing")
    assert {name: again[name] for name in numbers} == {name: made[name] for name in numbers}


# --- the page ---------------------------------------------------------------------------------


def said(*arguments):
    return " ".join(out_of(*arguments, "--full").split())


@pytest.mark.usefixtures("runs")
def test_the_page_says_how_each_rate_was_chosen_and_what_it_changes(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    page = out_of(*TUNED, "--full")
    for told in (
        "learning rate chosen for each",
        "chosen from 4 learning rates, 0.1 to 20, each with the same budget on seeds 12 to 23 "
        "alone: the most of them solved; of equals the lower median epochs to solve, then the "
        "smaller value",
        "tuning, on seeds 12 to 23 (not told apart: from the chosen one",
        "the same seeds with all at learning rate 0.1, against hard",
        "p is the largest over the learning rates that the one solved less often was not told "
        "apart at",
        "with the same config and flags but those of tuning",
    ):
        assert told in " ".join(page.split())
    rows = read_csv(out_of(*TUNED, "-f", "csv", "--no-save"))
    for row in rows:
        if row["error"]:
            assert row["learning_rate"] == ""
            continue
        line = next(line for line in page.splitlines() if line.startswith(row["label"]))
        assert f"{float(row['learning_rate']):.6g}" in line.split()
        assert row["learning_rate"] in row["not_told_apart"].split()
    assert "## " not in out_of("runs", "show", "latest", "-f", "md")


# sigmoid with 60 epochs is solved on none of the seeds at tiny rates; tanh best where it is fastest
@pytest.mark.usefixtures("runs")
def test_an_end_of_the_range_is_named_where_the_best_lies_there():
    out = said(*THREE, "--tune", "learning_rate=1e-6,8")
    told = "at the upper end of the learning rates tried, 8, where a wider range may have a better"
    assert f"{told} one: tanh" in out
    out = said(*THREE, "--tune", "learning_rate=1e-7,1e-6")
    assert "end of the learning rates tried" not in out
    assert (
        "solved no tuning seed at any learning rate tried, so the smallest was taken: tanh, "
        "sigmoid, hard"
    ) in out


@pytest.mark.usefixtures("runs")
def test_what_a_claim_becomes_is_said_in_words():
    """tanh is solved more often than hard at 8, and neither at 1e-6."""
    two = ("compare", "hard", "tanh", "-e", "300", "-s", "30", "-l", "squared", "--no-save")
    range_ = ("--tune", "learning_rate=1e-6,1")
    out = said(*two, *range_, "-r", "1e-6")
    assert (
        "solved more often than hard, each at its own learning rate (a single comparison, not "
        "corrected): tanh"
    ) in out
    assert "claimed with each at its own learning rate, not with all at learning rate 1e-06" in out
    out = said(*two, *range_, "-r", "1")
    assert "the same claim with all at learning rate 1: tanh" in out
    out = said(*two, "--tune", "learning_rate=1e-7,1e-6", "-r", "1")
    assert "claimed with all at learning rate 1, not with each at its own: tanh" in out
    assert "power" not in out  # for it would be that of a plain test
    out = said(*two, "--tune", "learning_rate=1e-7,1e-6", "-r", "1e-7")
    assert "no claim with all at learning rate 1e-07 either: tanh" in out


@pytest.mark.usefixtures("runs")
def test_columns_of_a_tuning_are_empty_for_what_was_not_tuned():
    out = out_of(*TUNED, "--columns", "learning_rate,tuning,tried", "--no-save")
    assert "by value" in out
    out = out_of(*THREE, "--columns", "learning_rate,tuning,tried", "--no-save")
    assert [line.split()[1:] for line in out.splitlines() if line.startswith("hard")] == [
        ["0.1", "no", "no"]
    ]


def test_in_brief_a_line_names_the_learning_rate(made):
    rates = {variant["label"]: variant["learning_rate"] for variant in made["variants"]}
    lines = out_of("runs", "show", "latest", "-q").splitlines()
    for label in ("tanh", "sigmoid", "hard"):
        (line,) = (line for line in lines if line.startswith(f"{label}: "))
        assert line.endswith(f", at learning rate {rates[label]:.6g}")


# --- kept, repeated, interrupted --------------------------------------------------------------


def test_a_kept_tuning_is_shown_and_repeated_as_it_was(made):
    assert json.loads(out_of("runs", "show", "latest", "-f", "json")) == made
    code, out, _ = hsig("runs", "rerun", "latest")
    assert code == 0
    assert (
        "the same bits in every number of every seed; all that the numbers depend on"
        in " ".join(out.split())
    )
    (row,) = read_csv(out_of("runs", "list", "-f", "csv"))
    assert row["what"] == "4 variants"


def test_two_runs_at_other_own_rates_have_other_digests(made):
    out_of(*THREE, "--tune", "learning_rate=0.2,2", "-q")
    one, other = (json.loads(path.read_text()) for path in sorted(Path("runs").glob("*/run.json")))
    assert one["digest"] != other["digest"]
    assert one["parts"][0]["learning_rates"][-1] is None  # of what has no gradient
    assert {part["role"] for part in one["parts"]} == {"", "tuning", "alternative", "one rate"}
    differences = json.loads(out_of("runs", "diff", "latest~1", "latest", "-f", "json"))
    assert [row["key"] for row in differences["differences"]] == ["tune"]
    told = " ".join(out_of("runs", "diff", "latest~1", "latest").split())
    assert "learning rate chosen for each" in told
    assert made["complete"]


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
    assert "often than" not in told
    assert out_of("runs", "show", "latest") == out
    with pytest.raises(Exception, match="was stopped early; there is nothing whole to repeat"):
        hsig("runs", "rerun", "latest")


@pytest.mark.usefixtures("runs")
def test_what_was_to_be_reported_may_itself_be_interrupted(monkeypatch):
    interrupted_at(monkeypatch, TRIED + 2)
    code, out, _ = hsig(*TUNED)
    assert code == 130
    assert "no result yet: sigmoid, hard, ultra_fast" in " ".join(out.split())


def test_the_comparison_at_one_learning_rate_may_be_missing(made, monkeypatch):
    alternatives = sum(
        found["reported_solved"] is not None
        for variant in made["tuning"]["variants"]
        for found in variant["tried"]
    )
    interrupted_at(monkeypatch, TRIED + 4 + alternatives + 2)
    code, out, _ = hsig(*TUNED, "--full")
    assert code == 130
    told = " ".join(out.split())
    assert "the comparison with all at learning rate 0.1 was not trained to its end" in told
    assert "paired by seed" in told
    kept = json.loads(out_of("runs", "show", "latest", "-f", "json"))
    assert kept["one_learning_rate"] is None
    assert kept["pairing"] == made["pairing"]
