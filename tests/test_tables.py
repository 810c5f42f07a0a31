"""Tables as people have them: how they are read, what is understood, and what is refused."""

import csv
import io
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hsig.config.datasets import Choices, understand
from hsig.config.tables import read_table, table_of_columns
from hsig.config.values import InvalidValue, Location, Value
from hsig.networks.tasks import CLASS, NUMBER, Task, split_rows


def place(folder=Path()):
    return Location("task", Value("", "--task", folder=folder), [])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tables")


def read(folder, text, **choices):
    """The dataset that a file holds, by these choices."""
    data = text if isinstance(text, bytes) else text.encode("utf-8")
    (folder / "t.csv").write_bytes(data)
    location = place(folder)
    return understand(read_table("t.csv", location), Choices(**choices), location)


def refuse(folder, text, **choices):
    """The complaints about a file."""
    data = text if isinstance(text, bytes) else text.encode("utf-8")
    (folder / "t.csv").write_bytes(data)
    location = place(folder)
    with pytest.raises(InvalidValue):
        understand(read_table("t.csv", location), Choices(**choices), location)
    return [problem.replace(f"{folder}/", "") for problem in location.problems]


# --- what is written is read ------------------------------------------------------------------

values = st.floats(-1e12, 1e12) | st.integers(-1000, 1000).map(float)
names = st.text("abcxyz éµ_()", min_size=1, max_size=8).map(str.strip).filter(bool)
numbers = st.integers(2, 4).flatmap(
    lambda width: st.lists(st.lists(values, min_size=width, max_size=width), min_size=3)
)


@given(
    rows=numbers,
    separator=st.sampled_from(",;\t| "),
    comma=st.booleans(),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\n", "\r\n"]),
    above=st.sampled_from(["", "\n", "# a comment, of two parts\n", "A title\n\n", "\ufeff"]),
    has_header=st.booleans(),
    trailing=st.booleans(),
    data=st.data(),
)
def test_numbers_come_back_from_any_dialect(
    folder, rows, separator, comma, quoting, end, above, has_header, trailing, data
):
    width = len(rows[0])
    rows = [[0.25, *row] for row in rows]  # no row counts the columns, no comma the thousands
    comma = comma and separator != ","
    texts = [[repr(x).replace(".", ",") if comma else repr(x) for x in row] for row in rows]
    header = data.draw(st.lists(names, min_size=width + 1, max_size=width + 1, unique=True))
    header = [" ".join(name.split()) for name in header]
    assume(len(set(header)) == len(header))
    assume(has_header or above in ("", "\n", "\ufeff", "# a comment, of two parts\n"))
    assume(separator == "," or "," not in above)
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=separator, quoting=quoting, lineterminator=end)
    writer.writerows([row + [""] * (trailing and separator != " ") for row in
                      ([header] if has_header else []) + texts])  # fmt: skip
    dataset = read(folder, above + stream.getvalue(), target_kind="number", inputs=("1", "2"),
                   target=str(width + 1))  # fmt: skip
    table = dataset.table
    found = np.column_stack([column.numbers for column in table.columns])
    np.testing.assert_array_equal(found, rows)
    assert (table.separator, table.decimal) == (separator, "," if comma else ".")
    if has_header:
        assert [column.name for column in table.columns] == header
    lines = (above + stream.getvalue()).replace("\r\n", "\n").split("\n")
    first = lines[table.lines[0] - 1]
    assert repr(rows[0][1]).replace(".", "," if comma else ".") in first


LABELS = (
    ("no", "yes"),
    ("f", "t"),
    ("False", "True"),
    ("-", "+"),
    ("-1", "1"),
    ("2", "4"),
    ("1", "2"),
)


@pytest.mark.parametrize("labels", LABELS)
def test_two_classes_are_0_and_1_in_their_order(folder, labels):
    text = "a,class\n" + "".join(f"{n}.5,{labels[n % 2]}\n" for n in range(6))
    dataset = read(folder, text)
    assert dataset.target.kind == CLASS
    assert dataset.target.names == labels
    assert dataset.targets[:, 0].tolist() == [0, 1] * 3
    assert all(any(label in note for note in dataset.notes) for label in labels)


def column_of(values):
    return "a,b\n" + "".join(f"{n}.25,{value}\n" for n, value in enumerate(values))


@pytest.mark.parametrize(
    ("values", "choices", "names"),
    [
        ([0, 0, 0, 1], {}, ("0", "1")),
        ([1, 2, 3] * 2, {}, ("1", "2", "3")),
        ([1, 2, 3, 3], {}, ()),  # 1 stands in one row
        ([1, 2, 4] * 2, {}, ()),  # not consecutive
        ([*range(10)] * 2, {}, tuple(map(str, range(10)))),
        ([*range(11)] * 2, {}, ()),
        ([0.5, 1.5] * 2, {}, ()),
        ([0.5, 1.5] * 2, {"target_kind": "class"}, ("0.5", "1.5")),
        ([1, 2] * 2, {"squared": True}, ()),
        ([1, 2] * 2, {"target_kind": "number"}, ()),
        (["u", "v"] * 2, {"squared": True}, ("u", "v")),
        (["u", "w", "v", "u"], {}, ("u", "v", "w")),
        (["1", "2", "3+"] * 2, {}, ("1", "2", "3+")),
    ],
)
def test_what_a_target_is(folder, values, choices, names):
    dataset = read(folder, column_of(values), **choices)
    task = dataset.to_task()
    assert (task.kind, task.classes) == (CLASS if names else NUMBER, names)
    if not names:
        assert task.targets[:, 0].tolist() == values
    elif len(names) == 2:
        assert [names[int(code)] for code in task.targets[:, 0]] == [*map(str, values)]
    else:
        assert [names[code] for code in task.targets.argmax(axis=1)] == [*map(str, values)]
        assert (task.targets.sum(axis=1) == 1).all()
        assert task.columns[1:] == tuple(f"b={name}" for name in names)


XOR = [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]
LINES = "0,0,0\n0,1,1\n1,0,1\n1,1,0\n"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (LINES, ["column 1", "column 2", "column 3"]),
        ("# made by me\na,b,c\n" + LINES, ["a", "b", "c"]),
        ("# a,b,c\n" + LINES, ["a", "b", "c"]),
        ("Report,,\n,,\na,b,c\n" + LINES + ",,\n", ["a", "b", "c"]),
        ('"a\n(cm)",b,c\n' + LINES, ["a (cm)", "b", "c"]),
        ("a,b,c,\n" + LINES.replace("\n", ",\n"), ["a", "b", "c"]),
        ("a,b,c\n" + LINES.replace("\n", ",\n"), ["a", "b", "c"]),
        ("sep=;\na;b;c\n" + LINES.replace(",", ";"), ["a", "b", "c"]),
        ("a,b,c\n" + LINES + "# the end\n", ["a", "b", "c"]),
        ("a,a,c\n" + LINES, ["a", "a (column 2)", "c"]),
        ("'x','y','z'\n" + LINES, ["x", "y", "z"]),
        ("  a   b   c\n" + LINES.replace(",", "   "), ["a", "b", "c"]),
        ("a,b,c\r" + LINES.replace("\n", "\r")[:-1], ["a", "b", "c"]),
        ("a,b,c\n" + LINES.replace("0", "000").replace("1", "001"), ["a", "b", "c"]),
    ],
)
def test_a_header_is_found(folder, text, names):
    table = read(folder, text).table
    found = np.column_stack([column.numbers for column in table.columns])
    np.testing.assert_array_equal(found, XOR)
    assert [column.name for column in table.columns] == names


@pytest.mark.parametrize("header", ["0,1,2,y", ",0,1,2", "1,2,3,y", "2019,2020,2021,y", "a,b,7,y"])
def test_a_header_may_have_numbers_among_names(folder, header):
    rows = "".join(f"{n + 10},{n}.5,{n % 4}.25,{n % 2}\n" for n in range(8))
    table = read(folder, f"{header}\n{rows}").table
    assert table.header == 1
    assert [column.name for column in table.columns][1:] == header.split(",")[1:]
    assert len(table.lines) == 8


INDEXED = (
    ",a,y\n{}",
    "Unnamed: 0,a,y\n{}",
    '"rownames","a","y"\n{}',
    "id,a,y\n{}",
    "{}",  # no header
)


@pytest.mark.parametrize("text", INDEXED)
@pytest.mark.parametrize("first", [0, 1])
def test_a_column_that_counts_the_rows_is_left_out_unless_it_is_asked_for(folder, text, first):
    rows = "".join(f"{n + first},{n}.5,{n % 2}\n" for n in range(8))
    dataset = read(folder, text.format(rows))
    assert dataset.inputs[:, 0].tolist() == [n + 0.5 for n in range(8)]
    (left_out,) = [feature for feature in dataset.features if feature.reason]
    assert left_out.place == 1
    assert any(left_out.reason in note for note in dataset.notes)
    assert read(folder, text.format(rows), inputs=("1", "2")).inputs.shape == (8, 2)


def test_names_become_inputs_and_are_told(folder):
    text = "sex,city,y\nm,Rome,1.5\nf,Oslo,2.5\nf,Bern,3\nm,Rome,1\nm,Oslo,2\nf,Bern,0\n"
    dataset = read(folder, text)
    assert dataset.columns == ("sex", "city=Bern", "city=Oslo", "city=Rome", "y")
    assert dataset.inputs[:2].tolist() == [[1, 0, 0, 1], [0, 0, 1, 0]]
    assert all(any(name in note for note in dataset.notes) for name in ("Bern", "f is 0"))
    sex, city, y = dataset.features
    assert (sex.names, sex.counts, city.distinct) == (("f", "m"), (3, 3), 3)
    assert (y.low, y.high, y.missing, y.is_constant) == (0, 3, 0, False)


def test_rows_that_miss_a_value_are_counted_or_dropped(folder):
    text = "a,b,empty,y\n1,?,NA,0\n2,5,,1\n,4,NaN,0\n7,5,,1\n9,8,,0\n"
    (problem,) = refuse(folder, text)
    assert all(part in problem for part in ("a 1", "b 1", "line 2", "--missing drop (3"))
    dataset = read(folder, text, missing="drop")
    assert dataset.lines.tolist() == [3, 5, 6]
    assert dataset.inputs.tolist() == [[2, 5], [7, 5], [9, 8]]
    assert [feature.missing for feature in dataset.features] == [1, 1, 5, 0]


def test_columns_are_chosen_by_name_or_number(folder):
    text = "a,b,7,y\n1,2,3,0\n4,5,6,1\n7,8,9,0\n"
    assert read(folder, text, target="b", drop=("y",)).columns == ("a", "7", "b")
    assert read(folder, text, target="2", inputs=("7", "1")).columns == ("a", "7", "b")
    assert read(folder, text, target="3").columns[-1] == "7"
    rows = read(folder, "a,b,PatientId\n1.5,2,7\n3.5,4,7\n5.5,5,8\n")  # whose name is no target
    assert rows.columns == ("a", "b")


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["empty"]),
        ("a,b\n", ["no rows"]),
        ("a\n1\n2\n", ["1 column"]),
        ("0,1,2\n1.5,2.5,0\n3.5,4.5,1\n", ["line 1", "sed '1s/", "cat t.csv"]),
        ("x1,x2,y\n0,5,0,1,0\n0,2,1,5,1\n", ["line 1", "5 names", "got 3", ";"]),
        ('"a" "y"\n"1" 5 0\n"2" 3 1\n"3" 5 0\n', ["line 1", "2", "3 names"]),
        ("a,b,c,y\n1,2,0\n3,4,1\n", ["line 1", "4", "3 names"]),
        ("150,4,setosa,virginica\n5.1,3.5,1.4,0\n4.9,3.0,1.4,1\n", ["line 1", "'setosa'"]),
        ("a,b,y\n0,0,0\n0,1,1\n1,0\n1,1,0\n1\n", ["line 4", "3 fields", "got 2", "line 6"]),
        ("a,y\n(cm),1\n1,0\n3,1\n1,0\n", ["line 2", "'(cm)'"]),
        ("a,b,y\n" + "1,2,0\n3,4,1\n" * 3 + "5,x,0\n", ["line 8", "b", "'x'"]),
        ("0,x,0\n0,1,1\n1,0,1\n1,1,0\n", ["line 1", "'x'"]),
        ("a,y\n1e999,0\n2,1\n", ["line 2", "'1e999'"]),
        ("p,y\n$5,0\n$6,1\n$5,1\n$6,0\n", ["line 2", "'$5'"]),
        ("p,y\n5 kg,0\n6 kg,1\n7 kg,1\n5 kg,0\n6 kg,1\n7 kg,1\n", ["line 2"]),
        ('p,y\n"1,234",0\n"2,345",1\n', ["line 2", "'1,234'"]),
        ("p;y\n1,5;0\n2.5;1\n", ["line 2", "'1,5'"]),
        ("a,y\n1_000,0\n2_000,1\n", ["line 2", "'1_000'"]),
        ("a,y\n\u0661,0\n\u0662,1\n", ["line 2", "'\u0661'"]),
        ("d,y\n2020-01-01,0\n2020-01-02,1\n2020-01-03,0\n", ["3 dates", "--drop d"]),
        ("n,m,y\nAl,Q,0\nBo,R,1\nCy,S,0\n", ["n 3 names", "m 3 names", "--drop n,m"]),
        ("a,n\n1,Al\n2,Bo\n3,Cy\n", ["n ", "3 classes", "--target a"]),
        ("a,y\n1,B\n2,B\n", ["y", "B", "--target"]),
        ("a,b,y\n20200131,1,0\n20200228,2,1\n", ["a 2 dates", "20200131", "--drop a"]),
        ("a,y\n1,\n2,\n", ["y 2", "--target"]),
        ('a,y\n1,"2\n3,4\n', ["line 2", "quote"]),
        ('a,y\n"1"x,0\n2,1\n', ["line 2", "quote"]),
        (b"\x1f\x8b\x08abc", ["gunzip -k t.csv"]),
        ("a,y\n1,0\n".encode("utf-16-le"), ["UTF-16LE", "iconv"]),
        ("a,y\nh\xf6he,0\n".encode("latin-1"), ["line 2", "0xf6", "Latin-1", "iconv"]),
        (b"a,y\n1,0\n\x00\n", ["line 3", "binary"]),
        ("<!DOCTYPE html>\n<html>", ["web page"]),
    ],
)  # fmt: skip
def test_what_may_not_be_what_it_seems_is_refused_in_one_message(folder, text, parts):
    (problem,) = refuse(folder, text)
    assert problem.startswith("--task: ")
    assert "t.csv" in problem
    assert all(part in problem for part in parts), problem


def test_all_that_is_wrong_comes_in_one_report(folder):
    text = "a,n,p,y\n1,Al,5%,0\n,Bo,6%,1\n3,Cy,7%\n4,Di,8%,0\n"
    problems = refuse(folder, text, drop=("a",))
    assert len(problems) == 3
    assert [part in problem for part, problem in zip(("line 4", "line 2", "--drop a,n"), problems,
                                                     strict=True)] == [True] * 3  # fmt: skip


@pytest.mark.parametrize(
    ("choices", "parts"),
    [
        ({"target": "why"}, ["target", "'why'", "a, b, y"]),
        ({"target": "ya"}, ["Did you mean 'y'?"]),
        ({"target": "y", "drop": ("y",)}, ["drop", "'y'", "target"]),
        ({"inputs": ("a", "y"), "target": "3"}, ["inputs", "'y'", "target"]),
        ({"inputs": ("a",), "drop": ("1",)}, ["drop", "'a'", "inputs"]),
        ({"target_kind": "number", "target": "b"}, ["target_kind", "line 2", "'u'"]),
    ],
)
def test_columns_that_are_not_there_or_have_two_roles_are_refused(folder, choices, parts):
    (problem,) = refuse(folder, "a,b,y\n1,u,0\n4,v,1\n7,u,0\n", **choices)
    assert all(part in problem for part in parts), problem


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("", ["csv:data.csv"]),
        ("https://example.org/x.csv", ["curl", "csv:x.csv"]),
        ("sub", ["folder", "in.csv"]),
        ("dats.csv", ["no such file", "'data.csv'"]),
        (5, ["got 5"]),
    ],
)
def test_what_is_no_file_leads_on(tmp_path, name, parts):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/in.csv").write_text("1", encoding="utf-8")
    (tmp_path / "data.csv").write_text("1", encoding="utf-8")
    location = place(tmp_path)
    with pytest.raises(InvalidValue):
        read_table(name, location)
    (problem,) = location.problems
    assert all(part in problem for part in parts), problem


def test_a_file_is_found_in_the_home_folder_and_on_standard_input(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "x.csv").write_text(LINES, encoding="utf-8")
    assert read_table(" ~/x.csv", place()).columns[1].numbers.tolist() == [0, 1, 0, 1]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(LINES.encode())))
    first, again = (read_table("-", place()) for _ in range(2))
    assert first.columns[2].numbers.tolist() == again.columns[2].numbers.tolist() == [0, 1, 1, 0]


@given(data=st.binary(max_size=200) | st.text("0,1;\n\"'#a.\t|- ", max_size=60).map(str.encode))
def test_whatever_a_file_holds_it_is_a_table_or_refused(folder, data):
    try:
        dataset = read(folder, data)
    except InvalidValue:
        return
    assert len(dataset.inputs) == len(dataset.targets) == len(dataset.rows) > 0
    assert np.isfinite(dataset.inputs).all()
    assert np.isfinite(dataset.targets).all()


# --- other rows -------------------------------------------------------------------------------


def test_a_test_file_is_matched_by_name_and_its_unknown_values_are_refused_by_row(folder):
    rows = "Rome,1.5,ill\nOslo,2.5,well\nBern,3.5,ill\n"
    dataset = read(folder, "city,age,y\n" + 2 * rows)
    (folder / "other.csv").write_text("y,more,age,city\nwell,7,1.5,Oslo\nill,8,2,Rome\n", "utf-8")
    rows = dataset.encode(read_table("other.csv", place(folder)), "refuse", place())
    assert rows.inputs.tolist() == [[0, 1, 0, 1.5], [0, 0, 1, 2]]
    assert rows.targets[:, 0].tolist() == [1, 0]
    (folder / "other.csv").write_text(
        "y,age,city\nwell,2,Oslo\nsick,x,Paris\nill,1,Rome\n", "utf-8"
    )
    location = place(folder)
    with pytest.raises(InvalidValue):
        dataset.encode(read_table("other.csv", location), "refuse", location)
    assert sorted(part in problem for part in ("'sick'", "'x'", "'Paris'")
                  for problem in location.problems) == [False] * 6 + [True] * 3  # fmt: skip
    assert all("line 3" in problem for problem in location.problems)


class Frame:
    """What a data frame library has, without one."""

    def __init__(self, **columns):
        self.columns, self._values = list(columns), columns

    def __getitem__(self, name):
        return self._values[name]


@pytest.mark.parametrize("kind", [dict, lambda **columns: Frame(**columns)])
def test_columns_in_python_are_understood_as_a_file_is(folder, kind):
    columns = {
        "a": np.array([1.5, np.nan, 3.0, 4.0]),
        "b": np.array(["u", "v", "u", "v"]),
        "c": np.array([1, 2, 3, 4], dtype=np.int8),
        "y": np.array([True, False, True, False]),
    }
    text = "\n".join(map(",".join, [columns, *zip(*(map(str, c.tolist()) for c in columns.values()), strict=True)]))  # fmt: skip  # noqa: E501
    frame = understand(table_of_columns(kind(**columns), place()), Choices(missing="drop"), place())
    file = read(folder, text, missing="drop")
    assert frame.columns == file.columns
    np.testing.assert_array_equal(frame.inputs, file.inputs)
    np.testing.assert_array_equal(frame.targets, file.targets)
    rows = np.column_stack([[0.5, 1.5, 2.5], [0, 1, 0]])
    array = understand(table_of_columns(rows, place()), Choices(), place())
    np.testing.assert_array_equal(np.hstack([array.inputs, array.targets]), rows)


@given(
    inputs=arrays(
        np.float64, st.tuples(st.integers(10, 40), st.just(1)), elements=st.integers(0, 15)
    ),
    classes=st.integers(1, 4),
    share=st.sampled_from([0.1, 0.25, 0.5, 0.9]),
    seed=st.integers(0, 3),
)
def test_of_each_class_a_share_is_held_out_and_equal_rows_stay_together(
    inputs, classes, share, seed
):
    codes = np.arange(len(inputs)) % classes
    targets = np.eye(classes)[codes] if classes > 2 else codes[:, None].astype(float)
    task = Task("t", inputs, targets, kind=CLASS)
    split = split_rows(task, share, seed)
    np.testing.assert_array_equal(split.every_row.inputs, inputs)
    train, held = (
        {row.tobytes() for row in np.hstack(rows)} for rows in (split.rows, split.held_out)
    )
    assert not train & held
    for target in np.unique(targets, axis=0):
        count, kept = ((t == target).all(axis=1).sum() for t in (targets, split.targets))
        assert 1 <= kept <= count
        assert count - kept <= round(share * count)
        if len(np.unique(np.hstack([inputs, targets]), axis=0)) == len(inputs):
            assert count - kept == min(round(share * count), count - 1)
    again = split_rows(task, share, seed)
    np.testing.assert_array_equal(split.held_out.inputs, again.held_out.inputs)
    assert sorted(chain(split.places)) == [*range(len(inputs))]
