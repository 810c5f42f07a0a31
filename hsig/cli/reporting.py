"""What `hsig report` does."""

from collections.abc import Sequence
from pathlib import Path

from hsig.cli.options import Output
from hsig.errors import ConfigError
from hsig.output.html_report import report_html
from hsig.output.overwriting import check_output
from hsig.output.terminal import note, put
from hsig.results.pictures import check_matplotlib
from hsig.results.reporting import report_of_run
from hsig.runs import damage, find

_FILE = Path("hsig-report.html")
_ENDINGS = (".html", ".htm")


def write_report(runs: Sequence[str], output: Output) -> None:
    """`hsig report`."""
    path = output.output or _FILE
    if output.output is not None and path.suffix.casefold() not in _ENDINGS:
        raise ConfigError(f"--output: expected a name that ends in .html, got {path}")
    check_output(path, force=output.force)
    records = {record.id: record for record in (find(output.runs, run) for run in runs)}
    note(*(told for record in records.values() for told in damage(record)))
    try:
        check_matplotlib()
        pictures = True
    except ConfigError as missing:
        pictures = False
        note(*(f"warning: {message}. The report has none" for message in missing.messages))
    reports = [report_of_run(record, pictures=pictures) for record in records.values()]
    put(report_html(reports), path)
    put(f"{path}\n", None)
