"""Cases and passages as one tidy table: one row a region and hour, for parquet."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.overlap import REGION_NAMES
from analysis.report_case import ReportCase

__all__ = ["case_rows", "flux_rows", "parquet_bytes"]

_TEXTS = ("source", "region", "noaa", "model", "model_sha256", "prediction", "verdict", "outcome")
_TIMES = ("t_reference_tai", "t_rec_tai")
_FLAGS = ("interpolated", "simulated")


def flux_rows(history: pd.DataFrame, *, source: str, region: str) -> pd.DataFrame:
    """Make tidy rows of a history.

    Parameters
    ----------
    history : DataFrame
        Of `analysis.flux.history`, of one region.
    source : str
        Specification that opens the source again.
    region : str
        `Region.id`.

    Returns
    -------
    DataFrame
        Sorted by time, every column of one type: ``quality`` as uint32, HARP and pixel counts as
        int64, flags as bool, times as datetime64 (TAI, without a zone), all else float64.
    """
    rows = history.reset_index(drop=True)
    quality = [int(str(value), 16) for value in rows["quality"]]
    rows = rows.assign(source=source, region=region, quality=np.array(quality, np.uint32))
    first = ["source", "region", "t_rec_tai"]
    return _typed(rows[first + [name for name in rows.columns if name not in first]])


def case_rows(cases: Sequence[ReportCase]) -> pd.DataFrame:
    """Make tidy rows of the hours of some cases.

    Parameters
    ----------
    cases : sequence of ReportCase

    Returns
    -------
    DataFrame
        One row a region and hour of a case, sorted by source, region, reference time and hour;
        two cases of one region whose windows overlap have the hours they share twice, told apart
        by ``t_reference_tai``. Beside the fluxes of `flux_rows`: R values, SDO's velocity, what
        the network said of the case (NaN or "" without one), outcome and verdict; for each map
        the share of its mass in the parts of `analysis.overlap.REGION_NAMES` in that hour, and
        for each method of scores the hour's, NaN where there is none.
    """
    table = pd.concat([_rows(case) for case in cases], ignore_index=True)
    keys = ["source", "region", "t_reference_tai", "t_rec_tai"]
    return _typed(table).sort_values(keys, kind="stable", ignore_index=True)


def parquet_bytes(table: pd.DataFrame) -> bytes:
    """Return a table as the bytes of a parquet file."""
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False, engine="pyarrow")
    return buffer.getvalue()


def _rows(case: ReportCase) -> pd.DataFrame:
    study, said = case.study, case.study.prediction
    rows = flux_rows(study.history, source=study.case.source, region=study.region.id)
    rows.insert(2, "t_reference_tai", pd.Timestamp(study.case.hour))
    rows = rows.assign(
        **study.measures,
        model=said.model if said else "",
        model_sha256=said.sha256 if said else "",
        probability=said.probability if said else np.nan,
        prediction=said.label if said else "",
        outcome=study.outcome.word,
        verdict=study.verdict.word,
    )
    return rows.assign(**_scores(case))


def _scores(case: ReportCase) -> dict[str, np.ndarray]:
    """Columns of an explained case: shares of the maps, scores of the hours, (T,) each."""
    found = case.explained
    if found is None:
        return {}
    columns = {
        f"{method.replace('-', '_')}_log_odds": one.hours.astype(np.float64)
        for method, one in found.hours.items()
        if one.hours is not None
    }
    for method, hours in found.hour_overlaps.items():
        for part in REGION_NAMES:
            columns[f"{method}_share_{part}"] = np.array([hour[part].share for hour in hours])
    return columns


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    """Give every column its type, whatever the rows hold."""
    types: dict[str, Any] = {}
    for name in table.columns:
        if name in _TEXTS:
            types[name] = "str"
        elif name in _TIMES:
            types[name] = "datetime64[ns]"
        elif name in _FLAGS:
            types[name] = bool
        elif name == "quality":
            types[name] = np.uint32
        elif name in ("harp", "pil_pixels"):
            types[name] = np.int64
        else:
            types[name] = np.float64
    return table.astype(types)
