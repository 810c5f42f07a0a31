"""A report: what was asked, what came of it, and how to get it again, in no format yet."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from shlex import join
from typing import Any, NamedTuple

from hsig.analysis.parts import CONFIG
from hsig.analysis.summary import Summary
from hsig.analysis.sweeps import SweepOutcome
from hsig.config.activation_kinds import is_formula
from hsig.config.keys import COMPARE, EXPLAIN, KEYS, SWEEP, TRAIN
from hsig.config.loading import SWEPT, load_resolved
from hsig.config.values import Json
from hsig.escaping import escape_control
from hsig.reports.findings import (
    Finding,
    found_by_comparing,
    found_by_comparing_configs,
    found_by_comparing_tasks,
    found_by_explaining,
    found_by_sweeping,
    found_by_training,
)
from hsig.reports.page import Page, Table, short
from hsig.reports.phrases import (
    Part,
    as_flag,
    changed_keys,
    setting_table,
    spelled_keys,
    task_of,
    value_of,
)

# --- reproducing ---------------------------------------------------------------------------------

# How to get the numbers of a kept run again, in an empty folder: a command, and what it reads.

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
    if first["role"] == CONFIG:
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
    if len(line) <= _LINE_MOST and escape_control(line) == line:
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
    return escape_control("".join(lines), keep="\n")


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
    return not kind.listed and [*kind.split_values(",".join(texts))] == [*texts]


def _unset(keys: Mapping[str, Any], swept: Mapping[str, object]) -> dict[str, Any]:
    """The keys without the settings that are swept, which no activation may have been given."""
    activation = keys["activation"]
    if is_formula(activation):  # which needs a value for each of its own
        return {**keys}
    settings = {name.partition(".")[2] for name in swept}
    kept = {name: part for name, part in activation.items() if name not in settings}
    return {**keys, "activation": kept}


# --- report --------------------------------------------------------------------------------------

_DIGITS = 12  # of a digest, in a sentence


class Figure(NamedTuple):
    """A picture.

    Attributes:
        svg: Markup, taken as it is.
        alt: What it shows, for those who do not see it.
        caption: What is written below it.
    """

    svg: str
    alt: str
    caption: str


class Step(NamedTuple):
    """A part of what is to be done.

    Attributes:
        said: A sentence.
        code: What it speaks of: a command, or a file.
    """

    said: str
    code: str


@dataclass(frozen=True, eq=False)
class Report:
    """What one may send to somebody who does not have hsig.

    Attributes:
        title: What was trained, on what; with the name of the run, if it has one.
        asked: A question.
        result: The answer, in three sentences.
        setting: The keys that matter: first those that were given another value than the usual.
        page: All that is told of it.
        reproduce: How to get it again, the command first.
        versions: What it ran with, where, when, and the digest of all that its numbers hang on.
        figures: Pictures of it.
    """

    title: str
    asked: str
    result: tuple[str, str, str]
    setting: Table
    page: Page
    reproduce: tuple[Step, ...]
    versions: Table
    figures: tuple[Figure, ...] = ()


def report_of(
    about: Mapping[str, Any],
    parts: Sequence[Part],
    page: Page,
    numbers: Sequence[Summary] | SweepOutcome,
    configs: Mapping[str, str],
    *,
    name: str = "",
    figures: Sequence[Figure] = (),
) -> Report:
    """The report of a kept run.

    Args:
        about: What its `run.json` says.
        parts: Those of its parts that were asked for.
        page: What is told of it.
        numbers: Its summaries, one for each of these parts; or the sweep that it is.
        configs: The text of each config by the name it was given by.
        name: What somebody calls it; may be empty.
        figures: Pictures of it.
    """
    finding = _finding(about, parts, page, numbers)
    return Report(
        title=f"{name}: {finding.title}" if name else finding.title,
        asked=finding.asked,
        result=finding.told,
        setting=setting_table(about, parts),
        page=page,
        reproduce=_steps(about, parts, configs),
        versions=_versions(about),
        figures=tuple(figures),
    )


def _finding(
    about: Mapping[str, Any],
    parts: Sequence[Part],
    page: Page,
    numbers: Sequence[Summary] | SweepOutcome,
) -> Finding:
    """What a report begins with, by the kind of the run."""
    if isinstance(numbers, SweepOutcome):
        return found_by_sweeping(numbers)
    if about["command"] == TRAIN:
        return found_by_training(numbers[0])
    if about["command"] == EXPLAIN:
        return found_by_explaining(numbers[0], page.document(False))
    if not parts[0]["is_config"]:
        return found_by_comparing(numbers[0])
    if parts[0]["role"] == CONFIG:
        return found_by_comparing_configs([part["name"] for part in parts], numbers)
    name = f"{parts[0]['name']}: "
    variants = [label.removeprefix(name) for label in parts[0]["labels"]]
    return found_by_comparing_tasks(variants, numbers, page.document(False))


def _steps(
    about: Mapping[str, Any], parts: Sequence[Part], configs: Mapping[str, str]
) -> tuple[Step, ...]:
    """How to get a run again."""
    made = reproduction(about, parts, configs)
    early = "" if about["complete"] else "; the run was stopped early, this goes on to the end"
    digest = str(about["digest"])[:_DIGITS]
    steps = [
        Step(
            "In an empty folder, with the same versions and engine, this gives the same numbers, "
            f"bit for bit, and the digest {digest}{early}:",
            made.command,
        )
    ]
    steps += [Step(f"It reads this, as {name}:", text) for name, text in made.files.items()]
    if about["complete"]:
        again = f"hsig runs rerun {about['id']}"
        steps.append(Step("Where the run is kept, this says whether every bit is the same:", again))
    steps += [Step(f"{name}, as it was then:", text) for name, text in configs.items()]
    return tuple(steps)


def _versions(about: Mapping[str, Any]) -> Table:
    """What a run ran with, where and when."""
    machine = about["machine"]
    told = {
        **about["versions"],
        "system": machine["system"],
        "processor": f"{machine['processor']}, {machine['cores']} cores",
        "instructions": ", ".join(machine["instructions"]),
        "digest": about["digest"],
        "run": about["id"],
        "started": f"{str(about['started'])[:19].replace('T', ' ')} UTC",
        "seconds": short(about["seconds"]),
    }
    rows = tuple((name, str(value)) for name, value in told.items())
    columns = ("what", "value")
    return Table("versions, machine and time", columns, rows, prose=columns, whole=True)
