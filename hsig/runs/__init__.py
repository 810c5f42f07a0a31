"""Kept runs, `runs/<id>/`: what was run and what came of it. The only wing that writes there.

In: outcomes, and the cells of sweeps. Out: records on the disk, and from them the same outcomes.
To import: all but sweeps from here, these from `sweeps`.

A record is a folder that is complete or absent, and never overwritten. It can be read without hsig:

    run.json     what was run, when, where and with what; its digest; checksums of the other files
    result.json  the result, as `--format json` prints it
    seeds.npz    every number of every seed, as NumPy arrays named part/variant/number; of a sweep,
                 arrays with an entry for each cell and seed
    config.yaml  the config as it was, if there was one; config-1.yaml, ... if there were several
    note.json    what somebody calls the run and says of it, if anything; the one file that may
                 be changed afterwards

A sweep that is not finished has a `cells.log` in place of result and arrays, and grows.
"""

from hsig.runs.listing import find, locate
from hsig.runs.provenance import digest
from hsig.runs.record import Made, Part, arrays_of, different_arrays, keep, parts_of
from hsig.runs.store import (
    ALTERNATIVE,
    NO_NOTE,
    ONE_RATE,
    TASK,
    TUNING,
    Note,
    Record,
    archive,
    config_texts,
    damage,
    every,
    read,
    remove,
    write_note,
)

__all__ = [
    "ALTERNATIVE",
    "NO_NOTE",
    "ONE_RATE",
    "TASK",
    "TUNING",
    "Made",
    "Note",
    "Part",
    "Record",
    "archive",
    "arrays_of",
    "config_texts",
    "damage",
    "different_arrays",
    "digest",
    "every",
    "find",
    "keep",
    "locate",
    "parts_of",
    "read",
    "remove",
    "write_note",
]
