import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsig.activations import ACTIVATIONS
from hsig.config.loading import load_experiment
from hsig.experiments.evidence import examine, stack
from hsig.experiments.training import gather, run
from hsig.experiments.verdicts import AFFINE, FROZEN, SOLVED, VERDICTS
from hsig.networks.losses import LOSSES
from hsig.networks.network import Network, Weights, append_bias, initial_weights
from hsig.networks.tasks import TASKS, Task

PIECEWISE = [a.with_settings({}, "own") for a in ACTIVATIONS.values() if a.linear_pieces]
SMOOTH = [name for name, a in ACTIVATIONS.items() if not a.linear_pieces]
XOR = TASKS["xor"]


def seen(activation, seeds, width, hidden=3, loss="squared", task=XOR):
    drawn = initial_weights(seeds, task.inputs.shape[1], hidden, -width, width)
    weights = Weights(*(np.ascontiguousarray(np.moveaxis(layer, 0, -1)) for layer in drawn))
    network = Network(activation, ACTIVATIONS["sigmoid"], LOSSES[loss])
    activity = network.forward(weights, append_bias(task.inputs))
    return network, weights, activity, examine(network, weights, activity, task.targets, 0.5)


@given(
    st.sampled_from(PIECEWISE),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.1, 1.0, 3.0, 10.0]),
    st.integers(1, 8),
)
def test_the_piece_of_a_unit_predicts_its_value_and_derivative(activation, seed, width, hidden):
    _, _, activity, evidence = seen(activation, [seed], width, hidden)
    x = activity.hidden_pre_activations
    counts = []
    for piece in activation.linear_pieces:
        here = piece.contains(x)
        counts.append(here.sum())
        np.testing.assert_allclose(
            activation.value(x[here]), piece.slope * x[here] + piece.intercept, rtol=0, atol=1e-14
        )
        np.testing.assert_allclose(activation.derivative(x[here]), piece.slope, rtol=1e-14)
    np.testing.assert_allclose(evidence.on_piece[0, :-1], np.array(counts) / x.size, rtol=1e-15)
    assert evidence.on_piece.sum() == pytest.approx(1.0)


@settings(max_examples=200)
@given(
    st.sampled_from(PIECEWISE),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.1, 0.5, 1.0, 3.0, 100.0]),
)
def test_units_on_one_piece_for_all_samples_are_an_affine_network(activation, seed, width):
    _, weights, _, evidence = seen(activation, [seed], width)
    if evidence.on_one_piece[0] == 1.0:
        size = np.abs(weights.output).sum() * (1.0 + np.abs(weights.hidden).sum())
        assert evidence.departure[0] <= 1e-14 * size


@given(
    st.sampled_from(list(ACTIVATIONS.values())),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.1, 1.0, 3.0, 10.0]),
)
def test_the_departure_on_xor_is_a_quarter_of_its_curvature(activation, seed, width):
    """The samples of xor are the corners of a square: an affine z has z01 + z10 = z11 + z00.

    The residual of the least-squares fit is (1, 1, -1, -1) / 4 times what that is off by.
    """
    _, weights, activity, evidence = seen(activation.with_settings({}, "own"), [seed], width)
    z01, z10, z11, z00 = activity.output_pre_activations[:, 0, 0]
    size = np.abs(weights.output).sum() * (1.0 + np.abs(weights.hidden).sum())
    curvature = abs(z01 + z10 - z11 - z00) / 4
    assert evidence.departure[0] == pytest.approx(curvature, rel=1e-9, abs=1e-13 * size)


def test_the_departure_is_the_residual_of_numpys_least_squares():
    """Also where an input is the sum of two others, so that the fit is not unique."""
    random = np.random.Generator(np.random.PCG64(1))
    inputs = random.normal(size=(20, 3))
    inputs[:, 2] = inputs[:, 0] + inputs[:, 1]
    task = Task("drawn", inputs, (random.uniform(size=20) < 0.5).astype(float))
    _, _, activity, evidence = seen(ACTIVATIONS["tanh"], range(5), 2.0, task=task)
    design = np.column_stack([inputs, np.ones(20)])
    z = activity.output_pre_activations[:, 0]
    fit = design @ np.linalg.lstsq(design, z)[0]
    np.testing.assert_allclose(evidence.departure, np.abs(z - fit).max(axis=0), rtol=1e-10)


def test_a_small_input_counts_beside_one_that_is_1e14_times_as_large():
    """Two columns and the bias part three samples: every z is affine in the inputs."""
    task = Task("wild", np.array([[1e14, 0.0], [-1e14, 0.0], [1e14, 1.0]]), np.array([0.0, 1, 1]))
    _, _, activity, evidence = seen(ACTIVATIONS["relu"], range(20), 1.0, task=task)
    size = np.abs(activity.output_pre_activations).max()
    np.testing.assert_allclose(evidence.departure / size, 0.0, atol=1e-15)


@pytest.mark.parametrize("name", SMOOTH)
def test_a_smooth_activation_has_no_linear_piece(name):
    _, _, _, evidence = seen(ACTIVATIONS[name], range(50), 8.0)
    np.testing.assert_array_equal(evidence.on_piece, 1.0)
    np.testing.assert_array_equal(evidence.on_one_piece, 0.0)


@pytest.mark.parametrize("name", ["sigmoid", "hard"])
def test_affine_means_the_same_for_smooth_and_for_piecewise(name):
    narrow = seen(ACTIVATIONS[name], range(200), 0.05)[3]
    wide = seen(ACTIVATIONS[name], range(200), 8.0)[3]
    assert narrow.affine.all()
    assert wide.affine.mean() < 0.1


def test_numbers_by_hand():
    """Two units of the hard sigmoid on xor: one stays in the middle, one saturates for x1 = 1."""
    hidden = np.array([[0.1, 5.0], [0.2, 0.0], [0.3, 0.0]])[:, :, None]
    output = np.array([[1.0], [0.0], [0.5]])[:, :, None]
    network = Network(ACTIVATIONS["hard"], ACTIVATIONS["sigmoid"], LOSSES["squared"])
    weights = Weights(hidden, output)
    activity = network.forward(weights, append_bias(XOR.inputs))
    evidence = examine(network, weights, activity, XOR.targets, 0.5)
    # pairs: 4 in the middle for the first unit; for the second 2 in the middle, 2 above
    np.testing.assert_array_equal(evidence.on_piece, [[0.0, 0.75, 0.25, 0.0]])
    assert evidence.on_one_piece.tolist() == [0.5]
    assert evidence.alive.tolist() == [1.0]
    # z is the first unit's .02 x1 + .04 x2 + .56 and then .5; that is affine
    assert evidence.departure[0] < 1e-15
    assert evidence.slope[0] == 0.2
    y = 1 / (1 + np.exp(-(0.56 + 0.5)))  # of 0 0, which is wrong: it is above .5
    y_11 = 1 / (1 + np.exp(-(0.62 + 0.5)))  # as 1 1 is
    wrong = [2 * p * p * (1 - p) for p in (y, y_11)]  # of (p - 0)**2 in z
    assert evidence.wrong_gradient[0] == pytest.approx(max(wrong), rel=1e-14)
    gradient = network.gradient(weights, activity, XOR.targets[:, None, None])
    norms = [np.linalg.norm(layer) for layer in gradient]
    np.testing.assert_allclose(evidence.gradient, [norms], rtol=1e-14)


def test_evidence_is_the_same_alone_and_in_company():
    together = seen(ACTIVATIONS["hard"], [3, 1, 4], 2.0)[3]
    alone = seen(ACTIVATIONS["hard"], [1], 2.0)[3]
    for name, array in vars(together).items():
        np.testing.assert_array_equal(array[1:2], getattr(alone, name))


def test_evidence_of_several_moments_has_them_on_the_second_axis():
    evidence = seen(ACTIVATIONS["hard"], range(5), 2.0)[3]
    stacked = stack([evidence, evidence])
    assert stacked.on_piece.shape == (5, 2, 4)
    assert stacked.affine.shape == (5, 2)


def test_weights_that_are_not_finite_have_no_property():
    network, weights, _, _ = seen(ACTIVATIONS["hard"], [0], 1.0)
    weights.hidden[0, 0, 0] = np.nan
    with np.errstate(all="ignore"):
        activity = network.forward(weights, append_bias(XOR.inputs))
    evidence = examine(network, weights, activity, XOR.targets, 0.5)
    assert not evidence.affine[0]
    assert not evidence.dead[0]
    assert not evidence.solved[0]
    assert not evidence.saturated[0]


def words(**flags):
    experiment = load_experiment(flags={"loss": "squared", "seeds": "100", **flags})
    (result,) = gather(experiment, run(experiment)).results
    return [VERDICTS[verdict] for verdict in result.verdict]


def test_with_slope_one_sixth_every_seed_of_the_question_is_affine():
    assert set(words(activation="hard_torch", epochs="4000")) == {AFFINE}


def test_a_wide_start_turns_affine_into_frozen_and_a_leak_then_helps():
    """As FACTS of the field have it: wide starts saturate the output, and there a leak helps."""
    narrow = words(activation="hard", epochs="4000")
    wide = words(activation="hard", epochs="4000", init="uniform:-8,8")
    leaky = words(
        activation="leaky_hard:leak=0.05",
        output_activation="same",
        epochs="4000",
        init="uniform:-8,8",
    )
    narrow_leaky = words(activation="leaky_hard:leak=0.05", output_activation="same", epochs="4000")
    assert narrow.count(AFFINE) > 90 > 10 > narrow.count(FROZEN)
    assert wide.count(FROZEN) > 60 > 10 > wide.count(AFFINE)
    assert leaky.count(SOLVED) > wide.count(SOLVED) + 20
    assert narrow_leaky.count(SOLVED) <= narrow.count(SOLVED) + 2
