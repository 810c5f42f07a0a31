"""What a shell offers while a command is typed: names, settings, choices and config files."""

from pathlib import Path

from hsig.config.keys import KEYS
from hsig.config.kinds import starting

CONFIG_ENDINGS = (".yaml", ".yml")

complete_activation = KEYS["activation"].kind.complete


def complete_words(typed: str) -> list[str]:
    """What may follow `hsig train`: an activation, or a config."""
    return complete_activation(typed) + complete_config(typed)


def complete_comparison(typed: str) -> list[str]:
    """What may follow `hsig compare`: also a group."""
    return KEYS["activations"].kind.complete(typed) + complete_config(typed)


def complete_config(typed: str) -> list[str]:
    """Config files in the folder that is typed so far, and in the folders within it."""
    folder = Path(typed.rpartition("/")[0] or ("/" if typed.startswith("/") else "."))
    try:
        found = [
            path
            for pattern in ("*", "*/*")
            for path in sorted(folder.glob(pattern))
            if path.suffix in CONFIG_ENDINGS and not path.parent.name.startswith(".")
        ]
    except OSError:
        return []
    return starting(map(str, found), typed.removeprefix("./"))
