"""A recording of all that the bot asked, for a checker to read.

JSON Lines, one line a REST request, flushed as it is written; beside them one line for each
INTERACTION_CREATE sent and one for each answer given (`RESPONSE`). One clock gives every `t`.
"""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path
from typing import IO

from aiohttp import web

from bot.demo.discord.bodies import Body
from bot.demo.discord.clock import Clock
from bot.demo.discord.wire import Json

KEPT_LINES = 20_000


class Recorder:
    """Writes to `path` when there is one, and keeps the last 20,000 lines in memory."""

    def __init__(self, clock: Clock, path: Path | None) -> None:
        self._clock = clock
        self._path = path
        self._file: IO[str] | None = None
        self._number = 0
        self.lines: deque[Json] = deque(maxlen=KEPT_LINES)

    def open(self) -> None:
        """Begin a new recording, over an older one."""
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("w", encoding="utf-8")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    @property
    def requests(self) -> list[Json]:
        """The recorded REST requests, oldest first."""
        return [line for line in self.lines if "method" in line]

    @property
    def responses(self) -> list[Json]:
        """What each request was answered: `n` of the request, `status`, Discord's `code`."""
        return [line for line in self.lines if line.get("event") == "RESPONSE"]

    def request(self, request: web.Request, path: str, body: Body, arrived: float) -> int:
        """Record one request; returns its number."""
        self._number += 1
        line: Json = {
            "n": self._number,
            "t": round(arrived, 4),
            "method": request.method,
            "path": path,
            "query": dict(request.query),
            "headers": _headers(request),
        }
        if body.data is not None:
            line["payload_json" if body.form else "json"] = body.data
        if body.files:
            line["files"] = [
                {
                    "field": upload.field,
                    "name": upload.filename,
                    "size": len(upload.data),
                    "content_type": upload.content_type,
                }
                for upload in body.files
            ]
        self._write(line)
        return self._number

    def response(self, number: int, status: int | str, code: int | None) -> None:
        """Record how request `number` was answered (a status, `reset` or `hang`)."""
        line: Json = {"event": "RESPONSE", "t": self._now(), "n": number, "status": status}
        self._write(line if code is None else line | {"code": code})

    def interaction(self, payload: Json) -> None:
        """Record one INTERACTION_CREATE as it is sent."""
        kept = ("id", "token", "type", "attachment_size_limit", "authorizing_integration_owners")
        line: Json = {"event": "INTERACTION_CREATE", "t": self._now()}
        self._write(line | {key: payload[key] for key in kept})

    def _now(self) -> float:
        return round(self._clock.now(), 4)

    def _write(self, line: Json) -> None:
        self.lines.append(line)
        if self._file is not None:
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._file.flush()


def _headers(request: web.Request) -> dict[str, str]:
    """Lower-case names; the token stays out of the recording."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    if (value := headers.get("authorization")) is not None:
        scheme, space, _ = value.partition(" ")
        headers["authorization"] = f"{scheme} ***" if space else "***"
    return headers
