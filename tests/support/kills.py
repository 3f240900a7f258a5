"""A command that is killed at random moments of its work, in processes that are forked for it.

    python -m tests.support.kills SEED KILLS FOLDER COMMAND WORDS…

The command is run undisturbed first, with HNN_HOME and the working folder in FOLDER/whole. Then it
is run over and over in FOLDER/killed, killed KILLS times, and once more to its end. Half of the
kills come after a random part of the processor time that the undisturbed command took (so that a
busy machine changes nothing), the others at one of its changes of names and files. The states of
the files after each kill are written to FOLDER/seen.json.
"""

import hashlib
import json
import os
import random
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

CHANGES = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate")


def contents(folder: Path) -> dict[str, str]:
    """Sums of the files of a folder, by their names in it; names with a dot in front are drafts."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part[0] == "." for part in path.relative_to(folder).parts)
    }


def forked(
    act: Callable[[], int], place: Path, *, at_change: int = 0, at_second: float = 0.0
) -> tuple[int, float, int]:
    """Run something in a fork, with a kill or without; its status, seconds and changes."""
    (place / "home").mkdir(parents=True, exist_ok=True)
    (place / "work").mkdir(exist_ok=True)
    out, into = os.pipe()
    child = os.fork()
    if not child:
        code = 99
        try:
            os.environ["HNN_HOME"] = str(place / "home")
            os.chdir(place / "work")
            count = _count_changes(place, at_change)
            if at_second:
                # Ends the process as SIGKILL does: nothing of Python hears of it.
                signal.signal(signal.SIGPROF, signal.SIG_DFL)
                signal.setitimer(signal.ITIMER_PROF, at_second)
            code = act()
            used = resource.getrusage(resource.RUSAGE_SELF)
            os.write(into, json.dumps([used.ru_utime + used.ru_stime, count[0]]).encode())
        finally:
            os._exit(code)
    os.close(into)
    _, status = os.waitpid(child, 0)
    with os.fdopen(out) as stream:
        text = stream.read()
    seconds, changes = json.loads(text) if text else (0.0, 0)
    return os.waitstatus_to_exitcode(status), seconds, changes


def _count_changes(place: Path, at_change: int) -> list[int]:
    count, where = [0], str(place)

    def hear(event: str, arguments: tuple) -> None:
        if event not in CHANGES or not str(arguments[0]).startswith(where):
            return
        if event == "open" and not int(arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR):
            return
        count[0] += 1
        if count[0] == at_change:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hear)
    return count


def kill_over_and_over(act: Callable[[], int], folder: Path, seed: int, kills: int) -> None:
    """Do what the module's docstring says."""
    chance = random.Random(seed)
    code, seconds, changes = forked(act, folder / "whole")
    assert code == 0, code
    seen = []
    for number in range(3 * kills):
        if len(seen) == kills:
            break
        # What was done stays done, so that later rounds are shorter: the first come late.
        if number % 2:
            moment = {"at_change": chance.randint(1, changes)}
        else:
            moment = {"at_second": chance.uniform(0.02, seconds)}
        code, *_ = forked(act, folder / "killed", **moment)
        if code < 0:
            seen.append(contents(folder / "killed"))
        else:
            assert code == 0, code
            _start_anew(folder / "killed", number)
    assert len(seen) == kills, len(seen)
    assert forked(act, folder / "killed")[0] == 0
    (folder / "seen.json").write_text(json.dumps(seen))


def _start_anew(place: Path, number: int) -> None:
    place.rename(place.with_name(f"done-{number}"))


def _main(words: list[str]) -> None:
    import hnn_core.storage

    # The time of day stands in what is made.
    hnn_core.storage.now = lambda: "2026-01-01T00:00:00Z"
    from analysis.__main__ import main as analyse
    from hnn_core.__main__ import main

    seed, kills, folder, command, *rest = words
    program = {"analysis": analyse, "hnn_core": main}[command]
    for module in ("torch", "zarr", "hnn_core.dataset.build", "hnn_core.sources.fits_folder"):
        __import__(module)
    kill_over_and_over(lambda: program(rest), Path(folder), int(seed), int(kills))


if __name__ == "__main__":
    _main(sys.argv[1:])
