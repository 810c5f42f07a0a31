"""A digest is another one for everything that numbers depend on: key by key, trained and compared.

What is kept is used again where its digest is the same, so one that left something out would pass
off the numbers of another experiment as those that were asked for.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsig.activations import ACTIVATIONS
from hsig.config import loading
from hsig.config.keys import COMPARE, KEYS, TRAIN, Key
from hsig.config.kinds import Whole
from hsig.config.loading import load_experiment
from hsig.engines import choice, reference
from hsig.engines.choice import ENGINES
from hsig.experiments.experiment import Experiment, Variant
from hsig.experiments.sweeps import ARRAYS, train_cell
from hsig.experiments.training import gather, run
from hsig.formulas.function import KINKS
from hsig.networks.tasks import Task
from hsig.runs import provenance
from hsig.runs.provenance import decisive_keys, digest_cell, digest_cells, digest_experiments


class Change(NamedTuple):
    """Of one key, from one value to another; beside others, where it needs them."""

    one: str | None
    other: str
    beside: Mapping[str, str] = MappingProxyType({})
    command: str = TRAIN


ONE = {"seeds": "5", "epochs": "30", "init": "uniform:-3,3", "report_every": "10"}
UNTIL = {"until": "0.1"}
TUNE = {"activations": "hard,tanh", "tune": "learning_rate=0.1,1"}
PAIR = {"activations": "hard,tanh"}
CONFIGS = Path(__file__).parents[1] / "configs"
CURVE = {"task": f"csv:{CONFIGS / 'curve.csv'}"}
WEIGHTS = "{hidden: [[1, 2], [3, 4], [5, 6]], output: [[1], [2], [%s]]}"
# in each the numbers are others, where the key says that numbers depend on it
CHANGES = {
    "task": Change("xor", "and"),
    "target": Change("above", "x", CURVE),
    "inputs": Change("x", "y", CURVE),
    "drop": Change("x", "y", CURVE),
    "missing": Change("refuse", "drop", CURVE),
    "target_kind": Change("class", "number", {"task": f"csv:{CONFIGS / 'people.csv'}"}),
    "held_out": Change("0.25", "0.5", CURVE),
    "data_seed": Change("0", "1", CURVE | {"held_out": "0.25"}),
    "test": Change(None, CURVE["task"], CURVE),
    "scale_target": Change("none", "minmax", {"task": f"csv:{CONFIGS / 'wave.csv'}"}),
    "measure": Change("solved", "loss"),
    "scale": Change("none", "standard"),
    "activation": Change("hard", "hard:slope=0.25"),
    "activations": Change("hard,tanh", "hard,relu", command=COMPARE),
    "output_activation": Change("sigmoid", "hard"),
    "loss": Change("bce", "squared"),
    "optimizer": Change("sgd", "adam"),
    "learning_rate": Change("0.1", "0.2"),
    "weight_decay": Change("0", "0.01"),
    "clip_norm": Change("none", "0.01"),
    "epochs": Change("30", "40"),
    "batch_size": Change("1", "3"),
    "update": Change("online", "batch"),
    "order": Change("fixed", "shuffled"),
    "hidden": Change("3", "4"),
    "bias": Change("true", "hidden"),
    "init": Change("uniform:-3,3", "uniform:-3,4"),
    "init_bias": Change("same", "constant:0.1"),
    "initial_weights": Change(WEIGHTS % 3, WEIGHTS % 4, {"hidden": "2", "seeds": "1"}),
    "seeds": Change("5", "0,3,8,1,2"),
    "until": Change("0.1", "0.2"),
    "max_seeds": Change("100", "200", UNTIL),
    "solved_within": Change("0.5", "0.9"),
    "stop_at": Change("0.7", "0.8"),
    "report_every": Change("10", "15"),
    "at_epochs": Change(None, "7"),
    "cost": Change("last", "mean"),
    "engine": Change("reference", "compiled", {"activation": "tanh"}),
    "workers": Change("1", "2"),
    "predict_with": Change(None, "tanh"),
    "baseline": Change("hard", "tanh", PAIR, COMPARE),
    "tune": Change("learning_rate=0.1,1", "learning_rate=0.1,2", PAIR, COMPARE),
    "tune_seeds": Change("5", "6", TUNE, COMPARE),
    "expect": Change("solved_at_least=0.1", "solved_at_least=0.2"),
}
# what nothing but the cells of a sweep depends on, which keep one cost
OF_CELLS = {"cost"}
# what a cell does not keep
OF_NO_CELL = {"report_every", "at_epochs"}

NEEDS = pytest.mark.skipif(
    len([e for e in ENGINES.values() if e.is_available()]) < 2, reason="one alone"
)


def made(change, key, value):
    flags = ONE | dict(change.beside) | ({key: value} if value is not None else {})
    flags = {name: text for name, text in flags.items() if name != "init" or "initial" not in key}
    return load_experiment(flags=flags, command=change.command)


def pair(key):
    change = CHANGES[key]
    return made(change, key, change.one), made(change, key, change.other)


def flat(part):
    """All numbers of a result, and their shapes, but for what it is called."""
    if isinstance(part, Variant):
        return []
    if is_dataclass(part):
        return [number for field in fields(part) for number in flat(getattr(part, field.name))]
    if isinstance(part, tuple):
        return [number for each in part for number in flat(each)]
    return [(part.shape, part.tobytes()) if isinstance(part, np.ndarray) else part]


def bits(experiment):
    """Every number that training gives."""
    return flat(gather(experiment, run(experiment)).results)


def cell_bits(experiment):
    """Every number that a cell of a sweep keeps."""
    result = train_cell(experiment)
    return [getattr(result, name).tobytes() for name in ARRAYS]


keyed = pytest.mark.parametrize(
    "key", [pytest.param(key, marks=NEEDS if key == "engine" else ()) for key in CHANGES]
)


def test_every_key_has_a_change_and_every_field_of_an_experiment_a_key():
    assert set(CHANGES) == set(KEYS)
    names = {field.name for field in fields(Experiment)} - {"variants"}
    apart = {"activation", "activations", "output_activation", "init_bias"}
    assert names == {name for name, key in KEYS.items() if not key.spells} - apart


@keyed
def test_another_value_has_another_digest_or_the_same_numbers(key):
    one, other = pair(key)
    changes_numbers = KEYS[key].numbers
    assert (digest_experiments([one]) != digest_experiments([other])) is changes_numbers
    assert (bits(one) != bits(other)) is changes_numbers


@keyed
def test_another_value_gives_a_cell_another_key_or_the_same_numbers(key):
    one, other = pair(key)
    if len(one.variants) > 1:  # no cell
        one, other = (replace(each, variants=each.variants[:1]) for each in (one, other))
        if key == "activations":
            other = replace(other, variants=pair(key)[1].variants[1:])
    differ = key in OF_CELLS or (KEYS[key].numbers and key not in OF_NO_CELL)
    assert (digest_cell(one) != digest_cell(other)) is differ
    if not differ or key in {"solved_within", "cost", "loss", "scale", "batch_size", "epochs"}:
        assert (cell_bits(one) != cell_bits(other)) is differ


# --- activations ------------------------------------------------------------------------------


def trained(hidden, output="sigmoid", **settings):
    """An experiment of one activation."""
    output = ACTIVATIONS[output] if isinstance(output, str) else output
    experiment = load_experiment(flags=ONE | {"loss": "squared"} | settings)
    return replace(experiment, variants=(Variant(hidden.name, (hidden,), output),))


def others(activation):
    """The same activation in every other setting: each number, each kink, each backward."""
    for name, value in activation.settings:
        number = 3.0 if np.isinf(value) else value + 0.0625
        yield name, activation.with_settings({name: number}, None)
    for kink in KINKS:
        if kink != activation.kink:
            yield "kink", activation.with_settings({"kink": kink}, None)
    for backward in ("own", "logistic", "output", "straight_through"):
        if backward != activation.backward:
            yield "backward", activation.with_settings({}, backward)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_setting_of_an_activation_has_another_digest_in_either_layer(name):
    own = ACTIVATIONS[name]
    found = [digest_experiments([trained(own)])]
    found += [digest_experiments([trained(other)]) for _, other in others(own)]
    found += [digest_experiments([trained(ACTIVATIONS["relu"], layer)]) for layer in (own,)]
    found += [digest_experiments([trained(ACTIVATIONS["relu"], other)]) for _, other in others(own)]
    assert len(set(found)) == len(found)


def test_learning_rates_of_their_own_count_for_each_variant():
    flags = ONE | {"activations": "hard,tanh"}
    plain = load_experiment(flags=flags, command=COMPARE)

    def with_rates(*rates):
        return replace(
            plain,
            variants=tuple(
                replace(variant, learning_rate=rate)
                for variant, rate in zip(plain.variants, rates, strict=True)
            ),
        )

    several = [plain, with_rates(0.1, 1.0), with_rates(1.0, 0.1), with_rates(1.0, 1.0)]
    assert len({digest_experiments([each]) for each in several}) == 4
    assert len({str(bits(each)) for each in several}) == 4
    # the same rates, said otherwise, are the same numbers
    said = replace(plain, learning_rate=1.0)
    assert bits(said) == bits(with_rates(1.0, 1.0))


# --- tasks ------------------------------------------------------------------------------------


def on(task, **changes):
    experiment = load_experiment(flags=ONE | {"activation": "hard"})
    return replace(experiment, task=replace(task, **changes))


def tasks_that_differ():
    task = load_experiment(flags=ONE).task
    order = [1, 0, 2, 3]
    inputs = task.inputs.copy()
    inputs[0, 0] = np.nextafter(0.0, 1.0)
    targets = task.targets.copy()
    targets[0] = 0.875
    return {
        "rows": on(task),
        "order": on(task, inputs=task.inputs[order], targets=task.targets[order]),
        "an input": on(task, inputs=inputs),
        "a target": on(task, targets=targets),
        "a row less": on(task, inputs=task.inputs[:3], targets=task.targets[:3]),
        "a row twice": on(
            task, inputs=task.inputs[[0, 0, 1, 2, 3]], targets=task.targets[[0, 0, 1, 2, 3]]
        ),
        "the order of columns": on(task, inputs=task.inputs[:, ::-1] * [1.0, 2.0]),
    }


def test_tasks_that_differ_in_a_row_or_in_order_have_digests_that_differ():
    made_of = tasks_that_differ()
    assert len({digest_experiments([each]) for each in made_of.values()}) == len(made_of)
    assert len({digest_cell(each) for each in made_of.values()}) == len(made_of)
    for what in ("order", "a target", "a row less", "a row twice", "the order of columns"):
        assert bits(made_of[what]) != bits(made_of["rows"]), what


def test_what_columns_are_called_changes_neither_digest_nor_numbers():
    task = load_experiment(flags=ONE).task
    columns = [field.name for field in fields(Task)]
    assert "columns" in columns
    one, other = on(task), on(task, columns=("left", "right", "wanted"))
    assert digest_experiments([one]) == digest_experiments([other])
    assert bits(one) == bits(other)


# --- the rest ---------------------------------------------------------------------------------


@given(st.floats(1e-6, 10.0), st.floats(1e-6, 10.0))
def test_numbers_that_differ_in_the_last_bit_differ_in_the_digest(one, other):
    experiment = load_experiment(flags=ONE)
    for name in ("learning_rate", "solved_within"):
        found = [
            digest_experiments([replace(experiment, **{name: number})]) for number in (one, other)
        ]
        assert (found[0] == found[1]) is (one == other)


def test_what_engines_depend_on_counts(monkeypatch):
    here = load_experiment(flags=ONE | {"engine": "reference"})
    found = {digest_experiments([here]), digest_cell(here)}
    monkeypatch.setattr(choice, "NUMERICS", choice.NUMERICS + 1)
    found |= {digest_experiments([here]), digest_cell(here)}
    monkeypatch.setattr(reference, "instruction_sets", lambda: ("none",))
    found |= {digest_experiments([here]), digest_cell(here)}
    monkeypatch.setattr(np, "__version__", "0.0")
    found |= {digest_experiments([here]), digest_cell(here)}
    assert len(found) == 8


def test_the_order_of_experiments_counts():
    one, other = (load_experiment(flags=ONE | {"epochs": epochs}) for epochs in ("30", "40"))
    assert digest_experiments([one, other]) != digest_experiments([other, one])
    keys = [digest_cell(one), digest_cell(other)]
    assert digest_cells(keys) != digest_cells(keys[::-1])


# --- keys that come later -----------------------------------------------------------------------

# numbers depend on these: one may change only with `NUMERICS`, or equal digests are of other bits
DEFAULTS = {
    "task": "xor",
    "target": None,
    "inputs": None,
    "drop": None,
    "target_kind": "auto",
    "held_out": None,
    "data_seed": 0,
    "test": None,
    "scale_target": "auto",
    "scale": "none",
    "activation": "sigmoid",
    "activations": None,
    "output_activation": None,
    "loss": None,
    "optimizer": "sgd",
    "learning_rate": None,
    "weight_decay": None,
    "clip_norm": "none",
    "epochs": 4000,
    "batch_size": 1,
    "update": None,
    "order": "fixed",
    "hidden": 3,
    "bias": True,
    "init": "uniform:0,1",
    "init_bias": None,
    "initial_weights": None,
    "seeds": 100,
    "solved_within": None,
    "stop_at": None,
    "report_every": 500,
    "at_epochs": None,
    "engine": "auto",
}


def test_the_defaults_that_digests_leave_out_are_what_they_were():
    assert {name: key.default for name, key in KEYS.items() if key.numbers} == DEFAULTS
    experiment = load_experiment()
    assert (experiment.learning_rate, experiment.weight_decay) == (0.1, 0.0)
    assert (experiment.loss.name, experiment.solved_within) == ("bce", 0.5)


def test_the_default_experiment_says_nothing_and_every_other_value_itself():
    assert decisive_keys(load_experiment()) == {}
    flags = {"epochs": "30", "hidden": "4", "workers": "2", "cost": "last"}
    assert decisive_keys(load_experiment(flags=flags)) == {"epochs": 30, "hidden": 4}


def test_a_key_that_comes_later_changes_no_digest_at_its_default(monkeypatch):
    one, other = (load_experiment(flags=ONE | {"epochs": epochs}) for epochs in ("30", "31"))
    before = [digest_experiments([one]), digest_experiments([other])]
    keys = {**KEYS, "later": Key("later", Whole(0, 9), 0)}
    later = property(lambda experiment: 7 if experiment.epochs == 31 else 0)
    monkeypatch.setattr(Experiment, "later", later, raising=False)
    for module in (loading, provenance):
        monkeypatch.setattr(module, "KEYS", keys)
    provenance.default_keys.cache_clear()
    try:
        assert digest_experiments([one]) == before[0]
        assert digest_experiments([other]) != before[1]
    finally:
        provenance.default_keys.cache_clear()
