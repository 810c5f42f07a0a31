"""Seeds that stop: at a loss or once solved, with the bits of a training that does not stop."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from setups import experiment, problem_of, state_of, trained, words

from hsig.arrays import mean_in_order
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
    losses = np.array([mean_in_order(engine.evaluate(problem, w)[1]) for w, _ in course])
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


# --- of an experiment ------------------------------------------------------------------------

WIDE = dict(spec="sigmoid", low=-2.0, high=2.0, seeds=30, epochs=600, report_every=100)


@pytest.fixture(scope="module")
def plain():
    """30 seeds that do not stop, looked at after every epoch."""
    return trained(experiment(**WIDE | {"report_every": 1}))


@pytest.mark.parametrize("stop_at", [0.5, 0.3, 0.05, 0.0, "solved"])
def test_its_epoch_is_the_result_and_later_checkpoints_repeat_it(plain, stop_at):
    stopped = trained(experiment(**WIDE, stop_at=stop_at))
    there = plain.evidence.solved if stop_at == "solved" else plain.loss <= stop_at
    first = np.where(there.any(axis=1), there.argmax(axis=1), NOT_REACHED)
    np.testing.assert_array_equal(stopped.stopped_at, first)
    ends = np.where(first == NOT_REACHED, 600, first)
    for seed, end in enumerate(ends):
        for place, epoch in enumerate(stopped.epochs):
            assert stopped.loss[seed, place] == plain.loss[seed, min(epoch, end)]
    is_right = plain.evidence.solved[np.arange(30), ends]
    np.testing.assert_array_equal(stopped.solved, is_right)
    got_there = np.where(first == NOT_REACHED, np.inf, first)
    np.testing.assert_array_equal(stopped.epochs_to_solve, got_there)
    for word, is_solved, at in zip(words(stopped), is_right, first, strict=True):
        if is_solved:
            assert word == "solved"
        else:
            assert (word == "reached") == (at != NOT_REACHED)
    # what has stopped is looked ahead no more; of the others nothing is different
    np.testing.assert_array_equal(
        stopped.outlook.is_known, ~is_right & (first == NOT_REACHED) & (stopped.diverged_at < 0)
    )
    for ours, theirs in zip(stopped.weights, plain.weights, strict=True):
        going = first == NOT_REACHED
        np.testing.assert_array_equal(ours[going], theirs[going])


def test_both_outcomes_are_among_those_seeds(plain):
    """So that the test above can fail: some reach a loss, some only later, some never."""
    at_half = trained(experiment(**WIDE, stop_at=0.5))
    assert {"reached"} < set(words(at_half))
    assert 0 < (plain.loss[:, -1] <= 0.3).sum() < 30


def test_a_start_that_is_there_already_stops_at_0():
    stopped = trained(experiment(**WIDE, stop_at=100.0))
    assert stopped.stopped_at.tolist() == [0] * 30
    assert set(words(stopped)) <= {"solved", "reached"}
    start = experiment(**WIDE).starting_weights()
    for ours, theirs in zip(stopped.weights, start, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_seed_that_diverges_first_never_stops_and_one_that_stops_never_diverges():
    fields = dict(low=-2.0, high=2.0, seeds=30, epochs=300, loss="bce_naive", learning_rate=1.0)
    assert (trained(experiment("hard", **fields)).diverged_at >= 0).all()
    ended = trained(experiment("hard", **fields, stop_at=0.69))
    stopped, diverged = ended.stopped_at >= 0, ended.diverged_at >= 0
    assert 0 < stopped.sum() < 30
    np.testing.assert_array_equal(stopped, ~diverged)


def test_memory_is_estimated_and_not_too_low():
    """Of checkpoints, by what Python and NumPy allocate; a kept run takes some more for a copy."""
    peaks, estimates = [], []
    for every in (1, 2):
        chosen = experiment(seeds=1000, epochs=400, report_every=every)
        tracemalloc.start()
        trained(chosen)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        estimates.append(chosen.memory_bytes)
    taken, estimated = peaks[0] - peaks[1], estimates[0] - estimates[1]
    assert taken < estimated < 3 * taken
