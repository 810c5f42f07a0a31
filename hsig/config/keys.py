"""Every config key once: its kind, range, default and help; and the names a user may type.

Each key is a line of a YAML config and a flag of the command line. This module imports nothing
heavy, so that help and completion are instant.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from types import MappingProxyType

_SIGMOIDS = (
    "sigmoid",
    "ultra_fast",
    "hard",
    "hard_torch",
    "hard_taylor",
    "hard_binary",
    "leaky_hard",
)
_HIDDEN = (
    "tanh",
    "hard_tanh",
    "relu",
    "leaky_relu",
    "elu",
    "softplus",
    "silu",
    "hard_silu",
    "gelu_tanh",
)
ACTIVATION_NAMES = (*_SIGMOIDS, *_HIDDEN)
ACTIVATION_GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"sigmoids": _SIGMOIDS, "hidden": _HIDDEN, "all": ACTIVATION_NAMES}
)
TRAIN, COMPARE, EXPLAIN = "train", "compare", "explain"  # the commands that differ in defaults
TASK_NAMES = ("xor", "and", "or", "parity3")
LOSS_NAMES = ("squared", "bce", "bce_naive")
VERDICT_NAMES = ("diverged", "solved", "dead", "affine", "plateau", "slow")
NOT_IN_SWEEPS = (  # keys that a sweep has no use for
    "activations",
    "at_epochs",
    "baseline",
    "expect",
    "max_seeds",
    "predict_with",
    "until",
)
SAME = "same"  # the output's activation is the hidden layer's
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

HIDDEN_MOST = 1024
INPUTS_MOST = 64
SAMPLES_MOST = 10_000
SEED_LARGEST = 2**32 - 1
WORKERS_MOST = 1024
CHECKPOINTS_MOST = 100_000
EVIDENCE_NUMBERS = 12  # of a seed at a checkpoint, beside its costs
KEPT_NUMBERS_MOST = 100_000_000  # over seeds and checkpoints: 0.8 GB


@dataclass(frozen=True)
class Key:
    """One key of the config, or one parameter of an activation.

    Attributes:
        name: As written in YAML; the flag has dashes for underscores.
        kind: What the value is: `whole`, `number` or `choice`, or a kind of its own.
        help: One line for `--help`, with the default where it needs words.
        default: What holds if nobody says otherwise, as it would be written.
        defaults: The same for some of the commands, where it differs, by the command's name.
        low: Smallest value.
        high: Largest value.
        above: Whether `low` itself is excluded.
        choices: What a choice may be.
        infinite: Whether a number may be infinite.
        metavar: What `--help` shows for the value.
        short: One-letter flag.
    """

    name: str
    kind: str
    help: str
    default: object = None
    defaults: Mapping[str, object] = field(default_factory=dict)
    low: float = -inf
    high: float = inf
    above: bool = False
    choices: tuple[str, ...] = ()
    infinite: bool = False
    metavar: str = ""
    short: str = ""

    @property
    def flag(self) -> str:
        """The long flag, `--learning-rate` for `learning_rate`."""
        return "--" + self.name.replace("_", "-")

    def default_for(self, command: str) -> object:
        """What holds for a command if nobody says otherwise."""
        return self.defaults.get(command, self.default)


KEYS: Mapping[str, Key] = MappingProxyType(
    {
        key.name: key
        for key in (
            Key(
                "task",
                "task",
                "What to learn: xor, and, or, parity3, or csv:FILE (the last column is the target)",
                default="xor",
                metavar="TASK",
                short="-t",
            ),
            Key(
                "activation",
                "activation",
                "A name (see `hsig activations`), or NAME:KEY=VALUE,... such as hard:slope=0.25",
                default="sigmoid",
                metavar="SPEC",
                short="-a",
            ),
            Key(
                "activations",
                "activations",
                "What to compare: a list of them, or a group: sigmoids, hidden or all",
                defaults={COMPARE: "all"},
                metavar="SPEC,...",
            ),
            Key(
                "output_activation",
                "output",
                "Of the output: a name, or same. Default: the same if in [0, 1], else sigmoid",
                choices=(SAME,),
                metavar="SPEC",
            ),
            Key(
                "loss",
                "choice",
                "squared, bce (binary cross-entropy), or bce_naive (with 0*log 0 = nan, as Theano)",
                default="bce",
                choices=LOSS_NAMES,
                metavar="LOSS",
                short="-l",
            ),
            Key(
                "learning_rate",
                "number",
                "Step size of gradient descent",
                default=0.1,
                low=0.0,
                above=True,
                high=1e9,
                metavar="RATE",
                short="-r",
            ),
            Key(
                "epochs",
                "whole",
                "Passes over the rows of the task",
                default=4000,
                low=1,
                high=1_000_000_000,
                metavar="N",
                short="-e",
            ),
            Key(
                "update",
                "choice",
                "online (a step per sample, in row order) or batch (a step per epoch)",
                default="online",
                choices=("online", "batch"),
                metavar="RULE",
            ),
            Key(
                "hidden",
                "whole",
                "Hidden units",
                default=3,
                low=1,
                high=HIDDEN_MOST,
                metavar="N",
            ),
            Key(
                "init",
                "init",
                "Initial weights, drawn evenly from [LOW, HIGH)",
                default="uniform:0,1",
                metavar="uniform:LOW,HIGH",
            ),
            Key(
                "initial_weights",
                "weights",
                "Initial weights themselves, {hidden: [[...]], output: [[...]]}; needs one seed",
                metavar="WEIGHTS",
            ),
            Key(
                "seeds",
                "seeds",
                "How many seeds (0, 1, ... N-1), or a list such as 3,5,8",
                default=1,
                defaults={COMPARE: 30, EXPLAIN: 100},
                low=1,
                high=1_000_000,
                metavar="N|LIST",
                short="-s",
            ),
            Key(
                "until",
                "number",
                "Add seeds until every interval of a solved rate is within plus or minus this",
                low=0.0,
                above=True,
                high=0.5,
                metavar="X",
            ),
            Key(
                "max_seeds",
                "whole",
                "With until: no more seeds than this",
                default=5000,
                low=1,
                high=1_000_000,
                metavar="N",
            ),
            Key(
                "solved_within",
                "number",
                "Solved when every |prediction - target| is below this",
                default=0.5,
                low=0.0,
                above=True,
                high=1e9,
                metavar="X",
            ),
            Key(
                "report_every",
                "whole",
                "Epochs from one line of the cost table to the next",
                default=500,
                low=1,
                high=1_000_000_000,
                metavar="N",
            ),
            Key(
                "at_epochs",
                "epochs",
                "Budgets at which to look as well, such as 500,2000; the last may be the budget",
                low=1,
                high=1_000_000_000,
                metavar="N,...",
            ),
            Key(
                "cost",
                "choice",
                "Cost in the tables: of the last sample of an epoch, or the mean",
                default="last",
                defaults={COMPARE: "mean", EXPLAIN: "mean"},
                choices=("last", "mean"),
                metavar="last|mean",
            ),
            Key(
                "engine",
                "choice",
                "What trains: compiled (C), reference (NumPy), or auto for the fastest there is",
                default="auto",
                choices=("auto", "compiled", "reference"),
                metavar="ENGINE",
            ),
            Key(
                "workers",
                "workers",
                "Cores that train: a number, or auto for all where that pays",
                default="auto",
                low=1,
                high=WORKERS_MOST,
                choices=("auto",),
                metavar="N|auto",
            ),
            Key(
                "predict_with",
                "activations",
                "Also predict with these in place of the trained one: a list, or a group",
                metavar="SPEC,...",
            ),
            Key(
                "baseline",
                "activation",
                "What the others are compared with, one of the activations. Default: the first",
                metavar="SPEC",
            ),
            Key(
                "expect",
                "expect",
                "Exit with 1 unless this holds, such as solved_at_least=0.9 or verdict=solved",
                metavar="CHECKS",
            ),
        )
    }
)

PARAMETERS: Mapping[str, Key] = MappingProxyType(
    {
        key.name: key
        for key in (
            Key("slope", "number", "slope of the line", low=0.0, above=True, high=1e9),
            Key("shift", "number", "value of the line at 0", low=-1e9, high=1e9),
            Key("low", "number", "lower end of the line", infinite=True),
            Key("high", "number", "upper end of the line", infinite=True),
            Key("leak", "number", "slope outside, as a share of the slope", low=0.0, high=1.0),
            Key("kink", "choice", "slope at a kink", choices=("closed", "open")),
            Key("alpha", "number", "depth on the left", low=0.0, above=True, high=1e9),
            Key(
                "backward",
                "choice",
                "slope that training uses",
                choices=("own", "logistic", "output", "straight_through"),
            ),
        )
    }
)

EXPECTATIONS: Mapping[str, Key] = MappingProxyType(
    {
        key.name: key
        for key in (
            Key("solved_at_least", "number", "smallest share of solved seeds", low=0.0, high=1.0),
            Key("solved_at_most", "number", "largest share of solved seeds", low=0.0, high=1.0),
            Key("verdict", "choice", "of more than half of the seeds", choices=VERDICT_NAMES),
        )
    }
)
