"""The tables of several variants side by side."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite, nan

from hsig.analysis.pairing import Pairing
from hsig.analysis.summary import MEDIAN, VariantSummary
from hsig.analysis.tuning import Tuned
from hsig.experiments.experiment import Experiment
from hsig.reports.claims import family
from hsig.reports.columns import COLUMNS, about_predictions
from hsig.reports.documents import (
    ended_as,
)
from hsig.reports.numbers import count
from hsig.reports.page import Table, sparkline
from hsig.reports.tuning import (
    ABOUT_CLAIMS,
    changes_table,
    tuning_title,
)
from hsig.reports.words import (
    legend,
    verdict_bar,
    which_cost,
)

_FAR = 4.0  # times the usual cost before training
_CURVE_MOST = 20  # characters of a small curve
_BAR = 10  # characters of a bar of verdicts
_RESULTS = ("learning_rate", "solved", "interval", "budgets", "median", "cost", "curve", "verdicts")
_ALL_RESULTS = (
    "learning_rate",
    "solved",
    "interval",
    "budgets",
    "cost",
    "quartiles",
    "curve",
    "verdicts",
    "lost",
)
_TUNING = ("learning_rate", "tuning")
_PAIRED = ("rank", "difference", "epochs")


@dataclass(frozen=True, eq=False)
class ComparisonTables:
    """The tables of a comparison, and what its columns need to know.

    Attributes:
        experiment: What was run.
        variants: In the order of the rows.
        pairing: Of these, if there is one.
        tuned: How their learning rates were chosen, if they were.
    """

    experiment: Experiment
    variants: Sequence[VariantSummary]
    pairing: Pairing | None
    tuned: Tuned | None = None

    def usual(self) -> tuple[Table, ...]:
        """Results, the variants against the baseline, costs by epoch, and final predictions."""
        costs = self._table(self._cost_title(), ["costs"])
        return (
            self.results(full=True),
            *self.paired(),
            *self.tuning(),
            replace(costs, spare=_thinned_names(costs.columns[1:])),
            self._table(self._prediction_title(), ["predictions"]),
        )

    def results(self, *, full: bool = False) -> Table:
        """How many seeds were solved, the cost, and the verdicts."""
        wanted = _ALL_RESULTS if full else _RESULTS
        names = [name for name in wanted if COLUMNS[name].says_something(self)]
        table = self._table(self._after(), names)
        return replace(
            table,
            said=self._said(names),
            spare=(("25 %", "75 %"), ("lost",)) if full else (("curve",),),
        )

    def paired(self) -> tuple[Table, ...]:
        """Every variant against the baseline, if there is one."""
        if self.pairing is None:
            return ()
        return (self._table(self._paired_title(self.pairing, _PAIRED), _PAIRED),)

    def tuning(self) -> tuple[Table, ...]:
        """How the learning rates were chosen, and the claims beside those without; if they were."""
        if self.tuned is None:
            return ()
        labels = [variant.label for variant in self.variants]
        return (
            self._table(tuning_title(self.experiment), _TUNING),
            *changes_table(self.experiment, self.tuned, labels),
        )

    def chosen(self, names: Sequence[str]) -> Table:
        """One table of these columns."""
        said = "; ".join(text for _, text in self._said(names))
        titles = [f"{self._after()} ({said})" if said else self._after()]
        if {"rank", "difference", "pairs"} & set(names) and self.pairing is not None:
            titles.append(self._paired_title(self.pairing, names))
        tuning = {"tuning", "tried"} & set(names) and self.tuned is not None
        titles += [tuning_title(self.experiment)] if tuning else []
        titles += [self._cost_title()] if "costs" in names else []
        titles += [self._prediction_title()] if "predictions" in names else []
        return self._table("; ".join(titles), names)

    def _table(self, title: str, names: Iterable[str]) -> Table:
        parts = [part for name in names for part in COLUMNS[name].parts(self)]
        rows = [
            (v.label, "not trained", *("" for _ in parts[1:]))
            if v.failure
            else (v.label, *(cell(v) for _, cell in parts))
            for v in self.variants
        ]
        return Table(
            title,
            ("variant", *(head for head, _ in parts)),
            tuple(rows),
            prose=("variant", "curve", "verdicts", "not told apart", "by value"),
            splits=True,
            whole=True,
        )

    @cached_property
    def _trained(self) -> list[VariantSummary]:
        return [variant for variant in self.variants if not variant.failure]

    def checkpoints(self, most: int) -> list[int]:
        """At most so many to show, of those that any variant has reached."""
        last = max((variant.epochs[-1] for variant in self._trained), default=0)
        reached = [epoch for epoch in self.experiment.checkpoints if epoch <= last]
        return _thinned(reached, most)

    def curve(self, variant: VariantSummary) -> str:
        """The median cost by epoch, as a small curve."""
        cost = dict(zip(variant.epochs, variant.cost[MEDIAN].tolist(), strict=True))
        values = [cost.get(epoch, nan) for epoch in self.checkpoints(_CURVE_MOST)]
        return sparkline(values, self._top)

    @property
    def budgets(self) -> tuple[int, ...]:
        """Those that were asked for, else the budget."""
        return self.experiment.at_epochs or (self.experiment.epochs,)

    def verdicts(self) -> tuple[str, ...]:
        """Of seeds that were not solved."""
        return ended_as(variant.verdicts for variant in self.variants)

    def bar(self, variant: VariantSummary) -> str:
        """How many seeds ended with each verdict."""
        return verdict_bar(variant.verdicts, _BAR)

    def legend(self) -> tuple[str, ...]:
        """What the parts of the bars mean, those that there are."""
        there = {word for variant in self.variants for word in variant.verdicts}
        return (f"verdicts: {legend(there)}",) if there else ()

    @cached_property
    def _top(self) -> float:
        """Where the small curves are cut off: the largest median cost before training.

        A variant that starts far above the others does not flatten theirs.
        """
        starts = sorted(float(variant.cost[MEDIAN, 0]) for variant in self._trained)
        starts = [start for start in starts if isfinite(start) and start > 0.0]
        if not starts:
            return 1.0
        usual = starts[(len(starts) - 1) // 2]
        return max(start for start in starts if start <= _FAR * usual)

    @property
    def _over(self) -> str:
        seeds = len(self.experiment.seeds)
        return f", median over {seeds} seeds" if seeds > 1 else ""

    def _after(self) -> str:
        budget = count(self.experiment.epochs, "epoch")
        reached = all(variant.epochs[-1] == self.experiment.epochs for variant in self._trained)
        return f"{'after' if reached else 'stopped before'} {budget}"

    def _said(self, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """What is to be said of columns, by their heads."""
        found = [("epochs", COLUMNS["median"].about)] if "median" in names else []
        if {"cost", "quartiles"} & set(names):
            head = "cost" if "cost" in names else "25 %"
            found.append((head, f"cost: {which_cost(self.experiment)}{self._over}"))
        if "curve" in names:
            cut = any((variant.cost[MEDIAN] > self._top).any() for variant in self._trained)
            top = f"{self._top:.3g}{', cut off there' if cut else ''}"
            found.append(("curve", f"curve: from 0 to {top}"))
        return tuple(found)

    def _paired_title(self, pairing: Pairing, names: Sequence[str]) -> str:
        baseline, comparisons = pairing.baseline, len(pairing.against)
        about = {name: COLUMNS[name].about for name in ("difference", "rank", "epochs")}
        about["difference"] += f", {family(comparisons, named=comparisons)}"
        said = [text for name, text in about.items() if name in names]
        said += [ABOUT_CLAIMS] if self.tuned and {"difference", "rank"} & set(names) else []
        explained = "; ".join(said)
        return f"against {baseline}, paired by seed{f' ({explained})' if explained else ''}"

    def _cost_title(self) -> str:
        return f"{which_cost(self.experiment)} by epoch{self._over}"

    def _prediction_title(self) -> str:
        some = about_predictions(len(self.experiment.task.targets))
        return f"predictions{some}{self._over} (columns: inputs > target)"


def _thinned(epochs: Sequence[int], most: int) -> list[int]:
    """Every n-th of them and the last, with n so that they are not too many."""
    step = max(1, -(-(len(epochs) - 1) // (most - 1)))
    return [*epochs[:-1:step], epochs[-1]]


def _thinned_names(names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Which to leave out first: every second, then every second of the rest, never the ends."""
    groups = []
    inner = list(names[:-1])
    while len(inner) > 1:
        groups.append(tuple(inner[1::2]))
        inner = inner[::2]
    return tuple(groups)
