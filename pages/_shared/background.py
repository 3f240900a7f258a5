"""Work that takes longer than a person waits.

It runs next to the page, shows how far it is, can be cancelled by whom it was started or who may
write here, and its result is kept for everyone who requests the same. A session that may not write
has one piece of work under way at a time, and all of these together have a few.

Work at rest (`at_rest`) begins by itself while a person looks at one thing, gives way to everything
else, and ends when that person moves on or leaves.
"""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from hnn_core.exceptions import HnnError
from hnn_core.explanation.work import Pace
from hnn_core.live.reporting import duration
from pages._shared.access import writes_refused
from pages._shared.messages import plain, worded_errors

__all__ = ["Found", "at_rest", "discard", "discard_refused", "kept", "offer", "start"]

_log = logging.getLogger(__name__)

_REFRESH_S = 1.0
_MOST_WINDOWS = 400
"""Of one piece of work of a visitor: less than a minute for slopes."""
_MOST_OF_VISITORS = 6
"""Pieces of work under way of sessions that may not write: sessions are had for nothing."""
_KEPT = 24
"""Results kept: of tables and maps, up to some 10 MB each."""
_KEPT_AT_REST = 192
"""Of work at rest: some 20 kB each."""
_LEFT_S = 5.0
"""Since a session last looked for its work at rest: it has moved on."""
_YIELD = 10
"""Added to the nice value of the thread that works at rest, and of those it starts. More would let
it hold the interpreter's lock for long while it waits for a core."""


class _Task:
    """One computation, its progress, and the flag that stops it."""

    def __init__(self, title: str, unit: str, work: Callable[..., Any], owner: str) -> None:
        self.title, self.unit, self.owner = title, unit, owner
        self.of_visitor = bool(writes_refused())
        self.cancel = threading.Event()
        self.pace = Pace()
        self.future: Future[Any] = self._pool().submit(self._run, work)

    def _pool(self) -> ThreadPoolExecutor:
        return _store()[1]

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


class _RestTask(_Task):
    """One computation that lasts as long as somebody looks for it."""

    def __init__(self, title: str, unit: str, work: Callable[..., Any], owner: str) -> None:
        self.seen = time.monotonic()
        super().__init__(title, unit, work, owner)

    def _pool(self) -> ThreadPoolExecutor:
        return _rest()[1]

    def _run(self, work: Callable[..., Any]) -> Any:
        self._progress(0, 0)  # while it waited for its turn its session may have left
        try:
            return super()._run(work)
        except (HnnError, CancelledError):
            raise
        except Exception:
            _log.exception("Unexpected error in work at rest")
            raise

    def _progress(self, done: int, total: int) -> None:
        if time.monotonic() - self.seen > _LEFT_S:
            raise CancelledError("Nobody looks at this any more.")
        super()._progress(done, total)

    @property
    def left(self) -> bool:
        """Whether it ended because nobody looked, so that it may begin anew."""
        return (
            self.failed
            and not self.cancel.is_set()
            and isinstance(self.future.exception(), CancelledError)
        )


@dataclass(frozen=True)
class Found:
    """What work at rest has come to."""

    result: Any = None
    busy: bool = True
    """Under way, or to begin."""
    words: str = ""
    """How far it is, or why there is no result."""


def at_rest(
    key: Hashable, works: Mapping[Hashable, tuple[str, str, Callable[..., Any]]], *, begin: bool
) -> list[Found]:
    """Return what has come of works that begin by themselves, one at a time on this server.

    What this session began for another key is stopped: between two steps of its progress.

    Parameters
    ----------
    key : hashable
        What the person looks at.
    works : mapping
        By all that a result depends on: title, unit and work as of `start`, which is not
        done again where there is a result, and not begun where it was cancelled by hand.
    begin : bool
        Whether the person has been at rest.
    """
    if os.environ.get("HNN_CHECKS_AT_REST", "1") == "0":
        off = Found(busy=False, words="This server computes it when it is pressed for.")
        return [off if (found := kept(one)) is None else Found(found, busy=False) for one in works]
    tasks, _ = _rest()
    before, mine = st.session_state.get("at_rest", (key, ()))
    if before != key:
        for one in set(mine) - set(works):
            task = tasks.get(one)
            if task is not None and task.busy and task.owner == _session():
                _stop(task)
                tasks.pop(one, None)
    st.session_state["at_rest"] = (key, tuple(works))
    return [_found(one, *work, begin=begin) for one, work in works.items()]


def _found(key: Hashable, title: str, unit: str, work: Callable[..., Any], *, begin: bool) -> Found:
    tasks, _ = _rest()
    task = _task(key)
    if isinstance(task, _RestTask):
        task.seen = time.monotonic()
        task = None if task.left else task
    if task is None and begin:
        while len(tasks) >= _KEPT_AT_REST:
            tasks.pop(next(iter(tasks)), None)
        task = tasks[key] = _RestTask(title, unit, work, _session())
    if task is None:
        return Found()
    if task.busy:
        return Found(words=task.words)
    if not task.failed:
        return Found(task.future.result(), busy=False)
    error = None if task.future.cancelled() else task.future.exception()
    if isinstance(error, HnnError):
        return Found(busy=False, words=str(error))
    if task.cancel.is_set() or error is None:
        return Found(busy=False, words="It was cancelled.")
    return Found(busy=False, words=f"Something went wrong here ({type(error).__name__}).")


def kept(key: Hashable) -> Any:
    """Return the result of work under a key, if there is one already, else None."""
    task = _task(key)
    return None if task is None or task.busy or task.failed else task.future.result()


def offer(
    label: str,
    name: str,
    key: Hashable,
    title: str,
    unit: str,
    prepare: Callable[[], Callable[..., Any]],
    *,
    below: str = "",
    windows: int = 0,
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
    windows : int
        As of `start`.
    """
    task = _task(key)
    if task is None or task.failed:
        more = {"icon": ":material/play_arrow:", **more}
        if reason := _start_refused(windows):
            more |= {"disabled": True, "help": plain(reason)}

        def press() -> None:
            if not _start_refused(windows):
                start(key, title, unit, prepare(), windows=windows)

        st.button(label, key=name, on_click=press, **more)
        if reason:
            st.caption(f":material/lock: {plain(reason)}")
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


def start(
    key: Hashable, title: str, unit: str, work: Callable[..., Any], *, windows: int = 0
) -> None:
    """Begin work under a key, unless it is under way or done, or too much for this session.

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
    windows : int
        How many windows of ten hours it measures, if it does; a session that may not write has a
        bound, since others wait for their turn.
    """
    tasks, _ = _store()
    task = _task(key)
    if (task is None or task.failed) and not _start_refused(windows):
        while len(tasks) >= _KEPT:
            idle = next((name for name, one in list(tasks.items()) if not one.busy), None)
            if idle is None:
                break
            tasks.pop(idle, None)
        tasks[key] = _Task(title, unit, work, _session())


def discard(key: Hashable) -> None:
    """Drop the result under a key, if this session may; work at it goes on."""
    tasks, _ = _store()
    task = tasks.get(key)
    if task is not None and not task.busy and not discard_refused(key):
        tasks.pop(key, None)


def discard_refused(key: Hashable) -> str:
    """Return why this session may not drop a result, which everyone sees; empty if it may."""
    task = _store()[0].get(key)
    return _stop_refused(task) if task else ""


def _show(key: Hashable, name: str) -> None:
    """Draw the bar of work under way; when it ends, the page is drawn anew."""
    task = _task(key)
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
            disabled=task.cancel.is_set() or bool(_stop_refused(task)),
            help=plain(_stop_refused(task)) or None,
            on_click=_stop,
            args=(task,),
        )


def _stop(task: _Task) -> None:
    if not _stop_refused(task):
        task.cancel.set()
        task.future.cancel()


def _stop_refused(task: _Task) -> str:
    """Return why this session may not cancel work; empty if it may."""
    return "" if task.owner == _session() else writes_refused()


def _start_refused(windows: int) -> str:
    """Return why this session may not start more work; empty if it may."""
    if not writes_refused():
        return ""
    busy = [task for task in list(_store()[0].values()) if task.busy]
    mine = [task for task in busy if task.owner == _session()]
    if mine:
        return f"{mine[0].title} is under way; wait for its end or cancel it."
    if sum(task.of_visitor for task in busy) >= _MOST_OF_VISITORS:
        return "Other visitors have as much work under way as this server takes; try again later."
    if windows <= _MOST_WINDOWS:
        return ""
    return (
        f"These are {windows:,} windows. For visitors this server measures at most "
        f"{_MOST_WINDOWS}: choose fewer regions, or more hours between windows."
    )


def _task(key: Hashable) -> _Task | None:
    """Return the work under a key, begun by a press or at rest."""
    return _store()[0].get(key) or _rest()[0].get(key)


def _session() -> str:
    """Return the id of this session, which no one else knows."""
    context = get_script_run_ctx()
    return context.session_id if context else ""


@st.cache_resource(max_entries=1, show_spinner=False)
def _store() -> tuple[dict[Hashable, _Task], ThreadPoolExecutor]:
    """All tasks, and one worker: two side by side would share the same cores."""
    return {}, ThreadPoolExecutor(1, thread_name_prefix="hnn-work")


@st.cache_resource(max_entries=1, show_spinner=False)
def _rest() -> tuple[dict[Hashable, _RestTask], ThreadPoolExecutor]:
    """All tasks at rest, and one worker, apart from that of what was pressed for."""
    return {}, ThreadPoolExecutor(1, thread_name_prefix="hnn-rest", initializer=_give_way)


def _give_way() -> None:
    """Let every other thread go first; where threads have no priority of their own, nothing."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _YIELD)
