"""S3 as results are read from it: list, get, and for sources put and a link. By obstore.

obstore (Rust's object_store) is asynchronous by itself, signs, retries, pages, and finds
credentials in the environment, by web identity and of an instance's role. It has no profiles of
`~/.aws`. Source of what lies where: contracts, aws 1.5.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import obstore
from obstore.exceptions import BaseError, NotFoundError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from bot.errors import BackendBadAnswer, BackendRejectedCredentials, BackendUnreachable
from bot.settings.aws import S3Settings

_CODE = re.compile(r"<Code>(\w+)</Code>")
_DENIED = frozenset(
    (
        "AccessDenied",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "ExpiredToken",
        "InvalidToken",
        "AllAccessDisabled",
    )
)
SECONDS = 30.0
LINK_SECONDS = 6 * 3600
"""A link to a source outlives the longest wait for a cold start."""


class Bucket:
    """One bucket; every method raises BackendRejectedCredentials (no right to do that) or
    BackendUnreachable. `asked` counts the calls, a listing by its pages."""

    def __init__(self, settings: S3Settings, name: str | None = None) -> None:
        self.name = name or settings.bucket
        self.asked = 0
        given: dict[str, Any] = {
            "endpoint": settings.endpoint,
            "credential_provider": _keys(settings),
        }
        plain = (settings.endpoint or "").startswith("http://")
        self._store: Any = S3Store(
            self.name,
            region=settings.region,
            virtual_hosted_style_request=settings.endpoint is None,
            client_options={"timeout": f"{SECONDS:.0f} seconds", "allow_http": plain},
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=SECONDS)},
            **{key: value for key, value in given.items() if value is not None},
        )

    async def keys(self, folder: str) -> list[tuple[str, float]]:
        """All keys under `folder` (whole segments of a path), each with its time (epoch seconds).

        Needs s3:ListBucket.
        """
        found: list[tuple[str, float]] = []
        try:
            self.asked += 1
            async for page in obstore.list(self._store, folder, chunk_size=1000):
                self.asked += bool(found)
                found += [(str(one["path"]), one["last_modified"].timestamp()) for one in page]
        except BaseError as error:
            raise _ours(error, f"list {self.name}") from error
        return found

    async def get(self, key: str, most: int) -> bytes:
        """One object of at most `most` bytes, else BackendBadAnswer. Needs s3:GetObject."""
        self.asked += 1
        try:
            result: Any = await obstore.get_async(self._store, key)
            if result.meta["size"] > most:
                raise BackendBadAnswer(f"an object of {result.meta['size']} bytes (bound {most})")
            return bytes(await result.bytes_async())
        except BaseError as error:
            raise _ours(error, f"get from {self.name}") from error

    async def may_get(self, key: str) -> None:
        """Asks for an object that need not be there: it is about the right to read."""
        self.asked += 1
        try:
            await obstore.get_async(self._store, key)
        except (NotFoundError, FileNotFoundError):
            return
        except BaseError as error:
            raise _ours(error, f"get from {self.name}") from error

    async def put(self, key: str, data: bytes) -> None:
        """Lays one object there. Needs s3:PutObject."""
        self.asked += 1
        try:
            await obstore.put_async(self._store, key, data)
        except BaseError as error:
            raise _ours(error, f"put into {self.name}") from error

    async def link(self, key: str) -> str:
        """An address at which whoever has it may read one object for `LINK_SECONDS`."""
        try:
            signed: Any = await obstore.sign_async(
                self._store, "GET", key, timedelta(seconds=LINK_SECONDS)
            )
        except BaseError as error:
            raise _ours(error, f"sign for {self.name}") from error
        return str(signed)


def _keys(settings: S3Settings) -> Callable[[], dict[str, Any]] | None:
    """Keys of the settings, and nothing of the environment beside them; None: the usual chain."""
    key, secret, token = (
        held.get_secret_value() if held is not None else None
        for held in (settings.access_key_id, settings.secret_access_key, settings.session_token)
    )
    if key is None:
        return None
    given = {"access_key_id": key, "secret_access_key": secret, "token": token, "expires_at": None}
    return lambda: given


def _ours(error: BaseError, what: str) -> BackendRejectedCredentials | BackendUnreachable:
    # Its words hold the address and the request; the first line names the reason.
    reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else "no words"
    # A listing that is refused comes as a general error.
    code = _CODE.search(str(error))
    denied = code is not None and code[1] in _DENIED
    if denied or isinstance(error, PermissionDeniedError | UnauthenticatedError):
        reason = code[1] if code is not None else reason
        return BackendRejectedCredentials(f"S3 does not let us {what}: {reason}")
    return BackendUnreachable(f"S3: could not {what}: {reason}")


def by_number(keys: Sequence[str]) -> list[str]:
    """Keys `…-1.png`, `…-10.png` in the order of their numbers."""

    def number(key: str) -> int:
        digits = key.rsplit("-", 1)[-1].split(".", 1)[0]
        return int(digits) if digits.isascii() and digits.isdigit() else 0

    return sorted(keys, key=number)
