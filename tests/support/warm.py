"""Commands in processes that are forked from one which has imported what they need.

A training that starts anew spends most of a small test on the import of torch and Lightning.
"""

import multiprocessing
import os
import sys
from multiprocessing.process import BaseProcess
from pathlib import Path

from tests.conftest import ROOT

__all__ = ["start"]

_WARM = multiprocessing.get_context("forkserver")


def start(words: list[str], log: Path) -> BaseProcess:
    """Start a command of hnn_core with this environment; what it prints goes to a file."""
    _WARM.set_forkserver_preload(["hnn_core.__main__", "hnn_core.training.fit"])
    process = _WARM.Process(target=_run, args=(words, str(log), dict(os.environ)))
    process.start()
    return process


def _run(words: list[str], log: str, environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    stream = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(stream, 1)
    os.dup2(stream, 2)
    from hnn_core.__main__ import main

    sys.exit(main(words))
