"""`hsig plot`, from the words of a command line to a file."""

import pytest
from commands import invoked

SMALL = ("--epochs", "20", "--seeds", "3", "--engine", "reference")


@pytest.mark.parametrize(("name", "begins"), [("a.png", b"\x89PNG"), ("b.svg", b"<?xml")])
def test_a_picture_of_an_activation_is_a_file(tmp_path, monkeypatch, name, begins):
    monkeypatch.chdir(tmp_path)
    result = invoked("plot", "hard", *SMALL, "-o", name)
    assert (result.exit_code, result.stdout) == (0, f"{name}\n")
    assert (tmp_path / name).read_bytes().startswith(begins)
    assert "hard on xor" in result.stderr


def test_a_kept_run_is_drawn_and_two_runs_together(runs):
    for name, activation in (("one", "hard"), ("two", "sigmoid")):
        assert invoked("train", activation, *SMALL, "-q", "--name", name).exit_code == 0
    assert invoked("plot", "one", "--kind", "solved").stdout == "hsig-solved.png\n"
    both = invoked("plot", "one", "two", "-o", "both.pdf")
    assert both.exit_code == 0
    assert both.stderr.strip()
    assert (runs.parent / "both.pdf").read_bytes().startswith(b"%PDF")
