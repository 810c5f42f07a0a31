"""The experiments of a config with a `sweep`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hsig.config.grid import SWEPT, flags_of, read_axes, refuse_without_axes
from hsig.config.keys import EXPLAIN, KEYS, NOT_IN_SWEEPS
from hsig.config.resolving import known_keys, resolve_given, says
from hsig.config.source import Given, read_file
from hsig.errors import ConfigError
from hsig.experiments.experiment import Experiment
from hsig.experiments.sweeps import Axis, Sweep, cells_of
from hsig.networks.activations import spell

_CELLS_TRIED_MOST = 200  # of a sweep, with something wrong in each


def load_sweep(path: Path, flags: Mapping[str, str], folder: Path | None = None) -> Sweep:
    """The experiments that a config with a `sweep` makes, each with what `explain` has by default.

    Args:
        path: A YAML file.
        flags: Texts by key, as typed behind the flag of that key.
        folder: What file names in it are relative to, if not its own folder.

    Raises:
        ConfigError: With every problem of the config, and of the first cells that have one.
    """
    problems: list[str] = []
    parts = read_file(path, problems, folder)
    block = parts.pop(SWEPT, Given({}, str(path)))
    axes = read_axes(block, problems) if block.lines else ()
    given = known_keys(path, parts, problems)
    problems += _useless(given, flags)
    if not problems:
        refuse_without_axes(path, axes)
        problems += _given_twice(path, axes, given, flags)
    if problems:
        raise ConfigError(problems)
    # a cell is looked at when it ends, so no number of checkpoints is too large
    given["report_every"] = Given(int(KEYS["report_every"].high), SWEPT)
    cells = cells_of(axes)
    sources = {axis.name: block.where((axis.name,)) for axis in axes}
    return Sweep(axes, tuple(cells), _experiments(axes, cells, given, flags, sources))


def _useless(given: Mapping[str, Given], flags: Mapping[str, str]) -> list[str]:
    """Complaints of keys that a sweep would silently ignore."""
    places = [(given[name].where(()), name) for name in NOT_IN_SWEEPS if says(given, name)]
    places += [(KEYS[name].flag, name) for name in NOT_IN_SWEEPS if name in flags]
    return [f"{where}: {name}: a sweep has no use for this key" for where, name in places]


def _given_twice(
    path: Path, axes: Sequence[Axis], given: Mapping[str, Given], flags: Mapping[str, str]
) -> list[str]:
    """Complaints of keys that have a value and are swept."""
    problems = []
    for axis in axes:
        if axis.name in flags:
            problems.append(f"{KEYS[axis.name].flag}: is swept by {path}")
        elif axis.name in given:
            problems.append(f"{given[axis.name].where(())}: {axis.name}: is swept as well")
    return problems


def _experiments(
    axes: Sequence[Axis],
    cells: Sequence[tuple[str, ...]],
    given: dict[str, Given],
    flags: Mapping[str, str],
    sources: Mapping[str, str],
) -> tuple[Experiment, ...]:
    """The experiment of each cell.

    Raises:
        ConfigError: With each complaint once, and the cells that it is about.
    """
    names = {axis.name for axis in axes}
    activation = "sigmoid"
    if "activation" not in names and any("." in name for name in names):
        base = resolve_given(given, flags, EXPLAIN, []).experiment
        activation = spell(base.variants[0].hidden_activation)
    made: list[Experiment] = []
    complaints: dict[str, list[str]] = {}
    tried = 0
    for cell in cells:
        tried += 1
        chosen = flags_of(axes, cell, flags, activation)
        try:
            made.append(resolve_given(given, chosen, EXPLAIN, [], sources=sources).experiment)
        except ConfigError as refusal:
            here = ", ".join(f"{axis.name} {v}" for axis, v in zip(axes, cell, strict=True))
            for message in refusal.messages:
                complaints.setdefault(message, []).append(here)
            if sum(map(len, complaints.values())) > _CELLS_TRIED_MOST:
                break
    if complaints:
        raise ConfigError(
            [
                message if len(where) == tried else f"{message} ({_in_cells(where)})"
                for message, where in complaints.items()
            ]
        )
    return tuple(made)


def _in_cells(where: Sequence[str]) -> str:
    more = f", and in {len(where) - 1} more" if len(where) > 1 else ""
    return f"in the cell {where[0]}{more}"
