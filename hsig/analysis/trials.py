"""What became of the remedies that were tried, whether one works, and what to try next."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from math import inf, isnan

import numpy as np

from hsig.analysis.pairing import BETTER, LEVEL, Match, Paired, judge_family, loss_kind
from hsig.analysis.parts import Part
from hsig.analysis.remedies import Ladder, Remedy, is_in_libraries, list_ladders, work_of_seed
from hsig.analysis.statistics import CLAIM_SEEDS, sign_test, wilson_interval
from hsig.analysis.summary import Solved, VariantSummary, summarise
from hsig.experiments.experiment import Experiment, Outcome
from hsig.experiments.measures import LOSS, SOLVED
from hsig.experiments.verdicts import RULES

# --- judging -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trial:
    """A remedy that was tried."""

    part: Part  # the remedy, and what became of it
    numbers: VariantSummary  # the numbers of that
    # whether more than half of the seeds are solved, and the interval lies wholly above the one
    # without the remedy; on another measure, whether it is claimed to be better than without. None
    # where no outcome could show it: there are too few seeds, or too little is left to gain
    works: bool | None = None
    paired: Paired | None = None  # against no remedy, on another measure than what is solved
    score: float | None = None  # median over seeds of that measure, higher is better
    time: float = 1.0  # what a seed takes, as a multiple of what it takes without
    in_libraries: bool = True  # whether a library has it, and not only hsig
    loss: float = inf  # of the weights at the end, in the median; infinite if it is undefined

    @property
    def experiment(self) -> Experiment:
        """What was trained."""
        return self.part.outcome.experiment

    @property
    def suffices(self) -> bool:
        """Whether nothing larger need be tried: it works, or solves most where none can work."""
        solved = self.numbers.solved
        return self.works if self.works is not None else 2 * solved.k > solved.n

    @property
    def is_final(self) -> bool:
        """Whether it is proved that more epochs solve no seed more, if that is what counts."""
        is_asked = self.experiment.chosen_measure.name == SOLVED
        return is_asked and all(
            RULES[word].never for word in self.numbers.verdicts if word != SOLVED
        )


def judge_remedy(before: Trial, part: Part, numbers: VariantSummary) -> Trial:
    """Decide whether a remedy works, from the numbers without it and with it.

    Given weights that fail do so for certain: weights that are drawn in their place have no rate to
    be better than.
    """
    old, new, solved = before.experiment, part.outcome.experiment, numbers.solved
    is_drawn = old.initial_weights is not None and new.initial_weights is None
    certain = bool(before.numbers.failure) or is_drawn
    works = None
    if numbers.failure or (
        solved.n >= CLAIM_SEEDS and (certain or has_room(before.numbers.solved))
    ):
        floor = 0.0 if certain else before.numbers.solved.high
        works = 2 * solved.k > solved.n and solved.low > floor
    return Trial(
        part,
        numbers,
        works,
        time=work_of_seed(new) / work_of_seed(old),
        in_libraries=is_in_libraries(*old.variants, *new.variants),
        loss=median_loss(part.outcome),
    )


def judge_pairs(before: Trial, trials: Mapping[str, Trial]) -> dict[str, Trial]:
    """Decide which remedies work where that is not by what is solved: those claimed to be better.

    By pairs of seeds that start alike; all remedies are one family. What could not be trained is
    worse than all that could, and weights that were given are compared with each that is drawn.
    """
    measure = before.experiment.chosen_measure
    if measure.name == SOLVED:
        return dict(trials)
    (old,) = before.part.outcome.results
    known = np.zeros(0) if old.failure else measure.scores(old)
    matches = {}
    for label, trial in trials.items():
        (new,) = trial.part.outcome.results
        is_alike = loss_kind(before.experiment) == loss_kind(trial.experiment)
        if not new.failure and (is_alike or measure.name != LOSS):
            scores, without = measure.scores(new), known
            if new.seeds != old.seeds:
                without = np.full(len(scores), known[0] if known.size else -inf)
            matches[label] = Match(scores, without, label=label)
    judged = dict(trials)
    for paired in judge_family([*matches.values()], measure):
        match = matches[paired.label]
        open_seeds = int((match.second < (0.0 if measure.name == LOSS else 1.0)).sum())
        can_be_shown = sign_test(open_seeds, 0) * len(matches) <= LEVEL
        judged[paired.label] = replace(
            trials[paired.label],
            works=paired.claim == BETTER if can_be_shown else None,
            paired=paired,
            score=float(np.median(match.first)),
        )
    return judged


def median_loss(outcome: Outcome) -> float:
    """The loss of the weights at the end, in the median, to six digits; infinite if undefined."""
    losses = [result.loss[:, -1] for result in outcome.results if not result.failure]
    loss = float(np.median(losses[0])) if losses else inf
    return inf if isnan(loss) else float(f"{loss:.6g}")  # the last digits differ by machine


def has_room(solved: Solved) -> bool:
    """Whether as many seeds could show that something is better, if it solved all of them.

    >>> [has_room(Solved.from_counts(k, 100)) for k in (92, 93)]
    [True, False]
    """
    return not solved.n or wilson_interval(solved.n, solved.n)[0] > solved.high


def seeds_with_room(solved: Solved) -> int:
    """How many seeds would show that something leaves half as many unsolved: a round number.

    >>> seeds_with_room(Solved.from_counts(95, 100))
    1000
    """

    def tell(n: int) -> bool:
        unsolved = -((solved.k - solved.n) * n // solved.n)  # rounded up
        low, _ = wilson_interval(n - unsolved // 2, n)
        return n >= CLAIM_SEEDS and low > wilson_interval(n - unsolved, n)[1]

    sizes = (int(size) for power in count(2) for size in (10**power, 2 * 10**power, 5 * 10**power))
    return next(filter(tell, sizes))


def smallest_remedy(trials: Iterable[Trial]) -> Trial | None:
    """Of those that work the first, which is the smallest change."""
    return next((trial for trial in trials if trial.works), None)


def best_remedy(trials: Iterable[Trial]) -> Trial | None:
    """Of those that work the one with the most seeds solved or the best median, then the first."""
    return max((trial for trial in trials if trial.works), key=_merit, default=None)


def _merit(trial: Trial) -> float:
    return trial.numbers.solved.rate if trial.score is None else trial.score


# --- search --------------------------------------------------------------------------------------

# What takes more times as long waits until nothing shorter is left, and beyond the second it is
# tried only where nothing suffices.
BRIEF, LONG = 5.0, 30.0
# What all may take in weight updates, about ten seconds of the compiled engine on a core; or so
# many times what it takes without a remedy.
MAX_WORK, MAX_TIMES = 3e9, 16.0
MAX_ADDED = 2  # changes beside one, of settings that are best chosen together
_COMBINED = {"learning_rate", "epochs", "scale", "init", "initial_weights", "seeds"}


@dataclass(frozen=True, eq=False)
class Search:
    """An experiment of one variant, what became of it, and the remedies that were tried so far."""

    before: Trial  # of no remedy
    trials: Mapping[str, Trial]  # by label

    @classmethod
    def begin(cls, part: Part) -> "Search":
        """Of a training, before any remedy."""
        (numbers,) = summarise(part.outcome).variants
        return cls(Trial(part, numbers, loss=median_loss(part.outcome)), {})

    def add(self, parts: Iterable[Part]) -> "Search":
        """The same with more remedies, by what became of them."""
        tried = ((part, summarise(part.outcome).variants[0]) for part in parts)
        new = {n.label: judge_remedy(self.before, part, n) for part, n in tried}
        return Search(self.before, judge_pairs(self.before, {**self.trials, **new}))

    @property
    def is_needed(self) -> bool:
        """Whether there is something to mend."""
        return bool(self.before.numbers.failure or self.before.numbers.failed)

    @property
    def limit(self) -> float:
        """How long a remedy may take, as a multiple of what it takes without."""
        return LONG if any(trial.suffices for trial in self.trials.values()) else inf

    @cached_property
    def ladders(self) -> list[Ladder]:
        """All that are worth climbing, as far as is known.

        First those of one change. When they are climbed and something is still to be gained, the
        same stand beside the change that got farthest, or the two if none suffices.
        """
        single = list_ladders(self.before.experiment)
        ladders = [
            ladder
            for ladder in single
            if not (self.before.is_final and any(r.settings.keys() == {"epochs"} for r in ladder))
        ]
        for _ in range(MAX_ADDED):
            known = {remedy.label: remedy for ladder in ladders for remedy in ladder}
            if self.select(ladders, LONG):
                break
            trials = [t for label, t in self.trials.items() if label in known and t.time <= LONG]
            settings = [remedy.settings for remedy in known.values()]
            for trial in _find_farthest(self.before, trials):
                base = known[trial.numbers.label]
                for ladder in single:
                    both = [base.add(rung) for rung in ladder if _can_combine(base, rung)]
                    ladders.append([remedy for remedy in both if remedy.settings not in settings])
                    settings += [remedy.settings for remedy in both]
            if any(trial.suffices for trial in trials):
                break
        return ladders

    def select(self, ladders: Sequence[Ladder], limit: float) -> list[Remedy]:
        """Of each ladder the next rung, if it takes no longer and there is work left for it."""
        room = max(MAX_WORK, MAX_TIMES * _work(self.before.experiment))
        room -= sum(_work(trial.experiment) for trial in self.trials.values())
        chosen = []
        # what takes longest is tried beside what got farthest first
        for rung in self.list_next(ladders[::-1] if limit == inf else ladders):
            if rung.time <= limit and _work(rung.experiment) <= room:
                chosen.append(rung)
                room -= _work(rung.experiment)
        return chosen

    def list_next(self, ladders: Iterable[Ladder]) -> list[Remedy]:
        """The lowest rung of each that was not tried, where none below it suffices."""
        rungs = []
        for ladder in ladders:
            for rung in ladder:
                trial = self.trials.get(rung.label)
                if trial is None and rung.can_work:
                    rungs.append(rung)
                    break
                if trial is not None and trial.suffices:
                    break
        return rungs

    def order_trials(self) -> dict[str, Trial]:
        """The trials from the smallest change to the largest; what no library has comes last."""
        labels = [*self.trials, *(remedy.label for ladder in self.ladders for remedy in ladder)]
        places = {label: place for place, label in enumerate(labels)}
        known = sorted(self.trials.items(), key=lambda t: (not t[1].in_libraries, places[t[0]]))
        return dict(known)


def propose_remedies(search: Search) -> tuple[Remedy, ...]:
    """The remedies to try next, from the smallest change to the largest; none at the end."""
    limits = (BRIEF, LONG, search.limit) if search.is_needed else ()
    chosen = (search.select(search.ladders, limit) for limit in limits)
    return tuple(next(filter(None, chosen), ()))


def list_cut_remedies(search: Search) -> tuple[Remedy, ...]:
    """What would be tried, too, if it took less work; at the end of a search."""
    rungs = search.list_next(search.ladders) if search.is_needed else ()
    return tuple(rung for rung in rungs if rung.time <= search.limit)


def _find_farthest(before: Trial, trials: Iterable[Trial]) -> list[Trial]:
    """Of brief remedies those beside which something may be gained: one that suffices, or two."""
    if before.experiment.chosen_measure.name == SOLVED:
        claimed = [t for t in (before, *trials) if t.numbers.solved.n >= CLAIM_SEEDS]
        if not all(has_room(trial.numbers.solved) for trial in claimed):
            return []
    else:
        claimed = [trial for trial in trials if trial.works is not None]
    brief = [t for t in claimed if t is not before and t.time <= BRIEF and t.in_libraries]
    brief.sort(key=lambda trial: (-_merit(trial), trial.loss))
    return brief[: 1 if any(trial.suffices for trial in trials) else 2]


def _can_combine(base: Remedy, rung: Remedy) -> bool:
    """Whether one changes settings that go together with the other, and that it leaves alone."""
    missing = object()
    fields = {f for f, value in rung.settings.items() if base.settings.get(f, missing) != value}
    return bool(fields) and fields <= _COMBINED - base.settings.keys()


def _work(experiment: Experiment) -> float:
    return len(experiment.seeds) * work_of_seed(experiment)
