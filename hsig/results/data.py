"""What is understood of a table, before anything is trained."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from hsig.config.inspection import Inspection
from hsig.config.keys import DATA
from hsig.reports.data import data_page
from hsig.reports.page import Page
from hsig.results.result import Result


@dataclass(frozen=True, eq=False, repr=False)
class DataResult(Result):
    """A table, and how it would be trained.

    Attributes:
        inspection: The table as it was read, what its columns are for, the experiment.
    """

    command: ClassVar[str] = DATA
    inspection: Inspection

    @cached_property
    def page(self) -> Page:
        """The result as a page."""
        return data_page(self.inspection)

    @property
    def digest(self) -> str:
        """SHA-256 of the file; empty for what is no file."""
        return self.inspection.table.sha256

    @property
    def problems(self) -> tuple[str, ...]:
        """Why it will not train; nothing if it will."""
        return self.inspection.problems
