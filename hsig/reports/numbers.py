"""How a number becomes a text: digits and units live here. Nothing heavy is imported."""

import math
from collections.abc import Sequence

_NAMED_MOST = 5  # what is named one by one


def number(value: float) -> str:
    """A cost or a prediction, to six significant digits.

    >>> number(0.7), number(float("inf"))
    ('0.700000', 'inf')
    """
    return f"{value:#.6g}"


def brief(value: float) -> str:
    """The same to four digits, for tables with many of them side by side.

    >>> brief(0.7), brief(0.000123456)
    ('0.7000', '0.0001235')
    """
    return f"{value:#.4g}"


def short(value: float) -> str:
    """A setting, as short as it can be read."""
    return f"{value:.6g}"


def percent(rate: float) -> str:
    """A share in [0, 1] as whole percents; only all and none are 100 % and 0 %.

    >>> percent(0.0), percent(0.004), percent(0.996)
    ('0 %', '0.4 %', '99.6 %')
    """
    shown = 100.0 * rate
    distance = min(shown, 100.0 - shown)  # from none or all
    if distance == 0.0 or distance >= 1.0:
        return f"{shown:.0f} %"
    return f"{shown:.{-math.floor(math.log10(distance))}f} %"


def whole_percent(rate: float) -> str:
    """A share in [0, 1] as a number of percents; only none and all are 0 and 100.

    >>> whole_percent(0.004), whole_percent(0.5), whole_percent(0.996)
    ('<1', '50', '>99')
    """
    shown = f"{100.0 * rate:.0f}"
    if 0.0 < rate < 1.0 and shown in ("0", "100"):
        return "<1" if shown == "0" else ">99"
    return shown


def points(difference: float) -> str:
    """Of two shares as percentage points; with another digit where it would show as none.

    >>> points(-0.65), points(0.003), points(0.0)
    ('-65', '+0.3', '0')
    """
    value = 100.0 * difference
    if value == 0.0:
        return "0"
    shown = f"{value:+.0f}"
    return f"{value:+.1g}" if shown in ("+0", "-0") else shown


def p_value(p: float) -> str:
    """A p-value, to two digits."""
    return "<0.0001" if p < 0.0001 else f"{p:.2g}"


def count(n: int, noun: str) -> str:
    """`1 seed`, `30 seeds`."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def listed(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    shown = ", ".join(names[:_NAMED_MOST])
    more = len(names) - _NAMED_MOST
    return shown if more <= 0 else f"{shown} and {more} more"
