"""Which changes of the code that keeps data no test would notice.

`python benchmarks/mutants.py` makes thousands of small changes to the modules that keep runs and
train sweeps, with mutmut (`pip install mutmut`, beside what the tests need), and for each has the
tests run that reach the changed function. It takes about an hour on two cores and goes on where it
was stopped; `--again` tries those once more that nobody had noticed. What it makes is below
`build/mutants`, and what it prints last is a table of modules.

`benchmarks/mutants.toml` has the changes that may go unnoticed, each with the reason why. The exit
code is 1 if there are others, if one of these is noticed after all, or if fewer than 95 % of a
module are noticed.

Tests that take longer than half a second are left out, but for those of processes: what such a test
alone would notice counts as not noticed. This file is also the plugin that sees to that.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "mutants"
ACCEPTED = Path(__file__).with_suffix(".toml")
MODULES = (
    "hsig/files.py",
    "hsig/runs/*.py",
    "hsig/experiments/parallel.py",
    "hsig/experiments/dask_cluster.py",
    "hsig/experiments/sweeps.py",
    "hsig/results/sweeping.py",
)
TESTS = (
    *("cells", "cluster_crew", "digests", "files", "finding", "journal", "keeping", "kept"),
    *("kept_numbers", "kept_sweeps", "ledger", "list_of_runs", "provenance", "records_*"),
    *("run_names", "runs", "sweep", "which_runs", "workers"),
)
SLOW_S, OF_PROCESSES = 0.5, "tests/test_workers.py"
LEAST = 0.95
SETTINGS = """
[tool.mutmut]
source_paths = ["hsig"]
only_mutate = {modules}
also_copy = {beside}
pytest_add_cli_args_test_selection = {tests}
pytest_add_cli_args = ["-p", "benchmarks.mutants", "-p", "no:cacheprovider", "-p", "no:xdist"]
process_isolation = "forkserver"
timeout_multiplier = 3.0
timeout_constant = 8.0
"""
# not by its script, which processes that tests start would run again as their own
MUTMUT = "from mutmut.__main__ import cli; cli()"
# by a test that failed, a crash, no end, or (255) since tests could not be imported
NOTICED = {1, 3, 24, 36, 152, 255, -9, -11, -24}


class Mutant(NamedTuple):
    """A change that went unnoticed: in which function, of what, to what."""

    where: str
    was: str
    now: str


# --- as a plugin of pytest, in the processes that try a mutant --------------------------------


def pytest_configure() -> None:
    """Have processes that tests start be as they are; mutmut counts calls in this one alone."""
    if os.environ.get("MUTANT_UNDER_TEST") == "stats":
        del os.environ["MUTANT_UNDER_TEST"]


def pytest_load_initial_conftests(args: list[str]) -> None:
    """Name a test without its parameters where they have a backslash, which pytest reads anew."""
    args[:] = [arg.partition("[")[0] if "\\" in arg else arg for arg in args]


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """Leave out what is slow, and begin with what is fast."""
    measured = Path("mutmut-stats.json")
    if "__mutmut_" not in os.environ.get("MUTANT_UNDER_TEST", "") or not measured.exists():
        return
    took = json.loads(measured.read_text())["duration_by_test"]
    fast = [
        item
        for item in items
        if item.nodeid.startswith(OF_PROCESSES) or took.get(item.nodeid, 0.0) < SLOW_S
    ]
    kept = fast or items
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = sorted(kept, key=lambda item: took.get(item.nodeid, 0.0))


# --- as a script ------------------------------------------------------------------------------


def prepare() -> None:
    """Copy the checkout, and say what is to be changed."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\n")
    built = [str(path.relative_to(ROOT)) for path in ROOT.glob("hsig/engines/_kernel.*")]
    wanted = {name for name in [*listed, *built] if (ROOT / name).is_file()}
    for name in wanted:
        source, copy = ROOT / name, FOLDER / name
        if not copy.exists() or copy.read_bytes() != source.read_bytes():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
    beside = sorted({name.partition("/")[0] for name in wanted} - {"hsig", "tests"})
    names = (path for path in sorted((ROOT / "tests").glob("test_*.py")))
    tests = [f"tests/{p.name}" for p in names if any(fnmatch(p.stem[5:], name) for name in TESTS)]
    settings = SETTINGS.format(
        modules=json.dumps(MODULES), beside=json.dumps(beside), tests=json.dumps(tests)
    )
    with (FOLDER / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(settings)
    plugin = FOLDER / "mutants" / "benchmarks" / Path(__file__).name  # to be there from the start
    plugin.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(__file__, plugin)


def try_them(names: list[str], children: int) -> None:
    """Have mutmut make the changes, and try those that were not tried yet, or these."""
    command = [sys.executable, "-c", MUTMUT, "run", "--max-children", str(children), *names]
    made = FOLDER / "mutants"
    environment = {**os.environ, "PYTHONPATH": str(made)}
    subprocess.run(command, cwd=FOLDER, env=environment, check=True)


def results() -> Iterator[tuple[str, str, int | None]]:
    """The module and name of each change, and how the tests ended with it."""
    made = FOLDER / "mutants"
    for file in sorted(made.glob("hsig/**/*.meta")):
        module = ".".join(file.relative_to(made).with_suffix("").with_suffix("").parts)
        for name, code in json.loads(file.read_text())["exit_code_by_key"].items():
            yield module, name, code


def described(module: str, name: str) -> Mutant:
    """A change, in words that stay when others are made beside it."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    lines = get_diff_for_mutant(name, path=Path(*module.split(".")).with_suffix(".py")).split("\n")
    was, now = (
        " ".join(line[1:].strip() for line in lines[2:] if line.startswith(sign)) for sign in "-+"
    )
    function = name.removeprefix(f"{module}.").rpartition("__mutmut_")[0]
    function = re.sub("^x_?ǁ?", "", function).replace("ǁ", ".")
    return Mutant(f"{module}.{function}", was, now)


def main() -> int:
    """Try, print the table of modules, and tell what should not be."""
    parser = argparse.ArgumentParser(description="which changes of the code no test would notice")
    parser.add_argument("modules", nargs="*", help="such as hsig.runs.store; all if left out")
    parser.add_argument("--again", action="store_true", help="those that nobody noticed, once more")
    parser.add_argument("--children", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--show", action="store_true", help="what is there, without trying any")
    chosen = parser.parse_args()
    if not chosen.show:
        prepare()
        names = [f"{module}.*" for module in chosen.modules]
        if chosen.again:
            names = [
                name
                for module, name, code in results()
                if code not in {*NOTICED, None} and module in (chosen.modules or [module])
            ]
        if names or not chosen.again:
            try_them(names, chosen.children)
    os.chdir(FOLDER)  # where mutmut finds its settings
    every, unnoticed = Counter[str](), list[tuple[str, Mutant]]()
    for module, name, code in results():
        if code is not None and module in (chosen.modules or [module]):
            every[module] += 1
            if code not in NOTICED:
                unnoticed.append((module, described(module, name)))
    accepted = {
        Mutant(one["where"], one["was"], one["now"])
        for one in tomllib.loads(ACCEPTED.read_text(encoding="utf-8"))["accepted"]
    }
    left = Counter(module for module, _ in unnoticed)
    reasons = Counter(module for module, mutant in unnoticed if mutant in accepted)
    print(f"{'module':34} changes  noticed  with a reason  left")
    for module, number in every.items():
        share = 1 - left[module] / number
        rest = left[module] - reasons[module]
        print(f"{module:34} {number:7}  {share:6.1%}  {reasons[module]:13}  {rest:4}")
    whole = 1 - left.total() / max(1, every.total())
    print(f"{'all':34} {every.total():7}  {whole:6.1%}  {reasons.total():13}")
    there = {mutant for _, mutant in unnoticed}
    for mutant in sorted(there - accepted):
        print(f"nobody notices, in {mutant.where}:\n- {mutant.was}\n+ {mutant.now}")
    stale = [one for one in accepted - there if one.where.startswith(tuple(every))]
    for mutant in sorted(stale):
        print(f"has a reason and is noticed, or is gone, in {mutant.where}:\n+ {mutant.now}")
    low = [module for module in every if 1 - left[module] / every[module] < LEAST]
    return int(bool(there - accepted or stale or low))


if __name__ == "__main__":
    sys.exit(main())
