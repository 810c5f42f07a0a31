"""No text from outside acts on a screen, wherever it comes from."""

import csv
import json
from io import StringIO
from pathlib import Path

import pytest
from hostile import hsig, is_inert, names, texts
from hypothesis import HealthCheck, example, given, settings

from hsig.config.keys import KEYS

QUICK = ("-e", "1", "-s", "2")
FORMATS = ("table", "json", "csv", "md")
few = settings(max_examples=2, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HSIG_RUNS_DIR", str(tmp_path / "runs"))
    return tmp_path


def says(*arguments):
    """The exit code of a command, whose words are all seen."""
    code, out, err = hsig(*arguments)
    assert is_inert(out), out
    assert is_inert(err), err
    assert all(line.startswith(("error: ", " ")) for line in err.splitlines() if code == 2), err
    return code, out, err


def in_every_format(*arguments):
    """What a command says as a table, JSON, CSV and Markdown, all of it seen, and the same told."""
    told = {}
    for format in FORMATS:
        code, told[format], _ = says(*arguments, "--format", format)
        assert code == 0
    json.loads(told["json"])
    rows = list(csv.reader(StringIO(told["csv"], newline=""), strict=True))
    assert {len(row) for row in rows} == {len(rows[0])}
    assert len(rows) == told["csv"].count("\n")
    return told


# --- where texts come from --------------------------------------------------------------------


@settings(few, max_examples=1)
@given(names())
@example("\x1b[31m")
def test_the_names_of_configs_and_csv_files(folder, name):
    Path(f"{name}.yaml").write_text("hidden: 2\n", encoding="utf-8")
    Path("other.yaml").write_text("hidden: 1\n", encoding="utf-8")
    Path(f"{name}.csv").write_text("0,0\n1,1\n", encoding="utf-8")
    escaped = "".join(f"\\U{ord(character):08x}" for character in f"{name}.csv")
    Path("t.yaml").write_text(f'task: {{csv: "{escaped}"}}', encoding="utf-8")
    try:
        in_every_format("compare", "tanh", f"./{name}.yaml", "other.yaml", *QUICK, "--no-save")
        says("train", "t.yaml", *QUICK, "--no-save")
        in_every_format("config", "show", f"./{name}.yaml")
        says("train", f"{name}.nothing/", *QUICK)
        says("train", "--task", f"csv:{name}", *QUICK)
        says("train", "--output", f"{name}/x.json", *QUICK)
        for ending in ("txt", "json"):
            file = f"{name}.{ending}"
            both = ("tanh", f"./{name}.yaml", "other.yaml", "--no-save", *QUICK)
            code, out, _ = says("compare", *both, "--force", "-o", file)
            assert (code, out) == (0, "")
            assert is_inert(Path(file).read_text(encoding="utf-8"))
    finally:
        for path in folder.iterdir():
            if path.is_file():
                path.unlink()


@few
@given(texts(), texts())
def test_the_columns_of_a_csv_file(folder, first, second):
    with (folder / "t.csv").open("w", encoding="utf-8", errors="replace", newline="") as file:
        csv.writer(file).writerows([[first, second], [0, 0], [1, 1]])
    code, *_ = says("train", "-t", "csv:t.csv", *QUICK, "--no-save", "--full")
    if code == 0:
        in_every_format("train", "-t", "csv:t.csv", *QUICK, "--no-save")


@few
@given(texts(), texts())
def test_the_keys_and_values_of_a_config(folder, key, value):
    for made in (
        {key: value},
        {key: {value: 1}},
        {name: value for name in KEYS},
        {"task": {key: value}},
        {"activation": {key: value}},
        {"activation": {"name": value, "formula": "x"}},
        {"task": {"name": value, "inputs": [[0]], "targets": [1]}},
        {"expect": {key: {value: 1}}},
        {"sweep": {key: [value]}},
        {"sweep": {f"activation.{key}": [value]}},
    ):
        (folder / "x.yaml").write_text(json.dumps(made), encoding="utf-8")
        command = ("sweep", "--dry-run") if "sweep" in made else ("train",)
        says(*command, "x.yaml", *QUICK, "--hidden", "1")


@few
@given(texts().filter(lambda text: not text.startswith("-")))  # which Typer answers
@pytest.mark.usefixtures("folder")
def test_flags_words_and_commands(text):
    flags = [(key.flag, text) for key in KEYS.values() if "train" in key.commands]
    hsig_or_typer("train", *(part for flag in flags for part in flag))
    for arguments in (
        ("train", text),
        ("compare", text),
        ("sweep", "hard", "--learning-rate", f"{text},1", "--dry-run"),
        ("activations", text),
        ("activations", "hard", "--at", text),
        ("power", "--rates", text),
        ("power", "--rates", "0.4,0.5", "--paired", text),
        ("help", text),
        ("compare", "hard", "tanh", "--columns", text),
        ("plot", "hard", "--at", text, "-o", "p.png"),
        ("runs", "show", text),
        ("runs", "list", "--where", text),
        ("runs", "list", "--since", text),
    ):
        hsig_or_typer(*arguments)


def hsig_or_typer(*arguments):
    """Whatever comes of it, all that is said is seen."""
    if "\0" not in "".join(arguments):  # which no command line has
        _, out, err = hsig(*arguments, *(QUICK if arguments[0] in ("train", "compare") else ()))
        assert is_inert(out), out
        assert is_inert(err), err


@few
@given(texts(), texts())
@pytest.mark.usefixtures("folder")
def test_the_names_and_notes_of_kept_runs(name, note):
    says("train", *QUICK, "-q", "--note", note)
    says("train", *QUICK, "-q", "--name", name)
    for format in FORMATS:
        says("runs", "list", "--format", format)
        says("runs", "show", "latest", "--format", format)
