"""How a CSV file is written: its encoding, separator, decimal sign and header.

The first lines decide. Of the separators `,` `;` tab `|` and spaces, and a decimal point or comma,
those are taken by which most rows have the same number of fields and most fields are numbers. The
first row of that width is the header if it has names where the rows below have numbers; what stands
above it are comments and titles. What may be read in two ways is refused, with a way on for each.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO, TextIOWrapper
from itertools import islice
from math import isfinite
from typing import NamedTuple

import numpy as np

from hsig.arrays import Array

MAX_BYTES = 500_000_000
_MISSING = "? - -- . NA N/A n/a #N/A #NA <NA> NaN nan -nan -NaN NULL null NaT"
MISSING = frozenset(("", *_MISSING.split()))
COMMENT_MARKS = ("#", "%", "//")
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "|", " ": "spaces"}
_SAMPLE = 1_000  # lines that decide how a file is written
_SAMPLE_CHARACTERS = 100_000
_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_THOUSANDS = re.compile(r"[-+]?[1-9][0-9]{0,2}(,[0-9]{3})+")
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)  # of Excel


class UnreadableError(Exception):
    """A file is no table at all; the message says why, and what to do."""


class Dialect(NamedTuple):
    """How the fields of a file are written."""

    separator: str
    decimal: str = "."

    def split(
        self, lines: Iterable[str], first: int = 1, *, strict: bool = True
    ) -> Iterator[tuple[int, list[str]]]:
        """The fields of each row, and the line where it begins; of spaces, a run is one."""
        if self.separator == " ":
            lines = (line.replace("\t", " ").rstrip() for line in lines)
        reader = csv.reader(lines, delimiter=self.separator, skipinitialspace=True, strict=strict)
        start = first
        try:
            for fields in reader:
                yield start, fields
                start = first + reader.line_num
        except csv.Error as problem:
            what = 'a quote " opens in this row and is not closed'
            if "expected after" in str(problem):
                what = 'a field goes on behind its closing quote "'
            raise UnreadableError(f"line {start}: not CSV: {what}") from None

    def number(self, text: str) -> float | None:
        """The finite number that a field has, if it has one."""
        text = text.strip()
        if self.decimal == ",":
            if "." in text:
                return None
            text = text.replace(",", ".")
        number = float(text) if _NUMBER.fullmatch(text) else None
        return number if number is not None and isfinite(number) else None

    def numbers(self, fields: Sequence[str]) -> Array | None:
        """All the numbers of a column at once, or None if some field has none."""
        try:
            if self.decimal == ",":
                joined = "\0".join(fields)
                if "." in joined:
                    return None
                fields = joined.replace(",", ".").split("\0")
            found = np.fromiter(map(float, fields), np.float64, len(fields))
        except ValueError:
            return None
        joined = "".join(fields)  # float() also reads 1_000 and digits of other scripts
        plain = joined.isascii() and "_" not in joined and np.isfinite(found).all()
        return found if plain else None


# --- text ---

# what begins files that are no text, what that is, and what to do
_SIGNATURES = (
    (b"\x1f\x8b", "is compressed (gzip). Unpack it: gunzip -k {file}"),
    (b"BZh91AY&SY", "is compressed (bzip2). Unpack it: bunzip2 -k {file}"),
    (b"\xfd7zXZ", "is compressed (xz). Unpack it: unxz -k {file}"),
    (b"\x28\xb5\x2f\xfd", "is compressed (zstd). Unpack it: unzstd {file}"),
    (b"PK\x03\x04", "is a zip archive or an Excel workbook. Unpack it, or save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook. Save the sheet as CSV (UTF-8)"),
    (b"PAR1\x15", "is Parquet. Write it as CSV, or give the data frame to hsig.train in Python"),
    (b"\x89HDF", "is HDF5. Write its table as CSV, or give the arrays to hsig.train in Python"),
    (b"\x93NUMPY", "is a NumPy array. Write it as CSV, or give it to hsig.train in Python"),
    (b"%PDF-", "is a PDF, and hsig reads CSV"),
)
_STARTS = (
    (("<!doctype", "<html", "<?xml"), "is a web page or XML, and hsig reads CSV"),
    (("{", "[{", "[["), "is JSON, and hsig reads CSV"),
    (("@relation",), "is ARFF, and hsig reads CSV: delete the lines that begin with @"),
)


def check_text(data: bytes, file: str) -> None:
    """Refuse what is no text in UTF-8, by its name where it has one."""
    if len(data) > MAX_BYTES:
        raise UnreadableError(f"has more than {MAX_BYTES:,} bytes. Take a sample of its rows")
    if not data.strip():
        raise UnreadableError("is empty. Expected rows of fields, such as 0,1,1")
    for signature, words in _SIGNATURES:
        if data.startswith(signature):
            raise UnreadableError(words.format(file=file))
    encoding = "UTF-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
    if not encoding and data[:1000].count(0) * 3 > len(data[:1000]):  # Latin letters
        encoding = "UTF-16BE" if data[0] == 0 else "UTF-16LE"
    if encoding:
        raise UnreadableError(
            f"is {encoding}. Save it as CSV UTF-8, or: iconv -f {encoding} -t UTF-8 {file} > "
            "utf8.csv"
        )
    place, words = data.find(0), "has a byte 0: the file is binary, or damaged"
    if place < 0:
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as problem:
            place = problem.start
            words = (
                f"the byte 0x{data[place]:02x} is not UTF-8: the file may be Latin-1 or "
                "Windows-1252. Save it as CSV UTF-8, or: iconv -f WINDOWS-1252 -t UTF-8 "
                f"{file} > utf8.csv"
            )
    if place >= 0:
        raise UnreadableError(f"line {data.count(10, 0, place) + 1}: {words}")
    head = data[:200].decode("utf-8-sig", "ignore").lstrip().casefold()
    for starts, words in _STARTS:
        if head.startswith(starts):
            raise UnreadableError(words)


def read_lines(data: bytes, start: int = 1) -> Iterator[str]:
    """The lines of a file from one on, with their ends."""
    return islice(TextIOWrapper(BytesIO(data), encoding="utf-8-sig", newline=""), start - 1, None)


# --- separator and decimal sign ---------------------------------------------------------------


def _choose_dialect(lines: Sequence[str], separator: str) -> Dialect:
    """That by which most rows have the same number of fields, and most fields are numbers."""
    best, most = Dialect(separator or ","), 0.0
    for candidate in (separator,) if separator else _SEPARATORS:
        try:
            rows = _sample_rows(lines, Dialect(candidate))
        except UnreadableError:
            continue
        if not rows:
            raise UnreadableError("has no rows. Expected fields, such as 0,1,1")
        width, count = Counter(len(fields) for _, fields in rows).most_common(1)[0]
        fields = [text for _, row in rows if len(row) == width for text in row]
        commas = candidate != "," and _has_decimal_commas(fields)
        dialect = Dialect(candidate, "," if commas else ".")
        numbers = sum(dialect.number(text) is not None for text in fields) / len(fields)
        score = count / len(rows) * (1.0 + 2.0 * numbers)
        score *= 0.9 if candidate == " " else 1.0  # also between words
        if width > 1 and score > most:
            best, most = dialect, score
    return best


def _sample_rows(
    lines: Iterable[str], dialect: Dialect, first: int = 1
) -> list[tuple[int, list[str]]]:
    """The rows of a sample that are not blank, without spaces; the last may be cut off."""
    rows = dialect.split(lines, first, strict=False)
    stripped = [(line, [*map(str.strip, fields)]) for line, fields in rows]
    return [(line, fields) for line, fields in stripped if any(fields)]


def _has_decimal_commas(fields: Iterable[str]) -> bool:
    """Whether numbers have decimal commas, none a point, and not all may be thousands."""
    with_comma = Dialect(";", ",")
    commas = [text for text in fields if "," in text and with_comma.number(text) is not None]
    points = any("." in text and _NUMBER.fullmatch(text) for text in fields)
    return not points and not all(map(_THOUSANDS.fullmatch, commas))


# --- header -----------------------------------------------------------------------------------


class Layout(NamedTuple):
    """What the first lines of a file say about it."""

    dialect: Dialect
    width: int  # fields of a row
    used: int  # of them, those up to the last that is not empty in every row
    names: tuple[str, ...]  # of the columns; empty where they have none
    header: int  # line of the names, or 0
    start: int  # line where the rows begin
    facts: tuple[str, ...] = ()  # in words, where it is not plain CSV with a header in line 1
    problems: tuple[str, ...] = ()

    def fit(self, fields: list[str]) -> list[str]:
        """A row without fields too many that are empty, or with those too few that always are."""
        if len(fields) > self.width and not any(map(str.strip, fields[self.width :])):
            return fields[: self.width]
        if self.used <= len(fields) < self.width:
            return fields + [""] * (self.width - len(fields))
        return fields


def find_layout(data: bytes, file: str) -> Layout:
    """Recognise separator, decimal sign and header.

    Raises:
        UnreadableError: If a line may be read in two ways.
    """
    given = _SEPARATOR_LINE.fullmatch(next(read_lines(data), ""))
    start = 2 if given else 1
    sample: list[str] = []
    size = 0
    for line_text in islice(read_lines(data, start), _SAMPLE):
        sample.append(line_text)
        size += len(line_text)
        if size > _SAMPLE_CHARACTERS and len(sample) >= 20:  # of wide rows a few say enough
            break
    dialect = _choose_dialect(sample, given.group(1) if given else "")
    rows = _sample_rows(sample, dialect, start)
    # the commonest number of fields, of several that of the latest
    width = Counter(len(fields) for _, fields in reversed(rows)).most_common(1)[0][0]
    ends = [place for _, row in rows if len(row) == width for place in range(width) if row[place]]
    layout = Layout(dialect, width, max(ends) + 1, ("",) * width, 0, start)
    rows = [(line, layout.fit(fields)) for line, fields in rows]

    def may_be_first(fields: Sequence[str]) -> bool:
        is_title = bool(fields[0]) and sum(map(bool, fields)) < min(2, width)
        return len(fields) == width and not fields[0].startswith(COMMENT_MARKS) and not is_title

    top = next((place for place, (_, row) in enumerate(rows) if may_be_first(row)), 0)
    line, first = rows[top]
    rest = [(at, row) for at, row in rows[top + 1 :] if len(row) == width]
    facts, problems = [], []
    if dialect.separator != ",":
        facts.append(f"fields are separated by {_SEPARATORS.get(dialect.separator, dialect[0])}")
    if dialect.decimal == ",":
        facts.append("numbers have a decimal comma")
    layout = layout._replace(start=line)
    if _is_header(first, [row for _, row in rest], dialect, line, file):
        names = tuple(re.sub(r"^'(.*)'$", r"\1", name) for name in first)
        layout = layout._replace(names=names, header=line, start=line + 1)
        if rest:
            layout = layout._replace(start=rest[0][0])
        if top:
            facts.append(f"the header is line {line}: what is above it is left out")
    elif top:
        above, fields = rows[top - 1]
        names = tuple(_read_comment(fields))
        if len(names) == width and all(dialect.number(name) is None for name in names):
            layout = layout._replace(names=names, header=above)
            facts.append(f"the comment in line {above} names the columns")
        elif not fields[0].startswith(COMMENT_MARKS):
            problems.append(_describe_other_width(above, len(fields), layout, file))
    if not layout.header:
        facts.append("there is no header: columns go by their number")
    return layout._replace(facts=tuple(facts), problems=tuple(problems))


def _is_header(
    first: Sequence[str], rest: Sequence[Sequence[str]], dialect: Dialect, line: int, file: str
) -> bool:
    """Whether a row names columns: it has names where the rows below have numbers.

    Where these have none, it does if few fields of it stand in their columns again. Names that are
    numbers are known as years, as numbers of the columns, or as few among many.

    Raises:
        UnreadableError: If it may be either.
    """
    numbers = [dialect.number(text) for text in first]
    values = [number for number in numbers if number is not None]
    named = {
        place
        for place, (text, number) in enumerate(zip(first, numbers, strict=True))
        if number is None and text not in MISSING
    }
    if not rest:
        return not values
    columns = list(zip(*rest, strict=True))
    pairs = zip(first, columns, strict=True)
    recurring = sum(text in column for text, column in pairs if text not in MISSING)
    again = recurring > 0
    over = sorted(place for place in named if _are_numbers(columns[place], dialect))
    if not values:
        return bool(over) or 2 * recurring < len(first)
    offsets = {number - place for place, number in enumerate(numbers) if number is not None}
    counts = len(values) > 1 and len(offsets) == 1
    years = len(values) > 1 and all(v % 1 == 0 and 1500 <= v < 2500 for v in values) and not again
    if not named:
        if counts and values[0] == 0 and first[0] == "":  # pandas' index, and an array's columns
            return len(set(columns[0])) == len(rest)
        rises = years and values == sorted(set(values))
        if len(values) == len(first) and (
            rises or (counts and (values[0] == 0 or (len(first) > 2 and not again)))
        ):
            raise UnreadableError(_describe_unclear(line, first, file))
        return False
    if (counts or years or len(over) >= 3 * len(values)) and not again:
        return True
    if over:
        raise UnreadableError(_describe_unclear(line, first, file))
    return False


def _are_numbers(fields: Sequence[str], dialect: Dialect) -> bool:
    """Whether more than half of the values are numbers."""
    values = [dialect.number(text) is not None for text in fields if text not in MISSING]
    return 2 * sum(values) > len(values)


def _describe_unclear(line: int, first: Sequence[str], file: str) -> str:
    shown = ", ".join(map(repr, first[:20])) + (", ..." if len(first) > 20 else "")
    named = f"sed -n '{line}s/[0-9][0-9]*/x&/gp' {file}"
    return (
        f"line {line}: {shown} may name the columns, or be a row. Mend a field that is wrong. "
        f"If the line is their header: sed '{line}s/[0-9][0-9]*/x&/g' {file} > "
        f"named.csv. If it is a row: ({named}; cat {file}) > named.csv. Then use csv:named.csv"
    )


def _describe_other_width(line: int, names: int, layout: Layout, file: str) -> str:
    return (
        f"line {line}: expected a header of {layout.width} names, as many as the rows have fields, "
        f"got {names}. Write a name for each field, also of rows that are named; with decimal "
        f"commas, ; between fields; if it is no header, delete it: sed {line}d {file} > plain.csv"
    )


def _read_comment(fields: Sequence[str]) -> list[str]:
    """The names in a comment such as `# x1,x2,y`; none if it is no comment."""
    if not fields[0].startswith(COMMENT_MARKS):
        return []
    first = fields[0].lstrip("#%/").strip()
    return [first, *fields[1:]] if first else list(fields[1:])
