"""Tables as people have them: the text of a CSV file, or columns of values in Python.

`read_table(path, location) -> Table` reads a file (`-` is the standard input) and
`table_of_columns(value, location) -> Table` what has columns (pandas, polars, a dict of arrays, an
array). What a column is *for* is decided in `hsig.config.datasets`, and how a file
is written is recognised in `hsig.config.dialects`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np

from hsig.arrays import Array, BoolArray, IntArray
from hsig.config.dialects import (
    COMMENT_MARKS,
    MAX_BYTES,
    MISSING,
    Dialect,
    UnreadableError,
    check_text,
    find_layout,
    read_lines,
)
from hsig.config.kinds import MAX_ROWS
from hsig.config.text import read_bytes, read_stdin, reason
from hsig.config.values import Location, is_number, nearest
from hsig.files import expand_home
from hsig.networks.tasks import STDIN

MAX_NUMBERS = 20_000_000
_CHUNK_FIELDS = 500_000  # held as texts at a time
_SHOWN = 5  # places that a complaint names


# --- the nouns --------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Column:
    """A column of a table: of each row a number, or a text that is none."""

    name: str  # unique in the table; `column N` if the table has none
    place: int  # in the file, from 1
    numbers: Array  # (rows,), finite, or nan where there is a text
    codes: IntArray  # (rows,), the place in `texts`, or -1 where there is a number
    texts: tuple[str, ...] = ()  # each once, in the order in which they appear
    named: bool = True  # whether the table has a name for it

    @property
    def missing(self) -> BoolArray:
        """Shape (rows,); where there is no value."""
        signs = MISSING - {"-"} if "+" in self.texts else MISSING  # where these are two values
        codes = [place for place, text in enumerate(self.texts) if text in signs]
        found: BoolArray = np.isin(self.codes, codes) if codes else np.zeros(len(self.codes), bool)
        return found

    def text(self, row: int) -> str:
        """The value of a row, as it is written."""
        code = self.codes[row]
        return self.texts[code] if code >= 0 else f"{self.numbers[row]:.15g}"

    def select(self, rows: IntArray) -> "Column":
        """The same column of some rows, which are in order."""
        if len(rows) == len(self.codes):
            return self
        return replace(self, numbers=self.numbers[rows], codes=self.codes[rows])

    @property
    def present(self) -> "Column":
        """The same column of the rows where there is a value."""
        return self.select(np.flatnonzero(~self.missing))


@dataclass(frozen=True, eq=False)
class Table:
    """What was read: columns of equal length, and what was recognised on the way.

    Attributes:
        name: As results call it, the file's name.
        columns: In their order; what is empty in every row is left out.
        lines: Of each row the line where it begins, from 1; of arrays the row, from 1.
        facts: What was recognised, in words, where it is not plain CSV with a header in line 1.
        problems: What cannot stand; each begins with the line, if it has one.
        path: As it was given; empty for what is no file.
        origin: The same from the root, to find it again from anywhere.
        sha256: Of the file's bytes.
        separator, decimal: As the file has them.
        header: Line of the names of columns, or 0.
        row_noun: What a row's number in `lines` counts.
    """

    name: str
    columns: tuple[Column, ...] = ()
    lines: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    facts: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    path: str = ""
    origin: str = ""
    sha256: str = ""
    separator: str = ","
    decimal: str = "."
    header: int = 0
    row_noun: str = "line"

    def where(self, row: int) -> str:
        """A row as messages name it, `line 7`."""
        return f"{self.row_noun} {self.lines[row]}"


# --- files ------------------------------------------------------------------------------------


def read_table(name: object, location: Location) -> Table:
    """The table of a CSV file; the complaints about it are noted, and are in `problems`.

    Raises:
        InvalidValue: If it is no table at all.
    """
    if not isinstance(name, str):
        raise location.expected("a file name", name)
    written = name.strip()
    if not written:
        raise location.wrong("expected a file behind csv:, such as csv:data.csv")
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", written):
        file = written.rstrip("/").rpartition("/")[2] or "data.csv"
        raise location.wrong(
            f"{written} is an address, and hsig reads files. Fetch it first: "
            f"curl -L -o {file} '{written}', and then csv:{file}"
        )
    path = Path(written) if written == STDIN else location.value.folder / expand_home(Path(written))
    shown = "standard input" if written == STDIN else str(path)
    try:
        limit = MAX_BYTES + 1
        data = read_stdin(limit) if written == STDIN else read_bytes(path, limit)
        table = _parse_once(data, path, written)
    except UnreadableError as refusal:
        raise location.wrong(_place(shown, str(refusal))) from None
    except IsADirectoryError:
        raise location.wrong(f"{shown} is a folder.{_list_tables(path)} Name a file") from None
    except FileNotFoundError:
        hint = nearest(path.name, [file.name for file in _find_tables(path.parent)])
        listed = hint or _list_tables(path.parent)
        raise location.wrong(f"cannot read {shown}: no such file.{listed}") from None
    except (OSError, ValueError) as failure:
        raise location.wrong(f"cannot read {shown}: {reason(failure)}") from None
    for problem in table.problems:
        location.wrong(_place(shown, problem))
    return table


def _place(shown: str, problem: str) -> str:
    return f"{shown}, {problem}" if problem.startswith("line ") else f"{shown}: {problem}"


def _find_tables(folder: Path) -> list[Path]:
    endings = (".csv", ".tsv", ".txt", ".data", ".dat")
    try:
        return sorted(path for path in folder.iterdir() if path.suffix.casefold() in endings)
    except OSError:
        return []


def _list_tables(folder: Path) -> str:
    names = [path.name for path in _find_tables(folder)]
    return f" In {folder}: {', '.join(names[:10])}." if names else ""


# the last that were read, by the file's bytes and name: a sweep asks for the same again
_TABLES: dict[tuple[str, str], Table] = {}


def _parse_once(data: bytes, path: Path, written: str) -> Table:
    name, origin = path.name, str(path.absolute())
    if written == STDIN:
        name, origin = "stdin", written
    key = digest, _ = sha256(data).hexdigest(), origin
    if key not in _TABLES:
        table = parse_table(data, quote(str(path)))
        while len(_TABLES) > 1:  # one to train on, one to test
            del _TABLES[next(iter(_TABLES))]
        _TABLES[key] = replace(table, name=name, path=written, origin=origin, sha256=digest)
    return _TABLES[key]


def parse_table(data: bytes, file: str = "data.csv") -> Table:
    """The table of a CSV file's bytes, with all that is wrong in its `problems`.

    `file` is what commands that messages tell have for it.

    Raises:
        UnreadableError: If it is no table at all.
    """
    check_text(data, file)
    layout = find_layout(data, file)
    width, problems, facts = layout.width, list(layout.problems), list(layout.facts)
    builders = [_Builder(layout.dialect) for _ in range(width)]
    lines: list[int] = []
    ragged: list[tuple[int, int]] = []
    blank = count = 0
    most = min(MAX_ROWS, MAX_NUMBERS // width)
    chunk: list[list[str]] = []

    def flush() -> None:
        for builder, fields in zip(builders, zip(*chunk, strict=True), strict=True):
            builder.add(fields)
        chunk.clear()

    for line, row in layout.dialect.split(read_lines(data, layout.start), layout.start):
        fields = row if len(row) == width else layout.fit(row)
        if not any(fields) or not any(map(str.strip, fields)):
            blank += len(row) > 1
        elif len(fields) != width:
            if not row[0].startswith(COMMENT_MARKS):
                ragged.append((line, len(row)))
        else:
            count += 1
            if count <= most:
                lines.append(line)
                chunk.append(fields)
                if len(chunk) * width >= _CHUNK_FIELDS:
                    flush()
    if chunk:
        flush()
    if count > most:
        problems.append(
            f"expected at most {MAX_ROWS:,} rows and {MAX_NUMBERS:,} fields, got {count:,} rows of "
            f"{width} fields. Take a sample of the rows"
        )
    if ragged:
        (line, size), more = ragged[0], ", ".join(str(line) for line, _ in ragged[1 : 1 + _SHOWN])
        others = f" ({len(ragged) - 1} more such rows, in line {more})" if more else ""
        problems.append(
            f"line {line}: expected {width} fields as in other rows, got {size}{others}"
        )
    if not count and not problems:
        problems.append("expected rows below the header, got no rows")
    if blank:
        facts.append(f"{blank} empty rows are left out")
    columns = _name_columns(layout.names, builders, facts)
    return Table(
        name=file,
        columns=columns,
        lines=np.array(lines, dtype=np.int64),
        facts=tuple(facts),
        problems=tuple(problems),
        separator=layout.dialect.separator,
        decimal=layout.dialect.decimal,
        header=layout.header,
    )


def _name_columns(
    names: Sequence[str], builders: "Sequence[_Builder]", facts: list[str]
) -> tuple[Column, ...]:
    """The columns by unique names; those that are empty and have no name are left out."""
    columns, used = [], set[str]()
    for place, (name, builder) in enumerate(zip(names, builders, strict=True), start=1):
        column = builder.column(name, place)
        if not name and builder.is_empty:
            facts.append(f"column {place} is empty and has no name: it is left out")
            continue
        called = column.name
        if called in used:
            called = f"{called} (column {place})"
            facts.append(f"two columns are called {column.name}: the later one is '{called}' here")
        used.add(called)
        columns.append(replace(column, name=called))
    return tuple(columns)


class _Builder:
    """A column that grows by parts."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._numbers: list[Array] = []
        self._codes: list[Any] = []  # of the smallest type that will do
        self._places: dict[str, int] = {}  # of each text

    def add(self, fields: Sequence[str]) -> None:
        """Add the fields of some rows."""
        numbers = self._dialect.numbers(fields)
        codes = np.broadcast_to(np.int64(-1), len(fields))
        if numbers is None:
            numbers, codes = np.full(len(fields), np.nan), np.full(len(fields), -1, dtype=np.int32)
            for row, text in enumerate(map(str.strip, fields)):
                code = self._places.get(text)
                if code is None:
                    number = self._dialect.number(text)
                    if number is not None:
                        numbers[row] = number
                        continue
                    code = self._places[text] = len(self._places)
                codes[row] = code
        self._numbers.append(numbers)
        self._codes.append(codes)

    def add_numbers(self, numbers: Array) -> None:
        """Add the values of an array of numbers; those that are not finite are texts."""
        finite, codes = np.isfinite(numbers), np.full(len(numbers), -1, dtype=np.int32)
        for row in np.flatnonzero(~finite):
            codes[row] = self._places.setdefault(str(float(numbers[row])), len(self._places))
        self._numbers.append(np.where(finite, numbers, np.nan))
        self._codes.append(codes)

    @property
    def is_empty(self) -> bool:
        """Whether every field is empty."""
        return set(self._places) <= {""} and all(np.isnan(part).all() for part in self._numbers)

    def column(self, name: str, place: int) -> Column:
        """What it has become."""
        numbers = np.concatenate([*self._numbers, np.zeros(0)])
        codes = np.broadcast_to(np.int64(-1), len(numbers))
        if self._places:
            codes = np.concatenate(self._codes)
        name = " ".join(name.split())
        called = name if name and name.isprintable() else f"column {place}"
        return Column(called, place, numbers, codes, tuple(self._places), bool(name))


# --- columns in Python ------------------------------------------------------------------------


def has_columns(value: object) -> bool:
    """Whether a value is a table: a data frame, a mapping of columns, or an array of rows."""
    if isinstance(value, Mapping):
        columns = list(value.values())
        is_spec = {"inputs", "targets"} <= value.keys()  # of rows, as in a config
        return (
            bool(columns)
            and not is_spec
            and all(
                hasattr(column, "__len__") and not isinstance(column, str | bytes | Mapping)
                for column in columns
            )
        )
    is_structured = getattr(getattr(value, "dtype", None), "names", None) is not None
    return is_structured or getattr(value, "ndim", 0) == 2 or hasattr(value, "columns")


def table_of_columns(value: Any, location: Location) -> Table:
    """The table of what has columns, by the same rules as a file.

    Raises:
        InvalidValue: If the columns are not of one length and one dimension.
    """
    builders, names = [], []
    for name, values in _iterate_columns(value):
        array = np.asarray(values)
        if array.ndim != 1:
            raise location.wrong(
                f"column {name!r}: expected one value for each row, got an array of shape "
                f"{array.shape}"
            )
        builder = _Builder(Dialect(","))
        if array.dtype.kind in "iuf":
            builder.add_numbers(array.astype(np.float64))
        else:
            array = array.astype(str) if array.dtype.kind in "mM" else array  # dates
            builder.add([_to_text(part) for part in array.tolist()])
        builders.append((len(array), builder))
        names.append(str(name))
    lengths = [length for length, _ in builders]
    if len(set(lengths)) > 1 or not lengths:
        found = ", ".join(f"{name}: {length}" for name, length in zip(names, lengths, strict=False))
        raise location.wrong(f"expected columns of one length, got {found or 'none'}")
    facts: list[str] = []
    columns = _name_columns(names, [builder for _, builder in builders], facts)
    lines = np.arange(1, lengths[0] + 1)
    problems = () if lengths[0] else ("expected rows, got none",)
    table = Table("data", columns, lines, tuple(facts), problems, row_noun="row")
    for problem in problems:
        location.wrong(problem)
    return table


def _iterate_columns(value: Any) -> Iterator[tuple[object, Any]]:
    if hasattr(value, "items"):  # pandas, a mapping
        yield from value.items()
    elif getattr(getattr(value, "dtype", None), "names", None):  # a structured array
        yield from ((name, value[name]) for name in value.dtype.names)
    elif getattr(value, "ndim", 0) == 2 and not hasattr(value, "columns"):
        yield from (("", column) for column in value.T)
    else:  # polars
        yield from ((name, value[name]) for name in value.columns)


def _to_text(value: object) -> str:
    """A value as a file would have it; what is missing is empty."""
    if isinstance(value, int) and not isinstance(value, bool) and not is_number(value):
        return "inf"  # too large for a number
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)
