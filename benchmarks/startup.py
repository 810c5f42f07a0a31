"""What it takes to start: whole processes of hsig beside one that only imports what hsig needs.

They take turns, and a ratio is of two that ran in the same turn: what else the machine does meets
both. `python benchmarks/startup.py` takes about two minutes; it measures the hsig that is installed
beside this Python, so install it as users do (`pip install .`): from an editable one imports are
slower. `--output docs/design/performance.md` puts the table there.
"""

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter

MARK, END = "<!-- started: made by benchmarks/startup.py -->", "<!-- end of what was started -->"
IMPORTS = "import numpy, typer, rich, yaml"
HSIG = "from hsig.cli.app import main; main()"  # as the script that pip makes
COMMANDS = (
    "--version",
    "--help",
    "train --help",
    "train --activation hard",
    "train --activation hard --no-save",
    "train --activation hard --format json",
    "compare all",
    "activations",
    "config show",
    "runs list",
)


def processes() -> dict[str, list[str]]:
    """What takes turns, by what it is called; all is compared with the first."""
    imports = {f'python -c "{code}"': [sys.executable, "-c", code] for code in (IMPORTS, "pass")}
    return imports | {f"hsig {c}": [sys.executable, "-c", HSIG, *c.split()] for c in COMMANDS}


def seconds(command: Sequence[str], folder: Path) -> tuple[float, float]:
    """How long a process takes, by the clock and of processors."""
    environment = {**os.environ, "HSIG_RUNS_DIR": str(folder / "runs")}
    used, began = _used(), perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env=environment)
    return perf_counter() - began, _used() - used


def _used() -> float:
    """Seconds of processors, of all processes that were started from here and have ended."""
    of = resource.getrusage(resource.RUSAGE_CHILDREN)
    return of.ru_utime + of.ru_stime


def table(turns: int) -> str:
    """The table, as Markdown, and what it was made on."""
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in processes()}
    with tempfile.TemporaryDirectory() as name:
        for turn in range(turns + 1):
            for what, command in processes().items():
                taken = seconds(command, Path(name))
                if turn:  # before, files were read for the first time
                    measured[what].append(taken)
    first = next(iter(measured.values()))
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "typer", "rich", "pyyaml"))
    lines = [
        f"Python {platform.python_version()}, {packages}; {turns} turns; in brackets the least and "
        "the most.",
        "",
        "| process | ms | ms of processors | times the imports |",
        "|---|---:|---:|---:|",
    ]
    for what, all_taken in measured.items():
        clock, used = ([1e3 * one for one in each] for each in zip(*all_taken, strict=True))
        ratios = [taken[0] / base[0] for taken, base in zip(all_taken, first, strict=True)]
        lines.append(
            f"| `{what}` | {median(clock):.0f} ({min(clock):.0f} to {max(clock):.0f}) "
            f"| {median(used):.0f} "
            f"| {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) |"
        )
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, or put it into a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=25, help="how often each process is run")
    parser.add_argument("--output", type=Path, help=f"replace what follows {MARK!r} in this file")
    chosen = parser.parse_args(arguments)
    made = table(chosen.turns)
    if chosen.output is None:
        print(made, end="")
        return
    before, mark, rest = chosen.output.read_text(encoding="utf-8").partition(MARK)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise SystemExit(f"{chosen.output} has no lines {MARK} and {END}")
    chosen.output.write_text(f"{before}{MARK}\n\n{made}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
