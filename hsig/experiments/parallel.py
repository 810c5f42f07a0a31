"""Training on several cores: whoever trains, the numbers are those of `run`.

Threads train with an engine that frees them, processes with the reference engine, which has one
core, and the cells of a sweep also a cluster, from `dask_cluster`.
"""

import signal
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from queue import Empty, SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

from hsig.engines import reference
from hsig.engines.choice import available_cores
from hsig.errors import RunError
from hsig.experiments.experiment import Checkpoint, Experiment, Failure
from hsig.experiments.sweeps import CellResult, LostCell, cell_steps, go_together
from hsig.experiments.training import run

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

_MIN_WORK_FOR_PROCESSES = 40_000_000  # weight updates; less is done sooner than a process starts
_MAX_TOGETHER = 64  # cells that are trained together, which update no more weights than
_MAX_WORK_TOGETHER = 20_000_000
_MAX_TRIES = 3  # of a job whose process dies
# what ends hsig, which ends its processes itself, whoever else the signal reached
_SIGNALS = {getattr(signal, name, signal.SIGINT) for name in ("SIGINT", "SIGTERM", "SIGHUP")}

T = TypeVar("T")


def run_with_workers(*experiments: Experiment) -> Iterator[Checkpoint | Failure]:
    """Yield the events of `run` for each experiment, several variants at a time.

    Each variant's events come in their order, with those of others between them. Closing the
    iterator ends all processes. The caller's thread only waits, and may be interrupted.

    Raises:
        RunError: At the end, if processes kept dying of a variant; the others are trained.
    """
    here: list[Experiment] = []  # whose engine has threads, or which cannot leave this process
    elsewhere: list[Experiment] = []
    for experiment in experiments:
        for variant in experiment.variants:
            job = replace(experiment, variants=(variant,))
            may_leave = job.engine_of(variant) is reference and variant.is_portable
            (elsewhere if may_leave else here).append(job)
    deaths: list[str] = []
    for jobs in filter(None, (here, elsewhere)):
        workers = 1 if jobs is here else _count_processes(jobs)
        work = run if workers > 1 else _run_in_threads
        pool: Pool[Checkpoint | Failure] = LocalPool(work, workers, in_processes=workers > 1)
        for number, finding in run_jobs(enumerate(jobs), pool):
            if isinstance(finding, LostCell):
                deaths.append(f"{jobs[number].variants[0].label}: {finding.reason}")
            else:
                yield finding
    if deaths:
        raise RunError(deaths)


def _run_in_threads(job: Experiment) -> Iterator[Checkpoint | Failure]:
    return run(job, threads=job.workers or available_cores())


def _count_processes(jobs: Sequence[Experiment]) -> int:
    """How many processes to train with: at most one for each job."""
    if jobs and jobs[0].workers is not None:
        return min(jobs[0].workers, len(jobs))
    pays = sum(map(_estimate_work, jobs[1:])) >= _MIN_WORK_FOR_PROCESSES
    return min(available_cores(), len(jobs)) if pays else 1


def _estimate_work(job: Experiment) -> int:
    """Estimate the cost of a job, in weight updates."""
    weights = len(job.seeds) * sum(rows * columns for rows, columns in job.shapes)
    return job.epochs * reference.work_per_epoch(len(job.task.inputs), weights)


# --- pools ---------------------------------------------------------------------------------------


class Pool(ABC, Generic[T]):
    """Workers that do jobs: so many at a time, of a queue that is kept so long."""

    timeout_s: float | None = None  # without a finding until `check_alive` is called

    def __init__(self, workers: int, queue_size: int) -> None:
        self.workers, self.queue_size = workers, queue_size

    @abstractmethod
    def submit(self, job: Experiment, report: Callable[[T], None]) -> Future[T | LostCell | None]:
        """Hand a job over; its findings go to `report`, and the last may be the future's result."""

    @abstractmethod
    def stop(self) -> None:
        """End whatever is going on."""

    def check_alive(self) -> None:
        """Raise an HsigError if it is of no use to wait for the workers any longer."""

    def to_result(self, error: Exception) -> LostCell:
        """Turn the exception of a job into a lost job, or raise what it means for all jobs."""
        raise error


def run_jobs(
    jobs: Iterable[tuple[int, Experiment]], pool: Pool[T]
) -> Iterator[tuple[int, T | LostCell]]:
    """Do numbered jobs, and yield each finding with the number of its job.

    The findings of a job come in their order, with those of others between them. The pool is
    stopped at the end, and when the iterator is closed.

    Raises:
        HsigError: If the pool cannot go on.
    """
    waiting, running = iter(jobs), 0
    news: SimpleQueue[tuple[int, T | Future[T | LostCell | None]]] = SimpleQueue()

    def put(number: int, item: T | Future[T | LostCell | None]) -> None:
        news.put((number, item))

    try:
        while True:
            for number, job in islice(waiting, pool.queue_size - running):
                report = partial(put, number)
                pool.submit(job, report).add_done_callback(report)
                running += 1
            if not running:
                return
            try:
                number, item = news.get(timeout=pool.timeout_s)
            except Empty:
                pool.check_alive()
                continue
            if not isinstance(item, Future):
                yield number, item
                continue
            running -= 1
            try:
                last = item.result()
            except Exception as error:
                last = pool.to_result(error)
            if last is not None:
                yield number, last
    finally:
        pool.stop()


def local_pool(experiments: Sequence[Experiment]) -> Pool[CellResult]:
    """The pool that trains cells on this machine."""
    portable = all(v.is_portable for experiment in experiments for v in experiment.variants)
    slow = any(reference.NAME in experiment.engines for experiment in experiments)
    workers = experiments[0].workers or available_cores()
    if portable and slow:
        return LocalPool(cell_steps, workers, in_processes=True)
    return CellPool(workers)


class CellPool(Pool[CellResult]):
    """Threads of this process, each of which trains small cells of the same kind together."""

    def __init__(self, workers: int) -> None:
        """Start nothing yet."""
        super().__init__(workers, workers * _MAX_TOGETHER)
        self._executor = ThreadPoolExecutor(workers)
        self._lock, self._stopped = Lock(), False
        self._waiting: deque[tuple[Experiment, Future[CellResult | LostCell | None]]] = deque()

    def submit(
        self, job: Experiment, report: Callable[[CellResult], None]
    ) -> Future[CellResult | LostCell | None]:
        """The result is the future's."""
        del report
        future: Future[CellResult | LostCell | None] = Future()
        self._waiting.append((job, future))
        self._executor.submit(self._train)
        return future

    def stop(self) -> None:
        """Threads end at the next sign of life."""
        self._stopped = True
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _train(self) -> None:
        """Train the cells that wait, as many as one may take at a time."""
        jobs: list[Experiment] = []
        futures, work = [], 0
        with self._lock:
            while self._waiting and len(jobs) < _MAX_TOGETHER:
                job, future = self._waiting[0]
                work += job.steps * sum(rows * columns for rows, columns in job.shapes)
                if jobs and (work > _MAX_WORK_TOGETHER or not go_together(jobs[0], job)):
                    break
                self._waiting.popleft()
                jobs.append(job)
                futures.append(future)
        results: list[CellResult] = []
        try:
            for result in cell_steps(*jobs) if jobs else ():
                if self._stopped:
                    return
                if result is not None:
                    results.append(result)
        except Exception as error:
            for future in futures:
                future.set_exception(error)
        else:
            for future, result in zip(futures, results, strict=True):
                future.set_result(result)


class LocalPool(Pool[T]):
    """Threads of this process, each of which does jobs by itself, or has a process do them.

    A job whose process dies is tried again in another, and goes on behind what it has reported.
    """

    def __init__(
        self, work: Callable[[Experiment], Iterable[T | None]], workers: int, *, in_processes: bool
    ) -> None:
        """Start nothing yet.

        `work` has the findings of a job; a None between them shows life, so that it can be stopped.
        Processes find it by its name.
        """
        super().__init__(workers, 2 * workers)
        self._work, self._in_processes = work, in_processes
        initializer = _block_signals if in_processes else None
        self._executor = ThreadPoolExecutor(workers, initializer=initializer)
        self._idle: SimpleQueue[tuple[SpawnProcess, Connection]] = SimpleQueue()
        self._processes: list[SpawnProcess] = []
        self._lock, self._stopped = Lock(), False  # processes are started and killed by turns

    def submit(self, job: Experiment, report: Callable[[T], None]) -> Future[T | LostCell | None]:
        """Every finding is reported; the result says only whether the job is lost."""
        do = self._do_in_process if self._in_processes else self._do_here
        return self._executor.submit(do, job, report)

    def stop(self) -> None:
        """Kill the processes, whatever they are doing; threads end at the next sign of life."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            self._stopped = True
            for process in self._processes:
                process.kill()
                process.join()

    def _do_here(self, job: Experiment, report: Callable[[T], None]) -> None:
        for finding in self._work(job):
            if self._stopped:
                return
            if finding is not None:
                report(finding)

    def _do_in_process(self, job: Experiment, report: Callable[[T], None]) -> LostCell | None:
        reported, ending = 0, ""
        for _ in range(_MAX_TRIES):
            process, connection = self._idle_process()
            try:
                connection.send((job, reported))
                while (finding := connection.recv()) is not None:
                    report(finding)
                    reported += 1
            except (EOFError, OSError):
                connection.close()
                with self._lock:
                    process.join()
                code = process.exitcode or 0
                ending = f"by signal {-code}" if code < 0 else f"with exit code {code}"
            else:
                self._idle.put((process, connection))
                return None
        return LostCell(f"the processes that trained it died, the last {ending}")

    def _idle_process(self) -> "tuple[SpawnProcess, Connection]":
        """A process that does nothing, started if need be."""
        from multiprocessing import get_context  # which takes long to import

        with suppress(Empty):
            return self._idle.get_nowait()
        with self._lock:
            if self._stopped:
                raise CancelledError
            spawn = get_context("spawn")  # the same on every system, and safe beside threads
            ours, theirs = spawn.Pipe()
            process = spawn.Process(target=_serve, args=(self._work, theirs), daemon=True)
            process.start()
            theirs.close()
            self._processes.append(process)
            return process, ours


def _block_signals() -> None:
    """Keep signals from this thread, and from the processes that it starts."""
    from multiprocessing import resource_tracker

    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        resource_tracker.ensure_running()  # which unblocks some again
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


def _serve(work: Callable[[Experiment], Iterable[T | None]], connection: "Connection") -> None:
    """In a process: do the jobs that come, until nobody listens."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    with suppress(EOFError, OSError):
        while True:
            job, reported = connection.recv()
            findings = (finding for finding in work(job) if finding is not None)
            for finding in islice(findings, reported, None):
                connection.send(finding)
            connection.send(None)
