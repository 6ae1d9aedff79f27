"""What S3 remembers, kept by moto: its web application, called in one thread of this process.

moto is asked as over the wire, without one; it is no part of Easel's own needs and is imported
only when somebody starts the stand-in.
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ClassVar, Final, TypeVar
from urllib.parse import quote, unquote
from xml.etree import ElementTree as ET

from bot.errors import ConfigurationError

REGION: Final = "us-east-1"
_SIGNED: Final = {
    "Authorization": f"AWS4-HMAC-SHA256 Credential=demo/20240101/{REGION}/s3/aws4_request, "
    "SignedHeaders=host, Signature=0"
}
"""moto reads account and region from it, and checks nothing."""
_PAGE: Final = "{http://s3.amazonaws.com/doc/2006-03-01/}"
T = TypeVar("T")
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass(frozen=True)
class Reply:
    """An answer of moto's, whole."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Store:
    """One bucket. moto has one memory for a process: a name can be open only once in it."""

    _open: ClassVar[set[str]] = set()

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket
        self._app: Wsgi | None = None
        self._thread: ThreadPoolExecutor | None = None

    async def open(self) -> None:
        """An empty bucket.

        ``ConfigurationError`` without moto, ``ValueError`` if it is open or no name for a bucket.
        """
        if self.bucket in self._open:
            raise ValueError(f"the bucket {self.bucket} is already served in this process")
        # One thread: moto's memory is made of plain dicts.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="s3")
        try:
            self._app = await self._aside(_application)
            await self._make()
        except BaseException:
            self._leave()
            raise
        self._open.add(self.bucket)

    async def close(self) -> None:
        """Forget all objects and the bucket; nothing if it is not open."""
        if self._app is None:
            return
        for key in await self.keys(""):
            await self.delete(key)
        await self.ask("DELETE", f"/{self.bucket}", headers=_SIGNED)
        self._open.discard(self.bucket)
        self._leave()

    async def ask(
        self,
        method: str,
        path: str,
        query: str = "",
        *,
        headers: Mapping[str, str],
        body: bytes = b"",
    ) -> Reply:
        """moto's answer; ``path`` and ``query`` as they stand in a request line."""
        app = self._app
        if app is None:
            raise RuntimeError("the store is not open")
        return await self._aside(lambda: _call(app, _environ(method, path, query, headers, body)))

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        """Write one object, replacing any."""
        headers = {**_SIGNED, "Content-Type": content_type}
        await self.ask("PUT", self._path(key), headers=headers, body=data)

    async def get(self, key: str) -> bytes | None:
        """One object's bytes, None where there is none."""
        reply = await self.ask("GET", self._path(key), headers=_SIGNED)
        return reply.body if reply.status == 200 else None

    async def delete(self, key: str) -> None:
        """Forget one object, if there is such a one."""
        await self.ask("DELETE", self._path(key), headers=_SIGNED)

    async def keys(self, prefix: str) -> list[str]:
        """All keys that begin with ``prefix``, in the order of their bytes."""
        found: list[str] = []
        more = True
        while more:
            after = quote(found[-1], safe="") if found else ""
            query = f"list-type=2&prefix={quote(prefix, safe='')}&start-after={after}"
            reply = await self.ask("GET", f"/{self.bucket}", query, headers=_SIGNED)
            page = ET.fromstring(reply.body)  # noqa: S314 - moto's own words
            found += [row.text or "" for row in page.iter(f"{_PAGE}Key")]
            more = page.findtext(f"{_PAGE}IsTruncated") == "true"
        return found

    def _path(self, key: str) -> str:
        return f"/{self.bucket}/{quote(key, safe='/-_.~')}"

    async def _make(self) -> None:
        made = await self.ask("PUT", f"/{self.bucket}", headers=_SIGNED)
        if made.status != 200:
            raise ValueError(f"no name for a bucket: {self.bucket}")

    def _leave(self) -> None:
        thread, self._app, self._thread = self._thread, None, None
        if thread is not None:
            thread.shutdown(wait=False)

    async def _aside(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _application() -> Wsgi:
    try:
        from moto.moto_server.werkzeug_app import create_backend_app
    except ImportError as error:
        raise ConfigurationError(
            "The stand-in for S3 needs the extra aws-demo: pip install -e '.[aws-demo]'"
        ) from error
    app: Wsgi = create_backend_app("s3").wsgi_app
    return app


def _environ(
    method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
) -> dict[str, Any]:
    """A request as WSGI (PEP 3333) hands it on; the path is bytes in the guise of Latin-1."""
    given = {key.upper().replace("-", "_"): value for key, value in headers.items()}
    plain = {key: given.pop(key) for key in ("CONTENT_TYPE",) if key in given}
    given.pop("CONTENT_LENGTH", None)
    host = f"s3.{REGION}.amazonaws.com"
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(path, encoding="latin-1"),
        "RAW_URI": f"{path}?{query}" if query else path,
        "QUERY_STRING": query,
        "SERVER_NAME": host,
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **plain,
        **{f"HTTP_{key}": value for key, value in given.items()},
        "HTTP_HOST": host,
    }


def _call(app: Wsgi, environ: dict[str, Any]) -> Reply:
    begun: list[Any] = []
    chunks = app(environ, lambda status, headers, *_: begun.extend((status, headers)))
    try:
        body = b"".join(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    return Reply(int(begun[0].split()[0]), begun[1], body)
