"""Where networks start: by statistics, by fans worked out by hand, and bit for bit."""

import hashlib
from itertools import pairwise

import mpmath
import numpy as np
import pytest
from golden_data import load_golden
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hsig.networks.network import BIASES, layer_shapes
from hsig.networks.starts import QUESTION_START, SCHEMES, Start, normal_quantile, suggest_start


def test_the_questions_start_is_the_questions_draw():
    golden = load_golden("trajectories_theano")
    hidden, output = QUESTION_START.draw(golden["seeds"].tolist(), (2, 3, 1))
    np.testing.assert_array_equal(hidden, golden["hidden_initial"])
    np.testing.assert_array_equal(output, golden["output_initial"])


sizes = st.lists(st.integers(1, 5), min_size=2, max_size=5)


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=8), sizes)
def test_a_seed_starts_from_the_same_weights_alone_and_in_a_batch(seeds, sizes):
    start = Start("uniform", (-1.0, 1.0))
    batch = start.draw(seeds, sizes)
    assert [layer.shape[1:] for layer in batch] == layer_shapes(sizes)
    for place, seed in enumerate(seeds):
        for alone, many in zip(start.draw([seed], sizes), batch, strict=True):
            np.testing.assert_array_equal(alone[0], many[place])


@given(st.integers(0, 2**32 - 1), sizes)
def test_layers_are_drawn_one_after_the_other_row_by_row(seed, sizes):
    weights = QUESTION_START.draw([seed], sizes)
    stream = np.random.RandomState(seed)  # frozen for ever, and the question's own
    for layer in weights:
        np.testing.assert_array_equal(layer[0], stream.rand(*layer.shape[1:]))


def test_a_start_is_mapped_to_its_bounds():
    unit, wide = (
        QUESTION_START.draw([5], (3, 4, 1)),
        Start("uniform", (-8.0, 4.0)).draw([5], (3, 4, 1)),
    )
    np.testing.assert_allclose(wide[0], -8 + 12 * unit[0], rtol=1e-15)
    assert Start("uniform", (-8.0, 4.0)).parameters == {"low": -8.0, "high": 4.0}


def test_the_global_seed_of_numpy_changes_nothing_and_is_not_changed():
    # the legacy global state, which the rule warns of, is what this test is about
    np.random.seed(1)  # noqa: NPY002
    first = QUESTION_START.draw([3], (2, 3, 1))
    after = np.random.rand()  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    assert np.random.rand() == after  # noqa: NPY002
    np.testing.assert_array_equal(first[0], QUESTION_START.draw([3], (2, 3, 1))[0])


# --- schemes --------------------------------------------------------------------------------------

SMALL, DEEP = (2, 3, 1), (2, 8, 8, 1)
# By hand, of each layer, from fans in and out without the biases: 2 and 3, then 3 and 1; 2 and 8,
# then 8 and 8, then 8 and 1. The largest size of an evenly drawn weight,
BOUNDS = {
    # sqrt(6/5), sqrt(6/4); sqrt(6/10), sqrt(6/16), sqrt(6/9)
    "glorot_uniform": {SMALL: [1.095445, 1.224745], DEEP: [0.774597, 0.612372, 0.816497]},
    # sqrt(6/2), sqrt(6/3); sqrt(6/2), sqrt(6/8), sqrt(6/8)
    "he_uniform": {SMALL: [1.732051, 1.414214], DEEP: [1.732051, 0.866025, 0.866025]},
    # 1/sqrt(2), 1/sqrt(3); 1/sqrt(2), 1/sqrt(8), 1/sqrt(8)
    "torch_linear": {SMALL: [0.707107, 0.577350], DEEP: [0.707107, 0.353553, 0.353553]},
}
# and the standard deviation of a normal one
DEVIATIONS = {
    # sqrt(2/5), sqrt(2/4); sqrt(2/10), sqrt(2/16), sqrt(2/9)
    "glorot_normal": {SMALL: [0.632456, 0.707107], DEEP: [0.447214, 0.353553, 0.471405]},
    # sqrt(2/2), sqrt(2/3); sqrt(2/2), sqrt(2/8), sqrt(2/8)
    "he_normal": {SMALL: [1.0, 0.816497], DEEP: [1.0, 0.5, 0.5]},
    # sqrt(1/2), sqrt(1/3); sqrt(1/2), sqrt(1/8), sqrt(1/8)
    "lecun_normal": {SMALL: [0.707107, 0.577350], DEEP: [0.707107, 0.353553, 0.353553]},
}
DRAWS = 10_000


def draws(scheme, sizes, *settings, bias=None):
    """Of each layer, the weights and the biases of many seeds, in two rows."""
    settings = settings or tuple(SCHEMES[scheme].settings.values())
    layers = Start(scheme, settings, bias).draw(range(DRAWS), sizes)
    return [(layer[:, :-1].ravel(), layer[:, -1].ravel()) for layer in layers]


def cases(table):
    return [(scheme, sizes) for scheme, row in table.items() for sizes in row]


def is_distributed(numbers, law):
    """Whether numbers may be of a law; seeds are given, so that it is the same each time."""
    return stats.kstest(numbers[:DRAWS], law.cdf).pvalue > 1e-3


@pytest.mark.parametrize("gain", [1.0, 1.7])
@pytest.mark.parametrize(("scheme", "sizes"), cases(BOUNDS))
def test_evenly_drawn_weights_reach_as_far_as_their_fans_say(scheme, sizes, gain):
    for (weights, biases), by_hand in zip(
        draws(scheme, sizes, gain), BOUNDS[scheme][sizes], strict=True
    ):
        bound = gain * by_hand
        for drawn in (weights, biases):
            assert bound * (1 - 2e-3) < np.abs(drawn).max() < bound * (1 + 1e-6)
            assert abs(drawn.mean()) < 5 * bound / np.sqrt(3 * len(drawn))
            assert drawn.std() == pytest.approx(bound / np.sqrt(3), rel=0.03)
            assert is_distributed(drawn, stats.uniform(-bound, 2 * bound))


@pytest.mark.parametrize("gain", [1.0, 1.7])
@pytest.mark.parametrize(("scheme", "sizes"), cases(DEVIATIONS))
def test_normal_weights_are_as_wide_as_their_fans_say_and_not_truncated(scheme, sizes, gain):
    for (weights, biases), by_hand in zip(
        draws(scheme, sizes, gain), DEVIATIONS[scheme][sizes], strict=True
    ):
        sd = gain * by_hand
        for drawn in (weights, biases):
            assert abs(drawn.mean()) < 5 * sd / np.sqrt(len(drawn))
            assert drawn.std() == pytest.approx(sd, rel=0.03)
            assert np.abs(drawn).max() > 3.5 * sd  # Keras cuts off at 2
            assert is_distributed(drawn, stats.norm(0.0, sd))


def test_settings_are_those_of_the_law():
    for weights, _ in draws("normal", SMALL, -1.0, 0.5):
        assert is_distributed(weights, stats.norm(-1.0, 0.5))
    for weights, _ in draws("uniform", SMALL, -8.0, 4.0):
        assert is_distributed(weights, stats.uniform(-8.0, 12.0))
    for layer in draws("constant", SMALL, 0.25):
        assert all((numbers == 0.25).all() for numbers in layer)


# --- biases ---------------------------------------------------------------------------------------


@given(
    st.sampled_from([*SCHEMES]),
    st.sampled_from(BIASES),
    st.sampled_from([None, 0.0, 0.5]),
    st.lists(st.integers(1, 5), min_size=2, max_size=5),
)
def test_a_bias_that_is_not_drawn_takes_no_number_from_the_stream(scheme, bias, value, sizes):
    """Weights are what they are without biases, and biases what they were asked to be."""
    settings = tuple(SCHEMES[scheme].settings.values())
    bare = Start(scheme, settings).draw([7, 9], sizes, "none")
    layers = Start(scheme, settings, value).draw([7, 9], sizes, bias)
    assert [layer.shape[1:] for layer in layers] == layer_shapes(sizes, bias)
    for place, (layer, alone, fan_in) in enumerate(zip(layers, bare, sizes[:-1], strict=True)):
        if value is not None:
            np.testing.assert_array_equal(layer[:, fan_in:], value)
        # biases that are drawn take numbers, so that what comes behind is another
        if value is not None or bias == "none" or place == 0:
            np.testing.assert_array_equal(layer[:, :fan_in], alone)


def test_only_the_starts_that_libraries_draw_whole_have_biases_unlike_0():
    by_default = {name for name in SCHEMES if Start.with_default_bias(name, ()).bias is None}
    assert by_default == {"uniform", "normal", "constant", "torch_linear"}


# --- bits -----------------------------------------------------------------------------------------

# of the draws of three seeds in a 2-8-8-1 network, made by this code: they are to stay
DIGESTS = {
    "uniform": "d87ecdfb5e94cfa1",
    "normal": "58ac4c1412582076",
    "glorot_uniform": "7a74660e616cc426",
    "glorot_normal": "446c0acc2f7a8b44",
    "he_uniform": "c21b68f96bdad497",
    "he_normal": "50bfbe51807a5837",
    "lecun_normal": "4f6b7dfe6d873ade",
    "torch_linear": "4c1de3f60650b024",
    "constant": "1c71ec6b184ef378",
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_start_has_the_same_bits_on_every_machine(scheme):
    start = Start(scheme, tuple(SCHEMES[scheme].settings.values()))
    layers = start.draw([0, 1, 2**32 - 1], DEEP)
    drawn = b"".join(np.ascontiguousarray(layer, dtype="<f8").tobytes() for layer in layers)
    assert hashlib.sha256(drawn).hexdigest()[:16] == DIGESTS[scheme]


@given(st.floats(2.0**-53, 1.0 - 2.0**-53))
def test_the_normal_quantile_is_that_of_mpmath(probability):
    with mpmath.workdps(40):
        right = mpmath.sqrt(2) * mpmath.erfinv(2 * mpmath.mpf(probability) - 1)
        assert normal_quantile(np.array([probability]))[0] == pytest.approx(
            float(right), rel=4e-15, abs=4e-16
        )


def test_the_normal_quantile_is_finite_odd_and_rises_over_all_numbers_of_a_stream():
    drawn = np.array([0.0, 2.0**-53, 0.01, 0.075, 0.4, 0.5, 0.6, 0.925, 0.99, 1.0 - 2.0**-53])
    quantiles = normal_quantile(drawn)
    assert np.isfinite(quantiles).all()
    assert all(low < high for low, high in pairwise(quantiles.tolist()))
    np.testing.assert_allclose(quantiles[1:], -quantiles[:0:-1], rtol=1e-15)
    assert quantiles[5] == 0.0


# --- names elsewhere ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        *[("xavier_uniform", "glorot_uniform"), ("nn.init.kaiming_normal_", "he_normal")],
        *[("glorotUniform", "glorot_uniform"), ("HeNormal", "he_normal")],
        *[("keras.initializers.GlorotNormal", "glorot_normal"), ("Zeros", "constant:0")],
        *[("ones_", "constant:1"), ("xavier", "glorot_uniform"), ("kaiming", "he_normal")],
        *[("RandomNormal", "normal:0,0.05"), ("orthogonal", ""), ("", "")],
    ],
)
def test_the_name_of_another_library_leads_to_the_start_that_it_means(name, meant):
    assert suggest_start(name) == meant
