"""hsig against scikit-learn's perceptrons: the same descent from the same weights.

Its squared loss has a factor 1/2, so that its rate is twice hsig's. Its loss of an epoch is that of
each row before the row's own step, as `first_epoch_losses` is.
"""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from kernels import built
from setups import network_of
from sklearn import datasets
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier, MLPRegressor

import hsig
from hsig.engines.choice import ENGINES
from hsig.engines.engine import Problem, State
from hsig.engines.order import Order

EPOCHS, RATE, HIDDEN, ROWS = 50, 0.02, (4, 3), 70
# the activation of hidden layers, with scikit-learn's name, the output's and the loss
SETTINGS = {
    "iris": ("tanh", "tanh", "softmax", "cross_entropy"),
    "wine": ("relu", "relu", "softmax", "cross_entropy"),
    "breast_cancer": ("sigmoid", "logistic", "sigmoid", "bce"),
    "diabetes": ("tanh", "tanh", "identity", "squared"),
}
CLOSE = {"rtol": 1e-9, "atol": 1e-9}


@cache
def rows_of(name):
    """Some of the rows as they come, in an order that is drawn; a target is a class or a number."""
    inputs, targets = getattr(datasets, f"load_{name}")(return_X_y=True)
    some = np.random.RandomState(3).permutation(len(inputs))[:ROWS]
    return inputs[some], targets[some]


def standardise(columns):
    return (columns - columns.mean(axis=0)) / columns.std(axis=0)


@cache
def trained_by_scikit_learn(name, size):
    """Weights to begin with, losses of each epoch and predictions at the end, all as hsig's."""
    inputs, targets = rows_of(name)
    is_number, classes = name == "diabetes", len(np.unique(targets))
    outputs = 1 if is_number or classes == 2 else classes
    draw = np.random.RandomState(5).uniform
    sizes = (inputs.shape[1], *HIDDEN, outputs)
    layers = [draw(-0.7, 0.7, (a + 1, b)) for a, b in pairwise(sizes)]
    perceptron = (MLPRegressor if is_number else MLPClassifier)(
        hidden_layer_sizes=HIDDEN,
        activation=SETTINGS[name][1],
        solver="sgd",
        alpha=0.0,
        momentum=0.0,
        shuffle=False,
        batch_size=size,
        learning_rate_init=RATE * (2 if is_number else 1),
        max_iter=EPOCHS,
        n_iter_no_change=EPOCHS + 1,
        tol=0.0,
    )
    starts = iter(layers)
    perceptron._init_coef = lambda *_: (lambda layer: (layer[:-1], layer[-1]))(next(starts).copy())
    with pytest.warns(UserWarning, match="converged"):
        perceptron.fit(standardise(inputs), standardise(targets) if is_number else targets)
    if is_number:
        found = perceptron.predict(standardise(inputs))[:, None]
        return layers, 2.0 * np.array(perceptron.loss_curve_), found
    found = perceptron.predict_proba(standardise(inputs))
    return layers, np.array(perceptron.loss_curve_), found[:, -outputs:]


@pytest.mark.parametrize(
    ("engine", "size"),
    [
        *(pytest.param("compiled", size, marks=built) for size in (1, 32, ROWS)),
        *(("reference", size) for size in (32, ROWS)),  # it has no code for single rows
    ],
)
@pytest.mark.parametrize("name", SETTINGS)
def test_engines_descend_as_scikit_learn_does(name, size, engine):
    layers, losses, predictions = trained_by_scikit_learn(name, size)
    inputs, targets = rows_of(name)
    hidden, _, output, loss = SETTINGS[name]
    network = network_of(*[hidden] * len(HIDDEN), output, loss=loss)
    wanted = standardise(targets)[:, None] if name == "diabetes" else targets[:, None] * 1.0
    if output == "softmax":
        wanted = np.eye(layers[-1].shape[1])[targets]
    problem = Problem(network, standardise(inputs), wanted, RATE, 0.5, Order(size))
    state = State.start(tuple(layer[:, :, None] for layer in layers))
    strides = ENGINES[engine].advance_in_strides(state, problem, 1, EPOCHS)
    np.testing.assert_allclose(strides.first_epoch_losses.mean(axis=(1, 2)), losses, **CLOSE)
    found, _ = ENGINES[engine].evaluate(problem, strides[EPOCHS - 1].weights)
    np.testing.assert_allclose(found[:, :, 0], predictions, **CLOSE)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_table_is_trained_as_scikit_learn_trains_it(name, tmp_path):
    layers, _, predictions = trained_by_scikit_learn(name, 32)
    inputs, targets = rows_of(name)
    is_number = name == "diabetes"
    words = targets if is_number else [f"class {place}" for place in targets]
    lines = [
        ",".join([*map(repr, row.tolist()), str(word)])
        for row, word in zip(inputs, words, strict=True)
    ]
    (tmp_path / "table.csv").write_text("\n".join(lines), encoding="utf-8")
    result = hsig.train(
        SETTINGS[name][0],
        task=f"csv:{tmp_path / 'table.csv'}",
        scale="standard",
        hidden=list(HIDDEN),
        initial_weights=[layer.tolist() for layer in layers],
        learning_rate=RATE,
        batch_size=32,
        epochs=EPOCHS,
    )
    found = np.reshape(result.variant.predictions, (-1, *predictions.shape))[-1]
    if is_number:
        predictions = targets.mean() + targets.std() * predictions
        loss = np.mean(((predictions[:, 0] - targets) / targets.std()) ** 2)
    else:
        loss = log_loss(targets, predictions if predictions.shape[1] > 1 else predictions[:, 0])
    np.testing.assert_allclose(found, predictions, **CLOSE)
    np.testing.assert_allclose(np.ravel(result.variant.costs)[-1], loss, **CLOSE)
