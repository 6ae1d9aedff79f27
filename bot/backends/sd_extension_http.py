"""The two ways out of the extension's painter: to the middleware, and to presigned URLs of S3.

The middleware hears key and user; S3 must never hear either, nor a Content-Type that was not
signed (contracts, aws 2.1 and 2.5).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Final

import aiohttp
import yarl

from bot.backends.http import CONNECT_SECONDS, SMALL_BYTES, Answer, Http
from bot.backends.quota import Priority, Quota
from bot.errors import BackendBadAnswer, BackendError, BackendFailed, BackendUnreachable
from bot.settings import BackendSettings

SUBMIT_SECONDS: Final = 40.0
"""The gateway itself answers 504 after 29 s (aws 2.1)."""
STORE_SECONDS: Final = 120.0
STORE_TRIES: Final = 3
MOST_PARAMETERS: Final = 64 << 20
"""Bytes of a job's parameters, which may repeat the pictures that were sent."""
STORE_PAUSE = 0.3
"""Seconds, doubled with each try: S3 asks for this with 503 SlowDown and 500."""


class Gate(Http):
    """The middleware's gateway, asked as one user."""

    def __init__(self, settings: BackendSettings, quota: Quota, user: str) -> None:
        super().__init__(settings, quota)
        # The first generation reads one, the second the other (aws 2.1).
        base16 = user.encode("utf-8", "replace").hex().upper()
        self._user = {"username": user, "Authorization": f"Bearer {base16}"}

    async def ask(
        self, method: str, path: str, data: bytes | None = None, *, timeout: float = 30.0
    ) -> Answer:
        """A question, or an owner's order; not for what paints."""
        return await self._ask(method, path, data, timeout, fresh=data is not None)

    async def paint(self, method: str, path: str, data: bytes | None = None) -> Answer:
        """A request without which no picture comes: it goes before all questions."""
        with await self._quota.permit(Priority.SUBMISSION) as permit:
            answer = await self._send(
                permit, method, path, data, timeout=SUBMIT_SECONDS, bound=SMALL_BYTES, fresh=True
            )
        self._refused(answer, permit)
        return answer

    def tls(self) -> ssl.SSLContext | bool:
        """How the operator wants certificates to be checked."""
        return self._tls()

    def _open_session(self, fresh: bool) -> aiohttp.ClientSession:
        new = fresh not in self._sessions
        session = super()._open_session(fresh)
        if new:
            session.headers.update(self._user)
            # aiohttp sends a PUT once more by itself when the connection breaks: a second start.
            session._retry_connection = False
        return session


class LinkExpired(BackendFailed):
    """A presigned URL that came too late; the middleware gives another."""

    code = BackendFailed.__name__


class Store:
    """S3, through URLs that carry their own right."""

    def __init__(self, tls: Callable[[], ssl.SSLContext | bool]) -> None:
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def put(self, url: str, data: bytes) -> None:
        """Raises LinkExpired, BackendFailed (S3 says no) and BackendUnreachable."""
        status, body = await self._send("PUT", url, data, SMALL_BYTES)
        if not 200 <= status < 300:
            raise _refusal(status, body)

    async def get(self, url: str, bound: int) -> bytes | None:
        """An object of at most `bound` bytes; None where there is none.

        Raises as `put`, and BackendBadAnswer for a larger one.
        """
        status, body = await self._send("GET", url, None, bound)
        if 200 <= status < 300:
            return body
        hidden = status == 403 and b"AccessDenied" in body and not _expired(body)
        if status == 404 or hidden:  # 403 where the role that signed may not list the bucket
            return None
        raise _refusal(status, body)

    async def close(self) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()

    async def _send(
        self, method: str, url: str, data: bytes | None, bound: int
    ) -> tuple[int, bytes]:
        """S3's last word; what it asks to try again is tried again."""
        for tries in range(STORE_TRIES):
            if tries:
                await asyncio.sleep(STORE_PAUSE * 2 ** (tries - 1))
            trouble: str
            try:
                status, body = await self._once(method, url, data, bound)
                if status < 500:
                    return status, body
                trouble = f"{status}: {_words(body)}"
            except (TimeoutError, aiohttp.ClientError, OSError) as error:
                trouble = f"the connection broke ({type(error).__name__})"
        raise BackendUnreachable(f"S3 {method}: {trouble}")

    async def _once(
        self, method: str, url: str, data: bytes | None, bound: int
    ) -> tuple[int, bytes]:
        try:
            target = yarl.URL(url, encoded=True)
            if target.scheme not in ("http", "https") or not target.host:
                raise BackendBadAnswer("a presigned URL that is none")
        except ValueError as error:
            raise BackendBadAnswer("a presigned URL that is none") from error
        async with self._opened().request(
            method, target, data=data, skip_auto_headers=("Content-Type",)
        ) as response:
            parts = bytearray()
            most = bound if response.status < 300 else SMALL_BYTES
            async for chunk in response.content.iter_chunked(1 << 18):
                parts += chunk
                if len(parts) > most:
                    raise BackendBadAnswer(f"an object of more than {bound} bytes")
            return response.status, bytes(parts)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._tls(), limit=32),
                timeout=aiohttp.ClientTimeout(total=STORE_SECONDS, connect=CONNECT_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


def _refusal(status: int, body: bytes) -> BackendError:
    words = f"S3 {status}: {_words(body)}"
    return LinkExpired(words) if _expired(body) else BackendFailed(words)


def _expired(body: bytes) -> bool:
    """403 `AccessDenied`, "Request has expired" (aws 2.5); a token's end is `ExpiredToken`."""
    return b"expired" in body[:2000].lower()


def _words(body: bytes) -> str:
    """S3's code and sentence out of its XML; never the signature that stands there as well."""
    text = body[:2000].decode("utf-8", "replace")
    found = [
        text.split(f"<{tag}>", 1)[1].split(f"</{tag}>", 1)[0]
        for tag in ("Code", "Message")
        if f"<{tag}>" in text
    ]
    return " ".join(found) or "no words"
