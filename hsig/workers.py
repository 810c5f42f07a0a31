"""Training in several processes, a variant at a time in each: the numbers are those of `run`."""

import os
import signal
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from hsig.errors import RunError
from hsig.experiment import Checkpoint, Experiment, Failure, Variant, run

_SPAWN = get_context("spawn")  # the same on every system, and safe beside threads
_WORK_WORTH_A_PROCESS = 40_000_000  # less is done sooner than a process starts


def run_with_workers(experiment: Experiment) -> Iterator[Checkpoint | Failure]:
    """The events of `run`, of several variants at a time.

    Each variant's events come in their order, with those of others between them. Closing the
    iterator ends all processes.

    Raises:
        RunError: At the end, if a process died; only what it was doing is lost.
    """
    workers = _workers(experiment)
    if workers == 1:
        yield from run(experiment)
        return
    deaths: list[str] = []
    waiting = deque(experiment.variants)
    busy: dict[Connection, _Worker] = {}
    try:
        while waiting or busy:
            while waiting and len(busy) < workers:
                worker = _Worker.start(experiment)
                busy[worker.connection] = worker
                worker.take(waiting.popleft())
            for connection in wait(list(busy)):
                worker = busy[connection]  # type: ignore[index]
                try:
                    event = worker.connection.recv()
                except (EOFError, OSError):
                    del busy[worker.connection]
                    deaths.append(worker.bury())
                    continue
                if event is not None:
                    yield event
                elif waiting:
                    worker.take(waiting.popleft())
                else:
                    del busy[worker.connection]
                    worker.end()
        if deaths:
            raise RunError(deaths)
    finally:
        for worker in busy.values():
            worker.end()


def _workers(experiment: Experiment) -> int:
    """How many processes train; more than one per variant is of no use."""
    variants = len(experiment.variants)
    if experiment.workers is not None:
        return min(experiment.workers, variants)
    if (variants - 1) * experiment.epochs * experiment.work_per_epoch < _WORK_WORTH_A_PROCESS:
        return 1
    return min(_cores(), variants)


def _cores() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True, eq=False)
class _Worker:
    """A process that trains variants, one after the other."""

    process: SpawnProcess
    connection: Connection
    variants: list[Variant]

    @classmethod
    def start(cls, experiment: Experiment) -> "_Worker":
        ours, theirs = _SPAWN.Pipe()
        process = _SPAWN.Process(target=_serve, args=(theirs,), daemon=True)
        with _interrupts_withheld():
            process.start()
        theirs.close()
        worker = cls(process, ours, [])
        worker.tell(replace(experiment, variants=()))
        return worker

    def take(self, variant: Variant) -> None:
        """Train this next."""
        self.variants.append(variant)
        self.tell(variant)

    def tell(self, what: Experiment | Variant) -> None:
        """Send it; that a process is dead is found out when it should answer."""
        with suppress(OSError):
            self.connection.send(what)

    def bury(self) -> str:
        """What is to be said of a process that ended by itself."""
        self.process.join()
        code = self.process.exitcode or 0
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        self.connection.close()
        return f"{self.variants[-1].label}: the process that trained it {how}"

    def end(self) -> None:
        """End it, whatever it is doing."""
        self.process.kill()
        self.process.join()
        self.connection.close()


def _serve(connection: Connection) -> None:
    """In the process: train what comes, until nobody listens any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        experiment = connection.recv()
        while True:
            variant = connection.recv()
            for event in run(replace(experiment, variants=(variant,))):
                connection.send(event)
            connection.send(None)
    except (EOFError, OSError):
        return


@contextmanager
def _interrupts_withheld() -> Iterator[None]:
    """Start a process that Ctrl-C does not reach: it is ended by the one that started it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # which lets interrupts through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
