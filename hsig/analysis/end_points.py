"""What seeds ended near, on the surface of the mean loss: a saddle, a minimum, or no such point.

Training with a fixed step holds a seed at some distance from the stationary point that it goes to
or hovers over, so the point is looked for: a Levenberg-Marquardt iteration makes the gradient
vanish, be it at a saddle or a minimum, and gives up at a distance of `NEAR`.

Source:
    Nocedal & Wright 2006, Numerical Optimization, sections 10.3 and 11.2.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from hsig.analysis.curvature import Surface, surface
from hsig.experiments.experiment import Experiment, Training
from hsig.networks.arrays import Array, BoolArray
from hsig.networks.network import Network, Weights
from hsig.networks.tasks import Task

KINDS = (SADDLE, MINIMUM, FLAT, KINK, SLOPE, UNDEFINED) = (
    "saddle",
    "minimum",
    "flat",
    "kink",
    "slope",
    "undefined",
)
WEIGHTS_MOST = 64  # of a network whose end points are told
NEAR = 1.0  # how far away, in the space of all weights, a stationary point is looked for
STATIONARY = 1e-10  # a gradient that is not larger is none
ZERO = 1e-6  # an eigenvalue that is not larger than this share of the largest is none
ZERO_AT_LEAST = 1e-7  # nor is one that a gradient of `STATIONARY` outweighs over `ASIDE`
ASIDE = 0.01  # length of the step that tries whether a saddle is one
AT_KINK = 0.02  # a pre-activation not farther from a kink is at it: `ASIDE` may lead beyond

_STEPS_MOST = 100  # of the search
_ENOUGH = 1e-13  # a gradient with which it ends, so that what it finds is exact
_DAMPING = 1e-4  # with which it begins, relative to the square of the Hessian
_DAMPING_LEAST, _DAMPING_MOST = 1e-12, 1e8  # the latter ends it
_TINY = 1e-300  # so that what is all 0 can be divided by
_HESSIANS_AT_A_TIME = 4_000_000  # in numbers


@dataclass(frozen=True, eq=False)
class EndPoints:
    """Where seeds ended, and the stationary point near by, if there is any.

    An eigenvalue counts as 0 where its size is at most `ZERO` times that of the largest, or
    `ZERO_AT_LEAST`. The kinds, of which the first that holds is told:

    - `undefined`: the cost, its gradient or its Hessian is not finite.
    - `slope`: no stationary point, with a gradient of at most `STATIONARY`, was found within
      `NEAR`. Such is also the way to a minimum at infinite weights.
    - `kink`: a pre-activation there is within `AT_KINK` of a kink of its activation, beyond which
      the surface is another than the Hessian's.
    - `saddle`: an eigenvalue there is below 0, so that a way leads down.
    - `minimum`: all are above 0.
    - `flat`: none is below 0, and some are 0. Whether it is a minimum is for higher orders to say.

    Attributes:
        kind: Of each seed.
        cost: Shape (seeds,); where it ended.
        gradient: Shape (seeds,); the Euclidean norm of the gradient there.
        eigenvalues: Shape (seeds, weights); of the Hessian there, rising; nan if undefined.
        kink: Shape (seeds,); see `Surface`; there.
        least_gradient: Shape (seeds,); the smallest norm of it that the search found.
        distance: Shape (seeds,); to the stationary point; nan here and below if there is none.
        stationary_cost: Shape (seeds,); at the stationary point.
        stationary_eigenvalues: Shape (seeds, weights); the same.
        falls: Shape (seeds,); whether the mean loss is lower on both sides of the stationary point,
            `ASIDE` away along the eigenvector of the smallest eigenvalue.
    """

    kind: tuple[str, ...]
    cost: Array
    gradient: Array
    eigenvalues: Array
    kink: Array
    least_gradient: Array
    distance: Array
    stationary_cost: Array
    stationary_eigenvalues: Array
    falls: BoolArray

    def counted(self, seeds: BoolArray) -> dict[str, int]:
        """How many of some seeds are of each kind that there is, in the order of `KINDS`."""
        found = Counter(kind for kind, chosen in zip(self.kind, seeds, strict=True) if chosen)
        return {kind: found[kind] for kind in KINDS if found[kind]}


def end_points_of(experiment: Experiment, training: Training) -> EndPoints | None:
    """Where the seeds of a variant ended; None if it has none, or more than `WEIGHTS_MOST` weights.

    Args:
        experiment: What was run.
        training: What became of the variant.
    """
    if training.failure or weights_of(training) > WEIGHTS_MOST:
        return None
    if len(training.weights) != 2 or experiment.sizes[-1] != 1:
        return None
    return end_points(
        experiment.problem_of(training.variant).network, training.weights, experiment.scaled_task
    )


def weights_of(training: Training) -> int:
    """How many weights each network has."""
    return sum(layer[0].size for layer in training.weights)


def end_points(network: Network, weights: Weights, task: Task) -> EndPoints:
    """Where seeds ended.

    Args:
        network: What was trained.
        weights: Where, seeds first.
        task: The samples over which the mean is taken.
    """
    points = np.concatenate([layer.reshape(len(layer), -1) for layer in weights], axis=1)
    shapes = [layer.shape[1:] for layer in weights]
    splits = np.cumsum([layer[0].size for layer in weights])[:-1]

    def at(points: Array) -> Surface:
        layers = np.split(points, splits, axis=1)
        shaped = (layer.reshape(len(layer), *of) for layer, of in zip(layers, shapes, strict=True))
        return surface(network, tuple(shaped), task)

    size = max(1, _HESSIANS_AT_A_TIME // points.shape[1] ** 2)
    with np.errstate(all="ignore"):  # an infinite or undefined number is a result
        parts = [_end_points(at, points[i : i + size]) for i in range(0, len(points), size)]
    joined = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(EndPoints)
        if field.name != "kind"
    }
    return EndPoints(kind=tuple(kind for part in parts for kind in part.kind), **joined)


def _end_points(at: Callable[[Array], Surface], points: Array) -> EndPoints:
    end, found = at(points), points.copy()
    defined, gradient = end.is_finite, _norm(end.gradient)
    away = defined & (gradient > STATIONARY)
    found[away] = _stationary(at, points[away])
    there = at(found)
    stationary = defined & (_norm(there.gradient) <= STATIONARY)
    eigenvalues = np.full(points.shape, np.nan)
    eigenvalues[defined] = np.linalg.eigvalsh(end.hessian[defined])
    bends, directions = np.full(points.shape, np.nan), np.zeros((*points.shape, 1))
    bends[stationary], vectors = np.linalg.eigh(there.hessian[stationary])
    directions[stationary] = vectors[:, :, :1]
    aside = ASIDE * directions[:, :, 0]
    sides = np.maximum(at(found + aside).cost, at(found - aside).cost)
    return EndPoints(
        kind=_kinds(defined, stationary, there.kink, bends),
        cost=end.cost,
        gradient=gradient,
        eigenvalues=eigenvalues,
        kink=end.kink,
        least_gradient=_norm(there.gradient),
        distance=np.where(stationary, _norm(found - points), np.nan),
        stationary_cost=np.where(stationary, there.cost, np.nan),
        stationary_eigenvalues=bends,
        falls=stationary & (sides < there.cost),
    )


def _stationary(at: Callable[[Array], Surface], start: Array) -> Array:
    """The points near by at which the gradient is smallest, as far as the search finds them."""
    points, size = start.copy(), _norm(at(start).gradient)
    damping = np.full(len(start), _DAMPING)
    for _ in range(_STEPS_MOST):
        active = np.flatnonzero((size > _ENOUGH) & (damping < _DAMPING_MOST))
        if not len(active):
            break
        here = at(points[active])
        # the step that makes |gradient + hessian step|**2 + damped |step|**2 least
        damped = damping[active] * (here.hessian**2).sum(axis=(1, 2)) + _TINY
        normal = here.hessian @ here.hessian + damped[:, None, None] * np.eye(points.shape[1])
        towards = here.hessian @ here.gradient[:, :, None]
        trial = points[active] - np.linalg.solve(normal, towards)[:, :, 0]
        there = at(trial)
        better = there.is_finite & (_norm(trial - start[active]) <= NEAR)
        better &= _norm(there.gradient) < size[active]
        points[active[better]] = trial[better]
        size[active[better]] = _norm(there.gradient[better])
        damping[active] = np.maximum(damping[active] * np.where(better, 0.3, 4.0), _DAMPING_LEAST)
    return points


def _kinds(
    defined: BoolArray, stationary: BoolArray, kink: Array, eigenvalues: Array
) -> tuple[str, ...]:
    smallest, zero = eigenvalues[:, 0], zero_of(eigenvalues)
    found = np.select(
        [~defined, ~stationary, kink <= AT_KINK, smallest < -zero, smallest > zero],
        [UNDEFINED, SLOPE, KINK, SADDLE, MINIMUM],
        FLAT,
    )
    return tuple(found.tolist())


def zero_of(eigenvalues: Array) -> Array:
    """Up to which size each seed's eigenvalues, (seeds, weights), count as 0."""
    zero: Array = np.maximum(ZERO * np.abs(eigenvalues).max(axis=1), ZERO_AT_LEAST)
    return zero


def _norm(vectors: Array) -> Array:
    norm: Array = np.sqrt((vectors * vectors).sum(axis=1))
    return norm
