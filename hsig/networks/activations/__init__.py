"""The table of activation functions, and the names by which they are found."""

from collections.abc import Mapping
from math import isinf
from types import MappingProxyType

from hsig.networks.activations.hidden import HIDDEN, LINEAR
from hsig.networks.activations.record import Activation, LinearPiece, Parameter
from hsig.networks.activations.sigmoids import SIGMOIDS

__all__ = [
    "ACTIVATIONS",
    "GROUPS",
    "Activation",
    "LinearPiece",
    "Parameter",
    "find_activations",
    "names_elsewhere",
    "spell",
]

# A line is in no group: it is compared by name. A hidden layer that cannot solve what takes a bend
# would only make the corrections of all other comparisons stricter.
_GROUPS = {"sigmoids": SIGMOIDS, "hidden": HIDDEN, "all": (*SIGMOIDS, *HIDDEN)}
GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {name: tuple(row.name for row in rows) for name, rows in _GROUPS.items()}
)
ACTIVATIONS: Mapping[str, Activation] = MappingProxyType(
    {row.name: row for row in (*SIGMOIDS, *HIDDEN, *LINEAR)}
)


def find_activations(name: str) -> tuple[Activation, ...]:
    """Every activation that `name` may mean: none, one, or several that differ.

    A name in hsig or an exact alias means one. A framework's name without the framework means
    all that any framework calls so, however it spells it: `hard_sigmoid` means two curves.

    >>> [a.name for a in find_activations("torch.hardsigmoid")]
    ['hard_torch']
    >>> [a.name for a in find_activations("hard_sigmoid")]
    ['hard', 'hard_torch']
    """
    if name in ACTIVATIONS:
        return (ACTIVATIONS[name],)
    rows = ACTIVATIONS.values()
    exact = tuple(row for row in rows if name in row.aliases)
    if exact:
        return exact
    return tuple(
        row
        for row in rows
        if any(_bare(name) == _bare(alias.partition(".")[2]) for alias in row.aliases)
    )


def _bare(name: str) -> str:
    return name.casefold().replace("_", "")


_SLOPES_ONLY = {"kink"}  # parameters that change no value


def names_elsewhere(activation: Activation) -> tuple[str, ...]:
    """What others call this function: none if a parameter makes it another than that of its row.

    Which slope training uses, and which one holds at a kink, make no other function.

    >>> names_elsewhere(ACTIVATIONS["hard_torch"])[0]
    'torch.hardsigmoid'
    >>> names_elsewhere(ACTIVATIONS["hard"].with_settings({"slope": 0.3}, None))
    ()
    """
    row = ACTIVATIONS[activation.name]
    same = all(
        value == row.parameters[name]
        for name, value in activation.parameters.items()
        if name not in _SLOPES_ONLY
    )
    return activation.aliases if same else ()


def spell(activation: Activation) -> str:
    """The shortest text that means this activation, such as `hard:slope=0.25`.

    >>> spell(ACTIVATIONS["hard"].with_settings({"slope": 0.25}, "logistic"))
    'hard:slope=0.25,backward=logistic'
    """
    default = ACTIVATIONS[activation.name]
    changed: dict[str, Parameter] = {
        name: value
        for name, value in activation.parameters.items()
        if value != default.parameters[name]
    }
    if activation.backward is not None and activation.backward != default.backward:
        changed["backward"] = activation.backward
    settings = ",".join(f"{name}={_shortest(value)}" for name, value in changed.items())
    return f"{activation.name}:{settings}" if settings else activation.name


def _shortest(value: Parameter) -> str:
    if isinstance(value, str):
        return value
    if isinf(value):
        return ".inf" if value > 0 else "-.inf"  # as YAML has it
    value += 0.0  # -0 is 0
    short = f"{value:g}"
    return short if float(short) == value else repr(value)
