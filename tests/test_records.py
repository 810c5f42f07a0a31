"""Kept runs: what is written is read again, and damage to any file is noticed and named."""

import io
import json
import subprocess
import sys
import zipfile
from dataclasses import fields, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from random import Random

import numpy as np
import pytest
from commands import hsig
from hypothesis import given
from hypothesis import strategies as st
from prepared import made_run

from hsig.analysis.parts import TASK, TUNING, Part
from hsig.errors import ConfigError, RunError
from hsig.experiments.experiment import Outcome, Training
from hsig.files import ASIDE
from hsig.runs.listing import find_record
from hsig.runs.provenance import digest_experiments, keys_of
from hsig.runs.record import (
    arrays_of,
    compare_outcomes,
    keep_run,
    read_parts,
    same_bits,
    within_precision,
)
from hsig.runs.store import (
    FORMAT,
    NO_NOTE,
    NOTE,
    RESULT,
    RUN,
    SEEDS,
    describe_damage,
    pack_record,
    read_file,
    read_record,
    read_records,
    remove_record,
    write_note,
)

CONFIG = "config.yaml"
FEW = {"seeds": "3", "epochs": "20"}


@pytest.fixture
def record(tmp_path):
    return keep_run(tmp_path / "runs", **made_run(**FEW))


def read_everything(record):
    """All that a record has, as commands read it."""
    record = read_record(record.folder)
    parts = read_parts(record)
    return (
        {name: value for name, value in record.meta.items() if name != "files"},
        read_file(record, CONFIG),
        [arrays_of(training) for part in parts for training in part.outcome.results],
        len(pack_record(record)),
    )


# --- there and back ---------------------------------------------------------------------------

SPECS = ("hard", "tanh:backward=straight_through", "x*sin(x)", "relu", "ultra_fast")


@given(
    activation=st.sampled_from(SPECS),
    seeds=st.sampled_from(["1", "3", "[7, 2]"]),
    hidden=st.sampled_from(["1", "4"]),
    flags=st.fixed_dictionaries(
        {},
        optional={
            "task": st.sampled_from(["xor", "parity3"]),
            "loss": st.sampled_from(["squared", "bce"]),
            "learning_rate": st.sampled_from(["0.1", "1e6"]),
            "init": st.sampled_from(["uniform:-2,2", "uniform:0,1"]),
            "scale": st.just("standard"),
            "output_activation": st.just("sigmoid"),
        },
    ),
    name=st.text(st.characters(categories=["L", "N", "S"]), max_size=9),
    complete=st.booleans(),
)
def test_what_is_kept_comes_back_with_every_bit(
    tmp_path_factory, activation, seeds, hidden, flags, name, complete
):
    flags = {"loss": "squared", **flags, "activation": activation, "seeds": seeds}
    run = made_run(**flags, hidden=hidden)
    run |= {"complete": complete, "note": NO_NOTE.updated(name, None)}
    record = keep_run(tmp_path_factory.mktemp("runs"), **run)
    again = read_record(record.folder)
    assert (again.meta, again.note) == (json.loads(json.dumps(record.meta)), run["note"])
    assert (again.command, again.complete, again.is_sweep) == ("train", complete, False)
    assert [read_file(again, CONFIG).decode()] == [*run["configs"].values()]
    (before,), (after,) = run["parts"], read_parts(again)
    assert digest_experiments([after.experiment]) == again.digest
    assert keys_of(after.experiment) == keys_of(before.experiment)
    for one, other in zip(before.outcome.results, after.outcome.results, strict=True):
        assert (one.failure, one.epochs, one.seeds) == (other.failure, other.epochs, other.seeds)
        assert same_bits(one.verdict, other.verdict)
        if not one.failure:
            arrays = arrays_of(other)
            assert all(same_bits(array, arrays[n]) for n, array in arrays_of(one).items())


def test_several_parts_come_back_each_with_its_labels_rates_and_role(tmp_path):
    run = made_run(activation="hard", **FEW)
    (part,) = run["parts"]
    outcome = part.outcome
    variant = replace(outcome.experiment.variants[0], learning_rate=0.5)
    tuned = replace(outcome.experiment, variants=(variant,))
    failed = Outcome(tuned, (Training.failed(variant, "it has no gradient"),))
    parts = [
        Part("xor", part.experiment, outcome_named(outcome, "xor"), TASK),
        Part("tuning", part.experiment, failed, TUNING, "hidden"),
        Part("stopped", part.experiment, Outcome(tuned, ())),
    ]
    found = read_parts(keep_run(tmp_path, **run | {"parts": parts}))
    for before, after in zip(parts, found, strict=True):
        assert (before.name, before.layers, before.role) == (after.name, after.layers, after.role)
        variants = [part.outcome.experiment.variants for part in (before, after)]
        assert variants[0] == variants[1]
        assert len(before.outcome.results) == len(after.outcome.results)
    assert found[1].outcome.results[0].failure == "it has no gradient"


def outcome_named(outcome, name):
    named = outcome.experiment.prefix_labels(name)
    results = zip(outcome.results, named.variants, strict=True)
    return Outcome(named, tuple(replace(r, variant=variant) for r, variant in results))


def test_a_record_can_be_read_without_hsig(record):
    meta = json.loads((record.folder / RUN).read_text())
    assert {path.name for path in record.folder.iterdir()} == {RUN, RESULT, SEEDS, CONFIG}
    assert meta["record_format"] == FORMAT
    for name, file in meta["files"].items():
        data = (record.folder / name).read_bytes()
        assert file == {"sha256": sha256(data).hexdigest(), "bytes": len(data)}
    json.loads((record.folder / RESULT).read_text())
    with np.load(record.folder / SEEDS) as arrays:
        names = set(arrays)
        assert arrays["0/0/cost_mean"].shape == (3, 3)
        assert arrays["0/0/weights/0"].shape == (3, 3, 3)
        assert arrays["0/0/weights/1"].shape == (3, 4, 1)
    training = made_run(**FEW)["parts"][0].outcome.results[0]
    assert {f"0/0/{name}" for name in arrays_of(training)} == names
    kept = {f"evidence/{f.name}" for f in fields(training.evidence)}
    assert kept <= {name.removeprefix("0/0/") for name in names}


def test_a_run_of_each_command_is_shown_again_as_it_was(runs):
    assert runs.name == "runs"
    for words in (
        ("train", "hard"),
        ("compare", "hard", "tanh"),
        ("explain", "hard"),
        ("sweep", "hard", "--learning-rate", "0.1,1"),
    ):
        shown = hsig(*words, "-s", "5", "-e", "60")[1]
        assert hsig("runs", "show", "latest")[1] == shown
        document = json.loads(hsig("runs", "show", "latest", "-f", "json")[1])
        assert document == json.loads((find_record(runs, "latest").folder / RESULT).read_text())


# --- damage -----------------------------------------------------------------------------------


def flip_a_bit(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGE = {"missing": Path.unlink, "flipped": flip_a_bit}


@pytest.mark.parametrize("file", [RUN, SEEDS, CONFIG, RESULT])
@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_one_error_that_names_the_file(record, file, damage):
    DAMAGE[damage](record.folder / file)
    with pytest.raises(RunError) as problem:
        read_everything(record)
    assert str(problem.value) == f"run {record.id} is damaged: {file}"


@given(st.integers(0, 2**32), st.sampled_from([RUN, SEEDS, CONFIG, RESULT]))
def test_a_byte_that_changed_is_noticed_or_changes_nothing(tmp_path_factory, seed, file):
    record = keep_run(tmp_path_factory.mktemp("runs"), **made_run(seeds="1", epochs="2"))
    expected, random = read_everything(record), Random(seed)
    path = record.folder / file
    data = bytearray(path.read_bytes())
    data[random.randrange(len(data))] = random.randrange(256)
    path.write_bytes(data)
    problem = ""
    try:
        found = read_everything(record)
    except RunError as error:
        problem = str(error)
    if problem:
        said = (f"run {record.id} is damaged: {file}", f"run {record.id} has format ")
        assert problem.startswith(said)
    else:
        assert str(found[:3]) == str(expected[:3])


def test_damage_is_seen_in_the_list_and_costs_no_other_run(runs):
    kept = [keep_run(runs, **made_run(**FEW)) for _ in range(4)]
    kept.sort(key=lambda record: record.id)
    (kept[0].folder / RUN).write_text("{")
    (kept[1].folder / SEEDS).unlink()
    (kept[2].folder / NOTE).write_text('{"name": 3}')
    (runs / f"{ASIDE}{kept[0].id}").mkdir()
    (runs / "mine.txt").touch()
    records, problems = read_records(runs)
    assert [record.id for record in records] == [record.id for record in kept[:0:-1]]
    assert problems == [f"run {kept[0].id} is damaged: {RUN}"]
    problems += [f"run {kept[2].id} is damaged: {NOTE}", f"run {kept[1].id} is damaged: {SEEDS}"]
    code, out, err = hsig("runs", "list", "--runs-dir", str(runs), "-f", "csv")
    assert (code, err.splitlines()) == (0, problems)
    assert len(out.splitlines()) == 4
    assert hsig("runs", "rm", kept[0].id, "--yes", "--runs-dir", str(runs))[0] == 0
    assert not kept[0].folder.exists()


@pytest.mark.parametrize("other", [FORMAT + 1, None])
def test_a_run_of_another_format_is_told_so(record, other):
    meta = json.loads((record.folder / RUN).read_text())
    (record.folder / RUN).write_text(json.dumps(meta | {"record_format": other}))
    runs = ("--runs-dir", str(record.folder.parent))
    for words in (("runs", "show", record.id), ("sweep", "--resume", record.id)):
        with pytest.raises(RunError, match=f"has format {other}, and this hsig reads"):
            hsig(*words, *runs)


@pytest.mark.parametrize("missing", ["measures/loss", "evidence/flat", "outlook/symmetric"])
def test_a_run_of_an_earlier_hsig_without_some_numbers_is_not_called_damaged(
    tmp_path, monkeypatch, missing
):
    def arrays_before(training):
        return {name: array for name, array in arrays_of(training).items() if name != missing}

    monkeypatch.setattr("hsig.runs.record.arrays_of", arrays_before)
    record = keep_run(tmp_path, **made_run(**FEW))
    with pytest.raises(RunError, match="an earlier hsig") as raised:
        read_parts(record)
    assert "damaged" not in str(raised.value)


def test_what_is_not_there_any_more_is_an_error_and_not_damage_in_a_list(record):
    remove_record(record.folder)
    for read in (lambda: read_record(record.folder), lambda: read_parts(record)):
        with pytest.raises(RunError):
            read()
    assert describe_damage(record) == []
    with pytest.raises(RunError, match="cannot be removed"):
        remove_record(record.folder)


# --- keeping ----------------------------------------------------------------------------------

STEPS = [("os.fsync", nth) for nth in range(6)] + [("pathlib.Path.rename", 0)]


@pytest.mark.parametrize(("call", "nth"), STEPS)
def test_a_full_disk_leaves_nothing_half_done(tmp_path, failing, call, nth):
    run = made_run(**FEW)
    with failing(call, nth, OSError(28, "No space left on device")):
        if nth < 5:
            with pytest.raises(RunError, match="cannot be kept: No space left on device"):
                keep_run(tmp_path, **run)
            assert [*tmp_path.iterdir()] == []
        else:
            with pytest.raises(RunError):  # its name may not be on the disk yet
                keep_run(tmp_path, **run)
            assert len(read_records(tmp_path)[0]) == 1


def test_ids_sort_by_time_and_never_meet(tmp_path):
    run = made_run(**FEW)
    kept = [keep_run(tmp_path, **run) for _ in range(3)]
    started = run["started"] + timedelta(microseconds=1)
    later = keep_run(tmp_path, **run | {"started": started})
    assert len({record.id for record in kept}) == 3
    assert max(record.id for record in kept) < later.id
    assert read_records(tmp_path)[0][0].id == later.id


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from prepared import made_run
from hsig.runs.record import keep_run
run = made_run(seeds="2", epochs="4")
for _ in range(10):
    keep_run(Path(sys.argv[1]), **run)
"""


def test_two_processes_write_while_another_reads_and_removes(tmp_path):
    runs = tmp_path / "runs"
    command = [sys.executable, "-c", WRITER, str(runs), str(Path(__file__).parent)]
    writers = [subprocess.Popen(command) for _ in range(2)]
    seen, removed = set(), set()
    while True:
        ended = all(writer.poll() is not None for writer in writers)
        records, problems = read_records(runs)
        assert problems == []
        for record in records:
            assert len(read_parts(record)) == 1
            seen.add(record.id)
            if len(removed) < 5 and record.id not in removed:
                remove_record(record.folder)
                removed.add(record.id)
        if ended:
            break
    assert [writer.returncode for writer in writers] == [0, 0]
    assert (len(seen), len(read_records(runs)[0])) == (20, 20 - len(removed))


# --- notes ------------------------------------------------------------------------------------


def test_a_note_is_changed_in_parts_and_no_number_depends_on_it(record):
    before = pack_record(record)
    write_note(record.folder, "wide", "two\nlines")
    write_note(record.folder, None, "another")
    write_note(record.folder, " narrow ", None)
    again = read_record(record.folder)
    assert (again.note.name, again.note.text) == ("narrow", "another")
    assert again.digest == record.digest
    assert find_record(record.folder.parent, "narrow").id == record.id
    write_note(record.folder, "", "")
    assert not (record.folder / NOTE).exists()
    assert len(pack_record(read_record(record.folder))) == len(before)


@pytest.mark.parametrize(
    ("name", "text"),
    [("x" * 41, None), ("two\nlines", None), ("latest~1", None), (None, "\0"), (None, "x" * 2001)],
)
def test_what_no_run_can_be_called_is_refused(record, name, text):
    with pytest.raises(ConfigError, match="--name: " if name else "--note: "):
        write_note(record.folder, name, text)
    with pytest.raises(ConfigError, match="that is no id"):
        write_note(record.folder, record.id, None)
    assert not read_record(record.folder).note


def test_a_note_that_cannot_be_written_leaves_the_one_that_is_there(record, failing):
    write_note(record.folder, "old", None)
    with failing("os.fsync", 0, OSError(28, "full")), pytest.raises(RunError, match="full"):
        write_note(record.folder, "new", None)
    assert read_record(record.folder).note.name == "old"


# --- packing ----------------------------------------------------------------------------------


def test_a_packed_run_has_every_file_and_is_a_run_again(record, tmp_path):
    write_note(record.folder, "wide", None)
    (record.folder / "mine.txt").touch()
    data = pack_record(read_record(record.folder))
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        file.extractall(tmp_path / "elsewhere")
    assert {path.name for path in (tmp_path / "elsewhere" / record.id).iterdir()} == {
        *(RUN, RESULT, SEEDS, CONFIG, NOTE)
    }
    again = find_record(tmp_path / "elsewhere", "wide")
    assert read_everything(again)[:2] == read_everything(record)[:2]


# --- comparing --------------------------------------------------------------------------------


def test_bits_are_what_was_trained_and_what_was_observed_is_compared_to_a_precision():
    (part,) = made_run(activation="hard", **FEW)["parts"]
    outcome = part.outcome
    (training,) = outcome.results

    def changed(**arrays):
        return Outcome(outcome.experiment, (replace(training, **arrays),))

    def times(factor):
        return replace(training.measures, loss=training.loss * factor)

    weights = (np.nextafter(training.weights[0], 9.0), *training.weights[1:])
    nearly = training.evidence.gradient * (1 + 1e-12)
    apart = training.evidence.gradient + 1e-3
    assert compare_outcomes(outcome, outcome) == ([], [])
    assert compare_outcomes(outcome, changed(weights=weights)) == (["hard: weights/0"], [])
    costs = changed(cost_last=np.nextafter(training.cost_last, 9.0))
    assert compare_outcomes(outcome, costs) == (["hard: cost_last"], [])
    assert compare_outcomes(outcome, changed(measures=times(1 + 1e-12))) == ([], [])
    assert compare_outcomes(outcome, changed(measures=times(2.0))) == ([], ["hard: measures/loss"])
    evidence = changed(evidence=replace(training.evidence, gradient=nearly))
    assert compare_outcomes(outcome, evidence) == ([], [])
    evidence = changed(evidence=replace(training.evidence, gradient=apart))
    assert compare_outcomes(outcome, evidence) == ([], ["hard: evidence/gradient"])
    engine = part.experiment.engine_of(training.variant).NAME
    assert compare_outcomes(outcome, changed(weights=weights), elsewhere=[engine]) == ([], [])


def test_zeros_count_by_their_sign_and_undefined_numbers_are_all_the_same():
    nan, minus = np.array([np.nan, 0.0]), np.array([np.nan, -0.0])
    assert same_bits(nan, nan.copy())
    assert not same_bits(nan, minus)
    assert within_precision(nan, minus)
    assert not same_bits(np.array([1]), np.array([1.0]))
    assert not same_bits(np.array([1.0]), np.array([1.0, 1.0]))
