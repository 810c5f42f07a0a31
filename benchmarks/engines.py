"""What a step costs, one seed through one sample, on hsig's engines and on what others would use.

Every contender trains the question's 2-3-1 network online on xor, from the same initial weights and
in double precision; those that are not installed are named and skipped. In each turn all of them
run, one after the other, so that a ratio is of two runs of the same minute. `warm` is what a step
costs once everything is compiled; `alone` a whole process from the shell, with its imports and
compilers.

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
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from hsig.config.loading import load_experiment
from hsig.engines import compiled, reference
from hsig.engines.engine import State
from hsig.networks.network import Weights

RATE = 0.1
ACTIVATIONS, LOSSES = ("sigmoid", "hard"), ("bce", "squared")
SEEDS = (1, 64, 1024, 16384)
MARK = "<!-- measured: made by benchmarks/engines.py -->"

Train = Callable[[int], Weights]  # some epochs from the initial weights, seeds last


class Work:
    """One setting: which activation, which loss, how many seeds."""

    def __init__(self, activation: str, loss: str, seeds: int) -> None:
        self.activation, self.loss, self.seeds = activation, loss, seeds
        flags = {"activation": activation, "loss": loss, "seeds": str(seeds)}
        experiment = load_experiment(flags=flags)
        self.problem = experiment.problem_of(experiment.variants[0])
        layers = (np.moveaxis(layer, 0, -1) for layer in experiment.starting_weights())
        self.weights = tuple(map(np.ascontiguousarray, layers))
        self.rows, self.targets = self.problem.inputs, self.problem.targets[:, 0]


# --- contenders: from a work to its training, or None where they cannot do it -----------------


def hsig_compiled(work: Work) -> Train:
    """Hsig's C kernel, on one thread, with its search for what is solved and has diverged."""
    state = State.start(work.weights)
    return lambda epochs: compiled.advance(state, work.problem, epochs).weights


def hsig_reference(work: Work) -> Train:
    """Hsig's NumPy engine, all seeds in one array, with the same search."""
    state = State.start(work.weights)
    return lambda epochs: reference.advance(state, work.problem, epochs).weights


def limit(work: Work) -> Train | None:
    """`limit.c`: the same arithmetic with -Ofast -march=native, and nothing else."""
    if work.seeds % 32:
        return None
    return in_c(getattr(_limit_library(), f"{work.activation}_{work.loss}"), work)


def in_c(function: Callable[..., None], work: Work) -> Train:
    """By a function of a library that was compiled here."""
    pointer, long = ctypes.c_void_p, ctypes.c_long

    def train(epochs: int) -> Weights:
        every = np.concatenate([layer.reshape(-1, work.seeds) for layer in work.weights])
        function(
            pointer(every.ctypes.data), long(work.seeds), pointer(work.rows.ctypes.data),
            pointer(work.targets.ctypes.data), len(work.rows), ctypes.c_double(RATE), long(epochs),
        )  # fmt: skip
        return every[:9].reshape(3, 3, -1), every[9:].reshape(4, 1, -1)

    return train


_libraries: dict[str, ctypes.CDLL] = {}


def _limit_library() -> ctypes.CDLL:
    return _library("limit", "-Ofast", "-mprefer-vector-width=512")


def _by_hand_library() -> ctypes.CDLL:
    (_, lanes), *_ = compiled._kernel.paths()  # type: ignore[union-attr]
    return _library("by_hand", "-O3", "-ffp-contract=off", f"-DVECTOR={lanes}")


def _library(name: str, *flags: str) -> ctypes.CDLL:
    """What `name.c` beside this file is, for this machine."""
    if name not in _libraries:
        with tempfile.TemporaryDirectory() as folder:
            source, made = Path(__file__).with_name(f"{name}.c"), f"{folder}/{name}"
            flags = (*flags, "-march=native", "-fPIC", "-c")
            subprocess.run(["gcc", *flags, str(source), "-o", f"{made}.o"], check=True)
            # linked without -Ofast, which would make the whole process flush small numbers to 0
            link = ["-shared", f"{made}.o", "-o", f"{made}.so", "-lmvec", "-lm"]
            subprocess.run(["gcc", *link], check=True)
            _libraries[name] = ctypes.CDLL(f"{made}.so")
    return _libraries[name]


def numpy_loop(work: Work) -> Train | None:
    """The loop that one would write in NumPy for a single network."""
    if work.seeds > 1:
        return None
    rows = np.append(work.rows, np.ones((len(work.rows), 1)), axis=1)

    def train(epochs: int) -> Weights:
        hidden, output = (layer[..., 0].copy() for layer in work.weights)
        for _ in range(epochs):
            for x, y in zip(rows, work.targets, strict=True):
                z = x @ hidden
                if work.activation == "sigmoid":
                    h = np.append(1.0 / (1.0 + np.exp(-z)), 1.0)
                    slope = h[:-1] * (1.0 - h[:-1])
                    p = 1.0 / (1.0 + np.exp(-(h @ output)))
                    out_slope = p * (1.0 - p)
                else:
                    h = np.append(np.clip(0.2 * z + 0.5, 0.0, 1.0), 1.0)
                    slope = np.where(np.abs(z) <= 2.5, 0.2, 0.0)
                    out = h @ output
                    p = np.clip(0.2 * out + 0.5, 0.0, 1.0)
                    out_slope = np.where(np.abs(out) <= 2.5, 0.2, 0.0)
                if work.loss == "squared":
                    delta = 2.0 * (p - y) * out_slope
                elif work.activation == "sigmoid":
                    delta = p - y
                else:
                    delta = (-y / p + (1.0 - y) / (1.0 - p)) * out_slope
                hidden -= RATE * np.outer(x, delta * output[:-1, 0] * slope)
                output -= RATE * (delta * h)[:, None]
        return hidden[..., None], output[..., None]

    return train


def numba(work: Work) -> Train:
    """numba: the same loop over seeds and samples, in scalars."""
    import numba as nb

    logistic, squared = work.activation == "sigmoid", work.loss == "squared"

    @nb.njit
    def activate(x: float) -> float:
        return 1.0 / (1.0 + np.exp(-x)) if logistic else min(max(0.2 * x + 0.5, 0.0), 1.0)

    @nb.njit
    def slope(x: float, y: float) -> float:
        return y * (1.0 - y) if logistic else (0.2 if abs(x) <= 2.5 else 0.0)

    @nb.njit
    def train(hidden, output, rows, targets, rate, epochs):  # type: ignore[no-untyped-def]
        z, h = np.empty(3), np.empty(3)
        for seed in range(hidden.shape[0]):
            w, v = hidden[seed], output[seed]
            for _ in range(epochs):
                for s in range(rows.shape[0]):
                    a, b, y = rows[s, 0], rows[s, 1], targets[s]
                    out = v[3, 0]
                    for u in range(3):
                        z[u] = a * w[0, u] + b * w[1, u] + w[2, u]
                        h[u] = activate(z[u])
                        out += h[u] * v[u, 0]
                    p = activate(out)
                    if squared:
                        delta = 2.0 * (p - y) * slope(out, p)
                    elif logistic:
                        delta = p - y
                    else:
                        lean = slope(out, p)
                        delta = 0.0
                        if lean != 0.0:
                            delta = (-y / p if y > 0.0 else 1.0 / (1.0 - p)) * lean
                    for u in range(3):
                        d = rate * delta * v[u, 0] * slope(z[u], h[u])
                        w[0, u] -= a * d
                        w[1, u] -= b * d
                        w[2, u] -= d
                        v[u, 0] -= rate * delta * h[u]
                    v[3, 0] -= rate * delta

    first = [np.ascontiguousarray(np.moveaxis(layer, -1, 0)) for layer in work.weights]

    def go(epochs: int) -> Weights:
        made = [layer.copy() for layer in first]
        train(*made, work.rows, work.targets, RATE, epochs)
        return tuple(np.moveaxis(layer, 0, -1) for layer in made)

    return go


def jax_scan(work: Work) -> Train:
    """JAX: jit(vmap(scan)) with its own gradient."""
    import jax

    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy
    rows = jnp.append(jnp.array(work.rows), jnp.ones((len(work.rows), 1)), axis=1)
    samples = (rows, jnp.array(work.targets))

    def loss(weights, sample):  # type: ignore[no-untyped-def]
        (hidden, output), (x, y) = weights, sample
        if work.activation == "sigmoid":
            h = jax.nn.sigmoid(x @ hidden)
        else:
            h = jnp.clip(0.2 * (x @ hidden) + 0.5, 0.0, 1.0)
        out = jnp.append(h, 1.0) @ output[:, 0]
        if work.activation == "sigmoid":
            p = jax.nn.sigmoid(out)
            entropy = y * jax.nn.softplus(-out) + (1.0 - y) * jax.nn.softplus(out)
        else:
            p = jnp.clip(0.2 * out + 0.5, 0.0, 1.0)
            entropy = jnp.where(y > 0.0, -jnp.log(p), -jnp.log1p(-p))
        return (p - y) ** 2 if work.loss == "squared" else entropy

    def step(weights, sample):  # type: ignore[no-untyped-def]
        gradient = jax.grad(loss)(weights, sample)
        return jax.tree.map(lambda w, g: w - RATE * g, weights, gradient), None

    def train(weights, epochs):  # type: ignore[no-untyped-def]
        def epoch(weights, _):  # type: ignore[no-untyped-def]
            return jax.lax.scan(step, weights, samples)[0], None

        return jax.lax.scan(epoch, weights, length=epochs)[0]

    batched = jax.jit(jax.vmap(train, in_axes=(0, None)), static_argnums=1)
    first = tuple(jnp.array(np.moveaxis(layer, -1, 0)) for layer in work.weights)

    def go(epochs: int) -> Weights:
        made = batched(first, epochs)
        return tuple(np.moveaxis(np.asarray(layer), 0, -1) for layer in made)

    return go


def torch_batched(work: Work) -> Train:
    """PyTorch, eager, all seeds in one tensor, with autograd."""
    return _torch(work)


def torch_loop(work: Work) -> Train | None:
    """PyTorch, eager, a single network, with autograd."""
    return _torch(work) if work.seeds == 1 else None


def _torch(work: Work) -> Train:
    import torch

    torch.set_num_threads(1)
    one = work.seeds == 1
    rows = torch.tensor(np.append(work.rows, np.ones((len(work.rows), 1)), axis=1))
    targets = torch.tensor(work.targets)
    functional = torch.nn.functional

    def activate(x):  # type: ignore[no-untyped-def]
        return (
            torch.sigmoid(x) if work.activation == "sigmoid" else torch.clamp(0.2 * x + 0.5, 0, 1)
        )

    def train(epochs: int) -> Weights:
        layers = [torch.tensor(np.moveaxis(layer, -1, 0).copy()) for layer in work.weights]
        hidden, output = (layer[0] if one else layer for layer in layers)
        for _ in range(epochs):
            for x, y in zip(rows, targets, strict=True):
                hidden.requires_grad_()
                output.requires_grad_()
                h = activate(x @ hidden)
                out = (h * output[..., :-1, 0]).sum(-1) + output[..., -1, 0]
                p = activate(out)
                if work.loss == "squared":
                    loss = ((p - y) ** 2).sum()
                elif work.activation == "sigmoid":
                    expected = y.expand_as(out)
                    loss = functional.binary_cross_entropy_with_logits(
                        out, expected, reduction="sum"
                    )
                else:
                    loss = -(torch.log(p) if y > 0.0 else torch.log1p(-p)).sum()
                gradients = torch.autograd.grad(loss, [hidden, output])
                with torch.no_grad():
                    hidden, output = hidden - RATE * gradients[0], output - RATE * gradients[1]
        made = [w.numpy()[None] if one else w.numpy() for w in (hidden, output)]
        return tuple(np.moveaxis(layer, 0, -1) for layer in made)

    return train


def pytensor(work: Work) -> Train | None:
    """PyTensor, the living successor of Theano: the question's own program, a single network."""
    if work.seeds > 1:
        return None
    import pytensor as pt
    import pytensor.tensor as tensor

    x, y = tensor.dvector("x"), tensor.dscalar("y")
    shared = [pt.shared(layer[..., 0].copy()) for layer in work.weights]

    def activate(z):  # type: ignore[no-untyped-def]
        return (
            tensor.sigmoid(z) if work.activation == "sigmoid" else tensor.clip(0.2 * z + 0.5, 0, 1)
        )

    h = activate(tensor.dot(tensor.concatenate([x, [1.0]]), shared[0]))
    p = activate(tensor.dot(tensor.concatenate([h, [1.0]]), shared[1])[0])
    cost = (p - y) ** 2
    if work.loss == "bce":
        cost = -(y * tensor.log(p) + (1.0 - y) * tensor.log(1.0 - p))
    step = pt.function([x, y], cost, updates=[(w, w - RATE * tensor.grad(cost, w)) for w in shared])

    def train(epochs: int) -> Weights:
        for layer, start in zip(shared, work.weights, strict=True):
            layer.set_value(start[..., 0].copy())
        for _ in range(epochs):
            for row, target in zip(work.rows, work.targets, strict=True):
                step(row, target)
        return tuple(layer.get_value()[..., None] for layer in shared)

    return train


CONTENDERS: dict[str, tuple[Callable[[Work], Train | None], str]] = {
    "hsig compiled": (hsig_compiled, "hsig"),
    "limit in C": (limit, "ctypes"),
    "hsig reference": (hsig_reference, "hsig"),
    "NumPy loop": (numpy_loop, "numpy"),
    "numba": (numba, "numba"),
    "JAX": (jax_scan, "jax"),
    "PyTorch, one network": (torch_loop, "torch"),
    "PyTorch, batched": (torch_batched, "torch"),
    "PyTensor": (pytensor, "pytensor"),
}
BASE = "hsig compiled"


def installed() -> tuple[list[str], list[str]]:
    """The contenders that can run here, and those that cannot."""
    there = [name for name, (_, package) in CONTENDERS.items() if find_spec(package)]
    if not compiled.is_available():
        raise SystemExit("the compiled engine was not built; there is nothing to compare with")
    return there, [name for name in CONTENDERS if name not in there]


# --- measuring --------------------------------------------------------------------------------


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    started = perf_counter()
    work()
    return perf_counter() - started


def check(name: str, train: Train, work: Work) -> None:
    """Refuse a contender that computes something else.

    Without the limit that the `bce` of hsig has at an exactly right answer, some seeds are nan.
    """
    expected, found = hsig_reference(work)(20), train(20)
    for ours, theirs in zip(found, expected, strict=True):
        fine = np.isfinite(theirs) & np.isfinite(ours)
        assert fine.mean() > 0.5, name
        np.testing.assert_allclose(ours[fine], theirs[fine], rtol=1e-8, err_msg=name)


def ratio(times: list[float], base: list[float]) -> str:
    """Median of the ratios of each turn, with the least and the most."""
    ratios = sorted(time / other for time, other in zip(times, base, strict=True))
    return f"{median(ratios):.3g} ({ratios[0]:.3g} to {ratios[-1]:.3g})"


def warm(names: list[str], seeds: tuple[int, ...], epochs: int, turns: int) -> list[str]:
    """A table of what a step costs once everything is compiled."""
    columns = ("ns per step", "times hsig compiled", "first call, s")
    lines = [
        f"| activation, loss | seeds | contender | {' | '.join(columns)} |",
        "|---|---:|---|---:|---:|---:|",
    ]
    for activation in ACTIVATIONS:
        for loss in LOSSES:
            for count in seeds:
                work = Work(activation, loss, count)
                trains: dict[str, Train] = {}
                first: dict[str, float] = {}
                for name in names:
                    began = perf_counter()
                    train = CONTENDERS[name][0](work)
                    if train is None:
                        continue
                    check(name, train, work)
                    train(epochs)
                    first[name] = perf_counter() - began
                    trains[name] = train
                times: dict[str, list[float]] = {name: [] for name in trains}
                for _ in range(turns):
                    for name, train in trains.items():
                        times[name].append(seconds(lambda: train(epochs)))  # noqa: B023
                for name, found in times.items():
                    cost = 1e9 * median(found) / (4 * epochs * count)
                    extra = max(0.0, first[name] - median(found))
                    lines.append(
                        f"| {activation}, {loss} | {count} | {name} | {cost:,.3g} | "
                        f"{ratio(found, times[BASE])} | {extra:.2g} |"
                    )
                    print(lines[-1], file=sys.stderr)
    return lines


BY_HAND = {"x*sigmoid(x)": "silu", "x*tanh(softplus(x))": "mish"}


def formulas(epochs: int, turns: int) -> list[str]:
    """A table of what a formula costs, and what C costs that was written for it alone."""
    lines = [
        "| formula | seeds | contender | ns per step | times by hand |",
        "|---|---:|---|---:|---:|",
    ]
    for formula, named in BY_HAND.items():
        for count in (64, 1024):
            work = Work(formula, "bce", count)
            trains = {"formula": hsig_compiled(work)}
            for way in ("by_vectors", "by_layers"):
                function = getattr(_by_hand_library(), f"{named}_{way}")
                trains[way.replace("by_", "by hand, by ")] = in_c(function, work)
            expected = trains["formula"](20)
            for name, train in trains.items():
                for ours, theirs in zip(train(20), expected, strict=True):
                    np.testing.assert_array_equal(ours, theirs, err_msg=name)
            times: dict[str, list[float]] = {name: [] for name in trains}
            for _ in range(turns):
                for name, train in trains.items():
                    times[name].append(seconds(lambda: train(epochs)))  # noqa: B023
            _, *by_hand = trains
            best = min(by_hand, key=lambda name: median(times[name]))
            for name, found in times.items():
                cost = 1e9 * median(found) / (4 * epochs * count)
                lines.append(
                    f"| `{formula}` | {count} | {name} | {cost:,.3g} | "
                    f"{ratio(found, times[best])} |"
                )
                print(lines[-1], file=sys.stderr)
    return lines


def alone(names: list[str], epochs: int, turns: int) -> list[str]:
    """A table of whole processes, from the shell."""
    lines = [
        "| process | seeds | seconds | times hsig train |",
        "|---|---:|---:|---:|",
    ]
    for count in (1, 1000):
        hsig = [sys.executable, "-m", "hsig", "train", "hard", "-q", "-e", str(epochs)]
        commands = {"hsig train": [*hsig, "--seeds", str(count)]}
        commands["hsig train, reference"] = [*commands["hsig train"], "--engine", "reference"]
        commands["hsig --version"] = [sys.executable, "-m", "hsig", "--version"]
        for name in names:
            batched = name not in ("NumPy loop", "PyTorch, one network", "PyTensor")
            if not name.startswith(("hsig", "limit")) and (batched or count == 1):
                commands[name] = [
                    sys.executable,
                    __file__,
                    "--alone",
                    name,
                    str(count),
                    str(epochs),
                ]
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(turns):
            for name, command in commands.items():
                quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
                times[name].append(
                    seconds(lambda: subprocess.run(command, check=True, **quiet))  # noqa: B023
                )
        for name, found in times.items():
            lines.append(
                f"| {name} | {count} | {median(found):.3g} | {ratio(found, times['hsig train'])} |"
            )
            print(lines[-1], file=sys.stderr)
    return lines


def threads(epochs: int, turns: int) -> str:
    """How much faster two threads are."""
    ratios = []
    work = Work("sigmoid", "squared", 16384)
    state = State.start(work.weights)
    for _ in range(turns):
        one, two = (
            seconds(lambda: compiled.advance(state, work.problem, epochs, threads=n))  # noqa: B023
            for n in (1, 2)
        )
        ratios.append(one / two)
    ratios.sort()
    return f"{median(ratios):.3g} ({ratios[0]:.3g} to {ratios[-1]:.3g})"


def machine() -> str:
    """What it ran on, and with which versions."""
    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next((ln.partition(": ")[2] for ln in lines if ln.startswith("model name")), model)
    versions = [f"Python {platform.python_version()}", f"NumPy {np.__version__}"]
    for package in ("numba", "jax", "torch", "pytensor"):
        if find_spec(package):
            versions.append(f"{package} {version(package)}")
    return f"{model}, {compiled.instruction_sets()[0]}; {', '.join(versions)}"


def main() -> None:
    """Measure, and print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=4000, help="epochs of each training")
    parser.add_argument("--turns", type=int, default=5, help="turns, in which each trains once")
    parser.add_argument("--seeds", type=lambda s: tuple(map(int, s.split(","))), default=SEEDS)
    parser.add_argument("--output", type=Path, help=f"replace what follows {MARK!r} in this file")
    parser.add_argument("--alone", nargs=3, metavar=("WHO", "SEEDS", "EPOCHS"), help="train once")
    chosen = parser.parse_args()
    if chosen.alone:
        name, seeds, epochs = chosen.alone
        train = CONTENDERS[name][0](Work("hard", "bce", int(seeds)))
        assert train is not None
        train(int(epochs))
        return
    names, missing = installed()
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    if cores:
        os.sched_setaffinity(0, {min(cores)})  # or some contenders would use all
    steps = warm(names, chosen.seeds, chosen.epochs, chosen.turns)
    of_formulas = formulas(chosen.epochs, chosen.turns)
    if cores:
        os.sched_setaffinity(0, cores)
    lines = [
        f"{machine()}. One core for the steps, all for processes. {chosen.turns} turns of "
        f"{chosen.epochs} epochs; in brackets the least and the most.",
        f"Not installed: {', '.join(missing)}." if missing else "",
        "### A step, warm",
        "\n".join(steps),
        "### A formula: `bce`, and a logistic output",
        "\n".join(of_formulas),
        "### A whole process: `hard`, `bce`",
        "\n".join(alone(names, chosen.epochs, chosen.turns)),
        "### Two cores",
        f"16384 seeds of `sigmoid`, `squared`: {threads(chosen.epochs, chosen.turns)} times as "
        "fast on two threads as on one.",
    ]
    text = "\n\n".join(line for line in lines if line) + "\n"
    if chosen.output is None:
        print(text)
        return
    before, mark, _ = chosen.output.read_text(encoding="utf-8").partition(MARK)
    if not mark:
        raise SystemExit(f"{chosen.output} has no line {MARK}")
    chosen.output.write_text(f"{before}{MARK}\n\n{text}", encoding="utf-8")


if __name__ == "__main__":
    main()
