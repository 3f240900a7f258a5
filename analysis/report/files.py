"""The files of one report, each made on first use: page, tidy table, and a zip with everything."""

import io
import json
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from analysis.cases.making import AbsentCase, ReportCase
from analysis.cases.tables import case_rows, parquet_bytes
from analysis.export import heat_hdul, history_csv, masks_hdul, to_bytes
from analysis.printed.captions import plain_words
from analysis.printed.publication import (
    figure_svg,
    fill_sheet,
    for_publication,
    pdf_bytes,
    png_bytes,
    sheet,
)
from analysis.report import data
from analysis.report.html import FigureStore, templates
from analysis.report.page import report_html
from analysis.report.provenance import provenance, report_command
from hnn_core import __version__
from hnn_core.magnetogram.conventions import iso_minute
from hnn_core.magnetogram.preprocess import tokens_to_patch
from hnn_core.storage import now

__all__ = ["ReportFiles"]

_TABLES = {
    "cases.csv": data.cases_table,
    "histories.csv": data.histories_table,
    "trends.csv": data.trends_table,
    "overlaps.csv": data.overlaps_table,
    "faithfulness.csv": data.faithfulness_table,
    "hours.csv": data.hours_table,
}


@dataclass(frozen=True, eq=False)
class ReportFiles:
    """A report as page, as zip and as one tidy table; see `report_html` for its parts."""

    cases: Sequence[ReportCase]
    absent: Sequence[AbsentCase] = ()
    name: str = ""
    out: str = "report.html"
    """Name of the page in the command that makes it again."""
    options: Sequence[str] = ()
    """Further words of that command."""
    made: str = field(default_factory=now)
    _store: FigureStore = field(default_factory=FigureStore, init=False, repr=False)

    @property
    def command(self) -> str:
        """The command that makes this report again."""
        studied = [case.study.case for case in self.cases]
        return report_command(studied, out=self.out, options=self.options)

    @cached_property
    def page(self) -> str:
        """HTML, of `analysis.report.page.report_html`."""
        return report_html(
            self.cases,
            command=self.command,
            made=self.made,
            absent=self.absent,
            name=self.name,
            figures=self._store,
        )

    def figures(self) -> Iterator[tuple[str, bytes]]:
        """Draw each figure of the page for a paper: SVG, PDF and PNG, by this machine's browser.

        Yields the name of a file and its content; raises FigureError where there is no browser.
        """
        kept = self._store.kept if self.page else []  # which are made with the page
        printed = [for_publication(figure, simulated=simulated) for _, figure, simulated in kept]
        for (place, _, simulated), picture in zip(kept, figure_svg(printed), strict=True):
            words = plain_words(place.alt, simulated=simulated)
            caption = f"{words.caption} {place.caption} {words.credit}"
            svg = fill_sheet(sheet(words.title, words.credit, caption), picture)
            name = re.sub(r"\W+", "_", f"{place.number:02d} {place.name}").strip("_")
            yield f"{name}.svg", svg.encode()
            yield f"{name}.pdf", pdf_bytes(svg)
            yield f"{name}.png", png_bytes(svg)

    @cached_property
    def archive(self) -> bytes:
        """Zip of the page, its tables, masks, maps and provenance.

        ``masks/CASE/HOUR.pil.fits`` and ``maps/CASE/HOUR.METHOD.fits`` have the patch's WCS, one
        file a frame; ``README.txt`` names every file and column, with units. The same cases and
        time give the same bytes.
        """
        buffer = io.BytesIO()
        time = datetime.fromisoformat(self.made).timetuple()[:6]
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in self._members():
                info = zipfile.ZipInfo(name, time)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.external_attr = 0o644 << 16
                archive.writestr(info, content)
        return buffer.getvalue()

    @cached_property
    def parquet(self) -> bytes:
        """One row a region and hour; see `analysis.cases.tables.case_rows`."""
        return parquet_bytes(case_rows(self.cases))

    def _members(self) -> Iterator[tuple[str, str | bytes]]:
        tables = {name: build(self.cases) for name, build in _TABLES.items()}
        readme = templates().get_template("readme.txt")
        studies = [case.study for case in self.cases]
        yield (
            "README.txt",
            readme.render(tables=tables, studies=studies, made=self.made, version=__version__),
        )
        yield "report.html", self.page
        for name, table in tables.items():
            yield f"tables/{name}", history_csv(table)
        origin = provenance(self.cases, command=self.command, made=self.made, absent=self.absent)
        text = json.dumps(origin, indent=2, ensure_ascii=False, default=str)
        yield "provenance.json", f"{text}\n"
        for number, case in enumerate(self.cases, start=1):
            folder = _folder(case, number)
            yield from _masks(case, f"masks/{folder}")
            yield from _maps(case, f"maps/{folder}")


def _masks(case: ReportCase, folder: str) -> Iterator[tuple[str, bytes]]:
    study = case.study
    for frame, masks in zip(study.frames, study.masks, strict=True):
        hdul = masks_hdul(frame, masks, study.systematics.settings)
        yield f"{folder}/{_stamp(iso_minute(frame.t_rec))}.pil.fits", to_bytes(hdul)


def _maps(case: ReportCase, folder: str) -> Iterator[tuple[str, bytes]]:
    found, prediction = case.explained, case.study.prediction
    if found is None:
        return
    for method, one in found.maps.items():
        if one.maps is None:
            continue
        for frame, tokens, box in zip(case.study.frames, one.maps, found.boxes, strict=True):
            hdul = heat_hdul(
                frame,
                tokens_to_patch(tokens, box),
                method=method,
                options={"target": one.target, **one.parameters},
                model=one.model,
                sha256=one.sha256,
                flare_class=prediction.flare_class if prediction else "",
                probability=prediction.probability if prediction else None,
                box=box,
            )
            name = f"{_stamp(iso_minute(frame.t_rec))}.{method}.fits"
            yield f"{folder}/{name}", to_bytes(hdul)


def _folder(case: ReportCase, number: int) -> str:
    study = case.study
    region = re.sub(r"[^A-Za-z0-9]+", "_", study.region.id).strip("_") or "region"
    return f"{number}_{region}_{_stamp(study.case.hour)}"


def _stamp(minute: str) -> str:
    """``20110215T0100``: a time in a file's name."""
    return minute.replace("-", "").replace(":", "")
