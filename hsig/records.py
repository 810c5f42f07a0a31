"""`runs/<id>/`: what was run and what came of it. The only module that writes there.

A record is a folder that is complete or absent, and never overwritten. It can be read without hsig:

    run.json     what was run, when, where and with what; its digest; checksums of the other files
    result.json  the result, as `--format json` prints it
    seeds.npz    every number of every seed, as NumPy arrays named part/variant/number
    config.yaml  the config as it was, if there was one; config-1.yaml, ... if there were several
"""

import hashlib
import io
import json
import os
import platform
import re
import secrets
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from hsig import __version__
from hsig.config import Axis, load_resolved
from hsig.document import plain, resolved_keys
from hsig.engines import compiled, reference
from hsig.errors import ConfigError, RunError
from hsig.evidence import Evidence
from hsig.experiment import ARRAYS as TRAINING_ARRAYS
from hsig.experiment import Experiment, Failure, Outcome, Training, Variant
from hsig.journal import read_journal
from hsig.network import Weights
from hsig.sweep import ARRAYS, CellResult, as_cell

FORMAT = 1
RUN, RESULT, SEEDS, CELLS = "run.json", "result.json", "seeds.npz", "cells.log"

_ID = re.compile(r"[0-9]{8}T[0-9]{6}\.[0-9]{6}Z-[0-9a-f]+")
_ASIDE = ".unfinished-"  # how the name of a record begins that is being written
# what a result looks like, or how it was come by; the numbers of a seed do not depend on it
_NO_MATTER = ("workers", "cost", "baseline", "expect", "until", "max_seeds", "predict_with")


@dataclass(frozen=True, eq=False)
class Part:
    """One experiment of a run: all there is, one of several configs, or a remedy.

    Attributes:
        name: Of the config or the remedy; empty where there is one experiment.
        experiment: As its config has it.
        outcome: What became of it.
        layers: Of a remedy.
        is_config: Whether it is one of several configs, whose labels have its name in front.
    """

    name: str
    experiment: Experiment
    outcome: Outcome
    layers: str = ""
    is_config: bool = False


@dataclass(frozen=True, eq=False)
class Made:
    """What a command made, to be kept.

    Attributes:
        command: `train`, `compare` or `explain`.
        arguments: The words of the command line.
        configs: Text of each config, by the name it was given by.
        parts: What was trained.
        result: As `--format json` prints it.
        complete: Whether nothing stopped it early.
        started: When, in UTC.
        seconds: How long it took.
    """

    command: str
    arguments: tuple[str, ...]
    configs: Mapping[str, str]
    parts: Sequence[Part]
    result: str
    complete: bool
    started: datetime
    seconds: float


@dataclass(frozen=True, eq=False)
class Record:
    """A run that was kept: its folder, and what `run.json` says."""

    folder: Path
    about: Mapping[str, Any] = field(repr=False)

    @property
    def id(self) -> str:
        """Its name; later ones sort behind earlier ones."""
        return self.folder.name

    @property
    def command(self) -> str:
        """`train`, `compare` or `explain`."""
        return str(self.about["command"])

    @property
    def digest(self) -> str:
        """Of everything that the numbers depend on."""
        return str(self.about["digest"])


# --- writing ----------------------------------------------------------------------------------


def keep(runs: Path, made: Made) -> Record:
    """Keep a run in a new folder of `runs`, whole or not at all.

    Raises:
        RunError: If it cannot be written.
    """
    name = _new_id(made.started)
    files = _files(made)
    return _put(runs, _about(name, made, files), files)


def _new_id(started: datetime) -> str:
    return f"{started.strftime('%Y%m%dT%H%M%S.%fZ')}-{secrets.token_hex(6)}"


def _put(runs: Path, about: dict[str, Any], files: Mapping[str, bytes]) -> Record:
    """Put a folder with these files into `runs`, whole or not at all."""
    name = str(about["id"])
    files = {**files, RUN: _signed(about)}
    aside = runs / f"{_ASIDE}{name}"
    try:
        aside.mkdir(parents=True)
        for file, data in files.items():
            _write(aside / file, data)
        _settle(aside)
        aside.rename(runs / name)
        _settle(runs)
    except OSError as problem:
        shutil.rmtree(aside, ignore_errors=True)
        raise RunError(f"{runs}: this run cannot be kept: {problem.strerror}") from None
    return Record(runs / name, about)


def begin_sweep(
    runs: Path,
    *,
    arguments: Sequence[str],
    config: Path,
    text: str,
    axes: Sequence[Axis],
    flags: Mapping[str, str],
    experiments: Sequence[Experiment],
    started: datetime,
) -> Record:
    """A new record of a sweep, whose cells are to be added to its `cells.log`.

    Raises:
        RunError: If it cannot be written.
    """
    files = {"config.yaml": text.encode()}
    first = experiments[0]
    about = {
        "format": FORMAT,
        "id": _new_id(started),
        "command": "sweep",
        "arguments": list(arguments),
        "started": started.isoformat(),
        "seconds": 0.0,
        "complete": True,
        "versions": versions(),
        "machine": machine(),
        "digest": sweep_digest(experiments),
        "configs": {"config.yaml": str(config)},
        "sweep": {
            "axes": [{"name": axis.name, "values": list(axis.values)} for axis in axes],
            "flags": dict(flags),
        },
        "parts": [
            {
                "name": "",
                "layers": "",
                "is_config": False,
                "labels": [first.variants[0].label],
                "experiment": keys_of(first),
                "results": [],
            }
        ],
        "files": {file: hashlib.sha256(data).hexdigest() for file, data in files.items()},
    }
    return _put(runs, about, files)


def sweep_digest(experiments: Iterable[Experiment]) -> str:
    """Of everything that the numbers of a sweep depend on."""
    keys = "".join(f"{cell_key(experiment)} {experiment.seeds}" for experiment in experiments)
    return hashlib.sha256(keys.encode()).hexdigest()


def cell_key(experiment: Experiment) -> str:
    """Of everything that a seed's numbers in a cell depend on: all but which seeds there are."""
    return digest([replace(as_cell(experiment), seeds=experiment.seeds[:1])])


def finish_sweep(record: Record, result: str) -> None:
    """Write the result of a sweep all of whose cells are there.

    Raises:
        RunError: If it cannot be written.
    """
    aside = record.folder / f"{_ASIDE}{RESULT}"
    try:
        aside.write_bytes(result.encode())
        aside.replace(record.folder / RESULT)
        _settle(record.folder)
    except OSError as problem:
        raise RunError(f"{record.folder}: cannot be written: {problem.strerror}") from None


def cell_entry(key: str, cell: Sequence[str], result: CellResult) -> dict[str, Any]:
    """A line of `cells.log`."""
    return {
        "key": key,
        "cell": list(cell),
        "seeds": list(result.seeds),
        **{name: plain(getattr(result, name).tolist()) for name in ARRAYS},
        "error": result.error,
    }


def cell_result(entry: Mapping[str, Any]) -> CellResult:
    """What a line of `cells.log` says."""
    return CellResult(
        seeds=tuple(entry["seeds"]),
        solved=np.array(entry["solved"], dtype=np.bool_),
        solved_at=np.array(entry["solved_at"], dtype=np.int64),
        lost_at=np.array(entry["lost_at"], dtype=np.int64),
        diverged_at=np.array(entry["diverged_at"], dtype=np.int64),
        verdict=np.array(entry["verdict"], dtype=np.int64),
        cost=np.array([float(cost) for cost in entry["cost"]]),
        error=entry["error"],
    )


def sweeps_in(runs: Path) -> Iterator[tuple[Record, list[dict[str, Any]]]]:
    """Every sweep that was kept, the oldest first, with the lines of its `cells.log`."""
    records, _ = every(runs)
    for record in reversed(records):
        if record.command == "sweep":
            yield record, read_journal(record.folder / CELLS)


def remove(folder: Path) -> None:
    """Remove a record, be it damaged.

    Raises:
        RunError: If that is not allowed.
    """
    aside = folder.with_name(f"{_ASIDE}{folder.name}")
    try:
        folder.rename(aside)  # absent at once, not file by file
        shutil.rmtree(aside)
    except OSError as problem:
        raise RunError(f"{folder}: cannot be removed: {problem.strerror}") from None


def archive(record: Record) -> bytes:
    """The record as a zip file.

    Raises:
        RunError: If a file of it is missing or was changed.
    """
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        for name in record.about["files"]:
            _checked(record, name)
        for path in sorted(record.folder.iterdir()):
            file.write(path, f"{record.id}/{path.name}")
    return made.getvalue()


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _settle(folder: Path) -> None:
    """Have the names in a folder on the disk, where the system can do that."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _files(made: Made) -> dict[str, bytes]:
    files = {RESULT: made.result.encode(), SEEDS: _packed(part.outcome for part in made.parts)}
    return files | {
        name: text.encode() for name, text in zip(_names(made), made.configs.values(), strict=True)
    }


def _names(made: Made) -> list[str]:
    """What the configs are called in the record."""
    if len(made.configs) == 1:
        return ["config.yaml"]
    return [f"config-{number}.yaml" for number in range(1, len(made.configs) + 1)]


def _about(name: str, made: Made, files: Mapping[str, bytes]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "id": name,
        "command": made.command,
        "arguments": list(made.arguments),
        "started": made.started.isoformat(),
        "seconds": round(made.seconds, 3),
        "complete": made.complete,
        "versions": versions(),
        "machine": machine(),
        "digest": digest([part.outcome.experiment for part in made.parts]),
        "configs": dict(zip(_names(made), made.configs, strict=True)),
        "parts": [_part(part) for part in made.parts],
        "files": {file: hashlib.sha256(data).hexdigest() for file, data in files.items()},
    }


def _part(part: Part) -> dict[str, Any]:
    trained = replace(part.experiment, seeds=part.outcome.experiment.seeds)
    return {
        "name": part.name,
        "layers": part.layers,
        "is_config": part.is_config,
        "labels": [variant.label for variant in part.outcome.experiment.variants],
        "experiment": keys_of(trained),
        "results": [_result(result) for result in part.outcome.results],
    }


def keys_of(experiment: Experiment) -> dict[str, Any]:
    """The resolved keys; seeds from 0 on as their number."""
    keys: dict[str, Any] = resolved_keys(experiment)
    seeds = experiment.seeds
    if seeds == tuple(range(len(seeds))):
        keys["seeds"] = len(seeds)
    return keys


def _result(result: Training | Failure) -> dict[str, Any]:
    if isinstance(result, Failure):
        return {"label": result.variant.label, "error": result.reason}
    solved = result.solved
    return {
        "label": result.variant.label,
        "epochs": list(result.epochs),
        "solved": int(solved.sum()),
        "seeds": len(solved),
    }


_CHECKSUM = b',\n "checksum": '


def _signed(about: Mapping[str, Any]) -> bytes:
    """`run.json`, with a checksum of what stands before it as its last line."""
    text = json.dumps(about, indent=1).encode()
    return b'%s%s"%s"\n}\n' % (text[:-2], _CHECKSUM, _checksum(text))


def _is_as_signed(text: bytes) -> bool:
    before, _, after = text.rpartition(_CHECKSUM)
    return after.startswith(b'"%s"' % _checksum(before + b"\n}"))


def _checksum(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest().encode()


# --- what the numbers depend on ---------------------------------------------------------------


def versions() -> dict[str, str]:
    """Of hsig and what it computes with."""
    return {
        "hsig": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def machine() -> dict[str, Any]:
    """What it runs on."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "instructions": list(compiled.instruction_sets()),
        "numpy_instructions": _numpy_instructions(),
    }


def _numpy_instructions() -> list[str]:
    """Those that NumPy chooses among here: its exponentials differ between them."""
    found: Any = np.show_config(mode="dicts")
    return sorted(found.get("SIMD Extensions", {}).get("found", []))


def digest(experiments: Iterable[Experiment]) -> str:
    """Of everything that the numbers of some experiments depend on."""
    depends: list[Any] = [__version__]
    for experiment in experiments:
        keys = {name: v for name, v in keys_of(experiment).items() if name not in _NO_MATTER}
        engines = [experiment.engine_of(variant) for variant in experiment.variants]
        depends.append([keys, [engine.NAME for engine in engines]])
        if reference in engines:
            depends.append([np.__version__, _numpy_instructions()])
    return hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()


# --- reading ----------------------------------------------------------------------------------


def every(runs: Path) -> tuple[list[Record], list[str]]:
    """All records, the newest first, and what is wrong with folders that are none."""
    records, problems = [], []
    try:
        names = sorted((entry.name for entry in os.scandir(runs) if entry.is_dir()), reverse=True)
    except FileNotFoundError:
        return [], []
    except OSError as problem:
        raise RunError(f"{runs}: cannot be read: {problem.strerror}") from None
    for name in names:
        if not _ID.fullmatch(name.removeprefix(_ASIDE)):
            continue  # not ours
        if name.startswith(_ASIDE):
            problems.append(f"{runs / name}: was not finished; it can be removed")
            continue
        try:
            records.append(read(runs / name))
        except RunError as problem:
            problems += problem.messages
    return records, problems


def read(folder: Path) -> Record:
    """A record, after a check that its `run.json` is as it was written.

    Raises:
        RunError: If it is not, or of a later format.
    """
    path = folder / RUN
    try:
        text = path.read_bytes()
        about = json.loads(text)
    except FileNotFoundError:
        raise RunError(f"{folder}: is no kept run: it has no {RUN}") from None
    except OSError as problem:
        raise RunError(f"{path}: cannot be read: {problem.strerror}") from None
    except ValueError:
        raise RunError(f"{path}: is damaged: it is not JSON") from None
    if not isinstance(about, dict):
        raise RunError(f"{path}: is damaged: it is not a record")
    if isinstance(about.get("format"), int) and about["format"] > FORMAT:
        later = about["format"]
        raise RunError(f"{path}: has format {later}, of a later hsig; this one reads {FORMAT}")
    if not _is_as_signed(text):
        raise RunError(f"{path}: was changed after it was written: its checksum is another")
    return Record(folder, about)


def find(runs: Path, text: str) -> Record:
    """The record that is meant.

    Raises:
        ConfigError: As `locate`.
        RunError: If it is damaged.
    """
    return read(locate(runs, text))


def locate(runs: Path, text: str) -> Path:
    """The folder of a record: by a beginning of its id that no other has, `latest`, `latest~1`.

    Raises:
        ConfigError: If there is none, or several.
    """
    try:
        names = sorted(
            entry.name for entry in os.scandir(runs) if entry.is_dir() and _ID.fullmatch(entry.name)
        )
    except OSError:
        names = []
    if not names:
        raise ConfigError(f"{runs}: there are no kept runs here. Choose the folder with --runs-dir")
    word, _, back = text.partition("~")
    if word == "latest" and (not back or back.isdecimal()):
        if int(back or 0) >= len(names):
            raise ConfigError(f"{text}: there are only {len(names)} kept runs in {runs}")
        return runs / names[-1 - int(back or 0)]
    matching = [name for name in names if name.startswith(text)]
    if text in names:
        matching = [text]
    if len(matching) != 1:
        which = f"{len(matching)} runs begin so: {', '.join(matching[:3])}" if matching else ""
        raise ConfigError(
            f"{text}: {which or f'no run in {runs} begins so'}. Expected the beginning of one id, "
            "latest or latest~1; hsig runs list shows them"
        )
    return runs / matching[0]


def parts_of(record: Record) -> list[Part]:
    """What was trained, with all its numbers.

    Raises:
        RunError: If a file of the record is missing or was changed.
    """
    data = _checked(record, SEEDS)
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    parts = []
    for number, part in enumerate(record.about["parts"]):
        experiment = load_resolved(part["experiment"], str(record.folder / RUN))
        named = experiment.named(part["name"]) if part["is_config"] else experiment
        labels = zip(named.variants, part["labels"], strict=True)
        variants = tuple(replace(variant, label=label) for variant, label in labels)
        named = replace(named, variants=variants)
        results = [
            _read_result(variant, result, arrays, f"{number}/{place}/")
            for place, (variant, result) in enumerate(zip(variants, part["results"], strict=False))
        ]
        parts.append(
            Part(
                part["name"],
                experiment,
                Outcome(named, tuple(results)),
                part["layers"],
                part["is_config"],
            )
        )
    return parts


def _read_result(
    variant: Variant, result: Mapping[str, Any], arrays: Mapping[str, Any], prefix: str
) -> Training | Failure:
    if "error" in result:
        return Failure(variant, result["error"])
    own = {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
    return _unpacked(variant, tuple(result["epochs"]), own)


def _checked(record: Record, file: str) -> bytes:
    path = record.folder / file
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise RunError(f"{path}: cannot be read: {problem.strerror}") from None
    if hashlib.sha256(data).hexdigest() != record.about["files"].get(file):
        raise RunError(f"{path}: was changed after it was written: its checksum is another")
    return data


# --- arrays -----------------------------------------------------------------------------------


def _packed(outcomes: Iterable[Outcome]) -> bytes:
    arrays: dict[str, Any] = {}
    for number, outcome in enumerate(outcomes):
        for place, result in enumerate(outcome.results):
            if isinstance(result, Training):
                arrays |= {
                    f"{number}/{place}/{name}": array for name, array in arrays_of(result).items()
                }
    made = io.BytesIO()
    np.savez(made, **arrays)
    return made.getvalue()


def arrays_of(training: Training) -> dict[str, Any]:
    """Every number of a training, by name; seeds first."""
    return {
        **{name: getattr(training, name) for name in TRAINING_ARRAYS},
        "diverged_by": np.array(training.diverged_by, dtype=np.str_),
        "hidden_weights": training.weights.hidden,
        "output_weights": training.weights.output,
        **{f"evidence/{f.name}": getattr(training.evidence, f.name) for f in fields(Evidence)},
    }


def _unpacked(variant: Variant, epochs: tuple[int, ...], arrays: Mapping[str, Any]) -> Training:
    return Training(
        variant=variant,
        epochs=epochs,
        **{name: arrays[name] for name in TRAINING_ARRAYS},
        diverged_by=tuple(arrays["diverged_by"].tolist()),
        weights=Weights(arrays["hidden_weights"], arrays["output_weights"]),
        evidence=Evidence(**{f.name: arrays[f"evidence/{f.name}"] for f in fields(Evidence)}),
    )


def different_arrays(first: Outcome, second: Outcome) -> list[str]:
    """Which numbers of two outcomes do not have the same bits, as `label: name`."""
    different = []
    for one, other in zip(first.results, second.results, strict=True):
        label = one.variant.label
        if isinstance(one, Failure) or isinstance(other, Failure):
            if type(one) is not type(other):
                different.append(f"{label}: one was not trained")
            continue
        ours, theirs = arrays_of(one), arrays_of(other)
        different += [f"{label}: {name}" for name in ours if not _same(ours[name], theirs[name])]
    return different


def _same(one: Any, other: Any) -> bool:
    return one.dtype.kind == other.dtype.kind and np.array_equal(
        one, other, equal_nan=one.dtype.kind == "f"
    )
