"""A report: what was asked, what came of it, and how to get it again, in no format yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from hsig.analysis.summary import Summary
from hsig.analysis.sweeps import SweepOutcome
from hsig.config.keys import EXPLAIN, TRAIN
from hsig.reports.findings import (
    Finding,
    found_by_comparing,
    found_by_comparing_configs,
    found_by_comparing_tasks,
    found_by_explaining,
    found_by_sweeping,
    found_by_training,
)
from hsig.reports.numbers import short
from hsig.reports.page import Page, Table
from hsig.reports.reproducing import reproduction
from hsig.reports.setting import Part, setting_table

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
    if not parts[0].get("role"):
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
