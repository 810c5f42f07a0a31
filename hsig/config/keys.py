"""Every config key once: its kind, default, help and all else that is true of it.

Each key is a line of a YAML config and a flag of the command line. This module imports nothing
heavy, so that help and completion are instant. A key that only one place needs is a row here, a
field of the same name in `hsig.experiments.experiment.Experiment`, and that place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from hsig.config.kinds import (
    Choice,
    EngineName,
    Epochs,
    Kind,
    LossName,
    Number,
    Seeds,
    Whole,
    Workers,
)
from hsig.config.rows import Init, InitialWeights, TaskRows
from hsig.config.specs import Baseline, Compared, Expect, OutputSpec, Specs, Trained

# the commands that differ in defaults or keys
TRAIN, COMPARE, EXPLAIN, SWEEP = "train", "compare", "explain", "sweep"
_ONE = (TRAIN, EXPLAIN, SWEEP)
_NOT_SWEEP = (TRAIN, COMPARE, EXPLAIN)

EPOCHS_MOST = 1_000_000_000
EVIDENCE_NUMBERS = 12  # of a seed at a checkpoint, beside its costs


@dataclass(frozen=True)
class Key:
    """One key of the config.

    Attributes:
        name: As written in YAML, and the field of an experiment; the flag has dashes for
            underscores.
        kind: What its values are.
        help: One line for `--help`, with the default where it needs words.
        default: What holds if nobody says otherwise, as it would be written.
        defaults: The same for some of the commands, where it differs, by the command's name.
        commands: Those that have a use for it.
        optional: Whether it may have no value.
        may_vary: Whether it makes a difference between the cells of a sweep.
        decides_numbers: Whether the numbers of a seed depend on it; otherwise it is what a result
            looks like, or how it is come by.
        metavar: What `--help` shows for the value.
        short: One-letter flag.
    """

    name: str
    kind: Kind
    help: str
    default: object = None
    defaults: Mapping[str, object] = field(default_factory=dict)
    commands: tuple[str, ...] = (TRAIN, COMPARE, EXPLAIN, SWEEP)
    optional: bool = False
    may_vary: bool = True
    decides_numbers: bool = True
    metavar: str = ""
    short: str = ""

    @property
    def flag(self) -> str:
        """The long flag, `--learning-rate` for `learning_rate`."""
        return "--" + self.name.replace("_", "-")

    @property
    def may_be_swept(self) -> bool:
        """Whether it may be an axis of a sweep."""
        return self.may_vary and SWEEP in self.commands

    def default_for(self, command: str | None) -> object:
        """What holds for a command if nobody says otherwise."""
        return self.default if command is None else self.defaults.get(command, self.default)


KEYS: Mapping[str, Key] = MappingProxyType(
    {
        key.name: key
        for key in (
            Key(
                "task",
                TaskRows(),
                "What to learn: xor, and, or, parity3, or csv:FILE (the last column is the target)",
                default="xor",
                metavar="TASK",
                short="-t",
            ),
            Key(
                "activation",
                Trained(),
                "A name (see `hsig activations`), or NAME:KEY=VALUE,... such as hard:slope=0.25",
                default="sigmoid",
                commands=_ONE,
                optional=True,
                metavar="SPEC",
                short="-a",
            ),
            Key(
                "activations",
                Compared(),
                "What to compare: a list of them, or a group: sigmoids, hidden or all",
                defaults={COMPARE: "all"},
                commands=(COMPARE,),
                optional=True,
                metavar="SPEC,...",
            ),
            Key(
                "output_activation",
                OutputSpec(),
                "Of the output: a name, or same. Default: the same if in [0, 1], else sigmoid",
                optional=True,
                metavar="SPEC",
            ),
            Key(
                "loss",
                LossName(),
                "squared, bce (binary cross-entropy), or bce_naive (with 0*log 0 = nan, as Theano)",
                default="bce",
                metavar="LOSS",
                short="-l",
            ),
            Key(
                "learning_rate",
                Number(0.0, 1e9, above=True),
                "Step size of gradient descent",
                default=0.1,
                metavar="RATE",
                short="-r",
            ),
            Key(
                "epochs",
                Whole(1, EPOCHS_MOST),
                "Passes over the rows of the task",
                default=4000,
                metavar="N",
                short="-e",
            ),
            Key(
                "update",
                Choice(("online", "batch")),
                "online (a step per sample, in row order) or batch (a step per epoch)",
                default="online",
                metavar="RULE",
            ),
            Key(
                "hidden",
                Whole(1, 1024),
                "Hidden units",
                default=3,
                metavar="N",
            ),
            Key(
                "init",
                Init(),
                "Initial weights, drawn evenly from [LOW, HIGH)",
                default="uniform:0,1",
                metavar="uniform:LOW,HIGH",
            ),
            Key(
                "initial_weights",
                InitialWeights(),
                "Initial weights themselves, {hidden: [[...]], output: [[...]]}; needs one seed",
                optional=True,
                metavar="WEIGHTS",
            ),
            Key(
                "seeds",
                Seeds(Whole(1, 1_000_000)),
                "How many seeds (0, 1, ... N-1), or a list such as 3,5,8",
                default=1,
                defaults={COMPARE: 30, EXPLAIN: 100, SWEEP: 100},
                metavar="N|LIST",
                short="-s",
            ),
            Key(
                "until",
                Number(0.0, 0.5, above=True),
                "Add seeds until every interval of a solved rate is within plus or minus this",
                commands=_NOT_SWEEP,
                optional=True,
                decides_numbers=False,
                metavar="X",
            ),
            Key(
                "max_seeds",
                Whole(1, 1_000_000),
                "With until: no more seeds than this",
                default=5000,
                commands=_NOT_SWEEP,
                decides_numbers=False,
                metavar="N",
            ),
            Key(
                "solved_within",
                Number(0.0, 1e9, above=True),
                "Solved when every |prediction - target| is below this",
                default=0.5,
                metavar="X",
            ),
            Key(
                "report_every",
                Whole(1, EPOCHS_MOST),
                "Epochs from one line of the cost table to the next",
                default=500,
                may_vary=False,
                metavar="N",
            ),
            Key(
                "at_epochs",
                Epochs(Whole(1, EPOCHS_MOST)),
                "Budgets at which to look as well, such as 500,2000; the last may be the budget",
                commands=_NOT_SWEEP,
                optional=True,
                metavar="N,...",
            ),
            Key(
                "cost",
                Choice(("last", "mean")),
                "Cost in the tables: of the last sample of an epoch, or the mean",
                default="last",
                defaults={COMPARE: "mean", EXPLAIN: "mean", SWEEP: "mean"},
                decides_numbers=False,
                metavar="last|mean",
            ),
            Key(
                "engine",
                EngineName(("auto",)),
                "What trains: compiled (C), reference (NumPy), or auto for the fastest there is",
                default="auto",
                metavar="ENGINE",
            ),
            Key(
                "workers",
                Workers(Whole(1, 1024)),
                "Cores that train: a number, or auto for all where that pays",
                default="auto",
                may_vary=False,
                decides_numbers=False,
                metavar="N|auto",
            ),
            Key(
                "predict_with",
                Specs(),
                "Also predict with these in place of the trained one: a list, or a group",
                commands=_NOT_SWEEP,
                optional=True,
                decides_numbers=False,
                metavar="SPEC,...",
            ),
            Key(
                "baseline",
                Baseline(),
                "What the others are compared with, one of the activations. Default: the first",
                commands=_NOT_SWEEP,
                optional=True,
                decides_numbers=False,
                metavar="SPEC",
            ),
            Key(
                "expect",
                Expect(),
                "Exit with 1 unless this holds, such as solved_at_least=0.9 or verdict=solved",
                commands=_NOT_SWEEP,
                optional=True,
                decides_numbers=False,
                metavar="CHECKS",
            ),
        )
    }
)

COMPARISON_COLUMNS = (
    "solved",
    "interval",
    "cost",
    "curve",
    "verdicts",
    "counts",
    "budgets",
    "quartiles",
    "epochs",
    "rank",
    "difference",
    "pairs",
    "lost",
    "diverged",
    "costs",
    "predictions",
)
