"""What a row of the table is made of."""

from hsig.networks.activations.record import Activation

# A line between `low` and `high`; outside, `leak` times as steep.
BENT_LINE = (
    "where(slope*x + shift < low, low + leak*(slope*x + shift - low), "
    "where(slope*x + shift > high, high + leak*(slope*x + shift - high), slope*x + shift))"
)


def row(
    name: str,
    formula: str,
    source: str,
    *spellings: str | tuple[str, str],
    kink: str = "own",
    backward: str | None = "own",
    note: str = "",
    **parameters: float,
) -> Activation:
    """An activation of the table.

    Args:
        name: Its name in hsig.
        formula: In x and the parameters.
        source: The paper or program that defines it.
        spellings: What it is called elsewhere, names with spaces between them; with settings, if
            it is another setting there.
        kink: The slope at its kinks.
        backward: The slope that training uses; None if it has none.
        note: A fact worth knowing before use.
        parameters: Their defaults.
    """
    return Activation(
        name,
        formula,
        source,
        tuple((parameter, float(value)) for parameter, value in parameters.items()),
        kink=kink,
        backward=backward,
        spellings=tuple((one, "") if isinstance(one, str) else one for one in spellings),
        note=note,
    )
