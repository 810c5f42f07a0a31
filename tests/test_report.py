"""Reports: pages as HTML, and how to get the numbers of a kept run again."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from base64 import b64encode
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from commands import invoked, out_of

from hsig.errors import ConfigError
from hsig.output.html import as_html, report_html
from hsig.reports.page import Curves, HeatMap, Page, Shade, Table, lines
from hsig.reports.report import Figure, Report, Step
from hsig.results import opening
from hsig.results.opening import report_of_run
from hsig.runs.listing import find_record

HOSTILE = "<script>alert('1')</script> & \"quoted\" \x1b[31m\u202e {{ 7 * 7 }}"
EMPTY = {"meta", "br", "img", "path", "polyline", "link", "hr"}


class Elements(HTMLParser):
    """Every element with its attributes, and complaints of those that are not closed."""

    def __init__(self, text):
        super().__init__()
        self.found, self.open, self.wrong = [], [], []
        self.feed(text)
        self.wrong += self.open

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def of(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


def page_of(*blocks):
    return Page(blocks, lambda _: {}, lambda: ((), []))


HOSTILE_PAGE = page_of(
    lines([HOSTILE]),
    Table(HOSTILE, ("a", HOSTILE), ((HOSTILE, "1"), ("b", "2")), prose=("a",)),
    HeatMap(HOSTILE, HOSTILE, "b", (HOSTILE,), ("1",), ((Shade(HOSTILE, 0.25),),)),
    Curves(HOSTILE, [0.0, 1.0, 2.0], [[0.0, float("nan"), 1e308], [1.0, 2.0, 3.0]]),
    Curves("nothing finite", [0.0, 1.0], [[float("inf")] * 2]),
    Curves("a point", [0.0], [[1.0]]),
)
WORDS = Table("", ("what", "value"), ((HOSTILE, HOSTILE),), prose=("what", "value"))
REPORT = Report(
    title=HOSTILE,
    result=lines([HOSTILE]),
    setting=WORDS,
    page=HOSTILE_PAGE,
    steps=(Step(HOSTILE, f"{HOSTILE}\nsecond"),),
    versions=WORDS,
    figures=(Figure("<svg/>", HOSTILE, HOSTILE),),
)


@pytest.mark.parametrize(
    "html", [as_html(HOSTILE_PAGE), report_html([REPORT]), report_html([REPORT] * 2)]
)
def test_whatever_a_page_says_is_text(html):
    elements = Elements(html)
    assert not elements.wrong
    assert len(elements.of("script")) == ("<html" in html)
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert "{{ 7 * 7 }}" in unescape(html)
    ids = [attributes["id"] for _, attributes in elements.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    for link in elements.of("a"):
        assert link["href"].removeprefix("#") in ids
    assert all(image["alt"] for image in elements.of("img"))


def test_a_report_runs_its_own_script_and_no_other():
    html = report_html([REPORT])
    (script,) = re.findall("<script>(.*?)</script>", html, re.DOTALL)
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    (allowed,) = re.findall("script-src ([^;]*);", policy)
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert unescape(allowed) == f"'sha256-{digest}'"
    assert not re.findall(r"<[^>]* on\w+=", html)


def test_a_long_table_loses_its_middle_and_a_short_one_can_be_sorted():
    rows = tuple((str(n), str(n)) for n in range(2000))
    long = Elements(
        report_html([Report("", (), WORDS, page_of(), (), Table("", ("a", "b"), rows))])
    )
    assert len(long.of("tr")) < 1100
    assert [t for t in long.of("table") if "sorts" not in t.get("class", "")]


SMALL = ("--epochs", "20", "--seeds", "3", "-q")
COMMANDS = {
    "train": ("train", "hard", "--init", "uniform:-2,2"),
    "train a formula": ("train", "a*x/(1 + abs(x))", "--hidden", "2-3"),
    "compare": ("compare", "tanh", "hard:slope=0.25", "ultra_fast", "--task", "parity3"),
    "explain": ("explain", "hard"),
    "sweep": ("sweep", "hard", "--learning-rate", "0.1,1", "--hidden", "2,3"),
    "configs": ("compare", "one.yaml", "two.yaml"),
}


@pytest.mark.parametrize("case", COMMANDS)
def test_the_config_of_a_report_gives_the_same_digest_again(runs, monkeypatch, case):
    monkeypatch.setattr(opening, "_PICTURES", dict.fromkeys(opening._PICTURES, ()))
    Path("one.yaml").write_text("activation: hard\nepochs: 20\n")
    Path("two.yaml").write_text("activation: relu\nlearning_rate: 0.5\n")
    words = [word.replace("a*x", "x") for word in COMMANDS[case]]
    assert invoked(*words, *SMALL).exit_code == 0
    record = find_record(runs, "latest")
    report = report_of_run(record)
    files = [step for step in report.steps if step.text.endswith("yaml:")]
    for step in files:
        assert yaml.safe_load(step.code)
        Path(step.text.removesuffix(":")).write_text(step.code)
    command = next(step.code for step in report.steps if step.code.startswith("hsig "))
    assert invoked(*command.split()[1:], "-q", "--runs-dir", "again").exit_code == 0
    assert find_record(Path("again"), "latest").digest == record.digest
    assert report.result


def test_reports_of_several_runs_are_one_file(runs, monkeypatch):
    monkeypatch.setitem(opening._PICTURES, "train", opening._PICTURES["train"][:2])
    for name in ("first", "second"):
        out_of("train", "hard", *SMALL, "--name", name)
    assert out_of("report", "first", "second", "-o", "both.html") == "both.html\n"
    html = (runs.parent / "both.html").read_text()
    elements = Elements(html)
    assert not elements.wrong
    assert "first: hard on xor" in html
    assert "second: hard on xor" in html
    assert len(elements.of("img")) == 4
    assert all(
        image["src"].startswith("data:image/svg+xml;base64,") for image in elements.of("img")
    )


@pytest.mark.parametrize("library", ["matplotlib", "jinja2"])
def test_a_missing_library_is_named_with_how_to_install_it(runs, monkeypatch, library):
    out_of("train", "hard", *SMALL)
    main_part = "matplotlib.figure" if library == "matplotlib" else library
    monkeypatch.setitem(sys.modules, main_part, None)
    with pytest.raises(ConfigError, match=f"pip install {library}, or .*plot"):
        out_of("report")
    assert not list(runs.parent.glob("*.html"))


# --- in a browser: .ci/report has Chromium and axe-core ------------------------------------------

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
LOOK = """<script src="axe.js"></script><pre id="found" hidden></pre><script>
const head = document.querySelector(".sorts th button");
head.click();
axe.run(document).then(found => {
  document.getElementById("found").textContent = JSON.stringify({
    wide: document.documentElement.scrollWidth - innerWidth,
    violations: found.violations.map(rule => [rule.id, rule.nodes.map(node => node.html)]),
    sorted: head.closest("th").getAttribute("aria-sort"),
  });
});
</script>"""


@pytest.mark.skipif(not CHROMIUM, reason="there is no chromium")
@pytest.mark.skipif("HSIG_AXE" not in os.environ, reason="HSIG_AXE names no axe.min.js")
def test_axe_finds_nothing_nothing_sticks_out_and_tables_are_sorted(tmp_path):
    shutil.copy(os.environ["HSIG_AXE"], tmp_path / "axe.js")
    html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", report_html([REPORT]))
    (tmp_path / "page.html").write_text(html.replace("</body>", f"{LOOK}</body>"))
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000")
    done = subprocess.run(
        [CHROMIUM, *options, "--dump-dom", (tmp_path / "page.html").as_uri()],
        capture_output=True,
        text=True,
        check=True,
    )
    text = re.search(r'<pre id="found" hidden="">(.*?)</pre>', done.stdout, re.DOTALL)[1]
    found = json.loads(unescape(text))
    assert found["violations"] == []
    assert found["wide"] <= 1
    assert found["sorted"] == "ascending"
