"""From the numbers of several variants to the words and cells that people read, side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import isnan

from hsig.analysis.configs import Together
from hsig.analysis.summary import MEDIAN, Summary, VariantSummary
from hsig.experiments.experiment import Experiment, Failure
from hsig.networks.activations import spell
from hsig.reports.claims import claims
from hsig.reports.columns import SideBySide
from hsig.reports.page import Table, count
from hsig.reports.words import (
    divergence,
    heading,
    missed_precision,
    pointer,
    result_line,
    transfer_table,
)


@dataclass(frozen=True)
class Comparison:
    """What is shown of several variants.

    Attributes:
        heading: What was run.
        tables: The variants, best first: results, costs by epoch, predictions.
        notes: What else must be said: failures, divergence, an early end.
        results: For each variant, the one line that matters, best first.
    """

    heading: tuple[str, ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...]
    results: tuple[str, ...]


def compare(
    summary: Summary, columns: Sequence[str] = (), *, ascii_only: bool = False
) -> Comparison:
    """The words and cells for a comparison.

    Args:
        summary: Its numbers.
        columns: Of `COMPARISON_COLUMNS`, for one table of these; by default there are
            several tables.
        ascii_only: Whether the small curves do without block characters.
    """
    experiment = summary.experiment
    ranked = sorted(summary.variants, key=_rank)
    maker = SideBySide(experiment, ranked, ascii_only=ascii_only, pairing=summary.pairing)
    return Comparison(
        heading=(
            *heading(experiment, count(len(experiment.variants), "variant")),
            *_outputs(experiment),
        ),
        tables=(*(_tables(maker, columns) if ranked else ()), *transfer_table(ranked)),
        notes=(
            *(maker.legend() if not columns or "verdicts" in columns else ()),
            *claims(experiment, summary.variants, summary.pairing),
            *_notes(experiment, ranked),
            *missed_precision(experiment, summary.variants),
            *_early_end(summary),
            *(pointer(ranked) if summary.complete else ()),
        ),
        results=tuple(result_line(experiment, variant) for variant in ranked),
    )


def compare_configs(
    together: Together,
    summaries: Mapping[str, Summary],
    columns: Sequence[str] = (),
    *,
    ascii_only: bool = False,
) -> Comparison:
    """The words and cells for several configs: the results of each, then what may be paired.

    Args:
        together: What became of them.
        summaries: Of each, by its name.
        columns: As in `compare`, for the table of each config.
        ascii_only: As in `compare`.
    """
    ranked = {name: sorted(summary.variants, key=_rank) for name, summary in summaries.items()}
    results: list[Table] = []
    paired: list[Table] = []
    unpaired: list[str] = []
    claimed: list[str] = []
    everyone = [variant for variants in ranked.values() for variant in variants]
    draw = partial(SideBySide, ascii_only=ascii_only)
    for group in together.groups:
        first = summaries[group.names[0]].experiment
        for name in group.names:
            if ranked[name]:
                maker = draw(summaries[name].experiment, ranked[name], pairing=group.pairing)
                table = maker.chosen(columns) if columns else maker.results()
                results.append(replace(table, title=f"{name}: {table.title}"))
        members = sorted((v for name in group.names for v in ranked[name]), key=_rank)
        if not columns:
            paired += draw(first, members, pairing=group.pairing).paired()
        claimed += claims(first, members, group.pairing)
        if group.difference:
            unpaired.append(
                f"not paired with {together.groups[0].names[0]}: {', '.join(group.names)} "
                f"({group.difference}); of these, compare the intervals"
            )
    shown = draw(summaries[together.groups[0].names[0]].experiment, everyone, pairing=None)
    return Comparison(
        heading=tuple(
            line
            for name, summary in summaries.items()
            for line in _heading_of(name, summary.experiment)
        ),
        tables=(*results, *paired),
        notes=(
            *(shown.legend() if not columns or "verdicts" in columns else ()),
            *unpaired,
            *dict.fromkeys(claimed),
            *(n for name, s in summaries.items() for n in _notes(s.experiment, ranked[name])),
            *(note for summary in summaries.values() for note in _early_end(summary)),
        ),
        results=tuple(
            result_line(summary.experiment, variant)
            for name, summary in summaries.items()
            for variant in ranked[name]
        ),
    )


def _heading_of(name: str, experiment: Experiment) -> tuple[str, ...]:
    """What one of several configs is."""
    what, start = heading(experiment, count(len(experiment.variants), "variant"))
    return (f"{name}: {what}", start, *_outputs(experiment))


def _tables(maker: SideBySide, columns: Sequence[str]) -> tuple[Table, ...]:
    return (maker.chosen(columns),) if columns else maker.usual()


def _rank(variant: VariantSummary | Failure) -> tuple[float, bool, float]:
    """Most seeds solved first, then the lowest cost; what could not be trained comes last."""
    if isinstance(variant, Failure):
        return (1.0, True, 0.0)
    cost = float(variant.cost[MEDIAN, -1])
    return (-variant.solved.rate, isnan(cost), 0.0 if isnan(cost) else cost)


def _outputs(experiment: Experiment) -> tuple[str, ...]:
    """Which activation the output has."""
    other: dict[str, list[str]] = {}
    for variant in experiment.variants:
        if variant.output_activation != variant.hidden_activation:
            other.setdefault(spell(variant.output_activation), []).append(variant.label)
    if not other:
        return ("both layers have the variant's activation",)
    parts = [f"{output} for {', '.join(labels)}" for output, labels in other.items()]
    if sum(map(len, other.values())) < len(experiment.variants):
        parts.insert(0, "the same activation as the hidden layer")
    elif len(other) == 1:
        parts = list(other)
    return (f"the output has {', but '.join(parts)}",)


# --- notes ------------------------------------------------------------------------------------


def _notes(experiment: Experiment, variants: Sequence[VariantSummary | Failure]) -> list[str]:
    notes = []
    for variant in variants:
        if isinstance(variant, Failure):
            notes.append(result_line(experiment, variant))
        else:
            notes += [f"{variant.label}: {note}" for note in divergence(variant, named=1)]
    return notes


def _early_end(summary: Summary) -> list[str]:
    """Which variants were stopped half way or before their first checkpoint."""
    if summary.complete:
        return []
    budget = summary.experiment.epochs
    stopped = [
        f"{variant.label} at epoch {variant.epochs[-1]}"
        for variant in summary.variants
        if isinstance(variant, VariantSummary) and variant.epochs[-1] != budget
    ]
    begun = {
        variant.variant.label if isinstance(variant, Failure) else variant.label
        for variant in summary.variants
    }
    missing = [v.label for v in summary.experiment.variants if v.label not in begun]
    notes = [f"stopped before the end, epoch {budget}: {', '.join(stopped)}"] if stopped else []
    return notes + ([f"no result yet: {', '.join(missing)}"] if missing else [])
