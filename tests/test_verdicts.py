from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prepared import RIGHT, WRONG, falling, nothing_seen, prepared

from hsig.config.loading import load_experiment
from hsig.engines.choice import ENGINES
from hsig.engines.engine import NOT_REACHED, State
from hsig.experiments.evidence import NO_BEND, NO_GRADIENT, NO_SLOPE
from hsig.experiments.outlook import look_ahead
from hsig.experiments.training import gather, run
from hsig.experiments.verdicts import FALL, RISE, RULES, SWING, VERDICTS, count_verdicts, judge
from hsig.networks.network import Weights


def trained(**flags):
    experiment = load_experiment(flags={key: str(value) for key, value in flags.items()})
    (result,) = gather(experiment, run(experiment)).results
    return result


def of_weights(hidden, output, **flags):
    """One seed from given weights, for one epoch at next to no learning rate."""
    weights = {"hidden": hidden, "output": output}
    flags = {"initial_weights": str(weights), "hidden": len(output) - 1} | flags
    return trained(**{"epochs": 1, "learning_rate": 1e-300} | flags)


def words(verdict):
    return tuple(VERDICTS[place] for place in verdict)


def verdict(hidden, output, **flags):
    (word,) = words(of_weights(hidden, output, **flags).verdict)
    return word


def judged(*, diverged=False, solved=False, affine_solves=False, reachable=True, **measured):
    """The verdict of a seed of which this was measured; all else is a cost that falls."""
    evidence = nothing_seen((1, 1)).at(-1)
    outlook = falling(np.array([True]), 1.0)
    for name, value in measured.items():
        if hasattr(evidence, name):
            evidence = replace(evidence, **{name: np.array([value])})
        else:
            outlook = replace(outlook, **{name: np.array([value])})
    (word,) = words(
        judge(
            diverged_at=np.array([0 if diverged else NOT_REACHED]),
            solved=np.array([solved]),
            evidence=evidence,
            outlook=outlook,
            affine_solves=affine_solves,
            reachable=reachable,
        )
    )
    return word


# what makes each verdict, from the one that goes before all to the one that is left
MADE_BY = {
    "diverged": {"diverged": True},
    "solved": {"solved": True},
    "stopped": {"looked": False},
    "unreachable": {"reachable": False},
    "dead": {"slope": NO_SLOPE, "unsolvable": True},
    "frozen": {"returns_after": 3},
    "saturated": {"wrong_gradient": NO_GRADIENT},
    "unstable": {"swing": SWING},
    "affine": {"departure": NO_BEND * 0.99},
    "plateau": {"fall": FALL * 0.99},
    "slow": {},
}


def test_the_verdict_is_the_first_that_holds():
    assert list(MADE_BY) == list(RULES)
    assert set(RULES) == set(VERDICTS)
    for place, word in enumerate(MADE_BY):
        later = {
            name: value for made in list(MADE_BY.values())[place:] for name, value in made.items()
        }
        if word == "solved":  # which `wrong_gradient` of a solved seed could not make
            assert judged(**later) == word
        assert judged(**MADE_BY[word]) == word
        assert judged(**later) == word


@pytest.mark.parametrize(
    ("measured", "word"),
    [
        ({"slope": 0.0, "unsolvable": False}, "slow"),  # the output alone may do it
        ({"slope": 2 * NO_SLOPE, "unsolvable": True}, "slow"),
        ({"wrong_gradient": 1.01 * NO_GRADIENT}, "slow"),
        ({"rise": RISE}, "unstable"),
        ({"rise": 0.99 * RISE, "swing": 0.99 * SWING}, "slow"),
        ({"rise": np.inf}, "unstable"),
        ({"departure": NO_BEND}, "slow"),
        ({"departure": 0.0, "affine_solves": True}, "slow"),
        ({"departure": np.nan, "slope": np.nan, "wrong_gradient": np.nan}, "slow"),
        ({"fall": FALL}, "slow"),
        ({"fall": -1.0}, "plateau"),
        ({"fall": np.nan, "rise": np.nan}, "plateau"),  # a cost that is not finite
    ],
)
def test_each_tolerance_is_a_bound(measured, word):
    assert judged(**measured) == word


def test_every_tolerance_that_is_named_is_measured():
    for word, rule in RULES.items():
        for name, bound in rule.tolerances.items():
            within, beyond = (bound, bound * 1.01) if word in ("dead", "saturated") else (
                (bound, bound * 0.99) if word == "unstable" else (bound * 0.99, bound)
            )  # fmt: skip
            others = {"unsolvable": True} if word == "dead" else {}
            assert judged(**others, **{name: within}) == word
            assert judged(**others, **{name: beyond}) != word


def test_every_word_counts_once_in_the_order_of_precedence():
    (result,) = prepared([WRONG, RIGHT, WRONG], [[1.0, 1.0]] * 3).results
    assert words(result.verdict) == ("slow", "solved", "slow")
    assert count_verdicts(result.verdict) == {"solved": 1, "slow": 2}
    assert list(count_verdicts(np.arange(len(VERDICTS)))) == list(RULES)
    assert count_verdicts(result.verdict[:0]) == {}


# --- of networks by hand ----------------------------------------------------------------------

# hard sigmoid .2 x + .5: slope 0 outside [-2.5, 2.5]
MIDDLE = [[0.1, 0.2], [0.3, -0.1], [0.0, 0.1]]  # every pre-activation within [-2.5, 2.5]
SATURATED = [[0.0, 0.0], [0.0, 0.0], [9.0, -9.0]]  # one unit above 2.5, one below -2.5


def test_units_in_the_middle_for_all_samples_are_an_affine_network():
    assert verdict(MIDDLE, [[1], [1], [0]], activation="hard", learning_rate=1e-9) == "affine"


def test_a_logistic_network_from_tiny_weights_is_affine_as_well():
    tiny = [[0.01, -0.02], [0.02, 0.01], [0.0, 0.01]]
    result = of_weights(tiny, [[0.01], [0.01], [0]], activation="sigmoid", learning_rate=1e-9)
    assert words(result.verdict) == ("affine",)
    assert 0.0 < result.evidence.departure[0, -1] < 1e-6


def test_an_affine_network_on_a_task_that_affine_functions_solve_is_not_called_so():
    result = of_weights(MIDDLE, [[1], [1], [0]], activation="hard", task="and", learning_rate=1e-2)
    assert result.evidence.affine[0, -1]
    assert words(result.verdict) == ("slow",)


def test_saturated_hidden_units_are_dead():
    word = verdict(SATURATED, [[0.1], [0.1], [0.0]], activation="hard", learning_rate=0.1)
    assert word == "dead"


def test_a_relu_network_with_all_units_dead_is_dead_though_its_output_learns():
    dead = [[0.0], [0.0], [-1.0]]
    result = of_weights(dead, [[1.0], [0.3]], activation="relu", learning_rate=0.1, epochs=100)
    assert words(result.verdict) == ("dead",)
    assert result.evidence.alive.tolist() == [[0.0, 0.0]]
    assert result.evidence.gradient[0, 0].tolist() == [0.0, pytest.approx(0.0745, abs=1e-4)]
    # by hand: the output's gradient is sigmoid(.3) - .5 = .0744 for the bias, 0 for the dead unit


def test_a_dead_hidden_layer_whose_outputs_tell_the_samples_apart_is_not_dead():
    """Two saturated units that give OR and AND; the output can take their difference."""
    either, both = [40.0, 40.0, -20.0], [40.0, 40.0, -60.0]
    hidden = [list(pair) for pair in zip(either, both, strict=True)]
    result = of_weights(hidden, [[0.1], [0.1], [0.0]], activation="hard", learning_rate=0.1)
    assert result.evidence.dead[0, -1]
    assert words(result.verdict) != ("dead",)
    later = of_weights(
        hidden, [[0.1], [0.1], [0.0]], activation="hard", learning_rate=0.1, epochs=2000
    )
    assert words(later.verdict) == ("solved",)


def test_a_smooth_unit_is_dead_where_its_slope_has_all_but_vanished():
    hidden = [[0.0], [0.0], [60.0]]
    assert verdict(hidden, [[1.0], [0.3]], activation="sigmoid", learning_rate=0.1) == "dead"


def test_a_smooth_layer_that_large_steps_still_move_is_not_dead():
    """A slope of 2.5e-13 counts as none, but steps may be so large that they show it."""
    start = {"hidden": [[0.1], [0.2], [29.0]], "output": [[1.0], [0.3]]}
    flags = {"activation": "sigmoid", "loss": "squared"}
    moved = of_weights(**start, **flags, learning_rate=1e6, epochs=1)
    assert moved.evidence.dead[0, 0]  # before that step, whose next ones find the output flat
    weights = [np.moveaxis(np.array(layer)[None], 0, -1) for layer in start.values()]
    experiment = load_experiment(flags=flags | {"learning_rate": "1e6", "hidden": "1"})
    (variant,) = experiment.variants
    problem, one = experiment.problem_of(variant), np.array([True])
    advance = experiment.engine_of(variant).advance
    state = State.start(Weights(*map(np.ascontiguousarray, weights)))
    assert not look_ahead(state, problem, one, one, advance).unsolvable[0]
    small = replace(problem, learning_rate=1e-6)
    assert look_ahead(state, small, one, one, advance).unsolvable[0]


def test_an_output_that_is_saturated_and_wrong_on_every_sample_is_frozen():
    for bias in (9.0, -9.0):
        flags = {"activation": "hard", "loss": "squared", "learning_rate": 0.1}
        assert verdict([[1.0], [-2.0], [0.0]], [[0.1], [bias]], **flags) == "frozen"


@pytest.mark.parametrize("side", [1, -1])
def test_a_saturated_logistic_output_is_the_same_on_both_sides(side):
    """Where 1 - y rounds to 0 and where y is tiny but not 0."""
    hidden, output = [[1.0], [-2.0], [0.5]], [[0.1], [side * 40.0]]
    result = of_weights(
        hidden, output, activation="sigmoid", loss="squared", learning_rate=0.1, epochs=10
    )
    assert words(result.verdict) == ("frozen",)
    assert result.evidence.saturated.all()


def test_saturated_needs_every_wrong_sample_to_be_so():
    # the hidden unit gives .5, .5, 1, 0 and the output sees -1, -1, 3, -5: of the wrong samples the
    # third is saturated, the first two are not
    result = of_weights([[9.0], [9.0], [-9.0]], [[8.0], [-5.0]], activation="hard", loss="squared")
    assert result.predictions.tolist() == [[pytest.approx(0.3), pytest.approx(0.3), 1.0, 0.0]]
    assert not result.evidence.saturated.any()


def test_a_stopped_training_is_not_judged():
    experiment = load_experiment(flags={"activation": "hard", "epochs": "100", "seeds": "3"})
    events = [event for event in run(experiment) if event.epoch < 100]
    (result,) = gather(experiment, events).results
    assert set(words(result.verdict)) == {"stopped"}


@pytest.mark.parametrize(
    ("output", "word"),
    [("sigmoid", "unreachable"), ("hard", "unreachable"), ("tanh", "unreachable"),
     ("relu", "unreachable"), ("identity", "slow"), ("leaky_relu", "slow"),
     ("leaky_hard:leak=1", "slow")],
)  # fmt: skip
def test_unreachable_is_an_output_without_a_value_near_enough_to_some_target(output, word):
    targets = "{inputs: [[0], [1]], targets: [-1, 2]}"
    result = trained(task=targets, loss="squared", output_activation=output, epochs=1, seeds=5,
                     learning_rate=0.001)  # fmt: skip
    assert set(words(result.verdict)) <= {word, "plateau"}
    assert (word == "unreachable") == ("unreachable" in words(result.verdict))


def test_a_target_beyond_the_output_that_is_near_enough_can_be_solved():
    task = "{inputs: [[0], [1]], targets: [0, 1.2]}"
    result = trained(task=task, loss="squared", epochs=500, seeds=5)
    assert words(result.verdict) == ("solved",) * 5


# --- what verdicts say of training on ---------------------------------------------------------

NEVER = {word for word, rule in RULES.items() if rule.never}


WIDE = "{inputs: [[0], [0.5], [1]], targets: [-0.7, 0.6, 1.6]}"  # no cross-entropy takes these


def later(result, experiment, epochs):
    """Which seeds are solved at some epoch of so many more."""
    (variant,) = experiment.variants
    problem, engine = experiment.problem_of(variant), experiment.engine_of(variant)
    weights = Weights(
        *(np.ascontiguousarray(np.moveaxis(layer, 0, -1)) for layer in result.weights)
    )
    return engine.advance(State.start(weights), problem, epochs + 1).solved_at != NOT_REACHED


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    activation=st.sampled_from(
        ["hard", "sigmoid", "relu", "elu", "tanh", "hard_tanh", "leaky_relu", "silu",
         "ultra_fast:backward=own", "hard:backward=logistic",
         "relu:backward=straight_through", "hard_silu"]
    ),
    loss=st.sampled_from(["squared", "bce", "bce_naive"]),
    task=st.sampled_from(["xor", "and", "parity3", WIDE]),
    update=st.sampled_from(["online", "batch"]),
    hidden=st.integers(1, 8),
    rate=st.sampled_from([0.01, 0.1, 1, 5, 10]),
    width=st.sampled_from([0.01, 1, 4, 8, 30]),
    epochs=st.sampled_from([1, 40, 400]),
    seed=st.integers(0, 2**32 - 41),
)  # fmt: skip
def test_what_is_never_solved_is_not_solved_by_ten_times_the_epochs(
    activation, loss, task, update, hidden, rate, width, epochs, seed
):
    if task == WIDE:
        loss = "squared"
    experiment = load_experiment(
        flags={
            "activation": activation, "loss": loss, "task": task, "update": update,
            "hidden": str(hidden), "learning_rate": str(rate), "epochs": str(epochs),
            "init": f"uniform:{-width},{width}", "seeds": str(list(range(seed, seed + 40))),
        }
    )  # fmt: skip
    (result,) = gather(experiment, run(experiment)).results
    never = np.isin(words(result.verdict), list(NEVER))
    assert not (later(result, experiment, max(9 * epochs, 1000)) & never).any()


@pytest.mark.parametrize(
    ("flags", "seeds"),
    [
        ({"init": "uniform:-4,4", "learning_rate": "0.01", "epochs": "400"}, [771]),
        (
            {"init": "uniform:-6,6", "epochs": "1"},
            [409, 960, 963, 1477, 1529, 1721],
        ),
    ],
)
def test_a_saturated_output_need_not_last(flags, seeds):
    """The samples that are right still move the weights that all share."""
    flags = {"activation": "hard", "loss": "squared", "hidden": "8", "seeds": str(seeds)} | flags
    experiment = load_experiment(flags=flags)
    (result,) = gather(experiment, run(experiment)).results
    assert set(words(result.verdict)) == {"saturated"}
    assert (result.evidence.wrong_gradient[:, -1] == 0.0).all()
    assert later(result, experiment, 4000).all()


def test_a_dying_relu_is_dead():
    result = trained(activation="relu", init="uniform:-1,0", epochs=500, seeds=100)
    assert set(words(result.verdict)) == {"dead"}
    assert (result.evidence.gradient[:, -1, 0] == 0.0).all()


def test_with_the_slope_of_relu_at_0_only_the_output_layer_learns():
    flags = {"activation": "relu:backward=straight_through", "init": "uniform:-2,2", "seeds": "100"}
    experiment = load_experiment(flags=flags)
    (result,) = gather(experiment, run(experiment)).results
    np.testing.assert_array_equal(result.weights.hidden, experiment.starting_weights().hidden)
    assert result.evidence.dead[:, -1].all()
    assert count_verdicts(result.verdict)["solved"] == 32  # as docs/activations.md has it


def test_an_affine_network_may_be_solved_later():
    flags = {"activation": "hard", "learning_rate": "1", "loss": "squared", "epochs": "100"}
    experiment = load_experiment(flags=flags | {"seeds": "200"})
    (result,) = gather(experiment, run(experiment)).results
    affine = np.array(words(result.verdict)) == "affine"
    assert affine.sum() > 50
    assert (later(result, experiment, 900) & affine).sum() > affine.sum() / 2


def test_a_cycle_is_not_a_plateau():
    """Elu at rate 5: seed 21 goes round three states, and ends lower than it was."""
    result = trained(
        activation="elu", learning_rate=5, seeds="[21]", loss="squared", init="uniform:-1,1",
        epochs=600, report_every=1,
    )  # fmt: skip
    assert words(result.verdict) == ("unstable",)
    last = result.cost_mean[0, -300:]
    np.testing.assert_allclose(last[3:], last[:-3], rtol=0.05)  # three epochs on, it is again there
    assert last[:3].max() > 1.2 * last[:3].min()


@pytest.mark.parametrize(
    ("flags", "least"),
    [
        ({"activation": "tanh", "learning_rate": 3}, 3),
        ({"learning_rate": 30, "loss": "squared"}, 10),
    ],
)
def test_a_cost_that_rises_is_not_a_plateau(flags, least):
    result = trained(seeds=300, epochs=300, **flags)
    rising = result.outlook.fall < -RISE
    assert rising.sum() >= least
    assert set(np.array(words(result.verdict))[rising]) == {"unstable"}


def test_saturation_is_the_same_on_both_sides_of_a_logistic_output():
    """From [-30, 30): no seed that is flat on its wrong samples is a plateau, at 0 and 1 alike."""
    result = trained(activation="sigmoid", loss="squared", init="uniform:-30,30", seeds=200)
    verdicts, wrong = np.array(words(result.verdict)), np.abs(result.predictions - [1, 1, 0, 0])
    high = (wrong[:, 2:] >= 0.5).any(axis=1) & (wrong[:, :2] < 0.5).all(axis=1)
    low = (wrong[:, :2] >= 0.5).any(axis=1) & (wrong[:, 2:] < 0.5).all(axis=1)
    flat = result.evidence.wrong_gradient[:, -1] <= NO_GRADIENT
    for side in (high, low):
        assert set(verdicts[side & flat]) == {"saturated", "frozen"}
        assert not set(verdicts[side & ~flat]) & {"saturated"}


# --- causes of divergence ---------------------------------------------------------------------

LINE = "leaky_relu:leak=1"


def hard_output(bias, **flags):
    """A hard output that is saturated on every row, high or low."""
    weights = f"{{hidden: [[0], [0], [0]], output: [[0], [{bias}]]}}"
    return trained(initial_weights=weights, hidden="1", activation="hard", epochs="3", **flags)


def test_theanos_log_loss_is_undefined_at_a_saturated_right_answer():
    result = hard_output(9, loss="bce_naive")  # the first row's target is 1
    assert (result.diverged_at.tolist(), result.diverged_by) == ([0], ("saturated_right",))


def test_theanos_log_loss_is_undefined_at_a_saturated_wrong_answer():
    result = hard_output(-9, loss="bce_naive")
    assert (result.diverged_at.tolist(), result.diverged_by) == ([0], ("saturated_wrong",))


def test_the_careful_log_loss_meets_log_0_and_goes_on():
    result = hard_output(-9, loss="bce")
    assert result.diverged_by == ("",)
    assert result.cost_mean[0].tolist() == [np.inf, np.inf]
    assert result.evidence.saturated[0].all()


def test_a_surrogate_slope_at_a_saturated_wrong_answer_diverges():
    weights = "{hidden: [[0], [0], [0]], output: [[0], [-9]]}"
    result = trained(
        initial_weights=weights, hidden="1", activation="hard:backward=logistic", epochs="3"
    )
    assert (result.diverged_at.tolist(), result.diverged_by) == ([0], ("saturated_wrong",))


@pytest.mark.parametrize("update", ["online", "batch"])
def test_weights_that_grow_without_bound_overflow(update):
    result = trained(
        activation=LINE, output_activation=LINE, loss="squared", learning_rate="9", epochs="500",
        seeds="5", update=update,
    )  # fmt: skip
    assert result.diverged_by == ("overflow",) * 5
    assert (result.diverged_at > 0).all()


def test_a_cause_does_not_depend_on_the_company_or_on_how_often_run_looks(monkeypatch):
    flags = {"activation": "hard", "loss": "bce_naive", "epochs": "1500", "learning_rate": "1"}
    together = trained(**flags, seeds="30")
    alone = [trained(**flags, seeds=f"[{seed}]").diverged_by[0] for seed in range(30)]
    assert list(together.diverged_by) == alone
    assert {"saturated_right", ""} <= set(alone) | {""}
    assert "saturated_right" in alone
    for engine in ENGINES:
        monkeypatch.setattr(f"hsig.engines.{engine}._WORK_AT_A_TIME", 1_000_000)
    assert trained(**flags, seeds="30").diverged_by == together.diverged_by
