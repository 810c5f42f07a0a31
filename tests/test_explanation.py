"""Each sentence has a count, and the counts are counted again here from the seeds' own numbers."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pages import document
from prepared import trial

from hsig.analysis.parts import REMEDY, Part
from hsig.analysis.remedies import LONGER
from hsig.analysis.summary import summarise
from hsig.config.loading import load_experiment
from hsig.experiments.experiment import Outcome
from hsig.experiments.training import gather, run
from hsig.experiments.verdicts import RULES, VERDICTS
from hsig.reports.explanation import count_solved_later, explanation_page
from hsig.reports.phrases import MEANINGS

ROOT = Path(__file__).parents[1]


def trained(**flags):
    flags = {"seeds": "100"} | {key: str(value) for key, value in flags.items()}
    chosen = load_experiment(flags=flags, command="explain")
    outcome = gather(chosen, run(chosen))
    return outcome, summarise(outcome)


def page_of(trials=(), *, missing=(), **flags):
    return explanation_page(*trained(**flags), trials, missing=missing)


def told_of(**flags):
    """The paragraphs about an experiment, and its seeds as its JSON has them."""
    made = document(page_of(**flags))
    return made["story"], made["variants"][0]["seeds"]


def with_verdict(seeds, word):
    """The seeds of a verdict, each with what was observed of it at the end."""
    return [
        seed | seed["outlook"] | {name: values[-1] for name, values in seed["evidence"].items()}
        for seed in seeds
        if seed["verdict"] == word
    ]


def numbers_in(text):
    return [float(number) for number in re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?:e-?\d+)?", text)]


# --- the story --------------------------------------------------------------------------------


def test_every_seed_is_counted_once_and_the_most_frequent_failure_is_told():
    paragraphs, seeds = told_of(activation="hard", init="uniform:-4,4", loss="squared")
    counts = dict(re.findall(r"(\w+) (\d+)[,.]", paragraphs[0].partition(": ")[2]))
    verdicts = [seed["verdict"] for seed in seeds]
    assert counts == {word: str(verdicts.count(word)) for word in set(verdicts)}
    most = max(set(verdicts) - {"solved"}, key=verdicts.count)
    assert most in paragraphs[1]
    failed = 100 - verdicts.count("solved")
    assert f"{verdicts.count(most)} of {failed} failed seeds" in paragraphs[1]


def test_properties_are_counted_whatever_the_verdict():
    """Dying units: the hidden layer is dead, and the network affine as well."""
    paragraphs, _ = told_of(activation="relu", init="uniform:-1,0", epochs=500)
    counts = [int(n) for n in re.findall(r": (\d+)[,.]", paragraphs[2])]
    assert counts == [100, 0, 100, 0]  # no slope, flat, affine, not finite


@pytest.mark.parametrize(
    ("word", "flags", "counts"),
    [
        (
            "affine",
            {"activation": "hard", "epochs": 400, "loss": "squared"},
            {
                "exactly": lambda seed: seed["on_one_piece"] == 1.0,
                "moving": lambda seed: any(seed["gradient"]),
            },
        ),
        ("dead", {"activation": "relu", "init": "uniform:-1,0", "epochs": 500}, {}),
        (
            "frozen",
            {"activation": "hard", "init": "uniform:-8,8", "loss": "squared"},
            {"flat": lambda seed: seed["saturated"]},
        ),
        (
            "cycling",
            {
                "activation": "tanh",
                "output_activation": "identity",
                "loss": "squared",
                "hidden": 2,
                "update": "batch",
                "learning_rate": 1,
                "init": "uniform:-0.05,0.05",
                "epochs": 1000,
            },
            {
                "large": lambda seed: seed["largest_move"] > 0.1,
            },
        ),
        (
            "saturated",
            {"loss": "squared", "init": "uniform:-30,30"},
            {
                "exactly flat": lambda seed: seed["wrong_gradient"] == 0.0,
                "moving": lambda seed: seed["largest_move"] > 0.0,
            },
        ),
        (
            "unstable",
            {"activation": "tanh", "learning_rate": 3, "epochs": 300},
            {
                "rising": lambda seed: float(seed["cost_rise"]) >= 0.01,
                "thrown": lambda seed: float(seed["largest_step_change"]) >= 0.5,
            },
        ),
        ("plateau", {"init": "uniform:-0.01,0.01"}, {}),
        ("slow", {"activation": "tanh", "epochs": 200}, {}),
    ],
)
def test_a_verdict_is_told_with_the_counts_that_show_it(word, flags, counts):
    paragraphs, seeds = told_of(**flags)
    found = with_verdict(seeds, word)
    assert word in paragraphs[1].partition(":")[0]
    assert paragraphs[1].startswith(f"{len(found)} of ")
    for holds in counts.values():
        assert sum(map(holds, found)) in numbers_in(paragraphs[1])
    if word in ("plateau", "slow", "unstable"):
        loss = np.median([seed["loss"][-1] for seed in found])
        assert f"{loss:#.6g}" in paragraphs[1]


@pytest.mark.parametrize(
    ("cause", "flags"),
    [
        ("0/0", {"activation": "hard", "loss": "bce_naive", "epochs": 8000}),
        ("grew", {"activation": "leaky_relu:leak=1", "learning_rate": 10, "epochs": 300,
                   "output_activation": "same", "loss": "squared"}),
        ("wrong", {"activation": "hard:backward=logistic", "init": "uniform:-8,8", "epochs": 20}),
    ],
)  # fmt: skip
def test_each_cause_of_divergence_has_its_words_and_epochs(cause, flags):
    paragraphs, seeds = told_of(**flags, seeds=20)
    (told,) = (text for text in paragraphs if " diverged: " in text)
    assert cause in told.partition("Why")[2]
    diverged = sorted(s["diverged_at"] for s in seeds if s["diverged_at"] is not None)
    assert {diverged[0], diverged[-1]} <= set(numbers_in(told))


def test_targets_out_of_reach_are_named_as_the_cause():
    task = "{inputs: [[0], [0.3], [0.7], [1]], targets: [-2.8, 0.2, 1.2, 3.65]}"
    outcome, summary = trained(task=task, loss="squared", epochs=50, seeds=9)
    made = document(explanation_page(outcome, summary, []))
    assert {seed["verdict"] for seed in made["variants"][0]["seeds"]} == {"unreachable"}
    assert made["variants"][0]["out_of_reach"] == {
        "samples": [0, 3], "of": 4, "targets": [-2.8, 3.65], "output": [0, 1], "within": 0.5
    }  # fmt: skip
    assert "no output of sigmoid can be within 0.5 of 2 of the 4" in made["story"][1]
    assert "None" not in made["story"][1]


def test_a_chaotic_setting_is_marked_and_a_steady_one_is_not():
    paragraphs, seeds = told_of(activation="relu", learning_rate=10, loss="squared")
    twins = [float(s["twin_distance"]) for s in seeds if s["twin_distance"] is not None]
    elsewhere = sum(distance >= 0.01 for distance in twins)
    assert paragraphs[-1].startswith(f"chaotic: {elsewhere} of {len(twins)} seeds")
    assert not any("chaotic" in text for text in told_of(activation="relu", loss="squared")[0])


# seeds are solved, lose it, and are solved again
WAVE = {"activation": "sigmoid", "task": f"csv:{ROOT / 'configs/wave.csv'}", "loss": "squared"}
WAVE |= {"hidden": 6, "output_activation": "identity", "epochs": 1000, "seeds": 16}
WAVE |= {"scale_target": "none", "measure": "solved"}


@pytest.mark.parametrize(
    "flags",
    [
        {"activation": "hard", "epochs": 400},
        {"activation": "hard", "init": "uniform:-4,4", "loss": "squared", "epochs": 300},
        WAVE,
    ],
)
def test_what_ten_times_the_epochs_solve_is_counted_by_verdict(flags):
    """From another training of the same seeds, which goes on where this one ends."""
    outcome, _ = trained(**flags)
    (result,) = outcome.results
    chosen = replace(outcome.experiment, epochs=10 * flags["epochs"])
    (longer,) = gather(chosen, run(chosen)).results
    part = Part(LONGER, chosen, Outcome(chosen, (longer,)), REMEDY)
    other = trial(0, 100, "learning rate 1", epochs=10 * flags["epochs"])
    found = count_solved_later(result, [other, replace(other, part=part)])
    assert sum(seeds["of"] for seeds in found.values()) == (~result.solved).sum()
    assert (
        sum(seeds["solved"] for seeds in found.values()) == (longer.solved & ~result.solved).sum()
    )
    assert sum(seeds["solved"] for seeds in found.values()) > 0
    for word, seeds in found.items():
        these = result.verdict == VERDICTS.index(word)
        first = these & (longer.solved_at > flags["epochs"])
        assert (seeds["solved"], seeds["of"]) == (longer.solved[these].sum(), these.sum())
        assert seeds["between"] == (first & ~longer.solved).sum()
        assert not RULES[word].never or seeds == {"solved": 0, "between": 0, "of": seeds["of"]}
    assert count_solved_later(result, [other]) == {}


def test_every_verdict_has_a_meaning():
    assert list(MEANINGS) == list(RULES)


# --- the page ---------------------------------------------------------------------------------


def conclusion_of(trials=(), **flags):
    return document(page_of(trials, activation="hard", epochs=3, **flags))["conclusion"]


def test_the_conclusion_is_drawn_from_the_trials():
    works, fails = trial(93, 100, "learning rate 1", works=True), trial(3, 100)
    assert "learning rate 1, solves 93 of 100 seeds" in conclusion_of([fails, works])[0]
    assert conclusion_of([fails])[0] == "None of the 1 remedies works here."
    assert "use --seeds 100" in conclusion_of([trial(5, 5, works=True)], seeds=5)[0]
    made = document(page_of([works], missing=(works, works), activation="hard", epochs=3))
    assert made["conclusion"][0].startswith("Interrupted")
    assert (made["complete"], made["remedies_missing"]) == (False, 2)


def test_the_conclusion_names_the_smallest_the_best_and_the_best_of_a_library():
    small, own = trial(60, 100, "few", works=True), trial(99, 100, "own", works=True)
    good = trial(90, 100, "good", works=True)
    own = replace(own, in_libraries=False)

    def named(*trials):
        told = conclusion_of(trials)[0]
        found = re.findall(r"(few|own|good)\b[^,]*, solves", told)
        assert len(set(found)) == len(found)  # each is named once
        return set(found)

    assert named(small, good, own) == {"few", "good", "own"}
    assert named(good, own) == {"good", "own"}
    assert named(small, good) == {"few", "good"}
    assert named(own) == {"own"}
    assert named(small) == {"few"}
    long = replace(good, time=14.4)
    assert "14.4 times the time" in conclusion_of([long])[0]
