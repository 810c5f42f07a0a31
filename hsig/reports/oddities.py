"""What is odd about a formula, in words."""

from math import copysign

from hsig.analysis.examination import FLAT, GROWING, NAN, WRONG, Oddity
from hsig.networks.formulas.printing import text
from hsig.reports.numbers import short

_TEXT_MOST = 60  # characters of a part that is named


def told(found: Oddity) -> str:
    """One oddity in a sentence without a subject."""
    what = "its slope" if found.slope else "it"
    where = f"x = {short(round(found.x, 6))}"
    if found.kind == FLAT:
        return "its slope is 0 everywhere, so that nothing is learnt through it"
    if found.kind == GROWING:
        return f"its slope grows on and on: it is {short(round(found.found, 4))} at {where}"
    if found.kind == WRONG:
        given, steps = (short(round(one, 6)) for one in (found.found, found.expected))
        return (
            f"the derivative that is given is not its derivative: it is {given} at {where}, and "
            f"small steps give {steps}"
        )
    part = "" if found.part is None else text(found.part, digits=6)
    cause = f", where {part} is not finite" if part and len(part) <= _TEXT_MOST else ""
    below = found.x < 0.0 or copysign(1.0, found.x) < 0.0
    side = ("below" if below else "above") if found.beyond else "near"
    there = f"{side} x = {short(round(found.x, 6) + 0.0)}"
    how = "nan" if found.kind == NAN else "infinite"
    return f"{what} is {how} {there}{cause}"
