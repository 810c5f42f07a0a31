"""The output shown in the README and the docs: made by running the commands, not typed.

A page holds four kinds of places that are made:

- a fenced block marked `console`, in which each line `$ hsig ...` is followed by what it prints;
  one marked `console slow` takes long, and is made where that is asked for;
- a fenced block marked `pycon`, in which each statement behind `>>>` is followed by what Python
  shows; those of a page are one conversation;
- a picture, `![...](...)` behind a comment with the `hsig plot` command that draws it: what it is
  said to show. The file itself is drawn where `--pictures` asks for it;
- a table between `<!-- NAME-table -->` and `<!-- end -->`, one of `TABLES`.

`python tests/documents.py README.md ...` makes them anew, with `--slow` all of them, with
`--pictures` the files of the pictures as well. A test makes what does not take long, and
compares.
"""

import contextlib
import doctest
import io
import json
import os
import re
import runpy
import shlex
import sys
import tempfile
import traceback
from collections import Counter
from functools import cache
from pathlib import Path
from unittest import mock

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from hsig.analysis.end_points import KINDS
from hsig.cli import app
from hsig.config.keys import KEYS
from hsig.formulas.primitives import WORDS
from hsig.results import pictures

ROOT = Path(__file__).parents[1]
CONSOLE = re.compile(r"^```console( slow)?\n(.*?)(?=^```$)", re.MULTILINE | re.DOTALL)
PYCON = re.compile(r"^```pycon\n(.*?)(?=^```$)", re.MULTILINE | re.DOTALL)
PICTURE = re.compile(
    r"<!-- (hsig plot .*? -o (docs/pictures/\S+\.png)) -->\n!\[.*?(?=\]\()", re.DOTALL
)
TABLE = re.compile(r"<!-- ([a-z-]+)-table -->\n(.*?)(?=<!-- end -->)", re.DOTALL)
_COLOURS = 128  # of a picture on a page


def remake(text: str, *, slow: bool = False) -> str:
    """A page with every made place made anew."""
    conversation = Conversation()
    with tempfile.TemporaryDirectory() as runs:  # a command may show what those before it kept

        def remake_console(place: re.Match[str]) -> str:
            mark, block = place.groups("")
            if mark and not slow:
                return place.group()
            shown = "\n".join(f"$ {command}\n{run(command, runs)}" for command in _commands(block))
            return f"```console{mark}\n{shown}"

        text = CONSOLE.sub(remake_console, text)
    text = PICTURE.sub(lambda place: f"<!-- {place[1]} -->\n![{_alt(draw(place[1]))}", text)
    text = PYCON.sub(lambda place: f"```pycon\n{conversation.answer(place[1])}", text)

    def remake_table(place: re.Match[str]) -> str:
        name, table = place.groups()
        if name in SLOW_TABLES and not slow:
            return place.group()
        return f"<!-- {name}-table -->\n{TABLES[name](table)}\n"

    return TABLE.sub(remake_table, text)


def commands(text: str) -> list[str]:
    """Every command of a page's console blocks."""
    return [command for _, block in CONSOLE.findall(text) for command in _commands(block)]


def _commands(block: str) -> list[str]:
    return [line[2:] for line in block.splitlines() if line.startswith("$ ")]


def run(command: str, runs: str) -> str:
    """What a command prints, run in this process: most take less time than a start."""
    program, *arguments = shlex.split(command)
    if program != "hsig":
        raise ValueError(f"a console block runs only hsig, got {command}")
    settings = {"COLUMNS": "88", "NO_COLOR": "1", "HSIG_RUNS_DIR": runs}
    printed = io.StringIO()
    with (
        contextlib.chdir(ROOT),
        mock.patch.dict(os.environ, settings),
        mock.patch.object(sys, "argv", [program, *arguments]),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
        contextlib.suppress(SystemExit),
    ):
        app.main()
    return "".join(f"{line.rstrip()}\n" for line in printed.getvalue().splitlines())


# --- pictures ---------------------------------------------------------------------------------


@cache
def draw(command: str) -> bytes:
    """The file that a command draws, in as few colours as a page needs."""
    *words, name = shlex.split(command)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(name).name
        printed = run(shlex.join([*words, str(path)]), folder)
        if not path.exists():
            raise ValueError(f"{command}: {printed}")
        picture = Image.open(path)
        about, small = PngInfo(), io.BytesIO()
        for key, text in picture.info.items():
            if isinstance(text, str):
                about.add_text(key, text)
        fewer = picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
        fewer.save(small, "png", pnginfo=about, optimize=True)
    return small.getvalue()


def description(picture: bytes) -> str:
    """What a PNG says that it shows."""
    return str(Image.open(io.BytesIO(picture)).info.get("Description", ""))


def _alt(picture: bytes) -> str:
    """The same, where brackets mean something."""
    return re.sub(r"([\\\[\]])", r"\\\1", description(picture))


# --- Python -----------------------------------------------------------------------------------


class Conversation:
    """Python as one talks to it."""

    def __init__(self) -> None:
        self._names: dict[str, object] = {"__name__": "__main__"}

    def answer(self, block: str) -> str:
        """A block with what Python shows for each of its statements."""
        shown = ""
        for example in doctest.DocTestParser().get_examples(block):
            source = example.source.removesuffix("\n").replace("\n", "\n... ")
            shown += f">>> {source}\n{self._execute(example.source)}"
        return shown

    def _execute(self, source: str) -> str:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            try:
                exec(compile(source, "<console>", "single"), self._names)
            except Exception as raised:
                message = "".join(traceback.format_exception_only(raised))
                print(f"Traceback (most recent call last):\n  ...\n{message}", end="")
        return printed.getvalue()


# --- tables -----------------------------------------------------------------------------------


def _table(head: str, *rows: list[str]) -> str:
    """A table of Markdown; numbers are on the right where the head says so by a colon."""
    names = head.split("|")
    rule = "".join("---:|" if name.endswith(":") else "---|" for name in names)
    heads = "".join(f" {name.removesuffix(':')} |".replace("  |", " |") for name in names)
    return "\n".join([f"|{heads}", f"|{rule}", *(f"| {' | '.join(row)} |" for row in rows)])


def keys_table(_: str) -> str:
    """Every key of a config, with its default and what `--help` says of it."""
    rows = []
    for key in KEYS.values():
        flags = ", ".join(f"`{flag}`" for flag in (key.short, key.flag) if flag)
        others = [f"{c}: {value}" for c, value in key.defaults.items() if value is not None]
        defaults = "; ".join(([key.default_text()] if key.default_text() else []) + others)
        cells = (f"`{key.name}`", flags, defaults, key.help)
        rows.append([cell.replace("|", "\\|") for cell in cells])
    return _table("key|flag|default|", *rows)


def words_table(_: str) -> str:
    """What formulas call by a word, with the rule of its derivative."""
    rows = [
        [f"`{word}({', '.join('uvst'[: p.operands])})`", f"`{p.derivative}`"]
        for word, p in WORDS.items()
    ]
    return _table("in a formula|its derivative", *rows)


def pictures_table(_: str) -> str:
    """The kinds of pictures, and what each shows."""
    return _table("kind|shows", *([f"`{name}`", text] for name, text in pictures.KINDS.items()))


def question_rows() -> list[tuple[str, list[float]]]:
    """What the question printed, each number before that which its config gives."""
    golden = json.loads((ROOT / "tests/golden/question.json").read_text(encoding="utf-8"))
    order = ("[0,1]", "[1,0]", "[1,1]", "[0,0]")  # the task's
    columns: list[tuple[list[float], dict[str, float]]] = []
    for name, config in (("sigmoid", "question-sigmoid"), ("hard_sigmoid", "question-hard")):
        with tempfile.TemporaryDirectory() as runs:
            document = json.loads(run(f"hsig train configs/{config}.yaml --format json", runs))
        (seed,) = document["variants"][0]["seeds"]
        columns.append((golden[name]["printed_costs"], golden[name]["printed_predictions"]))
        columns.append((seed["cost_last"], dict(zip(order, seed["predictions"], strict=True))))
    costs = [
        (f"cost at epoch {500 * place}", [column[0][place] for column in columns])
        for place in range(8)
    ]
    in_its_order = ("[0,1]", "[1,1]", "[1,0]", "[0,0]")
    return costs + [
        (f"prediction for {row}", [column[1][row] for column in columns]) for row in in_its_order
    ]


def question_table(_: str) -> str:
    """What the question printed, beside what its two configs give."""
    rows = [[what, *(f"{number:.10g}" for number in row)] for what, row in question_rows()]
    return _table("|`sigmoid`, printed:|hsig:|`hard_sigmoid`, printed:|hsig:", *rows)


def glow_table(_: str) -> str:
    """What the script of Glow's example prints."""
    lines = runpy.run_path(str(ROOT / "benchmarks/glow.py"))["lines"]()
    return "\n".join(["```text", "$ python benchmarks/glow.py", *lines, "```"])


def end_points_table(table: str) -> str:
    """Where the seeds of each row's command ended; the commands are those of the table."""
    commands = re.findall(r"^\| `(hsig .*?)` \|", table, re.MULTILINE)
    heads = ("command", "solved:", *(f"{kind}:" for kind in KINDS), "saddles that fall:")
    of_failed = (
        "cost of the failed: least, median, most:",
        "of the median one: gradient:",
        "its smallest eigenvalue:",
    )
    return _table("|".join((*heads, *of_failed)), *map(_end_points, commands))


def _end_points(command: str) -> list[str]:
    with tempfile.TemporaryDirectory() as runs:
        document = json.loads(run(f"{command} --no-save --format json -q", runs))
    variant, found = document["variants"][0], document["end_points"]
    failed = [
        point
        for point, seed in zip(found["seeds"], variant["seeds"], strict=True)
        if seed["verdict"] != "solved"
    ]
    counts = Counter(point["kind"] for point in failed)
    falls = sum(point["stationary"]["falls"] for point in failed if point["kind"] == "saddle")
    failed.sort(key=lambda point: float(point["cost"]))
    middle = (len(failed) - 1) // 2
    numbers = [failed[middle][key] for key in ("gradient", "smallest_eigenvalue")] if failed else []
    return [
        f"`{command}`",
        f"{variant['solved']['k']} of {variant['solved']['n']}",
        *(str(counts.get(kind, "")) for kind in KINDS),
        f"{falls} of {counts['saddle']}" if counts["saddle"] else "",
        ", ".join(f"{failed[place]['cost']:.4f}" for place in (0, middle, -1) if failed),
        # of these only the size matters; rounding is 0
        *(f"{number:.1e}" if abs(number) > 1e-14 else "0" for number in numbers),
        *([] if failed else ["", ""]),
    ]


TABLES = {
    "end-points": end_points_table,
    "glow": glow_table,
    "keys": keys_table,
    "pictures": pictures_table,
    "question": question_table,
    "words": words_table,
}
SLOW_TABLES = ("end-points",)


def main() -> None:
    """Make the named pages anew."""
    slow, pictures = "--slow" in sys.argv, "--pictures" in sys.argv
    for path in (Path(name) for name in sys.argv[1:] if not name.startswith("--")):
        text = remake(path.read_text(encoding="utf-8"), slow=slow)
        path.write_text(text, encoding="utf-8")
        for command, name in PICTURE.findall(text) if pictures else ():
            (ROOT / name).write_bytes(draw(command))


if __name__ == "__main__":
    main()
