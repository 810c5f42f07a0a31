"""The sigmoids: from 0 to 1, so that a layer of them can be the output as well."""

from hsig.networks.activations.rows import BENT_LINE, row

SIGMOIDS = (
    row(
        "sigmoid",
        "sigmoid(x)",
        "the logistic function, Verhulst 1845",
        "logistic theano.sigmoid lasagne.sigmoid keras1.sigmoid keras2.sigmoid "
        "torch.nn.Sigmoid torch.nn.functional.sigmoid torch.sigmoid torch.special.expit "
        "jax.nn.sigmoid jax.lax.logistic jax.scipy.special.expit keras.activations.sigmoid "
        "tf.nn.sigmoid tf.math.sigmoid onnx.Sigmoid",
    ),
    row(
        "ultra_fast",
        "(1 + sign(x)*where(abs(x)/2 < 1.7, 1.5*(abs(x)/2)/(1 + abs(x)/2), "
        "where(abs(x)/2 < 3, 0.935409070603099 + 0.0458812946797165*(abs(x)/2 - 1.7), "
        "0.99505475368673)))/2",
        "Theano 1.0.5, nnet/sigm.py",
        "theano.ultra_fast_sigmoid",
        backward=None,
        note="Theano answers MethodNotDefined: ('grad', ..., 'UltraFastScalarSigmoid')",
    ),
    row(
        "hard",
        BENT_LINE,
        "Theano 1.0.5, nnet/sigm.py; ONNX HardSigmoid",
        "theano.hard_sigmoid keras1.hard_sigmoid keras2.hard_sigmoid onnx.HardSigmoid",
        slope=0.2,
        shift=0.5,
        low=0.0,
        high=1.0,
        leak=0.0,
        kink="closed",
    ),
    row(
        "hard_torch",
        BENT_LINE,
        "PyTorch F.hardsigmoid; JAX nn.hard_sigmoid; Keras 3; Paddle 2",
        "torch.nn.Hardsigmoid torch.nn.functional.hardsigmoid jax.nn.hard_sigmoid "
        "keras.activations.hard_sigmoid paddle2.hardsigmoid",
        slope=1.0 / 6.0,
        shift=0.5,
        low=0.0,
        high=1.0,
        leak=0.0,
        kink="open",
    ),
    row(
        "hard_taylor",
        BENT_LINE,
        "Gulcehre et al. 2016, arXiv:1603.00391",
        slope=0.25,
        shift=0.5,
        low=0.0,
        high=1.0,
        leak=0.0,
        kink="closed",
        note="the tangent of the logistic sigmoid at 0, clipped",
    ),
    row(
        "hard_binary",
        BENT_LINE,
        "Courbariaux et al. 2015, arXiv:1511.00363",
        slope=0.5,
        shift=0.5,
        low=0.0,
        high=1.0,
        leak=0.0,
        kink="closed",
        note="BinaryConnect's, there with a straight-through backward pass",
    ),
    row(
        "leaky_hard",
        BENT_LINE,
        "hard with a leak, in several modules",
        slope=0.2,
        shift=0.5,
        low=0.0,
        high=1.0,
        leak=0.01,
        kink="closed",
    ),
    row(
        "sparse_sigmoid",
        "clip((x + 1)/2, 0, 1)",
        "Blondel, Martins & Niculae 2019, arXiv:1901.02324",
        ("jax.nn.sparse_sigmoid keras.jax.activations.sparse_sigmoid", "kink=mean"),
        "keras.tf.activations.sparse_sigmoid keras.torch.activations.sparse_sigmoid",
        kink="open",
    ),
    row(
        "elliott",
        "x/(2*(1 + abs(x))) + 1/2",
        "Elliott 1993, A Better Activation Function for Artificial Neural Networks; FANN",
        "fann.ELLIOT",
    ),
    row(
        "smooth_step",
        "where(x <= -gamma/2, 0, where(x >= gamma/2, 1, -2*x**3/gamma**3 + 3*x/(2*gamma) + 1/2))",
        "Hazimeh et al. 2020, arXiv:2002.07772",
        gamma=1.0,
    ),
    row(
        "soft_clipping",
        "where(x > 0.5, 1 + (softplus(-alpha*x) - softplus(-alpha*(x - 1)))/alpha, "
        "(softplus(alpha*x) - softplus(alpha*(x - 1)))/alpha)",
        "Klimek & Perelstein 2018, arXiv:1810.11509",
        "echo.SoftClipping",
        alpha=0.5,
        note="the larger alpha, the nearer to clip(x, 0, 1); 0.5 is Echo's",
    ),
    row(
        "loglog",
        "exp(-exp(-x))",
        "Gomes, Ludermir & Lima 2011, Neural Computing and Applications 20:417-439",
        note="not symmetric: it reaches 1 later than 0",
    ),
    row(
        "cloglog",
        "1 - exp(-exp(x))",
        "Gomes, Ludermir & Lima 2011, Neural Computing and Applications 20:417-439",
        note="1 - loglog(-x)",
    ),
    row(
        "plan",
        "1/2 + sign(x)*(where(abs(x) >= 5, 1, where(abs(x) >= 2.375, abs(x)/32 + 0.84375, "
        "where(abs(x) >= 1, abs(x)/8 + 0.625, abs(x)/4 + 1/2))) - 1/2)",
        "Amin, Curtis & Hayes-Gill 1997, IEE Proc. Circuits, Devices and Systems 144:313-317",
        note="made of shifts and additions, for hardware; it drops by 1/256 where |x| passes 2.375",
    ),
    row(
        "fann_stepwise",
        "where(steepness*x < -2.6466524600982666, 0, "
        "where(steepness*x < -1.472219467163086, 0.004999999888241291 + (0.05000000074505806 - "
        "0.004999999888241291)*(steepness*x + 2.6466524600982666)/(2.6466524600982666 - "
        "1.472219467163086), "
        "where(steepness*x < -0.5493061542510986, 0.05000000074505806 + (0.25 - "
        "0.05000000074505806)*(steepness*x + 1.472219467163086)/(1.472219467163086 - "
        "0.5493061542510986), "
        "where(steepness*x < 0.5493061542510986, 0.25 + 0.5*(steepness*x + 0.5493061542510986)/"
        "(0.5493061542510986 + 0.5493061542510986), "
        "where(steepness*x < 1.4722193479537964, 0.75 + (0.949999988079071 - 0.75)*(steepness*x - "
        "0.5493061542510986)/(1.4722193479537964 - 0.5493061542510986), "
        "where(steepness*x < 2.646652936935425, 0.949999988079071 + (0.9950000047683716 - "
        "0.949999988079071)*(steepness*x - 1.4722193479537964)/(2.646652936935425 - "
        "1.4722193479537964), 1))))))",
        "FANN, fann_activation.h",
        "fann.SIGMOID_STEPWISE",
        steepness=0.5,
        note="its steps are single precision; FANN itself trains it with another slope",
    ),
    row(
        "step",
        "where(x < 0, 0, 1)",
        "McCulloch & Pitts 1943; FANN",
        "heaviside fann.THRESHOLD",
        backward=None,
        note="its slope is 0 everywhere",
    ),
)
