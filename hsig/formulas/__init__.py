"""Formulas: read, simplified, differentiated, evaluated and compiled to steps.

In: text. Out: nodes, functions made of them, and programs.
To import: `parse` from `parsing`; a function with its slope and its pieces from `function`; what
engines run from `program`.
"""
