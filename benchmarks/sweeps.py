"""What keeping costs: a sweep of many tiny cells, a list of many runs, and a map of the usual size.

`python benchmarks/sweeps.py` takes about a minute; `--number 500` is a quick look.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

from hsig.analysis.parts import Part
from hsig.config.loading import load_experiment
from hsig.config.sweeps import load_sweep
from hsig.experiments.sweeps import train_cell
from hsig.experiments.training import gather, run
from hsig.runs.record import keep_run

CELLS = """
activation: hard
loss: squared
epochs: 50
seeds: 20
sweep:
  learning_rate: {{log: [0.01, 10, {number}]}}
"""
MAP = """
activation: hard
loss: squared
epochs: 4000
seeds: 200
sweep:
  learning_rate: {log: [0.01, 10, 13]}
  init: ["uniform:0,1", "uniform:0,2", "uniform:0,4", "uniform:0,8", "uniform:-1,0",
         "uniform:-1,1", "uniform:-2,2", "uniform:-4,4", "uniform:-8,8", "uniform:-16,16",
         "uniform:-32,32"]
"""


KEPT = ("-q", "--runs-dir", "runs")


def seconds(folder: Path, *arguments: str) -> float:
    """How long a command takes as a process."""
    command = [sys.executable, "-m", "hsig", *arguments]
    began = perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return perf_counter() - began


def cells(folder: Path, number: int) -> tuple[float, float]:
    """Milliseconds of a sweep for each of its cells, and those of training it alone."""
    (folder / "cells.yaml").write_text(CELLS.format(number=number), encoding="utf-8")
    nothing = seconds(folder, "--version")
    whole = seconds(folder, "sweep", "cells.yaml", *KEPT, "-f", "csv", "--workers", "1") - nothing
    experiments = load_sweep(folder / "cells.yaml", {}).experiments
    train_cell(experiments[0])  # the first time takes longer
    began = perf_counter()
    for experiment in experiments:
        train_cell(experiment)
    return 1e3 * whole / number, 1e3 * (perf_counter() - began) / number


def listing(folder: Path, number: int) -> tuple[float, float]:
    """Seconds of `hsig runs list` over so many runs, and of a command that does nothing."""
    experiment = load_experiment(flags={"epochs": "10"})
    outcome = gather(experiment, run(experiment))
    first = datetime(2026, 1, 1, tzinfo=UTC)
    for place in range(number):
        keep_run(
            folder / "many",
            command="train",
            arguments=(),
            configs={},
            parts=[Part("", experiment, outcome)],
            result="{}",
            complete=True,
            started=first + timedelta(seconds=place),
            seconds=0.0,
        )
    listed = seconds(folder, "runs", "list", "--runs-dir", "many")
    return listed, seconds(folder, "--version")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=10_000, help="of cells, and of runs")
    number = parser.parse_args(arguments).number
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole, training = cells(folder, number)
        print(f"sweep of {number} cells: {whole:.2f} ms a cell, of which training {training:.2f}")
        listed, nothing = listing(folder, number)
        print(f"list of {number} runs: {listed:.2f} s (hsig --version: {nothing:.2f} s)")
        (folder / "map.yaml").write_text(MAP, encoding="utf-8")
        drawn = seconds(folder, "sweep", "map.yaml", *KEPT)
        print(f"13 x 11 cells x 200 seeds x 4000 epochs: {drawn:.1f} s")


if __name__ == "__main__":
    main()
