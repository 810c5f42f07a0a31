"""What is observed of networks of any depth, by hand and against other ways to find it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from setups import activation, layers_of, network_of, task_of, train, words

from hsig.activations import ACTIVATIONS
from hsig.experiments.evidence import examine, map_arrays
from hsig.experiments.verdicts import AFFINE, FROZEN, SOLVED
from hsig.networks.network import append_bias, seeds_last
from hsig.networks.starts import Start
from hsig.networks.tasks import TASKS

PIECEWISE = [f"{name}:own" for name, a in ACTIVATIONS.items() if a.linear_pieces]
XOR = TASKS["xor"]


def examined(specs, weights, task=XOR):
    """The evidence of some weights, and the activity that it is from; the output's spec is last."""
    network = network_of(*specs, loss="squared")
    with np.errstate(all="ignore"):
        activity = network.forward(weights, append_bias(task.inputs))
    return examine(network, weights, activity, task.targets, 0.5), activity


def drawn(specs, seeds, width, hidden, task=XOR):
    """The same of weights that are drawn, and these."""
    sizes = (task.inputs.shape[1], *hidden, task.targets.shape[1])
    weights = tuple(map(seeds_last, Start("uniform", (-width, width)).draw(seeds, sizes)))
    return *examined((*specs, "sigmoid"), weights, task), weights


layers = st.lists(st.tuples(st.sampled_from(PIECEWISE), st.integers(1, 6)), min_size=1, max_size=3)
widths = st.sampled_from([0.1, 0.5, 1.0, 3.0, 100.0])


@given(layers, st.integers(0, 2**32 - 1), widths)
def test_the_pieces_of_units_predict_their_values_and_say_when_a_network_is_affine(
    layers, seed, width
):
    specs, hidden = zip(*layers, strict=True)
    evidence, activity, weights = drawn(specs, [seed], width, hidden)
    for layer, spec in enumerate(specs):
        function, x = activation(spec), activity.pre_activations[layer]
        for place, piece in enumerate(function.linear_pieces):
            here = x[piece.contains(x)]
            assert evidence.on_piece[0, layer, place] == pytest.approx(here.size / x.size)
            line = piece.slope * here + piece.intercept
            np.testing.assert_allclose(function.value(here), line, rtol=1e-14, atol=1e-13)
            np.testing.assert_allclose(function.derivative(here), piece.slope, rtol=1e-14)
    np.testing.assert_allclose(evidence.on_piece.sum(axis=2), 1.0)
    if (evidence.on_one_piece == 1.0).all():
        size = np.prod([1.0 + np.abs(layer).sum() for layer in weights])
        assert evidence.nonaffinity[0] <= 1e-13 * size


@given(st.sampled_from(list(ACTIVATIONS)), st.integers(0, 2**32 - 1), widths, st.integers(1, 2))
def test_the_nonaffinity_on_xor_is_a_quarter_of_its_curvature(name, seed, width, depth):
    """The samples of xor are the corners of a square: an affine z has z01 + z10 = z11 + z00.

    The residual of the least-squares fit is (1, 1, -1, -1) / 4 times what that is off by.
    """
    evidence, activity, _ = drawn([f"{name}:own"] * depth, [seed], width, [3] * depth)
    z = activity.pre_activations[-1][:, 0, 0]
    curvature = abs(z[0] + z[1] - z[2] - z[3]) / 4
    size = max(np.abs(part).max() for part in (z, *activity.layer_inputs))
    assert evidence.nonaffinity[0] == pytest.approx(curvature, rel=1e-9, abs=1e-11 * (1 + size))


def test_the_nonaffinity_is_the_largest_residual_of_numpys_least_squares_over_outputs():
    """Also where an input is the sum of two others, so that the fit is not unique."""
    random = np.random.Generator(np.random.PCG64(1))
    inputs = random.normal(size=(20, 3))
    inputs[:, 2] = inputs[:, 0] + inputs[:, 1]
    task = task_of(inputs, random.uniform(size=(20, 2)))
    evidence, activity, _ = drawn(["tanh", "tanh"], range(5), 2.0, (4, 3), task)
    design = np.column_stack([inputs, np.ones(20)])
    for seed in range(5):
        z = activity.pre_activations[-1][:, :, seed]
        residuals = z - design @ np.linalg.lstsq(design, z)[0]
        assert evidence.nonaffinity[seed] == pytest.approx(np.abs(residuals).max(), rel=1e-9)


def test_a_small_input_counts_beside_one_that_is_1e14_times_as_large():
    """Two columns and the bias part three samples: every z is affine in the inputs."""
    task = task_of([[1e14, 0], [-1e14, 0], [1e14, 1]], [0, 1, 1])
    evidence, activity, _ = drawn(["relu"], range(20), 1.0, (3,), task)
    size = np.abs(activity.pre_activations[-1]).max()
    np.testing.assert_allclose(evidence.nonaffinity / size, 0.0, atol=1e-15)


def test_numbers_by_hand():
    """Two units of the hard sigmoid on xor: one stays in the middle, one saturates for x1 = 1.

    A second layer of relus sees .02 x1 + .04 x2 + .56 of the first unit: one is that, one is dead.
    """
    first = [[0.1, 5.0], [0.2, 0.0], [0.3, 0.0]]
    second = [[1.0, -1.0], [0.0, 0.0], [0.0, 0.0]]
    weights = layers_of(first, second, [[1.0], [0.0], [0.5]])
    evidence, activity = examined(("hard", "relu", "sigmoid"), weights)
    # pairs: 4 in the middle for the first unit; for the second 2 in the middle, 2 above
    assert evidence.on_piece[0, 0].tolist() == [0.0, 0.75, 0.25, 0.0]
    # relu has two pieces: 4 pairs on each; the third is that of the hard sigmoid alone
    assert evidence.on_piece[0, 1].tolist() == [0.5, 0.5, 0.0, 0.0]
    assert evidence.on_one_piece.tolist() == [[0.5, 1.0]]
    assert evidence.alive.tolist() == [[1.0, 0.5]]
    assert evidence.slope.tolist() == [[0.2, 1.0]]
    assert evidence.nonaffinity[0] < 1e-15
    assert not evidence.dead[0]
    p = 1 / (1 + np.exp(-(np.array([0.60, 0.58, 0.62, 0.56]) + 0.5)))
    np.testing.assert_allclose(activity.predictions[:, 0, 0], p, rtol=1e-14)
    # 1 1 and 0 0 are wrong: they are above .5; the slope of (p - 0)**2 in z
    wrong = 2 * p[2:] * p[2:] * (1 - p[2:])
    assert evidence.wrong_gradient[0] == pytest.approx(wrong.max(), rel=1e-14)
    # the output's gradient: z's slopes times what it sees, the mean over samples
    deltas = 2 * (p - [1, 1, 0, 0]) * p * (1 - p)
    seen = np.array([[0.60, 0, 1], [0.58, 0, 1], [0.62, 0, 1], [0.56, 0, 1]])
    assert evidence.gradient[0, 2] == pytest.approx(np.linalg.norm(deltas @ seen / 4), rel=1e-12)


def test_a_layer_without_a_slope_makes_a_network_dead_whatever_the_others_do():
    flat = [[0.0, 0.0], [0.0, 0.0], [-1.0, -1.0]]
    live = [[1.0, 0.5], [-1.0, 1.0], [0.3, 0.2]]
    for specs, weights, slopes in (
        (("relu", "tanh"), (flat, live), [True, False]),
        (("tanh", "relu"), (live, flat), [False, True]),
        (("tanh", "relu"), (live, live), [False, False]),
    ):
        evidence, _ = examined((*specs, "sigmoid"), layers_of(*weights, [[1.0], [1.0], [0.0]]))
        assert (evidence.slope[0] == 0.0).tolist() == slopes
        assert evidence.dead[0] == any(slopes)


def test_a_softmax_is_flat_by_its_outputs_and_not_by_what_they_have_in_common():
    network = network_of("tanh", "softmax", loss="cross_entropy")
    targets = np.eye(3)[[0, 1, 2, 0]]
    weights = layers_of(np.ones((3, 2)), np.zeros((3, 3)))
    for biases, flat in (([0, 0, 0], 0.0), ([100, 100, 100], 0.0), ([9, 0, 0], 1.0)):
        weights[-1][-1, :, 0] = biases
        activity = network.forward(weights, append_bias(XOR.inputs))
        evidence = examine(network, weights, activity, targets, None)
        assert evidence.flat[0, -1] == flat


def test_without_a_hidden_layer_there_is_no_piece_and_nothing_dead():
    evidence, _, _ = drawn([], range(3), 1.0, ())
    assert evidence.alive.shape == evidence.slope.shape == (3, 0)
    assert evidence.affine.all()
    assert not evidence.dead.any()


def test_evidence_is_the_same_alone_and_in_company_and_has_checkpoints_behind_seeds():
    together, alone = (drawn(["hard", "relu"], seeds, 2.0, (3, 2))[0] for seeds in ([3, 1, 4], [1]))
    stacked = map_arrays(lambda array: np.stack([array, array], axis=1), together)
    for name, array in vars(together).items():
        np.testing.assert_array_equal(array[1:2], getattr(alone, name))
        np.testing.assert_array_equal(getattr(stacked, name)[:, 1], array)
        np.testing.assert_array_equal(getattr(stacked.select_checkpoint(-1), name), array)
    assert stacked.affine.shape == stacked.dead.shape == (3, 2)


def test_weights_that_are_not_finite_have_no_property():
    _, _, weights = drawn(["hard"], [0], 1.0, (3,))
    weights[0][0, 0, 0] = np.nan
    evidence, _ = examined(("hard", "sigmoid"), weights)
    for name in ("affine", "dead", "solved", "saturated"):
        assert not getattr(evidence, name)[0]


# --- what the field knows ---------------------------------------------------------------------


def test_with_slope_one_sixth_every_seed_of_the_question_is_affine():
    assert set(words(train("hard_torch", loss="squared", seeds=100))) == {AFFINE}


def test_a_wide_start_turns_affine_into_frozen_and_a_leak_then_helps():
    """Wide starts saturate the output, and there a leak helps."""
    leaky = ACTIVATIONS["leaky_hard"].with_settings({"leak": 0.05}, None)

    def ends(spec, low, high):
        return words(train(spec, output=spec, loss="squared", seeds=100, low=low, high=high))

    narrow, wide = ends("hard", 0.0, 1.0), ends("hard", -8.0, 8.0)
    assert narrow.count(AFFINE) > 90 > 10 > narrow.count(FROZEN)
    assert wide.count(FROZEN) > 60 > 10 > wide.count(AFFINE)
    assert ends(leaky, -8.0, 8.0).count(SOLVED) > wide.count(SOLVED) + 20
    assert ends(leaky, 0.0, 1.0).count(SOLVED) <= narrow.count(SOLVED) + 2
