"""The words of pictures: what each shows, from the numbers that `hsig.figures` draws."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, isinf, isnan

import numpy as np

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
    needs_log_axis,
    prediction_range,
    right_samples,
    select_maps,
    select_seed,
    select_seed_lines,
)
from hsig.analysis.summary import MEDIAN, Solved, Summary, VariantSummary
from hsig.analysis.sweeps import CellSummary, SweepOutcome, TwoSweeps
from hsig.arrays import Array
from hsig.escaping import escape_control
from hsig.experiments.experiment import Experiment, Variant
from hsig.experiments.snapshots import Snapshot
from hsig.experiments.sweeps import Axis
from hsig.reports.columns import which_cost
from hsig.reports.comparison import answer, best_first, family
from hsig.reports.explanation import piece_name
from hsig.reports.page import brief, count, interval, listed, percent, rate_of, short, shortened
from hsig.reports.phrases import heading, named_seeds, result_line

# --- caption -------------------------------------------------------------------------------------

# The words of a picture, and how they are put.

TOLD_MOST = 8  # variants, pieces or epochs that are told one by one
_LABEL_MOST = 40  # characters of a label in a sentence
_LINE_MOST = 400  # of a title, a sentence, or a line of the footnote
_DIGITS = 12  # of a digest


@dataclass(frozen=True)
class Caption:
    """The words of a picture, in characters that are seen.

    Attributes:
        title: What it shows, in one line.
        alt: The same in sentences, for those who do not see it.
        footnote: Lines: how to read it, the setting, and the digest of the run.
    """

    title: str
    alt: str
    footnote: tuple[str, ...]


def caption(title: str, told: Iterable[str], notes: Iterable[str], digest: str = "") -> Caption:
    """The words of a picture.

    Args:
        title: What it shows.
        told: Sentences without a full stop that say more of it; empty ones are left out.
        notes: Lines of the footnote; empty ones are left out.
        digest: Of the run; may be empty.
    """
    last = f"run digest {digest[:_DIGITS]}" if digest else ""
    sentences = [_line(sentence) for sentence in (title, *told) if sentence]
    return Caption(
        title=_line(title),
        alt=f"{'. '.join(sentences)}.",
        footnote=tuple(_line(note) for note in (*notes, last) if note),
    )


def _line(text: str) -> str:
    return shortened(escape_control(text), _LINE_MOST)


def named(label: str, most: int = _LABEL_MOST) -> str:
    """A label, or another text from outside, as a sentence has it."""
    return shortened(escape_control(label), most)


def subject(experiment: Experiment) -> str:
    """What was trained, as the heading of its page has it."""
    if len(experiment.variants) == 1:
        return named(experiment.variants[0].label)
    return count(len(experiment.variants), "variant")


def on_task(experiment: Experiment, label: str) -> str:
    """`hard on xor`."""
    return f"{named(label)} on {named(experiment.task.name)}"


def of_seeds(solved: Solved) -> str:
    """`3 of 100 seeds`."""
    return f"{solved.k} of {count(solved.n, 'seed')}"


def joined(names: Sequence[str]) -> str:
    """`a, b and c`."""
    *front, last = names
    return f"{', '.join(front)} and {last}" if front else last


# --- of variants ---------------------------------------------------------------------------------

# The words of pictures that show all variants of an experiment.

_TITLED_MOST = 4  # variants in a title
Setting = Sequence[str]
Told = Callable[[VariantSummary], str]


def costs_caption(summary: Summary, digest: str = "", setting: Setting = ()) -> Caption:
    """The words of a picture of the costs over the epochs.

    Args:
        summary: What is drawn.
        digest: Of the run; may be empty.
        setting: Lines that say what was trained; by default those of the experiment.
    """
    trained, which = trained_of(summary), which_cost(summary.experiment)
    if not trained:
        return _nothing(summary, digest, setting)

    def ends(variant: VariantSummary) -> tuple[str, ...]:
        lower, median, upper = variant.cost[:, -1].tolist()
        return tuple(map(brief, (float(variant.cost[MEDIAN, 0]), lower, median, upper)))

    if len(trained) == 1:
        first, _, median, _ = ends(trained[0])
        title = (
            f"{on_task(summary.experiment, trained[0].label)}: the median of the {which} goes from "
            f"{first} to {median} in {trained[0].epochs[-1]} epochs"
        )
    else:
        by_cost = sorted(trained, key=lambda v: (isnan(v.cost[MEDIAN, -1]), v.cost[MEDIAN, -1]))
        title = f"Median of the {which} {_when(trained)}: " + _ends(by_cost, lambda v: ends(v)[2])

    def told(variant: VariantSummary) -> str:
        first, lower, median, upper = ends(variant)
        return (
            f"median {first} at first, {median} after {variant.epochs[-1]} epochs (quartiles "
            f"{lower} and {upper})"
        )

    notes = [_seeds_drawn(trained), _at_the_edge(trained), *_gaps(trained), *_uncoloured(trained)]
    return _of_all(summary, title, told, notes, digest, setting)


def solved_caption(summary: Summary, digest: str = "", setting: Setting = ()) -> Caption:
    """The words of a picture of how many seeds are solved by when; as `costs_caption`."""
    trained = trained_of(summary)
    if not trained:
        return _nothing(summary, digest, setting)
    found = {variant.label: count_solved_by_epoch(variant) for variant in trained}
    ends = {label: Solved.of(int(curve.seeds[-1]), curve.of) for label, curve in found.items()}
    if len(trained) == 1:
        (only,) = trained
        what, end = on_task(summary.experiment, only.label), ends[only.label]
        title = f"{what}: {of_seeds(end)} solved at least once by epoch {only.epochs[-1]}"
        if only.solved.k != end.k:
            title += f", {only.solved.k} at the end"
    else:
        by = _when(trained).replace("after ", "by epoch ").removesuffix(" epochs")
        by_share = sorted(trained, key=lambda v: -ends[v.label].rate)
        title = f"Solved at least once {by}: " + _ends(by_share, lambda v: rate_of(ends[v.label]))

    def told(variant: VariantSummary) -> str:
        end, half = ends[variant.label], variant.epochs_to_solve[0]
        by_half = f", half of all by epoch {half:.0f}" if isfinite(half) else ""
        return (
            f"{of_seeds(end)} solved at least once by epoch {variant.epochs[-1]} (95 % Wilson "
            f"interval {interval(end)}){by_half}"
        )

    notes = [
        "line: share of the seeds solved at least once by then; band: its 95 % Wilson interval; "
        "seeds that diverged count as not solved",
        *_lost(trained),
        *_uncoloured(trained),
    ]
    return _of_all(summary, title, told, notes, digest, setting)


def verdicts_caption(summary: Summary, digest: str = "", setting: Setting = ()) -> Caption:
    """The words of a picture of what the seeds are over the epochs; as `costs_caption`."""
    trained = trained_of(summary)
    if not trained:
        return _nothing(summary, digest, setting)

    def told(variant: VariantSummary) -> str:
        ends = {word: int(number[-1]) for word, number in count_states(variant).items()}
        parts = ", ".join(f"{number} {word}" for word, number in ends.items() if number)
        return f"after {count(variant.epochs[-1], 'epoch')}, of {_seeds(variant)}: {parts}"

    if len(trained) == 1:
        (only,) = trained
        ended = ", ".join(f"{number} {word}" for word, number in only.verdicts.items())
        title = f"{on_task(summary.experiment, only.label)}: of {_seeds(only)}, {ended}"
    else:
        title = "Solved at the end: " + _ends(trained, lambda v: rate_of(v.solved))
    missing = [named(variant.label) for variant in trained[MAX_PANELS:]]
    notes = [
        f"areas: share of the seeds{_seen(trained)}, by what can be said at that moment; the "
        "verdict at the end also looks ahead, and may be frozen, unstable, plateau or slow",
        f"not drawn: {', '.join(missing)}" if missing else "",
    ]
    return _of_all(summary, title, told, notes, digest, setting)


def comparison_caption(summary: Summary, digest: str = "", setting: Setting = ()) -> Caption:
    """The words of a picture of all variants side by side; as `costs_caption`."""
    trained = trained_of(summary)
    if not trained:
        return _nothing(summary, digest, setting)
    title, *others = answer(summary.experiment, best_first(summary.variants), summary.pairing)

    def told(variant: VariantSummary) -> str:
        return f"{rate_of(variant.solved)} solved ({interval(variant.solved)}), {_half(variant)}"

    notes = [
        "bars: 95 % intervals, of the share (Wilson), and of the median number of epochs after "
        "which a seed is solved for the first time (order statistics)",
        "upright line on the right: the last epoch; an arrow: not by then",
        *_claims(summary),
        *_lost(trained),
    ]
    made = f"{title[0].upper()}{title[1:]}"
    return _of_all(summary, made, told, notes, digest, setting, others)


def _half(variant: VariantSummary) -> str:
    """When half of the seeds had been solved."""
    epoch, low, high = variant.epochs_to_solve
    if isinf(epoch):
        return f"fewer than half had been by epoch {variant.epochs[-1]}"
    to = f"to {high:.0f}" if isfinite(high) else "or later"
    return f"half had been by epoch {epoch:.0f} ({low:.0f} {to})"


# --- what several say -------------------------------------------------------------------------


def _of_all(
    summary: Summary,
    title: str,
    told: Told,
    notes: Sequence[str],
    digest: str,
    setting: Setting,
    more: Sequence[str] = (),
) -> Caption:
    """A caption that tells of each variant, in the order of the table."""
    trained, absent = trained_of(summary), _absent(summary)
    shown = {named(variant.label): told(variant) for variant in trained[:TOLD_MOST]}
    each = [f"{label}: {said}" for label, said in shown.items() if said not in title]
    others = len(trained) - TOLD_MOST
    rest = [f"And {count(others, 'more variant')}"] if others > 0 else []
    sentences = [*more, *each, *rest, *absent]
    return caption(title, sentences, [*notes, *absent, *_setting(summary, setting)], digest)


def _nothing(summary: Summary, digest: str, setting: Setting) -> Caption:
    """Of a picture of nothing."""
    experiment = summary.experiment
    reasons = [result_line(experiment, variant) for variant in summary.variants]
    what = on_task(experiment, subject(experiment))
    return caption(
        f"{what}: nothing was trained",
        reasons,
        [*reasons, *_setting(summary, setting)],
        digest,
    )


def _setting(summary: Summary, setting: Setting) -> Setting:
    return setting or heading(summary.experiment, subject(summary.experiment))


def trained_of(summary: Summary) -> list[VariantSummary]:
    """The variants that are in a picture, in the order of the table."""
    return [variant for variant in best_first(summary.variants) if not variant.failure]


def _ends(variants: Sequence[VariantSummary], told: Told) -> str:
    """All of a few variants, else the first and the last, with what there is to say of each."""
    shown = [f"{named(v.label, 24)} {told(v)}" for v in variants]
    if len(shown) <= _TITLED_MOST:
        return ", ".join(shown)
    return f"from {shown[0]} to {shown[-1]}"


def _when(variants: Sequence[VariantSummary]) -> str:
    """At which epoch, if it is the same for all."""
    ends = {variant.epochs[-1] for variant in variants}
    return f"after {ends.pop()} epochs" if len(ends) == 1 else "at the end"


def _absent(summary: Summary) -> list[str]:
    """Which variants are not in the picture."""
    failed = [named(variant.label) for variant in summary.variants if variant.failure]
    begun = {variant.label for variant in summary.variants}
    missing = [named(v.label) for v in summary.experiment.variants if v.label not in begun]
    return [
        *([f"not trained: {listed(failed)}"] if failed else []),
        *([f"no result yet: {listed(missing)}"] if missing else []),
    ]


def _uncoloured(variants: Sequence[VariantSummary]) -> list[str]:
    more = len(variants) - MAX_COLOURS
    return [f"thin and grey: the {count(more, 'variant')} behind the first {MAX_COLOURS}"] * (
        more > 0
    )


def _lost(variants: Sequence[VariantSummary]) -> list[str]:
    lost = [f"{named(v.label)} {v.lost} of {len(v.seeds)}" for v in variants if v.lost]
    what = "solved once, and later not, for an epoch at least"
    return [f"{what}: {listed(lost)}"] if lost else []


def _seeds_drawn(variants: Sequence[VariantSummary]) -> str:
    """What the lines are, and of how many seeds there is one."""
    numbers = {len(variant.seeds) for variant in variants}
    most = max(numbers)
    if most == 1:
        return "one seed" if len(variants) == 1 else "one seed of each variant"
    drawn = len(select_seed_lines(most, len(variants)))
    single = f"{drawn} of {most} seeds drawn" if drawn < most else "all seeds"
    if len(numbers) > 1:
        single = f"at most {drawn} seeds"
    each = " of each variant" if len(variants) > 1 else ""
    lines = f"line: median over the seeds{_seen(variants)}"
    return f"{lines}; band: quartiles; faint lines: {single}{each}"


def _seen(variants: Sequence[VariantSummary]) -> str:
    """At how many checkpoints, if it is the same for all."""
    checkpoints = {len(variant.epochs) for variant in variants}
    return f", seen at {count(checkpoints.pop(), 'checkpoint')}" if len(checkpoints) == 1 else ""


def _seeds(variant: VariantSummary) -> str:
    return count(len(variant.seeds), "seed")


def _at_the_edge(variants: Sequence[VariantSummary]) -> str:
    """Where costs of 0 are, which a logarithmic scale does not have."""
    shown = variants[:MAX_COLOURS]
    if not needs_log_axis(variant.cost[MEDIAN] for variant in shown):
        return ""
    drawn: list[Array] = [v.costs[select_seed_lines(len(v.seeds), len(variants))] for v in shown]
    drawn += [variant.cost for variant in variants]
    zero = any(bool((costs <= 0.0).any()) for costs in drawn)
    return "a line that falls out of the picture falls to 0" if zero else ""


def _gaps(variants: Sequence[VariantSummary]) -> list[str]:
    found = [
        f"{named(v.label)} {len(v.not_finite)} of {len(v.seeds)}" for v in variants if v.not_finite
    ]
    what = "gaps, some of them at the first epoch: a cost is not finite, of seeds"
    return [f"{what}: {listed(found)}"] if found else []


def _claims(summary: Summary) -> list[str]:
    """What the marks are of."""
    if summary.pairing is None:
        return []
    number = len(summary.pairing.against)
    return [
        f"marks: solved more or less often than {named(summary.pairing.baseline)}, p at most "
        f"{LEVEL} (exact McNemar, {family(number, named=number)})"
    ]


# --- of sweeps -----------------------------------------------------------------------------------

# The words of pictures of sweeps.

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
    more = len(select_maps(axes, cells)) - MAX_PANELS
    others = joined([named(axis.name) for axis in axes[:-2]]) if more > 0 else ""
    return [f"not drawn: {count(more, 'map')} for other values of {others}"] if more > 0 else []


# --- of networks ---------------------------------------------------------------------------------

# The words of pictures that show the networks of one variant, at some epochs.

_FORMULA_MOST = 80  # characters


def activation_caption(
    activation: Activation,
    moments: Sequence[Snapshot],
    *,
    experiment: Experiment | None = None,
    numbers: VariantSummary | None = None,
    digest: str = "",
) -> Caption:
    """The words of a picture of an activation, and of what it was given.

    Args:
        activation: Of the hidden layer.
        moments: In rising order; may be empty.
        experiment: What was trained, with the seeds that the moments have; None if nothing was.
        numbers: What became of it, if that is to be told.
        digest: Of the run; may be empty.
    """
    label = named(numbers.label if numbers else activation.name)
    what = on_task(experiment, label) if experiment is not None else label
    formula = f"f(x) = {named(activation.formula, _FORMULA_MOST)}"
    failure = result_line(experiment, numbers) if experiment and numbers and numbers.failure else ""
    ended = f"solved {of_seeds(numbers.solved)}" if numbers and not numbers.failure else ""
    if moments:
        seen = len(moments[0].pre_activations)
        some = numbers is not None and not numbers.failure and seen != len(numbers.seeds)
        which = f", {named_seeds(experiment.seeds)}" if some and experiment else ""
        all_of_them = f"{ended}; " if ended and not some else ""
        last = f"{most_of(activation, moments[-1])} at epoch {moments[-1].epoch}"
        title = f"{what}{which}: {all_of_them}{last}"
    else:
        title = f"{what}: {'nothing was trained' if failure else formula}"
    breaks = [
        f"{'jump' if b.jump else 'kink'} at x = {short(b.x)}" for b in activation.function.breaks
    ]
    told = [
        failure,
        "" if formula in title else formula,
        listed(breaks),
        f"Of all seeds: {ended}" if ended and ended not in title else "",
        *(f"epoch {moment.epoch}: {told_where(activation, moment)}" for moment in moments),
    ]
    how = "histograms: the pre-activations of every hidden unit for every sample"
    notes = [
        failure,
        f"{how}, {count(len(moments[0].pre_activations), 'seed')}" if moments else "",
        *(heading(experiment, label) if experiment else ()),
    ]
    return caption(title, told, notes, digest)


def told_where(activation: Activation, moment: Snapshot) -> str:
    """On which linear pieces the hidden pre-activations of one epoch lie."""
    found = count_on_pieces(activation, moment)
    if not found.finite:
        return "no pre-activation is finite"
    lost = found.number - found.finite
    not_finite = f"; {lost} of {found.number} are not finite" if lost else ""
    pieces, on = activation.linear_pieces, found.on_piece
    if not pieces:
        low, high = middle_range(moment)
        return f"the middle 95 % on x from {low:.3g} to {high:.3g}{not_finite}"
    most = sorted(range(len(pieces)), key=lambda place: -on[place])[:TOLD_MOST]
    parts = [f"{percent(on[place])} on {piece_name(pieces[place])}" for place in sorted(most)]
    rest = found.finite - sum(found.counts[place] for place in most)
    if rest:
        parts.append(f"{percent(rest / found.finite)} elsewhere")
    return f"{', '.join(parts)}{not_finite}"


def most_of(activation: Activation, moment: Snapshot) -> str:
    """Where most hidden pre-activations of one epoch lie."""
    found = count_on_pieces(activation, moment)
    if not found.finite:
        return "no hidden pre-activation is finite"
    if not any(found.counts):
        low, high = middle_range(moment)
        some = "" if found.finite == found.number else "finite "
        return (
            f"the middle 95 % of the {some}hidden pre-activations lie on x from {low:.3g} to "
            f"{high:.3g}"
        )
    most = int(np.argmax(found.counts))
    name = piece_name(activation.linear_pieces[most])
    if found.counts[most] == found.number:
        return f"every hidden pre-activation lies on {name}"
    share = percent(found.counts[most] / found.number)
    return f"{share} of the hidden pre-activations lie on {name}"


def surface_caption(
    experiment: Experiment,
    variant: Variant,
    moments: Sequence[Snapshot],
    *,
    seed: int | None,
    digest: str = "",
) -> Caption:
    """The words of a picture of what networks predict over the plane of their inputs.

    Args:
        experiment: Whose seeds the moments have.
        variant: Whose moments they are.
        moments: In rising order; may be empty.
        seed: One of the seeds, or None for the mean over all.
        digest: Of the run; may be empty.

    Raises:
        ValueError: If there is no such seed.
    """
    places = select_seed(experiment, seed)
    seeds = [experiment.seeds[place] for place in places]
    whose = named_seeds(seeds) if len(seeds) == 1 else "the mean of their predictions, drawn here"
    shown = replace(experiment, seeds=tuple(seeds))
    samples = count(len(experiment.task.targets), "sample")

    def right(moment: Snapshot) -> str:
        """Of one seed, on how many samples it is; of several, how many are on all of them."""
        found = right_samples(experiment, mean_predictions(moment, places))
        shown = f"right on {int(found.sum())} of {samples}"
        if len(seeds) == 1:
            return f"{whose} is {shown}"
        every = right_samples(experiment, moment.predictions[places]).all(axis=1)
        all_right = f"{int(every.sum())} of {len(seeds)} seeds are right on all samples"
        return f"{all_right} ({whose}: {shown})"

    what = on_task(experiment, variant.label)
    title = f"{what}: nothing was trained"
    if moments:
        title = f"{what}, epoch {moments[-1].epoch}: {right(moments[-1])}"
    told = [f"epoch {moment.epoch}: {right(moment)}" for moment in moments]
    notes = [
        *(_lines(experiment, variant, len(seeds)) if moments else ()),
        *heading(shown, named(variant.label)),
    ]
    return caption(title, told, notes, digest)


def _lines(experiment: Experiment, variant: Variant, seeds: int) -> list[str]:
    """What the lines and the colours are."""
    breaks = [short(found.x) for found in variant.activation.function.breaks]
    where = f"at a kink or jump ({listed(breaks)})" if breaks else "0, as it has no kink"
    number = seeds * experiment.hidden[0] * max(1, len(breaks))
    some = f"; at most {MAX_BENDS} of {number} are drawn" if number > MAX_BENDS else ""
    low, high = prediction_range(experiment, variant)
    colours = f"predictions below {short(low)} and above {short(high)} have the colours of these"
    return [
        f"thin lines: where the pre-activation of a hidden unit is {where}{some}",
        *([] if (low, high) == (0.0, 1.0) else [colours]),
    ]
