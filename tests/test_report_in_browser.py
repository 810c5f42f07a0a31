"""A report in Chromium: axe-core finds nothing, nothing sticks out, and tables are sorted."""

import json
import os
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest
from markup import parsed
from test_html import HOSTILE
from test_report_html import hostile_page, map_of, report, side_by_side

from hsig.output.html import report_html
from hsig.reports.page import Page, Table

AXE = os.environ.get("HSIG_AXE", "")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="there is no chromium"),
    pytest.mark.skipif(not AXE, reason="HSIG_AXE names no axe.min.js: .ci/report gets it"),
]
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--virtual-time-budget=20000", "--window-size=1280,900", "--dump-dom"),
)
# no window is as narrow as a phone, but a frame may be
FRAME = """<!DOCTYPE html><title>a phone</title><pre id="found"></pre>
<iframe width="{width}" height="740" src="page.html"></iframe>
<script>
const found = document.getElementById("found");
addEventListener("message", event => {{ found.textContent = event.data; }});
</script>
"""
TELL = """
<pre id="found" hidden></pre>
<script>
function tell(found) {
  const text = JSON.stringify(found);
  if (parent === window) document.getElementById("found").textContent = text;
  else parent.postMessage(text, "*");
}
</script>
"""
LOOK = """
<script src="axe.js"></script>
<script>
const beyond = [...document.body.querySelectorAll("*")].filter(
  element => element.getBoundingClientRect().right > innerWidth + 1
    && !element.closest(".scroll, .picture")).map(element => element.outerHTML.slice(0, 200));
axe.run(document).then(found => tell({
  width: innerWidth,
  wide: document.documentElement.scrollWidth,
  beyond,
  violations: found.violations.map(rule => [rule.id, rule.nodes.map(node => node.html)]),
  passes: found.passes.map(rule => rule.id),
}));
</script>
"""


def seen(folder, html, script, width=None):
    """What a script finds in a page, at the end of which it stands."""
    (folder / "axe.js").write_bytes(Path(AXE).read_bytes())
    # the policy of the page would refuse them
    open_page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)
    assert open_page != html
    probed = open_page.replace("</body>", f"{TELL}{script}</body>")
    (folder / "page.html").write_text(probed, encoding="utf-8")
    (folder / "frame.html").write_text(FRAME.format(width=width), encoding="utf-8")
    place = folder / ("page.html" if width is None else "frame.html")
    return json.loads(dumped(folder, place))


def dumped(folder, place):
    """What a page has found, as Chromium dumps it."""
    user = f"--user-data-dir={folder / 'user'}"
    ended = subprocess.run(
        [CHROMIUM, *OPTIONS, user, place.as_uri()],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found = re.search(r'<pre id="found"[^>]*>(.+?)</pre>', ended.stdout, re.DOTALL)
    assert found, ended.stdout[-2000:] + ended.stderr[-2000:]
    return unescape(found[1])


def wide_page():
    columns = ("variant", *(f"column {n}" for n in range(30)))
    table = Table("a wide table", columns, (("hard", *"0" * 30), ("tanh", *"1" * 30)))
    return Page((table,), document=lambda _: {}, rows=lambda: ((), ()))


PAGES = {
    "one": lambda: [report()],
    "without figures": lambda: [report(figures=())],
    "several": lambda: [
        report(),
        report(page=side_by_side()),
        report(page=map_of([[n / 20 for n in range(21)], [1 - n / 20 for n in range(21)]])),
        report(page=wide_page()),
    ],
    "hostile": lambda: [report(text, hostile_page(text)) for text in HOSTILE],
}


@pytest.mark.parametrize("width", [360, None])
@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_axe_finds_nothing_and_nothing_sticks_out(tmp_path, page, width):
    found = seen(tmp_path, report_html(page()), LOOK, width)
    assert found["violations"] == []
    assert {"color-contrast", "region", "html-has-lang"} <= set(found["passes"])
    assert found["width"] == (width or 1280)
    assert found["wide"] <= found["width"]
    assert found["beyond"] == []


def test_axe_would_find_what_is_wrong(tmp_path):
    wrong = report_html([report()]).replace("--soft:#54595f", "--soft:#b4b9bf")
    wrong = wrong.replace("<figcaption>", '<figcaption style="width:4000px"><img src="data:,">')
    found = seen(tmp_path, wrong, LOOK, 360)
    assert {"color-contrast", "image-alt"} <= {rule for rule, _ in found["violations"]}
    assert found["wide"] > 360
    assert found["beyond"]


# --- sorting ----------------------------------------------------------------------------------

CELLS = [  # each column shuffled, and below in its order, by hand
    ["3 of 100", "99 of 100", "not trained", "10 of 100", "7 of 8", ""],
    ["12 %", "0.4 %", "100 %", "", "99.8 %", "95 % to 99.8 %"],
    [">4000", "4000", "<1", "250", "not reached", "1158"],
    ["1e-3", "-0.5", "inf", "+0.25", "nan", "-inf"],
    ["tanh", "hard", "2*x", "relu", "elu", "hard:slope=0.25"],
]
RISING = [
    ["3 of 100", "10 of 100", "7 of 8", "99 of 100", "not trained", ""],
    ["0.4 %", "12 %", "95 % to 99.8 %", "99.8 %", "100 %", ""],
    ["<1", "250", "1158", "4000", ">4000", "not reached"],
    ["-inf", "-0.5", "1e-3", "+0.25", "inf", "nan"],
    ["2*x", "elu", "hard", "hard:slope=0.25", "relu", "tanh"],
]
NO_NUMBERS = {"not trained", "", "not reached", "nan"}  # which come last either way
SORT = """
<script>
const table = [...document.querySelectorAll("table.sorts")].find(
  one => one.caption.textContent === "to be sorted");
const heads = [...table.tHead.rows[0].cells];
const column = n => [...table.tBodies[0].rows].map(row => row.cells[n].textContent);
const found = heads.map((head, n) => {
  const button = head.querySelector("button");
  const states = () => heads.map(one => one.getAttribute("aria-sort"));
  const before = states();
  button.focus();
  const focused = document.activeElement === button;
  button.click();
  const rising = column(n), once = states();
  const rows = [...table.tBodies[0].rows].map(row => row.cells.length);
  button.click();
  return { before, focused, type: button.type, name: button.textContent, rising, once, rows,
    falling: column(n), twice: states() };
});
tell(found);
</script>
"""


def test_a_table_is_sorted_by_a_button_in_each_head(tmp_path):
    columns = ("solved", "share", "epochs", "cost", "variant")
    rows = tuple(zip(*CELLS, strict=True))
    page = Page(
        (Table("to be sorted", columns, rows),), document=lambda _: {}, rows=lambda: ((), ())
    )
    found = seen(tmp_path, report_html([report(page=page)]), SORT)
    assert [one["name"] for one in found] == list(columns)
    for number, one in enumerate(found):
        assert one["focused"]
        assert one["type"] == "button"  # so that Enter and the space bar click it
        assert one["rising"] == RISING[number]
        last = [cell for cell in RISING[number] if cell in NO_NUMBERS]
        first = RISING[number][: len(RISING[number]) - len(last)]
        assert one["falling"][: len(first)] == first[::-1]
        assert sorted(one["falling"]) == sorted(CELLS[number])
        assert set(one["rows"]) == {len(columns)}
        others = ["none"] * (len(columns) - 1)
        assert one["once"] == [*others[:number], "ascending", *others[number:]]
        assert one["twice"] == [*others[:number], "descending", *others[number:]]
    assert found[0]["before"] == ["none"] * len(columns)


COUNT = """
<pre id="found">heads </pre>
<script src="other.js"></script>
<script>found.textContent += document.querySelectorAll("th button").length;</script>
"""


def test_the_script_runs_under_the_policy_of_the_file_and_others_do_not(tmp_path):
    place = tmp_path / "page.html"
    made = report_html([report()]).replace("</body>", f"{COUNT}</body>")
    (tmp_path / "other.js").write_text('found.textContent = "loaded ";')
    place.write_text(made, encoding="utf-8")
    sorted_ = [e for e in parsed(made).every("table") if "sorts" in e.attributes.get("class", "")]
    heads = sum(len(table.every("tr")[0].every("th")) for table in sorted_)
    assert heads
    assert dumped(tmp_path, place) == f"heads {heads}"


def test_without_scripts_a_table_has_no_button():
    assert "<button" not in report_html([report(page=side_by_side())])
