"""Whether a function only rises or only falls, or passes a level only once: proved, or not said."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from hsig.formulas.enclosure import MARGIN, Section, cut_section, rewrite_section, split_boxes
from hsig.formulas.intervals import enclose_all

_MAX_ROUNDS = 12
_MAX_BOXES = 500
_ROUNDING = 1e-12  # a smaller change within a box is none


class _Box(NamedTuple):
    """An interval of x on which a function is not below or not above a level, rises or falls."""

    start: float
    stop: float
    sign: int  # 1 if not below the level, -1 if not above, 0 if that is not known
    rises: bool
    falls: bool
    first: float  # about the values at its ends
    last: float


def has_one_direction(sections: Sequence[Section], level: float | None = None) -> bool:
    """Whether a function is proved never to fall, or never to rise.

    Args:
        sections: From left to right.
        level: If given, it is enough that the function is not above the level on one side of
            some x, and not below it on the other.
    """
    boxes: list[_Box] = []
    with np.errstate(all="ignore"):
        for section in (part for whole in sections for part in rewrite_section(whole)):
            found = _find_boxes(section, level)
            if found is None:
                return False
            boxes += found
    boxes.sort()
    return any(_goes_up(boxes, side) for side in (1, -1))


def _find_boxes(section: Section, level: float | None) -> list[_Box] | None:
    low, high = cut_section(section)
    boxes: list[_Box] = []
    for _ in range(_MAX_ROUNDS):
        values, slopes = (enclose_all(roots, low, high) for roots in section[2:])
        smooth = ~(values.broken | slopes.broken)
        rises, falls = (
            smooth & ((slope >= 0.0) | (slope * (high - low) >= -_ROUNDING))
            for slope in (slopes.low, -slopes.high)
        )
        empty = np.isnan(values.low)
        sign = np.zeros(len(low), dtype=int)
        if level is not None:
            sign = (values.low >= level).astype(int) - (values.high <= level)
        known = (rises | falls | (sign != 0)) & ~empty
        ends = (enclose_all(section.values, x, x) for x in (low, high))
        first, last = ((at.low + at.high) / 2.0 for at in ends)
        columns = (low, high, sign, rises, falls, first, last)
        told = known & ~((values.low == level) & (values.high == level))
        boxes += (_Box(*row) for row in zip(*(c[told].tolist() for c in columns), strict=True))
        if known.all():
            return boxes
        parts = split_boxes(low[~known], high[~known], 4)
        low, high = parts[:-1].ravel(), parts[1:].ravel()
        if len(low) > _MAX_BOXES or not (low < high).all():
            return None
    return None


def _goes_up(boxes: Sequence[_Box], side: int) -> bool:
    """Whether all is below a level, then rising, then above; for side -1 of the negative."""
    signs = [side * box.sign for box in boxes]
    if signs != sorted(signs):
        return False
    unsure = [box for box in boxes if box.sign == 0]
    return all(box.rises if side > 0 else box.falls for box in unsure) and all(
        after.first == before.last
        or side * (after.first - before.last) >= -MARGIN * max(1.0, abs(before.last))
        for before, after in pairwise(unsure)
    )
