"""Measure what it takes to start: hsig beside a process that only imports what hsig needs.

The processes take turns, and a ratio is of two that ran in the same turn: whatever else the machine
does meets both. Imports are faster where hsig was installed as users do (`pip install .`).
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from statistics import median

IMPORTS = "import numpy, typer, rich, yaml"
HSIG = "from hsig.__main__ import main; main()"
COMMANDS = (
    "--version",
    "train --help",
    "train --activation hard --no-save",
    "train --activation hard",
    "compare all",
    "explain hard",
    "activations",
    "runs list",
)
MAX_RATIO = 2.8  # of `train --activation hard --no-save`


def cpu_ms(code: str, arguments: list[str], folder: str) -> float:
    """Milliseconds of processors that a process takes."""
    environment = {**os.environ, "HSIG_RUNS_DIR": f"{folder}/runs"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # users have compiled modules
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", code, *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1e3 * (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def measure(turns: int) -> dict[str, list[float]]:
    """The milliseconds of each process in each turn; the first only imports."""
    processes = {f'python -c "{IMPORTS}"': (IMPORTS, [])}
    processes |= {f"hsig {command}": (HSIG, command.split()) for command in COMMANDS}
    measured: dict[str, list[float]] = {name: [] for name in processes}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(turns + 1):
            for name, (code, arguments) in processes.items():
                taken = cpu_ms(code, arguments, folder)
                if turn:  # in the first, modules are compiled and files are read
                    measured[name].append(taken)
    return measured


def table(measured: dict[str, list[float]]) -> str:
    """The table, as Markdown."""
    base = next(iter(measured.values()))
    lines = ["| process | ms of processors | times the imports |", "|---|--:|--:|"]
    for name, taken in measured.items():
        ratios = [ms / ms_base for ms, ms_base in zip(taken, base, strict=True)]
        spread = f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        lines.append(f"| `{name}` | {median(taken):.0f} | {spread} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table; exit with 1 if a training takes too long to start."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=25, help="how often each process is run")
    measured = measure(parser.parse_args().turns)
    print(table(measured))
    base, training = (measured[name] for name in (next(iter(measured)), f"hsig {COMMANDS[2]}"))
    ratio = median(ms / ms_base for ms, ms_base in zip(training, base, strict=True))
    if ratio > MAX_RATIO:
        raise SystemExit(f"hsig {COMMANDS[2]}: {ratio:.2f} times the imports, at most {MAX_RATIO}")


if __name__ == "__main__":
    main()
