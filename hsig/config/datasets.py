"""What the columns of a table are for: the inputs and the target of a task, as numbers.

`understand(table, choices, location) -> Dataset` decides by the rules below, notes each decision in
words, and complains of all that cannot stand in one report. `Dataset.to_task(name)` is what is
trained on; `Dataset.encode(table, missing, location)` are the same columns of another table.

An input is a number; two names, which become 0 and 1 in the order of the alphabet; or at most
`MAX_NAMES` names, each with an input of its own that is 1 where it stands, else 0. A target of
names has classes. Whole numbers are classes if at most `MAX_WHOLE_CLASSES` differ, they are
consecutive or two, and each stands in two rows or more; 0 and 1 always are. All else is a number.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from shlex import quote
from typing import NamedTuple

import numpy as np

from hsig.arrays import Array, BoolArray, IntArray
from hsig.config.kinds import check_size
from hsig.config.tables import Column, Table
from hsig.config.values import InvalidValue, Location, check_all, nearest
from hsig.networks.tasks import CLASS, NUMBER, Rows, Source, Task

MAX_NAMES = 20  # of an input
MAX_WHOLE_CLASSES = 10
NAMES = "names"  # a kind of input, beside NUMBER
INPUT, TARGET, LEFT_OUT = "input", "target", "left out"
_SIGNS_OF_MISSING = (-9.0, -99.0, -999.0, -9999.0)
_MIN_COUNTED = 5  # rows, from which on numbers that rise by one count them
_MAX_SHOWN = 20
_DROPPED, _NO_INPUT = "it is dropped", "it is none of the inputs"
# names of columns that name or count the rows, and of those that are mostly predicted
_ROW_NAMES = re.compile(
    r"|unnamed: 0|index|row.?names?|row.?id|row.?number|row|id|obs|nos?\.?|nr|s\.?no|#|.*[ _.-]id"
)
_ID = re.compile(r".*[a-z]I[dD]")
_TARGET_NAMES = re.compile("target|class|label|species|diagnosis|outcome|response")
# what numbers look like that are not written as such
_DISGUISES = {
    "percentages": r"[-+]?[\d.,]+ ?%",
    "amounts of money": r"[-+]?[$€£¥] ?[-+]?[\d.,]+|[-+]?[\d.,]+ ?[$€£¥]",
    "numbers with separated thousands": r"[-+]?\d{1,3}([,.'_ \u00a0\u202f]\d{3})+([.,]\d+)?",
    "numbers with a decimal comma": r"[-+]?\d*,\d+([eE][-+]?\d+)?",
    "numbers with a decimal point, where others have a comma": r"[-+]?\d*\.\d+([eE][-+]?\d+)?",
    "numbers with a minus sign other than -": r"\u2212[\d.,]+",
    "numbers that are not finite": r"(?i)[-+]?(inf|infinity|\d[\d.]*e\d+)",
    "numbers in another notation": r"(?i)[-+]?[\d.,_ ]*\d|0x[0-9a-f]+",
}
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ].*)?|\d{1,2}:\d{2}(:\d{2}.*)?")
_WITH_UNIT = re.compile(r"[-+]?\d+[.,]?\d*\s*([a-zA-Zµ°/\"]+)")


# --- the nouns --------------------------------------------------------------------------------


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


@dataclass(frozen=True, eq=False)
class Dataset:
    """A table whose columns have a meaning."""

    table: Table
    features: tuple[Feature, ...]  # of every column of the table, in its order
    target: Feature
    rows: IntArray  # places in the table of those that are used; the others miss a value
    inputs: Array  # (rows, inputs), by column
    targets: Array  # (rows, outputs)
    notes: tuple[str, ...]  # what was decided, in sentences, to be said before training

    @property
    def used(self) -> tuple[Feature, ...]:
        """The inputs, and then the target."""
        return (*(feature for feature in self.features if feature.role == INPUT), self.target)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of each input of a network, and then of each output."""
        return tuple(name for feature in self.used for name in feature.outputs)

    @property
    def lines(self) -> IntArray:
        """Shape (rows,); of each row used its line in the file."""
        lines: IntArray = self.table.lines[self.rows]
        return lines

    def to_task(self, name: str = "") -> Task:
        """The task that these rows are; without names of columns, names only if they tell more."""
        table, columns = self.table, self.columns
        if len(columns) == len(table.columns) and not any(c.named for c in table.columns):
            columns = ()
        return Task(
            name or table.name,
            self.inputs,
            self.targets,
            columns,
            kind=self.target.kind,
            classes=self.target.names,
            source=Source(table.origin, table.sha256, self.notes),
        )

    def encode(self, table: Table, missing: str, location: Location) -> Rows:
        """The rows of another table, whose columns have the same names.

        Raises:
            InvalidValue: If it lacks a column, or a row has a value that these rows have not.
        """
        before, case = len(location.problems), _Case(table, Choices(missing=missing), location)
        named = {column.name: column for column in table.columns}
        absent = [feature.name for feature in self.used if feature.name not in named]
        if absent:
            raise case.wrong(
                f"expected the columns of {self.table.name}, got none called {_join(absent)}. It "
                f"has: {_join([*named])}"
            )
        columns = [named[feature.name] for feature in self.used]
        rows = _find_rows(case, columns)
        parts = []
        for feature, column in zip(self.used, columns, strict=True):
            values, unknown = feature.encode(column.select(rows))
            parts.append(values)
            if unknown.any():
                row = int(rows[np.argmax(unknown)])
                known = f"one of {_join(feature.names)}" if feature.names else "a number"
                case.wrong(
                    f"{table.where(row)}: {column.name}: expected {known}, as {self.table.name} "
                    f"has, got {column.text(row)!r}{_count_more(int(unknown.sum()))}"
                )
        if table.problems or len(location.problems) > before:
            raise InvalidValue
        return Rows(np.concatenate(parts[:-1], axis=1), parts[-1])


# --- understanding ----------------------------------------------------------------------------


def understand(
    table: Table,
    choices: Choices,
    location: Location,
    locate: Callable[[str], Location] | None = None,
) -> Dataset:
    """Decide what each column of a table is for.

    Complaints about what is asked are made where `locate` has the key; else at `location`, with it.

    Raises:
        InvalidValue: After complaints about all that cannot stand; those about the table have been
            made by who read it.
    """
    before, case = len(location.problems), _Case(table, choices, location, locate)
    target, inputs, left_out = _choose_roles(case)
    features: dict[Column, Feature] = {}
    for column in inputs:
        present = column.present
        if _check_numbers(case, column):
            kind = NAMES if (present.codes >= 0).any() else NUMBER
            features[column] = _describe(present, INPUT, kind)
    for column, feature in tuple(features.items()):
        if feature.kind == NAMES and feature.is_constant and not choices.inputs:
            left_out[column] = f"every row has {feature.names[0]}"
            del features[column]
    _refuse_many_names(case, features)
    rows = _find_rows(case, [*features, target])
    selected = {column: column.select(rows) for column in (*features, target)}
    kind = _find_target_kind(case, target, selected[target])
    if not features and len(location.problems) == before:
        case.wrong("expected an input beside the target. Name some with --inputs")
    if table.problems or len(location.problems) > before:
        raise InvalidValue
    for column, feature in features.items():
        features[column] = _describe(selected[column], INPUT, feature.kind)
    features[target] = _describe(selected[target], TARGET, kind)
    sizes = [len(feature.outputs) for feature in features.values()]
    check_size(len(rows), sum(sizes[:-1]), sizes[-1], location)
    parts = [feature.encode(selected[column])[0] for column, feature in features.items()]
    for column, reason in left_out.items():
        kind = NAMES if column.texts else NUMBER
        features[column] = replace(_describe(column, LEFT_OUT, kind), reason=reason)
    ordered = tuple(
        replace(features[column], missing=int(column.missing.sum())) for column in table.columns
    )
    wanted = next(feature for feature in ordered if feature.role == TARGET)
    return Dataset(
        table,
        ordered,
        wanted,
        rows,
        np.concatenate(parts[:-1], axis=1),
        parts[-1],
        tuple(_describe_decisions(table, ordered, len(rows), choices)),
    )


class _Case(NamedTuple):
    """A table, what is asked of its columns, and where to complain."""

    table: Table
    choices: Choices
    location: Location  # of the table
    locate: Callable[[str], Location] | None = None  # of a key

    def wrong(self, message: str, key: str = "") -> InvalidValue:
        """Note what is wrong with the table, or with a key; to be raised."""
        table, location = self.table, self.location
        if key and self.locate:
            location = self.locate(key)
        elif key:
            message = f"{key}: {message}"
        between = ", " if message.startswith(f"{table.row_noun} ") else ": "
        return location.wrong(f"{table.path or table.name}{between}{message}")


def _choose_roles(case: _Case) -> tuple[Column, list[Column], dict[Column, str]]:
    """The target, the inputs, and why each of the others is left out."""
    table, choices = case.table, case.choices
    named = {column.name: column for column in table.columns}
    by_number = {str(column.place): column for column in table.columns}
    if len(named) < 2:
        raise case.wrong(
            f"expected at least an input and a target, got {len(named)} column. Fields may have "
            ", ; tab | or spaces between them"
        )

    def find(key: str, name: str) -> Column:
        found = named.get(name) or by_number.get(name)
        if found is None:
            raise case.wrong(
                f"there is no column '{name}'.{nearest(name, named)} There are: {_join([*named])}",
                key,
            )
        return found

    wanted = {"target": [choices.target] if choices.target else []}
    wanted |= {"inputs": [*choices.inputs], "drop": [*choices.drop]}
    found = check_all(partial(find, key, name) for key in wanted for name in wanted[key])
    given, found = found[: len(wanted["target"])], found[len(wanted["target"]) :]
    chosen, dropped = found[: len(choices.inputs)], found[len(choices.inputs) :]
    rest = [column for column in table.columns if column not in dropped]
    target = given[0] if given else next((c for c in reversed(rest) if c not in chosen), None)
    if target is None:
        raise case.wrong("no column is left to predict", "target")
    if not given and target.named and _ROW_NAMES.fullmatch(target.name.casefold()):
        raise case.wrong(
            f"the last column is called {target.name}, as what names rows. Name what to "
            f"predict, such as --target {quote(rest[-2].name if len(rest) > 1 else target.name)}",
            "target",
        )
    for key, first, second in (
        ("inputs", [target], chosen),
        ("drop", [target], dropped),
        ("drop", chosen, dropped),
    ):
        for column in {*first} & {*second}:
            role = "the target" if column is target else "one of the inputs"
            raise case.wrong(f"'{column.name}' is {role}", key)
    left_out = dict.fromkeys(dropped, _DROPPED)
    if chosen:
        left_out |= dict.fromkeys((c for c in rest if c not in (*chosen, target)), _NO_INPUT)
        return target, [column for column in rest if column in chosen], left_out
    inputs = [column for column in rest if column is not target]
    for column in tuple(inputs):
        reason = "it has no values" if column.missing.all() else _explain_row_names(table, column)
        if reason and len(inputs) > 1:
            left_out[column] = reason
            inputs.remove(column)
    return target, inputs, left_out


def _explain_row_names(table: Table, column: Column) -> str:
    """Why a column is no input, if it names or counts the rows."""
    if not table.header and table.row_noun == "line":  # no column has a name
        starts = column is table.columns[0] and column.numbers[0] in (0, 1)
        return "it counts the rows" if starts and _counts_rows(column) else ""
    name = column.name.casefold() if column.named else ""
    if not (_ROW_NAMES.fullmatch(name) or _ID.fullmatch(column.name)) or column.missing.any():
        return ""
    if _counts_rows(column):
        return "it counts the rows"
    differ = len(_count_values(column)) == len(column.codes) > 1
    whole = bool((column.numbers % 1 == 0).all())
    return "it names the rows" if differ and (whole or (column.codes >= 0).all()) else ""


def _counts_rows(column: Column) -> bool:
    steps = np.diff(column.numbers)
    return len(steps) + 1 >= _MIN_COUNTED and bool((steps == 1).all())


def _find_rows(case: _Case, columns: Sequence[Column]) -> IntArray:
    """Places of the rows without a missing value; unless they are to be dropped, it complains.

    The last of the columns is the target.
    """
    absent = {column: column.missing for column in columns if column.missing.any()}
    complete = np.ones(len(case.table.lines), dtype=bool)
    for lacks in absent.values():
        complete &= ~lacks
    if absent and (case.choices.missing != "drop" or not complete.any()):
        row = int(np.argmin(complete))
        column = next(column for column, lacks in absent.items() if lacks[row])
        counted = [f"{column.name} {lacks.sum()}" for column, lacks in absent.items()]
        ways = [f"the rows: --missing drop ({complete.sum()} stay)"] * bool(complete.any())
        inputs = [column for column in absent if column is not columns[-1]]
        ways += [f"the columns: {_flag_drop(inputs, case.choices)}"] * bool(inputs)
        if columns[-1] in absent and not complete.any():
            ways.append("the target: name another with --target")
        case.wrong(
            f"of {len(complete)} rows values are missing: {_join(counted)}; the first in "
            f"{case.table.where(row)}, {column.text(row)!r}. To go on, leave out "
            f"{', or '.join(ways)}"
        )
    return np.flatnonzero(complete)


def _flag_drop(columns: Iterable[Column], choices: Choices | None = None) -> str:
    """What to type to leave columns out, beside those that are already."""
    names = list(choices.drop if choices else ())
    names += [str(c.place) if set(c.name) & set(",[]{}\"'") else c.name for c in columns]
    return f"--drop {quote(','.join(names))}"


# --- values -----------------------------------------------------------------------------------


def _format_number(value: float) -> str:
    """A number as a name: 2, not 2.0."""
    return f"{value:.0f}" if value % 1 == 0 and abs(value) < 1e15 else repr(float(value))


def _count_values(column: Column) -> dict[str, int]:
    """How many rows have each value: numbers by size, then names in the order of the alphabet."""
    values, counts = np.unique(column.numbers[column.codes < 0], return_counts=True)
    found = {_format_number(v): int(n) for v, n in zip(values, counts, strict=True)}
    of_text = np.bincount(column.codes[column.codes >= 0], minlength=len(column.texts))
    pairs = sorted(zip(column.texts, of_text, strict=True), key=lambda pair: _order(pair[0]))
    return found | {text: int(count) for text, count in pairs if count}


def _order(name: str) -> tuple[bool, str, str]:
    return name == "+", name.casefold(), name  # + comes behind -


def _describe(column: Column, role: str, kind: str) -> Feature:
    """A feature of a kind, with what its values are."""
    feature = Feature(column.name, column.place, role, kind)
    if kind != NUMBER:
        counts = _count_values(column)
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


def _check_numbers(
    case: _Case,
    column: Column,
    *,
    is_target: bool = False,
) -> bool:
    """Complain of texts that are meant as numbers, and say whether there are none.

    A text among more numbers is a name if the values are few, and each stands in two rows or more;
    else it is a mistake.
    """
    is_text = (column.codes >= 0) & ~column.missing
    count, present = int(is_text.sum()), int((~column.missing).sum())
    if not count:
        return True
    texts = [column.texts[code] for code in np.unique(column.codes[is_text])]
    looks = _find_disguise(texts)
    if not looks:
        counts = _count_values(column.present)
        few = len(counts) <= MAX_NAMES and min(counts.values()) > 1
        if 2 * count > present or (few and 10 * count >= present):
            return True
    row = int(np.argmax(is_text))
    all_look = f" ({looks})" if looks else ""
    way = f"leave the column out: {_flag_drop([column], case.choices)}"
    case.wrong(
        f"{case.table.where(row)}: {column.name}: expected a number, got {column.text(row)!r}"
        f"{all_look}{_count_more(count)}. Write numbers such as 1234.5, or "
        f"{'name another target with --target' if is_target else way}"
    )
    return False


def _find_disguise(texts: Sequence[str]) -> str:
    """What sort of numbers most texts of a column are meant as, if they are."""
    texts = texts[:1000]
    for words, pattern in _DISGUISES.items():
        if 2 * sum(bool(re.fullmatch(pattern, text)) for text in texts) > len(texts):
            return words
    with_unit = [_WITH_UNIT.fullmatch(text) for text in texts]
    units = {match and match.group(1) for match in with_unit}
    return "numbers with a unit" if len(texts) > 2 and len(units) == 1 and None not in units else ""


def _count_more(count: int) -> str:
    return f", and {count - 1} more" if count > 1 else ""


def _refuse_many_names(case: _Case, features: dict[Column, Feature]) -> None:
    """Complain of inputs with too many names, or nearly one for each row, and take them out."""
    refused = {}
    for column, feature in features.items():
        few_rows = sum(feature.counts) < 2 * feature.distinct > 4
        if feature.kind == NAMES and (feature.distinct > MAX_NAMES or few_rows):
            what = "dates" if all(map(_DATE.fullmatch, feature.names[:100])) else "names"
            refused[column] = f"{column.name} {feature.distinct} {what} ({feature.names[0]!r})"
    if refused:
        case.wrong(
            f"expected numbers, or at most {MAX_NAMES} names that stand in two rows or more on "
            f"average, got {_join([*refused.values()])}. To go on, leave the columns out: "
            f"{_flag_drop(refused, case.choices)}"
        )
    for column in refused:
        del features[column]


def _find_target_kind(case: _Case, column: Column, present: Column) -> str:
    """What a target is; after a complaint, a number."""
    table, choices = case.table, case.choices
    is_text = present.codes >= 0
    if not len(is_text) or not _check_numbers(case, column, is_target=True):
        return NUMBER
    if choices.target_kind == NUMBER or (not is_text.any() and not _are_classes(present, choices)):
        if is_text.any():
            row = int(np.argmax((column.codes >= 0) & ~column.missing))
            case.wrong(
                f"{table.where(row)}: {column.name}: expected a number, got {column.text(row)!r}",
                "target_kind",
            )
        return NUMBER
    counts = _count_values(present)
    rows = len(is_text)
    if (len(counts) > MAX_NAMES and 2 * len(counts) > rows) or len(counts) == rows > 2:
        numbers = [c.name for c in table.columns if not c.texts and c is not column]
        case.wrong(
            f"{column.name} has {len(counts)} classes in {rows} rows, such as "
            f"{next(iter(counts))!r}. Name what to predict, such as --target "
            f"{quote((numbers or [table.columns[0].name])[-1])}",
            "target",
        )
    return CLASS


def _are_classes(column: Column, choices: Choices) -> bool:
    """Whether numbers of a target are taken as classes."""
    if choices.target_kind == CLASS:
        return True
    values, counts = np.unique(column.numbers, return_counts=True)
    if choices.squared or len(values) > MAX_WHOLE_CLASSES or (values % 1 != 0).any():
        return False
    if {*values.tolist()} <= {0.0, 1.0}:
        return True
    near = len(values) == 2 or bool((np.diff(values) == 1).all())
    return near and len(values) > 1 and bool(counts.min() > 1)


# --- words ------------------------------------------------------------------------------------


def _join(parts: Sequence[str]) -> str:
    more = len(parts) - _MAX_SHOWN
    return ", ".join(parts[:_MAX_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _describe_decisions(
    table: Table, features: Sequence[Feature], rows: int, choices: Choices
) -> Iterator[str]:
    """What was decided, in sentences."""
    yield from table.facts
    yield _describe_target(features, choices)
    for column, feature in zip(table.columns, features, strict=True):
        if feature.role == LEFT_OUT and feature.reason not in (_DROPPED, _NO_INPUT):
            yield f"{feature.name} is left out: {feature.reason} (to have it, name all --inputs)"
        elif feature.role == INPUT and feature.kind == NAMES:
            names = feature.names
            if len(names) > 2:
                yield f"{feature.name} has an input for each of {_join(names)}"
            else:
                yield f"{feature.name}: {_join([f'{n} is {c}' for c, n in enumerate(names)])}"
        elif feature.place == 1 and feature.role == INPUT and _counts_rows(column):
            yield (
                f"{feature.name} counts the rows. If it is only their number, leave it out: "
                f"{_flag_drop([column], choices)}"
            )
        if feature.role == INPUT and feature.low in _SIGNS_OF_MISSING:
            signs = column.numbers == feature.low
            if signs.sum() > 1 and (column.numbers[~signs] >= 0).all():
                yield (
                    f"{feature.name} is {feature.low:g} in {signs.sum()} rows. If that says that a "
                    "value is missing, leave the fields empty"
                )
    if rows < len(table.lines):
        all_rows = len(table.lines)
        yield f"{all_rows - rows} of {all_rows} rows are left out, as they miss a value"


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
        words += f"{len(of_each)} class{'es' if len(of_each) > 1 else ''}: {_join(of_each)}"
        if all(re.fullmatch(r"-?[0-9]+", name) for name in target.names):
            other = ". To have it as a number: --target-kind number"
    if target.is_constant:
        other = "; it is the same in every row, so that there is nothing to learn"
    likely = [f.name for f in features if _TARGET_NAMES.fullmatch(f.name.casefold())]
    if choices.target is None and likely and target.name not in likely:
        other += f". To predict {likely[0]}: --target {quote(likely[0])}"
    return words + other
