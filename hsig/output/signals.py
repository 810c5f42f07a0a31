"""SIGINT, SIGTERM and SIGHUP: each ends hsig, at once or with what was done by then.

A signal that whoever started hsig has it ignore, as nohup does, stays ignored. Nothing heavy is
imported: signals are handled before anything else is.
"""

import os
import signal
import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from time import monotonic
from types import FrameType
from typing import Self, TypeVar

from hsig.errors import INTERRUPTED

_ENDING = ("SIGINT", "SIGTERM", "SIGHUP")  # not every system has the last
_SAME_S = 0.5  # a signal so soon after the first is the same: `timeout` sends it twice

T = TypeVar("T")

_received: list[tuple[int, float]] = []  # the signals, and when
_entered: "list[Interrupts]" = []  # of which the last answers the first signal


def handle_signals() -> None:
    """Have signals end this process from now on."""
    for name in _ENDING:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _receive)


def end(code: int | str | None) -> None:
    """End the process with an exit code; after a signal at once, whatever threads still train."""
    for name in _ENDING:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)  # nothing is left to be done
    if code != INTERRUPTED:
        sys.exit(code)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            if stream is not None:
                stream.flush()
    os._exit(128 + _received[0][0] if _received else INTERRUPTED)


def _receive(number: int, _frame: FrameType | None) -> None:
    """Answer a first signal if anything would be lost; else end the process."""
    name = signal.Signals(number).name
    _received.append((number, monotonic()))
    (first, at), (_, now) = _received[0], _received[-1]
    if len(_received) == 1:
        _discard_lost_streams()
        is_answered = bool(_entered) and _entered[-1].answer(name)
    else:
        is_answered = now - at < _SAME_S
    if not is_answered:
        _write_notice(f"by {name}")
        os._exit(128 + first)


def _discard_lost_streams() -> None:
    """Write to nowhere what a terminal that has hung up does not take: what is kept is kept."""
    for stream in (1, 2):
        try:
            os.write(stream, b"")
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream)
            os.close(nowhere)


def _write_notice(text: str) -> None:
    """Write a line to stderr whatever state Python is in."""
    with suppress(OSError):  # nobody may be there to be told
        before = "\n" if os.isatty(2) else ""  # a bar may be drawn there
        os.write(2, f"{before}interrupted: {text}\n".encode())


class Interrupts:
    """Turns a signal into an early end of what is waited for, and says so at once.

    Within a `with` block, a signal between two waits ends the next one at once, and one behind them
    breaks nothing off: what was done by then is to be written.
    """

    def __init__(self, notice: str, nothing: str = "") -> None:
        """`notice` says what follows, and `nothing` the same where nothing was done yet."""
        self.interrupted, self.signal = False, ""  # the name of a signal, if it was one
        self._nothing, self._notice = nothing or notice, notice
        self._has_events = self._is_watching = self._is_waiting = False
        self._said = ""

    def __enter__(self) -> Self:
        _entered.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _entered.remove(self)

    def answer(self, name: str) -> bool:
        """Answer a signal; false if nothing would be lost by an end of the process."""
        if not (self._is_watching or self._has_events):
            return False
        self.interrupted, self.signal = True, name
        if self._is_watching:
            _write_notice(f"by {name}")
        else:
            self._said = self._notice
            _write_notice(self._said)
        if self._is_waiting:
            raise KeyboardInterrupt
        return True

    def say(self, *, done: bool = True) -> None:
        """Say that it was interrupted, and whether anything was done, unless that was said."""
        from hsig.output.streams import print_message

        notice = self._notice if done else self._nothing
        if self.interrupted and notice != self._said:
            print_message(f"interrupted: {notice}")
            self._said = notice

    def until_interrupt(self, events: Iterable[T]) -> Iterator[T]:
        """The events up to a signal, which breaks off the wait for one, and nothing else."""
        iterator = iter(events)
        try:
            with self:
                self._is_watching = True
                while not self.interrupted:
                    self._is_waiting = True
                    event = next(iterator, None)
                    self._is_waiting = False
                    if event is None:
                        break
                    self._has_events = True
                    yield event
        except KeyboardInterrupt:
            self.interrupted = True
        finally:
            self._is_watching = self._is_waiting = False
            if isinstance(iterator, Generator):
                iterator.close()  # which ends its processes
