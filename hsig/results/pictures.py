"""The pictures of results: which there are, and what they are drawn from."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hsig.analysis.parts import Part, group_parts, prefix_labels
from hsig.analysis.summary import Summary, summarise
from hsig.analysis.sweeps import pair_sweeps
from hsig.config.keys import DATA, EXPLAIN, SWEEP
from hsig.config.values import nearest
from hsig.errors import ConfigError
from hsig.experiments.experiment import Checkpoint, Experiment, Training
from hsig.experiments.snapshots import take_snapshots
from hsig.reports.page import count
from hsig.reports.phrases import heading, named_seeds

if TYPE_CHECKING:
    from hsig.figures.picture import Picture

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "activation": "the curve, its slope, and where the hidden pre-activations lie on it",
        "costs": "the cost over the epochs: medians, quartiles, single seeds",
        "solved": "the share of the seeds that are solved by each epoch",
        "verdicts": "what the seeds are at each checkpoint",
        "compare": "solved rates and epochs to solve, or another measure and its differences",
        "surface": "what the networks predict over the plane of two inputs",
        "confusion": "of each class, how many rows are predicted as which",
        "fit": "predictions against targets that are numbers",
        "map": "how many seeds are solved, or another measure, in each cell of a sweep",
        "difference": "how two sweeps differ, cell by cell",
    }
)
THEMES = ("light", "dark")
Results = Sequence[Any]  # each a `Result`, a module that imports this one
_OF_NETWORKS = ("activation", "surface")  # they show one variant, at chosen epochs
_OF_SWEEPS = ("map", "difference")  # of one, of two
_DIGEST_DIGITS = 12
_MAIN_PARTS = {"matplotlib": "matplotlib.figure"}  # the first may be there without the second
_MAX_SETTINGS = 3  # experiments whose settings are below one picture


class Look(NamedTuple):
    """How a picture is wanted; the first three are for pictures of networks."""

    variant: str | None = None  # the label of the one that is shown; None for the first
    at: tuple[int, ...] | None = None  # epochs; None for the start, a tenth of the budget, the end
    seed: int | None = None  # None for all
    theme: str = "light"


def check_installed(*libraries: str) -> None:
    """Refuse to draw without the libraries of the `plot` extra.

    Raises:
        ConfigError: If one is not installed; it says how to get it.
    """
    missing = []
    for name in libraries:
        try:
            import_module(_MAIN_PARTS.get(name, name))
        except ImportError:
            missing.append(name)
    if missing:
        raise ConfigError(
            f"this needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not "
            f"installed: pip install {' '.join(missing)}, or from a clone of hsig pip install "
            "'.[plot]'"
        )


def kinds_of(results: Results) -> tuple[str, ...]:
    """The kinds of pictures that there are of some results together, the default first."""
    if any(result.command == DATA for result in results):  # nothing was trained
        return ()
    swept = [result.command == SWEEP for result in results]
    if any(swept):
        return _OF_SWEEPS[len(results) - 1 :][:1] if all(swept) else ()
    several = sum(len(each.variants) for result in results for each in result.summaries) > 1
    usual = "verdicts" if results[0].command == EXPLAIN else "costs"
    first = "compare" if several else usual
    return (first, *(kind for kind in KINDS if kind not in (first, *_OF_SWEEPS)))


def picture(
    results: Results, kind: str | None, look: Look, names: Sequence[str] = ("",)
) -> "Picture":
    """Draw a result, or several together, by `names`; a kind of None is the default.

    Raises:
        ConfigError: If there is no such picture of them, or nothing to draw it with.
    """
    check_installed("matplotlib")
    kinds = kinds_of(results)
    if not kinds:
        raise ConfigError(
            "these have no picture: expected what was trained, and of sweeps one, or two of the "
            "same keys"
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
        return _draw(kind, results, look, names)
    except ValueError as problem:
        raise ConfigError(f"{kind}: {problem}") from None


def _draw(kind: str, results: Results, look: Look, names: Sequence[str]) -> "Picture":
    from hsig.figures import curves, maps, networks, predictions  # and with them matplotlib

    if kind == "map":
        (result,) = results
        axes = " and ".join(axis.name for axis in result.axes)
        first, *rest = _setting(result.outcome.base, result.digest, result.outcome.differing)
        setting = (f"swept: {axes}; all else as in the first cell: {first}", *rest)
        return maps.sweep_map(result.outcome, setting, look.theme)
    if kind == "difference":
        first, second = names
        two = pair_sweeps(*(result.outcome for result in results))
        setting = tuple(
            f"{name}: {_setting_line(of.base, of.differing)}{_digests([result])}"
            for name, result in zip(names, results, strict=True)
            for of in (result.outcome,)
        )
        return maps.difference(two, (first, second), setting, look.theme)
    summary, setting = _join(results, names)
    if kind in _OF_NETWORKS:
        experiment, snapshots, digest = _train_again(results, names, look)
        setting, label = _setting(experiment, digest), experiment.variants[0].label
        if kind == "surface":
            return networks.surface(experiment, snapshots, setting, look.theme)
        (variant,) = (each for each in summary.variants if each.label == label)
        return networks.activation(experiment, variant, snapshots, setting, look.theme)
    if kind == "fit":
        trained = _known_variants(results, names)
        return predictions.fit(trained, summary, setting, look.theme)
    draw = {
        "costs": curves.costs,
        "solved": curves.solved,
        "verdicts": curves.verdicts,
        "compare": curves.comparison,
        "confusion": predictions.confusion,
    }
    return draw[kind](summary, setting, look.theme)


# --- several results, and networks on the way ----------------------------------------------------


def _setting(experiment: Experiment, digest: str, differing: Sequence[str] = ()) -> tuple[str, ...]:
    """Lines that say what was trained."""
    labels = [variant.label for variant in experiment.variants]
    subject = labels[0] if len(labels) == 1 else count(len(labels), "variant")
    lines = heading(experiment, subject, differing)
    return (*lines, f"run digest {digest[:_DIGEST_DIGITS]}") if digest else lines


def _setting_line(experiment: Experiment, differing: Sequence[str] = ()) -> str:
    """One of several results in a line."""
    return f"{_setting(experiment, '', differing)[0]}; {named_seeds(experiment.seeds)}"


def _digests(results: Results) -> str:
    digests = ", ".join(result.digest[:_DIGEST_DIGITS] for result in results if result.digest)
    return f"; run digest {digests}" if digests else ""


def _named_parts(results: Results, names: Sequence[str]) -> Sequence[Part]:
    """The experiments; of several results, with their names in front of the labels."""
    if len(results) == 1:
        return [*results[0].main_parts]
    named = zip(names, results, strict=True)
    return [part for name, result in named for part in prefix_labels(name, result.main_parts)]


def _join(results: Results, names: Sequence[str]) -> tuple[Summary, tuple[str, ...]]:
    """The numbers of all variants of some results as one, and lines that say what was trained."""
    if len(results) == 1 and len(results[0].summaries) == 1:
        (summary,) = results[0].summaries
        return summary, _setting(summary.experiment, results[0].digest)
    parts = _named_parts(results, names)
    groups, summaries = group_parts(parts), [summarise(part.outcome) for part in parts]
    experiments = [summary.experiment for summary in summaries]
    setting = [*map(_setting_line, experiments[:_MAX_SETTINGS])]
    if len(experiments) > _MAX_SETTINGS:
        setting.append(f"and {len(experiments) - _MAX_SETTINGS} more")
    whole = replace(
        experiments[0],
        variants=tuple(variant for each in experiments for variant in each.variants),
        epochs=max(each.epochs for each in experiments),
    )
    together = summaries[0]._replace(
        experiment=whole,
        variants=tuple(variant for summary in summaries for variant in summary.variants),
        complete=all(part.outcome.complete for part in parts),
        pairing=groups[0].pairing if len(groups) == 1 else None,
    )
    return together, (*setting, _digests(results).removeprefix("; "))


def _known_variants(
    results: Results, names: Sequence[str]
) -> dict[str, tuple[Experiment, Training]]:
    """The experiment and the result of each variant, by its label."""
    return {
        result.variant.label: (part.outcome.experiment, result)
        for part in _named_parts(results, names)
        for result in part.outcome.results
    }


def describe_choice(kind: str | None, results: Results, names: Sequence[str], look: Look) -> str:
    """Say which of several variants is drawn, where nobody chose one; else empty."""
    known = [*_known_variants(results, names)] if kind in _OF_NETWORKS else []
    if len(known) < 2 or look.variant is not None:
        return ""
    return f"{kind}: shows {known[0]}, one of {len(known)} variants: {', '.join(known)}"


def _train_again(
    results: Results, names: Sequence[str], look: Look
) -> tuple[Experiment, tuple[Checkpoint, ...], str]:
    """Train the variant that is shown again, up to the last epoch that is.

    Returns:
        The experiment, with the variant and the seeds that are shown alone; its networks; and the
        digest of the result, if those at its end have the same bits as there.

    Raises:
        ConfigError: If there is no such variant, seed or epoch.
    """
    known = _known_variants(results, names)
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
    experiment = replace(experiment, variants=(result.variant,))
    if look.seed is not None:
        place = np.array([experiment.seeds.index(look.seed)])
        experiment = replace(experiment, seeds=(look.seed,))
        snapshots = tuple(snapshot.select(place) for snapshot in snapshots)
    return experiment, snapshots, results[0].digest if same else ""
