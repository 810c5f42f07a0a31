"""Training on several cores: the numbers are those of `run`, whoever trains.

An engine that frees its threads has them do it, and the reference engine a crew of processes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from hsig.engines import reference
from hsig.errors import RunError
from hsig.experiments.cores import cores
from hsig.experiments.experiment import Checkpoint, Experiment, Failure
from hsig.experiments.training import run

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
                yield from run(job, threads=job.workers or cores())
    workers = _workers(jobs) if jobs else 1
    if workers == 1:
        for job in jobs:
            yield from run(job)
        return
    from hsig.experiments.crews import Lost, Processes, run_jobs  # not for one process alone

    deaths: list[str] = []
    crew = Processes(run, workers, died="the process that trained it {how}")
    for number, told in run_jobs(enumerate(jobs), crew):
        if isinstance(told, Lost):
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
    return min(cores(), len(jobs)) if beside_the_first >= _WORK_WORTH_A_PROCESS else 1


def _work(job: Experiment) -> int:
    """What a job costs, very roughly, in updates of a weight."""
    samples, inputs = job.task.inputs.shape
    numbers = len(job.seeds) * ((inputs + 2) * job.hidden + 1)
    return job.epochs * reference.work_per_epoch(samples, numbers)
