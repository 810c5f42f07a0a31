"""The word for each seed: its rules, networks by hand, and what becomes of them later."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prepared import falling_outlook, healthy_evidence
from setups import TWO_OUTPUTS, experiment, task_of, train, train_from, trained, words

from hsig.activations import ACTIVATIONS
from hsig.engines.choice import ENGINES
from hsig.engines.engine import NOT_REACHED, State
from hsig.engines.optimizers import OPTIMIZERS, Optimizer
from hsig.experiments.evidence import NO_BEND, NO_GRADIENT
from hsig.experiments.training import gather, run
from hsig.experiments.verdicts import (
    PLATEAU_DROP,
    RULES,
    UNSTABLE_CHANGE,
    UNSTABLE_RISE,
    VERDICTS,
    Ending,
    count_verdicts,
    judge,
)
from hsig.networks.network import BIASES, seeds_last


def judged(
    *, diverged=False, solved=False, stopped=False, affine_solves=False, reachable=True, **measured
):
    """The verdict of a seed of which this was measured; all else is a cost that falls."""
    evidence = healthy_evidence((1, 1)).select_checkpoint(-1)
    outlook = falling_outlook(np.array([True]), 1.0)
    for name, value in measured.items():
        if hasattr(evidence, name):
            shape = getattr(evidence, name).shape
            evidence = replace(evidence, **{name: np.full(shape, value)})
        else:
            outlook = replace(outlook, **{name: np.array([value])})
    (place,) = judge(
        Ending(
            diverged_at=np.array([0 if diverged else NOT_REACHED]),
            stopped_at=np.array([0 if stopped else NOT_REACHED]),
            solved=np.array([solved]),
            evidence=evidence,
            outlook=outlook,
            affine_solves=affine_solves,
            reachable=reachable,
        )
    )
    return VERDICTS[place]


# what makes each verdict, from the one that goes before all to the one that is left
MADE_BY = {
    "diverged": {"diverged": True},
    "solved": {"solved": True},
    "reached": {"stopped": True},
    "stopped": {"is_known": False},
    "unreachable": {"reachable": False},
    "symmetric": {"symmetric": True},
    "dead": {"slope": 0.0, "unsolvable": True},
    "frozen": {"returns_after": 1, "at_rest": True},
    "cycling": {"returns_after": 1},
    "saturated": {"wrong_gradient": NO_GRADIENT},
    "unstable": {"largest_step_change": UNSTABLE_CHANGE},
    "affine": {"nonaffinity": NO_BEND * 0.99},
    "plateau": {"cost_drop": PLATEAU_DROP * 0.99},
    "slow": {},
}


def test_the_verdict_is_the_first_that_holds():
    assert list(MADE_BY) == list(RULES)
    assert set(RULES) == set(VERDICTS)
    for place, word in enumerate(MADE_BY):
        others = list(MADE_BY.values())[place:]
        assert judged(**MADE_BY[word]) == word
        assert judged(**{name: value for made in others for name, value in made.items()}) == word


@pytest.mark.parametrize(
    ("measured", "word"),
    [
        ({"slope": 0.0, "unsolvable": False}, "slow"),  # the output alone may do it
        ({"cost_rise": UNSTABLE_RISE}, "unstable"),
        ({"cost_rise": np.inf}, "unstable"),
        ({"nonaffinity": NO_BEND}, "slow"),
        ({"nonaffinity": 0.0, "affine_solves": True}, "slow"),
        ({"nonaffinity": np.nan, "slope": np.nan, "wrong_gradient": np.nan}, "slow"),
        ({"cost_drop": PLATEAU_DROP}, "slow"),
        ({"cost_drop": -1.0}, "plateau"),
        ({"cost_drop": np.nan, "cost_rise": np.nan}, "plateau"),  # a cost that is not finite
    ],
)
def test_each_tolerance_is_a_bound(measured, word):
    assert judged(**measured) == word


def test_every_tolerance_of_a_rule_is_the_one_that_decides():
    for word, rule in RULES.items():
        for name, bound in rule.tolerances.items():
            others = {"unsolvable": True} if word == "dead" else {}
            inside, outside = bound * 0.99, np.nextafter(bound * 1.01, 1.0)
            if word == "unstable":
                inside, outside = outside, inside
            assert judged(**others, **{name: inside}) == word
            assert judged(**others, **{name: outside}) != word


def test_verdicts_are_counted_in_the_order_of_precedence():
    places = np.array([VERDICTS.index(word) for word in ("slow", "solved", "slow")])
    assert list(count_verdicts(places).items()) == [("solved", 1), ("slow", 2)]
    assert list(count_verdicts(np.arange(len(VERDICTS)))) == list(RULES)
    assert count_verdicts(places[:0]) == {}


# --- of networks by hand ----------------------------------------------------------------------

# hard sigmoid .2 x + .5: slope 0 outside [-2.5, 2.5]
MIDDLE = [[0.1, 0.2], [0.3, -0.1], [0.0, 0.1]]  # every pre-activation within [-2.5, 2.5]
FLAT = [[0, 0], [0, 0], [9, -9]]  # one unit above 2.5, one below -2.5, for every sample
OR_AND = [[40, 40], [40, 40], [-20, -60]]  # two saturated units that give OR and AND
PASS_ON = [[0.5, -0.5], [-0.5, 0.5], [0, 0.1]]  # what units within [0, 1] give stays in the middle
SUM = [[1], [1], [0]]
BENT = [[9, 0], [9, 0], [-9, 1]]  # one unit with a bend among the samples, and one that is idle


@pytest.mark.parametrize(
    ("layers", "settings", "word"),
    [
        ((MIDDLE, SUM), {"learning_rate": 1e-9}, "affine"),
        ((MIDDLE, PASS_ON, SUM), {"learning_rate": 1e-9}, "affine"),
        ((MIDDLE, PASS_ON, PASS_ON, SUM), {"learning_rate": 1e-9}, "affine"),
        ((MIDDLE, SUM), {"learning_rate": 1e-2, "task": "and"}, "slow"),  # affine functions do it
        ((FLAT, [[0.1], [0.1], [0]]), {"learning_rate": 0.1}, "dead"),
        ((FLAT, PASS_ON, SUM), {"learning_rate": 0.1}, "dead"),  # the first layer is
        ((MIDDLE, FLAT, [[0.1], [0.1], [0]]), {"learning_rate": 0.1}, "dead"),  # the second is
        ((OR_AND, FLAT, [[0.1], [0.1], [0]]), {"learning_rate": 0.1}, "dead"),  # both are
        ((BENT, [[0.1], [0], [9]]), {"learning_rate": 0.1, "loss": "squared"}, "frozen"),
        ((BENT, [[0.1], [0], [-9]]), {"learning_rate": 0.1, "loss": "squared"}, "frozen"),
        ((MIDDLE, PASS_ON, [[0], [0], [9]]), {"learning_rate": 0.1, "loss": "squared"}, "frozen"),
    ],
)
def test_networks_by_hand_of_the_hard_sigmoid(layers, settings, word):
    assert words(train_from(*layers, **settings)) == (word,)


def test_a_logistic_network_from_tiny_weights_is_affine_as_well():
    tiny = [[0.01, -0.02], [0.02, 0.01], [0.0, 0.01]]
    result = train_from(tiny, [[0.01], [0.01], [0]], spec="sigmoid", learning_rate=1e-9)
    assert words(result) == ("affine",)
    assert 0.0 < result.evidence.nonaffinity[0, -1] < 1e-6


def test_a_relu_network_with_all_units_dead_is_dead_though_its_output_learns():
    dead = [[0.0, 0.0], [0.0, 0.0], [-1.0, -2.0]]
    result = train_from(dead, [[1.0], [2.0], [0.3]], spec="relu", learning_rate=0.1, epochs=100)
    assert words(result) == ("dead",)
    assert result.evidence.alive.tolist() == [[[0.0], [0.0]]]
    # by hand: the output's gradient is sigmoid(.3) - .5 = .0744 for the bias, 0 for the dead unit
    assert result.evidence.gradient[0, 0].tolist() == [0.0, pytest.approx(0.0745, abs=1e-4)]


@pytest.mark.parametrize("above", [(), (PASS_ON,)])
def test_a_dead_layer_whose_outputs_tell_the_samples_apart_is_not_dead(above):
    """The output can take the difference of OR and AND, or a layer above can bend them."""
    layers = (OR_AND, *above, [[0.1], [0.1], [0.0]])
    result = train_from(*layers, learning_rate=0.1)
    assert result.evidence.dead[0, -1]
    assert words(result) != ("dead",)
    if not above:
        assert words(train_from(*layers, learning_rate=0.1, epochs=2000)) == ("solved",)


def test_a_smooth_unit_is_dead_where_its_slope_rounds_to_0():
    layers = ([[0.0, 0.0], [0.0, 0.0], [60.0, 70.0]], [[1.0], [2.0], [0.3]])
    assert words(train_from(*layers, spec="sigmoid", learning_rate=0.1)) == ("dead",)


def test_a_smooth_unit_with_any_slope_is_not_dead_for_what_it_tells_apart_may_do():
    """A slope of 3e-13, weights that do not move, outputs of 3e-27 and 3e-13: solved at 11,383."""
    layers = ([[32.0], [-61.0]], [[1.0], [0.3]])
    settings = {"spec": "sigmoid", "task": task_of([[0], [1]], [0, 1]), "batch_size": None}
    settings["learning_rate"] = 0.01
    early, late = (train_from(*layers, epochs=epochs, **settings) for epochs in (200, 12_000))
    np.testing.assert_array_equal(early.weights[0], late.weights[0])
    assert (*words(early), *words(late)) == ("slow", "solved")


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("between", [(), ([[1.0, 0.1], [-1.0, 0.2], [0.5, 0.4]],)])
def test_a_saturated_logistic_output_is_frozen_on_both_sides(side, between):
    """Where 1 - y rounds to 0 and where y is tiny but not 0."""
    layers = ([[1.0, 3.0], [-2.0, 1.0], [0.5, 0.4]], *between, [[0.1], [0.2], [side * 40.0]])
    result = train_from(*layers, spec="sigmoid", loss="squared", learning_rate=0.1, epochs=10)
    assert words(result) == ("frozen",)
    assert result.evidence.saturated.all()


def test_saturated_needs_every_wrong_sample_to_be_so():
    # the hidden unit gives .5, .5, 1, 0 and the output sees -1, -1, 3, -5: of the wrong samples the
    # third is saturated, the first two are not
    result = train_from([[9], [9], [-9]], [[8], [-5]], loss="squared")
    np.testing.assert_allclose(result.predictions[0, :, 0], [0.3, 0.3, 1.0, 0.0])
    assert not result.evidence.saturated.any()


def test_two_outputs_are_solved_when_both_are_right():
    hidden, output = [[5, 9], [5, 9], [-7.5, -4.5]], [[-9, 9], [9, 0], [-4.5, -4.5]]  # and, or
    result = train_from(hidden, output, task=TWO_OUTPUTS)
    np.testing.assert_allclose(result.predictions[0].round(), TWO_OUTPUTS.targets)
    assert words(result) == ("solved",)
    one_wrong = [[-9, -9], [9, 0], [-4.5, 4.5]]
    assert words(train_from(hidden, one_wrong, task=TWO_OUTPUTS)) != ("solved",)


def test_a_stopped_training_is_not_judged():
    chosen = experiment(epochs=100, report_every=10, seeds=3)
    events = [event for event in run(chosen) if event.epoch < 100]
    (result,) = gather(chosen, events).results
    assert set(words(result)) == {"stopped"}


@pytest.mark.parametrize(
    ("output", "reachable"),
    [("sigmoid", False), ("hard", False), ("tanh", False), ("relu", False), ("identity", True)],
)
@pytest.mark.parametrize("targets", [[-1, 2], [[0, -1], [0, 2]]])
def test_unreachable_is_an_output_without_a_value_near_enough_to_some_target(
    output, reachable, targets
):
    task = task_of([[0], [1]], targets)
    settings = {"loss": "squared", "output": output, "epochs": 1, "learning_rate": 0.001}
    found = set(words(train(task=task, seeds=5, **settings)))
    assert found <= {"slow", "plateau"} if reachable else found == {"unreachable"}


# --- what verdicts say of training on ---------------------------------------------------------

NEVER = {word for word, rule in RULES.items() if rule.never}
WIDE = task_of([[0], [0.5], [1]], [-0.7, 0.6, 1.6])  # no cross-entropy takes these


def solved_later(chosen, epochs):
    """Which seeds of an experiment are solved at some epoch of so many behind its budget."""
    (variant,) = chosen.variants
    problem, engine = chosen.problem_of(variant), chosen.engine_of(variant)
    # promises are of exact arithmetic: right by a last bit is not counted
    problem = replace(problem, solved_within=problem.solved_within * (1.0 - 1e-9))
    weights = tuple(map(seeds_last, chosen.starting_weights()))
    start = State.start(weights, problem.optimizer, np.array(chosen.seeds))
    state = engine.advance(start, problem, chosen.epochs)
    state = replace(state, solved_at=start.solved_at, lost_at=start.lost_at)
    return engine.advance(state, problem, epochs + 1).solved_at != NOT_REACHED


REPEATED = task_of([[0, 1], [0, 1], [1, 0], [1, 1]], [1, 0.2, 1, 0])


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    spec=st.sampled_from(
        ["hard", "sigmoid", "relu", "elu", "tanh", "hard_tanh", "silu", "ultra_fast:own",
         "hard:logistic", "relu:straight_through", "hard_silu", "identity", "sine", "gaussian",
         "abs", "hard:straight_through"]
    ),
    output=st.sampled_from([None, None, "sine", "gaussian", "identity", "tanh", "relu"]),
    loss=st.sampled_from(["squared", "bce", "bce_naive"]),
    task=st.sampled_from(["xor", "and", "parity3", WIDE, TWO_OUTPUTS, REPEATED]),
    within=st.sampled_from([0.5, 0.5, 0.3]),
    batch_size=st.sampled_from([1, 1, 2, 3, None]),
    order=st.sampled_from(["fixed", "shuffled"]),
    optimizer=st.sampled_from(["sgd", *OPTIMIZERS]),
    decay=st.sampled_from([0.0, 0.0, 1e-18, 0.01]),
    clip=st.sampled_from([np.inf, np.inf, 1.0, 1e-12, 1e-17]),
    hidden=st.lists(st.integers(1, 8) | st.just(1), max_size=3),
    bias=st.sampled_from(["both", "both", *BIASES]),
    rate=st.sampled_from([0.1, 1.0, 10.0, 50.0, 100.0]),  # times that of the optimizer
    width=st.sampled_from([0.01, 1.0, 4.0, 8.0, 30.0]),
    same=st.booleans(),  # whether all weights start equal
    epochs=st.sampled_from([1, 40, 100, 400]),
    seed=st.integers(0, 2**32 - 41),
)  # fmt: skip
def test_what_is_never_solved_is_not_solved_by_many_times_the_epochs(
    spec, output, loss, task, within, batch_size, order, optimizer, decay, clip, hidden, bias,
    rate, width, same, epochs, seed,
):  # fmt: skip
    rule = OPTIMIZERS[optimizer]
    chosen = experiment(
        spec, output=output, loss="squared" if task is WIDE or output else loss, task=task,
        optimizer=Optimizer(optimizer, tuple(rule.settings.values())), weight_decay=decay,
        clip_norm=clip, batch_size=batch_size, order=order, bias=bias, hidden=tuple(hidden),
        learning_rate=rate * rule.learning_rate, epochs=epochs,
        low=np.nextafter(width, 0.0) if same else -width, high=width, solved_within=within,
        seeds=range(seed, seed + 24),
    )  # fmt: skip
    never = np.isin(words(trained(chosen)), list(NEVER))
    assert not (solved_later(chosen, 1000) & never).any()


@pytest.mark.parametrize(
    ("fields", "seeds"),
    [
        ({"low": -4.0, "high": 4.0, "learning_rate": 0.01, "epochs": 400}, [771]),
        ({"low": -6.0, "high": 6.0, "epochs": 1}, [409, 960, 963, 1477, 1529, 1721]),
    ],
)
def test_a_saturated_output_need_not_last(fields, seeds):
    """The samples that are right still move the weights that all share."""
    chosen = experiment(loss="squared", hidden=(8,), seeds=seeds, **fields)
    result = trained(chosen)
    assert set(words(result)) == {"saturated"}
    assert (result.evidence.wrong_gradient[:, -1] == 0.0).all()
    assert solved_later(chosen, 4000).all()


def test_a_dying_relu_is_dead():
    result = train("relu", low=-1.0, high=0.0, epochs=500, seeds=100)
    assert set(words(result)) == {"dead"}
    assert (result.evidence.gradient[:, -1, 0] == 0.0).all()


def test_with_the_slope_of_relu_at_0_only_the_output_layer_learns():
    chosen = experiment("relu:straight_through", low=-2.0, high=2.0, seeds=100)
    result = trained(chosen)
    np.testing.assert_array_equal(result.weights[0], chosen.starting_weights()[0])
    assert result.evidence.dead[:, -1].all()
    assert count_verdicts(result.verdict)["solved"] == 32  # as docs/activations.md has it


def test_an_affine_network_may_be_solved_later():
    chosen = experiment(learning_rate=1.0, loss="squared", epochs=100, seeds=200)
    result = trained(chosen)
    affine = np.array(words(result)) == "affine"
    assert affine.sum() > 50
    assert (solved_later(chosen, 900) & affine).sum() > affine.sum() / 2


def test_a_cost_that_rises_is_not_a_plateau():
    result = train("sigmoid", seeds=300, epochs=300, learning_rate=30.0, loss="squared")
    rising = result.outlook.cost_drop < -UNSTABLE_RISE
    assert rising.sum() >= 10
    assert set(np.array(words(result))[rising]) == {"unstable"}


# --- causes of divergence ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "loss", "bias", "cause"),
    [
        ("hard", "bce_naive", 9, "saturated_right"),  # the first row's target is 1
        ("hard", "bce_naive", -9, "saturated_wrong"),
        ("hard:logistic", "bce", -9, "saturated_wrong"),
        ("hard", "bce", -9, ""),  # meets log 0 and goes on
    ],
)
@pytest.mark.parametrize("between", [(), ([[0], [0]],)])
def test_a_hard_output_that_is_saturated_on_every_row(spec, loss, bias, cause, between):
    layers = ([[0], [0], [0]], *between, [[0], [bias]])
    result = train_from(*layers, spec=spec, loss=loss, epochs=3, learning_rate=0.1)
    assert result.diverged_by == (cause,)
    assert result.diverged_at.tolist() == [0 if cause else NOT_REACHED]
    if not cause:
        assert result.cost_mean[0].tolist() == [np.inf, np.inf]


@pytest.mark.parametrize("batch_size", [1, None])
@pytest.mark.parametrize("hidden", [(3,), (3, 2)])
def test_weights_that_grow_without_bound_overflow(batch_size, hidden):
    line = ACTIVATIONS["identity"]
    result = train(
        line, output=line, loss="squared", learning_rate=9.0, epochs=500, seeds=5, hidden=hidden,
        batch_size=batch_size,
    )  # fmt: skip
    assert result.diverged_by == ("overflow",) * 5


def test_a_cause_does_not_depend_on_the_company_or_on_how_often_training_pauses(monkeypatch):
    settings = {"loss": "bce_naive", "epochs": 1500, "learning_rate": 1.0}
    together = train(seeds=20, **settings)
    alone = [train(seeds=[seed], **settings).diverged_by[0] for seed in range(20)]
    assert list(together.diverged_by) == alone
    assert "saturated_right" in alone
    for engine in ENGINES:
        monkeypatch.setattr(f"hsig.engines.{engine}._CHUNK_WORK", 1_000_000)
    assert train(seeds=20, **settings).diverged_by == together.diverged_by
