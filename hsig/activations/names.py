"""The names of activations: in hsig, in frameworks, as text in a config, in groups and formulas."""

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

# --- aliases -------------------------------------------------------------------------------------

# parts of a framework's module names, between the framework and the function
_MODULES = {"nn", "functional", "activations", "layers", "math", "numpy", "lax", "special", "scipy"}
_SYNONYMS = {"keras3": "keras"}
_BACK_ENDS = ("jax", "tf", "torch")  # of Keras


@cache
def all_aliases() -> Mapping[str, Activation]:
    """Every name of an activation in a framework, with the activation that it means there."""
    aliases: dict[str, Activation] = {}
    for row in ACTIVATIONS.values():
        for names, settings in row.aliases:
            aliases |= dict.fromkeys(names.split(), row.with_settings(_parse_settings(settings)))
    return MappingProxyType(aliases)


def _parse_settings(settings: str) -> dict[str, Parameter]:
    """Settings as a row writes them: `leak=0.2,kink=closed`."""
    pairs = [part.partition("=") for part in settings.split(",") if part]
    return {name: value if name == "kink" else float(value) for name, _, value in pairs}


def find_activations(name: str) -> tuple[Activation, ...]:
    """Find what a name may mean: no activation, one, or several that differ.

    A name in hsig or a full name in a framework means one. `keras.NAME` means all that it is on
    any back end. A name without its framework means all that any framework calls so, whatever its
    capitals and underscores: `hard_sigmoid` means two curves.

    >>> [a.name for a in find_activations("torch.nn.Hardsigmoid")]
    ['hard_torch']
    >>> [to_text(a) for a in find_activations("hard_sigmoid")]
    ['hard', 'hard_torch']
    >>> [to_text(a) for a in find_activations("keras.activations.leaky_relu")]
    ['leaky_relu:leak=0.2,kink=closed', 'leaky_relu:leak=0.2']
    """
    if name in ACTIVATIONS:
        return (ACTIVATIONS[name],)
    wanted = _drop_modules(name)
    framework, _, rest = wanted.partition(".")
    candidates = [{wanted}]
    if framework == "keras":
        back_end, _, function = rest.partition(".")
        candidates += [{f"keras.{function}"}] if back_end in _BACK_ENDS else []
        candidates += [{f"keras.{back_end}.{rest}" for back_end in _BACK_ENDS}]
    for accepted in candidates:
        found = _unique(meant for alias, meant in _short_aliases() if alias in accepted)
        if found:
            return found
    bare = _fold_case(wanted)
    return _unique(
        meant for alias, meant in _short_aliases() if bare and bare == _fold_case(_last_part(alias))
    )


@cache
def _short_aliases() -> tuple[tuple[str, Activation], ...]:
    return tuple((_drop_modules(alias), meant) for alias, meant in all_aliases().items())


def _drop_modules(name: str) -> str:
    """A name in a framework without the modules in between: `torch.nn.Mish` is `torch.Mish`."""
    framework, *rest = name.split(".")
    if not rest or "(" in name:
        return name
    kept = [part for part in rest if part not in _MODULES] or rest[-1:]
    return ".".join([_SYNONYMS.get(framework, framework), *kept])


def _last_part(alias: str) -> str:
    return alias.rpartition(".")[2] if "(" not in alias else ""


def _fold_case(name: str) -> str:
    return name.casefold().replace("_", "")


def _unique(activations: Iterable[Activation]) -> tuple[Activation, ...]:
    return tuple(dict.fromkeys(activations))


def aliases_of(activation: Activation) -> tuple[str, ...]:
    """The names of this very function in frameworks, slopes at kinks included.

    Another `backward` makes no other function.

    >>> aliases_of(ACTIVATIONS["hard_torch"])[0]
    'torch.nn.Hardsigmoid'
    >>> aliases_of(ACTIVATIONS["hard"].with_settings({"slope": 0.3}))
    ()
    """

    def identify(a: Activation) -> tuple[object, ...]:
        return a.definition, a.settings, a.kink, a.slope_definition

    wanted = identify(activation)
    return tuple(name for name, meant in all_aliases().items() if identify(meant) == wanted)


# --- text ----------------------------------------------------------------------------------------


def is_in_table(activation: Activation) -> bool:
    """Whether it is an activation of the table, in any setting."""
    row = ACTIVATIONS.get(activation.name)
    return row is not None and row.definition == activation.definition


def to_text(activation: Activation) -> str:
    """The shortest text that means this activation, such as `hard:slope=0.25`.

    Of an activation that is not in the table it is the label, with the kink and backward slope.

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
    """Write a setting for a config, as short as it can be and mean just this number.

    >>> [format_number(value) for value in (0.25, 1e-9, 0.12345678, float("inf"))]
    ['0.25', '1e-09', '0.12345678', '.inf']
    """
    if isinstance(value, str):
        return value
    if isinf(value):
        return ".inf" if value > 0 else "-.inf"  # YAML's infinity
    value += 0.0  # -0 is 0
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


# --- groups --------------------------------------------------------------------------------------


def _is_smooth(row: Activation) -> bool:
    """Whether neither its value nor its slope jumps anywhere."""
    return not row.function.breaks


def _is_piecewise(row: Activation) -> bool:
    """Whether it is made of at least two lines."""
    return len(row.linear_pieces) == len(row.function.breakpoints) + 1 >= 2


def _in_framework(framework: str) -> tuple[Activation, ...]:
    """All of a framework, each as it is there; of Keras, what is the same on all back ends."""
    grouped = {row.name for row in _GROUPED}
    aliases = (meant for alias, meant in _short_aliases() if alias.startswith(f"{framework}."))
    return _unique(meant for meant in aliases if meant.name in grouped)


GROUPS: Mapping[str, Callable[[], tuple[Activation, ...]]] = MappingProxyType(
    {
        "sigmoids": lambda: SIGMOIDS,
        "hidden": lambda: (*HIDDEN, *SURVEYED),
        "smooth": lambda: tuple(filter(_is_smooth, _GROUPED)),
        "piecewise": lambda: tuple(filter(_is_piecewise, _GROUPED)),
        "torch": lambda: _in_framework("torch"),
        "jax": lambda: _in_framework("jax"),
        "keras": lambda: _in_framework("keras"),
        "onnx": lambda: _in_framework("onnx"),
        "all": lambda: _GROUPED,
    }
)


def select_activations(name: str) -> tuple[Activation, ...]:
    """The activations of a group, or of the table by a pattern such as `hard*`; else none.

    >>> [row.name for row in select_activations("hard_t*")]
    ['hard_torch', 'hard_taylor', 'hard_tanh']
    """
    if name in GROUPS:
        return GROUPS[name]()
    if not any(character in name for character in "*?["):
        return ()
    return tuple(row for row in ACTIVATIONS.values() if fnmatchcase(row.name, name))


# --- formulas ------------------------------------------------------------------------------------


def inline_activation(name: str, operand: Node, settings: Mapping[str, float]) -> Node | None:
    """The formula of an activation of the table, of any operand: `hard(2*x, slope=0.3)`.

    Returns:
        None if the table has no such name.

    Raises:
        KeyError: If the activation has no such setting.
    """
    row = ACTIVATIONS.get(name)
    if row is None:
        return None
    return substitute(row.with_settings(settings).function.value, {"x": operand})
