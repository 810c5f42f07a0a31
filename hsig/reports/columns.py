"""The columns of a comparison, a row for each: this is where one is added.

Nothing heavy is imported, so that `hsig compare --help`, which names them, is instant.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from hsig.reports.page import brief, p_value, percent, short, sparkline

if TYPE_CHECKING:
    from hsig.analysis.pairing import Paired, Pairing
    from hsig.analysis.summary import Solved, VariantSummary
    from hsig.analysis.tuning import Choice, Tuning
    from hsig.experiments.experiment import Experiment

Entry = Callable[["VariantSummary"], str]

_COSTS_MOST = 17  # checkpoints with a column of their own
_SAMPLES_MOST = 16
LOWER, MEDIAN, UPPER = range(3)  # the quartiles of a `VariantSummary`


class Comparison(Protocol):
    """What columns need to know of the comparison that they are in."""

    @property
    def experiment(self) -> "Experiment":
        """What was run."""

    @property
    def variants(self) -> "Sequence[VariantSummary]":
        """In the order of the rows."""

    @property
    def pairing(self) -> "Pairing | None":
        """Of these, if there is one."""

    @property
    def tuned(self) -> "Tuning | None":
        """How the learning rates were chosen, if they were."""

    @property
    def budgets(self) -> tuple[int, ...]:
        """Those that were asked for, else the budget."""

    def checkpoints(self, most: int) -> list[int]:
        """At most so many to show."""

    def curve(self, variant: "VariantSummary") -> str:
        """The median cost by epoch, as a small curve."""

    def bar(self, variant: "VariantSummary") -> str:
        """How many seeds ended with each verdict."""

    def verdicts(self) -> tuple[str, ...]:
        """Of seeds that were not solved."""


@dataclass(frozen=True)
class Column:
    """What may be asked for by a name in `--columns`.

    Attributes:
        name: That name.
        parts: Heads and cells; several where it takes several columns, none where there is nothing
            to show.
        says_something: Whether it is worth its room where nobody asked for it.
        about: What the title of a table says of it.
    """

    name: str
    parts: Callable[["Comparison"], list[tuple[str, Entry]]]
    says_something: Callable[["Comparison"], bool] = lambda _: True
    about: str = ""


def _one(head: str, cell: Entry) -> Callable[["Comparison"], list[tuple[str, Entry]]]:
    """The parts of a column that is one, with the same head always."""
    return lambda _: [(head, cell)]


def _interval(solved: "Solved") -> str:
    return f"{percent(solved.low)} to {percent(solved.high)}"


def _budget(epoch: int) -> Entry:
    def cell(variant: "VariantSummary") -> str:
        """How many seeds were solved then, with the interval of their rate."""
        solved = variant.at_epochs.get(epoch)
        return "" if solved is None else f"{solved.k}, {_interval(solved)}"

    return cell


def _cost_at(epoch: int) -> Entry:
    def cell(variant: "VariantSummary") -> str:
        if epoch not in variant.epochs:
            return ""
        return brief(variant.cost[MEDIAN, variant.epochs.index(epoch)])

    return cell


def _final_cost(quartile: int) -> Entry:
    return lambda variant: brief(variant.cost[quartile, -1])


def _epochs(variant: "VariantSummary") -> str:
    """A median with its interval."""
    median, low, high = (
        "not reached" if epoch == inf else f"{epoch:.0f}" for epoch in variant.epochs_to_solve
    )
    return median if median == low == high else f"{median} ({low} to {high})"


def _median(comparison: "Comparison") -> list[tuple[str, Entry]]:
    """The median epochs to solve, or that they are more than the budget."""
    beyond = f">{comparison.experiment.epochs}"

    def cell(variant: "VariantSummary") -> str:
        median = variant.epochs_to_solve[0]
        return beyond if median == inf else f"{median:.0f}"

    return [("epochs", cell)]


def _against_baseline(
    *parts: tuple[str, Callable[["Paired"], str]],
) -> Callable[["Comparison"], list[tuple[str, Entry]]]:
    """Parts about the comparison with the baseline, empty for that itself."""

    def made(comparison: "Comparison") -> list[tuple[str, Entry]]:
        pairing = comparison.pairing
        if pairing is None:
            return []

        def of(text: Callable[["Paired"], str]) -> Entry:
            def cell(variant: "VariantSummary") -> str:
                found = pairing.against.get(variant.label)
                return "" if found is None else text(found)

            return cell

        return [(head, of(text)) for head, text in parts]

    return made


def _rank(comparison: "Comparison") -> list[tuple[str, Entry]]:
    if comparison.pairing is None:
        return []
    ranks = comparison.pairing.ranks
    return [("rank", lambda variant: str(ranks.get(variant.label, "")))]


def _learning_rate(comparison: "Comparison") -> list[tuple[str, Entry]]:
    def cell(variant: "VariantSummary") -> str:
        choices = {} if comparison.tuned is None else comparison.tuned.choices
        found = choices.get(variant.label)
        return short(comparison.experiment.learning_rate if found is None else found.value)

    return [("learning rate", cell)]


def _of_choice(
    *parts: tuple[str, Callable[["Choice"], str]],
) -> Callable[["Comparison"], list[tuple[str, Entry]]]:
    """Parts about the choice of a learning rate; one that says so where there was none."""

    def made(comparison: "Comparison") -> list[tuple[str, Entry]]:
        tuned = comparison.tuned
        if tuned is None:
            return [("tuned", lambda _: "no")]

        def of(text: Callable[["Choice"], str]) -> Entry:
            def cell(variant: "VariantSummary") -> str:
                found = tuned.choices.get(variant.label)
                return "" if found is None else text(found)

            return cell

        return [(head, of(text)) for head, text in parts]

    return made


def _tuning_solved(choice: "Choice") -> str:
    solved = choice.chosen.solved
    return f"{solved.k} of {solved.n}"


def _as_good(choice: "Choice") -> str:
    """The values that the chosen one is not told apart from, in stretches."""
    stretches: list[list[str]] = [[]]
    for tried in choice.tried:
        if tried.told_apart:
            stretches.append([])
        else:
            stretches[-1].append(short(tried.value))
    return ", ".join(
        stretch[0] if len(stretch) == 1 else f"{stretch[0]} to {stretch[-1]}"
        for stretch in stretches
        if stretch
    )


def _by_value(choice: "Choice") -> str:
    return sparkline([tried.solved.rate for tried in choice.tried], 1.0)


def _tried(comparison: "Comparison") -> list[tuple[str, Entry]]:
    """How many tuning seeds each value that was tried solved."""

    def at(value: float) -> tuple[str, Callable[["Choice"], str]]:
        return short(value), lambda choice: next(
            (str(tried.solved.k) for tried in choice.tried if tried.value == value), ""
        )

    return _of_choice(*map(at, comparison.experiment.tune))(comparison)


def _verdict_count(word: str) -> Entry:
    return lambda variant: str(variant.verdicts.get(word, 0))


def _predictions(comparison: "Comparison") -> list[tuple[str, Entry]]:
    def prediction(sample: int) -> Entry:
        return lambda variant: _joined(map(brief, variant.predictions[MEDIAN, sample]))

    task = comparison.experiment.task
    samples = list(zip(task.inputs, task.targets, strict=True))[:_SAMPLES_MOST]
    return [
        (f"{' '.join(map(short, inputs))} > {_joined(map(short, targets))}", prediction(sample))
        for sample, (inputs, targets) in enumerate(samples)
    ]


def _joined(outputs: Iterable[str]) -> str:
    return " ".join(outputs)


def about_predictions(samples: int) -> str:
    """Of how many samples the predictions are shown, where it is not all."""
    return f" of the first {_SAMPLES_MOST} of {samples} samples" if samples > _SAMPLES_MOST else ""


COLUMNS: Mapping[str, Column] = MappingProxyType(
    {
        column.name: column
        for column in (
            Column("solved", _one("solved", lambda v: f"{v.solved.k} of {v.solved.n}")),
            Column("interval", _one("95 % interval", lambda v: _interval(v.solved))),
            Column("cost", _one("cost", _final_cost(MEDIAN))),
            Column("curve", lambda shown: [("curve", shown.curve)]),
            Column("verdicts", lambda shown: [("verdicts", shown.bar)]),
            Column(
                "counts",
                lambda shown: [(word, _verdict_count(word)) for word in shown.verdicts()],
            ),
            Column(
                "budgets",
                lambda shown: [(f"at {epoch}", _budget(epoch)) for epoch in shown.budgets],
                says_something=lambda shown: bool(shown.experiment.at_epochs),
            ),
            Column(
                "quartiles",
                lambda _: [("25 %", _final_cost(LOWER)), ("75 %", _final_cost(UPPER))],
                says_something=lambda shown: len(shown.experiment.seeds) > 1,
            ),
            Column("epochs", _one("epochs to solve", _epochs), about="median epochs to solve"),
            Column("median", _median, about="epochs: median to solve"),
            Column(
                "rank",
                _rank,
                about="rank: 1 + how many are significantly better, Holm over all pairs",
            ),
            Column(
                "difference",
                _against_baseline(
                    ("difference", lambda found: f"{found.difference:+.3f}"),
                    ("its interval", lambda found: f"{found.low:+.3f} to {found.high:+.3f}"),
                    ("p", lambda found: p_value(found.p)),
                ),
                about="difference of the solved rates; p: exact McNemar",
            ),
            Column(
                "pairs",
                _against_baseline(
                    ("both", lambda found: str(found.both)),
                    ("only it", lambda found: str(found.only_this)),
                    ("only base", lambda found: str(found.only_baseline)),
                    ("neither", lambda found: str(found.neither)),
                ),
            ),
            Column(
                "lost",
                _one("lost", lambda v: str(v.lost)),
                says_something=lambda shown: any(variant.lost for variant in shown.variants),
            ),
            Column(
                "learning_rate",
                _learning_rate,
                says_something=lambda shown: shown.tuned is not None,
            ),
            Column(
                "tuning",
                _of_choice(
                    ("tuning solved", _tuning_solved),
                    ("not told apart", _as_good),
                    ("by value", _by_value),
                ),
            ),
            Column("tried", _tried),
            Column("diverged", _one("diverged", lambda v: str(len(v.diverged_seeds)))),
            Column(
                "costs",
                lambda shown: [(str(e), _cost_at(e)) for e in shown.checkpoints(_COSTS_MOST)],
            ),
            Column("predictions", _predictions),
        )
    }
)
