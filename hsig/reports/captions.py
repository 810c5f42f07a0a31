"""The words of pictures: a title with the finding, a sentence on how to read it, the setting."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, isinf, isnan

from hsig.activations import Activation
from hsig.analysis.pairing import LEVEL
from hsig.analysis.plot_data import (
    HALF,
    MAX_BENDS,
    MAX_COLOURS,
    MAX_PANELS,
    count_on_pieces,
    count_solved_by_epoch,
    count_states,
    mean_predictions,
    middle_range,
    right_samples,
    select_maps,
    select_seed,
)
from hsig.analysis.summary import MEDIAN, Solved, Summary, VariantSummary
from hsig.analysis.sweeps import SweepOutcome, TwoSweeps
from hsig.escaping import escape_control
from hsig.experiments.experiment import Experiment, Variant
from hsig.experiments.snapshots import Snapshot
from hsig.experiments.sweeps import Axis
from hsig.reports.columns import which_cost
from hsig.reports.comparison import answer, best_first, family
from hsig.reports.explanation import piece_name
from hsig.reports.page import brief, count, interval, listed, percent, rate_of, short, shortened
from hsig.reports.phrases import named_seeds, result_line

MAX_TITLE_VARIANTS = 4  # else the first and the last are named
MAX_ALT_PARTS = 8  # variants, pieces or epochs that a text for the blind goes through one by one


@dataclass(frozen=True)
class Caption:
    """The words of a picture.

    Attributes:
        title: What it shows, with the numbers that matter most.
        sentence: How to read it.
        setting: Lines: what was trained, and the digest of the run.
        numbers: The numbers that are drawn, a phrase for each part; only in the alternative text.
    """

    title: str
    sentence: str = ""
    setting: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()

    @property
    def alt(self) -> str:
        """The picture in words, for those who do not see it."""
        more = len(self.numbers) - MAX_ALT_PARTS
        rest = f"and {more} more" if more > 0 else ""
        parts = (self.title, *self.numbers[:MAX_ALT_PARTS], rest, self.sentence)
        return " ".join(f"{part}." for part in map(escape_control, parts) if part)

    @property
    def footnote(self) -> tuple[str, ...]:
        """The lines below the picture."""
        return tuple(map(escape_control, filter(None, (self.sentence, *self.setting))))


def label_text(text: str, most: int = 28) -> str:
    """A label, or another text of the user, in at most so many characters that are seen."""
    return shortened(escape_control(text), most)


def on_task(experiment: Experiment, label: str) -> str:
    """`hard on xor`."""
    return f"{label_text(label)} on {label_text(experiment.task.name)}"


def trained_variants(summary: Summary) -> list[VariantSummary]:
    """The variants that a picture shows, in the order of the table."""
    return [variant for variant in best_first(summary.variants) if not variant.failure]


# --- all variants of an experiment ---------------------------------------------------------------


def costs_caption(summary: Summary, setting: Sequence[str] = ()) -> Caption:
    """The words of a picture of the costs over the epochs."""
    which = which_cost(summary.experiment)

    def describe(variant: VariantSummary) -> str:
        first = brief(float(variant.cost[MEDIAN, 0]))
        lower, median, upper = map(brief, variant.cost[:, -1].tolist())
        return (
            f"median {first} at first, {median} after {count(variant.epochs[-1], 'epoch')} "
            f"(quartiles {lower} and {upper})"
        )

    ranked = sorted(
        trained_variants(summary), key=lambda v: (isnan(v.cost[MEDIAN, -1]), v.cost[MEDIAN, -1])
    )
    ends = _ends(ranked, lambda variant: brief(float(variant.cost[MEDIAN, -1])))
    return _caption_variants(
        summary,
        f"Median of the {which} {_when(ranked, 'after {} epochs')}: {ends}",
        f"line: median of the {which} over the seeds; band: quartiles; faint lines: single seeds; "
        f"a gap is a cost that is not finite{_grey_lines(ranked)}",
        describe,
        setting,
    )


def solved_caption(summary: Summary, setting: Sequence[str] = ()) -> Caption:
    """The words of a picture of how many seeds are solved by which epoch."""

    def at_end(variant: VariantSummary) -> Solved:
        curve = count_solved_by_epoch(variant)
        return Solved.from_counts(int(curve.seeds[-1]), curve.of)

    def describe(variant: VariantSummary) -> str:
        end, half = at_end(variant), variant.epochs_to_solve[0]
        by_half = f", half of all by epoch {half:.0f}" if isfinite(half) else ""
        later = f", {variant.solved.k} at the end" if variant.solved.k != end.k else ""
        return (
            f"{_of_seeds(end)} solved at least once by epoch {variant.epochs[-1]} "
            f"({interval(end)}){by_half}{later}"
        )

    ranked = sorted(trained_variants(summary), key=lambda variant: -at_end(variant).rate)
    ends = _ends(ranked, lambda variant: rate_of(at_end(variant)))
    return _caption_variants(
        summary,
        f"Solved at least once {_when(ranked, 'by epoch {}')}: {ends}",
        "line: share of the seeds that were solved at least once by then; band: its 95 % Wilson "
        f"interval{_grey_lines(ranked)}",
        describe,
        setting,
    )


def verdicts_caption(summary: Summary, setting: Sequence[str] = ()) -> Caption:
    """The words of a picture of what the seeds are at each checkpoint."""

    def describe(variant: VariantSummary) -> str:
        ends = {word: int(number[-1]) for word, number in count_states(variant).items()}
        parts = ", ".join(f"{number} {word}" for word, number in ends.items() if number)
        of = count(len(variant.seeds), "seed")
        return f"after {count(variant.epochs[-1], 'epoch')}, of {of}: {parts}"

    trained = trained_variants(summary)
    return _caption_variants(
        summary,
        f"Solved at the end: {_ends(trained, lambda variant: rate_of(variant.solved))}",
        "areas: share of the seeds, by what can be said of them at that checkpoint; the verdict at "
        "the end also looks ahead",
        describe,
        [*_undrawn(len(trained) - MAX_PANELS, "variant"), *setting],
    )


def comparison_caption(summary: Summary, setting: Sequence[str] = ()) -> Caption:
    """The words of a picture of all variants side by side."""

    def describe(variant: VariantSummary) -> str:
        epoch, low, high = variant.epochs_to_solve
        half = f"fewer than half by epoch {variant.epochs[-1]}"
        if not isinf(epoch):
            to = f"to {high:.0f}" if isfinite(high) else "or later"
            half = f"half by epoch {epoch:.0f} ({low:.0f} {to})"
        return f"{rate_of(variant.solved)} solved ({interval(variant.solved)}), {half}"

    found = answer(summary.experiment, best_first(summary.variants), summary.pairing)
    title, *more = found or ("nothing was trained",)
    marks = ""
    if summary.pairing is not None:
        number = len(summary.pairing.against)
        marks = (
            f"; filled marks: solved more or less often than "
            f"{label_text(summary.pairing.baseline)}, p at most {LEVEL} (exact McNemar, "
            f"{family(number, named=number)})"
        )
    caption = _caption_variants(
        summary,
        f"{title[:1].upper()}{title[1:]}",
        f"bars: 95 % intervals, of the share and of the median epochs; upright line: the last "
        f"epoch{marks}",
        describe,
        setting,
    )
    return replace(caption, numbers=(*caption.numbers, *more))


def _caption_variants(
    summary: Summary,
    title: str,
    sentence: str,
    describe: Callable[[VariantSummary], str],
    setting: Sequence[str],
) -> Caption:
    """A caption with a phrase for each variant, in the order of the table."""
    trained = trained_variants(summary)
    failed = [label_text(variant.label) for variant in summary.variants if variant.failure]
    absent = [f"not trained: {listed(failed)}"] if failed else []
    if not trained:
        what = label_text(summary.experiment.task.name)
        reasons = [result_line(summary.experiment, variant) for variant in summary.variants]
        return Caption(f"Nothing was trained on {what}", "", (*reasons, *setting), tuple(reasons))
    numbers = [f"{label_text(variant.label)}: {describe(variant)}" for variant in trained]
    return Caption(title, sentence, (*absent, *setting), (*numbers, *absent))


def _ends(variants: Sequence[VariantSummary], value: Callable[[VariantSummary], str]) -> str:
    """All of a few variants, else the first and the last, each with its value."""
    shown = [f"{label_text(variant.label)} {value(variant)}" for variant in variants]
    if len(shown) <= MAX_TITLE_VARIANTS:
        return ", ".join(shown)
    return f"from {shown[0]} to {shown[-1]}"


def _when(variants: Sequence[VariantSummary], at: str) -> str:
    """At which epoch they ended, if it is the same for all."""
    ends = {variant.epochs[-1] for variant in variants}
    return at.format(ends.pop()) if len(ends) == 1 else "at the end"


def _grey_lines(variants: Sequence[VariantSummary]) -> str:
    thin = len(variants) - MAX_COLOURS
    return f"; thin and grey: the {count(thin, 'variant')} behind the first" if thin > 0 else ""


def _of_seeds(solved: Solved) -> str:
    return f"{solved.k} of {count(solved.n, 'seed')}"


def _undrawn(number: int, what: str) -> list[str]:
    return [f"not drawn: {count(number, f'more {what}')}"] if number > 0 else []


# --- sweeps --------------------------------------------------------------------------------------


def sweep_caption(outcome: SweepOutcome, setting: Sequence[str] = ()) -> Caption:
    """The words of a map of a sweep."""
    axes, cells, base = outcome.axes, outcome.summaries, outcome.base
    done = {cell: found for cell, found in cells.items() if found is not None}
    trained = {cell: found for cell, found in done.items() if not found.failure}
    half = sum(found.solved.rate >= HALF for found in trained.values())
    swept = {axis.name.partition(".")[0] for axis in axes}
    activation = "all activations" if "activation" in swept else base.variants[0].label
    task = "all tasks" if "task" in swept else label_text(base.task.name)
    numbers = [f"swept: {_axis_names(axes)}"]
    if trained:
        best = max(trained, key=lambda cell: trained[cell].solved.rate)
        where = ", ".join(
            f"{label_text(axis.name)} {label_text(value)}"
            for axis, value in zip(axes, best, strict=True)
        )
        numbers.append(f"the most are solved at {where}: {_of_seeds(trained[best].solved)}")
    return Caption(
        f"{label_text(activation)} on {task}: at least half of the seeds are solved in {half} of "
        f"{count(len(cells), 'cell')}",
        "hatching: what became of most seeds where fewer than half are solved; a line parts these "
        "from the others"
        if len(axes) > 1
        else "band: 95 % Wilson interval of each cell",
        (*_missing_cells(axes, cells, len(done) - len(trained)), *setting),
        tuple(numbers),
    )


def difference_caption(
    two: TwoSweeps, names: tuple[str, str], setting: Sequence[str] = ()
) -> Caption:
    """The words of a map of how two sweeps of these names differ."""
    first, second = map(label_text, names)
    known = [pair for pair in two.cells.values() if pair is not None]
    claims = [pair.paired.claim for pair in known if pair.paired is not None]
    cells = count(len(two.cells), "cell")
    if claims:
        result = (
            f"significantly more seeds are solved in {claims.count('more')} and fewer in "
            f"{claims.count('less')} of {cells}"
        )
        test = f"*: p at most {LEVEL} (exact McNemar, {family(len(claims), named=len(claims))})"
    else:
        result = f"{cells}, of which no difference is tested"
        test = f"not paired by seed: {two.unpaired or 'no seeds in common'}"
    failed = sum(pair.difference is None for pair in known)
    return Caption(
        f"{second} against {first}: {result}",
        f"share of the seeds solved, {second} minus {first}; {test}",
        (*_missing_cells(two.axes, two.cells, failed), *setting),
        (f"swept: {_axis_names(two.axes)}",),
    )


def _axis_names(axes: Sequence[Axis]) -> str:
    return " and ".join(label_text(axis.name) for axis in axes)


def _missing_cells(
    axes: Sequence[Axis], cells: Mapping[tuple[str, ...], object], failed: int
) -> list[str]:
    """What the marks of cells without a number mean, and how many maps are not drawn."""
    absent = sum(found is None for found in cells.values())
    maps = len(select_maps(axes, cells)) - MAX_PANELS if len(axes) > 1 else 0
    return [
        *([f"cross: {count(failed, 'cell')} not trained"] if failed else []),
        *([f"dot: {count(absent, 'cell')} without a result"] if absent else []),
        *_undrawn(maps, "map"),
    ]


# --- networks of one variant, at some epochs -----------------------------------------------------


def activation_caption(
    activation: Activation,
    snapshots: Sequence[Snapshot],
    *,
    experiment: Experiment | None = None,
    numbers: VariantSummary | None = None,
    setting: Sequence[str] = (),
) -> Caption:
    """The words of a picture of an activation, and of the pre-activations it was given.

    Args:
        activation: Of the hidden layers.
        snapshots: In rising order; may be empty.
        experiment: What was trained, with the seeds that the snapshots have.
        numbers: What became of the variant.
        setting: Lines that say what was trained.
    """
    label = numbers.label if numbers else activation.name
    what = on_task(experiment, label) if experiment else label_text(label)
    formula = f"f(x) = {label_text(activation.formula, 80)}"
    breaks = [
        f"{'jump' if found.jump else 'kink'} at x = {short(found.x)}"
        for found in activation.function.breaks
    ]
    if not snapshots:
        failed = bool(numbers and numbers.failure)
        reason = result_line(experiment, numbers) if experiment and numbers and failed else ""
        title = f"{what}: nothing was trained" if failed else f"{what}: {formula}"
        more = (formula,) if failed else ()
        parts = (*filter(None, [reason]), *more, *breaks)
        return Caption(title, "", (*filter(None, [reason]), *setting), parts)
    last, seeds = snapshots[-1], len(snapshots[0].predictions)
    ended = f"solved {_of_seeds(numbers.solved)}; " if numbers and numbers.solved.n else ""
    if experiment and numbers and seeds != len(numbers.seeds):
        ended = f"{named_seeds(experiment.seeds)}; "
    epochs = [f"epoch {snap.epoch}: {describe_pieces(activation, snap)}" for snap in snapshots]
    return Caption(
        f"{what}: {ended}hidden pre-activations at epoch {last.epoch}: "
        f"{describe_pieces(activation, last, 1)}",
        f"histograms: the pre-activations of every hidden unit for every sample, "
        f"{count(seeds, 'seed')}",
        tuple(setting),
        (formula, *([", ".join(breaks)] if breaks else []), *epochs),
    )


def describe_pieces(activation: Activation, snapshot: Snapshot, most: int = MAX_ALT_PARTS) -> str:
    """On which linear pieces the hidden pre-activations lie; on the fullest, at most so many."""
    found = count_on_pieces(activation, snapshot)
    if not found.finite:
        return "no pre-activation is finite"
    lost = found.number - found.finite
    not_finite = f"; {lost} of {found.number} are not finite" if lost else ""
    if not any(found.counts):
        low, high = middle_range(snapshot)
        return f"the middle 95 % on x from {low:.3g} to {high:.3g}{not_finite}"
    pieces, on = activation.linear_pieces, found.on_piece
    largest = sorted(range(len(pieces)), key=lambda place: -on[place])[:most]
    parts = [f"{percent(on[place])} on {piece_name(pieces[place])}" for place in sorted(largest)]
    rest = found.finite - sum(found.counts[place] for place in largest)
    if rest and most > 1:
        parts.append(f"{percent(rest / found.finite)} elsewhere")
    return f"{', '.join(parts)}{not_finite}"


def surface_caption(
    experiment: Experiment,
    variant: Variant,
    snapshots: Sequence[Snapshot],
    *,
    seed: int | None,
    setting: Sequence[str] = (),
) -> Caption:
    """The words of a picture of what networks predict over the plane of their inputs.

    Args:
        experiment: Whose seeds the snapshots have.
        variant: Whose snapshots they are.
        snapshots: In rising order; may be empty.
        seed: One of the seeds, or None for the mean over all.
        setting: Lines that say what was trained.

    Raises:
        ValueError: If there is no such seed.
    """
    places = select_seed(experiment, seed)
    samples = count(len(experiment.task.targets), "sample")

    def describe(snapshot: Snapshot) -> str:
        right = right_samples(experiment, mean_predictions(snapshot, places))
        of_mean = f"right on {int(right.sum())} of {samples}"
        if len(places) == 1:
            return f"{named_seeds([experiment.seeds[places[0]]])} is {of_mean}"
        every = right_samples(experiment, snapshot.predictions[places]).all(axis=1)
        return (
            f"{int(every.sum())} of {len(places)} seeds are right on all samples, the mean of "
            f"their predictions is {of_mean}"
        )

    what = on_task(experiment, variant.label)
    epochs = [f"epoch {snapshot.epoch}: {describe(snapshot)}" for snapshot in snapshots]
    breaks = [short(found.x) for found in variant.activation.function.breaks]
    where = listed(breaks) or "0"
    lines = len(places) * experiment.hidden[0] * max(1, len(breaks)) if experiment.hidden else 0
    some = f" (at most {MAX_BENDS} of {lines} drawn)" if lines > MAX_BENDS else ""
    sentence = f"thin lines: where a unit of the first hidden layer has pre-activation {where}"
    return Caption(
        f"{what}, {epochs[-1]}" if epochs else f"{what}: nothing was trained",
        f"{sentence}{some}" if lines and epochs else "",
        tuple(setting),
        tuple(epochs[:-1]),
    )
