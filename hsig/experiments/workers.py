"""Training on several cores: the numbers are those of `run`.

The reference engine has one core, so it gets processes, with a variant at a time in each.
"""

import os
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import active_children, get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from threading import Event

from hsig.engines import reference
from hsig.errors import RunError
from hsig.experiments.experiment import Checkpoint, Experiment, Failure
from hsig.experiments.sweeps import Crew, train_cell
from hsig.experiments.training import run

_SPAWN = get_context("spawn")  # the same on every system, and safe beside threads
_WORK_WORTH_A_PROCESS = 40_000_000  # less is done sooner than a process starts


def run_with_workers(*experiments: Experiment) -> Iterator[Checkpoint | Failure]:
    """The events of `run` for each experiment, of several variants at a time.

    Each variant's events come in their order, with those of others between them. Closing the
    iterator ends all processes.

    Raises:
        RunError: At the end, if a process died; only what it was doing is lost.
    """
    jobs: list[Experiment] = []
    for experiment in experiments:
        for variant in experiment.variants:
            job = replace(experiment, variants=(variant,))
            if job.engine_of(variant) is reference:
                jobs.append(job)
            else:  # it has threads of its own
                yield from run(job, threads=job.workers or cores())
    workers = _workers(jobs) if jobs else 1
    if workers == 1:
        for job in jobs:
            yield from run(job)
        return
    deaths: list[str] = []
    waiting = deque(jobs)
    busy: list[_Worker] = []
    try:
        while waiting or busy:
            while waiting and len(busy) < workers:
                busy.append(_Worker.start())
                busy[-1].take(waiting.popleft())
            ready = wait([worker.connection for worker in busy])
            for worker in [worker for worker in busy if worker.connection in ready]:
                try:
                    event = worker.connection.recv()
                except (EOFError, OSError):
                    busy.remove(worker)
                    deaths.append(worker.bury())
                    continue
                if event is not None:
                    yield event
                elif waiting:
                    worker.take(waiting.popleft())
                else:
                    busy.remove(worker)
                    worker.end()
        if deaths:
            raise RunError(deaths)
    finally:
        for worker in busy:
            worker.end()


def _workers(jobs: Sequence[Experiment]) -> int:
    """How many processes train; more than one per job is of no use."""
    if jobs[0].workers is not None:
        return min(jobs[0].workers, len(jobs))
    beside_the_first = sum(map(_work, jobs[1:]))
    return min(cores(), len(jobs)) if beside_the_first >= _WORK_WORTH_A_PROCESS else 1


def _work(job: Experiment) -> int:
    """What a job costs, very roughly, in updates of a weight."""
    samples, inputs = job.task.inputs.shape
    numbers = len(job.seeds) * ((inputs + 2) * job.hidden + 1)
    return job.epochs * reference.work_per_epoch(samples, numbers)


def local_crew(experiments: Sequence[Experiment]) -> Crew:
    """What trains cells on this machine: threads for an engine that frees them, else processes."""
    number = experiments[0].workers or cores()
    if not any(reference.NAME in experiment.engines for experiment in experiments):
        going_on = Event()
        going_on.set()
        work = partial(train_cell, going_on=going_on.is_set)
        return Crew(partial(ThreadPoolExecutor, number), work, number, 2 * number, going_on.clear)
    start = partial(ProcessPoolExecutor, number, mp_context=_SPAWN, initializer=_leave_interrupts)

    def stop() -> None:
        for process in active_children():
            process.kill()

    return Crew(start, train_cell, number, 2 * number, stop)


def _leave_interrupts() -> None:
    """In a process: Ctrl-C is for the one that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def cores() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True, eq=False)
class _Worker:
    """A process that does jobs, one after the other: experiments of one variant."""

    process: SpawnProcess
    connection: Connection
    jobs: list[Experiment]

    @classmethod
    def start(cls) -> "_Worker":
        ours, theirs = _SPAWN.Pipe()
        process = _SPAWN.Process(target=_serve, args=(theirs,), daemon=True)
        with _interrupts_withheld():
            process.start()
        theirs.close()
        return cls(process, ours, [])

    def take(self, job: Experiment) -> None:
        """Do this next. That a process is dead is found out when it should answer."""
        self.jobs.append(job)
        with suppress(OSError):
            self.connection.send(job)

    def bury(self) -> str:
        """What is to be said of a process that ended by itself."""
        self.process.join()
        code = self.process.exitcode or 0
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        self.connection.close()
        return f"{self.jobs[-1].variants[0].label}: the process that trained it {how}"

    def end(self) -> None:
        """End it, whatever it is doing."""
        self.process.kill()
        self.process.join()
        self.connection.close()


def _serve(connection: Connection) -> None:
    """In the process: train what comes, until nobody listens any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        while True:
            for event in run(connection.recv()):
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
