"""How two sweeps differ, in words and cells: a heat map of the differences."""

from hsig.analysis.pairing import LEVEL
from hsig.analysis.summary import Solved
from hsig.analysis.sweeps import CellPair, TwoSweeps
from hsig.reports.maps import Map, Shade, heat_maps
from hsig.reports.page import Table, count, p_value


def draw_difference(two: TwoSweeps, names: tuple[str, str]) -> Map:
    """The words and cells for two sweeps.

    Args:
        two: The sweeps.
        names: What they are called.
    """
    cells = f"{count(len(two.cells), 'cell')} of {' and '.join(axis.name for axis in two.axes)}"
    several = len(two.axes) > 1
    return Map(
        heading=(f"{names[1]} minus {names[0]}: {cells}",),
        heat_maps=heat_maps(two.axes, lambda cell: _shade(two.cells[cell])) if several else (),
        tables=() if several else (_long_table(two, names),),
        notes=_notes(two, names),
    )


def _notes(two: TwoSweeps, names: tuple[str, str]) -> tuple[str, ...]:
    """What the numbers are, and what can be claimed."""
    several = len(two.axes) > 1
    unit = "difference of the solved rates" + (" in percentage points" if several else "")
    tests = [both.paired for both in two.cells.values() if both is not None and both.paired]
    if not tests:
        why = two.unpaired or "no seeds in common"
        return (unit, f"not paired by seed: {why}; no difference is tested")
    more = sum(paired.p <= LEVEL and paired.difference > 0.0 for paired in tests)
    fewer = sum(paired.p <= LEVEL and paired.difference < 0.0 for paired in tests)
    seeds = {found.both + found.only_this + found.only_baseline + found.neither for found in tests}
    of_each = f"{min(seeds)} to {max(seeds)}" if len(seeds) > 1 else f"{min(seeds)}"
    test = f"exact McNemar over {of_each} pairs of seeds in a cell, Holm over "
    mark = f"* p at most {LEVEL} ({test}{count(len(tests), 'cell')})"
    seeds_differ = any(
        both.first.n != both.second.n
        for both in two.cells.values()
        if both is not None and both.first is not None and both.second is not None
    )
    return (
        f"{unit}; {mark}" if several else f"{unit}; p: {test}{count(len(tests), 'cell')}",
        *(("differences are over the seeds that both have",) if seeds_differ else ()),
        f"{names[1]} solves more seeds in {count(more, 'cell')} and fewer in "
        f"{count(fewer, 'cell')}, at that level",
    )


def _shade(both: CellPair | None) -> Shade:
    if both is None:
        return Shade("", None)
    if both.difference is None:
        return Shade("x", None)
    mark = "*" if both.paired is not None and both.paired.p <= LEVEL else " "
    return Shade(f"{_points(both.difference)}{mark}", 0.5 + 0.5 * both.difference)


def _points(difference: float) -> str:
    """Whole percentage points, and a digit more of a difference that would show as none."""
    points = 100.0 * difference
    if points == 0.0:
        return "0"
    shown = f"{points:+.0f}"
    return f"{points:+.1g}" if shown in ("+0", "-0") else shown


def _long_table(two: TwoSweeps, names: tuple[str, str]) -> Table:
    """One row a cell, where one key is swept."""
    rows = []
    for values, both in two.cells.items():
        if both is None:
            continue
        found, difference = both.paired, both.difference
        rows.append(
            (
                *values,
                *(_solved(both.first), _solved(both.second)),
                "" if difference is None else f"{difference:+.3f}",
                "" if found is None else f"{found.low:+.3f} to {found.high:+.3f}",
                "" if found is None else p_value(found.p),
            )
        )
    columns = (*(axis.name for axis in two.axes), *names, "difference", "its interval", "p")
    return Table("", columns, tuple(rows), splits=True)


def _solved(solved: Solved | None) -> str:
    return "not trained" if solved is None else f"{solved.k} of {solved.n}"
