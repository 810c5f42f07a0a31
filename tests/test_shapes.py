"""Networks of all shapes, from no hidden layer on, with and without biases, on every page."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import words

import hsig
from hsig.config.loading import load_experiment, load_resolved
from hsig.networks.network import layer_shapes
from hsig.runs.provenance import digest_experiments

INPUTS = [[0, 1], [1, 0], [1, 1], [0, 0]]
TARGETS = {1: [1, 1, 0, 0], 2: [[1, 0], [1, 0], [0, 1], [0, 0]]}
keys = st.fixed_dictionaries(
    {
        "hidden": st.lists(st.integers(1, 4), max_size=4).map(tuple),
        "bias": st.sampled_from([True, False, "hidden", "output"]),
        "init": st.sampled_from(
            ["uniform:-1,1", "normal:0,2", "glorot_uniform", "he_normal:gain=3", "constant:0.5"]
        ),
        "init_bias": st.sampled_from([None, "same", "zero", "constant:-0.5"]),
        "update": st.sampled_from(["online", "batch"]),
        "seeds": st.integers(1, 3),
    }
)


def task(outputs):
    return {"name": "rows", "inputs": INPUTS, "targets": TARGETS[outputs]}


def weights_of(result):
    """Those at the end, of each layer, seeds first."""
    return result.parts[0].outcome.results[0].weights


def check_pages(result, outputs, chosen):
    """What holds of every page of a result, whatever the shape of its networks."""
    document = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    keys = document["experiment"]
    again = load_resolved(keys, "x")
    assert digest_experiments([again]) == digest_experiments([result.parts[0].outcome.experiment])
    assert [layer.shape for layer in weights_of(result)] == [
        (chosen["seeds"], *shape) for shape in layer_shapes(again.sizes, again.bias)
    ]
    for seed in document["variants"][0]["seeds"]:
        shape = (4,) if outputs == 1 else (4, 2)
        assert np.shape(seed["predictions"]) == shape
        assert np.shape(seed["evidence"]["gradient"])[1:] == (len(chosen["hidden"]) + 1,)
    page = words(result.table(full=True).splitlines())
    assert f"-{outputs} network" in page
    assert " nan" not in page
    assert "solved" in result.columns()
    if not chosen["hidden"]:
        assert "hidden layer:" not in page
        assert "their hidden units" not in page.casefold()


activations = st.sampled_from(["sigmoid", "hard", "tanh", "relu", "identity"])
few = {"loss": "squared", "epochs": 6, "report_every": 3}


@settings(max_examples=15)
@given(activations, st.sampled_from([1, 2]), keys)
def test_a_network_of_any_shape_is_trained_and_shown(activation, outputs, chosen):
    check_pages(hsig.train(activation, task=task(outputs), **few, **chosen), outputs, chosen)


@settings(max_examples=4)
@given(activations, st.sampled_from([1, 2]), keys)
def test_a_network_of_any_shape_is_explained(activation, outputs, chosen):
    check_pages(hsig.explain(activation, task=task(outputs), **few, **chosen), outputs, chosen)


def test_without_hidden_layers_a_page_says_whose_activation_the_output_has():
    result = hsig.train("tanh", hidden=0, output_activation="hard", epochs=2, seeds=2)
    assert "tanh is in no layer" in result.table()


@pytest.mark.parametrize("bias", [True, False])
def test_without_hidden_layers_it_is_the_regression_that_a_few_lines_do(bias):
    """Logistic regression on or, written here without hsig: its weights after 50 epochs."""
    flags = {"hidden": "0", "bias": str(bias).lower(), "task": "or", "seeds": "1", "epochs": "50"}
    experiment = load_experiment(flags=flags | {"init": "uniform:-1,1"})
    (start,) = experiment.starting_weights()
    weights = start[0, :, 0].copy()
    rows = [[*row, 1.0][: len(weights)] for row in experiment.task.inputs.tolist()]
    for _ in range(50):
        for row, target in zip(rows, experiment.task.targets[:, 0], strict=True):
            prediction = 1.0 / (1.0 + np.exp(-(weights @ row)))
            weights -= 0.1 * (prediction - target) * np.array(row)
    result = hsig.train(
        "sigmoid", hidden=0, bias=bias, task="or", seeds=1, epochs=50, init="uniform:-1,1"
    )
    (trained,) = weights_of(result)
    np.testing.assert_allclose(trained[0, :, 0], weights, rtol=1e-12)
