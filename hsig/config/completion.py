"""What a shell offers while a command is typed: names, settings, choices and config files."""

from collections.abc import Iterable
from pathlib import Path

from hsig.config.keys import (
    ACTIVATION_GROUPS,
    ACTIVATION_NAMES,
    EXPECTATIONS,
    PARAMETERS,
    TASK_NAMES,
    Key,
)

CONFIG_ENDINGS = (".yaml", ".yml")


def complete_key(key: Key, typed: str) -> list[str]:
    """Values of a flag."""
    match key.kind:
        case "activation" | "output":
            return complete_activation(typed) + starting(key.choices, typed)
        case "activations":
            return complete_activation(typed) + starting(ACTIVATION_GROUPS, typed)
        case "task":
            return starting(TASK_NAMES, typed)
        case "expect":
            return complete_list([f"{name}=" for name in EXPECTATIONS], typed)
    return starting(key.choices, typed)


def complete_activation(typed: str) -> list[str]:
    """Names of activations; behind the colon, the settings of that one."""
    name, colon, settings = typed.partition(":")
    if not colon:
        return starting(ACTIVATION_NAMES, typed)
    before, equals, value = settings.rpartition("=")
    setting = before.rpartition(",")[2]
    if equals and "," not in value:  # the value of a setting that is a choice
        choices = PARAMETERS[setting].choices if setting in PARAMETERS else ()
        return [f"{name}:{before}={choice}" for choice in starting(choices, value)]
    from hsig.networks.activations import ACTIVATIONS

    if name not in ACTIVATIONS:
        return []
    known = [f"{parameter}=" for parameter in (*ACTIVATIONS[name].parameters, "backward")]
    return [f"{name}:{made}" for made in complete_list(known, settings)]


def complete_words(typed: str) -> list[str]:
    """What may follow `hsig train`: an activation, or a config."""
    return complete_activation(typed) + complete_config(typed)


def complete_comparison(typed: str) -> list[str]:
    """What may follow `hsig compare`: also a group."""
    return starting(ACTIVATION_GROUPS, typed) + complete_words(typed)


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


def complete_list(names: Iterable[str], typed: str) -> list[str]:
    """The last of several names with commas between them."""
    before, comma, last = typed.rpartition(",")
    return [before + comma + name for name in starting(names, last)]


def starting(words: Iterable[str], typed: str) -> list[str]:
    """The words that start as typed."""
    return [word for word in words if word.startswith(typed)]
