"""Believes no 200 of the extension's middleware: one place that tells a yes from all its noes.

The first generation says errors in a 200, in five forms; the second has codes and one envelope;
the gateway has words of its own (contracts, aws 2.1 and 2.2).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from bot.backends.http import TOO_LARGE, Answer, error_text, raise_for_status
from bot.backends.sdapi_probe import NO_INTERFACE
from bot.errors import (
    BackendBadAnswer,
    BackendBusy,
    BackendError,
    BackendFailed,
    BackendOutOfMemory,
    BackendRefused,
    BackendRejectedCredentials,
    BackendUnreachable,
)

WRONG_PLACE: Final = "no such address: check url, which needs the stage, as in …amazonaws.com/prod"
NO_ENDPOINT: Final = (
    "No machine of the image server is running for this. Its operator has to start one."
)
MODEL_GONE: Final = "The image server doesn't have that model any more. Please choose another one."
_TROUBLES: Final = frozenset({500, 502, 503, 504})
_LONGEST_RAW: Final = 16 << 10


class UnknownJob(BackendFailed):
    """No job has this id: it was deleted, or never made. To others a failure like any."""

    code = BackendFailed.__name__


class UnknownKeys(BackendRefused):
    """The route takes no pictures' fields: it is the two-step one (aws 2.2)."""

    code = BackendRefused.__name__


def value_of(answer: Answer) -> Any:
    """What a yes says, `data` of the envelope where there is one; None for an empty answer.

    Raises BackendBusy (429, or an endpoint that is not ready yet), BackendUnreachable for the
    gateway's own trouble, BackendRejectedCredentials, UnknownJob, UnknownKeys, BackendRefused,
    BackendFailed, BackendOutOfMemory, and BackendBadAnswer for what is no JSON or no route.
    """
    status = answer.status
    if status == 429:
        raise_for_status(answer)
    if status in _TROUBLES and not _from_lambda(answer):
        raise BackendUnreachable(f"{status}: {error_text(answer)}", taken=True)
    if status >= 300:
        raise refusal(status, error_text(answer))
    if not answer.body.strip():
        return None
    body = answer.json()
    if isinstance(body, dict):
        if (told := _trouble(body)) is not None:
            raise refusal(*told)
        return body["data"] if "data" in body and "statusCode" in body else body
    return body


def _from_lambda(answer: Answer) -> bool:
    """FastAPI's 500 `{"detail"}` and the envelope's `{"statusCode": 500}` were meant."""
    try:
        body = answer.json()
    except BackendError:
        return False
    return isinstance(body, dict) and bool(body.keys() & {"detail", "statusCode"})


def _trouble(body: Mapping[str, Any]) -> tuple[int, str] | None:
    """Code and words of an error in a 200; None for a yes.

    The order is that of aws 2.1. A row of a job has a `status` as well, but in words.
    """
    code = _code(body.get("statusCode")) or _code(body.get("status"))
    keys = ("errMsg", "err", "error", "errorMessage", "detail", "msg", "message")
    words = next((w for key in keys if (w := _words(body.get(key)))), "")
    if "errorMessage" in body:
        return 500, f"{body.get('errorType', '')}: {words}"
    if code is not None:
        return (code, words or "no words") if code >= 300 else None
    told = any(body.get(key) for key in ("errMsg", "err", "error", "detail"))
    # A bare row may have any field; the gateway's own 200 has none of these.
    return (500, words) if told and "InferenceJobId" not in body else None


def _code(value: Any) -> int | None:
    """`200`, `"500"` and, in one place of the document, `"200,"`."""
    match = re.match(r"[1-5][0-9]{2}\b", str(value)) if isinstance(value, int | str) else None
    return int(match[0]) if match else None


def _words(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))[:500]
    return str(value)[:500] if isinstance(value, str) else ""


def refusal(code: int, words: str) -> BackendError:
    """Our error for a no; its words are for the log only."""
    detail = f"{code}: {words}"
    for pattern, ours in _MEANINGS:
        if pattern.search(detail):
            return ours(detail)
    # A real-time model's own trouble comes as a 400 with what Python prints (aws 2.3).
    meant = 400 <= code < 500 and not words.startswith("{'error'")
    return BackendRefused(detail) if meant else BackendFailed(detail)


def _no_endpoint(hint: str) -> Callable[[str], BackendError]:
    return lambda detail: BackendFailed(f"{detail}{hint}", sentence=NO_ENDPOINT)


def _meanings(
    *table: tuple[str, Callable[[str], BackendError]],
) -> tuple[tuple[re.Pattern[str], Callable[[str], BackendError]], ...]:
    return tuple((re.compile(pattern, re.IGNORECASE), ours) for pattern, ours in table)


_MEANINGS: Final = _meanings(
    (
        "missing authentication token",
        lambda d: BackendBadAnswer(f"{d}; {WRONG_PLACE}", sentence=NO_INTERFACE),
    ),
    (
        r'^401|user: ".*" not exist',
        lambda d: BackendRejectedCredentials(f"{d}: nobody knows this user, see extension.user"),
    ),
    ("^403|permission", BackendRejectedCredentials),
    ("unexpected keyword argument", UnknownKeys),
    (r"no inference job info|inference with id|inferencejobid \S+ not found", UnknownJob),
    (
        "checkpoint with name .* not found",
        lambda d: BackendRefused(d, sentence=MODEL_GONE),
    ),
    ("not ready with status: (failed|deleting|deleted)", _no_endpoint("")),
    ("not ready with status", lambda d: BackendBusy(d, retry_after=30.0)),
    ("no available .*endpoint", _no_endpoint("")),
    ("list index out of range", _no_endpoint(": no endpoint has this name")),
    (r"endpoint \S+ is of type", _no_endpoint("; see extension.real_time")),
    (r"out\s*of\s*memory", BackendOutOfMemory),
    ("^413", lambda d: BackendRefused(d, sentence=TOO_LARGE)),
)
"""What noes mean by their code and words (aws 2.1, 2.2); the first that fits counts."""


def failed(raw: Any) -> BackendError:
    """The error of a job that failed, from its `sagemakerRaw`: what Python prints of SageMaker's
    message, with `failureReason`, or what the model itself answered (aws 2.2)."""
    reason = _reason(raw)
    if re.search(r"out\s*of\s*memory", reason, re.IGNORECASE):
        return BackendOutOfMemory(reason)
    return BackendFailed(reason)


def _reason(raw: Any) -> str:
    if not isinstance(raw, str) or not raw.strip():
        return "the job failed, and nothing says why"
    text = raw[:_LONGEST_RAW]
    try:
        held = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text[:500]
    told = held.get("failureReason") if isinstance(held, dict) else None
    return str(told or text)[:500]
