"""The checked values of all keys, and what must hold between them."""

from collections.abc import Mapping, Sequence
from typing import Any

from hsig.config.checks import CHECKS, check_activation
from hsig.config.keys import CHECKPOINTS_MOST, EVIDENCE_NUMBERS, KEPT_NUMBERS_MOST, KEYS, SAME
from hsig.config.source import REFUSED, Given
from hsig.config.values import Place, nearest
from hsig.engines.choice import ENGINES, fastest
from hsig.experiments.experiment import Bound, Checks, Experiment, Variant
from hsig.networks.activations import Activation, spell
from hsig.networks.losses import LOSSES
from hsig.networks.network import default_output_activation

_OPTIONAL = frozenset(
    (
        "output_activation",
        "initial_weights",
        "until",
        "at_epochs",
        "predict_with",
        "baseline",
        "expect",
    )
)


class Reading:
    """The checked values of all keys, and what must hold between them."""

    def __init__(self, given: Mapping[str, Given], problems: list[str], *, comparing: bool) -> None:
        self._given = given
        self._problems = problems
        self._comparing = comparing
        self._optional = _OPTIONAL | {"activation" if comparing else "activations"}
        self._values: dict[str, Any] = {name: self._check(name) for name in KEYS}

    def _check(self, name: str) -> object:
        value = self._given[name].value
        if value is REFUSED or (value is None and name in self._optional):
            return None
        return CHECKS[KEYS[name].kind](KEYS[name], value, self._place(name))

    def _place(self, *names: str) -> Place:
        """The first of some keys that somebody gave: where a conflict between them is told."""
        given = [name for name in names if self._given[name].source != "default"]
        name = (given or list(names))[0]
        return Place(name, self._given[name], self._problems)

    def experiment(self) -> Experiment | None:
        """The experiment, or None when something is wrong with it."""
        values = self._values
        if any(values[name] is None for name in KEYS.keys() - self._optional):
            return None
        chosen = values["activations"] if self._comparing else (values["activation"],)
        variants = tuple(self._variant(activation) for activation in chosen)
        epochs = self._epochs()
        experiment = Experiment(
            task=values["task"],
            variants=variants,
            loss=LOSSES[values["loss"]],
            learning_rate=values["learning_rate"],
            epochs=epochs,
            update=values["update"],
            hidden=values["hidden"],
            init=values["init"],
            initial_weights=values["initial_weights"],
            seeds=values["seeds"],
            until=values["until"],
            max_seeds=values["max_seeds"],
            solved_within=values["solved_within"],
            report_every=values["report_every"],
            at_epochs=tuple(epoch for epoch in values["at_epochs"] or () if epoch <= epochs),
            cost=values["cost"],
            engine=self._engine(),
            workers=None if values["workers"] == "auto" else values["workers"],
            predict_with=values["predict_with"] or (),
            baseline=self._baseline(variants),
            expect=self._expect(variants),
        )
        self._check_loss(experiment)
        self._check_initial_weights(experiment)
        self._check_until(experiment)
        self._check_size(experiment)
        return experiment

    def _variant(self, activation: Activation) -> Variant:
        output = self._values["output_activation"]
        if output is None:
            output = default_output_activation(activation)
        return Variant(spell(activation), activation, activation if output == SAME else output)

    def _engine(self) -> str:
        wanted: str = self._values["engine"]
        if wanted == "auto":
            return fastest()
        if not ENGINES[wanted].is_here():
            self._place("engine").wrong(
                f"the engine {wanted} cannot be used: it was not built when hsig was installed, "
                "for which it takes a C compiler. Use auto or reference"
            )
        return wanted

    def _epochs(self) -> int:
        """The budget; if nobody gave one, the last of `at_epochs`.

        A budget on the command line cuts off those of a file.
        """
        epochs: int = self._values["epochs"]
        looked_at = self._values["at_epochs"] or (epochs,)
        budget, looking = self._given["epochs"].source, self._given["at_epochs"].source
        if budget == "default":
            return int(looked_at[-1])
        cut = budget.startswith("--") and not looking.startswith("--")
        if looked_at[-1] > epochs and not cut:
            self._place("at_epochs").wrong(
                f"expected epochs of at most {epochs}, the budget, got {looked_at[-1]}"
            )
        return epochs

    def _baseline(self, variants: Sequence[Variant]) -> str:
        """The label of the one to compare with, or nothing for the first."""
        wanted = self._values["baseline"]
        labels = [variant.label for variant in variants]
        label = spell(wanted) if wanted is not None and self._comparing else ""
        if label and label not in labels:
            self._place("baseline").wrong(
                f"expected one of the activations compared, got {label}. They are: "
                f"{', '.join(labels)}"
            )
        return label

    def _expect(self, variants: Sequence[Variant]) -> dict[str, Bound | Checks]:
        """The checks, with every label as tables spell it."""
        labels = [variant.label for variant in variants]
        checks: dict[str, Bound | Checks] = {}
        for name, part in (self._values["expect"] or {}).items():
            label = name
            if isinstance(part, Mapping) and name not in labels:
                activation = check_activation(KEYS["activation"], name, Place("", Given(0, ""), []))
                label = name if activation is None else spell(activation)
                if label not in labels:
                    self._place("expect").below(name).wrong(
                        f"no variant is called '{name}'.{nearest(name, labels)} "
                        f"Variants: {', '.join(labels)}"
                    )
            checks[label] = part
        return checks

    def _check_loss(self, experiment: Experiment) -> None:
        loss, targets = experiment.loss, experiment.task.targets
        if not loss.needs_probabilities:
            return
        if targets.min() < 0.0 or targets.max() > 1.0:
            self._place("task", "loss").wrong(
                f"the loss {loss.name} needs targets from 0 to 1, got targets from "
                f"{targets.min():g} to {targets.max():g}. For these use loss squared"
            )
        outputs = {
            spell(variant.output_activation): variant.output_activation
            for variant in experiment.variants
        }
        for output in outputs.values():
            if not output.maps_into_unit_interval:
                low, high = output.range
                self._place("output_activation", "activation", "loss").wrong(
                    f"the loss {loss.name} needs an output from 0 to 1, but {spell(output)} gives "
                    f"{low:g} to {high:g}. Use loss squared, or output_activation sigmoid"
                )

    def _check_initial_weights(self, experiment: Experiment) -> None:
        weights = experiment.initial_weights
        if weights is None:
            return
        place = self._place("initial_weights")
        hidden, inputs = experiment.hidden, experiment.task.inputs.shape[1]
        for layer, shape, fan_in in (
            ("hidden", (inputs + 1, hidden), f"{inputs} inputs"),
            ("output", (hidden + 1, 1), f"{hidden} hidden units"),
        ):
            got = getattr(weights, layer).shape
            if got != shape:
                place.below(layer).wrong(
                    f"expected {shape[0]} rows of {shape[1]} ({fan_in} and a bias), "
                    f"got {got[0]} rows of {got[1]}"
                )
        if len(experiment.seeds) != 1:
            self._place("seeds").wrong(
                "initial_weights replace the draw, so they go with exactly one seed, "
                f"got {len(experiment.seeds)} seeds"
            )

    def _check_until(self, experiment: Experiment) -> None:
        if experiment.until is None:
            return
        if experiment.seeds != tuple(range(len(experiment.seeds))):
            self._place("seeds").wrong(
                "until adds seeds 0, 1, 2, ... in order, so it goes with a number of seeds, "
                "not with a list"
            )
        if experiment.initial_weights is not None:
            self._place("until").wrong("initial_weights go with one seed, so no seeds can be added")

    def _check_size(self, experiment: Experiment) -> None:
        epochs, every, seeds = experiment.epochs, experiment.report_every, len(experiment.seeds)
        if experiment.until is not None:
            seeds = experiment.max_seeds
        checkpoints = epochs // every + 2 + len(experiment.at_epochs)
        variants = len(experiment.variants)
        networks = variants * seeds
        who = f"{seeds} seeds" if variants == 1 else f"{variants} variants with {seeds} seeds each"
        samples, inputs = experiment.task.inputs.shape
        kept = checkpoints * networks * (samples + EVIDENCE_NUMBERS)
        if checkpoints > CHECKPOINTS_MOST or kept > KEPT_NUMBERS_MOST:
            self._place("report_every", "epochs", "seeds").wrong(
                f"{epochs} epochs reported every {every} for {who} and {samples} rows are "
                "more costs than fit in memory. Report less often"
            )
        elif networks * (inputs + 2) * experiment.hidden > KEPT_NUMBERS_MOST:
            self._place("seeds", "hidden").wrong(
                f"{who} of {experiment.hidden} hidden units are more weights than fit in "
                "memory. Train fewer seeds at a time"
            )
