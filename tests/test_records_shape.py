"""What `run.json` and a line of `cells.log` have to say, and the words for what does not fit.

Those below are written by hand, from what is promised of format 1.
"""

import re
from pathlib import Path

import pytest
from test_records_odd import with_part

from hsig.config.values import describe
from hsig.errors import ConfigError, RunError
from hsig.runs.store import is_cell, misfit, sense

FIRST_KEYS = (
    *("activations", "loss", "learning_rate", "epochs", "update", "hidden", "initial_weights"),
    *("until", "max_seeds", "solved_within", "report_every", "at_epochs", "cost", "workers"),
    *("predict_with", "baseline", "expect"),
)
EXPERIMENT = dict.fromkeys(FIRST_KEYS) | {
    "task": {"name": "xor"},
    "activation": {"name": "hard", "slope": 0.2},
    "output_activation": None,
    "init": {"uniform": [-1.0, 1]},
    "seeds": 3,
    "engine": "reference",
    "epochs": 20,
}
RUN = {
    "format": 1,
    "id": "20260102T030405.000000Z-0a",
    "command": "compare",
    "arguments": ["compare", "-s", "3"],
    "started": "2026-01-02T03:04:05+00:00",
    "seconds": 0.5,
    "complete": True,
    "versions": {"hsig": "0.9", "numerics": "3"},
    "machine": {
        "system": "Linux",
        "processor": "x",
        "cores": 2,
        "instructions": ["SSE"],
        "numpy_instructions": ["SSE2"],
    },
    "digest": "abc",
    "configs": {"config.yaml": "my.yaml"},
    "parts": [
        {
            "name": "",
            "layers": "2-2-1",
            "is_config": False,
            "labels": ["one", "other", "last"],
            "experiment": EXPERIMENT,
            "results": [
                {"label": "one", "epochs": [0, 10, 20], "solved": 2, "seeds": 3},
                {"label": "last", "error": "overflow"},
            ],
            "role": "task",
            "learning_rates": [None, 0.1, 2],
        }
    ],
    "files": {"config.yaml": "12", "result.json": "34", "seeds.npz": "56"},
    "checksum": "78",
    "bytes": {"config.yaml": 1, "result.json": 2, "seeds.npz": 3},
}
SWEPT = {
    **RUN,
    "command": "sweep",
    "sweep": {"axes": [{"name": "epochs", "values": ["5"]}], "flags": {"-s": "3"}, "folder": "."},
}
GOES_ON = {**SWEPT, "complete": False, "files": {}, "bytes": {}}
RESULT = ("parts", 0, "results", 0)

A_TEXT, WHOLE, NUMBER, A_LIST = "a text", "a whole number", "a number", "a list"
NAMES, TRUTH = "names and values", "true or false"
NEEDED = {
    "format": WHOLE,
    "id": A_TEXT,
    "command": A_TEXT,
    "arguments": A_LIST,
    "started": A_TEXT,
    "seconds": NUMBER,
    "complete": TRUTH,
    "versions": NAMES,
    "machine": NAMES,
    "machine.system": A_TEXT,
    "machine.processor": A_TEXT,
    "machine.cores": WHOLE,
    "machine.instructions": A_LIST,
    "machine.numpy_instructions": A_LIST,
    "digest": A_TEXT,
    "configs": NAMES,
    "parts": A_LIST,
    "parts[0].name": A_TEXT,
    "parts[0].layers": A_TEXT,
    "parts[0].is_config": TRUTH,
    "parts[0].labels": A_LIST,
    "parts[0].experiment": NAMES,
    "parts[0].experiment.task": NAMES,
    "parts[0].experiment.task.name": A_TEXT,
    "parts[0].experiment.init": NAMES,
    "parts[0].experiment.init.uniform": A_LIST,
    "parts[0].experiment.seeds": WHOLE,
    "parts[0].experiment.engine": A_TEXT,
    "parts[0].results": A_LIST,
    "parts[0].results[0].label": A_TEXT,
    "parts[0].results[0].epochs": A_LIST,
    "parts[0].results[0].solved": WHOLE,
    "parts[0].results[0].seeds": WHOLE,
    "files": NAMES,
    "checksum": A_TEXT,
    "sweep.axes": A_LIST,
    "sweep.axes[0].name": A_TEXT,
    "sweep.axes[0].values": A_LIST,
    "sweep.flags": NAMES,
}
LATER = {  # what the first records have not
    "bytes": NAMES,
    "sweep.folder": A_TEXT,
    "parts[0].role": A_TEXT,
    "parts[0].learning_rates": A_LIST,
}
INNER = {  # what there may be any number of
    "arguments[1]": A_TEXT,
    "versions.hsig": A_TEXT,
    "machine.instructions[0]": A_TEXT,
    "configs.config.yaml": A_TEXT,
    "parts[0]": NAMES,
    "parts[0].labels[2]": A_TEXT,
    "parts[0].experiment.init.uniform[1]": NUMBER,
    "parts[0].results[0]": NAMES,
    "parts[0].results[0].epochs[1]": WHOLE,
    "parts[0].learning_rates[1]": "nothing",  # or a number
    "files.seeds.npz": A_TEXT,
    "bytes.seeds.npz": WHOLE,
    "sweep.axes[0]": NAMES,
    "sweep.axes[0].values[0]": A_TEXT,
    "sweep.flags.-s": A_TEXT,
}
OF_ANOTHER_KIND = {
    A_TEXT: {7: "7", None: "nothing"},
    WHOLE: {"x": "the text 'x'", 0.5: "0.5", True: "true", 1 << 63: f"{1 << 63}"},
    NUMBER: {"x": "the text 'x'", False: "false", -(1 << 63): f"{-(1 << 63)}"},
    TRUTH: {1: "1", "x": "the text 'x'"},
    A_LIST: {"x": "the text 'x'", 7: "7"},
    NAMES: {"x": "the text 'x'", 7: "7"},
    "nothing": {"x": "the text 'x'", True: "true"},
}


def place(name):
    """Where in a record that is which messages call so."""
    keys = re.findall(r"config\.yaml|seeds\.npz|[\w-]+", name)
    return tuple(int(key) if key.isdecimal() else key for key in keys)


# --- what fits -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"command": "train"},
        {"command": "explain", "complete": False},
        {"bytes": {}},
        {"bytes": {"seeds.npz": 3}},
        {"seconds": 0},
        {"seconds": 1 << 62},
        {"versions": {}},
        {"versions": {"numerics": "123456789"}},
        {"started": "2026-01-02T03:04:05.000678Z"},
        {"sweep": {"axes": [], "flags": {}}},
        {"more": {"of": ["a later hsig"]}},
        {"files": {**RUN["files"], "more-2.csv": ""}},
    ],
    ids=str,
)
def test_a_run_fits(changes):
    assert misfit({**RUN, **changes}) == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"label": "other"},
        {"solved": 0},
        {"solved": 3},
        {"solved": 1, "seeds": 1},
        {"epochs": [0]},
        {"epochs": [20]},
        {"epochs": [5]},
        {"epochs": [0, 1, 2, 20]},
    ],
    ids=str,
)
def test_a_result_fits(changes):
    assert misfit(with_part(RUN, RESULT, (RUN["parts"][0]["results"][0] | changes,))) == ""


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("activation", None),
        ("activation", "hard"),
        ("activation", {"name": "hard"}),
        ("output_activation", None),
        ("output_activation", "hard"),
        ("output_activation", {"name": "hard"}),
        ("seeds", 3),
        ("seeds", [4, 1]),
        ("loss", 10**400),
        ("loss", True),
        ("loss", ["anything"]),
        ("engine", "compiled"),
    ],
    ids=str,
)
def test_an_experiment_fits(key, value):
    assert misfit(with_part(RUN, ("parts", 0, "experiment", key), (value,))) == ""


def test_a_sweep_fits_before_and_after_its_end():
    assert misfit(SWEPT) == ""
    assert misfit(GOES_ON) == ""
    assert misfit({**GOES_ON, "complete": True}) == ""  # the first were signed as they began


def test_what_was_stopped_before_its_first_epoch_has_no_result():
    assert misfit(with_part(RUN, ("parts", 0, "results"), ([],))) == ""


@pytest.mark.parametrize("name", LATER)
def test_a_name_that_came_later_may_be_missing(name):
    assert misfit(with_part(SWEPT, place(name), None)) == ""


# --- what is missing, or of another kind -----------------------------------------------------


@pytest.mark.parametrize("name", NEEDED)
def test_a_name_of_the_first_format_is_missed(name):
    assert misfit(with_part(SWEPT, place(name), None)) == f"{name}: is missing"


@pytest.mark.parametrize("name", FIRST_KEYS)
def test_an_experiment_says_every_key_of_the_first_format(name):
    told = misfit(with_part(RUN, ("parts", 0, "experiment", name), None))
    assert told == f"parts[0].experiment.{name}: is missing"


def test_the_first_by_name_of_several_that_are_missing_is_told():
    about = {name: value for name, value in RUN.items() if name not in ("id", "started", "files")}
    assert misfit(about) == "files: is missing"


@pytest.mark.parametrize(("name", "kind"), (NEEDED | LATER | INNER).items())
def test_what_is_of_another_kind_is_told_with_what_is_expected(name, kind):
    for value, got in OF_ANOTHER_KIND[kind].items():
        told = misfit(with_part(SWEPT, place(name), (value,)))
        assert told == f"{name}: expected {kind}, got {got}"


def test_the_first_of_several_that_do_not_fit_is_told():
    about = with_part(RUN, ("parts", 0, "labels"), (["one", 2, 3],))
    assert misfit(about) == "parts[0].labels[1]: expected a text, got 2"


def test_a_number_is_told_where_it_is_too_large_for_any_count():
    about = {**RUN, "seconds": (1 << 63) - 1, "bytes": {"seeds.npz": 1 - (1 << 63)}}
    assert misfit(about) == ""
    assert misfit({**about, "format": -(1 << 63)}).startswith("format: expected a whole number")


def test_a_long_name_is_cut():
    told = misfit({**RUN, "versions": {"x" * 61: 1}})
    assert told == f"versions.{'x' * 60}: expected a text, got 1"


@pytest.mark.parametrize(("value", "got"), [([], "a list of 0"), ("x", "the text 'x'")])
def test_what_has_no_names_at_all_is_told(value, got):
    assert misfit(value) == f": expected names and values, got {got}"


# --- what is of the right kind and cannot be -------------------------------------------------

WHOLE_FILES = "files: expected result.json and seeds.npz"
SWEPT_ALONE = "sweep: expected what was swept, of a sweep alone"
AXIS = {"name": "epochs", "values": ["5"]}


@pytest.mark.parametrize(
    ("about", "told"),
    [
        ({**RUN, "command": "plot"}, "command: is none that is kept, the text 'plot'"),
        ({**RUN, "parts": []}, "parts: expected one at least"),
        ({**RUN, "sweep": SWEPT["sweep"]}, SWEPT_ALONE),
        ({**RUN, "command": "sweep"}, SWEPT_ALONE),
        ({**SWEPT, "sweep": {"axes": [], "flags": {}}}, SWEPT_ALONE),
        (
            {**SWEPT, "sweep": {"axes": [AXIS, {"name": "x", "values": []}], "flags": {}}},
            SWEPT_ALONE,
        ),
        ({**RUN, "started": "now"}, "started: expected a moment in UTC, got the text 'now'"),
        (
            {**RUN, "started": "2026-01-02T03:04:05"},
            "started: expected a moment in UTC, got the text '2026-01-02T03:04:05'",
        ),
        ({**RUN, "seconds": -0.5}, "seconds: expected some, got -0.5"),
        ({**RUN, "seconds": float("inf")}, "seconds: expected some, got inf"),
        ({**RUN, "seconds": float("nan")}, "seconds: expected some, got nan"),
        *(
            (
                {**RUN, "versions": {"numerics": text}},
                f"versions.numerics: expected a number, got the text {text!r}",
            )
            for text in ("", "3.5", "-1", "٣", "1234567890", "1\n")
        ),
        *(
            ({**RUN, kind: {**RUN[kind], name: value}}, f"{words}the text {name!r}")
            for words in ["files: expected names of files, got "]
            for kind, value in (("files", ""), ("configs", ""), ("bytes", 1))
            for name in ("../x.json", "a/b.yaml", ".json", "json", "x.json\n", "-x.csv", "é.csv")
        ),
        (with_part(RUN, ("files", "result.json"), None), WHOLE_FILES),
        (with_part(RUN, ("files", "seeds.npz"), None), WHOLE_FILES),
        ({**RUN, "files": {}, "bytes": {}}, WHOLE_FILES),
        ({**GOES_ON, "files": {"seeds.npz": ""}}, WHOLE_FILES),
        ({**GOES_ON, "files": {"result.json": ""}}, WHOLE_FILES),
        ({**RUN, "bytes": {"config-1.yaml": 1}}, "bytes: expected those of files"),
        ({**SWEPT, "complete": False}, "complete: expected true of a sweep with arrays"),
    ],
    ids=lambda value: ascii(value)[:70] if isinstance(value, str) else "",
)
def test_what_contradicts_itself_is_told(about, told):
    assert misfit(about) == told


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (
            ("experiment", "engine"),
            "steam",
            "experiment.engine: is none of this hsig, the text 'steam'",
        ),
        (("labels",), [], "labels: expected one for each learning rate"),
        (("learning_rates",), [0.1], "labels: expected one for each learning rate"),
        (("learning_rates",), [0.1] * 4, "labels: expected one for each learning rate"),
    ],
    ids=str,
)
def test_a_part_that_contradicts_itself_is_told(path, value, told):
    other = with_part(RUN["parts"][0], path, (value,))
    assert misfit({**RUN, "parts": [*RUN["parts"], other]}) == f"parts[1].{told}"


@pytest.mark.parametrize("rate", [float("inf"), float("nan"), 0, -0.1])
def test_a_learning_rate_that_trains_nothing_is_told(rate):
    about = with_part(RUN, ("parts", 0, "learning_rates"), ([None, rate, 2],))
    told = f"parts[0].learning_rates: expected numbers above 0, got {describe(rate)}"
    assert misfit(about) == told


def test_a_part_with_a_role_of_a_later_hsig_is_told():
    about = with_part(RUN, ("parts", 0, "role"), ("extra",))
    assert misfit(about) == "parts[0].role: is none of this hsig, the text 'extra'"
    for role in ("", "task", "tuning", "alternative", "one rate"):
        assert misfit(with_part(RUN, ("parts", 0, "role"), (role,))) == ""


def test_a_part_without_labels_is_told_where_it_has_no_learning_rates_either():
    part = {**RUN["parts"][0], "labels": [], "learning_rates": [], "results": []}
    assert (
        misfit({**RUN, "parts": [part]}) == "parts[0].labels: expected one for each learning rate"
    )


@pytest.mark.parametrize("labels", [["x"], ["last", "one"], ["one", "one"]], ids=str)
def test_results_are_told_that_are_not_in_the_order_of_the_labels(labels):
    results = [{"label": label, "error": "overflow"} for label in labels]
    told = misfit(with_part(RUN, ("parts", 0, "results"), (results,)))
    expected = f"expected one for each label, in order, got the text {labels[-1]!r}"
    assert told == f"parts[0].results: {expected}"


@pytest.mark.parametrize(
    ("changes", "got"),
    [({"solved": 4}, "4"), ({"solved": -1}, "-1"), ({"solved": 0, "seeds": 0}, "0")],
    ids=str,
)
def test_more_seeds_that_solved_than_there_are_are_told(changes, got):
    about = with_part(RUN, RESULT, (RUN["parts"][0]["results"][0] | changes,))
    assert misfit(about) == f"parts[0].results: expected so many of the seeds, got {got}"


@pytest.mark.parametrize(
    ("epochs", "budget"),
    [
        ([], 20),
        ([-1, 20], 20),
        ([0, 21], 20),
        ([21], 20),
        ([0, 10, 10, 20], 20),
        ([0, 30, 20], 20),
        ([10, 0], 20),
        ([0], "20"),
        ([0], 20.0),
        ([0], None),
    ],
    ids=str,
)
def test_epochs_that_do_not_rise_to_the_budget_at_most_are_told(epochs, budget):
    about = with_part(RUN, (*RESULT, "epochs"), (epochs,))
    about = with_part(about, ("parts", 0, "experiment", "epochs"), (budget,))
    told = "parts[0].results: expected epochs that rise from 0 to the budget at most"
    assert misfit(about) == told


# --- a line of a cell ------------------------------------------------------------------------

ARRAYS = ("solved", "solved_at", "lost_at", "diverged_at", "verdict", "cost")
CELL = {"key": "k", "cell": ["5", "0.1"], "seeds": [0, 4], "error": ""} | {
    "solved": [True, False],
    "solved_at": [7, -1],
    "lost_at": [-1, -1],
    "diverged_at": [-1, 3],
    "verdict": [1, 0],  # solved, diverged
    "cost": [0.5, "NaN"],
}
FAILED = CELL | {name: [] for name in ("seeds", *ARRAYS)} | {"error": "overflow"}


@pytest.mark.parametrize("count", [1, 2])
def test_a_cell_has_seeds_and_an_entry_in_each_array_for_each_of_them(count):
    lists = ("seeds", *ARRAYS)
    cell = CELL | {name: CELL[name][:count] for name in lists}
    assert is_cell(cell)
    for name in lists:
        assert not is_cell(cell | {name: cell[name][:-1]})
        assert not is_cell(cell | {name: [*cell[name], *cell[name]]})


def test_a_cell_that_failed_has_a_reason_and_no_seeds():
    assert is_cell(FAILED)
    assert not is_cell(FAILED | {"error": ""})
    assert not is_cell(CELL | {"error": "overflow"})


@pytest.mark.parametrize("name", CELL)
def test_a_cell_that_says_less_or_else_is_none(name):
    assert not is_cell({key: value for key, value in CELL.items() if key != name})
    assert not is_cell(CELL | {name: 7})
    assert not is_cell(FAILED | {name: None})


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": [3, 0]},  # affine, though solved
        {"verdict": [1, 1]},
        {"verdict": [1, 11]},
        {"verdict": [1, -1]},
        {"solved": [True, True]},
        {"solved": [False, False]},
        {"solved": [1, 0]},
        {"solved": ["", False]},
        {"solved_at": [-1, -1]},
        {"solved_at": [7.5, -1]},
        {"lost_at": ["affine", -1]},
        {"diverged_at": [1e308, 3]},
        {"cost": ["x", 0.5]},
        {"cost": ["nan", 0.5]},
        {"cost": [True, 0.5]},
    ],
)
def test_a_cell_whose_arrays_disagree_or_are_of_another_kind_is_none(changes):
    assert is_cell(CELL)
    assert not is_cell(CELL | changes)


def test_a_seed_may_be_solved_before_its_first_epoch():
    assert is_cell(CELL | {"solved_at": [0, -1]})


def test_a_cost_that_is_not_finite_is_a_text():
    for cost in ("NaN", "Infinity", "-Infinity"):
        assert is_cell(CELL | {"cost": [cost, 0.5]})


# --- what cannot be, as it is read -----------------------------------------------------------


def test_what_cannot_be_is_told_with_what_it_was_in_short():
    with pytest.raises(RunError) as caught, sense(Path("run")):
        raise KeyError("x" * 300)
    told = "'" + "x" * 199  # 200 characters
    assert str(caught.value) == f"run: cannot be what hsig wrote: KeyError: {told}"
    assert isinstance(caught.value.__cause__, KeyError)


def test_what_is_told_already_is_told_as_it_is():
    with pytest.raises(ConfigError, match=r"^as it is$"), sense(Path("run")):
        raise ConfigError("as it is")
