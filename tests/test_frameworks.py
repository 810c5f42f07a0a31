"""Every spelling means that framework's function: its values, its slopes, also at kinks.

Held against what the frameworks computed themselves (tests/golden/README.md), whose own errors and
oddities are named here and not copied.
"""

import json

import numpy as np
import pytest
from golden_data import load_golden

from hsig.activations.names import all_aliases, find_activations, to_text

FILES = ("torch", "jax", "tf", "onnx", "keras_jax", "keras_tf", "keras_torch")
ULP = 2.0**-52  # of max(1, |value|)
NEAR, FAR = 12.0, 1e150

# in ulps, what the frameworks' own double precision leaves, for |x| up to 12; 4 unless it says so
VALUE = {"softplus:threshold=20": 1e6}
SLOPE = {"tanh": 8, "tanh_shrink": 8, "silu": 8, "softplus": 6, "log_sigmoid": 6, "mish": 50}
SLOPE |= {"gelu_tanh": 200, "softplus:threshold=20": 1e7, "sigmoid": 4}
# constants and functions in single precision
SINGLE = 3e9
IN_SINGLE = {
    "torch.nn.Hardsigmoid",
    "torch.nn.functional.hardsigmoid",
    "keras.torch.activations.hard_sigmoid",
    "tf.nn.leaky_relu",
    "keras.tf.activations.leaky_relu",
    "keras.tf.layers.LeakyReLU",
    "tf.nn.gelu",
    "tf.nn.gelu(approximate=True)",
    "keras.tf.activations.gelu",
    "keras.tf.activations.gelu(approximate=True)",
    "keras.jax.activations.tanh",
    "onnx.HardSwish",
    "onnx.Gelu",
    "onnx.Gelu(approximate='tanh')",
    "onnx.Selu",
    "onnx.LeakyRelu",
    "onnx.HardSigmoid",
}
GELU_TANH_IN_JAX = {"jax.nn.gelu", "keras.jax.activations.gelu(approximate=True)"}
# what the other functions of the files are: parts of formulas, without a name of their own here
PARTS = ("clamp", "clip", "maximum", "Clip", "PRelu", "Shrink(", "ops.", "Tensor.")


def golden_names():
    for file in FILES:
        data = load_golden(f"activations_{file}")
        aliases = json.loads(str(data["aliases"]))
        stored = [n for n in data if n not in ("x", "aliases", "about")]
        for name in sorted({n.removesuffix("_derivative") for n in stored} | set(aliases)):
            yield file, name


def numbers(file, name):
    data = load_golden(f"activations_{file}")
    name = json.loads(str(data["aliases"])).get(name, name)
    return data["x"], data[name], data.get(f"{name}_derivative")


def meant_by(name):
    """What a name of the data means here; those that have no default were called with the row's."""
    return find_activations(name.partition("(threshold=1.0,")[0])


CASES = list(golden_names())
KNOWN = [(file, name) for file, name in CASES if len(meant_by(name)) == 1]


def test_what_no_spelling_is_for_are_parts_of_formulas():
    unknown = {name for _, name in CASES} - {name for _, name in KNOWN}
    assert {name for name in unknown if not any(part in name for part in PARTS)} == set()
    assert len(KNOWN) > 200


def test_every_spelling_of_today_is_in_the_golden_data():
    """But for names that are the same object, and for frameworks that are no more."""
    held = {name.partition("(threshold=1.0,")[0] for _, name in KNOWN}
    frameworks = ("torch.", "jax.", "tf.", "onnx.", "keras.jax.", "keras.tf.", "keras.torch.")
    missing = {name for name in all_aliases() if name.startswith(frameworks)} - held
    assert {name for name in missing if name.rpartition(".")[2] not in BLOCKS} == set()


BLOCKS = {"sin", "cos", "Sin", "Cos"}  # of which no data were made: they have no kink


@pytest.mark.parametrize(("file", "name"), KNOWN)
def test_the_values_are_the_frameworks(file, name):
    x, values, _ = numbers(file, name)
    (activation,) = meant_by(name)
    near = (np.abs(x) <= NEAR) & ~flushed(file, x)
    bound = SINGLE if name in IN_SINGLE else VALUE.get(to_text(activation), 4)
    bound = 20 if name in GELU_TANH_IN_JAX else bound
    found = activation.value(x[near])
    size = np.maximum(1.0, np.abs(found))
    assert (np.abs(found - values[near]) / size / ULP).max() <= bound


@pytest.mark.parametrize(("file", "name"), [c for c in KNOWN if numbers(*c)[2] is not None])
def test_the_slopes_are_the_frameworks_kinks_included(file, name):
    x, _, slopes = numbers(file, name)
    (activation,) = meant_by(name)
    near = np.abs(x) <= NEAR
    if file.startswith(("jax", "keras_jax", "keras_tf")):
        near &= ~beside_a_kink(activation, x)  # where they round to the kink
    near &= ~flushed(file, x)
    bound = SINGLE if name in IN_SINGLE else SLOPE.get(to_text(activation), 4)
    found = activation.derivative(x[near])
    size = np.maximum(1.0, np.abs(found))
    off = np.abs(found - slopes[near]) / size / ULP
    assert off.max() <= bound, x[near][off.argmax()]


def flushed(file, x):
    """Where a framework computes with 0: XLA and TensorFlow do so with subnormal numbers."""
    tiny = (np.abs(x) < 1e-290) & (x != 0.0)
    return tiny if file in ("tf", "keras_tf", "jax", "keras_jax") else np.zeros(len(x), dtype=bool)


def beside_a_kink(activation, x):
    odd = np.zeros(len(x), dtype=bool)
    for end in activation.function.breakpoints:
        odd |= (np.abs(x - end) <= 4 * np.spacing(max(abs(end), 1e-300))) & (x != end)
    return odd


@pytest.mark.parametrize(("file", "name"), KNOWN)
def test_far_out_the_frameworks_are_met_where_they_are_numbers(file, name):
    x, values, slopes = numbers(file, name)
    (activation,) = meant_by(name)
    far = (np.abs(x) > NEAR) & (np.abs(x) <= FAR)
    single = name in IN_SINGLE
    rtol = 1e-6 if single else 1e-8 if "threshold=20" in to_text(activation) else 1e-12
    atol = 1e-7 if single else 1e-14  # 1 + erf and the like lose their tails
    for found, theirs in ((activation.value(x), values), (activation.derivative(x), slopes)):
        if theirs is not None:
            finite = far & np.isfinite(theirs)
            np.testing.assert_allclose(found[finite], theirs[finite], rtol=rtol, atol=atol)


@pytest.mark.parametrize(
    ("name", "x", "slope"),
    [
        ("torch.nn.LeakyReLU", 0, 0.01),
        ("jax.nn.leaky_relu", 0, 1),
        ("tf.nn.leaky_relu", 0, 0.2),
        ("keras.jax.leaky_relu", 0, 1),
        ("keras.tf.leaky_relu", 0, 0.2),
        ("keras.torch.layers.LeakyReLU", 0, 0.3),
        ("torch.nn.Hardtanh", 1, 0),
        ("jax.nn.hard_tanh", -1, 1),
        ("keras.tf.hard_tanh", 1, 1),
        ("keras.torch.hard_tanh", 1, 0),
        ("jax.nn.sparse_sigmoid", 1, 0.25),
        ("keras.tf.sparse_sigmoid", -1, 0),
        ("torch.nn.SELU", 0, 1.0507009873554805 * 1.6732632423543772),
        ("tf.nn.selu", 0, 1.0507009873554805),
        ("keras.tf.celu", 0, 2),  # its two sides have slope 1
        ("torch.nn.CELU", 0, 1),
        ("torch.abs", 0, 0),
        ("jax.numpy.abs", 0, 1),
        ("torch.nn.ReLU6", 6, 0),
        ("torch.nn.Hardswish", -3, 0),
        ("torch.nn.Hardswish", 3, 1),
    ],
)
def test_slopes_at_kinks_by_name(name, x, slope):
    """Measured with each framework's own derivative, a kink hit exactly."""
    (activation,) = find_activations(name)
    assert activation.derivative(np.array([float(x)]))[0] == pytest.approx(slope, rel=1e-15)
