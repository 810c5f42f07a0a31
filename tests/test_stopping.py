"""Seeds that stop: at a loss or once solved, with the bits of a training that does not stop."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from setups import problem_of, state_of

from hsig.engines import compiled
from hsig.engines.choice import ENGINES
from hsig.engines.engine import MARKS, NOT_REACHED
from hsig.engines.optimizers import OPTIMIZERS, Optimizer
from hsig.engines.order import Order

ROUNDING = 1e-12  # relative; of a loss whose logarithms are not the same
WAYS = [
    pytest.param(engine, options, id=" ".join([engine.NAME, *options.values()]))
    for engine in ENGINES.values()
    if engine.is_available()
    for options in ([{"layout": name} for name in compiled.LAYOUTS] if engine is compiled else [{}])
]


def whole_course(advance, problem, state, epochs):
    """Of each epoch the weights, the predictions and what the epoch printed; no seed stops."""
    course = []
    for _ in range(epochs + 1):
        progress = advance(state, problem, 1)
        course.append((state.weights, progress))
        state = progress
    return course


@pytest.mark.parametrize(("engine", "options"), WAYS)
@given(
    spec=st.sampled_from(["hard", "sigmoid", "tanh", "relu", "mish", "hard:logistic"]),
    output=st.sampled_from(["hard", "sigmoid"]),
    hidden=st.sampled_from([(), (2,), (3,), (3, 2), (4, 3, 2)]),
    loss=st.sampled_from(["bce", "squared", "bce_naive"]),
    task=st.sampled_from(["xor", "or"]),
    optimizer=st.sampled_from(list(OPTIMIZERS)),
    order=st.builds(Order, st.sampled_from([1, 3, None]), st.booleans()),
    rate=st.sampled_from([0.01, 0.3, 3.0]),
    share=st.floats(0.0, 1.0),
    solved=st.booleans(),
    spacing=st.integers(1, 9),
    seeds=st.integers(1, 20),
)
def test_a_seed_that_stops_has_the_bits_of_one_that_does_not_up_to_there(
    engine, options, spec, output, hidden, loss, task, optimizer, order, rate, share, solved,
    spacing, seeds,
):  # fmt: skip
    def advance(state, problem, epochs):
        return engine.advance(state, problem, epochs, **options)

    epochs = 20
    problem = problem_of(
        *[spec] * len(hidden), output=output, loss=loss, task=task, rate=rate, order=order,
        optimizer=Optimizer(optimizer, tuple(OPTIMIZERS[optimizer].settings.values())),
    )  # fmt: skip
    start = state_of(problem, range(seeds), *hidden, low=-2.0, high=2.0)
    course = whole_course(advance, problem, start, epochs)
    losses = np.array([problem.mean_loss(w, progress.predictions) for w, progress in course])
    right = np.array(
        [
            (np.abs(progress.predictions - problem.target_columns) < 0.5).all(axis=(0, 1))
            for _, progress in course
        ]
    )
    finite = losses[np.isfinite(losses)]
    bound = float(np.quantile(finite, share)) if len(finite) else 0.3
    stopping = replace(problem, **({"stop_solved": True} if solved else {"stop_loss": bound}))
    state, seen = start, []
    while state.epoch < epochs:
        progress = advance(state, stopping, min(spacing, epochs - state.epoch))
        seen.append((state, progress))
        state = progress
    last = advance(state, stopping, 1)
    seen.append((state, last))

    for seed in range(seeds):
        gone = course[-1][1].diverged_at[seed]
        alive = np.arange(epochs + 1) <= (epochs if gone == NOT_REACHED else gone)
        # of the loss the last bits are the engine's own: what is within them may be either
        surely = right[:, seed] if solved else losses[:, seed] <= bound * (1.0 - ROUNDING)
        maybe = right[:, seed] if solved else losses[:, seed] <= bound * (1.0 + ROUNDING)
        first, may = (next(iter(np.flatnonzero(m & alive)), None) for m in (surely, maybe))
        at = last.stopped_at[seed]
        if at == NOT_REACHED:
            assert first is None
        else:
            assert may is not None
            assert may <= at
            assert first is None or at <= first
            assert maybe[at]
        for before, progress in seen:
            here = before.epoch if at == NOT_REACHED else min(before.epoch, at)
            weights, plain = course[here]
            for ours, theirs in zip(before.weights, weights, strict=True):
                np.testing.assert_array_equal(ours[..., seed], theirs[..., seed])
            np.testing.assert_array_equal(
                progress.predictions[..., seed], plain.predictions[..., seed]
            )
            if here == before.epoch or not order.shuffled:  # else the epoch has another order
                np.testing.assert_array_equal(
                    progress.first_epoch_losses[:, seed], plain.first_epoch_losses[:, seed]
                )
        for name in MARKS[:3]:
            mark = getattr(course[-1][1], name)[seed]
            # a seed diverges in the epoch that begins with the weights at which it would stop
            known = at == NOT_REACHED or (mark < at if name == "diverged_at" else mark <= at)
            assert getattr(last, name)[seed] == (mark if known else NOT_REACHED)
