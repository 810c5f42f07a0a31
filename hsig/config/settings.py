"""The settings of activations, and what their values are."""

from collections.abc import Mapping

from hsig.config.kinds import Choice, Number

# the slope at a kink, from those of both sides: `hsig.networks.formulas.function.KINKS`
KINKS = ("own", "open", "closed", "left", "right", "mean", "sum")
PARAMETERS: Mapping[str, Number | Choice] = {  # the settings of activations
    "slope": Number(0.0, 1e9, above=True),
    "shift": Number(-1e9, 1e9),
    "low": Number(infinite=True),
    "high": Number(infinite=True),
    "leak": Number(0.0, 1.0),
    "kink": Choice(KINKS),
    "alpha": Number(0.0, 1e9, above=True),
    "beta": Number(0.0, 1e9, above=True),
    "b": Number(0.0, 1e9),
    "a": Number(-1e9, 1e9),
    "bound": Number(0.0, 1e9),
    "gamma": Number(0.0, 1e9, above=True),
    "scale": Number(-1e9, 1e9),
    "steepness": Number(0.0, 1e9, above=True),
    "threshold": Number(infinite=True),
    "value": Number(-1e9, 1e9),
    "backward": Choice(("own", "logistic", "output", "straight_through")),
}
OF_A_FORMULA = Number(-1e9, 1e9, infinite=True)  # a parameter of a user's own
PARAMETER_ALIASES = {"negative_slope": "leak"}  # PyTorch's and JAX's word
SLOPES = ("kink", "backward")  # settings of every activation
SAME = "same"  # the output's activation is the hidden layer's


def kind_of_setting(name: str, *, of_a_formula: bool = False) -> Number | Choice:
    """The kind of a setting; a parameter of a formula is any number."""
    own = of_a_formula and name not in SLOPES
    return OF_A_FORMULA if own else PARAMETERS.get(name, OF_A_FORMULA)
