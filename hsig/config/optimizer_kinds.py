"""Optimizers as a config has them, and as other programs call them and their settings."""

import ast
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from hsig.config.kinds import Kind, Number, SpecKind, table
from hsig.config.specs import Spec, check_settings, read_spec
from hsig.config.values import Json, Location

if TYPE_CHECKING:
    from hsig.engines.optimizers import Optimizer, Rule

_rules = table("engines.optimizers", "OPTIMIZERS")
_SHARE = Number(0.0, 1.0, below=True)
# of 0, a gradient that has always been 0 would be divided by 0
_SETTINGS: Mapping[str, Kind] = {
    **dict.fromkeys(("momentum", "alpha", "beta1", "beta2"), _SHARE),
    "epsilon": Number(0.0, 1e9, above=True),
}

# --- elsewhere --------------------------------------------------------------------------------

# settings, by what other programs call them; for a hint that names a key of that name, an example
_ELSEWHERE: Mapping[str, str] = {
    **dict.fromkeys(("beta_1", "b1", "beta1"), "beta1"),
    **dict.fromkeys(("beta_2", "b2", "beta2"), "beta2"),
    **{"betas": "betas", "nesterov": "nesterov", "nesterovs_momentum": "nesterov"},
    **{"momentum": "momentum", "rho": "alpha", "eps": "epsilon", "epsilon": "epsilon"},
}
_EXAMPLES: Mapping[str, str] = {
    **dict.fromkeys(("beta1", "beta2", "betas"), "adam:beta1=0.9,beta2=0.999"),
    **{"momentum": "momentum:0.9", "nesterov": "nesterov:0.9"},
    **{"alpha": "rmsprop:alpha=0.99", "epsilon": "adam:epsilon=1e-08"},
}
_RATES = ("lr", "learning_rate", "learning_rate_init", "eta")
_NAMES: Mapping[str, str] = {  # without case, signs, modules and the word optimizer
    **dict.fromkeys(("gd", "gradientdescent", "stochasticgradientdescent"), "sgd"),
    **dict.fromkeys(("nag", "nesterovmomentum"), "nesterov"),
}


def example_of(name: str) -> str:
    """An optimizer with a setting that is a key of its own elsewhere; empty if it is none.

    >>> example_of("rho"), example_of("loss")
    ('rmsprop:alpha=0.99', '')
    """
    return _EXAMPLES.get(_ELSEWHERE.get(name, ""), "")


def translate(name: str, settings: Mapping[str, object], rules: "Mapping[str, Rule]") -> str:
    """How an optimizer of another program is written here; empty if it is not understood."""
    if not re.fullmatch(r"[\w.: -]+", name):
        return ""
    word = re.sub(r"[^a-z]", "", re.split(r"[.:]", name)[-1].casefold()).removesuffix("optimizer")
    word = _NAMES.get(word, word)
    given = {_ELSEWHERE.get(key, key): value for key, value in settings.items()}
    betas = given.pop("betas", None)
    if isinstance(betas, tuple | list) and len(betas) == 2:
        given["beta1"], given["beta2"] = betas
    if given.pop("nesterov", False) is True and word in ("sgd", "momentum"):
        word = "nesterov"
    elif word == "sgd" and given.get("momentum", 0) == 0:
        given.pop("momentum", None)
    elif word == "sgd":
        word = "momentum"
    rates = [given.pop(key) for key in _RATES if key in given]
    decay = given.pop("weight_decay", None)
    if word not in rules or not given.keys() <= rules[word].settings.keys():
        return ""
    alone = len(rules[word].settings) == 1
    parts = [f"{value}" if alone else f"{key}={value}" for key, value in given.items()]
    text = f"{word}:{','.join(parts)}" if parts else word
    keys = {"learning_rate": rates[0] if rates else None, "weight_decay": decay}
    apart = [f"{key} {value}" for key, value in keys.items() if value is not None]
    return f"{text}, and beside it {', '.join(apart)}" if apart else text


def _read_call(text: str) -> tuple[str, dict[str, object]]:
    """The name and the arguments of a call in Python; a first number is the learning rate."""
    with suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        call = ast.parse(text.strip(), mode="eval").body
        if isinstance(call, ast.Call):
            named = {word.arg or "": ast.literal_eval(word.value) for word in call.keywords}
            for value in call.args[:1]:
                with suppress(ValueError):  # of PyTorch they are the weights
                    named.setdefault("lr", ast.literal_eval(value))
            return ast.unparse(call.func), named
    return text, {}


# --- here -------------------------------------------------------------------------------------


class OptimizerKind(SpecKind):
    """An optimizer, such as `adam:beta1=0.8`, or `momentum:0.9`, whose one setting needs no key.

    Of several settings none may stand without: `adam:0.01` would be thought to be a learning rate.
    """

    aliases = _ELSEWHERE

    def names(self) -> Sequence[str]:
        return tuple(_rules())

    def settings_of(self, name: str) -> Mapping[str, Kind]:
        rule = _rules().get(name)
        return {key: _SETTINGS[key] for key in rule.settings} if rule else {}

    def bare_of(self, name: str) -> Sequence[str]:
        declared = tuple(self.settings_of(name))
        return declared if len(declared) == 1 else ()

    def check(self, value: object, location: Location) -> "Optimizer":
        from hsig.engines.optimizers import Optimizer

        if isinstance(value, str) and "(" in value:
            name, given = _read_call(value)
            spec = Spec(name, ())
        else:
            spec = read_spec(value, location, "an optimizer, such as adam or momentum:0.9")
            given = {setting.key: setting.value for setting in spec.settings}
        rules, declared = _rules(), self.settings_of(spec.name)
        rename = partial(_rename, declared)
        if spec.name not in rules or not set(map(rename, given)) <= {"", *declared}:
            elsewhere = translate(spec.name, given, rules)
            if elsewhere:
                raise location.expected(elsewhere, value)
        if spec.name not in rules:
            raise location.unknown("optimizer", spec.name, rules)
        settings = check_settings(spec, declared, location, rename, self.bare_of(spec.name))
        return Optimizer(spec.name, tuple({**rules[spec.name].settings, **settings}.values()))

    def document(self, value: "Optimizer") -> Json:
        return {"name": value.name, **value.parameters}


def _rename(declared: Mapping[str, Kind], key: str) -> str:
    """The setting that a word means, here or elsewhere."""
    meant = _ELSEWHERE.get(key, key)
    return meant if meant in declared else key
