"""The table of engines, which of them trains a problem, and what its numbers depend on."""

import os
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Protocol

from hsig.arrays import Array
from hsig.engines import compiled, reference
from hsig.engines.engine import NUMERICS, Problem, Progress, State, Strides
from hsig.networks.network import Weights


class Engine(Protocol):
    """What the modules of this package offer."""

    NAME: str

    def is_available(self) -> bool:
        """Whether it can be used on this machine."""

    def supports(self, problem: Problem) -> bool:
        """Whether it can train a problem."""

    def depends_on(self) -> dict[str, str]:
        """What its numbers depend on beside the problem and `NUMERICS`, by name."""

    def advance(self, state: State, problem: Problem, epochs: int, *, threads: int = 1) -> Progress:
        """Train every seed of `state` for some epochs; `state` itself is left as it was."""

    def advance_in_strides(
        self, state: State, problem: Problem, epochs: int, strides: int, *, threads: int = 1
    ) -> Strides:
        """What as many calls of `advance` give, each with the state before it, in one."""

    def evaluate(
        self, problem: Problem, weights: Weights, *, threads: int = 1
    ) -> tuple[Array, Array]:
        """Predictions, (samples, outputs, seeds), and losses, (samples, seeds), of these weights.

        Weights have seeds last; to see other rows, replace those of the problem.
        """

    def chunk_size(self, problem: Problem, state: State) -> int:
        """How many epochs take a small part of a second, so that an interrupt is answered."""


ENGINES: Mapping[str, Engine] = MappingProxyType(
    {engine.NAME: engine for engine in (compiled, reference)}  # the fastest first
)


def fastest_engine() -> str:
    """The name of the fastest engine that can be used on this machine."""
    return next(name for name, engine in ENGINES.items() if engine.is_available())


def engine_for(problem: Problem, name: str) -> Engine:
    """The engine of that name, or `reference` for problems that it does not support."""
    engine = ENGINES[name]
    return engine if engine.supports(problem) else reference


def numerics(engines: Iterable[str]) -> dict[str, str]:
    """What numbers of these engines depend on beside their experiment."""
    chosen = set(engines)
    found = {"numerics": str(NUMERICS)}
    for name, engine in ENGINES.items():
        if name in chosen:
            found |= engine.depends_on()
    return found


def available_cores() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
