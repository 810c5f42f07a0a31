"""From an Experiment to its Outcome: training, evidence on the way, and verdicts.

In: an `Experiment`. Out: an `Outcome`, with a result for each variant; of a sweep, for each cell.
To import: the nouns from `experiment`; `run` and `gather` from `training`; many at a time from
`parallel` and `sweeps`, on a cluster from `dask_cluster`; the words from `verdicts`.
"""
