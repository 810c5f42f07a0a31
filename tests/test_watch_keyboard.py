"""From the bytes that a terminal sends to keys, and what happens to the terminal meanwhile."""

import os
import signal
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsig.output.watch import Ends, keys, pressed, unseen

termios = pytest.importorskip("termios")

ARROWS = {  # as xterm sends them, in its normal and its application mode, and with control held
    b"\x1b[A": "up",
    b"\x1b[B": "down",
    b"\x1b[C": "right",
    b"\x1b[D": "left",
    b"\x1bOA": "up",
    b"\x1bOB": "down",
    b"\x1bOC": "right",
    b"\x1bOD": "left",
    b"\x1b[1;5C": "right",
}
KNOWN = {**ARROWS, b"q": "q", b"r": "r", b" ": "space", b"Q": "Q"}
# of other keys: delete, F5, the start of a paste, a click; control characters, UTF-8
UNKNOWN = (b"\x1b[3~", b"\x1b[15~", b"\x1b[200~", b"\x1b[<0;3;4M", b"\x01", b"\x7f", b"\xc3\xa9")


@pytest.mark.parametrize("sent", KNOWN)
def test_a_key_has_a_name(sent):
    assert keys(sent) == ([KNOWN[sent]], b"")


@pytest.mark.parametrize("sent", UNKNOWN)
def test_any_other_key_is_none(sent):
    assert keys(sent) == ([], b"")


@given(st.lists(st.sampled_from([*KNOWN, *UNKNOWN])), st.data())
def test_keys_are_the_same_wherever_reads_cut_them(sent, data):
    stream, found, rest = b"".join(sent), [], b""
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        more, rest = keys(rest + stream[:size])
        found, stream = found + more, stream[size:]
    assert rest == b""
    assert found == [KNOWN[one] for one in sent if one in KNOWN]


@given(st.binary())
def test_any_bytes_are_keys_and_the_beginning_of_one(data):
    found, rest = keys(data)
    assert data.endswith(rest)
    assert rest == b"" or rest[:1] == b"\x1b"
    assert all(found)
    assert keys(rest) == ([], rest)


def test_escape_is_a_key_where_it_begins_no_other():
    assert keys(b"\x1bq") == (["escape", "q"], b"")
    assert keys(b"\x1b\x1b[A") == (["escape", "up"], b"")
    assert keys(b"\x1b") == ([], b"\x1b")


@pytest.fixture
def terminal(monkeypatch):
    """A pseudo-terminal as stdin: what is typed there, and itself."""
    typed, shown = os.openpty()
    with os.fdopen(shown) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield typed, shown
    os.close(typed)


def test_what_is_typed_comes_key_by_key_and_unseen(terminal):
    typed, shown = terminal
    with unseen():
        assert not termios.tcgetattr(shown)[3] & termios.ECHO
        os.write(typed, b"\x1b[Dr")  # and no line end, for which a terminal waits otherwise
        assert pressed(60.0) == ["left", "r"]
        os.write(typed, b"\x1b")
        assert pressed(60.0) == ["escape"]
        assert pressed(0.0) == []


def test_a_terminal_is_as_it_was_after_an_exception(terminal):
    _, shown = terminal
    before = termios.tcgetattr(shown)
    assert before[3] & termios.ECHO
    with pytest.raises(ZeroDivisionError), unseen():
        _ = 1 / 0
    assert termios.tcgetattr(shown) == before


def test_a_keyboard_that_is_gone_is_a_q(monkeypatch, tmp_path):
    with (tmp_path / "empty").open("w+") as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        assert pressed(60.0) == ["q"]


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_noted_and_breaks_nothing_off(sent, code):
    before = signal.getsignal(sent)
    with Ends() as ends:
        assert ends.exit_code == 0
        signal.raise_signal(sent)
        assert ends.exit_code == code
    assert signal.getsignal(sent) is before


def test_a_second_interrupt_interrupts():
    with Ends() as ends:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert ends.exit_code == 130


def test_ctrl_z_is_ignored_as_long_as_it_would_leave_a_broken_terminal():
    before = signal.getsignal(signal.SIGTSTP)
    assert before is not signal.SIG_IGN
    with Ends():
        assert signal.getsignal(signal.SIGTSTP) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGTSTP) is before
