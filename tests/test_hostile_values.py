"""No value from outside gives anything but an experiment, or words that say where it stands."""

import string
import subprocess
import sys
import warnings
from functools import partial
from math import inf, nan
from pathlib import Path

import numpy as np
import pytest
from hostile import ACTING, MARKING, SEEN, UNDECODED, hsig
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hsig.config.formulas import Argument
from hsig.config.keys import KEYS, split_words
from hsig.config.loading import POINTS, RATES, load_experiment, load_flag
from hsig.config.sweeps import load_sweep
from hsig.errors import ConfigError
from hsig.networks.affine_fit import fit_affine, is_separable
from hsig.networks.losses import LOSSES
from hsig.networks.tasks import SCALES, Task

LONG = "a" * 300
HUGE = (int("f" * 260, 16), 10**299, 10**5000, 2**1024, -(2**1024))

# numbers at the edges, as texts: of doubles, of integers, of what a key takes
NUMBERS = (
    *("0", "-0.0", "1", "2", "-1", "0.5", "1e308", "-1.7e308", "1.7e308", "5e-324", "1e999"),
    *(".inf", "-.inf", ".nan", "inf", "nan", "2147483648", "4294967296", "1e9", "9" * 299),
    *("0x" + "f" * 260, "0x" + "f" * 256, "0o" + "7" * 298, "-" + "9" * 299, "9" * 5000, "0x1"),
)
WORDS = (
    *("", "~", "true", "x", "hard", "same", "all", "auto", "csv:", "csv:/", "uniform:1,2", "8-8"),
    *("linear:1...inf:3", "log:1..1e308:3", "linear:-1.7e308..1.7e308:3", "log:5e-324..1:100000"),
    *('"\\U00110000"', '"\\UFFFFFFFF"', '"\\ud800"', '"\\0"', '"csv:\\0"', f'"csv:{LONG}"', LONG),
    *("xor,and", "xor:n=3", "x/0", "x**1e308", "hard:slope=1e308", "hard:low=.inf", "hard:1,2"),
    *("solved_at_least=.nan", "[tanh", "tanh]", "'[tanh, relu]'", "hard:slope=0500,kink=open"),
)
MAPPED = ("linear", "log", "uniform", "inputs", "targets", "columns", "csv", "name", "formula")
MAPPED += ("slope", "hidden", "output", "learning_rate", "solved_at_least", "hard", "x", "backward")
scalars = st.sampled_from(NUMBERS) | st.sampled_from(WORDS)
characters = st.sampled_from([*(ACTING + MARKING + SEEN + UNDECODED)])
quoted = st.lists(characters, max_size=6).map(
    lambda found: '"' + "".join(f"\\U{ord(one):08x}" for one in found) + '"'
)
marks = st.sampled_from(
    ["&a", "*a", "!!int", "0500", "1:30", "{", "}", "[", "]", "(", ":", ",", "=", "-", "\n", "  ",
     "'", '"', "|", ">", "#", "?", "<<", "...", "---", "%YAML 1.1", "\t", "\u2028", "\x85", *KEYS]
)  # fmt: skip
texts = st.lists(marks | scalars | st.text(string.printable, max_size=4), max_size=30)


def listed(parts):
    return st.lists(parts, max_size=4).map(lambda found: f"[{', '.join(found)}]")


def mapped(parts):
    pairs = st.dictionaries(st.sampled_from(MAPPED), parts, max_size=3)
    return pairs.map(lambda found: "{" + ", ".join(f"{k}: {v}" for k, v in found.items()) + "}")


values = st.recursive(scalars | quoted, lambda part: listed(part) | mapped(part), max_leaves=8)
within = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def complaints(load):
    """What is wrong with an experiment, by whoever loads it; nothing if it is one."""
    try:
        load()
    except ConfigError as refusal:
        return refusal.messages
    return ()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- configs and flags ------------------------------------------------------------------------


@within
@given(texts.map(lambda parts: " ".join(parts).encode("utf-8", "surrogatepass")) | st.binary())
@example(b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n")
@example(b"!!set {a}")
@example(b"{" * 5000)
@example(b"? " * 3000)
@pytest.mark.usefixtures("folder")
def test_any_file_at_all_is_read_or_refused_with_messages(data):
    Path("x.yaml").write_bytes(data)
    said = complaints(partial(load_experiment, Path("x.yaml")))
    assert all(message.startswith("x.yaml") for message in said)


@within
@given(st.dictionaries(st.sampled_from([*KEYS]), values, min_size=1, max_size=3))
@example({"activation": '"\\U00110000"'})
@example({"init": "{uniform: [-1.7e308, 1.7e308]}"})
@pytest.mark.usefixtures("folder")
def test_a_config_is_an_experiment_or_a_message_that_names_the_place(config):
    Path("x.yaml").write_text("".join(f"{k}: {v}\n" for k, v in config.items()), encoding="utf-8")
    for command in ("train", "compare"):
        said = complaints(partial(load_experiment, Path("x.yaml"), {"workers": "1"}, command))
        assert all(message.startswith(("x.yaml:", "--workers")) for message in said)


@within
@given(st.sampled_from([*KEYS, "activation.slope", "activation.x", "x"]), values)
@example("learning_rate", "{linear: [1, .inf, 3]}")
@example("epochs", "{linear: [-1.7e308, 1.7e308, 3]}")
@example("hidden", f"{{log: [1, 0x{'f' * 260}, 3]}}")
@example("hidden", "{linear: [1, !x 2, 3]}")
@pytest.mark.usefixtures("folder")
def test_a_sweep_is_made_or_refused_with_a_message_that_names_the_place(key, value):
    Path("x.yaml").write_text(f"sweep:\n  {key}: {value}\n", encoding="utf-8")
    said = complaints(partial(load_sweep, Path("x.yaml"), {}))
    assert all(message.startswith(("x.yaml:", "sweep: expected at most")) for message in said)
    assert not any("object at" in message for message in said)


@within
@given(st.sampled_from([*KEYS]), values | texts.map(" ".join), st.booleans())
def test_a_flag_is_taken_or_refused_by_its_name(key, value, swept):
    load = partial(load_sweep, None) if swept else load_experiment
    said = complaints(partial(load, flags={key: value}))
    named = ("--", "expected values to sweep", "sweep: expected at most") if swept else "--"
    assert all(message.startswith(named) for message in said), said


@pytest.mark.parametrize("key", KEYS)
def test_no_number_of_a_call_is_too_large_to_be_refused(key):
    for number in (*HUGE, inf, -inf, nan):
        for value in (
            number,
            [number],
            {"uniform": [0, number]},
            {"name": "hard", "slope": number},
        ):
            said = complaints(partial(load_experiment, flags={key: Argument(value)}))
            assert all(message.startswith(key) for message in said)


@within
@given(scalars | listed(scalars), scalars)
def test_other_flags_take_numbers_or_say_what_is_wrong(first, second):
    text = f"{first.strip('[]')},{second}"
    for kind in (POINTS, RATES):
        said = complaints(partial(load_flag, "--at", text, kind))
        assert all(message.startswith("--at: ") for message in said)


# --- files ------------------------------------------------------------------------------------

ODD_PATHS = (LONG, f"{LONG}.yaml", f"{LONG}/x.yaml", "\0.yaml", "./\ud800", "/")


@pytest.mark.parametrize("path", ODD_PATHS, ids=lambda path: ascii(path)[:20])
@pytest.mark.usefixtures("folder")
def test_what_cannot_be_a_file_is_refused_as_a_config_and_as_a_csv_file(path):
    assert split_words([path])
    (said,) = complaints(partial(load_experiment, Path(path)))
    assert said.startswith(f"{Path(path)}: ")
    (said,) = complaints(partial(load_experiment, flags={"task": f"csv:{path}"}))
    assert said.startswith("--task: ")
    assert str(Path(path)) in said
    assert hsig("train", path, "-e", "1", "-s", "1", "--no-save")[0] == 2


@pytest.mark.skipif(not Path("/dev/stdin").exists(), reason="no /dev/stdin on this system")
@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        (("train", "/dev/stdin"), b"hidden: 2\ntask: {csv: t.csv}\n"),
        (("compare", "/dev/stdin", "--task", "and,xor"), b"activations: [hard, relu]\n"),
        (("train", "-t", "csv:/dev/stdin"), b"0,0\n1,1\n"),
    ],
)
def test_stdin_may_be_a_config_or_a_csv_file_and_is_kept_as_it_was(folder, arguments, given):
    (folder / "t.csv").write_text("0,0\n1,1\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "hsig", *arguments, "-q", "-e", "1", "--runs-dir", "runs"],
        input=given,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    kept = [path.read_bytes() for path in (folder / "runs").rglob("*.yaml")]
    if "csv:/dev/stdin" not in arguments:
        assert given in kept


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no /dev/zero on this system")
def test_what_has_no_end_is_read_up_to_a_bound():
    (said,) = complaints(partial(load_experiment, Path("/dev/zero")))
    assert said.startswith("/dev/zero: more than 300000 bytes")
    (said,) = complaints(partial(load_experiment, flags={"task": "csv:/dev/zero"}))
    assert said.startswith("--task: /dev/zero: has more than 500,000,000 bytes")


# --- numbers of a task ------------------------------------------------------------------------


extremes = st.sampled_from([0.0, 1.0, -1.0, 0.5, 1e308, -1e308, 1.7e308, 5e-324, 1e-308, 1e154])


@st.composite
def tasks(draw):
    """Tasks of extreme numbers."""
    inputs, rows = draw(st.integers(1, 3)), draw(st.integers(2, 5))
    matrix = [[draw(extremes) for _ in range(inputs)] for _ in range(rows)]
    return Task("drawn", np.array(matrix), np.array([[draw(extremes)] for _ in range(rows)]))


@given(tasks())
def test_the_affine_fit_of_any_task_is_silent_and_at_least_as_good_as_nothing(task):
    """The function that is 0 everywhere, or 1/2 as a probability, is affine too."""
    fit = fit_affine(task, LOSSES["squared"], 0.5)
    with np.errstate(over="ignore"):
        assert fit.cost <= np.mean(LOSSES["squared"].value(np.zeros(1), task.targets)) * 1.001
    features = np.concatenate([task.inputs, np.ones((len(task.inputs), 1))], axis=1)
    assert is_separable(features, task.targets, 0.5) in (True, False)
    soft = Task("drawn", task.inputs, (task.targets > 0.7).astype(float))
    assert fit_affine(soft, LOSSES["bce"], 0.5).cost <= np.log(2.0) * 1.001


@pytest.mark.parametrize("power", [-1000, -300, 300, 1000])
def test_the_unit_of_the_inputs_alters_no_affine_fit(power):
    """Powers of two, so that the rescaled inputs are the same to the last bit."""
    random = np.random.Generator(np.random.PCG64(1))
    inputs = random.normal(size=(20, 2))
    targets = (random.uniform(size=(20, 1)) < 0.4).astype(float)
    for loss in ("squared", "bce"):
        usual = fit_affine(Task("u", inputs, targets), LOSSES[loss], 0.5)
        other = fit_affine(Task("o", np.ldexp(inputs, power), targets), LOSSES[loss], 0.5)
        assert other.cost == pytest.approx(usual.cost, rel=1e-9)
        assert other.right == usual.right


@settings(within, max_examples=5)
@given(tasks(), st.sampled_from(SCALES), st.sampled_from(["squared", "bce"]))
def test_a_task_of_any_numbers_is_trained_without_a_warning_of_numpys(folder, task, scale, loss):
    targets = np.clip(task.targets, 0.0, 1.0) if loss == "bce" else task.targets
    rows = np.column_stack([task.inputs, targets]).tolist()
    text = "".join(",".join(map(repr, row)) + "\n" for row in rows)
    (folder / "t.csv").write_text(text, encoding="utf-8")
    setting = ("-t", "csv:t.csv", "--scale", scale, "-l", loss, "-e", "3", "-s", "3", "--no-save")
    for command in ("train", "explain"):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            code, _, err = hsig(command, "relu", *setting, "--output-activation", "sigmoid")
        assert code == 0, err
