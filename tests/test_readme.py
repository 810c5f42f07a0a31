"""What the README shows is what the commands print."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import documents
import pytest
import yaml

from hsig.config.keys import KEYS
from hsig.config.loading import load_experiment

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_shown_output_is_what_the_commands_print(page):
    text = page.read_text(encoding="utf-8")
    assert documents.remade(text, slow="HSIG_SLOW" in os.environ) == text


def test_the_readme_shows_commands():
    shown = documents.commands(PAGES[0].read_text(encoding="utf-8"))
    assert len(shown) >= 5
    assert all(shlex.split(command)[0] == "hsig" for command in shown)


def test_the_questions_numbers_agree_to_eight_digits():
    rows = [line.split("|")[2:6] for line in documents.question_table().splitlines()[2:]]
    assert len(rows) == 12
    for row in rows:
        printed_sigmoid, sigmoid, printed_hard, hard = map(float, row)
        assert sigmoid == pytest.approx(printed_sigmoid, rel=2e-8)
        assert hard == pytest.approx(printed_hard, rel=2e-8)


def yaml_block(name):
    """The block behind a mark."""
    text = PAGES[0].read_text(encoding="utf-8")
    (block,) = re.findall(rf"<!-- {name} -->\n```yaml\n(.*?)```", text, re.DOTALL)
    return block


def test_the_readmes_workflow_runs_commands_that_there_are(tmp_path):
    (job,) = yaml.safe_load(yaml_block("workflow"))["jobs"].values()
    commands = [step["run"] for step in job["steps"] if "compare" in step.get("run", "")]
    config = "activations: [sigmoid]\nepochs: 1\nexpect: {solved_at_most: 0}\n"
    (tmp_path / "hsig.yaml").write_text(config, encoding="utf-8")
    environment = {**os.environ, "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    (command,) = commands
    run = command.replace("hsig compare", f"'{sys.executable}' -m hsig compare")
    subprocess.run(run, shell=True, cwd=tmp_path, env=environment, check=True)
    assert "| sigmoid | 0 of 30 |" in (tmp_path / "summary.md").read_text(encoding="utf-8")


def test_the_readmes_config_is_one(tmp_path):
    block = yaml_block("config")
    path = tmp_path / "x.yaml"
    path.write_text(block, encoding="utf-8")
    assert load_experiment(path).variants[0].label == "hard"
    assert set(yaml.safe_load(block)) <= set(KEYS)
    assert len(block.splitlines()) == 10


def test_the_readmes_python_runs(capsys):
    (block,) = re.findall(r"```python\n(.*?)```", PAGES[0].read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(block, "README.md", "exec"), {})
    assert capsys.readouterr().out.startswith("Solved(k=")


def test_the_python_that_reads_a_kept_run_does(tmp_path, monkeypatch, capsys):
    text = (ROOT / "docs/runs.md").read_text(encoding="utf-8")
    of_runs, of_sweeps = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    config = tmp_path / "map.yaml"
    config.write_text(
        "epochs: 5\nseeds: 4\nsweep:\n  hidden: [2, 3, 4]\n  loss: [bce, squared]\n",
        encoding="utf-8",
    )
    trained = {"solved": "train hard -s 3 -e 10 --report-every 5", "swept": f"sweep {config}"}
    for name, command in trained.items():
        run = [sys.executable, "-m", "hsig", *command.split(), "--runs-dir", str(tmp_path / name)]
        subprocess.run(run, check=True, capture_output=True)
    monkeypatch.chdir(next((tmp_path / "solved").iterdir()))
    exec(compile(of_runs, "docs/runs.md", "exec"), {})
    assert capsys.readouterr().out.splitlines()[-1] == "(3, 3)"
    monkeypatch.chdir(next((tmp_path / "swept").iterdir()))
    names: dict[str, object] = {}
    exec(compile(of_sweeps, "docs/runs.md", "exec"), names)
    assert names["solved"].shape == (3, 2)


def test_every_file_that_the_readme_names_is_there():
    text = PAGES[0].read_text(encoding="utf-8")
    names = re.findall(r"`((?:configs|tests|hsig|benchmarks)/[\w./-]+)`", text)
    assert len(names) > 5
    assert all((ROOT / name).exists() for name in names)
