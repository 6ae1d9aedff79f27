"""Reads JSON with megabytes of base64 in it without holding the interpreter for long.

`json.loads` of four pictures holds Python's lock, and so the event loop, for 80 ms, thread or
no thread. Long plain strings are cut out first, by quotation marks, and only the small rest is
parsed; each cut string is handed back as the bytes that it was.
"""

from __future__ import annotations

import json
import secrets
from typing import Any

BULKY = 64 << 10
"""Bytes from which a string is cut out."""
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=:;,")


class Bulky:
    """A parsed body. `text(value)` gives back the bytes that stand for a cut string."""

    def __init__(self, body: bytes) -> None:
        """Raises ValueError as json.loads does."""
        self._mark = secrets.token_hex(8)
        self._cut: list[bytes] = []
        self.value: Any = json.loads(self._without_bulk(body))

    def text(self, value: Any) -> bytes | None:
        """A string of the parsed value as bytes; None when it is no string."""
        if not isinstance(value, str):
            return None
        if value.startswith(self._mark):
            return self._cut[int(value[len(self._mark) :])]
        return value.encode("utf-8", "replace")

    def _without_bulk(self, body: bytes) -> bytes:
        """The body with a mark in the place of each long string."""
        kept: list[bytes] = []
        start, at = 0, body.find(b'"')
        while at != -1:
            end = body.find(b'"', at + 1)
            if end == -1:
                break
            # So long a run without a quotation mark can only be the inside of a string.
            opens = body[at - 1 : at] != b"\\"  # not a quotation mark inside a string
            if end - at > BULKY and opens and _plain(body[at + 1 : end]):
                kept += [body[start : at + 1], f"{self._mark}{len(self._cut)}".encode()]
                self._cut.append(body[at + 1 : end])
                start = end
            at = end
        return b"".join([*kept, body[start:]])


def _plain(run: bytes) -> bool:
    """Whether the run needs no unescaping and begins like base64 or a data: URL."""
    return b"\\" not in run and _PLAIN.issuperset(run[:64])
