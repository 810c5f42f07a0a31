"""The nouns of a page: lines, tables, figures, and rows of named values.

A page is made once, in no format: `hsig.output` draws it on a screen and writes it to files.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from math import inf, isfinite, isnan
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, cast

from hsig import __version__

if TYPE_CHECKING:
    from hsig.analysis.summary import Solved
    from hsig.config.values import Json


# --- page ----------------------------------------------------------------------------------------

FORMAT = 1  # of all JSON: fields are added, never renamed
HEADER: "Mapping[str, Json]" = {"format": FORMAT, "hsig": __version__}  # how each begins
MAX_ROWS = 40  # longer tables are shown without their middle
LEVELS = "▁▂▃▄▅▆▇█"  # of a small curve, from 0 to the top


class Line(NamedTuple):
    """A line of text."""

    text: str  # what it says
    tone: str = ""  # how it is said: nothing, `title`, `answer`, or of a result `good` or `bad`


def lines(texts: Iterable[str]) -> tuple[Line, ...]:
    """Plain lines."""
    return tuple(map(Line, texts))


@dataclass(frozen=True)
class Curves:
    """Curves over a common x, the most important first."""

    title: str  # what they are; may be empty
    x: Sequence[float]  # increasing
    values: Sequence[Sequence[float]]  # of each curve at `x`


@dataclass(frozen=True)
class Table:
    """A table of texts."""

    title: str  # above it; may be empty
    columns: tuple[str, ...]  # their names
    rows: tuple[tuple[str, ...], ...]  # texts, one for each column
    # groups of columns that may go where there is no room for all, the first to go first
    spare: tuple[tuple[str, ...], ...] = ()
    # columns of words, which begin on the left; numbers end on the right
    prose: tuple[str, ...] = ()
    splits: bool = False  # whether it may be cut into tables that each begin with the first column
    whole: bool = False  # whether all rows are shown, however many there are
    firm: tuple[str, ...] = ()  # columns that are never folded, such as those of ids
    beside: Curves | None = None  # what it is a table of, drawn beside it

    def drop_spare(self) -> "Table":
        """The same without the first of its groups of spare columns."""
        first, *others = self.spare
        kept = [index for index, name in enumerate(self.columns) if name not in first]
        return replace(self.select(kept), spare=tuple(others))

    def select(self, kept: Sequence[int]) -> "Table":
        """The table with some of its columns, by their places."""
        rows = tuple(tuple(row[index] for index in kept) for row in self.rows)
        return replace(self, columns=tuple(self.columns[index] for index in kept), rows=rows)

    def shortened(self, most: int = MAX_ROWS) -> "Table":
        """The same without its middle rows if it has more than `most`."""
        left_out = len(self.rows) - most
        if left_out <= 0 or self.whole:
            return self
        gap = (f"({left_out} more)", *("" for _ in self.columns[1:]))
        half = most // 2
        return replace(self, rows=(*self.rows[:half], gap, *self.rows[-half:]))


class Shade(NamedTuple):
    """A cell of a heat map: what is written in it, and how much of it is solved."""

    text: str
    rate: float | None


@dataclass(frozen=True)
class HeatMap:
    """Two swept keys against each other."""

    title: str  # the values of the other keys, if there are any
    down: str  # name of the key whose values are the rows
    across: str  # name of the key whose values are the columns
    rows: tuple[str, ...]  # values of the first
    columns: tuple[str, ...]  # values of the second
    shades: tuple[tuple[Shade, ...], ...]  # by row, then column

    def drop_empty_rows(self) -> "HeatMap":
        """The same without rows of which no cell has anything."""
        rows = [
            (row, shades)
            for row, shades in zip(self.rows, self.shades, strict=True)
            if any(shade.text for shade in shades)
        ]
        return replace(
            self, rows=tuple(row for row, _ in rows), shades=tuple(shades for _, shades in rows)
        )

    def as_table(self) -> Table:
        """The same without its colours."""
        return Table(
            self.title,
            (f"{self.down} \\ {self.across}", *self.columns),
            tuple(
                (row, *(shade.text.strip() for shade in shades))
                for row, shades in zip(self.rows, self.shades, strict=True)
            ),
        )


Item = TypeVar("Item")
Text = Callable[[Any], str]
CsvRows = tuple[Sequence[str], Sequence[Mapping[str, object]]]


def plain_text(value: object) -> str:
    """A value in as few characters as say it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return short(value) if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Column(Generic[Item]):
    """One value of each row of a result: where it is, and how people and programs get it.

    JSON has the value as it is, under its name; CSV has it in one column of that name, or in
    several; a table has it as a text under a heading. A value that is None is not there: null in
    JSON, empty elsewhere.
    """

    name: str  # in JSON, in CSV, and for `Rows.table`
    heading: str  # above it in a table; empty if it is for programs only
    # of a row: a number, a text, or several of them (a named tuple, mapping or list)
    value: Callable[[Item], Any]
    text: Text = plain_text  # how it is written in a table
    # where CSV has several columns for it: their names, and what each takes of the value
    parts: Mapping[str, Callable[[Any], object]] = field(default_factory=dict)
    # whether programs do not get it, as it says again what other columns have
    shown_only: bool = False
    missing: str = ""  # text in a table where there is no value
    prose: bool = False  # whether it is of words, which begin on the left; numbers end on the right
    note: str = ""  # what the title of a table says of it

    def on(self, part: Callable[[Any], Item]) -> "Column[Any]":
        """The same column of rows that have these rows as a part."""
        return replace(cast("Column[Any]", self), value=lambda item: self.value(part(item)))

    def cell(self, item: Item) -> str:
        """Its text in the table."""
        value = self.value(item)
        return self.missing if value is None else self.text(value)

    def cells_of_csv(self, item: Item) -> dict[str, object]:
        """Its values in CSV, by the names of the columns."""
        value = self.value(item)
        if not self.parts:
            return {self.name: _for_csv(value)}
        if value is None:
            return dict.fromkeys(self.parts, "")
        return {name: _for_csv(part(value)) for name, part in self.parts.items()}


def _for_csv(value: object) -> object:
    return "" if value is None else plain_text(value) if isinstance(value, bool) else value


@dataclass(frozen=True, eq=False)
class Rows(Generic[Item]):
    """A result: rows of named values, from which its table, its JSON and its CSV follow."""

    columns: Sequence[Column[Item]]  # in the order of CSV
    items: Sequence[Item]  # one for each row

    def table(self, title: str = "", names: Sequence[str] = (), **layout: Any) -> "Table":
        """The table for people.

        Args:
            title: Above it; notes of its columns follow it in brackets.
            names: The columns it has, in this order; by default all that have a heading.
            layout: Other attributes of `Table`.
        """
        by_name = {column.name: column for column in self.columns}
        chosen = [by_name[name] for name in names or by_name]
        chosen = [column for column in chosen if column.heading]
        notes = "; ".join(dict.fromkeys(column.note for column in chosen if column.note))
        return Table(
            f"{title} ({notes})" if title and notes else title or notes,
            tuple(column.heading for column in chosen),
            tuple(tuple(column.cell(item) for column in chosen) for item in self.items),
            prose=tuple(column.heading for column in chosen if column.prose),
            **layout,
        )

    def records(self) -> "list[dict[str, Json]]":
        """A record for each row, as JSON has it."""
        columns = [column for column in self.columns if not column.shown_only]
        return [{c.name: for_json(c.value(item)) for c in columns} for item in self.items]

    def csv(self) -> CsvRows:
        """The names of the columns of CSV, and its rows."""
        columns = [column for column in self.columns if not column.shown_only]
        names = [name for column in columns for name in column.parts or (column.name,)]
        rows = [
            {name: cell for c in columns for name, cell in c.cells_of_csv(item).items()}
            for item in self.items
        ]
        return names, rows


def join_csv(parts: Sequence[CsvRows]) -> CsvRows:
    """The rows of several results below one head."""
    columns = dict.fromkeys(column for columns, _ in parts for column in columns)
    return [*columns], [row for _, rows in parts for row in rows]


def for_json(value: Any) -> "Json":
    """A value as JSON has it; numbers that JSON cannot say are the texts "Infinity" and "NaN"."""
    if isinstance(value, float):
        if isfinite(value):
            return float(value)
        return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        value = value._asdict()
    elif is_dataclass(value):
        value = {each.name: getattr(value, each.name) for each in fields(value)}
    elif hasattr(value, "tolist"):
        return for_json(value.tolist())
    if isinstance(value, Mapping):
        return {str(name): for_json(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [for_json(part) for part in value]
    plain: Json = value
    return plain


Block = tuple[Line, ...] | Table | Curves | HeatMap
Row = Mapping[str, object]


@dataclass(frozen=True, eq=False)
class Page:
    """A result for people and programs."""

    blocks: tuple[Block, ...]  # one below the other: lines that belong together, tables, figures
    # the result as JSON has it, with every seed or without
    document: "Callable[[bool], Mapping[str, Json]]"
    # the columns and rows of the result as CSV has it
    rows: Callable[[], tuple[Sequence[str], Sequence[Row]]]
    # the same with a row for each seed and checkpoint; None if there is no such
    every_row: Callable[[], tuple[Sequence[str], Sequence[Row]]] | None = None
    # what is shown where the result alone is wanted; by default everything
    brief: tuple[Line, ...] = ()
    # what Markdown has in place of the blocks, if it is something else
    markdown: tuple[Block, ...] = ()
    # those blocks that are shown unless all are asked for; by default all
    short: tuple[Block, ...] = ()
    # the answer in the words of the question, at most four lines; it is shown last
    answer: tuple[Line, ...] = ()

    def choose_blocks(self, *, full: bool) -> tuple[Block, ...]:
        """The blocks for a reader who asks for all, or who does not; none that is empty."""
        chosen = self.blocks if full or not self.short else self.short
        return tuple(block for block in (*chosen, self.answer) if block)


def page_of_tables(
    *tables: Table, document: "Mapping[str, Json] | None" = None, before: Sequence[str] = ()
) -> Page:
    """Tables of words as they are; as CSV the first of them.

    Args:
        tables: At least one.
        document: What JSON has; by default the tables.
        before: Sentences above them.
    """
    content = document or {
        **HEADER,
        "tables": [{"title": table.title, "rows": [*records(table)]} for table in tables],
    }
    blocks = [lines(before)] if before else []
    return Page(
        (*blocks, *tables), lambda _: content, lambda: (tables[0].columns, records(tables[0]))
    )


def records(table: Table) -> "list[dict[str, Json]]":
    """A record for each row of a table of words."""
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def stacked_bar(counts: Sequence[int], glyphs: Sequence[str], width: int) -> str:
    """A bar of the shares of several counts, each in its glyph; what there is has a character.

    >>> stacked_bar([6, 0, 1, 23], "abcd", 10)
    'aacddddddd'
    """
    total = sum(counts)
    lengths = [max(1, int(width * count / total)) if count else 0 for count in counts]
    while (off := width - sum(lengths)) != 0:  # to the parts that it changes least
        step = 1 if off > 0 else -1
        errors = [
            step * (width * count / total - length) if count and length + step > 0 else -inf
            for count, length in zip(counts, lengths, strict=True)
        ]
        lengths[errors.index(max(errors))] += step
    return "".join(glyph * length for glyph, length in zip(glyphs, lengths, strict=True))


def sparkline(values: Sequence[float], top: float) -> str:
    """A character for each value, from 0 to `top`; what is above is cut off, nan leaves a gap.

    >>> sparkline([0.0, 0.5, 1.0, float("nan"), 9.0], 1.0)
    '▁▅█ █'
    """
    last = len(LEVELS) - 1
    return "".join(
        " " if isnan(value) else LEVELS[min(last, int(min(value / top, 1.0) * (last + 1)))]
        for value in values
    )


# --- numbers -------------------------------------------------------------------------------------

# How a number becomes a text: digits and units live here. Nothing heavy is imported.

_MAX_NAMED = 5  # what is named one by one


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


def share(rate: float) -> str:
    """A share in [0, 1] in percent, to three digits; only all and none are 100 % and 0 %.

    >>> share(0.88125), share(0.5), share(0.9999)
    ('88.1 %', '50 %', '99.99 %')
    """
    shown = f"{100.0 * rate:.3g}"
    return percent(rate) if shown in ("100", "0") else f"{shown} %"


def share_points(difference: float) -> str:
    """Of two shares as percentage points, without a sign where there is none to be told.

    >>> share_points(0.0125), share_points(-0.3), share_points(0.0), share_points(-2e-4)
    ('+1.2', '-30.0', '0', '-0.02')
    """
    shown = f"{100.0 * difference:+.1f}"
    if difference == 0.0:
        return "0"
    return f"{100.0 * difference:+.1g}" if shown in ("+0.0", "-0.0") else shown


HELD_OUT = "held_out_"  # as in `hsig.experiments.measures`, which is heavy
MEASURES = {"loss": "loss", "right": "right", "rmse": "RMSE", "r2": "R2"}  # what tables call them


def measure_words(name: str) -> str:
    """What tables call a measure.

    >>> measure_words("held_out_rmse")
    'held-out RMSE'
    """
    held_out = "held-out " if name.startswith(HELD_OUT) else ""
    return held_out + MEASURES[name.removeprefix(HELD_OUT)]


def measure_text(name: str, value: float) -> str:
    """The value of a measure; a share of rows in percent."""
    return share(value) if name.endswith("right") and isfinite(value) else f"{value:.4g}"


def difference_text(name: str, difference: float) -> str:
    """The difference of two values of a measure; of shares of rows in percentage points."""
    if name.endswith("right") and isfinite(difference):
        return share_points(difference)
    return f"{difference:+.3g}" if difference else "0"


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


def signed(difference: float) -> str:
    """A difference of two shares.

    >>> signed(-0.96), signed(0.0)
    ('-0.960', '+0.000')
    """
    return f"{difference:+.3f}"


def signed_interval(ends: Sequence[float]) -> str:
    """The ends of the interval of a difference."""
    low, high = ends
    return f"{low:+.3f} to {high:+.3f}"


def rate_of(solved: "Solved") -> str:
    """`9 of 10`."""
    return f"{solved.k} of {solved.n}"


def interval(solved: "Solved") -> str:
    """The interval of a solved rate, in percent."""
    return f"{percent(solved.low)} to {percent(solved.high)}"


def p_value(p: float) -> str:
    """A p-value, to two digits, or as many as show on which side of the level it is.

    >>> p_value(0.0312), p_value(0.0501), p_value(0.00009)
    ('0.031', '0.0501', '<0.0001')
    """
    from hsig.analysis.pairing import LEVEL

    if p < 0.0001:
        return "<0.0001"
    texts = (f"{p:.{digits}g}" for digits in range(2, 18))
    return next(text for text in texts if (float(text) <= LEVEL) == (p <= LEVEL))


def count(n: int, noun: str) -> str:
    """`1 seed`, `30 seeds`."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def listed(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    shown = ", ".join(names[:_MAX_NAMED])
    more = len(names) - _MAX_NAMED
    return shown if more <= 0 else f"{shown} and {more} more"


def shortened(text: str, most: int) -> str:
    """The text, or where it is longer its beginning and its end with an ellipsis between them.

    >>> shortened("a formula without end", 9)
    'a fo… end'
    """
    if len(text) <= most:
        return text
    end = (most - 1) // 2
    return f"{text[: most - 1 - end]}…{text[len(text) - end :]}"
