"""The names of activations: in hsig, in frameworks, as text in a config, in groups and formulas."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache
from math import isinf
from types import MappingProxyType
from typing import NamedTuple

from hsig.activations.activation import Activation, Parameter
from hsig.activations.elsewhere import FORMULAS, NO_FUNCTIONS
from hsig.activations.table import ACTIVATIONS, HIDDEN, SIGMOIDS, SURVEYED
from hsig.errors import is_slip
from hsig.formulas.derivative import substitute
from hsig.formulas.nodes import Node, format_formula
from hsig.formulas.parsing import parse

_GROUPED = (*SIGMOIDS, *HIDDEN, *SURVEYED)

# --- aliases -------------------------------------------------------------------------------------

# parts of the names of modules, between a program and its function
_MODULES = {"nn", "functional", "modules", "activation", "activations", "layers", "keras"}
_MODULES |= {"math", "numpy", "lax", "special", "scipy", "tensor", "nnet", "sigm", "linen", "nd"}
_MODULES |= {"nonlinearities", "functions", "backend", "compat", "v1", "v2"}
_BACK_ENDS = ("jax", "tf", "torch")  # of Keras
_HERE = (("", ""),)
# programs by the other names that their modules have; each with a back end, or none
_PROGRAMS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "": _HERE,
    **dict.fromkeys(("np", "numpy", "math", "Math", "scipy"), _HERE),
    "keras3": (("keras", ""),),
    **dict.fromkeys(("activations", "layers"), (("keras", ""), ("keras2", ""))),
    **dict.fromkeys(("tf.keras", "K"), (("keras", "tf"), ("keras2", ""))),
    "tensorflow": (("tf", ""),),
    "F": (("torch", ""),),
    "nn": (("torch", ""), ("jax", ""), ("tf", "")),
    **dict.fromkeys(("flax", "linen", "jnp", "lax"), (("jax", ""),)),
    **dict.fromkeys(("T", "tensor"), (("theano", ""),)),
    **dict.fromkeys(("FANN", "libfann", "fann2"), (("fann", ""),)),
    "mx": (("mxnet", ""),),
    "paddle": (("paddle2", ""),),
}
_NEED_THEIR_PROGRAM = ("fann", "darknet", "neat")  # their words mean something else to others


class _Alias(NamedTuple):
    """A name in a program, perhaps on one of its back ends; in hsig itself the program is empty."""

    program: str
    back_end: str
    function: str
    meant: Activation


@cache
def all_aliases() -> Mapping[str, Activation]:
    """Every name of an activation elsewhere, with the activation that it means there."""
    aliases: dict[str, Activation] = {}
    for row in ACTIVATIONS.values():
        for names, settings, caveat in row.aliases:
            meant = replace(row.with_settings(_parse_settings(settings)), caveat=caveat)
            aliases |= dict.fromkeys(names.split(), meant)
    for names, formula in FORMULAS.items():
        text = format_formula(parse(formula))
        aliases |= dict.fromkeys(names.split(), Activation(text, text))
    return MappingProxyType(aliases)


def _parse_settings(settings: str) -> dict[str, Parameter]:
    """Settings as a row writes them: `leak=0.2,kink=closed`."""
    pairs = [part.partition("=") for part in settings.split(",") if part]
    return {name: value if name == "kink" else float(value) for name, _, value in pairs}


@cache
def _index() -> tuple[_Alias, ...]:
    names = {**ACTIVATIONS, **all_aliases()}
    split = ((*_split_name(name), meant) for name, meant in names.items())
    return tuple(_Alias(*programs[0], function, meant) for programs, function, meant in split)


def _split_name(name: str) -> tuple[tuple[tuple[str, str], ...], str]:
    """The programs that a full name may be of, with a back end; and the function."""
    path, bracket, arguments = re.sub("^FANN_", "fann.", name, flags=re.IGNORECASE).partition("(")
    *modules, function = path.split(".")
    first, *inner = modules or [""]
    first = "tf.keras" if "keras" in inner else first
    back_end = next((module for module in inner if module in _BACK_ENDS), "")
    first = ".".join((first, *(part for part in inner if part not in (*_MODULES, back_end))))
    return _PROGRAMS.get(first, ((first, back_end),)), function + bracket + arguments


def _fold_case(name: str) -> str:
    return name.casefold().replace("-", "_").replace(" ", "_")


def _fold(name: str) -> str:
    return _fold_case(name).replace("_", "")


def find_activations(name: str) -> tuple[Activation, ...]:
    """Find what a name may mean: no activation, one, or several that differ.

    A name in hsig, or a full name in a program, means one; capitals count where they tell two
    apart. `keras.NAME` means all that it is on any back end. Another name means all that any
    program calls so: `hard_sigmoid` means two curves.

    >>> [a.name for a in find_activations("torch.nn.Hardsigmoid")]
    ['hard_torch']
    >>> [to_text(a) for a in find_activations("hard_sigmoid")]
    ['hard', 'hard_torch']
    >>> [to_text(a) for a in find_activations("keras.activations.leaky_relu")]
    ['leaky_relu:leak=0.2,kink=closed', 'leaky_relu:leak=0.2']
    """
    if name in ACTIVATIONS:
        return (ACTIVATIONS[name],)
    programs, function = _split_name(name)
    for fold in (str, _fold_case, *((_fold,) if programs != _HERE else ())):
        found = _unique(
            alias.meant
            for alias in _index()
            for program, back_end in programs
            if alias.program == program
            and (back_end == alias.back_end or not (back_end and alias.back_end))
            and fold(alias.function) == fold(function)
        )
        if found:
            return found
    return _find_anywhere(function) if programs == _HERE else ()


def _find_anywhere(function: str) -> tuple[Activation, ...]:
    """What programs call so; of those that differ at kinks alone, the first."""
    called = (alias.meant for alias in _common() if _fold(alias.function) == _fold(function))
    found: dict[object, Activation] = {}
    for meant in called:
        found.setdefault((meant.definition, meant.settings), meant)
    return tuple(found.values())


def _common() -> list[_Alias]:
    return [alias for alias in _index() if alias.program not in _NEED_THEIR_PROGRAM]


def suggest_activations(name: str) -> tuple[str, ...]:
    """Names that an unknown one may stand for: what others call so, or else but for a slip.

    >>> suggest_activations("mindspore.nn.Mish"), suggest_activations("torch.nn.Mihs")
    (('mish',), ('torch.nn.Mish',))
    >>> suggest_activations("keras.ops.gelu"), suggest_activations("srelu")
    (('gelu', 'gelu_tanh'), ())
    """
    programs, function = _split_name(name)
    path, word = name.removesuffix(function), _fold(function)
    if programs[0][0] in _NEED_THEIR_PROGRAM:
        return ()
    if path and (found := _find_anywhere(function)):
        return tuple(map(to_text, found))
    if name.isupper() and find_activations(f"fann.{name}"):
        return (f"fann.{name}",)
    here = [a for a in _index() if a.program in dict(programs)] if path else _common()
    near = {_fold(alias.function): path + alias.function for alias in reversed(here)}
    slips = tuple(shown for known, shown in near.items() if _is_misspelt(word, known))
    return slips if len(slips) == 1 else ()


def _is_misspelt(word: str, known: str) -> bool:
    """Whether a word is a known one with a slip, and not made of other names.

    In `hardsilu` the slip may be in `silu`, a short name; `logmish` is made of `mish`.
    """
    if not all(known.endswith(part) for part in _words() if word.endswith(part)):
        return False
    root = max((part for part in _words() - {known} if known.endswith(part)), key=len, default="")
    before = known.removesuffix(root)
    is_kept = bool(root) and word.startswith(before)
    return is_slip(word.removeprefix(before), root) if is_kept else is_slip(word, known)


@cache
def _words() -> frozenset[str]:
    return frozenset(_fold(alias.function) for alias in _common())


def explain_refusal(name: str) -> str:
    """Why what is an activation elsewhere is none here; empty for any other name."""
    _, function = _split_name(name)
    reasons = ((names.split(), reason) for names, reason in NO_FUNCTIONS.items())
    return next((why for names, why in reasons if _fold(function) in map(_fold, names)), "")


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
    aliases = (alias.meant for alias in _index() if alias.program == framework)
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

    It has the activation's slope at kinks.

    Returns:
        None if the table has no such name.

    Raises:
        KeyError: If the activation has no such setting.
    """
    row = ACTIVATIONS.get(name)
    if row is None:
        return None
    activation = row.with_settings(settings)
    function = activation.function
    by_rule = activation.with_settings({"kink": "own"}).function
    value = function.value if by_rule.slope is function.slope else function.with_kinks_by_rule
    return substitute(value, {"x": operand})
