"""From a value for every key to an experiment; and what must hold between keys."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from math import prod
from typing import Any

from hsig.config.activation_kinds import Spec
from hsig.config.keys import EVIDENCE_NUMBERS, KEYS
from hsig.config.settings import SAME
from hsig.config.values import Given, Json, Place, Wrong, nearest
from hsig.errors import ConfigError
from hsig.experiments.experiment import Bound, Checks, Experiment, Variant
from hsig.networks.activations import Activation, spell
from hsig.networks.network import default_output_activation, layer_shapes

CHECKPOINTS_MOST = 100_000
KEPT_NUMBERS_MOST = 100_000_000  # over seeds and checkpoints: 0.8 GB
# keys of which each is a field by itself: what is assembled and checked of others is the same
APART = ("learning_rate", "update", "init", "solved_within", "scale", "cost", "engine")
_FIELDS = KEYS.keys() & {field.name for field in fields(Experiment)}


@dataclass(frozen=True)
class Checked:
    """What the value of every key means, and where each came from.

    Attributes:
        given: The values as they were given.
        values: What they mean; a refused one is missing, unless its key is optional.
        problems: Gets all that is wrong.
        comparing: Whether `activations` are meant, and not `activation`.
    """

    given: Mapping[str, Given]
    values: Mapping[str, Any]
    problems: list[str]
    comparing: bool = False

    @classmethod
    def of(
        cls, given: Mapping[str, Given], problems: list[str], *, comparing: bool = False
    ) -> "Checked":
        """The values of all keys, each checked by itself."""
        needed = "activations" if comparing else "activation"
        values = {}
        for name, key in KEYS.items():
            optional = key.optional and name != needed
            if optional:
                values[name] = key.kind.absent
            if given[name].value is not None or not optional:
                with suppress(Wrong):
                    place = Place(name, given[name], problems)
                    values[name] = key.kind.check(given[name].value, place)
        return cls(given, values, problems, comparing)

    def experiment(self) -> Experiment:
        """The experiment.

        Raises:
            ConfigError: With all problems, should there be one.
        """
        if len(self.values) == len(KEYS):
            experiment = self._assembled()
            for check in _CHECKS:
                check(experiment, self.place)
        if self.problems:
            raise ConfigError(self.problems)
        return experiment

    def place(self, *names: str) -> Place:
        """The first of some keys that somebody gave: where a conflict between them is told."""
        given = [name for name in names if not self.given[name].is_default]
        name = (given or names)[0]
        return Place(name, self.given[name], self.problems)

    def _assembled(self) -> Experiment:
        values = dict(self.values)
        chosen = values["activations"] if self.comparing else (values["activation"],)
        variants = tuple(self._variant(activation) for activation in chosen)
        values["epochs"] = epochs = self._epochs()
        values["at_epochs"] = tuple(epoch for epoch in values["at_epochs"] if epoch <= epochs)
        values["baseline"] = self._baseline(variants)
        values["expect"] = self._expect(variants)
        if values["initial_weights"] is not None and self.given["seeds"].is_default:
            values["seeds"] = (0,)  # they go with one seed
        return Experiment(variants=variants, **{name: values[name] for name in _FIELDS})

    def _variant(self, activation: Activation) -> Variant:
        output = self.values["output_activation"]
        if output is None:
            output = default_output_activation(activation)
        return Variant(spell(activation), (activation,), activation if output == SAME else output)

    def _epochs(self) -> int:
        """The budget; if nobody gave one, the last of `at_epochs`.

        A budget on the command line cuts off those of a file.
        """
        epochs: int = self.values["epochs"]
        last: int = (self.values["at_epochs"] or (epochs,))[-1]
        if self.given["epochs"].is_default:
            return last
        cut = self.given["epochs"].is_flag and not self.given["at_epochs"].is_flag
        if last > epochs and not cut:
            self.place("at_epochs").wrong(
                f"expected epochs of at most {epochs}, the budget, got {last}"
            )
        return epochs

    def _baseline(self, variants: Sequence[Variant]) -> str:
        """The label of the one to compare with, or nothing for the first."""
        labels = [variant.label for variant in variants]
        label: str = self.values["baseline"] if self.comparing else ""
        if label and label not in labels:
            self.place("baseline").wrong(
                f"expected one of the activations compared, got {label}. They are: "
                f"{', '.join(labels)}"
            )
        return label

    def _expect(self, variants: Sequence[Variant]) -> dict[str, Bound | Checks]:
        """The checks, with every label as tables spell it."""
        labels = [variant.label for variant in variants]
        checks: dict[str, Bound | Checks] = {}
        for name, part in self.values["expect"].items():
            label = name
            if isinstance(part, Mapping) and name not in labels:
                with suppress(Wrong):
                    label = spell(Spec().check(name, Place("", Given(name), [])))
                if label not in labels:
                    self.place("expect").below(name).wrong(
                        f"no variant is called '{name}'.{nearest(name, labels)} "
                        f"Variants: {', '.join(labels)}"
                    )
            checks[label] = part
        return checks


# --- what must hold between keys --------------------------------------------------------------

_Places = Callable[..., Place]  # of some keys the first that somebody gave


def _check_loss(experiment: Experiment, place: _Places) -> None:
    loss, targets = experiment.loss, experiment.task.targets
    if not loss.needs_probabilities:
        return
    if targets.min() < 0.0 or targets.max() > 1.0:
        place("task", "loss").wrong(
            f"the loss {loss.name} needs targets from 0 to 1, got targets from "
            f"{targets.min():g} to {targets.max():g}. For these use loss squared, and for any "
            "number output_activation identity"
        )
    outputs = {
        spell(variant.output_activation): variant.output_activation
        for variant in experiment.variants
    }
    for output in outputs.values():
        if not output.maps_into_unit_interval:
            low, high = output.range
            place("output_activation", "activation", "loss").wrong(
                f"the loss {loss.name} needs an output from 0 to 1, but {spell(output)} gives "
                f"{low:g} to {high:g}. Use loss squared, or output_activation sigmoid"
            )


def _check_initial_weights(experiment: Experiment, place: _Places) -> None:
    weights = experiment.initial_weights
    if weights is None:
        return
    sizes = experiment.sizes
    fan_ins = [f"{sizes[0]} inputs", *(f"{units} hidden units" for units in experiment.hidden)]
    layers = ["hidden", "output"]
    for layer, weight, shape, fan_in in zip(
        layers, weights, layer_shapes(sizes), fan_ins, strict=True
    ):
        got = weight.shape
        if got != shape:
            place("initial_weights").below(layer).wrong(
                f"expected {shape[0]} rows of {shape[1]} ({fan_in} and a bias), "
                f"got {got[0]} rows of {got[1]}"
            )
    if len(experiment.seeds) != 1:
        place("seeds").wrong(
            "initial_weights replace the draw, so they go with exactly one seed, "
            f"got {len(experiment.seeds)} seeds"
        )


def _check_until(experiment: Experiment, place: _Places) -> None:
    if experiment.until is None:
        return
    if experiment.seeds != tuple(range(len(experiment.seeds))):
        place("seeds").wrong(
            "until adds seeds 0, 1, 2, ... in order, so it goes with a number of seeds, "
            "not with a list"
        )
    if experiment.initial_weights is not None:
        place("until").wrong("initial_weights go with one seed, so no seeds can be added")


def _check_tune(experiment: Experiment, place: _Places) -> None:
    if not experiment.tune:
        return
    if experiment.until is not None:
        place("tune", "until").wrong(
            "tune goes without until: choose the number of seeds that are reported with seeds"
        )
    if experiment.initial_weights is not None:
        place("tune").wrong(
            "initial_weights go with one seed, so there are no other seeds to choose on"
        )
    if len(experiment.variants) < 2:
        place("tune").wrong("expected at least 2 activations to compare, got 1")


def _check_size(experiment: Experiment, place: _Places) -> None:
    epochs, every, seeds = experiment.epochs, experiment.report_every, len(experiment.seeds)
    if experiment.until is not None:
        seeds = experiment.max_seeds
    checkpoints = epochs // every + 2 + len(experiment.at_epochs)
    variants = len(experiment.variants)
    networks = variants * seeds
    who = f"{seeds} seeds" if variants == 1 else f"{variants} variants with {seeds} seeds each"
    samples = len(experiment.task.inputs)
    kept = checkpoints * networks * (samples + EVIDENCE_NUMBERS)
    if experiment.tune:  # at two or three checkpoints each
        tried = variants * len(experiment.tune) * len(experiment.tuning_seeds)
        kept += 3 * tried * (samples + EVIDENCE_NUMBERS)
    if checkpoints > CHECKPOINTS_MOST or kept > KEPT_NUMBERS_MOST:
        place("report_every", "epochs", "seeds").wrong(
            f"{epochs} epochs reported every {every} for {who} and {samples} samples are "
            "more costs than fit in memory. Report less often"
        )
    elif networks * sum(map(prod, layer_shapes(experiment.sizes))) > KEPT_NUMBERS_MOST:
        place("seeds", "hidden").wrong(
            f"{who} of {'-'.join(map(str, experiment.hidden))} hidden units are more weights than "
            "fit in memory. Train fewer seeds at a time"
        )


_CHECKS = (_check_loss, _check_initial_weights, _check_until, _check_tune, _check_size)


# --- and back ---------------------------------------------------------------------------------


def resolved_keys(experiment: Experiment) -> dict[str, Json]:
    """Every key of the config with its resolved value; as a config it gives the same numbers.

    One variant is the `activation`, several are the `activations`.
    """
    return {name: key.kind.resolved(experiment, name) for name, key in KEYS.items()}
