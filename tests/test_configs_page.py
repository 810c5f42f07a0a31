import json

import pytest
from commands import hsig
from pages import document

from hsig.analysis.pairing import pair
from hsig.analysis.parts import CONFIG, Part, group_parts
from hsig.analysis.summary import summarise
from hsig.config.loading import load_experiment, load_side_by_side
from hsig.errors import ConfigError
from hsig.experiments.training import gather, run
from hsig.reports.lookups import configs_page

SHORT = "epochs: 60\nreport_every: 60\nlearning_rate: 2\nupdate: batch\n"
CONFIGS = {
    "few.yaml": SHORT + "activations: [tanh, sigmoid]\nseeds: 12\nbaseline: sigmoid\n",
    "fast.yaml": SHORT.replace("2\n", "8\n") + "activation: tanh\nseeds: 12\n",
    "wide.yaml": SHORT + "activations: [tanh, hard]\nseeds: 12\ninit: {uniform: [-2, 2]}\n",
    "more.yaml": SHORT + "activation: tanh\nseeds: 13\n",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name, text in CONFIGS.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def configs(folder):
    experiments = load_side_by_side([folder / name for name in CONFIGS], {})
    named = {name: experiment.prefix_labels(name) for name, experiment in experiments.items()}
    return [
        Part(name, experiment, gather(named[name], run(named[name])), CONFIG)
        for name, experiment in experiments.items()
    ]


def page_of(configs, columns=()):
    return configs_page(configs, {part.name: summarise(part.outcome) for part in configs}, columns)


def test_a_pairing_across_configs_is_that_of_their_seeds_trained_alone(configs, folder):
    alone = {
        f"{name}: {result.variant.label}": result.solved
        for name in ("few", "fast")
        for experiment in [load_experiment(folder / f"{name}.yaml")]
        for result in gather(experiment, run(experiment)).results
    }
    assert group_parts(configs)[0].pairing == pair(alone, "few: sigmoid")
    assert 0 < sum(solved.sum() for solved in alone.values()) < 36  # it is not all the same


def test_the_json_has_each_config_as_it_could_be_run_again(configs, folder):
    made = document(page_of(configs))
    assert made["complete"] is True
    assert [part["config"] for part in made["configs"]] == ["few", "fast", "wide", "more"]
    for part in made["configs"]:
        again = folder / "again.json.yaml"
        again.write_text(json.dumps(part["experiment"]), encoding="utf-8")
        experiment = load_experiment(again)
        outcome = gather(experiment, run(experiment))
        for result, variant in zip(outcome.results, part["variants"], strict=True):
            assert variant["label"] == f"{part['config']}: {result.variant.label}"
            assert result.predictions[..., 0].tolist() == [
                s["predictions"] for s in variant["seeds"]
            ]
    assert [group["configs"] for group in made["groups"]] == [["few", "fast"], ["wide"], ["more"]]
    assert made["groups"][0]["pairing"]["baseline"] == "few: sigmoid"
    assert made["groups"][1]["not_paired_because"] == "other initial weights"


def test_expectations_are_those_of_each_config(folder):
    checks = "expect: {sigmoid: {solved_at_least: 1}}\n"
    (folder / "few.yaml").write_text(CONFIGS["few.yaml"] + checks, encoding="utf-8")
    code, out, err = hsig("compare", "few.yaml", "fast.yaml", "-q")
    assert code == 1
    assert "expect: few: sigmoid: expected solved_at_least 1.0" in err
    assert [line.partition(":")[0] for line in out.splitlines()] == ["few", "few", "fast"]


def test_all_problems_of_all_configs_come_in_one_report(folder):
    (folder / "wide.yaml").write_text("learning_rat: 1\nepochs: -1\n", encoding="utf-8")
    (folder / "few.yaml").write_text("hidden: 2000\nuntil: 0.1\n", encoding="utf-8")
    (folder / "fast.yaml").write_text("until: 0.1\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_side_by_side(
            [folder / f for f in ("wide.yaml", "few.yaml", "fast.yaml", "few.yaml")], {}
        )
    text = "\n".join(caught.value.messages)
    for part in (
        "wide.yaml:1: unknown key 'learning_rat'",
        "wide.yaml:2: epochs",
        "few.yaml:1: hidden",
        "fast.yaml:1: until: goes with one config",
    ):
        assert text.count(part) == 1, text


def test_a_config_that_is_given_twice_is_refused(folder):
    with pytest.raises(ConfigError, match=r"few\.yaml again"):
        load_side_by_side([folder / "few.yaml", folder / "few.yaml"], {})
