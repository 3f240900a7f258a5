"""Work that takes longer than a person waits.

It runs next to the page, shows how far it is, can be cancelled, and its result is kept for
everyone who requests the same.
"""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Any

import streamlit as st

from hnn_core.explanation.work import Pace
from hnn_core.live.reporting import duration
from pages._shared.messages import plain, worded_errors

__all__ = ["discard", "offer", "start"]

_REFRESH_S = 1.0
_KEPT = 24
"""Results kept: of tables and maps, up to some 10 MB each."""


class _Task:
    """One computation, its progress, and the flag that stops it."""

    def __init__(self, title: str, unit: str, work: Callable[..., Any]) -> None:
        self.title, self.unit = title, unit
        self.cancel = threading.Event()
        self.pace = Pace()
        self.future: Future[Any] = _store()[1].submit(self._run, work)

    def _run(self, work: Callable[..., Any]) -> Any:
        self.pace(0, 0)  # the clock starts with the work, not with the first step done
        return work(progress=self._progress, cancel=self.cancel)

    def _progress(self, done: int, total: int) -> None:
        self.pace(done, total)
        if self.cancel.is_set():
            raise CancelledError(f"Stopped after {done} of {total} {self.unit}.")

    @property
    def busy(self) -> bool:
        return not self.future.done()

    @property
    def failed(self) -> bool:
        future = self.future
        return future.cancelled() or (future.done() and future.exception() is not None)

    @property
    def words(self) -> str:
        """How far it is: ``3 of 16 regions, about 20 s left``."""
        if self.cancel.is_set():
            return "stopping …"
        if not self.pace.total:
            return "begins …" if self.future.running() else "waits for its turn …"
        words = f"{self.pace.done:,} of {self.pace.total:,} {self.unit}"
        left = self.pace.seconds_left
        return f"{words}, about {duration(left)} left" if left > 0.0 else words  # not NaN, not done


def offer(
    label: str,
    name: str,
    key: Hashable,
    title: str,
    unit: str,
    prepare: Callable[[], Callable[..., Any]],
    *,
    below: str = "",
    **more: Any,
) -> Any:
    """Return the result of work; else draw the button that begins it, or how far it is, and None.

    Parameters
    ----------
    name : str
        The button's key; `more` goes to ``st.button``.
    key, title, unit
        As of `start`.
    prepare : callable () -> work
        Run at the press: takes what the work needs of the caches, and returns it.
    below : str
        A caption.
    """
    task = _store()[0].get(key)
    if task is None or task.failed:
        more = {"icon": ":material/play_arrow:", **more}
        st.button(label, key=name, on_click=lambda: start(key, title, unit, prepare()), **more)
    if below:
        st.caption(plain(below))
    if task is None:
        return None
    if task.busy:
        st.fragment(_show, run_every=_REFRESH_S)(key, name.removesuffix("_start"))
        return None
    with worded_errors():
        try:
            return task.future.result()
        except CancelledError:
            words = f"{task.title}: stopped. Start it again when you like."
            st.info(plain(words), icon=":material/block:")
    return None


def start(key: Hashable, title: str, unit: str, work: Callable[..., Any]) -> None:
    """Begin work under a key, unless it is under way or done already.

    Parameters
    ----------
    key : hashable
        All that the result depends on.
    title : str
        For people.
    unit : str
        What progress counts: frames, regions.
    work : callable (*, progress, cancel) -> result
        Must not touch streamlit; calls ``progress(done, total)``, which may raise
        `CancelledError`, or looks at the event `cancel`.
    """
    tasks, _ = _store()
    task = tasks.get(key)
    if task is None or task.failed:
        while len(tasks) >= _KEPT:
            idle = next((name for name, one in tasks.items() if not one.busy), None)
            if idle is None:
                break
            tasks.pop(idle, None)
        tasks[key] = _Task(title, unit, work)


def discard(key: Hashable) -> None:
    """Drop the result under a key; work at it is stopped."""
    task = _store()[0].pop(key, None)
    if task is not None:
        task.cancel.set()


def _show(key: Hashable, name: str) -> None:
    """Draw the bar of work under way; when it ends, the page is drawn anew."""
    task = _store()[0].get(key)
    if task is None or not task.busy:
        st.rerun()
    share = task.pace.done / task.pace.total if task.pace.total else 0.0
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(min(share, 1.0), plain(f"{task.title}: {task.words}"))
        st.button(
            "Cancel",
            key=f"cancel_{name}",
            icon=":material/stop_circle:",
            type="tertiary",
            disabled=task.cancel.is_set(),
            on_click=_stop,
            args=(task,),
        )


def _stop(task: _Task) -> None:
    task.cancel.set()
    task.future.cancel()


@st.cache_resource(max_entries=1, show_spinner=False)
def _store() -> tuple[dict[Hashable, _Task], ThreadPoolExecutor]:
    """All tasks, and one worker: two side by side would share the same cores."""
    return {}, ThreadPoolExecutor(1, thread_name_prefix="hnn-work")
