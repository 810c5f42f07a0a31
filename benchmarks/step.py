"""What a step costs: one seed through one sample, forward, backward and update.

Compares the engine at several batch sizes with the plain NumPy loop that one would write for a
single network, in one process, in turns. The speed-up is over that loop, in the same turn: its
median, least and most.

    python benchmarks/step.py
"""

import argparse
from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np
from rich.console import Console
from rich.table import Table

from hsig.config import load_experiment
from hsig.engines import Problem, State, reference
from hsig.network import Network, Weights

RATE = 0.1
BATCHES = (1, 30, 1000)


def plain_loop(activation: str, weights: Weights, epochs: int) -> Weights:
    """The question's program in NumPy: one network, one sample at a time, binary cross-entropy."""
    hidden, output = weights.hidden.copy(), weights.output.copy()
    rows = [np.array([0.0, 1.0, 1.0]), np.array([1.0, 0.0, 1.0]),
            np.array([1.0, 1.0, 1.0]), np.array([0.0, 0.0, 1.0])]  # fmt: skip
    targets = [1.0, 1.0, 0.0, 0.0]
    for _ in range(epochs):
        for x, y in zip(rows, targets, strict=True):
            z = x @ hidden
            if activation == "sigmoid":
                h = np.append(1.0 / (1.0 + np.exp(-z)), 1.0)
                slope = h[:-1] * (1.0 - h[:-1])
                p = 1.0 / (1.0 + np.exp(-(h @ output)))
                delta = p - y
            else:
                h = np.append(np.clip(0.2 * z + 0.5, 0.0, 1.0), 1.0)
                slope = np.where(np.abs(z) <= 2.5, 0.2, 0.0)
                out = h @ output
                p = np.clip(0.2 * out + 0.5, 0.0, 1.0)
                delta = (-y / p + (1.0 - y) / (1.0 - p)) * np.where(np.abs(out) <= 2.5, 0.2, 0.0)
            hidden -= RATE * np.outer(x, delta * output[:-1, 0] * slope)
            output -= RATE * (delta * h)[:, None]
    return Weights(hidden, output)


def engine(activation: str, seeds: int) -> tuple[Callable[[int], Weights], Weights]:
    """Training of so many seeds for some epochs, and the initial weights of the first."""
    experiment = load_experiment(flags={"activation": activation, "seeds": str(seeds)})
    (variant,) = experiment.variants
    network = Network(variant.hidden_activation, variant.output_activation, experiment.loss)
    task = experiment.task
    problem = Problem(network, task.inputs, task.targets, RATE, "online", 0.5)
    start = experiment.starting_weights()
    state = State.start(Weights(*(np.ascontiguousarray(np.moveaxis(w, 0, -1)) for w in start)))

    def train(epochs: int) -> Weights:
        return reference.advance(state, problem, epochs).weights

    return train, Weights(start.hidden[0], start.output[0])


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    started = perf_counter()
    work()
    return perf_counter() - started


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=200, help="epochs in a turn")
    parser.add_argument("--turns", type=int, default=7, help="turns of each")
    chosen = parser.parse_args()

    table = Table("activation", "what", "ns per step", "speed-up", "least", "most", box=None)
    for activation in ("sigmoid", "hard"):
        engines = {seeds: engine(activation, seeds) for seeds in BATCHES}
        _, first = engines[1]
        plain, batched = plain_loop(activation, first, 20), engines[30][0](20)
        np.testing.assert_allclose(plain.hidden, batched.hidden[..., 0], rtol=1e-10)

        nanoseconds: dict[int, list[float]] = {0: [], **{seeds: [] for seeds in BATCHES}}
        for _ in range(chosen.turns):
            for seeds, times in nanoseconds.items():
                work = (
                    (lambda: engines[seeds][0](chosen.epochs))  # noqa: B023 (called at once)
                    if seeds
                    else (lambda: plain_loop(activation, first, chosen.epochs))  # noqa: B023
                )
                times.append(1e9 * seconds(work) / (4 * chosen.epochs * max(seeds, 1)))
        for seeds, times in nanoseconds.items():
            ratios = sorted(p / t for p, t in zip(nanoseconds[0], times, strict=True))
            what = f"engine, seeds: {seeds}" if seeds else "plain loop, one seed"
            table.add_row(
                activation,
                what,
                f"{median(times):,.0f}",
                f"{median(ratios):.2f}",
                f"{ratios[0]:.2f}",
                f"{ratios[-1]:.2f}",
            )
    Console().print(table)


if __name__ == "__main__":
    main()
