"""The words of pictures: a title with the finding, a sentence on how to read it, the setting."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isnan

import numpy as np

from hsig.activations import Activation
from hsig.analysis.pairing import BETTER, LEVEL, WORSE
from hsig.analysis.plot_data import (
    MAX_PANELS,
    centre,
    cost_curves,
    count_on_pieces,
    find_border,
    middle_range,
    right_samples,
    select_maps,
    shown_measure,
)
from hsig.analysis.summary import Solved, Summary, VariantSummary
from hsig.analysis.sweeps import SweepOutcome, TwoSweeps
from hsig.escaping import escape_control
from hsig.experiments.experiment import Checkpoint, Experiment
from hsig.experiments.measures import LOSS, RIGHT, Measure
from hsig.experiments.measures import SOLVED as IS_SOLVED
from hsig.experiments.sweeps import Axis
from hsig.reports.columns import which_cost
from hsig.reports.comparison import answer, best_first, family
from hsig.reports.page import (
    count,
    listed,
    measure_text,
    percent,
    rate_of,
    short,
    shortened,
)
from hsig.reports.phrases import least_held_out, named_seeds, result_line
from hsig.reports.story import piece_name

MAX_ALT_PARTS = 8


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


def measure_title(measure: Measure) -> str:
    """What a measure is, as the label of an axis."""
    rows = "held-out rows" if measure.held_out else "rows"
    if measure.name == LOSS:
        return "loss on the held-out rows" if measure.held_out else "loss of the weights"
    return f"{rows} right"


def measured_text(summary: Summary, variant: VariantSummary) -> str:
    """The measure that variants are compared by, of one of them: `3 of 100 solved`."""
    measure = shown_measure(summary)
    if measure.name == IS_SOLVED:
        return f"{rate_of(variant.solved)} solved"
    value = measure_text(measure.field, variant.median(measure.field))
    return f"{value} right" if measure.name == RIGHT else f"loss {value}"


def constant_name(measure: Measure) -> str:
    """What the line of `constant_measure` is called."""
    return "mean target alone" if measure.name == LOSS else "most frequent class"


def cost_words(summary: Summary) -> str:
    """Which cost curves show."""
    has_both = any(len(cost_curves(variant)) > 1 for variant in trained_variants(summary))
    return "loss of the weights" if has_both else which_cost(summary.experiment)


def variants_caption(
    summary: Summary, sentence: str, setting: Sequence[str] = (), *, panels: bool = False
) -> Caption:
    """The words of a picture of all variants: the answer of their comparison, and how to read it.

    Args:
        summary: The numbers.
        sentence: How to read the picture.
        setting: Lines that say what was trained.
        panels: Whether each variant has a panel of its own, of which there may be too many.
    """
    experiment, ranked = summary.experiment, best_first(summary.variants)
    results = [result_line(experiment, variant) for variant in ranked]
    failed = [label_text(variant.label) for variant in ranked if variant.failure]
    said = answer(experiment, ranked, summary.pairing)
    if not said:
        title = f"Nothing was trained on {label_text(experiment.task.name)}"
        return Caption(title, "", (*results, *setting), tuple(results))
    title = results[0] if len(ranked) == 1 else f"{said[0][:1].upper()}{said[0][1:]}"
    absent = [f"not trained: {listed(failed)}"] if failed else []
    missing = _missing_panels(len(ranked) - len(failed), "variant") if panels else []
    numbers = (*said[1:], *results[len(ranked) == 1 :], *least_held_out(ranked))
    return Caption(title, sentence, (*absent, *missing, *setting), numbers)


def comparison_sentence(summary: Summary) -> str:
    """How to read the picture of all variants side by side."""
    measure, pairing = shown_measure(summary), summary.pairing
    is_solved = measure.name == IS_SOLVED
    bars = "95 % intervals; upright line: the last epoch" if is_solved else "quartiles over seeds"
    if pairing is None:
        return f"bars: {bars}"
    test, claim = ("McNemar", "more or less often") if is_solved else ("sign test", "better, worse")
    right = "" if is_solved else ", at the right 95 % intervals of the median difference"
    number = len(pairing.against)
    corrected = family(number, named=number)
    return f"bars: {bars}{right}; {claim}: p at most {LEVEL} (exact {test}, {corrected})"


def _of_seeds(solved: Solved) -> str:
    return f"{solved.k} of {count(solved.n, 'seed')}"


def _missing_panels(number: int, what: str) -> list[str]:
    more = number - MAX_PANELS
    return [f"not drawn: {count(more, f'more {what}')}"] if more > 0 else []


# --- sweeps --------------------------------------------------------------------------------------


def sweep_caption(outcome: SweepOutcome, setting: Sequence[str] = ()) -> Caption:
    """The words of a map of a sweep."""
    axes, cells, base = outcome.axes, outcome.summaries, outcome.base
    measure, border = base.chosen_measure, find_border(outcome)
    is_solved, sign = measure.name == IS_SOLVED, -1.0 if measure.name == LOSS else 1.0
    done = [cell for cell in cells.values() if cell is not None]
    trained = {v: cell for v, cell in cells.items() if cell is not None and not cell.failure}
    values = {v: sign * centre(cell, measure)[0] for v, cell in trained.items()}
    swept = {axis.name.partition(".")[0] for axis in axes}
    activation = "all activations" if "activation" in swept else base.variants[0].label
    task = "all tasks" if "task" in swept else label_text(base.task.name)
    numbers = [f"swept: {listed([label_text(axis.name) for axis in axes])}"]
    if trained:
        best = max(values, key=lambda v: -inf if isnan(values[v]) else values[v])
        names = [label_text(axis.name) for axis in axes]
        where = ", ".join(map(" ".join, zip(names, map(label_text, best), strict=True)))
        value = measure_text(measure.field, sign * values[best])
        found = _of_seeds(trained[best].solved) if is_solved else f"{value} in the median"
        most = "the most are solved" if is_solved else f"{measure_title(measure)}: best"
        numbers.append(f"{most} at {where}: {found}")
    good = sum(value >= sign * (border or 0.0) for value in values.values())
    result = f"at least half of the seeds are solved in {good} of {count(len(cells), 'cell')}"
    bars = "95 % Wilson intervals"
    lines = "hatching: what became of most seeds where fewer than half are solved; a line parts "
    lines += "these from the others"
    if not is_solved:
        bars, lines = "quartiles over seeds", f"{measure_title(measure)}, median over seeds"
        result = numbers.pop() if trained else "nothing was trained"
        if border is not None:
            alone = f"{constant_name(measure)}, {measure_text(measure.field, border)}"
            numbers.append(f"as good as this or better: {good} of {count(len(cells), 'cell')}")
            lines += f"; a line parts those that are at least as good as the {alone}"
    return Caption(
        f"{label_text(activation)} on {task}: {result}",
        lines if len(axes) > 1 else f"bars: {bars}",
        (*_missing_cells(axes, cells, len(done) - len(trained)), *setting),
        tuple(numbers),
    )


def difference_caption(
    two: TwoSweeps, names: tuple[str, str], setting: Sequence[str] = ()
) -> Caption:
    """The words of a map of how two sweeps of these names differ."""
    first, second = map(label_text, names)
    is_solved = two.measure.name == IS_SOLVED
    known = [pair for pair in two.cells.values() if pair is not None]
    claims = [pair.paired.claim for pair in known if pair.paired is not None]
    cells = count(len(two.cells), "cell")
    if claims:
        more, fewer = ("more seeds are solved", "fewer") if is_solved else ("better", "worse")
        result = (
            f"significantly {more} in {claims.count(BETTER)} and {fewer} in "
            f"{claims.count(WORSE)} of {cells}"
        )
        test = "McNemar" if is_solved else "sign test"
        test = f"*: p at most {LEVEL} (exact {test}, {family(len(claims), named=len(claims))})"
    else:
        result = f"{cells}, of which no difference is tested"
        test = f"not paired by seed: {two.unpaired or 'no seeds in common'}"
    failed = sum(pair.difference is None for pair in known)
    what = "share of the seeds solved" if is_solved else f"median {measure_title(two.measure)}"
    return Caption(
        f"{second} against {first}: {result}",
        f"{what}, {second} minus {first}; {test}",
        (*_missing_cells(two.axes, two.cells, failed), *setting),
    )


def _missing_cells(
    axes: Sequence[Axis], cells: Mapping[tuple[str, ...], object], failed: int
) -> list[str]:
    """What the marks of cells without a number mean, and how many maps are not drawn."""
    absent = sum(cell is None for cell in cells.values())
    return [
        *([f"cross: {count(failed, 'cell')} not trained"] if failed else []),
        *([f"dot: {count(absent, 'cell')} without a result"] if absent else []),
        *(_missing_panels(len(select_maps(axes, cells)), "map") if len(axes) > 1 else []),
    ]


# --- networks of one variant, at some epochs -----------------------------------------------------


def activation_caption(
    experiment: Experiment,
    variant: VariantSummary,
    snapshots: Sequence[Checkpoint],
    setting: Sequence[str] = (),
) -> Caption:
    """The words of a picture of an activation, and of the pre-activations it was given.

    Args:
        experiment: Of this variant alone, with the seeds that the snapshots have.
        variant: The numbers of all its seeds.
        snapshots: In rising order; empty if it could not be trained.
        setting: Lines that say what was trained.
    """
    activation = experiment.network_of(experiment.variants[0]).activations[0]
    what, layer = on_task(experiment, variant.label), shown_layer(experiment)
    breaks = [
        f"{'jump' if each.jump else 'kink'} at x = {short(each.x)}"
        for each in activation.function.breaks
    ]
    facts = (f"f(x) = {label_text(activation.formula, 80)}", *breaks)
    if not snapshots:
        reason = result_line(experiment, variant)
        return Caption(f"{what}: nothing was trained", "", (reason, *setting), (reason, *facts))
    seeds = named_seeds(experiment.seeds)
    if len(experiment.seeds) == len(variant.seeds):
        seeds = f"solved {_of_seeds(variant.solved)}"
    end = describe_pieces(activation, snapshots[-1], 1)
    return Caption(
        f"{what}: {seeds}; {layer} pre-activations at epoch {snapshots[-1].epoch}: {end}",
        f"histograms: the pre-activations of every {layer} unit for every sample, "
        f"{count(len(experiment.seeds), 'seed')}",
        tuple(setting),
        (*facts, *(f"epoch {s.epoch}: {describe_pieces(activation, s)}" for s in snapshots)),
    )


def describe_pieces(activation: Activation, snapshot: Checkpoint, most: int = MAX_ALT_PARTS) -> str:
    """On which linear pieces the pre-activations lie; on the fullest, at most so many."""
    counted = count_on_pieces(activation, snapshot)
    if not counted.finite:
        return "no pre-activation is finite"
    lost = counted.number - counted.finite
    not_finite = f"; {lost} of {counted.number} are not finite" if lost else ""
    if not any(counted.counts):
        low, high = middle_range(snapshot)
        return f"the middle 95 % on x from {low:.3g} to {high:.3g}{not_finite}"
    pieces, shares = activation.linear_pieces, counted.on_piece
    fullest = sorted(range(len(pieces)), key=lambda n: -shares[n])[:most]
    present = [n for n in sorted(fullest) if shares[n]]
    parts = [f"{percent(shares[n])} on {piece_name(pieces[n])}" for n in present]
    rest = counted.finite - sum(counted.counts[n] for n in present)
    if rest and most > 1:
        parts.append(f"{percent(rest / counted.finite)} elsewhere")
    return f"{', '.join(parts)}{not_finite}"


def surface_caption(
    experiment: Experiment, snapshots: Sequence[Checkpoint], setting: Sequence[str] = ()
) -> Caption:
    """The words of a picture of what networks predict over the plane of their inputs.

    Args:
        experiment: Of one variant, with the seeds that the snapshots have.
        snapshots: In rising order; empty if it could not be trained.
        setting: Lines that say what was trained.
    """
    (variant,), seeds = experiment.variants, experiment.seeds
    samples, measure = count(len(experiment.task.targets), "sample"), experiment.chosen_measure
    who = named_seeds(seeds) if len(seeds) == 1 else f"median of {len(seeds)} seeds"

    def describe(snapshot: Checkpoint) -> str:
        predictions = experiment.scaled_task.restore(snapshot.predictions)
        if not experiment.has_classes and measure.name == LOSS:
            with np.errstate(all="ignore"):
                errors = predictions - experiment.task.targets
                rmse = np.median(np.sqrt((errors**2).mean(axis=(1, 2))))
            return f"{who} has an RMSE of {measure_text('rmse', float(rmse))} on {samples}"
        right = right_samples(experiment, predictions).sum(axis=1)
        return f"{who} is right on {short(float(np.median(right)))} of {samples}"

    what = on_task(experiment, variant.label)
    if not snapshots:
        return Caption(f"{what}: nothing was trained", "", tuple(setting))
    *before, last = (f"epoch {snapshot.epoch}: {describe(snapshot)}" for snapshot in snapshots)
    breaks = experiment.network_of(variant).activations[0].function.breaks
    unit = "a unit of the first hidden layer" if experiment.hidden else "an output unit"
    at = listed([short(each.x) for each in breaks]) or 0
    outputs, classes = experiment.task.targets.shape[1], len(experiment.task.classes)
    first = f"the first of {outputs} outputs; " if outputs > 1 else ""
    first = "the class with the largest mean output; " if classes > 2 else first
    lines = f"{first}thin lines: {unit} has pre-activation {at}"
    return Caption(f"{what}, {last}", lines, tuple(setting), tuple(before))


def shown_layer(experiment: Experiment) -> str:
    """Whose pre-activations are shown: those of hidden units, unless there are none."""
    return "hidden" if experiment.hidden else "output"
