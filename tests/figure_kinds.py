"""A picture of every kind, of small real results, and of the same with names that are hostile."""

from dataclasses import replace
from functools import cache, partial

from drawings import HOSTILE, summary_of
from prepared import cell, swept

from hsig import figures
from hsig.activations import Activation
from hsig.analysis.sweeps import pair_sweeps
from hsig.config.loading import load_experiment
from hsig.experiments.snapshots import take_snapshots
from hsig.experiments.sweeps import CellResult
from hsig.reports import captions as words

FLAGS = {"seeds": "6", "epochs": "60", "report_every": "20", "init": "uniform:-2,2"}
LABELS = "sigmoid,hard,tanh,relu,ultra_fast"
DIGEST = "0123456789abcdef"


def of_summary(kind, summary, theme="light"):
    caption = getattr(words, f"{kind}_caption")(summary, DIGEST)
    return getattr(figures, kind)(summary, caption=caption, theme=theme)


@cache
def _trained(activation, seeds="6"):
    flags = {"engine": "reference", **FLAGS, "seeds": seeds, "activation": activation}
    experiment = load_experiment(flags=flags)
    return experiment, take_snapshots(experiment, experiment.variants[0], (0, 20, 60))


def of_activation(theme="light", name="hard", label=None):
    experiment, seen = _trained(name)
    activation = experiment.variants[0].hidden_activation
    if label is not None:
        activation = Activation(label, activation.definition, settings=activation.settings)
    caption = words.activation_caption(
        activation, seen, experiment=renamed(experiment, label), digest=DIGEST
    )
    return figures.activation(activation, seen, caption=caption, theme=theme)


def of_surface(theme="light", label=None, seed=None):
    experiment, seen = _trained("hard")
    experiment = renamed(experiment, label)
    (variant,) = experiment.variants
    caption = words.surface_caption(experiment, variant, seen, seed=seed, digest=DIGEST)
    return figures.surface(experiment, variant, seen, seed=seed, caption=caption, theme=theme)


def renamed(experiment, label):
    """With that name for everything."""
    if label is None:
        return experiment
    return replace(
        experiment,
        task=replace(experiment.task, name=label, columns=(label,) * 3),
        variants=tuple(replace(v, label=f"{n}{label}") for n, v in enumerate(experiment.variants)),
    )


def summary_renamed(summary, label):
    """The same summary, with a hostile name for everything."""
    old = [variant.label for variant in summary.experiment.variants]
    new = dict(zip(old, (f"{label}{n}" if n else label for n in range(len(old))), strict=True))
    pairing = summary.pairing._replace(
        baseline=new[summary.pairing.baseline],
        against={new[k]: v._replace(label=new[k]) for k, v in summary.pairing.against.items()},
        ranks={new[k]: v for k, v in summary.pairing.ranks.items()},
    )
    experiment = replace(
        summary.experiment,
        baseline="",
        task=replace(summary.experiment.task, name=label),
        variants=tuple(replace(v, label=new[v.label]) for v in summary.experiment.variants),
    )
    variants = tuple(replace(v, label=new[v.label]) for v in summary.variants)
    return summary._replace(experiment=experiment, variants=variants, pairing=pairing)


def sweep(values=("0.1", "1", "10"), names=("learning_rate", "epochs"), k=0):
    cells = {
        (one, other): cell([True] * (3 * y + x + k) + [False] * 8)
        for y, one in enumerate(values)
        for x, other in enumerate(("8", "9", "10", "11"))
    }
    cells[values[0], "9"], cells[values[0], "10"] = None, CellResult.failed("no gradient")
    return swept(cells, names)


def of_sweep(theme="light", label=None):
    outcome = sweep() if label is None else sweep((label, f"{label}2"), (label, f"{label}2"))
    caption = words.sweep_caption(outcome, DIGEST)
    return figures.sweep_map(outcome, caption=caption, theme=theme)


def of_difference(theme="light", label=None):
    names = ("a", "b") if label is None else (label, label)
    values = ("0.1", "1") if label is None else (label, f"{label}2")
    two = pair_sweeps(sweep(values), sweep(values, k=3))
    caption = words.difference_caption(two, names, [f"a: hard; run digest {DIGEST[:12]}"])
    return figures.difference(two, names, caption=caption, theme=theme)


def of_one_key(theme="light", label=None):
    values = ("0.1", "1", "10") if label is None else (label, f"{label}2", f"{label}3")
    cells = {(v,): cell([True] * n + [False] * 3) for n, v in enumerate(values)}
    outcome = swept(cells, (label or "learning_rate",))
    caption = words.sweep_caption(outcome, DIGEST)
    return figures.sweep_map(outcome, caption=caption, theme=theme)


def _real(kind, theme="light", label=None):
    summary = summary_of(activations=LABELS, **FLAGS)
    if label is not None:
        summary = summary_renamed(summary, label)
    return of_summary(kind, summary, theme)


KINDS = {
    **{kind: partial(_real, kind) for kind in ("costs", "solved", "verdicts", "comparison")},
    "activation": of_activation,
    "surface": of_surface,
    "surface of a seed": partial(of_surface, seed=0),
    "sweep_map": of_sweep,
    "sweep of one key": of_one_key,
    "difference": of_difference,
}

__all__ = ["HOSTILE", "KINDS"]
