"""The page of several variants side by side."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite, isnan, nan

from hsig.activations.names import to_text
from hsig.analysis.pairing import LEVEL, Paired, Pairing
from hsig.analysis.power import MAX_SEEDS, seeds_needed
from hsig.analysis.statistics import CLAIM_SEEDS, EXPLORE_SEEDS
from hsig.analysis.summary import MEDIAN, Summary, VariantSummary
from hsig.analysis.tuning import Tuning
from hsig.experiments.experiment import Experiment, Outcome
from hsig.reports.columns import COLUMNS, about_predictions
from hsig.reports.documents import (
    SEED_COLUMNS,
    VARIANT_COLUMNS,
    document,
    ended_as,
    seed_rows,
    variant_rows,
)
from hsig.reports.page import Line, Page, Table, count, lines, listed, percent, sparkline
from hsig.reports.phrases import (
    chaos,
    divergence,
    heading,
    legend,
    missed_precision,
    pointer,
    result_line,
    verdict_bar,
    which_cost,
)
from hsig.reports.training import transfer_table
from hsig.reports.tuning import (
    ABOUT_CLAIMS,
    changes_table,
    how_chosen,
    own_rates,
    rate_chosen,
    tuning_document,
    tuning_notes,
    tuning_title,
    with_tuning,
)

# --- claims --------------------------------------------------------------------------------------

# What can be claimed of a comparison at its number of seeds, and what a claim would take.

_POWER = 0.8  # that is asked for where nothing can be claimed
_NAMED_MOST, _SIZED_MOST = 6, 3  # variants in a line of the answer, and with their differences


def claims(
    experiment: Experiment,
    variants: Sequence[VariantSummary],
    pairing: Pairing | None,
    *,
    tuned: bool = False,
) -> list[str]:
    """What can be claimed at this number of seeds, what cannot, and what that would take.

    Args:
        experiment: Whose seeds and baseline they are.
        variants: At least those that are paired.
        pairing: Of them, if there is one.
        tuned: Whether it is one of variants at their own learning rates, with all alternatives.
    """
    if pairing is None:
        return []
    baseline = pairing.baseline
    rates = {variant.label: variant.solved.rate for variant in variants if not variant.failure}
    comparisons = len(pairing.against)
    setting = "each at its own learning rate" if tuned else "at this setting"
    claimed: dict[str, list[str]] = {"more": [], "less": []}
    open_: list[str] = []
    for label, found in pairing.against.items():
        if found.claim:
            claimed[found.claim].append(label)
        else:
            needed = _needed(found, rates[label], rates[baseline], LEVEL / comparisons)
            told = needed.partition(";")[0] if tuned else needed  # the power is of a plain test
            open_.append(f"{label} ({told})")
    notes = []
    if experiment.baseline not in ("", baseline):
        notes.append(f"the baseline {experiment.baseline} has no result: compared with {baseline}")
    notes += [
        f"solved {word} often than {baseline}, {setting} "
        f"({family(comparisons, named=len(labels))}): {', '.join(labels)}"
        for word, labels in claimed.items()
        if labels
    ]
    if open_:
        notes.append(
            f"no difference from {baseline} can be claimed "
            f"({family(comparisons, named=len(open_))}) for {', '.join(open_)}"
        )
    seen = any(not found.claim and found.difference for found in pairing.against.values())
    if seen and not tuned:
        level = f"{LEVEL:g}" if comparisons == 1 else f"{LEVEL:g}/{comparisons}, Holm's first level"
        notes.append(
            f"power: of the exact McNemar test at {level}, were the rates and the share of "
            "discordant pairs those seen"
        )
    return notes


def answer(
    experiment: Experiment,
    variants: Sequence[VariantSummary],
    pairing: Pairing | None,
    *,
    tuned: bool = False,
) -> list[str]:
    """The result in a few lines: which is best, and what can be said against the baseline.

    Args:
        experiment: Whose seeds and baseline they are.
        variants: The best first.
        pairing: Of them, if there is one.
        tuned: Whether each is at its own learning rate.
    """
    trained = [variant for variant in variants if not variant.failure]
    if not trained:
        return []
    most = trained[0].solved
    first = [variant.label for variant in trained if variant.solved.k == most.k]
    low, high = percent(most.low), percent(most.high)
    if not most.k:
        return ["no seed was solved by any variant"]
    told = [f"most seeds solved: {_some(first)}, {most.k} of {most.n} ({low} to {high})"]
    if pairing is None:
        return told
    if len(pairing.ranks) > 2:
        top = [v.label for v in trained if pairing.ranks.get(v.label) == 1]
        told.append(
            "none is solved significantly more often than: "
            f"{_some(top)} (exact McNemar, Holm over all pairs)"
        )
    comparisons = len(pairing.against)
    groups = {
        word: [
            v.label
            for v in trained
            if v.label in pairing.against and pairing.against[v.label].claim == claim
        ]
        for word, claim in (("more", "more"), ("less", "less"), ("cannot be told apart", ""))
    }
    parts = [
        f"{word}: {_some(labels, pairing.against if word in ('more', 'less') else {})}"
        for word, labels in groups.items()
        if labels
    ]
    own = ", each at its own learning rate" if tuned else ""
    test = f"exact McNemar, {family(comparisons, named=comparisons)}"
    told.append(f"solved against {pairing.baseline}{own} ({test}): {'; '.join(parts)}")
    return [*told, *few_seeds(experiment)]


def few_seeds(experiment: Experiment) -> tuple[str, ...]:
    """What its seeds are enough for, if they are not for a claim."""
    seeds = len(experiment.seeds)
    if seeds >= CLAIM_SEEDS:
        return ()
    use = "explore" if seeds >= EXPLORE_SEEDS else "see that it runs"
    return (f"{count(seeds, 'seed')}: enough to {use}; report a claim on {CLAIM_SEEDS} or more",)


def _some(labels: Sequence[str], against: Mapping[str, Paired] | None = None) -> str:
    """The first of them, with the difference that was seen if there are only a few."""
    shown = []
    for label in labels[:_NAMED_MOST]:
        found = (against or {}).get(label)
        size = (
            f" ({found.difference:+.2f}, {found.low:+.2f} to {found.high:+.2f})"
            if found is not None and len(labels) <= _SIZED_MOST
            else ""
        )
        shown.append(f"{label}{size}")
    more = f" and {len(labels) - _NAMED_MOST} more" if len(labels) > _NAMED_MOST else ""
    return f"{', '.join(shown)}{more}"


def family(comparisons: int, *, named: int = 1) -> str:
    """Of how many comparisons a claim is one, and what was done about that.

    Args:
        comparisons: That were made and are corrected together.
        named: How many of them are claimed in the same breath.
    """
    if comparisons == 1:
        return "a single comparison, not corrected"
    return f"{'each ' if named > 1 else ''}one of {comparisons} comparisons, Holm"


def interval_alone(whose: Mapping[str, Paired], comparisons: int) -> list[str]:
    """Whose interval excludes 0 in a table where the test claims nothing.

    The interval is approximate, and of one comparison by itself; the test is exact, and corrected
    where there are several.

    Args:
        whose: Those in the table, by what they are called there.
        comparisons: That are corrected together.
    """
    found = [name for name, paired in whose.items() if paired.interval_alone]
    if not found:
        return []
    several = len(found) > 1
    test = "the exact test" + (f" after Holm over {comparisons}" if comparisons > 1 else "")
    return [
        f"the interval{'s' * several} of {', '.join(found)} exclude{'s' * (not several)} 0, but "
        f"{test} does not: nothing is claimed"
    ]


def _needed(found: Paired, rate: float, base: float, alpha: float) -> str:
    """How many seeds it would take to claim the difference that was seen, at Holm's first level."""
    if found.difference == 0.0:
        return "none was seen"
    discordant = (found.only_this + found.only_baseline) / found.pairs
    needed = seeds_needed(rate, base, discordant=discordant, power=_POWER, alpha=alpha)
    if needed is None:
        takes = f"it takes more than {MAX_SEEDS} seeds to have {percent(_POWER)} power for it"
    else:
        takes = f"{count(needed, 'seed')} have {percent(_POWER)} power for it"
    return f"{found.difference:+.3f} was seen; {takes}"


# --- comparison tables ---------------------------------------------------------------------------

# The tables of several variants side by side.

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
    tuned: Tuning | None = None

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
        said = "; ".join(text for _, text in self._said(names))
        return replace(
            table,
            title=f"{table.title} ({said})" if said else table.title,
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


# --- comparison ----------------------------------------------------------------------------------


def comparison_page(
    outcome: Outcome, summary: Summary, columns: Sequence[str] = (), tuned: Tuning | None = None
) -> Page:
    """The page of a comparison.

    Args:
        outcome: What became of it.
        summary: Its numbers.
        columns: Names of `COLUMNS`, for one table of these; by default there are several tables.
        tuned: How its learning rates were chosen, if they were.
    """
    experiment = summary.experiment
    ranked = best_first(summary.variants)
    side = ComparisonTables(experiment, ranked, summary.pairing, tuned)
    marks = side.legend() if not columns or "verdicts" in columns else ()
    notes = [*marks, *notes_of(summary, tuned, columns)]
    answered = answer_of(summary, tuned)
    what = lines(heading_of(experiment, tuned))
    predicted = transfer_table(ranked)
    return Page(
        blocks=(
            what,
            *(_tables(side, columns) if ranked else ()),
            *predicted,
            *([lines(notes)] if notes else []),
            answered,
        ),
        short=(
            what,
            *((side.chosen(columns) if columns else side.results(),) if ranked else ()),
            *(() if columns else side.tuning()),
            *predicted,
            lines([*marks, *short_notes_of(summary, tuned)]),
            answered,
        ),
        document=lambda every_seed: {
            **document(outcome, summary, every_seed=every_seed),
            **(tuning_document(experiment, tuned) if tuned else {}),
        },
        rows=lambda: with_tuning((VARIANT_COLUMNS, variant_rows(summary)), tuned),
        every_row=lambda: (SEED_COLUMNS, seed_rows(outcome)),
        brief=tuple(
            Line(result_line(experiment, variant) + rate_chosen(variant.label, tuned))
            for variant in ranked
        ),
    )


def heading_of(experiment: Experiment, tuned: Tuning | None = None) -> tuple[str, ...]:
    """What was compared."""
    what = heading(experiment, count(len(experiment.variants), "variant"))
    how = [how_chosen(experiment)] if tuned else []
    return (*what, *how, *_outputs(experiment))


def notes_of(
    summary: Summary, tuned: Tuning | None = None, columns: Sequence[str] = ()
) -> list[str]:
    """What is claimed, and what there is to say of variants and of an early end."""
    experiment, ranked = summary.experiment, best_first(summary.variants)
    return [
        *intervals_alone(summary.pairing, columns),
        *claims(experiment, summary.variants, summary.pairing, tuned=tuned is not None),
        *(tuning_notes(experiment, tuned) if tuned else ()),
        *variant_notes(experiment, ranked),
        *missed_precision(experiment, summary.variants),
        *early_end(summary),
    ]


def short_notes_of(summary: Summary, tuned: Tuning | None = None) -> list[str]:
    """What there is to say of variants and of an early end, without what the answer says."""
    experiment, ranked = summary.experiment, best_first(summary.variants)
    trained = [variant for variant in ranked if not variant.failure]
    return [
        *(tuning_notes(experiment, tuned) if tuned else ()),
        *(
            f"{variant.label}: not trained: {variant.failure.partition('. ')[0]}"
            for variant in ranked
            if variant.failure
        ),
        *_counted("a weight stopped being finite", trained, lambda v: len(v.diverged_seeds)),
        *_counted("cost not finite at some epoch", trained, lambda v: len(v.not_finite)),
        *_counted("chaotic: rates hold, single seeds do not carry over", trained, _parted),
        *missed_precision(experiment, summary.variants),
        *early_end(summary),
    ]


def _counted(
    what: str, variants: Iterable[VariantSummary], count_of: Callable[[VariantSummary], int]
) -> list[str]:
    """Of how many seeds of each variant something is so; nothing if of none."""
    found = [f"{v.label} {count_of(v)} of {len(v.seeds)}" for v in variants if count_of(v)]
    return [f"{what}: {', '.join(found)}"] if found else []


def _parted(variant: VariantSummary) -> int:
    return variant.parted


def answer_of(summary: Summary, tuned: Tuning | None = None) -> tuple[Line, ...]:
    """The answer, and where to read on."""
    experiment, ranked = summary.experiment, best_first(summary.variants)
    told = answer(experiment, ranked, summary.pairing, tuned=tuned is not None)
    first, *others = told or [""]
    more = pointer(experiment, ranked, own_rates(tuned)) if summary.complete else ()
    return (*([Line(first, "answer")] if first else []), *lines([*others, *more]))


def best_first(variants: Iterable[VariantSummary]) -> list[VariantSummary]:
    """In the order of the rows."""
    return sorted(variants, key=_rank)


def intervals_alone(pairing: Pairing | None, columns: Sequence[str]) -> list[str]:
    """Which intervals claim more than the tests, if they are shown."""
    if pairing is None or (columns and "difference" not in columns):
        return []
    return interval_alone(pairing.against, len(pairing.against))


def _tables(side: ComparisonTables, columns: Sequence[str]) -> tuple[Table, ...]:
    return (side.chosen(columns),) if columns else side.usual()


def _rank(variant: VariantSummary) -> tuple[float, bool, float]:
    """Most seeds solved first, then the lowest cost; what could not be trained comes last."""
    if variant.failure:
        return (1.0, True, 0.0)
    cost = float(variant.cost[MEDIAN, -1])
    return (-variant.solved.rate, isnan(cost), 0.0 if isnan(cost) else cost)


def _outputs(experiment: Experiment) -> tuple[str, ...]:
    """Which activation the output has."""
    other: dict[str, list[str]] = {}
    for variant in experiment.variants:
        if variant.output_activation != variant.activation:
            other.setdefault(to_text(variant.output_activation), []).append(variant.label)
    if not other:
        return ("both layers have the variant's activation",)
    parts = [f"{output} for {listed(labels)}" for output, labels in other.items()]
    if sum(map(len, other.values())) < len(experiment.variants):
        parts.insert(0, "the same activation as the hidden layer")
    elif len(other) == 1:
        parts = list(other)
    return (f"the output has {', but '.join(parts)}",)


def variant_notes(experiment: Experiment, variants: Sequence[VariantSummary]) -> list[str]:
    """Which variants were not trained, diverged, or have costs that are no numbers."""
    notes = []
    for variant in variants:
        if variant.failure:
            notes.append(result_line(experiment, variant))
        else:
            said = (*divergence(variant, named=1), *chaos(variant))
            notes += [f"{variant.label}: {note}" for note in said]
    return notes


def early_end(summary: Summary) -> list[str]:
    """Which variants were stopped half way or before their first checkpoint."""
    if summary.complete:
        return []
    budget = summary.experiment.epochs
    stopped = [
        f"{variant.label} at epoch {variant.epochs[-1]}"
        for variant in summary.variants
        if not variant.failure and variant.epochs[-1] != budget
    ]
    begun = {variant.label for variant in summary.variants}
    missing = [v.label for v in summary.experiment.variants if v.label not in begun]
    notes = [f"stopped before the end, epoch {budget}: {', '.join(stopped)}"] if stopped else []
    return notes + ([f"no result yet: {', '.join(missing)}"] if missing else [])
