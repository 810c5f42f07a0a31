"""The page of one activation that was trained: its costs, its predictions, how many it solved."""

from collections.abc import Sequence

import numpy as np

from hsig.activations import Activation
from hsig.activations.names import to_text
from hsig.analysis.summary import MEDIAN, Summary, VariantSummary
from hsig.experiments.experiment import Experiment, Outcome, Variant
from hsig.experiments.verdicts import DIVERGED, SOLVED
from hsig.reports.columns import which_cost
from hsig.reports.documents import document, seed_rows, variant_rows
from hsig.reports.page import (
    Block,
    Column,
    Curves,
    Line,
    Page,
    Rows,
    Table,
    count,
    lines,
    listed,
    number,
    short,
)
from hsig.reports.phrases import (
    CAUSES,
    MEANINGS,
    chaos,
    every_layer,
    heading,
    missed_precision,
    pointer,
    result_line,
    verdict_counts,
)

_QUARTILES = ("25 %", "median", "75 %")
_SPARE = (("25 %", "75 %"),)
_MAX_SAMPLES = 16  # whose predictions are shown
_MAX_INPUTS = 8  # of a sample


def training_page(outcome: Outcome, summary: Summary) -> Page:
    """The page of an experiment of one variant."""
    experiment, (numbers,) = summary.experiment, summary.variants
    (variant,) = experiment.variants
    head = lines([*heading(experiment, variant.label), *_definitions(experiment, variant)])
    tables, result = _tables(experiment, numbers), _result(experiment, numbers)
    return Page(
        blocks=(head, *tables, lines(_notes(experiment, numbers, full=True))),
        short=(head, *tables, lines(_notes(experiment, numbers, full=False))),
        answer=(result, *lines(_advice(experiment, numbers))),
        document=lambda every_seed: document(outcome, summary, every_seed=every_seed),
        rows=variant_rows(summary).csv,
        every_row=lambda: seed_rows(outcome),
        brief=(result,),
    )


def _result(experiment: Experiment, summary: VariantSummary) -> Line:
    good = not summary.failure and not summary.failed
    return Line(result_line(experiment, summary), "good" if good else "bad")


def _tables(experiment: Experiment, summary: VariantSummary) -> tuple[Block, ...]:
    if summary.failure:
        return ()
    return (
        _cost_table(experiment, summary),
        _prediction_table(experiment, summary),
        *transfer_table([summary]),
    )


def _notes(experiment: Experiment, summary: VariantSummary, *, full: bool) -> tuple[str, ...]:
    """What the result would be misread without; in full, all that is to be said beside it."""
    if summary.failure:
        return ()
    reached, solved, seeds = summary.epochs[-1], summary.solved, count(len(summary.seeds), "seed")
    notes = []
    if solved.n == 1 and not solved.k:
        notes.append(
            f"largest |prediction - target| is {number(summary.largest_error)}; solved is below "
            f"{short(experiment.tolerance)} on every sample"
        )
    if reached != experiment.epochs:
        notes.append(
            f"stopped before the end: this is the state at epoch {reached} of {experiment.epochs}"
        )
    notes += missed_precision(experiment, [summary])
    if not full:
        return tuple(notes)
    if summary.lost:
        notes.append(f"solved, and lost again for an epoch at least: {summary.lost} of {seeds}")
    if summary.diverged_seeds:
        pairs = zip(summary.diverged_seeds, summary.diverged_at, strict=True)
        named = listed([f"seed {seed} in epoch {epoch}" for seed, epoch in pairs])
        causes = "; ".join(f"{CAUSES[cause]}: {n}" for cause, n in summary.diverged_by.items())
        notes.append(
            f"a weight stopped being finite in {len(summary.diverged_seeds)} of {seeds}: {named} "
            f"({causes})"
        )
    if summary.not_finite:
        named = listed(
            [f"seed {f.seed} is {f.cost:g} at epoch {f.epoch}" for f in summary.not_finite]
        )
        notes.append(f"cost not finite for {len(summary.not_finite)} of {seeds}: {named}")
    return (*notes, *chaos(summary))


def _advice(experiment: Experiment, summary: VariantSummary) -> tuple[str, ...]:
    """What became of the seeds that were not solved, and where to learn why."""
    if summary.failure or summary.solved.k == summary.solved.n:
        return ()
    (word, *_), several = summary.verdicts, len(summary.seeds) > 1
    verdicts = [f"{word}: {MEANINGS[word]}"] if word not in (SOLVED, DIVERGED) else []
    why = pointer(experiment, [summary]) if summary.epochs[-1] == experiment.epochs else ()
    return (*([f"verdicts: {verdict_counts(summary.verdicts)}"] if several else verdicts), *why)


def transfer_table(variants: Sequence[VariantSummary]) -> tuple[Table, ...]:
    """What other activations predict with the trained weights, if any do."""
    trained = [variant for variant in variants if not variant.failure]
    if not trained or not trained[0].transfers:
        return ()

    def predicted_with(place: int, label: str) -> Column[VariantSummary]:
        return Column(
            f"with:{label}",
            label,
            lambda variant: (variant.transfers[place], variant.solved.k),
            lambda found: f"{found[0].still_solved} of {found[1]}, {found[0].largest_change:.2g}",
        )

    columns: list[Column[VariantSummary]] = [
        Column("label", "trained with", lambda v: v.label, prose=True),
        *(predicted_with(n, transfer.label) for n, transfer in enumerate(trained[0].transfers)),
    ]
    title = (
        "trained with (rows), predicted with (columns): of the solved seeds, those still solved, "
        "and the largest change of a prediction"
    )
    return (Rows(columns, trained).table(title, splits=True),)


def _definitions(experiment: Experiment, variant: Variant) -> tuple[str, ...]:
    """What the layers are; of no layer is an activation beside that of an output alone."""
    network = experiment.network_of(variant)
    hidden, last = network.hidden_activations, _definition(network.output_activation)
    if not hidden:
        idle = f"; {variant.label} is in no layer: there is none but the output"
        is_used = variant.activation == variant.output_activation
        return (f"output: {last}{'' if is_used else idle}",)
    if len({*network.activations}) == 1:
        return (f"{every_layer(len(hidden))}: {last}",)
    if len({*hidden}) == 1:
        layers = "hidden layers" if hidden[1:] else "hidden layer"
        return (f"{layers}: {_definition(hidden[0])}", f"output: {last}")
    each = (f"hidden layer {n}: {_definition(a)}" for n, a in enumerate(hidden, start=1))
    return (*each, f"output: {last}")


def _definition(activation: Activation) -> str:
    backward = activation.backward
    slope = f", trained with the {backward} slope" if backward not in ("own", None) else ""
    name, formula = to_text(activation), activation.formula
    equation = formula if formula in (f"{name}(x)", name) else f"{name}(x) = {formula}"
    return f"{equation}{slope}"


def _cost_table(experiment: Experiment, summary: VariantSummary) -> Table:
    which, seeds = which_cost(experiment), len(summary.seeds)
    lower, median, upper = summary.cost.tolist()
    epoch: Column[int] = Column("epoch", "epoch", lambda place: summary.epochs[place])
    places = range(len(summary.epochs))

    def quartile(heading: str, costs: Sequence[float]) -> Column[int]:
        return Column(heading, heading, lambda place: costs[place], number)

    if seeds == 1:
        curves = Curves("", summary.epochs, [median])
        return Rows([epoch, quartile(which, median)], places).table(beside=curves)
    curves = Curves("", summary.epochs, [median, lower, upper])
    columns = [epoch, *map(quartile, _QUARTILES, (lower, median, upper))]
    return Rows(columns, places).table(f"{which}, over {seeds} seeds", spare=_SPARE, beside=curves)


def _prediction_table(experiment: Experiment, summary: VariantSummary) -> Table:
    """What is predicted of each sample, or of the worst where there are many."""
    task, seeds, shown = experiment.task, len(summary.seeds), _worst(experiment, summary)
    some = len(shown) < len(task.targets)
    names = task.columns or ()
    inputs, targets = names[: task.inputs.shape[1]], names[task.inputs.shape[1] :]

    def joined(values: Sequence[float]) -> str:
        return " ".join(map(number, values))

    def quartile(heading: str, place: int) -> Column[int]:
        return Column(heading, heading, lambda n: summary.predictions[place, n].tolist(), joined)

    columns: list[Column[int]] = [
        *([Column[int]("sample", "sample", lambda sample: sample + 1)] if some else []),
        Column(
            "inputs",
            f"inputs: {_join_some(inputs)}" if inputs else "inputs",
            lambda sample: _join_some([short(value) for value in task.inputs[sample]]),
        ),
        Column(
            "target",
            f"target: {_join_some(targets)}" if targets else "target",
            lambda sample: " ".join(map(short, task.targets[sample])),
        ),
    ]
    worst = f"of the {len(shown)} worst of {len(task.targets)} samples"
    if seeds == 1:
        title = f"predictions {worst} (largest |prediction - target|)" if some else ""
        columns += [
            quartile("prediction", 0),
            Column("right", "right", lambda sample: bool(summary.right[sample])),
        ]
        return Rows(columns, shown).table(title)
    median = f" {worst} (largest |median - target|)" if some else ""
    columns += [
        *(quartile(heading, place) for place, heading in enumerate(_QUARTILES)),
        Column("right", "right", lambda sample: f"{summary.right[sample]} of {seeds}"),
    ]
    return Rows(columns, shown).table(f"predictions{median}, over {seeds} seeds", spare=_SPARE)


def _worst(experiment: Experiment, summary: VariantSummary) -> list[int]:
    """The samples that are shown: all in their order, or of too many the worst, these first."""
    targets = experiment.task.targets
    if len(targets) <= _MAX_SAMPLES:
        return list(range(len(targets)))
    with np.errstate(invalid="ignore"):
        errors = np.abs(summary.predictions[MEDIAN] - targets).max(axis=1)
    errors = np.where(np.isnan(errors), np.inf, errors)
    return [int(sample) for sample in np.argsort(-errors, kind="stable")[:_MAX_SAMPLES]]


def _join_some(texts: Sequence[str]) -> str:
    """Texts of the inputs of a sample; of too many the first."""
    more = len(texts) - _MAX_INPUTS
    return " ".join(texts) if more <= 0 else f"{' '.join(texts[:_MAX_INPUTS])} ... ({more} more)"
