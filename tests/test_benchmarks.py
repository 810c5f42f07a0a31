"""`benchmarks/engines.py`, and the page that it makes."""

import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels import built

ROOT = Path(__file__).parent.parent
TEMPLATE = (ROOT / "benchmarks/performance.md").read_text(encoding="utf-8")
PAGE = (ROOT / "docs/design/performance.md").read_text(encoding="utf-8")
PLACES = re.compile(r"\{(\w+)\}")


@pytest.fixture(scope="module")
def engines():
    """The program."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import engines

        yield engines
    finally:
        sys.path.pop(0)


def filled():
    """What stands on the page in each place of the template."""
    pattern = "".join(
        f"(?P<{part}>.*)" if place % 2 else re.escape(part)
        for place, part in enumerate(PLACES.split(TEMPLATE))
    )
    found = re.fullmatch(pattern, PAGE, re.DOTALL)
    assert found is not None, "make docs/design/performance.md anew by benchmarks/engines.py"
    return found.groupdict()


def test_the_page_is_the_template_with_what_was_measured():
    assert all(filled()[name] for name in PLACES.findall(TEMPLATE) if name != "missing")


def test_every_figure_of_the_prose_is_measured():
    prose = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)|#+ .*", "", PLACES.sub("", TEMPLATE), flags=re.S)
    assert not re.findall(r"\d", prose)


def test_the_page_has_every_work_and_only_these(engines):
    _, _, *lines = filled()["training"].splitlines()
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines] == list(
        map(str, engines.WORKS)
    )


def works(engines):
    """Small works of every kind."""
    kinds = {
        "sizes": st.lists(st.integers(1, 9), min_size=2, max_size=4).map(tuple),
        "activation": st.sampled_from(["sigmoid", "tanh", "relu"]),
        "seeds": st.integers(1, 9),
        "rows": st.sampled_from([3, 16, 32]),
        "batch": st.booleans(),
        "optimizer": st.sampled_from(["sgd", "adam"]),
    }
    return st.builds(engines.Work, **kinds)


@built
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_numpy_and_hsig_train_the_same(engines, data):
    work = data.draw(works(engines))
    train = engines.numpy_loop(work)
    if train is not None:
        engines.check(work, "NumPy", train, engines.hsig(work)(3))


@built
@pytest.mark.skipif(shutil.which("gcc") is None, reason="the limit is compiled by GCC")
@pytest.mark.parametrize(
    "kind",
    [
        {"sizes": (2, 3, 1), "activation": "hard", "seeds": 24},
        {
            "sizes": (3, 5, 2),
            "activation": "tanh",
            "seeds": 8,
            "optimizer": "adam",
            "rows": 5,
            "loss": "squared",
        },
        {"sizes": (17, 33, 1), "activation": "relu", "seeds": 2, "rows": 5},
        {
            "sizes": (3, 9, 7, 5),
            "activation": "sigmoid",
            "rows": 48,
            "batch": True,
            "seeds": 2,
            "loss": "squared",
        },
    ],
    ids=["seeds", "seeds, Adam", "units", "rows"],
)
def test_the_limit_trains_the_same(engines, kind):
    work = engines.Work(**kind)
    engines.check(work, "C", engines.limit(work), engines.hsig(work)(3))


def test_loops_for_numba_are_those_of_numpy(engines):
    work = engines.Work((9, 4, 3, 2), "tanh", seeds=2, rows=5)
    known = {"np": np, "value": np.tanh, "slope": lambda _, y: 1.0 - y * y, "rate": work.rate}
    known |= {"delta": lambda z, t: 1.0 / (1.0 + np.exp(-z)) - t}
    known |= dict(zip("xt", work.data, strict=True))
    exec(engines.write_loops(work.sizes), known)
    made = tuple(layer.copy() for layer in work.weights)
    known["train"](*made, 3)
    engines.check(work, "numba", lambda _: made, engines.numpy_loop(work)(3))
