"""The page of one activation that was trained: its costs, its predictions, how many it solved."""

from collections.abc import Sequence

import numpy as np

from hsig.activations import Activation
from hsig.activations.names import to_text
from hsig.analysis.summary import MEDIAN, Summary, VariantSummary
from hsig.experiments.experiment import Experiment, Outcome, Variant
from hsig.experiments.verdicts import DIVERGED, SOLVED
from hsig.reports.documents import SEED_COLUMNS, VARIANT_COLUMNS, document, seed_rows, variant_rows
from hsig.reports.page import Block, Curves, Line, Page, Table, count, lines, number, short
from hsig.reports.phrases import (
    MEANINGS,
    chaos,
    divergence,
    heading,
    missed_precision,
    pointer,
    result_line,
    verdict_counts,
    which_cost,
)

_QUARTILE_NAMES = ("25 %", "median", "75 %")
_QUARTILE_SPARE = (("25 %", "75 %"),)
_SAMPLES_MOST = 16  # whose predictions are shown
_INPUTS_MOST = 8  # of a sample


def training_page(outcome: Outcome, summary: Summary) -> Page:
    """The page of an experiment of one variant, or of several one below the other."""
    experiment = summary.experiment
    subject = ", ".join(variant.label for variant in experiment.variants)
    definitions = [line for variant in experiment.variants for line in _definitions(variant)]
    return Page(
        blocks=(
            lines([*heading(experiment, subject), *definitions]),
            *(block for variant in summary.variants for block in _blocks(experiment, variant)),
        ),
        document=lambda every_seed: document(outcome, summary, every_seed=every_seed),
        rows=lambda: (VARIANT_COLUMNS, variant_rows(summary)),
        every_row=lambda: (SEED_COLUMNS, seed_rows(outcome)),
        brief=tuple(_result(experiment, variant) for variant in summary.variants),
    )


def _blocks(experiment: Experiment, summary: VariantSummary) -> tuple[Block, ...]:
    result = _result(experiment, summary)
    if summary.failure:
        return ((result,),)
    notes = (
        *_far(experiment, summary),
        *_unfinished(experiment, summary),
        *_verdicts(summary),
        *_lost(summary),
        *divergence(summary),
        *chaos(summary),
        *missed_precision(experiment, [summary]),
        *(pointer(experiment, [summary]) if summary.epochs[-1] == experiment.epochs else ()),
    )
    return (
        _cost_table(experiment, summary).shortened(),
        _prediction_table(experiment, summary).shortened(),
        *transfer_table([summary]),
        (result, *lines(notes)),
    )


def _result(experiment: Experiment, summary: VariantSummary) -> Line:
    good = not summary.failure and summary.solved.k == summary.solved.n
    return Line(result_line(experiment, summary), "good" if good else "bad")


def transfer_table(variants: Sequence[VariantSummary]) -> tuple[Table, ...]:
    """What other activations predict with the trained weights, if any do."""
    trained = [variant for variant in variants if not variant.failure]
    if not trained or not trained[0].transfers:
        return ()
    rows = [
        (
            variant.label,
            *(
                f"{found.still_solved} of {variant.solved.k}, {found.largest_change:.2g}"
                for found in variant.transfers
            ),
        )
        for variant in trained
    ]
    title = (
        "trained with (rows), predicted with (columns): of the solved seeds, those still solved, "
        "and the largest change of a prediction"
    )
    columns = ("trained with", *(found.label for found in trained[0].transfers))
    return (Table(title, columns, tuple(rows), prose=("trained with",), splits=True),)


def _definitions(variant: Variant) -> tuple[str, ...]:
    hidden, output = variant.activation, variant.output_activation
    if hidden == output:
        return (f"both layers: {_definition(hidden)}",)
    return (f"hidden layer: {_definition(hidden)}", f"output: {_definition(output)}")


def _definition(activation: Activation) -> str:
    backward = activation.backward
    slope = f", trained with the {backward} slope" if backward not in ("own", None) else ""
    name, formula = to_text(activation), activation.formula
    equation = formula if formula in (f"{name}(x)", name) else f"{name}(x) = {formula}"
    return f"{equation}{slope}"


def _cost_table(experiment: Experiment, summary: VariantSummary) -> Table:
    which = which_cost(experiment)
    lower, median, upper = ([number(cost) for cost in line] for line in summary.cost)
    epochs = [str(epoch) for epoch in summary.epochs]
    drawn = summary.cost[[1] if len(summary.seeds) == 1 else [1, 0, 2]]  # the median first
    curves = Curves("", summary.epochs, drawn.tolist())
    if len(summary.seeds) == 1:
        return Table("", ("epoch", which), tuple(zip(epochs, median, strict=True)), beside=curves)
    return Table(
        f"{which}, over {len(summary.seeds)} seeds",
        ("epoch", *_QUARTILE_NAMES),
        tuple(zip(epochs, lower, median, upper, strict=True)),
        spare=_QUARTILE_SPARE,
        beside=curves,
    )


def _prediction_table(experiment: Experiment, summary: VariantSummary) -> Table:
    task, several = experiment.task, len(summary.seeds) > 1
    rows = []
    shown = _worst(experiment, summary)
    some = len(shown) < len(task.targets)
    for index in shown:
        quartiles = [" ".join(map(number, outputs)) for outputs in summary.predictions[:, index]]
        right = summary.right[index]
        rows.append(
            (
                *([str(index + 1)] if some else []),
                _some_inputs([short(value) for value in task.inputs[index]]),
                " ".join(map(short, task.targets[index])),
                *(quartiles if several else quartiles[:1]),
                f"{right} of {len(summary.seeds)}" if several else ("yes" if right else "no"),
            )
        )
    inputs, target = "inputs", "target"
    inputs_of = task.inputs.shape[1]
    if task.columns:
        inputs, target = (
            f"inputs: {_some_inputs(task.columns[:inputs_of])}",
            (f"target: {_some_inputs(task.columns[inputs_of:])}"),
        )
    heads = (*(["sample"] if some else []), inputs, target)
    worst = f"of the {len(shown)} worst of {len(task.targets)} samples"
    if several:
        median = f" {worst} (largest |median - target|)" if some else ""
        columns = (*heads, *_QUARTILE_NAMES, "right")
        return Table(
            f"predictions{median}, over {len(summary.seeds)} seeds",
            columns,
            tuple(rows),
            spare=_QUARTILE_SPARE,
        )
    title = f"predictions {worst} (largest |prediction - target|)" if some else ""
    return Table(title, (*heads, "prediction", "right"), tuple(rows))


def _worst(experiment: Experiment, summary: VariantSummary) -> list[int]:
    """The samples that are shown: all in their order, or of too many the worst, these first."""
    targets = experiment.task.targets
    with np.errstate(invalid="ignore"):
        errors = np.abs(summary.predictions[MEDIAN] - targets).max(axis=1)
    if len(targets) <= _SAMPLES_MOST:
        return list(range(len(targets)))
    errors = np.where(np.isnan(errors), np.inf, errors)
    return [int(sample) for sample in np.argsort(-errors, kind="stable")[:_SAMPLES_MOST]]


def _some_inputs(texts: Sequence[str]) -> str:
    """The inputs of a sample, or their names; of too many the first."""
    more = len(texts) - _INPUTS_MOST
    return " ".join(texts) if more <= 0 else f"{' '.join(texts[:_INPUTS_MOST])} ... ({more} more)"


def _far(experiment: Experiment, summary: VariantSummary) -> tuple[str, ...]:
    """How far a lone seed is from solved."""
    if summary.solved.n > 1 or summary.solved.k == 1:
        return ()
    return (
        f"largest |prediction - target| is {number(summary.largest_error)}; "
        f"solved is below {short(experiment.solved_within)} on every sample",
    )


def _unfinished(experiment: Experiment, summary: VariantSummary) -> tuple[str, ...]:
    if summary.epochs[-1] == experiment.epochs:
        return ()
    return (
        f"stopped before the end: this is the state at epoch {summary.epochs[-1]} "
        f"of {experiment.epochs}",
    )


def _verdicts(summary: VariantSummary) -> tuple[str, ...]:
    """For a lone seed a word and what it means, else how many seeds got which."""
    if len(summary.seeds) > 1:
        return (
            (f"verdicts: {verdict_counts(summary)}",) if summary.solved.k < summary.solved.n else ()
        )
    (word,) = summary.verdicts
    return (f"{word}: {MEANINGS[word]}",) if word not in (SOLVED, DIVERGED) else ()


def _lost(summary: VariantSummary) -> tuple[str, ...]:
    if not summary.lost:
        return ()
    if len(summary.seeds) == 1:
        return ("it was solved and lost it again, for an epoch at least",)
    return (
        f"solved and lost it again, for an epoch at least: {summary.lost} of "
        f"{count(len(summary.seeds), 'seed')}",
    )
