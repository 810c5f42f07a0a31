"""Keys as they are pressed, and signals that ask for an end: noted, and nothing is broken off."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from types import FrameType, TracebackType
from typing import Any

_ESCAPE = b"\x1b"
_ESCAPE_S = 0.1  # what follows on an Escape sooner belongs to it
_ARROWS = {"A": "up", "B": "down", "C": "right", "D": "left"}  # by how their sequences end
_READ = 1024  # bytes at a time


def keys(data: bytes) -> tuple[list[str], bytes]:
    r"""The keys that a terminal has sent, and the bytes at the end that more are needed for.

    An arrow is `up`, `down`, `left` or `right`, whatever is held beside it, and a blank `space`.
    Escape is `escape` where it begins no sequence. Other sequences, control characters and what is
    not ASCII are no keys here.

    >>> keys(b"q\x1b[A\x1bOD\x1b[")
    (['q', 'up', 'left'], b'\x1b[')
    """
    found: list[str] = []
    while data:
        size = _size(data)
        if size is None:
            break
        sent, data = data[:size], data[size:]
        key = _key(sent)
        found += [key] if key else []
    return found, data


def _size(data: bytes) -> int | None:
    """How many bytes the first key takes; None where that is not known yet.

    Source:
        ECMA-48, section 5.4: parameters, intermediate bytes, and a last one.
    """
    if data[:1] != _ESCAPE or (len(data) > 1 and data[1] not in b"[O"):
        return 1
    for place, byte in enumerate(data[2:], start=2):
        if not 0x20 <= byte < 0x40:
            return place + 1 if 0x40 <= byte < 0x7F else place
    return None


def _key(sent: bytes) -> str:
    """The name of what was sent, if it has one."""
    text = sent.decode("ascii", "ignore")
    if sent == _ESCAPE:
        return "escape"
    if sent[:1] == _ESCAPE:
        return _ARROWS.get(text[-1:], "")
    return "space" if text == " " else text if text.isprintable() else ""


def pressed(seconds: float) -> list[str]:
    """The keys that are pressed within so many seconds, as soon as there are any.

    Where the keyboard is gone, that is `q`.
    """
    data = _read(seconds)
    if data is None:
        return ["q"]
    found, rest = keys(data)
    while rest and (data := _read(_ESCAPE_S)):
        more, rest = keys(rest + data)
        found += more
    return found + (["escape"] if rest == _ESCAPE else [])


if sys.platform == "win32":
    import msvcrt

    _POLL_S = 0.01
    _SENT = {"H": b"\x1b[A", "P": b"\x1b[B", "M": b"\x1b[C", "K": b"\x1b[D"}

    @contextmanager
    def unseen() -> Iterator[None]:
        """A stretch in which what is typed is not shown, and comes key by key."""
        yield

    def _read(seconds: float) -> bytes | None:
        """What is typed within so many seconds, as other terminals send it."""
        until = monotonic() + seconds
        while not msvcrt.kbhit():
            if monotonic() > until:
                return b""
            sleep(_POLL_S)
        typed = msvcrt.getwch()
        if typed in "\x00\xe0":  # what comes next is the place of a key
            return _SENT.get(msvcrt.getwch(), b"")
        return typed.encode("ascii", "ignore")

else:
    import select
    import termios
    import tty

    @contextmanager
    def unseen() -> Iterator[None]:
        """A stretch in which what is typed is not shown, and comes key by key."""
        terminal = sys.stdin.fileno()
        before = termios.tcgetattr(terminal)
        try:
            tty.setcbreak(terminal, termios.TCSADRAIN)
            yield
        finally:  # what nobody has read is not for the shell
            termios.tcsetattr(terminal, termios.TCSAFLUSH, before)

    def _read(seconds: float) -> bytes | None:
        """What is sent within so many seconds, if anything; None at the end of all."""
        terminal = sys.stdin.fileno()
        if not select.select([terminal], [], [], seconds)[0]:
            return b""
        try:
            return os.read(terminal, _READ) or None
        except OSError:  # it has hung up
            return None


class Ends:
    """Notes Ctrl-C, SIGTERM and SIGHUP while it is entered; a second Ctrl-C interrupts as ever.

    Ctrl-Z does nothing then: the shell would get a terminal that shows no typing. After SIGHUP,
    which says that the terminal has gone, it is no matter what cannot be drawn or given back.

    Attributes:
        exit_code: That of a process which the first of these has ended; 0 while there was none.
    """

    exit_code = 0

    def __enter__(self) -> "Ends":
        answers: dict[str, Any] = {
            "SIGINT": self._note,
            "SIGTERM": self._note,
            "SIGHUP": self._note,
            "SIGTSTP": signal.SIG_IGN,
        }
        self._gone = False
        self._before = {
            number: signal.signal(number, answer)
            for name, answer in answers.items()
            if (number := getattr(signal, name, None)) is not None
        }
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        for number, answer in self._before.items():
            signal.signal(number, answer)
        return self._gone and isinstance(raised, Exception)

    def _note(self, number: int, _: FrameType | None) -> None:
        if self.exit_code and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.exit_code = self.exit_code or 128 + number
        self._gone = self._gone or number == getattr(signal, "SIGHUP", None)
