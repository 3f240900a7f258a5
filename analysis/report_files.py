"""The files of one report, each made when it is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from analysis.case_rows import case_rows, parquet_bytes
from analysis.report import report_html
from analysis.report_archive import report_archive
from analysis.report_case import AbsentCase, ReportCase
from analysis.report_provenance import report_command

__all__ = ["ReportFiles"]


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, eq=False)
class ReportFiles:
    """A report as page, as zip and as one tidy table."""

    cases: Sequence[ReportCase]
    absent: Sequence[AbsentCase] = ()
    name: str = ""
    """Of the set of cases, if it has one."""
    out: str = "report.html"
    """Name of the page in the command that makes it again."""
    options: Sequence[str] = ()
    """Further words of that command."""
    made: str = field(default_factory=_now)
    """ISO seconds, UTC."""

    @property
    def command(self) -> str:
        """The command that makes this report again."""
        studied = [case.study.case for case in self.cases]
        return report_command(studied, out=self.out, options=self.options)

    @cached_property
    def page(self) -> str:
        """HTML; see `analysis.report.report_html`."""
        return report_html(
            self.cases, command=self.command, made=self.made, absent=self.absent, name=self.name
        )

    @cached_property
    def archive(self) -> bytes:
        """Zip; see `analysis.report_archive.report_archive`."""
        return report_archive(
            self.cases, self.page, command=self.command, made=self.made, absent=self.absent
        )

    @cached_property
    def parquet(self) -> bytes:
        """One row a region and hour; see `analysis.case_rows.case_rows`."""
        return parquet_bytes(case_rows(self.cases))
