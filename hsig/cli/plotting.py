"""What `hsig plot` does."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import typer

from hsig.cli.common import INTERRUPTED
from hsig.cli.options import Output
from hsig.config.keys import TRAIN
from hsig.config.loading import SWEPT, keys_written, load_points, resolve
from hsig.config.sweeps import load_sweep
from hsig.config.words import configs_and_activations, name_activations, only
from hsig.errors import ConfigError
from hsig.files import is_stream
from hsig.networks.activations import find_activations, members
from hsig.output.overwriting import check_output
from hsig.output.terminal import Watch, note, put, put_bytes
from hsig.results.comparing import compare
from hsig.results.opening import result_of
from hsig.results.pictures import Look, check_matplotlib, picture
from hsig.results.result import Result
from hsig.results.sweeping import sweep
from hsig.results.training import train
from hsig.runs import damage, find
from hsig.runs.finding import is_a_run
from hsig.runs.names import LATEST

_FORMATS = ("png", "svg", "pdf")
_CHECKPOINTS = 100  # of what is trained for a picture, unless somebody says otherwise
_FINE_SEEDS_MOST = 10_000  # of more, so many checkpoints would take much memory


class _Shown(NamedTuple):
    """What is drawn.

    Attributes:
        names: What the results are called.
        results: At least one.
        kind: Of the picture that says most, if it is not that of the results.
    """

    names: Sequence[str]
    results: Sequence[Result]
    kind: str | None = None


def plot_results(
    words: list[str],
    flags: dict[str, str],
    output: Output,
    *,
    kind: str | None,
    at: str | None,
    seed: str | None,
    variant: str | None,
    theme: str,
) -> None:
    """`hsig plot`."""
    format = _format(output)
    look = Look(
        variant=variant,
        at=None if at is None else tuple(_whole("--at", at)),
        seed=None if seed is None else _whole("--seed", seed)[0],
        theme=theme,
    )
    shown = _shown(words, flags, output)
    try:
        check_matplotlib()
    except ConfigError:
        for result in shown.results:
            output._replace(output=None).write(result.page)
        raise
    sources = [result.source for result in shown.results]
    try:
        drawn = picture(sources, kind or shown.kind, look, shown.names)
    except ConfigError as problem:
        raise ConfigError([_as_flag(message) for message in problem.messages]) from None
    path = output.output or Path(f"hsig-{drawn.kind}.{format}")
    if output.output is None:
        check_output(path, force=output.force)
    from hsig.figures import save

    put_bytes(save(drawn.figure, format), path)
    if not output.quiet:
        note(drawn.caption.title)
    if not is_stream(path):
        put(f"{path}\n", None)


def _as_flag(message: str) -> str:
    """A complaint of an option, as it is typed."""
    where = message.partition(":")[0]
    return f"--{message}" if where in ("at", "kind", "seed", "variant") else message


def _format(output: Output) -> str:
    """What kind of file it is to be.

    Raises:
        ConfigError: If its name does not tell, or it cannot be written.
    """
    if output.output is None or is_stream(output.output):
        return _FORMATS[0]
    ending = output.output.suffix.removeprefix(".").casefold()
    if ending not in _FORMATS:
        raise ConfigError(
            f"--output: the ending of {output.output} tells no format of pictures. Expected .png, "
            ".svg or .pdf"
        )
    check_output(output.output, force=output.force)
    return ending


def _whole(flag: str, text: str) -> list[int]:
    """The whole numbers of a flag.

    Raises:
        ConfigError: If one is none.
    """
    numbers = load_points(flag, text)
    for number in numbers:
        if number != number // 1:
            raise ConfigError(f"{flag}: expected whole numbers, got {number:g}")
    return [int(number) for number in numbers]


def _shown(words: list[str], flags: dict[str, str], output: Output) -> _Shown:
    """What is drawn: what was kept, or what is trained for it.

    Raises:
        ConfigError: If it is not clear what, or there is no such thing.
    """
    if not words and not flags:
        words = [LATEST]
    runs = [word for word in words if _is_run(word, output)]
    if not runs:
        return _trained(words, flags, output)
    others = [word for word in words if word not in runs]
    if others:
        raise ConfigError(
            f"{', '.join(others)}: goes without kept runs, such as {runs[0]}. Expected runs, or "
            "what is to be trained"
        )
    if flags:
        named = ", ".join(f"--{name.replace('_', '-')}" for name in flags)
        raise ConfigError(f"{named}: goes without kept runs: {runs[0]} has its own settings")
    records = [find(output.runs, run) for run in runs]
    note(*(told for record in records for told in damage(record)))
    names = [record.note.name or record.id.partition(".")[0] for record in records]
    return _Shown(names, [result_of(record) for record in records])


def _is_run(word: str, output: Output) -> bool:
    """Whether a word means a kept run.

    Raises:
        ConfigError: If it means an activation as well.
    """
    if configs_and_activations([word])[0] or not is_a_run(output.runs, word):
        return False
    if find_activations(word):
        raise ConfigError(
            f"{word}: is the name of a run, and an activation. Give the run's id; for the "
            f"activation, --activation {word}"
        )
    return True


def _trained(words: list[str], flags: dict[str, str], output: Output) -> _Shown:
    """What is trained for a picture, and not kept."""
    configs, activations = configs_and_activations(words)
    config = configs[0] if configs else None
    written = keys_written(configs[0]) if len(configs) == 1 else frozenset[str]()
    if SWEPT in written:
        name_activations("activation", activations, flags)
        return _Shown([""], [sweep(load_sweep(config, flags))])
    watch = Watch(quiet=output.quiet)
    result: Result
    named = len(activations) > 1 or any(map(members, activations))
    several = len(configs) > 1 or named or "activations" in flags
    if several or ("activations" in written and not activations):
        name_activations("activations", activations, flags)
        result, kind = compare(configs, flags, watch), None
    else:
        name_activations("activation", activations, flags)
        found = resolve(only(configs), flags, TRAIN)
        experiment = found.experiment
        if found.origins["report_every"] == "default" and len(experiment.seeds) <= _FINE_SEEDS_MOST:
            fine = max(1, experiment.epochs // _CHECKPOINTS)
            experiment = replace(experiment, report_every=fine)
        result, kind = train(experiment, watch), None if config else "activation"
    if watch.interrupted:
        note("interrupted: there is no picture")
        raise typer.Exit(INTERRUPTED)
    if watch.problem is not None:
        raise watch.problem
    return _Shown([""], [result], kind)
