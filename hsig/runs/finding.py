"""Runs found again: by the beginning of an id, by a name, or by their age."""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import pairwise, takewhile
from operator import eq
from pathlib import Path

from hsig.config.values import nearest
from hsig.errors import ConfigError, RunError
from hsig.reports.visible import shortened
from hsig.runs.folder import GoneError, Record, entries, read
from hsig.runs.names import ID, LATEST, read_note

_LEAST = len("20261123T215509")  # of the beginning of an id: the second
_TOLD_MOST = 10  # ids of one name
_LIKE_AN_ID = re.compile(r"[0-9]{8}T")
_BACK = re.compile(f"{LATEST}(?:~([0-9]+))?")
_DIGITS_MOST = 10
_SAID_MOST = 60  # characters of what was typed, in a complaint


def ids_in(runs: Path) -> list[str]:
    """The ids of all runs, the oldest first; there may be no record behind one.

    Raises:
        RunError: If the folder cannot be read.
    """
    return [name for name in entries(runs) if ID.fullmatch(name)]


def names_in(runs: Path, ids: Iterable[str]) -> list[tuple[str, str]]:
    """The names that runs have, each with an id."""
    found = ((read_note(runs / one).name, one) for one in ids)
    return [(name, one) for name, one in found if name]


def beginnings(ids: Sequence[str]) -> dict[str, str]:
    """Of each id a beginning that no other has, down to the second at least.

    >>> list(beginnings(["20261123T215509.223364Z-14", "20261123T215509.3Z-1"]).values())
    ['20261123T215509.2', '20261123T215509.3']
    """
    # with how many characters two neighbours begin alike
    common = [sum(takewhile(bool, map(eq, *two))) for two in pairwise(["", *ids, ""])]
    return {
        one: one[: max(_LEAST, 1 + max(common[place : place + 2]))] for place, one in enumerate(ids)
    }


def find(runs: Path, text: str) -> Record:
    """The record that is meant.

    Raises:
        ConfigError: As `locate`.
        RunError: If it is damaged.
    """
    while True:
        with suppress(GoneError):  # another may be the latest by now, or have the name
            return read(locate(runs, text))


def locate(runs: Path, text: str) -> Path:
    """The folder of a record: by its id, its name, a beginning of its id, `latest`, `latest~1`.

    Raises:
        ConfigError: If there is none, or several.
        RunError: If the folder of runs cannot be read.
    """
    ids, said = ids_in(runs), shortened(text, _SAID_MOST)
    if not ids:
        raise ConfigError(f"{runs}: there are no kept runs here. Choose the folder with --runs-dir")
    if back := _BACK.fullmatch(text):
        steps = int(back[1] or 0) if len(back[1] or "") < _DIGITS_MOST else len(ids)
        if steps >= len(ids):
            raise ConfigError(f"{said}: there are only {len(ids)} kept runs in {runs}")
        return runs / ids[-1 - steps]
    if text in ids:
        return runs / text
    names = names_in(runs, ids)
    named = [one for name, one in names if name == text]
    if len(named) > 1:
        listed = ", ".join(named[::-1][:_TOLD_MOST])
        raise ConfigError(f"{said}: {len(named)} runs have this name. Give the id of one: {listed}")
    matching = named or [one for one in ids if one.startswith(text)]
    if len(matching) != 1:
        which = f"{len(matching)} runs begin so: {', '.join(matching[:3])}" if matching else ""
        none = f"no run in {runs} begins so or has this name"
        hint = "" if matching else nearest(text, [name for name, _ in names])
        raise ConfigError(
            f"{said}: {which or none}.{hint} Expected the beginning of one id, a name, "
            "latest or latest~1; hsig runs list shows them"
        )
    return runs / matching[0]


def is_a_run(runs: Path, text: str) -> bool:
    """Whether a text means a kept run, or would if there were such: not whether it is only one."""
    if text.partition("~")[0] == LATEST or _LIKE_AN_ID.match(text):
        return True
    return any(text == word or (what == "" and word.startswith(text)) for word, what in _all(runs))


def offered(runs: Path, typed: str) -> list[tuple[str, str]]:
    """What a shell offers for a run that is typed so far, each with what it is."""
    return [(word, what) for word, what in _all(runs) if word.startswith(typed)]


def _all(runs: Path) -> list[tuple[str, str]]:
    """What kept runs can be called, each with an id or nothing if it is one; none without them."""
    try:
        ids = ids_in(runs)[::-1]
    except RunError:
        return []
    latest = [(LATEST, ids[0])] if ids else []
    return [*latest, *names_in(runs, ids), *((one, "") for one in ids)]
