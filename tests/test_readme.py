"""What the README and the docs show is what the commands print, and their links lead somewhere."""

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
OF_GLOW = {"tests/unittests/InterpreterTest.cpp"}
LINKED = [*PAGES, *(ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md"))]


def name_of(page):
    """A page's path in the project."""
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_shown_output_is_what_the_commands_print(page):
    text = page.read_text(encoding="utf-8")
    assert documents.remade(text, slow="HSIG_SLOW" in os.environ) == text


def pictures_of(page):
    """The pictures of a page: what each is said to show, and its file."""
    text = page.read_text(encoding="utf-8")
    found = re.findall(r"!\[((?:\\.|[^\]])*)\]\(([^)]+)\)", text)
    return [(re.sub(r"\\(.)", r"\1", alt), page.parent / name) for alt, name in found]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_picture_shows_what_is_said_of_it_and_is_made_by_a_command(page):
    shown = pictures_of(page)
    for alt, path in shown:
        assert documents.shows(path.read_bytes()) == alt
    made = [name for _, name in documents.PICTURE.findall(page.read_text(encoding="utf-8"))]
    assert made == [name_of(path.resolve()) for _, path in shown]


def test_pictures_are_few_and_small():
    shown = [path.resolve() for page in PAGES for _, path in pictures_of(page)]
    kept = sorted((ROOT / "docs/pictures").iterdir())
    assert sorted(set(shown)) == kept
    assert all(path.stat().st_size < 150_000 for path in kept)
    assert PAGES[0] in [page for page in PAGES if pictures_of(page)]


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
    assert "| sigmoid | 0 of 100 |" in (tmp_path / "summary.md").read_text(encoding="utf-8")


def test_the_readmes_config_is_one(tmp_path):
    block = yaml_block("config")
    path = tmp_path / "x.yaml"
    path.write_text(block, encoding="utf-8")
    assert load_experiment(path).variants[0].label == "hard"
    assert set(yaml.safe_load(block)) <= set(KEYS)
    assert len(block.splitlines()) == 10


@pytest.mark.parametrize(
    ("page", "config"), [("README.md", "map-question"), ("docs/sweeps.md", "map-rate-epochs")]
)
def test_a_shown_sweep_is_that_of_its_config(page, config):
    text = (ROOT / page).read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n([^`]*sweep:\n.*?)```", text, re.DOTALL)
    whole = yaml.safe_load((ROOT / f"configs/{config}.yaml").read_text(encoding="utf-8"))
    assert yaml.safe_load(block).items() <= whole.items()


def test_python_is_shown_with_what_it_answers(capsys):
    talk = documents.Conversation()
    block = (
        ">>> n = 2\n>>> def f():\n...     return n\n>>> f()\nnonsense\n>>> 1 / 0\n>>> print(f())\n"
    )
    assert talk.goes_on(block) == (
        ">>> n = 2\n>>> def f():\n...     return n\n>>> f()\n2\n>>> 1 / 0\n"
        "Traceback (most recent call last):\n  ...\nZeroDivisionError: division by zero\n"
        ">>> print(f())\n2\n"
    )
    assert talk.goes_on(">>> n + 1\n") == ">>> n + 1\n3\n"
    assert capsys.readouterr().out == ""


def test_the_python_that_reads_a_kept_run_does(tmp_path, monkeypatch, capsys):
    texts = [(ROOT / f"docs/{name}.md").read_text("utf-8") for name in ("runs", "sweeps")]
    of_runs, of_sweeps = (re.search(r"```python\n(.*?)```", t, re.DOTALL)[1] for t in texts)
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
    assert capsys.readouterr().out.splitlines()[-2:] == ["(3, 3)", "(3, 3, 3)"]
    monkeypatch.chdir(next((tmp_path / "swept").iterdir()))
    names: dict[str, object] = {}
    exec(compile(of_sweeps, "docs/sweeps.md", "exec"), names)
    assert names["solved"].shape == (3, 2)


@pytest.mark.parametrize("page", LINKED, ids=name_of)
def test_every_file_that_a_page_names_is_there(page):
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"`((?:configs|tests|hsig|benchmarks|docs|\.ci)/[\w./-]+)`", text)
    shown = re.findall(r"(?:configs|benchmarks)/[\w-]+\.\w+", text)
    assert {name for name in named + shown if not (ROOT / name).exists()} <= OF_GLOW


def headings(page):
    """The anchors of a page, as GitHub makes them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def broken(page):
    """The relative links of a page that lead to no file, or to no heading of it."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.DOTALL)
    found = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        name, _, heading = link.partition("#")
        target = page.parent / name if name else page
        if not re.match(r"\w+:", link) and not (
            target.exists() and (not heading or heading in headings(target))
        ):
            found.append(link)
    return found


@pytest.mark.parametrize("page", LINKED, ids=name_of)
def test_every_relative_link_leads_to_a_file_and_a_heading(page):
    assert broken(page) == []


def test_a_link_to_no_file_or_heading_is_found(tmp_path):
    (tmp_path / "b.md").write_text("# One, two\n```\n# three\n```\n", encoding="utf-8")
    page = tmp_path / "a.md"
    page.write_text("[](b.md#one-two) [](b.md) [](b.md#three) [](c.md) [](https://c.md) [](#d)")
    assert broken(page) == ["b.md#three", "c.md", "#d"]


def test_the_list_of_the_docs_has_each_page_once():
    text = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    pages = {page.name for page in PAGES[1:]} - {"README.md"}
    assert sorted(re.findall(r"^- \[.+?\]\((.+?)\): ", text, re.MULTILINE)) == sorted(pages)


def test_the_readme_is_a_short_one():
    assert len(PAGES[0].read_text(encoding="utf-8").splitlines()) <= 275


def test_the_readme_counts_what_the_table_of_verdicts_does():
    table = (ROOT / "docs/verdicts.md").read_text(encoding="utf-8")
    counts = {
        word: (int(seeds), int(later))
        for word, seeds, later in re.findall(r"^\| (\w+) \| \w* \| (\d+) \| (\d+) \|$", table, re.M)
    }
    (n, affine, later) = re.search(
        r"Of (\d+) seeds that were dead or frozen none was .* of (\d+) that were affine (\d+) were",
        " ".join(PAGES[0].read_text(encoding="utf-8").split()),
    ).groups()
    assert (int(n), 0) == tuple(map(sum, zip(counts["dead"], counts["frozen"], strict=True)))
    assert (int(affine), int(later)) == counts["affine"]
