"""From the numbers of a summary to the words and cells that people read, in any format."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from hsig.analysis.summary import Summary, VariantSummary
from hsig.engines import compiled, reference
from hsig.experiments.divergence import OVERFLOW, SATURATED_RIGHT, SATURATED_WRONG
from hsig.experiments.experiment import Experiment, Failure, Variant
from hsig.experiments.verdicts import AFFINE, DEAD, DIVERGED, PLATEAU, SLOW, SOLVED
from hsig.networks.activations import Activation, spell
from hsig.networks.network import Weights
from hsig.reports.page import Table, count, number, percent, short
from hsig.reports.plots import stacked_bar

QUARTILE_NAMES = ("25 %", "median", "75 %")
QUARTILE_SPARE = (("25 %", "75 %"),)
NAMED_MOST = 5  # seeds named one by one


MEANINGS = {
    DIVERGED: "a weight stopped being finite",
    DEAD: "the gradient is exactly 0 on every row that is wrong",
    AFFINE: "each hidden unit stays on one linear piece for all rows, so the network is affine",
    PLATEAU: "the mean cost fell by less than 1 % over the last tenth of the budget",
    SLOW: "the cost is still falling",
}
_GLYPHS = {SOLVED: "█#", SLOW: "▓+", PLATEAU: "▒=", AFFINE: "░-", DEAD: "·.", DIVERGED: "!!"}
NOT_BUILT = "the compiled one was not built when hsig was installed"
CAUSES = {
    SATURATED_RIGHT: "the loss is undefined (0/0) at an answer that is exactly right",
    SATURATED_WRONG: "the loss is infinite at an answer that is exactly wrong",
    OVERFLOW: "the weights grew beyond the largest number",
}


@dataclass(frozen=True, eq=False)
class VariantReport:
    """What is shown of one variant.

    Attributes:
        summary: Where it comes from, for pictures; None if it could not be trained.
        tables: Costs by epoch, final predictions, and what other activations predict, if any.
        result: The one line that matters.
        notes: What else must be said: divergence, numbers that are not finite.
    """

    summary: VariantSummary | None
    tables: tuple[Table, ...]
    result: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """What is shown of an experiment: what was run, and each variant."""

    heading: tuple[str, ...]
    variants: tuple[VariantReport, ...]


def report(summary: Summary) -> Report:
    """The words and cells for a summary."""
    experiment = summary.experiment
    return Report(
        heading=(
            *heading(experiment, ", ".join(variant.label for variant in experiment.variants)),
            *(line for variant in experiment.variants for line in _definitions(variant)),
        ),
        variants=tuple(
            VariantReport(None, (), result_line(experiment, variant), ())
            if isinstance(variant, Failure)
            else _variant(experiment, variant)
            for variant in summary.variants
        ),
    )


def result_line(experiment: Experiment, variant: VariantSummary | Failure) -> str:
    """The one line that matters of a variant."""
    if isinstance(variant, Failure):
        return f"{variant.variant.label}: not trained: {variant.reason}"
    reached = variant.epochs[-1]
    early = "" if reached == experiment.epochs else f" at epoch {reached} of {experiment.epochs}"
    return f"{variant.label}: {_result(variant)}{early}"


def transfer_table(variants: Sequence[VariantSummary | Failure]) -> tuple[Table, ...]:
    """What other activations predict with the trained weights, if any do."""
    trained = [variant for variant in variants if isinstance(variant, VariantSummary)]
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


def verdict_bar(counts: Mapping[str, int], width: int, *, ascii_only: bool = False) -> str:
    """How many seeds ended with each verdict, as a bar."""
    glyphs = [pair[ascii_only] for pair in _GLYPHS.values()]
    return stacked_bar([counts.get(word, 0) for word in _GLYPHS], glyphs, width)


def legend(words: Collection[str], *, ascii_only: bool = False) -> str:
    """What the parts of such bars mean."""
    return ", ".join(f"{_GLYPHS[word][ascii_only]} {word}" for word in _GLYPHS if word in words)


def verdict_counts(summary: VariantSummary) -> str:
    """How many seeds ended with each verdict, in words."""
    return ", ".join(f"{word} {n}" for word, n in summary.verdicts.items())


def pointer(variants: Sequence[VariantSummary | Failure]) -> tuple[str, ...]:
    """Where to learn why, if a variant was not solved; of several, for the one that is last."""
    failed = [
        variant.label
        for variant in variants
        if isinstance(variant, VariantSummary) and variant.solved.k < variant.solved.n
    ]
    if not failed:
        return ()
    return (f"to see why: hsig explain {failed[-1]}, with the same config and flags",)


def missed_precision(
    experiment: Experiment, variants: Sequence[VariantSummary | Failure]
) -> tuple[str, ...]:
    """That `until` was not reached, and by how much."""
    found = [v.solved for v in variants if isinstance(v, VariantSummary)]
    widest = max(((solved.high - solved.low) / 2.0 for solved in found), default=0.0)
    if experiment.until is None or widest <= experiment.until:
        return ()
    return (
        f"until {short(experiment.until)} was not reached: the widest interval is within "
        f"{widest:.2g} with {count(len(experiment.seeds), 'seed')}",
    )


def which_cost(experiment: Experiment) -> str:
    """What the tables' cost is taken over."""
    return "cost of the last sample" if experiment.cost == "last" else "mean cost"


def divergence(summary: VariantSummary, named: int = NAMED_MOST) -> tuple[str, ...]:
    """What is to be said of weights and costs that are not finite, with some seeds named."""
    return (*_diverged(summary, named), *_not_finite(summary, named))


def unmet_expectations(summary: Summary) -> tuple[str, ...]:
    """A line for each part of `expect` that was missed."""
    return tuple(
        f"expect: {unmet.label}: expected {unmet.expected}, got {unmet.got}"
        for unmet in summary.unmet
    )


def origin_table(keys: Mapping[str, object], origins: Mapping[str, str]) -> Table:
    """Every key with its resolved value, as YAML would have it, and where that came from."""
    rows = tuple((name, as_yaml(value), origins[name]) for name, value in keys.items())
    return Table("", ("key", "value", "from"), rows, prose=("key", "value", "from"))


def as_yaml(value: object) -> str:
    """A value as flow-style YAML, of which JSON is a part."""
    return value if isinstance(value, str) else json.dumps(value)


def heading(experiment: Experiment, subject: str) -> tuple[str, str]:
    """What was run, and from where."""
    task, (low, high) = experiment.task, experiment.init
    shape = f"{task.inputs.shape[1]}-{experiment.hidden}-1"
    start = (
        f"given {_size(experiment.initial_weights)} initial weights"
        if experiment.initial_weights is not None
        else f"initial weights from [{short(low)}, {short(high)}), {_seeds(experiment.seeds)}"
    )
    shared = ", the same for all" if len(experiment.variants) > 1 else ""
    return (
        f"{subject} on {task.name}: {shape} network, loss {experiment.loss.name}, "
        f"learning rate {short(experiment.learning_rate)}, "
        f"{count(experiment.epochs, 'epoch')} ({experiment.update})",
        f"{start}{shared}; engine {_engines(experiment)}",
    )


def _engines(experiment: Experiment) -> str:
    """What trains which variant, and that the compiled engine is missing if it is."""
    by_name: dict[str, list[str]] = {}
    for variant in experiment.variants:
        by_name.setdefault(experiment.engine_of(variant).NAME, []).append(variant.label)
    names = [
        f"{name} for {', '.join(labels)}" if len(by_name) > 1 else name
        for name, labels in by_name.items()
    ]
    missing = reference.NAME in by_name and not compiled.is_here()
    return " and ".join(names) + (f" ({NOT_BUILT})" if missing else "")


def _size(weights: Weights) -> int:
    return sum(layer.size for layer in weights)


def _seeds(seeds: Sequence[int]) -> str:
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    if tuple(seeds) == tuple(range(seeds[0], seeds[0] + len(seeds))):
        return f"seeds {seeds[0]} to {seeds[-1]}"
    return f"{len(seeds)} seeds"


def _definitions(variant: Variant) -> tuple[str, ...]:
    hidden, output = variant.hidden_activation, variant.output_activation
    if hidden == output:
        return (f"both layers: {_definition(hidden)}",)
    return (f"hidden layer: {_definition(hidden)}", f"output: {_definition(output)}")


def _definition(activation: Activation) -> str:
    backward = activation.backward
    slope = f", trained with the {backward} slope" if backward not in ("own", None) else ""
    name = f"{spell(activation)}(x)"
    equation = name if name == activation.formula else f"{name} = {activation.formula}"
    return f"{equation}{slope}"


def _variant(experiment: Experiment, summary: VariantSummary) -> VariantReport:
    return VariantReport(
        summary=summary,
        tables=(
            _cost_table(experiment, summary),
            _prediction_table(experiment, summary),
            *transfer_table([summary]),
        ),
        result=result_line(experiment, summary),
        notes=(
            *_far(experiment, summary),
            *_unfinished(experiment, summary),
            *_verdicts(summary),
            *_lost(summary),
            *divergence(summary),
            *missed_precision(experiment, [summary]),
            *(pointer([summary]) if summary.epochs[-1] == experiment.epochs else ()),
        ),
    )


def _cost_table(experiment: Experiment, summary: VariantSummary) -> Table:
    which = which_cost(experiment)
    lower, median, upper = ([number(cost) for cost in line] for line in summary.cost)
    epochs = [str(epoch) for epoch in summary.epochs]
    if len(summary.seeds) == 1:
        return Table("", ("epoch", which), tuple(zip(epochs, median, strict=True)))
    return Table(
        f"{which}, over {len(summary.seeds)} seeds",
        ("epoch", *QUARTILE_NAMES),
        tuple(zip(epochs, lower, median, upper, strict=True)),
        spare=QUARTILE_SPARE,
    )


def _prediction_table(experiment: Experiment, summary: VariantSummary) -> Table:
    task, several = experiment.task, len(summary.seeds) > 1
    rows = []
    for index, (inputs, target) in enumerate(zip(task.inputs, task.targets, strict=True)):
        quartiles = [number(value) for value in summary.predictions[:, index]]
        right = summary.right[index]
        rows.append(
            (
                " ".join(short(value) for value in inputs),
                short(target),
                *(quartiles if several else quartiles[:1]),
                f"{right} of {len(summary.seeds)}" if several else ("yes" if right else "no"),
            )
        )
    if several:
        columns = ("inputs", "target", *QUARTILE_NAMES, "right")
        return Table(
            f"predictions, over {len(summary.seeds)} seeds",
            columns,
            tuple(rows),
            spare=QUARTILE_SPARE,
        )
    return Table("", ("inputs", "target", "prediction", "right"), tuple(rows))


def _result(summary: VariantSummary) -> str:
    solved = summary.solved
    when = f", first at epoch {summary.solved_at[0]}" if solved.n == solved.k == 1 else ""
    return (
        f"solved {solved.k} of {count(solved.n, 'seed')}{when} "
        f"({percent(solved.rate)}; 95 % Wilson interval "
        f"{percent(solved.low)} to {percent(solved.high)})"
    )


def _far(experiment: Experiment, summary: VariantSummary) -> tuple[str, ...]:
    """How far a lone seed is from solved."""
    if summary.solved.n > 1 or summary.solved.k == 1:
        return ()
    return (
        f"largest |prediction - target| is {number(summary.largest_error)}; "
        f"solved is below {short(experiment.solved_within)} on every row",
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
    return (f"{word}: {MEANINGS[word]}",) if word in MEANINGS and word != DIVERGED else ()


def _lost(summary: VariantSummary) -> tuple[str, ...]:
    if not summary.lost:
        return ()
    if len(summary.seeds) == 1:
        return ("it was solved and lost it again, for an epoch at least",)
    return (
        f"solved and lost it again, for an epoch at least: {summary.lost} of "
        f"{count(len(summary.seeds), 'seed')}",
    )


def _diverged(summary: VariantSummary, most: int) -> tuple[str, ...]:
    seeds, epochs = summary.diverged_seeds, summary.diverged_at
    if not seeds:
        return ()
    named = _named([f"seed {s} in epoch {e}" for s, e in zip(seeds, epochs, strict=True)], most)
    return (
        f"diverged {len(seeds)} of {count(len(summary.seeds), 'seed')} "
        f"(a weight stopped being finite): {named}",
        *(f"{n} of them: {CAUSES[cause]}" for cause, n in summary.diverged_by.items()),
    )


def _not_finite(summary: VariantSummary, most: int) -> tuple[str, ...]:
    if not summary.not_finite:
        return ()
    seeds = [f"seed {f.seed} is {f.cost:g} at epoch {f.epoch}" for f in summary.not_finite]
    return (
        f"cost not finite for {len(summary.not_finite)} of {count(len(summary.seeds), 'seed')}: "
        f"{_named(seeds, most)}",
    )


def _named(items: list[str], most: int) -> str:
    shown = ", ".join(items[:most])
    return shown if len(items) <= most else f"{shown} and {len(items) - most} more"
