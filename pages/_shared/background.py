"""Work that takes longer than a person waits.

It goes on beside the page, shows how far it is, can be cancelled, and its result is kept for
everyone who asks the same.
"""

import logging
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from hnn_core.exceptions import HnnError
from hnn_core.explanation.work import Pace
from hnn_core.live.reporting import duration

__all__ = ["Task", "busy", "finished", "forget", "start", "wait_for"]

_log = logging.getLogger(__name__)
_REFRESH_S = 1.0
_KEPT = 24
"""Results kept: of tables and maps, up to some 10 MB each."""


@dataclass
class Task:
    """One computation, its progress, and the flag that stops it."""

    title: str
    unit: str
    """What is counted: frames, regions."""
    cancel: threading.Event = field(default_factory=threading.Event)
    pace: Pace = field(default_factory=Pace)
    future: "Future[Any] | None" = None

    def tell(self, done: int, total: int) -> None:
        """Take down how far the work is; stop it if that is wanted."""
        self.pace(done, total)
        if self.cancel.is_set():
            raise CancelledError(f"Stopped after {done} of {total} {self.unit}.")

    @property
    def share(self) -> float:
        """Of the work that is done, 0 to 1."""
        return self.pace.done / self.pace.total if self.pace.total else 0.0

    @property
    def busy(self) -> bool:
        """Whether it is at work, or waits for its turn."""
        return self.future is not None and not self.future.done()

    @property
    def words(self) -> str:
        """How far it is: ``3 of 16 regions, about 20 s left``."""
        if self.cancel.is_set():
            return "stopping …"
        if not self.pace.total:
            at_work = self.future is not None and self.future.running()
            return "begins …" if at_work else "waits for its turn …"
        words = f"{self.pace.done:,} of {self.pace.total:,} {self.unit}"
        left = self.pace.seconds_left
        if left > 0.0:  # not NaN, and not done
            words += f", about {duration(left)} left"
        return words


def start(key: Hashable, title: str, unit: str, work: Callable[[Task], Any]) -> Task:
    """Begin work under a key, unless it is at work or done already.

    Parameters
    ----------
    key : hashable
        All that the result depends on.
    title : str
        For people.
    unit : str
        What `Task.tell` counts.
    work : callable (Task) -> result
        Must not touch streamlit; calls `Task.tell`, or hands on `Task.cancel`.
    """
    tasks, pool = _store()
    task = tasks.get(key)
    if task is None or (not task.busy and _failed(task)):
        while len(tasks) >= _KEPT:
            idle = next((name for name, one in tasks.items() if not one.busy), None)
            if idle is None:
                break
            tasks.pop(idle, None)
        task = Task(title, unit)
        task.future = pool.submit(_run, work, task)
        tasks[key] = task
    return task


def _run(work: Callable[[Task], Any], task: Task) -> Any:
    task.pace(0, 0)  # the clock starts with the work, not with the first step done
    return work(task)


def finished(key: Hashable) -> Any:
    """Return the result under a key; None while there is none."""
    task = _store()[0].get(key)
    if task is None or task.busy or _failed(task) or task.future is None:
        return None
    return task.future.result()


def busy(key: Hashable) -> bool:
    """Whether work under a key is going on, or waits for its turn."""
    task = _store()[0].get(key)
    return task is not None and task.busy


def forget(key: Hashable) -> None:
    """Drop what is known under a key; work at it is told to stop."""
    task = _store()[0].pop(key, None)
    if task is not None:
        task.cancel.set()


def wait_for(key: Hashable, name: str) -> Any:
    """Return the result under a key; else draw progress, or why there is no result, and None.

    Parameters
    ----------
    key : hashable
        Nothing is drawn if there is no work under it.
    name : str
        For the widgets' keys.
    """
    task = _store()[0].get(key)
    if task is None:
        return None
    if task.busy:
        st.fragment(_show, run_every=_REFRESH_S)(key, name)
        return None
    fault = task.future.exception() if task.future and not task.future.cancelled() else None
    if (task.future and task.future.cancelled()) or isinstance(fault, CancelledError):
        st.info(f"{task.title}: stopped. Start it again when you like.", icon=":material/block:")
        return None
    if isinstance(fault, HnnError):
        st.error(str(fault), icon=":material/error:")
        return None
    if fault is not None:
        _log.error("Unexpected error in %s", task.title, exc_info=fault)
        st.error(
            f"{task.title}: something went wrong that should not ({type(fault).__name__}). The "
            "server's log tells more.",
            icon=":material/bug_report:",
        )
        return None
    return task.future.result() if task.future else None


def _show(key: Hashable, name: str) -> None:
    """Draw the bar of work under way; when it ends, the page is drawn anew."""
    task = _store()[0].get(key)
    if task is None or not task.busy:
        st.rerun()
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(min(task.share, 1.0), f"{task.title}: {task.words}")
        st.button(
            "Cancel",
            key=f"cancel_{name}",
            icon=":material/stop_circle:",
            type="tertiary",
            disabled=task.cancel.is_set(),
            on_click=_stop,
            args=(task,),
        )


def _stop(task: Task) -> None:
    task.cancel.set()
    if task.future is not None:
        task.future.cancel()


def _failed(task: Task) -> bool:
    future = task.future
    return (
        future is None or future.cancelled() or (future.done() and future.exception() is not None)
    )


@st.cache_resource(max_entries=1, show_spinner=False)
def _store() -> tuple[dict[Hashable, Task], ThreadPoolExecutor]:
    """All tasks, and one worker: two side by side would share the same cores."""
    return {}, ThreadPoolExecutor(1, thread_name_prefix="hnn-work")
