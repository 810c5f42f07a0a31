"""Pages for other programs: JSON, CSV that no spreadsheet runs, Markdown."""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence

from hsig.escaping import escape_control
from hsig.reports.page import Block, Curves, HeatMap, Page, Table


def as_json(page: Page, *, every_seed: bool = True) -> str:
    """The page's document, with every digit."""
    return json_text(page.document(every_seed))


def json_text(document: Mapping[str, object], indent: int = 1) -> str:
    """A document as JSON, with every digit, in ASCII that can be seen."""
    return json.dumps(document, indent=indent, allow_nan=False) + "\n"


def as_csv(page: Page, *, every_row: bool = False) -> str:
    """The page's rows, or one for each seed and checkpoint; what a row lacks is empty."""
    columns, rows = page.every_row() if every_row and page.every_row else page.rows()
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writerow({name: _disarm_formula(name) for name in columns})
    writer.writerows({name: _disarm_formula(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _disarm_formula(value: object) -> object:
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
    """Sentences and tables that paste into a slide or an issue; maps as tables, without curves."""
    blocks = page.markdown or page.choose_blocks(full=full)
    return "\n\n".join(part for block in blocks for part in _markdown_parts(block)) + "\n"


def _markdown_parts(block: Block) -> list[str]:
    match block:
        case Table():
            return [_markdown_table(block)]
        case HeatMap():
            return [_markdown_table(block.as_table())]
        case Curves():
            return []  # there is no text that would say the same
    strong = ("answer", "good", "bad")
    texts = ((_escape_markdown(line.text), line.tone in strong) for line in block)
    return [f"**{text}**" if is_strong else text for text, is_strong in texts]


def _markdown_table(table: Table) -> str:
    """The table with its title above it."""
    sides = ["---" if column in table.prose else "---:" for column in table.columns]
    title = [f"{_escape_markdown(table.title)}:", ""] if table.title else []
    return "\n".join([*title, *map(_markdown_row, (table.columns, sides, *table.rows))])


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_PIPE.sub(_ESCAPED, _escape_markdown(cell)) for cell in cells) + " |"


# each with the backslashes before it, which would take the meaning of another one away
_PIPE = re.compile(r"(\\*)(\|)")
# what begins a tag, code, or the target of a link or a picture
_ACTS = re.compile(r"(\\*)(<(?=[A-Za-z/!?])|`|(?<=\])[(\[:])")
_ESCAPED = r"\1\1\\\2"


def _escape_markdown(text: str) -> str:
    """A text as Markdown in which nothing runs, loads, or is hidden."""
    return _ACTS.sub(_ESCAPED, escape_control(text))
