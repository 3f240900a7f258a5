"""What things are called on the pages, and what a person reads when something fails."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from heapq import nlargest
from html import escape
from typing import TYPE_CHECKING, Any, Literal

import streamlit as st

from hnn_core.dataset.card import DatasetInfo
from hnn_core.exceptions import HnnError
from hnn_core.jobs.jobs import State
from hnn_core.magnetogram.conventions import iso_minute, number
from hnn_core.magnetogram.magnetogram import Magnetogram
from hnn_core.network.model_store import ModelInfo
from hnn_core.regions.base import Flare, Region
from hnn_core.regions.goes_classes import flux_of_class
from hnn_core.regions.labels import DEFAULT_POLICY
from hnn_core.regions.outcome import cme_words, lookup_sentence
from hnn_core.regions.well_known import largest_flare
from hnn_core.scores import interval_words
from hnn_core.storage import entries, fault_words, home, home_fault

if TYPE_CHECKING:
    from hnn_core.network.predictor import Prediction

__all__ = [
    "DECISIONS",
    "MASK_WORDS",
    "POLICY_WORDS",
    "STATES",
    "count_rows",
    "flares_label",
    "flares_sentence",
    "frame_notes",
    "model_label",
    "model_sentence",
    "nothing_kept",
    "plain",
    "position",
    "region_label",
    "show_nothing_kept",
    "show_simulated",
    "show_state",
    "worded_errors",
    "written",
    "yes_no",
]

_Colour = Literal["blue", "gray", "green", "orange", "red"]
STATES: dict[str, tuple[_Colour, str]] = {
    "queued": ("gray", ":material/hourglass_empty:"),
    "running": ("blue", ":material/play_circle:"),
    "stopping": ("orange", ":material/hourglass_bottom:"),
    "stopped": ("gray", ":material/pause_circle:"),
    "interrupted": ("orange", ":material/power_off:"),
    "failed": ("red", ":material/error:"),
    "finished": ("green", ":material/check_circle:"),
}
"""Colour and icon of a state of a run or a job."""
DECISIONS = {"eruptive": "eruptive, with a CME", "confined": "confined, without a CME"}
"""A prediction in words."""
POLICY_WORDS = {
    DEFAULT_POLICY: "no CME linked in DONKI counts as confined (the paper's)",
    "strict": "no CME linked in DONKI counts as not known and is left out",
}
MASK_WORDS: dict[Any, str] = {
    "moving": "Each hour's own RoPI",
    "union": "Fixed: union of the window",
    "last": "Fixed: last hour's",
    "patch": "Whole patch",
}
_COUNTS = {
    "positive": "eruptive frames",
    "negative": "confined frames",
    "eruptive_flares": "eruptive flares",
    "confined_flares": "confined flares",
    "unknown_flares": "flares not judged",
}
_SIGNS = re.compile(r"[\\`*_{}\[\]()#+\-!|~$:<>&]|(?<=\d)\.(?=\s|$)")
"""What means something in Markdown; a backslash makes it plain."""
_AGAIN = re.compile(
    r"(?<=:)(?=//|material[/_]|\+1:|(?!\d\d:)[\w-]+:)|(?<=www)(?=\.)|(?<=@)(?=[\w-])"
    r"|(?:(?<=^[<>~-])|(?<=\s[<>~-]))(?=[-=>]+(?:\s|$))",
    re.IGNORECASE,
)
"""Places inside addresses, emoji, icons and arrows, which Streamlit looks for once more in what
the backslashes left; it finds none of them in two halves."""
_NOTHING = ":small[]"
_MOST_FLARES = 4
_LOOK_S = 5
"""Between two looks at whether the program's folder can be written."""
_log = logging.getLogger(__name__)


def plain(text: object) -> str:
    """Write any text so that Streamlit's Markdown shows it as it is, on one line.

    Every text on a page goes through here, or is written in the program itself; in ``st.html``
    it is `html.escape`. No image is loaded then, no link made, whatever a file or a link holds.
    """
    parts = _AGAIN.split(" ".join(str(text).split()))
    return _NOTHING.join(_SIGNS.sub(r"\\\g<0>", part) for part in parts)


def count_rows(info: DatasetInfo, *classes: str) -> list[dict[str, object]]:
    """Return the counts of a data set next to the paper's Table 1; None for what is not known."""
    rows: list[dict[str, object]] = []
    for flare_class in classes:
        for whose, key in ((info.name, "counts"), ("the paper's Table 1", "paper_table1")):
            counts = info.card.get(key, {}).get(flare_class, {})
            own = {words: counts.get(name) for name, words in _COUNTS.items()}
            rows.append({"class": f"≥{flare_class}", "of": whose, **own})
    return rows


def written(value: object) -> str:
    """Write a value for people: 0.00001 is ``1 × 10⁻⁵``, and a minus is a minus sign."""
    if not isinstance(value, float):
        return str(value)
    return number(value, "g")


def yes_no(value: object) -> str:
    """``yes``, ``no`` or ``not known``."""
    return {"True": "yes", "False": "no"}.get(str(value), "not known")


def show_simulated(words: str = "") -> None:
    """Draw the banner of simulated data; by default the words for one region."""
    words = words or (
        "This region was made by a model of magnetic elements; it never was on the Sun."
    )
    st.html(f'<div class="simulated"><b>Simulated data.</b> {escape(words)}</div>')


def nothing_kept() -> str:
    """Return why nothing can be kept in the program's folder; empty if it can."""
    return _home_fault(str(home()))


@st.cache_data(ttl=_LOOK_S, show_spinner=False)
def _home_fault(folder: str) -> str:
    del folder
    return home_fault()


def show_nothing_kept() -> None:
    """Draw, where nothing can be kept, what does not work and what does."""
    if fault := nothing_kept():
        before = "" if entries(home()) else " What was kept before is not shown."
        st.warning(
            "**Nothing can be kept:** no training, data set, download, catalogue, upload or set of "
            "cases. Folders of magnetograms, simulated regions and the models that come with the "
            f"program can be explored.{before}  \n{plain(fault)}",
            icon=":material/save:",
        )


def show_state(state: State) -> None:
    """Draw the state of a run or a job as a badge."""
    colour, icon = STATES[state.state]
    st.badge(plain(state.state), icon=icon, color=colour)


@contextmanager
def worded_errors() -> Iterator[None]:
    """Show an error of ours as its sentence and any other one by its type only.

    The traceback of an unexpected error goes to the server's log.
    """
    try:
        yield
    except HnnError as error:
        st.error(plain(error), icon=":material/error:")
    except Exception as error:  # noqa: BLE001 - the last place before a person sees it
        _log.exception("Unexpected error on a page")
        if words := fault_words(error):
            st.error(plain(words), icon=":material/error:")
            return
        st.error(
            f"Something went wrong here that should not ({plain(type(error).__name__)}). Choose "
            "another region or hour to continue. To report it, send the address of this page and "
            "the last lines of the server's log.",
            icon=":material/bug_report:",
        )


def region_label(region: Region) -> str:
    """Everything one may search a region by, what distinguishes it first.

    ``AR 11158 · X2.2 · 2011-02-13 · HARP 377``
    """
    harp = f"HARP {region.harp}"
    names = [f"AR {number}" for number in region.noaa]
    if not region.id.isdigit():
        names.append(region.id)
    flare = largest_flare(region)
    parts = names or [harp]
    parts += [flare.goes_class] if flare else []
    parts += [iso_minute(region.first)[:10]]
    return " · ".join(parts + ([harp] if names else []))


def flares_label(region: Region) -> str:
    """Name the largest flares by their classes alone, in order of time."""
    if not region.flares:
        return "No flare known" if region.lookups else "Flares not looked up"
    named = [flare.goes_class for flare in _largest_flares(region)]
    more = len(region.flares) - len(named)
    return f"Flares: {', '.join(named)}" + (f" and {more} smaller" if more else "")


def _largest_flares(region: Region) -> list[Flare]:
    """Choose the largest few, in order of time."""
    largest = nlargest(
        _MOST_FLARES, region.flares, key=lambda flare: flux_of_class(flare.goes_class)
    )
    return sorted(largest, key=lambda flare: float(flare.peak.unix))


def flares_sentence(region: Region) -> str:
    """Name the largest flares with their peaks and what is known of their CMEs."""
    looked_up = lookup_sentence(region)
    if not region.flares:
        none = "No flare of this region is known. " if region.lookups else ""
        return f"{none}{looked_up}"
    named = [
        f"{flare.goes_class} {flare.peak.utc.isot[:16].replace('T', ' ')} UTC"
        f" ({cme_words(flare, simulated=region.simulated)})"
        for flare in _largest_flares(region)
    ]
    more = len(region.flares) - len(named)
    flares = "Flares: " + ", ".join(named) + (f" and {more} smaller." if more else ".")
    return flares if region.simulated else f"{flares} {looked_up}"


def position(frame: Magnetogram) -> str:
    """``S20 W17 from the central meridian``, whole degrees; empty when it is not known."""
    latitude, longitude = (float(x.to_value("deg")) for x in (frame.latitude, frame.longitude))
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        return ""
    north = "N" if latitude >= 0 else "S"
    west = "W" if longitude >= 0 else "E"
    return f"{north}{abs(latitude):02.0f} {west}{abs(longitude):02.0f}"


def model_label(info: ModelInfo) -> str:
    """``demo · ≥M flares``."""
    return f"{info.name} · ≥{info.flare_class} flares"


def model_sentence(info: ModelInfo) -> str:
    """Return what the model card holds on training and test, for next to a probability."""
    card = info.metadata
    parts = [f"The card of {info.name} does not name its training data"]
    if card.get("trained_on"):
        parts = [f"Trained on {card['trained_on']}"]
    test = card.get("test")
    if isinstance(test, dict) and isinstance(test.get("tss"), int | float):
        ends = test.get("tss_95")
        spread = (
            f" (95 % interval {interval_words(*ends)})"
            if isinstance(ends, list) and [type(end) for end in ends] == [float, float]
            else ""
        )
        where = f" on {card['test_set']}" if card.get("test_set") else ""
        parts.append(f"Test TSS {number(test['tss'], '.3f')}{spread}{where}")
    else:
        parts.append("No test score is known")
    return " ".join(part.rstrip(".") + "." for part in parts)


def frame_notes(prediction: "Prediction") -> list[str]:
    """Sentences on hours of the sequence that are filled or flagged."""
    notes = []
    for which, words in (
        ("interpolated", "without a record, filled by interpolation"),
        ("flagged", "with a QUALITY flag that is accepted"),
    ):
        hours = [hour.hour[11:16] for hour in prediction.hours if getattr(hour, which)]
        if hours:
            notes.append(f"{'Hours' if len(hours) > 1 else 'Hour'} {words}: {', '.join(hours)}.")
    return notes
