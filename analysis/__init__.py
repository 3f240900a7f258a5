"""Physics on magnetograms: arrays and quantities in, results and figures out.

The names handed out here are the documented interface; what lies deeper may move. Each is imported
on its first use, so that ``import analysis`` loads none of the libraries behind it.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from analysis.cases.case_study import case_study
    from analysis.physics.flux import flux_history, unsigned_flux
    from analysis.physics.pil import detect_pils
    from analysis.physics.trends import trend
    from analysis.physics.verdict import verdict

__all__ = ["case_study", "detect_pils", "flux_history", "trend", "unsigned_flux", "verdict"]

__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "cases.case_study": ["case_study"],
        "physics.flux": ["flux_history", "unsigned_flux"],
        "physics.pil": ["detect_pils"],
        "physics.trends": ["trend"],
        "physics.verdict": ["verdict"],
    },
)
