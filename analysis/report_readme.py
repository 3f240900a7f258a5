"""The README of a report's archive: what each file and each column is."""

from collections.abc import Mapping, Sequence

import pandas as pd

from analysis.report_case import ReportCase
from hnn_core import __version__

__all__ = ["readme"]

_FILES = {
    "report.html": "the report itself; it opens in any browser, without a network",
    "provenance.json": "data, frames, models with their checksums, settings, versions, the command",
    "masks/CASE/HOUR.pil.fits": "uint8 images PIL, ROPI and HULL, 1 inside, with the patch's WCS",
    "maps/CASE/HOUR.METHOD.fits": "float32 image named by the method, with the patch's WCS; NaN "
    "where the network saw nothing; rollout: share of attention per token; relevance and "
    "occlusion: log-odds, negative values speak against the class",
}
_TABLES = {
    "cases.csv": "one row a case: prediction, outcome, verdict, slope of the PIL flux",
    "histories.csv": "one row a case and hour: fluxes, PIL, position, R value, velocity of SDO",
    "trends.csv": "one row a case, mask, flux, threshold and mu correction: Theil-Sen slope, "
    "Mann-Kendall",
    "overlaps.csv": "one row a case, map and part of the patch: where the map's mass lies",
    "faithfulness.csv": "one row a case, map and curve: areas against random, |B| and gradient "
    "order",
    "hours.csv": "one row a case, method and hour: how the hours count",
}
_UNITS = (
    ("_mx_per_h", "maxwell an hour"),
    ("_percent_per_h", "percent of the window's median flux, an hour"),
    ("_mx", "maxwell"),
    ("_mm", "megametre"),
    ("_px", "native pixels"),
    ("_deg", "degrees"),
    ("_g", "gauss"),
    ("_km_s", "kilometres a second, away from the Sun positive"),
    ("_tai", "time, TAI, ISO seconds"),
    ("_log_odds", "natural logarithm of the odds"),
)
_MEANINGS = {
    "p": "probability by chance, 0 to 1",
    "total_p": "the same of the total flux",
    "p_value": "chance that a random order does as well",
    "probability": "that the flare is eruptive, 0 to 1",
    "quality": "QUALITY of the record, hexadecimal",
    "usflux_header_mx": "USFLUX of the header, maxwell",
    "r_value": "log10 of Mx, Schrijver (2007), made here",
    "r_value_header": "R_VALUE of the header, log10 of Mx",
    "area": "share of the patch seen, 0 to 1",
    "share": "of the map's mass in the part, 0 to 1, to the pixel",
    "token_share": "the same in whole tokens, as the random ones",
    "expected": "mean share of the random regions",
    "enrichment": "token_share over expected",
    "z": "in standard deviations",
    "hours": "frames of the window",
    "n": "points that counted",
    "left_out": "points without a number",
    "serial_correction": "factor on the variance of S (Hamed & Rao)",
}


def readme(tables: Mapping[str, pd.DataFrame], cases: Sequence[ReportCase], made: str) -> str:
    """Write the README.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        By file name, those of the archive.
    cases : sequence of ReportCase
    made : str
    """
    lines = [f"Made {made} (UTC) with HNN Explorer {__version__}.", ""]
    lines += [f"Case {n}: {case.study.name}" for n, case in enumerate(cases, start=1)]
    simulated = [case for case in cases if case.study.simulated]
    if simulated:
        lines += ["", f"{len(simulated)} of {len(cases)} cases are SIMULATED, not observed."]
    lines += ["", "Files", "-----"]
    lines += [f"{name}: {what}" for name, what in _FILES.items()]
    for name, table in tables.items():
        lines += ["", f"tables/{name}: {_TABLES[name]}"]
        lines += [f"  {column}{_unit(column)}" for column in table.columns]
        if table.empty:
            lines.append("  no row in this report")
    lines += [
        "",
        "An empty field is not known. Times of records are TAI. Row 0 of images is south.",
    ]
    return "\n".join(lines) + "\n"


def _unit(column: str) -> str:
    if column in _MEANINGS:
        return f": {_MEANINGS[column]}"
    return next((f": {unit}" for end, unit in _UNITS if column.endswith(end)), "")
