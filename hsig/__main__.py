"""What runs first, as `hsig` or `python -m hsig`: signals are answered before all else is imported.

SIGTERM and SIGHUP are as Ctrl-C, but for the exit code. Where a command does not say itself what
came of it, one line is told here.
"""

import os
import signal
import sys
from contextlib import suppress
from types import FrameType

_INTERRUPTED = 128 + signal.SIGINT
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")  # not every system has the last
_IMPORTS = "<frozen importlib"


class _Signals:
    """Ends hsig at a signal.

    Attributes:
        first: Which came first; 0 while there was none.
        ends: Whether it is told here, not by a command.
    """

    def __init__(self) -> None:
        self.first, self.ends = 0, False
        self._numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]

    @property
    def exit_code(self) -> int:
        """By convention that of a process which the first signal has ended."""
        return 128 + self.first

    def listen(self) -> None:
        """Answer them from here on; one that is ignored, as `nohup` has it, stays so."""
        signal.signal(signal.SIGINT, self._interrupt)
        for number in self._numbers[1:]:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._as_interrupt)
        sys.unraisablehook = self._unraisable

    def ignore(self) -> None:
        """From here on, for nothing is left to be done."""
        for number in self._numbers:
            signal.signal(number, signal.SIG_IGN)

    def tell(self) -> None:
        """Say on stderr what ended it, whatever state its Python is in."""
        with suppress(OSError):  # nobody may be there to be told
            os.write(2, f"interrupted: by {signal.Signals(self.first).name}\n".encode())

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self.first, self.ends = self.first or number, True
        if _would_be_lost(frame):
            self._end()
        raise KeyboardInterrupt

    def _as_interrupt(self, number: int, frame: FrameType | None) -> None:
        """Have it answered by what answers Ctrl-C at this moment."""
        self.first = self.first or number
        _leave_what_has_gone()
        answer = signal.getsignal(signal.SIGINT)
        if callable(answer):
            answer(signal.SIGINT, frame)

    def _end(self) -> None:
        """At once, with no exception."""
        self.tell()
        os._exit(self.exit_code)

    def _unraisable(self, lost: "sys.UnraisableHookArgs") -> None:
        if self.ends and isinstance(lost.exc_value, KeyboardInterrupt):
            self._end()
        sys.__unraisablehook__(lost)


def _would_be_lost(frame: FrameType | None) -> bool:
    """Whether nobody would hear of an exception, or of another one: in an import, or here."""
    if frame is not None and frame.f_globals is globals():
        return True
    while frame is not None and not frame.f_code.co_filename.startswith(_IMPORTS):
        frame = frame.f_back
    return frame is not None


def _leave_what_has_gone() -> None:
    """Have what is written to a terminal that has hung up go nowhere: what is kept is kept."""
    for stream in (1, 2):
        try:
            os.write(stream, b"")
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream)
            os.close(nowhere)


def main() -> None:
    """Run the command line, and exit."""
    signals = _Signals()
    code: int | str | None = 0
    try:
        signals.listen()
        from hsig.cli import main as command_line

        command_line()
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        if not signals.ends:
            raise
    signals.ignore()
    if signals.ends:
        signals.tell()
    if signals.ends or (signals.first and code == _INTERRUPTED):
        code = signals.exit_code
    sys.exit(code)


if __name__ == "__main__":
    main()
