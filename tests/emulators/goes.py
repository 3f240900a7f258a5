"""NCEI's flare reports of the GOES science products, a file a year behind a directory index."""

import csv
import io

from tests.emulators.answers import Answer, Request, not_found
from tests.emulators.donki import goes_class
from tests.emulators.world import GoesFlare, World

__all__ = ["Goes"]

_HEADER = (
    "time,start_time,end_time,flare_id,xrsb_irrad,flare_class,xrsb_irrad_source,background_irrad,"
    "integrated_irrad_peak,integrated_irrad_end,flare_loc_swpc_hgs_lon,flare_loc_swpc_hgs_lat,"
    "flare_loc_swpc_source,flare_loc_xrs_hgs_lon,flare_loc_xrs_hgs_lat,flare_loc_xrs_hpc_x,"
    "flare_loc_xrs_hpc_y,flare_loc_xrs_source,sequential_flare_num,event_id_swpc,peak_saturated,"
    "active_region"
)
_FOLDER = "/goes/xrsf-l2-flrpt_science/csv"
_STEM = "sci_xrsf-l2-flrpt_geo"


class Goes:
    """The report on the science scale, which is the announced flux over 0.7."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.version = "v1-0-1"
        """Part of the file names, which change."""

    def answer(self, request: Request) -> Answer:
        path = request.path
        if path.rstrip("/") == _FOLDER:
            return Answer(self._index().encode(), "text/html;charset=UTF-8")
        for name, years in self._files().items():
            if path == f"{_FOLDER}/{name}":
                return Answer(self._table(years).encode(), "text/csv")
        return not_found(path)

    def _files(self) -> dict[str, range]:
        now = self.world.now
        whole = f"{_STEM}_s19950103_e{now:%Y%m%d}_{self.version}"
        files = {f"{whole}.csv": range(1995, now.year + 1)}
        for year in range(1995, now.year + 1):
            files[f"{_STEM}_y{year}_{self.version}.csv"] = range(year, year + 1)
        return files

    def _index(self) -> str:
        """A listing as Apache writes it."""
        stamp = f"{self.world.now:%Y-%m-%d %H:%M}"
        names = [*self._files(), f"{_STEM}_s19950103_e{self.world.now:%Y%m%d}_{self.version}.json"]
        rows = "".join(
            f'<tr><td valign="top">&nbsp;</td><td><a href="{name}">{name}</a></td>'
            f'<td align="right">{stamp}  </td><td align="right">1.2M</td></tr>\n'
            for name in names
        )
        return (
            '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">\n<html>\n <head>\n'
            f"  <title>Index of {_FOLDER}</title>\n </head>\n <body>\n<h1>Index of {_FOLDER}</h1>\n"
            '<table><tr><th><a href="?C=N;O=D">Name</a></th></tr>\n'
            f'<tr><td><a href="/goes/">Parent Directory</a></td></tr>\n{rows}</table>\n'
            "</body></html>\n"
        )

    def _table(self, years: range) -> str:
        stream = io.StringIO()
        stream.write(_HEADER + "\n")
        writer = csv.writer(stream, lineterminator="\n")
        for number, flare in enumerate(self.world.flares, start=1):
            if flare.peak.year in years and flare.peak <= self.world.now:
                row = _row(flare, number)
                writer.writerow(row)
                if flare.twice:
                    writer.writerow([row[0], "", *row[2:]])
        return stream.getvalue()


def _row(flare: GoesFlare, number: int) -> list[str]:
    flux = flare.flux / flare.ratio
    known = flare.ncei_noaa and flare.noaa is not None
    return [
        f"{flare.peak:%Y-%m-%d %H:%M:%S}",
        f"{flare.start:%Y-%m-%d %H:%M:%S}",
        f"{flare.end:%Y-%m-%d %H:%M:%S}",
        f"{flare.start:%Y%m%d%H%M}",
        f"{flux:.3e}",
        goes_class(flux),
        "GOES-15",
        "1.0e-06",
        f"{flux * 20:.1e}",
        f"{flux * 30:.1e}",
        *(f"{value if flare.placed else 0.0:.1f}" for value in (flare.longitude, flare.latitude)),
        "LEA",
        *[""] * 5,
        "1",
        str(2000 + number * 10),
        "0",
        # Four digits, as SWPC counts from 10000 on.
        f"{flare.noaa % 10000:.1f}" if known and flare.noaa is not None else "",
    ]
