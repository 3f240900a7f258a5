"""A fetch whose disk fails at any of its steps: whole files only, the rest later."""

import errno
import re

import pytest

from hnn_core.jsoc.files import cache_home
from hnn_core.storage import fault_words
from tests.support.failing_disk import at_every_step
from tests.support.jsoc_fetching import emulator, fetch, files, undisturbed, whole

__all__ = ["emulator", "undisturbed"]


@pytest.mark.slow
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_whole_files_only_and_the_rest_later(tmp_path, emulator, undisturbed, code):
    words = {
        errno.ENOSPC: r"disk of \S+ is full; make room and run the same command again",
        errno.EIO: "disk or network drive is failing",
    }[code]

    def after(folder, error):
        assert re.search(words, fault_words(error)), repr(error)
        assert not list(folder.rglob("*.part"))
        assert files(cache_home()).items() <= undisturbed.items()
        fetch()
        whole(undisturbed)

    assert at_every_step(tmp_path, lambda _: fetch(), after, code=code, every=3) > 20
