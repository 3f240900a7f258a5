"""Regions whose pixels are simulated, under numbers and dates as real ones have them."""

from dataclasses import dataclass
from functools import cached_property
from threading import Lock

import astropy.units as u
import numpy as np
from astropy.time import Time
from sunpy.coordinates import sun

from hnn_core.simulation.population import RegionParameters
from hnn_core.simulation.render import render
from tests.emulators.keywords import MISSING
from tests.emulators.times import SLOT_S, date_obs, t_rec
from tests.emulators.world import NRT

__all__ = ["BLANK", "SimulatedRegion", "tenths_of"]

BLANK = -(2**31)
NO_DATA = 0x8000_0000
_DAILY_FLAG = 0x0001_0400
_NRT_FLAG = 0x0001_1C00
"""For information alone; records of near real time carry it as a rule."""
_EACH_HOUR = 3600 // SLOT_S
_LAST_HOUR = 47
_RENDERING = Lock()


def tenths_of(field: np.ndarray) -> np.ndarray:
    """Gauss as int32 tenths, BLANK for NaN."""
    good = np.isfinite(field)
    return np.where(good, np.round(np.where(good, field, 0) * 10), BLANK).astype(np.int32)


@dataclass(frozen=True)
class SimulatedRegion:
    """48 hours of a simulated region at 12 minutes; records share the pixels of the nearest hour.

    Of the records at 06:00 and 18:00 TAI one is flagged 0x10400, the other absent. One whole hour
    has no data, and in every fourth region three hours in a row have none.
    """

    parameters: RegionParameters
    series: str
    harp: int
    noaa: tuple[int, ...]
    first: float
    """T_REC of the first record, TAI seconds, a whole hour."""
    rank: int
    """Place in the world; decides which oddities the region has."""
    simulated: bool = True

    def slots(self) -> list[int]:
        first = round(self.first / SLOT_S)
        return [first + k for k in range(_LAST_HOUR * _EACH_HOUR + 1) if self._quality(k) >= 0]

    def dims(self, slot: int) -> tuple[int, int]:
        trim = self._trim(slot)
        return self.parameters.cols - 2 * trim, self.parameters.rows - 2 * trim

    def tenths(self, slot: int) -> np.ndarray:
        with _RENDERING:
            image = tenths_of(render(self.parameters, (self._k(slot) + 2) // _EACH_HOUR).field)
        trim = self._trim(slot)
        return image[trim:-trim, trim:-trim] if trim else image

    def longitude(self, seconds: float) -> float:
        """Of the patch's middle from the central meridian at a time, degrees."""
        s2 = np.sin(np.deg2rad(self.parameters.latitude)) ** 2
        rate = (14.366 - 2.297 * s2 - 1.847 * s2**2 - 0.9856) / 86400.0
        return float(self.parameters.start_longitude + rate * (seconds - self.first))

    def row(self, slot: int) -> dict[str, str]:
        p, k, seconds = self.parameters, self._k(slot), slot * float(SLOT_S)
        cols, rows = self.dims(slot)
        longitude, latitude = self.longitude(seconds), p.latitude
        at = np.searchsorted(self._sun[0], seconds)
        carrington, tilt, distance, radius = (float(values[at]) for values in self._sun[1:])
        half_lon, half_lat = 0.015 * cols, 0.015 * rows
        center = (carrington + longitude) % 360.0
        if self.rank % 3 == 1 and center > 180.0:
            center -= 360.0
        cdelt = "0.0299999993" if self.rank % 4 == 2 else "0.03"
        hour = k / _EACH_HOUR
        row = {
            "T_REC": t_rec(seconds),
            "T_OBS": t_rec(seconds - 6.0),
            "DATE__OBS": date_obs(seconds - 73.8),
            "DATE": date_obs(seconds + 86400.0 * (0 if self.series == NRT else 30)),
            "CADENCE": "720",
            "HARPNUM": str(self.harp),
            "NOAA_AR": str(self.noaa[0] if self.noaa else 0),
            "NOAA_NUM": str(len(self.noaa)),
            "NOAA_ARS": ",".join(map(str, self.noaa)) or MISSING,
            "QUALITY": f"0x{self._quality(k):08x}",
            "LON_FWT": f"{longitude:.6f}",
            "LAT_FWT": f"{latitude:.6f}",
            "LONDTMIN": f"{longitude - half_lon:.6f}",
            "LONDTMAX": f"{longitude + half_lon:.6f}",
            "LATDTMIN": f"{latitude - half_lat:.6f}",
            "LATDTMAX": f"{latitude + half_lat:.6f}",
            "OMEGA_DT": f"{self.longitude(seconds + 86400.0) - longitude:.6f}",
            "LON_MIN": f"{longitude - 0.8 * half_lon:.6f}",
            "LON_MAX": f"{longitude + 0.8 * half_lon:.6f}",
            "LAT_MIN": f"{latitude - 0.8 * half_lat:.6f}",
            "LAT_MAX": f"{latitude + 0.8 * half_lat:.6f}",
            "CRLN_OBS": f"{carrington:.6f}",
            "CRLT_OBS": f"{tilt:.6f}",
            "CAR_ROT": "2106",
            "CRVAL1": f"{center:.6f}",
            "CRVAL2": f"{latitude:.6f}",
            "CRPIX1": f"{(cols + 1) / 2:.6f}",
            "CRPIX2": f"{(rows + 1) / 2:.6f}",
            "CDELT1": cdelt,
            "CDELT2": cdelt,
            "CUNIT1": "degree",
            "CUNIT2": "degree",
            "CTYPE1": "CRLN-CEA",
            "CTYPE2": "CRLT-CEA",
            "CROTA2": "0",
            "CRDER1": "nan",
            "CRDER2": "nan",
            "WCSNAME": "Carrington Heliographic",
            "RSUN_OBS": f"{radius:.6f}",
            "RSUN_REF": "696000000",
            "DSUN_OBS": f"{distance:.2f}",
            "OBS_VR": f"{3000.0 * np.sin(2 * np.pi * seconds / 86400.0):.6f}",
            "USFLUX": f"{p.total_flux * (1 + p.emergence_rate * hour) + p.pil_flux:.6e}",
            "R_VALUE": f"{np.log10(p.pil_flux) - 17.0:.3f}",
            "GWILL": "nan",
            "CODEVER7": "simulated by hnn_core.simulation.evolution",
            "ORIGIN": "SIMULATED",
            "TELESCOP": "SDO/HMI",
            "INSTRUME": "HMI_SIDE1",
            "CONTENT": "MAGNETOGRAM",
            "QLOOK": "1" if self.series == NRT else "0",
            "DATAVALS": str(cols * rows),
            "MISSVALS": "0",
        }
        return row | self._oddities(k)

    @cached_property
    def _sun(self) -> tuple[np.ndarray, ...]:
        """TAI seconds of every record, and L0, B0 (degrees), distance (m), radius (arcsec)."""
        hours = self.first + 3600.0 * np.arange(0, _LAST_HOUR + 1, _LAST_HOUR)
        time = Time(hours, format="unix_tai", scale="tai")
        nodes = (
            np.unwrap(sun.L0(time).to_value(u.deg), period=360.0),
            sun.B0(time).to_value(u.deg),
            sun.earth_distance(time).to_value(u.m),
            sun.angular_radius(time).to_value(u.arcsec),
        )
        seconds = self.first + SLOT_S * np.arange(_LAST_HOUR * _EACH_HOUR + 1.0)
        made = [np.interp(seconds, hours, values) for values in nodes]
        made[0] %= 360.0
        return (seconds, *made)

    def _k(self, slot: int) -> int:
        return slot - round(self.first / SLOT_S)

    def _trim(self, slot: int) -> int:
        """Pixels off every edge: NRT patches grow with time."""
        return max(0, 3 - self._k(slot) // 60) if self.series == NRT else 0

    def _quality(self, k: int) -> int:
        """QUALITY of record `k`, -1 where there is no record."""
        usual = _NRT_FLAG if self.series == NRT else 0
        of_day = (self.first + SLOT_S * k) % 86400
        if of_day in (21600, 64800):
            flags = _DAILY_FLAG | usual
            return -1 if (of_day == 21600) == bool(self.rank % 2) else flags
        if k == _EACH_HOUR * (7 + self.rank % 5) or (self.rank % 4 == 3 and 8 <= k <= 22):
            return NO_DATA
        return usual

    def _oddities(self, k: int) -> dict[str, str]:
        if self._quality(k) == NO_DATA:
            names = ("LON_FWT", "LAT_FWT", "RSUN_OBS", "OBS_VR", "USFLUX", "R_VALUE")
            lost = dict.fromkeys(names, "nan")
            return lost | dict.fromkeys(("T_OBS", "DATE__OBS", "DATAVALS", "MISSVALS"), MISSING)
        if k % 37 == 11:
            return {"R_VALUE": "nan", "USFLUX": "nan"}
        if k % 41 == 15:
            return {"LON_FWT": "nan", "LAT_FWT": "nan", "OBS_VR": MISSING}
        return {}
