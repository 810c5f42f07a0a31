"""No text from outside acts on a screen, wherever it comes from and wherever it goes."""

import csv
import json
import re
from io import StringIO
from itertools import chain
from pathlib import Path

import pytest
from hostile import hsig, is_inert, names, texts
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pages import document, drawn
from rich.console import Console

from hsig.config.keys import KEYS
from hsig.output.formats import as_csv, as_markdown, csv_text, json_text
from hsig.output.screen import draw_so_far
from hsig.reports.page import Curves, HeatMap, Line, Page, Shade, Table

QUICK = ("-e", "1", "-s", "2")
FORMATS = ("table", "json", "csv", "md")
few = settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HSIG_RUNS_DIR", str(tmp_path / "runs"))
    return tmp_path


def says(*arguments):
    """The exit code of a command, whose words are all seen."""
    code, out, err = hsig(*arguments)
    assert is_inert(out), out
    assert is_inert(err), err
    assert all(line.startswith(("error: ", " ")) for line in err.splitlines() if code == 2), err
    return code, out, err


def in_every_format(*arguments):
    """What a command says as a table, JSON, CSV and Markdown, all of it seen, and the same told."""
    told = {}
    for format in FORMATS:
        code, told[format], _ = says(*arguments, "--format", format)
        assert code == 0
    json.loads(told["json"])
    rows = list(csv.reader(StringIO(told["csv"], newline=""), strict=True))
    assert {len(row) for row in rows} == {len(rows[0])}
    assert len(rows) == told["csv"].count("\n")
    return told


# --- where texts come from --------------------------------------------------------------------


@settings(few, max_examples=4)
@given(names())
@example("\r")
@example("\x1b[31m")
def test_the_names_of_configs_and_csv_files(folder, name):
    Path(f"{name}.yaml").write_text("hidden: 2\n", encoding="utf-8")
    Path("other.yaml").write_text("hidden: 1\n", encoding="utf-8")
    Path(f"{name}.csv").write_text("0,0\n1,1\n", encoding="utf-8")
    escaped = "".join(f"\\U{ord(character):08x}" for character in f"{name}.csv")
    Path("t.yaml").write_text(f'task: {{csv: "{escaped}"}}', encoding="utf-8")
    try:
        in_every_format("compare", f"./{name}.yaml", "other.yaml", *QUICK, "--no-save")
        says("train", "t.yaml", *QUICK, "--no-save")
        in_every_format("config", "show", f"./{name}.yaml")
        says("train", f"{name}.nothing/", *QUICK)
        says("train", "--task", f"csv:{name}", *QUICK)
        says("train", "--output", f"{name}/x.json", *QUICK)
        for ending in ("txt", "csv", "md", "json"):
            file = f"{name}.{ending}"
            both = (f"./{name}.yaml", "other.yaml", "--no-save", *QUICK)
            code, out, _ = says("compare", *both, "--force", "-o", file)
            assert (code, out) == (0, "")
            assert is_inert(Path(file).read_text(encoding="utf-8"))
    finally:
        for path in folder.iterdir():
            if path.is_file():
                path.unlink()


@few
@given(texts(), texts())
def test_the_columns_of_a_csv_file(folder, first, second):
    with (folder / "t.csv").open("w", encoding="utf-8", errors="replace", newline="") as file:
        csv.writer(file).writerows([[first, second], [0, 0], [1, 1]])
    code, *_ = says("train", "-t", "csv:t.csv", *QUICK, "--no-save", "--full")
    if code == 0:
        in_every_format("train", "-t", "csv:t.csv", *QUICK, "--no-save")


@few
@given(texts(), texts())
def test_the_keys_and_values_of_a_config(folder, key, value):
    for made in (
        {key: value},
        {key: {value: 1}},
        *({name: value} for name in KEYS),
        {"task": {key: value}},
        {"activation": {key: value}},
        {"activation": {"name": value, "formula": "x"}},
        {"task": {"name": value, "inputs": [[0]], "targets": [1]}},
        {"expect": {key: {value: 1}}},
        {"sweep": {key: [value]}},
        {"sweep": {f"activation.{key}": [value]}},
    ):
        (folder / "x.yaml").write_text(json.dumps(made), encoding="utf-8")
        command = ("sweep", "--dry-run") if "sweep" in made else ("train",)
        says(*command, "x.yaml", *QUICK, "--hidden", "1")


@few
@given(texts())
@pytest.mark.usefixtures("folder")
def test_flags_words_and_commands(text):
    for key in KEYS.values():
        hsig_or_typer("train", key.flag, text)
    for arguments in (
        ("train", text),
        ("compare", text),
        ("sweep", "hard", "--learning-rate", f"{text},1", "--dry-run"),
        ("activations", text),
        ("activations", "hard", "--at", text),
        ("power", "--rates", text),
        ("power", "--rates", "0.4,0.5", "--paired", text),
        ("help", text),
        ("compare", "hard", "tanh", "--columns", text),
        ("plot", "hard", "--at", text, "-o", "p.png"),
        ("runs", "show", text),
        ("runs", "list", "--where", text),
        ("runs", "list", "--since", text),
        ("train", f"--{text}"),
        ("train", "--format", text),
        (text,),
    ):
        hsig_or_typer(*arguments)


def hsig_or_typer(*arguments):
    """Whatever comes of it, all that is said is seen."""
    if "\0" not in "".join(arguments):  # which no command line has
        _, out, err = hsig(*arguments, *(QUICK if arguments[0] in ("train", "compare") else ()))
        assert is_inert(out), out
        assert is_inert(err), err


@few
@given(texts(), texts())
@pytest.mark.usefixtures("folder")
def test_the_names_and_notes_of_kept_runs(name, note):
    says("train", *QUICK, "-q", "--note", note)
    says("train", *QUICK, "-q", "--name", name)
    for format in FORMATS:
        says("runs", "list", "--format", format)
        says("runs", "show", "latest", "--format", format)


# --- where texts go ---------------------------------------------------------------------------


def page_of(text, other):
    """A page with a text in every place."""
    table = Table(
        text,
        (text, other, "number"),
        ((text, other, "1"), (other, text, "2")),
        prose=(text,),
        spare=(("number",),),
        splits=True,
        said=((text, other),),
        beside=Curves(text, [0, 1], [[0.0, 1.0]]),
    )
    shades = ((Shade("5", 0.05), Shade(text, None)),)
    blocks = (
        (Line(text), Line(other, "answer")),
        table,
        table.only([0, 1]),
        Curves(text, [0, 1], [[0.0, 1.0]]),
        HeatMap(text, text, other, (text,), (text, other), shades),
    )
    rows = ((text, "number"), [{text: other, "number": 1}, {text: text}])
    return Page(
        blocks,
        document=lambda _: {text: other},
        rows=lambda: rows,
        brief=(Line(text),),
    )


@given(texts(), texts(), st.sampled_from([20, 50, 100]))
def test_a_page_on_a_screen_is_seen_in_its_width(text, other, width):
    page = page_of(text, other)
    shown = drawn(page, width)
    assert is_inert("\n".join(shown))
    assert all(Console().measure(line).maximum <= width for line in shown if "[" not in line)
    assert is_inert("\n".join(drawn(page, width, brief=True)))
    console = Console(file=StringIO(), width=width, color_system="truecolor", force_terminal=True)
    console.print(draw_so_far(page.blocks[-1], console))


@given(texts())
def test_a_title_is_shown_and_no_markup_of_it_is_obeyed(text):
    text = f"a{text}"  # a mark alone has no width
    table = Table("", (text, "b"), (("1", "2"),))
    for block in (table, HeatMap("", "a", "b", ("r",), (text,), ((Shade("", None),),))):
        page = Page((block,), document=dict, rows=lambda: ((), ()))
        shown = "".join("".join(drawn(page, 300)).split())
        assert "".join(message_of(text).split()) in shown


def message_of(text):
    """The text as Python writes what cannot be seen of it."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )


@given(texts(), texts())
def test_a_csv_has_as_many_rows_and_columns_as_the_page(text, other):
    written = as_csv(page_of(text, other))
    assert is_inert(written)
    head, *rows = csv.reader(StringIO(written, newline=""), strict=True)
    assert len(head) == 2
    assert [len(row) for row in rows] == [2, 2]
    assert head[0].removeprefix("'") == message_of(text).removeprefix("'")
    for cell in (head[0], rows[0][0], rows[1][0]):
        assert not cell.startswith(("=", "@")), cell


@given(st.lists(st.lists(texts(), min_size=2, max_size=2), max_size=4))
def test_the_rows_of_a_csv_come_back_as_they_are_seen(rows):
    written = csv_text(("a", "b"), [dict(zip("ab", row, strict=True)) for row in rows])
    _, *found = csv.reader(StringIO(written, newline=""), strict=True)
    assert len(found) == len(rows)
    for one, other in zip(chain(*found), chain(*rows), strict=True):
        assert one.removeprefix("'") == message_of(other).removeprefix("'")


@given(texts(), texts())
def test_json_is_seen_and_read_again_the_same(text, other):
    assert json.loads(json_text({text: [other]})) == {text: [other]}
    assert is_inert(json_text({text: [other]}))
    assert document(page_of(text, other)) == {text: other}


@given(texts(), texts())
@example("|", "\x00")  # a title that begins as a row does
def test_markdown_has_a_line_for_each_row_and_no_markup_of_a_text(text, other):
    written = as_markdown(page_of(text, other), full=True)
    assert is_inert(written)
    blocks = [block.split("\n") for block in written.removesuffix("\n").split("\n\n")]
    tables = [rows for rows in blocks if len(rows) > 1 and not {*rows[1]} - {*"|-: "}]
    assert [len(rows) for rows in tables] == [4, 4, 3]
    for rows in tables:
        assert {len(grid_cells(row)) for row in rows} <= {2, 3}
    assert acting(written) == []


def grid_cells(line):
    """The cells of a row, split where a pipe is not escaped."""
    cells, escaped = [""], False
    for character in line.removeprefix("|").removesuffix("|"):
        if character == "|" and not escaped:
            cells.append("")
        else:
            cells[-1] += character
        escaped = character == "\\" and not escaped
    return cells


# what begins a tag, code, or the target of a link, once escaped characters are away
ACTS = re.compile(r"<[A-Za-z/!?]|`|\][(\[]")


def acting(markdown):
    """What in Markdown is markup of these kinds."""
    # an escaped character stays where it is: what is before it does not meet what is behind it
    return ACTS.findall(re.sub(r"\\[!-/:-@\[-`{-~]", "\x00", markdown))
