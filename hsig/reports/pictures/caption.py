"""The words of a picture, and how they are put."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hsig.analysis.summary import Solved
from hsig.experiments.experiment import Experiment
from hsig.reports.numbers import count
from hsig.reports.visible import shortened, visible

TOLD_MOST = 8  # variants, pieces or epochs that are told one by one
_LABEL_MOST = 40  # characters of a label in a sentence
_LINE_MOST = 400  # of a title, a sentence, or a line of the footnote
_DIGITS = 12  # of a digest


@dataclass(frozen=True)
class Caption:
    """The words of a picture, in characters that are seen.

    Attributes:
        title: What it shows, in one line.
        alt: The same in sentences, for those who do not see it.
        footnote: Lines: how to read it, the setting, and the digest of the run.
    """

    title: str
    alt: str
    footnote: tuple[str, ...]


def caption(title: str, told: Iterable[str], notes: Iterable[str], digest: str = "") -> Caption:
    """The words of a picture.

    Args:
        title: What it shows.
        told: Sentences without a full stop that say more of it; empty ones are left out.
        notes: Lines of the footnote; empty ones are left out.
        digest: Of the run; may be empty.
    """
    last = f"run digest {digest[:_DIGITS]}" if digest else ""
    sentences = [_line(sentence) for sentence in (title, *told) if sentence]
    return Caption(
        title=_line(title),
        alt=f"{'. '.join(sentences)}.",
        footnote=tuple(_line(note) for note in (*notes, last) if note),
    )


def _line(text: str) -> str:
    return shortened(visible(text), _LINE_MOST)


def named(label: str, most: int = _LABEL_MOST) -> str:
    """A label, or another text from outside, as a sentence has it."""
    return shortened(visible(label), most)


def subject(experiment: Experiment) -> str:
    """What was trained, as the heading of its page has it."""
    if len(experiment.variants) == 1:
        return named(experiment.variants[0].label)
    return count(len(experiment.variants), "variant")


def on_task(experiment: Experiment, label: str) -> str:
    """`hard on xor`."""
    return f"{named(label)} on {named(experiment.task.name)}"


def of_seeds(solved: Solved) -> str:
    """`3 of 100 seeds`."""
    return f"{solved.k} of {count(solved.n, 'seed')}"


def joined(names: Sequence[str]) -> str:
    """`a, b and c`."""
    *front, last = names
    return f"{', '.join(front)} and {last}" if front else last
