"""The page of several configs side by side, and of how kept runs differ."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hsig.analysis.pairing import ComparedConfigs
from hsig.analysis.summary import Summary
from hsig.experiments.experiment import Experiment
from hsig.reports.claims import claims, few_seeds
from hsig.reports.comparison import (
    best_first,
    early_end,
    heading_of,
    intervals_alone,
    variant_notes,
)
from hsig.reports.comparison_tables import ComparisonTables
from hsig.reports.documents import (
    SEED_COLUMNS,
    VARIANT_COLUMNS,
    document_of_several,
    seed_rows,
    variant_rows,
)
from hsig.reports.page import OF_HSIG, Line, Page, Table, lines
from hsig.reports.words import records_of_settings, result_line


def configs_page(
    configs: ComparedConfigs, summaries: Mapping[str, Summary], columns: Sequence[str] = ()
) -> Page:
    """The page of several configs: the results of each, then what may be paired.

    Args:
        configs: What became of them.
        summaries: Of each, by its name.
        columns: As in `comparison_page`, for the table of each config.
    """
    ranked = {name: best_first(summary.variants) for name, summary in summaries.items()}
    results: list[Table] = []
    paired: list[Table] = []
    unpaired: list[str] = []
    claimed: list[str] = []
    for group in configs.groups:
        first = summaries[group.names[0]].experiment
        for name in group.names:
            if ranked[name]:
                side = ComparisonTables(summaries[name].experiment, ranked[name], group.pairing)
                table = side.chosen(columns) if columns else side.results(full=True)
                results.append(replace(table, title=f"{name}: {table.title}"))
        members = best_first(v for name in group.names for v in ranked[name])
        if not columns:
            paired += ComparisonTables(first, members, group.pairing).paired()
        claimed += intervals_alone(group.pairing, columns)
        claimed += claims(first, members, group.pairing)
        if group.difference:
            unpaired.append(
                f"not paired with {configs.groups[0].names[0]}: {', '.join(group.names)} "
                f"({group.difference}); of these, compare the intervals"
            )
    everyone = [variant for variants in ranked.values() for variant in variants]
    shown = ComparisonTables(summaries[configs.groups[0].names[0]].experiment, everyone, None)
    notes = [
        *(shown.legend() if not columns or "verdicts" in columns else ()),
        *unpaired,
        *dict.fromkeys(claimed),
        *dict.fromkeys(note for s in summaries.values() for note in few_seeds(s.experiment)),
        *(n for name, s in summaries.items() for n in variant_notes(s.experiment, ranked[name])),
        *(note for summary in summaries.values() for note in early_end(summary)),
    ]
    what = [line for name, s in summaries.items() for line in _heading_of(name, s.experiment)]
    outcomes = configs.outcomes.values()
    heads, said = lines(what), [lines(notes)] if notes else []
    return Page(
        blocks=(heads, *results, *paired, *said),
        document=lambda every_seed: document_of_several(configs, summaries, every_seed=every_seed),
        rows=lambda: (VARIANT_COLUMNS, variant_rows(*summaries.values())),
        every_row=lambda: (SEED_COLUMNS, seed_rows(*outcomes)),
        brief=tuple(
            Line(result_line(summary.experiment, variant))
            for name, summary in summaries.items()
            for variant in ranked[name]
        ),
    )


def difference_page(
    settings: Table, configs: ComparedConfigs, summaries: Mapping[str, Summary]
) -> Page:
    """The page of how kept runs differ: their settings, then their results."""
    page = configs_page(configs, summaries)
    return replace(
        page,
        blocks=(settings, *page.blocks),
        document=lambda every_seed: {
            **OF_HSIG,
            "differences": records_of_settings(settings),
            **page.document(every_seed),
        },
    )


def _heading_of(name: str, experiment: Experiment) -> tuple[str, ...]:
    """What one of several configs is."""
    what, *others = heading_of(experiment)
    return (f"{name}: {what}", *others)
