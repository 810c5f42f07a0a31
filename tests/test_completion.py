"""What a shell is offered: values by the kinds of keys, configs, and through each shell once."""

import os
from pathlib import Path
from unittest.mock import patch

import pytest
from commands import run_main
from prepared import made_run

from hsig.activations import ACTIVATIONS
from hsig.config.keys import KEYS, complete_comparison, complete_config, complete_words
from hsig.config.kinds import KINKS
from hsig.runs.record import keep_run
from hsig.runs.store import Note


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with configs, here and below."""
    monkeypatch.chdir(tmp_path)
    for name in ("mine.yaml", "notes.txt", "configs/a.yaml", "configs/b.yml", ".git/x.yaml"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()


def offered(shell, *words):
    """What hsig offers a shell for the last of some words."""
    words = ["hsig", *words]
    settings = {"_HSIG_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_ARGS": " ".join(words)}
    settings |= {"COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    if shell == "fish":
        settings["_TYPER_COMPLETE_FISH_ACTION"] = "get-args"
    with patch.dict(os.environ, settings):
        code, out, err = run_main()
    assert (code, err) == (0, "")
    return out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_are_offered_names_and_configs_and_no_other_files(shell):
    found = offered(shell, "compare", "h")
    assert all(word in found for word in ("hard_torch", "hard_taylor", "hidden"))
    assert "mine.yaml" in offered(shell, "train", "mi")
    assert "notes.txt" not in offered(shell, "train", "no")


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["comp"], ["compare"]),
        (["train", "--lear"], ["--learning-rate"]),
        (["train", "--loss", "bce_"], ["bce_naive"]),
        (["sweep", "--loss", "bce,sq"], ["bce,squared"]),
        (["config", "show", "m"], ["mine.yaml"]),
        (["activations", "ultra"], ["ultra_fast"]),
    ],
    ids=" ".join,
)
def test_commands_flags_and_their_values_are_offered(words, wanted):
    assert offered("bash", *words).split() == wanted


def test_ids_and_names_of_runs_are_offered(monkeypatch):
    monkeypatch.setenv("HSIG_RUNS_DIR", "runs")
    notes = [Note("wide-start"), Note("two words")]
    ids = [keep_run(Path("runs"), **made_run(), note=note).id for note in notes]
    keep_run(Path("other"), **made_run(), note=Note("elsewhere"))
    for words in (["runs", "show", ""], ["runs", "rm", "latest", ""], ["sweep", "--resume", ""]):
        found = offered("bash", *words)
        assert all(word in found for word in (*ids, "latest", "wide-start"))
        assert "two words" not in found  # a shell would need quotes for it
        assert "mine.yaml" not in found
    assert offered("bash", "runs", "show", "--runs-dir", "other", "el").split() == ["elsewhere"]
    assert offered("bash", "runs", "show", "--runs-dir", "nowhere", "").strip() == ""


@pytest.mark.parametrize(
    ("key", "typed", "wanted"),
    [
        ("activation", "hard:sl", ["hard:slope="]),
        ("activation", "hard:slope=0.25,ba", ["hard:slope=0.25,backward="]),
        ("activation", "hard:kink=", [f"hard:kink={kink}" for kink in KINKS]),
        ("activation", "relu:slope=1", []),
        ("activation", "nothing:", []),
        ("activation", "elu:", ["elu:alpha=", "elu:kink=", "elu:backward="]),
        ("activations", "h", [n for n in ACTIVATIONS if n.startswith("h")] + ["hidden"]),
        ("output_activation", "sa", ["same"]),
        ("task", "xor,p", ["xor,parity3"]),
        ("init", "uni", ["uniform:"]),
        ("cost", "", ["weights", "mean", "last"]),
        ("workers", "", ["auto"]),
        ("expect", "verdict=solved,solved_at_m", ["verdict=solved,solved_at_most="]),
        ("epochs", "", []),
    ],
)
def test_values_of_flags(key, typed, wanted):
    assert KEYS[key].kind.complete(typed) == wanted


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("", ["mine.yaml", "configs/a.yaml", "configs/b.yml"]),
        ("configs/b", ["configs/b.yml"]),
        ("no/where/", []),
        ("x\0", []),
    ],
)
def test_configs_are_found_here_and_one_folder_below(tmp_path, typed, wanted):
    assert complete_config(typed) == wanted
    assert complete_config(f"{tmp_path}/mi") == [f"{tmp_path}/mine.yaml"]


def test_behind_a_command_come_activations_and_configs_and_groups_where_several_are_meant():
    assert complete_words("mine.") == ["mine.yaml"]
    assert complete_words("softp") == complete_comparison("softp") == ["softplus"]
    assert (complete_words("hidd"), complete_comparison("hidd")) == ([], ["hidden"])
