"""Tables of numbers in CSV files."""

import csv
from pathlib import Path

from hsig.config.text import read_bytes, reason
from hsig.config.values import Location, as_finite, describe, read_scalar

MAX_CHARACTERS = 1_000_000
_MAX_BYTES = 4 * (MAX_CHARACTERS + 1)


def read_table(path: Path, location: Location) -> tuple[list[list[float]], list[str]]:
    """The rows of a CSV file, and the names of its columns if its first row has no number."""
    try:
        text = read_bytes(path, _MAX_BYTES).decode("utf-8-sig")
    except (OSError, ValueError) as problem:
        raise location.wrong(f"cannot read {path}: {reason(problem)}") from None
    if len(text) > MAX_CHARACTERS:
        raise location.wrong(f"{path} has more than {MAX_CHARACTERS} characters")
    reader = csv.reader(text.splitlines(), strict=True)
    header: list[str] = []
    rows: list[list[float]] = []
    try:
        for fields in filter(None, reader):
            numbers = [_read_number(field) for field in fields]
            if reader.line_num == 1 and not any(number is not None for number in numbers):
                header = [field.strip() for field in fields]
                continue
            if None in numbers:
                column = numbers.index(None)
                raise location.wrong(
                    f"{path}, line {reader.line_num}, column {column + 1}: expected a finite "
                    f"number, got {describe(fields[column])}"
                )
            rows.append([number for number in numbers if number is not None])
    except csv.Error as problem:
        raise location.wrong(f"{path}, line {reader.line_num}: not CSV: {problem}") from None
    widths = sorted({len(row) for row in rows})
    if len(widths) != 1 or widths[0] < 2:
        found = ", ".join(map(str, widths)) or "no rows"
        raise location.wrong(
            f"{path}: expected rows of equal length, at least 2 columns; got {found}"
        )
    names = [
        column if is_column_name(column) else f"column {place}"
        for place, column in enumerate(header, start=1)
    ]
    return rows, names if len(names) == widths[0] else []


def is_column_name(name: object) -> bool:
    """Whether something may be the name of a column."""
    return isinstance(name, str) and bool(name) and name.isprintable()


def _read_number(text: str) -> float | None:
    """The finite number that a field has, if it has one."""
    try:
        return as_finite(read_scalar(text.strip()))
    except ValueError:
        return None
