"""Gradient descent and its optimizers, and nothing else: what every engine takes and gives.

In: a `State` and a `Problem`. Out: a `Progress`. Arrays have seeds last.
To import: these nouns from `engine`; from `choice` the engines that there are, and what their
numbers depend on. Each is a module with a function `advance(state, problem, epochs) -> Progress`.
"""
