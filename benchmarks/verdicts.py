"""What becomes of the seeds of each verdict when they are trained for ten times as long.

`python benchmarks/verdicts.py` makes the tables of docs/verdicts.md: of 1000 seeds in each setting,
how many of those that were not solved are solved at the end of ten budgets.
"""

import shlex
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from hsig.config.loading import load_experiment
from hsig.experiments.experiment import Experiment, Training
from hsig.experiments.training import gather, run
from hsig.experiments.verdicts import RULES, SOLVED, STOPPED, SYMMETRIC, UNREACHABLE, VERDICTS

DOCUMENT = Path(__file__).parents[1] / "docs/verdicts.md"
BEGIN, END = "<!-- measured: made by benchmarks/verdicts.py -->", "<!-- end -->"
SEEDS, TIMES = 1000, 10
SETTINGS = (
    "hard",
    "hard -l squared -r 1 -e 100",
    "hard -l squared --init uniform:-4,4",
    "hard -l squared --init uniform:-8,8 -e 400",
    "hard -l squared --hidden 8 --init uniform:-4,4 -r 0.01 -e 400",
    "hard -l squared --hidden 8 --init uniform:-6,6 -e 1",
    "sigmoid -e 500",
    "sigmoid -l squared -e 500",
    "sigmoid -l squared",
    "sigmoid -l squared --init uniform:-30,30",
    "sigmoid --init uniform:-0.01,0.01",
    "relu --init uniform:-1,0 -e 500",
    "relu --init uniform:-2,2 -e 500",
    "relu -l squared -r 10",
    "elu -l squared -r 5 --init uniform:-1,1",
    "tanh -r 3 -e 300",
    "tanh -l squared -e 100",
    "sigmoid -l squared --task parity3 --hidden 5",
    "tanh --output-activation identity -l squared --hidden 2 --update batch -r 1 -e 1000 "
    "--init uniform:-0.05,0.05",
)
_FLAGS = {"-l": "loss", "-r": "learning_rate", "-e": "epochs"}


def main() -> None:
    """Make the tables anew."""
    head, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    tail = rest.partition(END)[2]
    made = "\n".join(["", "", *tables(), "", ""])
    DOCUMENT.write_text(f"{head}{BEGIN}{made}{END}{tail}", encoding="utf-8")


def tables(settings: tuple[str, ...] = SETTINGS, seeds: int = SEEDS) -> list[str]:
    """In all, and for each setting, in Markdown."""
    counted, solved, rows = Counter[str](), Counter[str](), []
    for setting in settings:
        words, later = after(setting, seeds)
        there, gained = Counter(words.tolist()), Counter(words[later].tolist())
        counted += there
        solved += gained
        parts = [f"{w} {there[w]} ({gained[w]})" for w in RULES if there[w] and w != SOLVED]
        rows.append(f"| `{setting}` | {there[SOLVED]} | {', '.join(parts)} |")
    every = [
        f"| {word} | {'never' if rule.never else ''} | {counted[word]} | {solved[word]} |"
        for word, rule in RULES.items()
        # the last two follow from the setting or from the start alone
        if word not in (SOLVED, STOPPED, UNREACHABLE, SYMMETRIC)
    ]
    return [
        "| verdict | promise | seeds | solved later |",
        "|---|---|---:|---:|",
        *every,
        "",
        "| setting | solved | not solved, and of these solved later |",
        "|---|---:|---|",
        *rows,
    ]


def after(setting: str, seeds: int) -> tuple[np.ndarray, np.ndarray]:
    """The verdict of each seed, and whether it is not solved now, but later."""
    name, *words = shlex.split(setting)
    given = zip(words[::2], words[1::2], strict=True)
    flags = {_FLAGS.get(flag, flag.strip("-").replace("-", "_")): value for flag, value in given}
    experiment = load_experiment(flags={"activation": name, "seeds": str(seeds)} | flags)
    end = experiment.epochs
    longer = _trained(replace(experiment, epochs=TIMES * end, report_every=TIMES * end))
    now = _trained(experiment)
    return np.array(VERDICTS)[now.verdict], longer.solved & ~now.solved


def _trained(experiment: Experiment) -> Training:
    (training,) = gather(experiment, run(experiment, threads=2, twins=0)).results
    return training


if __name__ == "__main__":
    main()
