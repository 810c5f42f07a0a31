"""Activations that surveys and users name, and that no framework of today has under one name."""

from hsig.networks.activations.rows import row

_ELISH = "Basirat & Roth 2018, arXiv:1808.00783"

SURVEYED = (
    row(
        "scaled_tanh",
        "alpha*tanh(beta*x)",
        "LeCun et al. 1998, Efficient BackProp",
        "lecun_tanh",
        alpha=1.7159,
        beta=2.0 / 3.0,
    ),
    row(
        "rescaled_sigmoid",
        "4*sigmoid(x) - 2",
        "Hochreiter & Schmidhuber 1997, Neural Computation 9:1735-1780, appendix",
        note="2*tanh(x/2)",
    ),
    row(
        "penalized_tanh",
        "where(x > 0, tanh(x), a*tanh(x))",
        "Xu, Huang & Li 2016, arXiv:1602.05980",
        a=0.25,
    ),
    row("arctan", "atan(x)", "torch_activation, after Kunc & Klema 2024, arXiv:2402.09092"),
    row("isru", "x/sqrt(1 + alpha*x**2)", "Carlile et al. 2017, arXiv:1710.09967", alpha=1.0),
    row(
        "isrlu",
        "where(x >= 0, x, x/sqrt(1 + alpha*x**2))",
        "Carlile et al. 2017, arXiv:1710.09967",
        alpha=1.0,
    ),
    row(
        "sqnl",
        "where(x > 2, 1, where(x >= 0, x - x**2/4, where(x >= -2, x + x**2/4, -1)))",
        "Wuraola & Patel 2018, IJCNN",
    ),
    row(
        "sqlu",
        "where(x > 0, x, where(x >= -2, x + x**2/4, -1))",
        "torch_activation, after Wuraola, Patel & Nguang 2021",
    ),
    row("squared_relu", "max(x, 0)**2", "So et al. 2021, Primer, arXiv:2109.08668"),
    row("bent_identity", "x + (sqrt(x**2 + 1) - 1)/2", "Echo", "echo.BentID"),
    row("tanhexp", "x*tanh(exp(x))", "Liu & Di 2020, arXiv:2003.09855"),
    row("lisht", "x*tanh(x)", "Roy et al. 2019, arXiv:1901.05894", "tfa.lisht"),
    row("logish", "x*log(1 + sigmoid(x))", "Zhu et al. 2021, Neurocomputing 458"),
    row("phish", "x*tanh(x*(1 + erf(x/sqrt(2)))/2)", "Naveen 2022, TechRxiv 17283824"),
    row("serf", "x*erf(softplus(x))", "Nag & Bhattacharyya 2021, arXiv:2108.09598"),
    row(
        "smish",
        "alpha*x*tanh(log(1 + sigmoid(beta*x)))",
        "Wang, Ren & Wang 2022, Electronics 11:540",
        alpha=1.0,
        beta=1.0,
    ),
    row("elish", "where(x >= 0, x, expm1(x))*sigmoid(x)", _ELISH),
    row("hard_elish", "where(x >= 0, x, expm1(x))*clip((x + 1)/2, 0, 1)", _ELISH),
    row(
        "srs",
        "x/(x/alpha + exp(-x/beta))",
        "Zhou et al. 2020, Soft-Root-Sign, arXiv:2003.00547",
        alpha=2.0,
        beta=3.0,
    ),
    row(
        "snake",
        "x + sin(a*x)**2/a",
        "Ziyin, Hartwig & Ueda 2020, arXiv:2006.08195",
        "tfa.snake",
        a=1.0,
    ),
    row(
        "sine",
        "sin(x)",
        "Parascandolo, Huttunen & Virtanen 2017, Taming the waves",
        "fann.SIN_SYMMETRIC torch.sin jax.numpy.sin tf.sin tf.math.sin onnx.Sin",
    ),
    row(
        "cosine",
        "cos(x)",
        "FANN, fann_activation.h",
        "fann.COS_SYMMETRIC torch.cos jax.numpy.cos tf.cos tf.math.cos onnx.Cos",
    ),
    row("gaussian", "exp(-x**2)", "FANN, fann_activation.h", "fann.GAUSSIAN"),
    row(
        "abs",
        "abs(x)",
        "PyTorch, TensorFlow, JAX and ONNX",
        "torch.abs tf.abs tf.math.abs onnx.Abs",
        ("jax.numpy.abs", "kink=right"),
    ),
    row(
        "square",
        "x**2",
        "PyTorch, TensorFlow and JAX",
        "torch.square tf.square tf.math.square jax.numpy.square",
    ),
    row(
        "sign",
        "sign(x)",
        "PyTorch, TensorFlow, JAX and ONNX",
        "torch.sign tf.sign tf.math.sign jax.numpy.sign onnx.Sign",
        backward=None,
        note="its slope is 0 everywhere",
    ),
)
