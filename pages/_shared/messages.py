"""What things are called on the pages, and the sentences that stand beside them."""

from hnn_core.magnetogram import Magnetogram
from hnn_core.model_store import ModelInfo
from hnn_core.outcome import cme_words
from hnn_core.prediction import Prediction
from hnn_core.reference_hour import goes_size, largest_flare
from hnn_core.sources import Flare, Region
from hnn_core.tai import iso_minute

__all__ = [
    "flares_sentence",
    "frame_notes",
    "model_label",
    "model_sentence",
    "position",
    "region_label",
]

_MOST_FLARES = 4


def region_label(region: Region) -> str:
    """Everything one may search a region by, what tells it from others first.

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


def flares_sentence(region: Region) -> str:
    """Name the largest flares with their peaks and what is known of their CMEs."""
    if not region.flares:
        return "No flare of this region is known here."
    largest = sorted(region.flares, key=_size, reverse=True)[:_MOST_FLARES]
    named = [
        f"{flare.goes_class} {flare.peak.utc.isot[:16].replace('T', ' ')} UTC"
        f" ({cme_words(flare, simulated=region.simulated)})"
        for flare in sorted(largest, key=lambda flare: float(flare.peak.unix))
    ]
    more = len(region.flares) - len(named)
    return "Flares: " + ", ".join(named) + (f" and {more} smaller." if more else ".")


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
    """Say what the model card tells of training and test, for beside a probability."""
    card = info.metadata
    parts = [f"The card of {info.name} does not say what it was trained on"]
    if card.get("trained_on"):
        parts = [f"Trained on {card['trained_on']}"]
    test = card.get("test")
    if isinstance(test, dict) and isinstance(test.get("tss"), int | float):
        interval = test.get("tss_95")
        spread = (
            f" (95 % interval {interval[0]:.2f} to {interval[1]:.2f})"
            if isinstance(interval, list) and None not in interval
            else ""
        )
        where = f" on {card['test_set']}" if card.get("test_set") else ""
        parts.append(f"Test TSS {test['tss']:.2f}{spread}{where}")
    else:
        parts.append("No test score is known")
    return " ".join(part.rstrip(".") + "." for part in parts)


def frame_notes(prediction: Prediction) -> list[str]:
    """Sentences on hours of the sequence that are filled or flagged."""
    notes = []
    for which, words in (
        ("interpolated", "without a record, filled by interpolation"),
        ("flagged", "with a QUALITY flag that is accepted"),
    ):
        hours = [hour.t_rec[11:16] for hour in prediction.hours if getattr(hour, which)]
        if hours:
            notes.append(f"{'Hours' if len(hours) > 1 else 'Hour'} {words}: {', '.join(hours)}.")
    return notes


def _size(flare: Flare) -> tuple[int, float]:
    return goes_size(flare.goes_class)
