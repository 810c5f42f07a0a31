"""The pictures of results: which there are, and what they need to be drawn."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from itertools import zip_longest
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hsig.analysis.parts import Part, group_parts, prefix_labels
from hsig.analysis.plot_data import select_seed
from hsig.analysis.summary import Summary, summarise
from hsig.analysis.sweeps import SweepOutcome, pair_sweeps
from hsig.config.keys import EXPLAIN
from hsig.config.values import nearest
from hsig.errors import ConfigError
from hsig.experiments.experiment import Experiment, Training
from hsig.experiments.snapshots import Snapshot, take_snapshots
from hsig.reports import captions as words
from hsig.reports.page import count
from hsig.reports.phrases import heading, named_seeds
from hsig.results.kinds import KINDS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_OF_NETWORKS = ("activation", "surface")  # of one variant
_DIGITS = 12  # of a digest
_OF_TRAINED = ("activation", "costs", "solved", "verdicts", "compare", "surface")
_MISSING = (
    "pictures are drawn by matplotlib, which is not installed: pip install matplotlib, or from a "
    "clone of hsig pip install '.[plot]'"
)
_CONFIGS_MOST = 3  # whose settings are told below one picture


class Trainings(NamedTuple):
    """What pictures of a training, a comparison or an explanation are made of.

    Attributes:
        command: Of the result.
        digest: Of it.
        summaries: Of each part that was asked for.
        parts: Those.
    """

    command: str
    digest: str
    summaries: Sequence[Summary]
    parts: Sequence[Part]


class Map(NamedTuple):
    """What pictures of a sweep are made of.

    Attributes:
        outcome: Of its cells.
        digest: Of the result.
    """

    outcome: SweepOutcome
    digest: str


Source = Trainings | Map


class Look(NamedTuple):
    """How a picture is wanted.

    Attributes:
        variant: The label of the one of several that it shows, if it shows one; None for the first.
        at: Epochs that it shows; None for the start, a tenth of the budget, and the budget.
        seed: The seed that it shows, if it shows networks; None for all.
        theme: `light` or `dark`.
    """

    variant: str | None = None
    at: tuple[int, ...] | None = None
    seed: int | None = None
    theme: str = "light"


class Drawn(NamedTuple):
    """A picture that was drawn.

    Attributes:
        kind: What it shows.
        caption: Its words.
        figure: To be changed or saved.
    """

    kind: str
    caption: words.Caption
    figure: "Figure"


def check_matplotlib() -> None:
    """Refuse to draw where there is nothing to draw with.

    Raises:
        ConfigError: If matplotlib is not installed; it says how to get it.
    """
    if find_spec("matplotlib") is None:
        raise ConfigError(_MISSING)


def kinds_of(results: Sequence[Source]) -> tuple[str, ...]:
    """The kinds of pictures that there are of some results together, that by default first."""
    if all(isinstance(result, Map) for result in results):
        return {1: ("map",), 2: ("difference",)}.get(len(results), ())
    trained = [result for result in results if isinstance(result, Trainings)]
    if len(trained) < len(results):
        return ()
    several = sum(len(one.variants) for result in trained for one in result.summaries) > 1
    usual = "verdicts" if trained[0].command == EXPLAIN else "costs"
    first = "compare" if several else usual
    return (first, *(kind for kind in _OF_TRAINED if kind != first))


def picture(
    results: Sequence[Source], kind: str | None, look: Look, names: Sequence[str] = ("",)
) -> Drawn:
    """The picture of a result, or of several together.

    Args:
        results: What it is made of, of at least one result.
        kind: One of `KINDS`, or None for what says most.
        look: How it is wanted.
        names: What the results are called, if there are several.

    Raises:
        ConfigError: If there is no such picture of them, or nothing to draw it with.
    """
    check_matplotlib()
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
    try:
        return Drawn(kind, *_DRAW[kind](results, names, look))
    except ValueError as problem:
        raise ConfigError(f"{kind}: {problem}") from None


# --- what each is made of ---------------------------------------------------------------------

_Made = tuple[words.Caption, "Figure"]
_Maker = Callable[[Sequence[Any], Sequence[str], Look], _Made]


class _Together(NamedTuple):
    """What was trained, as one.

    Attributes:
        summary: All variants.
        digest: Of the one result, else nothing.
        setting: The lines that say what was trained.
    """

    summary: Summary
    digest: str
    setting: tuple[str, ...]


def _parts(results: Sequence[Trainings], names: Sequence[str]) -> Sequence[Part]:
    """What was asked for; of several results, with their names in front of the labels."""
    if len(results) == 1:
        return results[0].parts
    named = zip(names, results, strict=True)
    return [part for name, result in named for part in prefix_labels(name, result.parts)]


def _together(results: Sequence[Trainings], names: Sequence[str]) -> _Together:
    """The numbers of all variants of some results."""
    digest = results[0].digest if len(results) == 1 else ""
    if len(results) == 1 and len(results[0].summaries) == 1:
        summary = results[0].summaries[0]
        return _Together(summary, digest, _setting(summary.experiment))
    parts = _parts(results, names)
    groups = group_parts(parts)
    summaries = [summarise(part.outcome) for part in parts]
    experiments = [summary.experiment for summary in summaries]
    whole = replace(
        experiments[0],
        variants=tuple(variant for one in experiments for variant in one.variants),
        epochs=max(one.epochs for one in experiments),
    )
    more = len(experiments) - _CONFIGS_MOST
    digests = [result.digest for result in results] if len(results) == len(experiments) > 1 else []
    told = [
        _called("", one, one_digest)
        for one, one_digest in zip_longest(experiments[:_CONFIGS_MOST], digests, fillvalue="")
        if isinstance(one, Experiment)
    ]
    together = summaries[0]._replace(
        experiment=whole,
        variants=tuple(variant for summary in summaries for variant in summary.variants),
        complete=all(part.outcome.complete for part in parts),
        pairing=groups[0].pairing if len(groups) == 1 else None,
    )
    return _Together(together, digest, (*told, *([f"and {more} more"] if more > 0 else [])))


def _called(name: str, experiment: Experiment, digest: str) -> str:
    """One of several results in a line."""
    what, _ = _setting(experiment)
    called = f"{name}: " if name else ""
    seen = f"; run digest {digest[:_DIGITS]}" if digest else ""
    return f"{called}{what}; {named_seeds(experiment.seeds)}{seen}"


def _setting(experiment: Experiment) -> tuple[str, str]:
    """What was trained, in two lines."""
    labels = [variant.label for variant in experiment.variants]
    return heading(experiment, labels[0] if len(labels) == 1 else count(len(labels), "variant"))


def _of_summary(kind: str) -> _Maker:
    """How a picture is made that shows all variants."""

    def made(results: Sequence[Any], names: Sequence[str], look: Look) -> _Made:
        from hsig import figures

        captions = {
            "costs": words.costs_caption,
            "solved": words.solved_caption,
            "verdicts": words.verdicts_caption,
            "compare": words.comparison_caption,
        }
        draw = {
            "costs": figures.costs,
            "solved": figures.solved,
            "verdicts": figures.verdicts,
            "compare": figures.comparison,
        }
        summary, digest, setting = _together(results, names)
        caption = captions[kind](summary, digest, setting)
        return caption, draw[kind](summary, caption=caption, theme=look.theme)

    return made


class _Chosen(NamedTuple):
    """One variant of a result, and where its networks stood.

    Attributes:
        experiment: With the seeds that are shown.
        result: What became of it.
        moments: At the epochs that are shown.
        digest: Of the result, if the networks at the end have the bits that it has of them.
    """

    experiment: Experiment
    result: Training
    moments: tuple[Snapshot, ...]
    digest: str


def _chosen(results: Sequence[Trainings], names: Sequence[str], look: Look) -> _Chosen:
    """The variant that is shown, trained again up to the last epoch that is.

    Raises:
        ConfigError: If there is no such variant, seed or epoch.
    """
    found = {
        result.variant.label: (part.outcome.experiment, result)
        for part in _parts(results, names)
        for result in part.outcome.results
    }
    label = next(iter(found)) if look.variant is None else look.variant
    if label not in found:
        raise ConfigError(
            f"variant: there is none called '{label}'.{nearest(label, found)} There are: "
            f"{', '.join(found)}"
        )
    experiment, result = found[label]
    if look.seed is not None and look.seed not in experiment.seeds:
        raise ConfigError(
            f"seed: expected one of those that were trained, {named_seeds(experiment.seeds)}, got "
            f"{look.seed}"
        )
    reached = result.epochs[-1] if result.epochs else experiment.epochs
    seen = take_snapshots(experiment, result.variant, _epochs(look, reached))
    same = all(
        np.array_equal(*layers, equal_nan=True)
        for moment in seen
        if moment.epoch == reached
        for layers in zip(moment.weights, result.weights, strict=True)
    )
    return _Chosen(experiment, result, seen, results[0].digest if same else "")


def _epochs(look: Look, reached: int) -> tuple[int, ...]:
    """Those that are shown, of a training that reached so many.

    Raises:
        ConfigError: If it did not reach one of them.
    """
    if look.at is None:
        return (0, reached // 10, reached)
    wrong = [epoch for epoch in look.at if not 0 <= epoch <= reached]
    if wrong or not look.at:
        got = ", ".join(map(str, wrong)) or "none"
        raise ConfigError(f"at: expected epochs from 0 to {reached}, got {got}")
    return look.at


def _activation(results: Sequence[Any], names: Sequence[str], look: Look) -> _Made:
    from hsig import figures

    shown = _chosen(results, names, look)
    experiment, seen = shown.experiment, shown.moments
    places = select_seed(experiment, look.seed)
    if look.seed is not None:
        experiment = replace(experiment, seeds=(look.seed,))
        seen = tuple(moment.select(places) for moment in seen)
    activation = shown.result.variant.activation
    numbers = next(
        variant
        for variant in _together(results, names).summary.variants
        if variant.label == shown.result.variant.label
    )
    caption = words.activation_caption(
        activation, seen, experiment=experiment, numbers=numbers, digest=shown.digest
    )
    return caption, figures.activation(activation, seen, caption=caption, theme=look.theme)


def _surface(results: Sequence[Any], names: Sequence[str], look: Look) -> _Made:
    from hsig import figures

    shown = _chosen(results, names, look)
    asked = (shown.experiment, shown.result.variant, shown.moments)
    caption = words.surface_caption(*asked, seed=look.seed, digest=shown.digest)
    return caption, figures.surface(*asked, seed=look.seed, caption=caption, theme=look.theme)


def _map(results: Sequence[Any], names: Sequence[str], look: Look) -> _Made:
    from hsig import figures

    del names
    outcome, digest = results[0].outcome, results[0].digest
    caption = words.sweep_caption(outcome, digest)
    return caption, figures.sweep_map(outcome, caption=caption, theme=look.theme)


def _difference(results: Sequence[Any], names: Sequence[str], look: Look) -> _Made:
    from hsig import figures

    two = pair_sweeps(*(result.outcome for result in results))
    first, second = names
    told = [
        _called(name, result.outcome.base, result.digest)
        for name, result in zip(names, results, strict=True)
    ]
    caption = words.difference_caption(two, (first, second), told)
    drawn = figures.difference(two, (first, second), caption=caption, theme=look.theme)
    return caption, drawn


_DRAW: Mapping[str, _Maker] = MappingProxyType(
    {
        **{kind: _of_summary(kind) for kind in ("costs", "solved", "verdicts", "compare")},
        "activation": _activation,
        "surface": _surface,
        "map": _map,
        "difference": _difference,
    }
)
