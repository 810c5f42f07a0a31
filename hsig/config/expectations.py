"""What is expected of a run, of all its variants or of one by its label."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from hsig.config.kinds import (
    Choice,
    Kind,
    Number,
    Schema,
    complete_list,
    mapping_schema,
    verdict_names,
)
from hsig.config.specs import read_settings
from hsig.config.values import Json, Location, check_all

if TYPE_CHECKING:
    from hsig.experiments.experiment import Bound, Checks

EXPECTATIONS: Mapping[str, Kind] = {
    "solved_at_least": Number(0.0, 1.0),  # the smallest share of solved seeds
    "solved_at_most": Number(0.0, 1.0),  # the largest
    "verdict": Choice(verdict_names),  # of more than half of the seeds
}


class Expect(Kind):
    """`solved_at_least=0.9,verdict=solved`, or a mapping of the same, or of labels to such."""

    empty_value: ClassVar[Mapping[str, Any]] = {}

    def check(self, value: object, location: Location) -> "dict[str, Bound | Checks]":
        parts: dict[str, tuple[object, Location]] = {}
        if isinstance(value, str):
            settings = read_settings(value, location)
            parts = {setting.key: (setting.value, location) for setting in settings}
        elif isinstance(value, dict):
            parts = {name: (part, location.below(name)) for name, part in value.items()}
        if "" in parts or not isinstance(value, str | dict):
            known = ", ".join(EXPECTATIONS)
            raise location.expected(f"checks such as solved_at_least=0.9 ({known})", value)
        return _check_all(parts)

    def schema(self) -> Schema:
        checks = mapping_schema({name: kind.schema() for name, kind in EXPECTATIONS.items()})
        return {"anyOf": [{"type": "string"}, {**checks, "additionalProperties": checks}]}

    def complete(self, typed: str) -> list[str]:
        return complete_list([f"{name}=" for name in EXPECTATIONS], typed)

    def document(self, value: "Mapping[str, Bound | Checks]") -> Json:
        return {
            name: dict(part) if isinstance(part, Mapping) else part for name, part in value.items()
        }


def _check_all(parts: "Mapping[str, tuple[object, Location]]") -> "dict[str, Bound | Checks]":
    checked = check_all(partial(_check_part, name, *part) for name, part in parts.items())
    return dict(zip(parts, checked, strict=True))


def _check_part(name: str, part: object, location: Location) -> "Bound | Checks":
    """One check, or those of one variant under its label."""
    if not isinstance(part, dict):
        return _check_bound(name, part, location)
    bounds = check_all(
        partial(_check_bound, key, bound, location.below(key)) for key, bound in part.items()
    )
    return dict(zip(part, bounds, strict=True))


def _check_bound(name: str, bound: object, location: Location) -> "Bound":
    if name in EXPECTATIONS:
        checked: Bound = EXPECTATIONS[name].check(bound, location)
        return checked
    label = f". Those of one variant: {{{name}: {{solved_at_least: 0.9}}}}"
    raise location.unknown("check", name, EXPECTATIONS, label)
