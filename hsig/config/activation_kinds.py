"""Activations as a user writes them, alone or several, and what is expected of them by label."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from hsig.config.kinds import (
    Choice,
    Kind,
    Number,
    Schema,
    Verdict,
    complete_list,
    mapping_schema,
    starting,
)
from hsig.config.values import REFUSED, Json, Place, Wrong, each, nearest, plain, read_settings

if TYPE_CHECKING:
    from hsig.experiments.experiment import Bound, Checks, Experiment
    from hsig.networks.activations import Activation

PARAMETERS: Mapping[str, Number | Choice] = {  # the settings of activations
    "slope": Number(0.0, 1e9, above=True),
    "shift": Number(-1e9, 1e9),
    "low": Number(infinite=True),
    "high": Number(infinite=True),
    "leak": Number(0.0, 1.0),
    "kink": Choice(("closed", "open")),
    "alpha": Number(0.0, 1e9, above=True),
    "backward": Choice(("own", "logistic", "output", "straight_through")),
}
_PARAMETER_ALIASES = {"negative_slope": "leak"}  # PyTorch's and JAX's word
SAME = "same"  # the output's activation is the hidden layer's


class Spec(Kind):
    """A name, `NAME:KEY=VALUE,...`, or a mapping with a name and settings."""

    def check(self, value: object, place: Place) -> Any:
        settings: dict[str, object] = {}
        name, named, nested = value, place, False
        if isinstance(value, str) and ":" in value:
            name, _, text = value.partition(":")
            settings = read_settings(text, place)
        elif isinstance(value, dict):
            name, named, nested = value.get("name"), place.below("name"), True
            settings = {key: part for key, part in value.items() if key != "name"}
        if not isinstance(name, str):
            raise named.expected("the name of an activation", name)
        return _with_settings(_find(name, named), settings, place, nested=nested)

    def several(self, text: str) -> Sequence[str]:
        return [str(part) for part in _split(text)]

    def schema(self) -> Schema:
        return {"anyOf": [_schema(), {"type": "null"}]}

    def complete(self, typed: str) -> list[str]:
        from hsig.networks.activations import ACTIVATIONS

        name, colon, settings = typed.partition(":")
        if not colon:
            return starting(ACTIVATIONS, typed)
        before, equals, value = settings.rpartition("=")
        setting = before.rpartition(",")[2]
        if equals and "," not in value:  # the value of a setting that is a choice
            offered = PARAMETERS[setting].complete(value) if setting in PARAMETERS else []
            return [f"{name}:{before}={choice}" for choice in offered]
        if name not in ACTIVATIONS:
            return []
        known = [f"{parameter}=" for parameter in (*ACTIVATIONS[name].parameters, "backward")]
        return [f"{name}:{made}" for made in complete_list(known, settings)]


class Trained(Spec):
    """The one activation of the hidden layer."""

    def resolved(self, experiment: "Experiment", _name: str) -> Json:
        hidden = [variant.hidden_activation for variant in experiment.variants]
        return spec_document(hidden[0]) if len(hidden) == 1 else None


class OutputSpec(Spec):
    """The activation of the output, or a word for that of the hidden layer."""

    def check(self, value: object, place: Place) -> Any:
        return value if value == SAME else super().check(value, place)

    def schema(self) -> Schema:
        return _schema()

    def complete(self, typed: str) -> list[str]:
        return super().complete(typed) + starting([SAME], typed)

    def resolved(self, experiment: "Experiment", _name: str) -> Json:
        from hsig.networks.network import default_output_activation

        outputs = [variant.output_activation for variant in experiment.variants]
        hidden = [variant.hidden_activation for variant in experiment.variants]
        if len(outputs) > 1 and outputs == [default_output_activation(one) for one in hidden]:
            return None
        return SAME if len(outputs) > 1 and outputs == hidden else spec_document(outputs[0])


class Baseline(Spec):
    """The variant that others are compared with, by its activation."""

    absent = ""

    def check(self, value: object, place: Place) -> str:
        from hsig.networks.activations import spell

        return spell(super().check(value, place))

    def resolved(self, experiment: "Experiment", _name: str) -> Json:
        return experiment.baseline or None


class Specs(Kind):
    """A list, or `NAME,NAME:KEY=VALUE,...`; a group stands for its members. No label twice."""

    absent: ClassVar[tuple["Activation", ...]] = ()

    def check(self, value: object, place: Place) -> "tuple[Activation, ...]":
        from hsig.networks.activations import ACTIVATIONS, GROUPS, spell

        listed = isinstance(value, list)
        parts = value if isinstance(value, list) else _split(value)
        if not parts:
            raise place.expected(f"activations, or a group: {', '.join(GROUPS)}", value)
        chosen: dict[str, Activation] = {}

        def take(part: object, where: Place) -> None:
            if isinstance(part, str) and part in GROUPS:
                found = [ACTIVATIONS[name] for name in GROUPS[part]]
            else:
                found = [_SPEC.check(part, where)]
            labels = [spell(activation) for activation in found]
            again = [label for label in labels if label in chosen]
            chosen.update(zip(labels, found, strict=True))
            for label in again:
                where.wrong(f"expected each activation once, got {label} again")
            if again:
                raise Wrong

        each(
            partial(take, part, place.below(index) if listed else place)
            for index, part in enumerate(parts)
        )
        return tuple(chosen.values())

    def schema(self) -> Schema:
        from hsig.networks.activations import GROUPS

        text = {"type": "string", "examples": list(GROUPS)}
        return {"anyOf": [text, {"type": "array", "minItems": 1, "items": _schema()}]}

    def complete(self, typed: str) -> list[str]:
        from hsig.networks.activations import GROUPS

        return _SPEC.complete(typed) + starting(GROUPS, typed)

    def document(self, value: "Sequence[Activation]") -> Json:
        return [spec_document(activation) for activation in value] or None


class Compared(Specs):
    """The activations that are compared."""

    def resolved(self, experiment: "Experiment", _name: str) -> Json:
        hidden = [variant.hidden_activation for variant in experiment.variants]
        return self.document(hidden) if len(hidden) > 1 else None


_SPEC = Spec()


def spec_document(activation: "Activation") -> dict[str, Json]:
    """An activation as a config would spell it in full."""
    parameters = {name: plain(value) for name, value in activation.parameters.items()}
    return {"name": activation.name, **parameters, "backward": activation.backward}


def _schema() -> Schema:
    from hsig.networks.activations import ACTIVATIONS

    settings: Schema = {name: kind.schema() for name, kind in PARAMETERS.items()}
    settings["backward"] = {"anyOf": [{"type": "null"}, settings["backward"]]}
    settings |= {word: settings[name] for word, name in _PARAMETER_ALIASES.items()}
    name: Schema = {"type": "string", "examples": list(ACTIVATIONS)}
    return {"anyOf": [name, mapping_schema({"name": name, **settings}, ["name"])]}


def _split(value: object) -> list[object]:
    """The specs of a text, where a comma stands between two of them or two of their settings."""
    if not isinstance(value, str):
        return [] if value is None or value is REFUSED else [value]
    specs: list[str] = []
    for part in value.split(","):
        setting = "=" in part and ":" not in part.partition("=")[0]
        if setting and specs and ":" in specs[-1]:
            specs[-1] += f",{part}"
        else:
            specs.append(part.strip())
    return list(specs)


def _find(name: str, place: Place) -> "Activation":
    from hsig.networks.activations import ACTIVATIONS, find_activations

    found = find_activations(name)
    if not found:
        aliases = [alias for activation in ACTIVATIONS.values() for alias in activation.aliases]
        raise place.wrong(
            f"unknown activation '{name}'.{nearest(name, [*ACTIVATIONS, *aliases])} "
            f"Known: {', '.join(ACTIVATIONS)}"
        )
    if len(found) > 1:
        meanings = "; ".join(
            f"'{activation.name}', {activation.formula}, for {', '.join(activation.aliases)}"
            for activation in found
        )
        raise place.wrong(f"'{name}' means different curves. Write {meanings}")
    return found[0]


def _with_settings(
    activation: "Activation", settings: Mapping[str, object], place: Place, *, nested: bool
) -> "Activation":
    """The activation with settings as they are written; `nested` if each has a place of its own."""

    def check(written: str, value: object) -> tuple[str, Any]:
        below = place.below(written) if nested else place
        name = _setting(activation, written, below)
        if value is None and name == "backward":
            return name, None  # the default
        where = below if nested else replace(place, about=f"{activation.name}:{written}")
        return name, PARAMETERS[name].check(value, where)

    checked = each(partial(check, *setting) for setting in settings.items())
    return set_parameters(activation, dict(checked), place)


def _setting(activation: "Activation", written: str, place: Place) -> str:
    """The name of a setting that the activation has."""
    known = [*activation.parameters, "backward"]
    name = _PARAMETER_ALIASES.get(written, written)
    if name not in known:
        raise place.wrong(
            f"{activation.name} has no setting '{written}'.{nearest(written, known)} "
            f"It has: {', '.join(known)}"
        )
    return name


def set_parameters(
    activation: "Activation", parameters: Mapping[str, Any], place: Place
) -> "Activation":
    """The activation with checked settings.

    Raises:
        Wrong: If it has no such setting, or they do not go together.
    """
    for name in parameters:
        _setting(activation, name, place)
    own = {name: value for name, value in parameters.items() if name != "backward"}
    changed = activation.with_settings(own, parameters.get("backward"))
    low, high = changed.parameters.get("low", 0.0), changed.parameters.get("high", 1.0)
    if not float(low) < float(high):
        raise place.wrong(f"expected low below high, got low {low:g} and high {high:g}")
    return changed


# --- expectations -----------------------------------------------------------------------------

EXPECTATIONS: Mapping[str, Kind] = {
    "solved_at_least": Number(0.0, 1.0),  # the smallest share of solved seeds
    "solved_at_most": Number(0.0, 1.0),  # the largest
    "verdict": Verdict(),  # of more than half of the seeds
}


class Expect(Kind):
    """`solved_at_least=0.9,verdict=solved`, or a mapping of the same, or of labels to such."""

    absent: ClassVar[Mapping[str, Any]] = {}

    def check(self, value: object, place: Place) -> "dict[str, Bound | Checks]":
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


def _check_part(name: str, part: object, place: Place) -> "Bound | Checks":
    """One check, or those of one variant under its label."""
    if not isinstance(part, dict):
        return _check_bound(name, part, place)
    own = each(partial(_check_bound, key, b, place.below(key)) for key, b in part.items())
    return dict(zip(part, own, strict=True))


def _check_bound(name: str, bound: object, place: Place) -> "Bound":
    from hsig.networks.activations import ACTIVATIONS

    if name in EXPECTATIONS:
        checked: Bound = EXPECTATIONS[name].check(bound, place)
        return checked
    if ":" in name or name in ACTIVATIONS:
        raise place.expected(
            f"checks of {name}, such as {{solved_at_least: 0.9}} (quote a label with commas)", bound
        )
    raise place.wrong(
        f"unknown check '{name}'.{nearest(name, EXPECTATIONS)} Known: {', '.join(EXPECTATIONS)}"
    )
