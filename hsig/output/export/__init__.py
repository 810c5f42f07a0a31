"""Results for other programs: JSON, CSV and Markdown."""

from hsig.output.export.lookups import (
    definitions_as_csv,
    definitions_as_json,
    origins_as_json,
    points_as_csv,
    repetition_as_json,
    table_as_csv,
    tables_as_json,
    tables_as_markdown,
)
from hsig.output.export.outcomes import (
    as_csv,
    as_json,
    as_long_csv,
    as_markdown,
    comparison_as_markdown,
    difference_as_json,
    several_as_json,
    story_as_json,
    story_as_markdown,
    trials_as_csv,
)
from hsig.output.export.sweeps import (
    map_as_csv,
    map_as_json,
    map_as_markdown,
    sweep_difference_as_csv,
    sweep_difference_as_json,
)

__all__ = [
    "as_csv",
    "as_json",
    "as_long_csv",
    "as_markdown",
    "comparison_as_markdown",
    "definitions_as_csv",
    "definitions_as_json",
    "difference_as_json",
    "map_as_csv",
    "map_as_json",
    "map_as_markdown",
    "origins_as_json",
    "points_as_csv",
    "repetition_as_json",
    "several_as_json",
    "story_as_json",
    "story_as_markdown",
    "sweep_difference_as_csv",
    "sweep_difference_as_json",
    "table_as_csv",
    "tables_as_json",
    "tables_as_markdown",
    "trials_as_csv",
]
