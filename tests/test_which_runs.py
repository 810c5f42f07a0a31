"""Which kept runs `--where` and `--since` choose."""

from datetime import UTC, datetime, timedelta

import pytest
from kept_by_hand import STARTED, a_part, a_record

from hsig.config.keys import KEYS
from hsig.errors import ConfigError
from hsig.runs.listing import Condition, begun_since, read_conditions, read_since, settings


def holds(record, text):
    (condition,) = read_conditions([text])
    return condition.holds(record)


def test_conditions_are_read_with_blanks_around_their_parts_and_with_two_signs_of_equality():
    assert read_conditions([" epochs >= 20 ", "loss==bce", "name=", "note!=a = b"]) == [
        Condition("epochs", ">=", "20"),
        Condition("loss", "=", "bce"),
        Condition("name", "=", ""),
        Condition("note", "!=", "a = b"),
    ]
    assert read_conditions([]) == []


KNOWN = ("name", "note", "command", "solved", "seconds", *KEYS)


def is_number(name):
    """Whether it may be compared with one."""
    try:
        read_conditions([f"{name}>1"])
    except ConfigError:
        return False
    return True


def test_what_is_a_number_can_be_compared():
    numbers = {name for name in KNOWN if is_number(name)}
    assert {"solved", "seconds", "seeds", "epochs", "learning_rate", "until"} <= numbers
    assert not {"name", "command", "loss", "init", "at_epochs", "activation"} & numbers


def test_every_wrong_condition_is_told_with_what_would_be_right():
    texts = (
        *("hard", "=3", "nam=x", "loss<3", "name>=a", "epochs<many", "solved=all", "seconds!=long"),
        *("epochs>1", "solved>90", "solved=1.01", "solved<-0.1", "solved=nan"),
    )
    known = f"Known: {', '.join(KNOWN)}"
    numbers = ", ".join(filter(is_number, KNOWN))
    with pytest.raises(ConfigError) as caught:
        read_conditions(texts)
    assert caught.value.messages == (
        "--where: expected a key and its value, such as activation=hard or 'solved>=0.9' (in "
        "quotes: a shell takes > for itself), got hard",
        f"--where: unknown key ''. {known}",
        f"--where: unknown key 'nam'. Did you mean 'name'? {known}",
        f"--where: loss<3: loss is no number. Write loss=, or one of {numbers}",
        f"--where: name>=a: name is no number. Write name=, or one of {numbers}",
        "--where: epochs<many: expected a number to compare with, got the text 'many'",
        "--where: solved=all: expected a number to compare with, got the text 'all'",
        "--where: seconds!=long: expected a number to compare with, got the text 'long'",
        "--where: solved>90: expected a share of the seeds from 0 to 1, such as 0.9, got 90",
        "--where: solved=1.01: expected a share of the seeds from 0 to 1, such as 0.9, got 1.01",
        "--where: solved<-0.1: expected a share of the seeds from 0 to 1, such as 0.9, got -0.1",
        "--where: solved=nan: expected a share of the seeds from 0 to 1, such as 0.9, got nan",
    )


@pytest.mark.parametrize("share", ["0", "1", "0.5"])
def test_a_share_is_from_none_to_all(share):
    assert read_conditions([f"solved<={share}"]) == [Condition("solved", "<=", share)]


# --- of what a run is called, and what came of it ----------------------------------------------


@pytest.mark.parametrize("key", ["name", "note"])
def test_names_and_notes_are_compared_with_a_pattern_in_its_case(key):
    called = a_record(name="wide-1", note="wide-2")
    other = {"name": "wide-2", "note": "wide-1"}[key]
    assert holds(called, f"{key}=wide-?")
    assert not holds(called, f"{key}={other}")
    assert not holds(called, f"{key}=WIDE*")
    assert not holds(called, f"{key}=")
    assert holds(called, f"{key}!=WIDE*")
    assert holds(a_record(), f"{key}=")
    assert not holds(a_record(), f"{key}=*")


def test_a_command_is_one_word():
    assert holds(a_record(command="compare"), "command=compare")
    assert not holds(a_record(command="compare"), "command=comp*")
    assert holds(a_record(command="compare"), "command!=train")


SIGNS = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("bound", [0.25, 0.5, 1.0])
def test_a_share_of_the_seeds_is_compared(sign, bound):
    run = a_record(a_part((2, 4)))
    assert holds(run, f"solved{sign}{bound}") is SIGNS[sign](2 / 4, bound)


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("bound", [1, 1.5, 2])
def test_how_long_a_run_took_is_compared(sign, bound):
    assert holds(a_record(seconds=1.5), f"seconds{sign}{bound}") is SIGNS[sign](1.5, bound)


def test_one_variant_that_solves_is_enough_and_one_that_was_not_trained_solves_nothing():
    several = a_part((1, 4), "it diverged", (4, 4), activations="hard,exp,tanh", loss="squared")
    run = a_record(several, command="compare")
    assert holds(run, "solved=1")
    assert holds(run, "solved<0.5")
    assert not holds(run, "solved=0.5")
    none = a_record(a_part("it diverged"))
    assert not holds(none, "solved>=0")
    assert not holds(none, "solved<=1")


def test_what_was_not_asked_for_chooses_no_run():
    """What a tuning tried, and the remedies behind what is explained."""
    asked = a_part((0, 4), activation="hard", epochs="10")
    tried = a_part((4, 4), activation="tanh", epochs="20", role="tuning")
    remedy = a_part((4, 4), activation="tanh", epochs="20")
    for run in (
        a_record(asked, tried, command="compare"),
        a_record(asked, remedy, command="explain"),
    ):
        assert [holds(run, text) for text in ("activation=hard", "solved=0", "epochs=10")] == [
            True
        ] * 3
        assert not any(holds(run, text) for text in ("activation=tanh", "solved=1", "epochs=20"))
    both = a_record(
        a_part((0, 4), name="and", role="task"), a_part((4, 4), name="xor", role="task")
    )
    assert holds(both, "solved=0")
    assert holds(both, "solved=1")


# --- of keys -----------------------------------------------------------------------------------

ROWS = {"name": "my rows", "inputs": [[0.0], [1.0]], "targets": [1.0, 0.0]}

SEVERAL = a_record(
    a_part(activations="hard:slope=0.25,tanh", at_epochs="500,2000", init="uniform:-1.5,2"),
    command="compare",
)


@pytest.mark.parametrize("key", ["activation", "activations"])
def test_an_activation_is_found_by_its_name_and_by_all_that_it_is_called(key):
    for wanted in ("hard", "hard:slope=0.25", "tanh"):
        assert holds(SEVERAL, f"{key}={wanted}")
        assert not holds(SEVERAL, f"{key}!={wanted}")
    for wanted in ("", "hard:slope=0.2", "slope=0.25", "tan", "hard:slope=0.25,tanh"):
        assert not holds(SEVERAL, f"{key}={wanted}")
    named = a_record(a_part(name="first", activations="hard,tanh"), command="compare")
    assert holds(named, f"{key}=hard")
    swept = a_record(command="sweep", swept={"activation": ["hard:slope=0.3", "tanh"]})
    assert [holds(swept, f"{key}={name}") for name in ("hard", "tanh", "sigmoid")] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    "record",
    [
        SEVERAL,
        a_record(a_part(seeds="3,5", output_activation="hard:slope=0.3")),
        a_record(a_part(keys={"task": ROWS})),
        a_record(a_part(epochs="10"), a_part(epochs="20", task="and", update="batch")),
        a_record(command="sweep", swept={"epochs": ["1e1", "20"], "update": ["online", "batch"]}),
    ],
)
def test_a_run_is_found_by_every_value_that_it_is_listed_with(record):
    for key, said in settings(record).items():
        if key not in ("activation", "activations"):  # which are found one by one
            for value in said.split(" | "):
                assert holds(record, f"{key}={value}")
                assert not holds(record, f"{key}!={value}")
                assert not holds(record, f"{key}={value}x")


def test_numbers_are_the_same_however_they_are_spelled():
    run = a_record(a_part(learning_rate="0.5", epochs="1000"))
    assert holds(run, "learning_rate=5e-1")
    assert holds(run, "epochs=1e3")
    assert not holds(run, "epochs!=1000.0")


def test_each_value_of_several_is_compared():
    run = a_record(a_part(epochs="10"), a_part(epochs="20"), command="compare")
    assert holds(run, "epochs<=10")
    assert holds(run, "epochs>10")
    assert not holds(run, "epochs>20")
    assert not holds(run, "epochs<10")
    assert holds(
        a_record(command="sweep", swept={"learning_rate": ["0.1", "3"]}), "learning_rate>1"
    )


def test_a_key_without_a_value_is_neither_more_nor_less_than_a_number():
    assert not holds(a_record(), "until>=0")
    assert not holds(a_record(), "until<=0")
    assert holds(a_record(), "until=")
    assert holds(a_record(a_part(until="0.1")), "until<=0.1")


@pytest.mark.parametrize(
    ("seeds", "number"), [("7", 7), ("[3, 5, 8]", 3), ("3,5,8", 3), ("[0]", 1), ("[7]", 1)]
)
def test_seeds_are_counted_also_where_they_are_swept(seeds, number):
    one = a_record(a_part(seeds=seeds))
    swept = a_record(a_part(seeds="1000"), command="sweep", swept={"seeds": ["1000", seeds]})
    for run in (one, swept):
        assert holds(run, f"seeds<={number}")
        assert not holds(run, f"seeds<{number}")
        assert holds(run, f"seeds>={number}")
    assert not holds(one, f"seeds>{number}")
    assert holds(swept, "seeds>=1000")


def test_an_output_activation_is_found_by_its_name_too():
    run = a_record(a_part(output_activation="hard:slope=0.3"))
    for wanted in ("hard", "hard:slope=0.3"):
        assert holds(run, f"output_activation={wanted}")
    for wanted in ("sigmoid", "hard:slope=0.2", ""):
        assert not holds(run, f"output_activation={wanted}")
    assert not holds(a_record(a_part(output_activation="hard")), "output_activation=")


def test_what_has_a_name_of_the_users_own_is_found_by_it(tmp_path):
    config = tmp_path / "mine.yaml"
    config.write_text("output_activation: {name: mine, formula: 'clip(x, 0, 1)'}\n")
    run = a_record(a_part(config=config, keys={"task": ROWS}))
    for text in ("output_activation=mine", "task=my rows"):
        assert holds(run, text)
        assert not holds(run, f"{text} too")


# --- since a moment ----------------------------------------------------------------------------


def test_a_run_that_began_at_that_very_moment_began_since_then():
    moment = datetime.fromisoformat(STARTED)
    assert begun_since(a_record(), moment)
    assert begun_since(a_record(), moment - timedelta(microseconds=1))
    assert not begun_since(a_record(), moment + timedelta(microseconds=1))


NOW = datetime(2026, 11, 27, 15, 30, tzinfo=UTC)
NO_MOMENT = (
    "--since: expected today, yesterday, so many minutes, hours, days or weeks (30m, 3h, 2d, 1w), "
    "or a date (2026-11-01, 2026-11-01T12:00, local time), got the text '{}'"
)


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "9" * 30 + "d", "9999999w"])
def test_what_is_no_moment_is_told_with_all_that_would_be(text):
    with pytest.raises(ConfigError) as caught:
        read_since(text, NOW)
    assert caught.value.messages == (NO_MOMENT.format(text),)


@pytest.mark.parametrize("problem", [ValueError, OverflowError, OSError])
@pytest.mark.parametrize("text", ["today", "1960-01-01"])
def test_a_moment_that_a_system_cannot_tell_in_local_time_is_none(monkeypatch, text, problem):
    class OfThatSystem(datetime):
        def astimezone(self, *_):
            raise problem(22, "Invalid argument")

    monkeypatch.setattr("hsig.runs.listing.datetime", OfThatSystem)
    with pytest.raises(ConfigError) as caught:
        read_since(text, NOW)
    assert caught.value.messages == (NO_MOMENT.format(text),)
