"""From text to an Experiment and back: keys, YAML, flags, and every complaint about them.

In: files and flags. Out: an `Experiment`, or all that is wrong with it in one report.
To import: `load_experiment` and its like from `loading`, `load_sweep` from `sweeps`, and the rows
of all keys from `keys`, which imports nothing heavy, so that help and completion are instant.
"""
