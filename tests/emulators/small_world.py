"""Worlds to emulate: a rich small one of simulated regions, and the real files of HARP 377."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hnn_core.simulation.population import Population, RegionParameters
from tests.emulators.real_region import RealRegion
from tests.emulators.regions import SimulatedRegion
from tests.emulators.times import tai_seconds, utc_time
from tests.emulators.world import DEFINITIVE, NRT, Cme, GoesFlare, World

__all__ = ["real_world", "small_world"]

_FIRST_RECORD = tai_seconds(datetime(2011, 2, 13, 5, tzinfo=UTC)) - 34.0
_X22_PEAK = datetime(2011, 2, 15, 1, 56, tzinfo=UTC)
_NRT_HISTORY_H = 36
_DONKI_QUIRKS = ("", "wrong year", "no region", "", "late peak", "no end", "revised", "revised")
_LINKS = ("flare", "cme", "both")


def small_world(
    n_regions: int = 12,
    *,
    seed: int = 0,
    now: datetime | None = None,
    running: bool = False,
    n_nrt: int = 2,
) -> World:
    """Simulated regions of 2011 with their flares, and some on the disk now.

    Parameters
    ----------
    n_regions : int
        Definitive HARPs. The first is HARP 377 (NOAA 11158) with an eruptive X2.2; the others
        follow through the year, every 24 days or less, with the flares of the simulation, all of
        class M or X.
    seed : int
        Population and everything else; the same seed gives the same world.
    now : datetime, optional
        Time of day in this world (UTC); by default that of the machine, stopped.
    running : bool
        Let the clock of the world run with that of the machine.
    n_nrt : int
        Regions in the NRT series, whose records began 36 hours before `now`.
    """
    begun = now or datetime.now(UTC).replace(second=0, microsecond=0)
    population = Population(seed)
    order = [1, 2, *range(3, n_regions + n_nrt + 2)]
    if not population.region(1).eruptive:  # of every two one is
        order[:2] = 2, 1
    parameters = [population.region(i) for i in order[: n_regions + n_nrt]]
    days = max(2, min(24, 300 // n_regions))
    past = [_definitive(p, rank, days) for rank, p in enumerate(parameters[:n_regions])]
    if n_regions > 7 and past[6].parameters.latitude * past[7].parameters.latitude < 0:
        # Two at the same time, one in each hemisphere.
        past[7] = replace(past[7], first=past[6].first + 7 * 3600.0)
    present = [_nrt(p, rank, begun) for rank, p in enumerate(parameters[n_regions:])]
    world = World(regions=[*past, *present], clock=lambda: begun)
    if running:
        ahead = begun - datetime.now(UTC)
        world.clock = lambda: datetime.now(UTC) + ahead
    for region in past:
        world.flares += _flares(region)
    world.flares += [*_elsewhere(past[:2][-1]), *(_recent(r, begun) for r in present)]
    world.flares.sort(key=lambda flare: flare.peak)
    world.cmes = _unlinked_cmes()
    world.harp_noaa = _table(past)
    return world


def real_world(folder: Path) -> World:
    """The real files of HARP 377 and what happened then."""

    def at(day: int, hour: int, minute: int) -> datetime:
        return datetime(2011, 2, day, hour, minute, tzinfo=UTC)

    cme = Cme(at(15, 2, 24), longitude=15.0, latitude=-20.0)
    flares = [
        GoesFlare(at(13, 17, 38), 6.6e-5, -4.0, -20.0, 11158, rise=10),
        GoesFlare(at(14, 17, 26), 2.2e-5, 4.0, -20.0, 11158, rise=6),
        GoesFlare(_X22_PEAK, 2.2e-4, 10.0, -20.0, 11158, cme=cme, link="flare"),
    ]
    table = [(362, (11156,)), (377, (11158,)), (384, (11160, 11161))]
    return World([RealRegion(folder)], flares, [], table)


def _definitive(p: RegionParameters, rank: int, days: int) -> SimulatedRegion:
    hours = rank * days * 24 + (rank * 7) % 24
    noaa = 11158 + rank * 14
    return SimulatedRegion(
        parameters=p,
        series=DEFINITIVE,
        harp=377 + rank * 61,
        noaa=(noaa, noaa + 3) if rank % 5 == 2 else (noaa,),
        first=_FIRST_RECORD + 3600.0 * hours,
        rank=rank,
    )


def _nrt(p: RegionParameters, rank: int, now: datetime) -> SimulatedRegion:
    first = tai_seconds(now) // 3600 * 3600 - 3600.0 * _NRT_HISTORY_H
    noaa = () if rank % 2 else (14600 + rank,)
    return SimulatedRegion(p, NRT, 14011 + 7 * rank, noaa, first, rank)


def _flares(region: SimulatedRegion) -> list[GoesFlare]:
    """The main flare of a region and two small ones.

    DONKI lacks the flare of the confined region among the third and the fourth.
    """
    p, rank, noaa = region.parameters, region.rank, region.noaa[-1]
    peak = utc_time(region.first + 3600.0 * p.flare_hour)
    peak = _X22_PEAK if rank == 0 else peak.replace(second=0, microsecond=0)
    longitude = region.longitude(tai_seconds(peak))
    flux = 2.2e-4 if rank == 0 else p.flare_flux
    # The CME of the third eruptive region starts before its flare does.
    delay = timedelta(minutes=-25 if rank in (4, 5) else 28)
    also = (f"{peak + timedelta(hours=5):%Y-%m-%dT%H:%M}:00-SEP-001",) if rank % 3 == 0 else ()
    cme = Cme(peak + delay, also, longitude=round(longitude), latitude=round(p.latitude))
    main = GoesFlare(
        peak=peak,
        flux=flux,
        longitude=round(longitude),
        latitude=round(p.latitude),
        noaa=noaa,
        ncei_noaa=rank % 3 != 2,
        donki=p.eruptive or rank not in (2, 3),
        cme=cme if p.eruptive else None,
        link=_LINKS[rank // 2 % 3] if p.eruptive else "",
        also=also,
        quirk=_DONKI_QUIRKS[rank % 8],
        twice=rank % 4 == 0,
    )
    return [main, _small(region, 14.3, 3.4e-6), _small(region, 27.6, 6.1e-6)]


def _small(region: SimulatedRegion, hour: float, flux: float) -> GoesFlare:
    """A C flare; DONKI has those of every third region, some of them with a CME."""
    seconds = region.first + 3600.0 * hour
    peak = utc_time(seconds).replace(second=0, microsecond=0)
    known, erupts = region.rank % 3 == 0, region.rank % 6 == 3
    cme = Cme(peak + timedelta(minutes=40), speed=320.0) if known and erupts else None
    return GoesFlare(
        peak=peak,
        flux=flux * (1 + 0.1 * (region.rank % 4)),
        longitude=round(region.longitude(seconds)) + 2,
        latitude=round(region.parameters.latitude),
        noaa=region.noaa[0],
        donki=known,
        cme=cme,
        link="both" if cme else "",
        quirk="no peak" if known and hour > 20 else "",
        rise=7,
    )


def _elsewhere(on_disk: SimulatedRegion) -> list[GoesFlare]:
    """Flares of no HARP here: one far from that on the disk, others of regions without a HARP."""
    early = utc_time(on_disk.first + 54_000.0).replace(second=0, microsecond=0)
    other_side = 18.0 if on_disk.parameters.latitude < 0 else -18.0
    late = datetime(2011, 9, 24, 9, 40, tzinfo=UTC)
    cme = Cme(late + timedelta(minutes=20), speed=1900.0)
    return [
        GoesFlare(early, 2.0e-5, -78.0, other_side, None, ncei_noaa=False),
        GoesFlare(late, 1.9e-4, -60.0, 12.0, 11999, cme=cme, link="both"),
        GoesFlare(datetime(2012, 1, 3, 4, 5, tzinfo=UTC), 4.2e-6, 20.0, -8.0, 11390, donki=False),
        GoesFlare(datetime(2010, 12, 31, 23, 58, tzinfo=UTC), 1.3e-5, 35.0, 9.0, 11140),
    ]


def _recent(region: SimulatedRegion, now: datetime) -> GoesFlare:
    peak = (now - timedelta(hours=9 + 4 * region.rank)).replace(second=0, microsecond=0)
    longitude = round(region.longitude(tai_seconds(peak)))
    latitude = round(region.parameters.latitude)
    noaa = region.noaa[0] if region.noaa else None
    return GoesFlare(peak, 4.4e-6, longitude, latitude, noaa, donki=region.rank == 0, rise=6)


def _unlinked_cmes() -> list[Cme]:
    """CMEs without a flare, one with other company and one never analysed."""
    return [
        Cme(datetime(2011, 2, 20, 5, 36, tzinfo=UTC), longitude=-90.0),
        Cme(datetime(2011, 4, 2, 19, 0, tzinfo=UTC), ("2011-04-04T09:00:00-GST-001",)),
        Cme(datetime(2011, 6, 7, 6, 49, tzinfo=UTC), analysed=False),
        Cme(datetime(2011, 6, 7, 6, 49, tzinfo=UTC), ("2011-06-09T02:00:00-IPS-001",), number=2),
    ]


def _table(past: list[SimulatedRegion]) -> list[tuple[int, tuple[int, ...]]]:
    """HARPs and NOAA numbers; with numbers that contain others, and a region in two HARPs."""
    rows = [(1, (11067,)), (37, (11081,)), (77, (11090, 11158 + 2)), (3770, (11700, 11701))]
    rows += [(region.harp, region.noaa) for region in past]
    if len(past) > 2:
        rows.append((past[2].harp + 1, (past[2].noaa[-1], past[2].noaa[-1] + 2)))
    return sorted(rows)
