"""The words of pictures that show all variants of an experiment."""

from collections.abc import Callable, Sequence
from math import isfinite, isinf, isnan

from hsig.analysis.drawn import (
    COLOURED_MOST,
    PANELS_MOST,
    is_logarithmic,
    reached,
    seed_lines,
    states,
)
from hsig.analysis.pairing import LEVEL
from hsig.analysis.summary import MEDIAN, Solved, Summary, VariantSummary
from hsig.networks.arrays import Array
from hsig.reports.claims import answer, family
from hsig.reports.comparison import best_first
from hsig.reports.numbers import brief, count, listed
from hsig.reports.pictures.caption import (
    TOLD_MOST,
    Caption,
    caption,
    named,
    of_seeds,
    on_task,
    subject,
)
from hsig.reports.words import heading, interval, rate_of, result_line, which_cost

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
    found = {variant.label: reached(variant) for variant in trained}
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
        ends = {word: int(number[-1]) for word, number in states(variant).items()}
        parts = ", ".join(f"{number} {word}" for word, number in ends.items() if number)
        return f"after {count(variant.epochs[-1], 'epoch')}, of {_seeds(variant)}: {parts}"

    if len(trained) == 1:
        (only,) = trained
        ended = ", ".join(f"{number} {word}" for word, number in only.verdicts.items())
        title = f"{on_task(summary.experiment, only.label)}: of {_seeds(only)}, {ended}"
    else:
        title = "Solved at the end: " + _ends(trained, lambda v: rate_of(v.solved))
    missing = [named(variant.label) for variant in trained[PANELS_MOST:]]
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
    more = len(variants) - COLOURED_MOST
    return [f"thin and grey: the {count(more, 'variant')} behind the first {COLOURED_MOST}"] * (
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
    drawn = len(seed_lines(most, len(variants)))
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
    shown = variants[:COLOURED_MOST]
    if not is_logarithmic(variant.cost[MEDIAN] for variant in shown):
        return ""
    drawn: list[Array] = [v.costs[seed_lines(len(v.seeds), len(variants))] for v in shown]
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
