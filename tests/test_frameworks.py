"""Every alias means that framework's function: its values, its slopes, also at kinks.

Held against what the frameworks computed themselves (tests/golden/README.md), whose own errors and
oddities are named here and not copied.
"""

import json

import numpy as np
import pytest
from golden_data import load_golden

from hsig.activations.names import all_aliases, find_activations, to_text

FRAMEWORKS = ("torch", "jax", "tf", "onnx", "keras_jax", "keras_tf", "keras_torch")
ULP = 2.0**-52  # of max(1, |value|)
NEAR, FAR = 12.0, 1e150

# in ulps, what the frameworks' own double precision leaves, for |x| up to 12; 4 unless it says so
VALUE = {"softplus:threshold=20": 1e6}
SLOPE = {"tanh": 8, "tanh_shrink": 8, "silu": 8, "softplus": 6, "log_sigmoid": 6, "mish": 50}
SLOPE |= {"gelu_tanh": 200, "softplus:threshold=20": 1e7}
# constants and functions in single precision
SINGLE = 3e9
IN_SINGLE = {
    *("torch.nn.Hardsigmoid", "torch.nn.functional.hardsigmoid"),
    *("keras.torch.activations.hard_sigmoid", "keras.jax.activations.tanh"),
    *("tf.nn.leaky_relu", "keras.tf.activations.leaky_relu", "keras.tf.layers.LeakyReLU"),
    *("tf.nn.gelu", "keras.tf.activations.gelu", "tf.nn.gelu(approximate=True)"),
    *("keras.tf.activations.gelu(approximate=True)", "onnx.HardSwish", "onnx.HardSigmoid"),
    *("onnx.Gelu", "onnx.Gelu(approximate='tanh')", "onnx.Selu", "onnx.LeakyRelu"),
}
GELU_TANH_IN_JAX = {"jax.nn.gelu", "keras.jax.activations.gelu(approximate=True)"}
# the other functions of the files: parts of formulas, without a name of their own here
PARTS = ("clamp", "clip", "maximum", "Clip", "PRelu", "Shrink(", "ops.", "Tensor.")
# they have no kink; a softmax is of all outputs, in `softmax_torch.npz`
NOT_RECORDED = {"sin", "cos", "Sin", "Cos", "softmax", "Softmax"}


def recorded(framework):
    """The names in a framework's golden data, each with x, values and slopes, if it has any."""
    data = load_golden(f"activations_{framework}")
    aliases = json.loads(str(data["aliases"]))
    stored = {n.removesuffix("_derivative") for n in data if n not in ("x", "aliases", "about")}
    for name in sorted(stored | set(aliases)):
        first = aliases.get(name, name)
        yield name, data["x"], data[first], data.get(f"{first}_derivative")


def find(name):
    """What a name of the data means; those that have no default were called with the row's."""
    return find_activations(name.partition("(threshold=1.0,")[0])


def known(framework):
    """The same for the names that mean an activation, with the activation."""
    for name, *numbers in recorded(framework):
        meanings = find(name)
        if len(meanings) == 1:
            yield name, meanings[0], *numbers


def test_golden_data_and_aliases_cover_each_other():
    names = {name for framework in FRAMEWORKS for name, *_ in recorded(framework)}
    held = {name for name in names if len(find(name)) == 1}
    assert len(held) > 200
    assert not {n for n in names - held if not any(part in n for part in PARTS)}
    held = {name.partition("(threshold=1.0,")[0] for name in held}
    prefixes = tuple(f"{framework.replace('_', '.')}." for framework in FRAMEWORKS)
    missing = {alias for alias in all_aliases() if alias.startswith(prefixes)} - held
    assert not {alias for alias in missing if alias.rpartition(".")[2] not in NOT_RECORDED}


def is_flushed(framework, x):
    """Where a framework computes with 0: XLA and TensorFlow do so with subnormal numbers."""
    tiny = (np.abs(x) < 1e-290) & (x != 0.0)
    return tiny & (framework in ("tf", "keras_tf", "jax", "keras_jax"))


def is_beside_a_kink(activation, x):
    beside = np.zeros(len(x), dtype=bool)
    for kink in activation.function.breakpoints:
        beside |= (np.abs(x - kink) <= 4 * np.spacing(max(abs(kink), 1e-300))) & (x != kink)
    return beside


def count_ulps(found, expected):
    return np.abs(found - expected) / np.maximum(1.0, np.abs(found)) / ULP


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_values_are_the_frameworks(framework):
    for name, activation, x, values, _ in known(framework):
        near = (np.abs(x) <= NEAR) & ~is_flushed(framework, x)
        bound = SINGLE if name in IN_SINGLE else VALUE.get(to_text(activation), 4)
        bound = 20 if name in GELU_TANH_IN_JAX else bound
        assert count_ulps(activation.value(x[near]), values[near]).max() <= bound, name


@pytest.mark.parametrize("framework", [f for f in FRAMEWORKS if f != "onnx"])
def test_slopes_are_the_frameworks_kinks_included(framework):
    for name, activation, x, _, slopes in known(framework):
        near = (np.abs(x) <= NEAR) & ~is_flushed(framework, x)
        if framework in ("jax", "keras_jax", "keras_tf"):  # they round to the kink
            near &= ~is_beside_a_kink(activation, x)
        bound = SINGLE if name in IN_SINGLE else SLOPE.get(to_text(activation), 4)
        ulps = count_ulps(activation.derivative(x[near]), slopes[near])
        assert ulps.max() <= bound, (name, x[near][ulps.argmax()])


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_far_out_the_frameworks_are_met_where_they_are_finite(framework):
    for name, activation, x, values, slopes in known(framework):
        far = (np.abs(x) > NEAR) & (np.abs(x) <= FAR)
        single = name in IN_SINGLE
        rtol = 1e-6 if single else 1e-8 if "threshold=20" in to_text(activation) else 1e-12
        atol = 1e-7 if single else 1e-14  # 1 + erf and the like lose their tails
        for found, theirs in ((activation.value(x), values), (activation.derivative(x), slopes)):
            if theirs is not None:
                finite = far & np.isfinite(theirs)
                np.testing.assert_allclose(
                    found[finite], theirs[finite], rtol=rtol, atol=atol, err_msg=name
                )
