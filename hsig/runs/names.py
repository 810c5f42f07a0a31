"""What runs are called: ids, and `note.json`, a name and a note that may be changed at any time."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from hsig.errors import ConfigError, RunError
from hsig.files import keep_file, settle
from hsig.runs.reading import as_json, read_bytes

NOTE = "note.json"
LATEST = "latest"
ID = re.compile(r"[0-9]{8}T[0-9]{6}\.[0-9]{6}Z-[0-9a-f]+")
_NAME_MOST, _TEXT_MOST = 40, 2000  # characters
_FILE_MOST = 1 << 16  # bytes


@dataclass(frozen=True)
class Note:
    """What somebody calls a run and says of it.

    Attributes:
        name: It is found by this as well as by its id; may be empty.
        text: Whatever is to be remembered; may be empty.
        problem: What is wrong with the file that it was read from.
    """

    name: str = ""
    text: str = ""
    problem: str = ""

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.name or self.text)

    def changed(self, name: str | None, text: str | None) -> "Note":
        """With what is given; an empty text takes it away.

        Raises:
            ConfigError: If one of them cannot be used.
        """
        made = Note(*(new.strip() for new in (name or "", text or "")))
        if problems := made.complaints("--name", "--note"):
            raise ConfigError(problems)
        return Note(
            self.name if name is None else made.name, self.text if text is None else made.text
        )

    def complaints(self, of_name: str, of_text: str) -> list[str]:
        """What is wrong with it, by what its parts are called."""
        problems = []
        name, text = self.name, self.text
        if len(name) > _NAME_MOST or not name.isprintable():
            problems.append(
                f"{of_name}: expected one line of at most {_NAME_MOST} characters, got {name!r:.80}"
            )
        elif name.partition("~")[0] == LATEST or ID.fullmatch(name):
            problems.append(f"{of_name}: expected a name that can be no id and not latest: {name}")
        if len(text) > _TEXT_MOST or not all(line.isprintable() for line in text.split("\n")):
            problems.append(
                f"{of_text}: expected at most {_TEXT_MOST} characters that can be printed, got "
                f"{len(text)}: {text!r:.60}"
            )
        return problems

    def as_file(self) -> bytes:
        """As its file has it."""
        return (json.dumps({"name": self.name, "note": self.text}, indent=1) + "\n").encode()


NO_NOTE = Note()


def read_note(folder: Path) -> Note:
    """What a run is called; nothing if it has no such file, or one that cannot be read."""
    path = folder / NOTE
    try:
        about = as_json(read_bytes(path, _FILE_MOST), path)
    except FileNotFoundError:
        return NO_NOTE
    except RunError as problem:
        return Note(problem=str(problem))
    match about:
        case {"name": str(name), "note": str(text)}:
            note = Note(name, text)
        case _:
            return Note(problem=f"{path}: is damaged: expected a name and a note, as JSON")
    problems = note.complaints(f"{path}: name", f"{path}: note")
    return Note(problem=problems[0]) if problems else note


def write_note(folder: Path, name: str | None, text: str | None) -> Note:
    """Change what a run is called, whole or not at all.

    Args:
        folder: Of the run.
        name: If it is to be another; empty for none.
        text: The same of what is said of it.

    Raises:
        ConfigError: If one of them cannot be used.
        RunError: If it cannot be written.
    """
    note = read_note(folder).changed(name, text)
    try:
        if note:
            keep_file(folder / NOTE, note.as_file())
        else:
            (folder / NOTE).unlink(missing_ok=True)
            settle(folder)
    except OSError as problem:
        raise RunError(f"{folder / NOTE}: cannot be written: {problem.strerror}") from None
    return note
