"""Understanding replies as the services really send them."""

import json
from typing import Any

from hnn_core.exceptions import TransientReplyError
from hnn_core.services.transport import Reply

__all__ = ["is_html", "read_json", "read_json_or_nothing", "read_text"]


def is_html(reply: Reply) -> bool:
    """Whether a reply is a web page, as error pages with status 200 are."""
    return reply.content[:512].lstrip().lower().startswith((b"<!doctype html", b"<html"))


def read_json(reply: Reply) -> Any:
    """Parse a reply that must be JSON.

    Raises
    ------
    TransientReplyError
        It is empty, ``null``, a web page, or not JSON.
    """
    value = read_json_or_nothing(reply)
    if value is None:
        raise TransientReplyError("an empty answer")
    return value


def read_json_or_nothing(reply: Reply) -> Any:
    """Parse a reply that is JSON or says nothing: an empty body and ``null`` are None.

    Raises
    ------
    TransientReplyError
        It is a web page, or not JSON.
    """
    if not reply.content.strip():
        return None
    if is_html(reply):
        raise TransientReplyError("a web page in place of data")
    try:
        return json.loads(reply.content.decode("utf-8", errors="replace"))
    except ValueError as error:
        raise TransientReplyError("an answer that is not JSON") from error


def read_text(reply: Reply) -> str:
    """Return a reply that must be a text table.

    Raises
    ------
    TransientReplyError
        It is empty or a web page.
    """
    if not reply.content.strip():
        raise TransientReplyError("an empty answer")
    if is_html(reply):
        raise TransientReplyError("a web page in place of data")
    return reply.text
