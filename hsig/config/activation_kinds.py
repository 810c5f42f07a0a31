"""Activations as a user writes them: alone, one of each layer, or several to compare."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from hsig.config.kinds import (
    MAX_DEPTH,
    OF_A_FORMULA,
    PARAMETER_ALIASES,
    PARAMETERS,
    SLOPES,
    Kind,
    Schema,
    SpecKind,
    complete_word,
    first_parameters,
    mapping_schema,
    parameter_of,
    setting_kind,
    table,
)
from hsig.config.specs import (
    Spec,
    check_order,
    check_settings,
    is_bracketed,
    read_item,
    read_spec,
    split_specs,
)
from hsig.config.values import InvalidValue, Json, Location, Value, check_all, describe, plain

if TYPE_CHECKING:
    from hsig.activations import Activation

Layers = tuple["Activation", ...]  # of each hidden layer, or the one of all

_NOUN = "the name of an activation, or a formula"
_rows = table("activations", "ACTIVATIONS")
_groups = table("activations.names", "GROUPS")


@dataclass(frozen=True, eq=False, repr=False)
class ActivationKind(SpecKind):
    """A name, `NAME:KEY=VALUE,...`, a formula, or a mapping of the same."""

    # whether a value is a tuple, of one for all hidden layers or one of each, as a list has them
    layered: bool = False
    words: tuple[str, ...] = ()  # what stands for no activation of its own

    def check(self, value: object, location: Location) -> Any:
        if isinstance(value, str):
            if value in self.words:
                return value
            if value.startswith("{") or (self.layered and is_bracketed(value)):
                value = read_item(value, location)
        if not self.layered or not isinstance(value, list):
            activation = read_activation(value, location)
            return (activation,) if self.layered else activation
        if not 1 <= len(value) <= MAX_DEPTH:
            raise location.expected(f"activations of 1 to {MAX_DEPTH} layers", value)
        read = (partial(read_activation, p, location.below(n)) for n, p in enumerate(value))
        return tuple(check_all(read))

    def schema(self) -> Schema:
        settings: Schema = {name: kind.schema() for name, kind in PARAMETERS.items()}
        settings |= {word: settings[name] for word, name in PARAMETER_ALIASES.items()}
        name: Schema = {"type": "string", "examples": list(_rows())}
        formula: Schema = {"type": "string", "examples": ["clip(slope*x + 0.5, 0, 1)"]}
        named = {"name": {"type": "string"}, "formula": formula, "derivative": formula, **settings}
        of_its_own = mapping_schema(named, ["formula"])
        of_its_own["additionalProperties"] = OF_A_FORMULA.schema()  # parameters have other names
        in_table = mapping_schema({"name": name, **settings}, ["name"])
        one: Schema = {"anyOf": [name, in_table, of_its_own]}
        listed = {"type": "array", "minItems": 1, "maxItems": MAX_DEPTH, "items": one}
        return {"anyOf": [one, *([listed] if self.layered else []), {"type": "null"}]}

    def names(self) -> Sequence[str]:
        return (*_rows(), *self.words)

    def settings_of(self, name: str) -> Mapping[str, Kind]:
        keys = (*_rows()[name].parameters, *SLOPES) if name in _rows() else ()
        return {key: setting_kind(key) for key in keys}

    def document(self, value: Any) -> Json:
        if value is None or isinstance(value, str):  # a label
            return value or None
        if not isinstance(value, tuple):
            return spec_document(value)
        return [*map(spec_document, value)] if len(value) > 1 else spec_document(value[0])


@dataclass(frozen=True, eq=False, repr=False)
class ActivationList(Kind):
    """A list, or `NAME,NAME:KEY=VALUE,...`; a group stands for its members. No label twice."""

    item: ActivationKind
    empty_value: ClassVar[tuple[Any, ...]] = ()

    def check(self, value: object, location: Location) -> tuple[Any, ...]:
        from hsig.activations.names import select_activations

        listed = isinstance(value, list)
        parts = value if isinstance(value, list) else _split(value)
        if not parts:
            raise location.expected(f"activations, or a group: {', '.join(_groups())}", value)
        chosen: dict[str, Any] = {}

        def take(part: object, where: Location) -> None:
            group = select_activations(part) if isinstance(part, str) else ()
            members = [(member,) if self.item.layered else member for member in group]
            for found in members or [self.item.check(part, where)]:
                label = layers_text(found)
                if label in chosen:
                    raise where.wrong(f"expected each activation once, got {label} again")
                chosen[label] = found

        check_all(
            partial(take, part, location.below(place) if listed else location)
            for place, part in enumerate(parts)
        )
        return tuple(chosen.values())

    def schema(self) -> Schema:
        text = {"type": "string", "examples": list(_groups())}
        return {"anyOf": [text, {"type": "array", "minItems": 1, "items": self.item.schema()}]}

    def complete(self, typed: str) -> list[str]:
        return self.item.complete(typed) + complete_word(_groups(), typed)

    def document(self, value: Sequence[Any]) -> Json:
        return [self.item.document(part) for part in value] or None


def layers_text(layers: "Activation | Layers") -> str:
    """The shortest text that means some layers: that of the one, or `[tanh, relu]`."""
    from hsig.activations.names import to_text

    texts = [to_text(part) for part in (layers if isinstance(layers, tuple) else (layers,))]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def spec_document(activation: "Activation") -> dict[str, Json]:
    """An activation as a config would spell it in full, with its formula."""
    document: dict[str, Json] = {"name": activation.name, "formula": activation.definition}
    document |= {name: plain(value) for name, value in activation.parameters.items()}
    if activation.slope_definition:
        document["derivative"] = activation.slope_definition
    return {**document, "kink": activation.kink, "backward": activation.backward}


# --- formulas and their labels ----------------------------------------------------------------


def is_formula(value: object) -> bool:
    """Whether a plain value means a user's own activation."""
    from hsig.config.formulas import is_formula

    if isinstance(value, dict):
        # records have the names of the table with their formulas
        row = _rows().get(str(value.get("name")))
        return "formula" in value and (row is None or row.definition != value["formula"])
    return isinstance(value, str) and is_formula(value.partition(":")[0])


_NAMING = ("activation", "activations", "output_activation", "predict_with", "baseline")


def insert_formulas(values: Mapping[str, Value], config: Mapping[str, Value]) -> dict[str, Value]:
    """The values with a formula of a config wherever its label stands."""
    formulas: dict[str, object] = {}
    for key in ("activation", "activations"):
        _collect_formulas(config[key].value if key in config else None, formulas)

    def insert(value: object) -> object:
        if isinstance(value, list):
            return [insert(part) for part in value]
        if not isinstance(value, str):
            return value
        specs = split_specs(value)
        several = len(specs) > 1 and formulas.keys() & {*specs}
        return insert(specs) if several else formulas.get(value, value)

    naming = {key: values[key] for key in _NAMING if formulas and key in values}
    return {**values, **{k: v._replace(value=insert(v.value)) for k, v in naming.items()}}


def _collect_formulas(value: object, formulas: dict[str, object]) -> None:
    if isinstance(value, list):
        for part in value:
            _collect_formulas(part, formulas)
    elif isinstance(value, dict) and "formula" in value:
        formulas[str(value.get("name"))] = value


def _split(value: object) -> list[object]:
    """The specs of a text, if it is one."""
    if isinstance(value, str):
        return [*split_specs(value)]
    return [] if value is None else [value]


# --- one activation ---------------------------------------------------------------------------


def read_activation(value: object, location: Location) -> "Activation":
    """The activation that a text or a mapping means."""
    before = len(location.problems)
    try:
        return _read_activation(value, location)
    except InvalidValue:
        location.problems[before:] = _respell(value, location) or location.problems[before:]
        raise


def _read_activation(value: object, location: Location) -> "Activation":
    from hsig.activations import Activation
    from hsig.activations.names import aliases_of, find_activations, to_text
    from hsig.config.formulas import read_formula

    if isinstance(value, Activation):
        return value
    if isinstance(value, dict) and "formula" in value:
        if is_formula(value):
            return read_formula(value, location)
        value = {key: part for key, part in value.items() if key != "formula"}
    spec = read_spec(value, location, _NOUN)
    if isinstance(value, str) and is_formula(value) and not find_activations(spec.name):
        return read_formula({"formula": spec.name}, location, spec.settings)
    where = location.below("name") if isinstance(value, dict) and "name" in value else location
    found = _find(spec.name, where)
    if len({activation.name for activation in found}) == 1:
        found = tuple(dict.fromkeys(set_parameters(row, spec, location) for row in found))
    if len({(row.definition, row.settings) for row in found}) > 1:
        ways = "; ".join(
            f"'{to_text(row)}', {row.formula}, for {', '.join(aliases_of(row))}" for row in found
        )
        differ = _comparing(map(to_text, found))
        raise where.wrong(f"'{spec.name}' means different functions. Write {ways}.{differ}")
    return found[0]


def _respell(value: object, location: Location) -> list[str]:
    """The complaint about what is right in another program; else none."""
    from hsig.activations.names import is_in_table, to_text
    from hsig.config.spellings import translate

    text = translate(value) if isinstance(value, str) else None
    if text is None:
        return []
    here = replace(location, problems=[])
    try:
        found = _read_activation(text, here)
    except InvalidValue:
        return [] if is_formula(text) else here.problems
    hint = to_text(found) if is_in_table(found) else text
    here.wrong(f"expected {_NOUN}, got {describe(value)}. Did you mean '{hint}'?")
    return here.problems


def set_parameters(activation: "Activation", spec: Spec, location: Location) -> "Activation":
    """The activation with the settings of a spec."""
    from hsig.activations.names import is_in_table
    from hsig.config.formulas import check_function

    kind_of = partial(setting_kind, of_a_formula=not is_in_table(activation))
    declared = {name: kind_of(name) for name in (*activation.parameters, *SLOPES)}
    spec = spec._replace(name=activation.name)
    rename = partial(parameter_of, activation.name)
    checked = check_settings(spec, declared, location, rename, first_parameters(activation))
    backward = checked.pop("backward", None)
    changed = activation.with_settings(checked, backward)
    check_order({"low": 0.0, "high": 1.0, **changed.parameters}, location)
    if spec.settings:
        check_function(changed, location)
    return changed


def _find(name: str, location: Location) -> "tuple[Activation, ...]":
    """What a name means, in hsig or elsewhere: one activation or several."""
    from hsig.activations.names import explain_refusal, find_activations, suggest_activations

    if not name:
        raise location.expected(_NOUN, None)
    if found := find_activations(name):
        return found
    if why := explain_refusal(name):
        raise location.wrong(f"'{name}' is no activation here. {why}")
    meant = suggest_activations(name)
    hint = f" Did you mean {' or '.join(map(repr, meant))}?" if meant else ""
    command = f".{_comparing(meant)}" if len(meant) > 1 else ""
    raise location.wrong(
        f"unknown activation '{name}'.{hint} Known: {', '.join(_rows())}. Or a formula, such "
        f"as 'x*sigmoid(x)'{command}"
    )


def _comparing(texts: Iterable[str]) -> str:
    """A command that shows what is different, to paste."""
    return f" To see how they differ: {shlex.join(['hsig', 'compare', *texts])}"
