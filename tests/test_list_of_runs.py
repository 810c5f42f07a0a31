"""What is told of kept runs: the list, how two differ, and what came of training one again."""

from dataclasses import replace

import pytest
from kept_by_hand import STARTED, a_part, a_record
from pages import document, drawn, rows

from hsig.config.keys import KEYS
from hsig.config.loading import load_experiment
from hsig.reports.page import Line, Page, Table, page_of_tables
from hsig.runs import NO_NOTE, Note
from hsig.runs.listing import (
    Repetition,
    differences,
    listing,
    settings,
    variants_of,
    with_note,
    without_digest,
)
from hsig.runs.provenance import keys_of
from hsig.runs.store import misfit

IDS = ("20260102T030405.000001Z-0a", "20260102T030405.000002Z-0b", "20260103T030405.000000Z-0c")
ON_SCREEN = ("20260102T030405.000001", "20260102T030405.000002", "20260103T030405")


def column(records, name, page=None):
    """What the list has of each run in a column."""
    (table,) = (page or listing(records, IDS)).markdown
    return [row[table.columns.index(name)] for row in table.rows]


# --- the list ----------------------------------------------------------------------------------


@pytest.fixture
def three():
    """A run, a comparison without one of its results, and a sweep that is not finished."""
    return [
        a_record(a_part((2, 4), activation="hard"), id=IDS[0], name="wide", note="for\n  the talk"),
        a_record(
            a_part((1, 4), "it grew", activations="hard:slope=0.5,shift=0.25,tanh", loss="squared"),
            command="compare",
            id=IDS[1],
            seconds=1234567.8,
        ),
        a_record(
            a_part(),
            command="sweep",
            swept={"epochs": ["10", "20", "30"], "loss": ["bce", "squared"]},
            id=IDS[2],
            complete=False,
            seconds=0.0,
        ),
    ]


ABOUT = ("id", "command", "what", "solved", "seconds", "name", "note")
ROWS = (
    (IDS[0], "train", "hard", "2 of 4", "1.5", "wide", "for the talk"),
    (
        *(IDS[1], "compare", "hard:slope=0.5,shift=0.25, tanh", "1 of 4, not trained"),
        *("1.23457e+06", "", ""),
    ),
    (
        *(IDS[2], "sweep", "sigmoid over epochs, loss: 6 cells (not finished)"),
        *("", "", "", ""),
    ),
)


def test_the_list_has_a_row_for_each_run(three):
    page = listing(three, IDS)
    table = Table("", ABOUT, ROWS, prose=("id", "command", "what", "solved", "name", "note"))
    assert page.markdown == (table,)
    assert rows(page) == [dict(zip(ABOUT, row, strict=True)) for row in ROWS]
    assert document(page)["tables"] == [{"title": "", "rows": rows(page)}]


def test_on_a_screen_the_list_has_beginnings_of_ids_and_names_in_front_and_leaves_out_what_is_spare(
    three,
):
    assert listing(three, IDS).blocks == (
        Table(
            "",
            ("id", "command", "what", "solved", "seconds", "note"),
            (
                (ON_SCREEN[0], "train", "wide: hard", "2 of 4", "1.5", "for the talk"),
                (
                    *(ON_SCREEN[1], "compare", "hard:slope=0.5, shift=0.25, tanh", "1, - of 4"),
                    *("1.23457e+06", ""),
                ),
                (
                    *(ON_SCREEN[2], "sweep"),
                    *("sigmoid over epochs, loss: 6 cells (not finished)", "", "", ""),
                ),
            ),
            spare=(("note",), ("seconds",), ("command",)),
            prose=("id", "command", "what", "solved", "name", "note"),
            whole=True,
            firm=("id", "command", "solved", "seconds"),
        ),
    )
    assert drawn(listing(three[1:2], IDS)) == [
        "id                      command  what                              solved         seconds",
        "20260102T030405.000002  compare  hard:slope=0.5, shift=0.25, tanh  1, - of 4  1.23457e+06",
    ]


def test_an_id_that_is_not_among_those_that_are_kept_is_whole(three):
    (table,) = listing(three, IDS[:2]).blocks
    assert [row[0] for row in table.rows] == [*ON_SCREEN[:2], IDS[2]]


def test_other_programs_get_numbers_and_notes_as_they_were_written(three):
    said = document(listing(three, IDS))
    assert set(said) == {"format", "hsig", "tables", "runs"}
    results = [
        {"label": "hard:slope=0.5,shift=0.25", "epochs": [0], "solved": 1, "seeds": 4},
        {"label": "tanh", "error": "it grew"},
    ]
    usual = {"name": "", "note": "", "started": STARTED, "complete": True, "sweep": None}
    assert said["runs"] == [
        {
            **usual,
            "id": IDS[0],
            "name": "wide",
            "note": "for\n  the talk",
            "command": "train",
            "seconds": 1.5,
            "results": [{"part": "", "label": "hard", "epochs": [0], "solved": 2, "seeds": 4}],
        },
        {
            **usual,
            "id": IDS[1],
            "command": "compare",
            "seconds": 1234567.8,
            "results": [{"part": "", **result} for result in results],
        },
        {
            **usual,
            "id": IDS[2],
            "command": "sweep",
            "seconds": 0.0,
            "complete": False,
            "results": [],
            "sweep": {"epochs": [10, 20, 30], "loss": ["bce", "squared"]},
        },
    ]
    parts = [a_part((n, 4), name=name, role="task") for n, name in enumerate(("and", "xor"))]
    (several,) = document(listing([a_record(*parts)], IDS))["runs"]
    assert [(one["part"], one["label"]) for one in several["results"]] == [
        ("and", "and: sigmoid"),
        ("xor", "xor: sigmoid"),
    ]


def test_the_keys_that_differ_are_listed_in_their_order(three):
    page = listing(three, IDS, only_changed=True)
    columns = (
        *("id", "command", "activations", "output_activation", "loss", "epochs"),
        *("name", "note"),
    )
    table = Table(
        "",
        columns,
        (
            (IDS[0], "train", "hard", "hard", "bce", "4000", "wide", "for the talk"),
            (
                *(IDS[1], "compare", "hard:slope=0.5,shift=0.25,tanh", "", "squared"),
                *("4000", "", ""),
            ),
            (
                *(IDS[2], "sweep", "sigmoid", "sigmoid", "bce | squared"),
                *("10 | 20 | 30", "", ""),
            ),
        ),
        prose=columns,
        splits=True,
    )
    assert page.markdown == (table,)
    assert rows(page) == [dict(zip(columns, row, strict=True)) for row in table.rows]
    (shown,) = page.blocks
    assert shown == replace(
        table,
        rows=tuple((one, *row[1:]) for one, row in zip(ON_SCREEN, table.rows, strict=True)),
        spare=shown.spare,
        whole=True,
        firm=shown.firm,
    )
    alike = listing([three[0], three[0]], IDS, only_changed=True)
    assert alike.markdown[0].columns == ("id", "command", "name", "note")
    nameless = replace(three[0], note=NO_NOTE)
    assert listing([nameless], IDS, only_changed=True).blocks[0].columns == ("id", "command")


@pytest.mark.parametrize(
    ("variants", "what", "solved"),
    [
        (1, "sigmoid", "0 of 4"),
        (3, "sigmoid, hard, tanh", "0 of 4, 1 of 4, 2 of 4"),
        (4, "4 variants", ""),
    ],
)
def test_three_variants_are_named_and_more_are_counted(variants, what, solved):
    names = ("sigmoid", "hard", "tanh", "relu")[:variants]
    part = a_part(*((n, 4) for n in range(variants)), activations=",".join(names))
    run = [a_record(part, command="compare")]
    assert (column(run, "what"), column(run, "solved")) == ([what], [solved])


def test_what_is_solved_is_told_of_each_where_the_numbers_of_seeds_differ():
    parts = [a_part((2, 4), name="a"), a_part("it grew", name="b"), a_part((3, 8), name="c")]
    several = [a_record(*parts, command="compare")]
    told = "2 of 4, not trained, 3 of 8"
    assert column(several, "solved") == [told]
    assert listing(several, IDS).blocks[0].rows[0][3] == told
    untrained = [a_record(a_part("it grew"))]
    assert column(untrained, "solved") == ["not trained"]
    assert listing(untrained, IDS).blocks[0].rows[0][3] == "not trained"


def test_a_run_that_was_stopped_says_so():
    stopped = [a_record(a_part(activations="hard,tanh"), command="compare", complete=False)]
    assert column(stopped, "what") == ["hard, tanh (stopped early)"]
    swept = {"activation": ["hard", "tanh"], "epochs": ["1", "2"]}
    sweeps = [a_record(command="sweep", swept=swept, complete=ended) for ended in (True, False)]
    what = "hard, tanh over activation, epochs: 4 cells"
    assert column(sweeps, "what") == [what, f"{what} (not finished)"]


def test_what_was_explained_is_told_without_its_remedies_and_what_was_tuned_without_its_trials():
    asked, other = a_part((1, 4), activation="hard"), a_part((4, 4), activation="tanh")
    explained = a_record(asked, other, command="explain")
    tuned = a_record(asked, other | {"role": "tuning"}, command="compare")
    assert column([explained, tuned], "what") == ["hard", "hard"]
    assert column([explained, tuned], "solved") == ["1 of 4", "1 of 4"]
    assert [settings(run)["activations"] for run in (explained, tuned)] == ["hard", "hard"]


# --- settings ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "flags",
    [
        {},
        {"activation": "hard:slope=0.25", "learning_rate": "0.5", "seeds": "3,5"},
        {"activations": "sigmoid,tanh", "init": "uniform:-1.5,2", "at_epochs": "500,2000"},
        {
            "output_activation": "hard:slope=0.1,high=2,kink=open,backward=logistic",
            "loss": "squared",
        },
        {"output_activation": "hard:high=.inf,low=-.inf,slope=1e-9", "loss": "squared"},
        {"output_activation": "x*x", "loss": "squared", "predict_with": "tanh,hard:slope=0.3"},
        {"activations": "sigmoid,hard", "baseline": "hard", "tune": "learning_rate=0.1,1"},
        {"expect": "solved_at_least=0.9", "until": "0.1", "update": "batch", "task": "or"},
        {
            "initial_weights": "{hidden: [[1],[2],[3]], output: [[4], [5]]}",
            "seeds": "1",
            "hidden": "1",
        },
    ],
)
def test_settings_are_spelled_as_a_config_has_them(tmp_path, flags):
    said = settings(a_record(a_part(**flags), command="compare"))
    assert set(said) == set(KEYS)
    config = tmp_path / "again.yaml"
    config.write_text("".join(f"{name}: {text}\n" for name, text in said.items() if text))
    again = load_experiment(config)
    assert keys_of(again) == keys_of(load_experiment(flags={"engine": "reference", **flags}))


def test_initial_weights_are_spelled_as_a_flag_has_them():
    assert settings(a_record(a_part(init="uniform:-1.50,2")))["init"] == "uniform:-1.5,2"


def test_keys_without_a_value_are_empty():
    said = settings(a_record())
    assert [said[name] for name in ("activation", "until", "tune", "predict_with")] == [""] * 4
    assert (said["activations"], said["expect"]) == ("sigmoid", "{}")


def test_of_several_configs_each_value_is_told_once():
    first = a_part(name="a", activations="hard,tanh", epochs="10", learning_rate="0.5")
    second = a_part(name="b", activations="hard,tanh", epochs="20", learning_rate="0.5")
    said = settings(a_record(first, second, command="compare"))
    assert said["activations"] == "hard,tanh"
    assert (said["epochs"], said["learning_rate"]) == ("10 | 20", "0.5")
    assert variants_of(a_record(first, second, command="compare")) == ["hard", "tanh"] * 2


def test_what_is_swept_has_all_its_values():
    swept = {"activation": ["hard", "tanh"], "epochs": ["10", "2e1"], "activation.slope": ["1"]}
    run = a_record(command="sweep", swept=swept)
    said = settings(run)
    assert (said["activation"], said["activations"]) == ("", "hard | tanh")
    assert (said["epochs"], said["activation.slope"], said["loss"]) == ("10 | 2e1", "1", "bce")
    assert variants_of(run) == ["hard", "tanh"]
    assert variants_of(a_record(command="sweep", swept={"epochs": ["1"]})) == ["sigmoid"]


def test_keys_that_came_later_have_their_defaults():
    later = ("scale", "tune", "tune_seeds")
    before = a_record(a_part(lacking=later))
    assert settings(before) == settings(a_record())
    assert settings(before)["scale"] == "none"


def test_a_part_of_before_there_were_roles_was_asked_for():
    before = a_part((2, 4))
    del before["role"]
    assert column([a_record(before)], "what") == ["sigmoid"]


def task_of(**rows):
    return settings(a_record(a_part(keys={"task": rows})))["task"]


def test_rows_of_the_users_own_are_told_apart_by_a_digest():
    rows = {"inputs": [[0.0], [1.0]], "targets": [1.0, 0.0]}
    mine = task_of(name="mine", **rows)
    digest = mine.removeprefix("mine ")
    assert len(digest) == len("(01234567)")
    assert without_digest(mine) == "mine"
    assert task_of(name="mine", **rows, columns=["x", "y"]) == mine
    assert task_of(name="", **rows) == digest
    assert without_digest(digest) == ""
    others = [
        task_of(name="mine", **rows | {"inputs": [[0.0], [2.0]]}),
        task_of(name="mine", **rows | {"targets": [0.0, 1.0]}),
    ]
    assert len({mine, *others}) == 3
    assert settings(a_record(a_part(task="and")))["task"] == "and"


@pytest.mark.parametrize("key", ["activation", "output_activation"])
def test_formulas_of_the_users_own_are_told_apart_by_a_digest_if_their_name_does_not_say_them(
    tmp_path, key
):
    shown = "activations" if key == "activation" else key
    config = tmp_path / "mine.yaml"

    def told(spec):
        config.write_text(f"{key}: {spec}\nloss: squared\n")
        return settings(a_record(a_part(config=config)))[shown]

    specs = (
        "{name: mine, formula: tanh(x)}",
        "{name: mine, formula: tanh(2*x)}",
        "{name: mine, formula: tanh(x), derivative: '1'}",
    )
    three = [told(spec) for spec in specs]
    assert len(set(three)) == 3
    assert {without_digest(one) for one in three} == {"mine"}
    parametrised = [told(f"{{name: mine, formula: k*x, k: {k}}}") for k in (2, 2.0000001)]
    assert len({*three, *parametrised}) == 5
    assert told("x*x") == "x*x"
    settled = "abs(x):kink=right,backward=logistic"
    assert told("{formula: abs(x), kink: right, backward: logistic}") == settled
    assert told("hard:slope=0.3") == "hard:slope=0.3"


def test_numbers_that_differ_in_their_last_digits_only_are_told_apart():
    for key, text in (
        ("init", "uniform:0,{}"),
        ("output_activation", "hard:high={}"),
        ("learning_rate", "{}"),
    ):
        told = {
            settings(a_record(a_part(**{key: text.format(n)})))[key] for n in ("1", "0.9999999")
        }
        assert len(told) == 2


def test_an_activation_that_this_version_does_not_know_is_told_by_its_name():
    specs = {"activation": {"name": "later", "steps": 3}, "output_activation": {"name": "later"}}
    said = settings(a_record(a_part(keys=specs)))
    assert without_digest(said["activations"]) == "sigmoid" != said["activations"]
    assert said["output_activation"] == "later"
    of_more = {"output_activation": {"name": "hard", "slope": 0.2, "bends": [1, 2], "kink": None}}
    of_more["output_activation"]["formula"] = "as it was written then"
    said = settings(a_record(a_part(keys=of_more)))
    assert said["output_activation"] == "hard:bends=[1, 2],kink=null"


@pytest.mark.parametrize(
    ("activations", "told"),
    [
        (5, ": expected a list, got 5"),
        ([{"formula": "tanh(x)"}], "[0].name: is missing"),
        (["tanh"], "[0]: expected names and values, got the text 'tanh'"),
    ],
)
def test_activations_without_a_name_are_in_no_record(activations, told):
    about = {**a_record().about, "parts": [a_part(keys={"activations": activations})]}
    assert misfit(about) == f"parts[0].experiment.activations{told}"


# --- two runs ----------------------------------------------------------------------------------


def test_differences_are_of_the_command_then_of_keys_in_their_order_then_of_versions():
    first = a_record(
        a_part(epochs="10", activation="hard"),
        versions={"hsig": "0.1.0", "code": "4627", "python": "3.11.7"},
    )
    second = a_record(
        a_part(activations="hard,tanh", loss="squared", epochs="10", output_activation="hard"),
        command="compare",
        versions={"hsig": "0.1.0", "python": "3.12.1", "numerics": "3"},
    )
    assert differences(first, second, ("old", "latest")) == Table(
        "differences",
        ("key", "old", "latest"),
        (
            ("command", "train", "compare"),
            ("activations", "hard", "hard,tanh"),
            ("loss", "bce", "squared"),
            ("code", "4627", ""),
            ("python", "3.11.7", "3.12.1"),
            ("numerics", "", "3"),
        ),
        prose=("key", "old", "latest"),
    )


def test_runs_that_do_not_differ_are_said_to_be_of_the_same_settings_and_versions():
    assert differences(a_record(id=IDS[0]), a_record(id=IDS[1], name="x"), ("a", "b")) == Table(
        "the same settings and versions", ("key", "a", "b"), (), prose=("key", "a", "b")
    )


# --- a run again -------------------------------------------------------------------------------

SAME = "all that the numbers depend on is the same"
CHANGED = "what the numbers depend on has changed (versions, numerics, engine, processor or record)"
MANY = tuple(f"hard: {n}" for n in range(22))


@pytest.mark.parametrize(
    ("again", "sentence", "row"),
    [
        (
            Repetition("one", True, ()),
            f"one: the same bits in every number of every seed; {SAME}",
            ["one", "yes", "yes", ""],
        ),
        (
            Repetition("one", False, (), ("hard: parted",)),
            f"one: the same bits in every number of every seed; {CHANGED}. Observed beside them, "
            "and not the same to 1e-09: hard: parted",
            ["one", "yes", "no", ""],
        ),
        (
            Repetition("one", False, (), (), "NumPy 2.4 with X86_V4"),
            "one: was trained with the NumPy engine on another machine (NumPy 2.4 with X86_V4), "
            "which its last bits depend on: they cannot be compared here",
            ["one", "other machine", "no", ""],
        ),
        (
            Repetition("one", True, ("hard: cost_last", "hard: parted")),
            f"one: not the same bits, though {SAME}: hard: cost_last, hard: parted",
            ["one", "no", "yes", "hard: cost_last; hard: parted"],
        ),
        (
            Repetition("one", False, MANY[:20]),
            f"one: not the same bits: {CHANGED}: {', '.join(MANY[:20])}",
            ["one", "no", "no", "; ".join(MANY[:20])],
        ),
        (
            Repetition("one", False, MANY[:21]),
            f"one: not the same bits: {CHANGED}: {', '.join(MANY[:20])} and 1 more",
            ["one", "no", "no", "; ".join(MANY[:21])],
        ),
        (
            Repetition("one", False, MANY),
            f"one: not the same bits: {CHANGED}: {', '.join(MANY[:20])} and 2 more",
            ["one", "no", "no", "; ".join(MANY)],
        ),
    ],
    ids=["same", "observed", "other machine", "other bits", "20 differ", "21 differ", "22 differ"],
)
def test_what_came_of_training_again_is_a_sentence_and_a_row(again, sentence, row):
    page = again.page()
    columns = ("id", "same bits", "same digest", "different")
    assert page.blocks == ((Line(sentence),),)
    assert page.markdown == (Table("", columns, (tuple(row),)),)
    assert rows(page) == [dict(zip(columns, row, strict=True))]
    assert list(rows(page)[0]) == list(columns)
    said = document(page)
    assert (said.pop("format"), said.pop("hsig") != "") == (1, True)
    assert said == {
        "id": "one",
        "same_bits": {"yes": True, "no": False}.get(row[1]),
        "same_digest": row[2] == "yes",
        "different": list(again.different),
        "observed": list(again.observed),
        "elsewhere": again.elsewhere or None,
    }


# --- what somebody calls it --------------------------------------------------------------------


def test_a_page_of_a_run_without_a_name_is_as_it_was():
    page = page_of_tables(Table("", ("a",), (("1",),)))
    assert with_note(page, NO_NOTE) is page


@pytest.mark.parametrize(
    ("note", "said"),
    [
        (Note("wide", "for the talk"), "wide: for the talk"),
        (Note("wide"), "wide"),
        (Note(text="for the talk"), "for the talk"),
    ],
)
def test_a_name_and_a_note_stand_above_a_page_however_much_of_it_is_shown(note, said):
    one, two = Table("one", ("a",), (("1",),)), Table("two", ("b",), (("2",),))
    above = (Line(said),)
    page = Page((one, two), lambda every: {"every": every, "name": "old"}, lambda: (("a",), []))
    told = with_note(page, note)
    assert (told.blocks, told.short, told.markdown) == ((above, one, two), (), ())
    for every in (True, False):
        assert told.document(every) == {"every": every, "name": note.name, "note": note.text}
    shorter = with_note(replace(page, short=(two,), markdown=(one,)), note)
    assert (shorter.blocks, shorter.short, shorter.markdown) == (
        (above, one, two),
        (above, two),
        (above, one),
    )
