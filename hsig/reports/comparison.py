"""The page of several variants side by side."""

from collections.abc import Callable, Iterable, Sequence
from math import isnan

from hsig.analysis.pairing import Pairing
from hsig.analysis.summary import MEDIAN, Summary, VariantSummary
from hsig.analysis.tuning import Tuned
from hsig.experiments.experiment import Experiment, Outcome
from hsig.networks.activations import spell
from hsig.reports.claims import answer, claims, interval_alone
from hsig.reports.comparison_tables import ComparisonTables
from hsig.reports.documents import (
    SEED_COLUMNS,
    VARIANT_COLUMNS,
    document,
    seed_rows,
    variant_rows,
)
from hsig.reports.numbers import count, listed
from hsig.reports.page import Line, Page, Table, lines
from hsig.reports.training import transfer_table
from hsig.reports.tuning import (
    how_chosen,
    own_rates,
    rate_chosen,
    tuning_document,
    tuning_notes,
    with_tuning,
)
from hsig.reports.words import (
    chaos,
    divergence,
    heading,
    missed_precision,
    pointer,
    result_line,
)


def comparison_page(
    outcome: Outcome, summary: Summary, columns: Sequence[str] = (), tuned: Tuned | None = None
) -> Page:
    """The page of a comparison.

    Args:
        outcome: What became of it.
        summary: Its numbers.
        columns: Names of `COLUMNS`, for one table of these; by default there are several tables.
        tuned: How its learning rates were chosen, if they were.
    """
    experiment = summary.experiment
    ranked = best_first(summary.variants)
    side = ComparisonTables(experiment, ranked, summary.pairing, tuned)
    marks = side.legend() if not columns or "verdicts" in columns else ()
    notes = [*marks, *notes_of(summary, tuned, columns)]
    answered = answer_of(summary, tuned)
    what = lines(heading_of(experiment, tuned))
    predicted = transfer_table(ranked)
    return Page(
        blocks=(
            what,
            *(_tables(side, columns) if ranked else ()),
            *predicted,
            *([lines(notes)] if notes else []),
            answered,
        ),
        short=(
            what,
            *((side.chosen(columns) if columns else side.results(),) if ranked else ()),
            *(() if columns else side.tuning()),
            *predicted,
            lines([*marks, *short_notes_of(summary, tuned)]),
            answered,
        ),
        document=lambda every_seed: {
            **document(outcome, summary, every_seed=every_seed),
            **(tuning_document(experiment, tuned) if tuned else {}),
        },
        rows=lambda: with_tuning((VARIANT_COLUMNS, variant_rows(summary)), tuned),
        every_row=lambda: (SEED_COLUMNS, seed_rows(outcome)),
        brief=tuple(
            Line(result_line(experiment, variant) + rate_chosen(variant.label, tuned))
            for variant in ranked
        ),
    )


def heading_of(experiment: Experiment, tuned: Tuned | None = None) -> tuple[str, ...]:
    """What was compared."""
    what = heading(experiment, count(len(experiment.variants), "variant"))
    how = [how_chosen(experiment)] if tuned else []
    return (*what, *how, *_outputs(experiment))


def notes_of(
    summary: Summary, tuned: Tuned | None = None, columns: Sequence[str] = ()
) -> list[str]:
    """What is claimed, and what there is to say of variants and of an early end."""
    experiment, ranked = summary.experiment, best_first(summary.variants)
    return [
        *intervals_alone(summary.pairing, columns),
        *claims(experiment, summary.variants, summary.pairing, tuned=tuned is not None),
        *(tuning_notes(experiment, tuned) if tuned else ()),
        *variant_notes(experiment, ranked),
        *missed_precision(experiment, summary.variants),
        *early_end(summary),
    ]


def short_notes_of(summary: Summary, tuned: Tuned | None = None) -> list[str]:
    """What there is to say of variants and of an early end, without what the answer says."""
    experiment, ranked = summary.experiment, best_first(summary.variants)
    trained = [variant for variant in ranked if not variant.failure]
    return [
        *(tuning_notes(experiment, tuned) if tuned else ()),
        *(
            f"{variant.label}: not trained: {variant.failure.partition('. ')[0]}"
            for variant in ranked
            if variant.failure
        ),
        *_counted("a weight stopped being finite", trained, lambda v: len(v.diverged_seeds)),
        *_counted("cost not finite at some epoch", trained, lambda v: len(v.not_finite)),
        *_counted("chaotic: rates hold, single seeds do not carry over", trained, _parted),
        *missed_precision(experiment, summary.variants),
        *early_end(summary),
    ]


def _counted(
    what: str, variants: Iterable[VariantSummary], count_of: Callable[[VariantSummary], int]
) -> list[str]:
    """Of how many seeds of each variant something is so; nothing if of none."""
    found = [f"{v.label} {count_of(v)} of {len(v.seeds)}" for v in variants if count_of(v)]
    return [f"{what}: {', '.join(found)}"] if found else []


def _parted(variant: VariantSummary) -> int:
    return variant.parted


def answer_of(summary: Summary, tuned: Tuned | None = None) -> tuple[Line, ...]:
    """The answer, and where to read on."""
    experiment, ranked = summary.experiment, best_first(summary.variants)
    told = answer(experiment, ranked, summary.pairing, tuned=tuned is not None)
    first, *others = told or [""]
    more = pointer(experiment, ranked, own_rates(tuned)) if summary.complete else ()
    return (*([Line(first, "answer")] if first else []), *lines([*others, *more]))


def best_first(variants: Iterable[VariantSummary]) -> list[VariantSummary]:
    """In the order of the rows."""
    return sorted(variants, key=_rank)


def intervals_alone(pairing: Pairing | None, columns: Sequence[str]) -> list[str]:
    """Which intervals claim more than the tests, if they are shown."""
    if pairing is None or (columns and "difference" not in columns):
        return []
    return interval_alone(pairing.against, len(pairing.against))


def _tables(side: ComparisonTables, columns: Sequence[str]) -> tuple[Table, ...]:
    return (side.chosen(columns),) if columns else side.usual()


def _rank(variant: VariantSummary) -> tuple[float, bool, float]:
    """Most seeds solved first, then the lowest cost; what could not be trained comes last."""
    if variant.failure:
        return (1.0, True, 0.0)
    cost = float(variant.cost[MEDIAN, -1])
    return (-variant.solved.rate, isnan(cost), 0.0 if isnan(cost) else cost)


def _outputs(experiment: Experiment) -> tuple[str, ...]:
    """Which activation the output has."""
    other: dict[str, list[str]] = {}
    for variant in experiment.variants:
        if variant.output_activation != variant.activation:
            other.setdefault(spell(variant.output_activation), []).append(variant.label)
    if not other:
        return ("both layers have the variant's activation",)
    parts = [f"{output} for {listed(labels)}" for output, labels in other.items()]
    if sum(map(len, other.values())) < len(experiment.variants):
        parts.insert(0, "the same activation as the hidden layer")
    elif len(other) == 1:
        parts = list(other)
    return (f"the output has {', but '.join(parts)}",)


def variant_notes(experiment: Experiment, variants: Sequence[VariantSummary]) -> list[str]:
    """Which variants were not trained, diverged, or have costs that are no numbers."""
    notes = []
    for variant in variants:
        if variant.failure:
            notes.append(result_line(experiment, variant))
        else:
            said = (*divergence(variant, named=1), *chaos(variant))
            notes += [f"{variant.label}: {note}" for note in said]
    return notes


def early_end(summary: Summary) -> list[str]:
    """Which variants were stopped half way or before their first checkpoint."""
    if summary.complete:
        return []
    budget = summary.experiment.epochs
    stopped = [
        f"{variant.label} at epoch {variant.epochs[-1]}"
        for variant in summary.variants
        if not variant.failure and variant.epochs[-1] != budget
    ]
    begun = {variant.label for variant in summary.variants}
    missing = [v.label for v in summary.experiment.variants if v.label not in begun]
    notes = [f"stopped before the end, epoch {budget}: {', '.join(stopped)}"] if stopped else []
    return notes + ([f"no result yet: {', '.join(missing)}"] if missing else [])
