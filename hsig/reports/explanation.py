"""The page that says why a variant failed: from its numbers and the remedies that were tried."""

from collections.abc import Sequence

import numpy as np

from hsig.analysis.end_points import end_points_of
from hsig.analysis.remedies import Trial, cheapest
from hsig.analysis.statistics import CLAIM_SEEDS
from hsig.analysis.summary import Summary, Timeline, VariantSummary
from hsig.engines import NOT_REACHED
from hsig.experiments.experiment import Experiment, Outcome, Training
from hsig.experiments.verdicts import AFFINE, DEAD, DIVERGED, PLATEAU, SLOW, SOLVED, VERDICTS
from hsig.networks.activations import LinearPiece
from hsig.reports.documents import (
    FAILED_VERDICTS,
    SOLVED_COLUMNS,
    counts,
    document,
    document_of_remedies,
    solved_columns,
)
from hsig.reports.end_points import document_of_end_points, told_end_points
from hsig.reports.numbers import brief, count, number, percent, short
from hsig.reports.page import Block, Line, Page, Table, lines
from hsig.reports.words import (
    CAUSES,
    heading,
    interval,
    legend,
    rate_of,
    result_line,
    verdict_bar,
    verdict_counts,
)

_TIMELINE_MOST = 10  # rows
_BAR = 10  # characters
_MOSTLY = 0.9  # of the diverged seeds, to speak of one cause


def explanation_page(
    outcome: Outcome, summary: Summary, trials: Sequence[Trial], *, missing: int = 0
) -> Page:
    """The page that says why the one variant of an experiment failed.

    Args:
        outcome: What became of it.
        summary: Its numbers.
        trials: The remedies that were tried, from the smallest change to the largest.
        missing: How many were not tried in time.
    """
    experiment, (training,), (numbers,) = outcome.experiment, outcome.results, summary.variants
    result = Line(result_line(experiment, numbers), "answer")
    story = () if numbers.failure else _what(summary, numbers, training)
    conclusion = _conclusion(experiment, numbers, trials, missing)
    blocks: list[Block] = [lines(heading(experiment, numbers.label)), (result,)]
    blocks += [lines([paragraph]) for paragraph in story]
    ended = end_points_of(experiment, training)
    blocks += told_end_points(training, ended)
    if numbers.timeline is not None:
        blocks.append(_timeline(experiment, numbers, numbers.timeline))
    if trials:
        blocks.append(_remedies(numbers, trials))
    if conclusion:
        blocks.append((Line(conclusion[0], "title"), *lines(conclusion[1:])))
    return Page(
        blocks=tuple(blocks),
        document=lambda every_seed: {
            **document(outcome, summary, every_seed=every_seed),
            "complete": outcome.complete and not missing,
            "story": list(story),
            "conclusion": list(conclusion),
            "end_points": document_of_end_points(training, ended, every_seed=every_seed),
            **document_of_remedies(trials, missing),
        },
        rows=lambda: (_TRIAL_COLUMNS, [_trial_row(trial) for trial in trials]),
        brief=(Line(result.text), *lines(conclusion[:1])),
    )


# --- what it is, and what it is not -----------------------------------------------------------


def _what(summary: Summary, numbers: VariantSummary, result: Training) -> tuple[str, ...]:
    failed = numbers.solved.n - numbers.solved.k
    if not failed:
        return ("Every seed is solved: there is nothing to explain.",)
    diseases = {word: n for word, n in numbers.verdicts.items() if word != SOLVED}
    disease = max(diseases, key=lambda word: diseases[word])
    teller = _Teller(summary, numbers, result, failed)
    others = [teller.is_not(word) for word in (DEAD, AFFINE, DIVERGED) if word != disease]
    return (
        f"Of {count(numbers.solved.n, 'seed')}: {verdict_counts(numbers)}.",
        teller.is_(disease),
        f"What it is not: {'; '.join(others)}.",
    )


class _Teller:
    """Sentences about the seeds of a variant that failed."""

    def __init__(
        self, summary: Summary, numbers: VariantSummary, result: Training, failed: int
    ) -> None:
        self._experiment, self._fit = summary.experiment, summary.affine
        self._numbers, self._result, self._failed = numbers, result, failed
        self._words = np.array(VERDICTS)[result.verdict]
        self._samples = len(self._experiment.task.targets)

    def is_(self, disease: str) -> str:
        """What it is, with the numbers that show it."""
        of = f"{self._numbers.verdicts[disease]} of {self._failed} failed seeds"
        return {
            AFFINE: self._affine,
            DEAD: self._dead,
            DIVERGED: self._diverged,
            PLATEAU: self._plateau,
            SLOW: self._slow,
        }[disease](disease, of)

    def is_not(self, word: str) -> str:
        """What it is not, with the count that shows it."""
        n = self._numbers.verdicts.get(word, 0)
        named = {
            DEAD: "dead, with a gradient of exactly 0 on every wrong sample",
            AFFINE: "affine, with every hidden unit on one linear piece",
            DIVERGED: "diverged, with a weight that is not finite",
        }[word]
        count_of = f"{n} of {self._failed} failed seeds"
        return f"{named}: {count_of}{self._silent() if word == DEAD else ''}"

    def _silent(self) -> str:
        gradient = self._result.evidence.gradient[self._words != SOLVED, -1]
        gradient = gradient[np.isfinite(gradient).all(axis=1)]
        if not len(gradient):
            return ""
        exactly = int((gradient[:, 0] == 0.0).sum())
        hidden, output = np.median(gradient, axis=0)
        return (
            f" (over {len(gradient)} with finite weights, the median size of the gradient is "
            f"{hidden:.2g} in the hidden layer and {output:.2g} in the output; exactly 0 in the "
            f"hidden layer for {exactly})"
        )

    def _cost(self, word: str) -> str:
        final = self._result.cost_mean[self._words == word, -1]
        return number(float(np.median(final)))

    def _affine(self, word: str, of: str) -> str:
        fit, samples = self._fit, self._samples
        units = count(self._experiment.hidden, "hidden unit")
        predicted = ", ".join(short(round(float(p), 6)) for p in fit.predictions[:8])
        more = ", ..." if samples > 8 else ""
        fitted = "logistic" if self._experiment.loss.needs_probabilities else "least-squares"
        verdict = "It is affine."
        if fit.right == samples:
            verdict = (
                "It is affine, but that is not what stops it: the best affine fit is right on "
                "every sample."
            )
        return (
            f"{verdict} In {of} each of the {units} stays on one linear piece of its "
            f"activation for all {samples} samples, so the network is an affine function of its "
            "inputs, then the output's activation (checked against the map read off the weights). "
            f"The best affine fit to this task, a {fitted} one, has cost {number(fit.cost)}, "
            f"predicts {predicted}{more}, and is right on {fit.right} of {samples} samples; the "
            f"median cost of these networks is {self._cost(word)}. {self._pieces(word)}"
        )

    def _pieces(self, word: str) -> str:
        """Which pieces the units of some seeds are on at the end."""
        shares = self._result.evidence.on_piece[self._words == word, -1].mean(axis=0)
        parts = [
            f"{percent(float(share))} on {piece_name(piece)} (slope {short(piece.slope)})"
            for piece, share in zip(
                self._result.variant.hidden_activation.linear_pieces, shares[:-1], strict=True
            )
        ]
        return f"Their hidden units are {', '.join(parts)}." if parts else ""

    def _dead(self, word: str, of: str) -> str:
        alive = self._result.evidence.alive[self._words == word, -1].mean()
        return (
            f"It is dead. In {of} the gradient of the loss in all weights is exactly 0 on every "
            "sample that is wrong: no step of any size mends it. There the output is saturated. In "
            f"these seeds {percent(float(alive))} of the hidden units still have a slope on some "
            f"sample. {self._pieces(word)}"
        )

    def _diverged(self, word: str, of: str) -> str:
        del word
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

    def _plateau(self, word: str, of: str) -> str:
        return (
            f"It stands still. In {of} the mean cost fell by less than 1 % over the last tenth of "
            f"the budget, at a median cost of {self._cost(word)}. The network is not affine: its "
            "units bend between the samples. Nor is it dead: there is a gradient on some wrong "
            "sample. "
            f"The best affine fit has cost {number(self._fit.cost)}."
        )

    def _slow(self, word: str, of: str) -> str:
        return (
            f"It is slow, or not there yet. In {of} the cost, {self._cost(word)} in the median, is "
            f"still falling at epoch {self._numbers.epochs[-1]}. Whether more epochs would do is "
            "what the last of the remedies tries."
        )


def piece_name(piece: LinearPiece) -> str:
    """An interval as one would read it aloud."""
    start, stop = short(piece.start), short(piece.stop)
    if piece.start == -np.inf:
        return "all x" if piece.stop == np.inf else f"x below {stop}"
    return f"x above {start}" if piece.stop == np.inf else f"x from {start} to {stop}"


# --- tables -----------------------------------------------------------------------------------


def _timeline(experiment: Experiment, numbers: VariantSummary, line: Timeline) -> Table:
    names = [piece_name(piece) for piece in line.pieces]
    if names and line.on_piece[-1].any():
        names.append("no line")
    step = max(1, -(-(len(numbers.epochs) - 1) // (_TIMELINE_MOST - 1)))
    shown = [*range(0, len(numbers.epochs) - 1, step), len(numbers.epochs) - 1]
    rows = []
    for index in shown:
        shares = [percent(float(share)) for share in line.on_piece[: len(names), index]]
        rows.append(
            (
                str(numbers.epochs[index]),
                brief(numbers.cost[1, index]),
                _state_bar(numbers, line, index),
                *(str(line.states[word][index]) for word in (SOLVED, AFFINE, DEAD, DIVERGED)),
                *shares,
                percent(float(line.alive[index])),
                *(f"{size:.2g}" for size in line.gradient[:, index]),
            )
        )
    bars = legend((SOLVED, AFFINE, DEAD, DIVERGED))
    over = f"over {len(experiment.seeds)} seeds" if len(experiment.seeds) > 1 else "of the seed"
    return Table(
        f"on the way, {over}: median cost; how many are {bars}; where the hidden units are; how "
        "many of them have a slope; size of the gradient in both layers",
        (
            "epoch",
            "cost",
            "seeds",
            *(SOLVED, AFFINE, DEAD, DIVERGED),
            *names,
            "alive",
            "hidden",
            "output",
        ),
        tuple(rows),
        prose=("seeds",),
        splits=True,
    )


def _state_bar(numbers: VariantSummary, line: Timeline, index: int) -> str:
    """The seeds at one checkpoint as a bar; those in none of the states go on."""
    counts = {word: int(count[index]) for word, count in line.states.items()}
    counts[SLOW] = numbers.solved.n - sum(counts.values())
    return verdict_bar(counts, _BAR)


def _remedies(numbers: VariantSummary, trials: Sequence[Trial]) -> Table:
    rows = [("as it was", "", *_became(numbers, works=""))]
    rows += [
        (
            trial.remedy.name,
            trial.remedy.layers,
            *_became(trial.numbers, works="yes" if trial.works else "no"),
        )
        for trial in trials
    ]
    return Table(
        "remedies tried, from the same seeds, each alone",
        ("remedy", "layers", "solved", "95 % interval", "works", "verdicts"),
        tuple(rows),
        prose=("remedy", "layers", "verdicts"),
    )


def _became(numbers: VariantSummary, works: str) -> tuple[str, str, str, str]:
    """The cells behind the name of a remedy."""
    if numbers.failure:
        return ("not trained", "", works, "")
    return (rate_of(numbers.solved), interval(numbers.solved), works, verdict_counts(numbers))


_TRIAL_COLUMNS = ("remedy", "layers", "works", *SOLVED_COLUMNS, *FAILED_VERDICTS)


def _trial_row(trial: Trial) -> dict[str, object]:
    row: dict[str, object] = {
        "remedy": trial.remedy.name,
        "layers": trial.remedy.layers,
        "works": "yes" if trial.works else "no",
    }
    if not trial.numbers.failure:
        row |= solved_columns(trial.numbers.solved) | counts(trial.numbers.verdicts)
    return row


def _conclusion(
    experiment: Experiment,
    numbers: VariantSummary,
    trials: Sequence[Trial],
    missing: int,
) -> tuple[str, ...]:
    if missing:
        tried = f"{len(trials)} of {len(trials) + missing} remedies were tried"
        return (f"Interrupted: {tried}, so nothing is concluded.",)
    if not trials:
        return ()
    rule = (
        "A remedy works when more than half of the seeds are solved and its interval lies wholly "
        f"above the one as it was, on at least {CLAIM_SEEDS} seeds."
    )
    seeds = max(trial.numbers.solved.n for trial in trials)
    if seeds < CLAIM_SEEDS:
        given = "--initial-weights '' " if experiment.initial_weights is not None else ""
        few = f"{count(seeds, 'seed')} {'supports' if seeds == 1 else 'support'} no claim"
        return (f"{few}: use {given}--seeds {CLAIM_SEEDS}.", rule)
    best = cheapest(trials)
    if best is None:
        return (f"None of the {len(trials)} remedies works here.", rule)
    layers = best.remedy.layers
    where = f" in {'both layers' if layers == 'both' else f'the {layers} layer'}" if layers else ""
    return (
        f"The cheapest that works here: {best.remedy.name}{where}, {rate_of(best.numbers.solved)} "
        f"seeds solved, where it was {numbers.solved.k}.",
        rule,
    )
