"""The words of pictures of sweeps."""

from collections.abc import Mapping, Sequence

from hsig.analysis.drawn import HALF, PANELS_MOST, maps_of
from hsig.analysis.pairing import LEVEL
from hsig.analysis.sweeps import CellSummary, SweepOutcome, TwoSweeps
from hsig.experiments.sweeps import Axis
from hsig.reports.claims import family
from hsig.reports.numbers import count
from hsig.reports.pictures.caption import Caption, caption, joined, named, of_seeds, on_task
from hsig.reports.words import heading

_VALUE_MOST = 24  # characters


def sweep_caption(outcome: SweepOutcome, digest: str = "") -> Caption:
    """The words of a map of a sweep."""
    axes, cells, base = outcome.axes, outcome.summaries, outcome.base
    done = {cell: found for cell, found in cells.items() if found is not None}
    trained = {cell: found for cell, found in done.items() if not found.failure}
    half = sum(found.solved.rate >= HALF for found in trained.values())
    title = (
        f"{_what(outcome)}: at least half of the seeds are solved in {half} of "
        f"{count(len(cells), 'cell')}"
    )
    label = named(base.variants[0].label)
    what, start = heading(base, label)
    marked = [
        *_marked("cross", len(done) - len(trained), "not trained"),
        *_marked("dot", len(cells) - len(done), "without a result"),
        *_undrawn(axes, cells),
    ]
    swept = f"swept: {joined([named(axis.name) for axis in axes])}"
    how = (
        "line: between at least half of the seeds solved and fewer; where fewer are, hatching says "
    )
    how += "what became of most others"
    notes = [how] if len(axes) > 1 else ["band: 95 % Wilson interval of each cell"]
    return caption(
        title,
        [swept, *_best(axes, trained), *marked],
        [*notes, *marked, f"{swept}; all else as in the first cell: {what}", start],
        digest,
    )


def _what(outcome: SweepOutcome) -> str:
    """`hard on xor`, as far as the cells have it in common."""
    swept = {axis.name.partition(".")[0] for axis in outcome.axes}
    label, task = outcome.base.variants[0].label, named(outcome.base.task.name)
    match "activation" in swept, "task" in swept:
        case False, False:
            return on_task(outcome.base, label)
        case True, False:
            return f"On {task}"
        case False, True:
            return named(label)
    return "All activations and tasks"


def _best(axes: Sequence[Axis], trained: Mapping[tuple[str, ...], CellSummary]) -> list[str]:
    """The first cell with the most seeds solved."""
    if not trained:
        return []
    best = max(trained, key=lambda cell: trained[cell].solved.rate)
    where = ", ".join(
        f"{named(axis.name)} {named(value, _VALUE_MOST)}"
        for axis, value in zip(axes, best, strict=True)
    )
    return [f"the most are solved at {where}: {of_seeds(trained[best].solved)}"]


def difference_caption(
    two: TwoSweeps, names: tuple[str, str], setting: Sequence[str] = ()
) -> Caption:
    """The words of a map of how two sweeps differ.

    Args:
        two: The sweeps.
        names: What they are called.
        setting: Lines that say what was swept in each.
    """
    first, second = (named(name, _VALUE_MOST) for name in names)
    paired = [b.paired for b in two.cells.values() if b is not None and b.paired is not None]
    cells = count(len(two.cells), "cell")
    if paired:
        claims = [found.claim for found in paired]
        more, fewer = claims.count("more"), claims.count("less")
        title = (
            f"{second} against {first}: significantly more seeds are solved in {more} and fewer in "
            f"{fewer} of {cells}"
        )
        tested = f"*: p at most {LEVEL} (exact McNemar, {family(len(paired), named=len(paired))})"
    else:
        title = f"{second} against {first}: {cells}, of which no difference is tested"
        tested = f"not paired by seed: {two.unpaired or 'no seeds in common'}"
    known = [both for both in two.cells.values() if both is not None]
    failed = sum(both.difference is None for both in known)
    swept = f"swept: {joined([named(axis.name) for axis in two.axes])}"
    notes = [
        f"share of the seeds solved, {second} minus {first}",
        tested,
        *_marked("cross", failed, "not trained in one of them"),
        *_marked("dot", len(two.cells) - len(known), "without a result in one of them"),
        *_undrawn(two.axes, two.cells),
        swept,
        *setting,
    ]
    return caption(title, notes, notes)


def _marked(mark: str, number: int, what: str) -> list[str]:
    return [f"{mark}: {count(number, 'cell')} {what}"] if number else []


def _undrawn(axes: Sequence[Axis], cells: Mapping[tuple[str, ...], object]) -> list[str]:
    """How many maps there would be that are not drawn."""
    if len(axes) < 2:
        return []
    more = len(maps_of(axes, cells)) - PANELS_MOST
    others = joined([named(axis.name) for axis in axes[:-2]]) if more > 0 else ""
    return [f"not drawn: {count(more, 'map')} for other values of {others}"] if more > 0 else []
