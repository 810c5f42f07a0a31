"""What the commands do that look something up: `activations`, `power` and `config`."""

from pathlib import Path

from hsig.activations import ACTIVATIONS
from hsig.activations.names import select_activations
from hsig.analysis.definitions import define, evaluate
from hsig.cli.options import Output
from hsig.config.keys import json_schema, starting_point
from hsig.config.loading import (
    load_activation,
    load_discordant,
    load_points,
    load_rates,
    resolve,
    resolved_keys,
)
from hsig.engines import compiled
from hsig.errors import ConfigError
from hsig.output.formats import json_text
from hsig.output.streams import note, put
from hsig.reports.glossary import GLOSSARY, glossary_page
from hsig.reports.lookups import activation_page, overview_page, power_page
from hsig.reports.page import Table, page_of_tables
from hsig.reports.phrases import NOT_BUILT, as_yaml


def show_activations(spec: str | None, at: str | None, output: Output) -> None:
    """`hsig activations`."""
    output.check()
    group = ACTIVATIONS.values() if spec is None else select_activations(spec)
    if group:
        if at is not None:
            raise ConfigError("--at: goes with one activation, such as: hsig activations hard")
        output.write(overview_page([define(activation) for activation in group]))
        return
    activation = load_activation(spec or "")
    points = None if at is None else evaluate(activation, load_points("--at", at))
    output.write(activation_page(define(activation), points))


def show_power(rates: str, paired: str | None, output: Output) -> None:
    """`hsig power`."""
    output.check()
    first, second = load_rates("--rates", rates)
    discordant = None if paired is None else load_discordant("--paired", paired, (first, second))
    output.write(power_page(first, second, discordant))


def show_words(words: list[str], output: Output) -> None:
    """`hsig help`.

    Raises:
        ConfigError: If a word is not one of hsig's.
    """
    output.check()
    known = {word.casefold(): word for word in GLOSSARY}
    strange = [word for word in words if word.casefold() not in known]
    if strange:
        raise ConfigError(
            f"help: no word of hsig: {', '.join(strange)}. Known: {', '.join(GLOSSARY)}"
        )
    output.write(glossary_page(tuple(known[word.casefold()] for word in words) or tuple(GLOSSARY)))


def show_config(config: Path | None, flags: dict[str, str], output: Output) -> None:
    """`hsig config show`."""
    output.check()
    resolved = resolve(config, flags)
    keys, origins = resolved_keys(resolved.experiment), resolved.origins
    columns = ("key", "value", "from")
    table = Table(
        "",
        columns,
        tuple((name, as_yaml(value), origins[name]) for name, value in keys.items()),
        prose=columns,
    )
    document = {name: {"value": value, "from": origins[name]} for name, value in keys.items()}
    output.write(page_of_tables(table, document=document))
    if not compiled.is_available():
        note(f"engine reference: {NOT_BUILT}")


def write_schema(output: Output) -> None:
    """`hsig config schema`."""
    output.check()
    put(json_text(json_schema(), indent=2), output.output)


def write_starting_point(output: Output) -> None:
    """`hsig config new`."""
    output.check()
    put(starting_point(), output.output)
