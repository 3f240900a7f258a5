"""Time and memory of the catalogue with 100,000 flares, and of deriving fifteen years of it.

    PYTHONPATH=. python benchmarks/bench_catalogs.py [--flares 100000] [--repeats 5]

The table is synthetic: flares of every class spread over fifteen years, with regions, places,
associations and reasons as long as real ones. The peer of each query is what one would write
without a catalogue: read the same parquet afresh with pandas and filter it with a boolean mask.
Deriving is measured on drawn raw replies of fifteen years: yearly reports, months of DONKI's flares
and 783 weeks of its CMEs.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import psutil
from astropy.time import Time

from hnn_core.catalogs.derive import Rows
from hnn_core.catalogs.queries import (
    find_cmes,
    find_flares,
    flares_of_region,
    harps_of,
)
from hnn_core.catalogs.raw import RawFolder, Span, spans, utc_now
from hnn_core.catalogs.store import Catalog, refresh_tables, table_path, write_tables
from hnn_core.regions.base import Region
from hnn_core.regions.goes_classes import class_of_flux

LIMIT_MS = 100.0
FIRST, LAST = datetime(2010, 5, 1), datetime(2025, 5, 1)


def drawn_tables(n_flares: int, rng: np.random.Generator) -> Rows:
    """Draw tables of the real form."""
    span = (LAST - FIRST).total_seconds()
    seconds = np.sort(rng.uniform(0, span, n_flares).round(-1))
    flux = 1e-7 * (1 - rng.random(n_flares)) ** (-1 / 1.0)
    n_regions = n_flares // 12
    noaa = 11060 + (seconds / span * n_regions).astype(int) % 8000
    noaa[rng.random(n_flares) < 0.33] = 0
    kinds = rng.choice(["eruptive", "unlinked", "unknown"], n_flares, p=[0.05, 0.2, 0.75])
    rows = []
    for i in range(n_flares):
        peak = FIRST + timedelta(seconds=float(seconds[i]))
        goes_class = class_of_flux(min(float(flux[i]), 9e-3))
        cme = f"{peak:%Y-%m-%dT%H:%M}:00-CME-001" if kinds[i] == "eruptive" else ""
        rows.append(
            {
                "flare_id": f"{peak:%Y-%m-%dT%H:%M} {goes_class} {i}",
                "start_utc": peak - timedelta(minutes=9),
                "peak_utc": peak,
                "end_utc": peak + timedelta(minutes=9),
                "goes_class": goes_class,
                "scale": "operational",
                "flux_w_m2": float(flux[i]),
                "science_flux_w_m2": float(flux[i]) / 0.7,
                "noaa": int(noaa[i]),
                "harp": 0,
                "noaa_origin": "catalogue" if noaa[i] else "",
                "longitude_deg": float(rng.uniform(-90, 90)),
                "latitude_deg": float(rng.normal(0, 15)),
                "source": "NCEI",
                "sources": "NCEI,DONKI",
                "association": str(kinds[i]),
                "reason": f"DONKI's record {peak:%Y-%m-%dT%H:%M}:00-FLR-001 (version 2) and more",
                "cme_ids": cme,
                "donki_id": f"{peak:%Y-%m-%dT%H:%M}:00-FLR-001",
                "fetched_utc": LAST,
                "reply": f"ncei/{peak:%Y}.0123456789abcdef.csv;donki_flr/{peak:%Y-%m}.json",
            }
        )
    cmes = [
        {
            "cme_id": row["cme_ids"],
            "start_utc": row["peak_utc"],
            "speed_km_s": 700.0,
            "half_angle_deg": 30.0,
            "longitude_deg": row["longitude_deg"],
            "latitude_deg": row["latitude_deg"],
            "cme_type": "C",
            "noaa": row["noaa"],
            "source_location": "",
            "flare_ids": row["donki_id"],
            "version": 1,
            "note": "Measured in two coronagraphs." * 4,
            "fetched_utc": LAST,
            "reply": "donki_cme/2011-02-14.json",
        }
        for row in rows
        if row["cme_ids"]
    ]
    pairs = [{"harp": 1 + i, "noaa": 11060 + i} for i in range(8000)]
    return {"flares": rows, "cmes": cmes, "harp_noaa": pairs, "coverage": []}


def draw_replies(folder: Path, n_flares: int, rng: np.random.Generator) -> None:
    """Draw the raw replies of fifteen years."""
    raw, fetched = RawFolder(folder), utc_now()
    seconds = np.sort(rng.uniform(0, (LAST - FIRST).total_seconds(), n_flares).round(-1))
    peaks = [FIRST + timedelta(seconds=float(s)) for s in seconds]
    flux = np.minimum(1e-6 * (1 - rng.random(n_flares)) ** -1.0, 9e-4)
    header = "time,start_time,end_time,xrsb_irrad,flare_class,active_region\n"

    def keep(service: str, span: Span, text: str, suffix: str) -> None:
        raw.keep(service, span, text.encode(), url="", fetched=fetched, suffix=suffix)

    for span in spans("year", FIRST.date(), LAST.date()):
        lines = [
            f"{p},{p - timedelta(minutes=9)},{p + timedelta(minutes=9)},{f / 0.7:.3e},"
            f"{class_of_flux(float(f / 0.7))},{1060 + i // 12}.0"
            for i, (p, f) in enumerate(zip(peaks, flux, strict=True))
            if p.year == span.start.year
        ]
        keep("ncei", span, header + "\n".join(lines) + "\n", "csv")
    known = [(p, f, i) for i, (p, f) in enumerate(zip(peaks, flux, strict=True)) if i % 8 == 0]
    for kind, service, cut in (
        ("FLR", "donki_flr", spans("month", FIRST.date(), LAST.date())),
        ("CME", "donki_cme", spans("week", FIRST.date(), LAST.date())),
    ):
        for span in cut:
            found = [k for k in known if span.start <= k[0].date() < span.end]
            make = drawn_flare if kind == "FLR" else drawn_cme
            keep(service, span, json.dumps([make(*k) for k in found]), "json")


def drawn_flare(peak: datetime, flux: float, i: int) -> dict[str, object]:
    return {
        "flrID": f"{peak:%Y-%m-%dT%H:%M}:00-FLR-{i:03d}",
        "beginTime": f"{peak - timedelta(minutes=9):%Y-%m-%dT%H:%MZ}",
        "peakTime": f"{peak:%Y-%m-%dT%H:%MZ}",
        "endTime": f"{peak + timedelta(minutes=9):%Y-%m-%dT%H:%MZ}",
        "classType": class_of_flux(float(flux)),
        "sourceLocation": "N10E20",
        "activeRegionNum": 11060 + i // 12,
        "versionId": 2,
        "submissionTime": "2015-07-16T19:22Z",
        "linkedEvents": None,
    }


def drawn_cme(peak: datetime, _flux: float, i: int) -> dict[str, object]:
    return {
        "activityID": f"{peak:%Y-%m-%dT%H:%M}:00-CME-{i:03d}",
        "startTime": f"{peak:%Y-%m-%dT%H:%MZ}",
        "note": "Measured in two coronagraphs." * 8,
        "versionId": 1,
        "cmeAnalyses": [{"isMostAccurate": True, "speed": 700.0, "longitude": 3, "latitude": 4}],
        "linkedEvents": [{"activityID": f"{peak:%Y-%m-%dT%H:%M}:00-FLR-{i:03d}"}],
    }


def milliseconds(call: Callable[[], object], repeats: int) -> float:
    took = []
    for _ in range(repeats):
        begun = time.perf_counter()
        call()
        took.append((time.perf_counter() - begun) * 1e3)
    return median(took)


def memory_mb() -> float:
    """Return the memory that this process holds now, MB."""
    return float(psutil.Process().memory_info().rss) / 1e6


def queries(catalog: Catalog) -> dict[str, Callable[[], object]]:
    day, end = datetime(2014, 1, 1).date(), datetime(2014, 12, 31).date()
    first, last = Time("2014-01-01", scale="utc"), Time("2014-01-12", scale="utc")
    near = find_flares(catalog, start=first, end=last)
    noaa = int(near["noaa"][near["noaa"] > 0].mode().iloc[0])
    region = Region("drawn", noaa - 11059, (noaa,), first, last, n_records=265)
    return {
        "find_flares, no condition": lambda: find_flares(catalog),
        "find_flares, M5.0 and eruptive": lambda: find_flares(
            catalog, minimum_class="M5.0", associations=("eruptive",)
        ),
        "find_flares, a year of C": lambda: find_flares(
            catalog, start=day, end=end, minimum_class="C"
        ),
        "find_flares, NOAA": lambda: find_flares(catalog, noaa=noaa),
        "find_flares, HARP and place": lambda: find_flares(
            catalog, harp=noaa - 11059, longitude=(-45, 45)
        ),
        "find_cmes, a year": lambda: find_cmes(catalog, day, end),
        "harps_of": lambda: harps_of(catalog, noaa),
        "flares_of_region": lambda: flares_of_region(catalog, region, definitive=True),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--flares", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    with TemporaryDirectory() as home:
        folder = Path(home) / "catalogs"
        folder.mkdir()
        write_tables(folder, drawn_tables(options.flares, rng), "drawn")
        before = memory_mb()
        begun = time.perf_counter()
        catalog = Catalog.open(folder)
        cold = (time.perf_counter() - begun) * 1e3
        path = table_path(folder, "flares")

        def afresh() -> pd.DataFrame:
            table = pd.read_parquet(path)
            return table[(table["flux_w_m2"] >= 5e-5) & (table["association"] == "eruptive")]

        peer = milliseconds(afresh, options.repeats)
        print(f"{options.flares} flares, {path.stat().st_size / 1e6:.1f} MB of parquet")
        print(f"{'what':34} {'ms':>8} {'pandas afresh / this':>22}")
        print(f"{'pandas, parquet read afresh':34} {peer:8.1f} {'(peer)':>22}")
        print(f"{'open, cold':34} {cold:8.1f} {peer / cold:22.1f}")
        warm = milliseconds(lambda: Catalog.open(folder), options.repeats)
        print(f"{'open, warm':34} {warm:8.3f} {peer / warm:22.0f}")
        slow = []
        for name, call in queries(catalog).items():
            took = milliseconds(call, options.repeats)
            slow += [name] if took > LIMIT_MS else []
            print(f"{name:34} {took:8.2f} {peer / took:22.1f}")
        held = sum(
            getattr(catalog, name).memory_usage(deep=True).sum() / 1e6
            for name in ("flares", "cmes", "harp_noaa", "coverage")
        )
        print(f"tables in memory {held:.0f} MB; process {memory_mb():.0f} MB, {before:.0f} before")
    with TemporaryDirectory() as home:
        folder = Path(home)
        draw_replies(folder, 30_000, rng)
        begun = time.perf_counter()
        refresh_tables(folder)
        derived = time.perf_counter() - begun
        begun = time.perf_counter()
        refresh_tables(folder)
        again = time.perf_counter() - begun
        print(f"deriving 15 years, 30000 flares   {derived:8.2f} s; nothing new {again:.2f} s")
        linked = (Catalog.open(folder).flares["association"] == "eruptive").sum()
        print(f"flares linked {linked}; process {memory_mb():.0f} MB")
    if slow:
        print(f"slower than {LIMIT_MS:.0f} ms: {', '.join(slow)}")
        sys.exit(1)


if __name__ == "__main__":
    main()
