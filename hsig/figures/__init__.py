"""Results as pictures. The only wing that knows matplotlib, which is installed with `hsig[plot]`.

In: summaries, snapshots, sweeps, each with what was set. Out: figures with their captions.
To import: a picture from the module of its kind, `Picture` and the bytes of a file from `picture`.
"""
