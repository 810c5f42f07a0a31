"""What the columns of a table are, each by itself, and what is said of them.

`hsig.config.datasets` decides what they are for.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from shlex import quote
from typing import NamedTuple

import numpy as np

from hsig.arrays import Array, BoolArray
from hsig.config.tables import Column, Table
from hsig.networks.tasks import NUMBER

MAX_NAMES = 20  # of an input
MAX_WHOLE_CLASSES = 10
NAMES = "names"  # a kind of input, beside NUMBER
LEFT_OUT_UNASKED = "(to have it, name all --inputs)"  # ends the note of such a column
INPUT, TARGET, LEFT_OUT = "input", "target", "left out"
_SIGNS_OF_MISSING = (-9.0, -99.0, -999.0, -9999.0)
_MIN_COUNTED = 5  # rows, from which on numbers that rise by one count them
_MAX_SHOWN = 20
_MAX_NAMED = 6  # columns of names that are told of
DROPPED, NO_INPUT = "it is dropped", "it is none of the inputs"
# names of columns that name or count the rows, and of those that are mostly predicted
ROW_NAMES = re.compile(
    r"|unnamed: 0|index|row.?names?|row.?id|row.?number|row|id|obs|nos?\.?|nr|s\.?no|#|.*[ _.-]id"
)
ID_NAME = re.compile(r".*[a-z]I[dD]")
_TARGET_NAMES = re.compile("target|class|label|species|diagnosis|outcome|response")
# numbers that are not written as such: in another notation, of money, in percent, or not finite
_DISGUISE = re.compile(
    r"[-+\u2212]?[$€£¥]? ?[-+]?(0x[0-9a-f]+|[\d.,'_ \u00a0\u202f]*\d(e[-+]?\d+)?|inf(inity)?)"
    r" ?[%$€£¥]?",
    re.IGNORECASE,
)
DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ].*)?|\d{1,2}:\d{2}(:\d{2}.*)?")
_WITH_UNIT = re.compile(r"[-+]?\d+[.,]?\d*\s*([a-zA-Zµ°/\"]+)")


class Choices(NamedTuple):
    """What is asked of the columns; each is named as in the table, or by its number from 1."""

    target: str | None = None  # None for the last
    inputs: Sequence[str] = ()  # none for all others
    drop: Sequence[str] = ()
    missing: str = "refuse"  # or `drop`, the rows
    target_kind: str = "auto"  # or CLASS, NUMBER
    squared: bool = False  # whether the loss `squared` is asked for: whole numbers stay numbers


@dataclass(frozen=True)
class Feature:
    """What was understood of one column."""

    name: str
    place: int  # in the file, from 1
    role: str  # INPUT, TARGET or LEFT_OUT
    kind: str  # NUMBER; or NAMES of an input, CLASS of a target
    names: tuple[str, ...] = ()  # of NAMES and CLASS, in the order of their codes 0, 1, ...
    counts: tuple[int, ...] = ()  # how many rows have each of them
    low: float = np.nan  # of numbers
    high: float = np.nan
    mean: float = np.nan
    distinct: int = 0  # values that differ
    missing: int = 0  # rows without a value, of all in the table
    reason: str = ""  # why it is left out

    @property
    def is_constant(self) -> bool:
        """Whether every row has the same value."""
        return self.distinct == 1

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of what a network sees of it."""
        if len(self.names) > 2:
            return tuple(f"{self.name}={name}" for name in self.names)
        return (self.name,)

    def encode(self, column: Column) -> tuple[Array, BoolArray]:
        """What a network sees of a column, (rows, outputs), and which rows have another value."""
        if self.kind == NUMBER:
            return column.numbers[:, None], np.isnan(column.numbers)
        codes = {name: code for code, name in enumerate(self.names)}
        of_text = np.array([codes.get(text, -1) for text in (*column.texts, "")])
        values, places = np.unique(column.numbers, return_inverse=True)
        of_number = np.array([codes.get(_format_number(value), -1) for value in values])
        is_text = column.codes >= 0
        found = np.where(is_text, of_text[column.codes], of_number[places.reshape(-1)])
        if len(self.names) > 2:
            return (np.arange(len(self.names)) == found[:, None]).astype(float), found < 0
        return found[:, None].astype(float), found < 0


# --- values ---------------------------------------------------------------------------------


def _format_number(value: float) -> str:
    """A number as a name: 2, not 2.0."""
    return f"{value:.0f}" if value % 1 == 0 and abs(value) < 1e15 else repr(float(value))


def count_values(column: Column) -> dict[str, int]:
    """How many rows have each value: numbers by size, then names in the order of the alphabet."""
    values, counts = np.unique(column.numbers[column.codes < 0], return_counts=True)
    found = {_format_number(v): int(n) for v, n in zip(values, counts, strict=True)}
    of_text = np.bincount(column.codes[column.codes >= 0], minlength=len(column.texts))
    pairs = sorted(zip(column.texts, of_text, strict=True), key=lambda pair: _order(pair[0]))
    return found | {text: int(count) for text, count in pairs if count}


def _order(name: str) -> tuple[bool, str, str]:
    return name == "+", name.casefold(), name  # + comes behind -


def describe_values(column: Column, role: str, kind: str) -> Feature:
    """A feature of a kind, with what its values are."""
    feature = Feature(column.name, column.place, role, kind)
    if kind != NUMBER:
        counts = count_values(column)
        bits = role == TARGET and set(counts) <= {"0", "1"}
        names = ("0", "1") if bits else tuple(counts)
        return replace(
            feature,
            names=names,
            counts=tuple(counts.get(name, 0) for name in names),
            distinct=len(counts),
        )
    numbers = column.numbers[column.codes < 0]
    if not len(numbers):
        return feature
    ends = float(numbers.min()), float(numbers.max())
    return replace(
        feature,
        low=ends[0],
        high=ends[1],
        mean=float(numbers.mean()),
        distinct=len(np.unique(numbers)),
    )


def describe_columns(table: Table) -> tuple[Feature, ...]:
    """The columns as they are, of which nothing is decided; each has the role of none."""
    features = []
    for column in table.columns:
        kind = NAMES if (column.present.codes >= 0).any() else NUMBER
        feature = describe_values(column.present, "", kind)
        features.append(replace(feature, missing=int(column.missing.sum())))
    return tuple(features)


def are_numbers(texts: Sequence[str]) -> bool:
    """Whether most texts of a column are meant as numbers, such as 5%, $5 and 5 kg."""
    texts = texts[:1000]
    with_unit = [_WITH_UNIT.fullmatch(text) for text in texts]
    units = {match and match.group(1) for match in with_unit}
    disguised = sum(bool(_DISGUISE.fullmatch(text)) for text in texts)
    return 2 * disguised > len(texts) or (len(texts) > 2 and len(units) == 1 and None not in units)


def are_dates(numbers: Array) -> bool:
    """Whether all numbers read as days, such as 20240131."""
    year, day = np.divmod(numbers, 10_000)
    month, day = np.divmod(day, 100)
    found = (year >= 1800) & (year < 2200) & (month >= 1) & (month <= 12) & (day >= 1) & (day < 32)
    return len(numbers) > 1 and bool((found & (numbers % 1 == 0)).all())


def counts_rows(column: Column) -> bool:
    """Whether the numbers of a column rise by one from row to row."""
    steps = np.diff(column.numbers)
    return len(steps) + 1 >= _MIN_COUNTED and bool((steps == 1).all())


# --- words ------------------------------------------------------------------------------------


def join_some(parts: Sequence[str]) -> str:
    """The parts with commas between them, of many the first."""
    more = len(parts) - _MAX_SHOWN
    return ", ".join(parts[:_MAX_SHOWN]) + (f" and {more} more" if more > 0 else "")


def describe_decisions(
    table: Table, features: Sequence[Feature], rows: int, choices: Choices
) -> Iterator[str]:
    """What was decided, in sentences."""
    yield from table.facts
    yield _describe_target(features, choices)
    pairs = list(zip(table.columns, features, strict=True))
    for _, feature in pairs:
        if feature.role == LEFT_OUT and feature.reason not in (DROPPED, NO_INPUT):
            yield f"{feature.name} is left out: {feature.reason} {LEFT_OUT_UNASKED}"
    named = [_describe_names(feature) for _, feature in pairs if feature.role == INPUT]
    named = [words for words in named if words]
    yield from named[:_MAX_NAMED]
    if len(named) > _MAX_NAMED:
        yield f"so it is with {len(named) - _MAX_NAMED} more columns of names: hsig data has them"
    for column, feature in pairs:
        if feature.role == INPUT and feature.kind == NUMBER:
            yield from _describe_suspicions(column, feature, choices)
    if rows < len(table.lines):
        all_rows = len(table.lines)
        yield f"{all_rows - rows} of {all_rows} rows are left out, as they miss a value"


def _describe_names(feature: Feature) -> str:
    """What becomes of the names of an input, if it has any."""
    if len(feature.names) > 2:
        return f"{feature.name} has an input for each of {join_some(feature.names)}"
    codes = [f"{name} is {code}" for code, name in enumerate(feature.names)]
    return f"{feature.name}: {', '.join(codes)}" if codes else ""


def _describe_suspicions(column: Column, feature: Feature, choices: Choices) -> Iterator[str]:
    """Numbers that may be no measurement."""
    numbers = column.present.numbers
    whole = len(numbers) >= 20 and 10 * feature.distinct > 9 * len(numbers)
    whole = whole and not (numbers % 1).any()
    names = f"If it only names them, leave it out: {flag_drop([column], choices)}"
    if feature.place == 1 and counts_rows(column):
        yield f"{feature.name} counts the rows. {names}"
    elif feature.place == 1 and whole:
        yield f"{feature.name} has another whole number in nearly every row. {names}"
    signs = numbers == feature.low
    if feature.low in _SIGNS_OF_MISSING and signs.sum() > 1 and (numbers[~signs] >= 0).all():
        yield (
            f"{feature.name} is {feature.low:g} in {signs.sum()} rows. If that says that a value "
            "is missing, leave the fields empty"
        )


def _describe_target(features: Sequence[Feature], choices: Choices) -> str:
    """What the target is, and how to ask for another."""
    target = next(feature for feature in features if feature.role == TARGET)
    last = ", the last column" + ("" if target is features[-1] else " left")
    words = f"target: {target.name}{'' if choices.target else last}, "
    other = ""
    if target.kind == NUMBER:
        words += f"a number from {target.low:g} to {target.high:g}"
        if 1 < target.distinct <= MAX_NAMES:
            other = ". To have its values as classes: --target-kind class"
    else:
        of_each = [f"{n} ({k})" for n, k in zip(target.names, target.counts, strict=True)]
        if len(of_each) == 2 and target.names != ("0", "1"):
            of_each = [f"{text} is {code}" for code, text in enumerate(of_each)]
        words += f"{len(of_each)} class{'es' if len(of_each) > 1 else ''}: {join_some(of_each)}"
        if all(re.fullmatch(r"-?[0-9]+", name) for name in target.names):
            other = ". To have it as a number: --target-kind number"
    if target.is_constant:
        other = "; it is the same in every row, so that there is nothing to learn"
    likely = [f.name for f in features if _TARGET_NAMES.fullmatch(f.name.casefold())]
    if choices.target is None and likely and target.name not in likely:
        other += f". To predict {likely[0]}: --target {quote(likely[0])}"
    return words + other


def flag_drop(columns: Iterable[Column], choices: Choices | None = None) -> str:
    """What to type to leave columns out, beside those that are already."""
    names = list(choices.drop if choices else ())
    names += [str(c.place) if set(c.name) & set(",[]{}\"'") else c.name for c in columns]
    return f"--drop {quote(','.join(names))}"
