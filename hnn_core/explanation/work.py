"""How far a long computation is, how long it will take, and stopping it."""

import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from threading import Event

__all__ = ["Pace", "Work"]


class Work:
    """Counts frames through the vision transformer and looks at the flag between batches.

    Parameters
    ----------
    progress : callable (done, total), optional
        Called with numbers of frames: once before the first, then after each batch. `total`
        grows where one computation follows another.
    cancel : threading.Event, optional
        Looked at before each batch.
    """

    def __init__(
        self, progress: Callable[[int, int], None] | None = None, cancel: Event | None = None
    ) -> None:
        self.done = 0
        self.total = 0
        self._progress = progress
        self._cancel = cancel

    def expect(self, frames: int) -> None:
        """Add frames to the total."""
        self.total += frames
        self._report()

    def check(self) -> None:
        """Raise `concurrent.futures.CancelledError` if the work is to stop."""
        if self._cancel is not None and self._cancel.is_set():
            raise CancelledError(f"Stopped after {self.done} of {self.total} frames.")

    def passed(self, frames: int) -> None:
        """Count frames that went through."""
        self.done += frames
        self._report()

    def within(self) -> "Work":
        """Return a part of this work whose frames are in the total already."""
        return _Part(self)

    def _report(self) -> None:
        if self._progress is not None:
            self._progress(self.done, self.total)


class _Part(Work):
    def __init__(self, whole: Work) -> None:
        super().__init__()
        self._whole = whole

    def expect(self, frames: int) -> None:
        self.total += frames

    def check(self) -> None:
        self._whole.check()

    def passed(self, frames: int) -> None:
        self.done += frames
        self._whole.passed(frames)


class Pace:
    """A progress callback that knows the time left; its `clock` gives seconds."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.done = 0
        self.total = 0
        self._clock = clock
        self._start: float | None = None
        self._now = 0.0

    def __call__(self, done: int, total: int) -> None:
        """Take note of frames done and wanted."""
        self._now = self._clock()
        if self._start is None:
            self._start = self._now
        self.done, self.total = done, total

    @property
    def seconds_left(self) -> float:
        """Seconds still to go at the pace so far; NaN before the first batch is through."""
        if self._start is None or not self.done:
            return float("nan")
        return (self._now - self._start) * (self.total - self.done) / self.done
