"""The sentences that several pages share: what was run, what became of it, what else to say."""

import json
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from math import isfinite
from re import fullmatch
from shlex import quote
from types import MappingProxyType

import numpy as np

from hsig.activations import Activation
from hsig.activations.names import is_in_table, to_text
from hsig.analysis.statistics import CLAIM_SEEDS, EXPLORE_SEEDS
from hsig.analysis.summary import MEDIAN, Summary, VariantSummary
from hsig.config.keys import KEYS
from hsig.config.loading import (
    load_experiment,
    resolved_keys,
)
from hsig.config.values import Json, plain
from hsig.engines import compiled, reference
from hsig.engines.optimizers import SGD
from hsig.experiments.evidence import NO_BEND
from hsig.experiments.experiment import Experiment
from hsig.experiments.measures import HELD_OUT, LOSS, RIGHT, Measure
from hsig.experiments.measures import SOLVED as IS_SOLVED
from hsig.experiments.outlook import WINDOW
from hsig.experiments.verdicts import (
    AFFINE,
    CYCLING,
    DEAD,
    DIVERGED,
    FROZEN,
    OVERFLOW,
    PLATEAU,
    PLATEAU_DROP,
    REACHED,
    RULES,
    SATURATED,
    SATURATED_RIGHT,
    SATURATED_WRONG,
    SLOW,
    SOLVED,
    STOPPED,
    SYMMETRIC,
    UNREACHABLE,
    UNSTABLE,
    UNSTABLE_CHANGE,
    UNSTABLE_RISE,
)
from hsig.reports.page import (
    Table,
    count,
    interval,
    listed,
    measure_text,
    measure_words,
    percent,
    records,
    short,
    stacked_bar,
)

# --- verdicts ------------------------------------------------------------------------------------

_WINDOW = f"{WINDOW} epochs (of a large task fewer)"
MEANINGS = {
    DIVERGED: "a weight stopped being finite",
    SOLVED: "every sample is right",
    REACHED: "the loss at which to stop was reached, though not every sample is right",
    STOPPED: "training was stopped before the end of its budget",
    UNREACHABLE: "no weights of this network are right on every sample",
    SYMMETRIC: (
        "all units of a hidden layer are the same and stay so, and with one of them no weights are "
        "right on every sample"
    ),
    DEAD: (
        "no unit of a hidden layer has a slope on any sample, and the layers above alone cannot "
        "solve it"
    ),
    FROZEN: "no step on any rows changes a bit of a weight",
    CYCLING: (
        f"the weights move and come back, bit for bit, within {_WINDOW}, and no state between is "
        "solved"
    ),
    SATURATED: "the output is flat on every sample that is wrong",
    UNSTABLE: (
        f"the loss of the weights rises by {UNSTABLE_RISE:.0%} within {_WINDOW}, or one step "
        f"throws a prediction by {UNSTABLE_CHANGE:g} of the targets' spread"
    ),
    AFFINE: (
        f"the output's pre-activation is within {NO_BEND:g} of an affine function of the inputs, "
        "none of which solves it with this output"
    ),
    PLATEAU: f"the loss of the weights falls by less than {PLATEAU_DROP:.1%} in {_WINDOW}",
    SLOW: "the loss is still falling at the end of this budget",
}
GLYPHS = {
    SOLVED: "█",
    REACHED: "▚",
    SLOW: "▓",
    PLATEAU: "▒",
    AFFINE: "░",
    UNSTABLE: "~",
    SATURATED: "o",
    FROZEN: "*",
    CYCLING: "@",
    SYMMETRIC: "=",
    DEAD: "·",
    DIVERGED: "!",
    UNREACHABLE: "^",
    STOPPED: "?",
}
NOT_BUILT = "the compiled one was not built when hsig was installed"
CAUSES = {
    SATURATED_RIGHT: "the loss is undefined (0/0) at an answer that is exactly right",
    SATURATED_WRONG: "the loss is infinite at an answer that is exactly wrong",
    OVERFLOW: "the weights grew beyond the largest number",
}


FAILED_VERDICTS = tuple(word for word in RULES if word != SOLVED)


def verdict_bar(counts: Mapping[str, int], width: int) -> str:
    """How many seeds ended with each verdict, as a bar."""
    return stacked_bar([counts.get(word, 0) for word in GLYPHS], list(GLYPHS.values()), width)


def legend(words: Collection[str]) -> str:
    """What the marks of such bars mean."""
    return ", ".join(f"{GLYPHS[word]} {word}" for word in GLYPHS if word in words)


def verdict_counts(verdicts: Mapping[str, int]) -> str:
    """How many seeds ended with each verdict, in words."""
    return ", ".join(f"{word} {n}" for word, n in verdicts.items())


# --- what was run --------------------------------------------------------------------------------


def heading(
    experiment: Experiment, subject: str, differing: Collection[str] = ()
) -> tuple[str, ...]:
    """What was run: what every reader asks for, then every other key that changes numbers.

    Of a sweep, `differing` are keys that each cell has as its optimizer has them.
    """
    start = f"initial weights from {experiment.init.summary}"
    if experiment.initial_weights is not None:
        start = f"given {sum(layer.size for layer in experiment.initial_weights)} initial weights"
    shared = ", the same for all" if len(experiment.variants) > 1 else ""
    settings = changed_settings(experiment) | dict.fromkeys(differing, OF_EACH_OPTIMIZER)
    rate = settings.pop("learning_rate", "")
    changed = ", ".join(f"{name} {value}" for name, value in settings.items())
    return (
        f"{subject} on {experiment.task.name}: {'-'.join(map(str, experiment.sizes))} network, "
        f"loss {experiment.loss.name}, {_describe_optimizer(experiment, rate)}, "
        f"{count(experiment.epochs, 'epoch')} ({_describe_order(experiment)})",
        f"{start}, {named_seeds(experiment.seeds)}{shared}; engine {_engines(experiment)}"
        f"{f'; changed: {changed}' if changed else ''}",
        *_describe_rows(experiment),
    )


def _describe_rows(experiment: Experiment) -> tuple[str, ...]:
    """What was understood of a file, how its target is seen, and which rows are held out."""
    task, scaled = experiment.task, experiment.scaled_task
    parts = list(task.source.notes) if task.source else []
    if (scaled.shift, scaled.unit) != (0.0, 1.0):
        seen = f"(target {'-' if scaled.shift >= 0.0 else '+'} {short(abs(scaled.shift))})"
        if abs(scaled.shift) < _ROUNDING * scaled.unit:
            seen = "target"
        parts.append(
            f"networks see {seen}/{short(scaled.unit)}, whose loss is told; all else is told in "
            "the target's own unit"
        )
    if task.held_out is not None:
        parts.append(f"{len(task.targets)} rows to train on, {len(task.held_out.targets)} held out")
    return (f"{task.name}: {'; '.join(parts)}",) if parts else ()


_ROUNDING = 1e-12  # of a mean, relative to the spread
OF_EACH_OPTIMIZER = "default of each optimizer"


def _describe_optimizer(experiment: Experiment, rate: str) -> str:
    """The optimizer, if it is not plain gradient descent, and the learning rate."""
    optimizer = experiment.optimizer
    default = short(experiment.learning_rate)
    if optimizer != SGD and experiment.learning_rate == optimizer.rule.learning_rate:
        default += " (its default)"
    rate = rate or ("chosen for each" if experiment.is_tuned else default)
    named = "" if optimizer == SGD else f"optimizer {optimizer.label}, "
    return f"{named}learning rate {rate}"


def _describe_order(experiment: Experiment) -> str:
    """How many rows a step takes, and in which order."""
    rows, size = len(experiment.task.targets), experiment.batch_size
    if size is None or size >= rows > 1:
        few = size is not None and size > rows
        words = f"batch: all {rows} rows, fewer than {size}" if few else "batch"
    else:
        rest = f", the last of {rows % size}" if rows % size else ""
        words = "online" if size == 1 else f"batches of {size}{rest}"
    return words if experiment.order == "fixed" else f"{words}, shuffled"


# the keys that a heading spells in words, or that its subject or its tables show
_IN_WORDS = (
    *("task", "hidden", "loss", "optimizer", "learning_rate", "epochs", "batch_size", "order"),
    *("init", "init_bias", "initial_weights"),
    *("seeds", "engine", "activation", "activations", "output_activation"),
    *("report_every", "at_epochs"),
)


def changed_settings(experiment: Experiment) -> dict[str, str]:
    """Each other key that numbers depend on, where it is set and not what holds by default."""
    keys, defaults = resolved_keys(experiment), _default_keys()
    return {
        name: as_flag(keys[name])
        for name, key in KEYS.items()
        if key.numbers and name not in _IN_WORDS and keys[name] not in (None, defaults[name])
    }


@cache
def _default_keys() -> dict[str, Json]:
    return resolved_keys(load_experiment())


def every_layer(hidden: int) -> str:
    """All layers of a network with so many hidden ones, of which there is one at least."""
    return "both layers" if hidden == 1 else "all layers"


def _engines(experiment: Experiment) -> str:
    """What trains which variant, and that the compiled engine is missing if it is."""
    by_name: dict[str, list[str]] = {}
    for variant in experiment.variants:
        by_name.setdefault(experiment.engine_of(variant).NAME, []).append(variant.label)
    names = [
        f"{name} for {', '.join(labels)}" if len(by_name) > 1 else name
        for name, labels in by_name.items()
    ]
    missing = reference.NAME in by_name and not compiled.is_available()
    return " and ".join(names) + (f" ({NOT_BUILT})" if missing else "")


def named_seeds(seeds: Sequence[int]) -> str:
    """`seeds 0 to 29`, or how many there are."""
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    if tuple(seeds) == tuple(range(seeds[0], seeds[0] + len(seeds))):
        return f"seeds {seeds[0]} to {seeds[-1]}"
    return f"{len(seeds)} seeds"


# --- what became of it ---------------------------------------------------------------------------


def result_line(experiment: Experiment, variant: VariantSummary) -> str:
    """What became of a variant, in a line."""
    if variant.failure:
        return f"{variant.label}: not trained: {variant.failure}"
    measure, measured, nothing = experiment.chosen_measure, "", ""
    if measure.name != IS_SOLVED:
        measured = f"{describe_measures(experiment, variant)}; "
        shortfall = variant.find_shortfall(measure.held_out)
        nothing = f"; {shortfall}" if shortfall else ""
        if not variant.solved.k and variant.epochs[-1] == experiment.epochs:
            return f"{variant.label}: {measured.removesuffix('; ')}{nothing}"
    solved, reached = variant.solved, variant.epochs[-1]
    when = f", first at epoch {variant.solved_at[0]}" if solved.n == solved.k == 1 else ""
    early = "" if reached == experiment.epochs else f" at epoch {reached} of {experiment.epochs}"
    if variant.stopped and solved.n == 1:
        when = f", stopped at epoch {variant.epochs_to_solve[0]:.0f}"
    elif experiment.stop_at is not None and solved.n > 1:
        median = variant.epochs_to_solve[0]
        half = f", by epoch {median:.0f} in the median" if isfinite(median) else ""
        when = f"; {variant.stopped} stopped{half}"
    return (
        f"{variant.label}: {measured}solved {solved.k} of {count(solved.n, 'seed')} "
        f"({percent(solved.rate)}; 95 % interval {interval(solved)}){when}{early}{nothing}"
    )


def name_rows(experiment: Experiment, *, held_out: bool, count: int | None = None) -> str:
    """Which rows a measure is of: `the held-out rows`; of all that there are `the rows`."""
    which = "held-out" if held_out else "training"
    words = ("the", count, which if experiment.task.held_out is not None else None, "rows")
    return " ".join(str(word) for word in words if word is not None)


def measured_names(experiment: Experiment, measure: Measure) -> tuple[str, ...]:
    """The measures that are told of a result, the chosen one first, without their rows."""
    if measure.name == RIGHT:
        return (RIGHT,)
    return (LOSS, RIGHT) if experiment.has_classes else (LOSS, "rmse", "r2")


def constant_words(experiment: Experiment) -> str:
    """What knows nothing of the inputs, and is the least to be better than."""
    return "the most frequent class" if experiment.has_classes else "the mean"


def describe_constant(
    experiment: Experiment, variant: VariantSummary, prefixes: Sequence[str]
) -> str:
    """What no inputs give, on the rows of each prefix: `the mean alone: RMSE 3.2 and 3.1`."""
    name, words = (RIGHT, "right on") if experiment.has_classes else ("rmse", "RMSE")
    values = [measure_text(name, variant.constants[prefix + name]) for prefix in prefixes]
    return f"{constant_words(experiment)} alone: {words} {' and '.join(values)}"


def describe_measures(experiment: Experiment, variant: VariantSummary) -> str:
    """What the seeds of a variant are in the median, on held-out rows first, if there are any.

    With what no inputs give beside it.
    """
    task, measure, seeds = experiment.task, experiment.chosen_measure, len(variant.seeds)
    rows = {"": len(task.targets)}
    if task.held_out is not None:
        rows = {HELD_OUT: len(task.held_out.targets)} | rows
    parts = []
    for place, name in enumerate(measured_names(experiment, measure)):
        values = [measure_text(name, variant.median(prefix + name)) for prefix in rows]
        if not place:
            values = [
                f"{value} {'of' if name == RIGHT else 'on'} "
                f"{name_rows(experiment, held_out=bool(prefix), count=n)}"
                for value, (prefix, n) in zip(values, rows.items(), strict=True)
            ]
        words = "right on" if name == RIGHT else measure_words(name)
        parts.append(f"{words} {' and '.join(values)}")
    over = f"median of {seeds} seeds; " if seeds > 1 else ""
    alone = describe_constant(experiment, variant, [*rows])
    return f"{', '.join(parts)} ({over}{alone})"


def pointer(
    experiment: Experiment,
    variants: Sequence[VariantSummary],
    own_rates: Mapping[str, float] = MappingProxyType({}),
) -> tuple[str, ...]:
    """The command that explains the last of the variants that failed, if any did.

    Its learning rate is named if it is one of `own_rates`, those that tuning chose, by label.
    """
    measure = experiment.chosen_measure
    if measure.name == SOLVED:
        failed = [variant.label for variant in variants if variant.failed]
    else:
        failed = [v.label for v in variants if v.failure or v.find_shortfall(measure.held_out)]
    if not failed:
        return ()
    label = failed[-1]
    words = {v.label: _command_word(v.activation) for v in experiment.variants}
    command = f"hsig explain {quote(words.get(label, label))}"
    if label in own_rates:
        return (
            f"to see why: {command} --learning-rate {own_rates[label]!r}, with the same config and "
            "flags but those of tuning",
        )
    return (f"to see why: {command}, with the same config and flags",)


def _command_word(activation: Activation) -> str:
    """The word of a command that means an activation; the label of one means it in its config."""
    labelled = not is_in_table(activation) and fullmatch(r"\w[\w .+-]*", activation.name)
    return activation.name if labelled else to_text(activation)


def few_seeds(experiment: Experiment) -> tuple[str, ...]:
    """What its seeds are enough for, if they are not for a claim."""
    seeds = len(experiment.seeds)
    if seeds >= CLAIM_SEEDS:
        return ()
    use = "explore" if seeds >= EXPLORE_SEEDS else "see that it runs"
    return (f"{count(seeds, 'seed')}: enough to {use}; report a claim on {CLAIM_SEEDS} or more",)


def missed_precision(experiment: Experiment, variants: Sequence[VariantSummary]) -> tuple[str, ...]:
    """That `until` was not reached, and by how much."""
    found = [v.solved for v in variants if not v.failure]
    widest = max(((solved.high - solved.low) / 2.0 for solved in found), default=0.0)
    if experiment.until is None or widest <= experiment.until:
        return ()
    return (
        f"until {short(experiment.until)} was not reached: the widest interval is within "
        f"{widest:.2g} with {count(len(experiment.seeds), 'seed')}",
    )


def least_held_out(variants: Sequence[VariantSummary]) -> tuple[str, ...]:
    """At which checkpoint the median loss of held-out rows was least, where not at the last."""
    found = []
    for variant in variants:
        losses = variant.measures.get(HELD_OUT + LOSS, np.zeros((3, 0)))[MEDIAN]
        if losses.size and np.nanmin(losses, initial=np.inf) < losses[-1]:
            place = int(np.nanargmin(losses))
            least, end = (measure_text(LOSS, float(losses[n])) for n in (place, -1))
            found.append(f"{variant.label} at epoch {variant.epochs[place]} ({least}, then {end})")
    if not found:
        return ()
    return (
        f"of these checkpoints the median loss of held-out rows was least before the end: "
        f"{listed(found)}; that is seen afterwards, and is no result that a choice would give",
    )


def chaos(summary: VariantSummary) -> tuple[str, ...]:
    """That where the seeds end hangs on the last bit of their initial weights, if it does."""
    if not summary.parted:
        return ()
    return (
        f"chaotic: {summary.parted} of {count(summary.twins, 'seed')} end elsewhere when each "
        "initial weight is the next larger number: rates hold, single seeds do not carry over to "
        "other software",
    )


def unmet_expectations(summary: Summary) -> tuple[str, ...]:
    """A line for each part of `expect` that was missed."""
    return tuple(
        f"expect: {unmet.label}: expected {unmet.expected}, got {unmet.got}"
        for unmet in summary.unmet
    )


# --- values as texts ------------------------------------------------------------------------------


def as_yaml(value: object) -> str:
    """A value as flow-style YAML, of which JSON is a part."""
    return value if isinstance(value, str) else json.dumps(value)


def value_of(text: str) -> Json:
    """What `as_yaml` has made a text of, ready for JSON: a number is one again.

    >>> value_of("0.1"), value_of("uniform:-1,1"), value_of("Infinity")
    (0.1, 'uniform:-1,1', 'Infinity')
    """
    try:
        value: Json = json.loads(text)
    except ValueError:
        return text
    return plain(value)


SEVERAL = " | "  # between the values that a key has in the parts of one run


def records_of_settings(settings: Table) -> list[Json]:
    """A record for each row of a table of keys, in which numbers are numbers again."""

    def read(key: Json, text: Json) -> Json:
        if key not in KEYS or not isinstance(text, str):
            return text
        values = [*map(value_of, text.split(SEVERAL))]
        return values if len(values) > 1 else values[0]

    return [
        {column: read(record["key"], cell) for column, cell in record.items()}
        for record in records(settings)
    ]


def as_flag(value: Json) -> str:
    """The text that stands behind a flag.

    >>> as_flag("uniform:0,1"), as_flag([3, 5]), as_flag(0.1), as_flag({"a": [1]})
    ('uniform:0,1', '3,5', '0.1', 'a:1')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, list) and not any(isinstance(part, list | dict) for part in value):
        return ",".join(map(as_flag, value))
    if isinstance(value, dict) and len(value) == 1:
        ((name, settings),) = value.items()
        return f"{name}:{as_flag(settings)}".removesuffix(":")
    return json.dumps(value, ensure_ascii=False)
