"""What the columns of a table are for: the inputs and the target of a task, as numbers.

`understand(table, choices, location) -> Dataset` decides by the rules below, notes each decision in
words, and complains of all that cannot stand in one report. `Dataset.to_task(name)` is what is
trained on; `Dataset.encode(table, missing, location)` are the same columns of another table.

An input is a number; two names, which become 0 and 1 in the order of the alphabet; or at most
`MAX_NAMES` names, each with an input of its own that is 1 where it stands, else 0. A target of
names has classes. Whole numbers are classes if at most `MAX_WHOLE_CLASSES` differ, they are
consecutive or two, and each stands in two rows or more; 0 and 1 always are. All else is a number.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from shlex import quote
from typing import NamedTuple

import numpy as np

from hsig.arrays import Array, IntArray
from hsig.config.features import (
    DATE,
    DROPPED,
    ID_NAME,
    MAX_NAMES,
    MAX_WHOLE_CLASSES,
    NAMES,
    NO_INPUT,
    ROW_NAMES,
    TARGET,
    are_dates,
    are_numbers,
    count_values,
    counts_rows,
    describe_decisions,
    describe_values,
    flag_drop,
    join_some,
)
from hsig.config.features import INPUT as INPUT
from hsig.config.features import LEFT_OUT as LEFT_OUT
from hsig.config.features import Choices as Choices
from hsig.config.features import Feature as Feature
from hsig.config.features import describe_columns as describe_columns
from hsig.config.kinds import check_size
from hsig.config.tables import Column, Table
from hsig.config.values import InvalidValue, Location, check_all, nearest
from hsig.networks.tasks import CLASS, NUMBER, Rows, Source, Task

# --- the nouns --------------------------------------------------------------------------------


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
                f"expected the columns of {self.table.name}, got none called {join_some(absent)}. "
                f"It has: {join_some([*named])}"
            )
        columns = [named[feature.name] for feature in self.used]
        rows = _find_rows(case, columns)
        parts = []
        for feature, column in zip(self.used, columns, strict=True):
            values, unknown = feature.encode(column.select(rows))
            parts.append(values)
            if unknown.any():
                row = int(rows[np.argmax(unknown)])
                known = f"one of {join_some(feature.names)}" if feature.names else "a number"
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
            features[column] = describe_values(present, INPUT, kind)
    for column, feature in tuple(features.items()):
        if feature.kind == NAMES and feature.is_constant and not choices.inputs:
            left_out[column] = f"every row has {feature.names[0]}"
            del features[column]
    _refuse_many_names(case, features)
    rows = _find_rows(case, [*features, target])
    selected = {column: column.select(rows) for column in (*features, target)}
    judged = selected[target] if choices.missing == "drop" else target.present
    kind = _find_target_kind(case, target, judged)
    if not features and len(location.problems) == before:
        case.wrong("expected an input beside the target. Name some with --inputs")
    if table.problems or len(location.problems) > before:
        raise InvalidValue
    for column, feature in features.items():
        features[column] = describe_values(selected[column], INPUT, feature.kind)
    features[target] = describe_values(selected[target], TARGET, kind)
    sizes = [len(feature.outputs) for feature in features.values()]
    check_size(len(rows), sum(sizes[:-1]), sizes[-1], location)
    parts = [feature.encode(selected[column])[0] for column, feature in features.items()]
    for column, reason in left_out.items():
        kind = NAMES if column.texts else NUMBER
        features[column] = replace(describe_values(column, LEFT_OUT, kind), reason=reason)
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
        tuple(describe_decisions(table, ordered, len(rows), choices)),
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
                f"there is no column '{name}'.{nearest(name, named)} There are: "
                f"{join_some([*named])}",
                key,
            )
        return found

    wanted = {"target": [choices.target] if choices.target else []}
    wanted |= {"inputs": [*choices.inputs], "drop": [*choices.drop]}
    found = check_all(partial(find, key, name) for key in wanted for name in wanted[key])
    given, found = found[: len(wanted["target"])], found[len(wanted["target"]) :]
    chosen, dropped = found[: len(choices.inputs)], found[len(choices.inputs) :]
    rest = [column for column in table.columns if column not in dropped]
    free = [column for column in rest if column not in chosen]
    to_predict = [column for column in free if not _names_rows(column)]
    if not given + free:
        raise case.wrong("no column is left to predict", "target")
    target = (given or to_predict or free)[-1]
    for key, first, second in (
        ("inputs", [target], chosen),
        ("drop", [target], dropped),
        ("drop", chosen, dropped),
    ):
        for column in {*first} & {*second}:
            role = "the target" if column is target else "one of the inputs"
            raise case.wrong(f"'{column.name}' is {role}", key)
    left_out = dict.fromkeys(dropped, DROPPED)
    if chosen:
        left_out |= dict.fromkeys((c for c in rest if c not in (*chosen, target)), NO_INPUT)
        return target, [column for column in rest if column in chosen], left_out
    inputs = [column for column in rest if column is not target]
    for column in tuple(inputs):
        reason = "it has no values" if column.missing.all() else _explain_row_names(table, column)
        if not given and column.place > target.place:
            reason = "by its name it names the rows"
        if reason and len(inputs) > 1:
            left_out[column] = reason
            inputs.remove(column)
    return target, inputs, left_out


def _names_rows(column: Column) -> bool:
    """Whether by its name, or as it has none, a column may name or count the rows."""
    name = column.name.casefold() if column.named else ""
    return bool(ROW_NAMES.fullmatch(name) or ID_NAME.fullmatch(column.name))


def _explain_row_names(table: Table, column: Column) -> str:
    """Why a column is no input, if it names or counts the rows."""
    if not table.header and table.row_noun == "line":  # no column has a name
        starts = column is table.columns[0] and column.numbers[0] in (0, 1)
        return "it counts the rows" if starts and counts_rows(column) else ""
    if not _names_rows(column) or column.missing.any():
        return ""
    if counts_rows(column):
        return "it counts the rows"
    differ = len(count_values(column)) == len(column.codes) > 1
    whole = bool((column.numbers % 1 == 0).all())
    return "it names the rows" if differ and (whole or (column.codes >= 0).all()) else ""


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
        ways += [f"the columns: {flag_drop(inputs, case.choices)}"] * bool(inputs)
        if columns[-1] in absent and not complete.any():
            ways.append("the target: name another with --target")
        case.wrong(
            f"of {len(complete)} rows values are missing: {join_some(counted)}; the first in "
            f"{case.table.where(row)}, {column.text(row)!r}. To go on, leave out "
            f"{', or '.join(ways)}"
        )
    return np.flatnonzero(complete)


# --- values -----------------------------------------------------------------------------------


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
    if not are_numbers(texts):
        counts = count_values(column.present)
        few = len(counts) <= MAX_NAMES and min(counts.values()) > 1
        if 2 * count > present or (few and 10 * count >= present):
            return True
    row = int(np.argmax(is_text))
    way = f"leave the column out: {flag_drop([column], case.choices)}"
    case.wrong(
        f"{case.table.where(row)}: {column.name}: expected a number, got {column.text(row)!r}"
        f"{_count_more(count)}. Write numbers such as 1234.5, or "
        f"{'name another target with --target' if is_target else way}"
    )
    return False


def _count_more(count: int) -> str:
    return f", and {count - 1} more" if count > 1 else ""


def _refuse_many_names(case: _Case, features: dict[Column, Feature]) -> None:
    """Complain of inputs with too many names, or nearly one for each row, and take them out."""
    refused = {}
    for column, feature in features.items():
        few_rows = sum(feature.counts) < 2 * feature.distinct > 4
        if feature.kind == NAMES and (feature.distinct > MAX_NAMES or few_rows):
            what = "dates" if all(map(DATE.fullmatch, feature.names[:100])) else "names"
            refused[column] = f"{column.name} {feature.distinct} {what} ({feature.names[0]!r})"
        elif feature.kind == NUMBER and are_dates(column.present.numbers):
            refused[column] = f"{column.name} {feature.distinct} dates ({feature.low:.0f})"
    if refused:
        case.wrong(
            f"expected numbers, or at most {MAX_NAMES} names that stand in two rows or more on "
            f"average, got {join_some([*refused.values()])}. To go on, leave the columns out: "
            f"{flag_drop(refused, case.choices)}"
        )
    for column in refused:
        del features[column]


def _find_target_kind(case: _Case, column: Column, present: Column) -> str:
    """What a target is; after a complaint, a number."""
    table, choices = case.table, case.choices
    is_text = present.codes >= 0
    if not len(is_text) or not _check_numbers(case, column, is_target=True):
        return NUMBER
    if not is_text.any() and are_dates(present.numbers):
        case.wrong(
            f"{column.name} has dates, such as {present.text(0)}: name another with --target",
            "target",
        )
    if choices.target_kind == NUMBER or (not is_text.any() and not _are_classes(present, choices)):
        if is_text.any():
            row = int(np.argmax((column.codes >= 0) & ~column.missing))
            case.wrong(
                f"{table.where(row)}: {column.name}: expected a number, got {column.text(row)!r}",
                "target_kind",
            )
        return NUMBER
    counts = count_values(present)
    rows = len(is_text)
    if len(counts) == 1:
        case.wrong(
            f"every row has {next(iter(counts))} in {column.name}: name another with --target",
            "target",
        )
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
