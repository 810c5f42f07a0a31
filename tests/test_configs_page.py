import json
from dataclasses import replace

import numpy as np
import pytest
from commands import hsig
from pages import document, in_markdown, rows, said_and_tabled, sentences, tables

from hsig.analysis.pairing import compared_configs, pair
from hsig.analysis.parts import find_difference
from hsig.analysis.summary import summarise
from hsig.config.loading import load_experiment, load_side_by_side
from hsig.errors import ConfigError
from hsig.experiments.training import gather, gather_all, run
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
    named = [experiment.prefix_labels(name) for name, experiment in experiments.items()]
    events = (event for experiment in named for event in run(experiment))
    return compared_configs(experiments, gather_all(named, events))


def page_of(configs, columns=()):
    summaries = {name: summarise(outcome) for name, outcome in configs.outcomes.items()}
    return configs_page(configs, summaries, columns)


def test_configs_that_start_alike_are_paired_and_others_are_not(configs):
    few, wide, more = configs.groups
    assert few.names == ("few", "fast")
    assert few.difference == ""
    assert few.pairing.baseline == "few: sigmoid"
    assert set(few.pairing.against) == {"few: tanh", "fast: tanh"}
    assert (wide.names, wide.difference) == (("wide",), "other initial weights")
    assert wide.pairing.baseline == "wide: tanh"
    assert (more.names, more.difference, more.pairing) == (("more",), "other seeds", None)


def test_a_pairing_across_configs_is_that_of_their_seeds_trained_alone(configs, folder):
    alone = {
        f"{name}: {result.variant.label}": result.solved
        for name in ("few", "fast")
        for experiment in [load_experiment(folder / f"{name}.yaml")]
        for result in gather(experiment, run(experiment)).results
    }
    assert configs.groups[0].pairing == pair(alone, "few: sigmoid")
    assert 0 < sum(solved.sum() for solved in alone.values()) < 36  # it is not all the same


def test_given_initial_weights_are_paired_when_they_are_the_same():
    question = load_experiment("configs/question-hard.yaml")
    other = replace(
        question,
        initial_weights=question.initial_weights._replace(
            output=np.nextafter(question.initial_weights.output, 1.0)
        ),
    )
    faster = replace(question, learning_rate=0.5)
    assert find_difference(question, faster) == ""
    assert find_difference(question, other) == "other initial weights"
    assert find_difference(question, replace(question, hidden=4, initial_weights=None)) != ""


def test_the_tables_say_which_configs_are_not_paired_and_why(configs):
    page = page_of(configs)
    assert [table.title.partition(" after")[0] for table in tables(page)[:4]] == [
        "few:",
        "fast:",
        "wide:",
        "more:",
    ]
    paired = [table for table in tables(page) if table.title.startswith("against")]
    assert [sorted(row[0] for row in table.rows) for table in paired] == [
        ["fast: tanh", "few: sigmoid", "few: tanh"],
        ["wide: hard", "wide: tanh"],
    ]
    _, notes = sentences(page)
    for told in ("wide (other initial weights)", "more (other seeds)"):
        assert f"not paired with few: {told}; of these, compare the intervals" in notes
    labels = [line.text.partition(": solved")[0] for line in page.brief]
    assert sorted(labels) == sorted(
        ["few: tanh", "few: sigmoid", "fast: tanh", "wide: tanh", "wide: hard", "more: tanh"]
    )
    assert in_markdown(page) == said_and_tabled(page)


def test_chosen_columns_make_one_table_for_each_config(configs):
    made = tables(page_of(configs, ("solved", "difference")))
    assert [table.rows[0][0].partition(":")[0] for table in made] == [
        "few",
        "fast",
        "wide",
        "more",
    ]
    assert "difference" in made[1].columns
    assert "difference" not in made[3].columns
    with pytest.raises(KeyError, match="nonsense"):
        page_of(configs, ("nonsense",))


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
            assert result.predictions.tolist() == [s["predictions"] for s in variant["seeds"]]
    assert [group["configs"] for group in made["groups"]] == [["few", "fast"], ["wide"], ["more"]]
    assert made["groups"][0]["pairing"]["baseline"] == "few: sigmoid"
    assert made["groups"][1]["not_paired_because"] == "other initial weights"


def test_the_csv_has_the_variants_of_all_configs_below_one_head(configs):
    assert [row["label"] for row in rows(page_of(configs))] == [
        "few: tanh",
        "few: sigmoid",
        "fast: tanh",
        "wide: tanh",
        "wide: hard",
        "more: tanh",
    ]
    seeds_and_checkpoints = (12 * 5 + 13) * 2
    assert len(rows(page_of(configs), every_row=True)) == seeds_and_checkpoints


def test_expectations_are_those_of_each_config(folder):
    checks = "expect: {sigmoid: {solved_at_least: 1}}\n"
    (folder / "few.yaml").write_text(CONFIGS["few.yaml"] + checks, encoding="utf-8")
    code, out, err = hsig("compare", "few.yaml", "fast.yaml", "-q")
    assert code == 1
    assert "expect: few: sigmoid: expected solved_at_least 1.0" in err
    assert [line.partition(":")[0] for line in out.splitlines()] == ["few", "few", "fast"]


@pytest.mark.usefixtures("folder")
def test_flags_are_for_all_configs_and_the_baseline_for_the_first():
    two = ("compare", "few.yaml", "fast.yaml")
    made = json.loads(hsig(*two, "--seeds", "5", "--baseline", "tanh", "-f", "json")[1])
    assert [part["experiment"]["seeds"] for part in made["configs"]] == [[0, 1, 2, 3, 4]] * 2
    assert made["groups"][0]["pairing"]["baseline"] == "few: tanh"
    csv = hsig(*two, "-f", "csv", "--long", "-s", "2")[1]
    assert len(csv.splitlines()) == 1 + 3 * 2 * 2
    assert hsig(*two, "-f", "md", "-s", "2")[1].startswith("few: 2 variants")
    assert "against few: sigmoid" in hsig(*two)[1]


def test_configs_of_the_same_name_are_told_apart_by_their_folders(folder):
    (folder / "other").mkdir()
    (folder / "other/few.yaml").write_text(CONFIGS["few.yaml"], encoding="utf-8")
    assert list(load_side_by_side([folder / "few.yaml", folder / "other/few.yaml"], {})) == [
        str(folder / "few.yaml"),
        str(folder / "other/few.yaml"),
    ]


def test_all_problems_of_all_configs_come_in_one_report(folder):
    (folder / "wide.yaml").write_text("learning_rat: 1\nepochs: -1\n", encoding="utf-8")
    (folder / "few.yaml").write_text("hidden: 0\nuntil: 0.1\n", encoding="utf-8")
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
    with pytest.raises(ConfigError, match="given twice"):
        load_side_by_side([folder / "few.yaml", folder / "few.yaml"], {})
