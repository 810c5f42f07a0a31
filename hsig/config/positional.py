"""What words are that stand for no key: configs and activations."""

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from hsig.config.keys import KEYS
from hsig.config.specs import is_bracketed
from hsig.config.text import CONFIG_ENDINGS
from hsig.errors import ConfigError


def split_words(words: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Which words are configs, and which are activations."""
    configs = [word for word in words if _is_config(word)]
    return [Path(word) for word in configs], [word for word in words if word not in configs]


def _is_config(word: str) -> bool:
    """Whether a word is the path of a config; one with a slash may be a formula in x."""
    if "/" not in word or word.endswith(CONFIG_ENDINGS) or word.startswith((".", "/", "~")):
        return word.endswith(CONFIG_ENDINGS) or "/" in word
    is_formula = re.search(r"(?<![\w.])x(?![\w.])", word) is not None
    with suppress(OSError):  # of a name that is too long for a file
        return Path(word).exists() or not is_formula
    return not is_formula


def take_single_activation(words: Sequence[str], flags: dict[str, str]) -> Path | None:
    """The config among the words; the activation becomes a flag.

    Raises:
        ConfigError: If there are several of either.
    """
    configs, activations = split_words(words)
    if len(activations) > 1:
        raise ConfigError(
            f"expected one activation, got {', '.join(activations)}. To compare them: hsig compare"
        )
    set_activations("activation", activations, flags)
    return single_config(configs)


def set_activations(key: str, words: Sequence[str], flags: dict[str, str]) -> None:
    """Take the words of a command as its key's flag.

    Raises:
        ConfigError: If the flag is there as well.
    """
    if words and key in flags:
        raise ConfigError(f"{KEYS[key].flag}: given twice, also as '{' '.join(words)}'")
    if words:
        joined = ",".join(words)
        # one word in brackets is one activation to compare, with one for each layer
        flags[key] = f"[{joined}]" if key == "activations" and is_bracketed(joined) else joined


def single_config(configs: Sequence[Path]) -> Path | None:
    """The one config, if there is any.

    Raises:
        ConfigError: If there are several.
    """
    if len(configs) > 1:
        raise ConfigError(
            f"expected one config, got {', '.join(map(str, configs))}. To compare them: "
            "hsig compare"
        )
    return configs[0] if configs else None
