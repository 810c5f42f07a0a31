"""The columns of variants, of which the table, JSON and CSV are made: this is where one is added.

Nothing heavy is imported, so that `hsig compare --help`, which names them, is instant.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import groupby
from math import inf, isfinite, nan
from operator import attrgetter, itemgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from hsig.reports.page import (
    Column,
    brief,
    interval,
    p_value,
    rate_of,
    short,
    signed,
    signed_interval,
    sparkline,
)

if TYPE_CHECKING:
    from hsig.analysis.pairing import Paired, Pairing
    from hsig.analysis.summary import VariantSummary
    from hsig.analysis.tuning import Choice, Tuning
    from hsig.experiments.experiment import Experiment

MAX_COSTS = 17  # checkpoints with a column of their own
MAX_SAMPLES = 16
_MAX_CURVE, _BAR = 20, 10  # characters of a small curve, and of a bar of verdicts
_MAX_START_RATIO = 4.0  # of a cost before training to the usual one, to count for the curves' scale
_LOWER, _MEDIAN, _UPPER = range(3)  # the quartiles of a `VariantSummary`


@dataclass(frozen=True, eq=False)
class Comparison:
    """Variants side by side, as columns see them.

    Attributes:
        experiment: What was run.
        variants: In the order of the rows.
        pairing: Of these, if there is one.
        tuned: How the learning rates were chosen, if they were.
    """

    experiment: "Experiment"
    variants: "Sequence[VariantSummary]"
    pairing: "Pairing | None" = None
    tuned: "Tuning | None" = None

    @property
    def trained(self) -> "list[VariantSummary]":
        """Those that could be trained."""
        return [variant for variant in self.variants if not variant.failure]

    def checkpoints(self, most: int) -> list[int]:
        """Every n-th that was reached and the last, with n so that they are not too many."""
        last = max((variant.epochs[-1] for variant in self.trained), default=0)
        reached = [epoch for epoch in self.experiment.checkpoints if epoch <= last]
        step = max(1, -(-(len(reached) - 1) // (most - 1)))
        return [*reached[:-1:step], reached[-1]]

    @property
    def curve_top(self) -> float:
        """Where small curves are cut off: the largest median cost before training.

        A variant that starts far above the others does not flatten theirs.
        """
        starts = sorted(float(variant.cost[_MEDIAN, 0]) for variant in self.trained)
        starts = [start for start in starts if isfinite(start) and start > 0.0]
        if not starts:
            return 1.0
        usual = starts[(len(starts) - 1) // 2]
        return max(start for start in starts if start <= _MAX_START_RATIO * usual)


Variant = Column["VariantSummary"]
Value = Callable[[Any], Any]
SOLVED_PARTS: Mapping[str, Value] = MappingProxyType(
    {
        "solved": attrgetter("k"),
        "seeds": attrgetter("n"),
        "solved_rate": attrgetter("rate"),
        "solved_low": attrgetter("low"),
        "solved_high": attrgetter("high"),
    }
)
COST_PARTS: Mapping[str, Value] = MappingProxyType(
    {
        "cost_lower_quartile": itemgetter(_LOWER),
        "cost_median": itemgetter(_MEDIAN),
        "cost_upper_quartile": itemgetter(_UPPER),
    }
)

# what may be asked for by `--columns`: the columns of each name, or a pattern of their names
COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "solved": ("solved",),
        "interval": ("interval",),
        "cost": ("final_cost",),
        "curve": ("curve",),
        "verdicts": ("verdicts",),
        "counts": ("count:*",),
        "budgets": ("solved_at_*",),
        "quartiles": ("final_cost:25", "final_cost:75"),
        "epochs": ("epochs_interval",),
        "median": ("epochs_to_solve",),
        "rank": ("rank",),
        "difference": ("difference", "difference_interval", "p"),
        "pairs": ("both", "only_this", "only_baseline", "neither"),
        "lost": ("lost",),
        "learning_rate": ("learning_rate",),
        "tuning": ("tuning", "not_told_apart", "by_value"),
        "tried": ("tried:*",),
        "diverged": ("diverged",),
        "costs": ("cost:*",),
        "predictions": ("prediction:*",),
    }
)


def variant_columns(shown: Comparison) -> tuple[Variant, ...]:
    """Every column that says something of these variants, in the order of CSV."""
    return (
        Column("label", "variant", lambda v: v.label, prose=True),
        *_result_columns(shown),
        *_cost_columns(shown),
        *(_paired_columns(shown.pairing) if shown.pairing else ()),
        *_tuning_columns(shown),
        *_prediction_columns(shown),
        Column("error", "", lambda v: v.failure or None),
    )


def trained_value(value: Value) -> Value:
    """The value of what could be trained; None of what could not."""
    return lambda numbers: None if numbers.failure else value(numbers)


def result_columns(failed_verdicts: Sequence[str], bar: Value) -> tuple[Column[Any], ...]:
    """How many seeds of some numbers were solved, and what became of the others.

    Args:
        failed_verdicts: All but `solved`, in their order.
        bar: Draws counts of verdicts.
    """
    return (
        Column(
            "solved",
            "solved",
            trained_value(lambda v: v.solved),
            rate_of,
            SOLVED_PARTS,
            missing="not trained",
        ),
        Column(
            "interval",
            "95 % interval",
            trained_value(lambda v: v.solved),
            interval,
            shown_only=True,
        ),
        Column(
            "verdicts",
            "verdicts",
            trained_value(lambda v: v.verdicts),
            bar,
            {word: _count_of(word) for word in failed_verdicts},
            prose=True,
        ),
    )


def _count_of(word: str) -> Value:
    return lambda verdicts: verdicts.get(word, 0)


def _verdict_count(word: str) -> Value:
    return trained_value(lambda numbers: numbers.verdicts.get(word, 0))


def _result_columns(shown: Comparison) -> tuple[Variant, ...]:
    from hsig.reports.phrases import FAILED_VERDICTS, verdict_bar

    beyond, asked = f">{shown.experiment.epochs}", shown.experiment.at_epochs
    there = {word for variant in shown.variants for word in variant.verdicts}
    return (
        *result_columns(FAILED_VERDICTS, lambda counts: verdict_bar(counts, _BAR)),
        *(
            Column(f"count:{word}", word, _verdict_count(word), shown_only=True)
            for word in FAILED_VERDICTS
            if word in there
        ),
        Column("lost", "lost", trained_value(lambda v: v.lost)),
        Column(
            "diverged", "diverged", trained_value(lambda v: len(v.diverged_seeds)), shown_only=True
        ),
        *(
            Column(
                f"solved_at_{epoch}",
                f"at {epoch}",
                _solved_at(epoch),
                lambda solved: f"{solved.k}, {interval(solved)}",
                {f"solved_at_{epoch}": attrgetter("k")},
                shown_only=not asked,
            )
            for epoch in asked or (shown.experiment.epochs,)
        ),
        Column(
            "epochs_to_solve",
            "epochs",
            trained_value(lambda v: v.epochs_to_solve[0]),
            lambda median: beyond if median == inf else f"{median:.0f}",
            note="epochs: median to solve",
        ),
        Column(
            "epochs_interval",
            "epochs to solve",
            trained_value(lambda v: v.epochs_to_solve),
            _epochs_interval,
            shown_only=True,
            note="median epochs to solve",
        ),
    )


def _solved_at(epoch: int) -> Value:
    return lambda variant: variant.at_epochs.get(epoch)


def _epochs_interval(epochs: Sequence[float]) -> str:
    median, low, high = ("not reached" if epoch == inf else f"{epoch:.0f}" for epoch in epochs)
    return median if median == low == high else f"{median} ({low} to {high})"


def _cost_columns(shown: Comparison) -> tuple[Variant, ...]:
    experiment, top = shown.experiment, shown.curve_top
    which, over = which_cost(experiment), median_over(experiment)
    said = f"cost: {which}{over}"
    cut = any((variant.cost[_MEDIAN] > top).any() for variant in shown.trained)
    epochs = shown.checkpoints(_MAX_CURVE) if shown.trained else []

    def curve(variant: "VariantSummary") -> list[float]:
        cost = dict(zip(variant.epochs, variant.cost[_MEDIAN].tolist(), strict=True))
        return [cost.get(epoch, nan) for epoch in epochs]

    def cost_at(epoch: int) -> Value:
        def cost(variant: "VariantSummary") -> float | None:
            if epoch not in variant.epochs:
                return None
            return float(variant.cost[_MEDIAN, variant.epochs.index(epoch)])

        return trained_value(cost)

    return (
        Column("epoch", "", trained_value(lambda v: v.epochs[-1])),
        Column("cost", "", trained_value(lambda _: experiment.cost)),
        Column(
            "final_cost",
            "cost",
            trained_value(lambda v: v.cost[:, -1].tolist()),
            lambda cost: brief(cost[_MEDIAN]),
            COST_PARTS,
            note=said,
        ),
        *(
            Column(
                f"final_cost:{name}",
                f"{name} %",
                _final_cost(quartile),
                brief,
                shown_only=True,
                note=said,
            )
            for name, quartile in (("25", _LOWER), ("75", _UPPER))
        ),
        Column(
            "curve",
            "curve",
            trained_value(curve),
            lambda costs: sparkline(costs, top),
            shown_only=True,
            prose=True,
            note=f"curve: from 0 to {top:.3g}{', cut off there' if cut else ''}",
        ),
        *(
            Column(
                f"cost:{epoch}",
                str(epoch),
                cost_at(epoch),
                brief,
                shown_only=True,
                note=f"{which} by epoch{over}",
            )
            for epoch in (shown.checkpoints(MAX_COSTS) if shown.trained else ())
        ),
    )


def _final_cost(quartile: int) -> Value:
    return trained_value(lambda variant: float(variant.cost[quartile, -1]))


def which_cost(experiment: "Experiment") -> str:
    """Over which samples the tables' cost is taken."""
    return "cost of the last sample" if experiment.cost == "last" else "mean cost"


def median_over(experiment: "Experiment") -> str:
    """Over how many seeds a number is the median; nothing for a single one."""
    seeds = len(experiment.seeds)
    return f", median over {seeds} seeds" if seeds > 1 else ""


def _paired_columns(pairing: "Pairing") -> tuple[Variant, ...]:
    """Each variant against the baseline; nothing for the baseline itself."""

    def of(value: "Callable[[Paired], Any]") -> Value:
        def found(variant: "VariantSummary") -> Any:
            paired = pairing.against.get(variant.label)
            return None if paired is None else value(paired)

        return found

    counts = {"both": "both", "only_this": "only it", "only_baseline": "only base"}
    return (
        Column(
            "rank",
            "rank",
            lambda v: pairing.ranks.get(v.label),
            note="rank: 1 + how many are significantly better, Holm over all pairs",
        ),
        Column(
            "difference",
            "difference",
            of(lambda paired: paired.difference),
            signed,
            note="difference of the solved rates; p: exact McNemar",
        ),
        Column(
            "difference_interval",
            "its interval",
            of(lambda paired: (paired.low, paired.high)),
            signed_interval,
            {"difference_low": itemgetter(0), "difference_high": itemgetter(1)},
        ),
        Column("p", "p", of(lambda paired: paired.p), p_value),
        *(
            Column(name, heading, of(attrgetter(name)))
            for name, heading in {**counts, "neither": "neither"}.items()
        ),
    )


_UNTUNED = ("tuning", "tried:")  # what asks for a tuning is answered without one, too


def _tuning_columns(shown: Comparison) -> tuple[Variant, ...]:
    """The choice of each learning rate, and what it was chosen from."""
    tuned, rate = shown.tuned, shown.experiment.learning_rate
    if tuned is None:
        return (
            Column("learning_rate", "learning rate", lambda _: rate, shown_only=True),
            *(Column(name, "tuned", lambda _: "no", shown_only=True) for name in _UNTUNED),
        )

    def of(value: "Callable[[Choice], Any]") -> Value:
        def found(variant: "VariantSummary") -> Any:
            choice = tuned.choices.get(variant.label)
            return None if choice is None else value(choice)

        return found

    def solved_with(tried_rate: float) -> Value:
        return lambda choice: next(
            (tried.solved.k for tried in choice.tried if tried.value == tried_rate), None
        )

    shared = tuned.shared.variants if tuned.shared else ()
    solved_shared = {variant.label: variant.solved.k for variant in shared}
    return (
        Column("learning_rate", "learning rate", of(lambda choice: choice.value), short),
        Column(
            "tuning",
            "tuning solved",
            of(lambda choice: choice.chosen.solved),
            rate_of,
            {"tuning_solved": attrgetter("k"), "tuning_seeds": attrgetter("n")},
        ),
        Column("tuning_edge", "", of(lambda choice: choice.edge)),
        Column(
            "not_told_apart",
            "not told apart",
            of(lambda choice: [t.value for t in choice.tried if not t.told_apart]),
            lambda values: _stretches(values, shown.experiment.tune),
            {"not_told_apart": lambda values: " ".join(map(repr, values))},
            prose=True,
        ),
        Column(
            "by_value",
            "by value",
            of(lambda choice: [tried.solved.rate for tried in choice.tried]),
            lambda rates: sparkline(rates, 1.0),
            shown_only=True,
            prose=True,
        ),
        *(
            Column(f"tried:{value}", short(value), of(solved_with(value)), shown_only=True)
            for value in shown.experiment.tune
        ),
        Column("shared_solved", "", lambda v: solved_shared.get(v.label)),
    )


def _stretches(values: Sequence[float], every: Sequence[float]) -> str:
    """Some of all values, those that follow each other as a range."""
    stretches = [[*found] for there, found in groupby(every, values.__contains__) if there]
    return ", ".join(" to ".join(dict.fromkeys(map(short, (s[0], s[-1])))) for s in stretches)


def _prediction_columns(shown: Comparison) -> tuple[Variant, ...]:
    """What is predicted of each of the first samples."""
    task = shown.experiment.task
    samples = list(zip(task.inputs, task.targets, strict=True))
    some = f" of the first {MAX_SAMPLES} of {len(samples)} samples"
    note = (
        f"predictions{some if len(samples) > MAX_SAMPLES else ''}{median_over(shown.experiment)} "
        "(columns: inputs > target)"
    )
    return tuple(
        Column(
            f"prediction:{sample}",
            f"{' '.join(map(short, inputs))} > {' '.join(map(short, targets))}",
            _prediction(sample),
            lambda outputs: " ".join(map(brief, outputs)),
            shown_only=True,
            note=note,
        )
        for sample, (inputs, targets) in enumerate(samples[:MAX_SAMPLES])
    )


def _prediction(sample: int) -> Value:
    return trained_value(lambda variant: variant.predictions[_MEDIAN, sample].tolist())


def column_names(columns: Sequence[Column[Any]], asked: Iterable[str]) -> list[str]:
    """The names of the columns that some names of `COLUMNS` ask for, those that there are."""
    names = [column.name for column in columns]
    patterns = [pattern for name in asked for pattern in COLUMNS[name]]
    return [name for pattern in patterns for name in names if fnmatchcase(name, pattern)]
