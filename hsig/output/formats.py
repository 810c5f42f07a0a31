"""Pages for other programs: JSON, CSV that no spreadsheet runs, Markdown."""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from hsig.escaping import escape_control
from hsig.output.escaping import seen
from hsig.reports.page import Block, Curves, HeatMap, Page, Row, Table


def as_json(page: Page, *, every_seed: bool = True) -> str:
    """The page's document, with every digit."""
    return json_text(page.document(every_seed))


def json_text(made: Mapping[str, object], indent: int = 1) -> str:
    """As JSON, with every digit, in ASCII that can be seen."""
    return _indented(made, " " * indent, "\n") + "\n"


_HOLDERS = {dict, list, tuple}


def _indented(made: Any, indent: str, margin: str) -> str:
    """As `json.dumps` indents it, which it does slowly: what holds no more is written in one go.

    Args:
        made: What is written.
        indent: Of what is in it.
        margin: A new line, and what it begins with.
    """
    kind, below = type(made), margin + indent
    comma = f",{below}"
    encode = _encoder(comma)
    if not made or kind not in _HOLDERS:
        return encode(made)
    if _HOLDERS.isdisjoint(map(type, made.values() if kind is dict else made)):
        text = encode(made)
        return f"{text[0]}{below}{text[1:-1]}{margin}{text[-1]}"
    if kind is dict:
        parts = [f"{encode(key)}: {_indented(part, indent, below)}" for key, part in made.items()]
        return f"{{{below}{comma.join(parts)}{margin}}}"
    parts = [_indented(part, indent, below) for part in made]
    return f"[{below}{comma.join(parts)}{margin}]"


@cache
def _encoder(comma: str) -> Callable[[object], str]:
    return json.JSONEncoder(allow_nan=False, separators=(comma, ": ")).encode


def as_csv(page: Page, *, every_row: bool = False) -> str:
    """The page's rows, or one for each seed and checkpoint."""
    columns, rows = page.every_row() if every_row and page.every_row else page.rows()
    return csv_text(columns, rows)


def csv_text(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """As CSV; what a row lacks is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writerow({name: _harmless(name) for name in columns})
    writer.writerows({name: _harmless(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _harmless(value: object) -> object:
    """A text in one line that no spreadsheet takes for a formula; numbers stay, also as texts."""
    if not isinstance(value, str):
        return value
    value = escape_control(value)
    if not value.startswith(("=", "+", "-", "@")):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def as_markdown(page: Page, *, full: bool = False) -> str:
    """Sentences and tables that paste into a slide or an issue; maps and curves as tables."""
    blocks = page.markdown or page.shown(full=full)
    return "\n\n".join(part for block in blocks for part in _parts(block)) + "\n"


def _parts(block: Block) -> list[str]:
    match block := seen(block):
        case Table():
            return [markdown_table(block)]
        case Curves():
            return []  # there is no text that would say the same
        case HeatMap():
            return [markdown_table(block.as_table())]
    strong = ("answer", "good", "bad")
    texts = ((_inert(line.text), line.tone in strong) for line in block)
    return [f"**{text}**" if is_strong else text for text, is_strong in texts]


def markdown_table(table: Table) -> str:
    """With its title above it."""
    table = seen(table)
    lines = [f"{_inert(table.title)}:", ""] if table.title else []
    lines.append(_markdown_row(table.columns))
    sides = ("---" if column in table.prose else "---:" for column in table.columns)
    lines.append(_markdown_row(tuple(sides)))
    lines += [_markdown_row(row) for row in table.rows]
    return "\n".join(lines)


def _markdown_row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(_escaped(_PIPE, _inert(cell)) for cell in cells) + " |"


# each with the backslashes before it, which would take the meaning of another one away
_PIPE = re.compile(r"(\\*)(\|)")
# what begins a tag, code, or the target of a link or a picture
_ACTS = re.compile(r"(\\*)(<(?=[A-Za-z/!?])|`|(?<=\])[(\[:])")


def _inert(text: str) -> str:
    """A text as Markdown in which nothing runs, loads, or is hidden."""
    return _escaped(_ACTS, text)


def _escaped(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(r"\1\1\\\2", text)
