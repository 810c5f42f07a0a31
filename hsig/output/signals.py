"""SIGINT, SIGTERM and SIGHUP: each ends hsig, at once or with what was done by then.

A signal that whoever started hsig has it ignore, as nohup does, stays ignored. Nothing heavy is
imported: signals are handled before anything else is.
"""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from types import FrameType

from hsig.errors import INTERRUPTED

ENDING = ("SIGINT", "SIGTERM", "SIGHUP")  # not every system has the last
_SAME_S = 0.5  # a signal so soon after the first is the same: `timeout` sends it twice

Answer = Callable[[str], bool]  # to the name of a signal; false if the process is to end at once

_received: list[tuple[int, float]] = []  # the signals, and when
_answers: list[Answer] = []  # to the first signal, of which the last counts


def handle_signals() -> None:
    """Have signals end this process from now on."""
    for name in ENDING:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _receive)


def add_answer(answer: Answer) -> None:
    """Have a first signal call this with its name, and not end the process; a second one does."""
    _answers.append(answer)


def remove_answer(answer: Answer) -> None:
    """Have the answer before it again."""
    _answers.remove(answer)


def write_notice(text: str) -> None:
    """Write a line to stderr whatever state Python is in."""
    with suppress(OSError):  # nobody may be there to be told
        os.write(2, f"interrupted: {text}\n".encode())


def end(code: int | str | None) -> None:
    """End the process with an exit code; after a signal at once, whatever threads still train."""
    for name in ENDING:
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
    """Answer a first signal if anybody does; else end the process."""
    now, name = monotonic(), signal.Signals(number).name
    _received.append((number, now))
    first, at = _received[0]
    if len(_received) == 1:
        _discard_lost_streams()
        is_answered = bool(_answers) and _answers[-1](name)
    else:
        is_answered = bool(_answers) and now - at < _SAME_S
    if not is_answered:
        write_notice(f"by {name}")
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
