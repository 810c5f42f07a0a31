"""Many at a time: cores, workers, and pools that train cells."""

import os
import signal
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from queue import Empty, SimpleQueue
from threading import Event, Lock, get_ident
from typing import Generic, TypeVar

from hsig.engines import reference
from hsig.errors import RunError
from hsig.experiments.experiment import Checkpoint, Experiment, Failure
from hsig.experiments.sweeps import CellResult, LostCell, train_cell
from hsig.experiments.training import run
from hsig.networks.network import layer_shapes

# --- cores ---------------------------------------------------------------------------------------

# How many processors there are to train on.


def available_cores() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


# --- workers -------------------------------------------------------------------------------------

# Training on several cores: the numbers are those of `run`, whoever trains.
#
# An engine that frees its threads has them do it, and the reference engine a pool of processes.

_WORK_WORTH_A_PROCESS = 40_000_000  # less is done sooner than a process starts


def run_with_workers(*experiments: Experiment) -> Iterator[Checkpoint | Failure]:
    """The events of `run` for each experiment, of several variants at a time.

    Each variant's events come in their order, with those of others between them. Closing the
    iterator ends all processes.

    Raises:
        RunError: At the end, if processes kept dying of a variant; the others are trained.
    """
    jobs: list[Experiment] = []
    for experiment in experiments:
        for variant in experiment.variants:
            job = replace(experiment, variants=(variant,))
            if job.engine_of(variant) is reference and variant.is_portable:
                jobs.append(job)
            else:  # it has threads of its own, or must stay here
                yield from run(job, threads=job.workers or available_cores())
    workers = _workers(jobs) if jobs else 1
    if workers == 1:
        for job in jobs:
            yield from run(job)
        return
    from hsig.experiments.sweeps import LostCell  # not for one process alone

    deaths: list[str] = []
    pool = ProcessPool(run, workers, died="the process that trained it {how}")
    for number, told in run_jobs(enumerate(jobs), pool):
        if isinstance(told, LostCell):
            deaths.append(f"{jobs[number].variants[0].label}: {told.reason}")
        else:
            yield told
    if deaths:
        raise RunError(deaths)


def _workers(jobs: Sequence[Experiment]) -> int:
    """How many processes train; more than one per job is of no use."""
    if jobs[0].workers is not None:
        return min(jobs[0].workers, len(jobs))
    beside_the_first = sum(map(_work, jobs[1:]))
    return min(available_cores(), len(jobs)) if beside_the_first >= _WORK_WORTH_A_PROCESS else 1


def _work(job: Experiment) -> int:
    """Estimate the cost of a job, in weight updates."""
    weights = len(job.seeds) * sum(fan_in * fan_out for fan_in, fan_out in layer_shapes(job.sizes))
    return job.epochs * reference.work_per_epoch(len(job.task.inputs), weights)


# --- pools ---------------------------------------------------------------------------------------

# Those who do jobs, several at a time.
#
# Threads do them for an engine that frees them, processes for the reference engine, which has one
# core, and a cluster from `dask_cluster`.

_SPAWN = get_context("spawn")  # the same on every system, and safe beside threads
_MAX_TRIES = 3  # of a job whose process dies
# what ends hsig, which ends its processes itself, whoever else the signal reached
_SIGNALS = {getattr(signal, name, signal.SIGINT) for name in ("SIGINT", "SIGTERM", "SIGHUP")}

T = TypeVar("T")


class Pool(ABC, Generic[T]):
    """Those who do jobs.

    Attributes:
        workers: How many they do at a time.
        queue_size: How many are handed over at a time.
        timeout_s: How long nothing may come before `check_alive` is called, again and again; None
            for ever.
    """

    timeout_s: float | None = None

    def __init__(self, workers: int, queue_size: int) -> None:
        self.workers, self.queue_size = workers, queue_size

    @abstractmethod
    def submit(
        self, experiment: Experiment, tell: Callable[[T], None]
    ) -> Future[T | LostCell | None]:
        """Hand a job over, with whom to tell what is found; what is found last may be returned."""

    @abstractmethod
    def stop(self) -> None:
        """End whatever is going on."""

    def check_alive(self) -> None:
        """See whether anybody is there, after a stretch in which nothing came.

        Raises:
            HsigError: If it is of no use to wait any longer.
        """

    def to_result(self, problem: Exception) -> LostCell:
        """What an exception of a job means, if no other need be raised: that it is lost."""
        raise problem


def run_jobs(
    jobs: Iterable[tuple[int, Experiment]], pool: Pool[T]
) -> Iterator[tuple[int, T | LostCell]]:
    """Have jobs done, and yield what is found of each as it comes, with its number.

    What is found of one job comes in its order, with that of others between. The pool stops at the
    end, and when the iterator is closed.

    Raises:
        HsigError: If the pool cannot go on.
    """
    waiting, flying = iter(jobs), 0
    news: SimpleQueue[tuple[int, T | Future[T | LostCell | None]]] = SimpleQueue()

    def note(number: int, found: T | Future[T | LostCell | None]) -> None:
        news.put((number, found))

    try:
        while True:
            for number, experiment in islice(waiting, pool.queue_size - flying):
                tell = partial(note, number)
                pool.submit(experiment, tell).add_done_callback(tell)
                flying += 1
            if not flying:
                return
            try:
                number, found = news.get(timeout=pool.timeout_s)
            except Empty:
                pool.check_alive()
                continue
            if not isinstance(found, Future):
                yield number, found
                continue
            flying -= 1
            try:
                last = found.result()
            except Exception as problem:
                last = pool.to_result(problem)
            if last is not None:
                yield number, last
    finally:
        pool.stop()


def local_pool(experiments: Sequence[Experiment]) -> Pool[CellResult]:
    """Those who train cells on this machine."""
    number = experiments[0].workers or available_cores()
    portable = all(v.is_portable for experiment in experiments for v in experiment.variants)
    if portable and any(reference.NAME in experiment.engines for experiment in experiments):
        return ProcessPool(_cell, number, died="the processes that trained it died")
    return ThreadPool(train_cell, number)


def _cell(experiment: Experiment) -> Iterator[CellResult]:
    result = train_cell(experiment)
    if result is not None:
        yield result


class ThreadPool(Pool[T]):
    """Threads of this process, whose work asks now and then whether it is to go on."""

    def __init__(
        self, work: Callable[[Experiment, Callable[[], bool]], T | None], number: int
    ) -> None:
        super().__init__(number, 2 * number)
        self._work = work
        self._executor, self._stopped = ThreadPoolExecutor(number), Event()

    def submit(self, experiment: Experiment, _: Callable[[T], None]) -> Future[T | LostCell | None]:
        """As it says; they tell the last alone."""
        return self._executor.submit(self._work, experiment, lambda: not self._stopped.is_set())

    def stop(self) -> None:
        """As it says; they notice it soon."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._stopped.set()


class ProcessPool(Pool[T]):
    """Processes of this machine, which tell what they find as it comes: each serves a thread here.

    A job whose process dies is tried again, a few times, and the others go on: it alone was at it.
    """

    def __init__(
        self, work: Callable[[Experiment], Iterable[T]], number: int, *, died: str
    ) -> None:
        """`died` is what is said of a job whose processes keep dying; `{how}` in it is the last."""
        super().__init__(number, 2 * number)
        self._work, self._died = work, died
        self._executor = ThreadPoolExecutor(number, initializer=_withhold_signals)
        self._of: dict[int, tuple[SpawnProcess, Connection]] = {}  # of a thread
        self._turns, self._stopped = Lock(), False  # of those who start and end processes

    def submit(
        self, experiment: Experiment, tell: Callable[[T], None]
    ) -> Future[T | LostCell | None]:
        """As `Pool` says; all is told, and the last is whether it is lost."""
        return self._executor.submit(self._do, experiment, tell)

    def stop(self) -> None:
        """End all processes, whatever they are doing."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        with self._turns:
            self._stopped = True
            for process, _ in self._of.values():
                process.kill()
                process.join()

    def _do(self, experiment: Experiment, tell: Callable[[T], None]) -> LostCell | None:
        """In a thread: have its process do a job."""
        told, how = 0, ""
        for _ in range(_MAX_TRIES):
            connection = self._connection()
            try:
                connection.send((experiment, told))
                while (found := connection.recv()) is not None:
                    tell(found)
                    told += 1
            except (EOFError, OSError):
                with self._turns:
                    how = self._bury()
            else:
                return None
        return LostCell(self._died.format(how=how))

    def _connection(self) -> Connection:
        """To the process of this thread, which is started if need be."""
        with self._turns:
            if self._stopped:
                raise CancelledError
            if get_ident() in self._of and not self._of[get_ident()][0].is_alive():
                self._bury()  # it died of no job
            if get_ident() not in self._of:
                ours, theirs = _SPAWN.Pipe()
                process = _SPAWN.Process(target=_serve, args=(self._work, theirs), daemon=True)
                process.start()
                theirs.close()
                self._of[get_ident()] = process, ours
            return self._of[get_ident()][1]

    def _bury(self) -> str:
        """How the process of this thread ended; in its turn."""
        process, connection = self._of.pop(get_ident())
        process.join()
        connection.close()
        code = process.exitcode or 0
        return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"


def _withhold_signals() -> None:
    """In a thread: they reach neither it nor what it starts."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        resource_tracker.ensure_running()  # which lets some through again
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


def _serve(work: Callable[[Experiment], Iterable[T]], connection: Connection) -> None:
    """In a process: do what comes, but for what was told already, until nobody listens."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    with suppress(EOFError, OSError):
        while True:
            experiment, told = connection.recv()
            for found in islice(work(experiment), told, None):
                connection.send(found)
            connection.send(None)
