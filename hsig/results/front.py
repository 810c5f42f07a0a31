"""What Python calls: the commands as functions, which take a config's keys as arguments."""

import inspect
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from hsig.activations import ACTIVATIONS, Activation
from hsig.activations.in_python import in_python
from hsig.analysis.definitions import WRONG, find_oddities
from hsig.arrays import Array
from hsig.config.formulas import Argument
from hsig.config.inspection import inspect_table
from hsig.config.keys import COMPARE, DATA, EXPLAIN, KEYS, SWEEP, TRAIN, single_config, split_words
from hsig.config.loading import Settings, load_experiment
from hsig.config.sweeps import load_sweep
from hsig.errors import ConfigError, RunError
from hsig.files import expand_home
from hsig.reports.obstacles import describe_oddity
from hsig.results import comparing, explaining, opening, sweeping, training
from hsig.results.comparing import CompareResult
from hsig.results.data import DataResult
from hsig.results.explaining import ExplainResult
from hsig.results.result import Result
from hsig.results.sweeping import SweepResult
from hsig.results.training import QuietTrainer, TrainResult
from hsig.runs.listing import find_record
from hsig.runs.store import describe_damage

What = str | Path | Activation
F = TypeVar("F", bound=Callable[..., Any])


def _with_keys(command: str) -> Callable[[F], F]:
    """Show the keys of a command, with their defaults, in the signature and docstring."""

    def document(function: F) -> F:
        signature = inspect.signature(function)
        own = [p for p in signature.parameters.values() if p.kind != p.VAR_KEYWORD]
        keys = [key for key in KEYS.values() if command in key.commands]
        parameters = [
            inspect.Parameter(
                key.name, inspect.Parameter.KEYWORD_ONLY, default=key.default_for(command)
            )
            for key in keys
        ]
        vars(function)["__signature__"] = signature.replace(parameters=[*own, *parameters])
        described = "\n".join(f"        {key.name}: {key.help}." for key in keys)
        function.__doc__ = f"{function.__doc__}\n    Keys, as in a config:\n{described}\n    "
        return function

    return document


@_with_keys(TRAIN)
def train(*what: What, **keys: object) -> TrainResult:
    """Train one activation, of many seeds at once, as `hsig train` does.

    >>> import hsig
    >>> hsig.train("hard", seeds=10, epochs=500)
    hard: solved 0 of 10 seeds (0 %; 95 % interval 0 % to 28 %)

    Args:
        what: An activation, a config (a path that ends in .yaml), or both.
        keys: Keys of a config, by name, which beat those of the file.

    Raises:
        ConfigError: If something of this is wrong; it says all that is.
    """
    config, settings = _single_settings(what, keys)
    return training.train(load_experiment(config, settings, TRAIN), QuietTrainer())


@_with_keys(EXPLAIN)
def explain(*what: What, **keys: object) -> ExplainResult:
    """Say why an activation fails, and try what would help, as `hsig explain` does.

    Args:
        what: An activation, a config, or both.
        keys: Keys of a config, by name.

    Raises:
        ConfigError: If something of this is wrong; it says all that is.
    """
    config, settings = _single_settings(what, keys)
    return explaining.explain(load_experiment(config, settings, EXPLAIN), QuietTrainer())


@_with_keys(COMPARE)
def compare(*what: What, **keys: object) -> CompareResult:
    """Train several activations from the same starts, as `hsig compare` does.

    >>> import hsig
    >>> hsig.compare("sigmoid", "hard", seeds=10, epochs=500).variants["hard"].solved.k
    0

    Args:
        what: Activations or groups of them, and configs.
        keys: Keys of a config, by name.

    Raises:
        ConfigError: If something of this is wrong; it says all that is.
    """
    configs, activations = _split_words(what)
    return comparing.compare(configs, _settings("activations", activations, keys), QuietTrainer())


@_with_keys(SWEEP)
def sweep(*what: What, **keys: object) -> SweepResult:
    """Train every combination of the keys that have several values, as `hsig sweep` does.

    >>> import hsig
    >>> hsig.sweep("hard", learning_rate=[0.1, 1], epochs=[10, 20], seeds=5).columns()["solved"]
    array([0, 0, 0, 0])

    Args:
        what: Activations, or a config, which may have a `sweep:` block.
        keys: Keys of a config, by name; a list of values sweeps one, as does `log:0.01..10:13`.

    Raises:
        ConfigError: If something of this is wrong; it says all that is.
        RunError: If processes kept dying of some cells.
    """
    configs, activations = _split_words(what)
    chosen = activations[0] if len(activations) == 1 else activations
    return sweeping.sweep(load_sweep(single_config(configs), _settings("activation", chosen, keys)))


@_with_keys(DATA)
def data(what: object, **keys: object) -> DataResult:
    """Say what is understood of a table, and whether it will train, as `hsig data` does.

    >>> import hsig
    >>> hsig.data({"a": [0, 0, 1, 1], "b": [0, 1, 0, 1], "y": ["no", "yes", "yes", "no"]})
    data: 4 rows, 2 inputs, target y of 2 classes: it will train

    Args:
        what: The path of a CSV file, or what has columns: a data frame, a dict of arrays, an array.
        keys: Keys of a config, by name.

    Raises:
        ConfigError: If it is no table at all. What else is wrong is in the result.
    """
    task = f"csv:{what}" if isinstance(what, str | Path) else what
    return DataResult(inspect_table(_settings("task", [], {**keys, "task": task})))


def open_run(run: str = "latest", *, runs_dir: str | Path = "runs") -> Result:
    """A kept run, with all its numbers.

    Args:
        run: Its id or the beginning of one, its name, latest, or latest~1 for the one before.
        runs_dir: Where runs are kept.

    Raises:
        ConfigError: If there is none, or several.
        RunError: If it is damaged.
    """
    record = find_record(expand_home(Path(runs_dir)), run)
    for problem in describe_damage(record):
        warnings.warn(problem, stacklevel=2)
    return opening.result_of(record)


def activation(
    name: str,
    value: Callable[[Array], Array],
    derivative: Callable[[Array], Array],
    *,
    surrogate: bool = False,
) -> Activation:
    """An activation that is a function in Python; a formula, `"x*tanh(x)"`, needs none of this.

    The reference engine trains it, in NumPy. Its derivative is held against small steps first.

    >>> import numpy as np, hsig
    >>> mine = hsig.activation("mine", np.sinh, np.cosh)
    >>> hsig.train(mine, seeds=2, epochs=10)
    mine: solved 0 of 2 seeds (0 %; 95 % interval 0 % to 66 %)

    Args:
        name: What it is called in tables.
        value: Its values at an array of any shape, of the same shape.
        derivative: Its derivative at the same.
        surrogate: Whether the derivative is meant to be another one.

    Raises:
        ConfigError: If the name is taken, one of the functions does not give a real number for
            each number, or the derivative is none and no surrogate.
    """
    if not isinstance(name, str) or not name.strip() or name in ACTIVATIONS:
        taken = f"{name!r}, which hsig has" if name in ACTIVATIONS else repr(name)
        raise ConfigError(f"activation: name: expected a name of its own, got {taken}")
    try:
        new = in_python(name, value, derivative)
    except RunError as problem:
        raise ConfigError(problem.messages) from problem
    wrong = [odd for odd in find_oddities(new) if odd.kind == WRONG]
    if wrong and not surrogate:
        raise ConfigError(
            f"{name}: derivative: {describe_oddity(wrong[0])}. Mend it, or say surrogate=True if "
            "it is meant"
        )
    return new


def _split_words(what: tuple[What, ...]) -> tuple[list[Path], list[object]]:
    """Which arguments are configs, and which are activations."""
    texts = [str(word) for word in what if isinstance(word, str | Path)]
    configs = split_words(texts)[0]
    paths = {*map(str, configs)}
    is_config = [not isinstance(word, Activation) and str(word) in paths for word in what]
    return configs, [word for word, skip in zip(what, is_config, strict=True) if not skip]


def _single_settings(
    what: tuple[What, ...], keys: Mapping[str, object]
) -> tuple[Path | None, Settings]:
    """The config and the settings of one activation.

    Raises:
        ConfigError: If there are several of either.
    """
    configs, activations = _split_words(what)
    if len(activations) > 1:
        named = ", ".join(map(str, activations))
        raise ConfigError(f"expected one activation, got {named}. To compare them: hsig.compare")
    return single_config(configs), _settings(
        "activation", activations[0] if activations else [], keys
    )


def _settings(key: str, activations: object, keys: Mapping[str, object]) -> Settings:
    """What was given, by key.

    Raises:
        ConfigError: If activations were given twice.
    """
    values = {name: Argument(value) for name, value in keys.items()}
    if activations and key in values:
        raise ConfigError(f"{key}: given twice, also as {activations}")
    return ({key: Argument(activations)} if activations else {}) | values
