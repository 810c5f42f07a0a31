"""The tables of a comparison: a row for each variant, and every column that there is."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf, isfinite

from hsig.analysis.pairing import Paired, Pairing
from hsig.analysis.statistics import wilson_interval
from hsig.analysis.summary import MEDIAN, VariantSummary
from hsig.experiments.experiment import Experiment, Failure
from hsig.experiments.verdicts import SOLVED, VERDICTS
from hsig.reports.page import Table, brief, count, p_value, percent, short
from hsig.reports.plots import sparkline
from hsig.reports.words import legend, verdict_bar, which_cost

_COSTS_MOST = 17  # columns of costs by epoch
_PREDICTIONS_MOST = 16
_FAR = 4.0  # times the usual cost before training
_CURVE_MOST = 20  # characters of a small curve
_RESULTS = ("solved", "interval", "budgets", "cost", "quartiles", "curve", "verdicts", "lost")
_BAR = 10  # characters of a bar of verdicts


@dataclass(frozen=True)
class _Column:
    """A column: its name, and the cell of a variant."""

    name: str
    cell: Callable[[VariantSummary], str]


class SideBySide:
    """The tables of a comparison; rows in a given order."""

    def __init__(
        self,
        experiment: Experiment,
        variants: Sequence[VariantSummary | Failure],
        *,
        ascii_only: bool,
        pairing: Pairing | None,
    ) -> None:
        self._experiment = experiment
        self._pairing = pairing
        self._variants = variants
        self._trained = [v for v in variants if isinstance(v, VariantSummary)]
        self._ascii_only = ascii_only
        seeds = len(experiment.seeds)
        self._over = f", median over {seeds} seeds" if seeds > 1 else ""
        self._top = _top(self._trained)

    def usual(self) -> tuple[Table, ...]:
        """Results, the variants against the baseline, costs by epoch, and final predictions."""
        epochs = [str(epoch) for epoch in self._epochs()]
        return (
            self.results(),
            *self.paired(),
            self._table(self._cost_title(), ["costs"], _thinned_names(epochs)),
            self._table(self._prediction_title(), ["predictions"]),
        )

    def results(self) -> Table:
        """How many seeds were solved, the cost, and the verdicts."""
        names = [name for name in _RESULTS if self._says_something(name)]
        return self._table(self._result_title(names), names, (("25 %", "75 %"), ("lost",)))

    def paired(self) -> tuple[Table, ...]:
        """Every variant against the baseline, if there is one."""
        if self._pairing is None:
            return ()
        names = ["rank", "difference", "epochs"]
        return (self._table(self._paired_title(names), names),)

    def chosen(self, names: Sequence[str]) -> Table:
        """One table of these columns."""
        titles = [self._result_title(names)]
        if {"rank", "difference", "pairs"} & set(names) and self._pairing is not None:
            titles.append(self._paired_title(names))
        titles += [self._cost_title()] if "costs" in names else []
        titles += [self._prediction_title()] if "predictions" in names else []
        return self._table("; ".join(titles), names)

    def _table(
        self, title: str, names: Iterable[str], spare: tuple[tuple[str, ...], ...] = ()
    ) -> Table:
        columns = [column for name in names for column in self._columns(name)]
        rows = [self._row(variant, columns) for variant in self._variants]
        return Table(
            title,
            ("variant", *(column.name for column in columns)),
            tuple(rows),
            spare=spare,
            prose=("variant", "curve", "verdicts"),
            splits=True,
        )

    def _row(
        self, variant: VariantSummary | Failure, columns: Sequence[_Column]
    ) -> tuple[str, ...]:
        if isinstance(variant, VariantSummary):
            return (variant.label, *(column.cell(variant) for column in columns))
        return (variant.variant.label, "not trained", *("" for _ in columns[1:]))

    def _columns(self, name: str) -> list[_Column]:
        match name:
            case "solved":
                return [_Column("solved", lambda v: f"{v.solved.k} of {v.solved.n}")]
            case "interval":
                return [_Column("95 % interval", _interval)]
            case "cost":
                return [_Column("cost", lambda v: brief(v.cost[MEDIAN, -1]))]
            case "quartiles":
                return [
                    _Column("25 %", lambda v: brief(v.cost[0, -1])),
                    _Column("75 %", lambda v: brief(v.cost[2, -1])),
                ]
            case "curve":
                return [_Column("curve", self._curve)]
            case "epochs":
                return [_Column("epochs to solve", lambda v: _epochs(v.epochs_to_solve))]
            case "rank" if self._pairing is not None:
                ranks = self._pairing.ranks
                return [_Column("rank", lambda v: str(ranks.get(v.label, "")))]
            case "difference" if self._pairing is not None:
                return [
                    _Column("difference", partial(self._paired, _difference)),
                    _Column("its interval", partial(self._paired, _its_interval)),
                    _Column("p", partial(self._paired, lambda found: p_value(found.p))),
                ]
            case "pairs" if self._pairing is not None:
                return [
                    _Column("both", partial(self._paired, lambda found: str(found.both))),
                    _Column("only it", partial(self._paired, lambda found: str(found.only_this))),
                    _Column(
                        "only base", partial(self._paired, lambda found: str(found.only_baseline))
                    ),
                    _Column("neither", partial(self._paired, lambda found: str(found.neither))),
                ]
            case "rank" | "difference" | "pairs":
                return []
            case "lost":
                return [_Column("lost", lambda v: str(v.lost))]
            case "diverged":
                return [_Column("diverged", lambda v: str(len(v.diverged_seeds)))]
            case "verdicts":
                return [_Column("verdicts", self._bar)]
            case "counts":
                return [_Column(word, _count(word)) for word in VERDICTS if word != SOLVED]
            case "budgets":
                return [_Column(f"at {epoch}", _budget(epoch)) for epoch in self._budgets()]
            case "costs":
                return [_Column(str(epoch), _cost_at(epoch)) for epoch in self._epochs()]
        task = self._experiment.task
        rows = list(zip(task.inputs, task.targets, strict=True))[:_PREDICTIONS_MOST]
        return [
            _Column(
                f"{' '.join(short(value) for value in inputs)} > {short(target)}", _prediction(row)
            )
            for row, (inputs, target) in enumerate(rows)
        ]

    def _paired_title(self, names: Sequence[str]) -> str:
        parts = {
            "difference": "difference of the solved rates; p: exact McNemar, Holm",
            "rank": "rank: 1 + how many are significantly better, Holm over all pairs",
            "epochs": "median epochs to solve",
        }
        baseline = "" if self._pairing is None else self._pairing.baseline
        explained = "; ".join(part for name, part in parts.items() if name in names)
        return f"against {baseline}, paired by seed{f' ({explained})' if explained else ''}"

    def _paired(self, cell: Callable[[Paired], str], variant: VariantSummary) -> str:
        """The cell of a variant's comparison with the baseline; nothing for that itself."""
        found = None if self._pairing is None else self._pairing.against.get(variant.label)
        return "" if found is None else cell(found)

    def _says_something(self, name: str) -> bool:
        """Whether a column is worth its room when nobody asked for it."""
        several = len(self._experiment.seeds) > 1
        return {
            "quartiles": several,
            "budgets": bool(self._experiment.at_epochs),
            "lost": any(variant.lost for variant in self._trained),
        }.get(name, True)

    def _epochs(self, most: int = _COSTS_MOST) -> list[int]:
        """The checkpoints to show, of those that any variant has reached."""
        last = max((variant.epochs[-1] for variant in self._trained), default=0)
        reached = [epoch for epoch in self._experiment.checkpoints if epoch <= last]
        return _thinned(reached, most)

    def _curve(self, variant: VariantSummary) -> str:
        cost = dict(zip(variant.epochs, variant.cost[MEDIAN].tolist(), strict=True))
        values = [cost.get(epoch, float("nan")) for epoch in self._epochs(_CURVE_MOST)]
        return sparkline(values, self._top, ascii_only=self._ascii_only)

    def _budgets(self) -> tuple[int, ...]:
        """Those that were asked for, else the budget."""
        return self._experiment.at_epochs or (self._experiment.epochs,)

    def _bar(self, variant: VariantSummary) -> str:
        return verdict_bar(variant.verdicts, _BAR, ascii_only=self._ascii_only)

    def legend(self) -> tuple[str, ...]:
        """What the parts of the bars mean, those that there are."""
        there = {word for variant in self._trained for word in variant.verdicts}
        return (f"verdicts: {legend(there, ascii_only=self._ascii_only)}",) if there else ()

    def _result_title(self, names: Sequence[str]) -> str:
        experiment = self._experiment
        budget = count(experiment.epochs, "epoch")
        reached = all(variant.epochs[-1] == experiment.epochs for variant in self._trained)
        cut = any((variant.cost[MEDIAN] > self._top).any() for variant in self._trained)
        parts = []
        if {"cost", "quartiles"} & set(names):
            parts.append(f"cost: {which_cost(experiment)}{self._over}")
        if "curve" in names:
            parts.append(f"curve: from 0 to {self._top:.3g}{', cut off there' if cut else ''}")
        explained = f" ({'; '.join(parts)})" if parts else ""
        return f"{'after' if reached else 'stopped before'} {budget}{explained}"

    def _cost_title(self) -> str:
        return f"{which_cost(self._experiment)} by epoch{self._over}"

    def _prediction_title(self) -> str:
        rows = len(self._experiment.task.targets)
        some = f" of the first {_PREDICTIONS_MOST} of {rows} rows"
        return (
            f"predictions{some if rows > _PREDICTIONS_MOST else ''}{self._over} "
            "(columns: inputs > target)"
        )


def _interval(variant: VariantSummary) -> str:
    return f"{percent(variant.solved.low)} to {percent(variant.solved.high)}"


def _budget(epoch: int) -> Callable[[VariantSummary], str]:
    def cell(variant: VariantSummary) -> str:
        """How many seeds were solved then, with the interval of their rate."""
        if epoch not in variant.epochs:
            return ""
        k = int(variant.timeline.states[SOLVED][variant.epochs.index(epoch)])
        low, high = wilson_interval(k, variant.solved.n)
        return f"{k}, {percent(low)} to {percent(high)}"

    return cell


def _count(word: str) -> Callable[[VariantSummary], str]:
    return lambda variant: str(variant.verdicts.get(word, 0))


def _epochs(found: tuple[float, float, float]) -> str:
    """A median with its interval."""
    median, low, high = ("not reached" if epoch == inf else f"{epoch:.0f}" for epoch in found)
    return median if median == low == high else f"{median} ({low} to {high})"


def _difference(found: Paired) -> str:
    return f"{found.difference:+.3f}"


def _its_interval(found: Paired) -> str:
    return f"{found.low:+.3f} to {found.high:+.3f}"


def _cost_at(epoch: int) -> Callable[[VariantSummary], str]:
    def cell(variant: VariantSummary) -> str:
        if epoch not in variant.epochs:
            return ""
        return brief(variant.cost[MEDIAN, variant.epochs.index(epoch)])

    return cell


def _prediction(row: int) -> Callable[[VariantSummary], str]:
    return lambda variant: brief(variant.predictions[MEDIAN, row])


def _top(variants: Sequence[VariantSummary]) -> float:
    """Where the small curves are cut off: the largest median cost before training.

    A variant that starts far above the others does not flatten theirs.
    """
    starts = sorted(float(variant.cost[MEDIAN, 0]) for variant in variants)
    starts = [start for start in starts if isfinite(start) and start > 0.0]
    if not starts:
        return 1.0
    usual = starts[(len(starts) - 1) // 2]
    return max(start for start in starts if start <= _FAR * usual)


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
