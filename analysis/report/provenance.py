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
from hnn_core.regions.case import Case

__all__ = [
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
    return found | {name: metadata.version(name) for name in _PACKAGES}


def frames_table(case: ReportCase) -> pd.DataFrame:
    """One row a frame: record time, file, and the keywords on how it was made."""
    rows = [
        {
            "t_rec": format_t_rec(frame.t_rec),
            "file": re.split(r"[/\\]", frame.origin)[-1],
            "quality": f"0x{frame.quality:08x}",
            "codever7": str(frame.header.get("CODEVER7", "")),
            "interpolated": frame.interpolated,
            "rows": frame.shape[0],
            "columns": frame.shape[1],
        }
        for frame in case.study.frames
    ]
    return pd.DataFrame(rows)


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


def provenance(
    cases: Sequence[ReportCase], *, command: str, made: str, absent: Sequence[AbsentCase] = ()
) -> dict[str, Any]:
    """Return the provenance of a whole report, ready for JSON."""
    return {
        "made_utc": made,
        "command": command,
        "time_scale": "tai",
        "versions": versions(),
        "cases": [_case(case) for case in cases],
        "absent": [asdict(one) for one in absent],
    }


def report_command(
    cases: Iterable[Case], *, out: str = "report.html", options: Sequence[str] = ()
) -> str:
    """Write the command that makes a report of these cases, ready for a shell.

    Parameters
    ----------
    cases : iterable of Case
        Without a model where its name is "".
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
    """``fits:~/sharps``: the same folder, without the name of its owner."""
    kind, colon, rest = spec.partition(":")
    home = f"{Path.home()}/"
    return f"{kind}{colon}~/{rest.removeprefix(home)}" if rest.startswith(home) else spec


def _case(case: ReportCase) -> dict[str, Any]:
    """All that is known of where a case's numbers come from."""
    study, network, explained = case.study, case.study.prediction, case.explained
    source = study.case.source
    found: dict[str, Any] = {
        "source": short_source(source),
        "region": study.region.id,
        "harp": study.region.harp,
        "noaa": list(study.region.noaa),
        "t_reference_tai": study.case.hour,
        "simulated": study.simulated,
        "flare_class": study.flare_class,
        "incomplete": without_folder(study.incomplete, source),
        "frames": frames_table(case).to_dict(orient="records"),
        "detector": asdict(study.systematics.settings),
        "model": None,
        "no_prediction": without_folder(study.no_prediction, source),
        "explanations": {},
        "not_explained": "" if explained else without_folder(case.not_explained, source),
    }
    if network is not None:
        keys = ("model", "sha256", "flare_class", "probability", "threshold", "label")
        found["model"] = {key: getattr(network, key) for key in (*keys, "device", "trained_on")}
        found["model"]["warnings"] = [without_folder(one, source) for one in network.warnings]
    if explained is not None:
        found["explanations"] = {
            name: {"title": one.title, "target": one.target, "parameters": one.parameters}
            for name, one in {**explained.maps, **explained.hours}.items()
        }
        found["overlap_draws"] = {
            name: {"draws": parts["ropi"].draws.size, "seed": 0}
            for name, parts in explained.overlaps.items()
        }
    return found
