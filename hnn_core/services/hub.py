"""One file of a repository on the Hugging Face hub, or one clear sentence."""

from pathlib import Path

from httpx2 import HTTPError  # the hub client's own transport and errors
from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RemoteEntryNotFoundError,
)

from hnn_core.exceptions import ModelError, UnknownModelError

__all__ = ["hub_file"]

_PATIENCE_S = 10.0
"""Seconds to wait for the hub's first answer."""


def hub_file(repository: str, name: str) -> Path:
    """Download a file of a hub repository, or take it from the hub's cache.

    Parameters
    ----------
    repository : str
        Hub id such as ``"group/model"``.
    name : str
        File in it, such as ``"config.json"``.

    Returns
    -------
    Path
        In the hub's cache. With no network, the cached file of an earlier download.

    Raises
    ------
    ModelError
        If the repository has no such file.
    UnknownModelError
        If there is no such repository, or no network and nothing in the cache.
    """
    try:
        return Path(
            hf_hub_download(
                repo_id=repository,
                filename=name,
                local_files_only=not _reachable(repository, name),
            )
        )
    except RemoteEntryNotFoundError as error:
        raise ModelError(f"The hub's {repository} has no {name}.") from error
    except LocalEntryNotFoundError as error:
        raise UnknownModelError(
            f"The Hugging Face hub cannot be reached, and {repository} is not in its cache."
        ) from error
    except (HTTPError, OSError, HFValidationError) as error:
        raise UnknownModelError(
            f"The Hugging Face hub gives no {repository} ({type(error).__name__})."
        ) from error


def _reachable(repository: str, name: str) -> bool:
    """Whether the hub answers at all, found out once.

    The download's own retries take half a minute to find out that there is no network.
    """
    try:
        get_hf_file_metadata(hf_hub_url(repository, name), timeout=_PATIENCE_S)
    except (HfHubHTTPError, HFValidationError):
        return True  # an answer, if not the one hoped for: the download's own error is shown
    except (HTTPError, OSError):
        return False
    return True
