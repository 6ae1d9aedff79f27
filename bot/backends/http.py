"""One careful HTTP client for all painters.

A permit before every request that spends a quota; timeouts and size bounds on everything;
foreign errors (aiohttp, TLS, JSON, status codes) translated once, into ours.
"""

from __future__ import annotations

import asyncio
import base64
import json
import math
import random
import ssl
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from types import SimpleNamespace
from typing import Any

import aiohttp

from bot.backends.quota import Permit, Priority, Quota, Quotas
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
from bot.throttle import Brake

CONNECT_SECONDS = 10.0
CONNECT_SHARE = 0.8
SMALL_BYTES = 16 << 20
"""Bound for listings (a LoRA list with its metadata can hold megabytes)."""
LARGE_BYTES = 256 << 20
"""Bound for answers with pictures in them: ten of 2048×2048 as base64 fit."""
LONGEST_WAIT = 600.0
"""Seconds: more than this is not believed of a Retry-After."""
TOO_LARGE = "The picture is too large for the image server. Try a smaller one."
QUESTION_TRIES = 3
PATIENCE = 10.0
"""Seconds: a question that was refused is asked again only if that may be done so soon."""


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
    """The connection to one image server; the base URL's path is kept.

    Each request spends a permit of `quota`; without one, the settings' own is made.
    """

    def __init__(self, settings: BackendSettings, quota: Quota | None = None) -> None:
        self._settings = settings
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        self._quota = quota or Quotas().of(settings)
        self._brake = Brake()

    async def get(self, path: str, *, timeout: float = 15.0, fresh: bool = False) -> Answer:
        """A listing or a state. `timeout` is in seconds, for the whole answer.

        A `fresh` connection tells a host that is gone from one that is slow to answer.
        """
        return await self._ask("GET", path, None, timeout, fresh=fresh)

    def held(self) -> float:
        """Seconds for which this server wants no pictures, because it said that it is busy."""
        return self._brake.wait(time.monotonic())

    async def post(
        self,
        path: str,
        body: object,
        *,
        timeout: float = 15.0,
        generating: bool = False,
        fresh: bool = False,
    ) -> Answer:
        """A JSON body. `generating` calls get a fresh connection and the large bound.

        A `fresh` one, because a kept-alive connection that the server closed after an earlier
        error resets the next POST, which must not be repeated blindly (sdapi trap 21).
        """
        data = _json(body)
        if generating:
            return await self._submit(path, data, timeout, fresh=True)
        return await self._ask("POST", path, data, timeout, fresh=fresh)

    async def submit(self, path: str, body: object, *, timeout: float = 15.0) -> Answer:
        """A generating call that is answered at once and may be repeated, over a kept connection.

        Its JSON has ASCII escapes, so that its size is what a queue behind it counts.
        """
        return await self._submit(path, json.dumps(body).encode("ascii"), timeout, fresh=False)

    async def close(self) -> None:
        """Closes the connections."""
        for session in self._sessions.values():
            await session.close()

    async def _submit(self, path: str, data: bytes, timeout: float, *, fresh: bool) -> Answer:
        """Refused, it is not sent again here: the job keeps its place in line, and waits there."""
        if rest := self._brake.wait(time.monotonic()):
            await asyncio.sleep(rest)
        with await self._quota.permit(Priority.SUBMISSION) as permit:
            answer = await self._send(
                permit, "POST", path, data, timeout=timeout, bound=LARGE_BYTES, fresh=fresh
            )
        if self._refused(answer, permit):
            return answer
        if answer.status == 503 and math.isinf(self._quota.rate):
            # Busy, but not counting (KoboldCpp, sdapi 10): another backend may take the next.
            self._brake.slow(time.monotonic(), permit.given, None, random.random())
        else:
            self._brake.eased(permit.given)
        return answer

    async def _ask(
        self, method: str, path: str, data: bytes | None, timeout: float, *, fresh: bool = False
    ) -> Answer:
        """What was refused was not done, so it is safe to ask once more."""
        for tries in range(1, QUESTION_TRIES + 1):
            with await self._quota.permit(Priority.QUESTION) as permit:
                answer = await self._send(
                    permit, method, path, data, timeout=timeout, bound=SMALL_BYTES, fresh=fresh
                )
            refused = self._refused(answer, permit)
            if not refused or tries == QUESTION_TRIES or self._quota.held() > PATIENCE:
                break
        return answer

    def _refused(self, answer: Answer, permit: Permit) -> bool:
        """Whether the quota was overspent; it hears of it, and of what went well."""
        limited = answer.retry_after is not None or not math.isinf(self._quota.rate)
        counted = answer.status == 503 and limited
        if answer.status == 429 or counted:
            self._quota.slow(answer.retry_after, permit)
            return True
        self._quota.eased(permit)
        return False

    async def _send(
        self,
        permit: Permit,
        method: str,
        path: str,
        data: bytes | None,
        *,
        timeout: float,
        bound: int,
        fresh: bool = False,
    ) -> Answer:
        headers = {} if data is None else {"Content-Type": "application/json"}
        if fresh:
            headers["Connection"] = "close"
        try:
            async with self._open_session(fresh).request(
                method,
                self._settings.url + path,
                data=data,
                headers=headers,
                # Within the whole: no connection is another thing than no answer.
                timeout=aiohttp.ClientTimeout(
                    total=timeout, connect=min(CONNECT_SECONDS, timeout * CONNECT_SHARE)
                ),
                allow_redirects=False,
                trace_request_ctx=permit,
            ) as response:
                whole = await _bounded(response, bound)
                wait = _seconds(response.headers.get("Retry-After"))
                return Answer(response.status, response.content_type, whole, wait)
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

    def _open_session(self, fresh: bool) -> aiohttp.ClientSession:
        if fresh not in self._sessions:
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
            # No limit: a request that has its permit must not wait for a connection, or many
            # would leave at once later. `concurrency` bounds them.
            # The header alone is not enough: the request would go over a connection that is kept.
            connector = aiohttp.TCPConnector(ssl=self._tls(), limit=0, force_close=fresh)
            tracing = aiohttp.TraceConfig()
            tracing.on_request_headers_sent.append(_left)
            self._sessions[fresh] = aiohttp.ClientSession(
                connector=connector, headers=headers, trace_configs=[tracing]
            )
        return self._sessions[fresh]

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


async def _left(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    """Now it is connected and sends: a quota is spent from here on."""
    context.trace_request_ctx.left()


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
    if status == 413:
        raise BackendRefused(reason, sentence=TOO_LARGE)
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
