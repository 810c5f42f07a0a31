"""Texts for other programs: JSON, CSV that no spreadsheet runs, Markdown tables."""

import csv
import io
import json
from collections.abc import Mapping

from hsig.analysis.summary import Solved
from hsig.config.resolved import Json
from hsig.reports.page import Table


def json_text(made: Mapping[str, Json]) -> str:
    """As JSON, with every digit."""
    return json.dumps(made, indent=1, allow_nan=False) + "\n"


def csv_text(rows: list[dict[str, object]], columns: tuple[str, ...]) -> str:
    """As CSV; what a row lacks is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _harmless(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _harmless(value: object) -> object:
    """A text that no spreadsheet takes for a formula; numbers, as numbers or texts, stay."""
    if not isinstance(value, str) or not value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def markdown_table(table: Table) -> str:
    """With its title above it."""
    lines = [f"{table.title}:", ""] if table.title else []
    lines.append(_markdown_row(table.columns))
    sides = ("---" if column in table.prose else "---:" for column in table.columns)
    lines.append(_markdown_row(tuple(sides)))
    lines += [_markdown_row(row) for row in table.rows]
    return "\n".join(lines)


def _markdown_row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def solved_columns(solved: Solved) -> dict[str, object]:
    """A rate and its interval, as columns."""
    return {
        "solved": solved.k,
        "seeds": solved.n,
        "solved_rate": solved.rate,
        "solved_low": solved.low,
        "solved_high": solved.high,
    }
