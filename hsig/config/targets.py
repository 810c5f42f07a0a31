"""The task of an experiment, and what its target asks for where nobody says otherwise."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from math import isinf
from typing import Any

import numpy as np

from hsig.activations import ACTIVATIONS, SOFTMAX, Activation
from hsig.config.datasets import Choices, Dataset, understand
from hsig.config.tables import Table
from hsig.config.values import Location
from hsig.experiments.experiment import Variant
from hsig.networks.losses import LOSSES, Loss
from hsig.networks.network import default_output_activation
from hsig.networks.tasks import MIN_ROWS, NO_SCALE, NUMBER, Source, Task, split_rows


def resolve_task(
    values: Mapping[str, Any], location: Callable[[str], Location]
) -> dict[str, object]:
    """The task, with rows held out, and the loss and the bound of what is right that go with it.

    Args:
        values: What the value of each key means; a task or test may be a table.
        location: Where a key was set.
    """
    loss: Loss | None = values["loss"]
    task, test, share = (values[name] for name in ("task", "test", "held_out"))
    if isinstance(task, Table):
        dataset = resolve_dataset(values, location)
        task = dataset.to_task()
        if isinstance(test, Table):
            rows = dataset.encode(test, values["missing"], location("test"))
            source = Source(test.origin, test.sha256)
            test = replace(task, name=test.name, source=source, inputs=rows[0], targets=rows[1])
    elif isinstance(test, Table):
        raise location("test").wrong(f"goes with a task that is a table, and {task.name} is none")
    if test is not None:
        task = replace(task, held_out=test.rows)
    if share is not None and test is not None:
        location("held_out").wrong("goes without test, whose rows are held out. Give one")
    elif share is not None and len(task.targets) < MIN_ROWS:
        location("held_out").wrong(
            f"expected a task of at least {MIN_ROWS} rows to hold some out, got {len(task.targets)}"
        )
    elif share is not None:
        task = split_rows(task, share, values["data_seed"])
    if loss is None:
        by_kind = "cross_entropy" if len(task.classes) > 2 else "bce"
        loss = LOSSES["squared" if task.kind == NUMBER else by_kind]
    within = values["solved_within"]
    if within is None and not loss.of_classes:
        within = 0.5
    return {"task": task, "test": test, "loss": loss, "solved_within": within}


_UNDERSTOOD: dict[tuple[Table, Choices], Dataset] = {}  # the last, which a sweep asks for again


def resolve_dataset(values: Mapping[str, Any], location: Callable[[str], Location]) -> Dataset:
    """What the columns are for of the task, which is a table; as `resolve_task`."""
    loss: Loss | None = values["loss"]
    squared = loss is not None and not loss.needs_probabilities
    chosen = {name: values[name] for name in Choices._fields if name in values}
    table, choices = values["task"], Choices(**chosen, squared=squared)
    if (table, choices) not in _UNDERSTOOD:
        dataset = understand(table, choices, location("task"), location)
        _UNDERSTOOD.clear()
        _UNDERSTOOD[table, choices] = dataset
    return _UNDERSTOOD[table, choices]


def default_output(
    layers: Sequence[Activation], hidden: Sequence[int], task: Task, loss: Loss
) -> Activation:
    """What the target asks for; else, without hidden layers, that of the variant."""
    if loss.of_classes:
        return ACTIVATIONS[SOFTMAX]
    if task.kind == NUMBER and not loss.needs_probabilities:
        return ACTIVATIONS["identity"]
    return default_output_activation(layers[-1]) if hidden else layers[-1]


def choose_target_scale(task: Task, variants: Iterable[Variant]) -> str:
    """How to scale a target if nobody says: as `standard` where outputs and targets are far."""
    unbounded = all(map(isinf, chain(*(v.output_activation.range for v in variants))))
    far = task.kind == NUMBER and task.targets.shape[1] == 1 and np.abs(task.targets).max() > 1.0
    return "standard" if unbounded and far else NO_SCALE
