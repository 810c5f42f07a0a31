"""From the definitions of activations to the words and cells that people read."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hsig.analysis.definitions import Break, Definition, Points
from hsig.networks.activations import ACTIVATIONS, Activation, spell
from hsig.networks.arrays import Array
from hsig.reports.page import Table, short

_SPARE = ("range", "source")
_PLOT_WIDTH = 8.0  # at least, to either side of 0


@dataclass(frozen=True)
class Plot:
    """Curves over a common x, the most important first.

    Attributes:
        title: What they are.
        x: Increasing.
        lines: Values at `x`.
    """

    title: str
    x: tuple[float, ...]
    lines: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Entry:
    """One activation explained: facts, pictures of value and slope, and chosen points."""

    facts: tuple[str, ...]
    plots: tuple[Plot, ...]
    points: Table | None


def overview(definitions: Sequence[Definition]) -> tuple[Table, Table]:
    """The table of definitions, and who means what by which name."""
    rows = tuple(
        (
            spell(d.activation),
            d.activation.formula,
            _range(d.activation),
            short(d.slope_at_0),
            short(round(d.distance, 3)),
            d.activation.source,
        )
        for d in definitions
    )
    columns = ("activation", "f(x)", "range", "slope at 0", "from logistic", "source")
    names = tuple(
        sorted((alias, d.activation.name) for d in definitions for alias in d.activation.aliases)
    )
    return (
        Table(
            "", columns, rows, spare=(("range", "source"),), prose=("activation", "f(x)", "source")
        ),
        Table("", ("elsewhere", "here"), names, prose=("elsewhere", "here")),
    )


def entry(definition: Definition, points: Points | None) -> Entry:
    """All that is known of one activation."""
    activation = definition.activation
    facts = [
        f"{spell(activation)}(x) = {activation.formula}",
        f"range {_range(activation)}; slope at 0 {short(definition.slope_at_0)}; "
        f"largest distance from the logistic curve {short(round(definition.distance, 3))}",
        *(_break(b) for b in definition.breaks),
        f"trains with {_backward(activation)}",
        f"source: {activation.source}",
    ]
    if activation.aliases:
        facts.append(f"called elsewhere: {', '.join(activation.aliases)}")
    if activation.note:
        facts.append(f"note: {activation.note}")
    return Entry(tuple(facts), _plots(definition), None if points is None else _points(points))


def _range(activation: Activation) -> str:
    low, high = activation.range
    return f"{short(low)} to {short(high)}"


def _backward(activation: Activation) -> str:
    if activation.backward is None:
        return "no slope of its own unless you choose one: backward=own, output or logistic"
    return {
        "own": "its derivative",
        "logistic": "the logistic sigmoid's slope at the same point",
        "output": "y(1 - y) of its own value",
        "straight_through": "its slope at 0, everywhere",
    }[activation.backward]


def _break(found: Break) -> str:
    slopes = ", ".join(short(s) for s in (found.slope_before, found.slope_at, found.slope_after))
    what = f"jump of {short(round(found.jump, 6))}" if found.jump else "kink"
    return f"{what} at x = {short(found.x)}; slope before, there and after: {slopes}"


def _points(points: Points) -> Table:
    rows = tuple(
        tuple(short(float(number)) for number in row)
        for row in zip(
            points.x, points.value, points.derivative, points.weight_derivative, strict=True
        )
    )
    return Table("y = f(w*x) at w = 1", ("x", "y", "dy/dx", "dy/dw"), rows)


def _plots(definition: Definition) -> tuple[Plot, Plot]:
    """Value and slope with those of the logistic sigmoid, every break with its both sides."""
    reach = max([_PLOT_WIDTH, *(1.25 * abs(b.x) for b in definition.breaks)])
    sides = [np.nextafter(b.x, side) for b in definition.breaks for side in (-np.inf, np.inf)]
    x = np.unique(np.concatenate([np.linspace(-reach, reach, 401), sides]))
    logistic, activation = ACTIVATIONS["sigmoid"], definition.activation
    name = spell(activation)
    beside = "" if activation == logistic else " (dotted: the logistic sigmoid's)"
    curves = (activation, logistic) if beside else (activation,)

    def plot(title: str, lines: list[Array]) -> Plot:
        texts = tuple(tuple(line.tolist()) for line in lines)
        return Plot(f"{title} of {name}{beside}", tuple(x.tolist()), texts)

    return (
        plot("value", [curve.value(x) for curve in curves]),
        plot("slope", [curve.derivative(x) for curve in curves]),
    )
