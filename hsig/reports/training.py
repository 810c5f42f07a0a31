"""The page of one activation that was trained: its costs, its predictions, how many it solved."""

from collections.abc import Sequence

import numpy as np

from hsig.activations import Activation
from hsig.activations.names import to_text
from hsig.analysis.summary import MEDIAN, Predicted, Summary, VariantSummary, class_places
from hsig.arrays import IntArray
from hsig.experiments.experiment import Experiment, Outcome, Variant
from hsig.experiments.measures import LOSS
from hsig.experiments.verdicts import DIVERGED, SOLVED
from hsig.networks.tasks import Task
from hsig.reports.columns import which_cost
from hsig.reports.documents import document, seed_rows, variant_rows
from hsig.reports.page import (
    HELD_OUT,
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
    percent,
    short,
)
from hsig.reports.phrases import (
    CAUSES,
    MEANINGS,
    chaos,
    every_layer,
    heading,
    least_held_out,
    missed_precision,
    pointer,
    result_line,
    verdict_counts,
)

_QUARTILES = ("25 %", "median", "75 %")
_SPARE = (("25 %", "75 %"),)
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
        *_confusion_table(experiment, summary),
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
    notes += [*missed_precision(experiment, [summary]), *least_held_out([summary])]
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
    """The loss by epoch, and that of the held-out rows beside it."""
    which, seeds = which_cost(experiment), len(summary.seeds)
    lower, median, upper = summary.cost.tolist()
    epoch: Column[int] = Column("epoch", "epoch", lambda place: summary.epochs[place])
    places = range(len(summary.epochs))

    def quartile(heading: str, costs: Sequence[float]) -> Column[int]:
        return Column(heading, heading, lambda place: costs[place], number)

    held_out, beside = [], [median] if seeds == 1 else [median, lower, upper]
    note = ""
    if HELD_OUT + LOSS in summary.measures:
        losses = summary.measures[HELD_OUT + LOSS][MEDIAN].tolist()
        held_out, beside = [quartile("held out", losses)], [median, losses]
        note = "; dotted: held out"
    curves = Curves("", summary.epochs, beside)
    if seeds == 1:
        table = Rows([epoch, quartile(which, median), *held_out], places).table
        return table(note.removeprefix("; "), beside=curves)
    columns = [epoch, *map(quartile, _QUARTILES, (lower, median, upper)), *held_out]
    title = f"{which}, over {seeds} seeds{note}"
    return Rows(columns, places).table(title, spare=_SPARE, beside=curves)


def _prediction_table(experiment: Experiment, summary: VariantSummary) -> Table:
    """What is predicted of each sample, held-out ones if there are; of many, of the worst."""
    task, seeds, shown = experiment.task, len(summary.seeds), summary.predicted
    assert shown is not None, "it was trained"
    some, names = len(shown.places) < shown.of, task.columns or ()
    inputs, targets = names[: task.inputs.shape[1]], names[task.inputs.shape[1] :]
    if task.classes and targets[1:]:  # an output for each, named after column and class
        targets = tuple(dict.fromkeys(name.partition("=")[0] for name in targets))
    places = range(len(shown.places))

    def joined(values: Sequence[float]) -> str:
        return " ".join(map(number, values))

    def quartile(heading: str, place: int) -> Column[int]:
        return Column(heading, heading, lambda n: shown.predictions[place, n].tolist(), joined)

    def target(n: int) -> str:
        if task.classes:
            return task.classes[int(class_places(shown.rows.targets[n : n + 1])[0])]
        return " ".join(map(short, shown.rows.targets[n]))

    columns: list[Column[int]] = [
        *(
            [Column[int]("sample", "sample", lambda n: _name_row(experiment, shown, n))]
            if some
            else []
        ),
        Column(
            "inputs",
            f"inputs: {_join_some(inputs)}" if inputs else "inputs",
            lambda n: _join_some([short(value) for value in shown.rows.inputs[n]]),
        ),
        Column("target", f"target: {_join_some(targets)}" if targets else "target", target),
    ]
    which = "held-out " * (task.held_out is not None)
    worst = f" of the {len(places)} worst of {shown.of} {which}samples" if some else ""
    if which and not some:
        worst = " of the held-out samples"
    middle = "prediction" if seeds == 1 else "median"
    rule = f" (largest |{middle} - target|)" if some else ""
    if task.classes:
        columns.append(
            Column("predicted", "predicted", lambda n: _describe_votes(task, shown.votes[n]))
        )
    elif seeds == 1:
        columns.append(quartile("prediction", 0))
    else:
        columns += [quartile(heading, place) for place, heading in enumerate(_QUARTILES)]
    if seeds == 1:
        columns.append(Column("right", "right", lambda n: bool(shown.right[n])))
        return Rows(columns, places).table(f"predictions{worst}{rule}" if worst else "")
    columns.append(Column("right", "right", lambda n: f"{shown.right[n]} of {seeds}"))
    title = f"predictions{worst}{rule}, over {seeds} seeds"
    return Rows(columns, places).table(title, spare=_SPARE)


def _name_row(experiment: Experiment, predicted: Predicted, place: int) -> int:
    """The number of a row, from 1: in its file, where some of it were held out."""
    task, row = experiment.task, predicted.places[place]
    if task.places:
        row = task.places[row + (len(task.targets) if task.held_out is not None else 0)]
    return row + 1


def _describe_votes(task: Task, votes: IntArray) -> str:
    """Which class most seeds predict, and which others do."""
    names = (*task.classes, "none")
    order: list[int] = np.argsort(-votes, kind="stable").tolist()
    chosen = [(names[n], int(votes[n])) for n in order if votes[n]]
    return chosen[0][0] if len(chosen) == 1 else listed([f"{name} {n}" for name, n in chosen])


def _confusion_table(experiment: Experiment, summary: VariantSummary) -> tuple[Table, ...]:
    """Of the rows of each class, how many are predicted as which; the same class is right."""
    task, shown = experiment.task, summary.predicted
    if shown is None or not task.classes:
        return ()
    rows, seeds = shown.confusion, len(summary.seeds)
    names = [*task.classes, *(["none"] if rows[:, -1].any() else [])]

    def predicted_as(place: int) -> Column[int]:
        name = names[place]
        return Column(name, name, lambda n: rows[n, place] / max(1, rows[n].sum()), percent)

    columns: list[Column[int]] = [
        Column("class", "class", lambda n: task.classes[n], prose=True),
        Column("rows", "rows", lambda n: int(rows[n].sum()) // seeds),
        *map(predicted_as, range(len(names))),
    ]
    which = "held-out " if task.held_out is not None else ""
    over = f", over {seeds} seeds" if seeds > 1 else ""
    title = f"of the {which}rows of each class, the share predicted as each class{over}"
    return (Rows(columns, range(len(rows))).table(title, splits=True, whole=True),)


def _join_some(texts: Sequence[str]) -> str:
    """Texts of the inputs of a sample; of too many the first."""
    more = len(texts) - _MAX_INPUTS
    return " ".join(texts) if more <= 0 else f"{' '.join(texts[:_MAX_INPUTS])} ... ({more} more)"
