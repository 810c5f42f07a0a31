"""Kept runs, `runs/<id>/`: what was run and what came of it. The only wing that writes there.

In: outcomes, and the cells of sweeps. Out: records on the disk, and from them the same outcomes.
To import: `store` (folders, names, notes), `record` (trainings), `sweeps`, `listing`, `provenance`.

A record is a folder that is complete or absent, and never overwritten. It can be read without hsig:

    run.json     what was run, when, where and with what; its digest; checksums of the other files
    result.json  the result, as `--format json` prints it
    seeds.npz    every number of every seed, as NumPy arrays named part/variant/name
    config.yaml  the config as it was, if there was one; config-1.yaml, ... if there were several
    note.json    what somebody calls the run and says of it; the one file that may be changed

A sweep has a `cells.log` in place of arrays, a line for each cell, and grows.
"""
