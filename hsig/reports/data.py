"""The page of a table: what is understood of it, and how it would be trained."""

from collections.abc import Callable, Iterator
from operator import attrgetter
from shlex import quote

import numpy as np

from hsig.activations.names import to_text
from hsig.analysis.remedies import find_unscaled_inputs
from hsig.config.datasets import Dataset
from hsig.config.features import INPUT, LEFT_OUT, LEFT_OUT_UNASKED, Feature
from hsig.config.inspection import Inspection
from hsig.config.keys import DATA, KEYS
from hsig.config.loading import resolved_keys
from hsig.config.values import Json
from hsig.experiments.experiment import Experiment
from hsig.experiments.measures import LOSS, RIGHT, SOLVED, baseline_right, baseline_rmse
from hsig.networks.tasks import NO_SCALE, NUMBER
from hsig.reports.obstacles import is_in_order, warnings_of
from hsig.reports.page import (
    HEADER,
    Column,
    Line,
    Page,
    Rows,
    count,
    lines,
    listed,
    percent,
    short,
)
from hsig.reports.phrases import as_flag

_MIN_HELD_OUT = 40  # rows, from which on a comparison is proposed with some held out
_STEPS = 30_000_000  # rows visited, that a proposed comparison takes for each variant at most
_SEEDS = 30
_RATE = "0.01"  # proposed where `solved` is not what is asked: at 0.1 most of such tables diverge
_MEASURES = {SOLVED: "the seeds solved", RIGHT: "the share right", LOSS: "the loss"}


def data_page(inspection: Inspection) -> Page:
    """All that can be said of a table before it is trained on."""
    table, dataset, experiment, problems = inspection
    features = inspection.features
    rows_of_columns = Rows(_columns(), features)
    shown = ["column", "kind", "values", "distinct", "missing"]
    if dataset:
        shown[1:1] = ["role"]
        shown += ["reason"] * any(feature.reason for feature in features)
    answer = Line(_answer(inspection), "answer")
    facts = dataset.notes if dataset else table.facts
    size = f"{count(len(table.lines), 'row')}, {count(len(features), 'column')}"
    asked = [problem.removeprefix("--task: ").removeprefix("task: ") for problem in problems]
    trained = [*_describe_training(experiment)] if experiment else []
    of_rows = [*_describe_rows(dataset)] if dataset else []
    command = _command(inspection)
    document: dict[str, Json] = {
        **HEADER,
        "name": table.name,
        "rows": len(table.lines),
        "used_rows": len(dataset.rows) if dataset else None,
        "columns": [*rows_of_columns.records()],
        "notes": [*facts, *of_rows],
        "training": [*trained],
        "command": command,
        "problems": [*asked],
        "trains": not problems,
    }
    return Page(
        (
            (Line(f"{table.name}: {size}", "title"), *lines(facts)),
            rows_of_columns.table(names=shown),
            lines([*of_rows, *trained]),
            lines([f"to compare activations: {command}"] if command else asked),
        ),
        lambda _: document,
        rows_of_columns.csv,
        brief=(answer,),
        answer=(answer,),
    )


def _columns() -> tuple[Column[Feature], ...]:
    return (
        Column("column", "column", attrgetter("name"), prose=True),
        Column("place", "", attrgetter("place")),
        Column("role", "used as", lambda f: f.role or None, prose=True),
        Column("kind", "kind", attrgetter("kind"), prose=True),
        Column("values", "values", _describe_values, prose=True, shown_only=True),
        *(Column(name, "", _finite(name)) for name in ("low", "mean", "high")),
        Column("names", "", lambda f: [*f.names], parts={"names": ";".join}),
        Column("counts", "", lambda f: [*f.counts], parts={"counts": _join_counts}),
        Column("distinct", "differ", attrgetter("distinct")),
        Column("missing", "missing", attrgetter("missing"), lambda n: str(n or "")),
        Column("reason", "why", lambda f: f.reason or None, prose=True),
    )


def _finite(name: str) -> Callable[[Feature], float | None]:
    def value(feature: Feature) -> float | None:
        found: float = getattr(feature, name)
        return None if np.isnan(found) else found

    return value


def _join_counts(counts: list[int]) -> str:
    return ";".join(map(str, counts))


def _describe_values(feature: Feature) -> str:
    if feature.names:
        pairs = zip(feature.names, feature.counts, strict=True)
        return listed([f"{name} ({n})" for name, n in pairs])
    if np.isnan(feature.low):
        return "none"
    ends = f"{short(feature.low)} to {short(feature.high)}"
    return f"always {short(feature.low)}" if feature.is_constant else ends


def _describe_rows(dataset: Dataset) -> Iterator[str]:
    """Rows that are equal, and columns that are the same in each."""
    same = len(dataset.rows) - len(np.unique(np.hstack((dataset.inputs, dataset.targets)), axis=0))
    if same:
        yield f"equal to a row above: {count(same, 'row')} (held out or trained on, as that row is)"
    constant = [f.name for f in dataset.features if f.role == INPUT and f.is_constant]
    if constant:
        yield f"the same in every row: {listed(constant)}. A network learns nothing from it"


def _describe_training(experiment: Experiment) -> Iterator[str]:
    """The network that is trained by default, what counts, and what is had without inputs."""
    task, measure = experiment.task, experiment.chosen_measure
    held_out = task.held_out is not None
    if task.held_out is not None:
        yield f"{len(task.targets)} rows to train on, {len(task.held_out.targets)} held out"
    scaled = "" if experiment.scale_target == NO_SCALE else f" (target: {experiment.scale_target})"
    sizes, output = "-".join(map(str, experiment.sizes)), experiment.variants[0].output_activation
    yield (
        f"by default a {sizes} network, loss {experiment.loss.name}{scaled}, output "
        f"{to_text(output)}; compared by {_MEASURES[measure.name]}"
        f"{' on the rows held out' if held_out else ''}"
    )
    alone = f"the mean has an RMSE of {short(baseline_rmse(task, held_out))}"
    if experiment.has_classes:
        alone = f"the commonest class is right on {percent(baseline_right(task, held_out))}"
    yield f"without inputs, {alone}"
    for warning in warnings_of([experiment]):
        if not warning.endswith(LEFT_OUT_UNASKED):  # which is told with the other decisions
            yield warning.removeprefix(f"{task.name}: ")


def _command(inspection: Inspection) -> str:
    """A comparison to paste; empty if there is none."""
    table, dataset, experiment, _ = inspection
    if dataset is None or experiment is None or inspection.problems:
        return ""
    keys, rows = resolved_keys(experiment), len(dataset.rows)
    given = {
        name: as_flag(keys[name])
        for name, key in KEYS.items()
        if DATA in key.commands and name != "test" and keys[name] not in (key.default, [])
    }
    if experiment.test is not None and experiment.test.source is not None:
        given["test"] = f"csv:{experiment.test.source.path}"
    elif rows >= _MIN_HELD_OUT:
        given.setdefault("held_out", "0.25")
    if find_unscaled_inputs(experiment):
        given["scale"] = "standard"
    if experiment.chosen_measure.name != SOLVED:
        given["learning_rate"] = _RATE
    if is_in_order(experiment):
        given["order"] = "shuffled"
    epochs = _STEPS // (_SEEDS * rows)
    given["seeds"] = str(_SEEDS)
    if epochs < experiment.epochs:
        given["epochs"] = f"{max(10.0, epochs):.0e}".replace("e+0", "e")
    if not table.path:
        return ""
    flags = [f"{KEYS[name].flag} {quote(text)}" for name, text in given.items()]
    return " ".join(["hsig compare silu hard relu --task", quote(f"csv:{table.path}"), *flags])


def _answer(inspection: Inspection) -> str:
    """What the table is, and whether it will train."""
    table, dataset, _, problems = inspection
    if dataset is None:
        size = f"{count(len(table.lines), 'row')}, {count(len(table.columns), 'column')}"
        return f"{table.name}: {size}: it will not train as it is; why is said above"
    target, used = dataset.target, [f for f in dataset.features if f.role == INPUT]
    left_out = sum(f.role == LEFT_OUT for f in dataset.features)
    what = "a number" if target.kind == NUMBER else f"of {len(target.names)} classes"
    trains = "it will not train as it is; why is said above" if problems else "it will train"
    return (
        f"{table.name}: {count(len(dataset.rows), 'row')}, {count(len(used), 'input')}"
        f"{f' ({left_out} left out)' if left_out else ''}, target {target.name} "
        f"{'' if target.kind != NUMBER else 'is '}{what}: {trains}"
    )
