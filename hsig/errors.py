"""What hsig raises for a user's mistake or a failed run; anything else is a bug."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")

# exit codes; 0: it ran, also where nothing converged
UNMET = 1  # it ran, but an expectation does not hold
WRONG = 2  # the command line or the config
FAILED = 3  # the run itself
INTERRUPTED = 130  # by SIGINT


LONG = 6  # letters; in a shorter name another one is another name: elu, selu, silu


def is_slip(word: str, known: str) -> bool:
    """Whether a word is a known one with one slip, and hardly another word.

    Two letters changed places, one is doubled or not, a vowel is missing; in a long word also any
    other letter but the first. A letter before or behind a name makes another name.

    >>> is_slip("hrd", "hard"), is_slip("sigmpid", "sigmoid"), is_slip("lrelu", "relu")
    (True, True, False)
    """
    if word[1:] == known or (word[:-1] == known and word[-1] != known[-1]):
        return False
    size = min(len(word), len(known))
    start = next((n for n in range(size) if word[n] != known[n]), size)
    size -= start
    same = next((n for n in range(size) if word[-1 - n] != known[-1 - n]), size)
    found, lost = word[start : len(word) - same], known[start : len(known) - same]
    if len(found) == len(lost) == 2:
        return found == lost[::-1]
    if len(found + lost) == 1:
        doubled = word[start - 1 : start] == found + lost
        vowel_lost = start > 0 and lost in tuple("aeiou") and not known.endswith("lu")
        if doubled or vowel_lost:
            return True
    return max(len(found), len(lost)) == 1 and start > 0 and len(known) >= LONG


class HsigError(Exception):
    """Something the user can mend. Each message says where, what, and what would be right."""

    exit_code = FAILED

    def __init__(self, messages: str | Sequence[str]) -> None:
        self.messages = (messages,) if isinstance(messages, str) else tuple(messages)
        super().__init__("\n".join(self.messages))


class ConfigError(HsigError):
    """The command line or the config is wrong; all its problems are in one report."""

    exit_code = WRONG


class RunError(HsigError):
    """The run itself failed: a full disk, a missing permission."""


class BusyError(RunError):
    """Another process is doing the same."""


def call_each(calls: Iterable[Callable[[], T]]) -> list[T]:
    """The results of all calls, each of which is made; what some raise is raised as one error.

    Raises:
        HsigError: Of the class of the first, with all messages.
    """
    results, raised = [], []
    for call in calls:
        try:
            results.append(call())
        except HsigError as error:
            raised.append(error)
    if raised:
        raise type(raised[0])([message for error in raised for message in error.messages])
    return results
