"""Pictures of a training on terminals of any size, with all colours and with none."""

from dataclasses import replace
from functools import cache
from io import BytesIO, StringIO, TextIOWrapper

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console, Group
from watched import loaded, seen_at, written

from hsig.activations import ACTIVATIONS
from hsig.output.terminal import Pen
from hsig.output.watch import Screen, hidden_units, screenful
from hsig.reports.page import Line, brief
from hsig.reports.watching import axis

PENS = {
    "no colour": Pen(),
    "ASCII": Pen(ascii_only=True),
    "256 colours": Pen(coloured=True),
    "true colour": Pen(coloured=True, smooth=True),
    "colour, ASCII": Pen(coloured=True, ascii_only=True),
}
# control and bidi characters, an emoji of two columns, markup of rich, an escape sequence
HOSTILE = "\x1b[31m\u202e\x07\r\n\t[bold]</script>$\U0001f600\u2028é" + "w" * 10_000


@cache
def pictures(folder):
    """Of every kind of task, at several moments, diverged too."""
    one = written(folder / "one.csv", "-2,0", "-1,1", "0,0.25")
    many = written(folder / "many.csv", *(f"{n % 17},{n % 13},{n % 2}" for n in range(300)))
    huge = written(folder / "huge.csv", "-1e150,1e150,0", "1e150,-1e150,1")
    both = written(folder / "both.csv", "0,0,0", "0,0,1", "1,1,1")
    same = written(folder / "same.csv", "1,1,0.5", "1,1,0.5")
    wide = written(folder / "wide.csv", ",".join(["1"] * 40 + ["0"]), ",".join(["2"] * 40 + ["1"]))
    cube = {"learning_rate": "0.2", "loss": "squared", "output_activation": "identity"}
    found = {
        "start": seen_at(loaded(), 0),
        "middle": seen_at(loaded(), 20, paused=True),
        "end": seen_at(loaded(), 40),
        "solved": seen_at(loaded("sigmoid", seeds="1", epochs="4000"), 4000),
        "three inputs": seen_at(loaded("relu", task="parity3", hidden="20"), 20),
        "one input": seen_at(loaded("tanh", task=one, loss="squared"), 20),
        "many samples": seen_at(loaded("elu", task=many, hidden="9"), 2),
        "forty inputs": seen_at(loaded("relu6", task=wide), 40),
        "huge inputs": seen_at(loaded(task=huge), 5),
        "both": seen_at(loaded("sigmoid", task=both), 40),
        "one place": seen_at(loaded(task=same), 5),
        "diverged": seen_at(loaded("x*x*x", **cube), 40),
        "pieces": seen_at(loaded("ultra_fast:backward=output"), 40),
    }
    hostile = {"subject": HOSTILE, "became": Line(HOSTILE), "meaning": HOSTILE, "seed": HOSTILE}
    return {**found, "hostile": replace(found["start"], **hostile)}


NAMES = (
    *("start", "middle", "end", "solved", "three inputs", "one input", "many samples"),
    *("forty inputs", "huge inputs", "one place", "both", "diverged", "pieces", "hostile"),
)


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """The pictures by their names."""
    found = pictures(tmp_path_factory.mktemp("tasks"))
    assert {*found} == {*NAMES}
    return found


def plain(lines):
    """The lines as texts."""
    return [line.plain.rstrip() for line in lines]


def drawn(lines, width, height, **settings):
    """The characters that a terminal of this size gets of some lines, in lines."""
    console = Console(file=StringIO(), width=width, height=height, color_system=None, **settings)
    console.print(Group(*lines), end="")
    return console.file.getvalue().removesuffix("\n").split("\n")


@pytest.mark.parametrize("pen", PENS)
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20)
@given(width=st.integers(1, 140), height=st.integers(1, 60))
def test_a_picture_fits_every_terminal(seen, name, pen, width, height):
    lines = screenful(seen[name], width, height, PENS[pen])
    assert len(lines) == height
    assert all(line.cell_len <= width for line in lines)
    assert all(character.isprintable() for line in lines for character in line.plain)
    if not PENS[pen].coloured:
        assert not any("#" in str(span.style) for line in lines for span in line.spans)
    if pen == "ASCII":
        assert all(line.plain.isascii() for line in lines)
    if name != "hostile":
        assert [line.rstrip() for line in drawn(lines, width, height)] == plain(lines)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(100, 30), (80, 24), (50, 16), (40, 15)])
def test_terminals_that_there_are_show_all_that_matters(seen, name, size):
    found, (width, height) = seen[name], size
    lines = plain(screenful(found, width, height, Pen()))
    if name == "hostile":
        return
    text = "\n".join(lines)
    assert found.seed in text
    assert found.epoch in text
    assert found.became.text[:30] in text
    assert lines[-1].startswith(found.keys[0])
    assert any(set(line) & {"┼"} for line in lines)  # the axis
    assert "mean cost" in text


def test_numbers_are_those_of_the_picture(seen):
    for name in ("start", "middle", "end", "solved", "one input"):
        found = seen[name]
        text = "\n".join(plain(screenful(found, 100, 30, Pen())))
        assert found.cost_told in text
        for sample in found.samples:
            assert f"{brief(sample.prediction)} {'o' if sample.right else 'x'}" in text


def test_of_many_samples_it_is_said_how_many_are_not_shown(seen):
    lines = plain(screenful(seen["many samples"], 100, 30, Pen()))
    (line,) = (line for line in lines if "more)" in line)
    shown = line.split()[1:-2]
    assert line.endswith(f"({300 - len(shown)} more)")
    assert 3 < len(shown) < 10


@pytest.mark.parametrize("height", [16, 18, 24])
def test_of_samples_below_each_other_too(seen, height):
    found = seen["three inputs"]
    lines = plain(screenful(found, 60, height, Pen()))
    rows = [" ".join(f"{x:g}" for x in sample.inputs) + "  " for sample in found.samples]
    shown = sum(line.startswith(tuple(rows)) for line in lines)
    told = [line for line in lines if line.startswith("(")]
    assert shown > 1
    assert len(told) == (shown < 8)
    assert all(line.startswith(f"({8 - shown} more)") for line in told)


def test_samples_are_marked_where_they_are(seen):
    """XOR's, in its order (0, 1), (1, 0), (1, 1), (0, 0): the second input goes up."""
    found = seen["end"]
    lines = plain(screenful(found, 100, 30, Pen()))
    top = next(place for place, line in enumerate(lines) if line.startswith("0 ")) + 1
    width = lines[top - 1].index("mean cost") - 3
    marks = [
        (column, row, character)
        for row, line in enumerate(lines[top : top + width // 2])
        for column, character in enumerate(line[:width])
        if character in "ox"
    ]
    (left, high, _), (right, _, _), (_, low, _), _ = marks
    places = [(left, high), (right, low), (right, high), (left, low)]
    wanted = ["o" if sample.right else "x" for sample in found.samples]
    assert {place: mark for *place_, mark in marks for place in [tuple(place_)]} == dict(
        zip(places, wanted, strict=True)
    )
    assert {"o", "x"} == {*wanted}


def test_of_samples_in_one_place_a_wrong_one_is_marked(seen):
    found = seen["both"]
    here, there, _ = found.samples
    assert here.inputs == there.inputs
    assert {here.right, there.right} == {True, False}
    lines = plain(screenful(found, 80, 24, Pen()))[7:16]
    marks = [character for line in lines for character in line[:20] if character in "ox"]
    assert len(marks) == 2
    assert marks[-1] == "x"  # at (0, 0), below (1, 1)


def test_so_many_samples_that_they_would_hide_the_plane_are_not_marked(seen):
    lines = plain(screenful(seen["many samples"], 100, 30, Pen()))
    (head,) = (place for place, line in enumerate(lines) if line.startswith("0  ░▒▓█ 1"))
    assert "right" not in lines[head]
    assert not any(set(line[:28]) & set("ox") for line in lines[head + 1 : head + 12])
    assert "right" in "\n".join(plain(screenful(seen["end"], 100, 30, Pen())))


def test_a_prediction_that_is_no_number_is_a_question_mark(seen):
    for pen in PENS.values():
        lines = plain(screenful(seen["diverged"], 80, 24, pen))
        assert any(line.startswith("????") for line in lines)
    assert not any("???" in line for line in plain(screenful(seen["end"], 80, 24, Pen())))


@pytest.mark.parametrize(
    ("pen", "expected"),
    [
        (Pen(), list(" ░▒▓█")),
        (Pen(ascii_only=True), list(" :=*@")),
    ],
)
def test_without_colours_more_is_denser(pen, expected):
    shades = [pen.shade(share).plain for share in (0.0, 0.2, 0.4, 0.6, 1.0)]
    order = " .:-=+*#%@" if pen.ascii_only else " ░▒▓█"
    assert [order.index(shade) for shade in shades] == sorted(map(order.index, shades))
    assert (shades[0], shades[-1]) == (expected[0], expected[-1])


def test_with_colours_less_is_blue_and_more_is_brown():
    for smooth in (True, False):
        low, middle, high = (
            Pen(coloured=True, smooth=smooth).shade(share).style for share in (0.0, 0.5, 1.0)
        )
        assert (low, middle, high) == ("on #005faf", "on #ffffff", "on #af5f00")


def test_shades_of_256_colours_are_colours_that_such_a_terminal_has():
    pen = Pen(coloured=True)
    for step in range(101):
        style = pen.shade(step / 100).style
        levels = {int(style[place : place + 2], 16) for place in (4, 6, 8)}
        assert levels <= {0, 95, 135, 175, 215, 255}  # xterm's 6 by 6 by 6 cube


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"COLORTERM": "truecolor"}, Pen(coloured=True, smooth=True)),
        ({"TERM": "xterm-256color"}, Pen(coloured=True)),
        ({"TERM": "xterm-16color"}, Pen()),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, Pen()),
    ],
)
def test_colours_are_those_of_the_terminal(environment, expected):
    console = Console(file=StringIO(), force_terminal=True, _environ=environment)
    assert Pen.of(console) == expected


def test_a_terminal_without_unicode_gets_ascii():
    console = Console(file=TextIOWrapper(BytesIO(), "ascii"), force_terminal=True, _environ={})
    assert Pen.of(console).ascii_only


def test_counts_stand_on_their_pieces_between_the_kinks():
    """By hand: of -3, 0, 1, 9 one is below -2.5, two are from -2.5 to 2.5, one is above."""
    found = axis(ACTIVATIONS["hard"], np.array([[-3.0, 0.0], [1.0, 9.0]]))
    told, pieces, histogram, line, labels = plain(hidden_units(found, 80, Pen()))
    assert told == "4 hidden pre-activations, 2 units on 2 samples"
    assert [part.strip() for part in pieces.split("│")] == [
        *("1 on slope 0", "2 on slope 0.2", "1 on slope 0")
    ]
    kinks = [place for place, character in enumerate(line) if character == "┼"]
    assert kinks == [place for place, character in enumerate(pieces) if character == "│"]
    assert found.reach == 10  # the first round number from 9 on
    assert kinks == [30, 50]  # -2.5 and 2.5 in 80 columns from -10 to 10
    assert labels.split() == ["-10", "-2.5", "2.5", "10"]
    bars = [place for place, character in enumerate(histogram) if character in "▁▂▃▄▅▆▇█"]
    assert bars == [28, 40, 44, 76]


def test_what_is_too_narrow_for_its_count_is_told_in_a_line():
    found = axis(ACTIVATIONS["hard"], np.array([[-3.0, 0.0], [1.0, 9.0]]))
    _, pieces, *_ = plain(hidden_units(found, 4, Pen()))
    assert pieces == "1 on slope 0, 2 on slope 0.2, 1 on slope 0"


def test_what_lies_far_beyond_is_told_at_the_edges():
    found = axis(ACTIVATIONS["hard"], np.array([[-300.0, 0.0], [1.0, np.inf]]))
    told, pieces, histogram, *_ = plain(hidden_units(found, 120, Pen()))
    assert "2 beyond the ends" in told
    assert (histogram[0], histogram[-1]) == ("<", ">")
    assert [part.strip() for part in pieces.split("│")] == [
        *("1 on slope 0", "2 on slope 0.2", "1 on slope 0")
    ]


def test_a_screen_gives_the_terminal_back_whatever_happens(seen):
    console = Console(file=StringIO(), force_terminal=True, width=60, height=20, _environ={})
    with pytest.raises(AttributeError), Screen(console) as screen:
        screen.show(replace(seen["end"], became=None))
    sent = console.file.getvalue()
    assert sent.index("\x1b[?1049h") < sent.index("\x1b[?1049l")  # the other screen
    assert sent.rindex("\x1b[?25l") < sent.rindex("\x1b[?25h")  # the cursor
