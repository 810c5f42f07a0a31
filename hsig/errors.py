"""What hsig raises for a user's mistake or a failed run; anything else is a bug."""

from collections.abc import Sequence

# exit codes; 0: it ran, also where nothing converged
UNMET = 1  # it ran, but an expectation does not hold
WRONG = 2  # the command line or the config
FAILED = 3  # the run itself
INTERRUPTED = 130  # by SIGINT


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
