"""The words of pictures that show the networks of one variant, at some epochs."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hsig.analysis.drawn import (
    BENDS_MOST,
    mean_predictions,
    middle_of,
    of_seed,
    right_of,
    scale_of_predictions,
    shares,
)
from hsig.analysis.summary import VariantSummary
from hsig.experiments.experiment import Experiment, Variant
from hsig.experiments.moments import Moment
from hsig.networks.activations import Activation
from hsig.reports.numbers import count, listed, percent, short
from hsig.reports.pictures.caption import TOLD_MOST, Caption, caption, named, of_seeds, on_task
from hsig.reports.story import piece_name
from hsig.reports.words import heading, named_seeds, result_line

_FORMULA_MOST = 80  # characters


def activation_caption(
    activation: Activation,
    moments: Sequence[Moment],
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


def told_where(activation: Activation, moment: Moment) -> str:
    """On which linear pieces the hidden pre-activations of one epoch lie."""
    found = shares(activation, moment)
    if not found.finite:
        return "no pre-activation is finite"
    lost = found.number - found.finite
    not_finite = f"; {lost} of {found.number} are not finite" if lost else ""
    pieces, on = activation.linear_pieces, found.on_piece
    if not pieces:
        low, high = middle_of(moment)
        return f"the middle 95 % on x from {low:.3g} to {high:.3g}{not_finite}"
    most = sorted(range(len(pieces)), key=lambda place: -on[place])[:TOLD_MOST]
    parts = [f"{percent(on[place])} on {piece_name(pieces[place])}" for place in sorted(most)]
    rest = found.finite - sum(found.counts[place] for place in most)
    if rest:
        parts.append(f"{percent(rest / found.finite)} elsewhere")
    return f"{', '.join(parts)}{not_finite}"


def most_of(activation: Activation, moment: Moment) -> str:
    """Where most hidden pre-activations of one epoch lie."""
    found = shares(activation, moment)
    if not found.finite:
        return "no hidden pre-activation is finite"
    if not any(found.counts):
        low, high = middle_of(moment)
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
    moments: Sequence[Moment],
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
    places = of_seed(experiment, seed)
    seeds = [experiment.seeds[place] for place in places]
    whose = named_seeds(seeds) if len(seeds) == 1 else "the mean of their predictions, drawn here"
    shown = replace(experiment, seeds=tuple(seeds))
    samples = count(len(experiment.task.targets), "sample")

    def right(moment: Moment) -> str:
        """Of one seed, on how many samples it is; of several, how many are on all of them."""
        found = right_of(experiment, mean_predictions(moment, places))
        shown = f"right on {int(found.sum())} of {samples}"
        if len(seeds) == 1:
            return f"{whose} is {shown}"
        every = right_of(experiment, moment.predictions[places]).all(axis=1)
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
    some = f"; at most {BENDS_MOST} of {number} are drawn" if number > BENDS_MOST else ""
    low, high = scale_of_predictions(experiment, variant)
    colours = f"predictions below {short(low)} and above {short(high)} have the colours of these"
    return [
        f"thin lines: where the pre-activation of a hidden unit is {where}{some}",
        *([] if (low, high) == (0.0, 1.0) else [colours]),
    ]
