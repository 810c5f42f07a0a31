"""Kept runs, `runs/<id>/`: what was run and what came of it. The only wing that writes there.

In: outcomes, and the cells of sweeps. Out: records on the disk, and from them the same outcomes.
To import: all but sweeps from here, these from `sweeps`, one that goes on from `ledger`.

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

from hsig.runs.finding import find, locate
from hsig.runs.folder import Record, config_texts, damage, every, read
from hsig.runs.keeping import archive, remove
from hsig.runs.names import NO_NOTE, Note, write_note
from hsig.runs.outcomes import (
    Made,
    Part,
    arrays_of,
    different_arrays,
    keep,
    parts_of,
)
from hsig.runs.provenance import digest
from hsig.runs.shape import ALTERNATIVE, ONE_RATE, TASK, TUNING

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
