"""How to get the numbers of a kept run again, in an empty folder: a command, and what it reads."""

import json
import re
from collections.abc import Mapping, Sequence
from shlex import join
from typing import Any, NamedTuple

from hsig.config.activation_kinds import is_formula
from hsig.config.keys import COMPARE, EXPLAIN, KEYS, SWEEP, TRAIN
from hsig.config.loading import SWEPT, load_resolved
from hsig.config.values import Json
from hsig.reports.setting import Part, as_flag, changed_keys, spelled_keys, task_of
from hsig.reports.visible import visible
from hsig.reports.words import value_of

_LINE_MOST = 1000  # characters of a command; what is longer is read from a file
_FILE = "experiment.yaml"
_GIVEN_OUTPUT = re.compile(r"""^["']?output_activation["']?\s*:""", re.MULTILINE)
_PLAIN_WORD = r"[A-Za-z_]\w*(:[\w.,=+-]+)?"  # an activation that can be no flag and no file


class Reproduction(NamedTuple):
    """How the numbers of a run are made again.

    Attributes:
        command: A line for a shell, in a folder that has nothing but the files.
        files: The text of each file that it reads, by name; often there is none.
    """

    command: str
    files: Mapping[str, str]


def reproduction(
    about: Mapping[str, Any], parts: Sequence[Part], configs: Mapping[str, str]
) -> Reproduction:
    """What trains the same again: same versions and engine, same digest.

    It is made from the keys that were resolved, not from the words that were typed, so it needs no
    data file, and what a config says by now does not matter.

    Args:
        about: What `run.json` says.
        parts: Those of its parts that were asked for.
        configs: The text of each config by the name it was given by.
    """
    command, first = str(about["command"]), parts[0]
    if command == SWEEP:
        return _of_sweep(about["sweep"], first, configs)
    if first["is_config"] and not first.get("role"):
        return _of_configs(parts)
    keys = changed_keys(first["experiment"], command)
    if len(parts) > 1:
        tasks: list[Json] = [task_of(load_resolved(part["experiment"], "")) for part in parts]
        keys = {"task": tasks, **{name: part for name, part in keys.items() if name != "task"}}
    return _of_keys(command, keys)


# --- commands ---------------------------------------------------------------------------------


def _of_keys(command: str, keys: Mapping[str, Json]) -> Reproduction:
    """A command with these keys as its words and flags; or as a file that it reads."""
    line = join(["hsig", command, *_words(keys)])
    if len(line) <= _LINE_MOST and visible(line) == line:
        return Reproduction(line, {})
    return Reproduction(join(["hsig", command, _FILE]), {_FILE: config_text(keys)})


def _words(keys: Mapping[str, Json]) -> list[str]:
    """The activations where they can be told from files and flags, then the flags."""
    words: list[str] = []
    flags: list[str] = []
    for name, value in keys.items():
        specs = value if isinstance(value, list) else [value]
        named = name in ("activation", "activations")
        if named and all(isinstance(s, str) and re.fullmatch(_PLAIN_WORD, s) for s in specs):
            words += map(str, specs)
        else:
            flags += [KEYS[name].flag, as_flag(value)]
    return [*words, *flags]


def config_text(keys: Mapping[str, Json]) -> str:
    """A config with these keys; what cannot be seen is escaped, as YAML reads it."""
    lines = (f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in keys.items())
    return visible("".join(lines), but="\n")


def _of_configs(parts: Sequence[Part]) -> Reproduction:
    """A comparison of several configs, each with all that it has to say."""
    files: dict[str, str] = {}
    for number, part in enumerate(parts, start=1):
        plain = re.fullmatch(r"\w[\w.+-]{0,60}", part["name"], flags=re.ASCII)
        name = part["name"] if plain else f"config-{number}"
        alone = part["experiment"]["activations"] is None
        # without any it would be compared with all
        own: dict[str, Json] = {"activation": str(KEYS["activation"].default)} if alone else {}
        keys = own | changed_keys(part["experiment"], TRAIN if alone else COMPARE)
        files[f"{name}.yaml"] = config_text(keys)
    return Reproduction(join(["hsig", COMPARE, *files]), files)


def _of_sweep(sweep: Mapping[str, Any], part: Part, configs: Mapping[str, str]) -> Reproduction:
    """A sweep: its axes as flags where these can say it, else as a file."""
    axes = sweep["axes"]
    swept = {axis["name"]: [*map(value_of, axis["values"])] for axis in axes}
    fixed = changed_keys(_unset(part["experiment"], swept), EXPLAIN)
    output = "output_activation"  # a default is that of each cell, and no more that of the first
    if output in sweep["flags"] or any(_GIVEN_OUTPUT.search(text) for text in configs.values()):
        fixed[output] = spelled_keys(load_resolved(part["experiment"], ""))[output]
    for name in {*swept, "report_every"}:
        fixed.pop(name, None)
    if all(_fits_a_flag(axis["name"], axis["values"]) for axis in axes):
        return _of_keys(SWEEP, fixed | {axis["name"]: ",".join(axis["values"]) for axis in axes})
    text = config_text({**fixed, SWEPT: {**swept}})
    return Reproduction(join(["hsig", SWEEP, _FILE]), {_FILE: text})


def _fits_a_flag(name: str, texts: Sequence[str]) -> bool:
    """Whether a flag with these texts and commas between them is read as these values."""
    if name not in KEYS or len(texts) < 2 or any(text[:1] in "[{" for text in texts):
        return False
    kind = KEYS[name].kind
    return not kind.listed and [*kind.several(",".join(texts))] == [*texts]


def _unset(keys: Mapping[str, Any], swept: Mapping[str, object]) -> dict[str, Any]:
    """The keys without the settings that are swept, which no activation may have been given."""
    activation = keys["activation"]
    if is_formula(activation):  # which needs a value for each of its own
        return {**keys}
    settings = {name.partition(".")[2] for name in swept}
    kept = {name: part for name, part in activation.items() if name not in settings}
    return {**keys, "activation": kept}
