"""Drawn cases for reports: a small region whose names try to be markup."""

from pathlib import Path

import astropy.units as u
import numpy as np
from astropy.time import Time

from analysis.cases.making import ReportCase, make_case
from hnn_core.exceptions import UnknownRegionError
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.network.predictor import Predictor
from hnn_core.regions.base import Flare, Region, SkippedFile
from hnn_core.regions.case import Case
from tests.support.drawn_regions import boundary, drawn_magnetogram
from tests.support.small_models import small_predictor

START = Time("2011-02-13T00:00:00", scale="tai")
LAST = "2011-02-13T09:00"
EVIL = "<script>alert(1)</script>"
EVIL_FILE = "<img src=x onerror=alert(2)>.fits"


class MarkupSource:
    """Region of twelve hours whose flux falls; its name, file and header hold markup."""

    simulated = False

    def __init__(self, region: str = EVIL, *, spec: str = "fits:/home/ann/sharps") -> None:
        self.spec = spec
        self.id = region

    def regions(self) -> list[Region]:
        times = self.times(self.id)
        flare = Flare((START + 12 * u.h).utc, "M2.0", "eruptive")
        return [Region(self.id, 377, (11158,), times[0], times[-1], len(times), (flare,))]

    def times(self, region: str) -> Time:
        if region != self.id:
            raise UnknownRegionError(f"There is no region {region!r}.")
        return START + np.arange(12) * u.h

    def quality(self, region: str) -> np.ndarray:
        return np.zeros(len(self.times(region)), np.uint32)

    def frame(self, region: str, time: Time) -> Magnetogram:
        hour = int(np.argmin(np.abs((self.times(region) - time).to_value("h"))))
        frame = drawn_magnetogram(
            boundary(48, 64, strength=800.0 - 20.0 * hour),
            t_rec=START + hour * u.h,
            origin=f"/home/ann/sharps/{EVIL_FILE}",
        )
        frame.header["CODEVER7"] = "</script><b>5</b>"
        return frame

    def skipped(self) -> tuple[SkippedFile, ...]:
        return ()


def predictor(folder: Path) -> Predictor:
    """A small network of ten hours that sees the middle of a drawn region."""
    preprocess = {"crop": 32, "size": 32, "clip": 2000.0}
    return small_predictor(folder, frames=10, preprocess=preprocess)


def case_of(source: MarkupSource, network: Predictor | None, **options: object) -> ReportCase:
    """Make the case that ends at `LAST`."""
    model = network.info.name if network else ""
    return make_case(
        source, Case(source.spec, source.id, LAST, model), network, draws=50, **options
    )
