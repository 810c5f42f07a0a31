"""Glow's XOR test from Glow's own initial weights, which no config can describe.

`python benchmarks/glow.py` trains what `configs/public-glow.yaml` has, but with hidden weights
evenly from -sqrt(3/2) to sqrt(3/2), output weights from -sqrt(1/2) to sqrt(1/2), and every bias
0.1. It prints how many of 2000 seeds are solved, for several activations of the hidden layer and of
the output, and how many of the others are at rest: whatever they answer wrongly, they answer with
exactly 0. A relu output has there a slope of 0 too. docs/findings/public-numbers.md tells what for.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from hsig.analysis.statistics import wilson_interval
from hsig.config.loading import load_activation, load_experiment
from hsig.engines.engine import State
from hsig.experiments.experiment import Experiment, Variant
from hsig.networks.network import Weights
from hsig.reports.page import percent

CONFIG = Path(__file__).parents[1] / "configs" / "public-glow.yaml"
SEEDS = 2000
LINEAR = "leaky_relu:leak=1"
LAYERS = (("relu", "relu"), ("tanh", "tanh"), ("tanh", "relu"), ("relu", LINEAR))


def start(seeds: int, inputs: int, hidden: int) -> Weights:
    """Glow's initial weights; shapes (inputs + 1, hidden, seeds) and (hidden + 1, 1, seeds)."""
    random = np.random.Generator(np.random.PCG64(0))
    layers = []
    for fan_in, units in ((inputs, hidden), (hidden, 1)):
        bound = np.sqrt(3.0 / fan_in)
        biases = np.full((1, units, seeds), 0.1)
        layers.append(
            np.concatenate([random.uniform(-bound, bound, (fan_in, units, seeds)), biases])
        )
    return tuple(layers)


def train(experiment: Experiment, hidden: str, output: str, seeds: int) -> tuple[int, int]:
    """How many seeds are solved, and how many are at rest."""
    variant = Variant("", (load_activation(hidden),), load_activation(output))
    problem, engine = experiment.problem_of(variant), experiment.engine_of(variant)
    state = State.start(start(seeds, experiment.task.inputs.shape[1], *experiment.hidden))
    weights = engine.advance(state, problem, experiment.epochs, threads=1).weights
    predictions, _ = engine.evaluate(problem, weights)
    right = np.abs(predictions - problem.targets[:, :, None]) < experiment.solved_within
    is_solved = right.all(axis=(0, 1))
    at_rest = ~is_solved & (right | (predictions == 0.0)).all(axis=(0, 1))
    return int(is_solved.sum()), int(at_rest.sum())


def lines(seeds: int = SEEDS) -> list[str]:
    """What is printed."""
    experiment = replace(load_experiment(CONFIG), seeds=tuple(range(seeds)))
    made = [f"{'hidden':8}{'output':20}{'solved':>14}{'95 % interval':>20}{'at rest':>9}"]
    for hidden, output in LAYERS:
        k, at_rest = train(experiment, hidden, output, seeds)
        interval = " to ".join(map(percent, wilson_interval(k, seeds)))
        made.append(f"{hidden:8}{output:20}{f'{k} of {seeds}':>14}{interval:>20}{at_rest:>9}")
    return made


if __name__ == "__main__":
    print("\n".join(lines()))
