"""Why seeds of a variant were not solved, in paragraphs: each with the counts that show it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hsig.activations.names import to_text
from hsig.analysis.summary import Summary, VariantSummary
from hsig.arrays import Array, BoolArray
from hsig.engines.engine import NOT_REACHED
from hsig.experiments.evidence import FLAT_SLOPE, NO_BEND, NO_GRADIENT
from hsig.experiments.experiment import Training
from hsig.experiments.outlook import WINDOW
from hsig.experiments.verdicts import (
    AFFINE,
    CYCLING,
    DEAD,
    DIVERGED,
    FROZEN,
    PLATEAU,
    PLATEAU_DROP,
    SATURATED,
    SLOW,
    SOLVED,
    STOPPED,
    SYMMETRIC,
    UNREACHABLE,
    UNSTABLE,
    UNSTABLE_CHANGE,
    UNSTABLE_RISE,
    VERDICTS,
)
from hsig.formulas.function import LinearPiece
from hsig.reports.obstacles import describe_obstacle
from hsig.reports.page import (
    count,
    number,
    percent,
    short,
)
from hsig.reports.phrases import (
    CAUSES,
    chaos,
    verdict_counts,
)

_MAX_PREDICTIONS = 8
_ROUNDING = 1e-9  # of a weight, relative to 1 and its size: a move that no step is too large for


@dataclass(frozen=True, eq=False)
class Case:
    """The failed seeds of one verdict, with all that is known of them."""

    summary: Summary
    numbers: VariantSummary  # of the variant
    training: Training
    verdict: str

    @cached_property
    def failed(self) -> BoolArray:
        """Which seeds were not solved."""
        failed: BoolArray = self.training.verdict != VERDICTS.index(SOLVED)
        return failed

    @cached_property
    def mask(self) -> BoolArray:
        """Which seeds have the verdict."""
        mask: BoolArray = self.training.verdict == VERDICTS.index(self.verdict)
        return mask

    @property
    def subject(self) -> str:
        """`3 of 4 failed seeds`."""
        return f"{self.mask.sum()} of {self.failed.sum()} failed seeds"

    @property
    def loss(self) -> str:
        """The median loss of the weights of these seeds at the end."""
        return number(float(np.median(self.training.loss[self.mask, -1])))

    def evidence(self, name: str) -> Array:
        """What was observed of these seeds at the end."""
        at_end: Array = getattr(self.training.evidence.select_checkpoint(-1), name)[self.mask]
        return at_end

    def outlook(self, name: str) -> Array:
        """What the epochs after the end of the budget showed of these seeds."""
        ahead: Array = getattr(self.training.outlook, name)[self.mask]
        return ahead


def _describe_stopped(case: Case) -> str:
    return f"{case.subject} were stopped before the end of their budget: why is not known."


def _describe_unreachable(case: Case) -> str:
    sentence = describe_obstacle(case.summary.experiment, case.training.variant)
    return sentence and f"Unreachable, whatever the weights: {sentence}."


def _describe_symmetric(case: Case) -> str:
    return (
        f"{case.subject} are symmetric: all units of a hidden layer have the same weights, in and "
        "out, bit for bit, so they get the same steps and stay the same. It is a network of one "
        "hidden unit, and no weights of such a one are right on every sample: more epochs never "
        "solve these. Start from weights that differ."
    )


def _describe_affine(case: Case) -> str:
    experiment, fit = case.summary.experiment, case.summary.affine
    predictions = [short(round(float(p), 6)) for p in fit.predictions.ravel()]
    more = ", ..." if len(predictions) > _MAX_PREDICTIONS else ""
    exact = int((case.evidence("on_one_piece") == 1.0).all(axis=1).sum())
    exactly = f"; in {exact} of them exactly, as each hidden unit stays on one linear piece"
    flat = int((case.evidence("flat")[:, :-1] == 1.0).any(axis=1).sum())
    constant = f"; in {flat} of them as all units of a hidden layer are on flat ends, as constants"
    output = to_text(case.training.variant.output_activation)
    return (
        f"{case.subject} are affine: their output's pre-activation is within "
        f"{case.evidence('nonaffinity').max():.2g} of an affine function of the inputs (below "
        f"{NO_BEND:g} counts){exactly if exact else ''}{constant if flat else ''}. No affine "
        f"function solves this task with an output of {output}: the "
        f"best {'logistic' if experiment.loss.needs_probabilities else 'least-squares'} fit has "
        f"loss {number(fit.cost)}, predicts {', '.join(predictions[:_MAX_PREDICTIONS])}{more}, and "
        f"is right on {fit.right} of {len(experiment.task.targets)} samples; the median loss of "
        f"the weights of these networks is {case.loss}. The weights of "
        f"{(case.evidence('gradient') != 0.0).any(axis=1).sum()} of them still move."
        f"{_describe_pieces(case)}"
    )


def _describe_dead(case: Case) -> str:
    return (
        f"{case.subject} are dead: no unit of a hidden layer has a slope on any sample (the "
        f"largest is {case.evidence('slope').min(axis=1).max():.2g}), so the layer stays as it is, "
        "and then no weights of the output layer are right on every sample. More epochs never "
        f"solve these.{_describe_pieces(case)}"
    )


def _describe_frozen(case: Case) -> str:
    return (
        f"{case.subject} are frozen: no step on any sample changes a bit of a weight, and so for "
        f"ever. The output is flat on every wrong sample in {case.evidence('saturated').sum()} of "
        f"them.{_describe_pieces(case)}"
    )


def _describe_cycling(case: Case) -> str:
    returns, move = case.outlook("returns_after"), case.outlook("largest_move")
    by_bits = (returns > 1) & (move <= _ROUNDING)
    causes = {
        "by steps that are too large, to and fro: take a smaller learning rate": (
            (returns > 1) & ~by_bits
        ),
        "by steps of the samples that undo one another within an epoch": returns == 1,
        "by the last bits of the weights alone": by_bits,
    }
    counts = "; ".join(
        f"{how} ({which.sum()} of them)" for how, which in causes.items() if any(which)
    )
    return (
        f"{case.subject} are cycling: after {returns.min()} to {returns.max()} epochs all weights "
        "are what they were, bit for bit, no state between is solved, and so round and round for "
        f"ever. They move {counts}; the largest move of a weight is {move.max():.2g}."
        f"{_describe_pieces(case)}"
    )


def _describe_saturated(case: Case) -> str:
    return (
        f"{case.subject} are saturated: on every wrong sample the loss has a slope of at most "
        f"{NO_GRADIENT:g} in the output's pre-activation (exactly 0 in "
        f"{(case.evidence('wrong_gradient') == 0.0).sum()} of them), so these samples teach "
        "nothing. The other samples still move the weights in "
        f"{(case.outlook('returns_after') != 1).sum()} of them, so it need not last."
        f"{_describe_pieces(case)}"
    )


def _describe_unstable(case: Case) -> str:
    rising = (case.outlook("cost_rise") >= UNSTABLE_RISE).sum()
    thrown = (case.outlook("largest_step_change") >= UNSTABLE_CHANGE).sum()
    return (
        f"{case.subject} are unstable: the loss of the weights, {case.loss} in the median, rises "
        f"by {UNSTABLE_RISE:.0%} or more within {WINDOW} epochs ({rising} of them), or one step "
        f"changes the prediction of its sample by {UNSTABLE_CHANGE:g} or more ({thrown})."
    )


def _describe_diverged(case: Case) -> str:
    at = case.training.diverged_at
    epochs = sorted(at[at != NOT_REACHED].tolist())
    causes = "; ".join(f"{CAUSES[name]}: {n}" for name, n in case.numbers.diverged_by.items())
    return (
        f"{case.subject} diverged: a weight stopped being finite, first in epoch {epochs[0]}, in "
        f"half of them by epoch {epochs[(len(epochs) - 1) // 2]}, in the last in epoch "
        f"{epochs[-1]}. Why, with loss {case.summary.experiment.loss.name}: {causes}."
    )


def _describe_plateau(case: Case) -> str:
    return (
        f"{case.subject} are on a plateau: the loss of the weights, {case.loss} in the median, "
        f"falls by less than {PLATEAU_DROP:.1%} in {WINDOW} epochs. The best affine fit has loss "
        f"{number(case.summary.affine.cost)}; the output's pre-activation is "
        f"{np.median(case.evidence('nonaffinity')):.2g} from affine in the median."
        f"{_describe_pieces(case)}"
    )


def _describe_slow(case: Case) -> str:
    return (
        f"{case.subject} are slow: the loss of the weights, {case.loss} in the median, is still "
        f"falling, by {np.median(case.outlook('cost_drop')):.2%} in {WINDOW} epochs in the median."
    )


_DESCRIPTIONS: Mapping[str, Callable[[Case], str]] = {
    STOPPED: _describe_stopped,
    UNREACHABLE: _describe_unreachable,
    AFFINE: _describe_affine,
    DEAD: _describe_dead,
    FROZEN: _describe_frozen,
    CYCLING: _describe_cycling,
    SYMMETRIC: _describe_symmetric,
    SATURATED: _describe_saturated,
    UNSTABLE: _describe_unstable,
    DIVERGED: _describe_diverged,
    PLATEAU: _describe_plateau,
    SLOW: _describe_slow,
}


def _describe_pieces(case: Case) -> str:
    """Where the units are at the end: those of the first hidden layer by the piece."""
    pieces = case.training.variant.activation.linear_pieces
    if not pieces:
        *hidden, output = case.evidence("flat").mean(axis=0).tolist()
        return (
            f" Of their hidden units' pre-activations {' and '.join(map(percent, hidden))} are on "
            f"flat ends (where the slope is below {FLAT_SLOPE:g} of the steepest), of their "
            f"outputs' {percent(output)}."
        )
    shares = case.evidence("on_piece")[:, 0].mean(axis=0).tolist()
    parts = [
        f"{percent(share)} on {piece_name(piece)} (slope {short(piece.slope)})"
        for piece, share in zip(pieces, shares, strict=False)  # padded; what is on none comes last
    ]
    single = case.training.evidence.alive.shape[-1] == 1
    units = "Their hidden units are" if single else "The units of their first hidden layer are"
    return f" {units} {', '.join(parts)}."


def piece_name(piece: LinearPiece) -> str:
    """An interval as one would read it aloud."""
    start, stop = short(piece.start), short(piece.stop)
    if piece.start == -np.inf:
        return "all x" if piece.stop == np.inf else f"x below {stop}"
    return f"x above {start}" if piece.stop == np.inf else f"x from {start} to {stop}"


def _count_properties(case: Case) -> str:
    """How many of the failed seeds have each property, whatever their verdict."""
    end, failed = case.training.evidence.select_checkpoint(-1), case.failed
    properties = {
        "a hidden layer without any slope": end.dead,
        "an output that is flat on every wrong sample": end.saturated,
        f"an output within {NO_BEND:g} of affine": end.affine,
        "a weight that is not finite": case.training.diverged_at != NOT_REACHED,
    }
    counts = ", ".join(f"{name}: {(has & failed).sum()}" for name, has in properties.items())
    sentence = f"Of the {failed.sum()} failed seeds, whatever their verdict: {counts}."
    gradient = end.gradient[failed]
    gradient = gradient[np.isfinite(gradient).all(axis=1)]
    if not len(gradient):
        return sentence
    sizes = zip(layer_names(gradient.shape[1] - 1), np.median(gradient, axis=0), strict=True)
    return (
        f"{sentence} The median size of the gradient, where it is finite ({len(gradient)}): "
        f"{', '.join(f'{name} {size:.2g}' for name, size in sizes)}; in the first hidden layer it "
        f"is exactly 0 for {(gradient[:, 0] == 0.0).sum()}."
    )


def layer_names(hidden: int) -> list[str]:
    """The layers by name, the output's last."""
    if hidden == 1:
        return ["hidden", "output"]
    return [*(f"hidden {layer}" for layer in range(1, hidden + 1)), "output"]


def describe_failure(
    summary: Summary, numbers: VariantSummary, training: Training
) -> tuple[str, ...]:
    """The paragraphs about a variant: what most of the seeds that failed are, and what else."""
    if numbers.solved.k == numbers.solved.n:
        return ("Every seed is solved: there is nothing to explain.", *chaos(numbers))
    failed = {word: n for word, n in numbers.verdicts.items() if word != SOLVED}
    case = Case(summary, numbers, training, max(failed, key=failed.__getitem__))
    unreachable = _describe_unreachable(case) if case.verdict != UNREACHABLE else ""
    return (
        f"Of {count(numbers.solved.n, 'seed')}: {verdict_counts(numbers.verdicts)}.",
        *([unreachable] if unreachable else []),
        _DESCRIPTIONS[case.verdict](case),
        _count_properties(case),
        *chaos(numbers),
    )
