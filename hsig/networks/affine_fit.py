"""What an affine function can do on a task."""

from fractions import Fraction
from functools import lru_cache
from operator import mul
from typing import NamedTuple

import numpy as np

from hsig.arrays import Array, IntArray
from hsig.networks.losses import Loss
from hsig.networks.tasks import Task

_MAX_STEPS = 100  # of Newton's method; it needs about ten, or never ends on separable samples
_ROUNDING = 1e-9  # a fit of exactly 0.5 is not right by its last bit
_SMALL_STEP = 1e-12  # relative to the fit's own size
_NO_AMOUNT = 1e-6  # relative to the largest; less may be a rest on its way to 0
_MAX_NUMBERS = 100_000  # of samples that fractions are made of, in some three seconds
_LARGEST_POWER = 100  # of two: inputs within it are taken as they are


class AffineFit(NamedTuple):
    """An affine function of the inputs, or the logistic function of one, and how it does."""

    cost: float  # the mean loss over the samples
    predictions: Array  # (samples, outputs)
    right: int  # how many samples it is right on, in every output


def fit_affine(task: Task, loss: Loss, solved_within: float) -> AffineFit:
    """Fit an affine function to a task: each output by itself.

    Under a cross-entropy a logistic regression, under any other loss least squares. Where a
    logistic regression can separate the samples it has no best fit, and the cost comes as near to 0
    as a hundred steps of Newton's method bring it.

    Source:
        McCullagh & Nelder 1989, Generalized Linear Models, section 4.4.

    >>> from hsig.networks.losses import LOSSES
    >>> from hsig.networks.tasks import TASKS
    >>> fit = fit_affine(TASKS["xor"], LOSSES["squared"], 0.5)
    >>> round(fit.cost, 12), fit.predictions[:, 0].round(12).tolist()
    (0.25, [0.5, 0.5, 0.5, 0.5])
    """
    inputs = _scale_by_powers(
        np.concatenate([task.inputs, np.ones((len(task.inputs), 1))], axis=1)
    )[0]
    fit = _logistic_predictions if loss.needs_probabilities else _least_squares
    columns = [fit(inputs, targets, loss) for targets in task.targets.T]
    predictions = np.stack([predictions for predictions, _ in columns], axis=1)
    losses = sum(losses for _, losses in columns)
    right = np.abs(predictions - task.targets) < solved_within * (1.0 - _ROUNDING)
    return AffineFit(float(np.mean(losses)), predictions, int(right.all(axis=1).sum()))


def _logistic_predictions(inputs: Array, targets: Array, _loss: Loss) -> tuple[Array, Array]:
    """Predictions and losses of the logistic regression of one output."""
    logits = inputs @ _logistic_fit(inputs, targets)
    return _logistic(logits), np.logaddexp(0.0, logits) - targets * logits


def _least_squares(inputs: Array, targets: Array, loss: Loss) -> tuple[Array, Array]:
    """Predictions and losses of the least-squares fit of one output."""
    scaled, powers = _scale_by_powers(targets)
    with np.errstate(over="ignore"):  # of targets whose squares are infinite
        predictions = np.ldexp(inputs @ np.linalg.lstsq(inputs, scaled)[0], -powers)
        return predictions, loss.value(predictions, targets)


def is_separable(features: Array, targets: Array, solved_within: float) -> bool:
    """Whether a layer before monotone outputs could be right on every sample.

    It could not if, for some output, no affine function of the features parts the samples whose
    targets are high from those whose targets are low. A logistic regression decides: either its
    function parts them, or its residuals prove that none does. Where they do neither, as of
    features that are not finite, it could. They have shape (samples, features), the bias's 1 last.

    Source:
        Albert & Anderson 1984, Biometrika 71(1):1-10: a logistic regression has a finite best fit
        unless the samples can be parted. Gordan 1873: they cannot if positive multiples of them,
        those of one side turned round, add up to 0, as residuals do at the best fit.
    """
    most = max(1, _MAX_NUMBERS // features.shape[1])
    if len(features) > most:  # what cannot be parted of some samples cannot of all
        some = np.arange(most) * len(features) // most
        features, targets = features[some], targets[some]
    kept = (features.shape, features.tobytes())
    return all(_is_output_separable(*kept, y.tobytes(), solved_within) for y in targets.T)


@lru_cache(maxsize=256)  # all variants of an experiment ask for the same
def _is_output_separable(
    shape: tuple[int, int], inputs: bytes, outputs: bytes, solved_within: float
) -> bool:
    features, targets = np.frombuffer(inputs).reshape(shape), np.frombuffer(outputs)
    middle = targets.max() / 2.0 + targets.min() / 2.0  # the sum may be infinite
    high, low = targets - solved_within >= middle, targets + solved_within <= middle
    bound = high | low
    if not (high.any() and low.any() and np.isfinite(features).all()):
        return True
    samples, is_high = _centre(features[bound]), high[bound].astype(np.float64)
    weights = _logistic_fit(samples, is_high)
    if ((samples @ weights > 0.0) == is_high).all():
        return True
    residuals = np.abs(_logistic(samples @ weights) - is_high)
    return not _add_up_to_zero(features[bound] * (2.0 * is_high - 1.0)[:, None], residuals)


def _add_up_to_zero(vectors: Array, amounts: Array) -> bool:
    """Whether amounts that are about these, and above 0, of the vectors add up to exactly 0.

    In fractions: the largest amounts take up what the others leave. Not, where that would take too
    long.
    """
    order = np.argsort(-amounts)
    order = order[amounts[order] > _NO_AMOUNT * amounts.max()]
    vectors, size = vectors[order], vectors.shape[1]
    if vectors.size > _MAX_NUMBERS:
        return False
    rank = int(np.linalg.matrix_rank(vectors))  # were it too low, less would be proved
    columns = [[Fraction(x) for x in row] for row in vectors.tolist()]
    shares = [Fraction(amount) for amount in amounts[order].tolist()]
    total = [sum(map(mul, shares, row)) for row in zip(*columns, strict=True)]
    # by elimination: what it does to a vector, and behind that what it has made of the total
    rows = [[*(Fraction(x == y) for x in range(size)), total[y]] for y in range(size)]
    pivots: dict[int, int] = {}  # the place of the vector that is 1 in a row, and 0 in all others
    for place, column in enumerate(columns):
        turned = [sum(map(mul, column, row)) for row in rows]
        pivot = next((y for y, x in enumerate(turned) if x and y not in pivots), None)
        if pivot is not None:
            pivots[pivot] = place
            lead = [x / turned[pivot] for x in rows[pivot]]
            rows = [
                lead if y == pivot else [x - factor * z for x, z in zip(row, lead, strict=True)]
                for y, (row, factor) in enumerate(zip(rows, turned, strict=True))
            ]
        if len(pivots) >= rank:
            break
    return all(
        row[-1] < shares[pivots[y]] if y in pivots else row[-1] == 0 for y, row in enumerate(rows)
    )


def _centre(features: Array) -> Array:
    """The same samples with numbers of at most about 1: differences from the first, and a 1."""
    columns = _scale_by_powers(features[:, :-1])[0]
    columns = columns - columns[0]
    columns = np.ldexp(columns, -np.frexp(np.abs(columns).max(axis=0))[1])
    return np.concatenate([columns, np.ones((len(columns), 1))], axis=1)


def _scale_by_powers(columns: Array) -> tuple[Array, IntArray]:
    """Scale columns by powers of two so that no square overflows or vanishes.

    Ordinary columns stay as they are, to the last bit. Returns the columns and the powers.
    """
    powers = np.frexp(np.abs(columns).max(axis=0))[1]
    powers = np.where(np.abs(powers) > _LARGEST_POWER, -powers, 0)
    return np.ldexp(columns, powers), powers


def _logistic_fit(inputs: Array, targets: Array) -> Array:
    """Weights of a logistic regression, by Newton's method with halved steps."""
    weights = np.zeros(inputs.shape[1])
    cost = _cost(inputs, targets, weights)
    for _ in range(_MAX_STEPS):
        p = _logistic(inputs @ weights)
        gradient = inputs.T @ (p - targets)
        curvature = inputs.T @ (inputs * (p * (1.0 - p))[:, None])
        step = np.linalg.lstsq(curvature, gradient)[0]
        while (trial := _cost(inputs, targets, weights - step)) > cost:
            step = step / 2.0
        weights, cost = weights - step, trial
        if np.abs(step).max() <= _SMALL_STEP * (1.0 + np.abs(weights).max()) or cost < _SMALL_STEP:
            break
    return weights


def _logistic(logits: Array) -> Array:
    values: Array = np.exp(-np.logaddexp(0.0, -logits))
    return values


def _cost(inputs: Array, targets: Array, weights: Array) -> float:
    logits = inputs @ weights
    return float((np.logaddexp(0.0, logits) - targets * logits).mean())
