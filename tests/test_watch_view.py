"""What keys and time make of a view: whatever comes, it stays within its seeds and its budget."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsig.reports.page import FASTEST, SLOWEST, View

KEYS = ("left", "right", "up", "down", "space", "r", "q", "escape", "x", "Q", "")
VIEW = View.of(5, 1000, 10.0)
seconds = st.floats(0.0, 1e9)
steps = st.lists(st.sampled_from(KEYS) | seconds | st.tuples(st.integers(0, 2000), st.booleans()))


def taken(view, step):
    """The view after a key, some seconds, or what training says of itself."""
    match step:
        case str():
            return view.pressed(step)
        case float():
            return view.after(step)
    epoch, behind = step
    return view.held(epoch, behind=behind)


@given(st.integers(1, 9), st.integers(1, 10**9), st.none() | st.floats(SLOWEST, FASTEST), steps)
def test_a_view_stays_within_its_seeds_its_budget_and_its_speeds(seeds, budget, speed, taking):
    view = View.of(seeds, budget, speed)
    for step in taking:
        view = taken(view, step)
        assert 0 <= view.place < seeds
        assert 0.0 <= view.epoch <= budget
        assert SLOWEST <= view.speed <= FASTEST
        assert (view.seeds, view.budget) == (seeds, budget)


@given(steps)
def test_only_q_and_escape_end_it_and_nothing_brings_it_back(taking):
    view = VIEW
    for step in taking:
        before, view = view, taken(view, step)
        assert view.ended == (before.ended or step in ("q", "escape"))


@given(st.sampled_from(KEYS), seconds)
def test_of_all_keys_only_r_changes_the_epoch(key, passed):
    view = VIEW.after(passed)
    assert view.pressed(key).epoch == (0.0 if key == "r" else view.epoch)


def test_the_budget_takes_twenty_seconds_unless_somebody_says_otherwise():
    view = View.of(1, 4000)
    assert view.after(19.99).epoch < 4000
    assert view.after(20.0).at_end
    assert View.of(1, 4000, 100.0).after(20.0).epoch == 2000


def test_up_and_down_change_the_speed_and_undo_each_other():
    assert VIEW.pressed("up").speed > VIEW.speed > VIEW.pressed("down").speed
    assert VIEW.pressed("up").pressed("down") == VIEW == VIEW.pressed("down").pressed("up")


def test_left_and_right_stop_at_the_first_and_last_seed():
    places = [VIEW.place]
    view = VIEW.pressed("left")
    for _ in range(6):
        places.append(view.place)
        view = view.pressed("right")
    assert places == [0, 0, 1, 2, 3, 4, 4]


@given(seconds)
def test_a_paused_view_stays_until_it_goes_on(passed):
    paused = VIEW.after(3.0).pressed("space")
    assert paused.after(passed) == paused
    assert paused.pressed("space").after(1.0).epoch == 40.0  # 10 a second, for 3 and 1


def test_a_view_cannot_be_paused_at_its_end():
    ended = VIEW.after(1e9)
    assert ended.at_end
    assert ended.pressed("space") == ended


def test_r_begins_again_and_goes_on():
    again = VIEW.after(3.0).pressed("right").pressed("space").pressed("r")
    assert (again.epoch, again.paused, again.place) == (0.0, False, 1)


@pytest.mark.parametrize("behind", [True, False])
def test_a_view_waits_for_training_that_is_behind(behind):
    held = VIEW.after(3.0).held(20, behind=behind)
    assert held == replace(VIEW, epoch=20.0 if behind else 30.0, behind=behind)
