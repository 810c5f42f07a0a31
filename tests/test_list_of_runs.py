"""Which run is meant, which are listed, and what the commands on kept runs do."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from commands import hsig, interrupted_at, invoked
from hypothesis import given
from hypothesis import strategies as st
from prepared import made_run

from hsig.config.keys import KEYS
from hsig.config.loading import load_experiment
from hsig.errors import ConfigError
from hsig.experiments.training import run
from hsig.runs.listing import (
    complete_run_name,
    find_record,
    names_a_run,
    read_conditions,
    read_since,
    settings,
    settings_of,
    shorten_ids,
)
from hsig.runs.record import keep_run
from hsig.runs.store import read_records, write_note

NOW = datetime(2026, 5, 6, 12, 30, tzinfo=UTC)


@pytest.fixture
def three(tmp_path):
    """Three runs, of which the last two have one name and begin in the same second."""
    made = made_run(seeds="2", epochs="4")
    for microseconds, name in ((0, ""), (2_000_000, "wide"), (2_000_003, "wide")):
        started = NOW + timedelta(microseconds=microseconds)
        record = keep_run(tmp_path, **made | {"started": started})
        if name:
            write_note(record.folder, name, None)
    return tmp_path


def ids(runs):
    return sorted(path.name for path in runs.iterdir())


# --- finding ----------------------------------------------------------------------------------


def test_a_run_is_found_by_id_beginning_name_and_age(three):
    first, second, third = ids(three)
    write_note(three / second, "narrow", None)
    for text, meant in {
        first: first,
        first[:15]: first,
        "20260506T123000": first,
        "wide": third,
        "narrow": second,
        "latest": third,
        "latest~0": third,
        "latest~2": first,
    }.items():
        assert find_record(three, text).id == meant


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("latest~3", "there are only 3 kept runs"),
        ("2026", "2026: 3 runs have this name or begin so. Give the id of one: 2026"),
        ("wide", "wide: 2 runs have .*: 20260506T123002.000003Z-.*, 20260506T123002.000000Z"),
        ("wied", "no run in .* has this name. Did you mean 'wide'?"),
        ("", "3 runs have"),
        ("../x", "no run in"),
        ("x" * 500, ": no run in .* begins so"),
    ],
)
def test_what_means_no_run_or_several_is_refused(three, text, message):
    with pytest.raises(ConfigError, match=message):
        find_record(three, text)


def test_a_shell_is_offered_names_and_ids_and_a_word_is_known_as_a_run(three):
    first, second, third = ids(three)
    words = [("latest", third), ("wide", third), ("wide", second)]
    assert complete_run_name(three, "") == [*words, (third, ""), (second, ""), (first, "")]
    assert complete_run_name(three, "w") == [("wide", third), ("wide", second)]
    assert complete_run_name(three / "nowhere", "") == []
    known = {"latest": True, "latest~9": True, "wide": True, "20260506": True, "tanh": False}
    assert {word: names_a_run(three, word) for word in known} == known
    assert names_a_run(three / "nowhere", "20260506T123000")
    assert not names_a_run(three / "nowhere", "wide")


@given(st.lists(st.integers(0, 10**5), unique=True, min_size=1, max_size=8))
def test_a_short_id_is_the_beginning_of_no_other(microseconds):
    found = sorted(f"20260506T123000.{n:06}Z-{n:012x}" for n in microseconds)
    for whole, short in shorten_ids(found).items():
        assert [other for other in found if other.startswith(short)] == [whole]
        assert len(short) >= len("20260506T123000")


# --- listing ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """Runs of every command, in a folder."""
    runs = tmp_path_factory.mktemp("several")
    few = ("-q", "-s", "4", "-e", "30", "--runs-dir", str(runs))
    hsig("train", "hard:slope=0.25", *few, "--name", "wide-1", "--init", "uniform:-2,2")
    hsig("train", "tanh", *few, "-l", "squared", "--note", "the\nfirst")
    hsig("compare", "hard", "tanh", *few, "-s", "3,5", "-e", "300", "-r", "1")
    hsig("sweep", "hard", *few, "-r", "0.1,1,10", "--name", "wide-2")
    hsig("explain", "x*sin(x)", *few)
    return runs


COMMANDS = ["explain", "sweep", "compare", "train", "train"]  # the newest first


def listed(several, *arguments):
    """The commands of the runs that are listed, by their place among all."""
    code, out, err = hsig("runs", "list", "--runs-dir", str(several), "-f", "json", *arguments)
    assert (code, err if err[:4] not in ("none", "3 ol") else "") == (0, "")
    order = sorted((record.id for record in read_records(several)[0]), reverse=True)
    return [order.index(run["id"]) for run in json.loads(out)["runs"]]


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        ((), [0, 1, 2, 3, 4]),
        (("activation=hard",), [1, 2, 4]),
        (("activation=hard:slope=0.25",), [4]),
        (("activations=tanh",), [2, 3]),
        (("name=wide*",), [1, 4]),
        (("name=",), [0, 2, 3]),
        (("note=the*",), [3]),
        (("command=sweep",), [1]),
        (("learning_rate=1",), [1, 2]),
        (("learning_rate>=10",), [1]),
        (("epochs>30",), [2]),
        (("epochs<=30", "loss==squared"), [3]),
        (("seeds<3",), [2]),
        (("seeds=[3, 5]",), [2]),
        (("init=uniform:-2,2",), [4]),
        (("output_activation=hard",), [1, 4]),
        (("solved>=0", "solved<=1"), [0, 2, 3, 4]),
        (("solved>2",), None),
        (("hidden>3",), []),
    ],
)
def test_conditions_choose_runs(several, conditions, found):
    flags = [word for condition in conditions for word in ("--where", condition)]
    if found is None:
        with pytest.raises(ConfigError, match="expected a share of the seeds"):
            listed(several, *flags)
    else:
        assert listed(several, *flags) == found


def test_what_is_no_condition_is_refused_all_at_once():
    with pytest.raises(ConfigError) as refused:
        read_conditions(["learning_rat=1", "activation", "epochs>many", "solved=most"])
    assert [message.partition(": ")[0] for message in refused.value.messages] == ["--where"] * 4
    for message, said in zip(
        refused.value.messages,
        ["unknown key 'learning_rat'. Did you mean", "expected a key", "'many'", ""],
        strict=True,
    ):
        assert said in message


def test_the_list_is_cut_and_says_so(several):
    assert listed(several, "--limit", "2") == [0, 1]
    err = hsig("runs", "list", "--runs-dir", str(several), "-n", "4", "-f", "csv")[2]
    assert err == "1 older runs are not listed (--limit)\n"
    assert listed(several, "--since", "today") == [0, 1, 2, 3, 4]
    assert listed(several, "--since", "2099-01-01") == []


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("30m", NOW - timedelta(minutes=30)),
        ("1.5 h", NOW - timedelta(hours=1.5)),
        ("2d", NOW - timedelta(days=2)),
        ("1w", NOW - timedelta(weeks=1)),
        ("2026-05-01T12:00+00:00", datetime(2026, 5, 1, 12, tzinfo=UTC)),
        ("2026-05-01", datetime(2026, 5, 1).astimezone()),
        ("today", datetime(2026, 5, 6).astimezone()),
        ("yesterday", datetime(2026, 5, 5).astimezone()),
        *((text, None) for text in ("tomorrow", "3", "2026-13-01", "1y", "9" * 400 + "d", "")),
    ],
)
def test_since_is_a_day_an_age_or_a_moment(text, moment):
    if moment is None:
        with pytest.raises(ConfigError, match="--since: expected today, yesterday"):
            read_since(text, NOW)
    else:
        assert read_since(text, NOW) == moment


def test_every_key_has_a_text_and_what_a_name_does_not_say_a_checksum(tmp_path):
    (tmp_path / "rows.csv").write_text("0,1,1\n1,0,1\n1,1,0\n0,0,0\n", encoding="utf-8")
    task = f"csv:{tmp_path / 'rows.csv'}"
    one = settings_of(load_experiment(flags={"task": task, "activation": "hard"}))
    assert set(one) == set(KEYS)
    (tmp_path / "rows.csv").write_text("0,1,0\n1,0,1\n1,1,0\n0,0,0\n", encoding="utf-8")
    other = settings_of(load_experiment(flags={"task": task, "activation": "hard"}))
    assert one["task"] != other["task"]
    record = keep_run(tmp_path / "runs", **made_run(task=task, seeds="2", epochs="2"))
    assert settings(record)["task"] == other["task"]
    for text in (other["task"], "rows.csv"):
        assert read_conditions([f"task={text}"])[0](record)
    assert not read_conditions([f"task={one['task']}"])[0](record)


# --- commands ---------------------------------------------------------------------------------


def test_two_runs_are_compared_in_settings_and_results(several):
    runs = ("--runs-dir", str(several))
    found = json.loads(hsig("runs", "diff", "latest~4", "latest~3", "-f", "json", *runs)[1])
    rows = {row["key"] for row in found["differences"]}
    assert {"activations", "loss", "init"} <= rows
    assert "epochs" not in rows
    with pytest.raises(ConfigError, match="is a sweep, and the other is not"):
        hsig("runs", "diff", "latest", "latest~1", *runs)
    with pytest.raises(ConfigError, match="given twice"):
        hsig("runs", "diff", "wide-1", "latest~4", *runs)


def test_what_a_kept_run_does_not_have_is_refused(several):
    runs = ("--runs-dir", str(several))
    with pytest.raises(ConfigError, match="--columns: is for comparisons"):
        hsig("runs", "show", "wide-1", "--columns", "solved", *runs)
    with pytest.raises(ConfigError, match=r"--long: .* is a sweep"):
        hsig("runs", "show", "wide-2", "--long", "-f", "csv", *runs)
    with pytest.raises(ConfigError, match="expected --name TEXT, --note TEXT or both"):
        hsig("runs", "note", "latest", *runs)


@pytest.mark.parametrize("which", ["wide-1", "latest~2", "wide-2", "latest"])
def test_a_run_is_trained_again_with_the_same_bits(several, which):
    code, out, _ = hsig("runs", "rerun", which, "-f", "json", "--runs-dir", str(several))
    found = json.loads(out)
    assert (code, found["same_bits"], found["same_digest"]) == (0, True, True)
    assert (found["different"], found["observed"], found["elsewhere"]) == ([], [], None)


def test_other_bits_are_named_and_exit_with_1(runs, monkeypatch):
    hsig("train", "hard", "-s", "3", "-e", "20", "-q")

    def wrong(experiment, **options):
        for event in run(experiment, **options):
            yield replace(event, losses=event.losses + 1.0)

    monkeypatch.setattr("hsig.experiments.parallel.run", wrong)
    code, out, _ = hsig("runs", "rerun", "latest", "-f", "json")
    found = json.loads(out)
    assert (code, found["same_bits"]) == (1, False)
    assert found["different"] == ["hard: cost_last", "hard: cost_mean"]
    assert runs.exists()


def test_an_early_stop_is_kept_said_and_not_repeated(runs, monkeypatch):
    with monkeypatch.context() as patch:
        interrupted_at(patch, 2)
        code, out, _ = hsig("compare", "hard", "tanh", "-s", "3", "-e", "40", "--workers", "1")
    assert (code, "hard" in out) == (130, True)
    assert "(stopped early)" in hsig("runs", "list")[1]
    with pytest.raises(ConfigError, match="was stopped early"):
        hsig("runs", "rerun", "latest")
    assert hsig("runs", "show", "latest")[0] == 0
    assert not find_record(runs, "latest").complete


def test_where_runs_go_is_chosen_and_nothing_is_kept_where_nobody_wants_it(runs, monkeypatch):
    few = ("train", "hard", "-s", "2", "-e", "4", "-q")
    hsig(*few, "--no-save")
    assert not runs.exists()
    monkeypatch.setenv("HSIG_RUNS_DIR", "variable")
    hsig(*few)
    hsig(*few, "--runs-dir", "flag")
    assert [len(ids(runs.parent / name)) for name in ("variable", "flag")] == [1, 1]
    monkeypatch.delenv("HSIG_RUNS_DIR")
    runs.write_text("a plain file", encoding="utf-8")
    found = hsig(*few)
    assert (found[0], "warning: runs: this run cannot be kept" in found[2]) == (0, True)
    assert invoked(*few, "--runs-dir", "runs").exit_code == 1  # the error of hsig itself
