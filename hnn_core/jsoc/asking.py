"""The field's client for JSOC, drms, over this program's own way of asking."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hnn_core.exceptions import BlockedError, RefusedError, ServiceError, TransientReplyError
from hnn_core.jsoc.quiet_drms import HttpJsonClient, drms
from hnn_core.services.endpoints import jsoc_url
from hnn_core.services.reading import read_json
from hnn_core.services.transport import Reply

__all__ = ["JsonClient", "blocked", "drms_client", "jsoc_words", "refusal", "status_of"]

_BLOCKED = ("blocked", "has been banned", "not allowed to access")

_QUERY = re.compile(r"\?\S+")


@dataclass(frozen=True)
class _Answer:
    """What drms expects of a request."""

    data: Any


class JsonClient(HttpJsonClient):
    """Makes drms's addresses and asks them through `ask`.

    drms's own requests have no retries, no end to waiting, and take an error page for data.
    """

    def __init__(
        self, server: drms.ServerConfig, ask: Callable[[str, Callable[[Reply], Any]], Any]
    ) -> None:
        super().__init__(server)
        self._ask = ask

    def rs_list(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """List a record set.

        Raises
        ------
        RefusedError, BlockedError
            JSOC says that it will not, which it does with HTTP status 200.
        """
        answer = super().rs_list(*args, **kwargs)
        if status_of(answer) != 0:
            raise refusal(answer)
        return answer

    def _json_request(self, url: str) -> _Answer:
        try:
            return _Answer(self._ask(url, _read_object))
        except ServiceError as error:
            # Queries are pages long, and an export's holds the e-mail address.
            words = _QUERY.sub("", str(error))
            raise type(error)(words) from error.__cause__


def drms_client(ask: Callable[[str, Callable[[Reply], Any]], Any]) -> tuple[Any, JsonClient]:
    """Return drms's client and the part of it that asks, for the server that is configured."""
    base = jsoc_url()
    server = drms.ServerConfig(
        name="JSOC",
        cgi_baseurl=f"{base}cgi-bin/ajax/",
        cgi_show_series="show_series",
        cgi_jsoc_info="jsoc_info",
        cgi_jsoc_fetch="jsoc_fetch",
        cgi_check_address="checkAddress.sh",
        cgi_show_series_wrapper="showextseries",
        show_series_wrapper_dbhost="hmidb2",
        http_download_baseurl=base,
    )
    client = drms.Client(server=server)
    client._json = JsonClient(server, ask)
    return client, client._json


def status_of(answer: dict[str, Any]) -> int:
    """Return an answer's status, which is a number or its text; -1 where there is none."""
    try:
        return int(answer["status"])
    except (KeyError, TypeError, ValueError):
        return -1


def jsoc_words(answer: dict[str, Any]) -> str:
    """Return what JSOC says of an error, in one line."""
    text = answer.get("error") or answer.get("msg") or f"status {answer.get('status')}"
    return " ".join(str(text).split())[:300].rstrip(".")


def blocked(answer: dict[str, Any]) -> bool:
    """Whether JSOC says that this user may not ask any more."""
    words = jsoc_words(answer).lower()
    return any(sign in words for sign in _BLOCKED)


def refusal(answer: dict[str, Any]) -> RefusedError:
    """Make the error for an answer that refuses; a blocked user is told so."""
    words = jsoc_words(answer)
    if blocked(answer):
        return BlockedError(
            f"JSOC has blocked this user or machine ({words}); write to JSOC's help before asking "
            "again."
        )
    return RefusedError(f"JSOC refuses the question: {words}.")


def _read_object(reply: Reply) -> dict[str, Any]:
    value = read_json(reply)
    if not isinstance(value, dict):
        raise TransientReplyError("an answer of another form")
    return value
