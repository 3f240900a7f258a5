"""drms, imported so that it does not set up the log of the whole program."""

import logging

_root = logging.getLogger()
_placeholder = logging.NullHandler()
_root.addHandler(_placeholder)
# On its import drms calls logging.basicConfig, which does nothing where there is a handler already.
import drms  # noqa: E402
from drms.json import HttpJsonClient  # noqa: E402

_root.removeHandler(_placeholder)
# An export's address holds the e-mail address, which is for JSOC and for no log.
logging.getLogger("httpx2").setLevel(logging.WARNING)

__all__ = ["HttpJsonClient", "drms"]
