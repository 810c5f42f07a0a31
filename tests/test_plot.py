"""`hsig plot` draws what it is given, and says what it shows."""

import json
import re
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from commands import hsig, invoked, out_of

import hsig as front
from hsig.cli.options import Output
from hsig.cli.pictures import _trained
from hsig.errors import ConfigError
from hsig.results import pictures
from hsig.results.kinds import KINDS
from hsig.results.pictures import Look, kinds_of, picture

SHORT = ("--epochs", "60", "--seeds", "4")
ASKED = {"epochs": 60, "seeds": 4}


@pytest.fixture
def folder(runs):
    """An empty folder with a map and a comparison to be."""
    Path("map.yaml").write_text(
        "epochs: 5\nseeds: 2\nsweep: {hidden: [2, 3], learning_rate: [0.1, 1]}\n", encoding="utf-8"
    )
    Path("both.yaml").write_text("activations: [tanh, hard]\nepochs: 5\nseeds: 2\n", "utf-8")
    Path("one.yaml").write_text("activation: tanh\nepochs: 5\nseeds: 2\n", "utf-8")
    return runs


def described(path):
    """What a PNG says that it shows."""
    data, place, found = Path(path).read_bytes(), 8, {}
    while place < len(data):
        (length,), kind = struct.unpack(">I", data[place : place + 4]), data[place + 4 : place + 8]
        if kind == b"tEXt":
            key, _, text = data[place + 8 : place + 8 + length].partition(b"\0")
            found[key.decode()] = text.decode("latin-1")
        place += length + 12
    return found


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["hard"], "activation"),
        (["--activation", "hard"], "activation"),
        (["x*tanh(x)"], "activation"),
        (["one.yaml"], "costs"),
        (["one.yaml", "hard"], "costs"),
        (["tanh", "hard"], "compare"),
        (["both.yaml"], "compare"),
        (["sigmoids"], "compare"),
        (["one.yaml", "both.yaml"], "compare"),
        (["map.yaml"], "map"),
    ],
)
def test_the_picture_by_default_is_the_one_that_says_most(folder, words, kind):
    flags = [] if words[0].endswith(".yaml") else SHORT
    code, out, err = hsig("plot", *words, *flags)
    assert (code, out) == (0, f"hsig-{kind}.png\n")
    assert err.rstrip("\n") == described(out.strip())["Title"]
    assert not folder.exists()  # nothing is kept


def test_a_kept_run_is_drawn_by_its_kind(folder):
    for words, kind in (
        (["train", "hard"], "costs"),
        (["compare", "tanh", "hard"], "compare"),
        (["explain", "hard"], "verdicts"),
    ):
        out_of(*words, *SHORT, "--name", "mine" if kind == "costs" else "other")
        for run in ([], ["latest"]):
            assert out_of("plot", *run, "-q") == f"hsig-{kind}.png\n"
    out_of("sweep", "map.yaml")
    assert out_of("plot") == "hsig-map.png\n"
    out_of("sweep", "map.yaml", "--learning-rate", "0.1,2")
    assert out_of("plot", "latest~1", "latest") == "hsig-difference.png\n"
    assert out_of("plot", "mine") == "hsig-costs.png\n"
    (first, *_) = sorted(path.name for path in folder.iterdir())
    assert out_of("plot", first[:24], "latest~2") == "hsig-compare.png\n"
    # runs are called by their names, if they have any
    assert "mine: hard" in described("hsig-compare.png")["Description"]


def test_several_results_are_one_picture_with_their_names(folder):
    del folder
    out_of("train", "hard", *SHORT, "--name", "slow")
    out_of("train", "hard", *SHORT, "--learning-rate", "1", "--name", "fast")
    out_of("plot", "slow", "fast")
    said = described("hsig-compare.png")["Description"]
    assert "slow: hard" in said
    assert "fast: hard" in said
    one, other = front.open_run("slow"), front.open_run("fast")
    found = pictures._together([one.source, other.source], ["slow", "fast"])
    assert [v.label for v in found.summary.variants] == ["slow: hard", "fast: hard"]
    assert found.summary.pairing.against["fast: hard"].pairs == 4
    assert [re.search(r"learning rate (\S+),", line)[1] for line in found.setting] == ["0.1", "1"]


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_the_ending_tells_the_format(folder, ending):
    del folder
    assert out_of("plot", "hard", *SHORT, "-o", f"a.{ending}") == f"a.{ending}\n"
    begins = {"png": b"\x89PNG", "svg": b"<svg ", "pdf": b"%PDF"}[ending]
    assert Path(f"a.{ending}").read_bytes().startswith(begins)
    if ending == "svg":
        root = ET.fromstring(Path("a.svg").read_text(encoding="utf-8"))
        assert root.attrib["role"] == "img"


def test_every_kind_is_drawn_of_what_has_it():
    train = front.train("hard", **ASKED)
    swept = front.sweep("hard", learning_rate=[0.1, 1], seeds=2, epochs=5)
    of_two = picture([swept.source, swept.source], None, Look(), ("a", "b"))
    drawn = {
        of_two.kind,
        *(picture([swept.source], kind, Look()).kind for kind in kinds_of([swept.source])),
    }
    for kind in kinds_of([train.source]):
        for theme in ("light", "dark"):
            made = train.plot(kind, theme=theme)
            assert made.get_size_inches().min() > 2.0
        drawn.add(kind)
    assert drawn == set(KINDS)


def test_a_picture_has_the_digest_of_its_run(folder):
    del folder
    out_of("train", "hard", *SHORT)
    result = front.open_run()
    for kind in ("costs", "activation"):
        drawn = picture([result.source], kind, Look())
        assert f"run digest {result.digest[:12]}" in drawn.caption.footnote


def test_a_picture_of_other_weights_than_those_that_were_kept_has_no_digest(monkeypatch):
    result = front.train("hard", **ASKED)
    trained = pictures.moments

    def others(experiment, variant, epochs):
        made = trained(experiment, variant, epochs)
        made[-1].weights.hidden[0, 0, 0] += 1.0
        return made

    monkeypatch.setattr(pictures, "moments", others)
    drawn = picture([result.source], "activation", Look())
    assert not any("digest" in line for line in drawn.caption.footnote)


def test_networks_are_shown_at_the_epochs_that_are_asked_for():
    result = front.train("hard", **ASKED)
    shown = pictures._chosen([result.source], ("",), Look())
    assert [moment.epoch for moment in shown.moments] == [0, 6, 60]
    shown = pictures._chosen([result.source], ("",), Look(at=(7, 3)))
    assert [moment.epoch for moment in shown.moments] == [3, 7]


def test_a_variant_is_chosen_by_its_label():
    result = front.compare("tanh", "hard", **ASKED)
    assert "tanh on xor" in picture([result.source], "activation", Look()).caption.title
    assert (
        "hard on xor" in picture([result.source], "activation", Look(variant="hard")).caption.title
    )


def test_one_seed_is_shown_alone():
    result = front.train("hard", epochs=60, seeds=[5, 8])
    alone = picture([result.source], "activation", Look(seed=8)).caption
    assert any("seed 8" in line for line in alone.footnote)
    assert not any("seeds 5" in line or "2 seeds" in line for line in alone.footnote)
    drawn = picture([result.source], "surface", Look(seed=8)).figure
    only = front.train("hard", epochs=60, seeds=[8])
    of_one = picture([only.source], "surface", Look()).figure
    for one, other in zip(drawn.axes, of_one.axes, strict=True):
        for ours, theirs in zip(one.images, other.images, strict=True):
            assert np.array_equal(ours.get_array(), theirs.get_array())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["hard", "-o", "a.gif"], "--output: the ending of a.gif tells no format of pictures"),
        (["hard", "-o", "no/a.png"], "--output: the folder no does not exist"),
        (["hard", "--at", "61"], "--at: expected epochs from 0 to 60, got 61"),
        (["hard", "--at", "1.5"], "--at: expected whole numbers, got 1.5"),
        (
            ["hard", "--seed", "9"],
            "--seed: expected one of those that were trained, seeds 0 to 3, got 9",
        ),
        (
            ["hard", "--variant", "hart"],
            "--variant: there is none called 'hart'. Did you mean 'hard'?",
        ),
        (["hard", "-k", "map"], "--kind: there is no picture 'map' of this. There are: costs, "),
        (
            ["hard", "-k", "surface", "-t", "parity3"],
            "surface: expected a task with two inputs, but",
        ),
        (["tanh", "hard", "--seed", "1"], "--seed: is for activation and surface, not for compare"),
        (["geluu"], "--activation: unknown activation 'geluu'"),
        (["latest"], "runs: there are no kept runs here"),
        (["nothing.yaml"], "nothing.yaml: no such file"),
    ],
)
def test_what_cannot_be_drawn_is_refused(folder, words, said):
    del folder
    flags = [] if words[0] == "latest" or words[0].endswith(".yaml") else SHORT
    problem = invoked("plot", *words, *flags).exception
    assert isinstance(problem, ConfigError)
    assert problem.messages[0].startswith(said)
    assert not list(Path().glob("*.png"))


def test_runs_go_with_no_flags_and_no_activations(folder):
    del folder
    out_of("train", "hard", *SHORT, "--name", "hard")
    for words, said in (
        (["latest", "tanh"], "tanh: goes without kept runs, such as latest"),
        (["latest", "--epochs", "9"], "--epochs: goes without kept runs: latest has its own"),
        (["hard"], "hard: is the name of a run, and an activation. Give the run's id"),
    ):
        problem = invoked("plot", *words).exception
        assert problem.messages[0].startswith(said)
    out_of("sweep", "map.yaml")
    problem = invoked("plot", "latest", "latest~1").exception
    assert problem.messages[0].startswith("these have no picture together")


def test_no_file_of_somebody_else_is_replaced(folder):
    del folder
    Path("hsig-activation.png").write_bytes(b"mine")
    problem = invoked("plot", "hard", *SHORT).exception
    assert "is nothing that hsig wrote" in problem.messages[0]
    assert Path("hsig-activation.png").read_bytes() == b"mine"
    assert out_of("plot", "hard", *SHORT, "--force") == "hsig-activation.png\n"
    assert out_of("plot", "hard", *SHORT) == "hsig-activation.png\n"


def test_without_matplotlib_there_are_the_tables_and_how_to_get_it(folder, monkeypatch):
    del folder
    found = pictures.find_spec
    monkeypatch.setattr(
        pictures, "find_spec", lambda name: None if name == "matplotlib" else found(name)
    )
    told = invoked("plot", "tanh", "hard", *SHORT)
    assert isinstance(told.exception, ConfigError)
    assert "pip install '.[plot]'" in told.exception.messages[0]
    assert "no seed was solved by any variant" in told.stdout
    with pytest.raises(ConfigError, match="matplotlib"):
        front.train("hard", **ASKED).plot()
    out_of("train", "hard", *SHORT)
    code, out, err = hsig("report")
    assert (code, out) == (0, "hsig-report.html\n")
    assert "pip install '.[plot]'" in err
    assert "<svg role" not in Path("hsig-report.html").read_text(encoding="utf-8")


def test_a_picture_may_go_to_stdout(folder):
    del folder
    command = f"'{sys.executable}' -m hsig plot hard -e 9 -s 2 -q -o /dev/stdout"
    done = subprocess.run(f"{command} | cat", shell=True, capture_output=True, check=True)
    assert (done.stdout[:4], done.stderr) == (b"\x89PNG", b"")
    assert done.stdout.endswith(b"IEND\xaeB`\x82")


def test_checkpoints_are_fine_where_nobody_says_otherwise(folder):
    del folder
    made = json.loads(out_of("train", "hard", "-e", "300", "-s", "2", "-f", "json"))
    assert made["variants"][0]["checkpoints"] == [0, 300]
    shown = _trained(["hard"], {"epochs": "300", "seeds": "2"}, Output(quiet=True))
    assert shown.results[0].variant.epochs == tuple(range(0, 301, 3))
    shown = _trained(["hard"], {"epochs": "300", "report_every": "100"}, Output(quiet=True))
    assert shown.results[0].variant.epochs == (0, 100, 200, 300)
