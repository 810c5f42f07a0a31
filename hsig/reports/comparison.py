"""The page of several variants side by side."""

from collections.abc import Iterable, Mapping, Sequence
from math import isnan

from hsig.activations.names import to_text
from hsig.analysis.pairing import LEVEL, Paired, Pairing
from hsig.analysis.power import MAX_SEEDS, seeds_needed
from hsig.analysis.summary import MEDIAN, Summary, VariantSummary
from hsig.analysis.tuning import Tuning
from hsig.experiments.experiment import Experiment, Outcome
from hsig.reports.columns import Comparison, column_names, variant_columns
from hsig.reports.documents import document, seed_rows, variant_rows
from hsig.reports.page import (
    Line,
    Page,
    Rows,
    Table,
    count,
    interval,
    lines,
    listed,
    percent,
    points,
    rate_of,
)
from hsig.reports.phrases import (
    chaos,
    divergence,
    few_seeds,
    heading,
    legend,
    missed_precision,
    pointer,
    result_line,
)
from hsig.reports.training import transfer_table
from hsig.reports.tuning import (
    changes_title,
    describe_choice,
    describe_rate,
    own_rates,
    tuning_document,
    tuning_notes,
    tuning_title,
)

# --- tables --------------------------------------------------------------------------------------

_RESULTS = ("learning_rate", "solved", "interval", "budgets", "median", "cost", "curve", "verdicts")
_ALL_RESULTS = (*_RESULTS[:4], "cost", "quartiles", "curve", "verdicts", "lost")
_SPARE, _ALL_SPARE = (("curve",),), (("25 %", "75 %"), ("lost",))
_PAIRED = ("rank", "difference", "epochs")
_TUNING = ("learning_rate", "tuning")
_CHANGES = (
    *("label", "shared_solved", "shared_difference", "shared_interval", "shared_p"),
    *("shared_claim", "own_claim"),
)
_CLAIMS_NOTE = (
    "each p is the largest over the learning rates that the one solved less often was not told "
    "apart at"
)


class ComparisonTables(Comparison):
    """The tables of a comparison."""

    def every(self) -> tuple[Table, ...]:
        """Results, the variants against the baseline, costs by epoch, and final predictions."""
        return (
            self.results(full=True),
            *self.paired(),
            *self.tuning(),
            self._table("", ["costs"]),
            self._table("", ["predictions"]),
        )

    def results(self, *, full: bool = False) -> Table:
        """How many seeds were solved, the cost, and the verdicts."""
        needless = [
            *(["learning_rate"] if self.tuned is None else []),
            *([] if self.experiment.at_epochs else ["budgets"]),
            *(["quartiles"] if len(self.experiment.seeds) == 1 else []),
            *(["lost"] if not any(variant.lost for variant in self.variants) else []),
        ]
        names = [name for name in (_ALL_RESULTS if full else _RESULTS) if name not in needless]
        return self._table(self._budget_title(), names, spare=_ALL_SPARE if full else _SPARE)

    def paired(self) -> tuple[Table, ...]:
        """Every variant against the baseline, if there is one."""
        return (self._table(self._paired_title(), _PAIRED),) if self.pairing else ()

    def tuning(self) -> tuple[Table, ...]:
        """How the learning rates were chosen, and the claims beside those without; if they were."""
        if self.tuned is None:
            return ()
        table = Rows(variant_columns(self), self.variants).table
        changes = changes_title(self.experiment, self.tuned)
        return (
            self._table(tuning_title(self.experiment), _TUNING),
            *([table(changes, _CHANGES, splits=True)] if changes else []),
        )

    def chosen(self, names: Sequence[str]) -> Table:
        """One table of the columns that were asked for."""
        titles = [self._budget_title()]
        if {"rank", "difference", "pairs"} & set(names) and self.pairing is not None:
            titles.append(self._paired_title())
        if {"tuning", "tried"} & set(names) and self.tuned is not None:
            titles.append(tuning_title(self.experiment))
        return self._table("; ".join(titles), names)

    def legend(self) -> tuple[str, ...]:
        """What the parts of the bars mean, those that there are."""
        words = {word for variant in self.variants for word in variant.verdicts}
        return (f"verdicts: {legend(words)}",) if words else ()

    def _table(
        self, title: str, asked: Iterable[str], spare: tuple[tuple[str, ...], ...] = ()
    ) -> Table:
        columns = variant_columns(self)
        names = ["label", *column_names(columns, asked)]
        table = Rows(columns, self.variants)
        return table.table(title, names, spare=spare, splits=True, whole=True)

    def _budget_title(self) -> str:
        budget = self.experiment.epochs
        reached = all(variant.epochs[-1] == budget for variant in self.trained)
        return f"{'after' if reached else 'stopped before'} {count(budget, 'epoch')}"

    def _paired_title(self) -> str:
        if self.pairing is None:
            return ""
        comparisons = len(self.pairing.against)
        claims = f"; {_CLAIMS_NOTE}" if self.tuned else ""
        return (
            f"against {self.pairing.baseline}, paired by seed, "
            f"{family(comparisons, named=comparisons)}{claims}"
        )


def best_first(variants: Iterable[VariantSummary]) -> list[VariantSummary]:
    """Most seeds solved first, then the lowest cost; what could not be trained comes last."""

    def rank(variant: VariantSummary) -> tuple[float, bool, float]:
        if variant.failure:
            return (1.0, True, 0.0)
        cost = float(variant.cost[MEDIAN, -1])
        return (-variant.solved.rate, isnan(cost), 0.0 if isnan(cost) else cost)

    return sorted(variants, key=rank)


# --- the answer ----------------------------------------------------------------------------------

_MAX_NAMED, _MAX_SIZED = 6, 3  # variants in a line of the answer, and with their differences


def answer(
    experiment: Experiment,
    variants: Sequence[VariantSummary],
    pairing: Pairing | None,
    *,
    tuned: bool = False,
) -> list[str]:
    """The result in at most three lines: which is best, and which differ from the baseline.

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
    if not most.k:
        return ["no seed was solved by any variant"]
    first = [variant.label for variant in trained if variant.solved.k == most.k]
    best = f"{_list_some(first)}, {rate_of(most)} ({interval(most)})"
    lines = [f"most seeds solved: {best}"]
    if pairing is not None:
        paired = [v.label for v in trained if v.label in pairing.against]
        parts = []
        for words, claim in (
            ("more than", "more"),
            ("fewer than", "less"),
            ("no clear difference from", ""),
        ):
            labels = [label for label in paired if pairing.against[label].claim == claim]
            if labels:
                some = _list_some(labels, pairing.against if claim else {})
                parts.append(f"{words} {pairing.baseline}: {some}")
        own = ", each at its own learning rate" if tuned else ""
        lines.append(f"{'; '.join(parts)}{own}")
    return [*lines, *few_seeds(experiment)]


def _list_some(labels: Sequence[str], against: Mapping[str, Paired] | None = None) -> str:
    """The first of them, with the difference in percentage points if there are only a few."""
    shown = []
    for label in labels[:_MAX_NAMED]:
        found = (against or {}).get(label)
        size = ""
        if found is not None and len(labels) <= _MAX_SIZED:
            ends = f"{points(found.low)} to {points(found.high)}"
            size = f" ({points(found.difference)} percentage points, {ends})"
        shown.append(f"{label}{size}")
    more = f" and {len(labels) - _MAX_NAMED} more" if len(labels) > _MAX_NAMED else ""
    return f"{', '.join(shown)}{more}"


# --- claims --------------------------------------------------------------------------------------

_POWER = 0.8  # that is asked for where nothing can be claimed


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
    baseline, comparisons = pairing.baseline, len(pairing.against)
    rates = {variant.label: variant.solved.rate for variant in variants if not variant.failure}
    setting = "each at its own learning rate" if tuned else "at this setting"
    claimed: dict[str, list[str]] = {"more": [], "less": []}
    unclaimed: list[str] = []
    for label, found in pairing.against.items():
        if found.claim:
            claimed[found.claim].append(label)
        else:
            needed = _describe_need(found, rates[label], rates[baseline], LEVEL / comparisons)
            # the power is that of a plain test
            unclaimed.append(f"{label} ({needed.partition(';')[0] if tuned else needed})")
    notes = []
    if experiment.baseline not in ("", baseline):
        notes.append(f"the baseline {experiment.baseline} has no result: compared with {baseline}")
    notes += [
        f"solved {word} often than {baseline}, {setting} "
        f"({family(comparisons, named=len(labels))}): {', '.join(labels)}"
        for word, labels in claimed.items()
        if labels
    ]
    if unclaimed:
        notes.append(
            f"no difference from {baseline} can be claimed "
            f"({family(comparisons, named=len(unclaimed))}) for {', '.join(unclaimed)}"
        )
    if not tuned and any(not p.claim and p.difference for p in pairing.against.values()):
        level = f"{LEVEL:g}" if comparisons == 1 else f"{LEVEL:g}/{comparisons}, Holm's first level"
        notes.append(
            f"power: of the exact McNemar test at {level}, were the rates and the share of "
            "discordant pairs those seen"
        )
    return notes


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


def intervals_alone(pairing: Pairing | None, columns: Sequence[str] = ()) -> list[str]:
    """Which intervals claim more than the tests, if they are shown."""
    if pairing is None or (columns and "difference" not in columns):
        return []
    return interval_alone(pairing.against, len(pairing.against))


def _describe_need(found: Paired, rate: float, base: float, alpha: float) -> str:
    """How many seeds it would take to claim the difference that was seen."""
    if found.difference == 0.0:
        return "none was seen"
    discordant = (found.only_this + found.only_baseline) / found.pairs
    needed = seeds_needed(rate, base, discordant=discordant, power=_POWER, alpha=alpha)
    seen, power = f"{found.difference:+.3f} was seen", f"{percent(_POWER)} power for it"
    if needed is None:
        return f"{seen}; it takes more than {MAX_SEEDS} seeds to have {power}"
    return f"{seen}; {count(needed, 'seed')} have {power}"


# --- notes ---------------------------------------------------------------------------------------


def heading_of(experiment: Experiment, tuned: Tuning | None = None) -> tuple[str, ...]:
    """What was compared."""
    what = heading(experiment, count(len(experiment.variants), "variant"))
    return (
        *what,
        *([describe_choice(experiment)] if tuned else []),
        *_describe_outputs(experiment),
    )


def _describe_outputs(experiment: Experiment) -> tuple[str, ...]:
    """Which activation the output has."""
    other: dict[str, list[str]] = {}
    for variant in experiment.variants:
        if variant.output_activation != variant.activation:
            other.setdefault(to_text(variant.output_activation), []).append(variant.label)
    if not other:
        return ("both layers have the variant's activation",)
    if len(other) == 1 and sum(map(len, other.values())) == len(experiment.variants):
        return (f"the output has {next(iter(other))}",)
    parts = [f"{output} for {listed(labels)}" for output, labels in other.items()]
    if sum(map(len, other.values())) < len(experiment.variants):
        parts.insert(0, "the same activation as the hidden layer")
    return (f"the output has {', but '.join(parts)}",)


def full_notes(
    summary: Summary, tuned: Tuning | None = None, columns: Sequence[str] = ()
) -> list[str]:
    """What is claimed by which test, and what there is to say of variants and of an early end."""
    experiment, ranked = summary.experiment, best_first(summary.variants)
    return [
        *intervals_alone(summary.pairing, columns),
        *claims(experiment, summary.variants, summary.pairing, tuned=tuned is not None),
        *(tuning_notes(experiment, tuned) if tuned else ()),
        *variant_notes(experiment, ranked),
        *missed_precision(experiment, summary.variants),
        *early_end(summary),
    ]


def short_notes(summary: Summary, tuned: Tuning | None = None) -> list[str]:
    """What there is to say of variants and of an early end, without what the answer says."""
    experiment, ranked = summary.experiment, best_first(summary.variants)
    counted = {
        "a weight stopped being finite": [(v, len(v.diverged_seeds)) for v in ranked],
        "cost not finite at some epoch": [(v, len(v.not_finite)) for v in ranked],
        "chaotic: rates hold, single seeds do not carry over": [(v, v.parted) for v in ranked],
    }
    said = {
        sentence: [f"{v.label} {n} of {len(v.seeds)}" for v, n in counts if n]
        for sentence, counts in counted.items()
    }
    return [
        *(tuning_notes(experiment, tuned) if tuned else ()),
        *(
            f"{variant.label}: not trained: {variant.failure.partition('. ')[0]}"
            for variant in ranked
            if variant.failure
        ),
        *(f"{sentence}: {', '.join(labels)}" for sentence, labels in said.items() if labels),
        *missed_precision(experiment, summary.variants),
        *early_end(summary),
    ]


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


# --- page ----------------------------------------------------------------------------------------


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
    experiment, ranked = summary.experiment, best_first(summary.variants)
    tables = ComparisonTables(experiment, ranked, summary.pairing, tuned)
    marks = tables.legend() if not columns or "verdicts" in columns else ()
    head, predicted = lines(heading_of(experiment, tuned)), transfer_table(ranked)
    chosen = (tables.chosen(columns),) if columns else ()
    every = (chosen or tables.every()) if tables.trained else ()
    most = (chosen or (tables.results(),)) if ranked else ()
    said = answer(experiment, ranked, summary.pairing, tuned=tuned is not None)
    more = pointer(experiment, ranked, own_rates(tuned)) if summary.complete else ()
    return Page(
        blocks=(head, *every, *predicted, lines([*marks, *full_notes(summary, tuned, columns)])),
        short=(head, *most, *predicted, lines([*marks, *short_notes(summary, tuned)])),
        answer=(*(Line(text, "answer") for text in said[:1]), *lines([*said[1:], *more])),
        document=lambda every_seed: {
            **document(outcome, summary, tuned, every_seed=every_seed),
            **tuning_document(experiment, tuned),
        },
        rows=variant_rows(summary, tuned).csv,
        every_row=lambda: seed_rows(outcome),
        brief=tuple(
            Line(result_line(experiment, variant) + describe_rate(variant.label, tuned))
            for variant in ranked
        ),
    )
