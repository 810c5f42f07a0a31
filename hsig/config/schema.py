"""The config keys in other forms: a JSON Schema for editors, and a commented starting point."""

import json

from hsig.config.keys import KEYS, Key
from hsig.config.kinds import Schema, mapping_schema

_SCALE: Schema = {"type": "array", "minItems": 3, "maxItems": 3, "items": {"type": "number"}}
_SCALES: Schema = {
    "type": "object",
    "properties": {"linear": _SCALE, "log": _SCALE},
    "additionalProperties": False,
    "minProperties": 1,
    "maxProperties": 1,
}
_SWEEP: Schema = {
    "description": "Keys and their values, for hsig sweep",
    "type": "object",
    "minProperties": 1,
    "additionalProperties": {"oneOf": [{"type": "array", "minItems": 1}, _SCALES]},
}


def json_schema() -> Schema:
    """A JSON Schema (draft 2020-12) of a config.

    It knows every key, its type and its range. What must hold between keys, and the compact
    texts such as `hard:slope=0.25`, are left to hsig.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "hsig experiment",
        **mapping_schema({**{name: _schema(key) for name, key in KEYS.items()}, "sweep": _SWEEP}),
    }


def _schema(key: Key) -> Schema:
    schema = {"description": key.help, **key.kind.schema()}
    if key.default is None:  # it may be written without a value
        return {"description": key.help, "anyOf": [{"type": "null"}, schema]}
    return {**schema, "default": key.default}


def as_text(schema: Schema) -> str:
    """The schema as it is written to a file."""
    return json.dumps(schema, indent=2) + "\n"


def starting_point() -> str:
    """A config with every key, its default and a comment; optional keys are commented out."""
    lines = ["# An experiment of hsig. Every key may be left out: these are the defaults."]
    for key in KEYS.values():
        line = f"# {key.name}:" if key.default is None else f"{key.name}: {key.default}"
        lines += ["", f"# {key.help}", line]
    return "\n".join(lines) + "\n"
