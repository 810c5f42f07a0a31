"""The output shown in the README and the docs: made by running the commands, not typed.

A document holds two kinds of places that are made:

- a fenced block marked `console`, in which each line `$ hsig ...` is followed by what it prints;
  one marked `console slow` takes a minute or so, and is made where that is asked for;
- a block between `<!-- question-table -->` and `<!-- end -->`, the question's numbers beside ours.

`python tests/documents.py README.md ...` makes them anew, with `--slow` all of them; a test checks
that they are as made, those that take long where HSIG_SLOW is set, as in CI.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONSOLE = re.compile(r"^```console( slow)?\n(.*?)(?=^```$)", re.MULTILINE | re.DOTALL)
QUESTION = re.compile(r"(?<=<!-- question-table -->\n).*?(?=<!-- end -->)", re.DOTALL)


def remade(text: str, *, slow: bool = False) -> str:
    """The document with every made place made anew."""

    def made(match: re.Match[str]) -> str:
        mark, block = match.groups()
        if mark and not slow:
            return match.group()
        return f"```console{mark or ''}\n{_console(block, runs)}"

    with tempfile.TemporaryDirectory() as runs:  # its own, so that nothing old is shown
        text = CONSOLE.sub(made, text)
    return QUESTION.sub(lambda _: question_table(), text)


def commands(text: str) -> list[str]:
    """Every command of the document's console blocks."""
    blocks = CONSOLE.findall(text)
    return [line[2:] for _, block in blocks for line in block.splitlines() if line.startswith("$ ")]


def _console(block: str, runs: str) -> str:
    lines = [line for line in block.splitlines() if line.startswith("$ ")]
    return "\n".join(f"{line}\n{_output(line[2:], runs)}" for line in lines)


def _output(command: str, runs: str) -> str:
    program, *arguments = shlex.split(command)
    if program != "hsig":
        raise ValueError(f"a console block runs only hsig, got {command}")
    done = subprocess.run(
        [sys.executable, "-m", "hsig", *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            "COLUMNS": "88",
            "NO_COLOR": "1",
            "PYTHONIOENCODING": "utf-8",
            "HSIG_RUNS_DIR": runs,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


def question_table() -> str:
    """What the question printed, beside what its two configs give."""
    golden = json.loads((ROOT / "tests/golden/question.json").read_text(encoding="utf-8"))
    columns = {name: _ours(config) for name, config in _CONFIGS.items()}
    lines = [
        "| | `sigmoid`, printed | hsig | `hard_sigmoid`, printed | hsig |",
        "|---|---:|---:|---:|---:|",
    ]
    for index, epoch in enumerate(range(0, 4000, 500)):
        cells = [
            text
            for name in _CONFIGS
            for text in _pair(golden[name]["printed_costs"][index], columns[name][0][index])
        ]
        lines.append(f"| cost at epoch {epoch} | {' | '.join(cells)} |")
    for row in ("[0,1]", "[1,1]", "[1,0]", "[0,0]"):  # the order in which it printed them
        cells = [
            text
            for name in _CONFIGS
            for text in _pair(golden[name]["printed_predictions"][row], columns[name][1][row])
        ]
        lines.append(f"| prediction for {row} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


_CONFIGS = {"sigmoid": "question-sigmoid.yaml", "hard_sigmoid": "question-hard.yaml"}


def _ours(config: str) -> tuple[list[float], dict[str, float]]:
    with tempfile.TemporaryDirectory() as runs:
        document = json.loads(_output(f"hsig train configs/{config} --format json", runs))
    (seed,) = document["variants"][0]["seeds"]
    rows = ("[0,1]", "[1,0]", "[1,1]", "[0,0]")  # the task's order
    return seed["cost_last"], dict(zip(rows, seed["predictions"], strict=True))


def _pair(printed: float, ours: float) -> tuple[str, str]:
    return f"{printed:.10g}", f"{ours:.10g}"


def main() -> None:
    """Make the named documents anew."""
    slow = "--slow" in sys.argv
    for name in sys.argv[1:]:
        if name != "--slow":
            path = Path(name)
            made = remade(path.read_text(encoding="utf-8"), slow=slow)
            path.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
