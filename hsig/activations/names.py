"""The names by which activations are found: here, elsewhere, in groups, and in formulas."""

from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from functools import cache
from math import isinf
from types import MappingProxyType

from hsig.activations.activation import Activation, Parameter
from hsig.activations.table import ACTIVATIONS, HIDDEN, SIGMOIDS, SURVEYED
from hsig.formulas.derivative import substitute
from hsig.formulas.nodes import Node

_GROUPED = (*SIGMOIDS, *HIDDEN, *SURVEYED)

# --- names elsewhere --------------------------------------------------------------------------

# parts of a framework's module names, between the framework and the function
_MODULES = {"nn", "functional", "activations", "layers", "math", "numpy", "lax", "special", "scipy"}
_SYNONYMS = {"keras3": "keras"}
_BACK_ENDS = ("jax", "tf", "torch")  # of Keras


@cache
def all_aliases() -> Mapping[str, Activation]:
    """What activations are called elsewhere, each name with what it means there."""
    found: dict[str, Activation] = {}
    for row in ACTIVATIONS.values():
        for names, settings in row.spellings:
            meant = row.with_settings(_read(settings), None)
            found |= dict.fromkeys(names.split(), meant)
    return MappingProxyType(found)


def _read(settings: str) -> dict[str, Parameter]:
    """Settings as a row writes them: `leak=0.2,kink=closed`."""
    pairs = [part.partition("=") for part in settings.split(",") if part]
    return {name: value if name == "kink" else float(value) for name, _, value in pairs}


def find_activations(name: str) -> tuple[Activation, ...]:
    """Every activation that `name` may mean: none, one, or several that differ.

    A name in hsig or a spelling elsewhere means one. `keras.NAME` means it on any back end, so one
    of several where they differ. A framework's name without the framework means all that any
    framework calls so, however it spells it: `hard_sigmoid` means two curves.

    >>> [a.name for a in find_activations("torch.nn.Hardsigmoid")]
    ['hard_torch']
    >>> [to_text(a) for a in find_activations("hard_sigmoid")]
    ['hard', 'hard_torch']
    >>> [to_text(a) for a in find_activations("keras.activations.leaky_relu")]
    ['leaky_relu:leak=0.2,kink=closed', 'leaky_relu:leak=0.2']
    """
    if name in ACTIVATIONS:
        return (ACTIVATIONS[name],)
    wanted = _key(name)
    framework, _, rest = wanted.partition(".")
    keys = [{wanted}]
    if framework == "keras":
        back_end, _, function = rest.partition(".")
        keys += [{f"keras.{function}"}] if back_end in _BACK_ENDS else []
        keys += [{f"keras.{back_end}.{rest}" for back_end in _BACK_ENDS}]
    for accepted in keys:
        found = dict.fromkeys(meant for alias, meant in _known() if alias in accepted)
        if found:
            return tuple(found)
    bare = _bare(wanted)
    if not bare:
        return ()
    return tuple(dict.fromkeys(meant for alias, meant in _known() if bare == _bare(_last(alias))))


@cache
def _known() -> tuple[tuple[str, Activation], ...]:
    return tuple((_key(alias), meant) for alias, meant in all_aliases().items())


def _key(name: str) -> str:
    """A spelling without the modules in between: `torch.nn.Mish` is `torch.Mish`."""
    framework, *rest = name.split(".")
    if not rest or "(" in name:
        return name
    kept = [part for part in rest if part not in _MODULES] or rest[-1:]
    return ".".join([_SYNONYMS.get(framework, framework), *kept])


def _last(alias: str) -> str:
    return alias.rpartition(".")[2] if "(" not in alias else ""


def _bare(name: str) -> str:
    return name.casefold().replace("_", "")


def aliases_of(activation: Activation) -> tuple[str, ...]:
    """What others call this very function, with its slope at kinks.

    Which slope training uses otherwise makes no other function.

    >>> aliases_of(ACTIVATIONS["hard_torch"])[0]
    'torch.nn.Hardsigmoid'
    >>> aliases_of(ACTIVATIONS["hard"].with_settings({"slope": 0.3}, None))
    ()
    """
    return tuple(name for name, meant in all_aliases().items() if _same(meant, activation))


def _same(one: Activation, other: Activation) -> bool:
    functions = [(a.definition, a.settings, a.kink, a.slope_definition) for a in (one, other)]
    return functions[0] == functions[1]


def is_in_table(activation: Activation) -> bool:
    """Whether it is one of the table, in any setting."""
    row = ACTIVATIONS.get(activation.name)
    return row is not None and row.definition == activation.definition


def to_text(activation: Activation) -> str:
    """The shortest text that means this activation, such as `hard:slope=0.25`; else its label.

    >>> to_text(ACTIVATIONS["hard"].with_settings({"slope": 0.25}, "logistic"))
    'hard:slope=0.25,backward=logistic'
    """
    default = Activation(activation.name, activation.definition, settings=activation.settings)
    if is_in_table(activation):
        default = ACTIVATIONS[activation.name]
    changed: dict[str, Parameter | None] = {
        name: value
        for name, value in activation.parameters.items()
        if value != default.parameters[name]
    }
    for name in ("kink", "backward"):
        if getattr(activation, name) != getattr(default, name):
            changed[name] = getattr(activation, name)
    settings = ",".join(f"{n}={format_number(v)}" for n, v in changed.items() if v is not None)
    return f"{activation.name}:{settings}" if settings else activation.name


def format_number(value: Parameter) -> str:
    """A setting as a config has it, no longer than it must be to mean just this number.

    >>> [format_number(value) for value in (0.25, 1e-9, 0.12345678, float("inf"))]
    ['0.25', '1e-09', '0.12345678', '.inf']
    """
    if isinstance(value, str):
        return value
    if isinf(value):
        return ".inf" if value > 0 else "-.inf"  # as YAML has it
    value += 0.0  # -0 is 0
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


# --- groups -----------------------------------------------------------------------------------

Members = Callable[[], Iterable[Activation]]


def _is_smooth(row: Activation) -> bool:
    """Whether neither its value nor its slope changes at once anywhere."""
    return not row.function.breaks


def _is_piecewise(row: Activation) -> bool:
    """Whether it is made of lines alone, of two at least."""
    return len(row.linear_pieces) == len(row.function.breakpoints) + 1 >= 2


def _all_that(test: Callable[[Activation], bool]) -> Members:
    return lambda: filter(test, _GROUPED)


def _of(framework: str) -> Members:
    """All that a framework has, each as it is there; of Keras what no back end has otherwise."""
    grouped = {row.name for row in _GROUPED}
    return lambda: dict.fromkeys(
        meant for alias, meant in _known() if alias.startswith(framework) and meant.name in grouped
    )


GROUPS: Mapping[str, Members] = MappingProxyType(
    {
        "sigmoids": lambda: SIGMOIDS,
        "hidden": lambda: (*HIDDEN, *SURVEYED),
        "smooth": _all_that(_is_smooth),
        "piecewise": _all_that(_is_piecewise),
        **{name: _of(f"{name}.") for name in ("torch", "jax", "keras", "onnx")},
        "all": lambda: _GROUPED,
    }
)


def select_activations(name: str) -> tuple[Activation, ...]:
    """The activations of a group, or those of the table whose names match a pattern like `hard*`.

    >>> [row.name for row in select_activations("hard_t*")]
    ['hard_torch', 'hard_taylor', 'hard_tanh']
    """
    if name in GROUPS:
        return tuple(GROUPS[name]())
    if not any(character in name for character in "*?["):
        return ()
    return tuple(row for row in ACTIVATIONS.values() if fnmatchcase(row.name, name))


# --- calling -------------------------------------------------------------------------------------

# The activations of the table as functions that formulas can call, `hard(2*x, slope=0.3)`.


def inline_activation(name: str, inner: Node, settings: Mapping[str, float]) -> Node | None:
    """The formula of an activation of the table, with a node in place of x; None if it has none.

    Raises:
        KeyError: If it has no such setting.
    """
    row = ACTIVATIONS.get(name)
    if row is None:
        return None
    chosen = row.with_settings(settings, None)
    return substitute(chosen.function.value, {"x": inner})
