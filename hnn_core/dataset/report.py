"""What a build tells while it runs and when it has come to its end."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import typer

__all__ = ["BuildReporter", "report"]

_EVERY = 5.0  # seconds between lines where there is no terminal to draw a bar on


class BuildReporter:
    """Draws a progress bar on stderr, or writes events as JSON lines on stdout.

    Parameters
    ----------
    as_json : bool
    """

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._bar: Any = None
        self._told = 0.0

    def region(self, done: int, total: int, region: str, frames: int, left: float) -> None:
        """Tell that a region is finished; seconds left are an estimate."""
        if self._as_json:
            event = {
                "event": "region",
                "done": done,
                "total": total,
                "region": region,
                "frames": frames,
                "seconds_left": round(left, 1),
            }
            typer.echo(json.dumps(event, ensure_ascii=False))
            sys.stdout.flush()
        elif sys.stderr.isatty():
            if self._bar is None:
                bar = typer.progressbar(length=total, label="regions", file=sys.stderr)
                self._bar = bar.__enter__()
            self._bar.update(done - self._bar.pos)
        elif time.monotonic() - self._told > _EVERY or done == total:
            self._told = time.monotonic()
            typer.echo(f"{done} of {total} regions, {left:.0f} s left", err=True)

    def note(self, text: str) -> None:
        """Write a line on stderr that does not stop the build."""
        typer.echo(text, err=True)

    def close(self) -> None:
        """End the line of the bar."""
        if self._bar is not None:
            self._bar.render_finish()


def report(name: str, folder: Path, card: dict[str, Any]) -> str:
    """Write the counts of a data set beside the paper's Table 1, and what was left out.

    Returns
    -------
    str
        Several lines.
    """
    kind = "simulated " if card["simulated"] else ""
    lines = [
        f"{name}: {card['frames']} frames and {card['sequences']} labelled sequences of "
        f"{card['regions']} {kind}regions in {card['groups']} groups, policy {card['policy']}",
        f"in {folder}, sha256 {card['sha256']}",
        "",
        f"{'':<8}{'positive':>10}{'negative':>10}{'eruptive':>10}{'confined':>10}{'unknown':>9}"
        f"{'':>4}the paper's Table 1",
        f"{'class':<8}{'frames':>10}{'frames':>10}{'flares':>10}{'flares':>10}{'flares':>9}"
        f"{'':>4}positive + negative frames (flares)",
    ]
    for flare_class, counts in card["counts"].items():
        paper = card["paper_table1"][flare_class]
        own = "".join(
            f"{counts[key]:>{width}}"
            for key, width in (
                ("positive", 10),
                ("negative", 10),
                ("eruptive_flares", 10),
                ("confined_flares", 10),
                ("unknown_flares", 9),
            )
        )
        lines.append(
            f"≥{flare_class:<7}{own}    {paper['positive']} + {paper['negative']} "
            f"({paper['eruptive_flares']} + {paper['confined_flares']})"
        )
    lines += ["", "hours of the regions' passages that are no x_t:"]
    lines += [f"{count:>8}  {reason}" for reason, count in card["excluded"].items()]
    if card["broken_records"]:
        lines.append(
            f"{len(card['broken_records'])} records broke on reading, the first: "
            f"{card['broken_records'][0]}"
        )
    return "\n".join(lines)
