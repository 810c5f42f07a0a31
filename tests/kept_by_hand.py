"""Records made by hand, so that what is said of kept runs is tested without training or a disk."""

from pathlib import Path

from hsig.config.loading import load_experiment
from hsig.runs import Note, Record
from hsig.runs.provenance import keys_of
from hsig.runs.store import misfit

ID = "20260102T030405.000678Z-0a"
STARTED = "2026-01-02T03:04:05.000678+00:00"


def a_part(*results, name="", role="", keys=None, lacking=(), config=None, **flags):
    """An experiment as `run.json` has it.

    Args:
        results: Of each variant so many solved of how many seeds, or why it was not trained.
        name: In front of its labels, if there is one.
        role: What it was trained for.
        keys: Values that stand in place of those of the experiment.
        lacking: Keys that came later.
        config: The file that it is of.
        flags: The experiment.
    """
    experiment = load_experiment(config, flags={"engine": "reference", **flags})
    labels = [f"{name}: {v.label}" if name else v.label for v in experiment.variants]
    made = keys_of(experiment) | (keys or {})
    return {
        "name": name,
        "layers": "",
        "is_config": bool(name),
        "role": role,
        "labels": labels,
        "experiment": {key: value for key, value in made.items() if key not in lacking},
        "results": list(map(_result, labels, results)),
    }


def a_record(*parts, command="train", swept=None, name="", note="", **about):
    """A record of these parts; of a sweep, the values of each key that is `swept`."""
    axes = [{"name": key, "values": list(values)} for key, values in (swept or {}).items()]
    made = {
        "format": 1,
        "id": ID,
        "command": command,
        "arguments": [],
        "started": STARTED,
        "seconds": 1.5,
        "complete": True,
        "versions": {"hsig": "0.1.0", "numerics": "3"},
        "machine": {
            "system": "Linux",
            "processor": "",
            "cores": 1,
            "instructions": [],
            "numpy_instructions": [],
        },
        "digest": "",
        "configs": {},
        "parts": list(parts) or [a_part()],
        **({"sweep": {"axes": axes, "flags": {}}} if axes else {}),
        **about,
        "checksum": "",
    }
    whole = made["complete"] or command != "sweep"
    made["files"] = dict.fromkeys(("result.json", "seeds.npz") if whole else (), "")
    assert misfit(made) == ""
    return Record(Path("runs") / made["id"], made, Note(name, note))


def _result(label, result):
    if isinstance(result, str):
        return {"label": label, "error": result}
    solved, seeds = result
    return {"label": label, "epochs": [0], "solved": solved, "seeds": seeds}
