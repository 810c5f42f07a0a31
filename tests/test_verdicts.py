import numpy as np
import pytest
from prepared import RIGHT, WRONG, prepared

from hsig.config.loading import load_experiment
from hsig.engines.choice import ENGINES
from hsig.experiments.training import gather, run
from hsig.experiments.verdicts import VERDICTS, counted, judge


def trained(**flags):
    experiment = load_experiment(flags=flags)
    (result,) = gather(experiment, run(experiment)).results
    return result


def of_weights(hidden, output, **flags):
    """One seed from given weights, for one epoch at next to no learning rate."""
    weights = {"hidden": hidden, "output": output}
    flags = {"initial_weights": str(weights), "hidden": str(len(output) - 1)} | flags
    return trained(**{"epochs": "1", "learning_rate": "1e-300"} | flags)


def words(verdict):
    return tuple(VERDICTS[place] for place in verdict)


def verdict(hidden, output, **flags):
    (word,) = words(of_weights(hidden, output, **flags).verdict)
    return word


def judged(result, **changes):
    """The verdicts that a result would have with something else in it."""
    facts = {
        "diverged_at": result.diverged_at,
        "solved": result.solved,
        "evidence": result.evidence,
        "cost_before": result.cost_before,
        "cost_after": result.cost_mean[:, -1],
    }
    return words(judge(**facts | changes))


# hard sigmoid .2 x + .5: slope 0 outside [-2.5, 2.5]
MIDDLE = [[0.1, 0.2], [0.3, -0.1], [0.0, 0.1]]  # every pre-activation within [-2.5, 2.5]
SATURATED = [[0.0, 0.0], [0.0, 0.0], [9.0, -9.0]]  # one unit above 2.5, one below -2.5


def test_units_on_one_piece_for_all_rows_are_an_affine_network():
    assert verdict(MIDDLE, [[1], [1], [0]], activation="hard") == "affine"


def test_saturated_units_are_on_a_linear_piece_too():
    assert verdict(SATURATED, [[0.1], [0.1], [0.0]], activation="hard") == "affine"


def test_a_relu_network_with_all_units_dead_is_affine_for_its_output_still_learns():
    dead = [[0.0], [0.0], [-1.0]]
    result = of_weights(dead, [[1.0], [0.3]], activation="relu")
    assert words(result.verdict) == ("affine",)
    assert result.evidence.alive.tolist() == [[0.0, 0.0]]
    assert result.evidence.gradient[0, 0].tolist() == [0.0, pytest.approx(0.0745, abs=1e-4)]
    # by hand: the output's gradient is sigmoid(.3) - .5 = .0744 for the bias, 0 for the dead unit


def test_a_saturated_wrong_hard_output_is_dead():
    for bias in (9.0, -9.0):
        word = verdict([[1.0], [-2.0], [0.0]], [[0.1], [bias]], activation="hard", loss="squared")
        assert word == "dead"


def test_dead_needs_every_wrong_row_to_be_silent():
    # the hidden unit gives .5, .5, 1, 0 and the output sees -1, -1, 3, -5: of the wrong rows the
    # third is saturated, the first two are not
    result = of_weights([[9.0], [9.0], [-9.0]], [[8.0], [-5.0]], activation="hard", loss="squared")
    assert result.predictions.tolist() == [[pytest.approx(0.3), pytest.approx(0.3), 1.0, 0.0]]
    assert words(result.verdict) == ("plateau",)


def test_dead_comes_before_affine_and_solved_before_both():
    both = of_weights(SATURATED, [[1.0], [1.0], [50.0]], activation="hard", loss="squared")
    assert both.evidence.affine[0, -1]
    assert both.evidence.dead[0, -1]
    assert words(both.verdict) == ("dead",)
    yes = np.array([True])
    assert judged(both, solved=yes) == ("solved",)
    assert judged(both, solved=yes, diverged_at=np.array([0])) == ("diverged",)


def test_a_unit_on_two_pieces_is_not_affine():
    bent = [[5.0, 0.1], [0.0, 0.1], [0.0, 0.0]]  # the first unit saturates where x1 is 1
    assert verdict(bent, [[0.1], [0.1], [0.0]], activation="hard") == "plateau"


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        (1.0, 0.995, "plateau"),
        (1.0, 0.9901, "plateau"),
        (1.0, 0.99, "slow"),
        (1.0, 0.5, "slow"),
        (1.0, 1.5, "plateau"),
        (1.0, np.nan, "plateau"),
        (np.nan, np.nan, "plateau"),
        (np.inf, np.inf, "plateau"),
        (np.inf, 1.0, "slow"),
        (0.0, 0.0, "slow"),
    ],
)
def test_less_than_one_percent_over_the_last_tenth_is_a_plateau(before, after, word):
    (result,) = prepared([WRONG], [[1.0, 1.0]]).results
    costs = {"cost_before": np.array([before]), "cost_after": np.array([after])}
    assert judged(result, **costs) == (word,)


def test_the_last_tenth_is_looked_at_whatever_the_checkpoints_are():
    found, costs = set(), set()
    for every in ("1", "7", "100"):
        flags = {"epochs": "100", "report_every": every, "activation": "tanh"}
        experiment = load_experiment(flags=flags)
        assert experiment.last_tenth == 90
        (result,) = gather(experiment, run(experiment)).results
        found |= set(words(result.verdict))
        costs.add(float(result.cost_before[0]))
        assert result.epochs == experiment.checkpoints
        if every == "1":
            assert result.cost_before[0] == result.cost_mean[0, 90]
    assert len(found) == len(costs) == 1


@pytest.mark.parametrize(("epochs", "last_tenth"), [(1, 0), (9, 8), (10, 9), (4000, 3600)])
def test_the_last_tenth_has_at_least_one_epoch(epochs, last_tenth):
    assert load_experiment(flags={"epochs": str(epochs)}).last_tenth == last_tenth


def test_every_word_counts_once():
    (result,) = prepared([RIGHT, WRONG, WRONG], [[1.0, 1.0]] * 3).results
    assert words(result.verdict) == ("solved", "slow", "slow")
    assert counted(result.verdict) == {"solved": 1, "slow": 2}
    assert counted(result.verdict[:0]) == {}


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
    assert result.evidence.dead[0].all()


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
