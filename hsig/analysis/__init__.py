"""From an Outcome to its Summary: statistics, pairing, remedies. Pure functions of numbers.

In: outcomes, results of cells, activations. Out: frozen records of numbers; no word that is shown.
To import: `summarise` from `summary`; one module for each question that is asked of the numbers.
"""
