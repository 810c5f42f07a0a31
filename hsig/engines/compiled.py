"""Gradient descent in C, a seed in each vector lane: the fast engine, where it could be built.

The numbers are the same on every processor and in any batch; `_kernel.c` says how.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module
from math import inf, nextafter
from types import ModuleType

import numpy as np

from hsig.engines import Problem, Progress, State
from hsig.networks.activations import Activation, curved, logistic, piecewise
from hsig.networks.arrays import Array
from hsig.networks.network import Network, Weights


def _load() -> ModuleType | None:
    """The extension module; None where there was no compiler that it can be built with."""
    try:
        return import_module("hsig.engines._kernel")
    except ImportError:
        return None


_kernel = _load()

NAME = "compiled"

# the codes of `_kernel.c`
_KINDS: dict[Callable[..., Array], int] = {
    logistic.sigmoid: 0,
    piecewise.piecewise_linear: 1,
    curved.tanh: 3,
    curved.ultra_fast: 4,
    curved.elu: 5,
    curved.softplus: 6,
    curved.silu: 7,
    curved.hard_silu: 8,
    curved.gelu_tanh: 9,
}
_LEAKY = 2
_BACKWARDS = {"own": 0, "logistic": 1, "output": 2, "straight_through": 3}
_LOSSES = {"squared": 0, "bce": 1, "bce_naive": 3}
_BCE_OF_LOGIT = 2

_SEEDS_WORTH_A_THREAD = 32
_WORK_WORTH_A_THREAD = 1_000_000  # in updates of a weight; a thread starts in some 50 us


_WORK_AT_A_TIME = 6_000_000  # in updates of a weight, for each lane


def is_here() -> bool:
    """Whether it could be built when hsig was installed."""
    return _kernel is not None


def predict(problem: Problem, weights: Weights) -> Array:
    """Predictions for all rows, (samples, seeds), with weights that have seeds last."""
    return advance(State.start(weights), problem, 1).predictions


def epochs_at_a_time(problem: Problem, state: State) -> int:
    """How many epochs take a small part of a second."""
    if _kernel is None:
        raise ValueError("the compiled engine was not built when hsig was installed")
    _, lanes = _kernel.paths()[0]
    vectors = -(-len(state.solved_at) // lanes)
    numbers = vectors * sum(layer[..., 0].size for layer in state.weights)
    return max(1, _WORK_AT_A_TIME // (len(problem.inputs) * int(numbers)))


def source() -> str:
    """A digest of the C code that the kernel was built from; empty if it is not there."""
    return "" if _kernel is None else str(_kernel.source)


def instruction_sets() -> tuple[str, ...]:
    """Those that the kernel can use here, the fastest first; none if it is not there."""
    return () if _kernel is None else tuple(name for name, _ in _kernel.paths())


def knows(network: Network) -> bool:
    """Whether the kernel has the network's activations and loss."""
    activations = (network.hidden_activation, network.output_activation)
    return network.loss.name in _LOSSES and all(a.function in _KINDS for a in activations)


def advance(
    state: State, problem: Problem, epochs: int, *, threads: int = 1, path: str | None = None
) -> Progress:
    """Train every seed of `state` for some epochs; `state` itself is left as it was.

    Raises:
        ValueError: If the engine is not there, or the path cannot be taken on this machine.

    Args:
        state: Where the seeds stand.
        problem: What is trained, and how.
        epochs: How many epochs to train, at least 1.
        threads: Among how many the seeds are split, at most.
        path: Which of `instruction_sets`; by default the fastest.

    Returns:
        Where the seeds stand then, and what the first epoch printed.
    """
    if _kernel is None:
        raise ValueError("the compiled engine was not built when hsig was installed")
    samples, inputs = problem.inputs.shape
    hidden, seeds = state.weights.hidden.shape[1:]
    network, loss = problem.network, _LOSSES[problem.network.loss.name]
    output = network.output_activation
    by_logit = network.loss.value_of_logit is not None
    weights = Weights(*(layer.copy() for layer in state.weights))
    marks = [m.copy() for m in (state.solved_at, state.lost_at, state.diverged_at)]
    predictions, losses = np.empty((2, samples, seeds))

    def train(first: int, last: int) -> None:
        _kernel.advance(
            path or instruction_sets()[0],
            *weights,
            *marks,
            predictions,
            losses,
            np.ascontiguousarray(problem.inputs),
            np.ascontiguousarray(problem.targets),
            _numbers(network.hidden_activation),
            _numbers(output),
            inputs,
            hidden,
            samples,
            problem.update == "batch",
            _BCE_OF_LOGIT if by_logit and output.trains_as_logistic else loss,
            _BCE_OF_LOGIT if by_logit and output.is_logistic else loss,
            problem.learning_rate,
            problem.solved_within,
            seeds,
            state.epoch,
            epochs,
            first,
            last,
        )

    work = epochs * samples * seeds * (inputs + 2) * hidden
    parts = min(threads, -(-seeds // _SEEDS_WORTH_A_THREAD), 1 + work // _WORK_WORTH_A_THREAD)
    step = -(-seeds // (parts * _SEEDS_WORTH_A_THREAD)) * _SEEDS_WORTH_A_THREAD
    bounds = [(first, min(first + step, seeds)) for first in range(0, seeds, step)]
    if len(bounds) == 1:
        train(0, seeds)
    else:
        list(_threads(len(bounds)).map(train, *zip(*bounds, strict=True)))
    solved_at, lost_at, diverged_at = marks
    return Progress(
        epoch=state.epoch + epochs,
        weights=weights,
        solved_at=solved_at,
        lost_at=lost_at,
        diverged_at=diverged_at,
        predictions=predictions,
        losses=losses,
    )


@cache
def _threads(number: int) -> ThreadPoolExecutor:
    """So many, which stay: to start them for each call would take longer than a short one."""
    return ThreadPoolExecutor(number)


def _numbers(activation: Activation) -> Array:
    """The fields of the kernel's `activation`."""
    kind = _KINDS[activation.function]
    given = {name: value for name, value in activation.parameters.items() if name != "kink"}
    family = [0.0] * 9
    if kind == _KINDS[piecewise.piecewise_linear]:
        slope, leak = float(given["slope"]), float(given["leak"])
        kind = _LEAKY if leak else kind
        middle = piecewise.middle_piece(**activation.parameters)
        start = middle.start if middle.start_closed else nextafter(middle.start, inf)
        stop = middle.stop if middle.stop_closed else nextafter(middle.stop, -inf)
        family = [*map(float, given.values()), start, stop, slope, leak * slope]
    constant = 0.0
    if activation.backward == "straight_through":
        constant = float(activation.derivative(np.zeros(1))[0])
    backward = _BACKWARDS[activation.backward or "own"]
    return np.array([kind, backward, constant, *family, float(given.get("alpha", 0.0))])
