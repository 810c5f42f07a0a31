"""What `hsig compare` does."""

from hsig.cli.common import Began, finish
from hsig.cli.options import Output
from hsig.config.words import configs_and_activations, name_activations
from hsig.output.terminal import Watch
from hsig.results.comparing import compare


def compare_several(words: list[str], flags: dict[str, str], output: Output) -> None:
    """`hsig compare`."""
    output.check()
    configs, activations = configs_and_activations(words)
    name_activations("activations", activations, flags)
    began = Began.now()
    with Watch(quiet=output.quiet) as watch:
        finish(compare(configs, flags, watch), configs, watch, output, began)
