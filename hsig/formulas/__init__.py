"""Formulas: parsed, simplified, differentiated, evaluated, and compiled for the engines.

In: text. Out: nodes, functions and programs.
To import: `parse` from `parsing`; `Function`, with its slope, pieces and range, from `function`;
`Program`, which engines run, from `program`.
"""
