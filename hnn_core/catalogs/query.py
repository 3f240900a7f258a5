"""Questions to the catalogue; each answers within 100 ms for 100,000 flares."""

from hnn_core.catalogs.filters import Moment, find_cmes, find_flares
from hnn_core.catalogs.region_numbers import Numbers, harps_of, noaas_of
from hnn_core.catalogs.regions import find_regions, flares_of_region

__all__ = [
    "Moment",
    "Numbers",
    "find_cmes",
    "find_flares",
    "find_regions",
    "flares_of_region",
    "harps_of",
    "noaas_of",
]
