"""The table of activations. A new activation is one more row, and nothing else."""

from collections.abc import Mapping
from functools import partial
from math import inf
from types import MappingProxyType
from typing import Any

from hsig.activations.activation import BENT_LINE, SOFTMAX, Activation, Alias, Parameter


def row(
    name: str,
    formula: str,
    source: str,
    *aliases: str | Alias,
    kink: str = "own",
    backward: str | None = "own",
    note: str = "",
    **parameters: float,
) -> Activation:
    """Make a row of the table.

    `aliases` are its names elsewhere, with spaces between them; by `alias`, where others have other
    settings. `parameters` are their defaults; all else is as `Activation` has it.
    """
    return Activation(
        name,
        formula,
        source,
        tuple((parameter, float(value)) for parameter, value in parameters.items()),
        kink=kink,
        backward=backward,
        aliases=tuple(alias(names) if isinstance(names, str) else names for names in aliases),
        note=note,
    )


def alias(names: str, caveat: str = "", **settings: Parameter) -> Alias:
    """Names elsewhere, with the settings that they mean there, and with what is different here."""
    return Alias(names, settings, caveat)


def bent_row(
    name: str,
    source: str,
    *aliases: str | Alias,
    slope: float = 1.0,
    shift: float = 0.0,
    low: float = -inf,
    high: float = inf,
    leak: float = 0.0,
    kink: str = "closed",
    note: str = "",
) -> Activation:
    """Make the row of a line that is clipped, or bent, at `low` and `high`."""
    line: dict[str, Any] = {"slope": slope, "shift": shift, "low": low, "high": high, "leak": leak}
    return row(name, BENT_LINE, source, *aliases, kink=kink, note=note, **line)


hard_row = partial(bent_row, shift=0.5, low=0.0, high=1.0)  # a line through (0, 1/2)


PRELU = "PReLU learns its leak, from this one on, and here it stays as it is"
FANN_LINE = "FANN trains it with its slope at 0 everywhere: backward=straight_through"


def stepwise(u: str, low: str, high: str, *knots: tuple[float, float]) -> str:
    """Write the formula of lines from knot to knot in u, with jumps to both ends."""
    formula = high
    for (x0, y0), (x1, y1) in zip(reversed(knots[:-1]), reversed(knots[1:]), strict=True):
        line = f"{y0} + ({y1} - {y0})*({u} - ({x0}))/({x1} - ({x0}))"
        formula = f"where({u} < {x1}, {line}, {formula})"
    return f"where({u} < {knots[0][0]}, {low}, {formula})"


# fmt: off
# From 0 to 1, so that a layer of them can be the output as well.

SIGMOIDS = (
    row("sigmoid", "sigmoid(x)",
        "the logistic function, Verhulst 1845",
        "logistic sig sigm expit matlab.logsig fann.SIGMOID genann_act_sigmoid darknet.logistic "
        "encog.ActivationSigmoid theano.sigmoid lasagne.sigmoid keras1.sigmoid keras2.sigmoid "
        "torch.nn.Sigmoid torch.special.expit jax.nn.sigmoid jax.lax.logistic "
        "jax.scipy.special.expit keras.activations.sigmoid tf.nn.sigmoid onnx.Sigmoid"),
    row("ultra_fast",
        "(1 + sign(x)*where(abs(x)/2 < 1.7, 1.5*(abs(x)/2)/(1 + abs(x)/2), where(abs(x)/2 < 3, "
        "0.935409070603099 + 0.0458812946797165*(abs(x)/2 - 1.7), 0.99505475368673)))/2",
        "Theano 1.0.5, nnet/sigm.py", "theano.ultra_fast_sigmoid",
        backward=None,
        note="Theano answers MethodNotDefined: ('grad', ..., 'UltraFastScalarSigmoid')"),
    hard_row("hard",
             "Theano 1.0.5, nnet/sigm.py; ONNX HardSigmoid",
             "theano.hard_sigmoid keras1.hard_sigmoid keras2.hard_sigmoid onnx.HardSigmoid "
             "mxnet.hard_sigmoid chainer.hard_sigmoid",
             alias("matlab.satlin relu1", slope=1.0, shift=0.0),
             alias("fann.LINEAR_PIECE", FANN_LINE, slope=0.5, shift=0.0),
             slope=0.2),
    hard_row("hard_torch",
             "PyTorch F.hardsigmoid; JAX nn.hard_sigmoid; Keras 3; Paddle 2",
             "torch.nn.Hardsigmoid jax.nn.hard_sigmoid keras.activations.hard_sigmoid "
             "paddle2.hardsigmoid h_sigmoid",
             slope=1.0 / 6.0, kink="open"),
    hard_row("hard_taylor",
             "Gulcehre et al. 2016, arXiv:1603.00391",
             slope=0.25, note="the tangent of the logistic sigmoid at 0, clipped"),
    hard_row("hard_binary",
             "Courbariaux et al. 2015, arXiv:1511.00363",
             slope=0.5, note="BinaryConnect's, there with a straight-through backward pass"),
    hard_row("leaky_hard", "hard with a leak, in several modules", slope=0.2, leak=0.01),
    row("sparse_sigmoid", "clip((x + 1)/2, 0, 1)",
        "Blondel, Martins & Niculae 2019, arXiv:1901.02324",
        alias("jax.nn.sparse_sigmoid keras.jax.activations.sparse_sigmoid", kink="mean"),
        "keras.tf.activations.sparse_sigmoid keras.torch.activations.sparse_sigmoid",
        kink="open"),
    row("elliott", "x/(2*(1 + abs(x))) + 1/2",
        "Elliott 1993, A Better Activation Function for Artificial Neural Networks; FANN",
        "encog.ActivationElliott"),
    row("smooth_step",
        "where(x <= -gamma/2, 0, where(x >= gamma/2, 1, -2*x**3/gamma**3 + 3*x/(2*gamma) + 1/2))",
        "Hazimeh et al. 2020, arXiv:2002.07772",
        gamma=1.0),
    row("soft_clipping",
        "where(x > 0.5, 1 + (softplus(-alpha*x) - softplus(-alpha*(x - 1)))/alpha, "
        "(softplus(alpha*x) - softplus(alpha*(x - 1)))/alpha)",
        "Klimek & Perelstein 2018, arXiv:1810.11509", "echo.SoftClipping",
        alpha=0.5, note="the larger alpha, the nearer to clip(x, 0, 1); 0.5 is Echo's"),
    row("loglog", "exp(-exp(-x))",
        "Gomes, Ludermir & Lima 2011, Neural Computing and Applications 20:417-439",
        note="not symmetric: it reaches 1 later than 0"),
    row("cloglog", "1 - exp(-exp(x))",
        "Gomes, Ludermir & Lima 2011, Neural Computing and Applications 20:417-439",
        note="1 - loglog(-x)"),
    row("plan",
        "1/2 + sign(x)*(where(abs(x) >= 5, 1, where(abs(x) >= 2.375, abs(x)/32 + 0.84375, "
        "where(abs(x) >= 1, abs(x)/8 + 0.625, abs(x)/4 + 1/2))) - 1/2)",
        "Amin, Curtis & Hayes-Gill 1997, IEE Proc. Circuits, Devices and Systems 144:313-317",
        note="made of shifts and additions, for hardware; it drops by 1/256 where |x| passes "
        "2.375"),
    row("fann_stepwise",
        stepwise("steepness*x", *("0", "1"), (-2.6466524600982666, 0.004999999888241291),
                 (-1.472219467163086, 0.05000000074505806), (-0.5493061542510986, 0.25),
                 (0.5493061542510986, 0.75), (1.4722193479537964, 0.949999988079071),
                 (2.646652936935425, 0.9950000047683716)),
        "FANN, fann_activation.h", "fann.SIGMOID_STEPWISE",
        steepness=0.5,
        note="its steps are single precision; FANN itself trains it with another slope"),
    row("step", "where(x < 0, 0, 1)",
        "McCulloch & Pitts 1943; FANN",
        "heaviside unit_step binary_step matlab.hardlim fann.THRESHOLD",
        backward=None, note="its slope is 0 everywhere"),
)

# For hidden layers, and in a framework of today.

HIDDEN = (
    row("tanh", "tanh(x)",
        "LeCun et al. 1998, Efficient BackProp",
        "theano.tanh lasagne.tanh keras1.tanh keras2.tanh torch.nn.Tanh jax.nn.tanh "
        "keras.activations.tanh tf.nn.tanh onnx.Tanh hyperbolic_tangent darknet.tanh "
        "matlab.tansig encog.ActivationTANH"),
    bent_row("hard_tanh",
             "Collobert 2004",
             "torch.nn.Hardtanh keras.torch.activations.hard_tanh darknet.hardtan matlab.satlins "
             "relu_n1_to_1",
             alias("fann.LINEAR_PIECE_SYMMETRIC", FANN_LINE, slope=0.5),
             alias("jax.nn.hard_tanh keras.jax.activations.hard_tanh "
                   "keras.tf.activations.hard_tanh", kink="closed"),
             low=-1.0, high=1.0, kink="open"),
    bent_row("relu",
             "Nair & Hinton 2010",
             "rectifier rectified_linear matlab.poslin encog.ActivationReLU darknet.relu "
             "keras1.relu keras2.relu torch.nn.ReLU jax.nn.relu keras.activations.relu tf.nn.relu "
             "onnx.Relu",
             alias("lasagne.rectify theano.relu", kink="mean"),  # (x + abs(x))/2
             low=0.0, kink="open", note="slope 0 at x = 0"),
    row("relu6", "clip(x, 0, 6)",
        "Krizhevsky 2010, Convolutional Deep Belief Networks on CIFAR-10",
        "torch.nn.ReLU6 jax.nn.relu6 keras.activations.relu6 tf.nn.relu6",
        kink="open"),
    bent_row("leaky_relu",
             "Maas, Hannun & Ng 2013",
             "lrelu brain.leaky-relu darknet.relie torch.nn.LeakyReLU onnx.LeakyRelu",
             alias("lasagne.leaky_rectify", kink="mean"),
             alias("lasagne.very_leaky_rectify", leak=0.3333333333333333, kink="mean"),
             alias("darknet.leaky", leak=0.1),
             alias("mxnet.LeakyReLU", leak=0.25),
             alias("chainer.leaky_relu", leak=0.2),
             alias("jax.nn.leaky_relu", kink="closed"),
             alias("tf.nn.leaky_relu", leak=0.2),
             alias("keras.jax.activations.leaky_relu", leak=0.2, kink="closed"),
             alias("keras.tf.activations.leaky_relu keras.torch.activations.leaky_relu", leak=0.2),
             alias("keras.tf.layers.LeakyReLU keras.torch.layers.LeakyReLU keras2.LeakyReLU",
                   leak=0.3),
             alias("keras.jax.layers.LeakyReLU", leak=0.3, kink="closed"),
             alias("prelu torch.nn.PReLU", PRELU, leak=0.25),
             alias("keras.layers.PReLU keras2.PReLU", PRELU, leak=0.0),
             alias("flax.linen.PReLU", PRELU, kink="closed"),
             alias("torch.nn.RReLU",
                   "RReLU draws its leak anew in each step, and here it is the mean of those",
                   leak=0.22916666666666666),
             low=0.0, leak=0.01, kink="open",
             note="slope `leak` at x = 0; others call the leak negative_slope"),
    row("elu", "where(x > 0, x, alpha*expm1(x))",
        "Clevert, Unterthiner & Hochreiter 2016, arXiv:1511.07289",
        "keras1.elu keras2.elu lasagne.elu torch.nn.ELU jax.nn.elu keras.activations.elu "
        "tf.nn.elu onnx.Elu",
        alpha=1.0),
    row("celu", "where(x > 0, x, alpha*expm1(x/alpha))",
        "Barron 2017, arXiv:1704.07483",
        "torch.nn.CELU jax.nn.celu keras.jax.activations.celu keras.torch.activations.celu "
        "onnx.Celu",
        alias("keras.tf.activations.celu", kink="sum"),
        alpha=1.0, note="Keras 3 on TensorFlow answers 2 at 0, where both sides have slope 1"),
    row("selu", "scale*where(x > 0, x, alpha*expm1(x))",
        "Klambauer et al. 2017, arXiv:1706.02515",
        "keras2.selu torch.nn.SELU jax.nn.selu keras.jax.activations.selu "
        "keras.torch.activations.selu onnx.Selu",
        alias("tf.nn.selu keras.tf.activations.selu", kink="right"),
        scale=1.0507009873554805, alpha=1.6732632423543772),
    row("softplus", "where(beta*x > threshold, x, softplus(beta*x)/beta)",
        "Dugas et al. 2001",
        "softrelu theano.softplus keras1.softplus keras2.softplus lasagne.softplus "
        "jax.nn.softplus keras.jax.activations.softplus keras.tf.activations.softplus "
        "tf.nn.softplus onnx.Softplus",
        alias("torch.nn.Softplus keras.torch.activations.softplus", threshold=20.0),
        beta=1.0, threshold=inf, note="PyTorch's is the line x above its threshold"),
    row("squareplus", "(x + sqrt(x**2 + b))/2",
        "Barron 2021, arXiv:2112.11687", "jax.nn.squareplus keras.activations.squareplus",
        b=4.0),
    row("sparse_plus", "where(x <= -1, 0, where(x >= 1, x, (x + 1)**2/4))",
        "the integral of sparse_sigmoid; JAX nn.sparse_plus",
        "jax.nn.sparse_plus keras.activations.sparse_plus"),
    row("silu", "x*sigmoid(beta*x)",
        "Elfwing, Uchibe & Doya 2018, arXiv:1702.03118",
        "swish torch.nn.SiLU jax.nn.silu jax.nn.swish keras.activations.silu "
        "keras.activations.swish tf.nn.silu tf.nn.swish onnx.Swish",
        alias("quick_gelu", beta=1.702),
        beta=1.0),
    row("hard_silu", "x*clip(x/6 + 0.5, 0, 1)",
        "Howard et al. 2019, arXiv:1905.02244",
        "hard_swish h_swish torch.nn.Hardswish jax.nn.hard_silu jax.nn.hard_swish "
        "keras.activations.hard_silu keras.activations.hard_swish onnx.HardSwish",
        kink="open"),
    row("gelu", "x*(1 + erf(x/sqrt(2)))/2",
        "Hendrycks & Gimpel 2016, arXiv:1606.08415",
        "torch.nn.GELU jax.nn.gelu(approximate=False) keras.activations.gelu tf.nn.gelu onnx.Gelu"),
    row("gelu_tanh", "x*sigmoid(2*sqrt(2/pi)*(x + 0.044715*x**3))",
        "Hendrycks & Gimpel 2016, arXiv:1606.08415",
        "jax.nn.gelu torch.nn.GELU(approximate='tanh') keras.activations.gelu(approximate=True) "
        "tf.nn.gelu(approximate=True) onnx.Gelu(approximate='tanh') gelu_new gelu_fast "
        "gelu_pytorch_tanh gelu_accurate",
        note="x/2*(1 + tanh(u)) with half the argument of the sigmoid, which is the same and "
             "loses its digits on the left; the exact one uses erf"),
    row("mish", "x*tanh(softplus(x))",
        "Misra 2019, arXiv:1908.08681",
        "torch.nn.Mish jax.nn.mish keras.activations.mish onnx.Mish"),
    row("softsign", "x/(1 + abs(x))",
        "Elliott 1993; compared by Glorot & Bengio 2010",
        "keras1.softsign keras2.softsign torch.nn.Softsign jax.nn.soft_sign "
        "keras.activations.softsign tf.nn.softsign onnx.Softsign matlab.elliotsig "
        "encog.ActivationElliottSymmetric"),
    row("log_sigmoid", "log(sigmoid(x))",
        "PyTorch, JAX and Keras",
        "torch.nn.LogSigmoid jax.nn.log_sigmoid keras.activations.log_sigmoid tf.math.log_sigmoid"),
    row("tanh_shrink", "x - tanh(x)",
        "PyTorch and Keras", "torch.nn.Tanhshrink keras.activations.tanh_shrink"),
    row("hard_shrink", "where(abs(x) > bound, x, 0)",
        "Donoho & Johnstone 1994, Biometrika 81:425-455",
        "torch.nn.Hardshrink keras.activations.hard_shrink onnx.Shrink",
        kink="open", bound=0.5, note="it jumps at its bound"),
    row("soft_shrink", "sign(x)*max(abs(x) - bound, 0)",
        "Donoho 1995, IEEE Transactions on Information Theory 41:613-627",
        "torch.nn.Softshrink keras.activations.soft_shrink onnx.Shrink(bias=0.5)",
        kink="open", bound=0.5),
    row("threshold", "where(x > threshold, x, value)",
        "Konda, Memisevic & Krueger 2014, arXiv:1402.3337",
        "torch.nn.Threshold keras.activations.threshold onnx.ThresholdedRelu "
        "keras2.ThresholdedReLU",
        kink="open", threshold=1.0, value=0.0,
        note="it jumps at its threshold; PyTorch and Keras have no default"),
    row("exponential", "exp(x)",
        "Keras",
        "keras2.exponential torch.exp jax.numpy.exp keras.activations.exponential tf.math.exp "
        "onnx.Exp"),
)

# A line is in no group: it is compared by name. A hidden layer that cannot solve what takes a bend
# would only make the corrections of all other comparisons stricter.
LINEAR = (
    bent_row("identity",
             "the linear unit, Widrow & Hoff 1960",
             "linear lasagne.linear keras1.linear keras2.linear keras.activations.linear "
             "keras.layers.Identity torch.nn.Identity jax.nn.identity tf.identity onnx.Identity "
             "matlab.purelin encog.ActivationLinear genann_act_linear darknet.linear",
             alias("fann.LINEAR", slope=0.5),
             note="for the output, where targets may be any number; in no group but by its name"),
)

# Of several outputs at once; by itself, as here, that of two of which the other is at 0.
OUTPUTS = (
    row(SOFTMAX, "sigmoid(x)",
        "Bridle 1990, Neurocomputing (NATO ASI F68)",
        "torch.nn.Softmax jax.nn.softmax keras.activations.softmax tf.nn.softmax onnx.Softmax",
        note="for the output, with the loss cross_entropy: exp(x) over the sum of all outputs' "
        "exp(x)"),
)

# For hidden layers; named by surveys and users, and by no framework of today.

_ELISH = "Basirat & Roth 2018, arXiv:1808.00783"

SURVEYED = (
    row("scaled_tanh", "alpha*tanh(beta*x)",
        "LeCun et al. 1998, Efficient BackProp", "lecun_tanh",
        alpha=1.7159, beta=2.0 / 3.0),
    row("rescaled_sigmoid", "4*sigmoid(x) - 2",
        "Hochreiter & Schmidhuber 1997, Neural Computation 9:1735-1780, appendix",
        note="2*tanh(x/2)"),
    row("penalized_tanh", "where(x > 0, tanh(x), a*tanh(x))",
        "Xu, Huang & Li 2016, arXiv:1602.05980",
        a=0.25),
    row("arctan", "atan(x)",
        "torch_activation, after Kunc & Klema 2024, arXiv:2402.09092", "atan"),
    row("isru", "x/sqrt(1 + alpha*x**2)", "Carlile et al. 2017, arXiv:1710.09967", alpha=1.0),
    row("isrlu", "where(x >= 0, x, x/sqrt(1 + alpha*x**2))",
        "Carlile et al. 2017, arXiv:1710.09967",
        alpha=1.0),
    row("sqnl", "where(x > 2, 1, where(x >= 0, x - x**2/4, where(x >= -2, x + x**2/4, -1)))",
        "Wuraola & Patel 2018, IJCNN"),
    row("sqlu", "where(x > 0, x, where(x >= -2, x + x**2/4, -1))",
        "torch_activation, after Wuraola, Patel & Nguang 2021"),
    row("squared_relu", "max(x, 0)**2",
        "So et al. 2021, Primer, arXiv:2109.08668", "relu2 relu_squared"),
    row("bent_identity", "x + (sqrt(x**2 + 1) - 1)/2",
        "Echo", "echo.BentID"),
    row("tanhexp", "x*tanh(exp(x))", "Liu & Di 2020, arXiv:2003.09855"),
    row("lisht", "x*tanh(x)",
        "Roy et al. 2019, arXiv:1901.05894", "tfa.lisht"),
    row("logish", "x*log(1 + sigmoid(x))", "Zhu et al. 2021, Neurocomputing 458"),
    row("phish", "x*tanh(x*(1 + erf(x/sqrt(2)))/2)", "Naveen 2022, TechRxiv 17283824"),
    row("serf", "x*erf(softplus(x))", "Nag & Bhattacharyya 2021, arXiv:2108.09598"),
    row("smish", "alpha*x*tanh(log(1 + sigmoid(beta*x)))",
        "Wang, Ren & Wang 2022, Electronics 11:540",
        alpha=1.0, beta=1.0),
    row("elish", "where(x >= 0, x, expm1(x))*sigmoid(x)", _ELISH),
    row("hard_elish", "where(x >= 0, x, expm1(x))*clip((x + 1)/2, 0, 1)", _ELISH),
    row("srs", "x/(x/alpha + exp(-x/beta))",
        "Zhou et al. 2020, Soft-Root-Sign, arXiv:2003.00547",
        alpha=2.0, beta=3.0),
    row("snake", "x + sin(a*x)**2/a",
        "Ziyin, Hartwig & Ueda 2020, arXiv:2006.08195", "tfa.snake",
        a=1.0),
    row("sine", "sin(x)",
        "Parascandolo, Huttunen & Virtanen 2017, Taming the waves",
        "torch.sin jax.numpy.sin tf.sin onnx.Sin"),
    row("cosine", "cos(x)",
        "FANN, fann_activation.h", "torch.cos jax.numpy.cos tf.cos onnx.Cos"),
    row("gaussian", "exp(-x**2)",
        "FANN, fann_activation.h", "gauss matlab.radbas"),
    row("abs", "abs(x)",
        "PyTorch, TensorFlow, JAX and ONNX", "absolute torch.abs tf.abs onnx.Abs",
        alias("jax.numpy.abs", kink="right")),
    row("square", "x**2",
        "PyTorch, TensorFlow and JAX", "torch.square tf.square jax.numpy.square"),
    row("sign", "sign(x)",
        "PyTorch, TensorFlow, JAX and ONNX",
        "signum sgn torch.sign tf.sign jax.numpy.sign onnx.Sign",
        backward=None, note="its slope is 0 everywhere"),
)
# fmt: on

ACTIVATIONS: Mapping[str, Activation] = MappingProxyType(
    {row.name: row for row in (*SIGMOIDS, *HIDDEN, *SURVEYED, *LINEAR, *OUTPUTS)}
)
