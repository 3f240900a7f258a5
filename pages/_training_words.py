"""What runs and their states are called on the Training page."""

from hnn_core.training.run_folder import RunFolder, State

__all__ = ["COLOURS", "ICONS", "KINDS", "duration", "network", "number", "run_caption"]

COLOURS = {
    "queued": "gray",
    "running": "blue",
    "stopping": "orange",
    "stopped": "gray",
    "interrupted": "orange",
    "failed": "red",
    "finished": "green",
}
ICONS = {
    "queued": ":material/hourglass_empty:",
    "running": ":material/play_circle:",
    "stopping": ":material/hourglass_bottom:",
    "stopped": ":material/pause_circle:",
    "interrupted": ":material/power_off:",
    "failed": ":material/error:",
    "finished": ":material/check_circle:",
}
KINDS = {
    "train": "One training",
    "crossval": "Cross-validation of HNN and ViT",
    "sweep": "Sweep",
}


def network(run: RunFolder) -> str:
    """``HNN, ≥M``; both networks where a run trains both."""
    name = "HNN" if run.config.get("temporal", True) else "ViT baseline"
    if run.kind == "crossval":
        name = "HNN and ViT"
    return f"{name}, ≥{run.config.get('flare_class', '?')}"


def run_caption(run: RunFolder, state: State) -> str:
    """Return the line below a run's name in the list."""
    parts = [f":{COLOURS[state.state]}[{state.state}]", network(run)]
    if run.kind != "train":
        parts.append("cross-validation" if run.kind == "crossval" else run.kind)
    if run.shipped:
        parts.append("shipped")
    return " · ".join(parts)


def duration(seconds: float | None) -> str:
    """``3 h 05 min``, ``4 min 10 s``, ``8 s``; a dash where it is not known."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def number(value: float | None, form: str) -> str:
    """Return a number as `form` writes it; a dash where it is not known."""
    return "–" if value is None else form.format(value)
