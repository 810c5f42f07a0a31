"""What people call activations elsewhere means that function here, is named, or gets no hint.

Each definition below is written out from what its program or paper publishes, and shares nothing
with hsig; each spelling is one that somebody uses. Values are compared, never names.
"""

import math
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from test_frameworks import FRAMEWORKS, known

from hsig.activations import ACTIVATIONS, SOFTMAX
from hsig.activations.names import all_aliases, find_activations, suggest_activations
from hsig.config.loading import load_activation
from hsig.errors import ConfigError

POINTS = [-9.3, -3.7, -2.6, -2.1, -1.3, -0.9, -0.6, -0.2, 0.0, 0.3, 0.7, 1.2, 1.9, 2.4, 3.1, 6.4]


def logistic(x):
    return 1 / (1 + math.exp(-x))


def clip(x, low, high):
    return min(max(x, low), high)


def leaky(slope):
    return lambda x: x if x > 0 else slope * x


def phi(x):
    return (1 + math.erf(x / math.sqrt(2))) / 2


def gelu_tanh(x):
    return x / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def softplus(x):
    return math.log(1 + math.exp(x))


def stepwise(knots, heights, low, high):
    """fann_stepwise of fann_activation.h, of a sum that is multiplied by the steepness already."""

    def value(x):
        u = 0.5 * x
        if u < knots[0]:
            return low
        for v1, r1, v2, r2 in zip(knots, heights, knots[1:], heights[1:], strict=False):
            if u < v2:
                return (r2 - r1) * (u - v1) / (v2 - v1) + r1
        return high

    return value


V3, V5, V6 = 0.549306154251098632812, 1.47221934795379638672, 2.64665293693542480469
FANN_STEPWISE = stepwise(
    [-2.64665246009826660156, -1.47221946716308593750, -V3, V3, V5, V6],
    [
        4.99999988824129104614e-03,
        5.00000007450580596924e-02,
        0.25,
        0.75,
        9.49999988079071044922e-01,
        9.95000004768371582031e-01,
    ],
    *(0, 1),
)
FANN_SYMMETRIC_STEPWISE = stepwise(
    [-V6, -V5, -V3, V3, V5, V6],
    [
        -9.90000009536743164062e-01,
        -8.99999976158142089844e-01,
        -0.5,
        0.5,
        8.99999976158142089844e-01,
        9.90000009536743164062e-01,
    ],
    *(-1, 1),
)


def ultra_fast(x):
    """ultra_fast_sigmoid of Theano's nnet/sigm.py."""
    h = abs(x) / 2
    high = 0.935409070603099 + 0.0458812946797165 * (h - 1.7) if h < 3 else 0.99505475368673
    z = 1.5 * h / (1 + h) if h < 1.7 else high
    return (math.copysign(z, x) + 1) / 2


# --- names with their program ---------------------------------------------------------------------

# FANN multiplies the sum by the neuron's steepness, 0.5 by default (fann_create_standard), and
# then asks fann_activation.h; there sigmoid_real(s) is 1/(1 + exp(-2*s)).
FANN = {
    "LINEAR": lambda x: 0.5 * x,
    "THRESHOLD": lambda x: 0 if 0.5 * x < 0 else 1,
    "THRESHOLD_SYMMETRIC": lambda x: -1 if 0.5 * x < 0 else 1,
    "SIGMOID": lambda x: 1 / (1 + math.exp(-2 * 0.5 * x)),
    "SIGMOID_STEPWISE": FANN_STEPWISE,
    "SIGMOID_SYMMETRIC": lambda x: 2 / (1 + math.exp(-2 * 0.5 * x)) - 1,
    "SIGMOID_SYMMETRIC_STEPWISE": FANN_SYMMETRIC_STEPWISE,
    "GAUSSIAN": lambda x: math.exp(-(0.5 * x) * (0.5 * x)),
    "GAUSSIAN_SYMMETRIC": lambda x: math.exp(-(0.5 * x) * (0.5 * x)) * 2 - 1,
    "ELLIOT": lambda x: (0.5 * x / 2) / (1 + abs(0.5 * x)) + 0.5,
    "ELLIOT_SYMMETRIC": lambda x: 0.5 * x / (1 + abs(0.5 * x)),
    "LINEAR_PIECE": lambda x: clip(0.5 * x, 0, 1),
    "LINEAR_PIECE_SYMMETRIC": lambda x: clip(0.5 * x, -1, 1),
    "SIN_SYMMETRIC": lambda x: math.sin(0.5 * x),
    "COS_SYMMETRIC": lambda x: math.cos(0.5 * x),
    "SIN": lambda x: math.sin(0.5 * x) / 2 + 0.5,
    "COS": lambda x: math.cos(0.5 * x) / 2 + 0.5,
}
KERAS = {  # 1 and 2: keras/activations.py on Theano and TensorFlow
    **{"sigmoid": logistic, "tanh": math.tanh, "softplus": softplus, "linear": lambda x: x},
    **{"relu": leaky(0), "elu": lambda x: x if x > 0 else math.exp(x) - 1},
    **{"hard_sigmoid": lambda x: clip(0.2 * x + 0.5, 0, 1), "softsign": lambda x: x / (abs(x) + 1)},
}
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
PUBLISHED = {
    **{f"fann.{name}": value for name, value in FANN.items()},
    **{f"keras1.{name}": value for name, value in KERAS.items()},
    **{f"keras2.{name}": value for name, value in KERAS.items()},
    "keras2.exponential": math.exp,
    "keras2.selu": lambda x: SELU_SCALE * (x if x > 0 else SELU_ALPHA * (math.exp(x) - 1)),
    "keras2.LeakyReLU": leaky(0.3),
    "keras2.PReLU": leaky(0),  # as it starts
    "keras.layers.PReLU": leaky(0),
    "flax.linen.PReLU": leaky(0.01),
    "keras2.ThresholdedReLU": lambda x: x if x > 1 else 0,
    "theano.sigmoid": logistic,
    "theano.ultra_fast_sigmoid": ultra_fast,
    "theano.hard_sigmoid": lambda x: clip(0.2 * x + 0.5, 0, 1),
    "theano.tanh": math.tanh,
    "theano.relu": lambda x: 0.5 * (x + abs(x)),
    "theano.softplus": softplus,
    "lasagne.sigmoid": logistic,
    "lasagne.tanh": math.tanh,
    "lasagne.rectify": leaky(0),
    "lasagne.leaky_rectify": leaky(0.01),
    "lasagne.very_leaky_rectify": leaky(1 / 3),
    "lasagne.elu": lambda x: x if x > 0 else math.exp(x) - 1,
    "lasagne.softplus": softplus,
    "lasagne.linear": lambda x: x,
    "paddle2.hardsigmoid": lambda x: clip(x / 6 + 0.5, 0, 1),
    "tfa.lisht": lambda x: x * math.tanh(x),
    "tfa.snake": lambda x: x + math.sin(x) ** 2,
    "echo.SoftClipping": lambda x: (
        math.log((1 + math.exp(0.5 * x)) / (1 + math.exp(0.5 * (x - 1)))) / 0.5
    ),
    "echo.BentID": lambda x: (math.sqrt(x * x + 1) - 1) / 2 + x,
    "matlab.logsig": logistic,
    "matlab.tansig": lambda x: 2 / (1 + math.exp(-2 * x)) - 1,
    "matlab.purelin": lambda x: x,
    "matlab.poslin": leaky(0),
    "matlab.satlin": lambda x: clip(x, 0, 1),
    "matlab.satlins": lambda x: clip(x, -1, 1),
    "matlab.hardlim": lambda x: 1 if x >= 0 else 0,
    "matlab.hardlims": lambda x: 1 if x >= 0 else -1,
    "matlab.radbas": lambda x: math.exp(-x * x),
    "matlab.tribas": lambda x: 1 - abs(x) if -1 <= x <= 1 else 0,
    "matlab.elliotsig": lambda x: x / (1 + abs(x)),
    "matlab.elliot2sig": lambda x: math.copysign(x * x, x) / (1 + x * x),
    "encog.ActivationSigmoid": logistic,
    "encog.ActivationTANH": math.tanh,
    "encog.ActivationLinear": lambda x: x,
    "encog.ActivationReLU": leaky(0),
    "encog.ActivationSIN": lambda x: math.sin(2 * x),
    "encog.ActivationLOG": lambda x: math.log(1 + x) if x >= 0 else -math.log(1 - x),
    "encog.ActivationElliott": lambda x: x / 2 / (1 + abs(x)) + 0.5,
    "encog.ActivationElliottSymmetric": lambda x: x / (1 + abs(x)),
    "brain.leaky-relu": leaky(0.01),
    "synaptic.HLIM": lambda x: 1 if x > 0 else 0,
    "genann.act_threshold": lambda x: 1 if x > 0 else 0,
    "darknet.logistic": logistic,
    "darknet.tanh": math.tanh,
    "darknet.linear": lambda x: x,
    "darknet.relu": leaky(0),
    "darknet.relie": leaky(0.01),
    "darknet.leaky": leaky(0.1),
    "darknet.ramp": lambda x: x * (x > 0) + 0.1 * x,
    "darknet.loggy": lambda x: 2 / (1 + math.exp(-x)) - 1,
    "darknet.hardtan": lambda x: clip(x, -1, 1),
    "mxnet.LeakyReLU": leaky(0.25),
    "mxnet.hard_sigmoid": lambda x: clip(0.2 * x + 0.5, 0, 1),
    "chainer.leaky_relu": leaky(0.2),
    "chainer.hard_sigmoid": lambda x: clip(0.2 * x + 0.5, 0, 1),
    # of the frameworks whose data are recorded, what has no kink to look at
    **{f"{program}.sin": math.sin for program in ("torch", "jax.numpy", "tf")},
    **{f"{program}.cos": math.cos for program in ("torch", "jax.numpy", "tf")},
    **{"onnx.Sin": math.sin, "onnx.Cos": math.cos},
}


def values(text):
    """What hsig makes of a spelling, at the points."""
    return load_activation(text).value(np.array(POINTS))


def assert_is(text, definition):
    expected = [float(definition(x)) for x in POINTS]
    np.testing.assert_allclose(values(text), expected, rtol=1e-12, atol=1e-12, err_msg=text)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_name_with_its_program_is_what_that_program_publishes(name):
    assert_is(name, PUBLISHED[name])


def test_every_name_with_its_program_is_held_against_something():
    recorded = {name for framework in FRAMEWORKS for name, *_ in known(framework)}
    recorded = {name.partition("(threshold=1.0,")[0] for name in recorded}
    recorded |= {re.sub(r"^keras\.(jax|tf|torch)\.", "keras.", name) for name in recorded}
    full = {name for name, meant in all_aliases().items() if "." in name and meant.name != SOFTMAX}
    assert full - recorded <= PUBLISHED.keys()


@pytest.mark.parametrize("name", FANN)
def test_fann_is_called_as_in_c_in_cpp_and_in_python(name):
    for spelling in (f"FANN_{name}", f"fann_{name.lower()}", f"FANN.{name}", f"libfann.{name}"):
        assert_is(spelling, FANN[name])


def test_theanos_rectifier_has_half_the_slope_at_0():
    """Its derivative is that of (x + abs(x))/2, and of abs at 0 it is sgn(0) = 0."""
    for name, slope in (("theano.relu", 0.5), ("lasagne.leaky_rectify", 0.505)):
        assert load_activation(name).derivative(np.zeros(1))[0] == pytest.approx(slope, rel=1e-15)


# --- spellings from the wild ----------------------------------------------------------------------

DEFINITIONS = {
    "sigmoid": logistic,
    "tanh": math.tanh,
    "relu": leaky(0),
    "leaky_001": leaky(0.01),
    "leaky_02": leaky(0.2),
    "leaky_01": leaky(0.1),
    "relu6": lambda x: clip(x, 0, 6),
    "clip01": lambda x: clip(x, 0, 1),
    "clip11": lambda x: clip(x, -1, 1),
    "elu": lambda x: x if x > 0 else math.exp(x) - 1,
    "elu_05": lambda x: x if x > 0 else 0.5 * (math.exp(x) - 1),
    "selu": PUBLISHED["keras2.selu"],
    "gelu": lambda x: x * phi(x),
    "gelu_tanh": gelu_tanh,
    "quick_gelu": lambda x: x * logistic(1.702 * x),
    "silu": lambda x: x * logistic(x),
    "mish": lambda x: x * math.tanh(softplus(x)),
    "hard_swish": lambda x: x * clip(x + 3, 0, 6) / 6,
    "hard_mish": lambda x: x / 2 * clip(x + 2, 0, 2),
    "hard_02": lambda x: clip(0.2 * x + 0.5, 0, 1),
    "hard_6": lambda x: clip(x + 3, 0, 6) / 6,
    "softplus": softplus,
    "softsign": lambda x: x / (1 + abs(x)),
    "elliott": lambda x: x / 2 / (1 + abs(x)) + 0.5,
    "log_sigmoid": lambda x: -softplus(-x),
    "tanh_shrink": lambda x: x - math.tanh(x),
    "hard_shrink": lambda x: x if abs(x) > 0.5 else 0,
    "soft_shrink": lambda x: math.copysign(max(abs(x) - 0.5, 0), x),
    "threshold": lambda x: x if x > 1 else 0,
    "squareplus": lambda x: (x + math.sqrt(x * x + 4)) / 2,
    "identity": lambda x: x,
    "step": lambda x: 1 if x >= 0 else 0,
    "sign": lambda x: (x > 0) - (x < 0),
    "sign_1": lambda x: 1 if x >= 0 else -1,
    "gaussian": lambda x: math.exp(-x * x),
    "sine": math.sin,
    "cosine": math.cos,
    "arctan": math.atan,
    "abs": abs,
    "square": lambda x: x * x,
    "cube": lambda x: x**3,
    "exp": math.exp,
    "squared_relu": lambda x: max(x, 0) ** 2,
    "tanh_half": lambda x: math.tanh(x / 2),
    "lecun": lambda x: 1.7159 * math.tanh(2 * x / 3),
    "isru": lambda x: x / math.sqrt(1 + x * x),
    "isrlu": lambda x: x if x >= 0 else x / math.sqrt(1 + x * x),
    "tanhexp": lambda x: x * math.tanh(math.exp(x)),
    "elish": lambda x: (x if x >= 0 else math.exp(x) - 1) * logistic(x),
    "bent": lambda x: (math.sqrt(x * x + 1) - 1) / 2 + x,
    "logcosh": lambda x: math.log(math.cosh(x)),
    "sinlu": lambda x: (x + math.sin(x)) * logistic(x),
    "siren": lambda x: math.sin(30 * x),
    "lisht": lambda x: x * math.tanh(x),
    "sqnl": lambda x: math.copysign(1, x) if abs(x) > 2 else x - math.copysign(x * x / 4, x),
    "symlog": PUBLISHED["encog.ActivationLOG"],
    "triangle": PUBLISHED["matlab.tribas"],
}


def read_spellings():
    """The file's groups: a name with a colon, and below it what people write."""
    groups, name = {}, ""
    for line in (Path(__file__).parent / "spellings.txt").read_text("utf-8").splitlines()[1:]:
        if line.startswith("  "):
            groups[name] += line.split()
        else:
            name = line.removesuffix(":")
            groups[name] = []
    return groups


SPELLINGS = read_spellings()
OTHERS = SPELLINGS.pop("-")


def answers(spelling):
    """The texts that a spelling leads to: itself, or those that the message names to write."""
    try:
        load_activation(spelling)
    except ConfigError as refusal:
        (message,) = refusal.messages
        hinted = re.findall(r"Did you mean (.+?)\?(?: |$)", message)
        named = re.findall(r"hsig compare (.+)$", message) or re.findall(
            r"has '(\w+)' here", message
        )
        if named:
            return shlex.split(named[0])
        return [text.strip("'") for text in hinted]
    return [spelling]


def is_the_function(text, definition):
    expected = [float(definition(x)) for x in POINTS]
    return np.allclose(values(text), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_spelling_is_the_function_that_is_meant_or_the_message_names_it(name):
    wrong = []
    for spelling in SPELLINGS[name]:
        found = answers(spelling)
        right = [text for text in found if is_the_function(text, DEFINITIONS[name])]
        if not right or (len(found) == 1 and right != found):
            wrong.append((spelling, found))
    assert wrong == []


@pytest.mark.parametrize("spelling", OTHERS)
def test_what_hsig_does_not_know_leads_to_no_other_function(spelling):
    assert answers(spelling) == []


@pytest.mark.parametrize(
    ("spelling", "texts"),
    [
        ("Leaky ReLU", ["leaky_relu"]),
        ("hard sigmoid", ["hard", "hard_torch"]),
        ("x if x > 0 else 0.01*x", ["where(x > 0, x, 0.01*x)"]),
        ("np.where(x > 0, x, np.exp(x) - 1)", ["where(x > 0, x, exp(x) - 1)"]),
        ("x * lrelu(x, negative_slope=0.3)", ["x*leaky_relu(x, leak=0.3)"]),
        ("nn.PReLU()", ["leaky_relu:leak=0.25"]),
        ("fann.SIN", ["sin(x/2)/2 + 0.5"]),
    ],
)
def test_spellings_with_spaces_and_calls(spelling, texts):
    assert list(map(load_activation, answers(spelling))) == list(map(load_activation, texts))


@pytest.mark.parametrize(
    ("spelling", "wrong"),
    [
        ("F.leaky_relu(x, 0.2)", "leaky_relu:slope=0.2"),
        ("hard:alpha=0.3", "hard:leak=0.3"),  # of ONNX, where it is the slope
        ("jax.nn.gelu(x)", "gelu"),
    ],
)
def test_an_argument_is_no_other_parameter(spelling, wrong):
    (text,) = answers(spelling)
    assert not np.array_equal(values(text), values(wrong))


def test_an_ambiguous_name_gives_a_command_whose_parts_are_all_that_it_may_mean():
    for spelling, least in (
        ("hard_sigmoid", 2),
        ("LeakyReLU", 4),
        ("nn.gelu", 2),
        ("tf.keras.hard_sigmoid", 2),
    ):
        found = answers(spelling)
        assert len(found) >= least
        assert len({values(text).tobytes() for text in found}) == len(found)


# --- properties -----------------------------------------------------------------------------------


@given(name=st.sampled_from(sorted(ACTIVATIONS)), data=st.data())
def test_capitals_hyphens_and_spaces_make_no_other_function(name, data):
    capitals = data.draw(st.lists(st.booleans(), min_size=len(name), max_size=len(name)))
    written = "".join(c.upper() if up else c for c, up in zip(name, capitals, strict=True))
    for joint in "_- ":
        assert find_activations(written.replace("_", joint)) == (ACTIVATIONS[name],)


def fold(name):
    return name.casefold().replace("_", "").replace("-", "")


NAMES = sorted({fold(name.rpartition(".")[2]) for name in (*ACTIVATIONS, *all_aliases())})


@given(name=st.sampled_from(NAMES), extra=st.sampled_from("abcdefghijklmnopqrstuvwxyz"))
def test_a_letter_before_a_name_makes_another_name(name, extra):
    """Such as srelu, nsigmoid and dsilu, which are functions of their own."""
    assume(extra + name not in NAMES)
    assert name not in map(fold, suggest_activations(extra + name))


def one_slip(word, letters="abcdefghijklmnopqrstuvwxyz0123456789()='"):
    """All that is a letter more, less, other, or two of them in each other's place."""
    halves = [(word[:n], word[n:]) for n in range(len(word) + 1)]
    yield from (a + b[1:] for a, b in halves)
    yield from (a + b[1::-1] + b[2:] for a, b in halves)
    yield from (a + c + b[skip:] for a, b in halves for c in letters for skip in (0, 1))


@given(name=st.sampled_from(NAMES), data=st.data())
def test_a_hint_is_one_slip_away_at_most(name, data):
    words = data.draw(st.sampled_from([name, *one_slip(name, "aelusx")]))
    word = data.draw(st.sampled_from([words, *one_slip(words, "aelusx")]))
    assume(not find_activations(word))
    for hint in suggest_activations(word):
        assert fold(hint) in one_slip(word)
