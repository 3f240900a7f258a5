"""What every report says whatever its cases: methods, references, credits.

The README of a report's archive: what each file and each column is.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from analysis.cases.making import ReportCase
from hnn_core import __version__

__all__ = ["CREDITS", "INTRODUCTION", "METHODS", "REFERENCES", "ROLLOUT", "SIMULATED", "readme"]


INTRODUCTION = (
    "Each case is one active region at one reference time t. The ten hours up to t are looked at "
    "twice: with a neural network that says whether the flare to come within 24 h will be eruptive "
    "(with a coronal mass ejection) or confined, and with polarity inversion lines (PIL) and the "
    "magnetic flux along them, which may fall where flux cancels. The network is told that a flare "
    "is coming; it does not say whether one will come."
)
SIMULATED = (
    "Simulated regions never were on the Sun: they come from a model of magnetic elements. What is "
    "found about them says nothing about the Sun."
)
ROLLOUT = (
    "Attention rollout shows where the class token's attention comes from, not why: the map would "
    "be the same whatever is predicted."
)

METHODS = (
    (
        "Frames",
        "Line-of-sight field of SHARP patches in cylindrical equal-area projection, hourly, as "
        "observed and not divided by μ unless said. An hour takes the good record within ±24 min; "
        "one or two missing hours are interpolated in time and marked.",
    ),
    (
        "Polarity inversion lines",
        "After Ji et al. (2023), on native pixels: edges of the two polarities are dilated and "
        "intersected, the strongest components kept (region of polarity inversion, RoPI) and "
        "thinned to lines (PIL); the hull is one convex polygon about all lines.",
    ),
    (
        "Fluxes and trends",
        "Unsigned flux Σ|B| dA, Φ+ and Φ− in the RoPI of each hour (moving mask), in the union "
        "over the window and in that of the last hour (fixed masks), and in the whole patch. "
        "Slopes are Theil–Sen with 95 % intervals (Sen 1968), given also in percent of the "
        "window's median flux; p is that of Mann and Kendall's test, corrected for serial "
        "correlation (Hamed & Rao 1998). The systematic band is the least and the largest slope "
        "over thresholds on |B| and with and without B/μ. The formal error holds 6.4 G noise a "
        "pixel (Hoeksema et al. 2014) alone.",
    ),
    (
        "Verdict",
        "“Consistent with cancellation” is said only where Φ+ and Φ− both fall significantly with "
        "the moving and with both fixed masks, and no threshold or μ correction turns the sign of "
        "a slope. With fewer than ten hours nothing is said.",
    ),
    (
        "R value",
        "Decimal logarithm of the unsigned flux near strong-gradient inversion lines (Schrijver "
        "2007), made here, beside R_VALUE of the header.",
    ),
    (
        "Maps of the network",
        "Attention rollout (Abnar & Zuidema 2020): which tokens the class token's attention comes "
        "from. Class-specific relevance (Chefer et al. 2021): gradient × attention, through the "
        "LSTM, signed. Occlusion (Zeiler & Fergus 2014): log-odds lost when tokens are hidden.",
    ),
    (
        "Which hour mattered",
        "Frame deletion: log-odds lost when an hour is taken away. Integrated gradients "
        "(Sundararajan et al. 2017) on the ten hours' embeddings.",
    ),
    (
        "Are the maps faithful?",
        "Tokens of the last hour are deleted or inserted in the map's order (Petsiuk et al. 2018), "
        "with zero and with blurred field in place of hidden ones, and the areas under the curves "
        "of the probability are compared with random orders, the order by |B| and that by the "
        "gradient. A map is also compared with that of a network of random weights (Adebayo et "
        "al. 2018).",
    ),
    (
        "Where the maps lie",
        "Share of the map's mass (the positive part of signed maps) in the RoPI, in the hull and "
        "within 10 Mm of the lines, over the ten hours, against random regions of the same area "
        "and the same |B|; p is one-sided. A p just under 0.05 means little: of maps that follow "
        "|B| or nothing 6 to 12 % have one.",
    ),
)
"""Heading and text."""

REFERENCES = (
    "Abnar, S. & Zuidema, W. 2020, Quantifying attention flow in transformers, ACL",
    "Adebayo, J. et al. 2018, Sanity checks for saliency maps, NeurIPS",
    "Bobra, M. G. et al. 2014, Solar Physics 289, 3549 (SHARP)",
    "Chefer, H., Gur, S. & Wolf, L. 2021, Generic attention-model explainability, ICCV",
    "Hamed, K. H. & Rao, A. R. 1998, Journal of Hydrology 204, 182",
    "Hoeksema, J. T. et al. 2014, Solar Physics 289, 3483 (noise of HMI)",
    "Ji, A. et al. 2023, ApJS 265, 28 (polarity inversion lines)",
    "Petsiuk, V., Das, A. & Saenko, K. 2018, RISE, BMVC",
    "Schrijver, C. J. 2007, ApJ 655, L117 (R value)",
    "Sen, P. K. 1968, Journal of the American Statistical Association 63, 1379",
    "Sundararajan, M., Taly, A. & Yan, Q. 2017, Axiomatic attribution for deep networks, ICML",
    "Zeiler, M. D. & Fergus, R. 2014, Visualizing and understanding convolutional networks, ECCV",
)

CREDITS = (
    "Magnetograms: courtesy of NASA/SDO and the HMI science team, from JSOC at Stanford "
    "University (SHARP, Bobra et al. 2014). Simulated regions are this program's own.",
    "Flares: GOES soft X-ray measurements of NOAA. CMEs and their links: the DONKI catalogue of "
    "NASA's CCMC, with thanks to the Moon to Mars Space Weather Analysis Office. A flare without "
    "a link is called “no CME linked in DONKI” here and never confined for want of one.",
    "Network and layout: the hybrid neural network (HNN) of a vision transformer and an LSTM for "
    "the association of flares with CMEs; bars as in Figures 6 and 7 of its paper, heat maps as in "
    "its Figure 5.",
    "Made with astropy (Astropy Collaboration 2022, ApJ 935, 167), SunPy (SunPy Community 2020, "
    "ApJ 890, 68), NumPy, SciPy, scikit-image, PyTorch, timm, pandas and plotly.js (MIT licence, "
    "contained in this file).",
    "To cite this program: HNN Explorer, version {version}, The HNN Explorer developers "
    "(CITATION.cff of its repository; BSD 3-Clause licence).",
)


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
