"""The names of activations: in hsig, in frameworks, as text in a config, in groups and formulas."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache, partial
from math import isinf
from typing import NamedTuple

from hsig.activations.activation import Activation, Parameter
from hsig.activations.table import ACTIVATIONS, HIDDEN, SIGMOIDS, SURVEYED, stepwise
from hsig.errors import is_slip
from hsig.formulas.derivative import substitute
from hsig.formulas.nodes import Node, format_formula, number
from hsig.formulas.parsing import parse

_GROUPED = (*SIGMOIDS, *HIDDEN, *SURVEYED)

# --- aliases -------------------------------------------------------------------------------------

# parts of the names of modules, between a program and its function
_MODULES = {"nn", "functional", "modules", "activation", "activations", "layers", "math", "numpy"}
_MODULES |= {"lax", "special", "scipy", "tensor", "nnet", "sigm", "linen", "nd", "nonlinearities"}
_MODULES |= {"functions", "backend", "compat", "v1", "v2"}
_HERE = ("",)
_KERAS = ("keras", "keras.jax", "keras.tf", "keras.torch")  # on any back end, or on one
# programs by the other names that their modules have
_PROGRAMS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("", "np", "numpy", "math", "Math", "scipy"), _HERE),
    **dict.fromkeys(("keras", "keras3"), _KERAS),
    **{name: (name, "keras") for name in _KERAS[1:]},
    **dict.fromkeys(("activations", "layers"), (*_KERAS, "keras2")),
    **dict.fromkeys(("tf.keras", "tensorflow.keras", "K"), ("keras.tf", "keras", "keras2")),
    "tensorflow": ("tf",),
    "F": ("torch",),
    "nn": ("torch", "jax", "tf"),
    **dict.fromkeys(("jnp", "lax"), ("jax",)),
    **dict.fromkeys(("flax", "linen"), ("flax", "jax")),
    **dict.fromkeys(("T", "tensor"), ("theano",)),
    **dict.fromkeys(("FANN", "libfann", "fann2"), ("fann",)),
    "mx": ("mxnet",),
    "paddle": ("paddle2",),
}
_NEED_THEIR_PROGRAM = ("fann", "darknet", "neat")  # their words mean something else to others

# What has no row in the table, or is no function of one number.
# FANN multiplies a unit's sum by its steepness, 0.5 unless that is set, before fann_activation.h.
FORMULAS: Mapping[str, str] = {
    "fann.SIGMOID_SYMMETRIC bipolar_sigmoid darknet.loggy": "tanh(x/2)",
    "fann.SIGMOID_SYMMETRIC_STEPWISE": stepwise(
        "x/2",
        *("-1", "1"),
        (-2.646652936935425, -0.9900000095367432),
        (-1.4722193479537964, -0.8999999761581421),
        (-0.5493061542510986, -0.5),
        (0.5493061542510986, 0.5),
        (1.4722193479537964, 0.8999999761581421),
        (2.646652936935425, 0.9900000095367432),
    ),
    "fann.ELLIOT": "0.25*x/(1 + abs(0.5*x)) + 0.5",
    "fann.ELLIOT_SYMMETRIC": "0.5*x/(1 + abs(0.5*x))",
    "fann.GAUSSIAN": "exp(-(x/2)**2)",
    "fann.GAUSSIAN_SYMMETRIC": "2*exp(-(x/2)**2) - 1",
    "fann.SIN_SYMMETRIC": "sin(x/2)",
    "fann.COS_SYMMETRIC": "cos(x/2)",
    "fann.SIN": "sin(x/2)/2 + 0.5",
    "fann.COS": "cos(x/2)/2 + 0.5",
    "fann.THRESHOLD_SYMMETRIC matlab.hardlims": "where(x < 0, -1, 1)",
    "genann.act_threshold synaptic.HLIM": "where(x > 0, 1, 0)",
    "matlab.tribas": "max(1 - abs(x), 0)",
    "matlab.elliot2sig": "x*abs(x)/(1 + x**2)",
    "encog.ActivationSIN": "sin(2*x)",
    "encog.ActivationLOG symlog": "sign(x)*log1p(abs(x))",
    "darknet.ramp": "max(x, 0) + 0.1*x",
    "hard_mish": "x*clip(x + 2, 0, 2)/2",
    "sinlu": "(x + sin(x))*sigmoid(x)",
    "siren": "sin(30*x)",
    "logcosh": "log(cosh(x))",
    "cube": "x**3",
}

# Why what others call an activation is none here.
NO_FUNCTIONS: Mapping[str, str] = {
    "none null passthrough": "A layer without an activation has 'identity' here",
    "softmax softmin hardmax sparsemax entmax": "Of one output it is always 1",
    "log_softmax": "Of one output it is always 0",
    "compet maxout crelu glu reglu geglu swiglu": "It is a function of several units",
    "dropout": "It is random",
}


class _Alias(NamedTuple):
    """A name in a program; in hsig itself the program is empty."""

    program: str
    function: str
    meant: Activation


@cache
def all_aliases() -> Mapping[str, Activation]:
    """Every name of an activation elsewhere, with the activation that it means there."""
    aliases: dict[str, Activation] = {}
    for row in ACTIVATIONS.values():
        for names, settings, caveat in row.aliases:
            meant = replace(row.with_settings(settings), caveat=caveat)
            aliases |= dict.fromkeys(names.split(), meant)
    for names, formula in FORMULAS.items():
        text = format_formula(parse(formula))
        aliases |= dict.fromkeys(names.split(), Activation(text, text))
    return aliases


@cache
def _index() -> tuple[_Alias, ...]:
    split = ((*_split_name(n), meant) for n, meant in {**ACTIVATIONS, **all_aliases()}.items())
    return tuple(_Alias(programs[0], function, meant) for programs, function, meant in split)


def _split_name(name: str) -> tuple[tuple[str, ...], str]:
    """The programs that a full name may be of, and the function."""
    path, bracket, arguments = re.sub("(?i)^fann[_ -]", "fann.", name).partition("(")
    first, *inner = path.split(".")[:-1] or [""]
    program = ".".join((first, *(part for part in inner if part not in _MODULES)))
    function = path.rpartition(".")[2] + bracket + arguments
    return _PROGRAMS.get(program, (program,)), function


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
    programs, function = _split_name(name)

    def find(fold: Callable[[str], str]) -> tuple[Activation, ...]:
        here = (alias for alias in _index() if alias.program in programs)
        called = (alias.meant for alias in here if fold(alias.function) == fold(function))
        return tuple(dict.fromkeys(called))

    # nn.GELU is not nn.gelu, and keras.LeakyReLU is not keras.leaky_relu
    found = find(str) or find(_fold_case)
    return found or (_find_anywhere(function) if programs == _HERE else find(_fold))


def _find_anywhere(function: str) -> tuple[Activation, ...]:
    """What programs call so; of those that differ at kinks alone, the first."""
    called = (alias.meant for alias in _common() if _fold(alias.function) == _fold(function))
    return _unique(called, lambda meant: (meant.definition, meant.settings))


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
    path = name.removesuffix(function)
    if programs[0] in _NEED_THEIR_PROGRAM:
        return ()
    if path and (found := _find_anywhere(function)):
        return tuple(map(to_text, found))
    if name.isupper() and find_activations(f"fann.{name}"):
        return (f"fann.{name}",)
    known = [a for a in _index() if a.program in programs] if path else _common()
    functions = {_fold(alias.function): alias.function for alias in reversed(known)}
    names = {_fold(alias.function) for alias in _common()}
    word = _fold(function)
    slips = [shown for name, shown in functions.items() if _is_misspelt(word, name, names)]
    return (path + slips[0],) if len(slips) == 1 else ()


def _is_misspelt(word: str, known: str, names: set[str]) -> bool:
    """Whether a word is a known one with a slip, and not made of other `names`.

    In `hardsilu` the slip may be in `silu`, a short name; `logmish` is made of `mish`.
    """
    if not all(known.endswith(name) for name in names if word.endswith(name)):
        return False
    root = max((name for name in names - {known} if known.endswith(name)), key=len, default=known)
    before = known.removesuffix(root)
    if not word.startswith(before):
        before, root = "", known
    return is_slip(word.removeprefix(before), root)


def explain_refusal(name: str) -> str:
    """Why what is an activation elsewhere is none here; empty for any other name."""
    function = _fold(_split_name(name)[1])
    reasons = NO_FUNCTIONS.items()
    return next((why for names, why in reasons if function in map(_fold, names.split())), "")


def _unique(
    activations: Iterable[Activation], identify: Callable[[Activation], object]
) -> tuple[Activation, ...]:
    """The first of those that are the same."""
    found: dict[object, Activation] = {}
    for activation in activations:
        found.setdefault(identify(activation), activation)
    return tuple(found.values())


def _identify(a: Activation) -> tuple[object, ...]:
    """What makes it this function, slopes at kinks included; another `backward` does not."""
    return a.definition, a.settings, a.kink, a.slope_definition


def aliases_of(activation: Activation) -> tuple[str, ...]:
    """The names of this very function in frameworks.

    >>> aliases_of(ACTIVATIONS["hard_torch"])[0]
    'torch.nn.Hardsigmoid'
    >>> aliases_of(ACTIVATIONS["hard"].with_settings({"slope": 0.3}))
    ()
    """
    wanted = _identify(activation)
    return tuple(name for name, meant in all_aliases().items() if _identify(meant) == wanted)


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
    written, usual = (
        {**a.parameters, "kink": a.kink, "backward": a.backward} for a in (activation, default)
    )
    changed = {n: v for n, v in written.items() if v is not None and v != usual[n]}
    settings = ",".join(f"{name}={format_number(value)}" for name, value in changed.items())
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
    return format_formula(number(value))


# --- groups --------------------------------------------------------------------------------------


def _in_framework(framework: str) -> tuple[Activation, ...]:
    """All of a framework, each as it is there; of Keras, on all its back ends."""
    grouped, programs = {row.name for row in _GROUPED}, _PROGRAMS.get(framework, (framework,))
    aliases = (alias.meant for alias in _index() if alias.program in programs)
    return _unique((meant for meant in aliases if meant.name in grouped), _identify)


GROUPS: Mapping[str, Callable[[], tuple[Activation, ...]]] = {
    "sigmoids": lambda: SIGMOIDS,
    "hidden": lambda: (*HIDDEN, *SURVEYED),
    "smooth": lambda: tuple(row for row in _GROUPED if not row.function.breaks),
    "piecewise": lambda: tuple(
        row
        for row in _GROUPED
        if len(row.linear_pieces) == len(row.function.breakpoints) + 1 >= 2  # lines alone
    ),
    **{name: partial(_in_framework, name) for name in ("torch", "jax", "keras", "onnx")},
    "all": lambda: _GROUPED,
}


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

    It has the activation's slope at kinks. None of no such name; KeyError for no such setting.
    """
    row = ACTIVATIONS.get(name)
    if row is None:
        return None
    activation = row.with_settings(settings)
    function = activation.function
    by_rule = activation.with_settings({"kink": "own"}).function
    value = function.value if by_rule.slope is function.slope else function.with_kinks_by_rule
    return substitute(value, {"x": operand})
