"""What each kind of page says, as text and in other formats: made anew by running this file.

`python tests/golden_pages.py` writes every page of the table below into tests/golden_pages/, or
those whose names are given; what changed is read in review. `test_golden_pages.py` compares them.
"""

import math
import os
import re
import shlex
import sys
import tempfile
from contextlib import chdir
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

FOLDER = Path(__file__).parent / "golden_pages"


class Golden(NamedTuple):
    """A page: the command that shows it, the formats it is kept in, and the commands before it."""

    command: str
    formats: tuple[str, ...] = ("txt", "json")
    before: tuple[str, ...] = ()


TEXT = ("txt",)
EVERY = ("txt", "json", "csv", "md")
SWEEP = "sweep hard --learning-rate 0.1,1,10"
BOTH = ("-s 30 --loss bce", "-s 30 --loss squared")
SHORT = "-s 4 -e 40 --report-every 20"
CONFIGS = Path(__file__).parents[1] / "configs"
OWN = "--held-out 0.25 --scale standard"
PAGES = {
    "train": Golden(f"train hard {SHORT}", EVERY),
    "train-one-seed": Golden("train relu -s 1 -e 40 --report-every 20 --predict-with tanh"),
    "train-layers": Golden(f"train tanh --hidden 4-3 --init uniform:-1,1 {SHORT}"),
    "train-changed": Golden(f"train tanh --scale standard --at-epochs 20 {SHORT}", TEXT),
    "train-failed": Golden("train ultra_fast -s 2 -e 20"),
    "data-refused": Golden("data rows.csv --target number", TEXT),
    "data": Golden("data rows.csv --held-out 0.25", EVERY),
    "compare": Golden("compare sigmoid hard ultra_fast -s 30 -e 2000", ("txt", "csv", "md")),
    "compare-full": Golden("compare sigmoid hard ultra_fast -s 30 -e 2000 --full", TEXT),
    "compare-columns": Golden(f"compare tanh relu {SHORT} --columns solved,pairs,costs", TEXT),
    "compare-few": Golden(f"compare sigmoid hard ultra_fast {SHORT}"),
    "compare-long": Golden(f"compare tanh relu {SHORT} --long", ("csv",)),
    "compare-tuned": Golden(f"compare tanh relu --tune learning_rate=0.1,1 {SHORT}"),
    "compare-tasks": Golden(f"compare tanh relu --task xor,and {SHORT}", EVERY),
    "compare-configs": Golden("compare first.yaml second.yaml"),
    "compare-held-out": Golden(
        f"compare silu hard relu --task csv:{CONFIGS}/curve.csv {OWN} -s 30 -e 100", TEXT
    ),
    "train-number": Golden(f"train tanh --task csv:{CONFIGS}/wave.csv {OWN} {SHORT}", TEXT),
    "train-classes": Golden(f"train tanh --task csv:fruit.csv {OWN} {SHORT}"),
    "explain": Golden("explain hard -s 30 -e 1000", TEXT),
    "explain-full": Golden("explain hard -s 30 -e 1000 --full", TEXT),
    "explain-few": Golden(f"explain relu {SHORT}", ("txt", "json", "csv")),
    "explain-layers": Golden(f"explain tanh --hidden 3-2 {SHORT} --full", TEXT),
    "sweep": Golden(f"{SWEEP} --epochs 20,1000 -s 30", EVERY),
    "sweep-failed": Golden("sweep --activation hard,ultra_fast --epochs 1,20 -s 4", TEXT),
    "sweep-three-keys": Golden(f"{SWEEP} --epochs 20,40 --hidden 2,3 -s 4", TEXT),
    "sweep-one-key": Golden(f"{SWEEP} -e 40 -s 4"),
    "sweep-difference": Golden(
        "runs diff latest~1 latest", EVERY, tuple(f"{SWEEP} --epochs 20,900 {w}" for w in BOTH)
    ),
    "sweep-difference-one-key": Golden(
        "runs diff latest~1 latest", TEXT, tuple(f"{SWEEP} -e 900 {w}" for w in BOTH)
    ),
    "activations": Golden("activations 'hard*'", EVERY),
    "activation": Golden("activations hard:slope=0.25 --at -3,0.5,4", EVERY),
    "activation-formula": Golden("activations 'x/(1 + abs(x))'"),
    "power": Golden("power --rates 0.49,0.40", EVERY),
    "power-paired": Golden("power --rates 0.03,0.13 --paired 0.12", TEXT),
    "help": Golden("help", TEXT),
    "help-words": Golden("help rank Holm", EVERY),
    "config-show": Golden("config show first.yaml --hidden 2-3"),
    "explain-diverged": Golden("explain hard --loss bce_naive -r 3 -s 10 -e 200", TEXT),
}
FRUIT = "length,weight,fruit\n" + "".join(
    f"{length + n},{weight + 3 * (n % 4)},{name}\n"
    for n in range(6)
    for name, length, weight in (("apple", 7, 150), ("banana", 18, 120), ("cherry", 2, 8))
)
FILES = {
    "fruit.csv": FRUIT,
    "rows.csv": "id,age,smokes,y\n"
    + "".join(f"{n},{20 + n % 37},{['no', 'yes'][n % 5 < 2]},{int(n > 24)}\n" for n in range(48)),
    "first.yaml": "activations: [tanh, relu]\nseeds: 4\nepochs: 40\nreport_every: 20\n",
    "second.yaml": "activation: relu\nlearning_rate: 0.5\nseeds: 4\nepochs: 40\nreport_every: 20\n",
}
MASKS = (
    (r"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]+", "ID"),
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?Z?", "WHEN"),
    (r'"hsig": "[^"]+"', '"hsig": "VERSION"'),
    (r"/[^\"\s]*/(?=fruit\.csv)", ""),
    (r"(?<![.\d])\b(?=\d*[a-df])[0-9a-f]{12,64}\b", "DIGEST"),
)
ROUNDING = re.compile(r"\b\d+(\.\d+)?e-(1[0-9]|2[0-9])\b")


def make_pages(golden):
    """What a command writes in each format, in 80 columns, without what differs each time."""
    from commands import hsig

    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        for name, text in FILES.items():
            Path(name).write_text(text)
        with patch.dict(os.environ, COLUMNS="80", HSIG_RUNS_DIR="runs"):
            for command in golden.before:
                hsig(*shlex.split(command))
            command, pages = shlex.split(golden.command), {}
            if "txt" in golden.formats:
                pages["txt"] = hsig(*command)[1]
            files = {kind: Path(f"page.{kind}") for kind in golden.formats if kind != "txt"}
            if files:
                hsig(*command, *(f"--output={file}" for file in files.values()))
            pages |= {kind: file.read_text("utf-8") for kind, file in files.items()}
    return {kind: mask(kind, page) for kind, page in pages.items()}


def mask(kind, page):
    """A page without what differs from one run or machine to the next."""
    page = "".join(f"{line.rstrip()}\n" for line in page.splitlines())
    for pattern, name in MASKS:
        page = re.sub(pattern, name, page)
    return page if kind == "json" else ROUNDING.sub("TINY", page)


def differences(made, kept, where=""):
    """Where two JSON values differ by more than rounding."""
    if isinstance(made, dict) and isinstance(kept, dict) and made.keys() == kept.keys():
        return [d for key in made for d in differences(made[key], kept[key], f"{where}.{key}")]
    if isinstance(made, list) and isinstance(kept, list) and len(made) == len(kept):
        pairs = enumerate(zip(made, kept, strict=True))
        return [d for n, pair in pairs for d in differences(*pair, f"{where}[{n}]")]
    if isinstance(made, float) and isinstance(kept, float | int):
        return [] if math.isclose(made, kept, rel_tol=1e-9, abs_tol=1e-9) else [where]
    return [] if made == kept else [where]


def kept_page(name, kind):
    """A page as it is kept."""
    return (FOLDER / f"{name}.{kind}").read_text(encoding="utf-8")


def main(names):
    """Write pages."""
    FOLDER.mkdir(exist_ok=True)
    if not names:
        for old in FOLDER.iterdir():
            old.unlink()
    for name in names or PAGES:
        for kind, page in make_pages(PAGES[name]).items():
            (FOLDER / f"{name}.{kind}").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
