"""The sentences that several pages share: what was run, what became of it, what else to say."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache
from re import fullmatch
from shlex import quote
from types import MappingProxyType
from typing import Any

from hsig.activations import Activation
from hsig.activations.names import is_in_table, to_text
from hsig.analysis.statistics import CLAIM_SEEDS, EXPLORE_SEEDS
from hsig.analysis.summary import Solved, Summary, VariantSummary
from hsig.config.activation_kinds import spec_document
from hsig.config.keys import COMPARE, KEYS, SWEEP
from hsig.config.loading import (
    layer_text,
    load_activation,
    load_experiment,
    load_resolved,
    resolved_keys,
)
from hsig.config.values import Json, plain
from hsig.engines import compiled, reference
from hsig.errors import ConfigError
from hsig.experiments.evidence import NO_BEND
from hsig.experiments.experiment import Experiment
from hsig.experiments.outlook import WINDOW
from hsig.experiments.verdicts import (
    AFFINE,
    DEAD,
    DIVERGED,
    FROZEN,
    OVERFLOW,
    PLATEAU,
    PLATEAU_DROP,
    RULES,
    SATURATED,
    SATURATED_RIGHT,
    SATURATED_WRONG,
    SLOW,
    SOLVED,
    STOPPED,
    UNREACHABLE,
    UNSTABLE,
    UNSTABLE_CHANGE,
    UNSTABLE_RISE,
)
from hsig.networks.tasks import TASKS
from hsig.reports.page import Table, count, interval, percent, records, short, stacked_bar

# --- verdicts ------------------------------------------------------------------------------------

MEANINGS = {
    DIVERGED: "a weight stopped being finite",
    SOLVED: "every sample is right",
    STOPPED: "training was stopped before the end of its budget",
    UNREACHABLE: "no value of the output is near enough to some target to be right",
    DEAD: "no hidden unit has a slope on any sample, and the output layer alone cannot solve it",
    FROZEN: f"the weights come back, bit for bit, within {WINDOW} epochs",
    SATURATED: "the output is flat on every sample that is wrong",
    UNSTABLE: (
        f"the mean cost rises by {UNSTABLE_RISE:.0%} within {WINDOW} epochs, or one step throws a "
        f"prediction by {UNSTABLE_CHANGE:g}"
    ),
    AFFINE: (
        f"the output's pre-activation is within {NO_BEND:g} of an affine function of the inputs, "
        "none of which solves it"
    ),
    PLATEAU: f"the mean cost falls by less than {PLATEAU_DROP:.1%} in {WINDOW} epochs",
    SLOW: "the cost is still falling at the end of this budget",
}
GLYPHS = {
    SOLVED: "█",
    SLOW: "▓",
    PLATEAU: "▒",
    AFFINE: "░",
    UNSTABLE: "~",
    SATURATED: "o",
    FROZEN: "*",
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

_MAX_NAMED = 5  # seeds named one by one


def heading(experiment: Experiment, subject: str) -> tuple[str, str]:
    """What was run: what every reader asks for, then every other key that changes numbers."""
    start = f"initial weights from {experiment.init.summary}"
    if experiment.initial_weights is not None:
        start = f"given {sum(layer.size for layer in experiment.initial_weights)} initial weights"
    shared = ", the same for all" if len(experiment.variants) > 1 else ""
    rate = "chosen for each" if experiment.is_tuned else short(experiment.learning_rate)
    changed = ", ".join(f"{name} {value}" for name, value in changed_settings(experiment).items())
    return (
        f"{subject} on {experiment.task.name}: {'-'.join(map(str, experiment.sizes))} network, "
        f"loss {experiment.loss.name}, learning rate {rate}, {count(experiment.epochs, 'epoch')} "
        f"({experiment.update})",
        f"{start}, {named_seeds(experiment.seeds)}{shared}; engine {_engines(experiment)}"
        f"{f'; changed: {changed}' if changed else ''}",
    )


# the keys that a heading spells in words, or that its subject or its tables show
_IN_WORDS = (
    *("task", "hidden", "loss", "learning_rate", "epochs", "update", "init", "initial_weights"),
    *("seeds", "engine", "activation", "activations", "output_activation"),
    *("report_every", "at_epochs"),
)


def changed_settings(experiment: Experiment) -> dict[str, str]:
    """Each other key that numbers depend on, where it is not what holds by default."""
    keys = resolved_keys(experiment)
    return {
        name: as_flag(keys[name])
        for name, key in KEYS.items()
        if key.numbers and name not in _IN_WORDS and keys[name] != _default_keys()[name]
    }


@cache
def _default_keys() -> dict[str, Json]:
    return resolved_keys(load_experiment())


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
    solved, reached = variant.solved, variant.epochs[-1]
    when = f", first at epoch {variant.solved_at[0]}" if solved.n == solved.k == 1 else ""
    early = "" if reached == experiment.epochs else f" at epoch {reached} of {experiment.epochs}"
    return f"{variant.label}: {describe_solved(solved)}{when}{early}"


def describe_solved(solved: Solved) -> str:
    """How many seeds were solved, with the rate and its interval."""
    return (
        f"solved {solved.k} of {count(solved.n, 'seed')} ({percent(solved.rate)}; 95 % interval "
        f"{interval(solved)})"
    )


def pointer(
    experiment: Experiment,
    variants: Sequence[VariantSummary],
    own_rates: Mapping[str, float] = MappingProxyType({}),
) -> tuple[str, ...]:
    """Where to learn why, if a variant was not solved; of several, for the one that is last.

    Args:
        experiment: Whose they are.
        variants: In their order.
        own_rates: By label, learning rates that were chosen for some of them.
    """
    failed = [variant.label for variant in variants if variant.solved.k < variant.solved.n]
    if not failed:
        return ()
    label = failed[-1]
    words = {v.label: _command_word(v.activation) for v in experiment.variants}
    asked, rate, but = quote(words.get(label, label)), "", ""
    if label in own_rates:
        rate, but = f" --learning-rate {own_rates[label]!r}", " but those of tuning"
    return (f"to see why: hsig explain {asked}{rate}, with the same config and flags{but}",)


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


def divergence(summary: VariantSummary, named: int = _MAX_NAMED) -> tuple[str, ...]:
    """Which weights and costs are not finite, with some seeds named."""
    notes = []
    if summary.diverged_seeds:
        pairs = zip(summary.diverged_seeds, summary.diverged_at, strict=True)
        seeds = _list_some([f"seed {seed} in epoch {epoch}" for seed, epoch in pairs], named)
        notes.append(
            f"diverged {len(summary.diverged_seeds)} of {count(len(summary.seeds), 'seed')} "
            f"(a weight stopped being finite): {seeds}"
        )
        notes += [f"{n} of them: {CAUSES[cause]}" for cause, n in summary.diverged_by.items()]
    if summary.not_finite:
        seeds = _list_some(
            [f"seed {f.seed} is {f.cost:g} at epoch {f.epoch}" for f in summary.not_finite], named
        )
        notes.append(
            f"cost not finite for {len(summary.not_finite)} of "
            f"{count(len(summary.seeds), 'seed')}: {seeds}"
        )
    return tuple(notes)


def _list_some(items: list[str], most: int) -> str:
    shown = ", ".join(items[:most])
    return shown if len(items) <= most else f"{shown} and {len(items) - most} more"


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


# --- setting -------------------------------------------------------------------------------------

# The setting of a run: the keys of its config, each as short as it can be written.

# keys without which the numbers are the same, as the seeds that were trained are named
_NO_MATTER = ("workers", "until", "max_seeds")

Part = Mapping[str, Any]  # of a run, as its `run.json` has it


def setting_table(about: Mapping[str, Any], parts: Sequence[Part]) -> Table:
    """The keys of a run and their values: first those that are not what holds by default.

    Args:
        about: What `run.json` says.
        parts: Those of its parts that were asked for.
    """
    command = str(about["command"])
    every = [spelled_keys(load_resolved(part["experiment"], "")) for part in parts]
    usual, changed = _written(spelled_keys(_usual(command))), set[str]()
    usual["activations"] = str(KEYS["activations"].default_for(command) or "")
    for part in parts:
        changed |= changed_keys(part["experiment"], command).keys()
    values = {name: SEVERAL.join(dict.fromkeys(_written(k)[name] for k in every)) for name in KEYS}
    for axis in about["sweep"]["axes"] if command == SWEEP else ():
        changed.add(axis["name"])
        values[axis["name"]] = SEVERAL.join(axis["values"])
    left_out = {"workers", *(("report_every",) if command == SWEEP else ())}
    if not values["until"]:
        left_out.add("max_seeds")
    rows = [(n, v, usual.get(n, "")) for n, v in values.items() if n in changed - left_out]
    rows += [(n, v, "the same") for n, v in values.items() if v and n not in changed | left_out]
    columns = ("key", "value", "by default")
    return Table("the keys of its config", columns, tuple(rows), prose=columns, whole=True)


def _written(keys: Mapping[str, Json]) -> dict[str, str]:
    """Their values as texts; empty where there is none."""
    texts = {
        name: ", ".join(map(as_flag, value)) if isinstance(value, list) else as_flag(value)
        for name, value in keys.items()
        if value not in (None, {})
    }
    task = keys["task"]
    if isinstance(task, dict) and isinstance(task["targets"], list):
        texts["task"] = f"{task['name']}, {count(len(task['targets']), 'sample')} of its own"
    return dict.fromkeys(keys, "") | texts


def spelled_keys(experiment: Experiment) -> dict[str, Json]:
    """Every key of an experiment, each as short as it can be written."""
    return resolved_keys(experiment) | _spelled(experiment)


def changed_keys(keys: Mapping[str, Any], command: str) -> dict[str, Json]:
    """The keys that differ from what holds for a command, each as short as it can be written.

    Args:
        keys: All that an experiment has, resolved.
        command: Whose defaults hold for the others.
    """
    experiment = load_resolved(keys, "")
    whole, usual = resolved_keys(experiment), resolved_keys(_usual(command))
    changed: dict[str, Json] = {
        name: value
        for name, value in whole.items()
        if name not in (*_NO_MATTER, "output_activation") and value not in (None, usual[name])
    }
    if whole["at_epochs"] is not None:  # the last of which would be the budget
        changed["epochs"] = whole["epochs"]
    spelled = _spelled(experiment)
    brief = {name: spelled.get(name, part) for name, part in changed.items()}
    output = "output_activation"  # whose default hangs on the activation
    for tried in (brief, brief | {output: spelled[output]}):
        if name_the_same(tried, command, whole):
            return _given(tried)
    return _given(whole | spelled)


def _given(keys: Mapping[str, Json]) -> dict[str, Json]:
    """Those that have a value, in the order of the reference."""
    return {name: keys[name] for name in KEYS if keys.get(name) is not None}


def name_the_same(keys: Mapping[str, Json], command: str, whole: Mapping[str, Json]) -> bool:
    """Whether some keys, as flags of a command, mean an experiment of which all keys are given."""
    flags = {name: as_flag(value) for name, value in keys.items() if name != "engine"}
    try:
        made = resolved_keys(load_experiment(flags=flags, command=command))
    except ConfigError:
        return False
    return all(made[name] == whole[name] for name in KEYS.keys() - {*_NO_MATTER, "engine"})


def as_flag(value: Json) -> str:
    """The text that stands behind a flag.

    >>> as_flag("uniform:0,1"), as_flag([3, 5]), as_flag(0.1), as_flag({"a": [1]})
    ('uniform:0,1', '3,5', '0.1', '{"a": [1]}')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, list) and not any(isinstance(part, list | dict) for part in value):
        return ",".join(map(as_flag, value))
    return json.dumps(value, ensure_ascii=False)


def _usual(command: str) -> Experiment:
    """What holds if nobody says otherwise."""
    flags = {"activations": "sigmoid,tanh"} if command == COMPARE else {}
    # what trains if nobody chooses, wherever it was built
    return replace(load_experiment(flags=flags, command=command), engine=compiled.NAME)


def _spelled(experiment: Experiment) -> dict[str, Json]:
    """Those keys that have a shorter form than the resolved one."""
    hidden = [_spell_layers(variant.hidden_activations) for variant in experiment.variants]
    layers = experiment.hidden
    seeds: list[Json] = [*experiment.seeds]
    output = KEYS["output_activation"].kind.resolved(experiment, "output_activation")
    if isinstance(output, dict):
        output = _spec(experiment.variants[0].output_activation)
    return {
        "activation": hidden[0] if len(hidden) == 1 else None,
        "activations": hidden if len(hidden) > 1 else None,
        "output_activation": output,
        "hidden": layers[0] if len(layers) == 1 else layer_text(layers),
        "init": f"{experiment.init.scheme}:{','.join(map(_exact, experiment.init.settings))}",
        "predict_with": [*map(_spec, experiment.predict_with)] or None,
        "seeds": len(seeds) if seeds == [*range(len(seeds))] else _listed(seeds),
        "task": task_of(experiment),
        "tune": f"learning_rate={as_flag([*experiment.tune])}" if experiment.tune else None,
    }


def _exact(value: float) -> str:
    """As short as it can be without another meaning."""
    return short(value) if float(short(value)) == value else repr(value)


def _listed(seeds: list[Json]) -> Json:
    """Of one seed, that it is no number of seeds."""
    return json.dumps(seeds) if len(seeds) == 1 else seeds


def _spell_layers(layers: Sequence[Activation]) -> Json:
    """A text that means an activation, or one of each layer; or all of it."""
    specs = [_spec(activation) for activation in layers]
    if len(specs) == 1 or not all(isinstance(spec, str) for spec in specs):
        return specs[0] if len(specs) == 1 else specs
    return f"[{', '.join(map(str, specs))}]"


def _spec(activation: Activation) -> Json:
    """A text that means an activation, or all of it."""
    text = to_text(activation)
    try:
        meant = load_activation(text) == activation
    except ConfigError:
        meant = False
    return text if meant else spec_document(activation)


def task_of(experiment: Experiment) -> Json:
    """The name of its task, or its samples where they are the user's own."""
    rows = KEYS["task"].kind.document(experiment.task)
    known = TASKS.get(experiment.task.name)
    own = known is None or KEYS["task"].kind.document(known) != rows
    return rows if own else experiment.task.name
