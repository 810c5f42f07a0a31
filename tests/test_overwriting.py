"""A result replaces what hsig wrote, and nothing else that anybody has in a file."""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from commands import hsig, out_of
from hypothesis import given
from hypothesis import strategies as st

from hsig.config.keys import starting_point
from hsig.errors import ConfigError
from hsig.output.streams import is_of_hsig

ROOT = Path(__file__).parents[1]
SHORT = ("-e", "20", "-s", "3")
SWEPT = "epochs: 3\nseeds: 2\nsweep: {hidden: [1, 2], loss: [bce, squared]}\n"
RESULTS = {
    "train": ("train", "hard", *SHORT),
    "train, quiet": ("train", "hard", *SHORT, "-q"),
    "compare": ("compare", "hard", "tanh", *SHORT),
    "explain": ("explain", "hard", *SHORT),
    "tuned": ("compare", "hard", "tanh", "--tune", "learning_rate=0.1,1", *SHORT),
    "tasks": ("compare", "hard", "tanh", "--task", "xor,and", *SHORT),
    "configs": ("compare", "a.yaml", "b.yaml"),
    "sweep": ("sweep", "map.yaml", "-q"),
    "activations": ("activations",),
    "one activation": ("activations", "hard"),
    "points": ("activations", "hard", "--at", "0,1"),
    "power": ("power", "--rates", "0.3,0.5"),
    "config": ("config", "show"),
    "list": ("runs", "list"),
    "changed": ("runs", "list", "--only-changed"),
    "no runs": ("runs", "list", "--where", "command=explain"),
    "diff": ("runs", "diff", "latest", "latest~1"),
    "diff of sweeps": ("runs", "diff", "latest~2", "latest~3"),
    "show": ("runs", "show", "latest"),
    "rerun": ("runs", "rerun", "latest"),
}
WHOLE = {
    "schema.json": ("config", "schema"),
    "new.yaml": ("config", "new"),
    "run.zip": ("runs", "export", "latest"),
    "long.csv": ("compare", "hard", "tanh", *SHORT, "--long"),
    "picture.png": ("plot", "hard", *SHORT),
    "picture.svg": ("plot", "latest"),
    "picture.pdf": ("plot", "latest", "--kind", "surface"),
    "report.html": ("report", "latest"),
    "columns.md": ("compare", "hard", "tanh", *SHORT, "--columns", "solved"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with configs, two kept runs and two kept sweeps."""
    folder = tmp_path_factory.mktemp("overwriting")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("HSIG_RUNS_DIR")
        for name, activation in (("a.yaml", "hard"), ("b.yaml", "tanh")):
            Path(name).write_text(f"activation: {activation}\nepochs: 5\nseeds: 2\n")
        Path("map.yaml").write_text(SWEPT)
        for command in (("sweep", "map.yaml", "-q"), ("sweep", "map.yaml", "-q", "-a", "hard")):
            out_of(*command)
        for name in ("a.yaml", "b.yaml"):
            out_of("train", name)
    return folder


@pytest.fixture
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.delenv("HSIG_RUNS_DIR")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("ending", ["json", "csv", "md", "txt"])
@pytest.mark.parametrize("command", RESULTS.values(), ids=RESULTS)
def test_a_result_replaces_a_result(command, ending):
    keeping = () if command[0] in ("runs", "activations", "power", "config") else ("--no-save",)
    if command[0] == "sweep":
        keeping = ()
    for _ in range(2):
        assert hsig(*command, *keeping, "-o", f"x.{ending}")[0] == 0
    assert is_of_hsig(Path(f"x.{ending}"))
    Path(f"x.{ending}").unlink()


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("name", WHOLE)
def test_what_else_hsig_writes_replaces_itself(name):
    for _ in range(2):
        assert hsig(*WHOLE[name], "-o", name)[0] == 0
    assert is_of_hsig(Path(name))
    Path(name).unlink()


def packed(name):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr(name, "{}")
    return made.getvalue()


OTHERS = {
    "notes": b"my notes\n",
    "JSON": b'{"format": 1, "rows": []}\n',
    "a list": b"[1, 2]\n",
    "rows": b"x,y\n1,2\n",
    "rows of keys": b"key,value,from\nname,Ada,me\n",
    "orders": b"id,command\n17,print\n",
    "points": b"x,y,dy_dx,dy_dw,mine\n1,2,3,4,5\n",
    "config": b"activation: hard\n",
    "a start that was changed": starting_point().encode() + b"# mine\n",
    "a zip": packed("report.txt"),
    "no zip": b"PK\x03\x04",
    "a result with notes below": b"hard: solved 1 of 3\n\nmade by hsig 0.1\nbut see page 3\n",
}


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("data", OTHERS.values(), ids=OTHERS)
def test_a_file_of_somebody_else_is_refused_before_anything_is_trained(data, monkeypatch):
    Path("mine.json").write_bytes(data)
    monkeypatch.setattr("hsig.experiments.parallel.run", None)
    with pytest.raises(ConfigError) as refused:
        hsig("train", "hard", *SHORT, "--no-save", "-o", "mine.json")
    size = f"{len(data)} byte{'s' if len(data) != 1 else ''}"
    assert refused.value.exit_code == 2
    assert str(refused.value) == (
        f"--output: mine.json is there already ({size}), and is nothing that hsig wrote, or not "
        "as it wrote it. Expected another name, or --force to replace it"
    )
    assert Path("mine.json").read_bytes() == data


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    "command",
    [("config", "new"), ("config", "schema"), ("runs", "export", "latest"), ("runs", "list")],
    ids=" ".join,
)
def test_every_command_refuses_and_replaces_where_it_is_told_to(command):
    mine = Path("mine.json")
    mine.write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"--output: mine\.json is there already \(4 bytes\)"):
        hsig(*command, "-o", "mine.json")
    assert mine.read_text(encoding="utf-8") == "mine"
    assert hsig(*command, "-o", "mine.json", "--force")[0] == 0
    assert is_of_hsig(mine)


@pytest.mark.usefixtures("here")
def test_force_alone_says_what_it_goes_with():
    with pytest.raises(ConfigError, match="--force: goes with --output FILE, which it replaces"):
        hsig("power", "--rates", "0.3,0.5", "--force")


@pytest.mark.usefixtures("here")
def test_an_empty_file_is_nobodys_and_one_that_cannot_be_read_is_somebodys(monkeypatch):
    Path("empty.md").touch()
    assert hsig("power", "--rates", "0.3,0.5", "-o", "empty.md")[0] == 0

    def denied(*_, **__):
        raise PermissionError

    monkeypatch.setattr("pathlib.Path.open", denied)
    with pytest.raises(ConfigError, match=r"empty\.md is there already"):
        hsig("power", "--rates", "0.3,0.5", "-o", "empty.md")


@pytest.mark.skipif(os.name == "nt", reason="no such devices on this system")
@pytest.mark.parametrize("device", ["/dev/null", "/dev/stdout", "/dev/fd/1"])
def test_devices_are_written_to_and_a_file_behind_stdout_keeps_what_it_has(tmp_path, device):
    behind = tmp_path / "log.txt"
    behind.write_text("before\n", encoding="utf-8")
    command = (sys.executable, "-m", "hsig", "power", "--rates", "0.3,0.5", "-f", "json")
    with behind.open("a", encoding="utf-8") as stdout:
        subprocess.run([*command, "-o", device], stdout=stdout, check=True)
    before, _, result = behind.read_text(encoding="utf-8").partition("\n")
    assert before == "before"
    assert result == "" if device == "/dev/null" else json.loads(result)["rates"] == [0.3, 0.5]


def test_a_text_on_stdout_or_a_device_has_no_last_line_of_hsigs():
    for form in ("table", "md"):
        assert "made by" not in out_of("power", "--rates", "0.3,0.5", "-f", form)
        done = subprocess.run(
            [sys.executable, "-m", "hsig", "activations", "hard", "-f", form, "-o", "/dev/stdout"],
            capture_output=True,
            check=True,
        )
        assert done.stdout
        assert b"made by" not in done.stdout


def test_no_file_that_people_wrote_is_taken_for_hsigs():
    written = [
        path
        for pattern in ("*.*", "configs/*", "docs/*", "tests/*.*", "tests/golden/*", "hsig/*/*.*")
        for path in ROOT.glob(pattern)
        if path.is_file()
    ]
    assert len(written) > 100
    assert not [path.name for path in written if is_of_hsig(path)]


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_bytes_are_taken_for_hsigs_by_chance(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "chance"
    path.write_bytes(data)
    assert not is_of_hsig(path)
