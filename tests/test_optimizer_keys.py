"""The keys that decide a step: the optimizer and its rate, decay, clipping, batches and order."""

import itertools
import json
import math

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import hsig
from hsig.config.keys import KEYS, SWEEP, known_elsewhere
from hsig.config.loading import load_experiment, load_resolved, resolve, resolved_keys
from hsig.config.sweeps import load_sweep
from hsig.engines.optimizers import OPTIMIZERS, Optimizer
from hsig.engines.order import Order
from hsig.errors import ConfigError
from hsig.experiments.training import gather, run
from hsig.reports.phrases import heading
from hsig.runs.provenance import digest_experiments

KIND = KEYS["optimizer"].kind
# by hand, from the table of the manual: the rate and the decay that an optimizer has by default
DEFAULTS = {
    "sgd": (0.1, 0.0),
    "momentum": (0.01, 0.0),
    "nesterov": (0.01, 0.0),
    "rmsprop": (0.01, 0.0),
    "adam": (0.001, 0.0),
    "adamw": (0.001, 0.01),
}


def shares(excluded=True):
    return st.floats(0.0, 1.0, exclude_max=excluded)


@st.composite
def specs(draw):
    """An optimizer as it is written, some of its settings by name."""
    name = draw(st.sampled_from(list(OPTIMIZERS)))
    values = {
        key: shares() if key != "epsilon" else st.floats(1e-300, 1e9)
        for key in OPTIMIZERS[name].settings
    }
    chosen = {key: draw(value) for key, value in values.items() if draw(st.booleans())}
    return {"name": name, **chosen}


@st.composite
def written(draw):
    """Keys that decide a step, each given or left out."""
    keys = {
        "optimizer": specs(),
        "learning_rate": st.floats(1e-12, 1e9),
        "weight_decay": st.floats(0.0, 1e9),
        "clip_norm": st.floats(1e-12, 1e9) | st.just("none"),
        "batch_size": st.integers(1, 10**9) | st.just("all"),
        "order": st.sampled_from(["fixed", "shuffled"]),
    }
    return {key: draw(value) for key, value in keys.items() if draw(st.booleans())}


def as_flags(keys):
    return {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in keys.items()
    }


def decided(experiment):
    """All that a step depends on."""
    problem = experiment.problem_of(experiment.variants[0])
    return problem.learning_rate, problem.optimizer, problem.order


# --- what is written is what is trained ---------------------------------------------------------


@given(written())
def test_a_file_flags_and_resolved_keys_decide_the_same_step(tmp_path_factory, keys):
    path = tmp_path_factory.mktemp("keys") / "x.yaml"
    path.write_text(json.dumps({"seeds": 1, **keys}), encoding="utf-8")
    experiment = load_experiment(path)
    assert decided(load_experiment(flags={"seeds": "1", **as_flags(keys)})) == decided(experiment)
    resolved = json.loads(json.dumps(resolved_keys(experiment)))
    path.write_text(json.dumps(resolved), encoding="utf-8")
    again = load_experiment(path)
    assert decided(again) == decided(experiment)
    assert resolved_keys(again) == resolved
    assert resolved_keys(load_resolved(resolved, "run.json")) == resolved
    assert digest_experiments([again]) == digest_experiments([experiment])
    # and it is as it was written
    spec = keys.get("optimizer", {"name": "sgd"})
    rate, decay = DEFAULTS[spec["name"]]
    optimizer = experiment.problem_of(experiment.variants[0]).optimizer
    assert experiment.learning_rate == keys.get("learning_rate", rate)
    assert optimizer.weight_decay == keys.get("weight_decay", decay)
    assert optimizer.clip_norm == float(str(keys.get("clip_norm", "none")).replace("none", "inf"))
    assert {"name": optimizer.name, **optimizer.parameters}.items() >= spec.items()
    size = keys.get("batch_size", 1)
    shuffled = keys.get("order") == "shuffled"
    assert decided(experiment)[2] == Order(None if size == "all" else size, shuffled)


@given(specs())
def test_the_label_of_an_optimizer_is_a_spec_of_it(spec):
    optimizer = load_experiment(flags={"optimizer": json.dumps(spec)}).optimizer
    assert load_experiment(flags={"optimizer": optimizer.label}).optimizer == optimizer


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_rate_that_nobody_wrote_is_that_of_the_optimizer_and_is_said_to_be(name):
    rate, decay = DEFAULTS[name]
    experiment, origins = resolve(flags={"optimizer": name})
    assert (experiment.learning_rate, experiment.weight_decay) == (rate, decay)
    assert {origins["learning_rate"], origins["weight_decay"]} == {f"default of {name}"}
    first = heading(experiment, "sigmoid")[0]
    assert (name in first, "default" in first) == (name != "sgd",) * 2
    other = heading(load_experiment(flags={"optimizer": name, "learning_rate": "7"}), "")[0]
    assert "rate 7" in other
    assert "default" not in other


def test_a_setting_that_is_alone_needs_no_key_and_one_of_several_does():
    for spec in ("momentum:0.5", "momentum:momentum=0.5", '{"momentum": [0.5]}'):
        experiment = load_experiment(flags={"optimizer": spec})
        assert experiment.optimizer == Optimizer("momentum", (0.5,))
    with pytest.raises(ConfigError):
        load_experiment(flags={"optimizer": "rmsprop:0.9"})


# --- two spellings of one key -------------------------------------------------------------------

SPELLINGS = {"update: online": 1, "update: batch": None, "batch_size: 1": 1, "batch_size: 5": 5,
             "batch_size: all": None}  # fmt: skip


@pytest.mark.parametrize(("first", "second"), [*itertools.product(SPELLINGS, SPELLINGS)])
def test_of_two_spellings_the_later_source_wins_and_one_source_has_one(tmp_path, first, second):
    path = tmp_path / "x.yaml"
    path.write_text(first, encoding="utf-8")
    assert load_experiment(path).batch_size == SPELLINGS[first]
    key, value = second.split(": ")
    experiment, origins = resolve(path, {key: value})
    assert experiment.batch_size == SPELLINGS[second]
    assert origins["batch_size"] == KEYS[key].flag
    called = hsig.train("hard", epochs=1, seeds=1, **{key: yaml.safe_load(value)})
    assert called.summary.experiment.batch_size == SPELLINGS[second]
    if first.partition(":")[0] == key:
        return
    path.write_text(f"{first}\n{second}", encoding="utf-8")
    flags = {**dict([first.split(": ")]), key: value}
    for source, problem in ((path, "x.yaml:"), (None, "--update: ")):
        with pytest.raises(ConfigError) as caught:
            load_experiment(source, {} if source else flags)
        (message,) = caught.value.messages
        assert problem in message
        assert "batch_size" in message
    with pytest.raises(ConfigError):
        hsig.train("hard", epochs=1, seeds=1, **flags)


# --- elsewhere ----------------------------------------------------------------------------------

# by the documentation of each program
ELSEWHERE = {
    "SGD": "sgd",
    "torch.optim.Adam": "adam",
    "optim.AdamW": "adamw",
    "keras.optimizers.RMSprop": "rmsprop",
    "tf.train.GradientDescentOptimizer": "sgd",
    "AdamOptimizer": "adam",
    "SGD:momentum=0.8": "momentum:0.8",
    "SGD(momentum=0)": "sgd",
    "momentum:nesterov=true": "nesterov",
    "optim.SGD(net.parameters(), lr=0.1, momentum=0.8, nesterov=True)": "nesterov:0.8",
    "keras.optimizers.SGD(0.01, momentum=0.8)": "momentum:0.8",
    "Adam(betas=(0.5, 0.75), eps=1e-06)": "adam:beta1=0.5,beta2=0.75,epsilon=1e-06",
    "optax.adam(1e-3, b1=0.5)": "adam:beta1=0.5",
    "RMSprop(rho=0.5)": "rmsprop:alpha=0.5",
}


@pytest.mark.parametrize("text", ELSEWHERE)
def test_an_optimizer_of_another_program_is_told_as_it_is_written_here(text):
    with pytest.raises(ConfigError) as caught:
        load_experiment(flags={"optimizer": text})
    (message,) = caught.value.messages
    spec = message.removeprefix("--optimizer: expected ").partition(", and")[0]
    spec = spec.partition(", got")[0]
    meant = load_experiment(flags={"optimizer": spec}).optimizer
    assert meant == load_experiment(flags={"optimizer": ELSEWHERE[text]}).optimizer
    assert ("learning_rate 0.1" in message) is ("lr=0.1" in text)


@pytest.mark.parametrize("text", ["Adagrad", "lbfgs", "adam()(", "adam(x**", "(" * 500, ""])
def test_what_is_no_optimizer_is_refused_with_those_that_are(text):
    with pytest.raises(ConfigError) as caught:
        load_experiment(flags={"optimizer": json.dumps(text)})
    (message,) = caught.value.messages
    assert all(name in message for name in OPTIMIZERS)


@pytest.mark.parametrize("name", ["momentum", "nesterov", "betas", "beta_1", "rho", "eps"])
def test_a_setting_that_is_a_key_elsewhere_has_an_example_that_can_be_used(name):
    hint = known_elsewhere(name, lambda key: KEYS[key].flag)
    assert load_experiment(flags={"optimizer": hint.split()[-1].rstrip(".")}).optimizer.settings


def test_names_and_settings_are_completed():
    assert KIND.complete("ad") == ["adam", "adamw"]
    assert KIND.complete("adam:beta1=0.5,b") == ["adam:beta1=0.5,beta1=", "adam:beta1=0.5,beta2="]
    assert KIND.complete_several("sgd,rms") == ["sgd,rmsprop"]


# --- sweeps -------------------------------------------------------------------------------------


def sweep_of(**flags):
    return load_sweep(None, {"activation": "hard", "seeds": "2", **flags})


def test_each_cell_has_the_rate_of_its_own_optimizer():
    swept = sweep_of(optimizer="sgd,momentum:0.5,adam:beta1=0.5,beta2=0.5,adamw", epochs="2,3")
    assert [axis.values for axis in swept.axes] == [
        ("sgd", "momentum:0.5", "adam:beta1=0.5,beta2=0.5", "adamw"),
        ("2", "3"),
    ]
    found = [(e.optimizer.name, e.learning_rate, e.weight_decay) for e in swept.experiments[::2]]
    assert found == [(name, *DEFAULTS[name]) for name in ("sgd", "momentum", "adam", "adamw")]
    assert swept.differing == ("learning_rate", "weight_decay")
    for cell, experiment in zip(swept.cells, swept.experiments, strict=True):
        flags = {"activation": "hard", "seeds": "2", "report_every": "1000000000"}
        flags |= {axis.name: text for axis, text in zip(swept.axes, cell, strict=True)}
        assert resolved_keys(load_experiment(None, flags, SWEEP)) == resolved_keys(experiment)


def test_a_rate_that_is_given_is_that_of_all_cells():
    swept = sweep_of(optimizer="sgd,adam", learning_rate="0.1")
    assert [e.learning_rate for e in swept.experiments] == [0.1, 0.1]
    assert swept.differing == ()
    assert "0.1" in heading(swept.experiments[0], "", swept.differing)[0]


def test_the_heading_of_a_sweep_names_no_rate_that_is_that_of_one_cell_only():
    page = hsig.sweep("hard", optimizer=["sgd", "adam"], seeds=2, epochs=2).page
    assert page.document(True)["experiment"]["learning_rate"] is None
    assert page.document(True)["experiment"]["weight_decay"] == 0.0
    (first, *_), *_ = page.blocks
    assert "rate 0.1" not in str(first)


@pytest.mark.parametrize("text", ["update: [online, batch]", "batch_size: [1, all]"])
def test_either_spelling_can_be_swept_and_flags_beat_it(tmp_path, text):
    path = tmp_path / "x.yaml"
    path.write_text(f"sweep: {{{text}, epochs: [2, 3]}}", encoding="utf-8")
    sizes = [e.batch_size for e in load_sweep(path, {}).experiments]
    assert sizes == [1, 1, None, None]
    for flags, expected in (
        ({"update": "batch"}, [None, None]),
        ({"batch_size": "2,3"}, [2, 2, 3, 3]),
        ({"update": "batch,online"}, [None, None, 1, 1]),
    ):
        assert [e.batch_size for e in load_sweep(path, flags).experiments] == expected
    path.write_text(f"update: batch\nsweep: {{{text}}}", encoding="utf-8")
    with pytest.raises(ConfigError, match="is swept as well"):
        load_sweep(path, {})
    with pytest.raises(ConfigError, match="another spelling"):
        sweep_of(update="online,batch", batch_size="1,2")


# --- training -----------------------------------------------------------------------------------

SMALL = {"seeds": 3, "epochs": 30, "init": "uniform:-1,1", "report_every": 7}


@pytest.mark.parametrize("order", ["fixed", "shuffled"])
def test_a_batch_of_more_rows_than_there_are_is_all_of_them_and_is_said_to_be(order):
    trained = {
        size: hsig.train("tanh", optimizer="adam", order=order, batch_size=size, **SMALL)
        for size in ("all", 4, 16, 10**9, 3)
    }
    weights = {
        size: [layer.tobytes() for layer in result.parts[0].outcome.results[0].weights]
        for size, result in trained.items()
    }
    assert weights[4] == weights[16] == weights[10**9] == weights["all"] != weights[3]
    headings = {size: heading(result.summary.experiment, "")[0] for size, result in trained.items()}
    assert headings[4] == headings["all"]
    assert "all 4 rows" in headings[16]
    assert "the last of 1" in headings[3]
    assert all((order == "shuffled") is ("shuffled" in line) for line in headings.values())


MASK = 2**64 - 1


def mix(number):
    """The finalizer of SplitMix64, in whole numbers."""
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 & MASK
    number = (number ^ number >> 27) * 0x94D049BB133111EB & MASK
    return number ^ number >> 31


def last_row(rows, seed, epoch):
    """Where Durstenfeld's shuffle ends up with what it swaps last-to-first."""
    golden, order = 0x9E3779B97F4A7C15, list(range(rows))
    key = mix((mix((seed + golden) & MASK) + epoch) & MASK)
    for last in range(rows - 1, 0, -1):
        key = key + golden & MASK
        chosen = (mix(key) >> 32) * (last + 1) >> 32
        order[last], order[chosen] = order[chosen], order[last]
    return order[-1]


@pytest.mark.parametrize("size", [1, 3, "all"])
def test_the_last_cost_is_of_the_row_that_a_seed_comes_to_last(size):
    chosen = load_experiment(
        flags={
            "activation": "tanh", "task": "parity3", "seeds": "0,5,4294967295", "epochs": "4",
            "report_every": "1", "order": "shuffled", "batch_size": str(size),
        }
    )  # fmt: skip
    events = list(run(chosen))
    (training,) = gather(chosen, events).results
    for column, event in enumerate(events):
        for place, seed in enumerate(chosen.seeds):
            expected = event.losses[place, last_row(8, seed, event.epoch)]
            assert training.cost_last[place, column] == expected
    assert (training.cost_last != np.stack([e.losses[:, -1] for e in events], axis=1)).any()


def test_a_gradient_that_has_always_been_0_moves_nothing():
    """A dead unit under Adam and RMSprop: 0 divided by epsilon, and not by 0."""
    dead = "{hidden: [[0, 0], [0, 0], [-1, 1]], output: [[1], [1], [0]]}"
    for optimizer in ("adam", "rmsprop:epsilon=1e-300", "adamw"):
        flags = {"optimizer": optimizer, "initial_weights": dead, "hidden": "2", "epochs": "50"}
        flags |= {"activation": "relu", "weight_decay": "0"}
        experiment = load_experiment(flags=flags)
        (training,) = gather(experiment, run(experiment)).results
        assert training.weights[0][0, :, 0].tolist() == [0.0, 0.0, -1.0]
        assert training.weights[0][0, 2, 1] != 1.0
        assert all(map(math.isfinite, training.weights[0].ravel()))
