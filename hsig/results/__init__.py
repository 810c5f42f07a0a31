"""Results: what becomes of what was asked, whoever asks: the command line, or Python.

In: experiments, or kept runs. Out: results, each with its numbers, its page and its pictures.
To import: `training`, `comparing`, `explaining` and `sweeping`, each of which trains, `opening`,
which opens kept runs and makes reports of them, and `pictures`. `front` is what `hsig` offers.
"""
