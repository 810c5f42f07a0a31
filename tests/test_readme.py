"""What the README and the docs show is what the commands print, and their links lead somewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import documents
import pytest
import yaml

from hsig.config.keys import KEYS
from hsig.config.loading import load_experiment

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
# the pages that CI names take seconds to be made anew: it does that after the tests
SLOW = re.findall(r"docs/\S+\.md", (ROOT / ".ci/run").read_text(encoding="utf-8"))
QUICK = [page for page in PAGES if not any(page.match(pattern) for pattern in SLOW)]
LINKED = [*PAGES, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md"]
OF_OTHERS = {"tests/unittests/InterpreterTest.cpp"}  # of Glow


def name_of(page):
    """The path of a page in the project."""
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", QUICK, ids=name_of)
def test_a_page_shows_what_commands_print(page):
    text = page.read_text(encoding="utf-8")
    assert documents.remake(text) == text


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_picture_is_drawn_by_a_command_and_says_what_it_shows(page):
    drawn = [name for _, name in documents.PICTURE.findall(page.read_text(encoding="utf-8"))]
    assert drawn == [name_of(path.resolve()) for _, path in pictures_of(page)]
    for alt, path in pictures_of(page):
        assert documents.description(path.read_bytes()) == alt


def pictures_of(page):
    """The pictures of a page: what each is said to show, and its file."""
    found = re.findall(r"!\[((?:\\.|[^\]])*)\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    return [(re.sub(r"\\(.)", r"\1", alt), page.parent / name) for alt, name in found]


def test_pictures_are_all_shown_and_small():
    shown = {path.resolve() for page in PAGES for _, path in pictures_of(page)}
    assert shown == {*(ROOT / "docs/pictures").iterdir()}
    assert all(path.stat().st_size < 150_000 for path in shown)


def test_the_questions_numbers_agree_to_eight_digits():
    rows = documents.question_rows()
    assert len(rows) == 12
    for _, (printed_sigmoid, sigmoid, printed_hard, hard) in rows:
        assert sigmoid == pytest.approx(printed_sigmoid, rel=2e-8)
        assert hard == pytest.approx(printed_hard, rel=2e-8)


def yaml_block(name):
    """The only block of the pages behind a mark."""
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    (block,) = re.findall(rf"<!-- {name} -->\n```yaml\n(.*?)```", text, re.DOTALL)
    return block


def test_the_config_and_the_workflow_that_are_shown_run(tmp_path):
    path = tmp_path / "hsig.yaml"
    path.write_text(yaml_block("config"), encoding="utf-8")
    assert load_experiment(path).variants
    assert set(yaml.safe_load(yaml_block("config"))) <= set(KEYS)
    (job,) = yaml.safe_load(yaml_block("workflow"))["jobs"].values()
    (command,) = [step["run"] for step in job["steps"] if "compare" in step.get("run", "")]
    path.write_text("activations: [sigmoid]\nepochs: 1\nexpect: {solved_at_most: 0}\n", "utf-8")
    summary = tmp_path / "summary.md"
    line = command.replace("hsig compare", f"'{sys.executable}' -m hsig compare")
    environment = {**os.environ, "GITHUB_STEP_SUMMARY": str(summary)}
    subprocess.run(line, shell=True, cwd=tmp_path, env=environment, check=True)
    assert "| sigmoid | 0 of 100 |" in summary.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_shown_sweep_is_that_of_a_config(page):
    configs = [yaml.safe_load(p.read_text("utf-8")) for p in (ROOT / "configs").glob("*.yaml")]
    for block in re.findall(r"```yaml\n([^`]*sweep:\n.*?)```", page.read_text("utf-8"), re.DOTALL):
        shown = yaml.safe_load(block).items()
        assert any(shown <= config.items() for config in configs), block


def test_the_python_that_reads_kept_runs_does(tmp_path, monkeypatch):
    config = tmp_path / "map.yaml"
    config.write_text("epochs: 5\nseeds: 4\nsweep: {hidden: [2, 3], loss: [bce, squared]}\n")
    commands = {"runs": "train hard -s 3 -e 10 --report-every 5", "sweeps": f"sweep {config}"}
    for name, command in commands.items():
        line = [sys.executable, "-m", "hsig", *command.split(), "--runs-dir", tmp_path / name]
        subprocess.run(line, check=True, capture_output=True)
        page = (ROOT / f"docs/{name}.md").read_text(encoding="utf-8")
        (block,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
        monkeypatch.chdir(next((tmp_path / name).iterdir()))
        exec(compile(block, f"docs/{name}.md", "exec"), {})


def test_python_is_shown_with_what_it_answers():
    conversation = documents.Conversation()
    typed = ">>> n = 2\n>>> def f():\n...     return n\n>>> 1 / 0\nnonsense\n>>> f()\n"
    assert conversation.answer(typed) == (
        ">>> n = 2\n>>> def f():\n...     return n\n>>> 1 / 0\nTraceback (most recent call last):\n"
        "  ...\nZeroDivisionError: division by zero\n>>> f()\n2\n"
    )
    assert conversation.answer(">>> n + 1\n") == ">>> n + 1\n3\n"


# --- links ------------------------------------------------------------------------------------


def prose_of(page):
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.DOTALL)


def broken_links(page):
    """The relative links of a page that lead to no file, or to no heading of it."""
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose_of(page)):
        name, _, heading = link.partition("#")
        target = page.parent / name if name else page
        if re.match(r"\w+:", link):
            continue
        if not target.exists() or (heading and heading not in anchors(target)):
            broken.append(link)
    return broken


def anchors(page):
    """The anchors of the headings of a page, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", LINKED, ids=name_of)
def test_links_and_files_that_a_page_names_lead_somewhere(page):
    assert broken_links(page) == []
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"`((?:configs|tests|hsig|benchmarks|docs|\.ci)/[\w./-]+)`", text)
    named += re.findall(r"(?:configs|benchmarks)/[\w-]+\.\w+", text)
    assert {name for name in named if not (ROOT / name).exists()} <= OF_OTHERS


def test_a_link_to_no_file_or_heading_is_found(tmp_path):
    (tmp_path / "b.md").write_text("# One, two\n```\n# three\n```\n", encoding="utf-8")
    page = tmp_path / "a.md"
    page.write_text("[](b.md#one-two) [](b.md) [](b.md#three) [](c.md) [](https://c.md) [](#d)")
    assert broken_links(page) == ["b.md#three", "c.md", "#d"]


def test_the_list_of_the_docs_has_each_page_once():
    text = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    pages = [str(page.relative_to(ROOT / "docs")) for page in PAGES[1:]]
    listed = re.findall(r"^- \[.+?\]\((.+?)\): ", text, re.MULTILINE)
    assert sorted(["README.md", *listed]) == sorted(pages)
