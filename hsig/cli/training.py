"""What `hsig train` does."""

from collections.abc import Sequence

from hsig.analysis.summary import Summary, summarise
from hsig.cli.common import Began, finish, outcome_of, warn
from hsig.cli.options import Output
from hsig.cli.words import config_and_one_activation
from hsig.config.keys import TRAIN
from hsig.config.loading import load_experiment
from hsig.reports.page import Page
from hsig.reports.training import training_page
from hsig.runs import Part


def train_one(words: list[str], flags: dict[str, str], output: Output) -> None:
    """`hsig train`."""
    output.check()
    config = config_and_one_activation(words, flags)
    began = Began.now()
    experiment = load_experiment(config, flags, TRAIN)
    warn(experiment)
    watch, outcome = outcome_of(experiment, output)
    parts = [Part("", experiment, outcome)]
    finish(TRAIN, [config] if config else [], parts, watch, output, began, page_of)


def page_of(parts: Sequence[Part], _: Sequence[str]) -> tuple[Page, list[Summary]]:
    """The page of a training, and its numbers."""
    outcome = parts[0].outcome
    summary = summarise(outcome)
    return training_page(outcome, summary), [summary]
