"""Gradient descent in C, with seeds or units in vector lanes: the fast engine, where it was built.

The numbers are the same on every processor and in any batch; `_kernel.c` says how.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache, lru_cache
from importlib import import_module
from itertools import accumulate, chain, pairwise
from types import ModuleType

import numpy as np
import numpy.typing as npt

from hsig.activations import SOFTMAX, Activation
from hsig.arrays import Array, IntArray
from hsig.engines.engine import MARKS, NUMERICS, Problem, Progress, State, Strides
from hsig.engines.optimizers import SGD
from hsig.engines.order import Order
from hsig.networks.losses import LOSSES
from hsig.networks.network import Network, Weights


def _load() -> ModuleType | None:
    """The extension module; None where it was not built, or not since the numbers last changed."""
    try:
        kernel = import_module("hsig.engines._kernel")
    except ImportError:
        return None
    return kernel if getattr(kernel, "numerics", None) == NUMERICS else None


_kernel = _load()

NAME = "compiled"

_CODE_COLUMNS = 6
_SETTINGS = 3  # of an optimizer, at most
LAYOUTS = ("seeds", "units")  # what lanes hold

IntCode = npt.NDArray[np.int32]

_MIN_SEEDS_PER_THREAD = 32
_MIN_WORK_PER_THREAD = 1_000_000  # weight updates; a thread starts in some 50 us
_CHUNK_WORK = 6_000_000  # vectors of weights updated between two looks at an interrupt
# with units in lanes, in vectors of weights: what a row costs beside them, what a weight costs that
# is turned before a step, and what a vector costs where some rows share it
_ROW_OVERHEAD, _TURN, _BATCHED, _ROWS = 8, 0.5, 0.6, 8
_NEAR = 2**15  # weights of a vector of seeds; more are far from the processor, and take longer


def is_available() -> bool:
    """Whether the kernel was built when hsig was installed."""
    return _kernel is not None


def evaluate(problem: Problem, weights: Weights, *, threads: int = 1) -> tuple[Array, Array]:
    """Predictions, (samples, outputs, seeds), and losses, (samples, seeds), of these weights."""
    problem = replace(problem, order=Order(None), optimizer=SGD, learning_rate=0.0, stop_loss=None)
    progress = advance(State.start(weights), problem, 0, threads=threads)
    return progress.predictions, progress.first_epoch_losses


def chunk_size(problem: Problem, state: State) -> int:
    """How many epochs take a small part of a second."""
    if _kernel is None:
        raise ValueError("the compiled engine was not built when hsig was installed")
    work = min(_work(problem, state.weights, layout) for layout in LAYOUTS)
    return max(1, _CHUNK_WORK // (len(problem.inputs) * work))


def _work(problem: Problem, weights: Weights, layout: str) -> int:
    """Vectors of weights that a row of all seeds passes through, whatever lanes hold."""
    seeds, lanes = weights[0].shape[-1], _lanes()
    size = sum(layer[..., 0].size for layer in weights)
    if layout == "seeds":
        return int(-(-seeds // lanes) * size * (1.3 if size * lanes > _NEAR else 1))
    rows = min(problem.order.batch_size or np.inf, len(problem.inputs))
    vectors = sum(len(layer) * -(-layer.shape[1] // lanes) for layer in weights)
    turned = _TURN * sum(layer[..., 0].size for layer in weights[1:]) / rows
    return int(seeds * (vectors * (_BATCHED if rows >= _ROWS else 1) + turned + _ROW_OVERHEAD))


def _lanes() -> int:
    """How many lanes the fastest instruction set has."""
    return int(_kernel.paths()[0][1]) if _kernel else 1


def instruction_sets() -> tuple[str, ...]:
    """The instruction sets that the kernel can use here, the fastest first."""
    return () if _kernel is None else tuple(name for name, _ in _kernel.paths())


def depends_on() -> dict[str, str]:
    """Whether the kernel was built; its bits are the same on every machine."""
    return {"kernel": "not built" if _kernel is None else "built"}


def supports(problem: Problem) -> bool:
    """Whether the kernel can train a problem: whatever is made of formulas and losses of the table.

    A kernel that was not built refuses nothing; `advance` then raises.
    """
    network = problem.network
    return _kernel is None or (
        len(network.activations) <= _kernel.max_layers
        and all(map(_encode, network.activations))
        and network.loss in LOSSES.values()
    )


def advance(
    state: State,
    problem: Problem,
    epochs: int,
    *,
    threads: int = 1,
    path: str | None = None,
    layout: str | None = None,
) -> Progress:
    """Train every seed of `state`, which itself is left as it was.

    For no epochs, the losses are those of the weights, and not of a pass that trains. The seeds
    are split among as many threads, at most; `path` is one of `instruction_sets`, and `layout` of
    `LAYOUTS`, by default the fastest.

    Raises:
        ValueError: If the kernel was not built, or this machine lacks the instruction set.
    """
    return advance_in_strides(state, problem, epochs, 1, threads=threads, path=path, layout=layout)[
        0
    ]


def advance_in_strides(
    state: State,
    problem: Problem,
    epochs: int,
    strides: int,
    *,
    threads: int = 1,
    path: str | None = None,
    layout: str | None = None,
) -> Strides:
    """What as many calls of `advance` give, each with the state before it, in the time of one."""
    if _kernel is None:
        raise ValueError("the compiled engine was not built when hsig was installed")
    samples, seeds = len(problem.inputs), state.seeds
    network, optimizer = problem.network, problem.optimizer
    descended, printed = map(_kernel.losses.index, _loss_names(network))
    layers, marks, states = _lay_out(state, strides)
    predictions = np.empty((strides, samples, problem.targets.shape[1], seeds))
    losses = np.empty((strides, samples, seeds))
    if layout is None:
        layout = min(LAYOUTS, key=lambda name: _work(problem, state.weights, name))
    settings = (*optimizer.settings, *[0.0] * _SETTINGS)[:_SETTINGS]
    stop_loss = np.nan if problem.stop_loss is None else problem.stop_loss
    within = np.nan if problem.solved_within is None else problem.solved_within
    numbers = [within, stop_loss]
    numbers += [optimizer.weight_decay, optimizer.clip_norm, *settings]
    inputs = problem.inputs.shape[1]
    sizes = []
    for layer in state.weights:
        rows, units, _ = layer.shape
        sizes.append((inputs, units, rows - inputs))
        inputs = units
    is_softmax = [False] * len(network.hidden_activations) + [network.loss.of_classes]
    fields, programs = zip(*map(_encode, network.activations, is_softmax), strict=True)

    arrays = (
        states,
        np.ascontiguousarray(state.seed_numbers, dtype=np.int64),
        predictions,
        losses,
        np.require(problem.inputs, requirements=["C", "A"]),
        np.require(problem.targets, requirements=["C", "A"]),
        np.array(sizes, dtype=np.int64),
        np.concatenate(fields),
    )
    codes = (
        programs,
        LAYOUTS.index(layout),
        samples,
        min(problem.order.batch_size or samples, samples),
        problem.order.shuffled,
        problem.stop_solved,
        problem.stop_loss is not None,
        _kernel.optimizers.index(optimizer.name),
        descended,
        printed,
        seeds,
        state.epoch,
        epochs,
        strides,
    )
    path = path or instruction_sets()[0]

    def train(first: int, last: int, rate: float) -> None:
        _kernel.advance(path, *arrays, np.array([rate, *numbers]), *codes, first, last)

    work = strides * max(1, epochs) * samples * sum(layer.size for layer in state.weights)
    least = _MIN_SEEDS_PER_THREAD if layout == "seeds" else 1
    parts = min(threads, -(-seeds // least), 1 + work // _MIN_WORK_PER_THREAD)
    step = -(-seeds // (parts * least)) * least
    rates = np.broadcast_to(problem.learning_rate, seeds)
    changes = [0, *(np.flatnonzero(np.diff(rates)) + 1).tolist(), seeds]
    bounds = [
        (first, min(first + step, stop), rates[start])
        for start, stop in pairwise(changes)
        for first in range(start, stop, step)
    ]
    run = map if parts == 1 else _thread_pool(parts).map
    list(run(train, *zip(*bounds, strict=True)))
    ends = iter(layers)
    return Strides(
        start=state,
        epochs=epochs,
        weights=tuple(next(ends) for _ in state.weights),
        memory=tuple(tuple(next(ends) for _ in part) for part in state.memory),
        marks=marks,
        predictions=predictions,
        first_epoch_losses=losses,
    )


def _lay_out(state: State, strides: int) -> tuple[list[Array], IntArray, Array]:
    """Room for the states at the end of strides, with this one where the first will be.

    The arrays of the weights and the memory with strides first, the marks (strides, marks, seeds),
    and that of which all these are views: (strides, numbers and marks, seeds).
    """
    given = list(chain(state.weights, *state.memory))
    ends = list(accumulate((layer[..., 0].size for layer in given), initial=0))
    states = np.empty((strides, ends[-1] + len(MARKS), state.seeds))
    layers = [
        states[:, start:stop].reshape(strides, *layer.shape)
        for (start, stop), layer in zip(pairwise(ends), given, strict=True)
    ]
    for room, layer in zip(layers, given, strict=True):
        room[0] = layer
    marks = states[:, ends[-1] :].view(np.int64)
    marks[0] = [getattr(state, name) for name in MARKS]
    return layers, marks, states


@cache
def _thread_pool(number: int) -> ThreadPoolExecutor:
    """Threads that stay: to start them takes longer than a short call."""
    return ThreadPoolExecutor(number)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_thread_pool.cache_clear)  # threads do not outlive a fork


def _loss_names(network: Network) -> tuple[str, str]:
    """The names of the loss that is descended, and of the one that is printed."""
    value, of_logit = network.loss.value, network.loss.value_of_logit or network.loss.value
    descended = of_logit if network.descends_by_logit else value
    printed = of_logit if network.loses_by_logit else value
    return descended.__name__, printed.__name__


def _fast_path(activation: Activation) -> str:
    """The kernel's name for an activation that it computes without a program; else empty."""
    if type(activation) is not Activation or activation.slope_definition:
        return ""
    if activation.is_logistic:
        return "logistic"
    return "clipped line" if activation.bent_line else ""


@lru_cache(maxsize=256)
def _encode(
    activation: Activation, is_softmax: bool = False
) -> tuple[Array, tuple[IntCode, Array]] | None:
    """The fields of the kernel's `activation`, and its `program` as code and constants.

    A row of value steps, registers and the operands of value and slope, then one for each step:
    operation, target, operands. Unused columns are 0. Both are empty on a fast path.

    Returns:
        None if the kernel lacks an operation of it.
    """
    assert _kernel is not None, "asked for by those who have it"
    program, fast = activation.program, SOFTMAX if is_softmax else _fast_path(activation)
    backward = activation.backward or "own"
    straight_through = backward == "straight_through"
    constant = float(activation.derivative(np.zeros(1))[0]) if straight_through else 0.0
    line, family = activation.bent_line, [0.0] * 9
    if line is not None:
        inside, outside = line.slope, line.leak * line.slope
        ends = (line.start, line.stop, inside, outside)
        family = [line.slope, line.shift, line.low, line.high, line.leak, *ends]
    kind, slope = _kernel.activations.index(fast or "program"), _kernel.backwards.index(backward)
    fields = np.array([kind, slope, constant, *family], dtype=np.float64)
    if fast:
        return fields, (np.zeros((0, _CODE_COLUMNS), np.int32), np.zeros(0))
    codes = {name: code for code, (name, _) in enumerate(_kernel.operations)}
    if program is None or not {step.operation for step in program.steps} <= set(codes):
        return None
    code = np.zeros((1 + len(program.steps), _CODE_COLUMNS), np.int32)
    code[0, :4] = program.value_steps, program.registers, program.value, program.slope
    for row, step in zip(code[1:], program.steps, strict=True):
        row[:2] = codes[step.operation], step.target
        row[2 : 2 + len(step.operands)] = step.operands
    return fields, (code, np.array(program.constants, dtype=np.float64))
