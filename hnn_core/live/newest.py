"""Whether anything has come to the downloaded magnetograms since one last looked."""

import re

from hnn_core.jsoc.cache import cache_home
from hnn_core.jsoc.series import DEFINITIVE, NEAR_REAL_TIME
from hnn_core.services.endpoints import live_home

__all__ = ["newest"]

_SERIES = {"jsoc:": DEFINITIVE, "jsoc:nrt": NEAR_REAL_TIME}


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
        folders += folder.iterdir() if folder.is_dir() else ()
    return max((one.stat().st_mtime_ns for one in folders if one.is_dir()), default=0)
