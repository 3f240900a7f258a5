"""One row a flare: what is taken from which source, its name, its region."""

import math
from collections import defaultdict
from typing import Any

from hnn_core.catalogs.association import Asked, Links, associate
from hnn_core.catalogs.filled import Filled
from hnn_core.catalogs.goes_classes import announced_scale, flux_of_class
from hnn_core.catalogs.merge import MergedFlare

__all__ = ["flare_rows"]


def flare_rows(
    merged: list[MergedFlare],
    links: Links,
    asked: tuple[Asked, Asked],
    pairs: list[tuple[int, int]],
    filled: Filled,
) -> list[dict[str, Any]]:
    """Make the rows of the table of flares.

    Parameters
    ----------
    merged : list of MergedFlare
        Ascending in peak.
    links : Links
        From the CMEs' side.
    asked : (Asked, Asked)
        DONKI's flares and its CMEs.
    pairs : list of (harp, noaa)
    filled : Filled
        Regions found by position; they count where no catalogue names one.
    """
    harps: dict[int, list[int]] = defaultdict(list)
    for harp, noaa in pairs:
        harps[noaa].append(harp)
    rows: list[dict[str, Any]] = []
    names: set[str] = set()
    for flare in merged:
        row = _flare_row(flare, links, *asked)
        row["flare_id"] = _unused(f"{flare.peak:%Y-%m-%dT%H:%M} {row['goes_class']}", names)
        row |= _region(int(row["noaa"]), harps, filled.get(row["flare_id"]))
        rows.append(row)
    return rows


def _unused(name: str, names: set[str]) -> str:
    """Return the name, with a letter added where another flare has it."""
    unique, letters = name, 0
    while unique in names:
        letters += 1
        unique = name + chr(ord("a") + letters) if letters < 26 else f"{name}z{letters}"
    names.add(unique)
    return unique


def _flare_row(flare: MergedFlare, links: Links, flares: Asked, cmes: Asked) -> dict[str, Any]:
    first, donki = flare.records[0], flare.of("DONKI")
    announced = flare.of("HEK") or donki
    goes_class = (announced or first).goes_class
    ncei = flare.of("NCEI")
    located = next((r for r in flare.records if not math.isnan(r.longitude)), first)
    told = associate(donki, flare.peak, links, flares, cmes)
    return {
        "start_utc": next((r.start for r in flare.records if r.start), None),
        "peak_utc": flare.peak,
        "end_utc": next((r.end for r in flare.records if r.end), None),
        "goes_class": goes_class,
        "scale": announced_scale(flare.peak) if announced else "science",
        "flux_w_m2": flux_of_class(goes_class),
        "science_flux_w_m2": ncei.flux if ncei else math.nan,
        "noaa": next((r.noaa for r in flare.records if r.noaa), 0),
        "longitude_deg": located.longitude,
        "latitude_deg": located.latitude,
        "source": first.source,
        "sources": ",".join(r.source for r in flare.records),
        "association": told.association,
        "reason": told.reason,
        "cme_ids": ";".join(told.cme_ids),
        "donki_id": donki.id if donki else "",
        "fetched_utc": max(r.fetched for r in flare.records),
        "reply": ";".join(r.reply for r in flare.records),
    }


def _region(
    noaa: int, harps: dict[int, list[int]], at_place: tuple[int, int] | None
) -> dict[str, Any]:
    """Return the numbers of a flare's region: HARP where the NOAA number has exactly one."""
    if noaa:
        of_noaa = harps.get(noaa, [])
        harp = of_noaa[0] if len(of_noaa) == 1 else 0
        return {"noaa": noaa, "harp": harp, "noaa_origin": "catalogue"}
    if at_place is not None and any(at_place):
        return {"harp": at_place[0], "noaa": at_place[1], "noaa_origin": "position"}
    return {"noaa": 0, "harp": 0, "noaa_origin": ""}
