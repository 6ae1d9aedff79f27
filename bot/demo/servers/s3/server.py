"""The front of the stand-in for S3: it counts, verifies, makes trouble, and hands on to moto."""

from __future__ import annotations

import asyncio
import time
from typing import Final
from urllib.parse import quote

from aiohttp import web

from bot.demo.servers.s3 import signatures
from bot.demo.servers.s3.faults import S3Fault, S3Faults
from bot.demo.servers.s3.refusals import (
    S3Refusal,
    access_denied,
    internal_error,
    may_not_list,
    slow_down,
)
from bot.demo.servers.s3.signatures import Keys, Sent
from bot.demo.servers.s3.store import REGION, Reply, Store

_LARGEST_OBJECT: Final = 512 * 1024 * 1024
_OWN_HEADERS: Final = frozenset(
    {"connection", "content-length", "date", "server", "transfer-encoding"}
)
_USER_ARN: Final = "arn:aws:iam::123456789012:user/easel"
_SECRETS: Final = frozenset({"x-api-key", "username"})
_OBJECTS: Final = {
    "GET": "GetObject",
    "HEAD": "HeadObject",
    "PUT": "PutObject",
    "DELETE": "DeleteObject",
}


class DemoS3:
    """One bucket behind ``url``, path style and virtual-hosted style (``<bucket>.localhost``).

    ``port`` 0 takes any free one. Needs the extra aws-demo. ``access_key`` and ``secret_key``
    are those of a user of the account; presigned URLs are signed by ``role``, which has a session
    token, as a lambda's are (contract aws, 2.5).

    Tests look at ``requests`` (method, path, query, seconds since 1970; the first three as they
    were sent) of all that clients asked, not what stand-ins wrote, and at ``leaks`` (header, path):
    credentials of another service that were sent here, which S3 overlooks. They order trouble
    with ``faults``, or take away the right to list with ``may_list``: then a missing object is
    403 too, as on S3.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0, bucket: str = "easel-demo") -> None:
        self.bucket = bucket
        self.region = REGION
        self.access_key = "AKIADEMOEASEL0000001"
        self.secret_key = "demo/secret+key"  # noqa: S105 - public on purpose
        self.requests: list[tuple[str, str, str, float]] = []
        self.leaks: list[tuple[str, str]] = []
        self.faults = S3Faults()
        self.may_list = True
        self.role = Keys("ASIADEMOLAMBDA000001", "role/secret", "FwoGZXIvYXdzE+demo/token==")
        user = Keys(self.access_key, self.secret_key)
        self._known = {keys.access: keys for keys in (user, self.role)}
        self._host, self._port = host, port
        self._store = Store(bucket)
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The endpoint, without the bucket; known after ``start``."""
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen, with an empty bucket.

        ``ConfigurationError`` without the extra aws-demo, ``ValueError`` if a bucket of this name
        is served in this process already, ``OSError`` if the port is taken.
        """
        await self._store.open()
        try:
            await self._listen()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Stop listening and forget all objects."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        await self._store.close()

    async def put(self, key: str, data: bytes, content_type: str | None = None) -> None:
        """Write an object; without a type it has S3's own, ``binary/octet-stream``."""
        await self._store.put(key, data, content_type or "binary/octet-stream")

    async def get(self, key: str) -> bytes | None:
        """An object's bytes, None where there is none."""
        return await self._store.get(key)

    async def keys(self, prefix: str = "") -> list[str]:
        """Keys that begin with ``prefix``, in S3's order."""
        return await self._store.keys(prefix)

    async def delete(self, prefix: str = "") -> None:
        """Forget all objects whose key begins with ``prefix``."""
        for key in await self._store.keys(prefix):
            await self._store.delete(key)

    def presigned(self, method: str, key: str, seconds: float = 3600) -> str:
        """A URL for one method on one object, as boto3 makes it by default (version 2).

        No Content-Type is signed, so none may be sent. Negative ``seconds``: expired already.
        """
        path = f"/{self.bucket}/{quote(key, safe='/-_.~')}"
        unsigned = Sent(method, path, path, "", {})
        query = signatures.presign_v2(unsigned, self.role, int(time.time() + seconds))
        return f"{self.url}{path}?{query}"

    async def _listen(self) -> None:
        app = web.Application(client_max_size=_LARGEST_OBJECT)
        app.router.add_route("*", "/{tail:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        sent = self._sent(request)
        self.requests.append((sent.method, sent.path, sent.query, time.time()))
        self.leaks += [(name, sent.path) for name in sent.headers if name in _SECRETS]
        action = _action(sent)
        fault = self.faults.take(action)
        if fault is not None and fault.do == "reset":
            return _hung_up(request)
        try:
            if fault is not None:
                await self._trouble(fault, action)
            signatures.check(sent, self._known, time.time())
            reply = await self._served(sent, action, await request.read())
        except S3Refusal as refusal:
            return refusal.response(sent.method)
        return await _response(request, reply, cut=fault is not None and fault.do == "cut")

    async def _served(self, sent: Sent, action: str, body: bytes) -> Reply:
        bucket = sent.resource.split("/")[1]
        if bucket not in ("", self.bucket):
            words = "The specified bucket does not exist"
            raise S3Refusal(404, "NoSuchBucket", words, {"BucketName": bucket})
        if action == "ListBucket" and not self.may_list:
            raise may_not_list(self.bucket, _USER_ARN)
        reply = await self._store.ask(
            sent.method, sent.resource, sent.query, headers=sent.headers, body=body
        )
        if reply.status == 404 and not self.may_list:
            raise access_denied()
        return reply

    async def _trouble(self, fault: S3Fault, action: str) -> None:
        if fault.do == "slow_down":
            raise slow_down()
        if fault.do == "internal":
            raise internal_error()
        if fault.do == "denied":
            listing = action == "ListBucket"
            raise may_not_list(self.bucket, _USER_ARN) if listing else access_denied()
        if fault.do == "slow":
            await asyncio.sleep(fault.seconds)

    def _sent(self, request: web.Request) -> Sent:
        path, _, query = request.raw_path.partition("?")
        headers = {key.lower(): value for key, value in request.headers.items()}
        in_host = headers.get("host", "").startswith(f"{self.bucket}.")
        resource = f"/{self.bucket}{path}" if in_host else path
        return Sent(request.method, path, resource, query, headers)


def _action(sent: Sent) -> str:
    """The name that IAM and the faults have for a request; "" for the rarer ones."""
    key = sent.resource.strip("/").partition("/")[2]
    if key:
        return _OBJECTS.get(sent.method, "")
    return "ListBucket" if sent.method == "GET" else ""


def _hung_up(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _response(request: web.Request, reply: Reply, *, cut: bool) -> web.StreamResponse:
    response = web.StreamResponse(status=reply.status)
    for key, value in reply.headers:
        if key.lower() not in _OWN_HEADERS and not key.lower().startswith("access-control"):
            response.headers[key] = value
    length = {key.lower(): value for key, value in reply.headers}.get("content-length")
    if request.method == "HEAD" and length is not None:
        response.headers["Content-Length"] = length
    elif reply.status not in (204, 304):
        response.content_length = len(reply.body)
    await response.prepare(request)
    if request.method != "HEAD" and reply.body:
        await response.write(reply.body[: len(reply.body) // 2] if cut else reply.body)
    if cut and request.transport is not None:
        request.transport.close()
        return response
    await response.write_eof()
    return response
