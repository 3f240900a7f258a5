"""Physics on magnetograms: arrays and quantities in, results and figures out.

The names handed out here are the documented interface; what lies deeper may move. Each is imported
on its first use, so that ``import analysis`` loads none of the libraries behind it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.cases.case_study import case_study
    from analysis.physics.flux import flux_history, unsigned_flux
    from analysis.physics.pil import detect_pils
    from analysis.physics.trends import trend
    from analysis.physics.verdict import verdict

__all__ = ["case_study", "detect_pils", "flux_history", "trend", "unsigned_flux", "verdict"]

_HOMES = {
    "case_study": "analysis.cases.case_study",
    "detect_pils": "analysis.physics.pil",
    "flux_history": "analysis.physics.flux",
    "trend": "analysis.physics.trends",
    "unsigned_flux": "analysis.physics.flux",
    "verdict": "analysis.physics.verdict",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
