"""Foreign errors of a training in our words, in one place."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from hnn_core.exceptions import DiskFullError, ShortOfMemoryError
from hnn_core.training.config import TrainConfig

__all__ = ["told_errors"]

_SHORT = ("not enough memory", "out of memory", "can't allocate memory", "cannot allocate memory")


@contextmanager
def told_errors(config: TrainConfig) -> Iterator[None]:
    """Turn a full disk and a lack of memory into sentences that say what to do.

    Raises
    ------
    DiskFullError, ShortOfMemoryError
    """
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _short_of_memory(config) from error
    except RuntimeError as error:
        if any(words in str(error).lower() for words in _SHORT):
            raise _short_of_memory(config) from error
        raise
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise DiskFullError(
            f"The disk is full ({error.filename or 'writing the run'}); make room and resume: the "
            "last checkpoint is whole."
        ) from error


def _short_of_memory(config: TrainConfig) -> ShortOfMemoryError:
    return ShortOfMemoryError(
        f"A batch does not fit into memory: switch recompute on (now {config.recompute}), lower "
        f"batch (now {config.batch}), raise run_hours (now {config.run_hours}) so that more frames "
        f"are shared, or choose a larger patch (now {config.patch}) or precision bf16."
    )
