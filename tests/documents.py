"""The output shown in the README and the docs: made by running the commands, not typed.

A document holds ten kinds of places that are made:

- a fenced block marked `console`, in which each line `$ hsig ...` is followed by what it prints;
  one marked `console slow` takes five seconds or more, and is made where that is asked for (one
  of `hsig runs` is so marked as what it shows is);
- a block between `<!-- question-table -->` and `<!-- end -->`, the question's numbers beside ours;
- a table between `<!-- end-points-table -->` and `<!-- end -->`, of which each row begins with an
  `hsig explain` command: where its seeds ended. It is made where what takes a minute is;
- a table between `<!-- keys-table -->` and `<!-- end -->`: the keys of a config;
- one between `<!-- activations-table -->` and `<!-- end -->`, of all activations;
- one between `<!-- words-table -->` and `<!-- end -->`, of what formulas call by a word;
- one between `<!-- pictures-table -->` and `<!-- end -->`, of the kinds of pictures;
- pictures, `![...](...)` behind a comment with the `hsig plot` command that draws them: what they
  are said to show. The file itself is drawn where `--pictures` asks for it;
- fenced blocks marked `pycon`, in which each statement behind `>>>` is followed by what Python
  shows; those of a page are one conversation.

`python tests/documents.py README.md ...` makes them anew, with `--slow` all of them, with
`--pictures` the files of the pictures as well; a test checks that they are as made, those that take
long where HSIG_SLOW is set, as in CI.
"""

import contextlib
import doctest
import io
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from hsig.activations import ACTIVATIONS, Activation
from hsig.activations.names import all_aliases, to_text
from hsig.analysis.end_points import KINDS
from hsig.config.keys import KEYS, Key
from hsig.formulas.primitives import WORDS
from hsig.results import kinds

ROOT = Path(__file__).parents[1]
CONSOLE = re.compile(r"^```console( slow)?\n(.*?)(?=^```$)", re.MULTILINE | re.DOTALL)
END_POINTS = re.compile(r"(?<=<!-- end-points-table -->\n).*?(?=<!-- end -->)", re.DOTALL)
KEYS_TABLE = re.compile(r"(?<=<!-- keys-table -->\n).*?(?=<!-- end -->)", re.DOTALL)
ACTIVATIONS_TABLE = re.compile(r"(?<=<!-- activations-table -->\n).*?(?=<!-- end -->)", re.DOTALL)
WORDS_TABLE = re.compile(r"(?<=<!-- words-table -->\n).*?(?=<!-- end -->)", re.DOTALL)
PICTURES_TABLE = re.compile(r"(?<=<!-- pictures-table -->\n).*?(?=<!-- end -->)", re.DOTALL)
PYCON = re.compile(r"^```pycon\n(.*?)(?=^```$)", re.MULTILINE | re.DOTALL)
PICTURE = re.compile(
    r"<!-- (hsig plot .*? -o (docs/pictures/\S+\.png)) -->\n!\[.*?(?=\]\()", re.DOTALL
)
QUESTION = re.compile(r"(?<=<!-- question-table -->\n).*?(?=<!-- end -->)", re.DOTALL)


def remade(text: str, *, slow: bool = False) -> str:
    """The document with every made place made anew."""
    blocks = [block for mark, block in CONSOLE.findall(text) if slow or not mark]
    # a command on kept runs shows what those before it, in whatever block, have kept
    in_order = any(command.startswith("hsig runs ") for command in commands(text))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = pool.map(_made, [blocks] if in_order else [[block] for block in blocks])
        made = iter([block for part in parts for block in part])

    def replaced(match: re.Match[str]) -> str:
        mark, _ = match.groups()
        return match.group() if mark and not slow else f"```console{mark or ''}\n{next(made)}"

    text = QUESTION.sub(lambda _: question_table(), CONSOLE.sub(replaced, text))
    text = PICTURE.sub(lambda place: f"<!-- {place[1]} -->\n![{_alt(drawn(place[1]))}", text)
    talk = Conversation()
    text = PYCON.sub(lambda block: f"```pycon\n{talk.goes_on(block.group(1))}", text)
    text = PICTURES_TABLE.sub(lambda _: pictures_table(), text)
    text = KEYS_TABLE.sub(lambda _: keys_table(), text)
    text = ACTIVATIONS_TABLE.sub(lambda _: activations_table(), text)
    text = WORDS_TABLE.sub(lambda _: words_table(), text)
    return END_POINTS.sub(lambda table: end_points_table(table.group()), text) if slow else text


def _made(blocks: list[str]) -> list[str]:
    """Blocks with what their commands print, one after the other."""
    with tempfile.TemporaryDirectory() as runs:  # its own, so that nothing old is shown
        return [
            "\n".join(f"$ {command}\n{_output(command, runs)}" for command in _commands(block))
            for block in blocks
        ]


_COLOURS = 128  # of a picture on a page


def pictures_table() -> str:
    """The kinds of pictures, and what each shows."""
    rows = [f"| `{name}` | {shows} |" for name, shows in kinds.KINDS.items()]
    return "\n".join(["| kind | shows |", "|---|---|", *rows]) + "\n"


@cache
def drawn(command: str) -> bytes:
    """The file that a command draws, in as few colours as a page needs."""
    *words, option, name = shlex.split(command)
    assert option == "-o"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(name).name
        said = _output(shlex.join([*words, option, str(path)]), folder)
        if not path.exists():
            raise ValueError(f"{command}: {said}")
        picture = Image.open(path)
        about, small = PngInfo(), io.BytesIO()
        for key, text in picture.info.items():
            if isinstance(text, str):
                about.add_text(key, text)
        picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(
            small, "png", pnginfo=about, optimize=True
        )
    return small.getvalue()


def shows(picture: bytes) -> str:
    """What a PNG says that it shows."""
    return str(Image.open(io.BytesIO(picture)).info.get("Description", ""))


def _alt(picture: bytes) -> str:
    """The same, where brackets mean something."""
    return re.sub(r"([\\\[\]])", r"\\\1", shows(picture))


class Conversation:
    """Python as one talks to it."""

    def __init__(self) -> None:
        self._names: dict[str, object] = {"__name__": "__main__"}

    def goes_on(self, block: str) -> str:
        """A block with what Python shows for each of its statements."""
        examples = doctest.DocTestParser().get_examples(block)
        return "".join(f"{_typed(one.source)}{self._answer(one.source)}" for one in examples)

    def _answer(self, source: str) -> str:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            try:
                exec(compile(source, "<console>", "single"), self._names)
            except Exception as raised:
                told = "".join(traceback.format_exception_only(raised))
                print(f"Traceback (most recent call last):\n  ...\n{told}", end="")
        return said.getvalue()


def _typed(source: str) -> str:
    first, *others = source.splitlines()
    return "".join(f"{line}\n" for line in (f">>> {first}", *(f"... {line}" for line in others)))


def _commands(block: str) -> list[str]:
    return [line[2:] for line in block.splitlines() if line.startswith("$ ")]


def commands(text: str) -> list[str]:
    """Every command of the document's console blocks."""
    return [command for _, block in CONSOLE.findall(text) for command in _commands(block)]


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


_OF_FAILED = (
    "cost of the failed: least, median, most",
    "of the median one: gradient",
    "its smallest eigenvalue",
)


def end_points_table(table: str) -> str:
    """Where the seeds of each row's command ended; the commands are those of the table."""
    heads = ("command", "solved", *KINDS, "saddles that fall", *_OF_FAILED)
    lines = [f"| {' | '.join(heads)} |", f"|---|{'---:|' * (len(heads) - 1)}"]
    commands = re.findall(r"^\| `(hsig .*?)` \|", table, re.MULTILINE)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        lines += pool.map(_end_points, commands)
    return "\n".join(lines) + "\n"


def _end_points(command: str) -> str:
    with tempfile.TemporaryDirectory() as runs:
        document = json.loads(_output(f"{command} --no-save --format json -q", runs))
    solved, found = document["variants"][0]["solved"], document["end_points"]
    failed = [
        seed
        for seed, other in zip(found["seeds"], document["variants"][0]["seeds"], strict=True)
        if other["verdict"] != "solved"
    ]
    counts = Counter(seed["kind"] for seed in failed)
    assert counts == found["failed"]
    falls = sum(seed["stationary"]["falls"] for seed in failed if seed["kind"] == "saddle")
    failed.sort(key=lambda seed: float(seed["cost"]))
    middle = (len(failed) - 1) // 2
    cells = [
        f"`{command}`",
        f"{solved['k']} of {solved['n']}",
        *(str(found["failed"].get(kind, "")) for kind in KINDS),
        f"{falls} of {counts['saddle']}" if counts["saddle"] else "",
        ", ".join(f"{failed[place]['cost']:.4f}" for place in (0, middle, -1) if failed),
        *(_tiny(failed[middle][key]) if failed else "" for key in ("gradient", _SMALLEST)),
    ]
    return f"| {' | '.join(cells)} |"


_SMALLEST = "smallest_eigenvalue"


def _tiny(value: float) -> str:
    """A number of which only the size matters; rounding is 0."""
    return f"{value:.1e}" if abs(value) > 1e-14 else "0"


def keys_table() -> str:
    """Every key of a config, with its default and what `--help` says of it."""
    lines = ["| key | flag | default | |", "|---|---|---|---|"]
    for key in KEYS.values():
        flags = ", ".join(f"`{flag}`" for flag in (key.short, key.flag) if flag)
        cells = (f"`{key.name}`", flags, _defaults(key), key.help)
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def activations_table() -> str:
    """Every activation, with who means what by which name."""
    heads = ("name", "f(x)", "parameters", "range", "slope at kinks", "elsewhere", "source")
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for row in ACTIVATIONS.values():
        meant: dict[Activation, list[str]] = {}
        for name, meaning in all_aliases().items():
            if meaning.name == row.name:
                meant.setdefault(meaning, []).append(f"`{name}`")
        elsewhere = [f"{_as_settings(one, row)}{', '.join(names)}" for one, names in meant.items()]
        cells = (
            f"`{row.name}`",
            f"`{row.formula}`",
            ", ".join(f"{name} {value:.6g}" for name, value in row.settings),
            " to ".join(f"{end:.6g}" for end in row.range),
            ", ".join(f"{b.slope_at:.6g} at {b.x:.6g}" for b in row.function.breaks),
            "; ".join(elsewhere),
            row.source,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _as_settings(one: Activation, row: Activation) -> str:
    settings = to_text(one).partition(":")[2]
    return "" if one == row else f"**{settings}** "


def words_table() -> str:
    """What formulas call by a word, with the rule of its derivative."""
    lines = ["| in a formula | its derivative |", "|---|---|"]
    for word, primitive in WORDS.items():
        operands = ", ".join("uvst"[: primitive.operands])
        lines.append(f"| `{word}({operands})` | `{primitive.derivative}` |")
    return "\n".join(lines) + "\n"


def _defaults(key: Key) -> str:
    """A key's default, and those of the commands that have another."""
    others = [f"{command}: {value}" for command, value in key.defaults.items() if value is not None]
    first = [] if key.default is None else [str(key.default)]
    return "; ".join(first + others)


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


@cache
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
    slow, pictures = "--slow" in sys.argv, "--pictures" in sys.argv
    for path in (Path(name) for name in sys.argv[1:] if not name.startswith("--")):
        made = remade(path.read_text(encoding="utf-8"), slow=slow)
        path.write_text(made, encoding="utf-8")
        for command, name in PICTURE.findall(made) if pictures else ():
            (ROOT / name).write_bytes(drawn(command))


if __name__ == "__main__":
    main()
