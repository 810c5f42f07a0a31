"""What `hsig train` does."""

from hsig.cli.common import Began, finish
from hsig.cli.options import Output
from hsig.config.keys import TRAIN
from hsig.config.loading import load_experiment
from hsig.config.words import config_and_one_activation
from hsig.output.terminal import Watch
from hsig.results.training import train


def train_one(words: list[str], flags: dict[str, str], output: Output) -> None:
    """`hsig train`."""
    output.check()
    config = config_and_one_activation(words, flags)
    began = Began.now()
    with Watch(quiet=output.quiet) as watch:
        result = train(load_experiment(config, flags, TRAIN), watch)
        finish(result, [config] if config else [], watch, output, began)
