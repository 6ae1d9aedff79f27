"""Who signed a request, and whether what arrived is what was signed.

Version 2 in the query is what boto3 presigns by default: HMAC-SHA1, the Content-Type among what
is signed (contract aws, 2.5). Version 4 is in the ``Authorization`` header, or in the query too;
there only the headers that it names are signed.
"""

from __future__ import annotations

import base64
import calendar
import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, quote, unquote

from bot.demo.servers.s3.refusals import S3Refusal, access_denied

UNSIGNED: Final = "UNSIGNED-PAYLOAD"
_MOST_SKEW: Final = 15 * 60
_SUBRESOURCES: Final = frozenset(
    {"acl", "cors", "delete", "lifecycle", "location", "logging", "notification", "partNumber"}
    | {"policy", "requestPayment", "restore", "tagging", "torrent", "uploadId", "uploads"}
    | {"versionId", "versioning", "versions", "website"}
)
"""Query parameters that version 2 signs, besides ``response-*``."""


@dataclass(frozen=True)
class Keys:
    """Credentials; those of a role have a session token."""

    access: str
    secret: str
    token: str = ""


@dataclass(frozen=True)
class Sent:
    """A request as it arrived: ``path`` and ``query`` undecoded, header names in lower case.

    ``resource`` is the path with the bucket, also when the bucket stood in the host name.
    """

    method: str
    path: str
    resource: str
    query: str
    headers: Mapping[str, str]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The query's names and values, decoded; S3 knows no ``+`` for a space."""
        return parse_qsl(self.query.replace("+", "%2B"), keep_blank_values=True)


def check(sent: Sent, known: Mapping[str, Keys], now: float) -> None:
    """Raises ``S3Refusal`` unless one of the ``known`` keys signed this, and lately.

    ``now`` is in seconds since 1970.
    """
    query, header = dict(sent.pairs), sent.headers.get("authorization", "")
    ways = [bool(header), "X-Amz-Algorithm" in query, "Signature" in query]
    if sum(ways) > 1:
        raise _two_mechanisms(header)
    if ways[2]:
        _check_v2(sent, query, known, now)
    elif ways[1]:
        _check_v4_query(sent, query, known, now)
    elif header.startswith("AWS4-HMAC-SHA256 "):
        _check_v4_header(sent, header, known, now)
    elif header:
        words = "The authorization mechanism you have provided is not supported. Please use "
        raise S3Refusal(400, "InvalidRequest", f"{words}AWS4-HMAC-SHA256.")
    else:
        raise access_denied()


def presign_v2(sent: Sent, keys: Keys, expires: int) -> str:
    """The query that lets anybody send ``sent`` until ``expires`` (seconds since 1970)."""
    given = {"x-amz-security-token": keys.token} if keys.token else {}
    signature = _sign_v2(keys.secret, _string_v2(sent, given, str(expires)))
    query = {"AWSAccessKeyId": keys.access, "Signature": signature, **given}
    query["Expires"] = str(expires)
    return "&".join(f"{key}={quote(value, safe='')}" for key, value in query.items())


def _check_v2(sent: Sent, query: Mapping[str, str], known: Mapping[str, Keys], now: float) -> None:
    keys = _known(query.get("AWSAccessKeyId", ""), query.get("x-amz-security-token", ""), known)
    expires = query.get("Expires", "")
    if not expires.isdigit():
        raise access_denied("Query-string authentication requires Expires.")
    if now > int(expires):
        raise _expired(int(expires), now)
    words = _string_v2(sent, query, expires)
    _same(query["Signature"], _sign_v2(keys.secret, words), keys, words)


def _string_v2(sent: Sent, query: Mapping[str, str], expires: str) -> str:
    headers = {**sent.headers, **query}
    amz = {key.lower(): headers[key] for key in headers if key.lower().startswith("x-amz-")}
    parts = sorted(
        key if not value else f"{key}={value}"
        for key, value in sent.pairs
        if key in _SUBRESOURCES or key.startswith("response-")
    )
    lines = [
        sent.method,
        sent.headers.get("content-md5", ""),
        sent.headers.get("content-type", ""),
        expires,
        *(f"{key}:{amz[key].strip()}" for key in sorted(amz)),
        sent.resource + ("?" + "&".join(parts) if parts else ""),
    ]
    return "\n".join(lines)


def _sign_v2(secret: str, words: str) -> str:
    # SHA-1 is what version 2 is made of.
    return base64.b64encode(hmac.digest(secret.encode(), words.encode(), "sha1")).decode()


def _check_v4_header(sent: Sent, header: str, known: Mapping[str, Keys], now: float) -> None:
    rows = (part.strip().partition("=") for part in header.partition(" ")[2].split(","))
    fields = {key: value for key, _, value in rows}
    keys = _known(_access(fields), sent.headers.get("x-amz-security-token", ""), known)
    date = sent.headers.get("x-amz-date", "")
    if abs(now - _seconds(date)) > _MOST_SKEW:
        words = "The difference between the request time and the current time is too large."
        raise S3Refusal(403, "RequestTimeTooSkewed", words, {"RequestTime": date})
    payload = sent.headers.get("x-amz-content-sha256", UNSIGNED)
    _check_v4(sent, fields, keys, date, payload)


def _check_v4_query(
    sent: Sent, query: Mapping[str, str], known: Mapping[str, Keys], now: float
) -> None:
    fields = {key: query.get(f"X-Amz-{key}", "") for key in ("Credential", "SignedHeaders")}
    fields["Signature"] = query.get("X-Amz-Signature", "")
    keys = _known(_access(fields), query.get("X-Amz-Security-Token", ""), known)
    date, seconds = query.get("X-Amz-Date", ""), query.get("X-Amz-Expires", "")
    if not seconds.isdigit():
        raise S3Refusal(
            400, "AuthorizationQueryParametersError", "X-Amz-Expires should be a number"
        )
    expires = _seconds(date) + int(seconds)
    if now > expires:
        raise _expired(expires, now)
    _check_v4(sent, fields, keys, date, sent.headers.get("x-amz-content-sha256", UNSIGNED))


def _check_v4(sent: Sent, fields: Mapping[str, str], keys: Keys, date: str, payload: str) -> None:
    scope = fields["Credential"].split("/")[1:]
    names = fields.get("SignedHeaders", "").split(";")
    request = _canonical(sent, names, payload)
    digest = hashlib.sha256(request.encode()).hexdigest()
    words = "\n".join(["AWS4-HMAC-SHA256", date, "/".join(scope), digest])
    key = f"AWS4{keys.secret}".encode()
    for part in (*scope, words):
        key = hmac.digest(key, part.encode(), "sha256")
    _same(fields.get("Signature", ""), key.hex(), keys, words)


def _canonical(sent: Sent, names: Sequence[str], payload: str) -> str:
    pairs = [(k, v) for k, v in sent.pairs if k != "X-Amz-Signature"]
    quoted = sorted((quote(k, safe="-_.~"), quote(v, safe="-_.~")) for k, v in pairs)
    lines = [
        sent.method,
        quote(unquote(sent.path), safe="/-_.~"),
        "&".join(f"{key}={value}" for key, value in quoted),
        *(f"{name}:{' '.join(sent.headers.get(name, '').split())}" for name in names),
        "",
        ";".join(names),
        payload,
    ]
    return "\n".join(lines)


def _known(access: str, token: str, known: Mapping[str, Keys]) -> Keys:
    keys = known.get(access)
    if keys is None:
        words = "The AWS Access Key Id you provided does not exist in our records."
        raise S3Refusal(403, "InvalidAccessKeyId", words, {"AWSAccessKeyId": access})
    if token != keys.token:
        words = "The provided token is malformed or otherwise invalid."
        raise S3Refusal(400, "InvalidToken", words)
    return keys


def _access(fields: Mapping[str, str]) -> str:
    return fields.get("Credential", "").partition("/")[0]


def _same(given: str, right: str, keys: Keys, words: str) -> None:
    if hmac.compare_digest(given.encode(), right.encode()):
        return
    message = (
        "The request signature we calculated does not match the signature you provided. "
        "Check your key and signing method."
    )
    details = {
        "AWSAccessKeyId": keys.access,
        "StringToSign": words,
        "SignatureProvided": given,
        "StringToSignBytes": words.encode().hex(" "),
    }
    raise S3Refusal(403, "SignatureDoesNotMatch", message, details)


def _two_mechanisms(header: str) -> S3Refusal:
    words = (
        "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature "
        "query string parameter or the Authorization header should be specified"
    )
    details = {"ArgumentName": "Authorization", "ArgumentValue": header}
    return S3Refusal(400, "InvalidArgument", words, details)


def _expired(at: float, now: float) -> S3Refusal:
    return access_denied("Request has expired", Expires=_moment(at), ServerTime=_moment(now))


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _seconds(date: str) -> float:
    """Seconds since 1970 of ``20240131T235959Z``; 0 for anything else, which is long ago."""
    try:
        return calendar.timegm(time.strptime(date, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        return 0.0
