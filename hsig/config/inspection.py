"""What a table is as a task, before anything is trained."""

from contextlib import suppress
from typing import NamedTuple

from hsig.config.datasets import Dataset
from hsig.config.features import Feature, describe_columns
from hsig.config.keys import KEYS, TRAIN
from hsig.config.loading import Settings, check_keys, defaults, read_flags
from hsig.config.tables import Table
from hsig.config.targets import resolve_dataset
from hsig.config.values import InvalidValue
from hsig.errors import ConfigError
from hsig.experiments.experiment import Experiment


class Inspection(NamedTuple):
    """What became of a table before anything is trained.

    Attributes:
        table: Its columns, as they were read.
        dataset: What they are for; None if that cannot be understood.
        experiment: How it would be trained; None if it would not.
        problems: Why.
    """

    table: Table
    dataset: Dataset | None
    experiment: Experiment | None
    problems: tuple[str, ...]

    @property
    def features(self) -> tuple[Feature, ...]:
        """What was understood of each column; where they were not, the role of each is empty."""
        return self.dataset.features if self.dataset else describe_columns(self.table)


def inspect_table(settings: Settings) -> Inspection:
    """What the table is that is the `task` of some settings, and how it would be trained.

    Raises:
        ConfigError: If it is no table at all.
    """
    problems: list[str] = []
    checked = check_keys(defaults(TRAIN) | read_flags(settings, problems), problems)
    table, dataset, experiment = checked.values.get("task"), None, None
    if not isinstance(table, Table):
        raise ConfigError(problems or ["task: expected a table: a CSV file, or columns"])
    if len(checked.values) == len(KEYS):
        with suppress(InvalidValue):
            dataset = resolve_dataset(checked.values, checked.location)
        with suppress(ConfigError):
            experiment = checked.experiment() if dataset else None
    return Inspection(table, dataset, experiment, tuple(problems))
