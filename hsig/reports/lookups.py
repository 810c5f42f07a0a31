"""Pages of what is looked up: activations, configs, powers."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter, itemgetter
from typing import Any

import numpy as np

from hsig.activations import ACTIVATIONS, Activation
from hsig.activations.names import aliases_of, all_aliases, is_in_table, to_text
from hsig.analysis.definitions import Points, distance_from_logistic, find_oddities
from hsig.analysis.parts import Part, group_parts
from hsig.analysis.power import (
    ALPHA,
    MAX_SEEDS,
    Share,
    independent_discordance,
    seeds_needed,
    smallest_difference,
    smallest_possible_difference,
)
from hsig.analysis.statistics import CLAIM_SEEDS
from hsig.analysis.summary import Summary
from hsig.config.activation_kinds import spec_document
from hsig.config.values import Json, plain, plain_fields
from hsig.experiments.experiment import Experiment
from hsig.formulas.enclosure import Range
from hsig.formulas.function import MAX_LOCATED_DEGREE, MAX_PIECES, Break
from hsig.formulas.nodes import Node, format_formula, format_within
from hsig.reports.comparison import (
    ComparisonTables,
    answer,
    best_first,
    heading_of,
    interval_alone,
    notes,
)
from hsig.reports.documents import (
    document_of_several,
    seed_rows,
    variant_rows,
)
from hsig.reports.obstacles import describe_oddity
from hsig.reports.page import (
    HEADER,
    Column,
    Curves,
    Line,
    Page,
    Rows,
    Table,
    join_csv,
    lines,
    page_of_tables,
    percent,
    records,
    short,
)
from hsig.reports.phrases import records_of_settings, result_line

# --- activations ---------------------------------------------------------------------------------

# The pages of activations themselves: all of them in a table, or one with its curves.

_MORE = "one as a whole, with its names elsewhere, or your own formula: hsig activations ACTIVATION"
_INCOMPLETE = (
    "it may have kinks and jumps that are not listed: located are those where polynomials of "
    f"degree {MAX_LOCATED_DEGREE} at most are compared, in at most {MAX_PIECES} pieces"
)
_MAX_TEXT = 1500  # of a derivative that is shown
_PLOT_WIDTH = 8.0  # at least, to either side of 0


def overview_page(activations: Sequence[Activation]) -> Page:
    """The table of activations."""
    rows = _overview_rows(activations)
    page = page_of_tables(_overview_table(rows), document=_document(activations))
    return replace(page, blocks=(*page.blocks, lines([_MORE])), rows=rows.csv)


def _overview_rows(activations: Sequence[Activation]) -> Rows[Activation]:
    return Rows(
        (
            Column("activation", "activation", to_text, prose=True),
            Column("definition", "f(x)", attrgetter("formula"), prose=True),
            Column(
                "range",
                "range",
                attrgetter("function.range"),
                _range_text,
                {"lowest": itemgetter(0), "highest": itemgetter(1)},
            ),
            Column("slope_at_0", "slope at 0", _slope_at_0),
            Column(
                "distance_from_logistic",
                "from logistic",
                distance_from_logistic,
                lambda distance: short(round(distance, 3)),
            ),
            Column("source", "source", attrgetter("source"), prose=True),
        ),
        activations,
    )


def _overview_table(rows: Rows[Activation]) -> Table:
    return rows.table(spare=(("range", "source"),), whole=True)


def _range_text(bounds: Range) -> str:
    about = "" if bounds.is_proved else "about "
    return f"{about}{short(bounds.low)} to {short(bounds.high)}"


def _range_proof(bounds: Range) -> str:
    if bounds.is_proved:
        return "proved"
    return f"found by search; proved is {short(bounds.least)} to {short(bounds.greatest)}"


def _slope_at_0(activation: Activation) -> float:
    return float(activation.derivative(np.zeros(1))[0]) + 0.0  # -0 is 0


def activation_page(activation: Activation, points: Points | None) -> Page:
    """All that is known of one activation, its curves, and its values at chosen points."""
    function = activation.function
    name = to_text(activation) if is_in_table(activation) else "f"
    given = "given as" if activation.slope_definition else "="
    pieces, straight = len(function.breakpoints) + 1, len(activation.linear_pieces)
    made_of = f"made of {pieces} pieces, {straight} of them lines"
    texts = (
        f"{name}(x) = {activation.formula}",
        f"its derivative {given} {_short_text(function.slope)}",
        f"range {_range_text(function.range)}, {_range_proof(function.range)}; slope at 0 "
        f"{short(_slope_at_0(activation))}; largest distance from the logistic curve "
        f"{short(round(distance_from_logistic(activation), 3))}",
        *map(_describe_break, function.breaks),
        straight and ("a single line" if pieces == 1 else made_of),
        "" if function.breakpoints_are_complete else _INCOMPLETE,
        f"trains with {_backward(activation)}",
        *map(describe_oddity, find_oddities(activation)),
        activation.source and f"source: {activation.source}",
        activation.note and f"note: {activation.note}",
        activation.caveat and f"note: {activation.caveat}",
    )
    facts, elsewhere = lines(text for text in texts if text), _elsewhere(activation)
    overview = _overview_rows([activation])
    rows: Rows[Any] = overview if points is None else _point_rows(points)
    chosen = [] if points is None else [rows.table("y = f(w*x) at w = 1")]
    return Page(
        (facts, *_curves(activation), *elsewhere, *chosen),
        lambda _: _document([activation], points),
        rows.csv,
        markdown=(facts, *elsewhere, *(chosen or [_overview_table(overview)])),
    )


def _short_text(root: Node) -> str:
    text = format_within(root, _MAX_TEXT, digits=6)
    return text or f"a formula of more than {_MAX_TEXT} characters"


def _elsewhere(activation: Activation) -> list[Table]:
    """Who means what by which name, of the row of the table that it is; its own first."""
    meanings: dict[Activation, list[str]] = {}
    for name, meant in all_aliases().items():
        if (meant.name, meant.definition) == (activation.name, activation.definition):
            meanings.setdefault(meant, []).append(name)
    if not meanings:
        return []
    here = aliases_of(activation)
    columns = [
        Column[Any]("here", "here", lambda item: to_text(item[0]), prose=True),
        Column[Any]("slopes", "slope at its kinks", lambda item: _slopes_at_kinks(item[0])),
        Column[Any]("elsewhere", "elsewhere", lambda item: ", ".join(item[1]), prose=True),
    ]
    if not any(map(_slopes_at_kinks, meanings)):
        del columns[1]
    rows = Rows(columns, sorted(meanings.items(), key=lambda item: item[1][0] not in here))
    return [rows.table("names elsewhere, and what they mean here", firm=("here",))]


def _slopes_at_kinks(activation: Activation) -> str:
    return ", ".join(
        f"{short(b.slope_at)} at {short(b.x)}" for b in activation.function.breaks if not b.jump
    )


def _backward(activation: Activation) -> str:
    if activation.backward is None:
        return "no slope of its own unless you choose one: backward=own, output or logistic"
    return {
        "own": "its derivative",
        "logistic": "the logistic sigmoid's slope at the same point",
        "output": "y(1 - y) of its own value",
        "straight_through": "its slope at 0, everywhere",
    }[activation.backward]


def _describe_break(point: Break) -> str:
    slopes = ", ".join(short(s) for s in (point.slope_before, point.slope_at, point.slope_after))
    what = f"jump of {short(round(point.jump, 6))}" if point.jump else "kink"
    return f"{what} at x = {short(point.x)}; slope before, there and after: {slopes}"


def _point_rows(points: Points) -> Rows[Any]:
    columns = (("x", "x"), ("y", "y"), ("dy_dx", "dy/dx"), ("dy_dw", "dy/dw"))
    numbers = (points.x, points.value, points.derivative, points.weight_derivative)
    return Rows(
        [Column(name, head, itemgetter(n)) for n, (name, head) in enumerate(columns)],
        [*zip(*(column.tolist() for column in numbers), strict=True)],
    )


def _curves(activation: Activation) -> list[Curves]:
    """Value and slope with those of the logistic sigmoid, every break with its both sides."""
    breaks = activation.function.breaks
    reach = max([_PLOT_WIDTH, *(1.25 * abs(b.x) for b in breaks)])
    sides = [np.nextafter(b.x, side) for b in breaks for side in (-np.inf, np.inf)]
    x = np.sort(np.concatenate([np.linspace(-reach, reach, 401), sides]))
    logistic = ACTIVATIONS["sigmoid"]
    name = to_text(activation)
    beside = "" if activation == logistic else " (dotted: the logistic sigmoid's)"
    shown = (activation, logistic) if beside else (activation,)
    values = [curve.value(x).tolist() for curve in shown]
    slopes = [curve.derivative(x).tolist() for curve in shown]
    return [
        Curves(f"value of {name}{beside}", x.tolist(), values),
        Curves(f"slope of {name}{beside}", x.tolist(), slopes),
    ]


# --- for other programs -----------------------------------------------------------------------


def _document(activations: Sequence[Activation], points: Points | None = None) -> dict[str, Json]:
    """One record per activation; with the chosen points, if any, of each."""
    return {**HEADER, "activations": [_record(a, points) for a in activations]}


def _record(activation: Activation, points: Points | None) -> dict[str, Json]:
    function = activation.function
    record: dict[str, Json] = {
        **spec_document(activation),
        "definition": activation.formula,
        "slope_definition": format_formula(function.slope),
        "range": plain(list(activation.range)),
        "enclosure": plain(list(activation.enclosure)),
        "slope_at_0": plain(_slope_at_0(activation)),
        "distance_from_logistic": plain(distance_from_logistic(activation)),
        "breaks": [plain_fields(point) for point in function.breaks],
        "linear_pieces": [plain_fields(piece) for piece in activation.linear_pieces],
        "source": activation.source,
        "aliases": list(aliases_of(activation)),
        "oddities": [describe_oddity(odd) for odd in find_oddities(activation)],
    }
    if points is not None:
        records = _point_rows(points).records()
        record["points"] = {name: [row[name] for row in records] for name in records[0]}
    return record


# --- configs -------------------------------------------------------------------------------------

# The page of several configs side by side, and of how kept runs differ.


def configs_page(
    parts: Sequence[Part], summaries: Mapping[str, Summary], columns: Sequence[str] = ()
) -> Page:
    """The page of several configs: the results of each, then what may be paired.

    Args:
        parts: One for each config.
        summaries: Of each, by its name.
        columns: As in `comparison_page`, for the table of each config.
    """
    ranked = {name: best_first(summary.variants) for name, summary in summaries.items()}
    results: list[Table] = []
    paired: list[Table] = []
    unpaired: list[str] = []
    alone: list[str] = []
    answers: list[str] = []
    groups = group_parts(parts)
    for group in groups:
        first = summaries[group.names[0]].experiment
        for name in group.names:
            if ranked[name]:
                side = ComparisonTables(summaries[name].experiment, ranked[name], group.pairing)
                table = side.chosen(columns) if columns else side.results(full=True)
                results.append(replace(table, title=f"{name}: {table.title}"))
        members = best_first(v for name in group.names for v in ranked[name])
        if not columns:
            paired += ComparisonTables(first, members, group.pairing).paired()
        if group.pairing:
            alone += interval_alone(group.pairing.against, len(group.pairing.against))
        answers += answer(first, members, group.pairing)
        if group.difference:
            unpaired.append(
                f"not paired with {groups[0].names[0]}: {', '.join(group.names)} "
                f"({group.difference}); of these, compare the intervals"
            )
    everyone = [variant for variants in ranked.values() for variant in variants]
    shown = ComparisonTables(summaries[groups[0].names[0]].experiment, everyone, None)
    below = [
        *(shown.legend() if not columns or "verdicts" in columns else ()),
        *unpaired,
        *alone,
        *(
            note
            for summary in summaries.values()
            for note in notes(summary._replace(pairing=None), full=True)
        ),
    ]
    what = [line for name, s in summaries.items() for line in _heading_of(name, s.experiment)]
    outcomes = [part.outcome for part in parts]
    return Page(
        blocks=(lines(what), *results, *paired, *([lines(below)] if below else [])),
        answer=lines(dict.fromkeys(answers)),
        document=lambda every_seed: document_of_several(parts, summaries, every_seed=every_seed),
        rows=lambda: join_csv([variant_rows(summary).csv() for summary in summaries.values()]),
        every_row=lambda: seed_rows(*outcomes),
        brief=tuple(
            Line(result_line(summary.experiment, variant))
            for name, summary in summaries.items()
            for variant in ranked[name]
        ),
    )


def difference_page(
    settings: Table, parts: Sequence[Part], summaries: Mapping[str, Summary]
) -> Page:
    """The page of how kept runs differ: their settings, then their results."""
    page = configs_page(parts, summaries)
    return replace(
        page,
        blocks=(settings, *page.blocks),
        document=lambda every_seed: {
            **HEADER,
            "differences": records_of_settings(settings),
            **page.document(every_seed),
        },
    )


def _heading_of(name: str, experiment: Experiment) -> tuple[str, ...]:
    """What one of several configs is."""
    what, *others = heading_of(experiment)
    return (f"{name}: {what}", *others)


# --- power ---------------------------------------------------------------------------------------

# The page of how many seeds it takes to tell two solved rates apart.

_POWERS = (0.5, 0.8, 0.9, 0.95)
_SEEDS = (30, 100, 300, 1000, 3000, 10_000)
_ROUNDING = 1e-9  # of a thousandth: what is written with three digits is one of these
_TESTS = {"unpaired": "Fisher's exact test, two-sided", "paired": "exact McNemar test, two-sided"}


def power_page(first: float, second: float, discordant: float | None = None) -> Page:
    """The seeds that tell two solved rates apart, and the differences that fewer can tell.

    Args:
        first: One rate.
        second: The other.
        discordant: Share of the pairs in which exactly one is solved; by default as if the two were
            solved independently.
    """
    share: Share = independent_discordance if discordant is None else discordant
    apart = independent_discordance(first, second) if discordant is None else discordant
    shown = f"{percent(apart)} discordant"
    pairs = f"as if independent, {shown}" if discordant is None else shown
    needed = [
        (
            power,
            seeds_needed(first, second, power=power),
            seeds_needed(first, second, discordant=share, power=power),
        )
        for power in _POWERS
    ]
    smallest = [
        (
            seeds,
            smallest_difference(seeds, first),
            smallest_difference(seeds, first, discordant=share),
        )
        for seeds in _SEEDS
    ]
    powers = _two_tests(
        Column("power", "power", itemgetter(0), percent), str, f"more than {MAX_SEEDS}", needed
    )
    differences = _two_tests(Column("seeds", "seeds", itemgetter(0)), _rounded_up, "none", smallest)
    tables = (
        powers.table(
            f"seeds to tell solved rates {short(first)} and {short(second)} apart, two-sided at "
            f"{percent(ALPHA)} (unpaired: Fisher's exact test; paired: exact McNemar test, pairs "
            f"{pairs})"
        ),
        differences.table(
            f"smallest difference from a solved rate of {short(first)}, at a power of 80 % by the "
            f"same tests (pairs {pairs.removesuffix(f', {shown}')})"
        ),
    )
    page = page_of_tables(
        *tables,
        document={
            **HEADER,
            "tables": [{"title": table.title, "rows": [*records(table)]} for table in tables],
            "rates": [first, second],
            "discordant": apart,
            "level": ALPHA,
            "tests": dict(_TESTS),
            "needed": [*powers.records()],
            "smallest": [*differences.records()],
            "claim_seeds": CLAIM_SEEDS,
        },
    )
    least = 0.0 if discordant is None else smallest_possible_difference(first, discordant)
    notes = (
        *((f"{shown}, rates differ by at least {least:.3f} from {short(first)}",) if least else ()),
        "exact power of a single comparison: from that many seeds on, no larger number has less",
        "hsig compares in pairs; of more than two variants, Holm's correction asks for more seeds",
        f"whatever the power, claims are reported on {CLAIM_SEEDS} seeds or more",
    )
    return replace(page, blocks=(*page.blocks, lines(notes)))


def _rounded_up(difference: float) -> str:
    """Three digits, of no smaller a difference: it has the power that is said."""
    return f"{math.ceil(1000.0 * difference - _ROUNDING) / 1000.0:.3f}"


def _two_tests(
    first: Column[Any], text: Callable[[Any], str], missing: str, items: Sequence[Any]
) -> Rows[Any]:
    """A row for each power or number of seeds, with a column for each of both tests."""
    unpaired = Column[Any]("unpaired", "unpaired, each", itemgetter(1), text, missing=missing)
    paired = Column[Any]("paired", "paired", itemgetter(2), text, missing=missing)
    return Rows((first, unpaired, paired), items)
