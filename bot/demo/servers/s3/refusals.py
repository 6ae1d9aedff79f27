"""How S3 says no: an XML ``Error`` with a code, a sentence, and what the code calls for."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from xml.sax.saxutils import escape

from aiohttp import web


class S3Refusal(Exception):
    """A request that S3 does not serve; ``details`` become elements after ``Message``."""

    def __init__(
        self, status: int, code: str, message: str, details: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, code, message)
        self.status = status
        self.code = code
        self.message = message
        self.details = dict(details or {})

    def response(self, method: str) -> web.Response:
        """As it goes out; the answer to a HEAD has no body, so no code either."""
        request_id = secrets.token_hex(8).upper()
        headers = {"x-amz-request-id": request_id, "x-amz-id-2": secrets.token_urlsafe(42)}
        fields = {"Code": self.code, "Message": self.message, **self.details}
        fields |= {"RequestId": request_id, "HostId": headers["x-amz-id-2"]}
        rows = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in fields.items())
        text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{rows}</Error>'
        body = "" if method == "HEAD" else text
        return web.Response(
            status=self.status, text=body, content_type="application/xml", headers=headers
        )


def access_denied(message: str = "Access Denied", **details: str) -> S3Refusal:
    """403, for whatever is not allowed."""
    return S3Refusal(403, "AccessDenied", message, details)


def slow_down() -> S3Refusal:
    """503, S3's way to throttle."""
    return S3Refusal(503, "SlowDown", "Please reduce your request rate.")


def internal_error() -> S3Refusal:
    """500, which S3 asks clients to try again."""
    return S3Refusal(500, "InternalError", "We encountered an internal error. Please try again.")


def may_not_list(bucket: str, user: str) -> S3Refusal:
    """403, when ``s3:ListBucket`` is missing; then a missing object is no 404 either."""
    return access_denied(
        f"User: {user} is not authorized to perform: s3:ListBucket on resource: "
        f'"arn:aws:s3:::{bucket}" because no identity-based policy allows the '
        "s3:ListBucket action"
    )
