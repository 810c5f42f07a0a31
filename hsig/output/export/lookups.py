"""What can be looked up, for other programs: definitions, origins of values, tables of words."""

from collections.abc import Mapping, Sequence

from hsig.analysis.definitions import Definition, Points
from hsig.config.resolved import Json, plain, plain_fields, spec_document
from hsig.networks.activations import spell
from hsig.output.export.writing import csv_text, json_text, markdown_table
from hsig.reports.documents import FORMAT
from hsig.reports.page import Table
from hsig.runs.listing import Repetition


def definitions_as_json(definitions: Sequence[Definition], points: Points | None) -> str:
    """One record per activation; with the chosen points, if any, of each."""
    records: list[Json] = [_definition(definition, points) for definition in definitions]
    return json_text({"format": FORMAT, "activations": records})


def origins_as_json(keys: Mapping[str, Json], origins: Mapping[str, str]) -> str:
    """Every key with its resolved value and where that came from."""
    made = {name: {"value": value, "from": origins[name]} for name, value in keys.items()}
    return json_text(made)


def table_as_csv(table: Table) -> str:
    """A table of words as it is."""
    return csv_text(
        [dict[str, object](zip(table.columns, row, strict=True)) for row in table.rows],
        table.columns,
    )


def tables_as_json(tables: Sequence[Table]) -> str:
    """Tables of words as they are: a title, and a record for each row."""
    made: list[Json] = [
        {
            "title": table.title,
            "rows": [dict[str, Json](zip(table.columns, row, strict=True)) for row in table.rows],
        }
        for table in tables
    ]
    return json_text({"format": FORMAT, "tables": made})


def repetition_as_json(made: Repetition) -> str:
    """What came of training a kept run again."""
    return json_text(
        {
            "format": FORMAT,
            "id": made.id,
            "same_bits": not made.different,
            "same_digest": made.same_digest,
            "different": list(made.different),
        }
    )


def definitions_as_csv(definitions: Sequence[Definition]) -> str:
    """One row per activation."""
    rows: list[dict[str, object]] = [
        {
            "activation": spell(definition.activation),
            "definition": definition.activation.formula,
            "lowest": definition.activation.range[0],
            "highest": definition.activation.range[1],
            "slope_at_0": definition.slope_at_0,
            "distance_from_logistic": definition.distance,
            "source": definition.activation.source,
        }
        for definition in definitions
    ]
    return csv_text(rows, tuple(rows[0]))


def points_as_csv(points: Points) -> str:
    """One row per point."""
    columns = ("x", "y", "dy_dx", "dy_dw")
    numbers = zip(
        points.x.tolist(),
        points.value.tolist(),
        points.derivative.tolist(),
        points.weight_derivative.tolist(),
        strict=True,
    )
    return csv_text([dict(zip(columns, row, strict=True)) for row in numbers], columns)


def tables_as_markdown(lines: Sequence[str], tables: Sequence[Table]) -> str:
    """Sentences, then tables."""
    return "\n\n".join([*lines, *map(markdown_table, tables)]) + "\n"


def _definition(definition: Definition, points: Points | None) -> dict[str, Json]:
    activation = definition.activation
    record: dict[str, Json] = {
        **spec_document(activation),
        "definition": activation.formula,
        "range": plain(list(activation.range)),
        "slope_at_0": definition.slope_at_0,
        "distance_from_logistic": plain(definition.distance),
        "breaks": [plain_fields(found) for found in definition.breaks],
        "linear_pieces": [plain_fields(piece) for piece in activation.linear_pieces],
        "source": activation.source,
        "aliases": list(activation.aliases),
    }
    if points is not None:
        record["points"] = {
            "x": plain(points.x.tolist()),
            "y": plain(points.value.tolist()),
            "dy_dx": plain(points.derivative.tolist()),
            "dy_dw": plain(points.weight_derivative.tolist()),
        }
    return record
