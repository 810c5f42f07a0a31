"""The columns of variants, of which the table, JSON and CSV are made: this is where one is added.

Nothing heavy is imported, so that `hsig compare --help`, which names them, is instant.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from itertools import groupby
from math import inf, isfinite, nan
from operator import attrgetter, itemgetter, methodcaller
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from hsig.reports.page import (
    HELD_OUT,
    MEASURES,
    Column,
    brief,
    difference_text,
    interval,
    measure_text,
    measure_words,
    p_value,
    rate_of,
    short,
    signed,
    sparkline,
)

if TYPE_CHECKING:
    from hsig.analysis.pairing import Paired, Pairing
    from hsig.analysis.summary import VariantSummary
    from hsig.analysis.tuning import Choice, Tuning
    from hsig.experiments.experiment import Experiment

MAX_COSTS = 17  # checkpoints with a column of their own
MAX_SAMPLES = 16
_POWER = 0.8  # that a test of a difference should have
_MAX_CURVE, _BAR = 20, 10  # characters of a small curve, and of a bar of verdicts
_MAX_START_RATIO = 4.0  # of a cost before training to the usual one, to count for the curves' scale
_LOWER, _MEDIAN, _UPPER = range(3)  # the quartiles of a `VariantSummary`


@dataclass(frozen=True, eq=False)
class Comparison:
    """Variants side by side, as columns see them."""

    experiment: "Experiment"  # what was run
    variants: "Sequence[VariantSummary]"  # in the order of the rows
    pairing: "Pairing | None" = None  # of these, if there is one
    tuned: "Tuning | None" = None  # how the learning rates were chosen, if they were

    @property
    def trained(self) -> "list[VariantSummary]":
        """Those that could be trained."""
        return [variant for variant in self.variants if not variant.failure]

    def checkpoints(self, most: int) -> list[int]:
        """Every n-th that was reached and the last, with n so that they are not too many."""
        last = max((variant.epochs[-1] for variant in self.trained), default=0)
        reached = [epoch for epoch in self.experiment.checkpoints if epoch <= last] or [0]
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
# what CSV has of a rate, and of the quartiles of a cost
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

_QUARTILES = {"lower_quartile": _LOWER, "median": _MEDIAN, "upper_quartile": _UPPER}

# what may be asked for by `--columns`: the columns of each name, or a pattern of their names
COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "solved": ("solved",),
        "interval": ("interval",),
        **{
            name: (name,)
            for prefix in ("", HELD_OUT)
            for name in (f"{prefix}{measure}" for measure in MEASURES)
        },
        "baseline": ("constant_*",),
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
        "power": ("seeds_needed",),
        "pairs": ("both", "only_this", "only_baseline", "neither", "better", "worse", "ties"),
        "lost": ("lost",),
        "stopped": ("stopped",),
        "learning_rate": ("learning_rate",),
        "tuning": ("tuning", "tuning_score", "not_told_apart", "by_value"),
        "tried": ("tried:*",),
        "diverged": ("diverged",),
        "costs": ("cost:*",),
        "predictions": ("prediction:*",),
    }
)


def variant_columns(shown: Comparison) -> tuple[Variant, ...]:
    """Every column that says something of these variants, in the order of CSV."""
    return (
        Column("label", "variant", attrgetter("label"), prose=True),
        *_result_columns(shown),
        *measure_columns(
            shown.experiment,
            shown.variants,
            median_over(shown.experiment),
            shown.trained[0].constants if shown.trained else {},
        ),
        *_cost_columns(shown),
        *(_paired_columns(shown.pairing) if shown.pairing else ()),
        *(_tuning_columns(shown, shown.tuned) if shown.tuned else _untuned_columns(shown)),
        *_prediction_columns(shown),
        Column("error", "", lambda v: v.failure or None),
    )


def if_trained(value: Value) -> Value:
    """The value of what could be trained; None of what could not."""
    return lambda numbers: None if numbers.failure else value(numbers)


def _if_found(found: Mapping[str, Any], value: Value) -> Value:
    """The value of what is found by a variant's label; None where there is nothing."""
    return lambda variant: value(found[variant.label]) if variant.label in found else None


# fmt: off
def result_columns(failed_verdicts: Sequence[str], text_of_counts: Value) -> list[Column[Any]]:
    """How many seeds of some numbers were solved, and what became of the others.

    Args:
        failed_verdicts: All but `solved`, in their order.
        text_of_counts: How counts of verdicts are written.
    """
    solved = if_trained(attrgetter("solved"))
    counts = {word: methodcaller("get", word, 0) for word in failed_verdicts}
    return [
        Column("solved", "solved", solved, rate_of, SOLVED_PARTS, missing="not trained"),
        Column("interval", "95 % interval", solved, interval, shown_only=True),
        Column("verdicts", "verdicts", if_trained(attrgetter("verdicts")), text_of_counts, counts,
               prose=True),
    ]


def _result_columns(shown: Comparison) -> list[Variant]:
    from hsig.reports.phrases import FAILED_VERDICTS, verdict_bar

    budget, asked = shown.experiment.epochs, shown.experiment.at_epochs
    goal = f"to {'solve' if shown.experiment.stop_loss is None else 'stop'}"
    ended = {word for variant in shown.variants for word in variant.verdicts}

    def count_of(word: str) -> Variant:
        return Column(f"count:{word}", word, if_trained(lambda v: v.verdicts.get(word, 0)),
                      shown_only=True)

    def solved_at(epoch: int) -> Variant:
        name = f"solved_at_{epoch}"
        return Column(name, f"at {epoch}", lambda v: v.at_epochs.get(epoch),
                      lambda solved: f"{solved.k}, {interval(solved)}", {name: attrgetter("k")},
                      shown_only=not asked)

    return [
        *result_columns(FAILED_VERDICTS, lambda counts: verdict_bar(counts, _BAR)),
        *(count_of(word) for word in FAILED_VERDICTS if word in ended),
        Column("lost", "lost", if_trained(attrgetter("lost"))),
        Column("diverged", "diverged", if_trained(lambda v: len(v.diverged_seeds)),
               shown_only=True),
        *map(solved_at, asked or (budget,)),
        Column("epochs_to_solve", "epochs", if_trained(lambda v: v.epochs_to_solve[0]),
               lambda median: f">{budget}" if median == inf else f"{median:.0f}",
               note=f"epochs: median {goal}"),
        Column("stopped", "stopped", if_trained(lambda v: v.stopped), shown_only=True),
        Column("epochs_interval", f"epochs {goal}", if_trained(attrgetter("epochs_to_solve")),
               _epochs_interval, shown_only=True, note=f"median epochs {goal}"),
    ]


def measure_columns(
    experiment: "Experiment",
    numbers: Sequence[Any],
    over: str,
    constants: Mapping[str, float],
) -> list[Column[Any]]:
    """The measures that some numbers have, and what no inputs give, which titles say beside them.

    Args:
        experiment: Whose task it is.
        numbers: Of variants, or of cells of a sweep.
        over: How many seeds a median is over, in words.
        constants: What no inputs give, by the measure's name.
    """
    from hsig.reports.phrases import constant_words

    alone = f"{constant_words(experiment)} alone: "
    each = ", ".join(f"{measure_words(n)} {measure_text(n, v)}" for n, v in constants.items())
    note = "; ".join(filter(None, [f"measures{over}" if over else "", alone * bool(each) + each]))

    def measure(name: str) -> Column[Any]:
        return Column(name, measure_words(name),
                      lambda n: n.measures[name][:, -1].tolist() if n.measures else None,
                      lambda quartiles: measure_text(name, quartiles[_MEDIAN]),
                      {f"{name}_{part}": itemgetter(at) for part, at in _QUARTILES.items()},
                      note=note)

    def constant(name: str) -> Column[Any]:
        return Column(f"constant_{name}", f"no inputs: {measure_words(name)}",
                      if_trained(lambda _: constants[name]), partial(measure_text, name))

    there = {name for n in numbers for name in n.measures}
    names = ("loss", "right", *(() if experiment.has_classes else ("rmse", "r2")))
    names = tuple(prefix + name for prefix in ("", HELD_OUT) for name in names)
    return [*map(measure, filter(there.__contains__, names)), *map(constant, constants)]


def _cost_columns(shown: Comparison) -> list[Variant]:
    experiment, top = shown.experiment, shown.curve_top
    which, over = which_cost(experiment), median_over(experiment)
    note = f"cost: {which}{over}"
    is_cut = any((variant.cost[_MEDIAN] > top).any() for variant in shown.trained)

    def cost_at(epoch: int, variant: "VariantSummary") -> float:
        if epoch not in variant.epochs:
            return nan
        return float(variant.cost[_MEDIAN, variant.epochs.index(epoch)])

    def curve(variant: "VariantSummary") -> list[float]:
        return [cost_at(epoch, variant) for epoch in shown.checkpoints(_MAX_CURVE)]

    def final_cost(name: str, quartile: int) -> Variant:
        return Column(f"final_cost:{name}", f"{name} %",
                      if_trained(lambda v: float(v.cost[quartile, -1])), brief,
                      shown_only=True, note=note)

    def costs_at(epoch: int) -> Variant:
        return Column(f"cost:{epoch}", str(epoch),
                      lambda v: cost_at(epoch, v) if epoch in getattr(v, "epochs", ()) else None,
                      brief, shown_only=True, note=f"{which} by epoch{over}")

    return [
        Column("epoch", "", if_trained(lambda v: v.epochs[-1])),
        Column("cost", "", if_trained(lambda _: experiment.cost)),
        Column("final_cost", "cost", if_trained(lambda v: v.cost[:, -1].tolist()),
               lambda cost: brief(cost[_MEDIAN]), COST_PARTS, note=note),
        final_cost("25", _LOWER),
        final_cost("75", _UPPER),
        Column("curve", "curve", if_trained(curve), lambda costs: sparkline(costs, top),
               shown_only=True, prose=True,
               note=f"curve: from 0 to {top:.3g}{', cut off there' if is_cut else ''}"),
        *map(costs_at, shown.checkpoints(MAX_COSTS)),
    ]


def _paired_columns(pairing: "Pairing") -> list[Variant]:
    """Each variant against the baseline; nothing for the baseline itself."""
    from hsig.analysis.pairing import LEVEL
    from hsig.experiments.measures import SOLVED

    of, measure = partial(_if_found, pairing.against), pairing.measure
    level = LEVEL / max(1, len(pairing.against))
    is_solved = measure.name == SOLVED
    test = "difference of the solved rates; p: exact McNemar"
    if not is_solved:
        of_what = measure_words(measure.field)
        test = (
            f"difference of {of_what}: median over seeds, and its 95 % interval; p: exact sign "
            "test of the seeds that are better or worse"
        )

    def size(difference: float) -> str:
        return signed(difference) if is_solved else difference_text(measure.field, difference)

    def seeds_needed(pair: "Paired") -> float | None:
        from hsig.analysis import power

        if pair.better == pair.worse:
            return None
        needed = power.seeds_for(pair, power=_POWER, alpha=level)
        return inf if needed is None else needed

    def of_solved(name: str, heading: str, count: str) -> Variant:
        return Column(name, heading if is_solved else "",
                      of(lambda pair: getattr(pair, count) if is_solved else None))

    return [
        Column("rank", "rank", lambda v: pairing.ranks.get(v.label),
               note="rank: 1 + how many are significantly better, Holm over all pairs"),
        Column("measure", "", of(lambda _: measure.field)),
        Column("difference", "difference", of(attrgetter("difference")), size, note=test),
        Column("difference_interval", "its interval", of(attrgetter("low", "high")),
               lambda ends: " to ".join(map(size, ends)),
               {"difference_low": itemgetter(0), "difference_high": itemgetter(1)}),
        Column("p", "p", of(attrgetter("p")), p_value),
        Column("seeds_needed", "seeds needed", of(seeds_needed),
               lambda n: "too many" if n == inf else str(n), shown_only=True,
               note=f"seeds needed: for {_POWER:.0%} power at this difference"),
        of_solved("both", "both", "both"),
        of_solved("only_this", "only it", "better"),
        of_solved("only_baseline", "only base", "worse"),
        of_solved("neither", "neither", "neither"),
        *(Column(name, "" if is_solved else name, of(attrgetter(name)))
          for name in ("better", "worse", "ties")),
    ]


def _untuned_columns(shown: Comparison) -> list[Variant]:
    """What columns of a tuning have where there was none."""
    rate = shown.experiment.learning_rate
    return [
        Column("learning_rate", "learning rate", lambda _: rate, short, shown_only=True),
        Column("tuning", "tuned", lambda _: "no", shown_only=True),
        Column("tried:", "tuned", lambda _: "no", shown_only=True),
    ]


def _tuning_columns(shown: Comparison, tuned: "Tuning") -> list[Variant]:
    """The choice of each learning rate, and what it was chosen from."""
    from hsig.experiments.measures import LOSS, SOLVED

    of, values = partial(_if_found, tuned.choices), shown.experiment.tune
    change = partial(_if_found, tuned.changes)
    shared = tuned.shared.variants if tuned.shared else ()
    solved = {variant.label: variant.solved for variant in shared if not variant.failure}
    name, pairing = shown.experiment.chosen_measure.name, tuned.shared and tuned.shared.pairing
    field = pairing.measure.field if pairing else SOLVED
    medians = {v.label: v.median(field) for v in shared if not v.failure}
    sign = -1.0 if name == LOSS else 1.0

    def scores(choice: "Choice") -> list[float]:
        return [sign * tried.score for tried in choice.tried]

    def tried(value: float) -> Variant:
        if name == SOLVED:
            found = of(lambda choice: {t.value: t.solved.k for t in choice.tried}.get(value))
            return Column(f"tried:{value}", short(value), found, shown_only=True)
        found = of(lambda choice: {t.value: sign * t.score for t in choice.tried}.get(value))
        return Column(f"tried:{value}", short(value), found, partial(measure_text, name),
                      shown_only=True)

    def claim(claimed: str) -> str:
        return claimed or "none"

    def size(difference: float) -> str:
        return signed(difference) if field == SOLVED else difference_text(field, difference)

    return [
        Column("learning_rate", "learning rate", of(attrgetter("value")), short),
        Column("tuning", "tuning solved" if name == SOLVED else "",
               of(attrgetter("chosen.solved")), rate_of,
               {"tuning_solved": attrgetter("k"), "tuning_seeds": attrgetter("n")}),
        Column("tuning_score", "" if name == SOLVED else f"tuning {measure_words(name)}",
               of(lambda choice: sign * choice.chosen.score), partial(measure_text, name)),
        Column("tuning_edge", "", of(attrgetter("edge"))),
        Column("not_told_apart", "not told apart",
               of(lambda choice: [t.value for t in choice.tried if not t.told_apart]),
               lambda some: _stretches(some, values),
               {"not_told_apart": lambda some: " ".join(map(repr, some))}, prose=True),
        Column("by_value", "by value",
               of(scores),
               lambda scores: sparkline(scores, 1.0 if name != LOSS else _largest(scores)),
               shown_only=True, prose=True),
        *map(tried, values),
        Column("shared_solved", "solved" if field == SOLVED else "",
               lambda v: solved.get(v.label), rate_of, {"shared_solved": attrgetter("k")}),
        Column("shared_median", "" if field == SOLVED else measure_words(field),
               lambda v: medians.get(v.label) if field != SOLVED else None,
               partial(measure_text, field)),
        Column("shared_difference", "difference", change(attrgetter("shared.difference")), size),
        Column("shared_interval", "its interval", change(attrgetter("shared.low", "shared.high")),
               lambda ends: " to ".join(map(size, ends)),
               {"shared_low": itemgetter(0), "shared_high": itemgetter(1)}),
        Column("shared_p", "p", change(attrgetter("shared.p")), p_value),
        Column("shared_claim", "claim", change(attrgetter("shared.claim")), claim),
        Column("own_claim", "tuned", change(attrgetter("own.claim")), claim),
    ]


def _prediction_columns(shown: Comparison) -> list[Variant]:
    """What is predicted of each of the first samples."""
    task = shown.experiment.task
    samples = list(zip(task.inputs, task.targets, strict=True))
    some = f" of the first {MAX_SAMPLES} of {len(samples)} samples"
    note = (
        f"predictions{some if len(samples) > MAX_SAMPLES else ''}{median_over(shown.experiment)} "
        "(columns: inputs > target)"
    )

    def prediction(sample: int, heading: str) -> Variant:
        return Column(f"prediction:{sample}", heading,
                      if_trained(lambda v: v.predictions[_MEDIAN, sample].tolist()),
                      lambda outputs: " ".join(map(brief, outputs)), shown_only=True, note=note)

    return [
        prediction(n, f"{' '.join(map(short, inputs))} > {' '.join(map(short, targets))}")
        for n, (inputs, targets) in enumerate(samples[:MAX_SAMPLES])
    ]
# fmt: on


def which_cost(experiment: "Experiment") -> str:
    """What the tables' cost is: at the same weights, or on the way through an epoch."""
    of_epoch = {"mean": "running mean cost", "last": "running cost of the last sample"}
    return of_epoch.get(experiment.cost, "loss of the weights")


def median_over(experiment: "Experiment") -> str:
    """Over how many seeds a number is the median; nothing for a single one."""
    seeds = len(experiment.seeds)
    return f", median over {seeds} seeds" if seeds > 1 else ""


def _epochs_interval(epochs: Sequence[float]) -> str:
    median, low, high = ("not reached" if epoch == inf else f"{epoch:.0f}" for epoch in epochs)
    return median if median == low == high else f"{median} ({low} to {high})"


def _largest(values: Sequence[float]) -> float:
    """The largest finite value, if it is above 0; else 1."""
    return max((value for value in values if isfinite(value) and value > 0.0), default=1.0)


def _stretches(values: Sequence[float], every: Sequence[float]) -> str:
    """Some of all values, those that follow each other as a range."""
    stretches = [[*found] for there, found in groupby(every, values.__contains__) if there]
    return ", ".join(" to ".join(dict.fromkeys(map(short, (s[0], s[-1])))) for s in stretches)


def column_names(columns: Sequence[Column[Any]], asked: Iterable[str]) -> list[str]:
    """The names of the columns that some names of `COLUMNS` ask for, those that there are."""
    names = [column.name for column in columns]
    patterns = [pattern for name in asked for pattern in COLUMNS[name]]
    return [name for pattern in patterns for name in names if fnmatchcase(name, pattern)]
