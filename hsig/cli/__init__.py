"""The command line: from words to calls, in plain Typer.

In: what was typed. Out: calls of `hsig.results` and `hsig.runs`, and their pages written.
To import: `app` and `main` from `app`.
"""
