"""Where a report's numbers come from: data, models, programs, settings, and the command."""

import platform
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.cases.making import AbsentCase, ReportCase, short_source, without_folder
from analysis.physics.flux import NOISE
from analysis.physics.pil import PilSettings
from analysis.physics.window_fluxes import THRESHOLDS
from hnn_core import __version__
from hnn_core.magnetogram.conventions import format_t_rec
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.regions.case import Case

__all__ = [
    "case_provenance",
    "frames_table",
    "provenance",
    "report_command",
    "settings_table",
    "versions",
]


_PACKAGES = (
    *("numpy", "scipy", "torch", "timm", "astropy", "sunpy", "scikit-image"),
    *("plotly", "pandas", "pyarrow"),
)
_MEANINGS = {
    "threshold": "G; field from which a pixel has a polarity",
    "buffer": "px; side of the square that dilates edges",
    "keep": "fraction of the strength before a component, up to which it counts",
    "min_length": "px; shortest line",
    "region": "mask in which the PIL flux is taken",
}


def versions() -> dict[str, str]:
    """Return the versions of this program, of Python and of the libraries that count."""
    found = {"HNN Explorer": __version__, "Python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def frames_table(case: ReportCase) -> pd.DataFrame:
    """One row a frame: record time, file, and the keywords that tell how it was made."""
    return pd.DataFrame([_frame(frame) for frame in case.study.frames])


def settings_table(settings: PilSettings) -> pd.DataFrame:
    """Parameters of the detector and of the fluxes, with what they mean."""
    rows: list[tuple[str, object, str]] = [
        (name, value, _MEANINGS[name]) for name, value in asdict(settings).items()
    ]
    cuts = ", ".join(f"{level:g}" for level in THRESHOLDS)
    rows += [
        ("thresholds on |B|", cuts, "G; of the systematic band, each with and without B/μ"),
        ("noise of a pixel", f"{NOISE.value:g}", "G; of the formal error"),
    ]
    return pd.DataFrame(rows, columns=["parameter", "value", "unit and meaning"])


def case_provenance(case: ReportCase) -> dict[str, Any]:
    """Return all that is known of where a case's numbers come from, ready for JSON."""
    study = case.study
    said = study.prediction
    told: dict[str, Any] = {
        "source": short_source(study.case.source),
        "region": study.region.id,
        "harp": study.region.harp,
        "noaa": list(study.region.noaa),
        "t_reference_tai": study.case.hour,
        "simulated": study.simulated,
        "flare_class": study.flare_class,
        "incomplete": without_folder(study.incomplete, study.case.source),
        "frames": frames_table(case).to_dict(orient="records"),
        "detector": asdict(study.systematics.settings),
        "model": None,
        "no_prediction": without_folder(study.no_prediction, study.case.source),
        "explanations": {},
        "not_explained": ""
        if case.explained
        else without_folder(case.not_explained, study.case.source),
    }
    if said is not None:
        keys = ("model", "sha256", "flare_class", "probability", "threshold", "label")
        told["model"] = {key: getattr(said, key) for key in (*keys, "device", "trained_on")}
        told["model"]["warnings"] = [
            without_folder(warning, study.case.source) for warning in said.warnings
        ]
    if case.explained is not None:
        found = {**case.explained.maps, **case.explained.hours}
        told["explanations"] = {
            name: {"title": one.title, "target": one.target, "parameters": one.parameters}
            for name, one in found.items()
        }
        told["overlap_draws"] = {
            name: {"draws": parts["ropi"].draws.size, "seed": 0}
            for name, parts in case.explained.overlaps.items()
        }
    return told


def provenance(
    cases: Sequence[ReportCase], *, command: str, made: str, absent: Sequence[AbsentCase] = ()
) -> dict[str, Any]:
    """Return the provenance of a whole report, ready for JSON."""
    return {
        "made_utc": made,
        "command": command,
        "time_scale": "tai",
        "versions": versions(),
        "cases": [case_provenance(case) for case in cases],
        "absent": [asdict(one) for one in absent],
    }


def report_command(
    cases: Iterable[Case], *, out: str = "report.html", options: Sequence[str] = ()
) -> str:
    """Write the command that makes a report of these cases, ready for a shell.

    Parameters
    ----------
    cases : iterable of Case
        A model of "" asks none.
    out : str
    options : sequence of str
        Further ones, such as ``--no-check``.
    """
    words = ["python", "-m", "analysis", "report"]
    cases = list(cases)
    sources = [_home_as_tilde(case.source) for case in cases]
    models = [case.model or "none" for case in cases]
    for number, case in enumerate(cases):
        if number == 0 or len(set(sources)) > 1:
            words += ["--source", sources[number]]
        words += ["--region", case.region, "--time", case.hour]
        if len(set(models)) > 1:
            words += ["--model", models[number]]
    if len(set(models)) == 1:
        words += ["--model", models[0]]
    return shlex.join([*words, *options, "--out", out])


def _home_as_tilde(spec: str) -> str:
    """``fits:~/sharps``: the same folder, and the name of its owner is nobody's business."""
    kind, colon, rest = spec.partition(":")
    home = f"{Path.home()}/"
    return f"{kind}{colon}~/{rest.removeprefix(home)}" if rest.startswith(home) else spec


def _frame(frame: Magnetogram) -> dict[str, object]:
    return {
        "t_rec": format_t_rec(frame.t_rec),
        "file": re.split(r"[/\\]", frame.origin)[-1],
        "quality": f"0x{frame.quality:08x}",
        "codever7": str(frame.header.get("CODEVER7", "")),
        "interpolated": frame.interpolated,
        "rows": frame.shape[0],
        "columns": frame.shape[1],
    }
