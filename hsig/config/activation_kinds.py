"""Activations as a user writes them: alone, one of each layer, or several to compare."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from hsig.config.kinds import (
    MAX_DEPTH,
    OF_A_FORMULA,
    PARAMETER_ALIASES,
    PARAMETERS,
    SAME,
    SLOPES,
    Kind,
    Schema,
    complete_list,
    complete_word,
    mapping_schema,
    setting_kind,
)
from hsig.config.specs import (
    Spec,
    check_order,
    check_settings,
    is_bracketed,
    is_no_setting,
    read_bracketed,
    read_item,
    read_spec,
    split_specs,
)
from hsig.config.values import InvalidValue, Json, Location, Value, check_all, nearest, plain

if TYPE_CHECKING:
    from hsig.activations import Activation
    from hsig.experiments.experiment import Experiment

Layers = tuple["Activation", ...]  # of each hidden layer, or the one of all

MAX_BARE = 2  # settings of an activation that may do without their keys
_NOUN = "the name of an activation, or a formula"


class ActivationKind(Kind):
    """A name, `NAME:KEY=VALUE,...`, a formula, or a mapping of the same."""

    def check(self, value: object, location: Location) -> Any:
        from hsig.activations import Activation

        if isinstance(value, str) and value.startswith("{"):
            value = self.read(value, location)
        return value if isinstance(value, Activation) else _read_activation(value, location)

    def read(self, text: str, location: Location) -> object:
        return read_item(text, location, is_no_setting)

    def split_values(self, text: str) -> Sequence[str]:
        return split_specs(text, is_no_setting)

    def schema(self) -> Schema:
        return {"anyOf": [_schema(), {"type": "null"}]}

    def complete(self, typed: str) -> list[str]:
        from hsig.activations import ACTIVATIONS

        name, colon, settings = typed.partition(":")
        if not colon:
            return complete_word(ACTIVATIONS, typed)
        before, equals, value = settings.rpartition("=")
        setting = before.rpartition(",")[2]
        if equals and "," not in value:  # the value of a setting that is a choice
            offered = PARAMETERS[setting].complete(value) if setting in PARAMETERS else []
            return [f"{name}:{before}={choice}" for choice in offered]
        if name not in ACTIVATIONS:
            return []
        known = [f"{parameter}=" for parameter in (*ACTIVATIONS[name].parameters, *SLOPES)]
        return [f"{name}:{written}" for written in complete_list(known, settings)]

    def document(self, value: "Activation") -> Json:
        return spec_document(value)


class OutputActivation(ActivationKind):
    """The activation of the output, or a word for that of the hidden layer."""

    def check(self, value: object, location: Location) -> Any:
        return value if value == SAME else super().check(value, location)

    def complete(self, typed: str) -> list[str]:
        return super().complete(typed) + complete_word([SAME], typed)

    def resolved(self, experiment: "Experiment", _name: str) -> Json:
        from hsig.networks.network import default_output_activation

        outputs = [variant.output_activation for variant in experiment.variants]
        hidden = [variant.hidden_activations[-1] for variant in experiment.variants]
        if len(outputs) > 1 and outputs == [default_output_activation(last) for last in hidden]:
            return None
        return SAME if len(outputs) > 1 and outputs == hidden else spec_document(outputs[0])


class LayersKind(ActivationKind):
    """An activation, or a list with one of each hidden layer."""

    layered = True

    def check(self, value: object, location: Location) -> Layers:
        if isinstance(value, str) and is_bracketed(value):
            value = read_bracketed(value, location, is_no_setting)
        if not isinstance(value, list):
            return (super().check(value, location),)
        if not 1 <= len(value) <= MAX_DEPTH:
            raise location.expected(f"activations of 1 to {MAX_DEPTH} layers", value)
        checks = (partial(super(LayersKind, self).check, part, location.below(place))
                  for place, part in enumerate(value))  # fmt: skip
        return tuple(check_all(checks))

    def schema(self) -> Schema:
        layers = {"type": "array", "minItems": 1, "maxItems": MAX_DEPTH, "items": _schema()}
        return {"anyOf": [_schema(), layers, {"type": "null"}]}

    def document(self, value: Any) -> Json:
        return [spec_document(a) for a in value] if len(value) > 1 else spec_document(value[0])

    def resolved(self, experiment: "Experiment", _name: str) -> Json:
        hidden = [variant.hidden_activations for variant in experiment.variants]
        return self.document(hidden[0]) if len(hidden) == 1 else None


class Baseline(LayersKind):
    """The variant that others are compared with, by its activation."""

    empty_value = ""

    def check(self, value: object, location: Location) -> Any:
        return layers_text(super().check(value, location))

    def resolved(self, experiment: "Experiment", _name: str) -> Json:
        return experiment.baseline or None


class ActivationList(Kind):
    """A list, or `NAME,NAME:KEY=VALUE,...`; a group stands for its members. No label twice.

    Attributes:
        item: What each of them is.
    """

    empty_value: ClassVar[tuple[Any, ...]] = ()
    item: ClassVar[ActivationKind] = ActivationKind()

    def check(self, value: object, location: Location) -> tuple[Any, ...]:
        from hsig.activations.names import GROUPS

        listed = isinstance(value, list)
        parts = value if isinstance(value, list) else _split(value)
        if not parts:
            raise location.expected(f"activations, or a group: {', '.join(GROUPS)}", value)
        chosen: dict[str, Any] = {}

        def take(part: object, where: Location) -> None:
            found = self._members(part) or [self.item.check(part, where)]
            labels = [layers_text(layers) for layers in found]
            again = [label for label in labels if label in chosen]
            chosen.update(zip(labels, found, strict=True))
            for label in again:
                where.wrong(f"expected each activation once, got {label} again")
            if again:
                raise InvalidValue

        check_all(
            partial(take, part, location.below(place) if listed else location)
            for place, part in enumerate(parts)
        )
        return tuple(chosen.values())

    def _members(self, part: object) -> list[Any]:
        """Those of a group."""
        from hsig.activations.names import select_activations

        return list(select_activations(part)) if isinstance(part, str) else []

    def read(self, text: str, location: Location) -> object:
        return self.item.read(text, location)

    def schema(self) -> Schema:
        from hsig.activations.names import GROUPS

        text = {"type": "string", "examples": list(GROUPS)}
        return {"anyOf": [text, {"type": "array", "minItems": 1, "items": self.item.schema()}]}

    def complete(self, typed: str) -> list[str]:
        from hsig.activations.names import GROUPS

        return self.item.complete(typed) + complete_word(GROUPS, typed)

    def document(self, value: Sequence[Any]) -> Json:
        return [self.item.document(part) for part in value] or None


class Compared(ActivationList):
    """The activations that are compared."""

    item = LayersKind()

    def _members(self, part: object) -> list[Any]:
        return [(activation,) for activation in super()._members(part)]

    def resolved(self, experiment: "Experiment", _name: str) -> Json:
        hidden = [variant.hidden_activations for variant in experiment.variants]
        return self.document(hidden) if len(hidden) > 1 else None


def layers_text(layers: "Activation | Layers") -> str:
    """The shortest text that means some layers: that of the one, or `[tanh, relu]`."""
    from hsig.activations.names import to_text

    texts = [to_text(activation) for activation in layers] if isinstance(layers, tuple) else []
    if isinstance(layers, tuple):
        return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    return to_text(layers)


def spec_document(activation: "Activation") -> dict[str, Json]:
    """An activation as a config would spell it in full, with its formula."""
    settings = {name: plain(value) for name, value in activation.parameters.items()}
    slope = {"derivative": activation.slope_definition} if activation.slope_definition else {}
    slopes = {"kink": activation.kink, "backward": activation.backward}
    return {
        "name": activation.name, "formula": activation.definition, **settings, **slope, **slopes
    }  # fmt: skip


def _schema() -> Schema:
    from hsig.activations import ACTIVATIONS

    settings: Schema = {name: kind.schema() for name, kind in PARAMETERS.items()}
    settings |= {word: settings[name] for word, name in PARAMETER_ALIASES.items()}
    name: Schema = {"type": "string", "examples": list(ACTIVATIONS)}
    formula: Schema = {"type": "string", "examples": ["clip(slope*x + 0.5, 0, 1)"]}
    of_its_own = mapping_schema(
        {"name": {"type": "string"}, "formula": formula, "derivative": formula, **settings},
        ["formula"],
    )
    of_its_own["additionalProperties"] = OF_A_FORMULA.schema()  # its parameters have other names
    return {"anyOf": [name, mapping_schema({"name": name, **settings}, ["name"]), of_its_own]}


# --- formulas and their labels ----------------------------------------------------------------


def is_formula(value: object) -> bool:
    """Whether a plain value means a user's own activation."""
    from hsig.config.formulas import is_formula

    if isinstance(value, dict):
        return "formula" in value and not _is_row(value.get("name"), value["formula"])
    return isinstance(value, str) and is_formula(value.partition(":")[0])


def _is_row(name: object, formula: object) -> bool:
    """Whether a name of the table stands with its own formula, as records have it."""
    from hsig.activations import ACTIVATIONS

    return isinstance(name, str) and name in ACTIVATIONS and ACTIVATIONS[name].definition == formula


_NAMING = ("activation", "activations", "output_activation", "predict_with", "baseline")


def insert_formulas(values: Mapping[str, Value], config: Mapping[str, Value]) -> dict[str, Value]:
    """The values with a formula of a config wherever its label stands."""
    formulas: dict[str, object] = {}

    def collect(value: object) -> None:
        if isinstance(value, list):
            for part in value:
                collect(part)
        elif isinstance(value, dict) and "formula" in value:
            formulas[str(value.get("name"))] = value

    def insert(value: object) -> object:
        if isinstance(value, list):
            return [insert(part) for part in value]
        specs = _split(value)
        if isinstance(value, str) and len(specs) > 1 and formulas.keys() & {*specs}:
            return insert(specs)
        return formulas.get(value, value) if isinstance(value, str) else value

    for key in ("activation", "activations"):
        if key in config:
            collect(config[key].value)
    if not formulas:
        return {**values}
    return {
        key: part._replace(value=insert(part.value)) if key in _NAMING else part
        for key, part in values.items()
    }


def _split(value: object) -> list[object]:
    """The specs of a text, if it is one."""
    if isinstance(value, str):
        return [*split_specs(value, is_no_setting)]
    return [] if value is None else [value]


# --- one activation ---------------------------------------------------------------------------


def _read_activation(value: object, location: Location) -> "Activation":
    """The activation that a text or a mapping means."""
    from hsig.activations.names import find_activations
    from hsig.config.formulas import is_formula, read_formula

    if isinstance(value, dict) and "formula" in value:
        settings = {key: part for key, part in value.items() if key != "name"}
        if not _is_row(value.get("name"), value["formula"]):
            return read_formula(value.get("name"), settings, location)
        value = {key: part for key, part in value.items() if key != "formula"}
    spec = read_spec(value, location, _NOUN)
    is_text = isinstance(value, str)
    if is_text and is_formula(spec.name) and not find_activations(spec.name):
        if not all(setting.key for setting in spec.settings):
            raise location.wrong("expected KEY=VALUE pairs behind a formula, such as :b=0.3")
        settings = {setting.key: setting.value for setting in spec.settings}
        return read_formula(None, {"formula": spec.name, **settings}, location, nested=False)
    where = location.below("name") if isinstance(value, dict) and "name" in value else location
    activation = _find(spec.name, where)
    return set_parameters(activation, spec, location)


def set_parameters(activation: "Activation", spec: Spec, location: Location) -> "Activation":
    """The activation with the settings of a spec."""
    from hsig.activations.names import is_in_table

    parameters, is_formula = [*activation.parameters], not is_in_table(activation)
    declared = {
        name: setting_kind(name, of_a_formula=is_formula) for name in (*parameters, *SLOPES)
    }
    # of many it would be hard to say which is the first: that of leaky_relu is not its leak
    bare = parameters if len(parameters) <= MAX_BARE else []
    spec = spec._replace(name=activation.name)
    checked = check_settings(spec, declared, location, PARAMETER_ALIASES, bare)
    backward = checked.pop("backward", None)
    changed = activation.with_settings(checked, backward)
    check_order({"low": 0.0, "high": 1.0, **changed.parameters}, location)
    return changed


def _find(name: str, location: Location) -> "Activation":
    from hsig.activations import ACTIVATIONS
    from hsig.activations.names import aliases_of, all_aliases, find_activations, to_text

    if not name:
        raise location.expected(_NOUN, None)
    found = find_activations(name)
    if not found:
        raise location.wrong(
            f"unknown activation '{name}'.{nearest(name, [*ACTIVATIONS, *all_aliases()])} "
            f"Known: {', '.join(ACTIVATIONS)}. Or a formula, such as 'x*sigmoid(x)'"
        )
    if len(found) > 1:
        meanings = "; ".join(
            f"'{to_text(activation)}', {activation.formula}, for "
            f"{', '.join(aliases_of(activation))}"
            for activation in found
        )
        raise location.wrong(f"'{name}' means different functions. Write {meanings}")
    return found[0]
