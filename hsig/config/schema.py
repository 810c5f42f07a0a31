"""The config keys in other forms: a JSON Schema for editors, and a commented starting point.

Both are made from `hsig.config.keys`, which is also what configs are checked against.
"""

import json
from dataclasses import replace
from math import isfinite
from typing import Any

from hsig.config.keys import (
    ACTIVATION_GROUPS,
    ACTIVATION_NAMES,
    EXPECTATIONS,
    INPUTS_MOST,
    KEYS,
    PARAMETERS,
    SAMPLES_MOST,
    SEED_LARGEST,
    TASK_NAMES,
    Key,
)

Schema = dict[str, Any]

_NUMBERS: Schema = {"type": "array", "minItems": 1, "items": {"type": "number"}}
_ROWS: Schema = {"type": "array", "minItems": 1, "items": _NUMBERS}


_SCALE: Schema = {
    "type": "array",
    "minItems": 3,
    "maxItems": 3,
    "items": {"type": "number"},
}
_SWEEP: Schema = {
    "description": "Keys and their values, for hsig sweep",
    "type": "object",
    "minProperties": 1,
    "additionalProperties": {
        "oneOf": [
            {"type": "array", "minItems": 1},
            {
                "type": "object",
                "properties": {"linear": _SCALE, "log": _SCALE},
                "additionalProperties": False,
                "minProperties": 1,
                "maxProperties": 1,
            },
        ]
    },
}


def json_schema() -> Schema:
    """A JSON Schema (draft 2020-12) of a config.

    It knows every key, its type and its range. What must hold between keys, and the compact
    texts such as `hard:slope=0.25`, are left to hsig.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "hsig experiment",
        **_mapping({**{name: _schema(key) for name, key in KEYS.items()}, "sweep": _SWEEP}),
    }


def starting_point() -> str:
    """A config with every key, its default and a comment; optional keys are commented out."""
    lines = ["# An experiment of hsig. Every key may be left out: these are the defaults."]
    for key in KEYS.values():
        lines += ["", f"# {key.help}"]
        if key.default is None:
            lines.append(f"# {key.name}:")
        else:
            lines.append(f"{key.name}: {key.default}")
    return "\n".join(lines) + "\n"


def _schema(key: Key) -> Schema:
    checks: Schema = {name: _scalar(check) for name, check in EXPECTATIONS.items()}
    kinds: dict[str, Schema] = {
        "activation": {"anyOf": [_activation(), {"type": "null"}]},  # null beside `activations`
        "activations": {
            "anyOf": [
                {"type": "string", "examples": list(ACTIVATION_GROUPS)},
                {"type": "array", "minItems": 1, "items": _activation()},
            ]
        },
        "output": _activation(),
        "task": _task(),
        "init": {
            "anyOf": [
                {"type": "string", "pattern": "^uniform:"},
                _mapping({"uniform": {**_NUMBERS, "minItems": 2, "maxItems": 2}}, ["uniform"]),
            ]
        },
        "weights": _mapping({"hidden": _ROWS, "output": _ROWS}, ["hidden", "output"]),
        "seeds": _seeds(key),
        "epochs": {
            "anyOf": [
                _scalar(replace(key, kind="whole")),
                {"type": "string", "pattern": "^[0-9]+(,[0-9]+)+$"},
                {"type": "array", "minItems": 1, "items": _scalar(replace(key, kind="whole"))},
            ]
        },
        "workers": {"anyOf": [{"enum": list(key.choices)}, _scalar(replace(key, kind="whole"))]},
        "expect": {
            "anyOf": [
                {"type": "string"},
                {**_mapping(checks), "additionalProperties": _mapping(checks)},
            ]
        },
    }
    schema = {"description": key.help, **kinds.get(key.kind, _scalar(key))}
    if key.default is None:  # an optional key may be written without a value
        return {"description": key.help, "anyOf": [{"type": "null"}, schema]}
    return {**schema, "default": key.default}


def _scalar(key: Key) -> Schema:
    if key.kind == "choice":
        return {"enum": list(key.choices)}
    schema: Schema = {"type": "integer" if key.kind == "whole" else "number"}
    if isfinite(key.low):
        schema["exclusiveMinimum" if key.above else "minimum"] = key.low
    if isfinite(key.high):
        schema["maximum"] = key.high
    if key.infinite:
        return {"anyOf": [schema, {"enum": ["Infinity", "-Infinity"]}]}
    return schema


def _activation() -> Schema:
    settings: Schema = {name: _scalar(key) for name, key in PARAMETERS.items()}
    settings["backward"] = {"anyOf": [{"type": "null"}, _scalar(PARAMETERS["backward"])]}
    settings["negative_slope"] = _scalar(PARAMETERS["leak"])
    name: Schema = {"type": "string", "examples": list(ACTIVATION_NAMES)}
    return {"anyOf": [name, _mapping({"name": name, **settings}, ["name"])]}


def _task() -> Schema:
    rows = {
        **_ROWS,
        "maxItems": SAMPLES_MOST,
        "items": {**_NUMBERS, "maxItems": INPUTS_MOST},
    }
    return {
        "anyOf": [
            {"enum": list(TASK_NAMES)},
            {"type": "string", "pattern": "^csv:"},
            _mapping({"csv": {"type": "string"}}, ["csv"]),
            _mapping(
                {"name": {"type": "string"}, "inputs": rows, "targets": _NUMBERS},
                ["inputs", "targets"],
            ),
        ]
    }


def _seeds(key: Key) -> Schema:
    seed: Schema = {"type": "integer", "minimum": 0, "maximum": SEED_LARGEST}
    return {
        "anyOf": [
            {"type": "integer", "minimum": key.low, "maximum": key.high},
            {"type": "array", "minItems": 1, "uniqueItems": True, "items": seed},
            {"type": "string", "pattern": "^[0-9]+(,[0-9]+)+$"},
        ]
    }


def _mapping(properties: Schema, required: list[str] | None = None) -> Schema:
    schema: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
    return {**schema, "required": required} if required else schema


def as_text(schema: Schema) -> str:
    """The schema as it is written to a file."""
    return json.dumps(schema, indent=2) + "\n"
