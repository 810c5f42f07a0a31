"""Networks of any depth and any number of outputs, against plain loops; and where they start."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scalar_reference import FUNCTIONS, ScalarNetwork
from scalar_reference import LOSSES as SCALAR_LOSSES
from setups import BACKWARDS, layers_of, network_of

from hsig.activations import ACTIVATIONS
from hsig.arrays import sum_in_order
from hsig.networks.losses import LOSSES
from hsig.networks.network import append_bias, default_output_activation, layer_shapes


@st.composite
def networks(draw, backwards=("own",), activations=FUNCTIONS, losses=SCALAR_LOSSES):
    """A network of 0 to 3 hidden layers, weights of one seed, and a few rows to learn."""
    loss = draw(st.sampled_from(sorted(losses)))
    names = st.sampled_from(sorted(activations))
    last = names.filter(lambda name: ACTIVATIONS[name].maps_into_unit_interval)
    depth = draw(st.integers(0, 3))
    chosen = [draw(names) for _ in range(depth)]
    chosen.append(draw(last if LOSSES[loss].needs_probabilities else names))
    network = network_of(
        *(f"{name}:{draw(st.sampled_from(backwards))}" for name in chosen), loss=loss
    )
    sizes = [draw(st.integers(1, 4)) for _ in range(depth + 2)]
    numbers = np.random.Generator(np.random.PCG64(draw(st.integers(0, 10_000))))
    weights = tuple(numbers.uniform(-2, 2, (*shape, 1)) for shape in layer_shapes(sizes))
    samples = draw(st.integers(1, 4))
    targets = numbers.uniform(0, 1, (samples, sizes[-1])).round(draw(st.sampled_from([0, 3])))
    return network, weights, numbers.uniform(-2, 2, (samples, sizes[0])), targets


def plain(network, weights):
    return ScalarNetwork(
        [layer[:, :, 0].tolist() for layer in weights],
        [activation.name for activation in network.activations],
        [activation.backward for activation in network.activations],
        network.loss.name,
    )


@given(networks(backwards=BACKWARDS))
def test_losses_and_gradient_match_plain_loops(drawn):
    network, weights, inputs, targets = drawn
    with np.errstate(all="ignore"):
        rows = zip(inputs.tolist(), targets.tolist(), strict=True)
        found = [plain(network, weights).gradient(*row) for row in rows]
        activity = network.forward(weights, append_bias(inputs))
        losses = network.losses(activity, targets[:, :, None])
        gradient = network.gradient(weights, activity, targets[:, :, None])
        expected = [np.mean([g[n] for _, g in found], axis=0) for n in range(len(weights))]
    tolerance = {"rtol": 1e-9, "atol": 1e-11}
    np.testing.assert_allclose(losses[:, 0], [loss for loss, _ in found], **tolerance)
    for layer, slopes in zip(gradient, expected, strict=True):
        np.testing.assert_allclose(layer[:, :, 0], slopes, **tolerance)


@given(networks(activations=ACTIVATIONS, losses=LOSSES))
def test_gradient_matches_central_differences(drawn):
    network, weights, inputs, targets = drawn
    if network.loss.of_classes:
        targets = np.eye(targets.shape[1])[(targets > 0.5).argmax(axis=1)]
    step, y = 1e-6, targets[:, :, None]
    with np.errstate(over="ignore"):  # of exponentials of exponentials
        activity = network.forward(weights, append_bias(inputs))
    assume(all((np.abs(z) < 1e3).all() for z in activity.pre_activations))
    assume(far_from_kinks(network, activity))
    p = activity.predictions
    # at 0 and 1 a cross-entropy has no finite difference
    assume(not network.loss.needs_probabilities or ((p > 1e-3) & (p < 1 - 1e-3)).all())
    assume(np.abs(p - y).min() > 1e-4)  # where a loss may have a kink
    gradient = network.gradient(weights, activity, y)
    size = max(1.0, network.losses(activity, y).mean())  # whose rounding the differences magnify
    assume(size < 1e4)

    def cost(layer, index, change):
        moved = [part.copy() for part in weights]
        moved[layer][index] += change
        return network.losses(network.forward(tuple(moved), append_bias(inputs)), y).mean()

    for layer, part in enumerate(gradient):
        for index in np.ndindex(part.shape):
            slope, rough = (
                (cost(layer, index, h) - cost(layer, index, -h)) / (2 * h) for h in (step, 4 * step)
            )
            assume(abs(slope - rough) <= 1e-5 * (abs(slope) + size))  # else they have not converged
            assert part[index] == pytest.approx(slope, rel=1e-4, abs=1e-4 * size)


def far_from_kinks(network, activity):
    return all(
        np.abs(z - end).min() > 1e-4
        for activation, z in zip(network.activations, activity.pre_activations, strict=True)
        for piece in activation.linear_pieces
        for end in (piece.start, piece.stop)
    )


def test_a_sum_runs_from_the_first_term_to_the_last():
    assert sum_in_order(np.array([1e16, 1.0, 1.0, -1e16])) == 0.0  # pairwise it would be 2
    terms = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(sum_in_order(terms), terms[0] + terms[1])


# --- saturated outputs ------------------------------------------------------------------------


def output_alone(spec, pre_activation, target, loss="bce"):
    """The losses, the slope in the output's pre-activation and the gradient of one row."""
    network = network_of(spec, loss=loss)
    weights = layers_of([[0.0], [pre_activation]])
    target = np.full((1, 1, 1), target)
    with np.errstate(all="ignore"):
        activity = network.forward(weights, append_bias(np.zeros((1, 1))))
        losses, deltas = network.losses(activity, target), network.output_deltas(activity, target)
        return (
            losses.item(),
            deltas.item(),
            network.gradient(weights, activity, target)[0][-1].item(),
        )


def test_a_saturated_wrong_sample_teaches_nothing_with_bce():
    assert output_alone("hard", -3.0, 1.0) == (np.inf, 0.0, 0.0)


def test_a_surrogate_slope_at_a_saturated_wrong_answer_is_infinite():
    assert output_alone("hard:logistic", -3.0, 1.0) == (np.inf, -np.inf, -np.inf)


@pytest.mark.parametrize("backward", ["own", "logistic", "output"])
def test_a_logistic_output_has_the_exact_form_where_it_is_saturated_and_wrong(backward):
    assert output_alone(f"sigmoid:{backward}", 800.0, 0.0) == (800.0, 1.0, 1.0)


def test_the_straight_through_slope_of_a_logistic_output_is_a_quarter():
    p = 1 / (1 + np.exp(-2))
    _, delta, _ = output_alone("sigmoid:straight_through", 2.0, 0.0)
    assert delta == pytest.approx(0.25 / (1 - p), rel=1e-14)


@pytest.mark.parametrize(
    ("hidden", "output"),
    [
        ("hard", "hard"),
        ("ultra_fast", "ultra_fast"),
        ("leaky_hard", "sigmoid"),
        ("relu", "sigmoid"),
    ],
)
def test_the_output_has_the_hidden_activation_only_if_it_stays_within_0_and_1(hidden, output):
    assert default_output_activation(ACTIVATIONS[hidden]).name == output
