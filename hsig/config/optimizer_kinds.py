"""Optimizers as a config has them, and what other programs call them, their settings and keys."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from hsig.config.kinds import Kind, Number, SpecKind, table
from hsig.config.specs import Spec, check_settings, read_spec
from hsig.config.values import Json, Location, is_number

if TYPE_CHECKING:
    from hsig.engines.optimizers import Optimizer, Rule

_rules = table("engines.optimizers", "OPTIMIZERS")
_SHARE = Number(0.0, 1.0, below=True)
# of 0, a gradient that has always been 0 would be divided by 0
_SETTINGS: Mapping[str, Kind] = {
    **dict.fromkeys(("momentum", "alpha", "beta1", "beta2"), _SHARE),
    "epsilon": Number(0.0, 1e9, above=True),
}
_RATE = "learning_rate"
# what other programs call a key, or a setting of an optimizer
ELSEWHERE: Mapping[str, str] = {
    here: meant
    for meant, words in {
        _RATE: "lr eta lrate learning_rate_init",
        "weight_decay": "wd",
        "optimizer": "optimiser optim solver",
        "clip_norm": "clipnorm global_clipnorm max_norm max_grad_norm",
        **{"loss": "criterion", "order": "shuffle", "batch_size": "batchsize"},
        **{"beta1": "beta1 beta_1 b1 betas", "beta2": "beta2 beta_2 b2", "momentum": "momentum"},
        **{"alpha": "rho", "epsilon": "epsilon eps", "nesterov": "nesterov nesterovs_momentum"},
    }.items()
    for here in words.split()
}
EXAMPLES: Mapping[str, str] = {  # of those that are settings
    **dict.fromkeys(("beta1", "beta2"), "adam:beta1=0.9,beta2=0.999"),
    **{"momentum": "momentum:0.9", "nesterov": "nesterov:0.9"},
    **{"alpha": "rmsprop:alpha=0.99", "epsilon": "adam:epsilon=1e-08"},
}
_NAMES: Mapping[str, str] = {  # without case, signs, modules and the word optimizer
    **dict.fromkeys(("gd", "gradientdescent", "stochasticgradientdescent"), "sgd"),
    **dict.fromkeys(("nag", "nesterovmomentum"), "nesterov"),
}


def _translate(spec: Spec, rules: "Mapping[str, Rule]") -> str:
    """How an optimizer of another program is written here; empty if it is not understood.

    A bare number is the learning rate there; a bare text is what is trained.
    """
    if not re.fullmatch(r"[\w. -]+", spec.name):
        return ""
    word = re.sub(r"[^a-z]", "", spec.name.rpartition(".")[2].casefold())
    word = _NAMES.get(word.removesuffix("optimizer"), word.removesuffix("optimizer"))
    named = {s.key or _RATE: s.value for s in spec.settings if s.key or is_number(s.value)}
    given = {ELSEWHERE.get(key, key): value for key, value in named.items()}
    if word in ("sgd", "momentum"):
        share = given.pop("momentum", 0)
        word = "nesterov" if given.pop("nesterov", None) is True else "momentum" if share else word
        given |= {"momentum": share} if share else {}
    beside = [f"{key} {given.pop(key)}" for key in (_RATE, "weight_decay") if key in given]
    if word not in rules or not given.keys() <= rules[word].settings.keys():
        return ""
    settings = ",".join(f"{key}={value}" for key, value in given.items())
    return ", and beside it ".join([f"{word}:{settings}" if given else word, *beside])


class OptimizerKind(SpecKind):
    """An optimizer, such as `adam:beta1=0.8`, or `momentum:0.9`, whose one setting needs no key.

    Of several settings none may stand without: `adam:0.01` would be thought to be a learning rate.
    """

    aliases = ELSEWHERE

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

        text: object = value
        if isinstance(value, str) and (call := re.fullmatch(r"([\w.]+)\((.*)\)", value.strip())):
            inside = re.sub(r"betas=\((.*?),(.*?)\)", r"beta1=\1,beta2=\2", call[2])
            text = f"{call[1]}:{inside}" if inside else call[1]
        spec = read_spec(text, location, "an optimizer, such as adam or momentum:0.9")
        rules, declared = _rules(), self.settings_of(spec.name)
        rename = partial(_rename, declared)
        keys = {rename(setting.key) for setting in spec.settings}
        if text != value or spec.name not in rules or not keys <= {"", *declared}:
            elsewhere = _translate(spec, rules)
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
    meant = ELSEWHERE.get(key, key)
    return meant if meant in declared else key
