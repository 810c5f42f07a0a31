"""What is trained: activations, losses, tasks, and the network with its gradient.

In: nothing. Out: records of functions, and arrays made of arrays.
To import: from `activations` the table; from `losses` and `tasks` theirs; from `network` weights,
their initial values, the forward pass and the gradient; from `arrays` the array types.
"""
