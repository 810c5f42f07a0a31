"""The page of several variants side by side."""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite, isnan

from hsig.activations.names import to_text
from hsig.analysis.pairing import BETTER, WORSE, Paired, Pairing
from hsig.analysis.summary import MEDIAN, Summary, VariantSummary
from hsig.analysis.tuning import Tuning
from hsig.experiments.experiment import Experiment, Outcome
from hsig.experiments.measures import HELD_OUT, LOSS, RIGHT, SOLVED, Measure
from hsig.reports.columns import (
    Comparison,
    column_names,
    variant_columns,
)
from hsig.reports.documents import document, seed_rows, variant_rows
from hsig.reports.page import (
    Line,
    Page,
    Rows,
    Table,
    count,
    difference_text,
    interval,
    lines,
    listed,
    measure_text,
    measure_words,
    p_value,
    points,
    rate_of,
)
from hsig.reports.phrases import (
    describe_constant,
    every_layer,
    few_seeds,
    heading,
    least_held_out,
    legend,
    measured_names,
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
_OF_SOLVED = ("solved", "interval", "budgets", "median")
_PAIRED = ("rank", "difference", "power", "epochs")
_PAIRED_ON_MEASURE = ("rank", "difference", "pairs", "power")
_TUNING = ("learning_rate", "tuning")
_CHANGES = (
    *(
        "label",
        "shared_solved",
        "shared_median",
        "shared_difference",
        "shared_interval",
        "shared_p",
    ),
    *("shared_claim", "own_claim"),
)
_CLAIMS_NOTE = (
    "each p is the largest over the learning rates not told apart of the variant that is worse"
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
        names: Sequence[str] = _ALL_RESULTS if full else _RESULTS
        if self.experiment.chosen_measure.name != SOLVED:
            names = self._on_measure(names, full=full)
        needless = [
            *(["learning_rate"] if self.tuned is None else []),
            *([] if self.experiment.at_epochs else ["budgets"]),
            *(["quartiles"] if len(self.experiment.seeds) == 1 else []),
            *(["lost"] if not any(variant.lost for variant in self.variants) else []),
        ]
        names = [name for name in names if name not in needless]
        return self._table(self._budget_title(), names, spare=_ALL_SPARE if full else _SPARE)

    def _on_measure(self, names: Sequence[str], *, full: bool) -> list[str]:
        """The columns of results where a measure is asked, which comes first; solved if any is."""
        experiment, measure = self.experiment, self.experiment.chosen_measure
        shown = [*measured_names(experiment, measure)]
        rows = [HELD_OUT] if measure.held_out else [""]
        if full:
            shown, rows = [*dict.fromkeys([*shown, LOSS, RIGHT])], [*dict.fromkeys([*rows, ""])]
        first = [prefix + name for prefix in rows for name in shown]
        if measure.name == RIGHT:
            first.append(RIGHT)
        if experiment.cost == "weights":
            first = ["cost" if name == LOSS else name for name in first]
        of_solved = () if any(v.solved.k for v in self.trained) else _OF_SOLVED
        first = [*dict.fromkeys(first)]
        rest = [name for name in names if name not in (*first, *of_solved)]
        return [rest[0], *first, *rest[1:]]

    def paired(self) -> tuple[Table, ...]:
        """Every variant against the baseline, if there is one."""
        if not self.pairing:
            return ()
        is_solved = self.pairing.measure.name == SOLVED
        # the power is that of a plain test
        names = [
            name
            for name in (_PAIRED if is_solved else _PAIRED_ON_MEASURE)
            if not (self.tuned and name == "power")
        ]
        return (self._table(self._paired_title(), names),)

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
    """The best on the measure first, then the lowest cost; what was not trained comes last."""

    def rank(variant: VariantSummary) -> tuple[bool, float, bool, float]:
        if variant.failure:
            return (True, 0.0, True, 0.0)
        cost = float(variant.cost[MEDIAN, -1])
        return (False, -variant.score, isnan(cost), 0.0 if isnan(cost) else cost)

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
    """The result in at most four lines: which is best, and which differ from the baseline.

    Args:
        experiment: Whose seeds and baseline they are.
        variants: The best first.
        pairing: Of them, if there is one.
        tuned: Whether each is at its own learning rate.
    """
    trained = [variant for variant in variants if not variant.failure]
    if not trained:
        return []
    measure = pairing.measure if pairing else experiment.chosen_measure
    own = ", each at its own learning rate" if tuned else ""
    few = few_seeds(experiment)
    if measure.name != SOLVED:
        best = _describe_best(experiment, trained, measure)
        if pairing is None:
            return [best, *few]
        why = _SOLVED_BY.get(pairing.solved_by, "")
        return [why + best, *_describe_claims(experiment, trained, pairing, own), *few]
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
            ("more than", BETTER),
            ("fewer than", WORSE),
            ("no clear difference from", ""),
        ):
            labels = [label for label in paired if pairing.against[label].claim == claim]
            if labels:
                some = _list_some(labels, pairing.against if claim else {})
                parts.append(f"{words} {pairing.baseline}: {some}")
        lines.append(f"{'; '.join(parts)}{own}")
    return [*lines, *few]


_SOLVED_BY = {  # why losses are compared, by `Pairing.solved_by`
    "none": "no seed was solved by any variant, so losses are compared: ",
    "all": "every seed was solved by every variant, so losses are compared: ",
}


def _describe_best(
    experiment: Experiment, trained: Sequence[VariantSummary], measure: Measure
) -> str:
    """Which variants are best on a measure, and which have learnt nothing."""
    prefix, sign = HELD_OUT if measure.held_out else "", 1.0 if measure.name == LOSS else -1.0
    medians = {variant.label: sign * variant.median(measure.field) for variant in trained}
    first = min(trained, key=lambda v: (isnan(medians[v.label]), medians[v.label]))
    if isnan(medians[first.label]):
        return "most seeds of every variant diverged; a smaller learning rate may help"
    best = [label for label, median in medians.items() if median == medians[first.label]]
    names, beside, seeds = [measure.name], [], len(experiment.seeds)
    short_of: dict[str, list[str]] = {}
    if seeds > 1:
        beside.append(f"median of {seeds} seeds")
    if experiment.chosen_measure.name != SOLVED:  # of a table that can be learnt it says little
        names = [*measured_names(experiment, measure)]
        beside.append(describe_constant(experiment, first, [prefix]))
        for variant in trained:
            if why := variant.find_shortfall(measure.held_out):
                short_of.setdefault(why, []).append(variant.label)
    values = [
        f"{f'{measure_words(name)} ' if place else ''}"
        f"{measure_text(name, first.median(prefix + name))}"
        for place, name in enumerate(names)
    ]
    what, on = "lowest loss", " on the held-out rows" if measure.held_out else ""
    if measure.name == RIGHT:
        what, on = f"most {'held-out ' if measure.held_out else ''}rows right", ""
    in_brackets = f" ({'; '.join(beside)})" if beside else ""
    no_better = "".join(f"; {why}: {_list_some(labels)}" for why, labels in short_of.items())
    return (
        f"{what}{on}: {_list_some(best or [first.label])}, {', '.join(values)}{in_brackets}"
        f"{no_better}"
    )


def _describe_claims(
    experiment: Experiment, trained: Sequence[VariantSummary], pairing: Pairing, own: str
) -> list[str]:
    """Which variants differ from the baseline on a measure, by how much, and how sure that is."""
    found = [pairing.against[v.label] for v in trained if v.label in pairing.against]
    name = pairing.measure.field
    unit = " points" if pairing.measure.name == RIGHT else ""

    def describe(pair: Paired) -> str:
        size = difference_text(name, abs(pair.difference)).removeprefix("+")
        n = pair.better + pair.worse
        seeds = pair.better if pair.claim == BETTER else pair.worse
        by = f"by a median difference of {size}{unit}, "
        by *= isfinite(pair.difference) and size != "0"
        return f"{pair.label} ({by}in {seeds} of the {n} seeds that differ, p {p_value(pair.p)})"

    diverged = {v.label for v in trained if len(v.diverged_seeds) == len(v.seeds)}

    def describe_open(pair: Paired) -> str:
        if {pair.label, pairing.baseline} <= diverged:
            return "undefined, as every seed of both diverged"
        size, low, high = (difference_text(name, d) for d in (pair.difference, pair.low, pair.high))
        if not isfinite(pair.low) and not isfinite(pair.high):
            return f"{size}{unit}, too few seeds for its interval"
        return f"{size}{unit} (95 % interval {low} to {high})"

    claimed = []
    for claim in (BETTER, WORSE):
        pairs = [pair for pair in found if pair.claim == claim]
        shown = [describe(p) if len(pairs) <= _MAX_SIZED else p.label for p in pairs[:_MAX_NAMED]]
        more = f" and {len(pairs) - _MAX_NAMED} more" if len(pairs) > _MAX_NAMED else ""
        claimed.append(f"{claim}: {', '.join(shown) or 'none'}{more}")
    lines = (
        [f"seed by seed against {pairing.baseline}, {'; '.join(claimed)}{own}"]
        if any(pair.claim for pair in found)
        else []
    )
    left = [pair for pair in found if not pair.claim]
    if left:
        rows = "the held-out rows" if pairing.measure.held_out else "these rows"
        by = f"the share of {rows} that is right,"
        if pairing.measure.name == LOSS:
            by = f"their loss on {rows}"
        names = _list_some([pair.label for pair in left])
        whom, sizes = f"{names} and {pairing.baseline} cannot be told apart", ""
        if len(left) == 1:
            sizes = f": median difference {describe_open(left[0])}"
        elif len(left) <= _MAX_SIZED:
            whom = f"not to be told apart from {pairing.baseline}"
            each = (f"{pair.label}, median difference {describe_open(pair)}" for pair in left)
            sizes = f": {'; '.join(each)}"
        lines.append(
            f"{whom} by {by} with {count(len(experiment.seeds), 'seed')}{sizes}"
            f"{'' if lines else own}"
        )
    return lines


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


# --- notes ---------------------------------------------------------------------------------------


def family(comparisons: int, *, named: int = 1) -> str:
    """Of how many comparisons a claim is one, and what was done about that.

    Args:
        comparisons: That were made and are corrected together.
        named: How many of them are claimed in the same breath.
    """
    if comparisons == 1:
        return "a single comparison, not corrected"
    return f"{'each ' if named > 1 else ''}one of {comparisons} comparisons, Holm"


def interval_alone(pairs: Mapping[str, Paired], comparisons: int) -> list[str]:
    """Name the pairs whose interval excludes 0 though the test claims nothing.

    The interval is approximate, and of one comparison by itself; the test is exact, and corrected
    for the number of comparisons.
    """
    names = [name for name, paired in pairs.items() if paired.interval_alone]
    if not names:
        return []
    several = len(names) > 1
    test = "the exact test" + (f" after Holm over {comparisons}" if comparisons > 1 else "")
    return [
        f"the interval{'s' * several} of {', '.join(names)} exclude{'s' * (not several)} 0, but "
        f"{test} does not: nothing is claimed"
    ]


def notes(summary: Summary, tuned: Tuning | None = None, *, full: bool = False) -> list[str]:
    """What the tables do not say of variants, of the tests, and of an early end.

    Args:
        summary: The numbers.
        tuned: How the learning rates were chosen, if they were.
        full: Whether to say it of the tests too, and why in full a variant was not trained.
    """
    experiment, pairing = summary.experiment, summary.pairing
    ranked = best_first(summary.variants)
    counts = {
        "a weight stopped being finite": {v.label: len(v.diverged_seeds) for v in ranked},
        "cost not finite at some epoch": {v.label: len(v.not_finite) for v in ranked},
        "chaotic: rates hold, single seeds do not carry over": {v.label: v.parted for v in ranked},
    }
    seeds = len(experiment.seeds)
    found = {
        sentence: [f"{label} {n} of {seeds}" for label, n in of_variants.items() if n]
        for sentence, of_variants in counts.items()
    }
    failures = {v.label: v.failure for v in ranked if v.failure}
    other_baseline = pairing is not None and experiment.baseline not in ("", pairing.baseline)
    return [
        *(interval_alone(pairing.against, len(pairing.against)) if pairing and full else ()),
        *(
            [f"{experiment.baseline} has no result, so {pairing.baseline} is the baseline"]
            if pairing and other_baseline
            else ()
        ),
        *(tuning_notes(experiment, tuned) if tuned else ()),
        *(
            f"{label}: not trained: {why if full else why.partition('. ')[0]}"
            for label, why in failures.items()
        ),
        *(f"{sentence}: {', '.join(labels)}" for sentence, labels in found.items() if labels),
        *missed_precision(experiment, summary.variants),
        *(least_held_out(ranked) if full else ()),
        *_describe_early_end(summary),
    ]


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
    hidden = len(experiment.hidden)
    if not hidden:
        return ("the only layer, the output, has the variant's activation",)
    other: dict[str, list[str]] = {}
    for variant in experiment.variants:
        if variant.output_activation != variant.hidden_activations[-1]:
            other.setdefault(to_text(variant.output_activation), []).append(variant.label)
    if not other:
        return (f"{every_layer(hidden)} have the variant's activation",)
    if len(other) == 1 and sum(map(len, other.values())) == len(experiment.variants):
        return (f"the output has {next(iter(other))}",)
    parts = [f"{output} for {listed(labels)}" for output, labels in other.items()]
    if sum(map(len, other.values())) < len(experiment.variants):
        last = "hidden layer" if hidden == 1 else "last hidden layer"
        parts.insert(0, f"the same activation as the {last}")
    return (f"the output has {', but '.join(parts)}",)


def _describe_early_end(summary: Summary) -> list[str]:
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
    return [
        *([f"stopped before the end, epoch {budget}: {', '.join(stopped)}"] if stopped else []),
        *([f"no result yet: {', '.join(missing)}"] if missing else []),
    ]


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
    if experiment.chosen_measure.name != SOLVED:  # whose answer comes last
        marks, more = (*marks, *more), ()
    return Page(
        blocks=(head, *every, *predicted, lines([*marks, *notes(summary, tuned, full=True)])),
        short=(head, *most, *predicted, lines([*marks, *notes(summary, tuned)])),
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
        )
        if experiment.chosen_measure.name == SOLVED or not said
        else tuple(lines(said)),
    )
