"""The entry point, as `hsig` or `python -m hsig`: signals are handled before anything is imported.

A signal ends hsig at once, with a line and an exit code, where nothing would be lost. A command
that has something to show and to keep answers SIGINT itself, and exits with `INTERRUPTED`; SIGTERM
and SIGHUP are passed on to what answers SIGINT, and differ in the exit code alone.
"""

import os
import signal
import sys
from contextlib import suppress
from types import FrameType

from hsig.errors import INTERRUPTED

_received: list[int] = []  # the signals, the first of which decides the exit code


def main() -> None:
    """Run the command line, and exit."""
    for name, answer in (("SIGINT", _end), ("SIGTERM", _pass_on), ("SIGHUP", _pass_on)):
        number = getattr(signal, name, None)  # not every system has the last
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, answer)
    from hsig.cli.app import main as run_command_line

    try:
        run_command_line()
    except SystemExit as ended:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to be done
        if ended.code == INTERRUPTED and _received:
            sys.exit(128 + _received[0])
        raise


def _end(number: int, _frame: FrameType | None) -> None:
    """End at once, whatever state Python is in."""
    first = _received[0] if _received else number
    with suppress(OSError):  # nobody may be there to be told
        os.write(2, f"interrupted: by {signal.Signals(first).name}\n".encode())
    os._exit(128 + first)


def _pass_on(number: int, frame: FrameType | None) -> None:
    """Call what answers SIGINT at this moment."""
    _received.append(number)
    for stream in (1, 2):  # a terminal that has hung up takes nothing; what is kept is kept
        try:
            os.write(stream, b"")
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream)
            os.close(nowhere)
    answer = signal.getsignal(signal.SIGINT)
    if callable(answer):
        answer(signal.SIGINT, frame)


if __name__ == "__main__":
    main()
