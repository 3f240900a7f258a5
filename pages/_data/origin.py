"""Whose data these are, whom to thank, and which addresses they come from."""

import streamlit as st

from hnn_core.catalogs.queries import missing_spans
from hnn_core.catalogs.store import Catalog
from hnn_core.services import endpoints
from pages._shared.widgets import show_table

__all__ = ["show_origin"]

_CREDITS = """
- **Magnetograms**: courtesy of NASA/SDO and the HMI science team, from the Joint Science
  Operations Center (JSOC) at Stanford University: SHARP patches, `hmi.sharp_cea_720s` and, for the
  disk now, `hmi.sharp_cea_720s_nrt`. SDO data are free to use; name the source, and cite Bobra et
  al. 2014 (Solar Physics 289, 3549) for the patches.
- **Flares**: GOES soft X-ray measurements of NOAA; reports of NOAA's National Centers for
  Environmental Information (NCEI), and SWPC's event list through the Heliophysics Events
  Knowledgebase (HEK) of the Lockheed Martin Solar and Astrophysics Laboratory. Free to use; name
  NOAA, and cite Hurlburt et al. 2012 (Solar Physics 275, 67) where HEK is used.
- **CMEs and their links to flares**: the Space Weather Database Of Notifications, Knowledge,
  Information (DONKI) of NASA's Community Coordinated Modeling Center, kept by the Moon to Mars
  Space Weather Analysis Office. Its records are made in real time for forecasting and are revised;
  thank CCMC and the M2M office, and give the day of access.
- **HARP and NOAA numbers**: JSOC's table for the definitive series. One HARP may hold several NOAA
  regions, and one region may lie in several HARPs.
"""
_CONFINED = """
Links from flares to CMEs are entered into DONKI by hand. A flare that has no link is called “no CME
linked in DONKI” here and never confined: perhaps nobody looked, especially before 2014. Data sets
follow a policy that is stated with them.
"""


def show_origin() -> None:
    """Draw credits, addresses, and when each catalogue was fetched."""
    st.markdown("## Where it comes from")
    st.markdown(_CREDITS)
    st.markdown("### What “no CME linked” means")
    st.markdown(_CONFINED)
    st.markdown("### Addresses in use")
    show_table(_addresses(), "addresses", height="content")
    st.caption(
        "The operator may set others by environment variables when the server starts; this page "
        "cannot."
    )
    st.markdown("### When it was fetched")
    catalog = Catalog.open()
    _show_coverage(catalog)
    st.markdown("### Where it is kept")
    folder = endpoints.live_home()
    show_table(
        [
            {"what": "Magnetograms, as FITS with their keywords", "folder": str(folder / "jsoc")},
            {"what": "Flares, CMEs, HARP numbers", "folder": str(folder / "catalogs")},
            {"what": "Replies as they came", "folder": str(folder / "catalogs" / "raw")},
        ],
        "folders",
    )


def _addresses() -> list[dict[str, str]]:
    second = ("DONKI, where the first host fails", "NASA")
    return [
        {
            "service": what,
            "address": endpoints.shown_address(endpoints.service_url(name)),
            "set by": f"HNN_{name}_URL",
        }
        for what, name in (
            ("JSOC, magnetograms", "JSOC"),
            ("NCEI, GOES flares", "GOES"),
            ("HEK, flares of SWPC", "HEK"),
            ("DONKI, CMEs and links", "DONKI"),
            *([second] if "NASA" in endpoints.donki_hosts() else []),
            ("HARP and NOAA numbers", "HARP_NOAA"),
        )
    ]


def _show_coverage(catalog: Catalog) -> None:
    coverage, missing = catalog.coverage, missing_spans(catalog)
    if coverage.empty:
        st.caption("No catalogue has been fetched yet.")
        return
    days = st.column_config.DatetimeColumn(format="YYYY-MM-DD")
    fetched = st.column_config.DatetimeColumn("fetched (UTC)", format="YYYY-MM-DD HH:mm")
    columns = {"start": days, "end": days, "fetched_utc": fetched}
    show_table(coverage, "coverage", columns=columns)
    if not missing.empty:
        st.markdown("### What is missing in between")
        show_table(missing, "missing", columns={"start": days, "end": days}, height="content")
    st.caption(
        "Spans whose records may still change are requested again with the next fetch of their "
        "days: those that ended less than 60 days before they were fetched; those of DONKI also "
        "after half a year where they ended less than two years before, and after a week where a "
        "record was submitted in the 60 days before."
    )
