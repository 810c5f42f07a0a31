"""What is expected of a run, of all its variants or of one by its label."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from hsig.config.kinds import Choice, Kind, Number, Schema, complete_list, mapping_schema, table
from hsig.config.specs import Setting, read_settings
from hsig.config.values import Json, Location, check_all

if TYPE_CHECKING:
    from hsig.experiments.experiment import Bound, Checks

EXPECTATIONS: Mapping[str, Kind] = {
    "solved_at_least": Number(0.0, 1.0),  # the smallest share of solved seeds
    "solved_at_most": Number(0.0, 1.0),  # the largest
    "verdict": Choice(table("experiments.verdicts", "VERDICTS")),  # of more than half of the seeds
}


class Expect(Kind):
    """`solved_at_least=0.9,verdict=solved`, or a mapping of the same, or of labels to such."""

    empty_value: ClassVar[Mapping[str, Any]] = {}

    def check(self, value: object, location: Location) -> "dict[str, Bound | Checks]":
        settings = read_settings(value, location) if isinstance(value, str) else []
        if isinstance(value, dict):
            settings = [Setting(name, part, location.below(name)) for name, part in value.items()]
        if not isinstance(value, str | dict) or not all(setting.key for setting in settings):
            known = ", ".join(EXPECTATIONS)
            raise location.expected(f"checks such as solved_at_least=0.9 ({known})", value)
        return dict(check_all(partial(_check, *setting) for setting in settings))

    def schema(self) -> Schema:
        checks = mapping_schema({name: kind.schema() for name, kind in EXPECTATIONS.items()})
        return {"anyOf": [{"type": "string"}, {**checks, "additionalProperties": checks}]}

    def complete(self, typed: str) -> list[str]:
        return complete_list([f"{name}=" for name in EXPECTATIONS], typed)

    def document(self, value: "Mapping[str, Bound | Checks]") -> Json:
        return {
            name: dict(part) if isinstance(part, Mapping) else part for name, part in value.items()
        }


def _check(name: str, value: object, location: Location) -> tuple[str, Any]:
    """One check, or those of one variant under its label."""
    if isinstance(value, dict):
        inner = (partial(_check_bound, *pair, location.below(pair[0])) for pair in value.items())
        return name, dict(check_all(inner))
    return _check_bound(name, value, location)


def _check_bound(name: str, value: object, location: Location) -> "tuple[str, Bound]":
    if name not in EXPECTATIONS:
        label = f". Those of one variant: {{{name}: {{solved_at_least: 0.9}}}}"
        raise location.unknown("check", name, EXPECTATIONS, label)
    return name, EXPECTATIONS[name].check(value, location)
