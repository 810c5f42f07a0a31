"""Runs that are meant by an id, its beginning, a name or their age, whatever their folders have."""

import json
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsig.errors import ConfigError, RunError
from hsig.runs import listing
from hsig.runs.listing import beginnings, find, ids_in, is_a_run, locate, names_in, offered
from hsig.runs.store import GoneError

FIRST = "20260101T000000.000000Z-0a"
SECOND = "20260101T000000.000000Z-0b"
THIRD = "20260102T000000.000000Z-0c"
WHAT_IS_MEANT = "Expected the beginning of one id, a name, latest or latest~1; hsig runs list"


def call(runs, names):
    """Folders of these ids with these names, or without any."""
    for one, name in names.items():
        (runs / one).mkdir(parents=True)
        if name:
            (runs / one / "note.json").write_text(json.dumps({"name": name, "note": ""}))


@pytest.fixture
def three(runs):
    """Three runs, two of which have names, and folders that are none."""
    call(runs, {FIRST: "wide", SECOND: "", THIRD: "20260101"})
    for other in (f".unfinished-{FIRST}", "2026", "mine", f"{FIRST}.old"):
        (runs / other).mkdir()
    return runs


def refused(runs, text):
    """What is told of a text that means no run or several."""
    with pytest.raises(ConfigError) as caught:
        locate(runs, text)
    (message,) = caught.value.messages
    return message


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("latest", THIRD),
        ("latest~0", THIRD),
        ("latest~1", SECOND),
        ("latest~2", FIRST),
        ("latest~000000001", SECOND),
        (FIRST, FIRST),
        (THIRD, THIRD),
        ("20260102", THIRD),
        ("20260101", THIRD),  # by its name, though two ids begin so
        ("wide", FIRST),
    ],
)
def test_a_run_is_found_by_what_means_it(three, text, found):
    assert locate(three, text) == three / found


@pytest.mark.parametrize("steps", ["3", "4", "999999999", "9" * 50])
def test_further_back_than_the_first_run_there_is_none(three, steps):
    text = f"latest~{steps}"
    assert refused(three, text) == f"{text}: there are only 3 kept runs in {three}"


def test_a_number_without_end_is_said_in_short(three):
    told = refused(three, "latest~" + "9" * 5000)
    # 60 characters: 30 of the beginning, 29 of the end, and the ellipsis
    assert told == f"latest~{'9' * 23}…{'9' * 29}: there are only 3 kept runs in {three}"


def test_a_beginning_of_several_ids_is_told_with_the_first_of_them(three):
    call(three, {f"{THIRD}{digit}": "" for digit in "01"})
    assert refused(three, "2026010") == (
        f"2026010: 5 runs begin so: {FIRST}, {SECOND}, {THIRD}. {WHAT_IS_MEANT} shows them"
    )
    assert refused(three, f"{FIRST[:-1]}") == (
        f"{FIRST[:-1]}: 2 runs begin so: {FIRST}, {SECOND}. {WHAT_IS_MEANT} shows them"
    )


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("nothing", ""),
        ("wid", " Did you mean 'wide'?"),
        ("mine", ""),
        ("latest~x", ""),
        ("latest~", ""),
        ("LATEST", ""),
    ],
)
def test_what_means_no_run_is_told_with_a_name_that_is_near(three, text, hint):
    assert refused(three, text) == (
        f"{text}: no run in {three} begins so or has this name.{hint} {WHAT_IS_MEANT} shows them"
    )


@pytest.mark.parametrize("number", [2, 10, 11, 12])
def test_a_name_of_several_runs_is_told_with_the_newest_ten_ids(runs, number):
    ids = [f"2026010{day}T000000.000000Z-{digit}" for day in (1, 2) for digit in "012345"]
    call(runs, dict.fromkeys(ids[:number], "twice"))
    listed = ", ".join([*reversed(ids[:number])][:10])
    told = f"twice: {number} runs have this name. Give the id of one: {listed}"
    assert refused(runs, "twice") == told


@pytest.mark.parametrize("text", ["latest", "latest~1", FIRST, "wide", ""])
def test_without_runs_any_text_is_told_where_they_were_looked_for(runs, text):
    told = f"{runs}: there are no kept runs here. Choose the folder with --runs-dir"
    assert refused(runs, text) == told
    (runs / "mine").mkdir(parents=True)
    assert refused(runs, text) == told


def test_an_empty_text_means_the_only_run(runs):
    call(runs, {FIRST: "wide"})
    assert locate(runs, "") == runs / FIRST


def test_a_run_that_is_removed_as_it_is_read_is_not_meant(three, monkeypatch):
    def reading(folder):
        if folder.name == THIRD:
            shutil.rmtree(folder)
            raise GoneError(f"{folder}: is not there any more")
        return folder

    monkeypatch.setattr(listing, "read", reading)
    assert find(three, "latest~1") == three / SECOND
    assert find(three, "latest") == three / SECOND
    with pytest.raises(ConfigError, match=r"20260102: no run in .* begins so"):
        find(three, "20260102")


# --- ids and names ----------------------------------------------------------------------------


def test_ids_are_listed_from_the_oldest_and_names_as_the_ids_are(three):
    assert ids_in(three) == [FIRST, SECOND, THIRD]
    assert names_in(three, [THIRD, SECOND, FIRST]) == [("20260101", THIRD), ("wide", FIRST)]
    assert ids_in(three / "nowhere") == []


@given(st.sets(st.text("01", min_size=1, max_size=4), min_size=1, max_size=6))
def test_a_beginning_is_the_shortest_that_is_a_second_and_of_one_id_alone(ends):
    ids = sorted(f"20260101T00000{end[0]}.{end[1:]}" for end in ends)

    def alone(one):
        """The same by trying every length; the whole id if another begins with that."""
        least = len("20260101T000000")
        tried = (one[:size] for size in range(least, len(one)))
        return next((t for t in tried if sum(o.startswith(t) for o in ids) == 1), one)

    assert beginnings(ids) == {one: alone(one) for one in ids}


def test_the_beginning_of_an_only_id_is_its_second():
    assert beginnings([FIRST]) == {FIRST: "20260101T000000"}
    assert beginnings([]) == {}


# --- what a word may mean ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "with_runs", "without"),
    [
        ("latest", True, True),
        ("latest~1", True, True),
        ("latest~x", True, True),
        ("latest~1~2", True, True),
        ("20990101T", True, True),
        ("20990101T235959.5", True, True),
        ("20990101", False, False),
        ("2026", True, False),
        ("20260102T0", True, True),
        ("wide", True, False),
        ("wid", False, False),
        ("wider", False, False),
        ("latestx", False, False),
        ("~latest", False, False),
        ("mine", False, False),
        ("x20990101T", False, False),
    ],
)
def test_a_word_is_a_run_by_its_form_or_if_one_is_called_so(three, text, with_runs, without):
    assert is_a_run(three, text) is with_runs
    assert is_a_run(three / "nowhere", text) is without


def test_what_is_offered_begins_as_what_is_typed_the_newest_first(three):
    latest, names = ("latest", THIRD), [("20260101", THIRD), ("wide", FIRST)]
    ids = [(THIRD, ""), (SECOND, ""), (FIRST, "")]
    assert offered(three, "") == [latest, *names, *ids]
    assert offered(three, "20260101") == [names[0], *ids[1:]]
    assert offered(three, "l") == [latest]
    assert offered(three, "w") == [names[1]]
    assert offered(three, "ide") == []
    assert offered(three / "nowhere", "") == []


def test_where_no_runs_can_be_read_nothing_is_offered_and_no_word_is_one(runs):
    runs.write_bytes(b"")
    with pytest.raises(RunError, match=r"runs: cannot be read: "):
        ids_in(runs)
    assert offered(runs, "") == []
    assert not is_a_run(runs, "2026")
