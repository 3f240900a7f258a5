"""The gateway api.nasa.gov before DONKI: a key with every request, so many requests an hour."""

import json

from tests.emulators.answers import Answer, Request
from tests.emulators.donki import Donki

__all__ = ["Nasa"]


class Nasa:
    """Lets requests through that hold a known key, as long as the hour's are not used up."""

    def __init__(self, donki: Donki) -> None:
        self.donki = donki
        self.keys = {"a-key-of-the-tests"}
        self.left = 1000
        """Requests left in this hour."""

    def answer(self, request: Request) -> Answer:
        key = request.args.get("api_key")
        if key not in self.keys:
            missing = ("API_KEY_INVALID", "An invalid api_key was supplied.")
            return _error(403, *(missing if key else ("API_KEY_MISSING", "No api_key.")))
        if self.left <= 0:
            words = "You have exceeded your rate limit."
            return _error(429, "OVER_RATE_LIMIT", words, {"Retry-After": "1800"})
        self.left -= 1
        return self.donki.answer(request)


def _error(status: int, code: str, words: str, headers: dict[str, str] | None = None) -> Answer:
    body = json.dumps({"error": {"code": code, "message": words}}).encode()
    return Answer(body, "application/json", status, headers or {})
