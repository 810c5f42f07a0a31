"""What other flags say: an activation, points, rates, columns."""

from hsig.config.checks import check_activation
from hsig.config.keys import COMPARISON_COLUMNS, KEYS, Key
from hsig.config.source import Given
from hsig.config.values import Place, check_choice, check_number, read_part
from hsig.errors import ConfigError
from hsig.networks.activations import Activation


def load_activation(text: str) -> Activation:
    """The activation that a text such as `hard:slope=0.25` means.

    Raises:
        ConfigError: If it means none, or several.
    """
    problems: list[str] = []
    place = Place("", Given(text, "activation"), problems)
    activation = check_activation(KEYS["activation"], text, place)
    if activation is None:
        raise ConfigError(problems)
    return activation


def load_points(flag: str, text: str) -> tuple[float, ...]:
    """The numbers of a flag such as `-3,-1,0,1,3`; they may be infinite.

    Raises:
        ConfigError: If one of them is not a number.
    """
    problems: list[str] = []
    place = Place("", Given(text, flag), problems)
    key = Key("point", "number", "", infinite=True)
    points = [check_number(key, read_part(part, place), place) for part in text.split(",")]
    if problems:
        raise ConfigError(problems)
    return tuple(float(point) for point in points if point is not None)


def load_rates(flag: str, text: str) -> tuple[float, float]:
    """The two different solved rates of a flag such as `0.49,0.40`.

    Raises:
        ConfigError: If they are not two rates.
    """
    problems: list[str] = []
    place = Place("", Given(text, flag), problems)
    key = Key("rate", "number", "", low=0.0, high=1.0)
    rates = [check_number(key, read_part(part, place), place) for part in text.split(",")]
    if not problems and (len(rates) != 2 or rates[0] == rates[1]):
        place.expected("two different solved rates, such as 0.49,0.40", text)
    if problems:
        raise ConfigError(problems)
    first, second = (float(rate) for rate in rates if rate is not None)
    return first, second


def load_discordant(flag: str, text: str, rates: tuple[float, float]) -> float:
    """The share of discordant pairs of a flag.

    Raises:
        ConfigError: If it is not one that goes with the rates.
    """
    problems: list[str] = []
    place = Place("", Given(text, flag), problems)
    first, second = rates
    key = Key(
        "share",
        "number",
        "",
        low=abs(first - second),
        high=min(first + second, 2.0 - first - second),
    )
    share = check_number(key, read_part(text, place), place)
    if share is None:
        raise ConfigError(problems)
    return float(share)


def load_columns(flag: str, text: str) -> tuple[str, ...]:
    """The columns of a comparison that a flag such as `solved,cost` names.

    Raises:
        ConfigError: If one of them is none, or comes twice.
    """
    problems: list[str] = []
    place = Place("", Given(text, flag), problems)
    key = Key("columns", "choice", "", choices=COMPARISON_COLUMNS)
    columns = [check_choice(key, part.strip(), place) for part in text.split(",")]
    if len(set(columns)) < len(columns) and not problems:
        place.wrong(f"expected each column once, got the text '{text}'")
    if problems:
        raise ConfigError(problems)
    return tuple(column for column in columns if column is not None)
