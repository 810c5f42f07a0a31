"""How tests look at a page: at its parts, as it is drawn, and as each format has it."""

import csv
import json
from io import BytesIO, StringIO, TextIOWrapper

from rich.console import Console

from hsig.output.formats import as_csv, as_json
from hsig.output.screen import draw
from hsig.reports.page import Table


def drawn(page, width=100, *, brief=False, full=True):
    """Its lines on a screen without colours, blanks at their ends left out."""
    console = Console(file=StringIO(), width=width, color_system=None, highlight=False)
    console.print(draw(page, console, brief=brief, full=full))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def drawn_in_ascii(page, width=80):
    """The bytes that a terminal gets that has nothing but ASCII."""
    data = BytesIO()
    console = Console(file=TextIOWrapper(data, "ascii"), width=width, color_system=None)
    console.print(draw(page, console, full=True))
    console.file.flush()
    return data.getvalue()


def fit(lines, width):
    """Whether no line is wider than the screen."""
    return all(len(line) <= width for line in lines)


def words(lines):
    """All that lines say, wherever they break."""
    return " ".join(" ".join(lines).split())


def tables(page):
    """Its tables."""
    return [block for block in page.blocks if isinstance(block, Table)]


def sentences(page):
    """For each of its blocks of lines, what they say; the answer last."""
    blocks = (*page.blocks, page.answer)
    return [[line.text for line in block] for block in blocks if block and isinstance(block, tuple)]


def document(page, *, every_seed=True):
    """Its JSON, read."""
    return json.loads(as_json(page, every_seed=every_seed))


def rows(page, *, every_row=False):
    """The rows of its CSV, read."""
    return read_csv(as_csv(page, every_row=every_row))


def read_csv(text):
    """The rows of a CSV by the names of its columns."""
    return list(csv.DictReader(StringIO(text)))
