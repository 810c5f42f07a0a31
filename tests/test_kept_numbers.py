"""What is kept of `train`, `compare` and `explain` comes back, number by number, or is refused."""

import hashlib
import io
import json
import os
import pickle
import re
from dataclasses import fields, is_dataclass, replace
from itertools import islice

import numpy as np
import pytest
from prepared import compared, made_run

from hsig.errors import ConfigError, RunError
from hsig.experiments.evidence import Evidence
from hsig.experiments.outlook import Outlook
from hsig.experiments.training import gather, run, verdicts
from hsig.networks.network import Weights
from hsig.runs import (
    ONE_RATE,
    TASK,
    Note,
    Part,
    arrays_of,
    different_arrays,
    digest,
    keep,
    not_kept,
    parts_of,
    read,
)
from hsig.runs.folder import signed
from hsig.runs.outcomes import same_bits
from hsig.runs.provenance import keys_of

# of three seeds, two checkpoints, four samples of two inputs and three hidden units
COSTS = [[0.7, 0.25], [0.7, 0.75], [0.7, np.nan]]
RIGHT, WRONG = [0.9, 0.8, 0.1, 0.2], [0.5, 0.6, 0.4, 0.1]
SHAPES = {
    "cost_last": (3, 2),
    "cost_mean": (3, 2),
    "predictions": (3, 4),
    "hidden_weights": (3, 3, 3),
    "output_weights": (3, 4, 1),
    **dict.fromkeys(("max_error", "solved", "solved_at", "lost_at", "diverged_at"), (3,)),
    **dict.fromkeys(("parted", "diverged_by"), (3,)),
    **{f"evidence/{field.name}": (3, 2) for field in fields(Evidence)},
    **{f"outlook/{field.name}": (3,) for field in fields(Outlook)},
    "evidence/gradient": (3, 2, 2),
}
TRUTHS = {"solved", "looked", "unsolvable"}
EPOCHS = {"solved_at", "lost_at", "diverged_at", "returns_after"}


def by_hand(activations="sigmoid,hard,tanh", failing="hard", draw=7, **flags):
    """A comparison in which every number of every training is another one, but for one failure."""
    made = {
        name: (f"{name} broke",) if name == failing else ([RIGHT, WRONG, WRONG], COSTS)
        for name in activations.split(",")
    }
    outcome, numbers = compared(made, **flags), np.random.default_rng(draw)
    return replace(
        outcome,
        results=tuple(
            one if one.failure else filled(one, outcome.experiment, numbers)
            for one in outcome.results
        ),
    )


def filled(training, experiment, numbers):
    def other(array):
        if array.dtype == bool:
            return numbers.random(array.shape) < 0.5
        if array.dtype.kind == "i":
            return numbers.integers(-1, 20, array.shape)
        made = numbers.normal(size=array.shape)
        made.flat[0] = np.nan
        made.flat[-1] = -np.inf
        return made

    def others(part):
        return {
            field.name: other(array)
            for field in fields(part)
            if isinstance(array := getattr(part, field.name), np.ndarray)
        }

    made = replace(
        training,
        **others(training),
        weights=Weights(*map(other, training.weights)),
        evidence=replace(training.evidence, **others(training.evidence)),
        outlook=replace(training.outlook, **others(training.outlook)),
        diverged_by=("", "overflow", ""),
    )
    return judged(made, experiment)


def judged(training, experiment):
    """With the verdicts that its numbers have."""
    verdict = verdicts(
        experiment,
        training.variant,
        training.solved,
        training.diverged_at,
        training.evidence,
        training.outlook,
    )
    return replace(training, verdict=verdict)


def of_parts(*parts):
    """A run that is to be kept, of these parts."""
    return replace(made_run(seeds="1", engine="reference"), command="compare", parts=parts)


def assert_same(one, other):
    """All of two parts, experiments, outcomes or trainings."""
    if is_dataclass(one):
        assert type(one) is type(other)
        for field in fields(one):
            assert_same(getattr(one, field.name), getattr(other, field.name))
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, tuple):
        assert len(one) == len(other)
        for mine, theirs in zip(one, other, strict=True):
            assert_same(mine, theirs)
    else:
        assert one == other


def kept_arrays(record):
    with np.load(record.folder / "seeds.npz") as file:
        return dict(file)


def rewritten(record, about=None, arrays=None, data=None):
    """A record that says otherwise, signed as hsig does."""
    about = dict(about or record.about)
    about.pop("checksum", None)
    if arrays is not None:
        made = io.BytesIO()
        np.savez(made, **arrays)
        data = made.getvalue()
    if data is not None:
        (record.folder / "seeds.npz").write_bytes(data)
        about["files"] = about["files"] | {"seeds.npz": hashlib.sha256(data).hexdigest()}
        about["bytes"] = about["bytes"] | {"seeds.npz": len(data)}
    (record.folder / "run.json").write_bytes(signed(about))
    return read(record.folder)


def refused(record, told):
    with pytest.raises(RunError) as caught:
        parts_of(record)
    assert str(caught.value) == f"{record.folder}: cannot be what hsig wrote: {told}"


# --- there and back ---------------------------------------------------------------------------


def test_every_part_comes_back_with_all_that_it_has(tmp_path):
    plain, other, small = by_hand(), by_hand(draw=8, workers="1"), by_hand("relu,tanh", "relu")
    rates = tuple(
        replace(variant, learning_rate=rate)
        for variant, rate in zip(other.experiment.variants, (0.5, None, 2.0), strict=True)
    )
    tuned = replace(
        other,
        experiment=replace(other.experiment, variants=rates),
        results=tuple(
            replace(result, variant=variant)
            for result, variant in zip(other.results, rates, strict=True)
        ),
    )
    parts = [
        Part("", plain.experiment, plain),
        Part("rate", replace(other.experiment, variants=rates), tuned, role=ONE_RATE),
        Part("more units", small.experiment, small, layers="hidden 2-3-1, output sigmoid"),
    ]
    back = parts_of(keep(tmp_path, of_parts(*parts)))
    assert len(back) == 3
    for before, after in zip(parts, back, strict=True):
        # what was tuned is a learning rate of the outcome's variants, not of the config
        before = replace(
            before,
            experiment=replace(
                before.experiment,
                variants=tuple(replace(v, learning_rate=None) for v in before.experiment.variants),
            ),
        )
        assert_same(before, after)


def test_one_of_several_tasks_comes_back_under_its_name(tmp_path):
    """Its name stands before the labels, in the baseline and in what is expected of one too."""
    whole = by_hand(baseline="tanh", expect="{tanh: {solved_at_least: 0}}")
    named = whole.experiment.named("first")
    outcome = replace(
        whole,
        experiment=named,
        results=tuple(
            replace(result, variant=variant)
            for result, variant in zip(whole.results, named.variants, strict=True)
        ),
    )
    assert [variant.label for variant in named.variants] == [
        f"first: {name}" for name in ("sigmoid", "hard", "tanh")
    ]
    part = Part("first", whole.experiment, outcome, is_config=True, role=TASK)
    (back,) = parts_of(keep(tmp_path, of_parts(part)))
    assert_same(part, back)


def test_seeds_that_were_added_while_it_trained_are_kept(tmp_path):
    outcome = by_hand("sigmoid,tanh", "")
    asked = replace(outcome.experiment, seeds=(0,))
    (back,) = parts_of(keep(tmp_path, of_parts(Part("", asked, outcome))))
    assert back.experiment.seeds == back.outcome.experiment.seeds == (0, 1, 2)
    assert_same(back.outcome, outcome)


def test_run_json_says_what_was_trained_and_how_many_seeds_solved_it(tmp_path):
    outcome = by_hand(seeds="[4, 2, 9]")
    first, _, last = outcome.results
    record = keep(tmp_path, of_parts(Part("x", outcome.experiment, outcome, "of a remedy")))
    assert record.about["parts"] == [
        {
            "name": "x",
            "layers": "of a remedy",
            "is_config": False,
            "role": "",
            "labels": ["sigmoid", "hard", "tanh"],
            "learning_rates": [None, None, None],
            "experiment": keys_of(outcome.experiment),
            "results": [
                {
                    "label": "sigmoid",
                    "epochs": [0, 10],
                    "solved": int(np.count_nonzero(first.solved)),
                    "seeds": 3,
                },
                {"label": "hard", "error": "hard broke"},
                {
                    "label": "tanh",
                    "epochs": [0, 10],
                    "solved": int(np.count_nonzero(last.solved)),
                    "seeds": 3,
                },
            ],
        }
    ]
    assert json.loads((record.folder / "run.json").read_text())["parts"] == record.about["parts"]


def test_arrays_are_named_by_part_variant_and_number(tmp_path):
    """As the README of runs says; there are none of a variant that could not be trained."""
    outcome = by_hand()
    parts = [Part(name, outcome.experiment, outcome) for name in ("one", "other")]
    found = kept_arrays(keep(tmp_path, of_parts(*parts)))
    assert set(found) == {
        f"{part}/{variant}/{name}" for part in (0, 1) for variant in (0, 2) for name in SHAPES
    }
    last = outcome.results[2]
    for name, array in (
        ("cost_last", last.cost_last),
        ("hidden_weights", last.weights.hidden),
        ("output_weights", last.weights.output),
        ("diverged_by", np.array(last.diverged_by)),
        ("evidence/slope", last.evidence.slope),
        ("outlook/fall", last.outlook.fall),
    ):
        np.testing.assert_array_equal(found[f"1/2/{name}"], array)
    assert set(arrays_of(last)) == set(SHAPES)


def test_a_variant_that_was_not_trained_has_numbers_of_the_same_kinds_for_no_seeds():
    first, failed, _ = by_hand().results
    kinds = {name: array.dtype.kind for name, array in arrays_of(first).items()}
    none = arrays_of(failed)
    assert {len(array) for array in none.values()} == {0}
    for name in ("diverged_by", "predictions", "solved_at", "outlook/looked", "outlook/fall"):
        assert none[name].dtype.kind == kinds[name], name


def test_a_record_has_all_that_a_command_made(tmp_path):
    outcome = by_hand()
    parts = [Part(name, outcome.experiment, outcome) for name in ("one", "other")]
    made = replace(
        of_parts(*parts),
        arguments=("compare", "a.yaml", "b.yaml"),
        configs={"a.yaml": "# é\n", "b.yaml": ""},
        result='{"text": "é"}',
        complete=False,
        seconds=1.25,
        note=Note("mine", "for later"),
    )
    for record in (kept := keep(tmp_path, made), read(kept.folder)):
        about = record.about
        assert record.folder.parent == tmp_path
        assert (record.command, about["arguments"]) == ("compare", list(made.arguments))
        assert (about["complete"], about["seconds"]) == (False, 1.25)
        assert about["started"] == "2026-01-02T03:04:05.000678+00:00"
        assert about["configs"] == {"config-1.yaml": "a.yaml", "config-2.yaml": "b.yaml"}
        assert (record.folder / "config-1.yaml").read_text(encoding="utf-8") == "# é\n"
        assert (record.folder / "result.json").read_text(encoding="utf-8") == made.result
        assert record.digest == digest([outcome.experiment] * 2)
        assert record.note == made.note


# --- records of before ------------------------------------------------------------------------

SINCE = {"parted", "evidence/slope", "evidence/wrong_gradient", "evidence/departure"} | {
    f"outlook/{field.name}" for field in fields(Outlook)
}


def of_before(record):
    """A record without the numbers that came later than the first ones."""
    found = kept_arrays(record)
    return rewritten(
        record, arrays={n: a for n, a in found.items() if n.split("/", 2)[2] not in SINCE}
    )


def trained(epochs):
    """Of two seeds, one of which diverges, up to an epoch of twenty; without twins as then."""
    made = made_run(activation="hard", loss="bce_naive", seeds="[3, 27]", engine="reference")
    (part,) = made.parts
    seen = islice(run(part.experiment, twins=0), epochs // 10 + 1)
    return replace(made, parts=[replace(part, outcome=gather(part.experiment, seen))])


@pytest.mark.parametrize("epochs", [10, 20])
def test_what_a_run_was_kept_without_is_seen_again_in_its_weights_as_far_as_it_can_be(
    tmp_path, epochs
):
    made = trained(epochs)
    (before,) = made.parts[0].outcome.results
    assert before.epochs[-1] == epochs
    assert (before.diverged_at >= 0).tolist() == [False, True]
    (part,) = parts_of(of_before(keep(tmp_path, made)))
    (after,) = part.outcome.results
    unknown = {
        name: np.full((2, len(before.epochs)), np.nan)
        for name in ("slope", "wrong_gradient", "departure")
    }
    for name, array in unknown.items():
        array[:, -1] = getattr(before.evidence, name)[:, -1]
    assert_same(replace(before, evidence=replace(before.evidence, **unknown)), after)
    assert before.outlook.looked.any() == (epochs == 20)


def test_numbers_that_are_kept_are_not_seen_anew(tmp_path):
    """Those of the evidence that were there before there were outlooks."""
    outcome = by_hand("sigmoid,tanh", "")
    record = of_before(keep(tmp_path, of_parts(Part("", outcome.experiment, outcome))))
    results = parts_of(record)[0].outcome.results
    for before, after in zip(outcome.results, results, strict=True):
        for name in set(SHAPES) - SINCE:
            np.testing.assert_array_equal(arrays_of(after)[name], arrays_of(before)[name])
        assert_same(after, judged(after, outcome.experiment))


def test_a_part_of_before_has_no_role_and_no_learning_rates_of_its_own(tmp_path):
    outcome = by_hand()
    record = keep(tmp_path, of_parts(Part("x", outcome.experiment, outcome, role=TASK)))
    (part,) = record.about["parts"]
    first = {name: value for name, value in part.items() if name not in {"role", "learning_rates"}}
    (back,) = parts_of(rewritten(record, record.about | {"parts": [first]}))
    assert_same(back, Part("x", outcome.experiment, outcome))


def test_variants_are_called_what_they_were_called_then(tmp_path):
    """The spelling of a setting may have changed since."""
    outcome = by_hand()
    record = keep(tmp_path, of_parts(Part("", outcome.experiment, outcome)))
    (part,) = record.about["parts"]
    of_then = part | {
        "labels": [f"{label}!" for label in part["labels"]],
        "results": [one | {"label": f"{one['label']}!"} for one in part["results"]],
    }
    (back,) = parts_of(rewritten(record, record.about | {"parts": [of_then]}))
    called = ["sigmoid!", "hard!", "tanh!"]
    assert [variant.label for variant in back.outcome.experiment.variants] == called
    assert [result.variant.label for result in back.outcome.results] == called


def test_what_a_run_was_kept_without_is_told(tmp_path):
    outcome = by_hand()
    record = keep(tmp_path, of_parts(Part("", outcome.experiment, outcome)))
    assert not_kept(record) == []
    before = of_before(record)
    assert not_kept(before) == [name for name in arrays_of(outcome.results[0]) if name in SINCE]


def test_the_baseline_of_a_kept_comparison_is_called_as_it_was(tmp_path):
    outcome = by_hand(baseline="tanh")
    record = keep(tmp_path, of_parts(Part("", outcome.experiment, outcome)))
    assert parts_of(record)[0].outcome.experiment.baseline == "tanh"


def test_a_run_that_has_no_numbers_at_all_lacks_none(tmp_path):
    outcome = by_hand("hard,tanh", "hard")
    broken = replace(outcome, results=outcome.results[:1])
    record = keep(tmp_path, of_parts(Part("", broken.experiment, broken)))
    assert kept_arrays(record) == {}
    assert not_kept(record) == []
    assert_same(parts_of(record)[0].outcome, broken)


# --- what is refused --------------------------------------------------------------------------


@pytest.fixture
def record(tmp_path):
    outcome = by_hand()
    return keep(tmp_path, of_parts(Part("", outcome.experiment, outcome)))


def test_a_cause_of_divergence_that_nobody_knows_is_refused(record):
    whole = kept_arrays(record)
    name = "0/2/diverged_by"
    refused(
        rewritten(record, arrays=whole | {name: np.full_like(whole[name], "x", dtype="U9")}),
        f"ValueError: {name}: expected causes of this hsig, got x",
    )


@pytest.mark.parametrize("name", SHAPES)
def test_an_array_of_another_shape_or_kind_is_refused(record, name):
    whole, shape = kept_arrays(record), SHAPES[name]
    last = f"0/2/{name}"
    array = whole[last]
    wrong = [np.delete(array, 0, axis) for axis in range(len(shape))]
    if name == "evidence/on_piece":  # the pieces of an activation are as many as it has
        assert array.shape == (*shape, 1)
        wrong += [array[..., 0]]
    else:
        assert array.shape == shape
        wrong += [array[None], array[..., None]]
    wrong += [array.astype(bool if array.dtype.kind != "b" else float)]
    if array.dtype.kind in "if":
        wrong += [array.astype("f4" if array.dtype.kind == "f" else "i4")]
    for one in wrong:
        refused(
            rewritten(record, arrays=whole | {last: one}),
            f"ValueError: {last}: expected numbers of their kind, of shape {shape}",
        )


@pytest.mark.parametrize(
    "name", [n for n in SHAPES if n != "parted" and not n.startswith(("evidence/", "outlook/"))]
)
def test_an_array_that_every_run_has_is_missed(record, name):
    left = {n: array for n, array in kept_arrays(record).items() if n != f"0/0/{name}"}
    refused(rewritten(record, arrays=left), f"KeyError: '0/0/{name}'")


def test_arrays_of_a_later_hsig_are_left_alone(record):
    whole, (before,) = kept_arrays(record), parts_of(record)
    more = {"0/0/more": np.zeros(7, dtype=int), "0/1/x": np.zeros(1), "more": np.zeros(1)}
    (after,) = parts_of(rewritten(record, arrays=whole | more))
    assert_same(before, after)


def test_seeds_and_those_that_solved_it_are_as_many_as_run_json_says(record):
    (part,) = record.about["parts"]
    first, *others = part["results"]
    k, n = first["solved"], first["seeds"]
    for said in (((k + 1) % 4, n), (k, n + 1)):
        results = [first | {"solved": said[0], "seeds": said[1]}, *others]
        changed = record.about | {"parts": [part | {"results": results}]}
        refused(
            rewritten(record, changed),
            f"ValueError: 0/0/solved: expected {said[0]} of {said[1]}",
        )


def test_a_label_for_no_activation_is_refused(record):
    (part,) = record.about["parts"]
    more = part | {"labels": [*part["labels"], "x"], "learning_rates": [None] * 4}
    with pytest.raises(RunError, match="cannot be what hsig wrote: ValueError: zip"):
        parts_of(rewritten(record, record.about | {"parts": [more]}))


def test_a_key_that_means_nothing_is_told_with_the_file_that_has_it(record):
    (part,) = record.about["parts"]
    odd = part | {"experiment": part["experiment"] | {"learning_rate": "much"}}
    with pytest.raises(ConfigError) as caught:
        parts_of(rewritten(record, record.about | {"parts": [odd]}))
    (told,) = caught.value.messages
    assert told.startswith(f"{record.folder / 'run.json'}: learning_rate: expected ")


class Trap:
    """What makes a folder as it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("reading", [parts_of, not_kept])
@pytest.mark.parametrize("alone", [True, False])
def test_nothing_that_is_kept_is_run_as_it_is_read(record, tmp_path, reading, alone):
    sprung = tmp_path / "sprung"
    if alone:
        odd = rewritten(record, data=pickle.dumps(Trap(sprung)))
    else:
        trap = np.array([Trap(sprung)], dtype=object)
        odd = rewritten(record, arrays=kept_arrays(record) | {"0/0/solved": trap})
    told = f"^{re.escape(str(record.folder))}: cannot be what hsig wrote: ValueError: .*pickle"
    if alone or reading is parts_of:
        with pytest.raises(RunError, match=told):
            reading(odd)
    else:
        assert reading(odd) == []
    assert not sprung.exists()


@pytest.mark.parametrize("reading", [parts_of, not_kept])
def test_numbers_that_are_not_as_they_were_written_are_named(record, reading):
    (record.folder / "seeds.npz").write_bytes(b"PK")
    path = record.folder / "seeds.npz"
    with pytest.raises(RunError) as caught:
        reading(record)
    assert str(caught.value) == (
        f"{path}: was changed after it was written: its checksum is another"
    )


# --- two outcomes -----------------------------------------------------------------------------


def with_number(training, name, array):
    """A training with one number changed, by the name that it is kept by."""
    if name == "diverged_by":
        return replace(training, diverged_by=tuple(array.tolist()))
    if name.endswith("_weights"):
        layer = name.removesuffix("_weights")
        return replace(training, weights=training.weights._replace(**{layer: array}))
    whole, _, part = name.rpartition("/")
    if whole:
        return replace(training, **{whole: replace(getattr(training, whole), **{part: array})})
    return replace(training, **{name: array})


def changed_a_bit(array):
    """One number of it by as little as can be."""
    array = array.copy()
    last = array.flat[1]
    if array.dtype == bool:
        array.flat[1] = not last
    elif array.dtype.kind == "f":
        array.flat[1] = np.nextafter(last, np.inf)
    else:
        array.flat[1] = last + array.dtype.type(1) if array.dtype.kind == "i" else last[1:]
    return array


@pytest.mark.parametrize("name", SHAPES)
def test_a_number_that_differs_by_a_bit_is_named_by_its_variant(name):
    one, other = by_hand(), by_hand()
    assert different_arrays(one, other) == []
    first, failed, last = other.results
    ends = [
        with_number(training, name, changed_a_bit(arrays_of(training)[name]))
        for training in (first, last)
    ]
    changed = replace(other, results=(ends[0], failed, ends[1]))
    assert different_arrays(one, changed) == [f"sigmoid: {name}", f"tanh: {name}"]
    assert different_arrays(changed, one) == [f"sigmoid: {name}", f"tanh: {name}"]
    assert different_arrays(one, changed, without=("x", name)) == []


def test_all_numbers_that_differ_are_named_variant_by_variant():
    one, other = by_hand(), by_hand(draw=8)
    found = different_arrays(one, other, without=["solved", "outlook/looked"])
    labels = [text.partition(": ")[0] for text in found]
    assert labels == sorted(labels)
    left = set(SHAPES) - {"solved", "outlook/looked"}
    always = {name for name in left if name.rpartition("/")[2] not in TRUTHS | {"diverged_by"}}
    for label in ("sigmoid", "tanh"):
        names = {text.partition(": ")[2] for text in found if text.startswith(label)}
        assert always <= names <= left


def test_a_variant_that_was_trained_only_once_differs():
    whole, second = by_hand(failing=""), by_hand(failing="hard")
    assert different_arrays(second, second) == []
    expected = ["hard: one was not trained"]
    first, _, last = second.results
    for one, other in ((whole, second), (second, whole)):
        names = [text for text in different_arrays(one, other) if text.startswith("hard")]
        assert names == expected
    changed = replace(
        second, results=(first, second.results[1], replace(last, max_error=1 + last.max_error))
    )
    assert different_arrays(second, changed) == ["tanh: max_error"]


def test_outcomes_of_other_variants_are_not_compared():
    whole = by_hand()
    part = replace(whole, results=whole.results[:2])
    for one, other in ((whole, part), (part, whole)):
        with pytest.raises(ValueError, match="zip"):
            different_arrays(one, other)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ([0.0, np.nan], [0.0, np.nan], True),
        ([0.0, np.nan], [0.0, 1.0], False),
        ([0.0], [-0.0], False),
        ([np.nan], [-np.nan], True),
        ([1.0], [1.0, 1.0], False),
        ([1.0], [1], False),
        ([1], [True], False),
        ([1, 2], [1, 2], True),
        (["a"], ["a"], True),
        (["a", ""], ["a", "longer"], False),
    ],
)
def test_arrays_are_the_same_in_kind_shape_and_every_number(one, other, same):
    assert same_bits(np.array(one), np.array(other)) is same
    assert same_bits(np.array(other), np.array(one)) is same
