"""The weights from which seeds start: a table of schemes, each drawn from the seed alone.

`numpy.random.RandomState(seed).rand` gives the numbers, whose stream is frozen for ever: layer by
layer, row by row, the bias row last, as the question drew them. A scheme maps a layer's numbers to
its weights, by sums, products, quotients and square roots alone, so that they have the same bits on
every machine. Fans count inputs and units without the bias.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from types import MappingProxyType

import numpy as np

from hsig.arrays import Array
from hsig.networks.network import Weights, layer_shapes

# --- the normal distribution --------------------------------------------------------------------

# the rational functions of `normal_quantile`: numerators and denominators, the highest power first
_CENTRE = (
    (2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4,
     4.5921953931549871457e4, 1.3731693765509461125e4, 1.9715909503065514427e3,
     1.3314166789178437745e2, 3.3871328727963666080e0),
    (5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4,
     2.1213794301586595867e4, 5.3941960214247511077e3, 6.8718700749205790830e2,
     4.2313330701600911252e1, 1.0),
)  # fmt: skip
_MIDDLE = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
     1.27045825245236838258e0, 3.64784832476320460504e0, 5.76949722146069140550e0,
     4.63033784615654529590e0, 1.42343711074968357734e0),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
     1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940e0,
     2.05319162663775882187e0, 1.0),
)  # fmt: skip
_TAIL = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
     2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580e0,
     5.46378491116411436990e0, 6.65790464350110377720e0),
    (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
     7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1,
     5.99832206555887937690e-1, 1.0),
)  # fmt: skip


def normal_quantile(probability: Array) -> Array:
    """Where the standard normal distribution function is at each probability, to 1e-15 or so.

    Source:
        Wichura 1988, Algorithm AS 241 (PPND16), Applied Statistics 37:477-484.
    """
    least = np.maximum(probability, 2.0**-54)  # the numbers of `rand` are multiples of 2**-53
    centred = least - 0.5
    root = np.sqrt(-_log(np.minimum(least, 1.0 - least)))
    inner = centred * _ratio(_CENTRE, 0.180625 - centred * centred)
    outer = np.where(root <= 5.0, _ratio(_MIDDLE, root - 1.6), _ratio(_TAIL, root - 5.0))
    return np.where(np.abs(centred) <= 0.425, inner, np.where(centred < 0.0, -outer, outer))


def _ratio(polynomials: tuple[Sequence[float], Sequence[float]], x: Array) -> Array:
    """The first polynomial over the second, by Horner's scheme."""
    above, below = np.zeros_like(x), np.zeros_like(x)
    for upper, lower in zip(*polynomials, strict=True):
        above, below = above * x + upper, below * x + lower
    return above / below


def _log(x: Array) -> Array:
    """The natural logarithm of positive numbers, to 1 ulp or so.

    2 artanh((m - 1)/(m + 1)) of the significand m by its series, to which the exponent's part is
    added; C libraries differ in their last bits.
    """
    significand, exponent = np.frexp(x)
    small = significand < np.sqrt(0.5)
    significand, exponent = np.where(small, 2.0 * significand, significand), exponent - small
    ratio = (significand - 1.0) / (significand + 1.0)
    square, series = ratio * ratio, np.zeros_like(x)
    for power in range(21, 0, -2):
        series = series * square + 2.0 / power
    logarithm: Array = exponent * 0.6931471805599453 + ratio * series
    return logarithm


# --- schemes -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scheme:
    """How weights are drawn."""

    name: str
    settings: Mapping[str, float]  # in their order, with their defaults
    # from numbers of [0, 1), (seeds, rows, fan_out), the layer's fans in and out, and the settings
    # to weights of that shape
    draw: Callable[..., Array]
    summary: str  # in a few words, with the settings in braces
    source: str
    draws_biases: bool = False  # whether biases are drawn alike unless they are asked to be else

    @property
    def default_bias(self) -> float | None:
        """What `Start.bias` is unless it is asked to be else."""
        return None if self.draws_biases else 0.0


def draw_uniform(numbers: Array, _fan_in: int, _fan_out: int, low: float, high: float) -> Array:
    """Evenly from [low, high)."""
    return low + (high - low) * numbers


def draw_normal(numbers: Array, _fan_in: int, _fan_out: int, mean: float, sd: float) -> Array:
    """From a normal distribution, which is not truncated."""
    return mean + sd * normal_quantile(numbers)


def draw_constant(numbers: Array, _fan_in: int, _fan_out: int, value: float) -> Array:
    """All the same."""
    return np.full_like(numbers, value)


def _draw_within(square: Callable[[int, int], float]) -> Callable[..., Array]:
    """Evenly within gain times the root of what `square` makes of the fans in and out."""

    def draw(numbers: Array, fan_in: int, fan_out: int, gain: float) -> Array:
        return gain * sqrt(square(fan_in, fan_out)) * (2.0 * numbers - 1.0)

    return draw


def _draw_normally(variance: Callable[[int, int], float]) -> Callable[..., Array]:
    """Normal with gain times the root of a variance that follows from the fans in and out."""

    def draw(numbers: Array, fan_in: int, fan_out: int, gain: float) -> Array:
        return gain * sqrt(variance(fan_in, fan_out)) * normal_quantile(numbers)

    return draw


_GAIN = {"gain": 1.0}
_GLOROT, _HE = "Glorot & Bengio 2010, AISTATS", "He et al. 2015, arXiv:1502.01852"
_LECUN = "LeCun et al. 1998, Efficient BackProp"

# fmt: off
_ROWS = (
    Scheme("uniform", {"low": 0.0, "high": 1.0}, draw_uniform, "[{low}, {high})", "the question",
           draws_biases=True),
    Scheme("normal", {"mean": 0.0, "sd": 1.0}, draw_normal, "normal({mean}, {sd})",
           "PyTorch's normal_", draws_biases=True),
    Scheme("glorot_uniform", _GAIN, _draw_within(lambda fan_in, fan_out: 6 / (fan_in + fan_out)),
           "glorot_uniform", _GLOROT),
    Scheme("glorot_normal", _GAIN, _draw_normally(lambda fan_in, fan_out: 2 / (fan_in + fan_out)),
           "glorot_normal", _GLOROT),
    Scheme("he_uniform", _GAIN, _draw_within(lambda fan_in, _: 6 / fan_in), "he_uniform", _HE),
    Scheme("he_normal", _GAIN, _draw_normally(lambda fan_in, _: 2 / fan_in), "he_normal", _HE),
    Scheme("lecun_normal", _GAIN, _draw_normally(lambda fan_in, _: 1 / fan_in), "lecun_normal",
           _LECUN),
    Scheme("torch_linear", _GAIN, _draw_within(lambda fan_in, _: 1 / fan_in), "torch_linear",
           "torch.nn.Linear", draws_biases=True),
    Scheme("constant", {"value": 0.0}, draw_constant, "constant {value}", "PyTorch's constant_",
           draws_biases=True),
)
# fmt: on

SCHEMES: Mapping[str, Scheme] = MappingProxyType({row.name: row for row in _ROWS})


@dataclass(frozen=True)
class Start:
    """A scheme of `SCHEMES` with the values of its settings, in their order."""

    scheme: str = "uniform"
    settings: tuple[float, ...] = (0.0, 1.0)
    bias: float | None = None  # what biases are; None if they are drawn as the weights

    @classmethod
    def with_default_bias(cls, scheme: str, settings: tuple[float, ...]) -> "Start":
        """With the biases that a scheme has unless they are asked to be else."""
        return cls(scheme, settings, SCHEMES[scheme].default_bias)

    @property
    def parameters(self) -> dict[str, float]:
        """Its settings by name."""
        return dict(zip(SCHEMES[self.scheme].settings, self.settings, strict=True))

    @property
    def summary(self) -> str:
        """What it draws, in a few words.

        >>> Start("uniform", (-1.0, 1.0)).summary
        '[-1, 1)'
        >>> Start("uniform", (0.5, 0.5)).summary
        '0.5 alone'
        """
        scheme = SCHEMES[self.scheme]
        texts = {name: f"{value:.6g}" for name, value in self.parameters.items()}
        weights = scheme.summary.format(**texts)
        if texts.keys() == {"low", "high"} and len({*self.settings}) == 1:
            weights = f"{texts['low']} alone"
        if self.parameters.get("gain", 1.0) != 1.0:
            weights += f" with gain {texts['gain']}"
        if self.bias == scheme.default_bias:
            return weights
        return f"{weights}, biases {'alike' if self.bias is None else f'{self.bias:.6g}'}"

    def draw(self, seeds: Sequence[int], sizes: Sequence[int], bias: str = "both") -> Weights:
        """The weights of some seeds, seeds first.

        Args:
            seeds: Each from 0 to 2**32 - 1.
            sizes: Inputs, units of each hidden layer, outputs.
            bias: Which layers have one, of `network.BIASES`.

        >>> Start().draw([0], [2, 3, 1])[0][0, 0].round(4)
        array([0.5488, 0.7152, 0.6028])
        """
        scheme = SCHEMES[self.scheme]
        shapes = layer_shapes(sizes, bias)
        drawn = shapes
        if self.bias is not None:
            drawn = [(fan_in, units) for fan_in, (_, units) in zip(sizes[:-1], shapes, strict=True)]
        counts = [rows * units for rows, units in drawn]
        numbers = np.empty((len(seeds), sum(counts)))
        stream = np.random.RandomState(0)  # seeded anew each time: to make one takes longer
        for row, seed in zip(numbers, seeds, strict=True):
            stream.seed(seed)
            row[:] = stream.rand(len(row))
        layers = []
        parts = np.split(numbers, np.cumsum(counts)[:-1], axis=1)
        for part, rows, shape, fan_in in zip(parts, drawn, shapes, sizes[:-1], strict=True):
            layer = scheme.draw(part.reshape(-1, *rows), fan_in, shape[1], *self.settings)
            biases = np.full((len(seeds), shape[0] - rows[0], shape[1]), self.bias or 0.0)
            layers.append(np.concatenate([layer, biases], axis=1))
        return tuple(layers)


# starts of other programs, as `suggest_start` compares them, in hsig's own words
_ELSEWHERE = {
    **{"glorot": "glorot_uniform", "he": "he_normal", "lecun": "lecun_normal"},
    **dict.fromkeys(("linear", "torch", "pytorch", "default"), "torch_linear"),
    **{"zero": "constant:0", "zeros": "constant:0", "one": "constant:1", "ones": "constant:1"},
    **{"randomuniform": "uniform:-0.05,0.05", "rand": "uniform:0,1"},
    **dict.fromkeys(("randomnormal", "truncatednormal"), "normal:0,0.05"),
    **{"randn": "normal:0,1", "gaussian": "normal:0,1"},
    "lecununiform": "he_uniform:gain=0.70710678",
}


def suggest_start(name: str) -> str:
    """The start that another program's name means, as a config has it; else nothing.

    >>> suggest_start("nn.init.xavier_uniform_"), suggest_start("HeNormal"), suggest_start("zeros")
    ('glorot_uniform', 'he_normal', 'constant:0')
    """
    word = "".join(filter(str.isalnum, name.rpartition(".")[2])).casefold()
    word = word.replace("xavier", "glorot").replace("kaiming", "he")
    return {row.replace("_", ""): row for row in SCHEMES}.get(word) or _ELSEWHERE.get(word, "")


QUESTION_START = Start()  # that of the question: [0, 1)
