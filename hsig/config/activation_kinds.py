"""Activations as a user writes them, alone or several: by name, or as formulas."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from hsig.config.kinds import (
    OF_A_FORMULA,
    PARAMETER_ALIASES,
    PARAMETERS,
    SAME,
    SLOPES,
    Kind,
    Schema,
    complete_list,
    kind_of_setting,
    mapping_schema,
    starting,
)
from hsig.config.values import (
    INVALID,
    InvalidValue,
    Json,
    Location,
    Value,
    each,
    nearest,
    plain,
    read_settings,
)

if TYPE_CHECKING:
    from hsig.activations import Activation
    from hsig.experiments.experiment import Experiment


def is_formula(value: object) -> bool:
    """Whether a plain value means a user's own activation."""
    from hsig.config.formulas import is_formula

    if isinstance(value, dict):
        return "formula" in value and not _is_row(value.get("name"), value["formula"])
    return isinstance(value, str) and is_formula(value.partition(":")[0])


class Spec(Kind):
    """A name, `NAME:KEY=VALUE,...`, or a mapping with a name and settings."""

    def check(self, value: object, place: Location) -> Any:
        from hsig.activations import Activation

        if isinstance(value, Activation):  # from Python
            return value
        if isinstance(value, str):
            return _of_text(value, place)
        if not isinstance(value, dict):
            raise place.expected("the name of an activation, or a formula", value)
        settings = {key: part for key, part in value.items() if key != "name"}
        name, named = value.get("name"), place.below("name")
        if "formula" in value and not _is_row(name, value["formula"]):
            from hsig.config.formulas import read_formula

            return read_formula(name, settings, place)
        if not isinstance(name, str):
            raise named.expected("the name of an activation", name)
        settings.pop("formula", None)
        return _with_settings(_find(name, named), settings, place, nested=True)

    def split_values(self, text: str) -> Sequence[str]:
        return [str(part) for part in _split(text)]

    def schema(self) -> Schema:
        return {"anyOf": [_schema(), {"type": "null"}]}

    def complete(self, typed: str) -> list[str]:
        from hsig.activations import ACTIVATIONS

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
        known = [f"{parameter}=" for parameter in (*ACTIVATIONS[name].parameters, *SLOPES)]
        return [f"{name}:{made}" for made in complete_list(known, settings)]


class Trained(Spec):
    """The one activation of the hidden layer."""

    def resolved(self, experiment: "Experiment", _name: str) -> Json:
        hidden = [variant.activation for variant in experiment.variants]
        return spec_document(hidden[0]) if len(hidden) == 1 else None


class OutputSpec(Spec):
    """The activation of the output, or a word for that of the hidden layer."""

    def check(self, value: object, place: Location) -> Any:
        return value if value == SAME else super().check(value, place)

    def schema(self) -> Schema:
        return _schema()

    def complete(self, typed: str) -> list[str]:
        return super().complete(typed) + starting([SAME], typed)

    def resolved(self, experiment: "Experiment", _name: str) -> Json:
        from hsig.networks.network import default_output_activation

        outputs = [variant.output_activation for variant in experiment.variants]
        hidden = [variant.activation for variant in experiment.variants]
        if len(outputs) > 1 and outputs == [default_output_activation(one) for one in hidden]:
            return None
        return SAME if len(outputs) > 1 and outputs == hidden else spec_document(outputs[0])


class Baseline(Spec):
    """The variant that others are compared with, by its activation."""

    empty_value = ""

    def check(self, value: object, place: Location) -> str:
        from hsig.activations.names import to_text

        return to_text(super().check(value, place))

    def resolved(self, experiment: "Experiment", _name: str) -> Json:
        return experiment.baseline or None


class Specs(Kind):
    """A list, or `NAME,NAME:KEY=VALUE,...`; a group stands for its members. No label twice."""

    empty_value: ClassVar[tuple["Activation", ...]] = ()

    def check(self, value: object, place: Location) -> "tuple[Activation, ...]":
        from hsig.activations.names import GROUPS, select_activations, to_text

        listed = isinstance(value, list)
        parts = value if isinstance(value, list) else _split(value)
        if not parts:
            raise place.expected(f"activations, or a group: {', '.join(GROUPS)}", value)
        chosen: dict[str, Activation] = {}

        def take(part: object, where: Location) -> None:
            group = select_activations(part) if isinstance(part, str) else ()
            found = list(group) or [_SPEC.check(part, where)]
            labels = [to_text(activation) for activation in found]
            again = [label for label in labels if label in chosen]
            chosen.update(zip(labels, found, strict=True))
            for label in again:
                where.wrong(f"expected each activation once, got {label} again")
            if again:
                raise InvalidValue

        each(
            partial(take, part, place.below(index) if listed else place)
            for index, part in enumerate(parts)
        )
        return tuple(chosen.values())

    def schema(self) -> Schema:
        from hsig.activations.names import GROUPS

        text = {"type": "string", "examples": list(GROUPS)}
        return {"anyOf": [text, {"type": "array", "minItems": 1, "items": _schema()}]}

    def complete(self, typed: str) -> list[str]:
        from hsig.activations.names import GROUPS

        return _SPEC.complete(typed) + starting(GROUPS, typed)

    def document(self, value: "Sequence[Activation]") -> Json:
        return [spec_document(activation) for activation in value] or None


class Compared(Specs):
    """The activations that are compared."""

    def resolved(self, experiment: "Experiment", _name: str) -> Json:
        hidden = [variant.activation for variant in experiment.variants]
        return self.document(hidden) if len(hidden) > 1 else None


_SPEC = Spec()


_NAMING = ("activation", "activations", "output_activation", "predict_with", "baseline")


def with_labels(given: Mapping[str, Value], config: Mapping[str, Value]) -> dict[str, Value]:
    """The same with a formula of a config wherever its label stands."""
    labelled: dict[str, object] = {}
    for key in ("activation", "activations"):
        value = config[key].value if key in config else None
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict) and "formula" in one and isinstance(one.get("name"), str):
                labelled[one["name"]] = one
    made = dict(given)
    for key in _NAMING:
        part = given.get(key)
        if part is None:
            continue
        listed = part.value if isinstance(part.value, list) else _split(part.value)
        specs = [labelled.get(spec, spec) if isinstance(spec, str) else spec for spec in listed]
        if specs != listed:
            several = key in ("activations", "predict_with")
            made[key] = part._replace(value=specs if several else specs[0])
    return made


def spec_document(activation: "Activation") -> dict[str, Json]:
    """An activation as a config would spell it in full, with its formula."""
    own = {name: plain(value) for name, value in activation.parameters.items()}
    given = {"derivative": activation.slope_definition} if activation.slope_definition else {}
    slopes = {"kink": activation.kink, "backward": activation.backward}
    return {"name": activation.name, "formula": activation.definition, **own, **given, **slopes}


def _schema() -> Schema:
    from hsig.activations import ACTIVATIONS

    settings: Schema = {name: kind.schema() for name, kind in PARAMETERS.items()}
    settings["backward"] = {"anyOf": [{"type": "null"}, settings["backward"]]}
    settings |= {word: settings[name] for word, name in PARAMETER_ALIASES.items()}
    name: Schema = {"type": "string", "examples": list(ACTIVATIONS)}
    formula: Schema = {"type": "string", "examples": ["clip(slope*x + 0.5, 0, 1)"]}
    own = mapping_schema(
        {"name": {"type": "string"}, "formula": formula, "derivative": formula, **settings},
        ["formula"],
    )
    own["additionalProperties"] = OF_A_FORMULA.schema()  # its parameters have names of their own
    return {"anyOf": [name, mapping_schema({"name": name, **settings}, ["name"]), own]}


def _split(value: object) -> list[object]:
    """The specs of a text, where a comma stands between two of them or two of their settings."""
    if not isinstance(value, str):
        return [] if value is None or value is INVALID else [value]
    specs: list[str] = []
    for part in _outside_brackets(value):
        setting = re.match(r"\s*\w+\s*=(?!=)", part)
        if setting and specs and ":" in specs[-1]:
            specs[-1] += f",{part}"
        else:
            specs.append(part.strip())
    return list(specs)


def _outside_brackets(text: str) -> list[str]:
    """The parts between commas that are in no brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _of_text(written: str, place: Location) -> "Activation":
    """`NAME`, `FORMULA`, or one of them with `:KEY=VALUE,...` behind it."""
    from hsig.activations.names import find_activations
    from hsig.config.formulas import is_formula, read_formula

    head, colon, text = written.strip().partition(":")
    settings = read_settings(text, place) if colon else {}
    if is_formula(head) and not find_activations(head):
        return read_formula(None, {"formula": head, **settings}, place, nested=False)
    return _with_settings(_find(head, place), settings, place, nested=False)


def _is_row(name: object, formula: object) -> bool:
    """Whether a name of the table stands with its own formula, as records have it."""
    from hsig.activations import ACTIVATIONS

    return isinstance(name, str) and name in ACTIVATIONS and ACTIVATIONS[name].definition == formula


def _find(name: str, place: Location) -> "Activation":
    from hsig.activations import ACTIVATIONS
    from hsig.activations.names import aliases_of, all_aliases, find_activations, to_text

    if not name.strip():
        raise place.expected("the name of an activation, or a formula", None)
    found = find_activations(name)
    if not found:
        raise place.wrong(
            f"unknown activation '{name}'.{nearest(name, [*ACTIVATIONS, *all_aliases()])} "
            f"Known: {', '.join(ACTIVATIONS)}. Or a formula, such as 'x*sigmoid(x)'"
        )
    if len(found) > 1:
        meanings = "; ".join(
            f"'{to_text(activation)}', {activation.formula}, for "
            f"{', '.join(aliases_of(activation))}"
            for activation in found
        )
        raise place.wrong(f"'{name}' means different functions. Write {meanings}")
    return found[0]


def _with_settings(
    activation: "Activation", settings: Mapping[str, object], place: Location, *, nested: bool
) -> "Activation":
    """The activation with settings as they are written; `nested` if each has a place of its own."""

    def check(written: str, value: object) -> tuple[str, Any]:
        below = place.below(written) if nested else place
        name = _setting(activation, written, below)
        if value is None and name == "backward":
            return name, None  # the default
        where = below if nested else replace(place, about=f"{activation.name}:{written}")
        return name, kind_of_setting(name).check(value, where)

    checked = each(partial(check, *setting) for setting in settings.items())
    return set_parameters(activation, dict(checked), place)


def _setting(activation: "Activation", written: str, place: Location) -> str:
    """The name of a setting that the activation has."""
    known = [*activation.parameters, *SLOPES]
    name = PARAMETER_ALIASES.get(written, written)
    if name not in known:
        raise place.wrong(
            f"{activation.name} has no setting '{written}'.{nearest(written, known)} "
            f"It has: {', '.join(known)}"
        )
    return name


def set_parameters(
    activation: "Activation", parameters: Mapping[str, Any], place: Location
) -> "Activation":
    """The activation with checked settings.

    Raises:
        InvalidValue: If it has no such setting, or they do not go together.
    """
    for name in parameters:
        _setting(activation, name, place)
    own = {name: value for name, value in parameters.items() if name != "backward"}
    changed = activation.with_settings(own, parameters.get("backward"))
    low, high = changed.parameters.get("low", 0.0), changed.parameters.get("high", 1.0)
    if not float(low) < float(high):
        raise place.wrong(f"expected low below high, got low {low:g} and high {high:g}")
    return changed
