"""Experiments, problems and states for tests, with no config between."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from hsig.activations import ACTIVATIONS, Activation
from hsig.engines.choice import fastest_engine
from hsig.engines.engine import Problem, State
from hsig.engines.order import ONLINE, Order
from hsig.experiments.experiment import Experiment, Variant
from hsig.experiments.training import gather, run
from hsig.experiments.verdicts import VERDICTS
from hsig.networks.losses import LOSSES
from hsig.networks.network import Network, default_output_activation, seeds_last
from hsig.networks.starts import Start
from hsig.networks.tasks import TASKS, Task

ORDERS = {"online": ONLINE, "batch": Order(None)}
BACKWARDS = ("own", "logistic", "output", "straight_through")  # the slopes to train with


@dataclass(frozen=True, kw_only=True)
class WithValue(Activation):
    """An activation in Python, with the slope of the logistic sigmoid but not its name."""

    definition: str = "sigmoid(x)"
    computed: Callable
    is_logistic = False
    program = None

    def value(self, x):
        return self.computed(x)


def activation(spec):
    """From `hard`, or `hard:logistic` with the slope to train with; itself if it is one already."""
    if not isinstance(spec, str):
        return spec
    name, _, backward = spec.partition(":")
    return ACTIVATIONS[name].with_settings({}, backward or None)


def task_of(inputs, targets):
    """A task by hand; a target is a number, or a list for several outputs."""
    targets = np.array(targets, dtype=float)
    columns = targets if targets.ndim == 2 else targets[:, None]
    return Task("mine", np.array(inputs, dtype=float), columns)


# two outputs: xor and and
TWO_OUTPUTS = task_of(TASKS["xor"].inputs, [[1, 0], [1, 0], [0, 1], [0, 0]])


def network_of(*specs, loss="bce"):
    """A network with these activations, the output's last."""
    return Network(tuple(map(activation, specs)), LOSSES[loss])


def problem_of(
    *hidden, output=None, loss="bce", task="xor", rate=0.1, order=ONLINE, within=0.5, **fields
):
    """A problem with these activations in its hidden layers, and by default the usual output."""
    output = output or default_output_activation(activation(hidden[-1]))
    rows = TASKS[task] if isinstance(task, str) else task
    network = network_of(*hidden, output, loss=loss)
    return Problem(network, rows.inputs, rows.targets, rate, within, order, **fields)


def state_of(problem, seeds, *hidden, low=0.0, high=1.0):
    """The state of some seeds before their first epoch, with so many units in each hidden layer."""
    sizes = (problem.inputs.shape[1], *hidden, problem.targets.shape[1])
    weights = Start("uniform", (low, high)).draw(seeds, sizes)
    return State.start(tuple(map(seeds_last, weights)), problem.optimizer)


def layers_of(*layers):
    """Weights of one seed from a nested list for each layer; seeds last."""
    return tuple(np.array(layer, dtype=float)[:, :, None] for layer in layers)


def experiment(spec="hard", *, output=None, label="", low=0.0, high=1.0, seeds=1, **fields):
    """An experiment of one variant; `seeds` may be how many."""
    hidden = tuple(map(activation, spec)) if isinstance(spec, tuple) else (activation(spec),)
    last = default_output_activation(hidden[-1]) if output is None else activation(output)
    task, loss = fields.pop("task", "xor"), fields.pop("loss", "bce")
    return Experiment(
        task=TASKS[task] if isinstance(task, str) else task,
        variants=(Variant(label or str(spec), hidden, last),),
        loss=LOSSES[loss],
        seeds=tuple(range(seeds)) if isinstance(seeds, int) else tuple(seeds),
        init=Start("uniform", (low, high)),
        **{"engine": fastest_engine()} | fields,
    )


def train(spec="hard", **fields):
    """What becomes of such an experiment."""
    return trained(experiment(spec, **fields))


def trained(chosen):
    """The training of an experiment of one variant."""
    (training,) = gather(chosen, run(chosen)).results
    return training


def train_from(*layers, spec="hard", epochs=1, learning_rate=1e-300, **fields):
    """One seed from given weights, by default for one epoch in which nothing moves."""
    weights = tuple(np.array(layer, dtype=float) for layer in layers)
    chosen = experiment(spec, epochs=epochs, learning_rate=learning_rate, **fields)
    hidden = tuple(layer.shape[1] for layer in weights[:-1])
    return trained(replace(chosen, initial_weights=weights, hidden=hidden))


def words(training):
    """The verdict of each seed."""
    return tuple(VERDICTS[place] for place in training.verdict)


def same_bits(one, other):
    """Whether two states or trainings have the same weights and marks, to the last bit."""
    marks = ("solved_at", "lost_at", "diverged_at")
    pairs = [*zip(one.weights, other.weights, strict=True)]
    pairs += [(getattr(one, name), getattr(other, name)) for name in marks]
    return all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)
