"""A report: what was asked, what came of it, and how to get it again, in no format yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from hsig.config.keys import COMPARE, KEYS, SWEEP
from hsig.config.loading import SWEPT
from hsig.config.text import write_yaml
from hsig.reports.page import Line, Page, Table, listed, short
from hsig.reports.phrases import as_yaml, value_of

_DIGEST_DIGITS = 12
_NO_NUMBERS = ("workers", "expect")  # keys that change no number


class Figure(NamedTuple):
    """A picture: its SVG, what it shows in words, and what is written below it."""

    svg: str
    alt: str
    caption: str


class Step(NamedTuple):
    """A step to get the numbers again: a sentence, and the command or the file it speaks of."""

    text: str
    code: str


@dataclass(frozen=True, eq=False)
class Report:
    """What one may send to somebody who does not have hsig.

    Attributes:
        title: What was trained, on what; with the name of the run, if it has one.
        result: The answer.
        setting: The keys of the config, those that are not at their default first.
        page: All tables and sentences.
        steps: How to get the numbers again.
        versions: What it ran with, where, when, and the digest.
        figures: Pictures of it.
    """

    title: str
    result: tuple[Line, ...]
    setting: Table
    page: Page
    steps: tuple[Step, ...]
    versions: Table
    figures: tuple[Figure, ...] = ()


def report_of(
    meta: Mapping[str, Any],
    parts: Sequence[Mapping[str, Any]],
    settings: Mapping[str, str],
    page: Page,
    *,
    name: str = "",
    figures: Sequence[Figure] = (),
) -> Report:
    """The report of a kept run.

    Args:
        meta: Its `run.json`.
        parts: Those of its parts that were asked for.
        settings: Every key as a config would spell it.
        page: Its page.
        name: Its name; may be empty.
        figures: Pictures of it.
    """
    first, *_ = (block for block in page.blocks if isinstance(block, tuple))
    return Report(
        title=f"{name}: {_title(meta, parts, settings)}" if name else _title(meta, parts, settings),
        result=page.answer or page.brief or first,
        setting=_setting_table(settings),
        page=page,
        steps=_steps(meta, parts),
        versions=_versions(meta),
        figures=tuple(figures),
    )


def _title(
    meta: Mapping[str, Any], parts: Sequence[Mapping[str, Any]], settings: Mapping[str, str]
) -> str:
    labels = dict.fromkeys(label for part in parts for label in part["labels"])
    axes = meta["sweep"]["axes"] if meta["command"] == SWEEP else []
    names = [axis["name"] for axis in axes]
    what = settings["activations"] if "activation" in names else listed([*labels])
    by = f", by {' and '.join(names)}" if names else ""
    return f"{what} on {settings['task']}{by}"


def _setting_table(settings: Mapping[str, str]) -> Table:
    rows = []
    for name, text in settings.items():
        default = KEYS[name].default if name in KEYS else None
        usual = "" if default is None else as_yaml(default)
        if text and text != "{}":
            rows.append((name, text, "the same" if text == usual else usual))
    rows.sort(key=lambda row: row[2] == "the same")
    columns = ("key", "value", "by default")
    return Table("the keys of its config", columns, tuple(rows), prose=columns, whole=True)


def _steps(meta: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> tuple[Step, ...]:
    """The configs of a run, and the command that reads them."""
    command, swept = meta["command"], meta.get("sweep", {}).get("axes", [])
    axes = {axis["name"]: [*map(value_of, axis["values"])] for axis in swept}
    names = ["config.yaml"]
    if len(parts) > 1:
        names = [f"config-{number}.yaml" for number in range(1, len(parts) + 1)]
        command = COMPARE
    early = "" if meta["complete"] else "; the run was stopped early, this goes on to the end"
    digest = str(meta["digest"])[:_DIGEST_DIGITS]
    files = [
        Step(f"{name}:", config_text(part["experiment"], axes))
        for name, part in zip(names, parts, strict=True)
    ]
    run = Step(
        "With the same versions and engine, this gives the same numbers, bit for bit, and the "
        f"digest {digest}{early}:",
        f"hsig {command} {' '.join(names)}",
    )
    again = Step(
        "Where the run is kept, this says whether every bit is the same:",
        f"hsig runs rerun {meta['id']}",
    )
    return (*files, run, *([again] if meta["complete"] else []))


def config_text(keys: Mapping[str, Any], axes: Mapping[str, Sequence[Any]]) -> str:
    """The config of resolved keys as YAML.

    Args:
        keys: Every key with its value.
        axes: The values of each key that is swept; often none.
    """
    chosen = {
        name: _without_settings(value, name, axes)
        for name, value in keys.items()
        if value is not None and name not in axes and name not in _NO_NUMBERS
    }
    if "until" not in chosen:
        del chosen["max_seeds"]
    if axes:
        chosen.pop("report_every", None)
        chosen[SWEPT] = {**axes}
    return write_yaml(chosen)


def _without_settings(value: Any, name: str, axes: Mapping[str, object]) -> Any:
    """The value of a key without the settings that are swept, such as `activation.slope`."""
    if not isinstance(value, dict):
        return value
    return {key: part for key, part in value.items() if f"{name}.{key}" not in axes}


def _versions(meta: Mapping[str, Any]) -> Table:
    machine = meta["machine"]
    rows = {
        **meta["versions"],
        "system": machine["system"],
        "processor": f"{machine['processor']}, {machine['cores']} cores",
        "instructions": ", ".join(machine["instructions"]),
        "digest": meta["digest"],
        "run": meta["id"],
        "started": f"{str(meta['started'])[:19].replace('T', ' ')} UTC",
        "seconds": short(meta["seconds"]),
    }
    columns = ("what", "value")
    cells = tuple((name, str(value)) for name, value in rows.items())
    return Table("versions, machine and time", columns, cells, prose=columns, whole=True)
