"""Names of other programs for what has no row in the table, or is no function of one number."""

from collections.abc import Mapping
from types import MappingProxyType

from hsig.activations.table import stepwise

# FANN multiplies a unit's sum by its steepness, 0.5 unless that is set, before fann_activation.h.
FORMULAS: Mapping[str, str] = MappingProxyType(
    {
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
)

# Why what others call an activation is none here.
NO_FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "none null passthrough": "A layer without an activation has 'identity' here",
        "softmax softmin hardmax sparsemax entmax": "Of one output it is always 1",
        "log_softmax": "Of one output it is always 0",
        "compet maxout crelu glu reglu geglu swiglu": "It is a function of several units",
        "dropout": "It is random",
    }
)
