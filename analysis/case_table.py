"""Cases as a table for people: one row a case, numbers with their units in the column's name."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from astropy import units as u

from analysis.case_study import CaseStudy
from analysis.trends import Trend

__all__ = ["beside", "overview", "percent_words"]

_RATE = 1e19 * u.Mx / u.h


def overview(studies: Sequence[CaseStudy]) -> pd.DataFrame:
    """Put the main findings about some cases side by side.

    Parameters
    ----------
    studies : sequence of CaseStudy

    Returns
    -------
    DataFrame
        One row a case. "said" is what the network said, "happened" what followed within 24 h;
        slopes are those of the moving RoPI, NaN where not known.
    """
    return pd.DataFrame([_row(study) for study in studies])


def percent_words(trend: Trend) -> str:
    """``−1.2 (−2.0 to −0.3)``, in % per hour; a dash where it is not known."""
    if not np.isfinite(trend.percent):
        return "–"
    low, high = trend.percent_interval
    return f"{_signed(trend.percent)} ({_signed(low)} to {_signed(high)})"


def beside(study: CaseStudy) -> pd.DataFrame:
    """Name what stands beside a case's trend: other measures, errors, the spacecraft's motion.

    Returns
    -------
    DataFrame
        "quantity", "value" and "meaning", all text.
    """
    found = study.systematics
    band = found.band().to_value(_RATE)
    error = found.formal_error().to_value(_RATE)
    slope = found.trend().slope.to_value(_RATE)
    velocity = found.orbital_velocity.to_value(u.km / u.s)
    rows = [
        (
            "Slope of the PIL flux",
            _number(slope, "{:+.2f} × 10¹⁹ Mx/h"),
            "Theil–Sen, each hour's own RoPI, no threshold on |B|.",
        ),
        (
            "Systematic band of that slope",
            _pair(band, "{:+.2f} to {:+.2f} × 10¹⁹ Mx/h"),
            "Least and largest over thresholds 0, 20, 50 and 100 G, each with and without B/μ.",
        ),
        (
            "Formal error of that slope",
            _number(error, "{:.4f} × 10¹⁹ Mx/h"),
            "From 6.4 G noise a pixel alone; the band above is what counts.",
        ),
        (
            "R value, last hour",
            _number(float(found.r_values[-1]), "{:.2f}"),
            "Schrijver (2007), made here from this patch.",
        ),
        (
            "R value of the header, last hour",
            _number(float(found.header_r_values[-1]), "{:.2f}"),
            "R_VALUE of the SHARP.",
        ),
        (
            "Velocity of SDO along the line to the Sun",
            _pair(velocity[[0, -1]], "{:+.2f} to {:+.2f} km/s"),
            "OBS_VR, first to last hour; the field strength follows it with 12 and 24 h.",
        ),
        (
            "Longitude, first to last hour",
            _pair(found.longitude[[0, -1]], "{:+.1f}° to {:+.1f}°"),
            "From the central meridian; west is positive.",
        ),
    ]
    return pd.DataFrame(rows, columns=["quantity", "value", "meaning"])


def _row(study: CaseStudy) -> dict[str, object]:
    found = study.systematics
    trend, total = found.trend(), found.trend("patch")
    prediction = study.prediction
    return {
        "case": study.name,
        "said": f"{prediction.label}, p = {prediction.probability:.2f}" if prediction else "–",
        "happened": study.outcome.word,
        "verdict": study.verdict.word,
        "PIL flux (%/h)": percent_words(trend),
        "p": trend.p,
        "Φ+ (%/h)": percent_words(found.trend(flux="positive")),
        "Φ− (%/h)": percent_words(found.trend(flux="negative")),
        "total flux (%/h)": percent_words(total),
        "hours": len(study.frames),
    }


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")


def _number(value: float, form: str) -> str:
    return form.format(value).replace("-", "−") if np.isfinite(value) else "not known"


def _pair(values: np.ndarray, form: str) -> str:
    known = bool(np.isfinite(values).all())
    return form.format(*values).replace("-", "−") if known else "not known"
