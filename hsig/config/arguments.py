"""From the arguments of a call in Python to plain values."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hsig.config.values import REFUSED, Given
from hsig.networks.activations import Activation


class Argument(NamedTuple):
    """A value that stands for a key in a call."""

    value: object


def read_argument(name: str, argument: Argument, problems: list[str]) -> Given:
    """The value of an argument.

    Args:
        name: Of the argument, for messages: that of its key.
        argument: As it was given: what YAML can say, also as arrays, tuples and ranges, or
            activations.
        problems: Gets a message for each part that is nothing of these.
    """
    return Given(_plain(argument.value, name, problems), name, is_argument=True)


def _plain(value: object, where: str, problems: list[str]) -> object:
    match value:
        case None | bool() | int() | float() | str() | Activation():
            return value
        case Path():
            return str(value)
        case np.generic():
            return value.item()
        case np.ndarray():
            return value.tolist()
        case list() | tuple() | range():
            return [_plain(part, f"{where}[{n}]", problems) for n, part in enumerate(value)]
        case Mapping():
            return {
                str(key): _plain(part, f"{where}.{key}", problems) for key, part in value.items()
            }
    hint = ". A function becomes one by hsig.activation(name, function, derivative)"
    problems.append(
        f"{where}: expected a text, a number, a list, a dict or an activation, got a "
        f"{type(value).__name__}{hint if callable(value) else ''}"
    )
    return REFUSED
