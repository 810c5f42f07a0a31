"""What is expected of a run, of all its variants or of one by its label."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from hsig.config.kinds import Kind, Number, Schema, Verdict, complete_list, mapping_schema
from hsig.config.values import Json, Location, each, nearest, read_settings

if TYPE_CHECKING:
    from hsig.experiments.experiment import Bound, Checks

EXPECTATIONS: Mapping[str, Kind] = {
    "solved_at_least": Number(0.0, 1.0),  # the smallest share of solved seeds
    "solved_at_most": Number(0.0, 1.0),  # the largest
    "verdict": Verdict(),  # of more than half of the seeds
}


class Expect(Kind):
    """`solved_at_least=0.9,verdict=solved`, or a mapping of the same, or of labels to such."""

    empty_value: ClassVar[Mapping[str, Any]] = {}

    def check(self, value: object, place: Location) -> "dict[str, Bound | Checks]":
        checks = read_settings(value, place) if isinstance(value, str) else value
        if not isinstance(checks, dict):
            raise place.expected(
                f"checks such as solved_at_least=0.9 ({', '.join(EXPECTATIONS)})", value
            )
        bounds = each(
            partial(_check_part, name, part, place.below(name) if checks is value else place)
            for name, part in checks.items()
        )
        return dict(zip(checks, bounds, strict=True))

    def schema(self) -> Schema:
        checks = mapping_schema({name: kind.schema() for name, kind in EXPECTATIONS.items()})
        return {"anyOf": [{"type": "string"}, {**checks, "additionalProperties": checks}]}

    def complete(self, typed: str) -> list[str]:
        return complete_list([f"{name}=" for name in EXPECTATIONS], typed)

    def document(self, value: "Mapping[str, Bound | Checks]") -> Json:
        return {
            name: dict(part) if isinstance(part, Mapping) else part for name, part in value.items()
        }


def _check_part(name: str, part: object, place: Location) -> "Bound | Checks":
    """One check, or those of one variant under its label."""
    if not isinstance(part, dict):
        return _check_bound(name, part, place)
    own = each(partial(_check_bound, key, b, place.below(key)) for key, b in part.items())
    return dict(zip(part, own, strict=True))


def _check_bound(name: str, bound: object, place: Location) -> "Bound":
    from hsig.activations import ACTIVATIONS
    from hsig.config.formulas import is_formula

    if name in EXPECTATIONS:
        checked: Bound = EXPECTATIONS[name].check(bound, place)
        return checked
    if ":" in name or name in ACTIVATIONS or is_formula(name):
        raise place.expected(
            f"checks of {name}, such as {{solved_at_least: 0.9}} (quote a label with commas)", bound
        )
    raise place.wrong(
        f"unknown check '{name}'.{nearest(name, EXPECTATIONS)} Known: {', '.join(EXPECTATIONS)}"
    )
