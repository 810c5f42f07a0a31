"""The pictures of results: which there are, and what they are drawn from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hsig import figures
from hsig.analysis.parts import Part, group_parts, prefix_labels
from hsig.analysis.plot_data import select_seed
from hsig.analysis.summary import Summary, summarise
from hsig.analysis.sweeps import SweepOutcome, pair_sweeps
from hsig.config.keys import EXPLAIN
from hsig.config.values import nearest
from hsig.errors import ConfigError
from hsig.experiments.experiment import Experiment, Training
from hsig.experiments.snapshots import Snapshot, take_snapshots
from hsig.reports import captions
from hsig.reports.page import count
from hsig.reports.phrases import heading, named_seeds
from hsig.results.kinds import KINDS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_OF_NETWORKS = ("activation", "surface")  # they show one variant, at chosen epochs
_OF_SUMMARIES = ("costs", "solved", "verdicts", "compare")
_OF_TRAININGS = ("activation", *_OF_SUMMARIES, "surface")
_DIGEST_DIGITS = 12
_MAX_SETTINGS = 3  # experiments whose settings are below one picture


class Trainings(NamedTuple):
    """What pictures of a training, a comparison or an explanation are drawn from.

    Attributes:
        command: Of the result.
        digest: Of the result.
        summaries: One for each part.
        parts: The experiments that were asked for.
    """

    command: str
    digest: str
    summaries: Sequence[Summary]
    parts: Sequence[Part]


class Map(NamedTuple):
    """What pictures of a sweep are drawn from."""

    outcome: SweepOutcome
    digest: str


Source = Trainings | Map


class Look(NamedTuple):
    """How a picture is wanted.

    Attributes:
        variant: Label of the variant that is shown, of pictures that show one; None for the first.
        at: Epochs that are shown; None for the start, a tenth of the budget, and the budget.
        seed: The seed that is shown, of pictures of networks; None for all.
        theme: `light` or `dark`.
    """

    variant: str | None = None
    at: tuple[int, ...] | None = None
    seed: int | None = None
    theme: str = "light"


class Drawn(NamedTuple):
    """A picture: its kind, its words and the figure, which may be changed or saved."""

    kind: str
    caption: captions.Caption
    figure: "Figure"


def check_installed(*libraries: str) -> None:
    """Refuse to draw without the libraries of the `plot` extra.

    Raises:
        ConfigError: If one is not installed; it says how to get it.
    """
    missing = [name for name in libraries if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"this needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not "
            f"installed: pip install {' '.join(missing)}, or from a clone of hsig pip install "
            "'.[plot]'"
        )


def kinds_of(results: Sequence[Source]) -> tuple[str, ...]:
    """The kinds of pictures that there are of some results together, the default first."""
    trained = [result for result in results if isinstance(result, Trainings)]
    if not trained:
        return {1: ("map",), 2: ("difference",)}.get(len(results), ())
    if len(trained) < len(results):
        return ()
    several = sum(len(one.variants) for result in trained for one in result.summaries) > 1
    usual = "verdicts" if trained[0].command == EXPLAIN else "costs"
    first = "compare" if several else usual
    return (first, *(kind for kind in _OF_TRAININGS if kind != first))


def picture(
    results: Sequence[Source], kind: str | None, look: Look, names: Sequence[str] = ("",)
) -> Drawn:
    """Draw a result, or several together.

    Args:
        results: At least one.
        kind: One of `KINDS`, or None for the default.
        look: How it is wanted.
        names: What the results are called, if there are several.

    Raises:
        ConfigError: If there is no such picture of them, or nothing to draw it with.
    """
    check_installed("matplotlib")
    kinds = kinds_of(results)
    if not kinds:
        raise ConfigError(
            "these have no picture together: expected one sweep, two of the same keys, or none"
        )
    kind = kind or kinds[0]
    ignored = [name for name in ("variant", "at", "seed") if getattr(look, name) is not None]
    if ignored and kind in KINDS and kind not in _OF_NETWORKS:
        raise ConfigError(f"{ignored[0]}: is for {' and '.join(_OF_NETWORKS)}, not for {kind}")
    if kind not in kinds:
        hint = "" if kind in KINDS else nearest(kind, KINDS)
        raise ConfigError(
            f"kind: there is no picture '{kind}' of this.{hint} There are: {', '.join(kinds)}"
        )
    draw = _DRAW.get(kind, partial(_draw_summary, kind))
    try:
        return Drawn(kind, *draw(results, names, look))
    except ValueError as problem:
        raise ConfigError(f"{kind}: {problem}") from None


_Made = tuple[captions.Caption, "Figure"]


def _draw_summary(kind: str, results: Sequence[Any], names: Sequence[str], look: Look) -> _Made:
    name = "comparison" if kind == "compare" else kind
    summary, setting = _together(results, names)
    caption = getattr(captions, f"{name}_caption")(summary, setting)
    return caption, getattr(figures, name)(summary, caption=caption, theme=look.theme)


def _draw_activation(results: Sequence[Any], names: Sequence[str], look: Look) -> _Made:
    shown = _networks(results, names, look)
    experiment, snapshots, label = shown.experiment, shown.snapshots, shown.result.variant.label
    if look.seed is not None:
        places = select_seed(experiment, look.seed)
        experiment = replace(experiment, seeds=(look.seed,))
        snapshots = tuple(snapshot.select(places) for snapshot in snapshots)
    summary, _ = _together(results, names)
    caption = captions.activation_caption(
        shown.result.variant.activation,
        snapshots,
        experiment=experiment,
        numbers=next(variant for variant in summary.variants if variant.label == label),
        setting=_setting(experiment, shown.digest, label),
    )
    figure = figures.activation(
        shown.result.variant.activation, snapshots, caption=caption, theme=look.theme
    )
    return caption, figure


def _draw_surface(results: Sequence[Any], names: Sequence[str], look: Look) -> _Made:
    shown = _networks(results, names, look)
    variant, setting = shown.result.variant, _setting(shown.experiment, shown.digest)
    networks = (shown.experiment, variant, shown.snapshots)
    caption = captions.surface_caption(*networks, seed=look.seed, setting=setting)
    return caption, figures.surface(*networks, seed=look.seed, caption=caption, theme=look.theme)


def _draw_map(results: Sequence[Any], names: Sequence[str], look: Look) -> _Made:
    del names
    (result,) = results
    axes = " and ".join(axis.name for axis in result.outcome.axes)
    first, *rest = _setting(result.outcome.base, result.digest)
    setting = (f"swept: {axes}; all else as in the first cell: {first}", *rest)
    caption = captions.sweep_caption(result.outcome, setting)
    return caption, figures.sweep_map(result.outcome, caption=caption, theme=look.theme)


def _draw_difference(results: Sequence[Any], names: Sequence[str], look: Look) -> _Made:
    two = pair_sweeps(*(result.outcome for result in results))
    first, second = names
    setting = [
        _setting_line(result.outcome.base, result.digest, name)
        for name, result in zip(names, results, strict=True)
    ]
    caption = captions.difference_caption(two, (first, second), setting)
    return caption, figures.difference(two, (first, second), caption=caption, theme=look.theme)


_DRAW: Mapping[str, Callable[[Sequence[Any], Sequence[str], Look], _Made]] = MappingProxyType(
    {
        "activation": _draw_activation,
        "surface": _draw_surface,
        "map": _draw_map,
        "difference": _draw_difference,
    }
)

# --- several results, and networks on the way ----------------------------------------------------


def _setting(experiment: Experiment, digest: str, subject: str = "") -> tuple[str, ...]:
    """Lines that say what was trained."""
    labels = [variant.label for variant in experiment.variants]
    several = count(len(labels), "variant")
    lines = heading(experiment, subject or (labels[0] if len(labels) == 1 else several))
    return (*lines, f"run digest {digest[:_DIGEST_DIGITS]}") if digest else lines


def _setting_line(experiment: Experiment, digest: str, name: str = "") -> str:
    """One of several results in a line."""
    what = f"{name}: {_setting(experiment, '')[0]}" if name else _setting(experiment, "")[0]
    mark = f"; run digest {digest[:_DIGEST_DIGITS]}" if digest else ""
    return f"{what}; {named_seeds(experiment.seeds)}{mark}"


def _parts(results: Sequence[Trainings], names: Sequence[str]) -> Sequence[Part]:
    """The experiments; of several results, with their names in front of the labels."""
    if len(results) == 1:
        return results[0].parts
    named = zip(names, results, strict=True)
    return [part for name, result in named for part in prefix_labels(name, result.parts)]


def _together(
    results: Sequence[Trainings], names: Sequence[str]
) -> tuple[Summary, tuple[str, ...]]:
    """The numbers of all variants of some results as one, and lines that say what was trained."""
    digest = results[0].digest if len(results) == 1 else ""
    if len(results) == 1 and len(results[0].summaries) == 1:
        summary = results[0].summaries[0]
        return summary, _setting(summary.experiment, digest)
    parts = _parts(results, names)
    groups, summaries = group_parts(parts), [summarise(part.outcome) for part in parts]
    experiments = [summary.experiment for summary in summaries]
    setting = [_setting_line(experiment, "") for experiment in experiments[:_MAX_SETTINGS]]
    if len(experiments) > _MAX_SETTINGS:
        setting.append(f"and {len(experiments) - _MAX_SETTINGS} more")
    digests = ", ".join(result.digest[:_DIGEST_DIGITS] for result in results)
    whole = replace(
        experiments[0],
        variants=tuple(variant for one in experiments for variant in one.variants),
        epochs=max(one.epochs for one in experiments),
    )
    together = summaries[0]._replace(
        experiment=whole,
        variants=tuple(variant for summary in summaries for variant in summary.variants),
        complete=all(part.outcome.complete for part in parts),
        pairing=groups[0].pairing if len(groups) == 1 else None,
    )
    return together, (*setting, f"run digest {digests}")


class _Networks(NamedTuple):
    """The networks of one variant at the epochs that are shown.

    Attributes:
        experiment: With the seeds that are shown.
        result: What became of the variant.
        snapshots: In rising order.
        digest: Of the result, if the networks at its end have the bits that it has of them.
    """

    experiment: Experiment
    result: Training
    snapshots: tuple[Snapshot, ...]
    digest: str


def _networks(results: Sequence[Trainings], names: Sequence[str], look: Look) -> _Networks:
    """Train the variant that is shown again, up to the last epoch that is.

    Raises:
        ConfigError: If there is no such variant, seed or epoch.
    """
    known = {
        result.variant.label: (part.outcome.experiment, result)
        for part in _parts(results, names)
        for result in part.outcome.results
    }
    label = next(iter(known)) if look.variant is None else look.variant
    if label not in known:
        raise ConfigError(
            f"variant: there is none called '{label}'.{nearest(label, known)} There are: "
            f"{', '.join(known)}"
        )
    experiment, result = known[label]
    if look.seed is not None and look.seed not in experiment.seeds:
        raise ConfigError(
            f"seed: expected one of those that were trained, {named_seeds(experiment.seeds)}, got "
            f"{look.seed}"
        )
    last = result.epochs[-1] if result.epochs else experiment.epochs
    at = (0, last // 10, last) if look.at is None else look.at
    wrong = [epoch for epoch in at if not 0 <= epoch <= last]
    if wrong or not at:
        got = ", ".join(map(str, wrong)) or "none"
        raise ConfigError(f"at: expected epochs from 0 to {last}, got {got}")
    snapshots = take_snapshots(experiment, result.variant, at)
    same = all(
        np.array_equal(*layers, equal_nan=True)
        for snapshot in snapshots
        if snapshot.epoch == last
        for layers in zip(snapshot.weights, result.weights, strict=True)
    )
    return _Networks(experiment, result, snapshots, results[0].digest if same else "")
