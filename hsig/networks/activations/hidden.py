"""The activations of hidden layers that a framework of today has; and the line."""

from math import inf

from hsig.networks.activations.rows import BENT_LINE, row

HIDDEN = (
    row(
        "tanh",
        "tanh(x)",
        "LeCun et al. 1998, Efficient BackProp",
        "theano.tanh lasagne.tanh keras1.tanh keras2.tanh torch.nn.Tanh torch.nn.functional.tanh "
        "torch.tanh jax.nn.tanh jax.numpy.tanh jax.lax.tanh keras.activations.tanh tf.nn.tanh "
        "tf.math.tanh onnx.Tanh fann.SIGMOID_SYMMETRIC",
    ),
    row(
        "hard_tanh",
        BENT_LINE,
        "Collobert 2004",
        "torch.nn.Hardtanh torch.nn.functional.hardtanh keras.torch.activations.hard_tanh",
        (
            "jax.nn.hard_tanh keras.jax.activations.hard_tanh keras.tf.activations.hard_tanh",
            "kink=closed",
        ),
        slope=1.0,
        shift=0.0,
        low=-1.0,
        high=1.0,
        leak=0.0,
        kink="open",
    ),
    row(
        "relu",
        BENT_LINE,
        "Nair & Hinton 2010",
        "lasagne.rectify theano.relu keras1.relu keras2.relu torch.nn.ReLU "
        "torch.nn.functional.relu torch.relu jax.nn.relu keras.activations.relu keras.layers.ReLU "
        "tf.nn.relu onnx.Relu",
        slope=1.0,
        shift=0.0,
        low=0.0,
        high=inf,
        leak=0.0,
        kink="open",
        note="slope 0 at x = 0",
    ),
    row(
        "relu6",
        "clip(x, 0, 6)",
        "Krizhevsky 2010, Convolutional Deep Belief Networks on CIFAR-10",
        "torch.nn.ReLU6 torch.nn.functional.relu6 jax.nn.relu6 keras.activations.relu6 tf.nn.relu6",
        kink="open",
    ),
    row(
        "leaky_relu",
        BENT_LINE,
        "Maas, Hannun & Ng 2013",
        "torch.nn.LeakyReLU torch.nn.functional.leaky_relu onnx.LeakyRelu lasagne.leaky_rectify",
        ("jax.nn.leaky_relu", "kink=closed"),
        ("tf.nn.leaky_relu", "leak=0.2"),
        ("keras.jax.activations.leaky_relu", "leak=0.2,kink=closed"),
        ("keras.tf.activations.leaky_relu keras.torch.activations.leaky_relu", "leak=0.2"),
        ("keras.jax.layers.LeakyReLU", "leak=0.3,kink=closed"),
        ("keras.tf.layers.LeakyReLU keras.torch.layers.LeakyReLU keras2.LeakyReLU", "leak=0.3"),
        ("torch.nn.PReLU", "leak=0.25"),
        ("torch.nn.RReLU torch.nn.functional.rrelu", "leak=0.22916666666666666"),
        slope=1.0,
        shift=0.0,
        low=0.0,
        high=inf,
        leak=0.01,
        kink="open",
        note="slope `leak` at x = 0; others call the leak negative_slope. That of PReLU does not "
        "learn here, and that of RReLU is the mean",
    ),
    row(
        "elu",
        "where(x > 0, x, alpha*expm1(x))",
        "Clevert, Unterthiner & Hochreiter 2016, arXiv:1511.07289",
        "keras1.elu keras2.elu lasagne.elu torch.nn.ELU torch.nn.functional.elu jax.nn.elu "
        "keras.activations.elu keras.layers.ELU tf.nn.elu onnx.Elu",
        alpha=1.0,
    ),
    row(
        "celu",
        "where(x > 0, x, alpha*expm1(x/alpha))",
        "Barron 2017, arXiv:1704.07483",
        "torch.nn.CELU torch.nn.functional.celu torch.celu jax.nn.celu keras.jax.activations.celu "
        "keras.torch.activations.celu onnx.Celu",
        ("keras.tf.activations.celu", "kink=sum"),
        alpha=1.0,
        note="Keras 3 on TensorFlow answers 2 at 0, where both sides have slope 1",
    ),
    row(
        "selu",
        "scale*where(x > 0, x, alpha*expm1(x))",
        "Klambauer et al. 2017, arXiv:1706.02515",
        "keras2.selu torch.nn.SELU torch.nn.functional.selu torch.selu jax.nn.selu "
        "keras.jax.activations.selu keras.torch.activations.selu onnx.Selu",
        ("tf.nn.selu keras.tf.activations.selu", "kink=right"),
        scale=1.0507009873554805,
        alpha=1.6732632423543772,
    ),
    row(
        "softplus",
        "where(beta*x > threshold, x, softplus(beta*x)/beta)",
        "Dugas et al. 2001",
        "theano.softplus keras1.softplus keras2.softplus lasagne.softplus jax.nn.softplus "
        "keras.jax.activations.softplus keras.tf.activations.softplus tf.nn.softplus "
        "tf.math.softplus onnx.Softplus",
        (
            "torch.nn.Softplus torch.nn.functional.softplus keras.torch.activations.softplus",
            "threshold=20",
        ),
        beta=1.0,
        threshold=inf,
        note="PyTorch's is the line x above its threshold",
    ),
    row(
        "squareplus",
        "(x + sqrt(x**2 + b))/2",
        "Barron 2021, arXiv:2112.11687",
        "jax.nn.squareplus keras.activations.squareplus",
        b=4.0,
    ),
    row(
        "sparse_plus",
        "where(x <= -1, 0, where(x >= 1, x, (x + 1)**2/4))",
        "the integral of sparse_sigmoid; JAX nn.sparse_plus",
        "jax.nn.sparse_plus keras.activations.sparse_plus",
    ),
    row(
        "silu",
        "x*sigmoid(beta*x)",
        "Elfwing, Uchibe & Doya 2018, arXiv:1702.03118",
        "swish torch.nn.SiLU torch.nn.functional.silu jax.nn.silu jax.nn.swish "
        "keras.activations.silu keras.activations.swish tf.nn.silu tf.nn.swish onnx.Swish",
        beta=1.0,
    ),
    row(
        "hard_silu",
        "x*clip(x/6 + 0.5, 0, 1)",
        "Howard et al. 2019, arXiv:1905.02244",
        "hard_swish torch.nn.Hardswish torch.nn.functional.hardswish jax.nn.hard_silu "
        "jax.nn.hard_swish keras.activations.hard_silu keras.activations.hard_swish onnx.HardSwish",
        kink="open",
    ),
    row(
        "gelu",
        "x*(1 + erf(x/sqrt(2)))/2",
        "Hendrycks & Gimpel 2016, arXiv:1606.08415",
        "torch.nn.GELU torch.nn.functional.gelu jax.nn.gelu(approximate=False) "
        "keras.activations.gelu tf.nn.gelu onnx.Gelu",
    ),
    row(
        "gelu_tanh",
        "x*sigmoid(2*sqrt(2/pi)*(x + 0.044715*x**3))",
        "Hendrycks & Gimpel 2016, arXiv:1606.08415",
        "jax.nn.gelu torch.nn.GELU(approximate='tanh') "
        "torch.nn.functional.gelu(approximate='tanh') keras.activations.gelu(approximate=True) "
        "tf.nn.gelu(approximate=True) onnx.Gelu(approximate='tanh')",
        note="x/2*(1 + tanh(u)) with half the argument of the sigmoid, which is the same and loses "
        "its digits on the left; the exact one uses erf",
    ),
    row(
        "mish",
        "x*tanh(softplus(x))",
        "Misra 2019, arXiv:1908.08681",
        "torch.nn.Mish torch.nn.functional.mish jax.nn.mish keras.activations.mish onnx.Mish",
    ),
    row(
        "softsign",
        "x/(1 + abs(x))",
        "Elliott 1993; compared by Glorot & Bengio 2010",
        "keras1.softsign keras2.softsign torch.nn.Softsign torch.nn.functional.softsign "
        "jax.nn.soft_sign keras.activations.softsign tf.nn.softsign onnx.Softsign "
        "fann.ELLIOT_SYMMETRIC",
    ),
    row(
        "log_sigmoid",
        "log(sigmoid(x))",
        "PyTorch, JAX and Keras",
        "torch.nn.LogSigmoid torch.nn.functional.logsigmoid jax.nn.log_sigmoid "
        "keras.activations.log_sigmoid tf.math.log_sigmoid",
    ),
    row(
        "tanh_shrink",
        "x - tanh(x)",
        "PyTorch and Keras",
        "torch.nn.Tanhshrink torch.nn.functional.tanhshrink keras.activations.tanh_shrink",
    ),
    row(
        "hard_shrink",
        "where(abs(x) > bound, x, 0)",
        "Donoho & Johnstone 1994, Biometrika 81:425-455",
        "torch.nn.Hardshrink torch.nn.functional.hardshrink torch.hardshrink "
        "keras.activations.hard_shrink onnx.Shrink",
        kink="open",
        bound=0.5,
        note="it jumps at its bound",
    ),
    row(
        "soft_shrink",
        "sign(x)*max(abs(x) - bound, 0)",
        "Donoho 1995, IEEE Transactions on Information Theory 41:613-627",
        "torch.nn.Softshrink torch.nn.functional.softshrink keras.activations.soft_shrink "
        "onnx.Shrink(bias=0.5)",
        kink="open",
        bound=0.5,
    ),
    row(
        "threshold",
        "where(x > threshold, x, value)",
        "Konda, Memisevic & Krueger 2014, arXiv:1402.3337",
        "torch.nn.Threshold torch.nn.functional.threshold torch.threshold "
        "keras.activations.threshold onnx.ThresholdedRelu",
        kink="open",
        threshold=1.0,
        value=0.0,
        note="it jumps at its threshold; PyTorch and Keras have no default",
    ),
    row(
        "exponential",
        "exp(x)",
        "Keras",
        "keras2.exponential torch.exp jax.numpy.exp jax.lax.exp keras.activations.exponential "
        "tf.math.exp tf.exp onnx.Exp",
    ),
)

# A line is in no group: it is compared by name. A hidden layer that cannot solve what takes a bend
# would only make the corrections of all other comparisons stricter.
LINEAR = (
    row(
        "identity",
        BENT_LINE,
        "the linear unit, Widrow & Hoff 1960",
        "linear lasagne.linear keras1.linear keras2.linear keras.activations.linear "
        "keras.layers.Identity torch.nn.Identity jax.nn.identity tf.identity onnx.Identity "
        "fann.LINEAR",
        slope=1.0,
        shift=0.0,
        low=-inf,
        high=inf,
        leak=0.0,
        kink="closed",
        note="for the output, where targets may be any number; in no group but by its name",
    ),
)
