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

_CONNECT_TIMEOUT_S = 10  # of a scheduler that does not answer, and a cluster without workers
_CHECK_INTERVAL_S = 3.0  # between two checks for workers, when no cell has ended for so long
_MAX_ABSENCE_S = 600.0  # of all workers, on the way
_MIN_QUEUE = 100  # cells that are handed over, should the cluster grow

_ADDRESS = re.compile(r"((tcp|tls|ws|wss|ucx)://)?[^/\s]+:[0-9]+(/\S*)?")


def cluster_pool(
    address: str, experiments: Sequence[Experiment], warn: Callable[[str], None]
) -> Pool[CellResult]:
    """The pool that trains cells on the cluster of a Dask scheduler.

    `warn` is called with a line when all workers have gone.

    Raises:
        ConfigError: If it is no address, or Dask is not installed here.
        RunError: If no scheduler answers, or it has no workers.
    """
    engines = {engine for experiment in experiments for engine in experiment.engines}
    client = _connect(address)
    try:
        client.wait_for_workers(1, timeout=_CONNECT_TIMEOUT_S)
    except (TimeoutError, OSError) as error:
        client.close()
        problem = "the cluster has no workers"
        if not isinstance(error, TimeoutError):
            problem = f"the cluster does not answer: {error}"
        raise RunError(f"--scheduler: {address}: {problem}") from None
    return ClusterPool(client, address, describe_environment(engines), warn)


class ClusterPool(Pool[CellResult]):
    """The workers of a cluster, where Dask tries a cell again whose worker dies."""

    timeout_s = _CHECK_INTERVAL_S

    def __init__(
        self,
        client: Any,
        address: str,
        environment: Mapping[str, str],
        warn: Callable[[str], None],
    ) -> None:
        threads = sum(client.nthreads().values())
        super().__init__(threads, max(_MIN_QUEUE, 4 * threads))
        self._client, self._address, self._environment = client, address, environment
        self._warn, self._absence_s = warn, 0.0
        self._executor: Executor = client.get_executor(pure=False)

    def submit(
        self, job: Experiment, report: Callable[[CellResult], None]
    ) -> Future[CellResult | LostCell | None]:
        """Train a cell on some worker: its result is the future's."""
        del report
        return self._executor.submit(train_on_worker, job, self._environment)

    def check_alive(self) -> None:
        """Wait for workers for ten minutes, if all have gone, and warn of it once."""
        try:
            workers = self._client.nthreads()
        except OSError:  # the scheduler has gone: its cells are about to say so
            return
        limit = f"{_MAX_ABSENCE_S / 60:g} min"
        if workers:
            self._absence_s = 0.0
            return
        if self._absence_s == 0.0:
            self._warn(f"{self._address}: all workers have gone; waiting {limit} for others")
        elif self._absence_s > _MAX_ABSENCE_S:
            raise RunError(f"--scheduler: {self._address}: there were no workers for {limit}")
        self._absence_s += _CHECK_INTERVAL_S

    def stop(self) -> None:
        """Cancel what is not done, and leave the cluster."""
        self._executor.shutdown(wait=False)
        self._client.close()

    def to_result(self, error: Exception) -> LostCell:
        """A cell whose workers kept dying is lost; everything else ends the sweep."""
        if isinstance(error, _import_distributed().KilledWorker):
            return LostCell("the workers that trained it died")
        if isinstance(error, HsigError):
            raise error
        problem = f"a worker raised {type(error).__name__}: {error}"
        if isinstance(error, CancelledError):
            problem = f"{self._address}: the scheduler has gone"
        raise RunError(f"--scheduler: {problem}") from None


def describe_environment(engines: Iterable[str]) -> dict[str, str]:
    """What must be the same wherever cells of a sweep are trained: hsig, and all of `numerics`."""
    return {"hsig": __version__, **numerics(engines)}


def train_on_worker(experiment: Experiment, environment: Mapping[str, str]) -> CellResult:
    """On a worker: train a cell, if it gives the same bits as where the sweep was begun."""
    found = describe_environment(experiment.engines)
    differences = [
        f"{name} {value} (here {environment.get(name, 'unknown')})"
        for name, value in found.items()
        if environment.get(name) != value
    ]
    if differences:
        worker = _import_distributed().get_worker().address
        raise RunError(
            f"--scheduler: the worker {worker} would not give the same bits: "
            f"{', '.join(differences)}"
        )
    return train_cell(experiment)


def _import_distributed() -> Any:
    """Dask's scheduler, client and workers, which are imported only where they are asked for."""
    return import_module("distributed")


def _connect(address: str) -> Any:
    """A client of a scheduler; raises what `cluster_pool` does."""
    if not _ADDRESS.fullmatch(address):
        raise ConfigError(
            f"--scheduler: expected the address of a Dask scheduler, such as tcp://10.0.0.1:8786, "
            f"got the text '{address}'"
        )
    try:
        distributed = _import_distributed()
    except ImportError:
        raise ConfigError(
            "--scheduler: needs Dask, which is not installed: pip install distributed, or from a "
            "clone of hsig pip install '.[dask]'"
        ) from None
    for name in list(logging.root.manager.loggerDict):  # of which Dask sets the level of several
        if name.partition(".")[0] == distributed.__name__:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)  # hsig says what matters
    answer: Future[Any] = Future()

    def connect() -> None:
        try:
            answer.set_result(
                distributed.Client(address, timeout=_CONNECT_TIMEOUT_S, set_as_default=False)
            )
        except Exception as error:  # of many kinds: no such host, no certificate, ...
            answer.set_exception(error)

    # aside, for it would wait for ever where something else listens, such as Dask's own dashboard
    Thread(target=connect, daemon=True).start()
    try:
        return answer.result(timeout=_CONNECT_TIMEOUT_S + 1)
    except Exception as error:
        problem = str(error) if answer.done() else "what listens there is something else"
        raise RunError(
            f"--scheduler: {address}: no Dask scheduler answers: {problem}. Expected the address "
            "that `dask scheduler` prints, such as tcp://10.0.0.1:8786"
        ) from None
