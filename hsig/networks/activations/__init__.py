"""The table of activation functions, and the names by which they are found.

To add one: write its value and its derivative (in `curved.py`, unless it is a member of the
family in `piecewise.py`), and add a row to `ACTIVATIONS` and its name to one of `GROUPS`.
"""

from collections.abc import Mapping
from math import isinf
from types import MappingProxyType

import numpy as np

from hsig.networks.activations import curved, logistic, piecewise
from hsig.networks.activations.record import Activation, LinearPiece, Parameter

__all__ = [
    "ACTIVATIONS",
    "GROUPS",
    "Activation",
    "LinearPiece",
    "Parameter",
    "find_activations",
    "spell",
]


def _family(
    name: str,
    source: str,
    *,
    slope: float,
    shift: float = 0.0,
    low: float = 0.0,
    high: float = 1.0,
    leak: float = 0.0,
    kink: str,
    aliases: tuple[str, ...] = (),
    note: str = "",
) -> Activation:
    """A member of the piecewise-linear family."""
    return Activation(
        name,
        piecewise.piecewise_linear,
        piecewise.piecewise_linear_derivative,
        bounds=piecewise.piecewise_linear_range,
        source=source,
        formula=piecewise.piecewise_linear_formula,
        pieces=piecewise.piecewise_linear_pieces,
        parameters={
            "slope": slope,
            "shift": shift,
            "low": low,
            "high": high,
            "leak": leak,
            "kink": kink,
        },
        aliases=aliases,
        note=note,
    )


_ROWS = (
    Activation(
        "sigmoid",
        logistic.sigmoid,
        logistic.sigmoid_derivative,
        bounds=(0.0, 1.0),
        source="the logistic function, Verhulst 1845",
        formula="1 / (1 + exp(-x))",
        slope_from_value=logistic.sigmoid_derivative_from_value,
        aliases=(
            "logistic",
            "theano.sigmoid",
            "keras2.sigmoid",
            "keras3.sigmoid",
            "torch.sigmoid",
            "jax.sigmoid",
            "onnx.Sigmoid",
        ),
    ),
    Activation(
        "ultra_fast",
        curved.ultra_fast,
        curved.ultra_fast_derivative,
        bounds=(0.5 - 0.5 * curved.ULTRA_FAST_TOP, 0.5 + 0.5 * curved.ULTRA_FAST_TOP),
        source="Theano 1.0.5, nnet/sigm.py",
        formula="(1 + sgn(x)*z(|x|/2)) / 2, z(h) = 1.5*h/(1 + h) to 1.7, a line to 3, constant",
        pieces=curved.ultra_fast_pieces(),
        backward=None,
        aliases=("theano.ultra_fast_sigmoid",),
        note="Theano answers MethodNotDefined: ('grad', ..., 'UltraFastScalarSigmoid')",
    ),
    _family(
        "hard",
        "Theano 1.0.5, nnet/sigm.py; ONNX HardSigmoid",
        slope=0.2,
        shift=0.5,
        kink="closed",
        aliases=(
            "theano.hard_sigmoid",
            "keras1.hard_sigmoid",
            "keras2.hard_sigmoid",
            "onnx.HardSigmoid",
        ),
    ),
    _family(
        "hard_torch",
        "PyTorch F.hardsigmoid; JAX nn.hard_sigmoid; Keras 3; Paddle 2",
        slope=1.0 / 6.0,
        shift=0.5,
        kink="open",
        aliases=(
            "torch.hardsigmoid",
            "jax.hard_sigmoid",
            "keras3.hard_sigmoid",
            "paddle2.hardsigmoid",
        ),
    ),
    _family(
        "hard_taylor",
        "Gulcehre et al. 2016, arXiv:1603.00391",
        slope=0.25,
        shift=0.5,
        kink="closed",
        note="the tangent of the logistic sigmoid at 0, clipped",
    ),
    _family(
        "hard_binary",
        "Courbariaux et al. 2015, arXiv:1511.00363",
        slope=0.5,
        shift=0.5,
        kink="closed",
        note="BinaryConnect's, there with a straight-through backward pass",
    ),
    _family(
        "leaky_hard",
        "hard with a leak, in several modules",
        slope=0.2,
        shift=0.5,
        leak=0.01,
        kink="closed",
    ),
    Activation(
        "tanh",
        curved.tanh,
        curved.tanh_derivative,
        bounds=(-1.0, 1.0),
        source="LeCun et al. 1998, Efficient BackProp",
        formula="tanh(x)",
        slope_from_value=curved.tanh_derivative_from_value,
    ),
    _family(
        "hard_tanh",
        "Collobert 2004",
        slope=1.0,
        low=-1.0,
        kink="open",
        aliases=("torch.hardtanh", "jax.hard_tanh"),
    ),
    _family(
        "relu",
        "Nair & Hinton 2010",
        slope=1.0,
        high=np.inf,
        kink="open",
        note="slope 0 at x = 0",
    ),
    _family(
        "leaky_relu",
        "Maas, Hannun & Ng 2013",
        slope=1.0,
        high=np.inf,
        leak=0.01,
        kink="open",
        note="slope `leak` at x = 0; others call the leak negative_slope",
    ),
    Activation(
        "elu",
        curved.elu,
        curved.elu_derivative,
        bounds=curved.elu_range,
        source="Clevert, Unterthiner & Hochreiter 2016, arXiv:1511.07289",
        formula="x for x > 0, alpha*(exp(x) - 1) otherwise",
        pieces=(curved.ELU_LINE,),
        parameters={"alpha": 1.0},
    ),
    Activation(
        "softplus",
        curved.softplus,
        logistic.sigmoid,
        bounds=(0.0, np.inf),
        source="Dugas et al. 2001",
        formula="log(1 + exp(x))",
    ),
    Activation(
        "silu",
        curved.silu,
        curved.silu_derivative,
        bounds=(-0.2784645427610738, np.inf),  # mpmath, 30 digits
        source="Elfwing, Uchibe & Doya 2018, arXiv:1702.03118",
        formula="x / (1 + exp(-x))",
        aliases=("swish", "torch.silu", "jax.silu", "keras3.silu"),
    ),
    Activation(
        "hard_silu",
        curved.hard_silu,
        curved.hard_silu_derivative,
        bounds=(-0.375, np.inf),
        source="Howard et al. 2019, arXiv:1905.02244",
        formula="x * clip(x/6 + 0.5, 0, 1)",
        pieces=curved.HARD_SILU_LINES,
        aliases=("hard_swish", "torch.hardswish", "jax.hard_silu", "keras3.hard_silu"),
    ),
    Activation(
        "gelu_tanh",
        curved.gelu_tanh,
        curved.gelu_tanh_derivative,
        bounds=(-0.17004075057125406, np.inf),  # mpmath, 30 digits
        source="Hendrycks & Gimpel 2016, arXiv:1606.08415",
        formula="x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715*x**3)))",
        note="the tanh form; the exact one uses erf",
    ),
)

ACTIVATIONS: Mapping[str, Activation] = MappingProxyType({row.name: row for row in _ROWS})


def find_activations(name: str) -> tuple[Activation, ...]:
    """Every activation that `name` may mean: none, one, or several that differ.

    A name in hsig or an exact alias means one. A framework's name without the framework means
    all that any framework calls so, however it spells it: `hard_sigmoid` means two curves.

    >>> [a.name for a in find_activations("torch.hardsigmoid")]
    ['hard_torch']
    >>> [a.name for a in find_activations("hard_sigmoid")]
    ['hard', 'hard_torch']
    """
    if name in ACTIVATIONS:
        return (ACTIVATIONS[name],)
    exact = tuple(row for row in _ROWS if name in row.aliases)
    if exact:
        return exact
    return tuple(
        row
        for row in _ROWS
        if any(_bare(name) == _bare(alias.partition(".")[2]) for alias in row.aliases)
    )


def _bare(name: str) -> str:
    return name.casefold().replace("_", "")


def spell(activation: Activation) -> str:
    """The shortest text that means this activation, such as `hard:slope=0.25`.

    >>> spell(ACTIVATIONS["hard"].with_settings({"slope": 0.25}, "logistic"))
    'hard:slope=0.25,backward=logistic'
    """
    default = ACTIVATIONS[activation.name]
    changed: dict[str, Parameter] = {
        name: value
        for name, value in activation.parameters.items()
        if value != default.parameters[name]
    }
    if activation.backward is not None and activation.backward != default.backward:
        changed["backward"] = activation.backward
    settings = ",".join(f"{name}={_shortest(value)}" for name, value in changed.items())
    return f"{activation.name}:{settings}" if settings else activation.name


def _shortest(value: Parameter) -> str:
    if isinstance(value, str):
        return value
    if isinf(value):
        return ".inf" if value > 0 else "-.inf"  # as YAML has it
    value += 0.0  # -0 is 0
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


_SIGMOIDS = (
    "sigmoid",
    "ultra_fast",
    "hard",
    "hard_torch",
    "hard_taylor",
    "hard_binary",
    "leaky_hard",
)
GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "sigmoids": _SIGMOIDS,
        "hidden": tuple(name for name in ACTIVATIONS if name not in _SIGMOIDS),
        "all": tuple(ACTIVATIONS),
    }
)
