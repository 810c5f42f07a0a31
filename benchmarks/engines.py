"""Measure how fast networks train: hsig beside a limit in C, numba, JAX, PyTorch and NumPy.

All train the same networks from the same weights in double precision, on one core. They take turns,
and a ratio is of the processor time of two that ran in the same turn. Those that are not installed
are named and skipped.

    python -m pip install -e '.[peers]'
    python benchmarks/engines.py --output docs/design/performance.md
"""

import argparse
import ctypes
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property, partial
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import process_time
from types import ModuleType
from typing import Any

import numpy as np
import startup

from hsig.activations import ACTIVATIONS
from hsig.arrays import Array
from hsig.config.loading import load_experiment
from hsig.engines import compiled
from hsig.engines.engine import Problem, State
from hsig.engines.optimizers import OPTIMIZERS, Optimizer
from hsig.engines.order import Order
from hsig.experiments.sweeps import train_cell
from hsig.experiments.training import gather, run
from hsig.networks.losses import LOSSES
from hsig.networks.network import Network, Weights, layer_shapes, seeds_last

MISH = "x*tanh(softplus(x))"
RATES = {"sgd": 0.1, "adam": 0.001}
XOR = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])


@dataclass(frozen=True)
class Work:
    """What is trained: a network, how, on how many rows."""

    sizes: tuple[int, ...]
    activation: str
    seeds: int = 1
    rows: int = 4  # those of xor if they are 4
    batch: bool = False  # whether a step takes all rows, or one
    optimizer: str = "sgd"
    loss: str = "bce"  # or squared, of an output without an activation

    def __str__(self) -> str:
        """The words of a table."""
        rows = f"all {self.rows:,} rows" if self.batch else f"online, {self.rows} rows"
        optimizer = ["Adam"] if self.optimizer == "adam" else []
        seeds = "1 seed" if self.seeds == 1 else f"{self.seeds} seeds"
        sizes = "-".join(map(str, self.sizes))
        return ", ".join([sizes, f"`{self.activation}`", *optimizer, rows, seeds])

    @property
    def rate(self) -> float:
        """The learning rate; smaller where much is summed."""
        return RATES[self.optimizer] / (1 if max(self.sizes) < 16 else 10)

    @cached_property
    def data(self) -> tuple[Array, Array]:
        """Inputs (rows, inputs) and targets (rows, outputs), 0 or 1."""
        if self.rows == len(XOR):
            return XOR, np.array([[1.0], [1.0], [0.0], [0.0]])
        inputs = np.random.default_rng(1).normal(size=(self.rows, self.sizes[0]))
        sums = [np.roll(inputs, o, axis=1) @ inputs[o % self.rows] for o in range(self.sizes[-1])]
        return inputs, (np.stack(sums, axis=1) > 0.0).astype(float)

    @cached_property
    def weights(self) -> Weights:
        """Initial weights, seeds first."""
        draw = np.random.default_rng(2).uniform
        most = 1.0 if max(self.sizes) < 16 else 0.3
        return tuple(
            draw(-most if most < 1.0 else 0.0, most, (self.seeds, *s))
            for s in layer_shapes(self.sizes)
        )

    @cached_property
    def problem(self) -> Problem:
        """For hsig's engines."""
        (variant,) = load_experiment(flags={"activation": self.activation, "loss": "bce"}).variants
        output = variant.output_activation if self.loss == "bce" else ACTIVATIONS["identity"]
        hidden = variant.hidden_activations[:1] * (len(self.sizes) - 2)
        settings = tuple(OPTIMIZERS[self.optimizer].settings.values())
        return Problem(
            Network((*hidden, output), LOSSES[self.loss]),
            *self.data,
            self.rate,
            0.5,
            Order(None if self.batch else 1),
            Optimizer(self.optimizer, settings),
        )


Train = Callable[[int], Weights]  # some epochs from the initial weights

# --- activations, of a module that has NumPy's functions; slopes of x and the value y ---

VALUES: dict[str, Callable[[Any], Any]] = {
    "hard": lambda m: lambda x: m.clip(0.2 * x + 0.5, 0.0, 1.0),
    "sigmoid": lambda m: lambda x: 1.0 / (1.0 + m.exp(-x)),
    "relu": lambda _: lambda x: x * (x > 0.0),
    "tanh": lambda m: lambda x: m.tanh(x),
    MISH: lambda m: lambda x: x * m.tanh(m.log1p(m.exp(x))),
}
SLOPES: dict[str, Callable[[Any], Any]] = {
    "hard": lambda _: lambda _, y: 0.2 * ((y > 0.0) & (y < 1.0)),
    "sigmoid": lambda _: lambda _, y: y * (1.0 - y),
    "relu": lambda _: lambda _, y: 1.0 * (y > 0.0),
    "tanh": lambda _: lambda _, y: 1.0 - y * y,
    MISH: lambda m: lambda x, y: y / x + x * (1.0 - (y / x) ** 2) / (1.0 + m.exp(-x)),
}


def functions(work: Work, module: ModuleType, named: ModuleType) -> tuple[Any, Any]:
    """The activation, by its name where a module has one, and that of the output."""
    value = getattr(named, work.activation, None) or VALUES[work.activation](module)
    return value, value if work.activation == "hard" else (lambda x: x)


def loss_of(work: Work, module: ModuleType, softplus: Any) -> Any:
    """The loss of outputs without a logistic activation, for those that differentiate it."""
    if work.loss == "squared":
        return lambda z, t: (z - t) ** 2
    if work.activation == "hard":
        return lambda p, t: -module.where(t > 0.0, module.log(p), module.log1p(-p))
    return lambda z, t: softplus(z) - t * z


# --- contenders: from a work to its training; None where they cannot do it ---


def hsig(work: Work) -> Train:
    """Hsig's C kernel, on one thread; it also finds what is solved and has diverged."""
    state = State.start(tuple(map(seeds_last, work.weights)), work.problem.optimizer)
    return lambda epochs: tuple(
        np.moveaxis(w, -1, 0) for w in compiled.advance(state, work.problem, epochs).weights
    )


def limit(work: Work) -> Train | None:
    """C that is compiled for this network alone, and for no bits: `limit.c`."""
    if work.activation == MISH or (work.seeds == 1 and max(work.sizes) < 16):
        return None  # there is no vector to fill
    (_, lanes), *_ = compiled._kernel.paths()  # type: ignore[union-attr]
    size = sum(layer[0].size for layer in work.weights)
    if work.batch and work.rows % (2 * lanes) == 0:
        layout = "IN_ROWS"
    else:
        layout = "SEEDS" if work.seeds % lanes == 0 and size < 1000 else "UNITS"
    output = "HARD" if work.activation == "hard" else "IDENTITY"
    loss = "BCE" if output == "HARD" else "SQUARED"
    if work.loss == "bce" and loss == "SQUARED":
        output, loss = "SIGMOID", "BCE_OF_LOGIT"
    settings = {
        "VECTOR": lanes, layout: 1, "SIZES": f"{{{','.join(map(str, work.sizes))}}}",
        "LAYERS": len(work.sizes) - 1, "WIDEST": max(work.sizes), "OUTPUT": output, "LOSS": loss,
        "HIDDEN": work.activation.upper(), "ADAM": int(work.optimizer == "adam"),
        "ROWS": work.rows if work.batch else 1,
    }  # fmt: skip
    library = compile_limit(tuple(settings.items()))
    inputs, targets = work.data
    pointer, long = ctypes.c_void_p, ctypes.c_long

    def train(epochs: int) -> Weights:
        # with rows in lanes a layer's weights are by unit, else by input
        layers = [w.swapaxes(1, 2) if layout == "IN_ROWS" else w for w in work.weights]
        flat = np.concatenate([layer.reshape(work.seeds, -1) for layer in layers], axis=1)
        if layout == "SEEDS":
            flat = flat.reshape(-1, lanes, size).swapaxes(1, 2)
        flat = flat.copy()
        library.train(
            pointer(flat.ctypes.data), long(len(flat)), pointer(inputs.ctypes.data),
            pointer(targets.ctypes.data), work.rows, ctypes.c_double(work.rate), long(epochs),
        )  # fmt: skip
        if layout == "SEEDS":
            flat = flat.swapaxes(1, 2)
        flat = flat.reshape(work.seeds, size)
        ends = np.cumsum([layer[0].size for layer in layers])[:-1]
        parts = zip(np.split(flat, ends, axis=1), layers, strict=True)
        made = tuple(part.reshape(layer.shape) for part, layer in parts)
        return tuple(w.swapaxes(1, 2) for w in made) if layout == "IN_ROWS" else made

    return train


@cache
def compile_limit(settings: tuple[tuple[str, object], ...]) -> ctypes.CDLL:
    """The limit for one network on this machine."""
    with tempfile.TemporaryDirectory() as folder:
        made, source = f"{folder}/limit", str(Path(__file__).with_name("limit.c"))
        flags = ["-march=native", "-ffp-contract=fast", "-fno-math-errno", "-fPIC", "-w", "-c"]
        flags += ["-Ofast" if ("UNITS", 1) in settings else "-O3"]
        flags += [f"-D{name}={value}" for name, value in settings]
        subprocess.run(["gcc", *flags, source, "-o", f"{made}.o"], check=True)
        # linked without -Ofast, which would make the whole process flush small numbers to 0
        link = ["-shared", f"{made}.o", "-o", f"{made}.so", "-lmvec", "-lm"]
        subprocess.run(["gcc", *link], check=True)
        return ctypes.CDLL(f"{made}.so")


def numpy_loop(work: Work) -> Train | None:
    """A loop over seeds and steps, with the gradient by hand."""
    if work.optimizer != "sgd" or work.seeds > 30:
        return None
    value, slope = VALUES[work.activation](np), SLOPES[work.activation](np)
    hard = work.activation == "hard"

    def step(layers: list[Array], x: Array, t: Array) -> None:
        seen, pre = [x], []
        for w in layers:
            pre.append(seen[-1] @ w[:-1] + w[-1])
            seen.append(value(pre[-1]))
        if hard:
            p, lean = seen[-1], slope(pre[-1], seen[-1])
            d = np.where(lean > 0.0, np.where(t > 0.0, -1.0 / p, 1.0 / (1.0 - p)) * lean, 0.0)
        elif work.loss == "squared":
            d = 2.0 * (pre[-1] - t)
        else:
            d = 1.0 / (1.0 + np.exp(-pre[-1])) - t
        d = d * (work.rate / len(x))
        for i in reversed(range(len(layers))):
            w, own = layers[i], d
            if i:
                d = own @ w[:-1].T * slope(pre[i - 1], seen[i])
            w[:-1] -= seen[i].T @ own
            w[-1] -= own.sum(0)

    def train(epochs: int) -> Weights:
        made = tuple(w.copy() for w in work.weights)
        with np.errstate(all="ignore"):
            for seed in range(work.seeds):
                layers = [w[seed] for w in made]
                for _ in range(epochs):
                    for rows in work.problem.order.batches(work.rows):
                        step(layers, *(part[rows] for part in work.data))
        return made

    return train


def numba(work: Work) -> Train | None:
    """Loops over seeds and rows, written for these sizes, and compiled with `fastmath`."""
    if work.optimizer != "sgd" or work.batch or work.loss != "bce":
        return None
    compile_ = partial(import_module("numba").njit, fastmath=True, error_model="numpy")
    hard = work.activation == "hard"
    clip = compile_(lambda x: min(max(0.2 * x + 0.5, 0.0), 1.0))
    value = clip if hard else compile_(VALUES[work.activation](np))

    @compile_
    def delta(z: float, t: float) -> float:
        if not hard:
            return 1.0 / (1.0 + np.exp(-z)) - t
        p = clip(z)
        return ((-1.0 / p if t > 0.0 else 1.0 / (1.0 - p)) * 0.2) if 0.0 < p < 1.0 else 0.0

    known = {"np": np, "value": value, "delta": delta, "rate": work.rate}
    known |= {"slope": compile_(SLOPES[work.activation](np)), "x": work.data[0], "t": work.data[1]}
    exec(write_loops(work.sizes), known)
    loops = compile_(known["train"])

    def train(epochs: int) -> Weights:
        made = tuple(w.copy() for w in work.weights)
        loops(*made, epochs)
        return made

    return train


def write_loops(sizes: tuple[int, ...]) -> str:
    """Online descent of a network in Python, as one would write it by hand."""
    layers = range(1, len(sizes))
    code = [f"def train({', '.join(f'all_{n}' for n in layers)}, epochs):"]
    code += [f" z{n}, h{n}, d{n} = np.empty((3, {sizes[n]}))" for n in layers]
    code += [" for seed in range(len(all_1)):"]
    code += [f"  w{n} = all_{n}[seed]" for n in layers]
    code += ["  for _ in range(epochs):", "   for row in range(len(x)):"]
    for n in layers:
        seen, units = (
            (f"h{n - 1}[%s]" if n > 1 else "x[row, %s]"),
            f"    for u in range({sizes[n]}):",
        )
        if sizes[n - 1] < 8:  # all in one expression
            terms = [f"{seen % i} * w{n}[{i}, u]" for i in range(sizes[n - 1])]
            code += [units, f"     z{n}[u] = {' + '.join(terms)} + w{n}[{sizes[n - 1]}, u]"]
        else:
            code += [f"    z{n}[:] = w{n}[{sizes[n - 1]}]", f"    for i in range({sizes[n - 1]}):"]
            code += [f" {units}", f"      z{n}[u] += {seen % 'i'} * w{n}[i, u]"]
        last = f"d{n}[u] = rate * delta(z{n}[u], t[row, u])"
        code += [units, f"     {last if n == layers[-1] else f'h{n}[u] = value(z{n}[u])'}"]
    for n in reversed(layers):
        seen = f"h{n - 1}[i]" if n > 1 else "x[row, i]"
        code += [f"    for i in range({sizes[n - 1]}):", "     total = 0.0"]
        code += [f"     for u in range({sizes[n]}):"]
        code += [f"      total += w{n}[i, u] * d{n}[u]"] if n > 1 else []
        code += [f"      w{n}[i, u] -= {seen} * d{n}[u]"]
        code += [f"     d{n - 1}[i] = total * slope(z{n - 1}[i], {seen})"] if n > 1 else []
        code += [f"    for u in range({sizes[n]}):", f"     w{n}[{sizes[n - 1]}, u] -= d{n}[u]"]
    return "\n".join(code)


def jax(work: Work) -> Train:
    """`vmap` over seeds of a `scan` over rows, with its own gradient."""
    jax = import_module("jax")
    jax.config.update("jax_enable_x64", True)
    jnp, (value, output) = jax.numpy, functions(work, jax.numpy, jax.nn)
    lost = loss_of(work, jnp, jax.nn.softplus)
    step_rows = work.rows if work.batch else 1
    data = [jnp.array(part.reshape(-1, step_rows, part.shape[1])) for part in work.data]

    def loss(weights, batch):  # type: ignore[no-untyped-def]
        x, t = batch
        for w in weights[:-1]:
            x = value(x @ w[:-1] + w[-1])
        return lost(output(x @ weights[-1][:-1] + weights[-1][-1]), t).sum() / step_rows

    def step(state, batch):  # type: ignore[no-untyped-def]
        weights, mean, square, steps = state
        g = jax.grad(loss)(weights, batch)
        if work.optimizer == "sgd":
            weights = jax.tree.map(lambda w, g: w - work.rate * g, weights, g)
            return (weights, mean, square, steps), None
        steps = steps + 1.0
        mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, g)
        square = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, square, g)
        scale = work.rate / (1.0 - 0.9**steps)
        root = jnp.sqrt(1.0 - 0.999**steps)
        weights = jax.tree.map(
            lambda w, m, s: w - scale * m / (jnp.sqrt(s) / root + 1e-8), weights, mean, square
        )
        return (weights, mean, square, steps), None

    def train_one(weights, epochs):  # type: ignore[no-untyped-def]
        zeros = jax.tree.map(jnp.zeros_like, weights) if work.optimizer == "adam" else ()
        state = (weights, zeros, zeros, 0.0)
        epoch = (lambda _, s: step(s, [part[0] for part in data])[0]) if work.batch else None
        epoch = epoch or (lambda _, state: jax.lax.scan(step, state, data)[0])
        return jax.lax.fori_loop(0, epochs, epoch, state)[0]

    batched = jax.jit(jax.vmap(train_one, in_axes=(0, None)))
    first = tuple(map(jnp.array, work.weights))
    return lambda epochs: tuple(map(np.asarray, batched(first, epochs)))


def torch(work: Work) -> Train:
    """PyTorch, eager, all seeds in one tensor, with autograd."""
    torch = import_module("torch")
    torch.set_num_threads(1)
    value, output = functions(work, torch, torch)
    lost = loss_of(work, torch, torch.nn.functional.softplus)
    inputs, targets = map(torch.tensor, work.data)
    one = 0 if work.seeds == 1 else slice(None)  # a single network needs no axis

    def train(epochs: int) -> Weights:
        layers = [torch.tensor(w[one]).requires_grad_() for w in work.weights]
        kind = torch.optim.SGD if work.optimizer == "sgd" else torch.optim.Adam
        optimizer = kind(layers, lr=work.rate, foreach=False)
        for _ in range(epochs):
            for rows in work.problem.order.batches(work.rows):
                x, t = inputs[rows], targets[rows]
                for w in layers[:-1]:
                    x = value(x @ w[..., :-1, :] + w[..., -1:, :])
                z = output(x @ layers[-1][..., :-1, :] + layers[-1][..., -1:, :])
                optimizer.zero_grad()
                (lost(z, t).sum() / len(t)).backward()
                optimizer.step()
        made = [w.detach().numpy() for w in layers]
        return tuple(w[None] if work.seeds == 1 else w for w in made)

    return train


CONTENDERS: dict[str, tuple[Callable[[Work], Train | None], str]] = {
    "hsig": (hsig, "hsig"),
    "C": (limit, "ctypes"),
    "numba": (numba, "numba"),
    "JAX": (jax, "jax"),
    "PyTorch": (torch, "torch"),
    "NumPy": (numpy_loop, "numpy"),
}
WORKS = (
    *(Work((2, 3, 1), name, 1024) for name in ("hard", "sigmoid", "relu", "tanh")),
    *(Work((2, 3, 1), name) for name in ("hard", "sigmoid", MISH)),
    Work((16, 256, 1), "relu", rows=128),
    Work((16, 256, 1), "relu", rows=256, batch=True),
    Work((30, 1024, 1), "relu", rows=512, batch=True),
    Work((30, 1024, 1), "relu", 30, rows=16),
    Work((16, 64, 1), "relu", 30, rows=256, batch=True),
    Work((2, 8, 8, 1), "tanh", 64, rows=100, optimizer="adam"),
    Work((2, 8, 8, 1), "tanh", 64, batch=True, optimizer="adam"),
    Work((4, 32, 16, 4), "tanh", 1, 10_000, True, "adam", "squared"),
)
WIDTHS = ((31, 32, 33), (63, 64, 65), (127, 128, 129), (248, 256, 264), (1023, 1024, 1025))
CALLS = ("a cell of a sweep: 50 epochs, 20 seeds", "`report_every: 4000`", "`report_every: 1`")


def check(work: Work, name: str, train: Train, expected: Weights) -> None:
    """Refuse a contender that computes something else.

    Without the care that the `bce` of hsig has at an exactly right answer, some seeds are nan.
    """
    for ours, theirs in zip(expected, train(3), strict=True):
        fine = np.isfinite(theirs) & np.isfinite(ours)
        assert fine.mean() > 0.5, (name, work)
        np.testing.assert_allclose(
            ours[fine], theirs[fine], rtol=1e-7, atol=1e-9, err_msg=f"{name}: {work}"
        )


def seconds(call: Callable[[], object]) -> float:
    """Time of the processor."""
    began = process_time()
    call()
    return process_time() - began


def measure(trains: dict[str, Train], turns: int, budget: float) -> dict[str, list[float]]:
    """Seconds that an epoch takes each contender in each turn, of some that take the budget."""
    epochs = {}
    for name, train in trains.items():
        train(1)  # may compile
        number = 8  # what a call takes beside training is measured apart
        while seconds(partial(train, number)) < budget / 2 and number < 1_000_000:
            number *= 2
        epochs[name] = number
    taken: dict[str, list[float]] = {name: [] for name in trains}
    for _ in range(turns):
        for name, train in trains.items():
            taken[name].append(seconds(partial(train, epochs[name])) / epochs[name])
    return taken


def spread(ratios: list[float]) -> str:
    """The median, with the least and the most."""
    return f"{median(ratios):.3g} ({min(ratios):.3g} to {max(ratios):.3g})"


def per(times: list[float], base: list[float]) -> list[float]:
    """The ratios of each turn."""
    return [time / other for time, other in zip(times, base, strict=True)]


def table(*lines: list[str]) -> str:
    """Markdown, from the headings on; all columns but the first are numbers."""
    rule = ["---", *["--:"] * (len(lines[0]) - 1)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:]))


def training(names: list[str], turns: int, budget: float) -> tuple[str, dict[Work, float]]:
    """The table of all works, and how many times the limit hsig takes."""
    lines, of_limit = [["work", "hsig, ns", *names[1:]]], {}
    for work in WORKS:
        made = {name: CONTENDERS[name][0](work) for name in names}
        trains = {name: train for name, train in made.items() if train is not None}
        expected = trains["hsig"](3)
        for name, train in trains.items():
            check(work, name, train, expected)
        taken = measure(trains, turns, budget)
        cost = 1e9 * median(taken["hsig"]) / work.rows / work.seeds
        ratios = {name: per(times, taken["hsig"]) for name, times in taken.items()}
        cells = [spread(ratios[name]) if name in ratios else "" for name in names[1:]]
        lines.append([str(work), f"{cost:,.3g}", *cells])
        print(*lines[-1], sep=" | ", file=sys.stderr)
        if "C" in taken:
            of_limit[work] = median(per(taken["hsig"], taken["C"]))
    return table(*lines), of_limit


def widths(turns: int, budget: float) -> str:
    """What a step costs at sizes that lie close together."""
    every = sorted({width for close in WIDTHS for width in close})
    trains = {str(n): hsig(Work((16, n, 1), "relu", rows=16)) for n in every}
    taken = measure(trains, turns, budget)
    lines = [["units", "µs a step", "the most by the least"]]
    for close in WIDTHS:
        times = [taken[str(width)] for width in close]
        costs = " / ".join(f"{1e6 * median(time) / 16:.3g}" for time in times)
        most, least = max(times, key=median), min(times, key=median)
        lines.append([" / ".join(map(str, close)), costs, spread(per(most, least))])
    return table(*lines)


def calls(turns: int, budget: float) -> str:
    """What short calls and many checkpoints take beyond training."""
    cell = load_experiment(
        flags={"activation": "hard", "loss": "squared", "epochs": "50", "seeds": "20"}
    )
    seldom, often = (
        load_experiment(flags={"activation": "hard", "report_every": n}) for n in ("4000", "1")
    )

    def whole(experiment: Any) -> Callable[[int], object]:
        return lambda number: [gather(experiment, run(experiment)) for _ in range(number)]

    trains: dict[str, Any] = dict(zip(CALLS, (None, whole(seldom), whole(often)), strict=True))
    trains[CALLS[0]] = lambda number: [train_cell(cell) for _ in range(number)]
    taken = measure(trains, turns, budget)
    lines = [["what", "ms", f"times {CALLS[1]}"]]
    for name, times in taken.items():
        ratio = spread(per(times, taken[CALLS[1]])) if name in CALLS[1:] else ""
        lines.append([name, f"{1e3 * median(times):.3g}", ratio])
    return table(*lines)


def machine() -> str:
    """The processor and the versions."""
    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next((ln.partition(": ")[2] for ln in lines if ln.startswith("model name")), model)
    packages = (name for name in ("numpy", "numba", "jax", "torch") if find_spec(name))
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"{model}, {compiled.instruction_sets()[0]}; Python {platform.python_version()}, {versions}"
    )


PAGE = Path(__file__).with_name("performance.md")


def main() -> None:
    """Measure, and print or write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=11, help="in which each contender trains once")
    parser.add_argument("--budget", type=float, default=0.04, help="seconds of a contender's turn")
    parser.add_argument("--output", type=Path, help="the page; by default it is printed")
    chosen = parser.parse_args()
    if not compiled.is_available():
        raise SystemExit("the compiled engine was not built; there is nothing to compare with")
    names = [name for name, (_, package) in CONTENDERS.items() if find_spec(package)]
    missing = [name for name in CONTENDERS if name not in names]
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    if cores:
        os.sched_setaffinity(0, {min(cores)})  # or some contenders would use all
    trained, of_limit = training(names, chosen.turns, chosen.budget)
    many = [ratio for work, ratio in of_limit.items() if work.seeds > 1 and max(work.sizes) < 16]
    wide = [ratio for work, ratio in of_limit.items() if max(work.sizes) >= 16]
    page = PAGE.read_text(encoding="utf-8").format(
        machine=machine(),
        turns=chosen.turns,
        missing=f" Not installed: {', '.join(missing)}." if missing else "",
        training=trained,
        many=f"{min(many):.2g} to {max(many):.2g}",
        wide=f"{min(wide):.2g} to {max(wide):.2g}",
        widths=widths(chosen.turns, chosen.budget),
        calls=calls(chosen.turns, chosen.budget),
        processes=startup.table(startup.measure(chosen.turns)),
    )
    if chosen.output is None:
        print(page, end="")
    else:
        chosen.output.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
