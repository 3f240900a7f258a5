"""What was fetched from JSOC as a source of magnetograms, with the flares of the catalogue."""

import re
from dataclasses import replace

from hnn_core.exceptions import CatalogError, EmptySourceError, UnknownSourceError
from hnn_core.jsoc.files import cache_home
from hnn_core.jsoc.keywords import DEFINITIVE, NEAR_REAL_TIME
from hnn_core.regions.base import Region, SkippedFile
from hnn_core.regions.well_known import with_well_known
from hnn_core.services.endpoints import live_home
from hnn_core.sources.fits_folder import FitsFolder
from hnn_core.storage import entries, reachable

__all__ = ["JsocSource", "newest"]

_SERIES = {series.spec: series for series in (DEFINITIVE, NEAR_REAL_TIME)}
_NOTHING_YET = {
    DEFINITIVE.spec: "No magnetogram was fetched from JSOC yet; fetch a region with, for example: "
    "python -m hnn_core data fetch --noaa 11158",
    NEAR_REAL_TIME.spec: "No near-real-time magnetogram was fetched from JSOC yet; fetch the "
    "regions now on the disk with: python -m hnn_core data fetch --now",
}


class JsocSource(FitsFolder):
    """The magnetograms in the cache of one series.

    Flares, with their CMEs and the reason of each association, come from the program's own
    catalogue, with the well-known ones joined to them. Regions of the near-real-time series find
    their flares by NOAA number alone, for their HARP numbers mean other regions in a catalogue.

    Parameters
    ----------
    spec : str
        ``"jsoc:"`` for the definitive series, ``"jsoc:nrt"`` for the near-real-time one.

    Raises
    ------
    UnknownSourceError
        The specification is neither.
    EmptySourceError
        Nothing usable was fetched yet.
    """

    def __init__(self, spec: str) -> None:
        try:
            self.series = _SERIES[spec]
        except KeyError as error:
            raise UnknownSourceError(
                f"{spec!r} is not a source; write jsoc:, jsoc:nrt or jsoc:CLASS:START:END."
            ) from error
        folder = cache_home() / self.series.folder
        if not reachable(folder):
            raise EmptySourceError(_NOTHING_YET[spec])
        try:
            super().__init__(folder)
        except EmptySourceError as error:
            raise EmptySourceError(_NOTHING_YET[spec]) from error
        self.spec = spec
        try:
            self._regions = self._with_flares()
        except CatalogError as error:
            # A damaged catalogue must not hide the magnetograms.
            self._skipped = (*self._skipped, SkippedFile("catalogs", str(error)))

    def _with_flares(self) -> list[Region]:
        # Reading tables takes a moment that sources of other kinds need not wait for.
        from hnn_core.catalogs.queries import flare_lookups, flares_of_region
        from hnn_core.catalogs.store import Catalog

        catalog = Catalog.open()
        lookups = flare_lookups(catalog)
        definitive = self.series is DEFINITIVE
        return [
            with_well_known(
                replace(
                    region,
                    flares=flares_of_region(catalog, region, definitive=definitive),
                    lookups=lookups,
                )
            )
            for region in self._regions
        ]


def newest(spec: str, region: str = "") -> int:
    """Return a number that changes when files come to a source, or to one of its regions.

    Folders are looked at, not the files in them: a file that comes or goes changes its folder.

    Parameters
    ----------
    spec : str
        Of any source; those that are not downloaded, of which no files come, give 0.
    region : str
        `Region.id`; if empty, the whole source with the catalogues of its flares.

    Returns
    -------
    int
        Nanoseconds of the newest change; 0 where nothing is there.
    """
    series = _SERIES.get(spec)
    if series is None:
        return 0
    folder = cache_home() / series.folder
    if region:
        number = re.search(r"\d+$", region)
        folders = [folder / str(int(number[0]))] if number else []
    else:
        folders = [live_home() / "catalogs", folder]
        folders += entries(folder)
    return max(
        (one.stat().st_mtime_ns for one in folders if reachable(one) and one.is_dir()), default=0
    )
