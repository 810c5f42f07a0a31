"""The cells of a sweep on an existing Dask cluster, for which `distributed` must be installed."""

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError, Executor, Future
from importlib import import_module
from threading import Thread
from typing import Any

from hsig import __version__
from hsig.engines.choice import numerics
from hsig.errors import ConfigError, HsigError, RunError
from hsig.experiments.experiment import Experiment
from hsig.experiments.parallel import Pool
from hsig.experiments.sweeps import CellResult, LostCell, train_cell

_TIMEOUT_S = 10  # with a scheduler that does not answer, and a cluster without workers
_CHECK_INTERVAL_S = 3.0  # at the workers, when no cell has ended for so long
_MAX_ABSENCE_S = 600.0  # of all workers, on the way
_MIN_QUEUE = 100  # cells that are handed over, should the cluster grow

_ADDRESS = re.compile(r"((tcp|tls|ws|wss|ucx)://)?[^/\s]+:[0-9]+(/\S*)?")


def cluster_pool(
    address: str, experiments: Sequence[Experiment], tell: Callable[[str], None]
) -> Pool[CellResult]:
    """What trains cells on the cluster of a Dask scheduler.

    Args:
        address: Of the scheduler, such as `tcp://10.0.0.1:8786`.
        experiments: The cells, whose engines the workers must have.
        tell: Is called with a line when all workers have gone, and when there are some again.

    Raises:
        ConfigError: If it is no address, or Dask is not installed here.
        RunError: If no scheduler answers, it has no workers, or a worker would not give the same
            bits: another hsig, another kernel, or none.
    """
    engines = sorted({engine for experiment in experiments for engine in experiment.engines})
    where = f"--scheduler: {address}"
    client = _connected(address)
    try:
        client.wait_for_workers(1, timeout=_TIMEOUT_S)
        _check(client, engines)
        return _Cluster(client, address, here(engines), tell)
    except BaseException as problem:
        client.close()
        if isinstance(problem, TimeoutError):
            raise RunError(f"{where}: the cluster has no workers") from None
        if isinstance(problem, OSError):
            raise RunError(f"{where}: the cluster does not answer: {problem}") from None
        raise


class _Cluster(Pool[CellResult]):
    """The workers of a cluster, which has its own way to try again."""

    def __init__(
        self,
        client: Any,
        address: str,
        expected: Mapping[str, str],
        tell: Callable[[str], None],
    ) -> None:
        threads = sum(client.nthreads().values())
        super().__init__(threads, max(_MIN_QUEUE, 4 * threads))
        self._client, self._address, self._expected = client, address, expected
        self._tell, self.timeout_s = tell, _CHECK_INTERVAL_S
        self._absences = 0  # looks, one after the other, that found no worker
        self._executor: Executor = client.get_executor(pure=False)

    def submit(
        self, experiment: Experiment, _: Callable[[CellResult], None]
    ) -> Future[CellResult | LostCell | None]:
        """As `Pool` says; a cell is its last alone."""
        return self._executor.submit(train_there, experiment, self._expected)

    def check_alive(self) -> None:
        """Tell when all workers have gone, and when there are some again.

        Raises:
            RunError: If there were none for `_MAX_ABSENCE_S`.
        """
        try:
            there = bool(self._client.nthreads())
        except OSError:  # the scheduler has gone: its cells are about to say so
            return
        before, self._absences = self._absences, 0 if there else self._absences + 1
        most = f"{_MAX_ABSENCE_S / 60:g} min"
        if self._absences * _CHECK_INTERVAL_S > _MAX_ABSENCE_S:
            raise RunError(f"--scheduler: {self._address}: there were no workers for {most}")
        if there and before:
            self._tell(f"{self._address}: there are workers again")
        elif not there and not before:
            self._tell(f"{self._address}: all workers have gone; others are waited for, {most}")

    def stop(self) -> None:
        """Cancel what is not done, and leave the cluster."""
        self._executor.shutdown(wait=False)
        self._client.close()

    def to_result(self, problem: Exception) -> LostCell:
        """What an exception of a cell means that was trained there.

        Raises:
            HsigError: If a worker is not as it should be, or the scheduler has gone.
        """
        if isinstance(problem, _distributed().KilledWorker):
            return LostCell("the workers that trained it died")
        if isinstance(problem, HsigError):
            raise problem
        what = f"a worker raised {type(problem).__name__}: {problem}"
        if isinstance(problem, CancelledError):
            what = f"{self._address}: the scheduler has gone"
        raise RunError(f"--scheduler: {what}") from None


def here(engines: Iterable[str]) -> dict[str, str]:
    """What must be the same wherever cells of a sweep are trained: hsig, and all of `numerics`."""
    return {"hsig": __version__, **numerics(engines)}


def train_there(experiment: Experiment, expected: Mapping[str, str]) -> CellResult | None:
    """On a worker: train a cell.

    Raises:
        RunError: If it would not give the same bits as where the sweep was begun.
    """
    found = here(experiment.engines)
    wanted = {name: expected[name] for name in found}
    if found != wanted:  # it came after the others had been looked at
        raise RunError(_refusal(_distributed().get_worker().address, wanted, found))
    return train_cell(experiment)


def _distributed() -> Any:
    """Dask's scheduler, client and workers: imported where they are asked for alone."""
    return import_module("distributed")


def _connected(address: str) -> Any:
    """A client of a scheduler.

    Raises:
        ConfigError: If it is no address, or Dask is not installed here.
        RunError: If no scheduler answers.
    """
    if not _ADDRESS.fullmatch(address):
        raise ConfigError(
            f"--scheduler: expected the address of a Dask scheduler, such as tcp://10.0.0.1:8786, "
            f"got the text '{address}'"
        )
    try:
        distributed = _distributed()
    except ImportError:
        raise ConfigError(
            "--scheduler: needs Dask, which is not installed: pip install distributed, or from a "
            "clone of hsig pip install '.[dask]'"
        ) from None
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] == distributed.__name__:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)  # hsig tells what matters
    answer: Future[Any] = Future()

    def connect() -> None:
        try:
            made = distributed.Client(address, timeout=_TIMEOUT_S, set_as_default=False)
            answer.set_result(made)
        except Exception as problem:  # of many kinds: no such host, no certificate, ...
            answer.set_exception(problem)

    # aside, for it would wait for ever where something else listens, such as Dask's own dashboard
    Thread(target=connect, daemon=True).start()
    try:
        return answer.result(timeout=_TIMEOUT_S + 1)
    except Exception as problem:
        what = str(problem) if answer.done() else "what listens there is something else"
        raise RunError(
            f"--scheduler: {address}: no Dask scheduler answers: {what}. Expected the address "
            "that `dask scheduler` prints, such as tcp://10.0.0.1:8786"
        ) from None


def _check(client: Any, engines: Sequence[str]) -> None:
    """Refuse, by their names, workers that would not give the same bits.

    Raises:
        RunError: If there are any.
    """

    def look() -> Mapping[str, str]:  # sent as code: hsig may not be there
        try:
            from hsig.experiments.dask_cluster import here
        except ImportError as problem:
            return {"hsig": f"not installed ({problem})"}
        return here(engines)

    expected = here(engines)
    refusals = [
        _refusal(worker, expected, found)
        for worker, found in sorted(client.run(look).items())
        if found != expected
    ]
    if refusals:
        raise RunError(refusals)


def _refusal(worker: str, expected: Mapping[str, str], found: Mapping[str, str]) -> str:
    """How a worker differs from what is here."""
    differences = (
        f"{name} {found.get(name, 'unknown')} (here {value})"
        for name, value in expected.items()
        if found.get(name) != value
    )
    return (
        f"--scheduler: the worker {worker} would not give the same bits: {', '.join(differences)}"
    )
