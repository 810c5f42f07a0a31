"""Every config key once, with all that is true of it; and what words are that stand for no key.

Each key is a line of a YAML config and a flag of the command line. This module imports nothing
heavy, so that help and completion are instant. A key that only one place needs is a row here, a
field of the same name in `hsig.experiments.experiment.Experiment`, and that place.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from math import inf
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from hsig.config.activation_kinds import ActivationKind, ActivationList
from hsig.config.kinds import (
    MAX_DEPTH,
    MAX_SEED,
    MAX_SEEDS,
    SAME,
    Choice,
    Column,
    EngineName,
    Expect,
    Hidden,
    Kind,
    ListOf,
    Number,
    Schema,
    Seeds,
    Whole,
    Word,
    complete_word,
    mapping_schema,
    table,
)
from hsig.config.optimizer_kinds import ELSEWHERE, EXAMPLES, OptimizerKind
from hsig.config.ranges import VALUES_SCHEMA, Tune
from hsig.config.specs import is_bracketed
from hsig.config.task_kinds import BiasKind, InitialWeights, StartKind, TaskKind, TestKind
from hsig.config.text import CONFIG_ENDINGS, list_configs
from hsig.errors import ConfigError

# the commands that differ in defaults or keys
TRAIN, COMPARE, EXPLAIN, SWEEP, DATA = "train", "compare", "explain", "sweep", "data"

MAX_EPOCHS = 1_000_000_000
EVIDENCE_NUMBERS = 12  # of a seed at a checkpoint, beside its costs


class Key(NamedTuple):
    """One key of the config.

    Attributes:
        name: As written in YAML, and the field of an experiment; the flag has dashes for
            underscores.
        kind: What its values are.
        default: What holds if nobody says otherwise, as it would be written.
        defaults: The same for some of the commands, where it differs, by the command's name.
        commands: Those that have a use for it.
        may_vary: Whether it makes a difference between the cells of a sweep.
        numbers: Whether the numbers of a seed depend on it; otherwise it is what a result
            looks like, or how it is come by.
        spells: The key of which this is another spelling; an experiment has only that.
        metavar: What `--help` shows for the value.
        short: One-letter flag.
        help: One line for `--help`, with the default where it needs words.
    """

    name: str
    kind: Kind
    default: object = None
    defaults: Mapping[str, object] = MappingProxyType({})
    commands: tuple[str, ...] = (TRAIN, COMPARE, EXPLAIN, SWEEP)
    may_vary: bool = True
    numbers: bool = True
    spells: str = ""
    metavar: str = ""
    short: str = ""
    help: str = ""

    @property
    def flag(self) -> str:
        """The long flag, `--learning-rate` for `learning_rate`."""
        return "--" + self.name.replace("_", "-")

    @property
    def optional(self) -> bool:
        """Whether it may have no value."""
        return None in (self.default, *self.defaults.values())

    @property
    def may_be_swept(self) -> bool:
        """Whether it may be an axis of a sweep."""
        return self.may_vary and SWEEP in self.commands

    def default_for(self, command: str | None) -> object:
        """What holds for a command if nobody says otherwise."""
        return self.default if command is None else self.defaults.get(command, self.default)

    def default_text(self, command: str | None = None) -> str:
        """The same as it is written; empty if there is none."""
        default = self.default_for(command)
        text = "" if default is None else str(default)
        return text.lower() if isinstance(default, bool) else text


_TABLE = (TRAIN, COMPARE, EXPLAIN, SWEEP, DATA)  # those for rows from a table
_ONE = (TRAIN, EXPLAIN, SWEEP)  # those for one activation
_NO_SWEEP = (TRAIN, COMPARE, EXPLAIN)
_RATE = Number(0.0, 1e9, above=True)
_HIDDEN = Hidden(Whole(1, 1024), "hidden layers", "-", 0, MAX_DEPTH, single=Whole(0, 1024))
_BIASES: Mapping[Word, object] = {
    True: "both",
    False: "none",
    "hidden": "hidden",
    "output": "output",
}
_SEEDS = Seeds(Whole(0, MAX_SEED), "seeds", distinct=True, single=Whole(1, MAX_SEEDS))
_MEASURES = Choice(table("experiments.measures", "MEASURES"))
_TARGET_SCALES = Choice(lambda: ("auto", *table("networks.tasks", "SCALES")()))
_COLUMNS = ListOf(Column(), "columns", distinct=True)
_EPOCHS = ListOf(Whole(1, MAX_EPOCHS), "epochs", rising=True)
_WORKERS = Whole(1, 1024, words={"auto": None})  # for as many as there are cores
_LAYERS = ActivationKind(layered=True)
_COMPARED = ActivationList(_LAYERS)
_OTHERS = ActivationList(ActivationKind())
_ENGINES = EngineName(lambda: ("auto", *table("engines.choice", "ENGINES")()))

# fmt: off
_ROWS = (
    Key("task", TaskKind(), "xor", metavar="TASK", short="-t",
        help="What to learn: xor, and, or, parity3, csv:FILE (last column: target); to compare on "
        "several: xor,and"),
    Key("target", Column(), may_vary=False, commands=_TABLE, metavar="COLUMN",
        help="Of a CSV task: the column to predict, by name or number. Default: the last"),
    Key("inputs", _COLUMNS, may_vary=False, commands=_TABLE, metavar="COLUMN,...",
        help="Of a CSV task: the columns to predict from. Default: all others"),
    Key("drop", _COLUMNS, may_vary=False, commands=_TABLE, metavar="COLUMN,...",
        help="Of a CSV task: columns to leave out"),
    Key("missing", Choice(("refuse", "drop")), "refuse", commands=_TABLE, may_vary=False,
        numbers=False, metavar="RULE",
        help="Of a CSV task: refuse a row with a missing value, or drop it"),
    Key("target_kind", Choice(("auto", "class", "number")), "auto", may_vary=False,
        commands=_TABLE, metavar="KIND",
        help="Of a CSV task: whether the target is a class or a number. Default: as they look"),
    Key("held_out", Number(0.0, 0.9, above=True), commands=_TABLE, metavar="SHARE",
        help="Share of the rows to hold out, such as 0.25: never trained on, and measured on"),
    Key("data_seed", Whole(0, MAX_SEED), 0, commands=_TABLE, metavar="N",
        help="What is drawn of the data, as which rows are held out, follows from it"),
    Key("test", TestKind(), commands=_TABLE, metavar="csv:FILE", may_vary=False,
        help="Rows to measure on, from a file with the columns of the task's"),
    Key("scale_target", _TARGET_SCALES, "auto", metavar="SCALE",
        help="Of a target that is a number, as for scale. Default: standard if the output is "
        "unbounded and targets leave [-1, 1]; what is told is in the column's own unit"),
    Key("measure", _MEASURES, "auto", may_vary=False, numbers=False,
        metavar="MEASURE",
        help="What is claimed on: solved (every row right), loss, or right (share of the rows). "
        "Default: solved for a small table, else right for classes and loss for a number"),
    Key("scale", Choice(table("networks.tasks", "SCALES")), "none", metavar="SCALE",
        help="Of each input: standard (mean 0, standard deviation 1), minmax (0 to 1), or none"),
    Key("activation", _LAYERS, "sigmoid", {COMPARE: None}, _ONE, metavar="SPEC", short="-a",
        help="A name (see `hsig activations`), NAME:KEY=VALUE,... such as hard:slope=0.25, a "
        "formula in x, or a list of one for each layer: [tanh, relu]"),
    Key("activations", _COMPARED, None, {COMPARE: "all"}, (COMPARE,), metavar="SPEC,...",
        help="What to compare: a list of them, a group such as sigmoids or torch, or a pattern "
        "such as 'hard*'"),
    Key("output_activation", ActivationKind(words=(SAME,)), metavar="SPEC",
        help="Of the output: a name (identity for any number), or same. Default: the same if in "
        "[0, 1], else sigmoid"),
    Key("loss", Choice(table("networks.losses", "LOSSES")), metavar="LOSS", short="-l",
        help="squared, bce (binary cross-entropy), bce_naive (with 0*log 0 = nan, as Theano), or "
        "cross_entropy (of more than two classes). Default: as the target asks, bce for 0 and 1"),
    Key("optimizer", OptimizerKind(), "sgd", metavar="SPEC",
        help="What a step makes of a gradient: sgd (plain gradient descent), momentum:0.9, "
        "nesterov, rmsprop, adam, adamw; with settings adam:beta1=0.8,beta2=0.99"),
    Key("learning_rate", _RATE, metavar="RATE", short="-r",
        help="Step size. Default: that of the optimizer, 0.1 for sgd, 0.01 for momentum, nesterov "
        "and rmsprop, 0.001 for adam and adamw"),
    Key("weight_decay", Number(0.0, 1e9), metavar="X",
        help="This times a weight, biases too, is added to its gradient; with adamw it shrinks the "
        "weight itself. Default: 0.01 for adamw, else 0"),
    Key("clip_norm", Number(0.0, 1e9, above=True, words={"none": inf}), "none", metavar="X|none",
        help="Largest norm of a gradient, over all layers: a larger one is scaled down to it"),
    Key("epochs", Whole(1, MAX_EPOCHS), 4000, metavar="N", short="-e",
        help="Passes over the samples of the task"),
    Key("batch_size", Whole(1, MAX_EPOCHS, words={"all": None}), 1, metavar="N|all",
        help="Rows of a step, which takes the mean of their gradients; all for a step per epoch"),
    Key("update", Choice({"online": 1, "batch": None}), spells="batch_size", metavar="RULE",
        help="In place of batch_size: online for 1 (a step per row), batch for all"),
    Key("order", Choice(("fixed", "shuffled")), "fixed", metavar="ORDER",
        help="Of the rows: fixed (their own), or shuffled, anew for each seed and epoch"),
    Key("hidden", _HIDDEN, 3, metavar="N",
        help="Hidden units; of several layers 8-8, or a list; 0 for the output alone"),
    Key("bias", Choice(_BIASES), True, metavar="LAYERS",
        help="Which layers have a bias: true (all), false (none), hidden, or output"),
    Key("init", StartKind(), "uniform:0,1", metavar="START",
        help="How initial weights are drawn: uniform:-1,1 (evenly from [-1, 1)), he_normal, "
        "glorot_uniform:gain=2, ..."),
    Key("init_bias", BiasKind(), metavar="BIAS",
        help="Initial biases: zero, constant:0.1, or same (drawn as weights are). Default: same "
        "for uniform, normal, constant and torch_linear, else zero"),
    Key("initial_weights", InitialWeights(), metavar="WEIGHTS",
        help="Initial weights themselves, {hidden: [[...]], output: [[...]]}, or a "
        "list of layers; needs one seed"),
    Key("seeds", _SEEDS, 100, metavar="N|LIST", short="-s",
        help="How many seeds (0, 1, ... N-1), or a list such as 3,5,8"),
    Key("until", Number(0.0, 0.5, above=True), commands=_NO_SWEEP, numbers=False, metavar="X",
        help="Add seeds until every interval of a solved rate is within plus or minus this"),
    Key("max_seeds", Whole(1, MAX_SEEDS), 5000, commands=_NO_SWEEP, numbers=False, metavar="N",
        help="With until: no more seeds than this"),
    Key("solved_within", Number(0.0, 1e9, above=True), metavar="X",
        help="Solved when every |prediction - target| is below this. Default: 0.5; of more than "
        "two classes, when that of the right one is the largest"),
    Key("stop_at", Number(0.0, words={"solved": "solved"}), metavar="LOSS|solved",
        help="Stop a seed once the loss of its weights is at most this, or it is solved"),
    Key("report_every", Whole(1, MAX_EPOCHS), 500, may_vary=False, metavar="N",
        help="Epochs from one line of the cost table to the next"),
    Key("at_epochs", _EPOCHS, commands=_NO_SWEEP, metavar="N,...",
        help="Budgets at which to look as well, such as 500,2000; the last may be the budget"),
    Key("cost", Choice(("weights", "mean", "last")), "weights",
        numbers=False, metavar="weights|mean|last",
        help="Cost in tables: loss of the weights, or an epoch's running one: mean or last"),
    Key("engine", _ENGINES, "auto", metavar="ENGINE",
        help="What trains: compiled (C), reference (NumPy), or auto for the fastest there is"),
    Key("workers", _WORKERS, "auto", may_vary=False, numbers=False, metavar="N|auto",
        help="Cores that train: a number, or auto for all where that pays"),
    Key("predict_with", _OTHERS, commands=_NO_SWEEP, numbers=False, metavar="SPEC,...",
        help="Also predict with these in place of the trained one: a list, or a group"),
    Key("baseline", _LAYERS, commands=_NO_SWEEP, numbers=False, metavar="SPEC",
        help="What the others are compared with, one of the activations. Default: the first"),
    Key("tune", Tune("learning_rate", _RATE), commands=(COMPARE,), numbers=False,
        metavar="KEY=VALUES",
        help="Each at its own, chosen on other seeds, such as learning_rate=log:0.01..10:13"),
    Key("tune_seeds", Whole(1, MAX_SEEDS), commands=(COMPARE,), numbers=False, metavar="N",
        help="With tune: how many seeds to choose on. Default: as many as are reported"),
    Key("expect", Expect(), commands=_NO_SWEEP, numbers=False, metavar="CHECKS",
        help="Exit with 1 unless this holds, such as solved_at_least=0.9 or verdict=solved"),
)
# fmt: on
KEYS: Mapping[str, Key] = MappingProxyType({key.name: key for key in _ROWS})


def known_elsewhere(name: str, spelled: Callable[[str], str]) -> str:
    """A hint for a name that is no key here but one elsewhere, `spelled` as keys are; else nothing.

    >>> known_elsewhere("lr", lambda key: KEYS[key].flag)
    ' Did you mean --learning-rate?'
    """
    meant = "" if name in KEYS else ELSEWHERE.get(name, "")
    if meant in EXAMPLES:
        return f" It goes with {spelled('optimizer')}, as {EXAMPLES[meant]}."
    return f" Did you mean {spelled(meant)}?" if meant else ""


_SWEEP: Schema = {
    "description": "Keys and their values, for hsig sweep",
    "type": "object",
    "minProperties": 1,
    "additionalProperties": VALUES_SCHEMA,
}


def json_schema() -> Schema:
    """A JSON Schema (draft 2020-12) of a config.

    It knows every key, its type and its range. What must hold between keys, and the compact
    texts such as `hard:slope=0.25`, are left to hsig.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "hsig experiment",
        **mapping_schema({**{name: _schema(key) for name, key in KEYS.items()}, "sweep": _SWEEP}),
    }


def _schema(key: Key) -> Schema:
    schema = {"description": key.help, **key.kind.schema()}
    if key.default is None:  # it may be written without a value
        return {"description": key.help, "anyOf": [{"type": "null"}, schema]}
    return {**schema, "default": key.default}


def starting_point() -> str:
    """A config with every key, its default and a comment; optional keys are commented out."""
    lines = ["# An experiment of hsig. Every key may be left out: these are the defaults."]
    for key in KEYS.values():
        default = key.default_text()
        line = f"{key.name}: {default}" if default else f"# {key.name}:"
        lines += ["", f"# {key.help}", line]
    return "\n".join(lines) + "\n"


# --- words that stand for no key: configs and activations -------------------------------------

complete_activation = KEYS["activation"].kind.complete


def complete_words(typed: str) -> list[str]:
    """What may follow `hsig train`: an activation, or a config."""
    return complete_activation(typed) + complete_config(typed)


def complete_comparison(typed: str) -> list[str]:
    """What may follow `hsig compare`: also a group."""
    return KEYS["activations"].kind.complete(typed) + complete_config(typed)


def complete_config(typed: str) -> list[str]:
    """Config files in the folder that is typed so far, and in the folders within it."""
    folder = Path(typed.rpartition("/")[0] or ("/" if typed.startswith("/") else "."))
    configs = [*list_configs(folder), *list_configs(folder, "*/*")]
    return complete_word(map(str, configs), typed.removeprefix("./"))


def split_words(words: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Which words are configs, and which are activations."""
    configs = [word for word in words if _is_config(word)]
    return [Path(word) for word in configs], [word for word in words if word not in configs]


def _is_config(word: str) -> bool:
    """Whether a word is the path of a config; one with a slash may be a formula in x."""
    if "/" not in word or word.endswith(CONFIG_ENDINGS) or word.startswith((".", "/", "~")):
        return word.endswith(CONFIG_ENDINGS) or "/" in word
    is_formula = re.search(r"(?<![\w.])x(?![\w.])", word) is not None
    with suppress(OSError):  # of a name that is too long for a file
        return Path(word).exists() or not is_formula
    return not is_formula


def take_single_activation(words: Sequence[str], flags: dict[str, str]) -> Path | None:
    """The config among the words; the activation becomes a flag.

    Raises:
        ConfigError: If there are several of either.
    """
    configs, activations = split_words(words)
    if len(activations) > 1:
        raise ConfigError(
            f"expected one activation, got {', '.join(activations)}. To compare them: hsig compare"
        )
    set_activations("activation", activations, flags)
    return single_config(configs)


def set_activations(key: str, words: Sequence[str], flags: dict[str, str]) -> None:
    """Take the words of a command as its key's flag.

    Raises:
        ConfigError: If the flag is there as well.
    """
    if words and key in flags:
        raise ConfigError(f"{KEYS[key].flag}: given twice, also as '{' '.join(words)}'")
    if words:
        joined = ",".join(words)
        # one word in brackets is one activation to compare, with one for each layer
        flags[key] = f"[{joined}]" if key == "activations" and is_bracketed(joined) else joined


def single_config(configs: Sequence[Path]) -> Path | None:
    """The one config, if there is any.

    Raises:
        ConfigError: If there are several.
    """
    if len(configs) > 1:
        raise ConfigError(
            f"expected one config, got {', '.join(map(str, configs))}. To compare them: "
            "hsig compare"
        )
    return configs[0] if configs else None
