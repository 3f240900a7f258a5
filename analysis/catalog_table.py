"""Flares of the catalogue as a table for people, and as CSV."""

from collections.abc import Mapping

import pandas as pd

from analysis.skill_export import table_csv

__all__ = ["ASSOCIATION_WORDS", "flare_csv", "flare_table", "place"]

ASSOCIATION_WORDS = {
    "eruptive": "CME linked in DONKI",
    "unlinked": "no CME linked in DONKI",
    "unknown": "not known",
}
"""A catalogue without a link is no observation of a confined flare, so none is called so."""


def flare_table(flares: pd.DataFrame, cmes: pd.DataFrame) -> pd.DataFrame:
    """Return flares with columns and words for people.

    Parameters
    ----------
    flares, cmes : DataFrame
        Rows of the catalogue's tables.

    Returns
    -------
    DataFrame
        In the order of `flares`; nothing where a number is not known.
    """
    return pd.DataFrame(
        {
            "class": flares["goes_class"],
            "scale": flares["scale"],
            "peak (UTC)": flares["peak_utc"],
            "NOAA": flares["noaa"].where(flares["noaa"] > 0).astype("Int64"),
            "HARP": flares["harp"].where(flares["harp"] > 0).astype("Int64"),
            "number from": flares["noaa_origin"],
            "position": [
                place(longitude, latitude)
                for longitude, latitude in zip(
                    flares["longitude_deg"], flares["latitude_deg"], strict=True
                )
            ],
            "CME": flares["association"].map(ASSOCIATION_WORDS),
            "CMEs linked": _linked(flares, cmes),
            "why": flares["reason"],
            "source": flares["sources"],
            "fetched (UTC)": flares["fetched_utc"],
        }
    )


def flare_csv(flares: pd.DataFrame, cmes: pd.DataFrame) -> str:
    """Return the catalogue's own columns, with the linked CMEs' speeds, as CSV."""
    return table_csv(flares.assign(cmes=_linked(flares, cmes)))


def place(longitude: float, latitude: float) -> str:
    """Write Stonyhurst degrees as ``S20W12``; empty where one is not known."""
    if pd.isna(longitude) or pd.isna(latitude):
        return ""
    north = "N" if latitude >= 0 else "S"
    west = "W" if longitude >= 0 else "E"
    return f"{north}{abs(latitude):02.0f}{west}{abs(longitude):02.0f}"


def _linked(flares: pd.DataFrame, cmes: pd.DataFrame) -> list[str]:
    """Name the CMEs linked to each flare by when they were first seen and their speed."""
    known = {row["cme_id"]: row for row in cmes.to_dict("records")}
    return [
        "; ".join(_cme_words(name, known) for name in names.split(";") if name)
        for names in flares["cme_ids"]
    ]


def _cme_words(name: str, known: Mapping[str, dict]) -> str:
    if name not in known:
        return name
    cme = known[name]
    speed = "speed not known" if pd.isna(cme["speed_km_s"]) else f"{cme['speed_km_s']:.0f} km/s"
    return f"{cme['start_utc']:%m-%d %H:%M} {speed}"
