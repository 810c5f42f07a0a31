"""What is trained: losses, tasks, and the network with its gradient.

In: nothing. Out: records of functions, and arrays made of arrays.
To import: from `losses` and `tasks` theirs; from `network` weights, their initial values, the
forward pass and the gradient.
"""
