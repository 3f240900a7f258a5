"""The two series of SHARP magnetograms in the cylindrical equal-area projection."""

from collections.abc import Iterable
from dataclasses import dataclass

from hnn_core.tai import format_t_rec

__all__ = ["DEFINITIVE", "NEAR_REAL_TIME", "SEGMENT", "Series"]

SEGMENT = "magnetogram"


@dataclass(frozen=True)
class Series:
    """A series of DRMS. HARP numbers of one series mean nothing in the other."""

    name: str
    folder: str
    """Its folder in the cache."""
    spec: str
    """The source that reads this folder, as `hnn_core.sources.open_source` takes it."""

    def file_name(self, harp: int, t_rec: float) -> str:
        """Name a file as JSOC's exports do: series, HARP, T_REC (unix_tai seconds), segment."""
        stamp = format_t_rec(t_rec).removesuffix("_TAI").replace(".", "").replace(":", "")
        return f"{self.name}.{harp}.{stamp}_TAI.{SEGMENT}.fits"

    def record_set(self, harp: int | None, times: Iterable[float], *, between: bool = False) -> str:
        """Write a record set of DRMS.

        Parameters
        ----------
        harp : int or None
            None: every HARP.
        times : iterable of float
            T_REC, unix_tai seconds; none at all means every record.
        between : bool
            The two times are the ends of a range, both included.

        Notes
        -----
        Times carry ``_TAI``: without it DRMS takes them for UTC.
        """
        listed = ("-" if between else ",").join(format_t_rec(time) for time in times)
        return f"{self.name}[{'' if harp is None else harp}][{listed}]"


DEFINITIVE = Series("hmi.sharp_cea_720s", "definitive", "jsoc:")
NEAR_REAL_TIME = Series("hmi.sharp_cea_720s_nrt", "nrt", "jsoc:nrt")
