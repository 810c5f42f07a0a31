"""The counts in `docs/findings/public-numbers.md`: their intervals, and the start."""

import re
import runpy
from pathlib import Path

from hsig.analysis.statistics import wilson_interval
from hsig.reports.page import percent

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "findings" / "public-numbers.md").read_text(encoding="utf-8")


def test_glows_start_is_within_glows_bounds_and_its_biases_are_a_tenth():
    weights = runpy.run_path(str(ROOT / "benchmarks" / "glow.py"))["start"](1000, 2, 6)
    for layer, shape, bound in zip(weights, ((3, 6), (7, 1)), (1.5**0.5, 0.5**0.5), strict=True):
        assert layer.shape == (*shape, 1000)
        assert (layer[-1] == 0.1).all()
        assert 0.99 * bound < abs(layer[:-1]).max() <= bound
        assert abs(layer[:-1].mean()) < 0.05 * bound


def test_each_count_stands_with_its_wilson_interval():
    counts = re.findall(r"(\d+) of (\d+) \((.*?)\)", TEXT.split("All output")[0])
    assert len(counts) == 6
    for k, n, shown in counts:
        assert shown == " to ".join(map(percent, wilson_interval(int(k), int(n))))
