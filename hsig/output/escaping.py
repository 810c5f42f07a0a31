"""Blocks of a page of which every text can be seen, so that widths are counted right."""

from dataclasses import fields, replace
from typing import Any

from hsig.escaping import escape_control
from hsig.reports.page import Curves, HeatMap, Line, Shade, Table


def seen(part: Any) -> Any:
    r"""A block, or a part of one, with what cannot be seen in its texts as Python writes it.

    >>> seen((Line("a\x1b[31m"),))
    (Line(text='a\\x1b[31m', tone=''),)
    """
    match part:
        case str():
            return escape_control(part)
        case Line() | Shade():
            return part._replace(text=escape_control(part.text))
        case tuple():
            return tuple(map(seen, part))
        case Table() | HeatMap():
            return replace(
                part, **{one.name: seen(getattr(part, one.name)) for one in fields(part)}
            )
        case Curves():
            return replace(part, title=escape_control(part.title))
    return part
