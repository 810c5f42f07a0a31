"""Why seeds were not solved, in sentences: each with the count that shows it."""

from collections.abc import Mapping, Sequence

import numpy as np

from hsig.analysis.obstacles import out_of_reach
from hsig.analysis.remedies import LONGER, Trial
from hsig.analysis.summary import Summary, VariantSummary
from hsig.engines import NOT_REACHED
from hsig.experiments.evidence import NO_BEND, NO_GRADIENT
from hsig.experiments.experiment import Training
from hsig.experiments.outlook import WINDOW
from hsig.experiments.verdicts import (
    AFFINE,
    DEAD,
    DIVERGED,
    FROZEN,
    PLATEAU,
    PLATEAU_DROP,
    SATURATED,
    SLOW,
    SOLVED,
    STOPPED,
    UNREACHABLE,
    UNSTABLE,
    UNSTABLE_CHANGE,
    UNSTABLE_RISE,
    VERDICTS,
)
from hsig.networks.activations import LinearPiece
from hsig.networks.arrays import BoolArray
from hsig.reports.numbers import count, number, percent, short
from hsig.reports.obstacles import told_out_of_reach
from hsig.reports.words import CAUSES, chaos, verdict_counts

_MOSTLY = 0.9  # of the diverged seeds, to speak of one cause
_PREDICTIONS_MOST = 8


def told(summary: Summary, numbers: VariantSummary, result: Training) -> tuple[str, ...]:
    """The paragraphs about a variant: what most of the seeds that failed are, and what else."""
    if not numbers.solved.n - numbers.solved.k:
        return ("Every seed is solved: there is nothing to explain.", *chaos(numbers))
    diseases = {word: n for word, n in numbers.verdicts.items() if word != SOLVED}
    disease = max(diseases, key=lambda word: diseases[word])
    teller = _Teller(summary, numbers, result)
    return (
        f"Of {count(numbers.solved.n, 'seed')}: {verdict_counts(numbers)}.",
        *(teller.out_of_reach() if disease != UNREACHABLE else ()),
        teller.is_(disease),
        teller.beside(),
        *chaos(numbers),
    )


def solved_later(
    numbers: VariantSummary, result: Training, trials: Sequence[Trial]
) -> dict[str, tuple[int, int]]:
    """Of the seeds of each verdict, how many a longer training solves later, and of how many.

    Those are counted that are solved for the first time behind the end of the budget. Nothing if
    no longer training was tried.
    """
    longer = [trial.numbers for trial in trials if trial.numbers.epochs[-1:] > numbers.epochs[-1:]]
    if not longer or longer[0].seeds != result.seeds:
        return {}
    end = numbers.epochs[-1]
    solved = np.array([epoch is not None and epoch > end for epoch in longer[0].solved_at])
    words = np.array(VERDICTS)[result.verdict]
    return {
        word: (int((solved & (words == word)).sum()), count_of)
        for word, count_of in numbers.verdicts.items()
        if word != SOLVED
    }


def told_later(numbers: VariantSummary, found: Mapping[str, tuple[int, int]]) -> tuple[str, ...]:
    """What `solved_later` found, as a sentence."""
    if not found:
        return ()
    parts = ", ".join(f"{solved} of {of} {word}" for word, (solved, of) in found.items())
    return (
        f"Trained for {LONGER} times the {numbers.epochs[-1]} epochs, of the same seeds are solved "
        f"later: {parts}.",
    )


class _Teller:
    """Sentences about the seeds of a variant that failed."""

    def __init__(self, summary: Summary, numbers: VariantSummary, result: Training) -> None:
        self._experiment, self._fit = summary.experiment, summary.affine
        self._numbers, self._result = numbers, result
        self._words = np.array(VERDICTS)[result.verdict]
        self._failed = self._words != SOLVED
        self._evidence, self._outlook = result.evidence.at_checkpoint(-1), result.outlook

    def is_(self, disease: str) -> str:
        """What it is, with the numbers that show it."""
        seeds = self._words == disease
        of = f"{seeds.sum()} of {self._failed.sum()} failed seeds"
        return {
            STOPPED: self._stopped,
            UNREACHABLE: self._unreachable,
            AFFINE: self._affine,
            DEAD: self._dead,
            FROZEN: self._frozen,
            SATURATED: self._saturated,
            UNSTABLE: self._unstable,
            DIVERGED: self._diverged,
            PLATEAU: self._plateau,
            SLOW: self._slow,
        }[disease](seeds, of)

    def out_of_reach(self) -> tuple[str, ...]:
        """That some targets are beyond what the output can give, if so."""
        found = out_of_reach(self._experiment, self._result.variant)
        if found is None:
            return ()
        told = told_out_of_reach(found)
        return (f"{told[0].upper()}{told[1:]}: with this output no seed can be solved.",)

    def beside(self) -> str:
        """How many of the failed seeds have each property, whatever their verdict."""
        seen, failed = self._evidence, self._failed
        named = {
            "a hidden layer without any slope": seen.dead,
            "an output that is flat on every wrong sample": seen.saturated,
            f"an output within {NO_BEND:g} of affine": seen.affine,
            "a weight that is not finite": self._result.diverged_at != NOT_REACHED,
        }
        found = ", ".join(f"{name}: {(has & failed).sum()}" for name, has in named.items())
        of = f"Of the {failed.sum()} failed seeds, whatever their verdict"
        return f"{of}: {found}.{self._sizes()}"

    def _sizes(self) -> str:
        gradient = self._evidence.gradient[self._failed]
        gradient = gradient[np.isfinite(gradient).all(axis=1)]
        if not len(gradient):
            return ""
        hidden, *_, output = np.median(gradient, axis=0)
        return (
            f" The gradient's median size is {hidden:.2g} in the hidden layer and {output:.2g} in "
            f"the output, over {len(gradient)} where it is finite; in the hidden layer it is "
            f"exactly 0 for {int((gradient[:, 0] == 0.0).sum())}."
        )

    def _cost(self, seeds: BoolArray) -> str:
        return number(float(np.median(self._result.cost_mean[seeds, -1])))

    def _stopped(self, seeds: BoolArray, of: str) -> str:
        del seeds
        return f"Training was stopped before its budget, so why {of} failed is not known."

    def _unreachable(self, seeds: BoolArray, of: str) -> str:
        del seeds
        (told,) = self.out_of_reach()
        return f"{told} That holds whatever the weights, so why {of} failed needs no other reason."

    def _affine(self, seeds: BoolArray, of: str) -> str:
        fit, samples = self._fit, len(self._experiment.task.targets)
        shown = fit.predictions.ravel()[:_PREDICTIONS_MOST]
        predicted = ", ".join(short(round(float(p), 6)) for p in shown)
        more = ", ..." if samples > _PREDICTIONS_MOST else ""
        fitted = "logistic" if self._experiment.loss.needs_probabilities else "least-squares"
        exactly = int((self._evidence.on_one_piece[seeds] == 1.0).all(axis=1).sum())
        pieces = (
            f"In {exactly} of them it is one exactly: every hidden unit stays on one linear piece "
            f"for all samples. "
            if exactly
            else ""
        )
        return (
            f"It is affine. In {of} the output's pre-activation is within "
            f"{self._evidence.nonaffinity[seeds].max():.2g} of an affine function of the inputs "
            f"(below {NO_BEND:g} counts). {pieces}No affine function solves this task: the best "
            f"one, a {fitted} fit, has cost {number(fit.cost)}, predicts {predicted}{more}, and is "
            f"right on {fit.right} of {samples} samples; the median cost of these networks is "
            f"{self._cost(seeds)}. The gradient is not 0 in {self._moving(seeds)} "
            f"of them: their weights still move.{self._pieces(seeds)}"
        )

    def _moving(self, seeds: BoolArray) -> int:
        return int((self._evidence.gradient[seeds] != 0.0).any(axis=1).sum())

    def _pieces(self, seeds: BoolArray) -> str:
        """Which pieces the units of some seeds are on at the end."""
        shares = self._evidence.on_piece[seeds].mean(axis=(0, 1))
        parts = [
            f"{percent(float(share))} on {piece_name(piece)} (slope {short(piece.slope)})"
            for piece, share in zip(
                self._result.variant.activation.linear_pieces, shares[:-1], strict=True
            )
        ]
        return f" Their hidden units are {', '.join(parts)}." if parts else ""

    def _dead(self, seeds: BoolArray, of: str) -> str:
        slope = self._evidence.slope[seeds].max()
        return (
            f"It is dead. In {of} no hidden unit has a slope on any sample (the largest is "
            f"{slope:.2g}), so the hidden layer stays as it is; and with it so, no weights of the "
            "output layer would be right on every sample. More epochs never solve these."
            f"{self._pieces(seeds)}"
        )

    def _frozen(self, seeds: BoolArray, of: str) -> str:
        returns = self._outlook.returns_after[seeds]
        cycles = int((returns > 1).sum())
        longer = f", or after up to {returns.max()} in {cycles} of them" if cycles else ""
        flat = int(self._evidence.saturated[seeds].sum())
        return (
            f"It is frozen. In {of}, after one epoch more{longer}, all weights are what they were, "
            "bit for bit, and so they stay for ever. The output is flat on every wrong sample in "
            f"{flat} of them.{self._pieces(seeds)}"
        )

    def _saturated(self, seeds: BoolArray, of: str) -> str:
        exactly = int((self._evidence.wrong_gradient[seeds] == 0.0).sum())
        return (
            f"Its output is saturated. In {of} the loss has a slope of at most {NO_GRADIENT:g} in "
            f"the output's pre-activation on every sample that is wrong (exactly 0 in {exactly}), "
            "so that none of these teaches. What the other samples teach still moves the weights, "
            f"which all share, in {(self._outlook.returns_after[seeds] != 1).sum()} of them: it "
            f"need not last.{self._pieces(seeds)}"
        )

    def _unstable(self, seeds: BoolArray, of: str) -> str:
        rising, thrown = (
            self._outlook.cost_rise[seeds] >= UNSTABLE_RISE,
            self._outlook.largest_step_change[seeds] >= UNSTABLE_CHANGE,
        )
        return (
            f"It is unstable. In {of} the mean cost rises by {UNSTABLE_RISE:.0%} or more "
            f"within {WINDOW} epochs ({rising.sum()}), or one step throws the prediction "
            f"that it is taken for by {UNSTABLE_CHANGE:g} or more ({thrown.sum()}). The median cost is {self._cost(seeds)}."
        )

    def _diverged(self, seeds: BoolArray, of: str) -> str:
        del seeds
        causes = self._numbers.diverged_by
        cause = max(causes, key=lambda name: causes[name])
        epochs = np.sort(self._result.diverged_at[self._result.diverged_at != NOT_REACHED])
        loss = self._experiment.loss.name
        mostly = causes[cause] >= _MOSTLY * sum(causes.values())
        blame = f"It is the loss {loss}{', not the activation. It' if mostly else ', which'} is"
        told = {
            "saturated_right": f"{blame} undefined, 0/0, at an answer that is exactly right: a "
            "saturated output that equals its target",
            "saturated_wrong": f"It is the loss {loss} at a saturated output: its slope is "
            "infinite at an answer that is exactly wrong",
            "overflow": "It is the size of the steps: the weights grew beyond the largest number",
        }[cause]
        parts = [f"{CAUSES[name]}: {n}" for name, n in causes.items()]
        return (
            f"{told}. In {of} a weight stopped being finite, first in epoch {epochs[0]}, half of "
            f"them by epoch {epochs[(len(epochs) - 1) // 2]}, the last in epoch {epochs[-1]} "
            f"({'; '.join(parts)})."
        )

    def _plateau(self, seeds: BoolArray, of: str) -> str:
        nonaffinity = float(np.median(self._evidence.nonaffinity[seeds]))
        return (
            f"It is on a plateau, and not solved within this budget. In {of} the mean cost, "
            f"{self._cost(seeds)} in the median, falls by less than {PLATEAU_DROP:.1%} in "
            f"{WINDOW} epochs. The best affine fit has cost {number(self._fit.cost)}; the "
            f"output's pre-activation is {nonaffinity:.2g} from affine in the median."
        )

    def _slow(self, seeds: BoolArray, of: str) -> str:
        drop = float(np.median(self._outlook.cost_drop[seeds]))
        return (
            f"It is slow: not solved within this budget. In {of} the mean cost, "
            f"{self._cost(seeds)} in the median, is falling, by {drop:.2%} in {WINDOW} epochs in "
            "the median."
        )


def piece_name(piece: LinearPiece) -> str:
    """An interval as one would read it aloud."""
    start, stop = short(piece.start), short(piece.stop)
    if piece.start == -np.inf:
        return "all x" if piece.stop == np.inf else f"x below {stop}"
    return f"x above {start}" if piece.stop == np.inf else f"x from {start} to {stop}"
