"""The command line: each command once from end to end, and what all of them promise."""

import json
import os
import shlex
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from commands import interrupted_at, process, run_main
from golden_data import load_golden
from pages import read_csv

from hsig import __version__
from hsig.activations import ACTIVATIONS
from hsig.activations.names import select_activations
from hsig.cli.app import COMMANDS
from hsig.config.keys import KEYS
from hsig.reports.glossary import GLOSSARY
from hsig.runs.store import read_records

CONFIGS = Path(__file__).parents[1] / "configs"
GROUPS = {
    "config": ("show", "schema", "new"),
    "runs": ("list", "show", "diff", "rerun", "note", "export", "rm"),
}
EVERY = [[], *([name] for name in COMMANDS), *([g, name] for g in GROUPS for name in GROUPS[g])]
SHORT = ("-e", "4", "-s", "2", "--report-every", "2")
TRAIN = ("train", "hard", *SHORT)
COMPARE = ("compare", "sigmoid", "hard", "ultra_fast", *SHORT)


@pytest.fixture
def hsig(monkeypatch, tmp_path):
    """Run the command line in an empty folder; gives exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HSIG_RUNS_DIR", "runs")
    monkeypatch.setenv("COLUMNS", "100")
    return run_main


def labels(document):
    return [variant["label"] for variant in document["variants"]]


# --- each command -----------------------------------------------------------------------------


def test_train_works_in_an_empty_folder_and_keeps_the_run(hsig):
    code, out, err = hsig("train", "--activation", "hard")
    assert (code, err) == (0, "")
    assert "3 of 100" in out  # as in the README
    (record,) = read_records(Path("runs"))[0]
    assert (record.command, record.complete) == ("train", True)
    assert hsig(*TRAIN, "--no-save", "-q")[1].count("\n") == 1
    assert len(list(Path("runs").glob("[0-9]*"))) == 1


@pytest.mark.parametrize(("config", "name"), [("sigmoid", "sigmoid"), ("hard", "hard_sigmoid")])
def test_the_questions_twelve_numbers_come_back(hsig, config, name):
    printed = load_golden("question")[name]
    code, out, _ = hsig("train", CONFIGS / f"question-{config}.yaml", "--format", "json")
    assert code == 0
    (seed,) = json.loads(out)["variants"][0]["seeds"]
    assert seed["cost_last"][:8] == pytest.approx(printed["printed_costs"], rel=2e-8)
    rows = ("[0,1]", "[1,0]", "[1,1]", "[0,0]")  # the task's order
    predictions = [printed["printed_predictions"][row] for row in rows]
    assert seed["predictions"] == pytest.approx(predictions, rel=2e-8)


def test_compare_takes_groups_names_and_configs_in_any_order(hsig):
    Path("mine.yaml").write_text("epochs: 1\nseeds: 2\n", encoding="utf-8")
    Path("other.yml").write_text("epochs: 1\nseeds: 2\nhidden: 2\n", encoding="utf-8")
    sigmoids = [row.name for row in select_activations("sigmoids")]
    for words, expected in {
        "mine.yaml sigmoids tanh": [*sigmoids, "tanh"],
        "hard:slope=0.25,leak=0.1 ./mine.yaml": ["hard:slope=0.25,leak=0.1"],
        "mine.yaml --activations [tanh,relu]": ["tanh", "relu"],
    }.items():
        code, out, _ = hsig("compare", *words.split(), "-f", "json")
        assert (code, labels(json.loads(out))) == (0, expected)
    code, out, _ = hsig("compare", "mine.yaml", "other.yml", "tanh", "-f", "json")
    assert (code, [c["config"] for c in json.loads(out)["configs"]]) == (0, ["mine", "other"])


def test_compare_has_a_row_for_what_cannot_be_trained_and_loses_no_other(hsig):
    code, out, _ = hsig(*COMPARE, "-f", "json")
    variants = json.loads(out)["variants"]
    assert code == 0
    assert [len(variant["seeds"]) for variant in variants] == [2, 2, 0]
    assert "no gradient" in variants[2]["error"]
    assert [row["solved"] for row in read_csv(hsig(*COMPARE, "-f", "csv")[1])] == ["0", "0", ""]
    assert len(read_csv(hsig(*COMPARE, "-f", "csv", "--long")[1])) == 2 * 2 * 3 + 1
    assert "| ultra_fast | not trained |" in hsig(*COMPARE, "-f", "md")[1]
    chosen = hsig(*COMPARE, "--columns", "solved,curve", "-f", "md")[1]
    assert "| variant | solved | curve |" in chosen


def test_explain_tries_remedies_on_as_many_seeds_as_it_takes(hsig):
    flags = ("--until", "0.01", "--max-seeds", "120", "-e", "3", "-f", "json")
    code, out, _ = hsig("explain", "hard", *flags)
    document = json.loads(out)
    assert (code, document["variants"][0]["solved"]["n"]) == (0, 120)
    assert document["story"]
    assert len(document["remedies"]) > 10


def test_explain_takes_a_kept_run_with_its_setting(hsig):
    setting = ("-s", "4,5", "-e", "30", "-r", "0.3", "--task", "and", "--init", "uniform:-1,1")
    wanted = hsig("explain", "tanh", *setting, "--no-save", "-f", "json")
    hsig("train", "tanh", *setting, "-q")
    path = next(Path("runs").glob("[0-9]*"))
    for name in ("latest", path.name, str(path)):
        assert hsig("explain", name, "--no-save", "-f", "json")[:2] == wanted[:2]
    hsig("compare", "hard", "tanh", "--tune", "learning_rate=0.1,0.3", *setting[:4], "-q")
    code, _, err = hsig("explain", "latest")
    assert (code, "hard, tanh" in err) == (2, True)
    code, out, _ = hsig("explain", "latest", "tanh", "--no-save", "-f", "json")
    assert code == 0
    experiment = json.loads(out)["experiment"]
    assert (experiment["activation"]["name"], experiment["seeds"]) == ("tanh", [4, 5])
    assert hsig("explain", "latest", "tanh", "-e", "5")[0] == 2


def test_a_result_goes_to_every_file_that_is_named(hsig):
    code, out, _ = hsig(*TRAIN, "-o", "a.json", "-o", "b.md", "-o", "c.csv")
    assert (code, out) == (0, "")
    assert json.loads(Path("a.json").read_text(encoding="utf-8"))["format"] == 1
    for name, format in (("b.md", "md"), ("c.csv", "csv")):
        assert Path(name).read_text(encoding="utf-8") == hsig(*TRAIN, "-f", format)[1]
    code, _, err = hsig(*TRAIN, "-o", "a.json", "-o", "none/b.md")
    assert (code, "none" in err) == (2, True)
    assert hsig(*TRAIN, "-o", "a.json", "-o", "a.json")[0] == 2


def test_sweep_lists_trains_and_goes_on(hsig):
    sweep = ("sweep", "hard", "tanh", "-r", "0.1,1", "-e", "4", "-s", "2", "-q")
    code, out, _ = hsig(*sweep, "--dry-run")
    assert (code, len(out.splitlines())) == (0, 4)
    assert not Path("runs").exists()
    code, out, _ = hsig(*sweep, "-f", "json")
    cells = json.loads(out)["cells"]
    assert [[*cell["cell"].values()] for cell in cells] == [
        ["hard", 0.1], ["hard", 1], ["tanh", 0.1], ["tanh", 1],
    ]  # fmt: skip
    assert all(cell["solved"]["n"] == 2 for cell in cells)
    assert hsig("sweep", "--resume", "latest", "-q", "-f", "json")[:2] == (0, out)


def test_activations_defines_one_or_all(hsig):
    assert [row["activation"] for row in read_csv(hsig("activations", "-f", "csv")[1])] == [
        *ACTIVATIONS
    ]
    spec = ("activations", "hard:slope=0.25", "--at", "0.1,.inf", "-f", "json")
    (record,) = json.loads(hsig(*spec)[1])["activations"]
    assert (record["slope"], record["points"]["dy_dw"]) == (0.25, [0.025, "NaN"])
    # by hand: (0.935409070603099 - 1.5 * 1.7 / 2.7) / 2
    assert "-0.004518" in hsig("activations", "ultra_fast")[1]


def test_help_explains_every_word_in_any_case(hsig):
    code, out, _ = hsig("help", "-f", "json")
    assert code == 0
    assert all(json.dumps(word) in out for word in GLOSSARY)
    word = next(iter(GLOSSARY))
    assert hsig("help", word.upper())[1] == hsig("help", word)[1]


def test_config_shows_starts_and_describes(hsig):
    Path("x.yaml").write_text("epochs: 9\nactivation: hard:slope=0.25\n", encoding="utf-8")
    shown = json.loads(hsig("config", "show", "x.yaml", "--hidden", "4", "-f", "json")[1])
    assert list(shown) == list(KEYS)
    assert shown["epochs"] == {"value": 9, "from": "x.yaml:1"}
    assert shown["hidden"] == {"value": 4, "from": "--hidden"}
    assert shown["activation"]["value"]["slope"] == 0.25
    assert shown["loss"] == {"value": "bce", "from": "default"}
    assert set(json.loads(hsig("config", "schema")[1])["properties"]) == {*KEYS, "sweep"}
    assert hsig("config", "new", "-o", "my.yaml")[0] == 0
    assert hsig("config", "new")[1] == Path("my.yaml").read_text(encoding="utf-8")
    assert hsig("train", "my.yaml", "--epochs", "1", "-s", "2")[0] == 0


def test_kept_runs_are_listed_shown_compared_repeated_named_packed_and_removed(hsig):
    shown = hsig(*TRAIN, "--name", "first")[1]
    hsig("train", "tanh", *SHORT)
    rows = read_csv(hsig("runs", "list", "-f", "csv")[1])
    assert [row["name"] for row in rows] == ["", "first"]
    assert hsig("runs", "show", "first")[1] == f"first\n\n{shown}"
    assert "tanh" in hsig("runs", "diff", "first", "latest")[1]
    code, out, _ = hsig("runs", "rerun", "latest", "-f", "json")
    assert (code, json.loads(out)["same_bits"]) == (0, True)
    assert hsig("runs", "note", "latest", "--name", "second")[0] == 0
    assert hsig("runs", "export", "second", "-o", "x.zip")[0] == 0
    assert Path("x.zip").read_bytes().startswith(b"PK")
    assert hsig("runs", "rm", "first", "second", "--yes")[0] == 0
    assert not list(Path("runs").glob("[0-9]*"))


def test_watch_needs_a_terminal(hsig):
    code, out, err = hsig("watch", "hard")
    assert (code, out) == (2, "")
    assert err.startswith("error: watch: needs a terminal")


# --- what all promise -------------------------------------------------------------------------


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_every_command_has_help_of_which_the_first_example_is_right(hsig, monkeypatch, words):
    monkeypatch.setenv("COLUMNS", "200")
    code, out, _ = hsig(*words, "-h")
    assert (code, out) == hsig(*words, "--help")[:2]
    assert code == 0
    assert "Usage: hsig" in out
    examples = [line.strip() for line in out.splitlines() if line.strip().startswith("hsig ")]
    if (words and words[0] not in GROUPS) or len(words) > 1:
        assert examples
    assert all(shlex.split(example)[1 : 1 + len(words)] == words for example in examples)


SHORTER = {
    "train": "-e 40",
    "compare": "-e 1 -s 1",
    "explain": "-e 1 -s 1",
    "sweep": "-e 1 -s 1",
    "activations": "",
    "help": "",
    "config show": "",
}


@pytest.mark.parametrize("command", SHORTER)
def test_the_examples_of_the_help_run(hsig, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "200")
    Path("configs").symlink_to(CONFIGS)
    lines = [line.strip() for line in hsig(*command.split(), "-h")[1].splitlines()]
    for example in (line for line in lines if line.startswith("hsig ")):
        if {"all", "hidden"} & {*example.split()}:  # of many formulas, which takes seconds
            continue
        more = [] if "--resume" in example else SHORTER[command].split()
        code, _, err = hsig(*shlex.split(example)[1:], *more)
        assert code in (0, 1) if "--expect" in example else code == 0, (example, err)


@pytest.mark.parametrize("command", ["train", "compare", "explain", "sweep", "watch", "plot"])
def test_every_key_of_a_command_is_a_flag(hsig, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "200")
    words = hsig(command, "--help")[1].split()
    for key in KEYS.values():
        expected = command == "plot" or ("train" if command == "watch" else command) in key.commands
        assert (key.flag in words) == expected, key.name


EXITS = [
    (0, "train hard -e 1 -s 2", ""),
    (0, "train hard -e 1 -s 2 --expect solved_at_most=0", ""),
    (0, "train ultra_fast", ""),
    (0, "--version", ""),
    (1, "train hard -e 1 -s 2 --expect solved_at_least=0.9", "expect: hard: "),
    (1, "compare hard tanh -e 1 -s 2 --expect '{tanh: {solved_at_least: 1}}'", "expect: tanh: "),
    (1, "sweep hard ultra_fast -e 1 -s 2 --fail-fast -q", "not trained: "),
    (2, "train hard relu", "error: expected one activation"),
    (2, "train a.yaml b.yaml", "error: expected one config"),
    (2, "train hard -a relu", "error: --activation: given twice"),
    (2, "compare hard hard", "error: --activations: "),
    (2, "train --epochs 0", "error: --epochs: expected a whole number of at least 1, got 0"),
    (2, "train no/where.yaml", "error: no/where.yaml: no such file"),
    (2, "train --long", "error: --long: "),
    (2, "compare hard --columns solvd", "error: --columns: "),
    (2, "compare hard --columns solved -f json", "error: --columns: "),
    (2, "train hard -o no/x.json", "error: --output: the folder no does not exist"),
    (2, "train hard -o .", "error: --output: "),
    (2, "train hard -o x.gif", "error: --output: the ending of x.gif"),
    (2, "train hard --force", "error: --force: "),
    (2, "train hard --name x --no-save", "error: --name: "),
    (2, "train hard --lr 1", "error: --lr: there is no such flag. Did you mean --learning-rate?"),
    (2, "activations hrd", "error: activation: unknown activation 'hrd'. Did you mean 'hard'?"),
    (2, "activations --at 1", "error: --at: "),
    (2, "power --rates 0.5,2", "error: --rates: "),
    (2, "help nothing", "error: help: "),
    (2, "runs show latest", "error: "),
    (2, "sweep hard", "error: "),
    (2, "plot hard -o x.gif", "error: --output: "),
    (2, "report latest -o x.pdf", "error: --output: "),
    (3, "train hard -e 1 -s 2 --runs-dir file/runs", "error: file/runs"),
]


@pytest.mark.parametrize(("code", "line", "err"), EXITS, ids=[line for _, line, _ in EXITS])
def test_exit_codes(hsig, code, line, err):
    Path("file").touch()
    found = hsig(*shlex.split(line))
    assert found[0] == code, found
    assert found[2].startswith(err), found
    assert (found[1] == "") == (code == 2), found


@pytest.mark.parametrize(
    "line", ["nothing", "train --epoch 5", "power", "train -f yaml", "config x"]
)
def test_what_typer_refuses_exits_with_2(hsig, line):
    code, out, err = hsig(*line.split())
    assert (code, out) == (2, "")
    assert "Error" in err


def test_a_flood_of_problems_is_cut_off(hsig):
    Path("x.yaml").write_text("epochs: 1\n" * 200, encoding="utf-8")
    code, _, err = hsig("train", "x.yaml")
    assert (code, len(err.splitlines())) == (2, 101)


def test_what_makes_a_task_hard_is_said_once_before_it_is_trained(hsig):
    Path("reg.csv").write_text("age,y\n18,-2.8\n90,3.65\n50,0.5\n", encoding="utf-8")
    config = "task: csv:reg.csv\noutput_activation: sigmoid\nepochs: 2\nseeds: 2\n"
    for name in ("a", "b"):
        Path(f"{name}.yaml").write_text(config, encoding="utf-8")
    mended = ("--scale", "minmax", "--output-activation", "identity")
    for line in (
        "train hard a.yaml",
        "explain hard a.yaml",
        "compare a.yaml b.yaml sigmoid",
        "compare sigmoid a.yaml --task xor,csv:reg.csv",
        "compare sigmoid tanh a.yaml --tune learning_rate=0.1,1",
        "sweep hard a.yaml --learning-rate 0.1,1 -q",
    ):
        err = hsig(*line.split())[2]
        assert [text.partition(": ")[0] for text in err.splitlines()] == ["warning"] * 2, err
        if line.startswith("train"):
            assert hsig(*line.split(), *mended)[2] == ""


# --- where results go -------------------------------------------------------------------------


def test_the_ending_of_a_file_tells_its_format_and_format_beats_it(hsig):
    for name, start in (("x.JSON", "{"), ("x.csv", "label,"), ("x.md", "hard"), ("x.txt", "hard")):
        assert hsig(*TRAIN, "--no-save", "-o", name)[:2] == (0, "")
        assert Path(name).read_text(encoding="utf-8").startswith(start)
    hsig(*TRAIN, "--no-save", "-o", "x.txt", "-f", "json")
    assert json.loads(Path("x.txt").read_text(encoding="utf-8"))["format"] == 1


@contextmanager
def full_disk():
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        yield full


@contextmanager
def left_reader():
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@pytest.mark.parametrize(
    ("stdout", "line", "code", "kept"),
    [
        (full_disk, "train hard -e 4 -s 2", 3, 1),
        (full_disk, "train hard -e 4 -s 2 -o /dev/full", 3, 1),
        (full_disk, "--help", 3, 0),
        (left_reader, "train hard -e 4 -s 2", 0, 1),
        (left_reader, "train hard -e 4 -s 2 --expect solved_at_least=1", 1, 1),
    ],
)
def test_a_stdout_that_takes_nothing_loses_no_run(runs, stdout, line, code, kept):
    with stdout() as out:
        command = [sys.executable, "-m", "hsig", *line.split()]
        done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith({0: "", 1: "expect: ", 3: "error: "}[code])
    assert "Traceback" not in done.stderr
    records, problems = read_records(runs)
    assert (len(records), problems) == (kept, [])
    assert all(record.complete for record in records)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders on this system")
def test_a_pipe_is_written_if_somebody_reads_and_not_waited_at(hsig):
    os.mkfifo("pipe.csv")
    assert hsig(*TRAIN, "-o", "pipe.csv")[0] == 3
    reader = os.open("pipe.csv", os.O_RDONLY | os.O_NONBLOCK)
    assert hsig(*TRAIN, "-o", "pipe.csv")[0] == 0
    assert os.read(reader, 1000).startswith(b"label,")
    os.close(reader)


def test_a_pipe_gets_plain_text_and_nothing_else(hsig, monkeypatch):
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb"), ("COLUMNS", "40")):
        monkeypatch.setenv(name, value)
        code, out, err = hsig(*COMPARE)
        assert (code, err) == (0, "")
        assert "\x1b" not in out
        assert max(map(len, out.splitlines())) <= int(os.environ["COLUMNS"])


def test_a_terminal_gets_a_bar_on_stderr_and_colours_where_they_are_wanted(hsig, monkeypatch):
    monkeypatch.setattr("hsig.output.terminal._BAR_AFTER_S", -1.0)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    code, out, err = hsig(*TRAIN, "-f", "json")
    assert (code, json.loads(out)["format"]) == (0, 1)
    assert "100 %" in err
    assert hsig(*TRAIN, "-q")[2] == ""
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[1m" in hsig(*TRAIN)[1]


def test_poor_terminals_get_ascii_and_a_process_does_what_a_call_does():
    done = process(*COMPARE, PYTHONIOENCODING="ascii", NO_COLOR="1")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()
    assert process("--version").stdout == f"hsig {__version__}\n"


# --- interruption -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "at", "trained"),
    [
        ("train hard", 1, False),
        ("compare sigmoid hard", 2, True),
        ("compare tanh hard --task xor,and", 3, True),
        ("compare tanh hard --tune learning_rate=0.1,1", 2, False),
        ("compare tanh hard --tune learning_rate=0.1,1", 5, True),
        ("explain hard", 3, True),
    ],
)
def test_what_was_done_before_ctrl_c_is_shown_and_kept(hsig, monkeypatch, line, at, trained):
    interrupted_at(monkeypatch, at)
    code, out, err = hsig(*line.split(), "--engine", "reference", "--workers", "1", *SHORT)
    assert code == 130
    assert err.startswith("interrupted: ")
    assert bool(out) == trained
    assert [r.complete for r in read_records(Path("runs"))[0]] == [False] * trained
