import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from commands import process
from golden_data import load_golden
from pages import read_csv
from prepared import WithValue

from hsig import __version__, cli
from hsig.activations import ACTIVATIONS
from hsig.activations.names import all_aliases, select_activations
from hsig.config.keys import KEYS
from hsig.engines.choice import ENGINES
from hsig.experiments.training import run
from hsig.reports.columns import COLUMNS
from hsig.runs.store import read_records

CONFIGS = Path(__file__).parents[1] / "configs"


@pytest.fixture
def hsig(monkeypatch, capsys, tmp_path):
    """Run the command line in an empty folder; gives exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def run_hsig(*arguments):
        monkeypatch.setattr(sys, "argv", ["hsig", *map(str, arguments)])
        handler = signal.getsignal(signal.SIGINT)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        signal.signal(signal.SIGINT, handler)  # which Ctrl-C switches off
        captured = capsys.readouterr()
        return ended.value.code, captured.out, captured.err

    return run_hsig


# --- train ------------------------------------------------------------------------------------


def names(group):
    return [row.name for row in select_activations(group)]


def test_train_hard_works_in_an_empty_folder(hsig):
    code, out, err = hsig("train", "--activation", "hard")
    assert code == 0
    heading = out.partition("\n")[0]
    for part in ("hard on xor: 2-3-1 ", " bce,", " 0.1,", "4000 epochs (online)"):
        assert part in heading
    assert "hard: solved 3 of 100 seeds (3 %; " in out
    assert " 1 % to 8 %)" in out
    assert err == ""
    assert not list(Path().iterdir())


@pytest.mark.parametrize(("config", "name"), [("sigmoid", "sigmoid"), ("hard", "hard_sigmoid")])
def test_the_questions_twelve_numbers_come_back(hsig, config, name):
    printed = load_golden("question")[name]
    code, out, _ = hsig("train", CONFIGS / f"question-{config}.yaml", "--format", "json")
    assert code == 0
    (seed,) = json.loads(out)["variants"][0]["seeds"]
    costs, predictions = printed["printed_costs"], printed["printed_predictions"]
    assert seed["cost_last"][:8] == pytest.approx(costs, rel=2e-8)
    order = ("[0,1]", "[1,0]", "[1,1]", "[0,0]")  # the task's
    assert seed["predictions"] == pytest.approx([predictions[row] for row in order], rel=2e-8)


def test_ultra_fast_gives_theanos_answer_and_the_way_out_and_exits_with_0(hsig):
    code, out, _ = hsig("train", CONFIGS / "question-ultra-fast.yaml")
    assert code == 0
    assert "UltraFastScalarSigmoid" in out
    assert "ultra_fast:backward=own" in out
    code, out, _ = hsig("train", "ultra_fast:backward=own", "--epochs", "1")
    assert "solved 0 of 100 seeds" in out


def test_an_activation_may_be_a_word_and_a_config_is_told_by_its_ending_or_slash(hsig):
    Path("mine.yml").write_text("epochs: 3\n", encoding="utf-8")
    for words in (["hard", "mine.yml"], ["./mine.yml", "-a", "hard"], ["mine.yml", "hard"]):
        code, out, _ = hsig("train", *words)
        assert code == 0
        assert "hard on xor" in out
        assert "3 epochs" in out


@pytest.mark.parametrize(
    ("command", "others"),
    [
        ("train", {"activations", "tune", "tune_seeds"}),
        ("explain", {"activations", "tune", "tune_seeds"}),
        ("compare", {"activation"}),
    ],
)
def test_every_key_but_the_other_commands_is_a_flag(hsig, command, others):
    words = hsig(command, "--help")[1].split()
    for key in KEYS.values():
        assert (key.flag in words) == (key.name not in others)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["hard", "relu"],
            "error: expected one activation, got hard, relu. To compare them: hsig compare",
        ),
        (
            ["a.yaml", "b/c"],
            "error: expected one config, got a.yaml, b/c. To compare them: hsig compare",
        ),
        (["hard", "-a", "relu"], "error: --activation: given twice, also as 'hard'"),
        (["--epochs", "0"], "error: --epochs: expected a whole number of at least 1, got 0"),
        (["--long"], "error: --long: goes with --format csv, got --format table"),
        (["-o", "no/x.json"], "error: --output: the folder no does not exist"),
        (["-o", "."], "error: --output: . is a folder. Expected a file name"),
    ],
)
def test_a_mistake_exits_with_2_and_one_message(hsig, arguments, message):
    code, out, err = hsig("train", *arguments)
    assert (code, out) == (2, "")
    assert err.splitlines() == [message]


def test_a_flood_of_problems_is_cut_off(hsig):
    Path("x.yaml").write_text("epochs: 1\n" * 200, encoding="utf-8")
    code, _, err = hsig("train", "x.yaml")
    assert code == 2
    assert len(err.splitlines()) == 101
    assert err.endswith("error: and 99 more\n")


def test_an_unknown_flag_exits_with_2(hsig):
    code, out, _ = hsig("train", "--epoch", "5")
    assert (code, out) == (2, "")


@pytest.mark.parametrize("command", ["train", "compare", "explain"])
@pytest.mark.parametrize(
    ("flag", "hint"),
    [
        ("--lr", " Did you mean --learning-rate?"),
        ("--lr=0.5", " Did you mean --learning-rate?"),
        ("--optimizer", " Training is plain gradient descent: there is no other. What can be "
         "chosen is --update (online or batch) and --learning-rate."),
    ],
)  # fmt: skip
def test_a_flag_of_other_programs_has_a_hint(hsig, command, flag, hint):
    code, out, err = hsig(command, "hard", flag, "1")
    assert (code, out) == (2, "")
    assert err == f"error: {flag.partition('=')[0]}: there is no such flag.{hint}\n"


# --- data of one's own ------------------------------------------------------------------------

OWN = "age,y\n18,-2.8\n90,3.65\n50,0.5\n"
ON_TARGETS = (
    "warning: reg.csv: no output of {} can be within 0.5 of 2 of the 3 targets (they range from "
    "-2.8 to 3.65; {} values from 0 to 1). Use output_activation identity"
)
ON_INPUTS = (
    "warning: reg.csv: initial weights and learning rates are made for inputs of about 1 in size, "
    "which these are not: age (18 to 90). Use scale standard, or minmax"
)


@pytest.mark.parametrize(
    ("words", "outputs"),
    [
        (["train", "hard"], ("hard", "its")),
        (["train", "hard", "-q"], ("hard", "its")),
        (["explain", "tanh", "-s", "2"], ("sigmoid", "its")),
        (["compare", "tanh", "relu", "hard", "-s", "2"], ("sigmoid, hard", "their")),
        (["compare", "tanh", "hard", "--tune", "learning_rate=0.1,1"], ("sigmoid, hard", "their")),
    ],
)
def test_what_the_numbers_of_a_task_make_impossible_is_said_once_before(hsig, words, outputs):
    Path("reg.csv").write_text(OWN, encoding="utf-8")
    flags = ("--task", "csv:reg.csv", "-l", "squared", "-e", "3")
    code, out, err = hsig(*words, *flags)
    assert code == 0
    assert err.splitlines() == [ON_TARGETS.format(*outputs), ON_INPUTS]
    assert "warning" not in out
    mended = ("--scale", "minmax", "--output-activation", "identity")
    assert hsig(*words, *flags, *mended)[2] == ""


def test_of_several_configs_and_tasks_and_of_a_sweep_it_is_said_once(hsig):
    Path("reg.csv").write_text(OWN, encoding="utf-8")
    config = "task: csv:reg.csv\nloss: squared\nepochs: 2\nseeds: 2\n"
    for name in ("a", "b"):
        Path(f"{name}.yaml").write_text(config, encoding="utf-8")
    Path("map.yaml").write_text(f"{config}sweep: {{learning_rate: [0.1, 1]}}\n", encoding="utf-8")
    told = [ON_TARGETS.format("sigmoid", "its"), ON_INPUTS]
    for words in (
        ["compare", "a.yaml", "b.yaml", "sigmoid"],
        ["compare", "sigmoid", "--task", "xor,csv:reg.csv", "-l", "squared", "-e", "2", "-s", "2"],
        ["sweep", "map.yaml", "-q"],
        ["sweep", "map.yaml", "-q", "--dry-run"],
    ):
        assert hsig(*words)[2].splitlines() == told


def test_a_sweep_marks_what_is_unreachable_and_its_scale_may_be_swept(hsig):
    Path("reg.csv").write_text(OWN, encoding="utf-8")
    Path("map.yaml").write_text(
        "task: csv:reg.csv\nloss: squared\nepochs: 400\nseeds: 20\nactivation: tanh\n"
        "sweep:\n  output_activation: [sigmoid, identity]\n  scale: [none, standard]\n",
        encoding="utf-8",
    )
    cells = json.loads(hsig("sweep", "map.yaml", "-f", "json", "-q")[1])["cells"]
    found = [(*cell["cell"].values(), cell["solved"]["k"], cell["verdicts"]) for cell in cells]
    assert [cell[:2] for cell in found] == [
        ("sigmoid", "none"), ("sigmoid", "standard"), ("identity", "none"),
        ("identity", "standard"),
    ]  # fmt: skip
    assert all(cell[3] == {"unreachable": 20} for cell in found[:2])
    assert found[3][2] > found[2][2]


def test_a_kept_run_on_scaled_inputs_is_repeated_with_the_same_bits(hsig):
    Path("reg.csv").write_text(OWN, encoding="utf-8")
    hsig("train", "tanh", "--task", "csv:reg.csv", "--scale", "standard", "-l", "squared", "-e",
         "9", "--runs-dir", "kept")  # fmt: skip
    Path("reg.csv").unlink()
    code, out, _ = hsig("runs", "rerun", "latest", "--runs-dir", "kept", "-f", "json")
    assert (code, json.loads(out)["same_bits"], json.loads(out)["same_digest"]) == (0, True, True)
    assert "inputs scaled (standard)" in hsig("runs", "show", "latest", "--runs-dir", "kept")[1]


# --- compare ----------------------------------------------------------------------------------

FEW = ("compare", "sigmoid", "hard", "ultra_fast", "-e", "4", "-s", "2", "--report-every", "2")


def test_compare_shows_all_variants_side_by_side(hsig):
    code, out, err = hsig(*FEW, "--full")
    assert (code, err) == (0, "")
    assert "3 variants on xor" in out
    assert "seeds 0 to 1, the same for all" in out
    for title in ("after 4 epochs", "mean cost by epoch", "predictions, median over 2 seeds"):
        assert title in out
    assert "Choose the slope to train with: ultra_fast:backward=own" in out
    assert not list(Path().iterdir())


def test_compare_takes_groups_names_and_a_config_in_any_order(hsig):
    Path("mine.yaml").write_text("epochs: 1\nseeds: 2\n", encoding="utf-8")
    for words, labels in (
        (["all", "mine.yaml"], names("all")),
        (["mine.yaml"], names("all")),
        (["mine.yaml", "hidden", "hard"], [*names("hidden"), "hard"]),
        (["hard:slope=0.25,leak=0.1", "./mine.yaml", "tanh"], ["hard:slope=0.25,leak=0.1", "tanh"]),
        (["mine.yaml", "--activations", "[tanh, relu]"], ["tanh", "relu"]),
    ):
        made = json.loads(hsig("compare", *words, "-f", "json")[1])
        assert [variant["label"] for variant in made["variants"]] == labels


def test_a_comparison_of_one_is_a_comparison(hsig):
    assert "1 variant on xor" in hsig("compare", "hard", "-e", "1")[1]


def test_a_comparison_for_machines(hsig):
    rows = read_csv(hsig(*FEW, "-f", "csv")[1])
    assert [row["label"] for row in rows] == ["sigmoid", "hard", "ultra_fast"]
    assert [row["solved"] for row in rows] == ["0", "0", ""]
    long = read_csv(hsig(*FEW, "-f", "csv", "--long")[1])
    assert len(long) == 2 * 2 * 3 + 1
    made = json.loads(hsig(*FEW, "-f", "json")[1])
    assert made["experiment"]["activation"] is None
    assert made["variants"][2]["seeds"] == []
    assert hsig(*FEW, "-f", "md", "--full")[1].count("| ultra_fast | not trained |") == 4
    hsig(*FEW, "-o", "x.md")
    text, comment = Path("x.md").read_text(encoding="utf-8").split("\n<!-- ")
    assert text == hsig(*FEW, "-f", "md")[1]
    assert comment == f"made by hsig {__version__} -->\n"


def test_columns_choose_the_table(hsig):
    out = hsig(*FEW, "--columns", "solved,costs")[1]
    assert ["variant", "solved", "0", "2", "4"] in [line.split() for line in out.splitlines()]
    assert "| variant | curve |" in hsig(*FEW, "--columns", "curve", "-f", "md")[1]


def test_quiet_is_a_line_for_each_variant(hsig):
    lines = hsig(*FEW, "-q")[1].splitlines()
    assert sum(": solved 0 of 2 seeds" in line for line in lines) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.yaml", "a.yaml"], "error: a.yaml: no such file"),
        (
            ["hard", "--activations", "relu"],
            "error: --activations: given twice, also as 'hard'",
        ),
        (
            ["hard", "hard"],
            "error: --activations: expected each activation once, got hard again",
        ),
        (
            ["hard", "--columns", "cost", "-f", "json"],
            "error: --columns: goes with --format table or md, got --format json",
        ),
        (
            ["hard", "--columns", "solvd"],
            f"error: --columns: expected one of {', '.join(COLUMNS)}, got the text "
            "'solvd'. Did you mean 'solved'?",
        ),
    ],
)
def test_a_mistake_in_a_comparison_exits_with_2_and_one_message(hsig, arguments, message):
    code, out, err = hsig("compare", *arguments)
    assert (code, out) == (2, "")
    assert err.splitlines() == [message]


def test_a_diverging_variant_and_one_without_gradient_lose_no_other(hsig):
    wild = ("-r", "1000", "-l", "squared", "-s", "3", "-e", "20")
    code, out, _ = hsig("compare", "all", *wild, "--output-activation", "same", "-f", "json")
    assert code == 0
    variants = {variant["label"]: variant for variant in json.loads(out)["variants"]}
    assert list(variants) == names("all")
    assert "no gradient" in variants["ultra_fast"]["error"]
    assert {seed["verdict"] for seed in variants["leaky_relu"]["seeds"]} == {"diverged"}
    untrained = {name for name, variant in variants.items() if not variant["seeds"]}
    assert untrained == {"ultra_fast", "step", "sign"}
    assert {len(variant["seeds"]) for variant in variants.values()} == {0, 3}
    _, out, _ = hsig("compare", "all", *wild, "--output-activation", "same", "--full")
    assert "leaky_relu: diverged 3 of 3 seeds" in out


def test_a_variant_that_raises_loses_no_other(hsig, monkeypatch):
    def broken(*_, **__):
        raise ArithmeticError("no value")

    table = dict(ACTIVATIONS) | {"hard": WithValue("hard", source="a test", computed=broken)}
    monkeypatch.setattr("hsig.activations.names.find_activations", lambda name: [table[name]])
    code, out, _ = hsig(*FEW, "--workers", "1")
    assert code == 0
    assert "hard: not trained: its training raised ArithmeticError: no value" in " ".join(
        out.split()
    )
    assert "0 of 2" in out


def test_an_expectation_of_one_variant_is_told_by_its_label(hsig):
    code, _, err = hsig(
        *FEW, "--expect", "{sigmoid: {solved_at_least: 1}, hard: {verdict: affine}}"
    )
    assert code == 1
    assert err == "expect: sigmoid: expected solved_at_least 1.0, got 0 of 2 solved, 0\n"
    assert hsig(*FEW, "--expect", "{hard: {verdict: affine}}")[0] == 0


# --- explain ----------------------------------------------------------------------------------


def test_explain_adds_seeds_as_it_is_told(hsig):
    flags = ("--until", "0.01", "--max-seeds", "120", "-e", "3", "-q")
    code, out, _ = hsig("explain", "hard", *flags)
    assert code == 0
    assert "solved 0 of 120 seeds" in out
    assert "None of the 15 remedies works here." in out


def test_explain_exits_with_130_when_its_remedies_are_interrupted(hsig, monkeypatch):
    def interrupted(experiment, **_):
        if experiment.variants[0].label == "batch updates":
            raise KeyboardInterrupt
        yield from run(experiment)

    monkeypatch.setattr("hsig.experiments.parallel.run", interrupted)
    code, out, err = hsig("explain", "hard", "-e", "3", "-s", "3", "-f", "json")
    made = json.loads(out)
    assert code == 130
    assert (made["complete"], len(made["remedies"])) == (False, 2)
    assert made["conclusion"][0].startswith("Interrupted: 2 of 15 remedies were tried")
    assert err == "interrupted: this is what was done by then\n"


# --- activations ------------------------------------------------------------------------------


def test_the_questions_answer_is_a_table(hsig):
    code, out, err = hsig("activations", "hard", "--at", "-3,-1,0,1,3")
    assert (code, err) == (0, "")
    assert [line.split() for line in out.splitlines()[-6:]] == [
        ["x", "y", "dy/dx", "dy/dw"],
        ["-3", "0", "0", "-0"],
        ["-1", "0.3", "0.2", "-0.2"],
        ["0", "0.5", "0.2", "0"],
        ["1", "0.7", "0.2", "0.2"],
        ["3", "1", "0", "0"],
    ]
    assert "kink at x = -2.5; slope before, there and after: 0, 0.2, 0.2" in out


def test_the_table_of_definitions_has_every_activation_and_the_page_of_each_its_names(hsig):
    code, out, _ = hsig("activations")
    assert code == 0
    words = out.split()
    for activation in ACTIVATIONS.values():
        assert activation.name in words
    for name in ("leaky_relu", "gelu", "sigmoid"):
        _, out, _ = hsig("activations", name, "-f", "md")
        named = [other for other, meant in all_aliases().items() if meant.name == name]
        assert all(other in out for other in named)


def test_a_jump_is_told_with_its_size(hsig):
    _, out, _ = hsig("activations", "ultra_fast")
    # by hand: (0.935409070603099 - 1.5 * 1.7 / 2.7) / 2
    assert "jump of -0.004518 at x = 3.4;" in out
    assert "no slope of its own unless you choose one" in out


def test_definitions_for_machines(hsig):
    made = json.loads(hsig("activations", "-f", "json")[1])
    assert [record["name"] for record in made["activations"]] == list(ACTIVATIONS)
    by_name = {record["name"]: record for record in made["activations"]}
    assert by_name["relu"]["range"] == [0.0, "Infinity"]
    assert by_name["hard"]["breaks"][0]["x"] == -2.5
    rows = read_csv(hsig("activations", "-f", "csv")[1])
    assert [row["activation"] for row in rows] == list(ACTIVATIONS)
    assert "| hard | clip(0.2*x + 0.5, 0, 1) |" in hsig("activations", "-f", "md")[1]


def test_one_activation_for_machines(hsig):
    spec = ("activations", "hard:slope=0.25", "--at", "0.1,.inf")
    (record,) = json.loads(hsig(*spec, "-f", "json")[1])["activations"]
    assert record["slope"] == 0.25
    assert record["points"]["x"] == [0.1, "Infinity"]
    assert record["points"]["dy_dw"] == [0.025, "NaN"]
    rows = read_csv(hsig(*spec, "-f", "csv")[1])
    assert rows[0] == {"x": "0.1", "y": "0.525", "dy_dx": "0.25", "dy_dw": "0.025"}
    (row,) = read_csv(hsig(*spec[:2], "-f", "csv")[1])
    assert row["activation"] == "hard:slope=0.25"
    assert "| x | y | dy/dx | dy/dw |" in hsig(*spec, "-f", "md")[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["hrd"], "error: activation: unknown activation 'hrd'. Did you mean 'hard'? Known: "),
        (["hard", "--at", "1,x"], "error: --at: expected a number, got the text 'x'"),
        (["hard", "--at", "007"], "error: --at: 007 is ambiguous (octal in YAML 1.1)"),
        (["--at", "1"], "error: --at: goes with one activation"),
        (["hard", "-o", "no/x.md"], "error: --output: the folder no does not exist"),
    ],
)
def test_a_mistake_about_an_activation_exits_with_2(hsig, arguments, message):
    code, out, err = hsig("activations", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(message)
    assert len(err.splitlines()) == 1


# --- power ------------------------------------------------------------------------------------


def test_power_says_how_many_seeds_a_claim_needs(hsig):
    code, out, err = hsig("power", "--rates", "0.49,0.40", "--paired", "0.2")
    assert (code, err) == (0, "")
    lines = [line.split() for line in out.splitlines()]
    assert ["80", "%", "496", "205"] in lines  # held by brute force in tests/test_power.py
    assert any(line[0] == "1000" for line in lines if line)
    assert "whatever the power, claims are reported on 100 seeds or more" in out
    made = json.loads(hsig("power", "--rates", "0.49,0.40", "-f", "json")[1])
    assert made["tables"][0]["rows"][1]["unpaired, each"] == "496"
    assert made["needed"][1] == {"power": 0.8, "unpaired": 496, "paired": 500}
    few = hsig("power", "--rates", "0.03,0.13", "--paired", "0.16")[1]
    assert "16 % discordant, rates differ by at least 0.100 from 0.03" in few  # 0.16 - 2 * 0.03
    assert "differ by at least" not in out
    assert "| 80 % | 496 |" in hsig("power", "--rates", "0.49,0.4", "-f", "md")[1]
    assert hsig("power", "--rates", "0.49,0.4", "-f", "csv")[1].startswith("power,")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rates", "0.5"], "error: --rates: expected two different solved rates, such as "),
        (["--rates", "0.5,0.5"], "error: --rates: expected two different solved rates, such as "),
        (["--rates", "0.5,2"], "error: --rates: expected a number of at most 1, got 2"),
        (
            ["--rates", "0.5,0.4", "--paired", "0.01"],
            "error: --paired: expected a number of at least 0.1, got 0.01",
        ),
        (
            ["--rates", "0.5,0.4", "--paired", "1"],
            "error: --paired: expected a number of at most 0.9, got 1",
        ),
    ],
)
def test_a_mistake_about_rates_exits_with_2(hsig, arguments, message):
    code, out, err = hsig("power", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(message)
    assert len(err.splitlines()) == 1


# --- config -----------------------------------------------------------------------------------


def test_config_show_tells_every_value_and_its_origin(hsig):
    Path("x.yaml").write_text("epochs: 9\nactivation: hard:slope=0.25\n", encoding="utf-8")
    code, out, err = hsig("config", "show", "x.yaml", "--hidden", "4", "-f", "json")
    assert (code, err) == (0, "")
    shown = json.loads(out)
    assert list(shown) == list(KEYS)
    assert shown["epochs"] == {"value": 9, "from": "x.yaml:1"}
    assert shown["hidden"] == {"value": 4, "from": "--hidden"}
    assert shown["activation"]["value"]["slope"] == 0.25
    assert shown["activation"]["from"] == "x.yaml:2"
    assert shown["loss"] == {"value": "bce", "from": "default"}
    rows = read_csv(hsig("config", "show", "x.yaml", "-f", "csv")[1])
    assert [row["key"] for row in rows] == list(KEYS)
    assert rows[list(KEYS).index("epochs")] == {"key": "epochs", "value": "9", "from": "x.yaml:1"}
    assert "| epochs | 9 | x.yaml:1 |" in hsig("config", "show", "x.yaml", "-f", "md")[1]
    table = [line.split() for line in hsig("config", "show", "x.yaml")[1].splitlines()]
    assert ["epochs", "9", "x.yaml:1"] in table
    assert ["cost", "mean", "default"] in table


def test_config_show_refuses_what_train_refuses(hsig):
    code, out, err = hsig("config", "show", "--epochs", "0")
    assert (code, out) == (2, "")
    assert err == "error: --epochs: expected a whole number of at least 1, got 0\n"


def test_config_new_is_a_config_that_trains(hsig):
    assert hsig("config", "new", "-o", "my.yaml")[0] == 0
    assert hsig("config", "new")[1] == Path("my.yaml").read_text(encoding="utf-8")
    assert hsig("train", "my.yaml", "--epochs", "1")[0] == 0


def test_config_schema_is_json(hsig):
    assert set(json.loads(hsig("config", "schema")[1])["properties"]) == {*KEYS, "sweep"}
    assert hsig("config", "schema", "-o", "no/x.json")[0] == 2


# --- formats and files ------------------------------------------------------------------------

SHORT = ("train", "hard", "--epochs", "4", "--seeds", "2", "--report-every", "2")


def test_json_csv_and_markdown_on_stdout(hsig):
    assert json.loads(hsig(*SHORT, "--format", "json")[1])["format"] == 1
    assert len(read_csv(hsig(*SHORT, "-f", "csv")[1])) == 1
    long = hsig(*SHORT, "-f", "csv", "--long")[1]
    assert len(read_csv(long)) == 6
    assert "| epoch |" in hsig(*SHORT, "-f", "md")[1]


@pytest.mark.parametrize(
    ("name", "start"),
    [("x.json", "{"), ("x.csv", "label,"), ("x.md", "hard on xor"), ("x.txt", "hard on xor")],
)
def test_the_ending_of_the_file_tells_the_format(hsig, name, start):
    code, out, _ = hsig(*SHORT, "-o", name)
    assert (code, out) == (0, "")
    assert Path(name).read_text(encoding="utf-8").startswith(start)
    assert [path.name for path in Path().iterdir()] == [name]


@pytest.mark.parametrize("name", ["x.yaml", "x.html"])
def test_an_ending_that_tells_no_format_is_refused(hsig, name):
    code, _, err = hsig(*SHORT, "-o", name)
    assert code == 2
    assert err.startswith(f"error: --output: the ending of {name} tells no format.")
    assert hsig(*SHORT, "-o", name, "-f", "md")[0] == 0
    assert hsig(*SHORT, "-o", "x.JSON")[0] == 0
    assert json.loads(Path("x.JSON").read_text(encoding="utf-8"))


def test_a_link_is_followed_and_permissions_are_kept(hsig):
    Path("real.json").touch()
    Path("real.json").chmod(0o600)
    Path("link.json").symlink_to("real.json")
    hsig(*SHORT, "-o", "link.json")
    assert Path("link.json").is_symlink()
    assert json.loads(Path("real.json").read_text(encoding="utf-8"))["format"] == 1
    assert Path("real.json").stat().st_mode & 0o777 == 0o600


def test_a_pipe_is_written_and_not_replaced(hsig):
    os.mkfifo("pipe")
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert hsig(*SHORT, "-q", "-o", "pipe")[0] == 0
    assert os.read(reader, 1000).startswith(b"hard: solved 0 of 2 seeds")
    os.close(reader)
    assert Path("pipe").is_fifo()


HAS_FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")


def on_a_full_stdout(*words):
    """The exit code of a command of which nothing can be written, and what it says."""
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        command = [sys.executable, "-m", "hsig", *words]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stderr


@HAS_FULL
@pytest.mark.parametrize("more", [[], ["-q"], ["-f", "json"]], ids=str)
def test_a_full_disk_behind_stdout_exits_with_3(more):
    told = "error: stdout: cannot be written: No space left on device\n"
    assert on_a_full_stdout(*SHORT, *more) == (3, told)


@HAS_FULL
@pytest.mark.parametrize(
    "command",
    [SHORT, ("compare", "hard", "tanh", *SHORT[2:]), ("explain", *SHORT[1:])],
    ids=["train", "compare", "explain"],
)
def test_a_result_that_cannot_be_written_is_kept_all_the_same(runs, command):
    for where in ([], ["-o", "/dev/full"]):
        code, err = on_a_full_stdout(*command, *where)
        assert code == 3
        assert "cannot be written: No space left on device" in err
    records, problems = read_records(runs)
    assert (len(records), problems) == (2, [])
    assert all(record.complete for record in records)


@pytest.mark.parametrize(("expected", "code"), [("0", 0), ("1", 1)])
def test_a_reader_that_has_left_changes_nothing_but_that_nobody_reads(runs, expected, code):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "hsig", *SHORT, "--expect", f"solved_at_least={expected}"],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert done.returncode == code
    assert done.stderr.startswith("expect: ") is bool(code)
    assert len(read_records(runs)[0]) == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders on this system")
def test_a_pipe_that_nobody_reads_is_told_and_not_waited_at(hsig, runs):
    os.mkfifo("pipe.csv")
    code, _, err = hsig(*SHORT, "-o", "pipe.csv")
    assert (code, err) == (
        3,
        "error: pipe.csv: cannot be written: it is a pipe that nobody reads\n",
    )
    assert len(read_records(runs)[0]) == 1


def test_format_beats_the_ending_of_the_file(hsig):
    hsig(*SHORT, "-o", "x.txt", "-f", "json")
    assert json.loads(Path("x.txt").read_text(encoding="utf-8"))["format"] == 1


def test_a_file_that_cannot_be_written_exits_with_3_and_the_result_is_on_stdout(hsig, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    Path("x.json").write_text("old", encoding="utf-8")
    monkeypatch.setattr("pathlib.Path.replace", full)
    code, out, err = hsig(*SHORT, "-o", "x.json", "--force")
    assert code == 3
    assert err == "error: x.json: cannot be written: No space left on device\n"
    assert json.loads(out)["format"] == 1
    assert Path("x.json").read_text(encoding="utf-8") == "old"
    assert [path.name for path in Path().iterdir()] == ["x.json"]


def test_quiet_prints_only_the_result(hsig):
    code, out, err = hsig(*SHORT, "-q")
    assert (code, err) == (0, "")
    assert out.startswith("hard: solved 0 of 2 seeds (0 %; ")
    assert out.endswith(" 0 % to 66 %)\n")
    assert len(out.splitlines()) == 1


# --- expect -----------------------------------------------------------------------------------


def test_the_smoke_config_passes(hsig):
    assert hsig("train", CONFIGS / "smoke.yaml")[0] == 0


def test_an_unmet_expectation_exits_with_1_and_says_why(hsig):
    code, out, err = hsig(*SHORT, "--expect", "solved_at_least=0.9")
    assert code == 1
    assert "solved 0 of 2" in out
    assert err == "expect: hard: expected solved_at_least 0.9, got 0 of 2 solved, 0\n"


# --- interruption, progress -------------------------------------------------------------------


def test_ctrl_c_shows_what_was_done_and_exits_with_130(hsig, monkeypatch):
    def interrupted(experiment, **_):
        events = run(experiment)
        yield next(events)
        yield next(events)
        raise KeyboardInterrupt

    monkeypatch.setattr("hsig.experiments.parallel.run", interrupted)
    code, out, err = hsig(*SHORT)
    assert code == 130
    assert "stopped before the end: this is the state at epoch 2 of 4" in out
    assert err == "interrupted: this is what was done by then\n"


def test_ctrl_c_in_a_comparison_keeps_what_is_done(hsig, monkeypatch):
    def interrupted(experiment, **_):
        events = run(experiment)
        for event in events:
            yield event
            if event.variant.label == "hard":
                raise KeyboardInterrupt

    monkeypatch.setattr("hsig.experiments.parallel.run", interrupted)
    code, out, err = hsig(*FEW)
    assert code == 130
    assert "stopped before the end, epoch 4: hard at epoch 0" in out
    assert "no result yet: ultra_fast" in out
    assert err == "interrupted: this is what was done by then\n"


def test_ctrl_c_before_the_first_checkpoint_exits_with_130(hsig, monkeypatch):
    def interrupted(_, **__):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr("hsig.experiments.parallel.run", interrupted)
    assert hsig(*SHORT)[0] == 130


def test_no_progress_bar_in_a_pipe(hsig, monkeypatch):
    monkeypatch.setattr("hsig.output.terminal._PATIENCE_S", -1.0)
    assert hsig(*SHORT)[2] == ""


def test_a_progress_bar_on_a_terminal_leaves_stdout_alone(hsig, monkeypatch):
    monkeypatch.setattr("hsig.output.terminal._PATIENCE_S", -1.0)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    code, out, err = hsig(*SHORT, "-f", "json")
    assert code == 0
    assert json.loads(out)["format"] == 1
    assert "100 %" in err
    assert hsig(*SHORT, "-q")[2] == ""


# --- as a process -----------------------------------------------------------------------------


def test_help_and_version_import_no_numpy():
    code = (
        "import sys, hsig\n"
        "print('numpy' in sys.modules)\n"
        "from hsig.cli.app import main\n"
        "for words in sys.argv[1:]:\n"
        "    sys.argv = ['hsig', *words.split()]\n"
        "    try:\n"
        "        main()\n"
        "    except SystemExit:\n"
        "        print('numpy' in sys.modules)\n"
    )
    asked = ("--version", "--help", "train --help", "compare --help", "sweep --help", "runs --help")
    found = subprocess.run(
        [sys.executable, "-c", code, *asked], capture_output=True, text=True, check=True
    )
    answers = [line for line in found.stdout.splitlines() if line in ("True", "False")]
    assert answers == ["False"] * (1 + len(asked))


def test_version_is_printed():
    assert process("--version").stdout == f"hsig {__version__}\n"


def test_json_in_a_pipe_is_json_and_stderr_is_empty():
    done = process(*SHORT, "--format", "json")
    assert json.loads(done.stdout)["format"] == 1
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(os.name == "nt", reason="no process groups on this system")
@pytest.mark.parametrize("engine", [name for name, e in ENGINES.items() if e.is_available()])
def test_ctrl_c_reaches_a_comparison_on_several_cores_once(engine):
    """As a terminal sends it: to every process of the group."""
    size = ("-e", "100000000", "--report-every", "1000000", "--workers", "2", "--engine", engine)
    command = ("compare", "sigmoid", "hard", "tanh", *size)
    with subprocess.Popen(
        [sys.executable, "-m", "hsig", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TTY_COMPATIBLE": "1"},
        start_new_session=True,
    ) as running:
        seen = b""
        while b"0 of 3 variants" not in seen:
            seen += os.read(running.stderr.fileno(), 1000)
        os.killpg(running.pid, signal.SIGINT)
        out, err = running.communicate()
    assert running.returncode == 130
    assert re.search(rb"no result yet: .*tanh", out)
    assert b"Traceback" not in err
    assert err.endswith(b"interrupted: this is what was done by then\n")


def is_plain(out):
    """Whether it has no colours, and a result and a cost."""
    return "\x1b" not in out and re.search(r"0 of\s2", out) and re.search(r"(4|hard)\s+[\d.]+", out)


@pytest.mark.parametrize("command", [SHORT, FEW], ids=["train", "compare"])
@pytest.mark.parametrize(
    "environment",
    [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"COLUMNS": "40"}, {"COLUMNS": "200"}],
    ids=str,
)
def test_pipes_and_narrow_terminals_get_plain_text(hsig, monkeypatch, command, environment):
    monkeypatch.delenv("COLUMNS")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    code, out, _ = hsig(*command)
    assert code == 0
    assert is_plain(out)
    width = int(environment.get("COLUMNS", "120"))
    assert max(len(line.rstrip()) for line in out.splitlines()) <= width


@pytest.mark.parametrize("command", [SHORT, FEW], ids=["train", "compare"])
@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    ],
    ids=str,
)
def test_poor_terminals_get_plain_ascii(command, environment):
    done = process(*command, **environment)
    assert done.returncode == 0
    assert is_plain(done.stdout)
    assert done.stdout.isascii()


def test_colour_comes_when_it_is_asked_for(hsig, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    out = hsig(*FEW)[1]
    assert "\x1b[1m" in out
    assert "0 of 2" in out


def test_no_traceback_for_a_users_mistake():
    done = process("train", "no/where.yaml")
    assert done.returncode == 2
    assert done.stderr == "error: no/where.yaml: no such file\n"


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["train"],
        ["compare"],
        ["explain"],
        ["activations"],
        ["power"],
        ["config"],
        ["config", "show"],
        ["config", "schema"],
        ["config", "new"],
        ["sweep"],
        ["runs"],
        *(["runs", name] for name in ("list", "show", "diff", "rerun", "export", "rm")),
    ],
)
def test_every_command_has_help_with_short_and_long_flag(hsig, command):
    for flag in ("-h", "--help"):
        code, out, _ = hsig(*command, flag)
        assert code == 0
        assert "Usage: hsig" in out


@pytest.mark.parametrize(
    ("command", "shorter", "number"),
    [
        (["train"], ["--epochs", "400"], 6),
        (["compare"], ["--epochs", "40"], 9),
        (["explain"], ["--epochs", "40", "--seeds", "2"], 3),
        (["activations"], [], 5),
        (["power"], [], 3),
        (["config", "show"], [], 3),
        (["config", "schema"], [], 1),
        (["config", "new"], [], 1),
        (["sweep"], ["--seeds", "2"], 6),
        (["runs"], [], 0),
    ],
)
def test_the_examples_of_the_help_run(hsig, monkeypatch, command, shorter, number):
    monkeypatch.setenv("COLUMNS", "200")
    lines = hsig(*command, "-h")[1].splitlines()
    examples = [shlex.split(line)[1:] for line in lines if line.strip().startswith("hsig ")]
    assert len(examples) == number
    Path("configs").symlink_to(CONFIGS)
    for example in examples:
        more = [] if "--resume" in example else shorter  # which goes without settings
        assert hsig(*example, *more)[0] == 0, example
