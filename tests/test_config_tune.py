"""What the key `tune` takes, and what it does not go with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsig.config.loading import load_experiment, load_side_by_side, resolved_keys
from hsig.config.sweeps import load_sweep
from hsig.errors import ConfigError

TWO = {"activations": "sigmoid,hard"}
HALF_DECADES = (0.01, 0.03162, 0.1, 0.3162, 1.0)


def tuned(text, **flags):
    return load_experiment(flags=TWO | {"tune": text} | flags).tune


@pytest.mark.parametrize(
    "text",
    [
        "learning_rate = log:0.01..1:5",
        "{learning_rate: log:0.01..1:5}",
        "{learning_rate: {log: [0.01, 1, 5]}}",
        "learning_rate=0.01,0.03162,0.1,0.3162,1",
        "{learning_rate: [1, 0.3162, 0.1, 0.03162, 1e-2]}",
    ],
)
def test_the_same_values_however_they_are_written_and_resolved(text):
    assert tuned(text) == HALF_DECADES
    keys = resolved_keys(load_experiment(flags=TWO | {"tune": text}))
    assert keys["tune"] == {"learning_rate": [*HALF_DECADES]}
    swept = load_sweep(None, {"learning_rate": "log:0.01..1:5"}).experiments
    assert tuple(cell.learning_rate for cell in swept) == HALF_DECADES


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("hidden=1,2", "hidden cannot be tuned. Expected learning_rate=log:0.01..10:13"),
        ("learning_rat=1,2", "Did you mean 'learning_rate'?"),
        ("learning_rate=1,2,hidden=1,2", "hidden=1"),
        ("{learning_rate: [1, 2], epochs: [1, 2]}", "learning_rate=log:0.01..10:13"),
        ("learning_rate=1", "2 to 50 values to try, got 1"),
        ("learning_rate=log:1..2:51", "2 to 50 values to try, got 51"),
        ("learning_rate=-1,2", "above 0, got -1"),
        ("learning_rate=1,fast", "above 0, got the text 'fast'"),
        ("learning_rate=1,1.0", "each value once"),
        ("learning_rate=log:0..1:3", "ends above 0, got 0"),
        ("learning_rate=log:1..05:3", "ambiguous"),
        ("learning_rate=05,1", "ambiguous"),
        ("{learning_rate: 3}", "learning_rate: expected a list, {linear: [from, to, n]}"),
        *(
            (text, "learning_rate=log:0.01..10:13")
            for text in ("learning_rate=", "fast", "{}", "3")
        ),
    ],
)
def test_what_is_no_tuning_is_refused_in_one_message(text, part):
    with pytest.raises(ConfigError) as caught:
        tuned(text)
    (message,) = caught.value.messages
    assert message.startswith("--tune: ")
    assert part in message


@pytest.mark.parametrize(
    ("flags", "part"),
    [
        ({"until": "0.1"}, "tune goes without until"),
        ({"activations": "hard"}, "at least 2 activations to compare, got 1"),
        (
            {"initial_weights": "{hidden: [[1], [2], [3]], output: [[4], [5]]}", "hidden": "1"},
            "initial_weights go with one seed",
        ),
        ({"seeds": "1000000", "report_every": "1"}, "than fit in"),
    ],
)
def test_what_tuning_does_not_go_with_is_refused(flags, part):
    with pytest.raises(ConfigError, match=part):
        tuned("learning_rate=1,2", **flags)


def test_tuning_is_for_comparisons_of_one_config(tmp_path):
    one, other = tmp_path / "one.yaml", tmp_path / "other.yaml"
    one.write_text("activations: [tanh, hard]\ntune: {learning_rate: [1, 2]}\n", encoding="utf-8")
    other.write_text("activations: [tanh, hard]\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"one\.yaml:2: tune: goes with one config"):
        load_side_by_side([one, other], {})
    with pytest.raises(ConfigError, match=r"one\.yaml:2: tune: a sweep has no use for this key"):
        load_sweep(one, {})
    with pytest.raises(ConfigError, match=r"one\.yaml:2: tune: this is for hsig compare"):
        load_experiment(one, {"activation": "hard"}, "explain")
    flags = {"activation": "hard", "learning_rate": "2"}  # which beats it
    experiment = load_experiment(one, flags, "explain")
    assert (experiment.tune, experiment.learning_rate) == ((), 2.0)


@given(
    st.sets(st.integers(0, 2**32 - 1), min_size=1, max_size=40)
    | st.sets(st.integers(0, 60), min_size=1),
    st.none() | st.integers(1, 80),
)
def test_no_seed_is_both_tuned_on_and_reported(reported, wanted):
    flags = TWO | {"seeds": f"[{','.join(map(str, reported))}]", "tune": "learning_rate=1,2"}
    if wanted is not None:
        flags["tune_seeds"] = str(wanted)
    experiment = load_experiment(flags=flags)
    tuning = experiment.tuning_seeds
    assert not {*tuning} & {*experiment.seeds}
    assert len({*tuning}) == len(tuning) == (wanted or len(reported))
    assert min(tuning) >= 0
    assert max(tuning) < 2**32
