import numpy as np
import pytest

from hsig.config.loading import load_experiment
from hsig.engines.choice import ENGINES
from hsig.experiments.training import gather, run

LINE = "leaky_relu:leak=1"


def diverged(**flags):
    experiment = load_experiment(flags=flags)
    (result,) = gather(experiment, run(experiment)).results
    return result


def hard_output(bias, **flags):
    """A hard output that is saturated on every row, high or low."""
    weights = f"{{hidden: [[0], [0], [0]], output: [[0], [{bias}]]}}"
    return diverged(initial_weights=weights, hidden="1", activation="hard", epochs="3", **flags)


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
    result = diverged(
        initial_weights=weights, hidden="1", activation="hard:backward=logistic", epochs="3"
    )
    assert (result.diverged_at.tolist(), result.diverged_by) == ([0], ("saturated_wrong",))


@pytest.mark.parametrize("update", ["online", "batch"])
def test_weights_that_grow_without_bound_overflow(update):
    result = diverged(
        activation=LINE, output_activation=LINE, loss="squared", learning_rate="9", epochs="500",
        seeds="5", update=update,
    )  # fmt: skip
    assert result.diverged_by == ("overflow",) * 5
    assert (result.diverged_at > 0).all()


def test_a_cause_does_not_depend_on_the_company_or_on_how_often_run_looks(monkeypatch):
    flags = {"activation": "hard", "loss": "bce_naive", "epochs": "1500", "learning_rate": "1"}
    together = diverged(**flags, seeds="30")
    alone = [diverged(**flags, seeds=f"[{seed}]").diverged_by[0] for seed in range(30)]
    assert list(together.diverged_by) == alone
    assert {"saturated_right", ""} <= set(alone) | {""}
    assert "saturated_right" in alone
    for engine in ENGINES:
        monkeypatch.setattr(f"hsig.engines.{engine}._WORK_AT_A_TIME", 1_000_000)
    assert diverged(**flags, seeds="30").diverged_by == together.diverged_by
