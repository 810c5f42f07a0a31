"""`hsig report` writes what was kept, with the pictures that say most of it."""

import re
from pathlib import Path

import pytest
from commands import hsig, invoked, out_of
from markup import parsed

from hsig.errors import ConfigError
from hsig.output.streams import is_of_hsig
from hsig.results.opening import report_of_run, result_of
from hsig.results.pictures import Look, picture
from hsig.runs.listing import find_record

SHORT = ("--epochs", "30", "--seeds", "3")
KINDS = {
    ("train", "hard"): ("activation", "costs", "solved", "verdicts", "surface"),
    ("train", "hard", "--task", "parity3"): ("activation", "costs", "solved", "verdicts"),
    ("compare", "tanh", "hard"): ("compare", "solved", "costs", "verdicts"),
    ("compare", "tanh", "hard", "--task", "xor,and"): ("compare", "solved", "costs", "verdicts"),
    ("explain", "hard"): ("activation", "verdicts", "costs", "surface"),
    ("sweep", "hard", "--hidden", "2,3"): ("map",),
    ("train", "ultra_fast"): ("activation", "costs", "solved", "verdicts", "surface"),
}


@pytest.mark.parametrize("words", KINDS)
def test_a_report_has_the_pictures_that_say_most_of_its_run(runs, words):
    out_of(*words, *SHORT)
    report = report_of_run(find_record(runs, "latest"))
    source = result_of(find_record(runs, "latest")).source
    drawn = [picture([source], kind, Look()) for kind in KINDS[words]]
    assert [figure.alt for figure in report.figures] == [one.caption.alt for one in drawn]
    assert hsig("report")[:2] == (0, "hsig-report.html\n")
    text = Path("hsig-report.html").read_text(encoding="utf-8")
    assert len(re.findall(r'<svg [^>]*role="img"', text)) >= len(drawn)
    assert is_of_hsig(Path("hsig-report.html"))


def test_several_runs_make_one_file_each_once(runs):
    del runs
    out_of("train", "hard", *SHORT, "--name", "first")
    out_of("explain", "tanh", *SHORT)
    assert out_of("report", "first", "latest", "latest~1", "-o", "both.html") == "both.html\n"
    text = Path("both.html").read_text(encoding="utf-8")
    assert [re.sub(r"<[^>]+>", "", head) for head in re.findall(r"<h2>(.*?)</h2>", text)] == [
        "first: hard on xor",
        "tanh on xor, explained",
    ]


def test_text_of_somebody_is_text(runs):
    del runs
    Path("mine.yaml").write_text(
        "activations:\n  - {name: 'a.b', formula: 'where(x < 0, 0, x)'}\n"
        f"  - {{name: '{'long ' * 9}label', formula: 'tanh(x)'}}\nepochs: 9\nseeds: 2\n"
        "# <script>alert(1)</script> \u202e \U0001f600\n",
        encoding="utf-8",
    )
    out_of("compare", "mine.yaml", "--note", "<b>bold</b> \U0001f600")
    out_of("report")
    text = Path("hsig-report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "\u202e" not in text
    assert "\\u202e" in text
    parsed(text)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing"], "nothing: no run in runs begins so or has this name"),
        (["latest", "-o", "a.txt"], "--output: expected a name that ends in .html, got a.txt"),
        (["latest", "-o", "no/a.html"], "--output: the folder no does not exist"),
    ],
)
def test_what_cannot_be_reported_is_refused(runs, words, said):
    del runs
    out_of("train", "hard", *SHORT)
    problem = invoked("report", *words).exception
    assert isinstance(problem, ConfigError)
    assert problem.messages[0].startswith(said)


def test_a_damaged_run_is_named_and_no_file_is_written(runs):
    out_of("train", "hard", *SHORT)
    (run,) = runs.iterdir()
    (run / "seeds.npz").write_bytes(b"")
    problem = invoked("report").exception
    assert "was changed after it was written" in problem.messages[0]
    assert not Path("hsig-report.html").exists()
