"""The one grammar of `NAME:KEY=VALUE,...`, in which activations, tasks and starts are written.

A spec is a name and its settings, of which the first may be bare, in their declared order:
`hard:slope=0.25`, `uniform:-1,1`. In YAML a mapping means the same: `{name: hard, slope: 0.25}`,
`{uniform: [-1, 1]}`. A text may have several: a new one begins at a comma before what is neither
KEY=VALUE nor a number, so that `hard:slope=0.25,kink=open,tanh` are two; within brackets a comma
separates nothing. Square brackets are a list, which for activations is one of each layer.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from math import isfinite
from typing import Any, NamedTuple, Protocol

from hsig.config.values import (
    InvalidValue,
    Location,
    check_all,
    is_number,
    nearest,
    read_scalar,
    read_value,
)
from hsig.errors import ConfigError

_BEFORE, _AFTER = "([{", ")]}"
_SETTING = re.compile(r"\s*\w+\s*=(?!=)")
_NAME = re.compile(r"\s*[^\W\d]\w*\s*(:|$)")


class Checks(Protocol):
    """What says what the value of a setting means, such as a kind."""

    def check(self, value: object, location: Location) -> Any:
        """What it means."""


class Setting(NamedTuple):
    """A setting as it is written; a bare one has no key."""

    key: str
    value: object
    location: Location


class Spec(NamedTuple):
    """A name and its settings as they are written."""

    name: str
    settings: tuple[Setting, ...]


# --- texts ------------------------------------------------------------------------------------


def split_specs(text: str) -> list[str]:
    """The specs of a text with commas between them.

    >>> split_specs("uniform:0,1,uniform:-1,1")
    ['uniform:0,1', 'uniform:-1,1']
    """
    specs: list[str] = []
    for part in split_outside_brackets(text):
        if specs and _continues(specs[-1], part):
            specs[-1] += f",{part}"
        else:
            specs.append(part.strip())
    return specs


def _continues(spec: str, part: str) -> bool:
    """Whether the part behind a comma belongs to the spec before it."""
    if spec.startswith("csv:"):  # the name of a file may have commas
        return not _NAME.match(part)
    try:
        is_setting = bool(_SETTING.match(part)) or is_number(read_scalar(part.strip()))
    except ValueError:  # a number in the wrong spelling
        is_setting = True
    return is_setting and ":" in spec and spec[0] not in _BEFORE


def split_outside_brackets(text: str) -> list[str]:
    """The parts between commas that are in no brackets."""
    parts, depth = [""], 0
    for character in text:
        depth = max(0, depth + (character in _BEFORE) - (character in _AFTER))
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def is_bracketed(text: str) -> bool:
    """Whether a text is one list in square brackets.

    >>> is_bracketed("[tanh, relu]"), is_bracketed("[tanh, relu],[relu, tanh]")
    (True, False)
    """
    text = text.strip()
    inside = len(split_outside_brackets(text)) == 1
    return text.startswith("[") and text.endswith("]") and inside


def read_item(text: str, location: Location) -> object:
    """The value of a text: several specs stay a text; brackets and quotes are read."""
    if len(split_outside_brackets(text)) > 1:
        return text
    if is_bracketed(text):
        inside = text.strip()[1:-1]
        specs = split_specs(inside) if inside.strip() else []
        return [read_item(spec, location) for spec in specs]
    if text.strip().startswith(tuple("[{\"'")):
        from hsig.config.yaml_text import parse_yaml

        try:
            return parse_yaml(text, location.value.source, location.problems)[0]
        except ConfigError as refusal:
            location.problems.extend(refusal.messages)
            raise InvalidValue from None
    return read_value(text, location)


# --- specs ------------------------------------------------------------------------------------


def read_spec(value: object, location: Location, noun: str) -> Spec:
    """The name and the settings of a text or a mapping; `noun` says what is expected there."""
    if isinstance(value, str):
        name, colon, text = value.strip().partition(":")
        return Spec(name.strip(), tuple(read_settings(text, location)) if colon else ())
    if not isinstance(value, dict):
        raise location.expected(noun, value)
    if "name" not in value and len(value) == 1:
        ((name, settings),) = value.items()
        if isinstance(settings, list):
            below = location.below(name)
            bare = (Setting("", part, below.below(n)) for n, part in enumerate(settings))
            return Spec(name, tuple(bare))
    written = value.get("name")
    if not isinstance(written, str):
        raise location.below("name").expected(noun, written)
    rest = ((key, part) for key, part in value.items() if key != "name")
    return Spec(written, tuple(Setting(key, part, location.below(key)) for key, part in rest))


def read_settings(text: str, location: Location) -> list[Setting]:
    """The settings of a text such as `slope=0.25,kink=open`, or `-1,1`."""
    settings: list[Setting] = []
    for part in split_outside_brackets(text):
        key, _, written = part.partition("=") if _SETTING.match(part) else ("", "", part)
        key = key.strip()
        if not written.strip():
            raise location.expected("KEY=VALUE pairs with commas between them", text)
        if key and key in (setting.key for setting in settings):
            raise location.wrong(f"'{key}' is given twice in {text!r}")
        settings.append(Setting(key, read_value(written, location), location))
    return settings


def check_settings(
    spec: Spec,
    declared: Mapping[str, Checks],
    location: Location,
    rename: Callable[[str], str] = str,
    bare: Iterable[str] | None = None,
) -> dict[str, Any]:
    """What the settings of a spec mean, by their declared names.

    `rename` gives the declared name of a setting that has another. `bare` are those that may stand
    without a key, in their order; by default all.
    """
    has = f"It has: {', '.join(declared)}" if declared else "It has none"
    first = list(declared if bare is None else bare)
    keys = [setting.key for setting in spec.settings]
    if keys.count("") > len(first):
        raise location.wrong(
            f"expected at most {len(first)} settings without a key in {spec.name}, got "
            f"{keys.count('')}. {has}"
        )
    if keys != sorted(keys, key=bool):
        raise location.wrong(f"in {spec.name}, settings without a key stand before those with one")
    unnamed = iter(first)

    def check(setting: Setting) -> tuple[str, Any]:
        name = rename(setting.key) or next(unnamed)
        if name not in declared:
            raise setting.location.wrong(
                f"{spec.name} has no setting '{setting.key}'.{nearest(setting.key, declared)} {has}"
            )
        here = setting.location
        if here is location:  # one text has all of them
            here = replace(location, setting=f"{spec.name}:{setting.key or name}")
        return name, declared[name].check(setting.value, here)

    checked = check_all(partial(check, setting) for setting in spec.settings)
    if len(dict(checked)) < len(checked):
        raise location.wrong(f"in {spec.name}, expected each setting once")
    return dict(checked)


def check_order(
    settings: Mapping[str, Any], location: Location, *, may_be_equal: bool = False
) -> None:
    """Refuse a `low` that is not below a `high`, or at most equal to it."""
    low, high = settings.get("low"), settings.get("high")
    if low is None or high is None:
        return
    if not (low <= high if may_be_equal else low < high):
        what = "low of at most high" if may_be_equal else "low below high"
        raise location.wrong(f"expected {what}, got low {low:g} and high {high:g}")
    if isfinite(low) and isfinite(high) and not isfinite(high - low):
        raise location.wrong(f"expected low nearer to high, got low {low:g} and high {high:g}")
