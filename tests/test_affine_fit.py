import numpy as np
import pytest
from scipy.optimize import minimize

from hsig.networks.affine_fit import fit_affine, is_separable
from hsig.networks.losses import LOSSES
from hsig.networks.tasks import TASKS, Task


def task(seed, rows=40, inputs=3, soft=False):
    random = np.random.Generator(np.random.PCG64(seed))
    x = random.normal(size=(rows, inputs))
    y = random.uniform(size=rows)
    return Task("drawn", x, (y if soft else (y < 0.4).astype(float))[:, None])


@pytest.mark.parametrize(("seed", "soft"), [(0, False), (1, False), (2, True), (3, True)])
def test_the_logistic_fit_is_scipys_minimum(seed, soft):
    drawn = task(seed, soft=soft)
    fit = fit_affine(drawn, LOSSES["bce"], 0.5)

    def cost(weights):
        z = drawn.inputs @ weights[:-1] + weights[-1]
        return np.mean(np.logaddexp(0, z) - drawn.targets[:, 0] * z)

    found = minimize(cost, np.zeros(4), method="BFGS", options={"gtol": 1e-10})
    assert fit.cost == pytest.approx(found.fun, rel=1e-9)
    assert fit.cost <= found.fun * (1 + 1e-12)


def test_the_least_squares_fit_leaves_residuals_orthogonal_to_the_inputs():
    drawn = task(0)
    fit = fit_affine(drawn, LOSSES["squared"], 0.5)
    residuals = fit.predictions - drawn.targets
    np.testing.assert_allclose(drawn.inputs.T @ residuals, 0.0, atol=1e-12)
    assert fit.cost == pytest.approx(np.mean(residuals**2), rel=1e-12)


@pytest.mark.parametrize(("name", "right"), [("xor", 0), ("parity3", 0), ("and", 4), ("or", 4)])
def test_no_affine_function_does_better_on_parity_than_a_constant(name, right):
    fit = fit_affine(TASKS[name], LOSSES["bce"], 0.5)
    if right:
        assert fit.cost < 1e-9
        assert fit.right == right
    else:
        assert fit.cost == pytest.approx(np.log(2), rel=1e-12)
        np.testing.assert_allclose(fit.predictions, 0.5, rtol=1e-12)


def test_many_equal_columns_and_large_numbers_are_no_trouble():
    doubled = Task("d", np.repeat(task(1).inputs, 2, axis=1) * 1e6, task(1).targets)
    expected = fit_affine(task(1), LOSSES["bce"], 0.5).cost
    assert fit_affine(doubled, LOSSES["bce"], 0.5).cost == pytest.approx(expected, rel=1e-6)


def test_steps_that_are_too_long_are_halved_until_they_help(monkeypatch):
    solve = np.linalg.lstsq
    expected = fit_affine(task(2), LOSSES["bce"], 0.5).cost
    monkeypatch.setattr(np.linalg, "lstsq", lambda *a: (50.0 * solve(*a)[0], None))
    assert fit_affine(task(2), LOSSES["bce"], 0.5).cost == pytest.approx(expected, rel=1e-6)


def test_the_search_ends_even_where_there_is_no_best(monkeypatch):
    monkeypatch.setattr("hsig.networks.affine_fit._MAX_STEPS", 3)
    fit = fit_affine(TASKS["and"], LOSSES["bce"], 0.5)
    assert fit.right == 4
    assert 1e-3 < fit.cost < 0.2


def test_rows_far_apart_overflow_nothing():
    far = Task("far", np.array([[-1e6], [1e6], [2e6]]), np.array([[0.0], [1.0], [1.0]]))
    assert fit_affine(far, LOSSES["bce"], 0.5).right == 3


def test_several_outputs_are_fitted_each_by_itself_and_a_row_is_right_in_all():
    inputs, both = TASKS["xor"].inputs, np.stack([[1, 1, 0, 0], [0, 0, 1, 0]], axis=1)
    fit = fit_affine(Task("both", inputs, both.astype(float)), LOSSES["bce"], 0.5)
    np.testing.assert_allclose(fit.predictions[:, 0], 0.5, rtol=1e-12)
    assert fit.cost == pytest.approx(np.log(2), rel=1e-6)  # that of xor; and costs nothing
    assert fit.right == 0


@pytest.mark.parametrize(
    ("targets", "separable"),
    [
        ([[0], [0], [1], [0]], True),  # and
        ([[1], [1], [0], [0]], False),  # xor
        ([[0, 1], [0, 1], [1, 0], [0, 0]], False),  # both: every output must be
        ([[0.5], [0.5], [0.4], [0.6]], True),  # near enough to any prediction of .5
    ],
)
def test_what_a_layer_before_the_output_can_separate(targets, separable):
    features = np.concatenate([TASKS["xor"].inputs, np.ones((4, 1))], axis=1)
    assert is_separable(features, np.array(targets, dtype=float), 0.5) == separable


def test_of_features_that_are_not_finite_nothing_is_known():
    assert is_separable(np.array([[np.nan], [1.0]]), np.array([[1.0], [0.0]]), 0.5)
