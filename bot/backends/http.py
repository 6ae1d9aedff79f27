"""One careful HTTP client for all painters.

A permit before every request that spends a quota; timeouts and size bounds on everything;
foreign errors (aiohttp, TLS, JSON, status codes) translated once, into ours.
"""

from __future__ import annotations

import asyncio
import base64
import json
import math
import ssl
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp

from bot.errors import (
    BackendBadAnswer,
    BackendBusy,
    BackendError,
    BackendFailed,
    BackendOutOfMemory,
    BackendRefused,
    BackendRejectedCredentials,
    BackendTimeout,
    BackendUnreachable,
    ConfigurationError,
)
from bot.settings import BackendSettings
from bot.throttle import Throttle

CONNECT_SECONDS = 10.0
SMALL_BYTES = 16 << 20
"""Bound for listings (a LoRA list with its metadata can hold megabytes)."""
LARGE_BYTES = 256 << 20
"""Bound for answers with pictures in them: ten of 2048×2048 as base64 fit."""
LONGEST_WAIT = 600.0
"""Seconds: more than this is not believed of a Retry-After."""


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer. `retry_after` is in seconds, when a busy server said it."""

    status: int
    content_type: str
    body: bytes
    retry_after: float | None = None

    def json(self) -> Any:
        """The body as JSON. Raises BackendBadAnswer, which names what came instead."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            what = self.content_type or "no content type"
            raise BackendBadAnswer(f"{self.status} with {what} instead of JSON") from error


class Http:
    """The connection to one image server; the base URL's path is kept."""

    def __init__(self, settings: BackendSettings) -> None:
        self._settings = settings
        self._session: aiohttp.ClientSession | None = None
        self._throttle = Throttle(settings.rate, settings.burst or 1) if settings.rate else None

    async def get(self, path: str, *, timeout: float = 15.0) -> Answer:
        """A listing or a state. `timeout` is in seconds, for the whole answer."""
        return await self._send("GET", path, None, timeout, SMALL_BYTES, fresh=False)

    async def post(
        self, path: str, body: object, *, timeout: float = 15.0, generating: bool = False
    ) -> Answer:
        """A JSON body. `generating` calls get a fresh connection and the large bound.

        A fresh one, because a kept-alive connection that the server closed after an earlier
        error resets the next POST, which must not be repeated blindly (sdapi trap 21).
        """
        bound = LARGE_BYTES if generating else SMALL_BYTES
        return await self._send("POST", path, body, timeout, bound, fresh=generating)

    async def close(self) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()

    async def _send(
        self, method: str, path: str, body: object, timeout: float, bound: int, *, fresh: bool
    ) -> Answer:
        if self._throttle is not None:
            await asyncio.sleep(self._throttle.reserve(time.monotonic()))
        headers = {} if body is None else {"Content-Type": "application/json"}
        if fresh:
            headers["Connection"] = "close"
        try:
            async with self._open_session().request(
                method,
                self._settings.url + path,
                data=None if body is None else _json(body),
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=timeout, connect=CONNECT_SECONDS),
                allow_redirects=False,
            ) as response:
                data = await _bounded(response, bound)
                wait = _seconds(response.headers.get("Retry-After"))
                return Answer(response.status, response.content_type, data, wait)
        except (aiohttp.InvalidURL, UnicodeError) as error:
            raise BackendUnreachable("its address can't be one") from error
        except aiohttp.ClientConnectorCertificateError as error:
            raise BackendUnreachable(
                f"its certificate is not trusted ({error.certificate_error}); "
                "set ca_file or verify_tls"
            ) from error
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise BackendUnreachable(f"no connection ({type(error).__name__})") from error
        except TimeoutError as error:
            raise BackendTimeout(f"no answer to {method} {path} in {timeout:.0f} s") from error
        except ValueError as error:
            # A header that cannot be sent: a line end that came along with a key.
            raise BackendRejectedCredentials(
                "its user name, password or key holds a character that no header can carry"
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            raise BackendUnreachable(
                f"the connection broke during {method} {path} ({type(error).__name__})", taken=True
            ) from error

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            auth = self._settings.auth
            headers = {"Accept": "application/json"}
            if auth.username is not None and auth.password is not None:
                pair = f"{auth.username}:{auth.password.get_secret_value()}"
                # UTF-8 as RFC 7617 says; a FastAPI server reads ASCII only, see `SdApi.probe`.
                basic = base64.b64encode(pair.encode("utf-8")).decode("ascii")
                headers["Authorization"] = f"Basic {basic}"
            if auth.api_key is not None:
                headers["x-api-key"] = auth.api_key.get_secret_value()
            if auth.bearer is not None:
                headers["Authorization"] = f"Bearer {auth.bearer.get_secret_value()}"
            connector = aiohttp.TCPConnector(ssl=self._tls(), limit=32)
            self._session = aiohttp.ClientSession(connector=connector, headers=headers)
        return self._session

    def _tls(self) -> ssl.SSLContext | bool:
        if not self._settings.verify_tls:
            return False
        if self._settings.ca_file is None:
            return True
        try:
            return ssl.create_default_context(cafile=str(self._settings.ca_file))
        except OSError as error:
            raise ConfigurationError(
                f"backend {self._settings.name}: ca_file can't be read ({error.strerror})"
            ) from error


def _json(body: object) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    except (TypeError, ValueError) as error:
        raise BackendRefused(f"payload: holds a value that JSON can't carry ({error})") from error


async def _bounded(response: aiohttp.ClientResponse, bound: int) -> bytes:
    """The body, or BackendBadAnswer as soon as it is known to be longer than `bound` bytes."""
    if response.content_length is not None and response.content_length > bound:
        response.close()
        raise BackendBadAnswer(f"an answer of {response.content_length} bytes (bound {bound})")
    parts = bytearray()
    async for chunk in response.content.iter_chunked(1 << 18):
        parts += chunk
        if len(parts) > bound:
            response.close()
            raise BackendBadAnswer(f"an answer of more than {bound} bytes")
    return bytes(parts)


def _seconds(header: str | None) -> float | None:
    """Retry-After in seconds, from its number or its date; None when it says neither."""
    if header is None:
        return None
    try:
        wait = float(header)
    except ValueError:
        try:
            wait = parsedate_to_datetime(header).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            return None
    return None if math.isnan(wait) else min(max(0.0, wait), LONGEST_WAIT)


def raise_for_status(answer: Answer) -> None:
    """Turns every status but 2xx into one of our errors, with the server's words for the log."""
    status = answer.status
    if 200 <= status < 300:
        return
    reason = f"{status}: {error_text(answer)}"
    if status in (401, 403):
        raise BackendRejectedCredentials(reason)
    if status in (429, 503):
        raise BackendBusy(reason, retry_after=answer.retry_after)
    if status in (502, 504):
        raise BackendUnreachable(reason, taken=True)
    if "outofmemory" in reason.replace(" ", "").lower():
        raise BackendOutOfMemory(reason)
    if 400 <= status < 500:
        raise BackendRefused(reason)
    raise BackendFailed(reason)


def error_text(answer: Answer) -> str:
    """The human words in an error body, for the log only (they may hold paths of the server).

    The order is that of contracts, sdapi 1: `detail` as text, list or object, then `errors`,
    `message`, `error`, else the first 200 characters.
    """
    start = answer.body[:200].decode("utf-8", "replace").strip() or "no words"
    try:
        body = answer.json()
    except BackendError:
        return start
    if isinstance(body, str):
        return body[:200].strip() or "no words"
    if not isinstance(body, dict):
        return start
    words = [_detail(body.get("detail")), *(_text(body.get(k)) for k in ("errors", "message"))]
    kind = _text(body.get("error"))
    text = next((w for w in words if w), "")
    return ": ".join(w for w in (kind, text) if w)[:500] or start


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _detail(detail: object) -> str:
    if isinstance(detail, dict):
        return _text(detail.get("msg")) or _text(detail.get("error"))
    if isinstance(detail, list):
        return "; ".join(part for part in map(_fault, detail) if part)
    return _text(detail)


def _fault(item: object) -> str:
    """One item of FastAPI's 422: where, and what is wrong there; never its `ctx` or `input`."""
    if not isinstance(item, dict):
        return _text(item)
    where = item.get("loc")
    place = ".".join(str(p) for p in where) if isinstance(where, list) else ""
    return f"{place} {_text(item.get('msg'))}".strip()
