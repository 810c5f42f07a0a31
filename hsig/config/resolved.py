"""An experiment as the keys of a config, every value resolved; ready for JSON."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from hsig.config.keys import KEYS
from hsig.config.specs import spec_document
from hsig.config.values import Json, plain
from hsig.experiments.experiment import Experiment

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["Json", "plain", "plain_fields", "resolved_keys", "spec_document"]


def resolved_keys(experiment: Experiment) -> dict[str, Json]:
    """Every key of the config with its resolved value; as a config it gives the same numbers.

    One variant is the `activation`, several are the `activations`.
    """
    return {name: key.kind.resolved(experiment, name) for name, key in KEYS.items()}


def plain_fields(record: "DataclassInstance") -> dict[str, Json]:
    """A flat record's fields, ready for JSON."""
    return {name: plain(value) for name, value in asdict(record).items()}
