"""Makes activations_NAME.npz: what the real frameworks answer, by their own autograd.

    python tests/golden/make_activations.py NAME [FOLDER]

NAME is torch, jax, tf, onnx, keras_jax, keras_tf or keras_torch. Only that framework is imported,
and hsig never. This is the record of how the numbers were made and no part of the tests. It was run
with Python 3.11.7, NumPy 2.4.6, torch 2.13.0+cpu, jax and jaxlib 0.10.2, tensorflow-cpu 2.21.0,
keras 3.15.1 and onnx 1.23.2 (opset 28), on an x86-64 processor with AVX-512. Torch and JAX give the
same bits with AVX2. Each file has the versions as `about`.

A spelling is what one writes in the framework, with the keyword arguments that are not defaults.
A class is made first: `torch.nn.Hardshrink` is `torch.nn.Hardshrink()`. Keras has the back end
after its name. An ONNX operator's keywords are attributes, or inputs if it has no such attribute.
"""

import ast
import functools
import inspect
import json
import os
import platform
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Answers = Callable[[str, Floats], tuple[Floats, Floats | None]]

# of all functions together, with torch's threshold of softplus
KINKS = (-3.0, -2.5, -1.0, -0.5, 0.0, 0.5, 1.0, 2.5, 3.0, 6.0, 20.0)
TINY = (1e-300, 1e-8)
FAR = (
    *(20.0, 25.0, 30.0, 36.0, 37.0, 40.0, 50.0, 88.0, 100.0, 300.0, 500.0, 700.0, 709.0, 710.0),
    *(745.0, 746.0, 800.0, 1e3, 1e6, 1e20, 1e300, 1.7e308, np.inf),
)

TORCH = """
torch.nn.Sigmoid torch.nn.functional.sigmoid torch.sigmoid torch.special.expit torch.Tensor.sigmoid
torch.nn.Tanh torch.nn.functional.tanh torch.tanh torch.Tensor.tanh torch.nn.ReLU
torch.nn.functional.relu torch.relu torch.Tensor.relu torch.nn.ReLU6 torch.nn.functional.relu6
torch.nn.LeakyReLU torch.nn.functional.leaky_relu torch.nn.PReLU torch.nn.RReLU
torch.nn.functional.rrelu torch.rrelu torch.nn.ELU torch.nn.functional.elu torch.nn.CELU
torch.nn.functional.celu torch.celu torch.nn.SELU torch.nn.functional.selu torch.selu torch.nn.GELU
torch.nn.functional.gelu torch.nn.GELU(approximate='tanh')
torch.nn.functional.gelu(approximate='tanh') torch.nn.SiLU torch.nn.functional.silu torch.nn.Mish
torch.nn.functional.mish torch.nn.Hardsigmoid torch.nn.functional.hardsigmoid torch.nn.Hardswish
torch.nn.functional.hardswish torch.nn.Hardtanh torch.nn.functional.hardtanh torch.nn.Softplus
torch.nn.functional.softplus torch.nn.Softsign torch.nn.functional.softsign torch.nn.LogSigmoid
torch.nn.functional.logsigmoid torch.nn.Tanhshrink torch.nn.functional.tanhshrink
torch.nn.Hardshrink torch.nn.functional.hardshrink torch.hardshrink torch.Tensor.hardshrink
torch.nn.Softshrink torch.nn.functional.softshrink torch.nn.Threshold(threshold=1.0,value=0.0)
torch.nn.functional.threshold(threshold=1.0,value=0.0) torch.threshold(threshold=1.0,value=0.0)
torch.exp torch.Tensor.exp torch.nn.Identity torch.abs torch.Tensor.abs torch.sign torch.square
torch.clamp(min=0.0,max=1.0) torch.clip(min=0.0,max=1.0) torch.clamp(min=0.0)
"""

JAX = """
jax.nn.sigmoid jax.scipy.special.expit jax.lax.logistic jax.nn.tanh jax.numpy.tanh jax.lax.tanh
jax.nn.relu jax.nn.relu6 jax.nn.leaky_relu jax.nn.elu jax.nn.celu jax.nn.selu jax.nn.gelu
jax.nn.gelu(approximate=False) jax.nn.silu jax.nn.swish jax.nn.mish jax.nn.hard_sigmoid
jax.nn.hard_silu jax.nn.hard_swish jax.nn.hard_tanh jax.nn.softplus jax.nn.soft_sign
jax.nn.log_sigmoid jax.nn.squareplus jax.nn.sparse_plus jax.nn.sparse_sigmoid jax.numpy.exp
jax.lax.exp jax.nn.identity jax.numpy.abs jax.numpy.sign jax.numpy.square
jax.numpy.clip(min=0.0,max=1.0)
"""

TF = """
tf.nn.sigmoid tf.math.sigmoid tf.sigmoid tf.nn.tanh tf.math.tanh tf.tanh tf.nn.relu tf.nn.relu6
tf.nn.leaky_relu tf.nn.elu tf.nn.selu tf.nn.gelu tf.nn.gelu(approximate=True) tf.nn.silu
tf.nn.swish tf.nn.softplus tf.math.softplus tf.nn.softsign tf.math.softsign tf.math.log_sigmoid
tf.math.exp tf.exp tf.identity tf.math.abs tf.abs tf.math.sign tf.sign tf.math.square tf.square
tf.clip_by_value(clip_value_min=0.0,clip_value_max=1.0) tf.math.maximum(y=0.0) tf.maximum(y=0.0)
"""

# after `keras.jax.` and the like
KERAS = """
activations.sigmoid ops.sigmoid activations.tanh ops.tanh activations.relu ops.relu layers.ReLU
activations.relu6 ops.relu6 activations.leaky_relu ops.leaky_relu layers.LeakyReLU activations.elu
ops.elu layers.ELU activations.celu ops.celu activations.selu ops.selu activations.gelu
ops.gelu(approximate=False) activations.gelu(approximate=True) ops.gelu activations.silu
activations.swish ops.silu ops.swish activations.mish activations.hard_sigmoid ops.hard_sigmoid
activations.hard_silu activations.hard_swish ops.hard_silu ops.hard_swish activations.hard_tanh
ops.hard_tanh activations.softplus ops.softplus activations.softsign ops.softsign
activations.log_sigmoid ops.log_sigmoid activations.tanh_shrink ops.tanh_shrink
activations.hard_shrink ops.hard_shrink activations.soft_shrink ops.soft_shrink
activations.threshold(threshold=1.0,default_value=0.0)
ops.threshold(threshold=1.0,default_value=0.0) activations.squareplus ops.squareplus
activations.sparse_plus ops.sparse_plus activations.sparse_sigmoid ops.sparse_sigmoid
activations.exponential ops.exp activations.linear layers.Identity
"""

ONNX = """
onnx.Sigmoid onnx.Tanh onnx.Relu onnx.Clip(min=0.0,max=6.0) onnx.LeakyRelu onnx.PRelu(slope=0.25)
onnx.Elu onnx.Celu onnx.Selu onnx.Gelu onnx.Gelu(approximate='tanh') onnx.Swish onnx.Mish
onnx.HardSigmoid onnx.HardSwish onnx.Clip(min=-1.0,max=1.0) onnx.Softplus onnx.Softsign onnx.Shrink
onnx.Shrink(bias=0.5) onnx.ThresholdedRelu onnx.Exp onnx.Identity onnx.Abs onnx.Sign
onnx.Clip(min=0.0,max=1.0)
"""


def points() -> Floats:
    """All x, in increasing order: the grid, the kinks with two neighbours on each side, far out."""
    found = list(np.arange(-12 * 32, 12 * 32 + 1) / 32)
    for kink in KINKS:
        below = np.nextafter(kink, -np.inf)
        above = np.nextafter(kink, np.inf)
        found += [np.nextafter(below, -np.inf), below, kink, above, np.nextafter(above, np.inf)]
    for size in (*TINY, *FAR):
        found += [-size, size]
    return np.concatenate([np.unique(np.array(found)), [-0.0, np.nan]])


def split_spelling(spelling: str) -> tuple[list[str], dict[str, object]]:
    """`a.b.c(d=1)` as its names and its keyword arguments."""
    tree = ast.parse(spelling, mode="eval").body
    keywords: dict[str, object] = {}
    if isinstance(tree, ast.Call):
        keywords = {k.arg: ast.literal_eval(k.value) for k in tree.keywords if k.arg is not None}
        tree = tree.func
    return ast.unparse(tree).split("."), keywords


def callable_of(module: object, names: Iterable[str], keywords: Mapping[str, object]) -> Callable:
    """What is called `names` in `module`: made if it is a class, with these keywords if not."""
    found = functools.reduce(getattr, names, module)
    if inspect.isclass(found):
        return found(**keywords)
    return functools.partial(found, **keywords)


def torch_answers() -> tuple[str, Answers, dict[str, str]]:
    import torch

    def answer(spelling: str, x: Floats) -> tuple[Floats, Floats]:
        names, keywords = split_spelling(spelling)
        return by_torch(callable_of(torch, names[1:], keywords), x)

    versions = {"torch": torch.__version__, "vectors": torch.backends.cpu.get_cpu_capability()}
    return TORCH, answer, versions


def by_torch(function: Callable, x: Floats) -> tuple[Floats, Floats]:
    import torch

    if isinstance(function, torch.nn.Module):
        function = function.double().eval()  # PReLU's parameter; RReLU is a line outside training
    at = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    value = function(at)
    if not value.requires_grad:  # a constant to it
        return value.detach().numpy(), np.zeros_like(x)
    (slope,) = torch.autograd.grad(value.sum(), at)
    return value.detach().numpy(), slope.numpy()


def jax_answers() -> tuple[str, Answers, dict[str, str]]:
    import jax
    import jax.scipy.special
    import jaxlib

    jax.config.update("jax_enable_x64", True)

    def answer(spelling: str, x: Floats) -> tuple[Floats, Floats]:
        names, keywords = split_spelling(spelling)
        return by_jax(callable_of(jax, names[1:], keywords), x)

    return JAX, answer, {"jax": jax.__version__, "jaxlib": jaxlib.__version__}


def by_jax(function: Callable, x: Floats) -> tuple[Floats, Floats]:
    import jax

    at = jax.numpy.asarray(x)
    slope = jax.grad(lambda v: function(v).sum())(at)
    return np.asarray(function(at)), np.asarray(slope)


def tf_answers() -> tuple[str, Answers, dict[str, str]]:
    import tensorflow as tf

    def answer(spelling: str, x: Floats) -> tuple[Floats, Floats]:
        names, keywords = split_spelling(spelling)
        return by_tf(callable_of(tf, names[1:], keywords), x)

    return TF, answer, {"tensorflow": tf.__version__}


def by_tf(function: Callable, x: Floats) -> tuple[Floats, Floats]:
    import tensorflow as tf

    at = tf.constant(x, dtype=tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(at)
        value = function(at)
        total = tf.reduce_sum(value)
    slope = tape.gradient(total, at)
    return value.numpy(), np.zeros_like(x) if slope is None else slope.numpy()


def keras_answers(back_end: str) -> tuple[str, Answers, dict[str, str]]:
    os.environ["KERAS_BACKEND"] = {"tf": "tensorflow"}.get(back_end, back_end)
    import keras

    derive = {"jax": by_jax, "tf": by_tf, "torch": by_torch}[back_end]
    made = {"jax": jax_answers, "tf": tf_answers, "torch": torch_answers}[back_end]
    _, _, versions = made()
    keras.config.set_floatx("float64")

    def answer(spelling: str, x: Floats) -> tuple[Floats, Floats]:
        names, keywords = split_spelling(spelling)
        return derive(callable_of(keras, names[2:], keywords), x)

    spellings = "\n".join(f"keras.{back_end}.{s}" for s in KERAS.split())
    return spellings, answer, {"keras": keras.__version__, **versions}


def onnx_answers() -> tuple[str, Answers, dict[str, str]]:
    """Values only, by its reference evaluator. Attributes are single precision by definition."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from onnx.reference import ReferenceEvaluator

    opset = onnx.defs.onnx_opset_version()

    def answer(spelling: str, x: Floats) -> tuple[Floats, None]:
        names, keywords = split_spelling(spelling)
        schema = onnx.defs.get_schema(names[-1], opset)
        attributes = {k: v for k, v in keywords.items() if k in schema.attributes}
        inputs = {k: np.float64(v) for k, v in keywords.items() if k not in schema.attributes}
        node = helper.make_node(names[-1], ["x", *inputs], ["y"], **attributes)
        ends = (
            [helper.make_tensor_value_info("x", TensorProto.DOUBLE, [None])],
            [helper.make_tensor_value_info("y", TensorProto.DOUBLE, [None])],
        )
        constants = [numpy_helper.from_array(np.asarray(v), k) for k, v in inputs.items()]
        model = helper.make_model(
            helper.make_graph([node], "one", *ends, initializer=constants),
            opset_imports=[helper.make_opsetid("", opset)],
        )
        return ReferenceEvaluator(model).run(None, {"x": x})[0], None

    return ONNX, answer, {"onnx": onnx.__version__, "opset": str(opset)}


FRAMEWORKS = {
    "torch": torch_answers,
    "jax": jax_answers,
    "tf": tf_answers,
    "onnx": onnx_answers,
    "keras_jax": functools.partial(keras_answers, "jax"),
    "keras_tf": functools.partial(keras_answers, "tf"),
    "keras_torch": functools.partial(keras_answers, "torch"),
}


def record(name: str, folder: Path) -> None:
    """Write activations_NAME.npz; functions with the same bits are stored once."""
    spellings, answer, versions = FRAMEWORKS[name]()
    x = points()
    arrays: dict[str, NDArray] = {"x": x}
    aliases: dict[str, str] = {}
    first: dict[bytes, str] = {}
    for spelling in spellings.split():
        with np.errstate(all="ignore"):
            value, slope = answer(spelling, x)
        found = {spelling: value}
        if slope is not None:
            found[f"{spelling}_derivative"] = slope
        for array in found.values():
            if array.dtype != np.float64:  # kept as it is: that is what one gets
                print(f"{spelling}: {array.dtype}")
        # there is one nan: its sign and payload say nothing
        found = {key: np.where(np.isnan(array), np.nan, array) for key, array in found.items()}
        bits = b"".join(array.tobytes() for array in found.values())
        if bits in first:
            aliases[spelling] = first[bits]
        else:
            first[bits] = spelling
            arrays |= found
    versions |= {"python": platform.python_version(), "numpy": np.__version__}
    texts = {"aliases": np.array(json.dumps(aliases)), "about": np.array(json.dumps(versions))}
    np.savez_compressed(folder / f"activations_{name}.npz", **arrays, **texts)
    print(f"{name}: {len(first)} functions, {len(aliases)} aliases, {versions}")


if __name__ == "__main__":
    record(sys.argv[1], Path(sys.argv[2] if sys.argv[2:] else Path(__file__).parent))
